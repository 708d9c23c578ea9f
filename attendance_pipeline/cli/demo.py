"""`demo`: the whole pipeline over embedded vendors, and the published numbers beside what is true."""

import os
import sys
from datetime import UTC, datetime, timedelta

import click

from attendance_pipeline.choice import DEMO_MARK
from attendance_pipeline.cli.landing import land, show
from attendance_pipeline.display import hours
from attendance_pipeline.errors import UsageError
from attendance_pipeline.files import commit
from attendance_pipeline.settings import PROJECT, TEAMS_ROUTES, Settings
from attendance_pipeline.vendors import VENDORS

DEMO_DAYS = 21


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def demo(as_json: bool) -> None:
    """Run the whole pipeline over the recent weeks of embedded vendors; needs no account.

    Serves an invented organisation over HTTP on this machine, lands its last three weeks through Dagster into the
    data folder, and compares the published numbers with what the organisation knows to be true.
    """
    from attendance_pipeline.sandbox import Sandbox, ZoomOptions

    settings = Settings.load()
    mark = settings.data / DEMO_MARK
    if (settings.lake / "archive").exists() and not mark.exists():
        raise UsageError(
            f"{settings.data} holds data of a real account; give the demo a folder of its own: "
            "ATTENDANCE_DATA=/tmp/demo attendance-pipeline demo"
        )
    commit(mark, lambda path: path.touch())
    today = datetime.now(UTC).date()
    first = max(today - timedelta(days=DEMO_DAYS), settings.attendance_start_date)
    with Sandbox(zoom=ZoomOptions(plan="business")) as sandbox:
        # What the user chose for their own account, in .env, isn't meant for the invented organisation.
        chosen = {
            "WEBEX_SITE_URLS": ",".join(sandbox.webex.sites),
            "TEAMS_ROUTES": ",".join(TEAMS_ROUTES),
            "ATTENDANCE_START_DATE": first.isoformat(),
        }
        os.environ.update(sandbox.settings | chosen)
        settings = Settings.load()
        report = land(settings, list(VENDORS.values()), first, today)
        truth = sandbox.truth(first, today)
    show(report, as_json)
    if not as_json:
        held = report["summary"]["vendors"]
        now = datetime.now(UTC)
        old_enough = [m for m in truth.meetings if m.ended_at + VENDORS[m.vendor].timing.first_read <= now]
        ready = [meeting for meeting in old_enough if meeting.report_ready_at <= now]
        click.echo(
            f"\nThe invented organisation knows of {len(truth.meetings)} meetings that ended on these dates; "
            f"{len(ready)} are old enough to have a report, attended for "
            f"{hours(sum(meeting.attended_seconds for meeting in ready))} hours; "
            f"published: {sum(v['meetings'] for v in held)} meetings, "
            f"{hours(sum(v['attended_seconds'] for v in held))} hours."
        )
        shown = (
            settings.warehouse.relative_to(PROJECT)
            if settings.warehouse.is_relative_to(PROJECT)
            else (settings.warehouse)
        )
        click.echo(
            "\nWhere to look next\n"
            f'  the numbers   duckdb -readonly {shown} "from marts.daily_utilization"\n'
            f"  in Python     duckdb.connect('{shown}', read_only=True).sql('from marts.meetings')\n"
            "  what is held  attendance-pipeline coverage\n"
            "  the runs      make dev, then http://127.0.0.1:3000\n"
            "  your account  copy .env.example to .env, then attendance-pipeline doctor"
        )
    if report["failures"]:
        sys.exit(1)
