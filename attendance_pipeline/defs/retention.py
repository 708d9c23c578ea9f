"""What Dagster keeps of old runs, and for how long; the lake and its archive are never touched."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from attendance_pipeline.defs.following import correct_partitions
from attendance_pipeline.defs.schedules import UNFINISHED
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Vendor

AT_A_TIME = 100
NIGHTLY = "52 3 * * *"


class Retention(dg.Config):
    """How long runs are kept."""

    days: int | None = Field(
        default=None,
        ge=1,
        description="Runs made longer ago are deleted, with their logs (default: ATTENDANCE_RUN_RETENTION_DAYS)",
    )


def retention(vendors: Sequence[type[Vendor[Any]]]) -> dg.Definitions:
    """The job `delete_old_runs` and the schedule that starts it every night."""

    @dg.op(description="Deletes runs that ended long ago, with their logs; what they landed still counts as held")
    def delete_runs(context: dg.OpExecutionContext, config: Retention) -> None:
        kept = timedelta(days=config.days or Settings.load().attendance_run_retention_days)
        deleted = delete_old_runs(context.instance, datetime.now(UTC) - kept)
        corrected = list(correct_partitions(context.instance, vendors))
        context.add_output_metadata({"runs_deleted": deleted, "partitions_kept_on_record": corrected})

    @dg.job(name="delete_old_runs", description=f"{delete_runs.description}. Every night, by schedule")
    def job() -> None:
        delete_runs()

    schedule = dg.ScheduleDefinition(
        name="delete_old_runs_nightly",
        job=job,
        cron_schedule=NIGHTLY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Deletes the records of runs that ended longer ago than ATTENDANCE_RUN_RETENTION_DAYS",
    )
    return dg.Definitions(jobs=[job], schedules=[schedule])


def delete_old_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete the records and logs of runs that were made before an instant and have ended; returns how many."""
    deleted = 0
    ended = [status for status in dg.DagsterRunStatus if status not in UNFINISHED]
    while runs := instance.get_runs(dg.RunsFilter(created_before=before, statuses=ended), limit=AT_A_TIME):
        for run in runs:
            instance.delete_run(run.run_id)
            instance.compute_log_manager.delete_logs(prefix=[run.run_id])
            _delete_files(instance, run.run_id)
            deleted += 1
    return deleted


def _delete_files(instance: dg.DagsterInstance, run_id: str) -> None:
    """What a run leaves beside its records: values of its steps, and in SQLite the emptied file of its events."""
    shutil.rmtree(Path(instance.storage_directory()) / run_id, ignore_errors=True)
    path_of = getattr(instance.event_log_storage, "path_for_shard", None)
    if path_of is not None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path_of(run_id)}{suffix}").unlink(missing_ok=True)
