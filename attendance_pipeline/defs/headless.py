"""Runs the code location's jobs in this process, on the same Dagster instance that the UI shows."""

import contextlib
import io
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from sqlalchemy.exc import OperationalError

from attendance_pipeline.defs.dbt_library import DagsterDbtCliRuntimeError
from attendance_pipeline.defs.schedules import range_tags
from attendance_pipeline.errors import AttendanceError, StorageError
from attendance_pipeline.files import make_folder, writing
from attendance_pipeline.settings import PROJECT, Settings

HEADLESS = "attendance/headless"
"""Tag of a run outside Dagster's own processes: machine and data folder, so that a later one finds it unfinished."""

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class BuildError(AttendanceError):
    """dbt refused to build or test the marts; the published file stays as it was."""


@dataclass
class Ran:
    """What a job reported: the metadata of each asset it materialized, by the asset's name."""

    run_id: str
    metadata: dict[str, Mapping[str, Any]] = field(default_factory=dict)


@contextmanager
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance in DAGSTER_HOME; without one, the instance of the data folder, whose run lock the caller holds.

    With the default data folder that is the instance which `dagster dev` opens in the project's folder.
    """
    if os.environ.get("DAGSTER_HOME"):
        with dg.DagsterInstance.get() as found:
            end_killed_runs(found, settings)
            yield found
        return
    home = settings.data / "dagster"
    with writing(home):
        make_folder(home)
    reference = InstanceRef.from_dir(str(home), config_dir=str(PROJECT), overrides=_places(home))
    try:
        with dg.DagsterInstance.from_ref(reference) as found:
            end_killed_runs(found, settings)
            yield found
    except OperationalError as error:
        raise StorageError(f"can't write Dagster's records in {home}: {error.orig}; free some space") from error


def run_job(
    definitions: dg.Definitions,
    name: str,
    on: dg.DagsterInstance,
    days: tuple[date, date] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Ran:
    """Run one job to its end.

    Args:
        definitions: the code location.
        name: of the job.
        on: the instance that records the run.
        days: the first and the last ended date, of a job with partitions.
        config: of the job's steps.

    Raises:
        AttendanceError: what stopped the run, in one line.
    """
    tags = {HEADLESS: _here(Settings.load())} | (range_tags(*days) if days else {})
    try:
        # What dbt and Dagster print stands in dbt.log and in the event log; the terminal is the user's.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = definitions.resolve_job_def(name).execute_in_process(
                run_config={**QUIET, **(config or {})}, instance=on, tags=tags, raise_on_error=True
            )
    except DagsterDbtCliRuntimeError as error:
        raise BuildError(
            f"dbt couldn't build or test the marts; the published file stays as it was. {_dbt_says(error)}"
        ) from error
    except dg.Failure as failure:
        if isinstance(failure.__cause__, AttendanceError):
            raise failure.__cause__ from None
        raise AttendanceError(failure.description or "the run failed") from failure
    ran = Ran(result.run_id)
    for event in result.get_asset_materialization_events():
        made = event.step_materialization_data.materialization
        ran.metadata[made.asset_key.to_user_string()] = {key: value.value for key, value in made.metadata.items()}
    return ran


def _places(home: Path) -> dict[str, Any]:
    """dagster.yaml's places, for another data folder than the default one."""
    local = {
        "module": "dagster.core.storage.root",
        "class": "LocalArtifactStorage",
        "config": {"base_dir": str(home)},
    }
    logs = {
        "module": "dagster.core.storage.local_compute_log_manager",
        "class": "LocalComputeLogManager",
        "config": {"base_dir": str(home / "logs")},
    }
    return {
        "storage": {"sqlite": {"base_dir": str(home)}},
        "local_artifact_storage": local,
        "compute_logs": logs,
    }


def _here(settings: Settings) -> str:
    return f"{socket.gethostname()}:{settings.data}"


def end_killed_runs(on: dg.DagsterInstance, settings: Settings) -> list[str]:
    """End the runs of killed processes, which can't end them by themselves nor give back a pool's place; their ids.

    The caller holds the data folder's run lock: a run of ours that still counts as started has lost its process.
    """
    unfinished = [
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ]
    killed = on.get_runs(dg.RunsFilter(statuses=unfinished, tags={HEADLESS: _here(settings)}))
    for run in killed:
        on.report_run_failed(run, "its process was killed; what it had landed is kept")
        on.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in killed]


def _dbt_says(error: DagsterDbtCliRuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    wanted = [line for line in lines if "Failure in" in line or "Error" in line]
    return " / ".join(wanted[:3]) or lines[0]
