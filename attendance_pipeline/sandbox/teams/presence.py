"""Who was there as Graph's reports tell it: a record per person that it can tell, each with intervals.

The lobby is in no report, nor are breakout rooms: who moves between the main room and a breakout is there all
along. Whoever isn't signed in and didn't register is somebody else on each join, known by a name alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from attendance_pipeline.sandbox.model import Occurrence, Person, Stay
from attendance_pipeline.sandbox.organisation import Organisation

MOVE = timedelta(seconds=1)
"""The longest that a move between rooms takes."""

# meetings whose records are kept
PRESENCES_KEPT = 2_000
COUNTS_KEPT = 100_000

# a live event's attendee report lacks every so many a Left row, from the second person on
LEFT_MISSING_EVERY = 25
FIRST_LEFT_MISSING = 1


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One person as the report of one meeting knows them."""

    person: Person
    name: str
    role: Literal["Organizer", "Presenter", "Attendee"]
    signed_in: bool
    registered: bool
    intervals: tuple[Stay, ...]
    """In order of their join; all of them in the main room."""

    @property
    def email(self) -> str:
        """Shown in the record itself."""
        return self.person.email if self.signed_in else ""

    @property
    def seconds(self) -> int:
        """Sum of the intervals."""
        return sum(one.seconds for one in self.intervals)


@dataclass(frozen=True, slots=True, eq=False)
class LiveSession:
    """One join to a live event."""

    stay: Stay
    left: datetime | None
    """None where the attendee report has no Left row; the event's end is the stay's."""


class Presence:
    """Turns the stays of an occurrence into records or sessions, and remembers the latest."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.records = lru_cache(maxsize=PRESENCES_KEPT)(self._records)
        self.count = lru_cache(maxsize=COUNTS_KEPT)(self._count)
        self.sessions = lru_cache(maxsize=PRESENCES_KEPT)(self._sessions)

    def intervals(self, occurrence: Occurrence) -> tuple[Stay, ...]:
        """Everything that Graph tells of who was there, for the truth."""
        if occurrence.kind == "live_event":
            return tuple(one.stay for one in self.sessions(occurrence))
        return tuple(one for record in self.records(occurrence) for one in record.intervals)

    def _records(self, occurrence: Occurrence) -> tuple[Record, ...]:
        """In order of their first join."""
        held: dict[tuple[object, ...], list[Stay]] = {}
        for number, stay in enumerate(self._joins(occurrence)):
            known = stay.signed_in or stay.registered
            held.setdefault((stay.person, stay.signed_in) if known else (stay.person, number), []).append(stay)
        return tuple(_record(occurrence, stays) for stays in held.values())

    def _count(self, occurrence: Occurrence) -> int:
        """How many records there are: lists of reports tell it of fifty meetings at once."""
        return len(self.records(occurrence))

    def _sessions(self, occurrence: Occurrence) -> tuple[LiveSession, ...]:
        """In order of their join."""
        found = []
        for number, stay in enumerate(self._joins(occurrence)):
            missing = number % LEFT_MISSING_EVERY == FIRST_LEFT_MISSING and stay.joined < occurrence.ended_at
            shown = replace(stay, left=occurrence.ended_at) if missing else stay
            found.append(LiveSession(shown, None if missing else stay.left))
        return tuple(found)

    def _joins(self, occurrence: Occurrence) -> list[Stay]:
        """Each join to its leave, whatever rooms it was in, as far as the kind of meeting tells who it was."""
        registers = occurrence.kind in ("webinar", "town_hall")
        stays = sorted(self.organisation.stays(occurrence), key=lambda stay: (stay.joined, stay.left))
        joins = []
        for stay in _merged(stay for stay in stays if stay.room != "waiting"):
            name = stay.person.name if stay.signed_in or stay.registered else stay.name
            joins.append(
                replace(stay, name=name, registered=stay.registered and registers, room="main", breakout=None)
            )
        return joins


def email_shown(stay: Stay) -> str:
    """Of whoever signed in, wherever the account is, and of whoever registered for an event; else ""."""
    return stay.person.email if stay.signed_in or stay.registered else ""


def _merged(stays: Iterator[Stay]) -> list[Stay]:
    """Moves between rooms undone: pieces of one person on one device that touch are one."""
    joins: list[Stay] = []
    latest: dict[tuple[Person, str, bool], int] = {}
    for stay in stays:
        who = (stay.person, stay.device, stay.signed_in)
        place = latest.get(who)
        if place is not None:
            before = joins[place]
            moved = before.room != stay.room and timedelta() <= stay.joined - before.left <= MOVE
            if moved or stay.joined == before.left != stay.left:
                joins[place] = replace(before, left=stay.left, room=stay.room)
                continue
        latest[who] = len(joins)
        joins.append(stay)
    return joins


def _record(occurrence: Occurrence, stays: list[Stay]) -> Record:
    first = stays[0]
    if first.person is occurrence.host:
        role: Literal["Organizer", "Presenter", "Attendee"] = "Organizer"
    else:
        presents = first.signed_in and first.person.employed and not first.registered
        role = "Presenter" if presents else "Attendee"
    return Record(first.person, first.name, role, first.signed_in, first.registered, tuple(stays))
