"""Zoom's part of the code location."""

from datetime import date

import dagster as dg

from attendance_pipeline.defs.landing import landing_assets
from attendance_pipeline.defs.partitions import ended_dates
from attendance_pipeline.defs.schedules import hourly, landing_job
from attendance_pipeline.vendors.zoom import Zoom


def zoom(start: date) -> dg.Definitions:
    """Zoom's tables, their job and its schedule."""
    job = landing_job(Zoom)
    return dg.Definitions(
        assets=landing_assets(Zoom, ended_dates(start)), jobs=[job], schedules=[hourly(Zoom, job, start)]
    )
