"""`run`: the assets of these ended dates, headless."""

import sys
from collections.abc import Sequence
from datetime import datetime

import click

from attendance_pipeline.choice import chosen
from attendance_pipeline.cli.landing import land, of_ended_dates, show
from attendance_pipeline.settings import Settings


@click.command()
@of_ended_dates
@click.option(
    "--go-on",
    is_flag=True,
    help="Only what earlier runs left: lists that were read late enough aren't asked for again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def run(first: datetime, last: datetime, names: Sequence[str], go_on: bool, as_json: bool) -> None:
    """Land these ended dates, build the marts, publish the DuckDB file.

    Meetings whose attendance is settled are not asked for again, so running the same dates again is cheap.
    """
    settings = Settings.load()
    vendors = chosen(settings, names)
    report = land(settings, vendors, first.date(), last.date(), again=not go_on)
    show(report, as_json)
    if report["failures"]:
        sys.exit(1)
