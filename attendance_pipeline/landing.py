"""Lands ended dates of one vendor: pull, then shape what the archive holds, then replace the partitions.

Two steps, because attendance is asked for by the meetings that the first step landed. Knows no vendor, no Dagster.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from attendance_pipeline.days import DAYS, RECORD, are_settled, asked_about, day_rows
from attendance_pipeline.errors import SchemaDriftError, StorageError
from attendance_pipeline.http.errors import VendorError
from attendance_pipeline.lake import Lake
from attendance_pipeline.pull import Known, Progress, Pulled, discover, read_due, silent
from attendance_pipeline.quarantine import count_quarantined
from attendance_pipeline.readings import READINGS, Holds, Meeting, held
from attendance_pipeline.shape import Shaped, Table, quarantine_table
from attendance_pipeline.vendors.base import Tables, Vendor

PAGES_AT_A_TIME = 1_000
"""Pages of up to 300 rows that are shaped together: less pays pandera's fixed cost too often, more takes memory."""
LISTS_AT_A_TIME = 15
"""Dates whose lists are shaped together: more takes memory, fewer read lists again that span up to thirty."""

Shape = Callable[[Sequence[date]], Tables]
"""Gives the tables of some dates."""
Stretch = dict[date, tuple[dict[str, Meeting], Holds]]
"""By ended date, its meetings by id, and what is held of them."""


@dataclass
class TableReport:
    """What landed in one vendor table.

    Attributes:
        rows: by ended date.
        rules: quarantined rows by rule, without the waived ones.
        waived: quarantined rows that somebody waived.
        duplicates: rows the vendor sent twice, held once.
        unknown_fields: fields that the vendor's documents don't name.
        bytes: of the partitions' files.
        unsettled: of the tables that tell what is settled: by ended date, rows that may still change.
        statuses: of the table `readings`: reports about meetings by status.
        partial: of these, the partial ones by ended date.
    """

    rows: dict[date, int] = field(default_factory=dict)
    rules: Counter[str] = field(default_factory=Counter)
    waived: int = 0
    duplicates: int = 0
    unknown_fields: set[str] = field(default_factory=set)
    bytes: int = 0
    unsettled: Counter[date] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    partial: Counter[date] = field(default_factory=Counter)


@dataclass
class Landed:
    """What one step did.

    Attributes:
        pulled: what was asked.
        tables: what landed, by table.
        left: dates that were left out, as the vendor hasn't answered about them.
    """

    pulled: Pulled = field(default_factory=Pulled)
    tables: dict[str, TableReport] = field(default_factory=dict)
    left: list[date] = field(default_factory=list)

    def take(
        self, lake: Lake, vendor: str, tables: Mapping[str, Mapping[date, Shaped]], unknown: Mapping[str, set[str]]
    ) -> None:
        """Replace these partitions and take them into the report."""
        for table, by_day in tables.items():
            report = self.tables.setdefault(table, TableReport())
            report.unknown_fields |= unknown.get(table, set())
            for day, shaped in by_day.items():
                report.bytes += lake.replace(vendor, table, day, shaped.rows, shaped.quarantined)
                report.rows[day] = shaped.rows.num_rows
                report.rules += shaped.rules
                report.waived += shaped.waived
                report.duplicates += shaped.duplicates
                if "settled" in shaped.rows.column_names:
                    report.unsettled[day] = shaped.rows["settled"].to_pylist().count(False)
                if table == READINGS:
                    statuses = Counter(shaped.rows["status"].to_pylist())
                    report.statuses += statuses
                    report.partial[day] = statuses["partial"]


def land_meetings(
    vendor: Vendor[Any],
    lake: Lake,
    days: Sequence[date],
    progress: Progress = silent,
    *,
    ask: bool = True,
    again: bool = True,
) -> Landed:
    """Ask which meetings ended on `days` and replace those partitions of the vendor's listing tables.

    Where the quota is spent before every list was read, only the table `days` is replaced: it says so.

    Args:
        vendor: whose meetings.
        lake: where the partitions are.
        days: ended dates.
        progress: told how far it is.
        ask: without asking, the partitions are rebuilt from what the archive holds; dates that the vendor never
            answered about are left out.
        again: ask for lists again that were read late enough already.

    Raises:
        AttendanceError: nothing but `days` was replaced, or only whole partitions were; what the vendor answered is
            kept.
    """
    landed = Landed()
    asked = [day for day in days if again or not are_settled(lake, vendor.name, day)] if ask else []
    try:
        with _folded(vendor, lake):
            if asked:
                landed.pulled = asyncio.run(discover(vendor, asked, progress))
    except VendorError:
        _take_days(landed, vendor, lake, asked)
        raise
    if landed.pulled.stopped:
        landed.left = days = asked
    else:
        kept = answered_dates(vendor, lake, [day for day in days if day not in asked])
        known = [day for day in days if day in asked or day in kept]
        landed.left = sorted(set(days) - set(known))
        progress(f"{vendor.name}: shaping meetings", 0, len(known))
        begins = range(0, len(known), LISTS_AT_A_TIME)
        stretches = ((known[begin : begin + LISTS_AT_A_TIME], vendor.shape_listings) for begin in begins)
        for done in _take_each(landed, vendor, lake, stretches):
            progress(f"{vendor.name}: shaping meetings", done, len(known))
        days = known
    _take_days(landed, vendor, lake, days)
    return landed


def land_attendance(
    vendor: Vendor[Any], lake: Lake, days: Sequence[date], progress: Progress = silent, *, ask: bool = True
) -> Landed:
    """Ask for the attendance that is due of the meetings that ended on `days` and replace those partitions.

    Dates whose meetings the vendor hasn't answered about yet are left out.

    Args:
        vendor: whose meetings.
        lake: where the partitions are.
        days: ended dates.
        progress: told how far it is.
        ask: without asking, the partitions are rebuilt from what the archive holds.

    Raises:
        AttendanceError: nothing was replaced, or only whole partitions were; what the vendor answered is kept.
    """
    landed, listed = Landed(), list[date]()
    for day in days:
        if lake.has(vendor.name, vendor.meetings_table.name, day):
            listed.append(day)
        elif ask and not lake.has(vendor.name, DAYS, day):
            raise StorageError(
                f"{vendor.name}/{vendor.meetings_table.name} has no partition {day} in {lake.root}; "
                f"land it first: attendance-pipeline run --from {day} --to {day} --vendor {vendor.name}"
            )
        else:
            landed.left.append(day)

    def known(day: date) -> tuple[list[Meeting], Holds]:
        holds = held(vendor.archive.heads(day), vendor.stand_ins)
        if not ask and not holds and _holds_rows(lake, vendor.name, vendor.attendance_tables, day):
            raise _lost(vendor, "attendance", day)
        return vendor.ended_on(lake, day), holds

    with _folded(vendor, lake):
        if ask:
            landed.pulled = asyncio.run(read_due(vendor, listed, known, progress))
    some_at_a_time = _some_at_a_time(listed, known)
    stretches = ((list(some), partial(_shape_attendance, vendor, some)) for some in some_at_a_time)
    for done in _take_each(landed, vendor, lake, stretches):
        progress(f"{vendor.name}: shaping attendance", done, len(listed))
    return landed


def answered_dates(vendor: Vendor[Any], lake: Lake, days: Sequence[date]) -> list[date]:
    """Those of the dates about which the vendor ever answered, as the archive knows, oldest first.

    Raises:
        StorageError: the lake has meetings of a date whose lists the archive has lost.
    """
    kept = asked_about(vendor.archive, days)
    for day in days:
        if day not in kept and _holds_rows(lake, vendor.name, vendor.listing_tables, day):
            # What an older version landed has no record of asking; its lists speak for it.
            if all(head["kind"] == RECORD for head in vendor.archive.listing_heads(day, day)):
                raise _lost(vendor, "lists", day)
            kept.add(day)
    return sorted(kept)


def _holds_rows(lake: Lake, vendor: str, tables: Sequence[Table], day: date) -> bool:
    held = (lake.read(vendor, table.name, day) for table in tables if table.name not in (DAYS, READINGS))
    return any(rows is not None and rows.num_rows for rows in held)


def _lost(vendor: Vendor[Any], what: str, day: date) -> StorageError:
    return StorageError(
        f"the archive no longer has the {what} of {vendor.name}'s meetings of {day}, but the lake has their rows: "
        "rebuilding would empty the partition; bring the archive back, or leave this date out"
    )


def _take_days(landed: Landed, vendor: Vendor[Any], lake: Lake, days: Sequence[date]) -> None:
    tables = [table.name for table in vendor.listing_tables if table.name != DAYS]
    broken = {day: count_quarantined(lake, vendor.name, tables, day) for day in days}
    rows = day_rows(vendor.archive, broken, vendor.timing)
    nothing = quarantine_table([])
    landed.take(lake, vendor.name, {DAYS: {day: Shaped(of_day, nothing) for day, of_day in rows.items()}}, {})


def _take_each(
    landed: Landed, vendor: Vendor[Any], lake: Lake, stretches: Iterable[tuple[Sequence[date], Shape]]
) -> Iterator[int]:
    """Shape and take one stretch of dates after the other; how many dates are done after each.

    Raises:
        SchemaDriftError: of the first date of another format, once all the others are taken.
    """
    done, drifted = 0, None
    for days, shape in stretches:
        try:
            for tables in _shaped(days, shape):
                landed.take(lake, vendor.name, *tables)
        except SchemaDriftError as error:
            drifted = drifted or error
        done += len(days)
        yield done
    if drifted:
        raise drifted


def _shaped(days: Sequence[date], shape: Shape) -> Iterator[Tables]:
    """The tables of these dates, shaped together; a date of another format doesn't hold up the others.

    Raises:
        SchemaDriftError: of the first such date, once the others are shaped.
    """
    try:
        yield shape(days)
        return
    except SchemaDriftError as error:
        of_all = error
    shaped, errors = [], []
    for day in days:
        try:
            shaped.append(shape([day]))
        except SchemaDriftError as error:
            errors.append(error)
    if not errors:
        # No date has enough rows to tell by itself.
        raise of_all
    yield from shaped
    raise errors[0]


def _some_at_a_time(days: Iterable[date], known: Known[Meeting]) -> Iterator[Stretch]:
    """Dates that are shaped together, with what is known of them."""
    some: Stretch = {}
    pages = 0
    for day in days:
        meetings, holds = known(day)
        some[day] = {meeting.id: meeting for meeting in meetings}, holds
        pages += sum(hold.pages for hold in holds.values())
        if pages >= PAGES_AT_A_TIME:
            yield some
            some, pages = {}, 0
    if some:
        yield some


def _shape_attendance(vendor: Vendor[Any], some: Stretch, days: Sequence[date]) -> Tables:
    return vendor.shape_attendance({day: some[day][0] for day in days}, {day: some[day][1] for day in days})


@contextmanager
def _folded(vendor: Vendor[Any], lake: Lake) -> Iterator[None]:
    """Fold the journal before a pull (a killed run may have left one) and after it, however it ends."""
    lake.sweep(vendor.name)
    vendor.archive.fold()
    try:
        yield
    finally:
        vendor.archive.fold()
