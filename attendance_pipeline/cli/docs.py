"""`docs`: the marts and the metrics as a page to read."""

import click

from attendance_pipeline.dbt import write_docs
from attendance_pipeline.settings import Settings


@click.command()
def docs() -> None:
    """Write one HTML page of every mart, column, metric and where it comes from.

    Made by dbt out of the last build, to open in a browser or to put on a share; it holds no rows.
    """
    click.echo(write_docs(Settings.load()))
