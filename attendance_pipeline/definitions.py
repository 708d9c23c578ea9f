"""The Dagster code location: every vendor, the warehouse, and what runs them."""

import dagster as dg

from attendance_pipeline.choice import why_off
from attendance_pipeline.defs.alerts import alerts
from attendance_pipeline.defs.coverage import coverage_checks
from attendance_pipeline.defs.expectations import expectation_checks
from attendance_pipeline.defs.following import build_what_landed, show_what_is_held
from attendance_pipeline.defs.freshness import DAILY, with_clock
from attendance_pipeline.defs.jobs import jobs_for_people, landing_job, start_what_people_asked, warehouse_jobs
from attendance_pipeline.defs.landing import PROGRESS
from attendance_pipeline.defs.lost_runs import end_lost_runs
from attendance_pipeline.defs.retention import retention
from attendance_pipeline.defs.vendor import vendor
from attendance_pipeline.defs.warehouse import warehouse_assets
from attendance_pipeline.pull import Progress, silent
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS


def definitions(progress: Progress = silent) -> dg.Definitions:
    """All definitions; `progress` is told how far a pull is."""
    settings, vendors = Settings.load(), list(VENDORS.values())
    landing, people = {each.name: landing_job(each) for each in vendors}, jobs_for_people()
    warehouse, rebuild = warehouse_jobs()
    assets = warehouse_assets(vendors)
    is_any_on = any(why_off(each, settings) is None for each in vendors)
    return dg.Definitions.merge(
        *(vendor(each, landing[each.name], settings) for each in vendors),
        retention(vendors),
        dg.Definitions(
            assets=with_clock(assets, ["published"], DAILY) if is_any_on else assets,
            asset_checks=[coverage_checks(), expectation_checks()],
            jobs=[warehouse, rebuild, *people],
            sensors=[
                build_what_landed(vendors, warehouse),
                show_what_is_held(vendors),
                end_lost_runs(),
                start_what_people_asked(people, list(landing.values())),
                alerts(),
            ],
            resources={PROGRESS: dg.ResourceDefinition.hardcoded_resource(progress)},
            # Short steps of one process each: a process per step would cost seconds and gain nothing.
            executor=dg.in_process_executor,
        ),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and a deployment load."""
    return definitions()
