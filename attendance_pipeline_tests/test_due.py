"""Which dates a schedule lands next."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from attendance_pipeline.days import days_table
from attendance_pipeline.due import due_dates, missed_dates, settled_lately
from attendance_pipeline.lake import QUARANTINE, Lake
from attendance_pipeline.readings import readings_table
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Vendor
from attendance_pipeline.vendors.zoom import Zoom
from attendance_pipeline.windows import Window

NOW = datetime(2026, 3, 10, 14, 7, tzinfo=UTC)
TODAY = NOW.date()
START = date(2026, 1, 1)
YOUNG = date(2026, 3, 8)
"""Zoom's reports settle after a day; a day more for whatever ended late."""

SETTLED = {"status": "complete", "settled": True, "due_at": None}
NEVER_READ = {"status": "not_ready", "settled": False, "due_at": NOW - timedelta(hours=1)}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def keep(
    lake: Lake, days_ago: int, *, vendor: type[Vendor[Any]] = Zoom, lists: Any = SETTLED, **reading: Any
) -> date:
    """A date that was landed, with one meeting."""
    day = TODAY - timedelta(days=days_ago)
    lists = {"rows_quarantined": 0, "recoverable_until": NOW + timedelta(days=9)} | lists
    reading = {
        "meeting_id": "a",
        "report": "participants",
        "rows_held": 0,
        "rows_quarantined": 0,
        "attempts": 0,
        "recoverable_until": NOW + timedelta(days=90),
    } | (reading or SETTLED)
    del lists["due_at"]
    replace(lake, vendor, "days", day, pa.Table.from_pylist([lists], days_table("").schema))
    replace(lake, vendor, "readings", day, pa.Table.from_pylist([reading], readings_table("").schema))
    replace(lake, vendor, vendor.meetings_table.name, day, vendor.meetings_table.schema.empty_table())
    return day


def replace(lake: Lake, vendor: type[Vendor[Any]], table: str, day: date, rows: pa.Table) -> None:
    lake.replace(vendor.name, table, day, rows, QUARANTINE.empty_table())


def keep_all(lake: Lake, oldest: int) -> None:
    """Everything landed and settled since then."""
    for days_ago in range(oldest, 0, -1):
        keep(lake, days_ago)


def test_a_fresh_start_lands_the_young_dates(lake: Lake) -> None:
    assert due_dates(Zoom, lake, NOW, START) == [Window(YOUNG, TODAY)]
    assert due_dates(Zoom, lake, NOW, TODAY) == [Window(TODAY, TODAY)]


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS.keys())
@pytest.mark.parametrize(
    ("status", "settled", "due", "is_covered"),
    [
        ("complete", True, None, False),
        ("gone", True, None, False),
        ("complete", False, NOW, True),
        ("partial", False, NOW, True),
        ("not_ready", False, NOW, True),
        ("not_ready", False, NOW + timedelta(seconds=1), False),
        ("not_ready", False, None, False),
        ("denied", False, NOW, False),
        ("blocked", False, NOW, False),
    ],
)
def test_a_date_is_landed_again_once_a_report_is_due_that_nobody_refuses(
    lake: Lake, vendor: type[Vendor[Any]], status: str, settled: bool, due: datetime | None, is_covered: bool
) -> None:
    for days_ago in range(12, 0, -1):
        day = keep(lake, days_ago, vendor=vendor)
    day = keep(lake, 9, vendor=vendor, status=status, settled=settled, due_at=due)
    young = (NOW - vendor.timing.settles).date() - timedelta(days=1)

    assert due_dates(vendor, lake, NOW, START) == [Window(day if is_covered else young, TODAY)]


@pytest.mark.parametrize(
    ("lists", "is_covered"),
    [
        ({"status": "partial", "settled": False}, True),
        ({"status": "not_ready", "settled": False}, True),
        ({"status": "denied", "settled": False}, False),
        ({"status": "partial", "settled": True}, False),
        ({"status": "not_ready", "settled": False, "recoverable_until": NOW}, False),
    ],
)
def test_a_date_whose_lists_were_not_read_late_enough_is_landed_again(
    lake: Lake, lists: dict[str, Any], is_covered: bool
) -> None:
    keep_all(lake, 13)
    day = keep(lake, 9, lists=SETTLED | lists)

    assert due_dates(Zoom, lake, NOW, START) == [Window(day if is_covered else YOUNG, TODAY)]


def test_what_the_vendor_has_forgotten_is_due_no_more(lake: Lake) -> None:
    keep_all(lake, 13)
    keep(lake, 9, **NEVER_READ, recoverable_until=NOW)

    assert due_dates(Zoom, lake, NOW, START) == [Window(YOUNG, TODAY)]


def test_a_refused_date_hides_no_due_one(lake: Lake) -> None:
    keep_all(lake, 13)
    keep(lake, 12, **NEVER_READ | {"status": "denied"})
    day = keep(lake, 9, **NEVER_READ)

    assert due_dates(Zoom, lake, NOW, START) == [Window(day, TODAY)]
    assert due_dates(Zoom, lake, NOW, day + timedelta(days=2)) == [Window(YOUNG, TODAY)]


def test_dates_that_no_run_came_for_are_due_but_none_before_the_first(lake: Lake) -> None:
    last = keep(lake, 8)

    assert due_dates(Zoom, lake, NOW, START) == [Window(last + timedelta(days=1), TODAY)]


def test_meetings_whose_attendance_was_never_asked_for_are_due(lake: Lake) -> None:
    keep_all(lake, 13)
    day = keep(lake, 9)
    lake.file("zoom", "readings", day).unlink()

    assert due_dates(Zoom, lake, NOW, START) == [Window(day, TODAY)]


def test_old_dates_come_by_themselves_the_oldest_first_and_few_at_a_time(lake: Lake) -> None:
    keep_all(lake, 46)
    first, second, third = (keep(lake, days_ago, **NEVER_READ) for days_ago in (45, 16, 14))

    assert due_dates(Zoom, lake, NOW, START) == [Window(YOUNG, TODAY), Window(first, second)]
    assert due_dates(Zoom, lake, NOW, second) == [Window(second, TODAY)]


def test_a_meeting_that_was_listed_by_a_run_killed_before_it_read_it_is_due(lake: Lake) -> None:
    keep_all(lake, 13)
    day = keep(lake, 9)
    listed = pa.table({"uuid": ["a", "listed later"]})
    lacking = [
        pa.nulls(2, column.type) if column.name != "uuid" else listed["uuid"] for column in Zoom.meetings_table.schema
    ]
    replace(lake, Zoom, "meetings", day, pa.table(lacking, names=Zoom.meetings_table.schema.names))

    assert due_dates(Zoom, lake, NOW, START) == [Window(day, TODAY)]


def test_the_night_reads_the_lists_again_of_what_settled_within_a_week(lake: Lake) -> None:
    assert settled_lately(Zoom, lake, NOW, START) is None

    keep_all(lake, 30)

    last = YOUNG - timedelta(days=1)
    assert settled_lately(Zoom, lake, NOW, START) == Window(last - timedelta(days=6), last)
    assert settled_lately(Zoom, lake, NOW, last) == Window(last, last)
    assert settled_lately(Zoom, lake, NOW, YOUNG) is None


def test_the_night_reads_nothing_older_than_what_was_ever_wanted(lake: Lake) -> None:
    first = keep(lake, 4)

    assert settled_lately(Zoom, lake, NOW, START) == Window(first, YOUNG - timedelta(days=1))


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS.keys())
def test_the_week_looks_back_over_all_that_the_vendor_still_has(lake: Lake, vendor: type[Vendor[Any]]) -> None:
    young = (NOW - vendor.timing.settles).date() - timedelta(days=1)
    yesterday = young - timedelta(days=1)

    assert missed_dates(vendor, lake, NOW, date(2020, 1, 1)) == Window(vendor.earliest(NOW), yesterday)
    assert missed_dates(vendor, lake, NOW, yesterday) == Window(yesterday, yesterday)


def test_the_week_misses_nothing_where_all_is_held(lake: Lake) -> None:
    keep_all(lake, 30)

    assert missed_dates(Zoom, lake, NOW, TODAY - timedelta(days=30)) is None
    assert missed_dates(Zoom, lake, NOW, TODAY - timedelta(days=32)) == Window(
        TODAY - timedelta(days=32), TODAY - timedelta(days=31)
    )


def test_the_week_asks_again_about_what_was_refused(lake: Lake) -> None:
    keep_all(lake, 30)
    first = keep(lake, 20, lists=SETTLED | {"status": "denied", "settled": False})
    last = keep(lake, 9, **NEVER_READ | {"status": "denied"})

    assert missed_dates(Zoom, lake, NOW, TODAY - timedelta(days=30)) == Window(first, last)
