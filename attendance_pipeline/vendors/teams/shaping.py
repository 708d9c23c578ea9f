"""Graph's archived documents → the tables of `teams`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

import msgspec
import pyarrow as pa

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.readings import Timing, reading_rows, readings_table
from attendance_pipeline.rows import CsvReader
from attendance_pipeline.shape import Shaped
from attendance_pipeline.vendor_json import decode
from attendance_pipeline.vendors.base import Tables
from attendance_pipeline.vendors.shaping import Listings, Report, as_json, shape_listings
from attendance_pipeline.vendors.teams.account import LOOKUP_REACH
from attendance_pipeline.vendors.teams.attendance import EXPANDED, TeamsMeeting
from attendance_pipeline.vendors.teams.documented import (
    ATTENDEE_REPORT_HEADERS,
    Artifact,
    AttendanceRecord,
    AttendanceReport,
    AttendeeEvent,
    CalendarEvent,
    CallRecord,
    ExternalRegistration,
    Identity,
    OnlineMeeting,
    Registration,
    VirtualEventSession,
)
from attendance_pipeline.vendors.teams.live_events import ALTERNATIVE, RECORDING
from attendance_pipeline.vendors.teams.named import (
    EVENT_KINDS,
    SESSIONS,
    TOWN_HALLS,
    WEBINARS,
    Home,
    Listed,
    Named,
    as_listed,
    moment,
)
from attendance_pipeline.vendors.teams.routes import CALENDAR, CALL_RECORDS, LATEST, LIVE_EVENT, REPORTS, Routes
from attendance_pipeline.vendors.teams.tables import (
    ATTENDANCE_RECORDS,
    ATTENDANCE_REPORTS,
    ATTENDEE_EVENTS,
    MEETINGS,
    RECORDINGS,
    REGISTRATIONS,
)

NO_REPORT = ATTENDANCE_REPORTS.name
"""In the table `readings`, the report that is missing about a meeting that has none."""


def shape_lists(archive: Archive, days: Sequence[date], routes: Routes, timing: Timing) -> Tables:
    """The tables that discovery fills."""
    named = Listings(
        table=MEETINGS,
        id="id",
        end="end_time",
        rows={
            CALL_RECORDS: (CallRecord, "value"),
            CALENDAR: (CalendarEvent, "value"),
            SESSIONS[WEBINARS]: (VirtualEventSession, "value"),
            SESSIONS[TOWN_HALLS]: (VirtualEventSession, "value"),
        },
        row=partial(_named, routes, timing),
        merge=_only,
        id_fields=("id",),
        time_fields=("endDateTime", "startDateTime"),
    )
    reports = Listings(
        table=ATTENDANCE_REPORTS,
        id="report_id",
        end="meeting_end_time",
        rows={
            REPORTS: (AttendanceReport, "value"),
            LATEST: (AttendanceReport, None),
            LIVE_EVENT: (OnlineMeeting, None),
        },
        row=partial(_report, routes),
        merge=_only,
        id_fields=("id",),
        time_fields=("meetingEndDateTime", "meetingStartDateTime"),
    )
    return shape_listings(archive, days, named, reports)


def meetings(rows: pa.Table) -> list[TeamsMeeting]:
    """The meetings of one partition of `teams/attendance_reports`."""
    return [_meeting(row) for row in rows.to_pylist()]


def unreported(routes: Routes, days: Sequence[date], timing: Timing) -> dict[date, pa.Table]:
    """Of each date, the readings of meetings that a route named and of which no report was found."""
    by_day: dict[date, list[pa.Table]] = {day: [readings_table("teams").schema.empty_table()] for day in days}
    lost_earlier = replace(timing, recoverable=LOOKUP_REACH)
    for named in routes.named.values():
        rows = by_day.get(named.ended_at.date())
        status, reason = routes.verdict(named, timing)
        if rows is None or status in ("found", "not_held") or routes.was_called(named):
            continue
        held = {(named.id, NO_REPORT): replace(routes.held(named), reason=reason or "")}
        until = timing if routes.home(named) else lost_earlier
        rows.append(reading_rows([named.meeting], [NO_REPORT], held, {}, until))
    return {day: pa.concat_tables(rows) for day, rows in by_day.items()}


def with_unreported(tables: Tables, missing: Mapping[date, pa.Table]) -> Tables:
    """The same with further readings."""
    readings = tables[0]["readings"]
    for day, rows in missing.items():
        both = pa.concat_tables([readings[day].rows, rows]).sort_by(
            [("meeting_id", "ascending"), ("report", "ascending")]
        )
        readings[day] = Shaped(both, readings[day].quarantined)
    return tables


def _named(routes: Routes, timing: Timing, row: Any, document: Document) -> dict[str, Any] | str | None:
    """A meeting that a route named, in the columns of `teams/meetings`; the rule that it breaks; None: not one."""
    named = routes.name(row, document)
    if not isinstance(named, Named):
        return named
    if not routes.is_newest(named):
        return None
    online = routes.online_meeting(named)
    status, reason = routes.verdict(named, timing)
    found = {
        "route": named.route,
        "id": named.id,
        "kind": routes.kind(named),
        "online_meeting_id": online.id if online else None,
        "start_time": named.started_at,
        "end_time": named.ended_at,
        "report_id": routes.report(named),
        "status": status,
        "reason": reason,
    }
    return named.columns | found | {"modalities": as_json(named.columns.get("modalities"))}


def _report(routes: Routes, row: Any, document: Document) -> dict[str, Any] | str | None:
    """A report in the columns of `teams/attendance_reports`; the rule that it breaks; None: another row is it."""
    home = Home.of(document.subject)
    if isinstance(row, OnlineMeeting):
        return _live_event(routes, row, home)
    listed = as_listed(row)
    if listed is None:
        end = row.meeting_end_date_time
        return "missing_field.meetingEndDateTime" if end is None else "missing_field.meetingStartDateTime"
    if not routes.is_of(home, listed):
        return None
    if document.kind == LATEST and routes.is_listed(home, listed):
        return None
    return _about(routes, home, routes.names(home, listed)) | {
        "report_id": listed.id,
        "source": "latest" if document.kind == LATEST else "list",
        "total_participant_count": row.total_participant_count,
        "meeting_start_time": listed.started_at,
        "meeting_end_time": listed.ended_at,
        "external_event_information": as_json(row.external_event_information),
    }


def _live_event(routes: Routes, row: OnlineMeeting, home: Home) -> dict[str, Any] | None:
    """A live event took place from its first call's begin to its last call's end, else as planned."""
    named = routes.at_home(home)
    calls = [each for each in named if each.route == "call_records"] or named
    start = min((each.started_at for each in calls), default=row.start_date_time)
    end = max((each.ended_at for each in calls), default=row.end_date_time)
    if start is None or end is None:
        return None
    return _about(routes, home, named) | {
        "report_id": home.id,
        "kind": "live_event",
        "source": "live_event",
        "meeting_start_time": start,
        "meeting_end_time": end,
    }


def _about(routes: Routes, home: Home, named: Sequence[Named]) -> dict[str, Any]:
    """What is known of a meeting beside its report: from the routes that named it, else from its home."""
    ordered = sorted(named or routes.at_home(home), key=lambda each: (each.route, each.ended_at, each.id))
    said: dict[str, Any] = {}
    for each in ordered:
        said |= {
            name: value for name, value in each.columns.items() if value and name in _SHARED and name not in said
        }
    online = next((found for each in ordered if (found := routes.online_meeting(each))), None)
    event = routes.events.get((home.route, home.owner))
    organizer = online.participants.organizer if online and online.participants else None
    if event:
        start, end = moment(event.start_date_time), moment(event.end_date_time)
    else:
        start, end = (online.start_date_time, online.end_date_time) if online else (None, None)
    return {
        "kind": EVENT_KINDS.get(home.route, "meeting"),
        "online_meeting_id": None if home.route else home.id,
        "event_id": home.owner if home.route else None,
        "session_id": home.id if home.route else None,
        "organizer_id": said.get("organizer_id") or (None if home.route else home.owner),
        "organizer_tenant_id": said.get("organizer_tenant_id"),
        "organizer_email": said.get("organizer_email") or (organizer.upn if organizer else None),
        "organizer_name": said.get("organizer_name"),
        "subject": (online.subject if online else None) or said.get("subject"),
        "meeting_type": online.meeting_type if online else None,
        "scheduled_start_time": start,
        "scheduled_end_time": end,
        "is_registration_required": event.is_registration_required if event else None,
        "found_by": ",".join(sorted({each.route for each in named})),
    }


_SHARED = frozenset({"organizer_id", "organizer_tenant_id", "organizer_email", "organizer_name", "subject"})


def _only(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Kinds of documents are believed in their order."""
    return rows[0]


def _meeting(row: Mapping[str, Any]) -> TeamsMeeting:
    kind = row["kind"]
    of_event = row["event_id"] is not None
    home = (
        Home(WEBINARS if kind == "webinar" else TOWN_HALLS, row["event_id"], row["session_id"])
        if of_event
        else Home("", row["organizer_id"], row["online_meeting_id"])
    )
    return TeamsMeeting(
        id=row["report_id"],
        ended_at=row["meeting_end_time"],
        vendor_count=row["total_participant_count"],
        kind=kind,
        home=home,
        is_latest=row["source"] == "latest",
        listed=Listed(row["report_id"], row["meeting_start_time"], row["meeting_end_time"]),
        has_registrations=of_event,
    )


class RecordRow(msgspec.Struct, gc=False):
    """A row of `teams/attendance_records`, but for what its document gives."""

    first_join_time: datetime | None
    record_id: str | None
    email_address: str | None
    total_attendance_in_seconds: int | None
    role: str | None
    identity_type: str | None
    identity_id: str | None
    identity_display_name: str | None
    identity_tenant_id: str | None
    identity_email: str | None
    identity_application_type: str | None
    azure_communication_services_resource_id: str | None
    attendance_intervals: list[dict[str, Any]] | None
    registration_id: str | None
    external_registration_referrer: str | None
    external_registration_id: str | None
    registrant_id: str | None
    engagements: list[dict[str, Any]] | None


def _records(document: Document, rows: list[Any]) -> list[Any]:
    return [_record(record) for record in rows]


def _record(record: AttendanceRecord) -> RecordRow:
    identity = record.identity or Identity()
    external = record.external_registration_information or ExternalRegistration()
    intervals, engagements = record.attendance_intervals, record.engagements
    joins = [each.join_date_time for each in intervals or () if each.join_date_time]
    return RecordRow(
        first_join_time=min(joins, default=None),
        record_id=record.id,
        email_address=record.email_address,
        total_attendance_in_seconds=record.total_attendance_in_seconds,
        role=record.role,
        identity_type=identity.odata_type,
        identity_id=identity.id,
        identity_display_name=identity.display_name,
        identity_tenant_id=identity.tenant_id,
        identity_email=identity.email,
        identity_application_type=identity.application_type,
        azure_communication_services_resource_id=identity.azure_communication_services_resource_id,
        attendance_intervals=None if intervals is None else [msgspec.structs.asdict(each) for each in intervals],
        registration_id=record.registration_id,
        external_registration_referrer=external.referrer,
        external_registration_id=external.registration_id,
        registrant_id=record.registrant_id,
        engagements=None if engagements is None else [msgspec.structs.asdict(each) for each in engagements],
    )


class RegistrationRow(msgspec.Struct, gc=False):
    """A row of `teams/registrations`, but for what its document gives."""

    registration_id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    status: str | None
    registration_date_time: datetime | None
    cancelation_date_time: datetime | None
    user_id: str | None
    preferred_timezone: str | None
    preferred_language: str | None
    registration_question_answers: str | None
    external_registration_referrer: str | None
    external_registration_id: str | None


def _registrations(document: Document, rows: list[Any]) -> list[Any]:
    return [_registration(registration) for registration in rows]


def _registration(said: Registration) -> RegistrationRow:
    external = said.external_registration_information or ExternalRegistration()
    return RegistrationRow(
        registration_id=said.id,
        email=said.email,
        first_name=said.first_name,
        last_name=said.last_name,
        status=said.status,
        registration_date_time=said.registration_date_time,
        cancelation_date_time=said.cancelation_date_time,
        user_id=said.user_id,
        preferred_timezone=said.preferred_timezone,
        preferred_language=said.preferred_language,
        registration_question_answers=as_json(said.registration_question_answers),
        external_registration_referrer=external.referrer,
        external_registration_id=external.registration_id,
    )


def _of_event(document: Document) -> dict[str, Any]:
    """Registrations don't say which event they are for, the request does: `…/{kind of event}/{id}/registrations`."""
    return {"event_id": unquote(document.request.partition("?")[0].split("/")[-2])}


class _Total(msgspec.Struct, rename="camel"):
    total_participant_count: int | None = None


_TOTAL = msgspec.json.Decoder(_Total)


def _reported(document: Document, rows: list[Any]) -> int | None:
    return None if document.kind == ATTENDANCE_RECORDS.name else decode(_TOTAL, document.body).total_participant_count


REPORT_TABLES = (
    Report(
        table=ATTENDANCE_RECORDS,
        subject="report_id",
        row=RecordRow,
        kinds={
            EXPANDED: (AttendanceRecord, "attendanceRecords"),
            LATEST: (AttendanceRecord, "attendanceRecords"),
            ATTENDANCE_RECORDS.name: (AttendanceRecord, "value"),
        },
        rows=_records,
        reported=_reported,
    ),
    Report(
        table=REGISTRATIONS,
        subject="report_id",
        row=RegistrationRow,
        kinds={REGISTRATIONS.name: (Registration, "value")},
        rows=_registrations,
        given=_of_event,
    ),
    Report(
        table=ATTENDEE_EVENTS,
        subject="report_id",
        row=AttendeeEvent,
        kinds={ATTENDEE_EVENTS.name: lambda: CsvReader(AttendeeEvent, ATTENDEE_REPORT_HEADERS)},
    ),
    Report(
        table=RECORDINGS,
        subject="report_id",
        row=Artifact,
        kinds={RECORDING: (Artifact, None), ALTERNATIVE: (Artifact, None)},
        given=lambda document: {"artifact": document.kind},
    ),
)
STAND_INS = {kind: report.name for report in REPORT_TABLES for kind in report.kinds if kind != report.name}
"""Kinds of documents that aren't called as their report is."""
