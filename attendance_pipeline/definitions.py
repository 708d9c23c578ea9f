"""The Dagster code location: every vendor, the warehouse, and what runs them."""

import dagster as dg

from attendance_pipeline.defs.coverage import coverage_checks
from attendance_pipeline.defs.expectations import expectation_checks
from attendance_pipeline.defs.freshness import with_clock
from attendance_pipeline.defs.landing import PROGRESS, why_off
from attendance_pipeline.defs.schedules import follow_landing, warehouse_job
from attendance_pipeline.defs.vendor import vendor
from attendance_pipeline.defs.warehouse import warehouse_assets
from attendance_pipeline.pull import Progress, silent
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS


def definitions(progress: Progress = silent) -> dg.Definitions:
    """All definitions; `progress` is told how far a pull is."""
    settings, vendors = Settings.load(), list(VENDORS.values())
    is_any_on = any(why_off(each, settings) is None for each in vendors)
    warehouse = warehouse_assets(vendors)
    return dg.Definitions.merge(
        *(vendor(each, settings) for each in vendors),
        dg.Definitions(
            assets=with_clock(warehouse, ["published"]) if is_any_on else warehouse,
            asset_checks=[coverage_checks(), expectation_checks()],
            jobs=[warehouse_job()],
            sensors=[follow_landing()],
            resources={PROGRESS: dg.ResourceDefinition.hardcoded_resource(progress)},
            # Short steps of one process each: a process per step would cost seconds and gain nothing.
            executor=dg.in_process_executor,
        ),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and a deployment load."""
    return definitions()
