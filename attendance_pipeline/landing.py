"""Lands ended dates of one vendor: pull, then shape what the archive holds, then replace the partitions.

Two steps, because attendance is asked for by the meetings that the first step landed. Knows no vendor, no Dagster.
"""

import asyncio
from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from attendance_pipeline.errors import StorageError
from attendance_pipeline.lake import Lake
from attendance_pipeline.pull import Progress, Pulled, discover, read_due, silent
from attendance_pipeline.readings import Holds, Meeting, held
from attendance_pipeline.shape import Shaped
from attendance_pipeline.vendors.base import Vendor

PAGES_AT_A_TIME = 1_000
"""Pages of up to 300 rows that are shaped together: less pays pandera's fixed cost too often, more takes memory."""


@dataclass
class TableReport:
    """What landed in one vendor table.

    Attributes:
        rows: by ended date.
        rules: quarantined rows by rule.
        duplicates: rows the vendor sent twice, held once.
        unknown_fields: fields that the vendor's documents don't name.
        statuses: of the table `readings`: reports about meetings by status.
    """

    rows: dict[date, int] = field(default_factory=dict)
    rules: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    unknown_fields: set[str] = field(default_factory=set)
    statuses: Counter[str] = field(default_factory=Counter)


@dataclass
class Landed:
    """What one step did: the pull, and each table."""

    pulled: Pulled
    tables: dict[str, TableReport] = field(default_factory=dict)

    def take(
        self, lake: Lake, vendor: str, tables: Mapping[str, Mapping[date, Shaped]], unknown: Mapping[str, set[str]]
    ) -> None:
        """Replace these partitions and take them into the report."""
        for table, by_day in tables.items():
            report = self.tables.setdefault(table, TableReport())
            report.unknown_fields |= unknown.get(table, set())
            for day, shaped in by_day.items():
                lake.replace(vendor, table, day, shaped.rows, shaped.quarantined)
                report.rows[day] = shaped.rows.num_rows
                report.rules += shaped.rules
                report.duplicates += shaped.duplicates
                if table == "readings":
                    report.statuses += Counter(shaped.rows["status"].to_pylist())


def land_meetings(vendor: Vendor[Any], lake: Lake, days: Sequence[date], progress: Progress = silent) -> Landed:
    """Ask which meetings ended on `days` and replace those partitions of the vendor's listing tables.

    Raises:
        AttendanceError: nothing was replaced, or only whole partitions were; what the vendor answered is kept.
    """
    with _folded(vendor):
        landed = Landed(asyncio.run(discover(vendor, days, progress)))
    progress(f"{vendor.name}: shaping meetings", 0, 0)
    landed.take(lake, vendor.name, *vendor.shape_listings(days))
    return landed


def land_attendance(vendor: Vendor[Any], lake: Lake, days: Sequence[date], progress: Progress = silent) -> Landed:
    """Ask for the attendance that is due of the meetings that ended on `days` and replace those partitions.

    Raises:
        AttendanceError: nothing was replaced, or only whole partitions were; what the vendor answered is kept.
    """
    meetings: dict[date, dict[str, Meeting]] = {day: _meetings(vendor, lake, day) for day in days}
    everything = [meeting for of_day in meetings.values() for meeting in of_day.values()]
    with _folded(vendor):
        holds = {day: held(vendor.archive.heads(day), vendor.stand_ins) for day in days}
        landed = Landed(asyncio.run(read_due(vendor, everything, ChainMap(*holds.values()), progress)))
    holds = {day: held(vendor.archive.heads(day), vendor.stand_ins) for day in days}
    done = 0
    for some in _some_at_a_time(holds):
        landed.take(lake, vendor.name, *vendor.shape_attendance({day: meetings[day] for day in some}, holds))
        done += len(some)
        progress(f"{vendor.name}: shaping attendance", done, len(days))
    return landed


def _some_at_a_time(holds: Mapping[date, Holds]) -> Iterator[list[date]]:
    """Dates that are shaped together."""
    some: list[date] = []
    pages = 0
    for day, of_day in holds.items():
        some.append(day)
        pages += sum(hold.pages for hold in of_day.values())
        if pages >= PAGES_AT_A_TIME:
            yield some
            some, pages = [], 0
    if some:
        yield some


@contextmanager
def _folded(vendor: Vendor[Any]) -> Iterator[None]:
    """Fold the journal before a pull (a killed run may have left one) and after it, however it ends."""
    vendor.archive.fold()
    try:
        yield
    finally:
        vendor.archive.fold()


def _meetings(vendor: Vendor[Any], lake: Lake, day: date) -> dict[str, Meeting]:
    rows = lake.read(vendor.name, vendor.meetings_table.name, day)
    if rows is None:
        raise StorageError(
            f"{vendor.name}/{vendor.meetings_table.name} has no partition {day} in {lake.root}; "
            f"land it first: attendance-pipeline run --from {day} --to {day} --vendor {vendor.name}"
        )
    return {meeting.id: meeting for meeting in vendor.meetings(rows)}
