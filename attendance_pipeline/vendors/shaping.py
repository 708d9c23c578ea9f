"""Archived documents → a vendor's tables, for all vendors: a vendor says what its lists and reports look like."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.quarantine import waived_rows
from attendance_pipeline.readings import Count, Holds, Meeting, Timing, reading_rows
from attendance_pipeline.rows import UNREADABLE, Reader, RowReader, Unread
from attendance_pipeline.rules import is_possible
from attendance_pipeline.shape import (
    Broken,
    Columns,
    Shaped,
    Table,
    broken_rows,
    partitions,
    quarantine_table,
)
from attendance_pipeline.vendor_json import NOT_JSON
from attendance_pipeline.vendors.base import Tables

Json = tuple[type[msgspec.Struct], str | None] | tuple[type[msgspec.Struct], str | None, str]
"""The documented row, the page's field that holds rows (None: the document is the row), the one with their count."""

Kinds = Mapping[str, Json | Callable[[], Reader]]
"""By kind of document, what reads its rows: of JSON how it holds them, else what makes a reader."""

Readers = Mapping[str, Reader]
"""By kind of document, what reads its rows."""


OTHER = "of_another_meeting"


class _NoFields(msgspec.Struct):
    """A row whose columns are all given."""


_NO_FIELDS = _NoFields()


@dataclass(frozen=True)
class _Listed:
    """A listed meeting, and where the archive holds its row."""

    row: dict[str, Any]
    document_id: str
    position: int


@dataclass(frozen=True)
class Listings:
    """How a vendor's lists name ended meetings.

    Attributes:
        table: the meetings table.
        id: its column with the meeting's id.
        end: its column with the meeting's end.
        rows: by kind of list, in the order in which they are believed, what reads it.
        row: a documented row and its document → columns of the table, or the rule that the row breaks, or None for
            a meeting that hasn't ended as far as the list knows.
        merge: what the lists say of one meeting, the most believed first → the row that lands.
        id_fields: the lists' own names of the id, to find it in a row that can't be read.
        time_fields: the lists' own names of end and start.
        time: reads what such a field holds; None where it tells no time.
    """

    table: Table
    id: str
    end: str
    rows: Kinds
    row: Callable[[Any, Document], dict[str, Any] | str | None]
    merge: Callable[[Sequence[dict[str, Any]]], dict[str, Any]]
    id_fields: Sequence[str]
    time_fields: Sequence[str]
    time: Callable[[Any], datetime | None] = lambda said: instant(said) if isinstance(said, str) else None


@dataclass(frozen=True)
class Report:
    """How the documents of one report become rows of its table.

    Attributes:
        table: the report's name is the table's.
        subject: its column with the meeting's id, which is given.
        row: the struct that the rows come as; the other columns are given per document.
        kinds: by kind of document, what reads its rows.
        rows: documented rows of a document → rows of `row`.
        given: a document → further columns of its rows.
        reported: how many joins or people there are by a document's rows and what it tells beside them.
        counted: landed rows → by meeting, what compares with the vendor's count; as a rule, the rows.
        unsettled: landed rows → those whose times the vendor hasn't filled in yet; None: it fills in all at once.
        repeats_count: whether the vendor's count counts a row again that it sends again.
        is_about: whether a row is about the meeting of this id, which was asked for.
    """

    table: Table
    subject: str
    row: type[msgspec.Struct]
    kinds: Kinds
    rows: Callable[[Document, list[Any]], list[Any]] = lambda document, rows: rows
    given: Callable[[Document], dict[str, Any]] = lambda document: {}
    reported: Callable[[list[Any], Any], int | None] = lambda rows, told: None
    counted: Callable[[pa.Table], Iterable[tuple[str, int]]] | None = None
    unsettled: Callable[[pa.Table], pa.Table] | None = None
    repeats_count: bool = False
    is_about: Callable[[Any, str], bool] | None = None

    @property
    def name(self) -> str:
        """The report's name."""
        return self.table.name


@dataclass
class _Shaping:
    """A report being shaped."""

    report: Report
    readers: Readers
    columns: Columns
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)


def shape_listings(archive: Archive, days: Sequence[date], *tables: Listings) -> Tables:
    """The listing tables of each of `days`: every meeting as the newest listings name it.

    A row that can't be read counts for the day on which its meeting ended, as far as that can be told.
    """
    shaped, unknown = {}, {}
    for listings in tables:
        shaped[listings.table.name], unknown[listings.table.name] = _shape_listings(archive, days, listings)
    return shaped, unknown


def _shape_listings(
    archive: Archive, days: Sequence[date], listings: Listings
) -> tuple[dict[date, Shaped], set[str]]:
    readers = _readers(listings.rows)
    said: dict[str, dict[str, _Listed | Broken]] = {}
    for document in _answered(archive, days, tuple(readers)):
        rows, positions, unread, _ = readers[document.kind].rows(document)
        for row, position in zip(rows, positions, strict=True):
            meeting = listings.row(row, document)
            if meeting is None:
                continue
            if isinstance(meeting, dict) and not is_possible(meeting[listings.end]):
                # On no date: it counts for the one that its lists were asked about last.
                meeting = f"impossible_time.{listings.end}"
            if isinstance(meeting, str):
                unread.append(Unread(meeting, position, readers[document.kind].raw(document)[position]))
                continue
            # Rows without an id are told apart by what they say, so that each is quarantined.
            subject = meeting[listings.id] or f"? {meeting}"
            _note(said, subject, document.kind, _Listed(meeting, document.document_id, position))
        for bad in unread:
            ended, subject = _whereabouts(bad.row, document, listings)
            broken = Broken(ended, bad.rule, subject, document.document_id, bad.position, bad.row)
            _note(said, subject or bad.row.hex(), document.kind, broken)
    raw = _raw_rows(lambda: _answered(archive, days, tuple(readers)), readers)
    for kind in readers:
        _keep_the_rules(said, kind, listings, raw)
    columns, wanted = Columns(listings.table, _NoFields), set(days)
    for by_list in said.values():
        ordered = [by_list[kind] for kind in listings.rows if kind in by_list]
        columns.broken += [found for found in ordered if isinstance(found, Broken) and found.ended in wanted]
        listed = [found for found in ordered if isinstance(found, _Listed)]
        if not listed:
            continue
        merged = listings.merge([found.row for found in listed])
        if (ended := merged[listings.end].date()) in wanted:
            given = merged | {"document_id": listed[0].document_id}
            columns.add(ended, listed[0].document_id, [_NO_FIELDS], [listed[0].position], given)
    waived = waived_rows(archive.lake, listings.table.vendor, listings.table.name)
    return partitions(columns, days, raw, listings.id, waived), _unknown(readers)


def shape_attendance(
    archive: Archive,
    reports: Sequence[Report],
    meetings: Mapping[date, Mapping[str, Meeting]],
    holds: Mapping[date, Holds],
    timing: Timing,
) -> Tables:
    """The tables of these reports and the table `readings`, of some dates.

    The newest complete reading of a report counts; where there is none, the pages of an unfinished one.
    """
    shapings = [_begin(report) for report in reports]
    by_kind = {kind: shaping for shaping in shapings for kind in shaping.readers}
    report_of = {kind: shaping.report.name for kind, shaping in by_kind.items()}

    def counting() -> Iterator[tuple[date, Document]]:
        return _counting(archive, meetings, holds, report_of)

    for ended, document in counting():
        _add(by_kind[document.kind], ended, document)
    tables: dict[str, dict[date, Shaped]] = {}
    counts: dict[tuple[str, str], Count] = {}
    for shaping in shapings:
        raw = _raw_rows(lambda: (document for _, document in counting()), shaping.readers)
        table = shaping.report.table
        waived = waived_rows(archive.lake, table.vendor, table.name)
        shaped = partitions(shaping.columns, meetings, raw, shaping.report.subject, waived)
        for of_day in shaped.values():
            _count(shaping, of_day)
        tables[shaping.report.name] = shaped
        counts |= shaping.counts
    names = [report.name for report in reports]
    tables["readings"] = {
        ended: Shaped(reading_rows(of_day.values(), names, holds[ended], counts, timing), quarantine_table([]))
        for ended, of_day in meetings.items()
    }
    return tables, {shaping.report.name: _unknown(shaping.readers) for shaping in shapings}


def instant(text: str | None) -> datetime | None:
    """An ISO date-time with `T` or a space as UTC, which it is where it names no zone; None for anything else."""
    try:
        read = datetime.fromisoformat(text or "")
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def whole_number(said: Any) -> int | None:
    """A count that a vendor tells; None for anything that can't be one."""
    return said if type(said) is int and 0 <= said < 2**31 else None


def as_json(value: object) -> str | None:
    """A nested value that lands as text."""
    return None if value is None else msgspec.json.encode(value).decode()


def _by_value(column: pa.ChunkedArray) -> Iterator[tuple[str, int]]:
    """How often each value occurs."""
    return ((entry["values"], entry["counts"]) for entry in column.value_counts().to_pylist())


def _begin(report: Report) -> _Shaping:
    return _Shaping(report, _readers(report.kinds), Columns(report.table, report.row))


def _readers(kinds: Kinds) -> Readers:
    return {kind: RowReader(*how) if isinstance(how, tuple) else how() for kind, how in kinds.items()}


def _add(shaping: _Shaping, ended: date, document: Document) -> None:
    report, columns = shaping.report, shaping.columns
    rows, positions, unread, told = shaping.readers[document.kind].rows(document)
    if report.is_about and not all(report.is_about(row, document.subject) for row in rows):
        raw = shaping.readers[document.kind].raw(document)
        about = [report.is_about(row, document.subject) for row in rows]
        unread += [Unread(OTHER, at, raw[at]) for at, right in zip(positions, about, strict=True) if not right]
        rows = [row for row, right in zip(rows, about, strict=True) if right]
        positions = [at for at, right in zip(positions, about, strict=True) if right]
    count = shaping.counts.setdefault((document.subject, report.name), Count(document_id=document.document_id))
    reported = report.reported(rows, told)
    if reported:
        count.reported = reported
    given = report.given(document) | {report.subject: document.subject, "document_id": document.document_id}
    columns.add(ended, document.document_id, report.rows(document, rows), positions, given)
    columns.broken += [
        Broken(ended, bad.rule, document.subject, document.document_id, bad.position, bad.row) for bad in unread
    ]


def _count(shaping: _Shaping, shaped: Shaped) -> None:
    report, counts = shaping.report, shaping.counts
    subject, rows = report.subject, shaped.rows
    for meeting, held in _by_value(rows[subject]):
        counts[meeting, report.name].rows = held
    for meeting, counted in report.counted(rows) if report.counted else _by_value(rows[subject]):
        counts[meeting, report.name].counted = counted
    if report.repeats_count:
        for meeting, repeated in shaped.repeated.items():
            counts[meeting, report.name].counted += repeated
    if report.unsettled:
        for meeting, unsettled in _by_value(report.unsettled(rows)[subject]):
            counts[meeting, report.name].unsettled = unsettled
    for broken in shaped.quarantined.select(["subject", "rule", "waived"]).to_pylist():
        count = counts.setdefault((broken["subject"], report.name), Count())
        if broken["waived"] is None:
            count.quarantined += 1
        else:
            count.waived += 1
            count.excuses_all |= report.counted is not None or broken["rule"] == UNREADABLE


def _answered(archive: Archive, days: Sequence[date], kinds: tuple[str, ...]) -> Iterator[Document]:
    return (d for d in archive.listed(min(days), max(days), kinds) if d.outcome == "answered")


def _counting(
    archive: Archive,
    meetings: Mapping[date, Mapping[str, Meeting]],
    holds: Mapping[date, Holds],
    report_of: Mapping[str, str],
) -> Iterator[tuple[date, Document]]:
    """The documents of the readings that count."""
    for ended, of_day in meetings.items():
        for document in archive.documents(ended):
            hold = holds[ended].get((document.subject, report_of.get(document.kind, "")))
            if hold is None or document.subject not in of_day or document.outcome not in ("answered", "unsettled"):
                continue
            if document.reading == (hold.complete or (hold.open and hold.open.reading)):
                yield ended, document


def _note(said: dict[str, dict[str, _Listed | Broken]], meeting: str, by: str, found: _Listed | Broken) -> None:
    """Of each list its newest word counts, and of documents that say the same the first: it doesn't change."""
    before = said.setdefault(meeting, {}).get(by)
    if before is None or before.row != found.row:
        said[meeting][by] = found


def _keep_the_rules(
    said: dict[str, dict[str, _Listed | Broken]], kind: str, listings: Listings, raw: Callable[[str, int], bytes]
) -> None:
    """Where several lists name a meeting, a broken row mustn't break what another list says.

    What a single list says is checked with the whole table; but rows without an id would be taken for one there.
    """
    found = [
        (meeting, one)
        for meeting, by in said.items()
        if isinstance(one := by.get(kind), _Listed) and (len(by) > 1 or not one.row[listings.id])
    ]
    rows = [one.row | {"document_id": one.document_id} for _, one in found]
    for position, rule in broken_rows(rows, listings.table).items():
        meeting, one = found[position]
        said[meeting][kind] = Broken(
            one.row[listings.end].date(),
            rule,
            one.row[listings.id],
            one.document_id,
            one.position,
            raw(one.document_id, one.position),
        )


def _whereabouts(row: bytes, document: Document, listings: Listings) -> tuple[date, str]:
    """The ended date and the meeting's id of a row that couldn't be read, as well as they can be told."""
    said: dict[str, Any] = {}
    with suppress(*NOT_JSON):
        read = msgspec.json.decode(row)
        said = read if isinstance(read, dict) else {}
    instants = [listings.time(said.get(name)) for name in listings.time_fields]
    day = next((found.date() for found in instants if found and is_possible(found)), document.window_last)
    subject = next((value for name in listings.id_fields if isinstance(value := said.get(name), str)), "")
    assert day is not None  # noqa: S101 - every listing has a window
    return day, subject


def _unknown(readers: Readers) -> set[str]:
    return set().union(*(reader.unknown_fields for reader in readers.values()))


def _raw_rows(documents: Callable[[], Iterable[Document]], readers: Readers) -> Callable[[str, int], bytes]:
    """Gives rows as the vendor sent them; reads the documents again only when a row is asked for."""

    @cache
    def held() -> dict[str, Document]:
        return {document.document_id: document for document in documents()}

    def row(document_id: str, position: int) -> bytes:
        document = held()[document_id]
        return readers[document.kind].raw(document)[position]

    return row
