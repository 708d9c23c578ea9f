"""Zoom's archived documents → the tables `meetings`, `participants` and `readings`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.readings import Count, Held, Timing, reading_rows
from attendance_pipeline.rows import RowReader, Unread
from attendance_pipeline.shape import Broken, Columns, Shaped, partitions, quarantine_table
from attendance_pipeline.vendor_json import NOT_JSON, decode
from attendance_pipeline.vendors.zoom.attendance import DETAIL, ZoomMeeting
from attendance_pipeline.vendors.zoom.attendance import PARTICIPANTS as PARTICIPANTS_KIND
from attendance_pipeline.vendors.zoom.discovery import HISTORY, USER_MEETINGS
from attendance_pipeline.vendors.zoom.tables import (
    MEETINGS,
    PARTICIPANTS,
    WEBINAR_TYPES,
    HistoryMeeting,
    MeetingDetail,
    Participant,
    UserMeeting,
)


class _NoFields(msgspec.Struct):
    """A row whose columns are all given."""


@dataclass(frozen=True)
class _Listed:
    """A listed meeting, and where the archive holds its row."""

    row: dict[str, Any]
    document_id: str
    position: int


class _Total(msgspec.Struct):
    total_records: int | None = None


_NO_FIELDS = _NoFields()
_TOTAL = msgspec.json.Decoder(_Total)


def shape_meetings(archive: Archive, days: Sequence[date]) -> tuple[dict[date, Shaped], set[str]]:
    """The meetings of each of `days`, each as the newest listing names it, and fields that nobody knew.

    A row that can't be read counts for the day on which its meeting ended, as far as that can be told.
    """
    readers: dict[str, RowReader[Any]] = {
        HISTORY: RowReader(HistoryMeeting, "history_meetings"),
        USER_MEETINGS: RowReader(UserMeeting, "meetings"),
    }
    said: dict[str, dict[str, _Listed | Broken]] = {}
    alone: set[str] = set()
    for document in _answered(archive, days, tuple(readers)):
        rows, positions, unread = readers[document.kind].rows(document)
        for row, position in zip(rows, positions, strict=True):
            meeting = _meeting(row, document.kind)
            if isinstance(meeting, str):
                unread.append(Unread(meeting, position, readers[document.kind].raw(document)[position]))
                continue
            # Rows without a UUID are told apart by their place, so that each is quarantined.
            uuid = meeting["uuid"] or f"{document.document_id} {position}"
            _note(said, uuid, document.kind, _Listed(meeting, document.document_id, position))
            if "type=pastOne" in document.request:
                alone.add(meeting["uuid"])
        for bad in unread:
            ended, uuid = _whereabouts(bad.row, document)
            broken = Broken(ended, bad.rule, uuid, document.document_id, bad.position, bad.row)
            _note(said, uuid or bad.row.hex(), document.kind, broken)
    columns, wanted = Columns(MEETINGS, _NoFields), set(days)
    for uuid, by_list in said.items():
        found = _best(by_list)
        if isinstance(found, Broken):
            if found.ended in wanted:
                columns.broken.append(found)
        elif (ended := found.row["end_time"].date()) in wanted:
            given = found.row | {"one_participant": uuid in alone, "document_id": found.document_id}
            columns.add(ended, found.document_id, [_NO_FIELDS], [found.position], given)
    raw = _raw_rows(lambda: _answered(archive, days, tuple(readers)), readers)
    unknown: set[str] = set().union(*(reader.unknown_fields for reader in readers.values()))
    return partitions(columns, days, raw, "uuid"), unknown


def shape_attendance(
    archive: Archive,
    meetings: Mapping[date, Mapping[str, ZoomMeeting]],
    holds: Mapping[date, Mapping[str, Held]],
    timing: Timing,
) -> tuple[dict[str, dict[date, Shaped]], set[str]]:
    """The tables `participants` and `readings` of some dates, and fields that nobody knew.

    Of each meeting the newest complete reading counts; where there is none, the pages of an unfinished one.
    """
    readers: dict[str, RowReader[Any]] = {
        PARTICIPANTS_KIND: RowReader(Participant, "participants"),
        DETAIL: RowReader(MeetingDetail, None),
    }
    columns, counts = Columns(PARTICIPANTS, Participant), dict[str, Count]()
    for ended, document in _counting(archive, meetings, holds):
        rows, positions, unread = readers[document.kind].rows(document)
        count = counts.setdefault(document.subject, Count(document_id=document.document_id))
        if document.kind == DETAIL:
            count.reported = next((detail.participants_count for detail in rows), None)
            rows = [_host_alone(detail) for detail in rows]
        else:
            count.reported = decode(_TOTAL, document.body).total_records or count.reported
        given = {"meeting_uuid": document.subject, "source": document.kind, "document_id": document.document_id}
        columns.add(ended, document.document_id, rows, positions, given)
        columns.broken += [
            Broken(ended, bad.rule, document.subject, document.document_id, bad.position, bad.row) for bad in unread
        ]
    raw = _raw_rows(lambda: (document for _, document in _counting(archive, meetings, holds)), readers)
    participants = partitions(columns, meetings, raw, "meeting_uuid")
    for shaped in participants.values():
        for uuid, held in _by_value(shaped.rows["meeting_uuid"]):
            counts[uuid].rows = held
        for uuid, repeated in shaped.repeated.items():
            counts[uuid].duplicates = repeated
        for uuid, quarantined in _by_value(shaped.quarantined["subject"]):
            counts.setdefault(uuid, Count()).quarantined = quarantined
    readings = {
        ended: Shaped(reading_rows(of_day.values(), holds[ended], counts, timing), quarantine_table([]))
        for ended, of_day in meetings.items()
    }
    unknown: set[str] = set().union(*(reader.unknown_fields for reader in readers.values()))
    return {"participants": participants, "readings": readings}, unknown


def meetings(rows: pa.Table) -> list[ZoomMeeting]:
    """The meetings of one partition of `zoom/meetings`."""
    wanted = rows.select(["uuid", "end_time", "participants_count", "is_webinar", "one_participant"])
    return [
        ZoomMeeting(
            id=row["uuid"],
            ended_at=row["end_time"],
            vendor_count=row["participants_count"],
            is_webinar=row["is_webinar"],
            one_participant=row["one_participant"] or (row["participants_count"] == 1 and not row["is_webinar"]),
        )
        for row in wanted.to_pylist()
    ]


def _answered(archive: Archive, days: Sequence[date], kinds: tuple[str, ...]) -> Iterator[Document]:
    return (d for d in archive.listed(min(days), max(days), kinds) if d.outcome == "answered")


def _counting(
    archive: Archive, meetings: Mapping[date, Mapping[str, ZoomMeeting]], holds: Mapping[date, Mapping[str, Held]]
) -> Iterator[tuple[date, Document]]:
    """The documents of the readings that count."""
    for ended, of_day in meetings.items():
        for document in archive.documents(ended):
            hold = holds[ended].get(document.subject)
            if hold is None or document.subject not in of_day or document.outcome != "answered":
                continue
            if document.reading == (hold.complete or (hold.open and hold.open.reading)):
                yield ended, document


def _by_value(column: pa.ChunkedArray) -> Iterator[tuple[str, int]]:
    return ((entry["values"], entry["counts"]) for entry in column.value_counts().to_pylist())


def _note(said: dict[str, dict[str, _Listed | Broken]], meeting: str, by: str, found: _Listed | Broken) -> None:
    """Of each list its newest word counts, and of documents that say the same the first: it doesn't change."""
    before = said.setdefault(meeting, {}).get(by)
    if before is None or before.row != found.row:
        said[meeting][by] = found


def _best(by_list: dict[str, _Listed | Broken]) -> _Listed | Broken:
    """What the account-wide list says, where it can be read; else what a host's list says."""
    ordered = [by_list[by] for by in (HISTORY, USER_MEETINGS) if by in by_list]
    return next((found for found in ordered if isinstance(found, _Listed)), ordered[0])


def _meeting(row: HistoryMeeting | UserMeeting, listed_by: str) -> dict[str, Any] | str:
    """A row of either list in the columns of `zoom/meetings`, or the rule that it breaks."""
    times: dict[str, datetime | None] = {}
    for name in ("start_time", "end_time", "create_time"):
        text = getattr(row, name, None)
        times[name] = _instant(text)
        if times[name] is None and name != "create_time":
            return f"wrong_type.{name}" if text else f"missing_field.{name}"
    common: dict[str, Any] = times | {"listed_by": listed_by}
    if isinstance(row, HistoryMeeting):
        return common | {
            "uuid": row.meeting_uuid,
            "id": row.meeting_id,
            "is_webinar": row.type == "Webinar",
            "topic": row.topic,
            "user_name": row.host_display_name,
            "user_email": row.host_email,
            "duration": row.duration,
            "total_minutes": row.total_participant_minutes,
            "participants_count": row.participants,
            "source": row.source,
            "department": row.department,
            "unique_viewers": row.unique_viewers,
            "max_concurrent_views": row.max_concurrent_views,
            "custom_keys": _json(row.custom_fields),
            "tracking_fields": _json(row.tracking_fields),
            "groups": _json(row.group),
            "feature_used": _json(row.feature_used),
        }
    plain = {name: getattr(row, name) for name in row.__struct_fields__ if name not in times}
    return plain | common | {"is_webinar": row.type in WEBINAR_TYPES, "custom_keys": _json(row.custom_keys)}


def _host_alone(detail: MeetingDetail) -> Participant:
    """The one row of a one-participant meeting: its host, from start to end."""
    return Participant(
        user_id="",
        join_time=detail.start_time,
        leave_time=detail.end_time,
        participant_user_id=detail.host_id,
        name=detail.user_name,
        user_email=detail.user_email,
        duration=int((detail.end_time - detail.start_time).total_seconds()),
        status="in_meeting",
    )


def _instant(text: str | None) -> datetime | None:
    """An ISO date-time with `T` or a space; without a zone it is UTC, as all of Zoom's instants are."""
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _whereabouts(row: bytes, document: Document) -> tuple[date, str]:
    """The ended date and the UUID of a row that couldn't be read, as well as they can be told."""
    said: dict[str, Any] = {}
    with suppress(*NOT_JSON):
        read = msgspec.json.decode(row)
        said = read if isinstance(read, dict) else {}
    texts = [said.get(name) for name in ("end_time", "start_time")]
    instants = [_instant(text) for text in texts if isinstance(text, str)]
    day = next((instant.date() for instant in instants if instant), document.window_last)
    uuid = said.get("meeting_uuid") or said.get("uuid")
    assert day is not None  # noqa: S101 - every listing has a window
    return day, uuid if isinstance(uuid, str) else ""


def _raw_rows(
    documents: Callable[[], Iterable[Document]], readers: Mapping[str, RowReader[Any]]
) -> Callable[[str, int], bytes]:
    """Gives rows as Zoom sent them; reads the documents again only when a row is asked for."""

    @cache
    def held() -> dict[str, Document]:
        return {document.document_id: document for document in documents()}

    def row(document_id: str, position: int) -> bytes:
        document = held()[document_id]
        return readers[document.kind].raw(document)[position]

    return row
