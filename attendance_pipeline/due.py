"""Which ended dates a schedule lands next: the young ones, and older ones of which something is due.

What a run had to leave (its quota was spent, the vendor was down, it was killed, it never came) is due until the
vendor forgets it. A refusal isn't: it stands until somebody grants what lacks and runs the date again. Knows the lake
and a vendor's timing. Knows no schedule.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from attendance_pipeline.days import DAYS
from attendance_pipeline.lake import Lake
from attendance_pipeline.readings import READINGS
from attendance_pipeline.vendors.base import Vendor
from attendance_pipeline.windows import Window, dates

STRETCH = timedelta(days=30)
"""Older dates that are landed at a time: about what one list request spans at any vendor."""

RECONCILED = timedelta(days=7)
"""How long after it settled a date's lists are read once more, to see that nothing has joined them."""

REFUSED = ("denied", "blocked")


def due_dates(vendor: type[Vendor[Any]], lake: Lake, now: datetime, start: date) -> list[Window]:
    """The stretches of ended dates to land now: the young dates, then the oldest of the older ones, if any is due.

    Args:
        vendor: whose meetings.
        lake: what is held.
        now: UTC.
        start: the first ended date of interest.
    """
    today = now.date()
    young = _first_young(vendor, now, start)
    begun = _first_wanted(vendor, lake) or young
    older = [day for day in _older(vendor, now, max(start, begun)) if _is_due(vendor, lake, day, now)]
    if not older:
        return [Window(young, today)]
    stretch = Window(older[0], max(day for day in older if day - older[0] < STRETCH))
    if stretch.last == older[-1] and young - older[0] < STRETCH:
        # One list request reaches over both.
        return [Window(stretch.first, today)]
    return [Window(young, today), stretch]


def settled_lately(vendor: type[Vendor[Any]], lake: Lake, now: datetime, start: date) -> Window | None:
    """The ended dates that settled within the last RECONCILED days; None where none of them was asked about before.

    Args:
        vendor: whose meetings.
        lake: what is held.
        now: UTC.
        start: the first ended date of interest.
    """
    last = _first_young(vendor, now, start) - timedelta(days=1)
    begun = _first_wanted(vendor, lake)
    if begun is None:
        return None
    first = max(begun, start, last + timedelta(days=1) - RECONCILED)
    return Window(first, last) if first <= last else None


def missed_dates(vendor: type[Vendor[Any]], lake: Lake, now: datetime, start: date) -> Window | None:
    """The older ended dates within reach of which something isn't held, refused or never asked about, as one stretch.

    None where everything is held. Landing the stretch asks nothing about the settled dates in it.

    Args:
        vendor: whose meetings.
        lake: what is held.
        now: UTC.
        start: the first ended date of interest.
    """
    missed = [day for day in _older(vendor, now, start) if _is_due(vendor, lake, day, now, but=())]
    return Window(missed[0], missed[-1]) if missed else None


def _first_young(vendor: type[Vendor[Any]], now: datetime, start: date) -> date:
    return max(start, (now - vendor.timing.settles).date() - timedelta(days=1))


def _older(vendor: type[Vendor[Any]], now: datetime, first: date) -> list[date]:
    return dates(max(first, vendor.earliest(now)), _first_young(vendor, now, first) - timedelta(days=1))


def _first_wanted(vendor: type[Vendor[Any]], lake: Lake) -> date | None:
    """A date after it that was never asked about was missed."""
    tables = (DAYS, vendor.meetings_table.name)
    first = (next(lake.partitions(vendor.name, table), None) for table in tables)
    return min((held.ended_date for held in first if held), default=None)


def _is_due(vendor: type[Vendor[Any]], lake: Lake, day: date, now: datetime, but: Sequence[str] = REFUSED) -> bool:
    key = vendor.meetings_table.key[0]
    asked = lake.read(vendor.name, DAYS, day, (*_TELLING, "settled"))
    if asked is not None and pc.any(pc.invert(_recoverable(asked, now, but)["settled"])).as_py():
        return True
    readings = lake.read(vendor.name, READINGS, day, (*_TELLING, "due_at", "meeting_id"))
    if readings is None:
        # Never asked about, or the run that asked ended before it read anything.
        return asked is None or lake.has(vendor.name, vendor.meetings_table.name, day)
    if pc.any(pc.less_equal(_recoverable(readings, now, but)["due_at"], now)).as_py():
        return True
    # Listed by a run that ended before it read them.
    listed = lake.read(vendor.name, vendor.meetings_table.name, day, [key])
    return listed is not None and not pc.all(pc.is_in(listed[key], readings["meeting_id"]), min_count=0).as_py()


_TELLING = ("status", "recoverable_until")


def _recoverable(rows: pa.Table, now: datetime, but: Sequence[str]) -> pa.Table:
    """Rows about something that the vendor still has, without those of some statuses."""
    refused = pc.is_in(rows["status"], pa.array(but, pa.string()))
    return rows.filter(pc.and_not(pc.greater(rows["recoverable_until"], now), refused))
