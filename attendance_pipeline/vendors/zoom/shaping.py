"""Zoom's archived documents → the tables `meetings`, `participants` and `readings`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from attendance_pipeline.archive import Document
from attendance_pipeline.vendors.shaping import Listings, Report, as_json, instant, whole_number
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

MEETING_COLUMNS = ("uuid", "end_time", "participants_count", "is_webinar", "one_participant")
"""What of a row of `zoom/meetings` reading its attendance needs."""


def meetings(rows: pa.Table) -> list[ZoomMeeting]:
    """The meetings of one partition of `zoom/meetings`."""
    wanted = rows.select(MEETING_COLUMNS)
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


def _meeting(row: HistoryMeeting | UserMeeting, document: Document) -> dict[str, Any] | str:
    """A row of either list in the columns of `zoom/meetings`, or the rule that it breaks."""
    times: dict[str, datetime | None] = {}
    for name in ("start_time", "end_time", "create_time"):
        text = getattr(row, name, None)
        times[name] = instant(text)
        if times[name] is None and name != "create_time":
            return f"wrong_type.{name}" if text else f"missing_field.{name}"
    common: dict[str, Any] = times | {
        "listed_by": document.kind,
        "one_participant": "type=pastOne" in document.request,
    }
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
            "custom_keys": as_json(row.custom_fields),
            "tracking_fields": as_json(row.tracking_fields),
            "groups": as_json(row.group),
            "feature_used": as_json(row.feature_used),
        }
    plain = {name: getattr(row, name) for name in row.__struct_fields__ if name not in times}
    return plain | common | {"is_webinar": row.type in WEBINAR_TYPES, "custom_keys": as_json(row.custom_keys)}


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


def _believed(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the account-wide list says, where it can be read; else what a host's list says."""
    return rows[0] | {"one_participant": any(row["one_participant"] for row in rows)}


def _participants(document: Document, rows: list[Any]) -> list[Any]:
    return [_host_alone(detail) for detail in rows] if document.kind == DETAIL else rows


def _reported(rows: list[Any], total_records: Any) -> int | None:
    if rows and isinstance(rows[0], MeetingDetail):
        return rows[0].participants_count
    return whole_number(total_records)


LISTINGS = Listings(
    table=MEETINGS,
    id="uuid",
    end="end_time",
    rows={HISTORY: (HistoryMeeting, "history_meetings"), USER_MEETINGS: (UserMeeting, "meetings")},
    row=_meeting,
    merge=_believed,
    id_fields=("meeting_uuid", "uuid"),
    time_fields=("end_time", "start_time"),
)

REPORTS = (
    Report(
        table=PARTICIPANTS,
        subject="meeting_uuid",
        row=Participant,
        kinds={
            PARTICIPANTS_KIND: (Participant, "participants", "total_records"),
            DETAIL: (MeetingDetail, None),
        },
        rows=_participants,
        given=lambda document: {"source": document.kind},
        reported=_reported,
        # `total_records` counts a row twice that two pages hold.
        repeats_count=True,
    ),
)
