"""Which meetings take place on a UTC day: the recurring ones, one-offs, and the awkward cases.

The cases come round every fortnight, each on its own day, whatever the size. So any 14 ended dates in a row
hold every one of them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

from attendance_pipeline.sandbox.kinds import with_events
from attendance_pipeline.sandbox.model import Booking, Kind, Occurrence, Person, Series
from attendance_pipeline.sandbox.names import AWKWARD_TITLES, SERIES_TITLES, TITLES

if TYPE_CHECKING:
    import random

    from attendance_pipeline.sandbox.organisation import Organisation

FORTNIGHT = 14
SATURDAY = 5

# UTC hours at which one-offs start, and how often: peaks at 9-10 and 14-15
HOURS = {7: 2, 8: 5, 9: 9, 10: 9, 11: 6, 12: 3, 13: 7, 14: 9, 15: 8, 16: 5, 17: 3, 18: 2, 19: 1, 20: 1}
LENGTHS = {15: 2, 25: 3, 30: 6, 45: 4, 50: 3, 60: 6, 90: 2}

# how often a one-off or recurring meeting has a habit without being a case
NATURAL = {
    "rejoin": 0.5,
    "waiting": 0.06,
    "breakouts": 0.04,
    "two_devices": 0.05,
    "phone_return": 0.03,
    "zero_length": 0.02,
    "overrun": 0.04,
}
SOLO_SHARE = 0.05
PERSONAL_SHARE = 0.08
INSTANT_SHARE = 0.12
GUEST_SHARE = 0.3
DROP_SHARE = 0.015
LATE_SHARE = 0.02


@dataclass(frozen=True)
class Case:
    """One awkward case: what it is, when in the fortnight, and how long and how big."""

    day: int
    """0 is the first Monday of the fortnight."""
    title: str
    habits: tuple[str, ...]
    hour: int = 10
    minutes: int = 45
    people: int = 6
    booking: Booking = "scheduled"
    kind: Kind = "meeting"
    host: Literal["anybody", "deleted", "inactive", "namesake", "room"] = "anybody"
    drops: bool = False
    """The host's connection breaks and the meeting starts anew, seconds later."""
    late: bool = False
    """The report takes hours."""


CASES = (
    Case(0, "Customer call", ("guests",), hour=9),
    Case(0, "Integration workshop", ("guests", "blanked_id"), hour=13),
    Case(0, AWKWARD_TITLES[0], ("unicode", "guests"), hour=15),
    Case(1, "On the road", ("phone_return",), hour=8),
    Case(1, "Flaky network", ("rejoin", "many_rejoins"), hour=11),
    Case(2, "Two screens", ("two_devices", "overrun"), hour=10),
    Case(2, "Workshop in groups", ("breakouts",), hour=13, minutes=90, people=8),
    Case(3, "Supplier audit", ("guests", "waiting", "only_waited"), hour=9),
    Case(3, "Architecture board", (), hour=14, drops=True),
    Case(4, "Coffee", (), hour=9, minutes=25, people=4, booking="personal", host="room"),
    Case(4, "Recording a how-to", ("solo",), hour=16, minutes=15),
    Case(7, "Release night", (), hour=23, minutes=95, people=5),
    Case(7, "Handover", ("zero_length",), hour=12),
    Case(8, "Storage migration bridge", ("rejoin", "shifts"), hour=9, minutes=26 * 60, people=7),
    Case(8, "Salary talk", (), hour=15, minutes=30, people=2, booking="personal", host="room"),
    Case(9, "Town hall with partners", ("crowd", "guests", "rejoin"), hour=15, minutes=60),
    Case(9, "Board preparation", (), hour=10, late=True),
    Case(10, "Product launch webinar", ("webinar", "rejoin"), hour=14, minutes=60, kind="webinar"),
    Case(10, "Legacy accounts", (), hour=11, host="deleted"),
    Case(11, "Archive clean-up", (), hour=9, host="inactive"),
    Case(11, "Two of a name", ("namesakes",), hour=13, host="namesake"),
)


def recurring_series(organisation: "Organisation") -> tuple[Series, ...]:
    """Daily, weekly and open series: about half of a weekday's meetings; and one weekly webinar."""
    roll = organisation.random("series")
    size = organisation.size
    share = size.meetings_per_weekday / 2
    daily, weekly = max(1, round(share * 0.3)), max(3, round(share * 0.7) * 5)
    series = []
    for position in range(daily + weekly):
        host = roll.choice(organisation.active)
        others = [person for person in organisation.active if person is not host]
        count = _headcount(roll, size.median_attendees) - 1
        is_open = position == daily
        series.append(
            Series(
                id=f"series-{position}",
                booking="open" if is_open else "recurring",
                kind="meeting",
                host=host,
                title="Open door" if is_open else f"{host.department} {roll.choice(SERIES_TITLES).lower()}",
                position=position,
                members=(host, *roll.sample(others, min(count, len(others)))),
                weekdays=frozenset(range(5)) if position < daily else frozenset({position % 5}),
                minute=60 * _pick(roll, HOURS) + roll.choice((0, 15, 30)),
                minutes=_pick(roll, LENGTHS),
            )
        )
    panel = tuple(roll.sample(organisation.active, 3))
    webinar = Series(
        id=f"series-{len(series)}",
        booking="recurring",
        kind="webinar",
        host=panel[0],
        title="Getting started, weekly",
        position=len(series),
        members=panel,
        weekdays=frozenset({2}),
        minute=16 * 60,
        minutes=45,
    )
    return (*series, webinar)


def plan(organisation: "Organisation", day: date) -> tuple[Occurrence, ...]:
    """Everything that starts on this UTC date: cases, then recurring, then one-offs up to the day's number."""
    book = _Book(organisation, day)
    for case in CASES:
        if case.day == (day.toordinal() - 1) % FORTNIGHT:  # ordinal 1 was a Monday
            book.add_case(case)
    for series in organisation.series:
        if day.weekday() in series.weekdays:
            book.add_recurring(series)
    size = organisation.size
    share = size.weekend_share if day.weekday() >= SATURDAY else book.roll.uniform(0.85, 1.15)
    wanted = max(1, round(size.meetings_per_weekday * share))
    while len(book.occurrences) < wanted:
        book.add_one_off()
    return tuple(with_events(book.occurrences, day))


class _Book:
    """One day's occurrences while they're being planned."""

    def __init__(self, organisation: "Organisation", day: date) -> None:
        self.organisation = organisation
        self.day = day
        self.roll = organisation.random("day", day)
        self.midnight = datetime.combine(day, time(), UTC)
        self.occurrences: list[Occurrence] = []
        self.busy: dict[str, list[tuple[datetime, datetime]]] = {}
        """Host to the times taken: nobody hosts two meetings at once."""

    def add_case(self, case: Case) -> None:
        hosts = {
            "anybody": self.organisation.active[self.day.toordinal() % 3],
            "deleted": self.organisation.employee("deleted"),
            "inactive": self.organisation.employee("inactive"),
            "namesake": self.organisation.active[0],
            "room": self.organisation.active[2],
        }
        size = self.organisation.size
        people = case.people
        if "crowd" in case.habits:
            people = self.roll.randint(size.crowd, size.crowd * 106 // 100)
        elif case.kind == "webinar":
            people = self.roll.randint(size.webinar_audience, size.webinar_audience * 3 // 2)
        series = (
            self.organisation.personal_rooms[hosts[case.host].position]
            if case.booking == "personal"
            else self._one_off(case.booking, case.kind, hosts[case.host], case.title)
        )
        minute = 60 * case.hour + self.roll.choice((5, 20, 30))
        started, ended = self._times(minute, case.minutes)
        habits = frozenset(case.habits)
        occurrence = self._add(series, case.title, started, ended, people, habits, late=case.late)
        if case.drops:
            self._add_after_drop(occurrence)

    def add_recurring(self, series: Series) -> None:
        webinar = series.kind == "webinar"
        # an open series has no time of its own
        minute = 60 * _pick(self.roll, HOURS) if series.booking == "open" else series.minute
        people = self.organisation.size.webinar_audience if webinar else len(series.members)
        habits = frozenset({"webinar", "rejoin"}) if webinar else self._natural_habits()
        started, ended = self._times(minute, series.minutes)
        self._add(series, series.title, started, ended, people, habits, late=self._late())

    def add_one_off(self) -> None:
        started, ended = self._times(
            60 * _pick(self.roll, HOURS) + self.roll.choice((0, 0, 15, 30, 45)), _pick(self.roll, LENGTHS)
        )
        host = self._free_host(started, ended)
        title = self.roll.choice(TITLES)
        luck = self.roll.random()
        if luck < SOLO_SHARE:
            series = self._one_off("instant", "meeting", host, f"{host.name}'s meeting")
            self._add(series, series.title, started, ended, 1, frozenset({"solo"}), late=self._late())
            return
        if luck < SOLO_SHARE + PERSONAL_SHARE:
            series = self.organisation.personal_rooms[host.position]
        elif luck < SOLO_SHARE + PERSONAL_SHARE + INSTANT_SHARE:
            series = self._one_off("instant", "meeting", host, title)
        else:
            series = self._one_off("scheduled", "meeting", host, title)
        habits = self._natural_habits()
        if self.roll.random() < GUEST_SHARE:
            habits |= {"guests"} | ({"registration"} if self.roll.random() < 0.25 else set())
        people = _headcount(self.roll, self.organisation.size.median_attendees)
        occurrence = self._add(series, title, started, ended, people, habits, late=self._late())
        if self.roll.random() < DROP_SHARE:
            self._add_after_drop(occurrence)

    def _add_after_drop(self, before: Occurrence) -> None:
        started = before.ended_at + timedelta(seconds=self.roll.randint(11, 147))
        ended = started + timedelta(seconds=self.roll.randint(300, 1_500))
        self._add(before.series, before.title, started, ended, before.people, frozenset(), late=False)

    def _add(
        self,
        series: Series,
        title: str,
        started: datetime,
        ended: datetime,
        people: int,
        habits: frozenset[str],
        *,
        late: bool,
    ) -> Occurrence:
        # minutes as a rule (Zoom's staff speak of one or two, its documents of thirty), hours when late
        delay = self.roll.randint(4 * 3_600, 11 * 3_600) if late else self.roll.randint(90, 1_500)
        index = len(self.occurrences)
        occurrence = Occurrence(
            id=f"{self.day}/{index}",
            day=self.day,
            index=index,
            series=series,
            vendor=self.organisation.vendor_of(series.id),
            title=title,
            started_at=started,
            ended_at=ended,
            report_ready_at=ended + timedelta(seconds=delay),
            people=people,
            habits=habits,
        )
        self.occurrences.append(occurrence)
        self.busy.setdefault(series.host.id, []).append((started, ended))
        return occurrence

    def _one_off(self, booking: Booking, kind: Kind, host: Person, title: str) -> Series:
        position = len(self.occurrences)
        return Series(f"{self.day}/{position}", booking, kind, host, title, position, only_on=self.day)

    def _times(self, minute: int, minutes: int) -> tuple[datetime, datetime]:
        """Nobody is quite on time: a few minutes around what was booked, to the second."""
        started = self.midnight + timedelta(minutes=minute, seconds=self.roll.randint(-180, 240))
        return started, started + timedelta(minutes=minutes, seconds=self.roll.randint(-180, 400))

    def _free_host(self, started: datetime, ended: datetime) -> Person:
        for _ in range(20):
            host = self.roll.choice(self.organisation.active)
            if all(ended < begin or end < started for begin, end in self.busy.get(host.id, ())):
                return host
        return host

    def _natural_habits(self) -> frozenset[str]:
        return frozenset(habit for habit, share in NATURAL.items() if self.roll.random() < share)

    def _late(self) -> bool:
        return self.roll.random() < LATE_SHARE


def _headcount(roll: "random.Random", median: float) -> int:
    """Two or more; as meetings go, many small and a few big ones."""
    return max(2, min(round(roll.lognormvariate(0, 0.55) * median), round(median * 5)))


def _pick(roll: "random.Random", weighted: dict[int, int]) -> int:
    return roll.choices(list(weighted), weights=list(weighted.values()))[0]
