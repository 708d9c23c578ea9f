"""A DuckDB file with hand-made rows in the marts of coverage; their columns are those of the dbt project."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from attendance_pipeline.defs.manifest import MANIFEST

Row = dict[str, Any]

TODAY = datetime.now(UTC).date()
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=None)
YEAR = NOON + timedelta(days=365)


def write_marts(path: Path, **marts: Iterable[Row]) -> Path:
    """`coverage_days`, `missing`, `expiring` and `lost`, those that aren't given without rows."""
    nodes = json.loads(MANIFEST.read_text())["nodes"]
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        for mart in ("coverage_days", "missing", "expiring", "lost"):
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
