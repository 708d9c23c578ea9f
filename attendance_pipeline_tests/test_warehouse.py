"""What the load lays down beside the vendors' tables."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from attendance_pipeline.errors import StorageError
from attendance_pipeline.lake import QUARANTINE, Lake
from attendance_pipeline.readings import Timing
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.zoom import Zoom
from attendance_pipeline.warehouse import UNDATED, Told, Wanted, finish_build, forget_build, load, needs_rebuild

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ACME = Wanted(
    vendor="acme",
    is_on=True,
    first_date=date(2026, 1, 1),
    as_of=date(2026, 3, 9),
    timing=Timing(first_read=HOUR, settles=DAY, listed=30 * DAY, recoverable=365 * DAY, page_token=HOUR),
)


def vendors(build: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(build), read_only=True) as connection:
        return connection.execute(
            "select vendor, is_on, first_date, as_of, first_read_seconds, settles_seconds, listed_seconds, "
            "recoverable_seconds from raw.vendors order by vendor"
        ).fetchall()


def test_what_is_wanted_of_each_vendor_is_loaded_and_replaced(tmp_path: Path) -> None:
    build, lake = tmp_path / "build.duckdb", Lake(tmp_path / "lake")
    acme = ("acme", True, date(2026, 1, 1), date(2026, 3, 9), 3600, 86400, 30 * 86400, 365 * 86400)

    load(lake, build, [], [replace(ACME, vendor="zeta", is_on=False), ACME])
    assert vendors(build) == [acme, ("zeta", False, *acme[2:])]

    load(lake, build, [], [replace(ACME, as_of=date(2026, 3, 10))])
    assert vendors(build) == [(*acme[:3], date(2026, 3, 10), *acme[4:])]


def test_nobody_wanted_is_an_empty_table(tmp_path: Path) -> None:
    load(Lake(tmp_path / "lake"), tmp_path / "build.duckdb", [])

    assert vendors(tmp_path / "build.duckdb") == []


def test_a_build_file_whose_making_was_killed_hinders_no_later_run(tmp_path: Path) -> None:
    build = tmp_path / "build.duckdb"
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; from pathlib import Path; from attendance_pipeline import warehouse\n"
            "made = warehouse._open\n"
            "def die(path): made(path); os.kill(os.getpid(), 9)\n"
            "warehouse._open = die\n"
            "warehouse.load(warehouse.Lake(Path(sys.argv[1])), Path(sys.argv[2]), [])",
            tmp_path / "lake",
            build,
        ],
        check=False,
    )

    assert process.returncode == -9
    assert not build.exists()
    assert load(Lake(tmp_path / "lake"), build, []) == {}


@contextmanager
def held_elsewhere(build: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process has the file open until its input ends."""
    code = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, build], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield holder
        holder.communicate()


def test_a_builder_that_outlived_its_parent_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = tmp_path / "build.duckdb"
    load(Lake(tmp_path / "lake"), build, [])

    with held_elsewhere(build) as holder:
        monkeypatch.setattr("attendance_pipeline.warehouse.sleep", lambda seconds: holder.communicate())
        load(Lake(tmp_path / "lake"), build, [])

        assert holder.returncode == 0


def test_a_program_that_never_lets_go_of_the_build_file_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.warehouse.LOCK_PATIENCE", 0)
    build = tmp_path / "build.duckdb"
    load(Lake(tmp_path / "lake"), build, [])

    with held_elsewhere(build), pytest.raises(StorageError, match="another program may hold it"):
        load(Lake(tmp_path / "lake"), build, [])


DAYS = Zoom.listing_tables[-1]
MONDAY = date(2026, 3, 2)


def landed(lake: Lake, status: str, ended: date = MONDAY) -> None:
    some = {pa.string(): "", pa.bool_(): True, pa.int64(): 0}
    some[pa.timestamp("us", "UTC")] = datetime(2026, 3, 9, tzinfo=UTC)
    row = {field.name: some[field.type] for field in DAYS.schema} | {"status": status}
    held = pa.Table.from_pylist([row], schema=DAYS.schema)
    lake.replace(DAYS.vendor, DAYS.name, ended, held, QUARANTINE.empty_table())


def noted(build: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(build), read_only=True) as connection:
        return connection.execute(
            "select raw_table, vendor, ended_date, mark is null, batch from raw.loads order by all"
        ).fetchall()


def test_the_batch_that_last_changed_a_partition_is_noted_also_of_one_that_is_gone(tmp_path: Path) -> None:
    build, lake = tmp_path / "build.duckdb", Lake(tmp_path / "lake")
    landed(lake, "complete")
    landed(lake, "complete", MONDAY + DAY)
    load(lake, build, [DAYS])
    load(lake, build, [DAYS])
    assert noted(build) == [("zoom_days", "zoom", MONDAY + number * DAY, False, 1) for number in (0, 1)]

    landed(lake, "partial")
    load(lake, build, [DAYS])
    lake.file("zoom", "days", MONDAY + DAY).unlink()
    load(lake, build, [DAYS])

    assert noted(build) == [("zoom_days", "zoom", MONDAY, False, 3), ("zoom_days", "zoom", MONDAY + DAY, True, 4)]


def test_what_an_analyst_tells_is_a_change_of_its_own(tmp_path: Path) -> None:
    build, lake = tmp_path / "build.duckdb", Lake(tmp_path / "lake")
    told = Told(aliases=[("b@x.example", "a@x.example")], roster=[("zoom", "a@x.example")])

    load(lake, build, [])
    assert noted(build) == []
    load(lake, build, [], told=told)
    load(lake, build, [], told=told)
    assert noted(build) == [(name, None, UNDATED, False, 2) for name in ("aliases", "roster")]

    load(lake, build, [], told=replace(told, aliases=()))
    with duckdb.connect(str(build), read_only=True) as connection:
        assert connection.execute("from raw.aliases").fetchall() == []
        assert connection.execute("from raw.roster").fetchall() == [("zoom", "a@x.example")]
    assert noted(build)[0] == ("aliases", None, UNDATED, False, 4)


def test_a_build_is_made_whole_until_one_by_the_same_recipe_is_finished(tmp_path: Path) -> None:
    build = tmp_path / "build.duckdb"
    assert needs_rebuild(build, "a recipe")

    load(Lake(tmp_path / "lake"), build, [])
    assert needs_rebuild(build, "a recipe")
    finish_build(build, "a recipe")

    assert not needs_rebuild(build, "a recipe")
    assert needs_rebuild(build, "another")
    # and when that other one fails, the first is no longer what is in the file
    forget_build(build)
    assert needs_rebuild(build, "a recipe")


def test_a_build_file_of_an_older_version_is_loaded_anew(tmp_path: Path) -> None:
    build, lake = tmp_path / "build.duckdb", Lake(tmp_path / "lake")
    landed(lake, "complete")
    load(lake, build, [DAYS])
    with duckdb.connect(str(build)) as connection:
        connection.execute("create or replace table raw.loads as select * exclude (vendor) from raw.loads")

    loaded = load(lake, build, [DAYS])

    assert loaded["zoom_days"].rows == 1
    assert noted(build) == [("zoom_days", "zoom", MONDAY, False, 1)]


def test_raw_tables_say_in_the_file_what_their_columns_are(tmp_path: Path) -> None:
    build, lake = tmp_path / "build.duckdb", Lake(tmp_path / "lake")
    tables = [table for vendor in VENDORS.values() for table in (*vendor.listing_tables, *vendor.attendance_tables)]
    load(lake, build, tables)

    with duckdb.connect(str(build), read_only=True) as connection:
        told = connection.execute(
            "select table_name, column_name, comment from duckdb_columns() where schema_name = 'raw'"
        ).fetchall()
    comments = {(table, column): comment for table, column, comment in told}
    assert comments["zoom_participants", "meeting_uuid"] == "The occurrence's UUID"
    described = {(f"{table.vendor}_{table.name}", column) for table in tables for column in table.schema.names}
    assert {key for key in described if not comments[key]} == set()
