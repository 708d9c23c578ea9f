"""Documents about one meeting of Teams → rows of records, registrations, joins and leaves, recordings."""

from datetime import datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from attendance_pipeline.archive import Document
from attendance_pipeline.rows import CsvReader
from attendance_pipeline.vendors.shaping import Report, as_json, whole_number
from attendance_pipeline.vendors.teams.attendance import EXPANDED
from attendance_pipeline.vendors.teams.documented import (
    ATTENDEE_REPORT_HEADERS,
    Artifact,
    AttendanceRecord,
    AttendeeEvent,
    ExternalRegistration,
    Identity,
    Registration,
)
from attendance_pipeline.vendors.teams.live_events import ALTERNATIVE, RECORDING
from attendance_pipeline.vendors.teams.routes import LATEST
from attendance_pipeline.vendors.teams.tables import ATTENDANCE_RECORDS, ATTENDEE_EVENTS, RECORDINGS, REGISTRATIONS


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


REPORT_TABLES = (
    Report(
        table=ATTENDANCE_RECORDS,
        subject="report_id",
        row=RecordRow,
        kinds={
            EXPANDED: (AttendanceRecord, "attendanceRecords", "totalParticipantCount"),
            LATEST: (AttendanceRecord, "attendanceRecords", "totalParticipantCount"),
            ATTENDANCE_RECORDS.name: (AttendanceRecord, "value"),
        },
        rows=_records,
        reported=lambda rows, total: whole_number(total),
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
