"""A DuckDB file with hand-made rows in the marts that checks read; their columns are those of the dbt project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from attendance_pipeline.dbt import MANIFEST

Row = dict[str, Any]

TODAY = datetime.now(UTC).date()
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=None)
MARTS = (
    *("coverage_days", "missing", "expiring", "lost"),
    *("meetings", "daily_utilization", "reconciliation"),
)
ON = {"zoom": 1, "webex": 24}
"""The vendors that are on, and after how many hours a meeting's attendance can be had."""
YEAR = NOON + timedelta(days=365)


def write_marts(path: Path, on: Mapping[str, int] = ON, **marts: Iterable[Row]) -> Path:
    """The marts that checks read, those that aren't given without rows; and of `raw.vendors` those that are on."""
    nodes = json.loads(MANIFEST.read_text())["nodes"]
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute("create schema raw")
        connection.execute("create table raw.vendors (vendor varchar, is_on boolean, first_read_seconds bigint)")
        for vendor, hours in on.items():
            connection.execute("insert into raw.vendors values (?, true, ?)", [vendor, hours * 3600])
        for mart in MARTS:
            columns = nodes[f"model.attendance.{mart}"]["columns"].values()
            declared = ", ".join(f"{column['name']} {column['data_type']}" for column in columns)
            connection.execute(f"create table marts.{mart} ({declared})")
            for row in marts.get(mart, ()):
                places = ", ".join("?" * len(row))
                connection.execute(
                    f"insert into marts.{mart} ({', '.join(row)}) values ({places})",  # noqa: S608
                    list(row.values()),
                )
    return path


def day(vendor: str, ended: date, status: str = "complete", **changes: Any) -> Row:
    """A settled day of one held meeting."""
    counts = dict.fromkeys(["partial", "not_ready", "denied", "gone", "blocked", "missing", "rows_quarantined"], 0)
    return {
        "vendor": vendor,
        "ended_date": ended,
        "status": status,
        "meetings": 1,
        "held": 1,
        **counts,
        "settles_at": NOON - timedelta(days=1),
        "recoverable_until": YEAR,
        **changes,
    }


def gap(vendor: str, ended: date, until: datetime = YEAR, meeting: str | None = None, **changes: Any) -> Row:
    """A meeting or, without its id, a whole day that isn't held though it settled yesterday."""
    return {
        "vendor": vendor,
        "ended_date": ended,
        "is_whole_day": meeting is None,
        "vendor_meeting_id": meeting,
        "reason": None,
        "recoverable_until": until,
        "settles_at": NOON - timedelta(days=1),
        **changes,
    }


def busy(vendor: str, ended: date, meetings: int, attendees: int | None = None) -> dict[str, Row]:
    """A settled and held day of so many meetings, a row of each mart that counts them."""
    number = attendees if attendees is not None else meetings * 4
    return {
        "coverage_days": day(vendor, ended, meetings=meetings, held=meetings, settled=True),
        "daily_utilization": {"vendor": vendor, "ended_date": ended, "meetings": meetings, "attendees": number},
        "meetings": {
            "vendor": vendor,
            "ended_date": ended,
            "ended_at": datetime.combine(ended, datetime.min.time()) + timedelta(hours=15),
        },
    }


def days_with(days: Iterable[dict[str, Row]]) -> dict[str, list[Row]]:
    """These days as the marts have them: of a date without a meeting, none but coverage has a row."""
    marts: dict[str, list[Row]] = {}
    for of_day in days:
        is_empty = not of_day["coverage_days"]["meetings"]
        for mart, row in of_day.items():
            if mart == "coverage_days" or not is_empty:
                marts.setdefault(mart, []).append(row)
    return marts
