"""Webex's archived documents → the tables `meetings`, `attendees`, `participants` and `readings`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import msgspec
import polars as pl
import pyarrow as pa

from attendance_pipeline.archive import Document
from attendance_pipeline.vendors.shaping import Listings, Report, as_json, instant
from attendance_pipeline.vendors.webex.attendance import UNKNOWN, WebexMeeting
from attendance_pipeline.vendors.webex.discovery import LISTED, USED
from attendance_pipeline.vendors.webex.tables import (
    ATTENDEES,
    MEETINGS,
    PARTICIPANTS,
    Attendee,
    Device,
    ListedMeeting,
    Participant,
    UsageReport,
)

COUNTS = {entry.name for entry in MEETINGS.schema if entry.type == pa.int32()}


MEETING_COLUMNS = ("meeting_id", "start_time", "end_time", "total_participants", "site_url", "host_email")
"""What of a row of `webex/meetings` reading its attendance needs."""


def meetings(rows: pa.Table, settles: timedelta) -> list[WebexMeeting]:
    """The meetings of one partition of `webex/meetings`."""
    wanted = rows.select(MEETING_COLUMNS)
    return [
        WebexMeeting(
            id=row["meeting_id"],
            ended_at=row["end_time"],
            vendor_count=row["total_participants"],
            started_at=row["start_time"],
            site_url=row["site_url"] or "",
            host_email=row["host_email"] or None,
            settles_at=row["end_time"] + settles,
        )
        for row in wanted.to_pylist()
    ]


def _meeting(row: Any, document: Document) -> dict[str, Any] | str | None:
    """A row of either list in the columns of `webex/meetings`, or the rule that it breaks; None: not ended yet."""
    times = {}
    for name in ("start", "end"):
        said = getattr(row, name)
        time = instant(said)
        if not said or time == UNKNOWN:
            # Listed again with its times once Webex knows them.
            return None
        if time is None:
            return f"wrong_type.{name}"
        times[f"{name}_time"] = time
    columns = {name: getattr(row, name) for name in MEETINGS.schema.names if name in row.__struct_fields__}
    sent_as = dict(zip(row.__struct_fields__, row.__struct_encode_fields__, strict=True))
    for name in sorted(columns.keys() & COUNTS):
        if columns[name] != (count := _whole(columns[name])):
            return f"wrong_type.{sent_as[name]}"
        columns[name] = count
    common = columns | times | {"meeting_number": _number(row.meeting_number)}
    if document.kind == LISTED:
        listed = {"meeting_id": row.id, "meeting_title": row.title, "listed_by": "meetings"}
        return common | listed | {"integration_tags": as_json(row.integration_tags)}
    used = {"site_url": document.subject, "listed_by": "usage"}
    return common | used | {"tracking_codes": as_json(row.tracking_codes)}


def _overlaid(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The list of meetings is believed first: it is the earlier to know one, so that its day never changes."""
    merged: dict[str, Any] = {}
    for row in rows:
        merged |= {name: value for name, value in row.items() if merged.get(name) in (None, "")}
    return merged | {"listed_by": ",".join(sorted({row["listed_by"] for row in rows}))}


def _attendees(document: Document, rows: list[Any]) -> list[Any]:
    for row in rows:
        row.meeting_number = _number(row.meeting_number)
        _forget_unknown(row)
    return rows


def _participants(document: Document, rows: list[Any]) -> list[Any]:
    for row in rows:
        _forget_unknown(row)
        for name in ("devices", "breakout_sessions_attended"):
            nested = getattr(row, name)
            if nested is not None:
                for one in nested:
                    _forget_unknown(one)
                    if isinstance(one, Device):
                        one.duration_second = _whole(one.duration_second)
                setattr(row, name, [msgspec.structs.asdict(one) for one in nested])
    return rows


def _site(document: Document) -> dict[str, Any]:
    """The attendee report doesn't say which site it is of, the request does."""
    return {"site_url": parse_qs(document.request.partition("?")[2]).get("siteUrl", [None])[0]}


def _joins(rows: pa.Table) -> Iterator[tuple[str, int]]:
    """By meeting, joins by device; a participant without a device is one."""
    joins = pl.DataFrame(rows.select(["meeting_id", "devices"])).select(
        "meeting_id", joins=pl.col("devices").list.len().fill_null(0).clip(lower_bound=1)
    )
    return joins.group_by("meeting_id").agg(pl.col("joins").sum()).iter_rows()


def _without_times(rows: pa.Table) -> pa.Table:
    frame = pl.DataFrame(rows)
    lacks = pl.col("joined_time").is_null() | pl.col("left_time").is_null()
    if "devices" in frame.columns:
        begin, end = (pl.element().struct.field(name) for name in ("joined_time", "left_time"))
        lacks |= pl.col("devices").list.eval(begin.is_null() | end.is_null()).list.any().fill_null(False)
    return frame.filter(lacks).to_arrow()


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _number(value: str | float | None) -> str | None:
    if isinstance(value, float):
        return f"{value:.0f}"
    return None if value is None else str(value)


def _forget_unknown(row: Any) -> None:
    row.joined_time = _known(row.joined_time)
    row.left_time = _known(row.left_time)


def _known(time: datetime | None) -> datetime | None:
    """A time in a zone, which is UTC where Webex names none; None where Webex hasn't filled it in yet."""
    if time is not None and time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return None if time == UNKNOWN else time


def _is_about(row: Any, meeting: str) -> bool:
    """Ids of series have been documented where those of instances are meant, so only another instance's is wrong."""
    return row.reported_meeting_id in (None, meeting) or "_I_" not in row.reported_meeting_id


LISTINGS = Listings(
    table=MEETINGS,
    id="meeting_id",
    end="end_time",
    rows={LISTED: (ListedMeeting, "items")} | dict.fromkeys(USED.values(), (UsageReport, "items")),
    row=_meeting,
    merge=_overlaid,
    id_fields=("meetingId", "id"),
    time_fields=("end", "start"),
)

REPORTS = (
    Report(
        table=ATTENDEES,
        subject="meeting_id",
        row=Attendee,
        kinds={ATTENDEES.name: (Attendee, "items")},
        rows=_attendees,
        given=_site,
        unsettled=_without_times,
        is_about=_is_about,
    ),
    Report(
        table=PARTICIPANTS,
        subject="meeting_id",
        row=Participant,
        kinds={PARTICIPANTS.name: (Participant, "items")},
        rows=_participants,
        counted=_joins,
        unsettled=_without_times,
        is_about=_is_about,
    ),
)
