"""What the marts lead one to expect of the newest dates: whether meetings still come, as many as usual, and add up.

A weekday is compared with itself: organisations meet by the week. Read from the marts of a DuckDB file that nobody is
writing. Knows the marts. Knows no vendor and no screen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from math import sqrt
from pathlib import Path
from statistics import median
from typing import Any, Literal

from attendance_pipeline.marts import opened, rows
from attendance_pipeline.windows import midnight

WEEKS = 8
"""How far back a weekday is compared with itself."""
FEWEST_WEEKS = 4
"""Of these, how many must be held to say what is usual."""
FEWEST_WEEKDAYS = 3
"""How often every weekday must have been seen to say on which there are meetings."""
MOSTLY = 0.75
"""The share of a weekday's dates that must have had a meeting for the next to be expected to."""
MOST_MISSED = 1
"""A holiday leaves one day that should have had a meeting without one."""
RECENT = timedelta(days=10)
"""Dates that are judged: a week, once the slowest vendor's have settled."""
USUAL = 4.0
"""So many spreads from the median are usual."""
GRACE = timedelta(hours=1)
"""Until the next hourly run has read and built it."""

Measure = Literal["meetings", "attendees"]
MEASURES: tuple[Measure, ...] = ("meetings", "attendees")

# of a date of which a twentieth isn't held, nobody can say whether there was less
HELD = """
    select
        days.vendor,
        days.ended_date,
        coalesce(utilization.meetings, 0) as meetings,
        coalesce(utilization.attendees, 0) as attendees,
    from marts.coverage_days as days
    left join marts.daily_utilization as utilization using (vendor, ended_date)
    where days.status = 'complete' and days.settled and days.missing * 20 <= days.meetings
    order by days.vendor, days.ended_date
"""

NEWEST = """
    select
        vendors.vendor,
        to_seconds(vendors.first_read_seconds) as first_read,
        (select max(meetings.ended_at) from marts.meetings where meetings.vendor = vendors.vendor) as ended_at,
        (select max(days.asked_at) from marts.coverage_days as days where days.vendor = vendors.vendor) as asked_at,
    from raw.vendors
    where vendors.is_on
    order by vendors.vendor
"""

DIFFERENCES = """
    select
        vendor,
        measure,
        count(*) as meetings,
        count(*) filter (where reason is not null) as differing,
        count(*) filter (where not is_explained) as unexplained,
        coalesce(sum(abs(difference)) filter (where not is_explained), 0) as unexplained_difference,
        min(ended_date) filter (where not is_explained) as first_date,
        max(ended_date) filter (where not is_explained) as last_date,
    from marts.reconciliation
    group by vendor, measure
    order by vendor, measure
"""


@dataclass(frozen=True)
class HeldDate:
    """A vendor's ended date, UTC, that is settled and held, and what was on it."""

    ended_date: date
    meetings: int
    attendees: int


@dataclass(frozen=True)
class Unusual:
    """A date on which there was far more or less than on others of its weekday.

    Attributes:
        vendor: whose.
        ended_date: the date, UTC.
        measure: of what.
        found: how many.
        usual: the median of the weekday.
        least: from here on it would have been usual.
        most: up to here it would have been.
    """

    vendor: str
    ended_date: date
    measure: Measure
    found: int
    usual: float
    least: int
    most: int


@dataclass(frozen=True)
class Volume:
    """What became of comparing the recent dates.

    Attributes:
        unusual: dates that stand out, by vendor and date.
        compared: by vendor, recent dates that were compared.
        without_history: by vendor, recent dates with too few weeks before them.
    """

    unusual: Sequence[Unusual]
    compared: Mapping[str, int]
    without_history: Mapping[str, int]


@dataclass(frozen=True)
class Newest:
    """A vendor's newest ended meeting.

    Attributes:
        vendor: whose.
        ended_at: its end, UTC; None where none is held.
        asked_at: when the vendor's lists were last asked for, UTC; None where they never were.
        weekdays: those on which there usually are meetings, Monday is 0; empty where nobody can tell yet.
        missed: dates since then that should have had a meeting and are over, oldest first.
    """

    vendor: str
    ended_at: datetime | None
    asked_at: datetime | None
    weekdays: Sequence[int]
    missed: Sequence[date]

    @property
    def is_stale(self) -> bool:
        """Whether more is missed than a holiday."""
        return len(self.missed) > MOST_MISSED


@dataclass(frozen=True)
class Difference:
    """Of one vendor and measure, where we and the vendor count differently.

    Attributes:
        vendor: whose.
        measure: as in the mart `reconciliation`.
        meetings: of which the vendor says this number.
        differing: of these, those with a difference.
        unexplained: of these, those that the data doesn't explain.
        unexplained_difference: of these, the sum of how far apart, in the measure's unit.
        first_date: the oldest ended date of these, UTC.
        last_date: the newest.
    """

    vendor: str
    measure: str
    meetings: int
    differing: int
    unexplained: int
    unexplained_difference: float
    first_date: date | None
    last_date: date | None


def read_volume(file: Path, today: date) -> Volume:
    """Compare the recent dates of a file with those before them; raises as `marts.opened` does."""
    compared, without_history, unusual = {}, {}, list[Unusual]()
    for vendor, held in _held(file).items():
        recent = [day for day in held if today - RECENT <= day.ended_date <= today]
        usual = {day.ended_date: _weekday_before(held, day.ended_date) for day in recent}
        known = [day for day in recent if len(usual[day.ended_date]) >= FEWEST_WEEKS]
        compared[vendor], without_history[vendor] = len(known), len(recent) - len(known)
        for day in known:
            unusual += stands_out(vendor, day, usual[day.ended_date])
    return Volume(unusual, compared, without_history)


def stands_out(vendor: str, day: HeldDate, before: Sequence[HeldDate]) -> list[Unusual]:
    """Where a date is far from those before it, by the measure.

    Numbers of independent things have the square of their spread as their mean, so their roots are compared: few
    meetings vary more than many. The spread is that of the weeks before, and never less than chance or a sixth.
    """
    found = []
    for measure in MEASURES:
        roots = [sqrt(getattr(other, measure)) for other in before]
        middle = median(roots)
        spread = max(1.4826 * median(abs(root - middle) for root in roots), 0.5, 0.08 * middle)
        least, most = max(0.0, middle - USUAL * spread) ** 2, (middle + USUAL * spread) ** 2
        number = getattr(day, measure)
        if not least <= number <= most:
            found.append(
                Unusual(vendor, day.ended_date, measure, number, round(middle**2, 1), -int(-least // 1), int(most))
            )
    return found


def read_newest(file: Path, now: datetime) -> list[Newest]:
    """The newest ended meeting of each vendor that is on, and what is missed since; raises as `marts.opened` does."""
    held = _held(file)
    with opened(file) as connection:
        told = list(rows(connection, NEWEST))
    return [_newest(row, held.get(row["vendor"], []), now) for row in told]


def read_differences(file: Path) -> list[Difference]:
    """Where we and the vendors count differently, by vendor and measure; raises as `marts.opened` does."""
    with opened(file) as connection:
        return [Difference(**row) for row in rows(connection, DIFFERENCES)]


def _held(file: Path) -> dict[str, list[HeldDate]]:
    """By vendor, the dates that can be compared, oldest first."""
    with opened(file) as connection:
        found = list(rows(connection, HELD))
    return {
        vendor: [HeldDate(row["ended_date"], row["meetings"], row["attendees"]) for row in of_vendor]
        for vendor, of_vendor in groupby(found, lambda row: str(row["vendor"]))
    }


def _weekday_before(held: Iterable[HeldDate], day: date) -> list[HeldDate]:
    wanted = {day - timedelta(weeks=week) for week in range(1, WEEKS + 1)}
    return [other for other in held if other.ended_date in wanted]


def _newest(row: Mapping[str, Any], held: Sequence[HeldDate], now: datetime) -> Newest:
    ended_at, asked_at = (row[name] and row[name].replace(tzinfo=UTC) for name in ("ended_at", "asked_at"))
    if ended_at is None:
        return Newest(row["vendor"], None, asked_at, [], [])
    newest = ended_at.date()
    weekdays = meeting_weekdays([day for day in held if day.ended_date > newest - timedelta(weeks=WEEKS)], newest)
    over = [
        newest + timedelta(days=after)
        for after in range(1, (now.date() - newest).days + 1)
        if midnight(newest + timedelta(days=after + 1)) + row["first_read"] + GRACE <= now
    ]
    return Newest(row["vendor"], ended_at, asked_at, weekdays, [day for day in over if day.weekday() in weekdays])


def meeting_weekdays(held: Iterable[HeldDate], until: date) -> list[int]:
    """The weekdays on which there usually are meetings, by these dates; Monday is 0.

    None before every weekday has been seen often enough: the first that has would look like the only one.

    Args:
        held: dates that are held.
        until: what comes after it, a vendor that has stopped, says nothing of what was usual.
    """
    had: dict[int, list[bool]] = {weekday: [] for weekday in range(7)}
    for day in held:
        if day.ended_date <= until:
            had[day.ended_date.weekday()].append(day.meetings > 0)
    if min(map(len, had.values())) < FEWEST_WEEKDAYS:
        return []
    return [weekday for weekday, days in had.items() if sum(days) >= MOSTLY * len(days)]
