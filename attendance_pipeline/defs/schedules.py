"""When what is pulled: every hour, every night and every week, for each vendor by itself; and when records go."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from attendance_pipeline.choice import why_not_asked
from attendance_pipeline.defs.landing import landing_config
from attendance_pipeline.due import due_dates, missed_dates, settled_lately
from attendance_pipeline.lake import Lake
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Vendor
from attendance_pipeline.windows import Window

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"

NIGHTLY = "37 2 * * *"
WEEKLY = "17 4 * * 0"

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

Choose = Callable[[type[Vendor[Any]], Lake, datetime, date], Sequence[Window]]
"""Which ended dates a tick lands: of a vendor, as the lake holds it, at an instant, from the first wanted date on."""


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags that make one run of a range of ended dates."""
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}


def landing_schedules(
    vendor_type: type[Vendor[Any]], job: Any, start: date, hourly: str
) -> list[dg.ScheduleDefinition]:
    """One vendor's schedules.

    Args:
        vendor_type: the vendor.
        job: that lands it.
        start: the first ended date of interest.
        hourly: the cron expression, UTC, of the schedule that keeps up.
    """
    name = vendor_type.name
    return [
        _schedule(
            vendor_type,
            job,
            start,
            name=f"land_{name}_hourly",
            cron=hourly,
            choose=due_dates,
            again=False,
            description=f"Keeps up: what ended today, the days of {name} that aren't settled yet, and what earlier "
            "runs had to leave",
        ),
        _schedule(
            vendor_type,
            job,
            start,
            name=f"reconcile_{name}_nightly",
            cron=NIGHTLY,
            choose=lambda *of: _only(settled_lately(*of)),
            again=True,
            description=f"Reconciles: asks {name} once more for the lists of the days that settled within a week, in "
            "case something joined them, and reads what they name",
        ),
        _schedule(
            vendor_type,
            job,
            start,
            name=f"look_back_{name}_weekly",
            cron=WEEKLY,
            choose=lambda *of: _only(missed_dates(*of)),
            again=False,
            description=f"Looks back over everything that {name} still has, for what coverage misses: days that "
            "nobody ever asked about, and refusals, in case somebody has granted what lacked",
        ),
    ]


def _schedule(
    vendor_type: type[Vendor[Any]],
    job: Any,
    start: date,
    *,
    name: str,
    cron: str,
    choose: Choose,
    again: bool,
    description: str,
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        cron_schedule=cron,
        execution_timezone="UTC",
        job=job,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
        tags={"vendor": vendor_type.name},
    )
    def tick(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        settings = Settings.load()
        if reason := why_not_asked(vendor_type, settings):
            yield dg.SkipReason(reason)
            return
        waiting = dg.RunsFilter(statuses=UNFINISHED, tags={"dagster/schedule_name": name})
        if unfinished := context.instance.get_runs(waiting, limit=1):
            yield dg.SkipReason(f"the last run of this schedule hasn't ended yet: {unfinished[0].run_id}")
            return
        now = context.scheduled_execution_time.astimezone(UTC)
        windows = choose(vendor_type, Lake(settings.lake), now, start)
        if not windows:
            yield dg.SkipReason("nothing is due")
        for dates in windows:
            yield dg.RunRequest(
                run_key=f"{now.isoformat()} {dates.first}",
                run_config=landing_config(vendor_type, again=again),
                tags=range_tags(dates.first, dates.last),
            )

    return tick


def _only(window: Window | None) -> list[Window]:
    return [window] if window else []
