"""The Dagster code location: every vendor, the warehouse, and what runs them."""

import dagster as dg

from attendance_pipeline.defs.alerts import alerts
from attendance_pipeline.defs.coverage import coverage_checks
from attendance_pipeline.defs.landing import PROGRESS
from attendance_pipeline.defs.schedules import follow_landing, warehouse_job
from attendance_pipeline.defs.vendor import vendor
from attendance_pipeline.defs.warehouse import warehouse_assets
from attendance_pipeline.pull import Progress, silent
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS


def definitions(progress: Progress = silent) -> dg.Definitions:
    """All definitions; `progress` is told how far a pull is."""
    start = Settings.load().attendance_start_date
    return dg.Definitions.merge(
        *(vendor(each, start) for each in VENDORS.values()),
        dg.Definitions(
            assets=warehouse_assets(list(VENDORS.values())),
            asset_checks=[coverage_checks()],
            jobs=[warehouse_job()],
            sensors=[follow_landing(), alerts()],
            resources={PROGRESS: dg.ResourceDefinition.hardcoded_resource(progress)},
            # Short steps of one process each: a process per step would cost seconds and gain nothing.
            executor=dg.in_process_executor,
        ),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and a deployment load."""
    return definitions()
