"""`quarantine`: rows that broke a rule: what they are of, whether a fix brings them back, which are given up."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.choice import check_dates
from attendance_pipeline.cli.landing import DAY, land_windows
from attendance_pipeline.errors import UsageError
from attendance_pipeline.files import Access, alone, commit
from attendance_pipeline.http.session import nameless
from attendance_pipeline.lake import Lake
from attendance_pipeline.masking import masked
from attendance_pipeline.quarantine import (
    QuarantinedRow,
    RowId,
    Waiver,
    Wanted,
    keep,
    quarantined_rows,
    waiver,
    waivers_in_force,
)
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.windows import Window, runs

LONGEST_ROW = 2_000
"""Characters of a masked row that are shown."""

Command = TypeVar("Command", bound=Callable[..., Any])


def _of_rows(command: Command) -> Command:
    """The options that choose rows: `--vendor`, `--table`, `--rule`, `--from`, `--to`."""
    for option in (
        click.option("--to", "last", type=DAY, help="Last ended date (UTC), included."),
        click.option("--from", "first", type=DAY, help="First ended date (UTC), included."),
        click.option("--rule", "rules", multiple=True, help="Rows that broke this rule; may be repeated."),
        click.option("--table", "tables", multiple=True, help="Only this table of a vendor; may be repeated."),
        click.option(
            "--vendor", "names", type=click.Choice(sorted(VENDORS)), multiple=True, help="Only this vendor."
        ),
    ):
        command = option(command)
    return command


_rows_argument = click.argument("ids", nargs=-1, metavar="[ROW]...")


@click.group()
def quarantine() -> None:
    """Rows that broke a rule: list, show, replay or waive them."""


@quarantine.command("list")
@_of_rows
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def list_rules(as_json: bool, **chosen: Any) -> None:
    """Count the rows by vendor, table and rule."""
    lake = Lake(Settings.load().lake)
    rows = quarantined_rows(lake, _wanted(lake, **chosen))
    groups: dict[tuple[str, str, str], list[QuarantinedRow]] = {}
    for row in rows:
        groups.setdefault((row.id.vendor, row.id.table, row.rule), []).append(row)
    found = [_group(*of, rows) for of, rows in sorted(groups.items())]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("no row is in quarantine" + (" that these options choose" if any(chosen.values()) else ""))
    else:
        _print(found)


def _group(vendor: str, table: str, rule: str, rows: Sequence[QuarantinedRow]) -> dict[str, Any]:
    waived = sum(row.waived is not None for row in rows)
    return {
        "vendor": vendor,
        "table": table,
        "rule": rule,
        "rows": len(rows) - waived,
        "waived": waived,
        "meetings": len({row.subject for row in rows if row.subject}),
        "first": min(row.ended_date for row in rows).isoformat(),
        "last": max(row.ended_date for row in rows).isoformat(),
    }


def _print(groups: Sequence[dict[str, Any]]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=118)
    table = Table()
    for title in groups[0]:
        table.add_column(title, justify="right" if title in ("rows", "waived", "meetings") else "left")
    for group in groups:
        table.add_row(*(f"{said:,}" if isinstance(said, int) else said for said in group.values()))
    console.print(table)


@quarantine.command()
@_rows_argument
@_of_rows
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="The most rows to show.")
@click.option("--reveal", is_flag=True, help="Show each row as the vendor sent it, people's names included.")
@click.option("--document", type=click.Path(path_type=Path), help="Write the rows' document, as sent, to this file.")
def show(limit: int, reveal: bool, document: Path | None, **chosen: Any) -> None:
    """Show rows and where they are from, names masked.

    Of each row its id, which `waive` takes, and the archived document that holds it.
    """
    settings = Settings.load()
    lake = Lake(settings.lake)
    wanted = _wanted(lake, **chosen)
    found = _found(lake, wanted)
    if document is not None:
        _write_document(settings, found, document)
        return
    shown = list(islice(quarantined_rows(lake, wanted, whole=True), limit))
    in_force = {of: one for vendor in VENDORS for of, one in waivers_in_force(lake, vendor).items()}
    documents = {held.document_id: _described(held) for held in _documents(settings, shown)}
    if reveal:
        click.echo("these rows are as the vendor sent them: with people's names and addresses", err=True)
    for row in shown:
        _show(row, documents.get(row.id.document_id, "not in the archive"), in_force.get(row.id), reveal)
    if len(found) > limit:
        click.echo(f"{limit} of {len(found):,} rows; --limit shows more")


def _show(row: QuarantinedRow, document: str, waived: Waiver | None, reveal: bool) -> None:
    click.echo(row.id)
    click.echo(f"  rule      {row.rule}")
    click.echo(f"  ended     {row.ended_date}")
    click.echo(f"  meeting   {_harmless('…' if '@' in row.subject else row.subject) or 'unknown'}")
    click.echo(f"  document  {document}")
    if waived:
        click.echo(f"  waived    by {waived.by} at {waived.at:%Y-%m-%d %H:%M} UTC: {_harmless(waived.reason)}")
    said = _harmless(row.row.decode("utf-8", "backslashreplace")) if reveal else masked(row.row)
    if not reveal and len(said) > LONGEST_ROW:
        said = f"{said[:LONGEST_ROW]}… {len(said) - LONGEST_ROW:,} more characters"
    click.echo(f"  row       {said}\n")


def _described(document: Document) -> str:
    return (
        f"{document.kind}, {nameless(document.request)}, status {document.status}, "
        f"fetched {document.fetched_at:%Y-%m-%d %H:%M:%S} UTC, page {document.page}, {len(document.body):,} bytes"
    )


def _harmless(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _documents(settings: Settings, rows: Iterable[QuarantinedRow]) -> Iterable[Document]:
    by_vendor: dict[str, list[QuarantinedRow]] = {}
    for row in rows:
        by_vendor.setdefault(row.id.vendor, []).append(row)
    for vendor, of_vendor in by_vendor.items():
        ids, ended = {row.id.document_id for row in of_vendor}, {row.ended_date for row in of_vendor}
        yield from Archive(settings.lake, vendor).found(ids, ended)


def _write_document(settings: Settings, rows: Sequence[QuarantinedRow], file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise UsageError(f"{file} exists; name a file that doesn't")
    if (count := len({(row.id.vendor, row.id.document_id) for row in rows})) > 1:
        raise UsageError(f"these rows are of {count} documents; name one row")
    held = next(iter(_documents(settings, rows)), None)
    if held is None:
        raise UsageError(f"document {rows[0].id.document_id} isn't in the archive any more")
    body = held.body
    commit(file, lambda path: path.write_bytes(body), Access.OWNER)
    click.echo(f"{_described(held)}\nas the vendor sent it, with people's names and addresses: {file}")


@quarantine.command()
@_rows_argument
@_of_rows
def replay(**chosen: Any) -> None:
    """Shape the rows again, after a fix; ask no vendor.

    Rebuilds the rows' ended dates from the archive alone, then the marts, and tells which rows stay and why.
    """
    settings = Settings.load()
    lake = Lake(settings.lake)
    rows = _found(lake, _wanted(lake, **chosen))
    _reshape(settings, lake, rows, _windows(settings, rows))


@quarantine.command()
@_rows_argument
@_of_rows
@click.option("--reason", required=True, help="Why the rows can be given up; stays on record for good.")
@click.option("--yes", is_flag=True, help="Don't ask whether all these rows are meant.")
@click.option("--undo", is_flag=True, help="Withdraw the rows' waivers; that goes on record too.")
def waive(reason: str, yes: bool, undo: bool, **chosen: Any) -> None:
    """Give rows up, with a reason that stays on record.

    They stay in quarantine, and nothing counts them any more. A waived row that a later version can read lands all
    the same. A waiver is of a row in one archived document: what a vendor sends anew is judged anew.
    """
    settings = Settings.load()
    lake = Lake(settings.lake)
    if not any(chosen.values()):
        raise UsageError("waive which rows? Name them, or choose them with --vendor, --table, --rule, --from, --to")
    found = _found(lake, _wanted(lake, **chosen))
    lock = settings.data / "locks" / "waivers.lock"
    with alone(lock, "another attendance-pipeline quarantine waive"):
        waived = {of for vendor in VENDORS for of in waivers_in_force(lake, vendor)}
        rows = [row for row in found if (row.id in waived) == undo]
        if not rows:
            raise UsageError(f"nothing to do: {'none' if undo else 'each'} of these {len(found):,} rows is waived")
        windows, now = _windows(settings, rows), datetime.now(UTC)
        records = [(row.id.vendor, waiver(row, reason, now, withdrawn=undo)) for row in rows]
        if not chosen["ids"] and not yes and not _is_meant(rows, undo):
            return
        for vendor in sorted({vendor for vendor, _ in records}):
            keep(lake, vendor, [one for of, one in records if of == vendor])
    did = "waivers are withdrawn" if undo else "rows are waived"
    click.echo(f"{len(rows):,} {did}, on record in {lake.root / 'waivers'}; reshaping their dates")
    _reshape(settings, lake, rows, windows)


def _is_meant(rows: Sequence[QuarantinedRow], undo: bool) -> bool:
    counts = Counter(f"{row.id.vendor}/{row.id.table} {row.rule}" for row in rows)
    told = ", ".join(f"{of}: {count:,}" for of, count in counts.most_common())
    what = f"{'withdraw the waivers of' if undo else 'waive'} {len(rows):,} rows ({told})"
    if not sys.stdin.isatty():
        raise UsageError(f"this would {what}; say --yes if that is meant")
    return click.confirm(f"{what}?")


def _wanted(
    lake: Lake,
    names: Sequence[str],
    tables: Sequence[str],
    rules: Sequence[str],
    first: datetime | None,
    last: datetime | None,
    ids: Sequence[str] = (),
) -> Wanted:
    if ids and (names or tables or rules or first or last):
        raise UsageError("name rows or choose them by options, not both")
    named = {table.name for each in VENDORS.values() for table in each.tables()} - {
        "days",
        "readings",
    }
    _refuse_unknown("table", tables, named)
    if rules:
        of = {rule for row in quarantined_rows(lake, Wanted()) for rule in (row.rule, *row.rule.split(","))}
        _refuse_unknown("rule", rules, of)
    if first and last and first > last:
        raise UsageError(f"--from {first:%Y-%m-%d} lies after --to {last:%Y-%m-%d}; swap them")
    return Wanted(
        vendors=names or sorted(VENDORS),
        tables=tables,
        rules=rules,
        first=first and first.date(),
        last=last and last.date(),
        ids=[RowId.read(text) for text in ids],
    )


def _refuse_unknown(what: str, said: Sequence[str], known: set[str]) -> None:
    for one in said:
        if one not in known:
            there = ", ".join(sorted(known)) or "none, as no row is in quarantine"
            raise UsageError(f"no {what} is called {one}; there are {there}")


def _found(lake: Lake, wanted: Wanted) -> list[QuarantinedRow]:
    rows = list(quarantined_rows(lake, wanted))
    here = {row.id for row in rows}
    for lacking in (one for one in wanted.ids if one not in here):
        raise UsageError(f"{lacking} isn't in quarantine; attendance-pipeline quarantine show tells what is")
    if not rows:
        raise UsageError("no such row is in quarantine; attendance-pipeline quarantine list tells what is")
    return rows


def _windows(settings: Settings, rows: Sequence[QuarantinedRow]) -> dict[str, list[Window]]:
    """By vendor, the rows' ended dates."""
    days: dict[str, set[date]] = {}
    for row in rows:
        days.setdefault(row.id.vendor, set()).add(row.ended_date)
    every = sorted(set().union(*days.values()))
    check_dates(settings, (), every[0], every[-1])
    for vendor in days:
        if not (settings.lake / "archive" / vendor).exists():
            raise UsageError(f"{settings.lake} has no archive of {vendor} to reshape")
    return {vendor: runs(of_vendor) for vendor, of_vendor in days.items()}


def _reshape(
    settings: Settings, lake: Lake, rows: Sequence[QuarantinedRow], windows: dict[str, list[Window]]
) -> None:
    """Reshape the rows' dates, and tell what became of the rows."""
    report = land_windows(settings, {VENDORS[vendor]: of_vendor for vendor, of_vendor in windows.items()}, ask=False)
    left = {row.id: row for row in quarantined_rows(lake, Wanted(vendors=list(windows)))}
    groups: dict[str, list[QuarantinedRow]] = {}
    for row in rows:
        groups.setdefault(f"{row.id.vendor}/{row.id.table} {row.rule}", []).append(row)
    for of, before in sorted(groups.items()):
        now = Counter(
            "waived" if left[row.id].waived is not None else left[row.id].rule for row in before if row.id in left
        )
        stay = f"; {now.total():,} stay: {', '.join(f'{why} ({n:,})' for why, n in now.most_common())}" if now else ""
        click.echo(f"{of}: {len(before) - now.total():,} of {len(before):,} rows left the quarantine{stay}")
    click.echo(f"published: {report['published']}")
    for why in report["failures"].values():
        click.echo(f"attendance-pipeline: {why}", err=True)
    if report["failures"]:
        sys.exit(1)
