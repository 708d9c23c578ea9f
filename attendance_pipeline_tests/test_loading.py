"""What the load lays down beside the vendors' tables, and when there is something to load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from attendance_pipeline.lake import QUARANTINE, Lake
from attendance_pipeline.loading import NOTHING_TOLD, UNDATED, Sources, Told, Wanted, has_news, load
from attendance_pipeline.readings import Timing
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.zoom import Zoom
from attendance_pipeline.warehouse import begin_build, finish_build

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


DAYS = Zoom.listing_tables[-1]
MONDAY = date(2026, 3, 2)


READINGS = Zoom.attendance_tables[-1]


def landed(lake: Lake, status: str, ended: date = MONDAY, table: Table = DAYS, **said: Any) -> None:
    some: dict[Any, Any] = {pa.string(): "", pa.bool_(): True, pa.int32(): 0, pa.int64(): 0}
    some[pa.timestamp("us", "UTC")] = datetime(2026, 3, 9, tzinfo=UTC)
    row = {field.name: some[field.type] for field in table.schema} | {"status": status} | said
    held = pa.Table.from_pylist([row], schema=table.schema)
    lake.replace(table.vendor, table.name, ended, held, QUARANTINE.empty_table())


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


TABLES = [DAYS, READINGS]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A lake of two dates, and a finished build of it by "a recipe"."""
    build, lake = tmp_path / "build.duckdb", Lake(tmp_path / "lake")
    for table in TABLES:
        landed(lake, "complete", table=table)
        landed(lake, "complete", MONDAY + DAY, table)
    load(lake, build, TABLES, [ACME])
    finish_build(build, "a recipe")
    return build


def news(build: Path, *, recipe: str = "a recipe", wanted: Wanted = ACME, told: Told = NOTHING_TOLD) -> bool:
    return has_news(Lake(build.parent / "lake"), build, Sources(TABLES, [wanted], told), recipe)


def test_what_is_built_is_no_news(built: Path) -> None:
    assert not news(built)


def test_when_the_lists_were_asked_for_is_no_news_and_what_they_said_is(built: Path) -> None:
    lake = Lake(built.parent / "lake")
    landed(lake, "complete", asked_at=datetime(2026, 3, 9, 1, tzinfo=UTC))
    assert not news(built)

    landed(lake, "partial", asked_at=datetime(2026, 3, 9, 1, tzinfo=UTC))
    assert news(built)


@pytest.mark.parametrize(
    "change",
    [
        lambda lake: landed(lake, "complete", MONDAY + 2 * DAY),
        lambda lake: landed(lake, "complete", table=READINGS, attempts=1),
        lambda lake: lake.file("zoom", "days", MONDAY).unlink(),
    ],
    ids=["a date", "a reading", "a file that is gone"],
)
def test_every_other_change_of_the_lake_is_news(built: Path, change: Callable[[Lake], None]) -> None:
    change(Lake(built.parent / "lake"))

    assert news(built)


def test_another_day_recipe_or_alias_is_news(built: Path) -> None:
    assert news(built, wanted=replace(ACME, as_of=ACME.as_of + DAY))
    assert news(built, recipe="another")
    assert news(built, told=Told(aliases=[("b@x.example", "a@x.example")]))


def test_a_build_that_was_never_finished_or_is_of_another_version_is_news(built: Path) -> None:
    with duckdb.connect(str(built)) as connection:
        connection.execute("create or replace table raw.loads as select * exclude (vendor) from raw.loads")
    assert news(built)

    begin_build(built)
    assert news(built)
    assert news(built.with_name("none.duckdb"))
