"""Every field that Graph documents lands in its column, with its type, its unit and its zone."""

from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from attendance_pipeline.archive import Archive
from attendance_pipeline.vendors.teams.tables import (
    ATTENDANCE_RECORDS,
    ATTENDANCE_REPORTS,
    ATTENDEE_EVENTS,
    MEETINGS,
    RECORDINGS,
    REGISTRATIONS,
)

from . import teams_documents
from .teams_documents import (
    CALL,
    EVENT,
    HEADER,
    IDA,
    OLD_HEADER,
    OMAR,
    ONLINE,
    OTHER_URL,
    RECORDS,
    REPORT,
    SESSION,
    SESSION_HOME,
    TENANT,
    TOWN_HALL,
    TOWN_HALL_HOME,
    URL,
    Row,
    a_meeting,
    about,
    attendance_of,
    attendee_report,
    calendar,
    call,
    calls,
    event,
    events,
    found,
    interval,
    keep,
    landed,
    latest,
    listed,
    lists_of,
    live_event,
    lookup,
    meeting_of,
    meetings_of,
    online,
    planned,
    record,
    records,
    registered,
    registrations,
    report_of,
    reports,
    reports_of,
    rules,
    session,
    sessions,
    shaped_of,
    user,
    utc,
)

archive = teams_documents.archive

LIVE = a_meeting(kind="live_event")

# Every documented field, and the column in which it lands; a type that differs is in the comparison.

RECORD_ROW: Row = {
    "@odata.type": "#microsoft.graph.attendanceRecord",
    "id": IDA,
    "emailAddress": "ida.lund@fjord.example",
    "totalAttendanceInSeconds": 1868,
    "role": "Presenter",
    "identity": {
        "@odata.type": "#microsoft.graph.communicationsUserIdentity",
        "id": IDA,
        "displayName": "Ida Lund",
        "tenantId": TENANT,
        "email": "ida@guest.example",
        "applicationType": "bot",
        "azureCommunicationServicesResourceId": "acs-1",
        "hidden": False,
    },
    "attendanceIntervals": [
        {
            "@odata.type": "#microsoft.graph.attendanceInterval",
            "joinDateTime": "2026-03-10T09:18:12.8777223Z",
            "leaveDateTime": "2026-03-10T09:49:21.6979659Z",
            "durationInSeconds": 1868,
        },
        {"joinDateTime": "2026-03-10T09:50:00Z", "leaveDateTime": None, "durationInSeconds": None},
    ],
    "registrationId": "r1",
    "externalRegistrationInformation": {"referrer": "fair", "registrationId": "x1"},
    "registrantId": "old-1",
    "engagements": [
        {
            "@odata.type": "#microsoft.graph.meetingEngagement",
            "dateTime": "2026-03-10T09:20:00.5Z",
            "engagementType": "reaction",
            "engagementSubType": "like",
        },
        {"dateTime": None, "engagementType": "hand", "engagementSubType": None},
    ],
}
RECORD_COLUMNS: Row = {
    "report_id": REPORT,
    "first_join_time": utc("2026-03-10T09:18:12.877722Z"),
    "record_id": IDA,
    "email_address": "ida.lund@fjord.example",
    "total_attendance_in_seconds": 1868,
    "role": "Presenter",
    "identity_type": "#microsoft.graph.communicationsUserIdentity",
    "identity_id": IDA,
    "identity_display_name": "Ida Lund",
    "identity_tenant_id": TENANT,
    "identity_email": "ida@guest.example",
    "identity_application_type": "bot",
    "azure_communication_services_resource_id": "acs-1",
    "attendance_intervals": [
        {
            "join_date_time": utc("2026-03-10T09:18:12.877722Z"),
            "leave_date_time": utc("2026-03-10T09:49:21.697965Z"),
            "duration_in_seconds": 1868,
        },
        {"join_date_time": utc("2026-03-10T09:50:00Z"), "leave_date_time": None, "duration_in_seconds": None},
    ],
    "registration_id": "r1",
    "external_registration_referrer": "fair",
    "external_registration_id": "x1",
    "registrant_id": "old-1",
    "engagements": [
        {
            "date_time": utc("2026-03-10T09:20:00.5Z"),
            "engagement_type": "reaction",
            "engagement_sub_type": "like",
        },
        {"date_time": None, "engagement_type": "hand", "engagement_sub_type": None},
    ],
}
REPORT_ROW: Row = {
    "@odata.type": "#microsoft.graph.meetingAttendanceReport",
    "id": REPORT,
    "totalParticipantCount": 2,
    "meetingStartDateTime": "2026-03-10T08:58:41.28Z",
    "meetingEndDateTime": "2026-03-10T10:00:00.765Z",
    "externalEventInformation": [{"applicationId": "a1", "externalEventId": "e1"}],
    "attendanceRecords": [],
    "attendanceRecords@odata.context": "https://graph.microsoft.com/v1.0/$metadata#x",
    "attendanceRecords@odata.nextLink": "https://graph.microsoft.com/v1.0/x?$skiptoken=1",
}
REPORT_COLUMNS: Row = {
    "report_id": REPORT,
    "kind": "meeting",
    "source": "list",
    "online_meeting_id": ONLINE,
    "event_id": None,
    "session_id": None,
    "organizer_id": IDA,
    "organizer_tenant_id": TENANT,
    "organizer_email": "ida.lund@fjord.example",
    "organizer_name": "Ida Lund",
    "subject": "Review of the week",
    "meeting_type": "scheduled",
    "scheduled_start_time": utc("2026-03-10T09:00:00Z"),
    "scheduled_end_time": utc("2026-03-10T10:00:00Z"),
    "is_registration_required": None,
    "total_participant_count": 2,
    "meeting_start_time": utc("2026-03-10T08:58:41.28Z"),
    "meeting_end_time": utc("2026-03-10T10:00:00.765Z"),
    "external_event_information": '[{"applicationId":"a1","externalEventId":"e1"}]',
    "found_by": "call_records",
    "document_id": "attendance_reports-1",
}
CALL_ROW: Row = {
    "@odata.type": "#microsoft.graph.callRecords.callRecord",
    "id": CALL,
    "version": 2**40,
    "type": "groupCall",
    "modalities": ["audio", "screenSharing"],
    "lastModifiedDateTime": "2026-03-10T10:20:00.5066667Z",
    "startDateTime": "2026-03-10T09:00:05.1234567Z",
    "endDateTime": "2026-03-10T10:00:00.9999999Z",
    "joinWebUrl": URL,
    "organizer": user(),
    "participants": [],
    "organizer_v2": {"id": IDA, "identity": user(), "administrativeUnitInfos": []},
    "participants_v2": [],
    "sessions": [],
}
CALL_COLUMNS: Row = {
    "route": "call_records",
    "id": CALL,
    "kind": "meeting",
    "online_meeting_id": ONLINE,
    "event_id": None,
    "session_id": None,
    "organizer_id": IDA,
    "organizer_tenant_id": TENANT,
    "organizer_email": "ida.lund@fjord.example",
    "organizer_name": "Ida Lund",
    "subject": None,
    "join_web_url": URL,
    "call_type": "groupCall",
    "version": 2**40,
    "modalities": '["audio","screenSharing"]',
    "last_modified_time": utc("2026-03-10T10:20:00.506666Z"),
    "series_master_id": None,
    "calendar_event_type": None,
    "start_time": utc("2026-03-10T09:00:05.123456Z"),
    "end_time": utc("2026-03-10T10:00:00.999999Z"),
    "report_id": REPORT,
    "status": "found",
    "reason": None,
    "document_id": "call_records-1",
}
REGISTRATION_ROW: Row = {
    "@odata.type": "#microsoft.graph.virtualEventRegistration",
    "id": "r1",
    "email": "vera@acme.example",
    "firstName": "Vera",
    "lastName": "Ek",
    "status": "canceled",
    "registrationDateTime": "2026-03-01T09:00:00",
    "cancelationDateTime": "2026-03-02T09:00:00.1234567Z",
    "userId": OMAR,
    "preferredTimezone": "Pacific Standard Time",
    "preferredLanguage": "en-us",
    "registrationQuestionAnswers": [{"questionId": "q1", "value": "Yes", "multiChoiceValues": []}],
    "externalRegistrationInformation": {"referrer": "fair", "registrationId": "x1"},
    "sessions": [],
}
REGISTRATION_COLUMNS: Row = {
    "report_id": REPORT,
    "registration_id": "r1",
    "event_id": EVENT,
    "email": "vera@acme.example",
    "first_name": "Vera",
    "last_name": "Ek",
    "status": "canceled",
    "registration_date_time": utc("2026-03-01T09:00:00Z"),
    "cancelation_date_time": utc("2026-03-02T09:00:00.123456Z"),
    "user_id": OMAR,
    "preferred_timezone": "Pacific Standard Time",
    "preferred_language": "en-us",
    "registration_question_answers": '[{"questionId":"q1","value":"Yes","multiChoiceValues":[]}]',
    "external_registration_referrer": "fair",
    "external_registration_id": "x1",
    "document_id": f"registrations-{REPORT}-1-1",
}
LINE = "s1,vera@acme.example,Vera Ek,Mozilla/5.0,3/10/2026 9:48:08 AM,Joined,Attendee"
LINE_COLUMNS: Row = {
    "report_id": REPORT,
    "session_id": "s1",
    "participant_id": "vera@acme.example",
    "full_name": "Vera Ek",
    "user_agent": "Mozilla/5.0",
    "utc_event_timestamp": utc("2026-03-10T09:48:08Z"),
    "action": "Joined",
    "role": "Attendee",
    "document_id": f"attendee_events-{REPORT}-1-1",
}


def test_every_documented_field_of_a_record_lands_in_its_column(archive: Archive) -> None:
    """The identity's `hidden`, of applications in Graph's metadata alone, is the one that doesn't."""
    keep(archive, records(RECORD_ROW))

    shaped, unknown = shaped_of(archive)

    assert shaped[RECORDS].rows.to_pylist() == [RECORD_COLUMNS | {"document_id": f"attendance_report-{REPORT}-1-1"}]
    assert set(RECORD_COLUMNS) | {"document_id"} == set(ATTENDANCE_RECORDS.schema.names)
    assert set().union(*unknown.values()) == set()


@pytest.mark.parametrize("kind", ["latest_report", "attendance_report", RECORDS])
def test_a_record_is_the_same_row_by_whichever_call_it_came(archive: Archive, kind: str) -> None:
    said = {"value": [RECORD_ROW]} if kind == RECORDS else REPORT_ROW | {"attendanceRecords": [RECORD_ROW]}
    keep(archive, about(kind, said))

    (row,) = landed(archive, RECORDS)

    assert row == RECORD_COLUMNS | {"document_id": f"{kind}-{REPORT}-1-1"}


def test_every_documented_field_of_a_report_lands_in_its_column(archive: Archive) -> None:
    keep(archive, *found()[:2], reports(REPORT_ROW))

    assert report_of(archive) == REPORT_COLUMNS
    assert set(REPORT_COLUMNS) == set(ATTENDANCE_REPORTS.schema.names)
    assert lists_of(archive)[1] == {"meetings": set(), "attendance_reports": set()}


def test_every_documented_field_of_a_call_record_lands_in_its_column(archive: Archive) -> None:
    keep(archive, calls(CALL_ROW), *found()[1:])

    assert meeting_of(archive) == CALL_COLUMNS
    assert set(CALL_COLUMNS) == set(MEETINGS.schema.names)
    assert lists_of(archive)[1] == {"meetings": set(), "attendance_reports": set()}


def test_the_deprecated_organizer_of_a_call_record_is_the_organizer_where_there_is_no_newer(
    archive: Archive,
) -> None:
    keep(archive, calls(CALL_ROW | {"organizer_v2": None}))

    row = meeting_of(archive)

    assert (row["organizer_id"], row["organizer_name"], row["organizer_tenant_id"]) == (IDA, "Ida Lund", TENANT)


def test_what_only_a_calendar_says_lands_too(archive: Archive) -> None:
    keep(
        archive,
        calendar(planned(seriesMasterId="AAMkmaster=", type="occurrence")),
        lookup(online(subject=None)),
        reports(listed()),
    )

    (row,) = meetings_of(archive)
    report = report_of(archive)

    assert row == dict.fromkeys(MEETINGS.schema.names) | {
        "route": "calendar",
        "id": "AAMkADgz=",
        "kind": "meeting",
        "online_meeting_id": ONLINE,
        "organizer_id": IDA,
        "organizer_email": "ida.lund@fjord.example",
        "organizer_name": "Ida Lund",
        "subject": "Review",
        "join_web_url": URL,
        "series_master_id": "AAMkmaster=",
        "calendar_event_type": "occurrence",
        "start_time": utc("2026-03-10T09:00:00Z"),
        "end_time": utc("2026-03-10T10:00:00Z"),
        "report_id": REPORT,
        "status": "found",
        "document_id": "calendar_view-1",
    }
    assert (report["subject"], report["found_by"], report["organizer_id"]) == ("Review", "calendar", IDA)


@pytest.mark.parametrize(
    ("event_id", "home", "kind", "route"),
    [
        (EVENT, SESSION_HOME, "webinar", "webinars"),
        (TOWN_HALL, TOWN_HALL_HOME, "town_hall", "town_halls"),
    ],
)
def test_what_an_event_says_lands_with_its_sessions_report(
    archive: Archive, event_id: str, home: teams_documents.Home, kind: str, route: str
) -> None:
    later = {"dateTime": "2026-03-10T11:00:00", "timeZone": "UTC"}
    keep(
        archive,
        events(event(id=event_id, endDateTime=later), route=route),
        sessions(session(), of=event_id),
        reports(listed(), home=home),
    )

    assert meeting_of(archive) == dict.fromkeys(MEETINGS.schema.names) | {
        "route": route,
        "id": f"{event_id}/{SESSION}",
        "kind": kind,
        "event_id": event_id,
        "session_id": SESSION,
        "organizer_id": IDA,
        "organizer_tenant_id": TENANT,
        "organizer_email": "ida.lund@fjord.example",
        "organizer_name": "Ida Lund",
        "subject": "Launch",
        "join_web_url": OTHER_URL,
        "start_time": utc("2026-03-10T09:00:00Z"),
        "end_time": utc("2026-03-10T10:00:00Z"),
        "report_id": REPORT,
        "status": "found",
        "document_id": f"{kind}_sessions-1",
    }
    assert report_of(archive) == REPORT_COLUMNS | {
        "kind": kind,
        "online_meeting_id": None,
        "event_id": event_id,
        "session_id": SESSION,
        "subject": "Launch",
        "meeting_type": None,
        "scheduled_end_time": utc("2026-03-10T11:00:00Z"),
        "is_registration_required": True,
        "external_event_information": None,
        "found_by": route,
    }


def test_what_is_known_of_a_live_event_lands(archive: Archive) -> None:
    broadcast = online(meetingType="broadcast", isBroadcast=True, endDateTime="2026-03-10T10:30:00Z")
    keep(archive, calls(call()), lookup(broadcast), live_event(broadcast))

    assert report_of(archive) == REPORT_COLUMNS | {
        "report_id": ONLINE,
        "kind": "live_event",
        "source": "live_event",
        "meeting_type": "broadcast",
        "scheduled_end_time": utc("2026-03-10T10:30:00Z"),
        "total_participant_count": None,
        "meeting_start_time": utc("2026-03-10T09:00:05.123456Z"),
        "meeting_end_time": utc("2026-03-10T10:00:00.765432Z"),
        "external_event_information": None,
        "document_id": "live_event-1",
    }
    assert (meeting_of(archive)["kind"], meeting_of(archive)["report_id"]) == ("live_event", ONLINE)


def test_the_latest_report_says_by_which_way_it_came(archive: Archive) -> None:
    keep(archive, *found()[:2], reports(), latest(REPORT_ROW | {"attendanceRecords": [RECORD_ROW]}))

    row = report_of(archive)

    assert row == REPORT_COLUMNS | {"source": "latest", "document_id": "latest_report-1"}


def test_every_documented_field_of_a_registration_lands_in_its_column(archive: Archive) -> None:
    keep(archive, registrations(REGISTRATION_ROW))

    shaped, unknown = shaped_of(archive, a_meeting(kind="webinar"))

    assert shaped["registrations"].rows.to_pylist() == [REGISTRATION_COLUMNS]
    assert set(REGISTRATION_COLUMNS) == set(REGISTRATIONS.schema.names)
    assert set().union(*unknown.values()) == set()


@pytest.mark.parametrize("header", [HEADER, OLD_HEADER])
def test_every_column_of_an_attendee_report_lands(archive: Archive, header: str) -> None:
    keep(archive, attendee_report(LINE, header=header))

    shaped, unknown = shaped_of(archive, LIVE)

    assert shaped["attendee_events"].rows.to_pylist() == [LINE_COLUMNS]
    assert set(LINE_COLUMNS) == set(ATTENDEE_EVENTS.schema.names)
    assert set().union(*unknown.values()) == set()


def test_what_recordings_are_like_lands(archive: Archive) -> None:
    there = {"isAvailable": True, "sizeInBytes": 2**40, "contentType": "video/mp4", "file": "recordings/a.mp4"}
    keep(
        archive,
        about("recording", there, last=False),
        about("alternative_recording", {"isAvailable": False}, page=2),
    )

    assert landed(archive, "recordings", LIVE) == [
        {
            "report_id": REPORT,
            "artifact": "alternative_recording",
            "is_available": False,
            "size_in_bytes": None,
            "content_type": None,
            "file": None,
            "document_id": f"alternative_recording-{REPORT}-1-2",
        },
        {
            "report_id": REPORT,
            "artifact": "recording",
            "is_available": True,
            "size_in_bytes": 2**40,
            "content_type": "video/mp4",
            "file": "recordings/a.mp4",
            "document_id": f"recording-{REPORT}-1-1",
        },
    ]
    assert set(RECORDINGS.schema.names) == set(landed(archive, "recordings", LIVE)[0])


def test_columns_have_types_that_any_reader_of_parquet_knows() -> None:
    for table in (MEETINGS, ATTENDANCE_REPORTS, ATTENDANCE_RECORDS, REGISTRATIONS, ATTENDEE_EVENTS, RECORDINGS):
        plain = {str(column.type) for column in table.schema if not pa.types.is_list(column.type)}
        assert plain <= {"string", "bool", "int32", "int64", "timestamp[us, tz=UTC]"}
    for nested in ("attendance_intervals", "engagements"):
        struct = ATTENDANCE_RECORDS.schema.field(nested).type.value_type
        assert {str(one.type) for one in struct if one.name.endswith("_time")} == {"timestamp[us, tz=UTC]"}
        assert {str(one.type) for one in struct if not one.name.endswith("_time")} <= {"string", "int32"}


def test_rows_with_nothing_but_what_they_cannot_do_without_land(archive: Archive) -> None:
    times = {"startDateTime": "2026-03-10T09:00:00Z", "endDateTime": "2026-03-10T10:00:00Z"}
    zoned = {name: {"dateTime": f"2026-03-10T{hour}:00:00"} for name, hour in (("start", "09"), ("end", "10"))}
    keep(
        archive,
        calls({"id": CALL} | times),
        calendar({"id": "c1", "isOrganizer": True, "onlineMeeting": {"joinUrl": OTHER_URL}} | zoned),
        sessions({"id": SESSION} | times),
        lookup({"id": ONLINE}),
        reports(
            {"id": REPORT, "meetingStartDateTime": times["startDateTime"], "meetingEndDateTime": times["endDateTime"]}
        ),
        records(
            {},
            {"identity": {"displayName": "Bo"}, "attendanceIntervals": []},
            {"identity": {"displayName": "Vera"}, "attendanceIntervals": [{}], "engagements": [{}]},
        ),
        registrations({"id": "r1"}),
        attendee_report("s1,3/10/2026 9:48:08 AM,Left", header="Session Id,UTC Event Timestamp,Action"),
        about("recording", {"isAvailable": False}),
    )

    lists = lists_of(archive)[0]
    assert {row["route"] for row in meetings_of(archive)} == {"call_records", "calendar", "webinars"}
    assert [row["report_id"] for row in reports_of(archive)] == [REPORT]
    assert [rules(of_it) for of_table in lists.values() for of_it in of_table.values()] == [[], []]
    shaped = attendance_of(archive, a_meeting(kind="webinar"))
    assert {table: (of_it.rows.num_rows, rules(of_it)) for table, of_it in shaped.items() if table != "readings"} == {
        RECORDS: (3, []),
        "registrations": (1, []),
        "attendee_events": (1, []),
        "recordings": (1, []),
    }


INSTANTS = {
    "2026-03-10T09:00:00Z": "2026-03-10T09:00:00+00:00",
    "2026-03-10T09:00:00": "2026-03-10T09:00:00+00:00",
    "2026-03-10T09:00:00.7Z": "2026-03-10T09:00:00.700+00:00",
    "2026-03-10T09:00:00.77Z": "2026-03-10T09:00:00.770+00:00",
    "2026-03-10T09:00:00.123Z": "2026-03-10T09:00:00.123+00:00",
    "2026-03-10T09:00:00.1234Z": "2026-03-10T09:00:00.123400+00:00",
    "2026-03-10T09:00:00.12345Z": "2026-03-10T09:00:00.123450+00:00",
    "2026-03-10T09:00:00.123456Z": "2026-03-10T09:00:00.123456+00:00",
    "2026-03-10T09:00:00.1234567Z": "2026-03-10T09:00:00.123456+00:00",
    "2026-03-10T09:00:00.1234567": "2026-03-10T09:00:00.123456+00:00",
    "2026-03-10T09:00:00.9999999Z": "2026-03-10T09:00:00.999999+00:00",
    "2026-03-10T09:00:00.999999999999Z": "2026-03-10T09:00:00.999999+00:00",
    "2026-03-10T09:00:00.0000001Z": "2026-03-10T09:00:00+00:00",
    "2026-03-10T11:30:00.5+02:30": "2026-03-10T09:00:00.500+00:00",
    "2026-03-09T23:00:00.5-10:00": "2026-03-10T09:00:00.500+00:00",
}


def test_an_instant_is_utc_and_cut_to_microseconds_wherever_it_stands(archive: Archive) -> None:
    """The official client cuts, too; whoever rounds moves ….9999999 into the next second."""
    ids = {f"i{number:02}": text for number, text in enumerate(INSTANTS)}
    keep(
        archive,
        calls(*(call(id=name, startDateTime=text, lastModifiedDateTime=text) for name, text in ids.items())),
        reports(*(listed(id=name, meetingStartDateTime=text) for name, text in ids.items())),
        records(
            *(
                record(
                    id=name,
                    attendanceIntervals=[interval(joinDateTime=text)],
                    engagements=[{"dateTime": text, "engagementType": "hand"}],
                )
                for name, text in ids.items()
            )
        ),
        registrations(
            *(registered(id=name, registrationDateTime=text, cancelationDateTime=text) for name, text in ids.items())
        ),
    )

    shaped = attendance_of(archive, a_meeting(kind="webinar"))
    told: dict[str, set[datetime]] = {name: set() for name in ids}
    for row in meetings_of(archive):
        told[row["id"]] |= {row["start_time"], row["last_modified_time"]}
    for row in reports_of(archive):
        told[row["report_id"]] |= {row["meeting_start_time"]}
    for row in shaped[RECORDS].rows.to_pylist():
        (of_interval,), (engaged,) = row["attendance_intervals"], row["engagements"]
        told[row["record_id"]] |= {row["first_join_time"], of_interval["join_date_time"], engaged["date_time"]}
    for row in shaped["registrations"].rows.to_pylist():
        told[row["registration_id"]] |= {row["registration_date_time"], row["cancelation_date_time"]}
    assert {ids[name]: times for name, times in told.items()} == {
        text: {datetime.fromisoformat(expected)} for text, expected in INSTANTS.items()
    }
    assert {one.utcoffset() for times in told.values() for one in times} == {timedelta()}


def test_a_meeting_that_ends_with_the_day_stays_in_it(archive: Archive) -> None:
    last = "2026-03-10T23:59:59.9999999Z"
    keep(archive, calls(call(endDateTime=last)), lookup(online()), reports(listed(meetingEndDateTime=last)))

    assert meeting_of(archive)["end_time"] == utc("2026-03-10T23:59:59.999999Z")
    assert report_of(archive)["meeting_end_time"] == utc("2026-03-10T23:59:59.999999Z")


@pytest.mark.parametrize("value", [None, ...])
def test_a_part_of_an_interval_that_is_missing_is_null(archive: Archive, value: object) -> None:
    parts = {
        "joinDateTime": "join_date_time",
        "leaveDateTime": "leave_date_time",
        "durationInSeconds": "duration_in_seconds",
    }
    keep(archive, records(*(record(id=part, attendanceIntervals=[interval(**{part: value})]) for part in parts)))

    rows = {row["record_id"]: row for row in landed(archive, RECORDS)}

    for part, column in parts.items():
        (one,) = rows[part]["attendance_intervals"]
        assert [name for name, found in one.items() if found is None] == [column]
        assert (rows[part]["first_join_time"] is None) == (part == "joinDateTime")


def test_the_first_join_is_the_earliest_however_intervals_are_ordered(archive: Archive) -> None:
    keep(archive, records(record(attendanceIntervals=[interval(), interval(joinDateTime="2026-03-10T08:59:00Z")])))

    assert landed(archive, RECORDS)[0]["first_join_time"] == utc("2026-03-10T08:59:00Z")


@pytest.mark.parametrize("intervals", [None, [], ...])
def test_a_report_limited_to_identity_has_people_without_intervals(archive: Archive, intervals: object) -> None:
    keep(archive, records(record(attendanceIntervals=intervals, totalAttendanceInSeconds=None)))

    (row,) = landed(archive, RECORDS)

    assert row["attendance_intervals"] == ([] if intervals == [] else None)
    assert row["first_join_time"] is None


ZONES = [
    ("UTC", "2026-03-10T09:00:00.0000000", "2026-03-10T09:00:00Z"),
    (None, "2026-03-10T09:00:00.0000000", "2026-03-10T09:00:00Z"),
    ("", "2026-03-10T09:00:00", "2026-03-10T09:00:00Z"),
    ("tzone://Microsoft/Utc", "2026-03-10T09:00:00", "2026-03-10T09:00:00Z"),
    ("PacificSt", "2026-03-10T09:00:00", "2026-03-10T09:00:00Z"),
    ("../../etc/passwd", "2026-03-10T09:00:00", "2026-03-10T09:00:00Z"),
    ("/etc/passwd", "2026-03-10T09:00:00", "2026-03-10T09:00:00Z"),
    ("Europe", "2026-03-10T09:00:00", "2026-03-10T09:00:00Z"),
    ("\0", "2026-03-10T09:00:00", "2026-03-10T09:00:00Z"),
    ("ü", "2026-03-10T09:00:00", "2026-03-10T09:00:00Z"),
    ("x" * 5_000, "2026-03-10T09:00:00", "2026-03-10T09:00:00Z"),
    ("W. Europe Standard Time", "2026-03-10T10:00:00.1234567", "2026-03-10T09:00:00.123456Z"),
    ("Pacific Standard Time", "2026-03-10T02:00:00", "2026-03-10T09:00:00Z"),
    ("India Standard Time", "2026-03-10T14:30:00", "2026-03-10T09:00:00Z"),
    ("Europe/Oslo", "2026-03-10T10:00:00", "2026-03-10T09:00:00Z"),
    ("America/Los_Angeles", "2026-03-10T02:00:00", "2026-03-10T09:00:00Z"),
    # The edges of summer time in Berlin: what the clock jumps over, and what it shows twice (then the first).
    ("W. Europe Standard Time", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"),
    ("W. Europe Standard Time", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
    ("W. Europe Standard Time", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
    ("W. Europe Standard Time", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z"),
    ("W. Europe Standard Time", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
    ("W. Europe Standard Time", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"),
]


@pytest.mark.parametrize("which", ["calendar", "session"])
def test_planned_times_are_utc_whatever_their_zone_is_called(archive: Archive, which: str) -> None:
    end = {"dateTime": "2026-10-26T00:00:00", "timeZone": "UTC"}
    starts = {f"c{number}": {"dateTime": local, "timeZone": zone} for number, (zone, local, _) in enumerate(ZONES)}
    ended = utc("2026-10-26T00:00:00Z")
    asked = {"first": ended.date(), "last": ended.date(), "at": ended + timedelta(days=5)}
    if which == "calendar":
        keep(archive, calendar(*(planned(id=name, start=start, end=end) for name, start in starts.items()), **asked))
    else:
        rows = [session(id=name, startDateTime=start, endDateTime=end) for name, start in starts.items()]
        keep(archive, events(event(), **asked), sessions(*rows, **asked))

    told = {row["session_id"] or row["id"]: row["start_time"] for row in meetings_of(archive, ended.date())}

    assert told == {f"c{number}": utc(expected) for number, (_, _, expected) in enumerate(ZONES)}


@pytest.mark.parametrize("route", ["webinars", "town_halls"])
def test_an_events_own_times_are_utc_whatever_their_zone_is_called(archive: Archive, route: str) -> None:
    home = SESSION_HOME if route == "webinars" else TOWN_HALL_HOME
    begin = {"dateTime": "2026-03-10T02:00:00.0000000", "timeZone": "Pacific Standard Time"}
    keep(
        archive,
        events(event(id=home.owner, startDateTime=begin), route=route),
        sessions(session(), of=home.owner),
        reports(listed(), home=home),
    )

    assert report_of(archive)["scheduled_start_time"] == utc("2026-03-10T09:00:00Z")


def test_a_sessions_times_come_as_text_or_with_a_zones_name(archive: Archive) -> None:
    spelled = [
        "2026-03-10T09:00:00Z",
        "2026-03-10T09:00:00",
        "2026-03-10T09:00:00.0000000Z",
        "2026-03-10T10:00:00+01:00",
        {"dateTime": "2026-03-10T09:00:00", "timeZone": "UTC"},
        {"dateTime": "2026-03-10T02:00:00", "timeZone": "Pacific Standard Time"},
    ]
    rows = [session(id=f"s{number}", startDateTime=said) for number, said in enumerate(spelled)]
    keep(archive, events(event()), sessions(*rows))

    assert [row["start_time"] for row in meetings_of(archive)] == [utc("2026-03-10T09:00:00Z")] * len(spelled)


def test_a_session_without_times_has_those_of_its_event(archive: Archive) -> None:
    keep(archive, events(event()), sessions(session(startDateTime=None, endDateTime=...)))

    row = meeting_of(archive)

    assert (row["start_time"], row["end_time"]) == (utc("2026-03-10T09:00:00Z"), utc("2026-03-10T10:00:00Z"))


@pytest.mark.parametrize("which", ["calendar", "event", "session"])
@pytest.mark.parametrize(
    ("local", "zone"),
    [
        ("0001-01-01T00:00:00.0000000", "W. Europe Standard Time"),
        ("9999-12-31T23:59:59.9999999", "Pacific Standard Time"),
    ],
)
def test_a_planned_time_that_no_zone_has_stops_nothing(archive: Archive, which: str, local: str, zone: str) -> None:
    never = {"dateTime": local, "timeZone": zone}
    bad = {
        "calendar": [calendar(planned(id="c2", start=never))],
        "event": [
            events(event(startDateTime=never)),
            sessions(session()),
            reports(listed(id="x"), home=SESSION_HOME, number=2),
        ],
        "session": [events(event()), sessions(session(startDateTime=never))],
    }
    keep(archive, *found(), *bad[which])

    assert REPORT in {row["report_id"] for row in reports_of(archive)}


AMERICAN = {
    "1/25/2022 4:48:08 PM": "2022-01-25T16:48:08Z",
    "1/5/2022 4:48:08 am": "2022-01-05T04:48:08Z",
    "01/05/2022 04:48:08 pm": "2022-01-05T16:48:08Z",
    "12/31/2022 12:00:00 AM": "2022-12-31T00:00:00Z",
    "12/31/2022 12:00:00 PM": "2022-12-31T12:00:00Z",
    " 1/25/2022 4:48:08 PM ": "2022-01-25T16:48:08Z",
    "2/29/2024 1:02:03 PM": "2024-02-29T13:02:03Z",
}


def test_an_american_time_of_an_attendee_report_is_utc(archive: Archive) -> None:
    keep(
        archive, attendee_report(*(f"{number},,Bo,UA,{text},Joined,Attendee" for number, text in enumerate(AMERICAN)))
    )

    rows = sorted(landed(archive, "attendee_events", LIVE), key=lambda row: int(row["session_id"]))

    assert [row["utc_event_timestamp"] for row in rows] == [utc(expected) for expected in AMERICAN.values()]
    assert {row["utc_event_timestamp"].utcoffset() for row in rows} == {timedelta()}


def test_a_role_lands_as_it_was_sent(archive: Archive) -> None:
    roles = {"a": "None", "b": "Attendee", "c": "Presenter", "d": "Organizer", "e": "Translator", "f": "", "g": None}
    keep(archive, records(*(record(id=name, role=role) for name, role in roles.items())))

    assert {row["record_id"]: row["role"] for row in landed(archive, RECORDS)} == roles


def test_names_of_every_script_land_as_they_were_sent(archive: Archive) -> None:
    name = "Łukasz “Zoë” 山田 🦊\u200f\u00a0"
    keep(
        archive,
        records(record(identity={"displayName": name})),
        registrations(registered(firstName=name)),
        attendee_report(f's1,,"{name}",UA,3/10/2026 9:48:08 AM,Joined,Attendee'),
    )

    shaped = attendance_of(archive, a_meeting(kind="webinar"))

    assert shaped[RECORDS].rows["identity_display_name"].to_pylist() == [name]
    assert shaped["registrations"].rows["first_name"].to_pylist() == [name]
    assert shaped["attendee_events"].rows["full_name"].to_pylist() == [name]
