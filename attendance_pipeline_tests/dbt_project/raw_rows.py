"""Raw rows as the loader lays them down. Knows the loader's tables, nothing of dbt's models."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

RAW_TABLES = Path(__file__).with_name("raw.sql")

Row = dict[str, Any]


@dataclass
class RawRows:
    """What a loader would have loaded, by the names of its tables."""

    zoom_meetings: list[Row] = field(default_factory=list)
    zoom_participants: list[Row] = field(default_factory=list)
    zoom_readings: list[Row] = field(default_factory=list)
    webex_meetings: list[Row] = field(default_factory=list)
    webex_attendees: list[Row] = field(default_factory=list)
    webex_participants: list[Row] = field(default_factory=list)
    webex_readings: list[Row] = field(default_factory=list)
    teams_attendance_reports: list[Row] = field(default_factory=list)
    teams_attendance_records: list[Row] = field(default_factory=list)
    teams_registrations: list[Row] = field(default_factory=list)
    teams_attendee_events: list[Row] = field(default_factory=list)
    teams_recordings: list[Row] = field(default_factory=list)
    teams_meetings: list[Row] = field(default_factory=list)
    teams_readings: list[Row] = field(default_factory=list)
    zoom_days: list[Row] = field(default_factory=list)
    webex_days: list[Row] = field(default_factory=list)
    teams_days: list[Row] = field(default_factory=list)
    vendors: list[Row] = field(default_factory=list)
    aliases: list[Row] = field(default_factory=list)
    roster: list[Row] = field(default_factory=list)
    loads: list[Row] = field(default_factory=list)
    builds: list[Row] = field(default_factory=list)


def write_raw(path: Path, rows: RawRows) -> None:
    """Create the raw tables as the loader does, in the format that older clients read."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as build (storage_version 'v1.5.0')")
        connection.execute("use build")
        connection.execute("drop schema if exists raw cascade")
        connection.execute("create schema raw")
        connection.execute(RAW_TABLES.read_text())
        for table, table_rows in vars(rows).items():
            if not table_rows:
                continue
            columns = {name: [row[name] for row in table_rows] for name in table_rows[0]}
            connection.register("incoming", pa.table(columns))
            connection.execute(f"insert into raw.{table} by name select * from incoming")  # noqa: S608
            connection.unregister("incoming")
