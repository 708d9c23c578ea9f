"""What is held of every ended date, what isn't, and until when it can be had: the numbers behind the calendar.

Read from the marts of a DuckDB file, published or being built, as any analyst would read them. Knows the marts. Knows
no vendor and no screen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

from attendance_pipeline.marts import opened, rows

STATUSES = ("held", "partial", "not_ready", "denied", "gone", "blocked")
"""The counts of the mart `coverage_days` that add up to its meetings."""

Mark = Literal["complete", "empty", "young", "partial", "not_ready", "denied", "never_asked", "expiring", "lost"]
"""What a day comes to: the worst that is true of its lists and of the meetings that they named."""

# UTC without a time zone database; the clock that the mart `expiring` reads
NOW = "make_timestamp(epoch_us(now()))"

DAYS = """
    select
        days.*,
        days.settles_at > {now} as is_young,
        (days.vendor, days.ended_date) in (select (vendor, ended_date) from marts.expiring) as is_expiring,
        (days.vendor, days.ended_date) in (select (vendor, ended_date) from marts.lost) as is_lost,
    from marts.coverage_days as days
    where len($vendors) = 0 or vendor in (select unnest($vendors))
    order by vendor, ended_date
"""

GAPS = """
    select
        vendor,
        ended_date,
        count(*) filter (where not is_whole_day) as meetings,
        bool_or(is_whole_day) as is_whole_day,
        min(reason) as reason,
        min(recoverable_until) as recoverable_until,
    from marts.{mart}
    where (len($vendors) = 0 or vendor in (select unnest($vendors))) and {condition}
    group by vendor, ended_date
    order by recoverable_until, vendor, ended_date
"""

ITEMS = """
    select vendor, ended_date, vendor_meeting_id, reason, recoverable_until
    from marts.expiring
    order by recoverable_until, vendor, ended_date, vendor_meeting_id
    limit ?
"""


@dataclass(frozen=True)
class Day:
    """One vendor's ended date, UTC.

    Attributes:
        ended_date: the date.
        mark: what it comes to.
        status: of its lists, as in the mart `coverage_days`.
        reason: why the lists aren't complete.
        meetings: by what is held of them; see STATUSES.
        missing: meetings that aren't held and may still be.
        is_young: whether lists and attendance may still change.
    """

    ended_date: date
    mark: Mark
    status: str
    reason: str | None
    meetings: Mapping[str, int]
    missing: int
    is_young: bool


@dataclass(frozen=True)
class VendorDays:
    """One vendor's days, oldest first."""

    vendor: str
    days: Sequence[Day]

    def between(self, first: date, last: date) -> "VendorDays":
        """Those from `first` to `last`, both included."""
        return VendorDays(self.vendor, [day for day in self.days if first <= day.ended_date <= last])


@dataclass(frozen=True)
class Gap:
    """What isn't held of one vendor's ended date.

    Attributes:
        vendor: whose.
        ended_date: the date, UTC.
        meetings: that are known and aren't held.
        is_whole_day: whether the lists aren't held, so that there may be more meetings.
        reason: one of the reasons.
        recoverable_until: until when all of it can be had, UTC.
    """

    vendor: str
    ended_date: date
    meetings: int
    is_whole_day: bool
    reason: str | None
    recoverable_until: datetime


@dataclass(frozen=True)
class Item:
    """A meeting, or where it has no id a whole day, that soon can't be had any more."""

    vendor: str
    ended_date: date
    vendor_meeting_id: str | None
    reason: str | None
    recoverable_until: datetime


@dataclass(frozen=True)
class Coverage:
    """What is held and what isn't.

    Attributes:
        vendors: their days, from the first that is wanted to that of the load.
        missing: what settled long enough ago to be held, isn't, and can still be had; the oldest deadline first.
        expiring: what of everything that isn't held can't be had in a few days.
        lost: what isn't held and can't be had any more.
    """

    vendors: Sequence[VendorDays]
    missing: Sequence[Gap]
    expiring: Sequence[Gap]
    lost: Sequence[Gap]


def read_coverage(file: Path, vendors: Sequence[str] = ()) -> Coverage:
    """Read the marts of a file.

    Args:
        file: published or being built; nobody may be writing it.
        vendors: whose; without any, of all.

    Raises:
        UsageError: nothing was published yet, or by a version without these marts.
        StorageError: the file can't be read.
    """
    with opened(file) as connection:
        days: dict[str, list[Day]] = {}
        for row in rows(connection, DAYS.format(now=NOW), {"vendors": list(vendors)}):
            days.setdefault(row["vendor"], []).append(_day(row))
        in_reach = f"settles_at <= {NOW} and recoverable_until > {NOW}"
        return Coverage(
            [VendorDays(vendor, of_vendor) for vendor, of_vendor in days.items()],
            _gaps(connection, "missing", in_reach, vendors),
            _gaps(connection, "expiring", "true", vendors),
            _gaps(connection, "lost", "true", vendors),
        )


def first_expiring(file: Path, most: int) -> list[Item]:
    """Meetings and whole days that soon can't be had any more, the next first; raises as `read_coverage` does."""
    with opened(file) as connection:
        return [Item(*row) for row in connection.execute(ITEMS, [most]).fetchall()]


def _gaps(connection: duckdb.DuckDBPyConnection, mart: str, condition: str, vendors: Sequence[str]) -> list[Gap]:
    query = GAPS.format(mart=mart, condition=condition)
    return [Gap(**row) for row in rows(connection, query, {"vendors": list(vendors)})]


def _day(row: Mapping[str, Any]) -> Day:
    meetings = {status: row[status] for status in STATUSES if row[status]}
    return Day(row["ended_date"], _mark(row), row["status"], row["reason"], meetings, row["missing"], row["is_young"])


def _mark(row: Mapping[str, Any]) -> Mark:
    if row["is_lost"]:
        return "lost"
    if row["is_expiring"]:
        return "expiring"
    if row["is_young"] and row["status"] == "partial":
        return "young"
    if row["status"] != "complete":
        mark: Mark = row["status"]
        return mark
    if row["missing"]:
        return "partial"
    return "complete" if row["meetings"] else "empty"
