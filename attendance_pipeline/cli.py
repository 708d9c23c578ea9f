"""The console script `attendance-pipeline`.

Exit codes: 0 done, 1 something failed, 2 what was asked for can't be meant.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.table import Table

from attendance_pipeline.archive import Archive
from attendance_pipeline.display import Display, hours
from attendance_pipeline.errors import AttendanceError, UsageError
from attendance_pipeline.files import alone, commit
from attendance_pipeline.settings import PROJECT, TEAMS_ROUTES, Settings
from attendance_pipeline.summary import Summary, summarize
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Check, Vendor

DEMO_DAYS = 21
DEMO_MARK = "holds-demo-data"
"""A file in the data folder: invented meetings and real ones must not end in one warehouse."""

DAY = click.DateTime(["%Y-%m-%d"])


def main() -> None:
    """Run the console script; an error is one line on standard error."""
    try:
        commands(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        _fail("interrupted; what was landed is kept, run again to go on", 1)
    except click.ClickException as wrong:
        _fail(f"{wrong.format_message()}; see attendance-pipeline --help", 2)
    except UsageError as wrong:
        _fail(str(wrong), 2)
    except AttendanceError as error:
        _fail(str(error), 1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="attendance-pipeline")
def commands() -> None:
    """Attendance of ended Zoom, Webex and Teams meetings: pulled, kept, checked, counted.

    Settings come from the environment and from .env in the current folder; .env.example documents each.
    """


@commands.command()
@click.option("--from", "first", type=DAY, required=True, help="First ended date (UTC), included.")
@click.option("--to", "last", type=DAY, required=True, help="Last ended date (UTC), included.")
@click.option(
    "--vendor", "names", type=click.Choice(sorted(VENDORS)), multiple=True, help="Only this vendor; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def run(first: datetime, last: datetime, names: Sequence[str], as_json: bool) -> None:
    """Land these ended dates, build the marts, publish the DuckDB file.

    Meetings whose attendance is settled are not asked for again, so running the same dates again is cheap.
    """
    settings = Settings.load()
    vendors = _chosen(settings, names)
    _refuse_mixing(settings, vendors)
    report = _run(settings, vendors, first.date(), last.date())
    _show(report, as_json)
    if report["failures"]:
        sys.exit(1)


@commands.command()
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
        chosen = {"WEBEX_SITE_URLS": ",".join(sandbox.webex.sites), "TEAMS_ROUTES": ",".join(TEAMS_ROUTES)}
        os.environ.update(sandbox.settings | chosen)
        settings = Settings.load()
        report = _run(settings, list(VENDORS.values()), first, today)
        truth = sandbox.truth(first, today)
    _show(report, as_json)
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
            "  the runs      make dev, then http://127.0.0.1:3000\n"
            "  your account  copy .env.example to .env, then attendance-pipeline doctor"
        )
    if report["failures"]:
        sys.exit(1)


@commands.command()
def doctor() -> None:
    """Try, vendor by vendor, what a pull needs: credentials, scopes, reach; say what is missing and how to get it."""
    settings = Settings.load()
    console, healthy = Console(), True
    for vendor_type in VENDORS.values():
        missing = settings.missing(vendor_type.credentials)
        if missing:
            console.print(f"[bold]{vendor_type.name}[/bold]: off ({missing} not set, see .env.example)")
            continue
        console.print(f"[bold]{vendor_type.name}[/bold]: on")
        vendor = vendor_type(settings, Archive(settings.lake, vendor_type.name))
        for check in asyncio.run(_checks(vendor)):
            healthy = healthy and check.passed
            console.print(
                f"  {'ok     ' if check.passed else 'MISSING'} {check.name}: {check.detail}", soft_wrap=True
            )
    if not healthy:
        sys.exit(1)


@commands.command()
@click.option("--port", type=int, default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another organisation.")
@click.option("--size", default="demo", show_default=True, help="How large the organisation is: small or demo.")
def sandbox(port: int, seed: int, size: str) -> None:
    """Serve the embedded vendors until interrupted, and print the settings that point at them."""
    from attendance_pipeline.sandbox import SIZES, Sandbox

    if size not in SIZES:
        raise UsageError(f"there is no size {size}; choose one of {', '.join(SIZES)}")
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with Sandbox(seed=seed, size=size, port=port) as served:
        for name, value in served.settings.items():
            click.echo(f"export {name}={value}")
        click.echo(
            f"# serving until interrupted; what is true of it: {served.url}/truth?from=YYYY-MM-DD&to=YYYY-MM-DD",
            err=True,
        )
        stopped.wait()


def _chosen(settings: Settings, names: Sequence[str]) -> list[type[Vendor[Any]]]:
    wanted = [VENDORS[name] for name in names] or [v for v in VENDORS.values() if not settings.missing(v.credentials)]
    for vendor in wanted:
        if missing := settings.missing(vendor.credentials):
            raise UsageError(f"{vendor.name} is off: set {missing} in the environment or in .env")
    if not wanted:
        needed = "; ".join(f"{name} needs {settings.missing(v.credentials)}" for name, v in VENDORS.items())
        raise UsageError(f"no vendor is on: {needed} (environment or .env; see .env.example), or try the demo")
    return wanted


def _refuse_mixing(settings: Settings, vendors: Sequence[type[Vendor[Any]]]) -> None:
    """Invented meetings and real ones must not end in one warehouse."""
    hosts = {urlsplit(getattr(settings, vendor.address)).hostname for vendor in vendors}
    if hosts - {"127.0.0.1", "localhost", "::1"} and (settings.data / DEMO_MARK).exists():
        raise UsageError(
            f"{settings.data} holds the demo's invented meetings; delete that folder, or choose another one with "
            "ATTENDANCE_DATA"
        )


def _check_dates(settings: Settings, vendors: Sequence[type[Vendor[Any]]], first: date, last: date) -> None:
    now = datetime.now(UTC)
    today = now.date()
    if first > last:
        raise UsageError(f"--from {first} lies after --to {last}; swap them")
    if last > today:
        raise UsageError(f"--to {last} lies in the future; the last date can be today, {today} (UTC)")
    if first < settings.attendance_start_date:
        raise UsageError(
            f"--from {first} lies before ATTENDANCE_START_DATE, {settings.attendance_start_date}; "
            "set that to an earlier date, or begin later"
        )
    for vendor in vendors:
        if first < (earliest := vendor.earliest(now)):
            raise UsageError(
                f"--from {first} lies beyond {vendor.name}'s reach of {vendor.reach.days} days; "
                f"begin at {earliest} or later"
            )


def _run(settings: Settings, vendors: Sequence[type[Vendor[Any]]], first: date, last: date) -> dict[str, Any]:
    """Land each vendor, then build and publish; a vendor that fails keeps nothing from the others."""
    _check_dates(settings, vendors, first, last)
    from attendance_pipeline.definitions import definitions
    from attendance_pipeline.defs.headless import instance, run_job

    failures: dict[str, str] = {}
    requests, stopped, quarantined = 0, {}, 0
    alone_here = alone(settings.data / "locks" / "run.lock", "another attendance-pipeline run")
    with alone_here, Display() as display, instance(settings) as on:
        code_location = definitions(display)
        for vendor in vendors:
            try:
                ran = run_job(code_location, f"land_{vendor.name}", on, (first, last))
            except UsageError:
                raise
            except AttendanceError as error:
                failures[vendor.name] = str(error)
                continue
            for asset, metadata in ran.metadata.items():
                quarantined += metadata["rows_quarantined"]
                if asset.endswith(("/meetings", "/readings")):
                    requests += metadata["requests"]
                if "stopped" in metadata:
                    stopped[vendor.name] = metadata["stopped"]
        if len(failures) == len(vendors):
            raise AttendanceError("; ".join(failures.values()))
        display("loading, building the marts, publishing", 0, 0)
        run_job(code_location, "warehouse", on)
    return {
        "summary": _plain(summarize(settings.warehouse, first, last)),
        "requests": requests,
        "rows_quarantined": quarantined,
        "stopped": stopped,
        "failures": failures,
        "published": str(settings.warehouse),
    }


def _plain(summary: Summary) -> dict[str, Any]:
    return asdict(summary) | {"first": summary.first.isoformat(), "last": summary.last.isoformat()}


def _show(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    console, summary = Console(), report["summary"]
    if not console.is_terminal:
        console = Console(width=118)
    table = Table(title=f"Meetings that ended from {summary['first']} to {summary['last']} (UTC)")
    titles = ("vendor", "meetings", "hosts", "joins", "attendees", "attended h", "device h", "active h", "largest")
    for title in titles:
        table.add_column(title, justify="left" if title == "vendor" else "right")
    for vendor in summary["vendors"]:
        counts = [f"{vendor[name]:,}" for name in ("meetings", "hosts", "joins", "attendees")]
        times = [hours(vendor[name]) for name in ("attended_seconds", "device_seconds", "active_seconds")]
        table.add_row(vendor["vendor"], *counts, *times, f"{vendor['largest_meeting']:,}")
    console.print(table)
    for status in summary["coverage"]:
        console.print(
            f"{status['vendor']}: {status['meetings']} meetings {status['status']}, {status['settled']} settled"
        )
    console.print(f"{report['requests']} requests; {report['rows_quarantined']} rows in quarantine")
    for vendor, why in report["stopped"].items():
        console.print(f"{vendor}: {why}", soft_wrap=True)
    console.print(f"published: {report['published']}", soft_wrap=True)
    for why in report["failures"].values():
        click.echo(f"attendance-pipeline: {why}", err=True)


async def _checks(vendor: Vendor[Any]) -> list[Check]:
    async with vendor.session() as session:
        return [check async for check in vendor.doctor(session)]


def _fail(message: str, code: int) -> None:
    click.echo(f"attendance-pipeline: {' '.join(message.split())}", err=True)
    sys.exit(code)
