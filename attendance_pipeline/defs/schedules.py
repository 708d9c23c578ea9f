"""Jobs and their schedules: land each vendor every hour, the days that can still change."""

from collections.abc import Iterator
from datetime import UTC, date
from typing import Any

import dagster as dg

from attendance_pipeline.defs.labels import LANDING_GROUPS
from attendance_pipeline.defs.landing import landing_config, why_off
from attendance_pipeline.due import due_dates
from attendance_pipeline.lake import Lake
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Vendor

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags that make one run of a range of ended dates."""
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}


def landing_job(vendor_type: type[Vendor[Any]]) -> Any:
    """Lands one vendor's ended dates."""
    return dg.define_asset_job(
        f"land_{vendor_type.name}",
        selection=dg.AssetSelection.groups(vendor_type.name),
        description=f"Land {vendor_type.name}: meetings that ended on the chosen dates, and who attended them",
    )


def warehouse_job() -> Any:
    """Loads what changed, builds the marts, publishes."""
    return dg.define_asset_job(
        "warehouse",
        # by group: some models are read by the next build alone, and lead nowhere
        selection=dg.AssetSelection.groups("raw", "staging", "intermediate", "marts", "metrics", "publish"),
        description="Load what landed, build and test the marts, publish the file that analysts open",
    )


def hourly(vendor_type: type[Vendor[Any]], job: Any, start: date) -> dg.ScheduleDefinition:
    """Every hour: today and the days that aren't settled yet, and after them what older runs had to leave."""

    @dg.schedule(
        name=f"land_{vendor_type.name}_hourly",
        cron_schedule="7 * * * *",
        job=job,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every hour: what ended today, the days of {vendor_type.name} that aren't settled yet, "
        "and what earlier runs had to leave",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        settings = Settings.load()
        if reason := why_off(vendor_type, settings):
            yield dg.SkipReason(reason)
            return
        now = context.scheduled_execution_time.astimezone(UTC)
        for dates in due_dates(vendor_type, Lake(settings.lake), now, start):
            yield dg.RunRequest(
                run_key=f"{now.isoformat()} {dates.first}",
                run_config=landing_config(vendor_type, again=False),
                tags=range_tags(dates.first, dates.last),
            )

    return tick


def follow_landing() -> dg.AutomationConditionSensorDefinition:
    """Load, dbt and publish follow whatever landed."""
    return dg.AutomationConditionSensorDefinition(
        "build_what_landed",
        target=dg.AssetSelection.all() - dg.AssetSelection.groups(*LANDING_GROUPS),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads, builds and publishes after whatever landed, once",
    )
