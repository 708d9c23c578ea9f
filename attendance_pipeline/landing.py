"""Lands ended dates of one vendor: pull, then shape what the archive holds, then replace the partitions.

Two steps, because attendance is asked for by the meetings that the first step landed. Knows no vendor, no Dagster.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from attendance_pipeline.errors import StorageError
from attendance_pipeline.lake import Lake
from attendance_pipeline.pull import Progress, Pulled, compact, discover, read_due, silent
from attendance_pipeline.readings import Meeting, held
from attendance_pipeline.shape import Shaped
from attendance_pipeline.vendors.base import Vendor


@dataclass
class TableReport:
    """What landed in one vendor table.

    Attributes:
        rows: by ended date.
        rules: quarantined rows by rule.
        duplicates: rows the vendor sent twice, held once.
        unknown_fields: fields that the vendor's documents don't name.
        statuses: of the table `readings`: meetings by status.
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

    def replace(self, lake: Lake, vendor: str, table: str, day: date, shaped: Shaped) -> None:
        """Replace one partition and take it into the report."""
        lake.replace(vendor, table, day, shaped.rows, shaped.quarantined)
        report = self.tables.setdefault(table, TableReport())
        report.rows[day] = shaped.rows.num_rows
        report.rules += shaped.rules
        report.duplicates += shaped.duplicates
        if "status" in shaped.rows.column_names and table == "readings":
            report.statuses += Counter(shaped.rows["status"].to_pylist())


def land_meetings(vendor: Vendor[Any], lake: Lake, days: Sequence[date], progress: Progress = silent) -> Landed:
    """Ask which meetings ended on `days` and replace those partitions of the vendor's meetings table.

    Raises:
        AttendanceError: nothing was replaced, or only whole partitions were; what the vendor answered is kept.
    """
    landed = Landed(asyncio.run(discover(vendor, days, progress)))
    progress(f"{vendor.name}: shaping meetings", 0, 0)
    shaped, unknown = vendor.shape_meetings(days)
    for day in days:
        landed.replace(lake, vendor.name, vendor.meetings_table.name, day, shaped[day])
    landed.tables[vendor.meetings_table.name].unknown_fields = unknown
    return landed


def land_attendance(vendor: Vendor[Any], lake: Lake, days: Sequence[date], progress: Progress = silent) -> Landed:
    """Ask for the attendance that is due of the meetings that ended on `days` and replace those partitions.

    Raises:
        AttendanceError: nothing was replaced, or only whole partitions were; what the vendor answered is kept.
    """
    meetings: dict[date, dict[str, Meeting]] = {day: _meetings(vendor, lake, day) for day in days}
    holds = {meeting: hold for day in days for meeting, hold in held(vendor.archive.heads(day)).items()}
    everything = [meeting for of_day in meetings.values() for meeting in of_day.values()]
    landed = Landed(asyncio.run(read_due(vendor, everything, holds, progress)))
    compact(vendor.archive, days)
    for done, day in enumerate(days, 1):
        progress(f"{vendor.name}: shaping attendance", done, len(days))
        shaped, unknown = vendor.shape_attendance(day, meetings[day], held(vendor.archive.heads(day)))
        for table, of_table in shaped.items():
            landed.replace(lake, vendor.name, table, day, of_table)
            landed.tables[table].unknown_fields |= unknown
    return landed


def _meetings(vendor: Vendor[Any], lake: Lake, day: date) -> dict[str, Meeting]:
    rows = lake.read(vendor.name, vendor.meetings_table.name, day)
    if rows is None:
        raise StorageError(
            f"{vendor.name}/{vendor.meetings_table.name} has no partition {day} in {lake.root}; "
            f"land it first: attendance-pipeline run --from {day} --to {day} --vendor {vendor.name}"
        )
    return {meeting.id: meeting for meeting in vendor.meetings(rows)}
