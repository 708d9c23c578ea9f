"""`reshape`: partitions rebuilt from the archive alone."""

import sys
from collections.abc import Sequence
from datetime import datetime

import click

from attendance_pipeline.archive import Archive
from attendance_pipeline.choice import check_dates
from attendance_pipeline.cli.landing import land_windows, of_ended_dates, show
from attendance_pipeline.errors import UsageError
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import answered_dates
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.windows import dates, runs


@click.command()
@of_ended_dates
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def reshape(first: datetime, last: datetime, names: Sequence[str], as_json: bool) -> None:
    """Rebuild these ended dates from the archive alone, then the marts; no vendor is asked.

    For a new version of the pipeline that reads more out of what vendors sent. Dates that no vendor ever answered
    about are left out.
    """
    settings = Settings.load()
    vendors = [VENDORS[name] for name in names or VENDORS if (settings.lake / "archive" / name).exists()]
    if not vendors:
        raise UsageError(
            f"{settings.lake} has no archive of {' or '.join(names or VENDORS)} to reshape; "
            "attendance-pipeline run asks the vendor"
        )
    check_dates(settings, (), first.date(), last.date())
    lake, days = Lake(settings.lake), dates(first.date(), last.date())
    windows = {
        vendor: runs(answered_dates(vendor(settings, Archive(settings.lake, vendor.name)), lake, days))
        for vendor in vendors
    }
    if not any(windows.values()):
        raise UsageError(f"the archive holds no answer about {first.date()} to {last.date()}; run asks for it")
    report = land_windows(
        settings, {vendor: of_vendor for vendor, of_vendor in windows.items() if of_vendor}, ask=False
    )
    show(report, as_json)
    if report["failures"]:
        sys.exit(1)
