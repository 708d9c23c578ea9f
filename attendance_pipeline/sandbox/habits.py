"""Who comes to an occurrence and how they behave: its stays.

Each habit (a word in `Occurrence.habits`) happens to at least one person when the occurrence has it. What
nobody could resolve never occurs: a stay that shows a name alone shows a name that only one person present
has.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from attendance_pipeline.sandbox.model import Occurrence, Person, Stay

if TYPE_CHECKING:
    import random

    from attendance_pipeline.sandbox.organisation import Organisation

PRESENT = 0.85
"""Share of a series' members who come."""
REJOIN_SHARE = 0.1
WAITING_SHARE = 0.6
"""Share of guests who see the waiting room, where there is one."""
BREAKOUT_SIZE = 4
PANEL = 3
"""Panelists of a one-off webinar; they are invited, not registered."""
CROWD_REGISTERED = 0.5


def stays(organisation: "Organisation", occurrence: Occurrence) -> tuple[Stay, ...]:
    """One stay per join, of everybody who came; joins lie within the occurrence's life."""
    roll = organisation.random("stays", occurrence.id)
    if occurrence.solo:
        whole = _stay(occurrence, occurrence.host, 0, _length(occurrence))
        return (whole,)
    people = _people(organisation, occurrence)
    registered = _registered(roll, occurrence, people)
    attendance = {person: _base_stays(roll, occurrence, person, registered=person in registered) for person in people}
    return tuple(_Behaviour(roll, occurrence, attendance).stays())


def _people(organisation: "Organisation", occurrence: Occurrence) -> list[Person]:
    """The host first; the same people after a host drop as before it."""
    host, series, habits = occurrence.host, occurrence.series, occurrence.habits
    roll = organisation.random("people", series.id, occurrence.day, occurrence.title)
    if series.members and series.kind == "meeting":
        others = [person for person in series.members if person is not host]
        came = [person for person in others if roll.random() < PRESENT]
        return [host, *(came or others[:1])]
    invited: list[Person] = [person for person in series.members if person is not host]
    if "namesakes" in habits:
        invited += organisation.namesakes
    if "unicode" in habits:
        invited += [*organisation.awkward[:2], *organisation.guests[:2]]
    if "crowd" in habits:
        employees = organisation.active
        invited += roll.sample(employees, min(len(employees), occurrence.people // 2))
    guests = 0
    if "webinar" in habits:
        guests = max(4, occurrence.people * 2 // 3)
    elif "crowd" in habits:
        guests = occurrence.people - len(invited)
    elif "guests" in habits:
        guests = max(2, occurrence.people * 2 // 5)
    invited += roll.sample(organisation.guests, min(guests, len(organisation.guests)))
    wanted = max(1, occurrence.people - 1 - len(invited))
    drawn = roll.sample(organisation.active, min(wanted + 1, len(organisation.active)))
    invited += [person for person in drawn if person is not host][:wanted]
    unique = dict.fromkeys(person for person in invited if person is not host)
    return [host, *unique]


def _registered(roll: "random.Random", occurrence: Occurrence, people: list[Person]) -> set[Person]:
    """Who registered: everybody in a webinar's audience, some guests elsewhere."""
    if "webinar" in occurrence.habits:
        employed = [person for person in people if person.employed]
        panel = occurrence.series.members or employed[:PANEL]
        return {person for person in people if person not in panel}
    guests = [person for person in people if not person.employed]
    if "crowd" in occurrence.habits:
        return {guest for guest in guests if roll.random() < CROWD_REGISTERED}
    if "registration" in occurrence.habits:
        # one who came by a forwarded link is not registered
        return set(guests[1:] or guests)
    return set()


def _base_stays(roll: "random.Random", occurrence: Occurrence, person: Person, *, registered: bool) -> list[Stay]:
    """One stay each, a little late and a little early, the host's from start to end."""
    length = _length(occurrence)
    if person is occurrence.host:
        return [_stay(occurrence, person, 0, length)]
    if "shifts" in occurrence.habits:
        begin = roll.randrange(length * 3 // 4)
        return [_stay(occurrence, person, begin, begin + roll.randint(3_600, length - begin))]
    late = min(int(roll.expovariate(1 / 120)), length // 2)
    early = min(int(roll.expovariate(1 / 45)), length // 4)
    if roll.random() < 0.06:  # has another meeting
        early = roll.randint(early, length // 2 - 1)
    stay = _stay(occurrence, person, late, length - early)
    return [replace(stay, registered=registered, signed_in=person.employed)]


class _Behaviour:
    """Applies an occurrence's habits to who came; every habit picks its people by the occurrence's dice."""

    def __init__(self, roll: "random.Random", occurrence: Occurrence, attendance: dict[Person, list[Stay]]) -> None:
        self.roll = roll
        self.occurrence = occurrence
        self.attendance = attendance
        self.others = [person for person in attendance if person is not occurrence.host]
        self.colleagues = [person for person in self.others if person.employed and not person.namesake]
        self.guests = [person for person in self.others if not person.employed]

    def stays(self) -> list[Stay]:
        """What happened, in the order in which one thing builds on another."""
        habits = self.occurrence.habits
        self._rejoin()
        if "blanked_id" in habits:
            self._return(self.guests[0], signed_in=(True, False))
        if "phone_return" in habits and self.colleagues:
            self._return(self.colleagues[0], signed_in=(True, False), device="phone")
        if "two_devices" in habits:
            self._add_second_device(self._somebody(self.colleagues))
        if "zero_length" in habits:
            self._add_zero_length(self._somebody(self.others))
        if "breakouts" in habits:
            self._break_out()
        if "waiting" in habits:
            self._wait()
        if "only_waited" in habits:
            self._only_wait(self.guests[-1])
        if "overrun" in habits:
            self._overrun(self._somebody(self.others))
        return [stay for stays in self.attendance.values() for stay in stays]

    def _somebody(self, people: list[Person]) -> Person:
        return self.roll.choice(people or self.others)

    def _rejoin(self) -> None:
        habits = self.occurrence.habits
        if "rejoin" not in habits:
            return
        share = 0.5 if "many_rejoins" in habits else REJOIN_SHARE
        picked = [person for person in self.others if self.roll.random() < share]
        for person in picked or self.others[:1]:
            self._split(person)
            if "many_rejoins" in habits:
                self._split(person)

    def _split(self, person: Person) -> bool:
        """The longest stay breaks off and goes on 3 to 240 seconds later, if it's long enough."""
        held = self.attendance[person]
        stay = max(held, key=lambda stay: stay.seconds)
        gap = self.roll.randint(3, 240)
        if stay.seconds < gap + 20:
            return False
        broke_off = self.roll.randint(10, stay.seconds - gap - 10)
        left = stay.joined + timedelta(seconds=broke_off)
        again = replace(stay, joined=left + timedelta(seconds=gap))
        if stay.registered and self.roll.random() < 0.3:
            # known by registration, so free to change the name
            again = replace(again, name=f"{person.name} ({person.email.partition('@')[2]})")
        held.remove(stay)
        held += [replace(stay, left=left), again]
        return True

    def _return(self, person: Person, *, signed_in: tuple[bool, bool], device: str = "desktop") -> None:
        """Leaves and comes back under the same display name, signed in differently."""
        while len(self.attendance[person]) < 2 and not self._split(person):
            self._lengthen(person)
        held = self.attendance[person]
        for position, stay in enumerate(held):
            last = position == len(held) - 1
            held[position] = replace(
                stay,
                name=person.name,
                signed_in=signed_in[last],
                device=device if last else stay.device,  # type: ignore[arg-type]
            )

    def _lengthen(self, person: Person) -> None:
        start, end = self.occurrence.started_at, self.occurrence.ended_at
        self.attendance[person] = [replace(self.attendance[person][0], joined=start, left=end)]

    def _add_second_device(self, person: Person) -> None:
        """A phone beside the desktop, for a part of the longest stay."""
        stay = max(self.attendance[person], key=lambda stay: stay.seconds)
        joined = stay.joined + timedelta(seconds=stay.seconds // 4)
        left = stay.left - timedelta(seconds=stay.seconds // 5)
        name = f"{person.name.split()[0]}'s iPad" if stay.signed_in else stay.name
        second = replace(stay, joined=joined, left=left, device="mobile", name=name)
        self.attendance[person].append(second)

    def _add_zero_length(self, person: Person) -> None:
        """Joins and is gone within the second, before the first real stay where that's possible."""
        first = min(self.attendance[person], key=lambda stay: stay.joined)
        moment = max(self.occurrence.started_at, first.joined - timedelta(seconds=self.roll.randint(5, 30)))
        self.attendance[person].append(replace(first, joined=moment, left=moment))

    def _break_out(self) -> None:
        """A third to two thirds through, everybody but the host is in a breakout room; moves take 0 or 1 s."""
        length = _length(self.occurrence)
        opened = self.occurrence.started_at + timedelta(seconds=length // 3)
        closed = self.occurrence.started_at + timedelta(seconds=length * 2 // 3)
        for position, person in enumerate(self.others):
            moved: list[Stay] = []
            for stay in self.attendance[person]:
                moved += self._moves(stay, opened, closed, 1 + position // BREAKOUT_SIZE)
            self.attendance[person] = moved

    def _moves(self, stay: Stay, opened: datetime, closed: datetime, number: int) -> list[Stay]:
        """One stay as the rooms cut it: a row before, in and after the breakout."""
        if stay.left <= opened or stay.joined >= closed or stay.seconds < 10:
            return [stay]
        pieces, joined = [], stay.joined
        if joined < opened:
            pieces.append(replace(stay, left=opened))
            joined = opened + timedelta(seconds=self.roll.randint(0, 1))
        left = min(stay.left, closed)
        if joined < left:
            pieces.append(replace(stay, joined=joined, left=left, room="breakout", breakout=number))
            joined = left + timedelta(seconds=self.roll.randint(0, 1))
        if left < stay.left and joined < stay.left:
            pieces.append(replace(stay, joined=joined))
        return pieces

    def _wait(self) -> None:
        # whoever is going to wait in vain isn't admitted first
        admitted = self.guests[:-1] if "only_waited" in self.occurrence.habits else self.guests
        picked = [guest for guest in admitted if self.roll.random() < WAITING_SHARE]
        for person in picked or admitted[:1] or self.others[:1]:
            first = min(self.attendance[person], key=lambda stay: stay.joined)
            if first.room != "main" or first.seconds < 60:
                continue
            let_in = first.joined + timedelta(seconds=self.roll.randint(5, 50))
            held = self.attendance[person]
            held.remove(first)
            held += [
                replace(first, room="waiting", left=let_in),
                replace(first, joined=let_in + timedelta(seconds=self.roll.randint(0, 1))),
            ]

    def _only_wait(self, person: Person) -> None:
        first = self.attendance[person][0]
        gave_up = min(self.occurrence.ended_at, first.joined + timedelta(seconds=self.roll.randint(120, 600)))
        self.attendance[person] = [replace(first, room="waiting", left=gave_up)]

    def _overrun(self, person: Person) -> None:
        """Hangs on after the end: the vendor's last leave may lie behind the meeting's end."""
        held = self.attendance[person]
        last = max(held, key=lambda stay: stay.left)
        left = self.occurrence.ended_at + timedelta(seconds=self.roll.randint(15, 115))
        held[held.index(last)] = replace(last, left=left)


def _stay(occurrence: Occurrence, person: Person, begin: int, end: int) -> Stay:
    return Stay(
        person=person,
        joined=occurrence.started_at + timedelta(seconds=begin),
        left=occurrence.started_at + timedelta(seconds=end),
        room="main",
        breakout=None,
        name=person.name,
        signed_in=person.employed,
        registered=False,
        device="desktop",
    )


def _length(occurrence: Occurrence) -> int:
    return int((occurrence.ended_at - occurrence.started_at).total_seconds())
