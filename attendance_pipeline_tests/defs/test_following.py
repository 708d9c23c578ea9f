"""When the warehouse is built, and what the partition bar shows."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import StepMaterializationData

from attendance_pipeline.choice import sources
from attendance_pipeline.dbt import recipe
from attendance_pipeline.defs.following import CARRIED_OVER, PATIENCE, correct_partitions
from attendance_pipeline.lake import QUARANTINE, Lake
from attendance_pipeline.loading import load
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.warehouse import finish_build, publish

TODAY = datetime.now(UTC).date()
DAYS = dg.AssetKey(["zoom", "days"])
READINGS = dg.AssetKey(["zoom", "readings"])


class Sensor:
    """The sensor `build_what_landed`, tick by tick."""

    def __init__(self, repository: dg.RepositoryDefinition, instance: dg.DagsterInstance) -> None:
        self._definition = repository.get_sensor_def("build_what_landed")
        self._repository, self._instance, self._cursor = repository, instance, ""

    def tick(self) -> str:
        """`build`, or why not."""
        context = dg.build_sensor_context(
            instance=self._instance, cursor=self._cursor or None, repository_def=self._repository
        )
        found = self._definition.evaluate_tick(context)
        self._cursor = found.cursor or ""
        return "build" if found.run_requests else found.skip_message or ""


@pytest.fixture
def sensor(repository: dg.RepositoryDefinition, instance: dg.DagsterInstance) -> Sensor:
    return Sensor(repository, instance)


def begun(instance: dg.DagsterInstance, job: str, **tags: str) -> dg.DagsterRun:
    return instance.add_run(dg.DagsterRun(job, status=dg.DagsterRunStatus.STARTED, tags=tags))


def landed(instance: dg.DagsterInstance, run: dg.DagsterRun, key: dg.AssetKey, day: date = TODAY) -> None:
    """What a step of a run reports."""
    event = dg.DagsterEvent(
        dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        run.job_name,
        event_specific_data=StepMaterializationData(dg.AssetMaterialization(key, partition=day.isoformat())),
    )
    instance.report_dagster_event(event, run.run_id)


def ended(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.report_dagster_event(dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name), run.run_id)


def test_what_landed_is_built_once_when_its_run_has_ended(sensor: Sensor, instance: dg.DagsterInstance) -> None:
    assert sensor.tick() == "nothing has landed since the last build was asked for"
    run = begun(instance, "land_zoom")
    landed(instance, run, DAYS)

    assert run.run_id in sensor.tick()

    landed(instance, run, READINGS)
    ended(instance, run)
    assert sensor.tick() == "build"
    assert sensor.tick() == "nothing has landed since the last build was asked for"


def test_what_lands_during_a_build_is_built_after_it(sensor: Sensor, instance: dg.DagsterInstance) -> None:
    build, run = begun(instance, "warehouse"), begun(instance, "land_zoom")
    landed(instance, run, READINGS)
    ended(instance, run)

    assert sensor.tick() == "a build is at work or waits; what landed meanwhile is built after it"

    ended(instance, build)
    assert sensor.tick() == "build"


def test_what_a_run_by_hand_has_built_is_not_built_again(sensor: Sensor, instance: dg.DagsterInstance) -> None:
    run = begun(instance, "land_zoom")
    landed(instance, run, READINGS)
    ended(instance, run)
    build = instance.add_run(dg.DagsterRun("warehouse", status=dg.DagsterRunStatus.NOT_STARTED))
    instance.report_dagster_event(dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, build.job_name), build.run_id)
    landed(instance, build, dg.AssetKey(["published"]))
    ended(instance, build)

    assert sensor.tick() == f"it is built already, by {build.run_id}"
    assert sensor.tick() == "nothing has landed since the last build was asked for"


def test_what_says_nothing_new_is_not_built(sensor: Sensor, instance: dg.DagsterInstance, data: Path) -> None:
    settings, vendors = Settings.load(), list(VENDORS.values())
    keep(data, TODAY)
    load(Lake(settings.lake), settings.build, *sources(vendors, settings))
    finish_build(settings.build, recipe(settings))
    publish(settings.build, settings.warehouse)
    run = begun(instance, "land_zoom")
    landed(instance, run, DAYS)
    ended(instance, run)

    assert sensor.tick() == "whoever was asked said what is built already"
    assert sensor.tick() == "nothing has landed since the last build was asked for"

    keep(data, TODAY - timedelta(days=1))
    landed(instance, run, DAYS)
    assert sensor.tick() == "build"


def test_what_was_built_and_could_not_be_published_is_built_again(
    sensor: Sensor, instance: dg.DagsterInstance, data: Path
) -> None:
    settings, vendors = Settings.load(), list(VENDORS.values())
    for _ in range(2):
        load(Lake(settings.lake), settings.build, *sources(vendors, settings))
        finish_build(settings.build, recipe(settings))
        run = begun(instance, "land_zoom")
        landed(instance, run, DAYS)
        ended(instance, run)
        assert sensor.tick() == "build"
        # the file of before is older than the build that follows
        publish(settings.build, settings.warehouse)
        os.utime(settings.warehouse, ns=(0, settings.warehouse.stat().st_mtime_ns - 1_000_000_000))


def test_a_long_backfill_holds_up_no_other_vendor(
    sensor: Sensor, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfill, run = begun(instance, "land_zoom"), begun(instance, "land_webex")
    landed(instance, run, dg.AssetKey(["webex", "readings"]))
    ended(instance, run)
    assert sensor.tick() == "build"

    landed(instance, backfill, DAYS)
    assert backfill.run_id in sensor.tick()
    monkeypatch.setattr("attendance_pipeline.defs.following.PATIENCE", -PATIENCE)
    assert sensor.tick() == "build"


def keep(data: Path, *days: date) -> None:
    for day in days:
        for table in (*VENDORS["zoom"].listing_tables, *VENDORS["zoom"].attendance_tables):
            Lake(data / "lake").replace("zoom", table.name, day, table.schema.empty_table(), QUARANTINE.empty_table())


def correct(instance: dg.DagsterInstance) -> list[str]:
    return list(correct_partitions(instance, list(VENDORS.values())))


def test_the_bar_shows_what_landed_elsewhere(data: Path, instance: dg.DagsterInstance) -> None:
    first = TODAY - timedelta(days=1)
    keep(data, first, TODAY)
    landed(instance, begun(instance, "land_teams"), DAYS)

    said = correct(instance)

    assert "zoom/days: 1 dates are in the lake without a record" in said
    assert instance.get_materialized_partitions(DAYS) == {first.isoformat(), TODAY.isoformat()}
    assert instance.get_materialized_partitions(READINGS) == {first.isoformat(), TODAY.isoformat()}
    newest = instance.get_latest_materialization_event(READINGS)
    assert newest is not None
    assert newest.asset_materialization is not None
    assert newest.asset_materialization.tags is not None
    assert newest.asset_materialization.tags[CARRIED_OVER] == "true"
    assert newest.asset_materialization.metadata["dagster/partition_row_count"].value == 0
    assert correct(instance) == []


def test_the_bar_forgets_what_the_lake_has_lost(data: Path, instance: dg.DagsterInstance) -> None:
    first = TODAY - timedelta(days=1)
    keep(data, first, TODAY)
    correct(instance)
    Lake(data / "lake").file("zoom", "days", first).unlink()

    assert correct(instance) == [
        "zoom/days: 1 dates are no longer in the lake",
        "zoom/days: 1 dates are in the lake without a record",
    ]
    assert instance.get_materialized_partitions(DAYS) == {TODAY.isoformat()}


def test_a_lake_that_is_not_there_loses_no_record(data: Path, instance: dg.DagsterInstance) -> None:
    keep(data, TODAY)
    correct(instance)
    (data / "lake").rename(data / "not mounted")

    assert correct(instance) == []
    assert instance.get_materialized_partitions(DAYS) == {TODAY.isoformat()}


def test_a_vendor_that_is_landing_is_left_alone(data: Path, instance: dg.DagsterInstance) -> None:
    keep(data, TODAY)
    run = begun(instance, "land_zoom", vendor="zoom")

    assert correct(instance) == []

    ended(instance, run)
    assert correct(instance)
