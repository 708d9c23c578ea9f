"""The warehouse follows whatever landed and is new, once; and the partition bar shows what the lake holds."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pyarrow.parquet as pq

from attendance_pipeline import loading
from attendance_pipeline.choice import sources
from attendance_pipeline.dbt import recipe
from attendance_pipeline.defs.landed import key
from attendance_pipeline.defs.schedules import UNFINISHED
from attendance_pipeline.errors import AttendanceError
from attendance_pipeline.lake import Lake
from attendance_pipeline.settings import Settings
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors.base import Vendor
from attendance_pipeline.warehouse import is_published

PUBLISHED = dg.AssetKey(["published"])

PATIENCE = timedelta(minutes=10)
"""How long what landed waits for the rest of its run: a long backfill doesn't hold up the other vendors' numbers."""

BUILDS = ("warehouse", "rebuild_warehouse")
"""The jobs that build everything."""

CARRIED_OVER = "attendance/carried_over"
"""Tag of a materialization that stands for a file of the lake of whose landing Dagster has no record."""


def build_what_landed(vendors: Sequence[type[Vendor[Any]]], warehouse: Any) -> dg.SensorDefinition:
    """Asks for the warehouse job once whatever landed has landed whole, if it says anything new.

    Not by the assets' automation conditions: these would build anew after each step of a landing, and looking at a
    hundred models twice a minute costs a laptop more than the builds do.
    """
    keys = [key(table) for vendor in vendors for table in vendor.tables()]

    @dg.sensor(
        name="build_what_landed",
        job=warehouse,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads, builds and publishes after whatever landed, once",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        instance, built = context.instance, int(context.cursor or 0)
        landed = [
            newest
            for record in instance.get_asset_records(keys)
            if (newest := record.asset_entry.last_materialization_record) and newest.storage_id > built
        ]
        if not landed:
            return dg.SkipReason("nothing has landed since the last build was asked for")
        if any(instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED), limit=1) for job in BUILDS):
            return dg.SkipReason("a build is at work or waits; what landed meanwhile is built after it")
        at_work = _at_work(instance, {record.run_id for record in landed})
        oldest = datetime.fromtimestamp(min(record.timestamp for record in landed), UTC)
        if at_work and datetime.now(UTC) - oldest < PATIENCE:
            return dg.SkipReason(f"the run that landed it hasn't ended yet: {at_work}")
        newest_id = max(record.storage_id for record in landed)
        context.update_cursor(str(newest_id))
        if run_id := _built_by(instance, max(record.timestamp for record in landed)):
            return dg.SkipReason(f"it is built already, by {run_id}")
        if not has_news(vendors):
            return dg.SkipReason("whoever was asked said what is built already")
        return dg.RunRequest(run_key=str(newest_id))

    return look


def show_what_is_held(vendors: Sequence[type[Vendor[Any]]]) -> dg.SensorDefinition:
    """Makes the partition bar tell what the lake holds, whatever became of Dagster's own records."""

    @dg.sensor(
        name="show_what_is_held",
        # the console script and other Dagster homes land into the same lake
        asset_selection=dg.AssetSelection.assets(*(key(table) for vendor in vendors for table in vendor.tables())),
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Compares the partition bars with the files of the lake: a partition that landed without this "
        "Dagster, or whose old run was deleted, counts as held; one whose file is gone as missing",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason("; ".join(correct_partitions(context.instance, vendors)) or "the bars are right")

    return look


def correct_partitions(instance: dg.DagsterInstance, vendors: Sequence[type[Vendor[Any]]]) -> Iterator[str]:
    """Bring Dagster's records of what is materialized in line with the lake, and say what differed.

    A vendor that is landing right now is left out: its files come before its records.
    """
    lake = Lake(Settings.load().lake)
    for vendor in vendors:
        if instance.get_runs(dg.RunsFilter(tags={"vendor": vendor.name}, statuses=UNFINISHED), limit=1):
            continue
        for table in vendor.tables():
            recorded = instance.get_materialized_partitions(key(table))
            held = {partition.ended_date.isoformat(): partition.file for partition in lake.partitions(*_of(table))}
            gone = recorded - held.keys()
            # An empty folder is more likely a lake that isn't mounted than one of which everything was deleted.
            if gone and held:
                # Dagster can't forget a single partition
                instance.wipe_assets([key(table)])
                recorded = set()
                yield f"{table.vendor}/{table.name}: {len(gone)} dates are no longer in the lake"
            for day in sorted(held.keys() - recorded):
                instance.report_runless_asset_event(
                    dg.AssetMaterialization(
                        key(table),
                        partition=day,
                        metadata={"dagster/partition_row_count": pq.read_metadata(held[day]).num_rows},
                        tags={CARRIED_OVER: "true"},
                    )
                )
            if new := held.keys() - recorded:
                yield f"{table.vendor}/{table.name}: {len(new)} dates are in the lake without a record"


def has_news(vendors: Sequence[type[Vendor[Any]]]) -> bool:
    """Whether a build would publish anything but when lists were last asked for."""
    settings = Settings.load()
    if not is_published(settings.build, settings.warehouse):
        return True
    try:
        return loading.has_news(Lake(settings.lake), settings.build, sources(vendors, settings), recipe(settings))
    except AttendanceError:
        return True  # the build tells, in a run that somebody sees


def _built_by(instance: dg.DagsterInstance, landed: float) -> str | None:
    """The run that published last, if it began after that: somebody's by hand, or the console script's."""
    published = instance.get_latest_materialization_event(PUBLISHED)
    record = instance.get_run_record_by_id(published.run_id) if published else None
    return record.dagster_run.run_id if record and (record.start_time or 0) > landed else None


def _of(table: Table) -> tuple[str, str]:
    return table.vendor, table.name


def _at_work(instance: dg.DagsterInstance, run_ids: set[str]) -> str | None:
    runs = instance.get_runs(dg.RunsFilter(run_ids=list(run_ids), statuses=UNFINISHED), limit=1)
    return runs[0].run_id if runs else None
