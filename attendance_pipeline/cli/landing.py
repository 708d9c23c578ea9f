"""What the commands that land something share: the run itself, and how it is shown."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from attendance_pipeline.archive import Archive
from attendance_pipeline.choice import Vendors, check_dates
from attendance_pipeline.display import Display, hours
from attendance_pipeline.errors import AttendanceError, UsageError
from attendance_pipeline.files import alone
from attendance_pipeline.lake import Lake
from attendance_pipeline.people import read_told
from attendance_pipeline.plan import plan
from attendance_pipeline.settings import Settings
from attendance_pipeline.summary import Summary, summarize
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Vendor
from attendance_pipeline.windows import Window, dates

DAY = click.DateTime(["%Y-%m-%d"])

Command = TypeVar("Command", bound=Callable[..., Any])


def of_ended_dates(command: Command) -> Command:
    """The options `--from`, `--to` and `--vendor`, of which the dates must be given."""
    for option in (
        click.option(
            "--vendor",
            "names",
            type=click.Choice(sorted(VENDORS)),
            multiple=True,
            help="Only this vendor; may be repeated.",
        ),
        click.option("--to", "last", type=DAY, required=True, help="Last ended date (UTC), included."),
        click.option("--from", "first", type=DAY, required=True, help="First ended date (UTC), included."),
    ):
        command = option(command)
    return command


def land(
    settings: Settings, vendors: Vendors, first: date, last: date, *, ask: bool = True, again: bool = True
) -> dict[str, Any]:
    """Land each vendor, then build and publish; a vendor that fails keeps nothing from the others.

    Args:
        settings: of the run.
        vendors: whose meetings.
        first: ended date.
        last: ended date, included.
        ask: without asking, the partitions are rebuilt from the archive alone.
        again: ask for lists again that were read late enough already.
    """
    check_dates(settings, vendors if ask else (), first, last)
    return land_windows(settings, {vendor: [Window(first, last)] for vendor in vendors}, ask=ask, again=again)


def land_windows(
    settings: Settings,
    windows: Mapping[type[Vendor[Any]], Sequence[Window]],
    *,
    ask: bool = True,
    again: bool = True,
) -> dict[str, Any]:
    """The same for each vendor's own ended dates, which `check_dates` has let through.

    Args:
        settings: of the run.
        windows: by vendor, its ended dates; a Dagster run each.
        ask: see `land`.
        again: see `land`.
    """
    from attendance_pipeline.definitions import definitions
    from attendance_pipeline.defs.headless import instance, run_job
    from attendance_pipeline.defs.landing import landing_config

    # before anybody is asked: the load would refuse them only afterwards
    read_told(settings, VENDORS)
    failures: dict[str, str] = {}
    landed, requests, stopped, quarantined, waived = 0, 0, {}, 0, 0
    work = [(vendor, window) for vendor, of_vendor in windows.items() for window in of_vendor]
    alone_here = alone(settings.data / "locks" / "run.lock", "another attendance-pipeline run")
    with alone_here, Display() as display, instance(settings) as on:
        code_location = definitions(display)
        for vendor, window in work:
            if ask:
                account = vendor(settings, Archive(settings.lake, vendor.name))
                display(str(plan(account, Lake(settings.lake), dates(window.first, window.last), again=again)), 0, 0)
            try:
                config = landing_config(vendor, ask=ask, again=again)
                ran = run_job(code_location, f"land_{vendor.name}", on, (window.first, window.last), config)
            except UsageError:
                raise
            except AttendanceError as error:
                failures[vendor.name] = str(error)
                continue
            landed += 1
            for asset, metadata in ran.metadata.items():
                quarantined += metadata["rows_quarantined"]
                waived += metadata["rows_waived"]
                if asset.endswith(("/days", "/readings")):
                    requests += metadata["requests"]
                if "stopped" in metadata:
                    stopped[vendor.name] = metadata["stopped"]
        # Where every vendor failed, what was published before is still to tell of it.
        if landed or settings.warehouse.exists():
            display("loading, building the marts, publishing", 0, 0)
            run_job(code_location, "warehouse", on)
        if not landed:
            raise AttendanceError("; ".join(failures.values()))
    first, last = min(window.first for _, window in work), max(window.last for _, window in work)
    return {
        "summary": _plain(summarize(settings.warehouse, first, last)),
        "requests": requests,
        "rows_quarantined": quarantined,
        "rows_waived": waived,
        "stopped": stopped,
        "failures": failures,
        "published": str(settings.warehouse),
    }


def _plain(summary: Summary) -> dict[str, Any]:
    return asdict(summary) | {"first": summary.first.isoformat(), "last": summary.last.isoformat()}


def show(report: dict[str, Any], as_json: bool) -> None:
    """Print what `land` gave."""
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
    waived = f", {report['rows_waived']} more waived" if report["rows_waived"] else ""
    console.print(f"{report['requests']} requests; {report['rows_quarantined']} rows in quarantine{waived}")
    for vendor, why in report["stopped"].items():
        console.print(f"{vendor}: {why}", soft_wrap=True)
    console.print(f"published: {report['published']}", soft_wrap=True)
    for why in report["failures"].values():
        click.echo(f"attendance-pipeline: {why}", err=True)
