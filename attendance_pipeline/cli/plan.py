"""`plan`: what a run would ask for, against what the accounts have left."""

from collections.abc import Sequence
from datetime import datetime

import click

from attendance_pipeline.archive import Archive
from attendance_pipeline.choice import check_dates, chosen
from attendance_pipeline.cli.landing import of_ended_dates
from attendance_pipeline.lake import Lake
from attendance_pipeline.plan import plan as planned
from attendance_pipeline.settings import Settings
from attendance_pipeline.windows import dates


@click.command()
@of_ended_dates
def plan(first: datetime, last: datetime, names: Sequence[str]) -> None:
    """Say how many requests landing these ended dates takes, and how many days; asks no vendor."""
    settings = Settings.load()
    vendors = chosen(settings, names)
    check_dates(settings, vendors, first.date(), last.date())
    for vendor_type in vendors:
        vendor = vendor_type(settings, Archive(settings.lake, vendor_type.name))
        click.echo(planned(vendor, Lake(settings.lake), dates(first.date(), last.date())))
