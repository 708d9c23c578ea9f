"""One vendor's part of the code location; the same for every vendor."""

from datetime import date
from typing import Any

import dagster as dg

from attendance_pipeline.defs.landing import landing_assets
from attendance_pipeline.defs.partitions import ended_dates
from attendance_pipeline.defs.schedules import landing_schedules
from attendance_pipeline.vendors.base import Vendor


def vendor(vendor_type: type[Vendor[Any]], job: Any, start: date, hourly: str) -> dg.Definitions:
    """A vendor's tables, the job that lands them and its schedules."""
    return dg.Definitions(
        assets=landing_assets(vendor_type, ended_dates(start)),
        jobs=[job],
        schedules=landing_schedules(vendor_type, job, start, hourly),
    )
