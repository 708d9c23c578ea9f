"""The organisation's nouns: people, series, occurrences, stays, and how big it all is.

Says nothing of any vendor's ids, numbers or field names: each vendor's rendering derives its own.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, Self

Booking = Literal["instant", "scheduled", "recurring", "open", "personal"]
"""How a series came to be: started ad hoc, booked once, booked to recur at a fixed time, booked to recur at
no fixed time, or a person's own room."""

Kind = Literal["meeting", "webinar", "town_hall", "live_event"]
"""What a series is held as; town halls and live events exist at Teams alone."""

Room = Literal["main", "breakout", "waiting"]
Status = Literal["active", "inactive", "deleted", "pending", "guest"]


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One human being, employed here or a guest.

    No two people share a display name, except the two namesakes, who are both employed and always signed in
    (so that nobody who is known by a name alone can be mistaken for somebody else).
    """

    id: str
    name: str
    email: str
    status: Status
    position: int
    """Place among the employees, or among the guests."""
    department: str = ""
    timezone: str = ""
    hired: date = date(2020, 1, 1)
    namesake: bool = False

    @property
    def employed(self) -> bool:
        """Whether the account belongs (or belonged) to the organisation."""
        return self.status != "guest"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What a vendor gives one number to: a booking, and every occurrence of it."""

    id: str
    booking: Booking
    kind: Kind
    host: Person
    title: str
    position: int
    """Unique among the recurring series, among one day's one-offs, or among the employees (own rooms)."""
    only_on: date | None = None
    """The UTC start date of a one-off; None for what can occur again."""
    members: tuple[Person, ...] = ()
    weekdays: frozenset[int] = frozenset()
    """Monday is 0."""
    minute: int = 0
    """Minute of the UTC day at which it's booked to start."""
    minutes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """One meeting or event that took place, from its start to its end (UTC, whole seconds)."""

    id: str
    day: date
    """The UTC date on which it started; with `index` it names the occurrence."""
    index: int
    series: Series
    vendor: str
    title: str
    started_at: datetime
    ended_at: datetime
    report_ready_at: datetime
    """From when on the vendor can be asked who attended."""
    people: int
    """How many are expected, the host included; who really came is in the stays."""
    habits: frozenset[str] = frozenset()
    """What happens in it: words that the module `habits` knows."""

    @property
    def host(self) -> Person:
        """Who hosted it."""
        return self.series.host

    @property
    def kind(self) -> Kind:
        """What it's held as."""
        return self.series.kind

    @property
    def solo(self) -> bool:
        """Whether the host was alone: one stay, from start to end."""
        return "solo" in self.habits


@dataclass(frozen=True, slots=True, eq=False)
class Stay:
    """One join to one leave of one person on one device (UTC, whole seconds; `left` may equal `joined`)."""

    person: Person
    joined: datetime
    left: datetime
    room: Room
    breakout: int | None
    """Number of the breakout room, None elsewhere."""
    name: str
    """Display name shown on this join."""
    signed_in: bool
    """To whatever account the person has: for an employee this organisation's, for a guest another one."""
    registered: bool
    device: Literal["desktop", "mobile", "phone"]

    @property
    def seconds(self) -> int:
        """Length, in seconds."""
        return int((self.left - self.joined) / timedelta(seconds=1))


@dataclass(frozen=True, slots=True)
class Size:
    """How big the organisation is; numbers of meetings are averages."""

    employees: int
    meetings_per_weekday: float
    median_attendees: float
    crowd: int
    """People in the fortnightly town hall, at least."""
    webinar_audience: int
    weekend_share: float = 0.15
    """Meetings on a Saturday or Sunday, relative to a weekday."""

    @property
    def guests(self) -> int:
        """How many guests are known; enough to fill the town hall with different people."""
        return self.crowd + max(200, self.webinar_audience * 2)

    @classmethod
    def of_rows(cls, rows: int, days: int) -> Self:
        """A size that gives about so many participant rows (joins) over so many days, some 48 a meeting."""
        crowd, fortnights = 1_020, days / 14
        # a fortnight's town hall, three webinars and two dozen small cases
        fixed_rows, fixed_meetings = 1_500 * fortnights, 27 * fortnights
        weekdays = days * (5 + 2 * 0.15) / 7
        meetings = max(0.0, rows - fixed_rows) / 48 + fixed_meetings
        per_weekday = max(1.0, meetings / weekdays)
        return cls(
            employees=min(2_000, max(60, int(per_weekday * 6))),
            meetings_per_weekday=per_weekday,
            median_attendees=39.0,
            crowd=crowd,
            webinar_audience=150,
        )


SIZES = {
    # every awkward case, few people: for tests
    "small": Size(employees=12, meetings_per_weekday=4.5, median_attendees=4.0, crowd=312, webinar_audience=12),
    # three weeks are some 280 meetings and 5 thousand participant rows
    "demo": Size(employees=60, meetings_per_weekday=17.5, median_attendees=9.0, crowd=1_020, webinar_audience=45),
}
