"""What each asset's page says, of a code location that was loaded and of three days of all vendors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from attendance_pipeline.definitions import definitions, defs
from attendance_pipeline.defs.columns import described
from attendance_pipeline.defs.labels import ANALYSTS, ENGINEERS
from attendance_pipeline.defs.preview import with_rows
from attendance_pipeline.defs.schedules import range_tags
from attendance_pipeline.sandbox import Sandbox
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS

LAST = datetime.now(UTC).date() - timedelta(days=4)
FIRST = LAST - timedelta(days=2)
PUBLISHED = "published"
SCHEMA, LINEAGE, ROWS = "dagster/column_schema", "dagster/column_lineage", "dagster/row_count"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        return defs().get_repository_def().asset_graph


@dataclass
class Built:
    """What the pages of a code location say after its first runs."""

    metadata: dict[str, dict[str, Any]]
    """By asset, of its newest materialization."""
    build: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    data = tmp_path_factory.mktemp("built")
    with (
        pytest.MonkeyPatch.context() as patch,
        # dagster-dbt asks for what Dagster deprecates
        warnings.catch_warnings(action="ignore", category=DeprecationWarning),
        dg.instance_for_test() as instance,
        Sandbox(size="small") as sandbox,
    ):
        patch.chdir(data)
        for name, value in (sandbox.settings | {"ATTENDANCE_DATA": str(data)}).items():
            patch.setenv(name, value)
        everything = definitions()
        jobs = [(f"land_{vendor}", range_tags(FIRST, LAST)) for vendor in VENDORS] + [("warehouse", {})]
        metadata = {}
        for name, tags in jobs:
            result = everything.resolve_job_def(name).execute_in_process(instance=instance, tags=tags)
            for event in result.get_asset_materialization_events():
                made = event.step_materialization_data.materialization
                if not made.partition or ROWS in made.metadata:
                    metadata[made.asset_key.to_user_string()] = {
                        name: value.value for name, value in made.metadata.items()
                    }
        yield Built(metadata, data / "build.duckdb")


def names(graph: Any) -> list[str]:
    return [key.to_user_string() for key in graph.get_all_asset_keys()]


def node(graph: Any, name: str) -> Any:
    return graph.get(dg.AssetKey(name.split("/")))


def test_every_asset_says_whose_it_is_what_it_is_made_with_and_its_grain(graph: Any) -> None:
    for name in names(graph):
        asset = node(graph, name)
        analysts = asset.group_name in ("marts", "metrics")
        assert asset.owners == [ANALYSTS if analysts else ENGINEERS], name
        assert asset.kinds & {"parquet", "duckdb"}, name
        if name != PUBLISHED:
            assert re.match("One row(,| per )", asset.description), name


def test_assets_of_one_vendor_are_tagged_with_it_from_the_lake_to_the_intermediate_models(graph: Any) -> None:
    tagged = {name: vendor for name in names(graph) if (vendor := node(graph, name).tags.get("vendor"))}

    for name, vendor in {
        "zoom/participants": "zoom",
        "raw/webex_attendees": "webex",
        "staging/stg_teams__meetings": "teams",
        "intermediate/int_zoom_measures": "zoom",
    }.items():
        assert tagged[name] == vendor
    assert {name for name in tagged if name.startswith("marts/")} == set()
    assert "intermediate/int_meetings_unioned" not in tagged


def test_every_table_shows_all_of_its_columns_with_type_and_description(graph: Any, built: Built) -> None:
    with duckdb.connect(built.build, read_only=True) as connection:
        held: dict[str, list[tuple[str, str]]] = {}
        for table, column, kind in connection.execute(
            "select schema_name || '/' || table_name, column_name, lower(data_type) from duckdb_columns() "
            "where not internal order by column_index"
        ).fetchall():
            held.setdefault(table, []).append((column, kind))

    warehouse = [name for name in names(graph) if name.split("/")[0] not in VENDORS and name != PUBLISHED]
    assert set(warehouse) == set(held)
    for name in warehouse:
        columns = node(graph, name).metadata[SCHEMA].columns
        assert [(column.name, column.type) for column in columns] == held[name], name
        assert [column.name for column in columns if not column.description] == [], name


@pytest.mark.parametrize(
    ("column", "landed"),
    [
        (
            "marts/meetings.title",
            {"zoom/meetings.topic", "webex/meetings.meeting_title", "teams/attendance_reports.subject"},
        ),
        ("marts/attendance_intervals.joined_at", {"zoom/participants.join_time", "webex/attendees.joined_time"}),
        (
            "marts/daily_utilization.attended_seconds",
            {"zoom/participants.leave_time", "teams/attendee_events.utc_event_timestamp"},
        ),
        (
            "marts/dates.date_day",
            {"zoom/meetings.start_time", "webex/meetings.start_time"},
        ),
    ],
)
def test_columns_of_the_marts_lead_back_to_every_vendors_tables(graph: Any, column: str, landed: set[str]) -> None:
    found: set[str] = set()
    open_ends = [column]
    while open_ends:
        table, name = open_ends.pop().split(".")
        lineage = node(graph, table).metadata.get(LINEAGE)
        for dep in lineage.deps_by_column[name] if lineage else ():
            origin = f"{dep.asset_key.to_user_string()}.{dep.column_name}"
            if origin not in found:
                found.add(origin)
                open_ends.append(origin)

    lake = {origin for origin in found if origin.split("/")[0] in VENDORS}
    assert landed <= lake
    assert {origin.split("/")[0] for origin in lake} == set(VENDORS)
    assert lake <= {f"{table}.{name}" for table in names(graph) for name in _columns(graph, table)}
    assert described().landed(column) == sorted(lake)


def _columns(graph: Any, table: str) -> list[str]:
    schema = node(graph, table).metadata.get(SCHEMA)
    return [column.name for column in schema.columns] if schema else []


def test_a_columns_description_links_what_it_is_made_of(graph: Any) -> None:
    (title,) = (one for one in node(graph, "marts/meetings").metadata[SCHEMA].columns if one.name == "title")

    assert "From [int_meetings_unioned.title](/assets/intermediate/int_meetings_unioned)" in title.description
    assert "zoom: [meetings.topic](/assets/zoom/meetings)" in title.description


def test_every_table_tells_how_many_rows_it_has(graph: Any, built: Built) -> None:
    with duckdb.connect(built.build, read_only=True) as connection:
        for name in names(graph):
            # that all is built is noted after all is told of
            if name in (PUBLISHED, "raw/builds", "staging/stg_pipeline__builds"):
                continue
            lake = name.split("/")[0] in VENDORS
            relation = f"raw.{name.replace('/', '_')}" if lake else name.replace("/", ".")
            counted = connection.execute(f"select count(*) from {relation}").fetchone()  # noqa: S608
            assert built.metadata[name][ROWS] == (counted or [None])[0], name
            assert ("preview" in built.metadata[name]) == (built.metadata[name][ROWS] > 0), name


def test_previews_show_what_is_countable_and_hide_who_it_is(built: Built) -> None:
    preview = built.metadata["marts/attendees"]["preview"]

    lines = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in preview.splitlines()
    }
    assert set(lines["vendor"]) <= set(VENDORS)
    assert all(re.fullmatch(r"\d+", cell) for cell in lines["attended_seconds"])
    assert all(re.fullmatch(r"2\d{3}-\d\d-\d\d", cell) for cell in lines["ended_date"])
    assert all(re.fullmatch(r"[0-9a-f]{8}…", cell) for cell in lines["person_key"])
    assert all(re.fullmatch(r"(…\(\d+\))?", cell) for cell in lines["display_name"] + lines["email"])


def test_nothing_that_reaches_the_pages_names_a_person_a_meeting_or_an_account(built: Built) -> None:
    secret: set[str] = set()
    with duckdb.connect(built.build, read_only=True) as connection:
        for column, table in connection.execute(
            "select column_name, schema_name || '.' || table_name from duckdb_columns() where not internal and "
            "(regexp_matches(column_name, 'name$|email$|title|topic|subject|domain$|account_id|user_id|identity$')"
            " or schema_name = 'raw' and column_name in ('id', 'uuid', 'registrant_id'))"
        ).fetchall():
            found = connection.execute(f'select distinct "{column}"::varchar from {table}').fetchall()  # noqa: S608
            secret |= {value for (value,) in found if value and len(value) > 3 and not value.isdigit()}
    assert len(secret) > 100
    shown = {name: str(metadata) for name, metadata in built.metadata.items()}

    words = {word for values in described().words.values() for word in values} | set(built.metadata)
    leaks = {
        (name, value)
        for name, text in shown.items()
        for value in secret - words
        if value in text and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)
    }
    assert leaks == set()


def test_a_build_that_fails_still_tells_of_the_models_before_it(tmp_path: Path) -> None:
    build = tmp_path / "build.duckdb"
    with duckdb.connect(build) as connection:
        connection.execute(
            "create schema marts; create table marts.meetings as select 1 as meeting_count from range(3)"
        )
    made, never = dg.AssetKey(["marts", "meetings"]), dg.AssetKey(["marts", "people"])

    def events() -> Iterator[Any]:
        yield dg.Output(None, output_name=made.to_python_identifier(), metadata={"status": "success"})
        yield dg.AssetCheckResult(passed=True, asset_key=made, check_name="unique")
        yield dg.Output(None, output_name=never.to_python_identifier())
        raise RuntimeError("dbt failed")

    told: list[Any] = []
    with pytest.raises(RuntimeError, match="dbt failed"):
        told.extend(with_rows(build, [made, never], events()))

    assert [type(event) for event in told] == [dg.Output, dg.AssetCheckResult, dg.Output]
    assert {name: value.value for name, value in told[0].metadata.items()} == {
        "status": "success",
        ROWS: 3,
        "preview": "| column | row 1 | row 2 | row 3 |\n| --- | --- | --- | --- |\n| meeting_count | 1 | 1 | 1 |",
    }
    assert told[2].metadata == {}
    # whoever builds next gets the file
    with duckdb.connect(build) as connection:
        connection.execute("drop table marts.meetings")
