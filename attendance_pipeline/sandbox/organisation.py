"""The organisation: its people and series, and what took place on any UTC day.

Everything follows from (seed, size, mix) and the day asked for, so a past day never depends on when the
sandbox was started. Days and stays are made when asked for; stays are forgotten again when many others were
asked for since.
"""

import random
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache

from attendance_pipeline.sandbox import calendar, habits
from attendance_pipeline.sandbox.model import SIZES, Occurrence, Person, Series, Size, Stay
from attendance_pipeline.sandbox.names import (
    AWKWARD_NAMES,
    CUSTOMERS,
    DEPARTMENTS,
    FIRST_NAMES,
    LAST_NAMES,
    TIMEZONES,
)

# the longest occurrence runs for 26 hours, so what ends on a day may have started two dates earlier
LONGEST_IN_DAYS = 2

NAMESAKES = (3, 4)
AWKWARD_EMPLOYEES = 5
FIRST_AWKWARD_EMPLOYEE = 5

# about 20 MB at 48 stays a meeting
STAYS_KEPT = 2_000


class Organisation:
    """A made-up organisation whose meetings go on for ever, in both directions of time.

    Args:
        seed: Another seed, another organisation.
        size: A Size, or the name of one in SIZES.
        mix: Share of occurrences per vendor; all on Zoom by default. Shares are relative.
    """

    def __init__(self, seed: int = 7, size: Size | str = "demo", mix: Mapping[str, float] | None = None) -> None:
        self.seed = seed
        self.size = SIZES[size] if isinstance(size, str) else size
        self.mix = dict(mix or {"zoom": 1.0})
        names = self._names()
        self.employees = self._hire(names)
        self.guests = tuple(_guest(position, next(names)) for position in range(self.size.guests))
        self.active = tuple(person for person in self.employees if person.status == "active")
        self.namesakes = tuple(person for person in self.active if person.namesake)
        self.awkward = self.active[FIRST_AWKWARD_EMPLOYEE : FIRST_AWKWARD_EMPLOYEE + AWKWARD_EMPLOYEES]
        self.personal_rooms = tuple(_personal_room(person) for person in self.employees)
        self.series = calendar.recurring_series(self)
        self.occurrences = lru_cache(maxsize=None)(self._occurrences)
        self.held_on = lru_cache(maxsize=None)(self._held_on)
        self.stays = lru_cache(maxsize=STAYS_KEPT)(self._stays)

    def random(self, *about: object) -> random.Random:
        """The dice for one purpose: the same for the same seed and words, whatever was rolled before."""
        return random.Random("|".join(map(str, (self.seed, *about))))  # noqa: S311

    def vendor_of(self, series_id: str) -> str:
        """Who hosts a series; its other traits don't change with the mix."""
        if len(self.mix) == 1:
            return next(iter(self.mix))
        roll = self.random("vendor", series_id)
        return roll.choices(list(self.mix), weights=list(self.mix.values()))[0]

    def employee(self, status: str) -> Person:
        """The first employee of this status."""
        return next(person for person in self.employees if person.status == status)

    def started_between(self, first: date, last: date) -> Iterator[Occurrence]:
        """What started on these UTC dates (inclusive), day by day, in no order within a day."""
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            yield from self.occurrences(date.fromordinal(ordinal))

    def ended_between(self, first: date, last: date) -> Iterator[Occurrence]:
        """What ended on these UTC dates (inclusive), by start date, in no order within a day."""
        for occurrence in self.started_between(first - timedelta(days=LONGEST_IN_DAYS), last):
            if first <= occurrence.ended_at.date() <= last:
                yield occurrence

    def occurrences_of(self, series: Series, now: datetime, reach: timedelta) -> Iterator[Occurrence]:
        """The occurrences of one series that ended by `now`, the latest first, no further back than `reach`."""
        first, last = (now - reach).date(), now.date()
        if series.only_on is not None:
            first, last = max(first, series.only_on), min(last, series.only_on)
        for ordinal in range(last.toordinal(), first.toordinal() - 1, -1):
            for occurrence in reversed(self.held_on(date.fromordinal(ordinal)).get(series.id, ())):
                if occurrence.ended_at <= now:
                    yield occurrence

    def _occurrences(self, day: date) -> tuple[Occurrence, ...]:
        """Everything that started on this UTC date, cached for good: a few hundred bytes each."""
        return calendar.plan(self, day)

    def _held_on(self, day: date) -> dict[str, tuple[Occurrence, ...]]:
        """What started on this UTC date by the id of its series, the first to end first."""
        held: dict[str, list[Occurrence]] = {}
        for occurrence in sorted(self.occurrences(day), key=lambda one: one.ended_at):
            held.setdefault(occurrence.series.id, []).append(occurrence)
        return {series: tuple(occurrences) for series, occurrences in held.items()}

    def _stays(self, occurrence: Occurrence) -> tuple[Stay, ...]:
        """Who was there, from when to when: one per join, in no particular order."""
        return habits.stays(self, occurrence)

    def _names(self) -> Iterator[str]:
        pairs = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
        self.random("names").shuffle(pairs)
        yield from pairs
        for initial in "ABCDEFGHIJ":
            for pair in pairs:
                first, last = pair.split(" ")
                yield f"{first} {initial}. {last}"

    def _hire(self, names: Iterator[str]) -> tuple[Person, ...]:
        """The active employees, then two inactive ones, a deleted and a pending one.

        Positions 3 and 4 are the namesakes, 5 to 9 have awkward names.
        """
        statuses = ["active"] * self.size.employees + ["inactive", "inactive", "deleted", "pending"]
        roll = self.random("employees")
        people = []
        for position, status in enumerate(statuses):
            name, mailbox = next(names), ""
            if position in NAMESAKES:
                name, mailbox = "Robin Keller", f"robin.keller{position}"
            elif 0 <= position - FIRST_AWKWARD_EMPLOYEE < AWKWARD_EMPLOYEES:
                name, mailbox = AWKWARD_NAMES[position - FIRST_AWKWARD_EMPLOYEE], f"employee{position}"
            people.append(
                Person(
                    id=f"employee-{position}",
                    name=name,
                    email=f"{mailbox or _mailbox(name)}@northwind.example",
                    status=status,  # type: ignore[arg-type]
                    position=position,
                    department=roll.choice(DEPARTMENTS),
                    timezone=roll.choice(TIMEZONES),
                    hired=date(2019, 1, 7) + timedelta(days=roll.randrange(1_500)),
                    namesake=position in NAMESAKES,
                )
            )
        return tuple(people)


def _guest(position: int, name: str) -> Person:
    awkward = AWKWARD_NAMES[AWKWARD_EMPLOYEES:]
    mailbox = _mailbox(name)
    if position < len(awkward):
        name, mailbox = awkward[position], f"guest{position}"
    return Person(
        id=f"guest-{position}",
        name=name,
        email=f"{mailbox}@{CUSTOMERS[position % len(CUSTOMERS)]}",
        status="guest",
        position=position,
    )


def _mailbox(name: str) -> str:
    return name.lower().replace(". ", ".").replace(" ", ".")


def _personal_room(person: Person) -> Series:
    return Series(
        id=f"room-{person.position}",
        booking="personal",
        kind="meeting",
        host=person,
        title=f"{person.name}'s room",
        position=person.position,
    )
