"""`coverage`: what is held and what isn't, as a calendar, read from the published file."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from attendance_pipeline.calendars import Month, heading, legend, months, sign, totals
from attendance_pipeline.cli.landing import DAY
from attendance_pipeline.coverage import Coverage, Gap, Mark, VendorDays, read_coverage
from attendance_pipeline.errors import UsageError
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.windows import fewest

LOOK_BACK = timedelta(days=92)
"""How much of the calendar is shown where nobody says."""
MOST_LISTED = 10
SPAN = timedelta(days=30)
"""The most dates that one suggested run lands."""

STYLES: Mapping[Mark, str] = {
    "complete": "green",
    "empty": "green dim",
    "young": "cyan",
    "partial": "yellow",
    "not_ready": "magenta",
    "denied": "red",
    "never_asked": "dim",
    "expiring": "bold red",
    "lost": "red dim",
}


@click.command()
@click.option("--from", "first", type=DAY, help="First ended date (UTC) of the calendar; three months back.")
@click.option("--to", "last", type=DAY, help="Last ended date (UTC) of the calendar; today.")
@click.option(
    "--vendor", "names", type=click.Choice(sorted(VENDORS)), multiple=True, help="Only this vendor; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
@click.option("--strict", is_flag=True, help="End with exit code 1 where something is missing or soon lost.")
def coverage(
    first: datetime | None, last: datetime | None, names: Sequence[str], as_json: bool, strict: bool
) -> None:
    """Show what is held of every ended date, what is missing, and until when it can be had.

    Reads the published file. The dates choose the calendar; what is missing, soon lost or lost is told of every date.
    """
    settings = Settings.load()
    today = datetime.now(UTC).date()
    until = last.date() if last else today
    since = first.date() if first else max(settings.attendance_start_date, until - LOOK_BACK)
    if since > until:
        raise UsageError(f"--from {since} lies after --to {until}; swap them")
    found = read_coverage(settings.warehouse, names)
    calendar = [vendor.between(since, until) for vendor in found.vendors]
    if as_json:
        click.echo(json.dumps(_plain(found, calendar, since, until), indent=2, default=str))
    else:
        _show(found, calendar, today)
    if strict and (found.missing or found.expiring):
        sys.exit(1)


def _plain(found: Coverage, calendar: Sequence[VendorDays], first: date, last: date) -> dict[str, Any]:
    gaps = {name: [asdict(gap) for gap in getattr(found, name)] for name in ("missing", "expiring", "lost")}
    return {"first": first, "last": last, "vendors": [asdict(vendor) for vendor in calendar], **gaps}


def _show(found: Coverage, calendar: Sequence[VendorDays], today: date) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=118, highlight=False)
    for vendor in calendar:
        for line in totals(vendor):
            console.print(Text(line, "bold"))
        console.print(Text(heading(), "dim"))
        for month in months(vendor.days):
            console.print(_month(month), no_wrap=True, crop=False)
        console.print()
    marks = {day.mark for vendor in calendar for day in vendor.days}
    for line in legend(marks):
        console.print(line)
    newest = max((vendor.days[-1].ended_date for vendor in found.vendors), default=today)
    if newest < today:
        console.print(f"Loaded last on {newest}; nothing is known here of the dates since.")
    _tell(console, "can be had for a few days only", found.expiring)
    expiring = set(found.expiring)
    _tell(console, "missing", [gap for gap in found.missing if gap not in expiring])
    _tell(console, "lost: no run brings it back, a vendor's portal may", found.lost, fetch=False)
    if not (found.missing or found.expiring):
        console.print("Nothing is missing that can be had.")


def _month(month: Month) -> Text:
    line = Text(month.label)
    for day in month.days:
        line.append(f"{sign(day)} ", STYLES[day.mark] if day else "")
    line.append(f" {month.meetings}")
    line.rstrip()
    return line


def _tell(console: Console, what: str, gaps: Sequence[Gap], *, fetch: bool = True) -> None:
    """Name the next gaps, count the others, and say how to fetch them."""
    if not gaps:
        return
    console.print(f"\n[bold]{what[0].upper()}{what[1:]}[/bold]")
    stretches = _stretches(gaps)
    for stretch in stretches[:MOST_LISTED]:
        first, last = stretch[0], stretch[-1]
        through = f"to {last.ended_date}" if len(stretch) > 1 else ""
        until = f"{'until' if fetch else 'since'} {first.recoverable_until:%Y-%m-%d %H:%M}"
        line = f"  {first.vendor:5}  {first.ended_date} {through:13}  {until}  {_lacking(stretch)}"
        console.print(Text(line), soft_wrap=True)
    if len(stretches) > MOST_LISTED:
        console.print(f"  and {sum(map(len, stretches[MOST_LISTED:]))} dates more")
    if fetch:
        for command in _commands(gaps):
            console.print(f"  {command}", soft_wrap=True)


def _stretches(gaps: Iterable[Gap]) -> list[list[Gap]]:
    """Dates that follow one another and lack the same for the same reason, the earliest deadline first."""
    stretches: list[list[Gap]] = []
    for gap in sorted(gaps, key=lambda gap: (gap.vendor, gap.ended_date)):
        before = stretches[-1][-1] if stretches else None
        if (
            before
            and gap.ended_date - before.ended_date == timedelta(days=1)
            and (gap.vendor, gap.is_whole_day, gap.reason) == (before.vendor, before.is_whole_day, before.reason)
        ):
            stretches[-1].append(gap)
        else:
            stretches.append([gap])
    return sorted(stretches, key=lambda stretch: stretch[0].recoverable_until)


def _lacking(stretch: Sequence[Gap]) -> str:
    counts = {"whole day": sum(gap.is_whole_day for gap in stretch), "meeting": sum(gap.meetings for gap in stretch)}
    parts = " and ".join(f"{n:,} {what}{'' if n == 1 else 's'}" for what, n in counts.items() if n)
    return f"{parts}: {stretch[0].reason}" if stretch[0].reason else parts


def _commands(gaps: Iterable[Gap]) -> list[str]:
    """The runs that ask for them, as far as the vendors' lists reach back."""
    commands = []
    now = datetime.now(UTC)
    by_vendor: dict[str, set[date]] = {}
    for gap in gaps:
        if gap.ended_date >= VENDORS[gap.vendor].earliest(now):
            by_vendor.setdefault(gap.vendor, set()).add(gap.ended_date)
    for vendor, dates in sorted(by_vendor.items()):
        for window in fewest(dates, SPAN):
            commands.append(f"attendance-pipeline run --from {window.first} --to {window.last} --vendor {vendor}")
    return commands
