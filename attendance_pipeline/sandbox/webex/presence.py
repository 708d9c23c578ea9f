"""Who was there as Webex's reports of ended meetings tell it: a row per participant, with devices and breakouts.

The lobby is in none of these reports, so whoever only waited isn't either. A device that moves between the main
room and a breakout stays one device, from its join to its leave; the breakouts are the participant's. So what the
rows can tell is each device's presence, cut at the bounds of the participant's own breakouts: `cut` is that rule,
and what it yields is the truth about a Webex meeting.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from attendance_pipeline.sandbox.model import Occurrence, Person, Stay
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.truth import union

MOVE = timedelta(seconds=1)
"""The longest that a move between rooms takes."""

# meetings whose rows are kept
PRESENCES_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Breakout:
    """One participant's time in one breakout session."""

    number: int
    joined: datetime
    left: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """One join to one leave of one device, whatever rooms it was in."""

    kind: Literal["desktop", "mobile", "phone"]
    joined: datetime
    left: datetime

    @property
    def seconds(self) -> int:
        """Length, in seconds."""
        return int((self.left - self.joined) / timedelta(seconds=1))


@dataclass(frozen=True, slots=True, eq=False)
class Participant:
    """One person under the e-mail address shown or, where none is, under the display name."""

    person: Person
    name: str
    """Shown on the first join, and for the whole row."""
    email: str
    registered: bool
    devices: tuple[Device, ...]
    """In order of their join."""
    breakouts: tuple[Breakout, ...]
    pieces: tuple[Stay, ...]
    """The devices' presence cut at the bounds of the breakouts."""

    @property
    def joined(self) -> datetime:
        """The first device's join."""
        return self.devices[0].joined

    @property
    def left(self) -> datetime:
        """The last leave."""
        return max(device.left for device in self.devices)


class Presence:
    """Turns the stays of an occurrence into participants, and remembers the latest."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.participants = lru_cache(maxsize=PRESENCES_KEPT)(self._participants)

    def pieces(self, occurrence: Occurrence) -> tuple[Stay, ...]:
        """Everything that the rows can tell, for the truth."""
        return tuple(piece for one in self.participants(occurrence) for piece in one.pieces)

    def _participants(self, occurrence: Occurrence) -> tuple[Participant, ...]:
        """In order of their join."""
        rows: dict[tuple[Person, str], list[Stay]] = {}
        for stay in sorted(self.organisation.stays(occurrence), key=lambda stay: (stay.joined, stay.left)):
            if stay.room != "waiting":
                rows.setdefault((stay.person, email_shown(stay) or f"name:{stay.name}"), []).append(stay)
        return tuple(_participant(stays) for stays in rows.values())


def email_shown(stay: Stay) -> str:
    """Of whoever signed in, wherever the account is, and of whoever registered; else ""."""
    return stay.person.email if stay.signed_in or stay.registered else ""


def cut(device: Device, breakouts: Iterable[Breakout]) -> Iterator[tuple[datetime, datetime, int | None]]:
    """The parts of a device's presence, each with the number of the breakout that it lies in.

    A bound at either end of the presence cuts nothing, so no part without length arises.
    """
    breakouts = tuple(breakouts)
    bounds = {bound for one in breakouts for bound in (one.joined, one.left) if device.joined < bound < device.left}
    for joined, left in pairwise([device.joined, *sorted(bounds), device.left]):
        room = (one.number for one in breakouts if one.joined <= joined < one.left)
        yield joined, left, next(room, None)


def _participant(stays: list[Stay]) -> Participant:
    """One row from all its stays, which are in order of time."""
    first = stays[0]
    devices: list[Device] = []
    inside: dict[int, list[Stay]] = {}
    for kind in dict.fromkeys(stay.device for stay in stays):
        joins: list[list[Stay]] = []
        for stay in stays:
            if stay.device != kind:
                continue
            before = joins[-1][-1] if joins else None
            if before and before.room != stay.room and timedelta() <= stay.joined - before.left <= MOVE:
                stay = replace(stay, joined=before.left)
                joins[-1].append(stay)
            else:
                joins.append([stay])
            if stay.breakout is not None:
                inside.setdefault(stay.breakout, []).append(stay)
        devices += [Device(kind, join[0].joined, join[-1].left) for join in joins]
    devices.sort(key=lambda device: (device.joined, device.left))
    breakouts = tuple(Breakout(number, *span) for number, held in sorted(inside.items()) for span in union(held))
    pieces = [
        replace(
            first,
            joined=joined,
            left=left,
            room="main" if number is None else "breakout",
            breakout=number,
            device=device.kind,
        )
        for device in devices
        for joined, left, number in cut(device, breakouts)
    ]
    return Participant(
        person=first.person,
        name=first.name,
        email=email_shown(first),
        registered=first.registered,
        devices=tuple(devices),
        breakouts=breakouts,
        pieces=tuple(pieces),
    )
