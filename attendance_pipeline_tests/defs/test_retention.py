"""How records of old runs go, and what stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs.retention import delete_old_runs
from attendance_pipeline.lake import QUARANTINE, Lake
from attendance_pipeline.vendors import VENDORS

TODAY = datetime.now(UTC).date()
READINGS = dg.AssetKey(["zoom", "readings"])


@pytest.fixture
def instance(data: Path) -> Iterator[dg.DagsterInstance]:
    (data / "home").mkdir()
    with dg.instance_for_test(temp_dir=str(data / "home")) as found:
        yield found


@dg.asset(key=READINGS, partitions_def=dg.DailyPartitionsDefinition("2026-01-01", end_offset=1))
def readings() -> None:
    """Stands for a landing."""
    print("said by a step")


def landed(instance: dg.DagsterInstance, data: Path) -> str:
    table = next(table for table in VENDORS["zoom"].attendance_tables if table.name == "readings")
    Lake(data / "lake").replace("zoom", "readings", TODAY, table.schema.empty_table(), QUARANTINE.empty_table())
    return dg.materialize([readings], partition_key=TODAY.isoformat(), instance=instance).run_id


def files_of(data: Path, run_id: str) -> list[str]:
    return [file.name for file in (data / "home").rglob("*") if run_id in str(file)]


def test_old_runs_go_with_their_files_and_what_they_landed_stays_held(
    data: Path, instance: dg.DagsterInstance
) -> None:
    run_id = landed(instance, data)
    unfinished = instance.add_run(dg.DagsterRun("land_zoom", status=dg.DagsterRunStatus.STARTED))
    assert files_of(data, run_id)

    assert delete_old_runs(instance, datetime.now(UTC) - timedelta(days=1)) == 0
    assert delete_old_runs(instance, datetime.now(UTC) + timedelta(seconds=1)) == 1

    assert [run.run_id for run in instance.get_runs()] == [unfinished.run_id]
    assert files_of(data, run_id) == []
    assert instance.get_materialized_partitions(READINGS) == set()


def test_the_nightly_job_deletes_what_is_older_than_the_setting_says(
    data: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = landed(instance, data)
    monkeypatch.setenv("ATTENDANCE_RUN_RETENTION_DAYS", "7")
    job = definitions().resolve_job_def("delete_old_runs")
    assert job.execute_in_process(instance=instance).success
    assert instance.get_run_by_id(run_id)

    monkeypatch.setattr("attendance_pipeline.defs.retention.datetime", Later)
    assert job.execute_in_process(instance=instance).success

    assert instance.get_run_by_id(run_id) is None
    assert instance.get_materialized_partitions(READINGS) == {TODAY.isoformat()}


class Later(datetime):
    """Eight days from now."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        """The clock of the test."""
        return datetime.now(UTC) + timedelta(days=8)
