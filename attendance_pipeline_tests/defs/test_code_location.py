"""The code location as Dagster loads it."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import create_engine

from attendance_pipeline.dbt import DBT_PROJECT, MANIFEST
from attendance_pipeline.definitions import definitions, defs
from attendance_pipeline.defs.columns import COLUMNS
from attendance_pipeline.defs.manifest import project, text
from attendance_pipeline.defs.schedules import RANGE_END, RANGE_START
from attendance_pipeline.defs.warehouse import warehouse_assets
from attendance_pipeline.settings import PROJECT, Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Vendor

CREDENTIALS = {"ZOOM_ACCOUNT_ID": "account", "ZOOM_CLIENT_ID": "client", "ZOOM_CLIENT_SECRET": "secret"}
MARTS = {file.stem for folder in ("marts", "metrics") for file in (DBT_PROJECT / "models" / folder).rglob("*.sql")}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENDANCE_DATA", str(tmp_path))
    for name in (name.upper() for name in Settings.model_fields if not name.startswith("attendance_")):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """One for all: no test materializes what another looks at."""
    with dg.instance_for_test() as found:
        yield found


def test_it_loads_without_credentials() -> None:
    repository = defs().get_repository_def()

    assert {"land_zoom", "land_webex", "warehouse"} <= {job.name for job in repository.get_all_jobs()}
    keys = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert {"zoom/meetings", "zoom/participants", "zoom/readings", "raw/zoom_participants", "published"} <= keys
    assert {f"marts/{mart}" for mart in MARTS} <= keys


@pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS.keys())
def test_every_vendor_has_its_tables_its_job_and_its_schedule(
    repository: dg.RepositoryDefinition, vendor: type[Vendor[Any]]
) -> None:
    graph = repository.asset_graph
    tables = {f"{vendor.name}/{table.name}" for table in (*vendor.listing_tables, *vendor.attendance_tables)}

    landed = {key.to_user_string() for key in graph.get_all_asset_keys() if key.path[0] == vendor.name}
    assert landed == tables
    assert vendor.meetings_table in vendor.listing_tables
    assert set(vendor.reports) | {"readings"} == {table.name for table in vendor.attendance_tables}
    assert {
        key.to_user_string() for key in repository.get_job(f"land_{vendor.name}").asset_layer.selected_asset_keys
    } == landed
    for table in (*vendor.listing_tables, *vendor.attendance_tables):
        assert graph.get(dg.AssetKey([vendor.name, table.name])).group_name == vendor.name
        raw = graph.get(dg.AssetKey(["raw", f"{vendor.name}_{table.name}"]))
        assert {key.to_user_string() for key in raw.parent_keys} == {f"{vendor.name}/{table.name}"}
    for schedule in ("land_{}_hourly", "reconcile_{}_nightly", "look_back_{}_weekly"):
        found = repository.get_schedule_def(schedule.format(vendor.name))
        assert found.job_name == f"land_{vendor.name}"
        assert found.default_status is dg.DefaultScheduleStatus.RUNNING
        assert found.execution_timezone == "UTC"


def test_the_graph_leads_from_zoom_to_the_published_file(repository: dg.RepositoryDefinition) -> None:
    graph = repository.asset_graph

    def upstream(name: str) -> set[str]:
        return {key.to_user_string() for key in graph.get(dg.AssetKey(name.split("/"))).parent_keys}

    assert upstream("zoom/participants") == {"zoom/meetings"}
    assert upstream("raw/zoom_participants") == {"zoom/participants"}
    assert upstream("staging/stg_zoom__participants") == {"raw/zoom_participants"}
    assert upstream("published") == {f"marts/{mart}" for mart in MARTS}


def test_every_landed_table_shows_its_grain_its_columns_and_its_checks(repository: dg.RepositoryDefinition) -> None:
    checks = {key.to_user_string() for key in repository.asset_graph.asset_check_keys}

    for table in (
        table for vendor in VENDORS.values() for table in (*vendor.listing_tables, *vendor.attendance_tables)
    ):
        node = repository.asset_graph.get(dg.AssetKey([table.vendor, table.name]))
        assert (node.description or "").startswith("One row per ")
        columns = node.metadata["dagster/column_schema"].columns
        assert [column.name for column in columns] == table.schema.names
        assert [column.name for column in columns if not column.description] == []
        assert {f"{table.vendor}/{table.name}:{check}" for check in ("schema", "quarantine")} <= checks


def test_what_is_made_every_hour_or_day_has_a_clock_where_its_vendor_is_on(
    repository: dg.RepositoryDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(graph: dg.RepositoryDefinition) -> dict[str, object]:
        nodes = graph.asset_graph.asset_nodes
        return {node.key.to_user_string(): node.freshness_policy for node in nodes if node.freshness_policy}

    assert watched(repository) == {}
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    hourly = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=3), fail_window=timedelta(hours=24))
    daily = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=27), fail_window=timedelta(hours=48))
    assert watched(defs().get_repository_def()) == {"zoom/days": hourly, "published": daily}


def test_partitions_are_utc_days_from_the_start_date_to_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENDANCE_START_DATE", "2026-02-01")

    graph = defs().get_repository_def().asset_graph
    partitions = graph.get(dg.AssetKey(["zoom", "participants"])).partitions_def

    assert partitions is not None
    keys = partitions.get_partition_keys()
    assert keys[0] == "2026-02-01"
    assert keys[-1] == datetime.now(UTC).date().isoformat()


def test_the_committed_manifest_is_the_dbt_project_which_parses_without_a_warning(
    capfd: pytest.CaptureFixture[str],
) -> None:
    parsed, columns = project()

    assert MANIFEST.read_text() == text(parsed), "run make manifest and commit what it made"
    assert COLUMNS.read_text() == columns.text(), "run make manifest and commit what it made"
    said = capfd.readouterr().err
    assert "Running with dbt" in said
    assert "WARN" not in said.upper()


def test_workspace_and_code_location_have_one_name() -> None:
    assert "module_name: attendance_pipeline.definitions" in (PROJECT / "workspace.yaml").read_text()
    assert "location_name: attendance_pipeline" in (PROJECT / "workspace.yaml").read_text()


def test_telemetry_is_off_in_the_projects_own_files() -> None:
    assert "telemetry:\n  enabled: false" in (PROJECT / "dagster.yaml").read_text()
    assert "send_anonymous_usage_stats: false" in (PROJECT / "dbt_project" / "dbt_project.yml").read_text()


def test_a_run_for_a_vendor_that_is_off_is_green_and_says_so(instance: dg.DagsterInstance) -> None:
    job = definitions().resolve_job_def("land_zoom")

    result = job.execute_in_process(
        instance=instance, tags={RANGE_START: "2026-03-08", RANGE_END: "2026-03-08"}, raise_on_error=False
    )

    assert result.success
    assert not result.get_asset_materialization_events()
    checks = result.get_asset_check_evaluations()
    assert {check.passed for check in checks} == {True}
    assert {(check.description or "").split(":")[1] for check in checks} == {" zoom is off"}


def test_the_warehouse_job_makes_everything_that_no_vendor_is_asked_for(repository: dg.RepositoryDefinition) -> None:
    every = {key for key in repository.asset_graph.get_all_asset_keys() if key.path[0] not in VENDORS}

    assert repository.get_job("warehouse").asset_layer.selected_asset_keys == every
    assert {dg.AssetKey(["marts", mart]) for mart in MARTS} < every


def test_a_model_alone_is_not_built_by_another_recipe_than_the_others(instance: dg.DagsterInstance) -> None:
    assets = warehouse_assets(list(VENDORS.values()))

    result = dg.materialize(
        assets, instance=instance, selection=[dg.AssetKey(["marts", "people"])], raise_on_error=False
    )

    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "run the job warehouse" in str(failure.step_failure_data.error)


def test_the_postgres_that_dagster_yaml_offers_is_one_that_dagster_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "USER", "PASSWORD", "DB"):
        monkeypatch.setenv(f"DAGSTER_PG_{name}", "made-up")
    lines = (PROJECT / "dagster.yaml").read_text().splitlines()
    begins = lines.index("# storage:")
    offered = itertools.takewhile(lambda line: line.startswith("#"), lines[begins:])
    storage = yaml.safe_load("\n".join(line.removeprefix("# ") for line in offered))["storage"]

    checked = process_config(resolve_to_config_type(DagsterPostgresStorage.config_type()), storage["postgres"])

    assert checked.success, checked.errors
    # the driver that dagster-postgres brings along
    assert create_engine(f"{storage['postgres']['postgres_db']['scheme']}://user@127.0.0.1/db").driver == "psycopg2"


def test_a_backfill_beyond_the_reach_is_refused_with_the_reason_and_nobody_is_asked(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (CREDENTIALS | {"ATTENDANCE_START_DATE": "2020-01-01"}).items():
        monkeypatch.setenv(name, value)
    for name in ("ZOOM_API_URL", "ZOOM_TOKEN_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/nobody")

    result = (
        definitions()
        .resolve_job_def("land_zoom")
        .execute_in_process(
            instance=instance, tags={RANGE_START: "2020-03-08", RANGE_END: "2020-03-09"}, raise_on_error=False
        )
    )

    (failure,) = [event for event in result.all_events if event.is_step_failure]
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    assert "2020-03-08 lies beyond the reach: the vendor lists ended meetings back to" in (told.description or "")
