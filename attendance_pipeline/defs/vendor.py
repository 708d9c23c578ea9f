"""One vendor's part of the code location; the same for every vendor."""

from typing import Any

import dagster as dg

from attendance_pipeline.choice import why_off
from attendance_pipeline.days import DAYS
from attendance_pipeline.defs.freshness import HOURLY, with_clock
from attendance_pipeline.defs.landing import landing_assets
from attendance_pipeline.defs.partitions import ended_dates
from attendance_pipeline.defs.schedules import landing_schedules
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Vendor


def vendor(vendor_type: type[Vendor[Any]], job: Any, settings: Settings) -> dg.Definitions:
    """A vendor's tables, the job that lands them and its schedules."""
    start = settings.attendance_start_date
    assets = landing_assets(vendor_type, ended_dates(start))
    is_on = why_off(vendor_type, settings) is None
    return dg.Definitions(
        assets=with_clock(assets, [vendor_type.name, DAYS], HOURLY) if is_on else assets,
        jobs=[job],
        schedules=landing_schedules(vendor_type, job, start, settings.attendance_hourly_cron),
    )
