"""Jobs and their schedules: land each vendor every hour, the days that can still change."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from attendance_pipeline.defs.landing import why_off
from attendance_pipeline.lake import Lake
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Vendor

LOOK_BACK = timedelta(days=30)
"""How far back a schedule looks for days with meetings that are due again."""

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags that make one run of a range of ended dates."""
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}


def first_unsettled(vendor_type: type[Vendor[Any]], lake: Lake, now: datetime, start: date) -> date:
    """The oldest ended date whose meetings may still change, or were left unsettled by a run that didn't come."""
    young = (now - vendor_type.timing.settles).date() - timedelta(days=1)
    for back in range(LOOK_BACK.days, 0, -1):
        day = now.date() - timedelta(days=back)
        rows = lake.read(vendor_type.name, "readings", day)
        if rows is not None and _may_still_change(rows):
            return max(start, min(day, young))
    return max(start, young)


def _may_still_change(readings: pa.Table) -> bool:
    """Whether a reading isn't settled; a refusal stands until somebody grants what lacks and runs the date again."""
    pairs = zip(readings["settled"].to_pylist(), readings["status"].to_pylist(), strict=True)
    return any(not settled and status not in ("denied", "blocked") for settled, status in pairs)


def landing_job(vendor_type: type[Vendor[Any]]) -> Any:
    """Lands one vendor's ended dates."""
    return dg.define_asset_job(
        f"land_{vendor_type.name}",
        selection=dg.AssetSelection.groups("landing") & dg.AssetSelection.tag("vendor", vendor_type.name),
        description=f"Land {vendor_type.name}: meetings that ended on the chosen dates, and who attended them",
    )


def warehouse_job() -> Any:
    """Loads what changed, builds the marts, publishes."""
    return dg.define_asset_job(
        "warehouse",
        selection=dg.AssetSelection.groups("raw", "publish").upstream(include_self=True)
        - dg.AssetSelection.groups("landing"),
        description="Load what landed, build and test the marts, publish the file that analysts open",
    )


def hourly(vendor_type: type[Vendor[Any]], job: Any, start: date) -> dg.ScheduleDefinition:
    """Every hour: today, and the days that aren't settled yet, as one run."""

    @dg.schedule(
        name=f"land_{vendor_type.name}_hourly",
        cron_schedule="7 * * * *",
        job=job,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every hour: what ended today, and the days of {vendor_type.name} that aren't settled yet",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        settings = Settings.load()
        if reason := why_off(vendor_type, settings):
            yield dg.SkipReason(reason)
            return
        now = context.scheduled_execution_time.astimezone(UTC)
        first = first_unsettled(vendor_type, Lake(settings.lake), now, start)
        yield dg.RunRequest(run_key=now.isoformat(), tags=range_tags(first, now.date()))

    return tick


def follow_landing() -> dg.AutomationConditionSensorDefinition:
    """Load, dbt and publish follow whatever landed."""
    return dg.AutomationConditionSensorDefinition(
        "build_what_landed",
        target=dg.AssetSelection.all() - dg.AssetSelection.groups("landing"),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Loads, builds and publishes after whatever landed, once",
    )
