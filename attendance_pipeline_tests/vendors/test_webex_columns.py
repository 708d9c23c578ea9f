"""Every field that Webex documents lands in its column, with its type, its unit and its zone."""

import json
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from attendance_pipeline.archive import Archive
from attendance_pipeline.vendors.webex.tables import ATTENDEES, MEETINGS, PARTICIPANTS

from . import webex_documents
from .webex_documents import (
    BO,
    CENTER,
    DAY,
    EVENTS,
    ID,
    IDA,
    OTHER,
    SERIES,
    SITE,
    Row,
    attendance_of,
    attended,
    breakout,
    device,
    keep,
    listed,
    listing,
    meetings_of,
    report,
    rules,
    shaped_of,
    took_part,
    used,
    utc,
)

archive = webex_documents.archive


# Every documented field, and the column in which it lands; a type that differs is in the comparison.

USAGE_ROW: Row = {
    "meetingId": ID,
    "meetingNumber": "25512345678",
    "meetingTitle": "Review",
    "start": "2026-03-10T09:00:00Z",
    "end": "2026-03-10T10:00:00Z",
    "duration": 60,
    "scheduledType": "webinar",
    "hostDisplayName": "Ida Lund",
    "hostEmail": "ida.lund@fjord.example",
    "totalPeopleMinutes": 90.5,
    "totalCallInMinutes": 1,
    "totalCallInTollFreeMinutes": 2,
    "totalCallOutDomestic": 3,
    "totalCallOutInternational": 4,
    "totalVoipMinutes": 80,
    "totalParticipants": 11,
    "totalParticipantsVoip": 10,
    "totalParticipantsCallIn": 1,
    "totalParticipantsCallOut": 2,
    "peakAttendee": 9,
    "totalRegistered": 8,
    "totalInvitee": 7,
    "serviceType": "EventCenter",
    "trackingCodes": [{"name": "Department", "value": "Research"}],
}
USAGE_COLUMNS: Row = {
    "meeting_id": ID,
    "site_url": SITE,
    "meeting_number": "25512345678",
    "meeting_title": "Review",
    "start_time": utc("2026-03-10T09:00:00Z"),
    "end_time": utc("2026-03-10T10:00:00Z"),
    "duration": 60.0,
    "scheduled_type": "webinar",
    "host_display_name": "Ida Lund",
    "host_email": "ida.lund@fjord.example",
    "total_people_minutes": 90.5,
    "total_call_in_minutes": 1.0,
    "total_call_in_toll_free_minutes": 2.0,
    "total_call_out_domestic": 3.0,
    "total_call_out_international": 4.0,
    "total_voip_minutes": 80.0,
    "total_participants": 11,
    "total_participants_voip": 10,
    "total_participants_call_in": 1,
    "total_participants_call_out": 2,
    "peak_attendee": 9,
    "total_registered": 8,
    "total_invitee": 7,
    "service_type": "EventCenter",
    "tracking_codes": '[{"name":"Department","value":"Research"}]',
}
LISTED_ROW: Row = {
    "id": ID,
    "meetingSeriesId": SERIES,
    "scheduledMeetingId": f"{SERIES}_20260310T090000Z",
    "title": "Review (moved)",
    "agenda": "Numbers",
    "meetingType": "meeting",
    "state": "ended",
    "timezone": "Europe/Oslo",
    "start": "2026-03-10T09:00:02Z",
    "end": "2026-03-10T10:00:03Z",
    "hostUserId": "Y2lzY29zcGFyazovL3VzL1BFT1BMRS81YjFkN2MwZQ",
    "hostDisplayName": "Ida B. Lund",
    "hostEmail": "ida@fjord.example",
    "siteUrl": "fjord-events.webex.com",
    "webLink": "https://fjord.webex.com/fjord/j.php?MTID=m1",
    "integrationTags": ["crm-1"],
    "scheduledType": "meeting",
    "hasChat": True,
    "hasRecording": False,
    "hasTranscription": True,
    "hasClosedCaption": False,
    "hasPolls": True,
    "hasQA": True,
    "hasSlido": False,
    "hasRegistration": True,
    "hasRegistrants": False,
    "hasPostEventSurvey": True,
    "hasSummary": False,
}
LISTED_COLUMNS: Row = {
    "meeting_id": ID,
    "site_url": "fjord-events.webex.com",
    "meeting_title": "Review (moved)",
    "agenda": "Numbers",
    "timezone": "Europe/Oslo",
    "start_time": utc("2026-03-10T09:00:02Z"),
    "end_time": utc("2026-03-10T10:00:03Z"),
    "scheduled_type": "meeting",
    "host_display_name": "Ida B. Lund",
    "host_email": "ida@fjord.example",
    "host_user_id": "Y2lzY29zcGFyazovL3VzL1BFT1BMRS81YjFkN2MwZQ",
    "web_link": "https://fjord.webex.com/fjord/j.php?MTID=m1",
    "scheduled_meeting_id": f"{SERIES}_20260310T090000Z",
    "integration_tags": '["crm-1"]',
    "has_chat": True,
    "has_recording": False,
    "has_transcription": True,
    "has_closed_caption": False,
    "has_polls": True,
    "has_qa": True,
    "has_slido": False,
    "has_registration": True,
    "has_registrants": False,
    "has_post_event_survey": True,
    "has_summary": False,
}
ATTENDEE_ROW: Row = {
    "meetingId": ID,
    "meetingNumber": 25512345678,
    "meetingTitle": "Review",
    "displayName": "Vera Ek",
    "email": "vera@acme.example",
    "joinedTime": "2026-03-10T09:01:00Z",
    "leftTime": "2026-03-10T09:59:00.250Z",
    "duration": 58,
    "participantType": "ATTENDEE",
    "ipAddress": "192.0.2.7",
    "clientAgent": "WINDOWS,IE",
    "company": "Acme",
    "phoneNumber": "+1 555 0107",
    "address1": "7 Example Street",
    "address2": "",
    "city": "San Jose",
    "state": "CA",
    "country": "US",
    "zipCode": "95134",
    "registered": True,
    "invited": False,
}
ATTENDEE_COLUMNS: Row = {
    "meeting_id": ID,
    "site_url": SITE,
    "meeting_number": "25512345678",
    "meeting_title": "Review",
    "display_name": "Vera Ek",
    "email": "vera@acme.example",
    "joined_time": utc("2026-03-10T09:01:00Z"),
    "left_time": utc("2026-03-10T09:59:00.250Z"),
    "duration": 58.0,
    "participant_type": "ATTENDEE",
    "ip_address": "192.0.2.7",
    "client_agent": "WINDOWS,IE",
    "company": "Acme",
    "phone_number": "+1 555 0107",
    "address1": "7 Example Street",
    "address2": "",
    "city": "San Jose",
    "state": "CA",
    "country": "US",
    "zip_code": "95134",
    "registered": True,
    "invited": False,
    "document_id": "attendees-1-1",
}
PARTICIPANT_ROW: Row = {
    "id": IDA,
    "orgId": "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi8x",
    "host": True,
    "coHost": False,
    "spaceModerator": True,
    "email": "ida.lund@fjord.example",
    "displayName": "Ida Lund",
    "invitee": False,
    "muted": True,
    "meetingStartTime": "2026-03-10T09:00:00Z",
    "video": "on",
    "state": "end",
    "breakoutSessionId": "b1",
    "joinedTime": "2026-03-10T09:00:00Z",
    "leftTime": "2026-03-10T10:00:00Z",
    "siteUrl": SITE,
    "meetingId": ID,
    "hostEmail": "omar.rao@fjord.example",
    "devices": [
        {
            "correlationId": "c1",
            "deviceType": "webex_meeting_center_mac",
            "audioType": "voip",
            "joinedTime": "2026-03-10T09:00:00Z",
            "leftTime": "2026-03-10T09:30:00Z",
            "durationSecond": 1800,
        },
        {
            "correlationId": "c2",
            "audioType": "pstn",
            "joinedTime": "2026-03-10T09:30:00Z",
            "leftTime": "2026-03-10T10:00:00Z",
            "durationSecond": 1800,
            "callType": "callIn",
            "phoneNumber": "+1 555 0101",
        },
    ],
    "breakoutSessionsAttended": [
        {
            "id": "b1",
            "name": "Breakout Session 1",
            "joinedTime": "2026-03-10T09:10:00Z",
            "leftTime": "2026-03-10T09:20:00Z",
        }
    ],
    "sourceId": "acme.example",
}
PARTICIPANT_COLUMNS: Row = {
    "meeting_id": ID,
    "id": IDA,
    "org_id": "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi8x",
    "host": True,
    "co_host": False,
    "space_moderator": True,
    "email": "ida.lund@fjord.example",
    "display_name": "Ida Lund",
    "invitee": False,
    "muted": True,
    "meeting_start_time": utc("2026-03-10T09:00:00Z"),
    "video": "on",
    "state": "end",
    "breakout_session_id": "b1",
    "joined_time": utc("2026-03-10T09:00:00Z"),
    "left_time": utc("2026-03-10T10:00:00Z"),
    "site_url": SITE,
    "host_email": "omar.rao@fjord.example",
    "devices": [
        {
            "correlation_id": "c1",
            "device_type": "webex_meeting_center_mac",
            "audio_type": "voip",
            "joined_time": utc("2026-03-10T09:00:00Z"),
            "left_time": utc("2026-03-10T09:30:00Z"),
            "duration_second": 1800,
            "call_type": None,
            "phone_number": None,
        },
        {
            "correlation_id": "c2",
            "device_type": None,
            "audio_type": "pstn",
            "joined_time": utc("2026-03-10T09:30:00Z"),
            "left_time": utc("2026-03-10T10:00:00Z"),
            "duration_second": 1800,
            "call_type": "callIn",
            "phone_number": "+1 555 0101",
        },
    ],
    "breakout_sessions_attended": [
        {
            "id": "b1",
            "name": "Breakout Session 1",
            "joined_time": utc("2026-03-10T09:10:00Z"),
            "left_time": utc("2026-03-10T09:20:00Z"),
        }
    ],
    "source_id": "acme.example",
    "document_id": "participants-1-1",
}


def test_every_documented_field_of_a_usage_report_lands_in_its_column(archive: Archive) -> None:
    keep(archive, listing([USAGE_ROW], kind=EVENTS))

    (row,) = meetings_of(archive).rows.to_pylist()

    assert row == dict.fromkeys(MEETINGS.schema.names) | USAGE_COLUMNS | {
        "listed_by": "usage",
        "document_id": "listing-1",
    }


def test_every_documented_field_of_a_listed_meeting_lands_in_its_column(archive: Archive) -> None:
    keep(archive, listing([LISTED_ROW]))

    (row,) = meetings_of(archive).rows.to_pylist()

    assert row == dict.fromkeys(MEETINGS.schema.names) | LISTED_COLUMNS | {
        "listed_by": "meetings",
        "document_id": "listing-1",
    }


def test_what_two_lists_say_of_one_meeting_is_one_row_without_an_empty_column(archive: Archive) -> None:
    """Where both say something the list of meetings is believed: it is the first to know a meeting's times."""
    keep(archive, listing([USAGE_ROW], kind=EVENTS), listing([LISTED_ROW], number=2))

    (row,) = meetings_of(archive).rows.to_pylist()

    assert row == USAGE_COLUMNS | LISTED_COLUMNS | {"listed_by": "meetings,usage", "document_id": "listing-2"}
    assert set(row) == set(MEETINGS.schema.names)
    assert None not in row.values()


def test_every_documented_field_of_an_attendee_lands_in_its_column(archive: Archive) -> None:
    keep(archive, report([ATTENDEE_ROW], kind="attendees"))

    shaped, unknown = shaped_of(archive)

    assert shaped["attendees"].rows.to_pylist() == [ATTENDEE_COLUMNS]
    assert set(ATTENDEE_COLUMNS) == set(ATTENDEES.schema.names)
    assert unknown == {"attendees": set(), "participants": set()}


def test_every_documented_field_of_a_participant_lands_in_its_column(archive: Archive) -> None:
    keep(archive, report([PARTICIPANT_ROW]))

    shaped, unknown = shaped_of(archive)

    assert shaped["participants"].rows.to_pylist() == [PARTICIPANT_COLUMNS]
    assert set(PARTICIPANT_COLUMNS) == set(PARTICIPANTS.schema.names)
    assert unknown == {"attendees": set(), "participants": set()}


def test_rows_with_nothing_but_what_they_cannot_do_without_land(archive: Archive) -> None:
    least = {"start": "2026-03-10T09:00:00Z", "end": "2026-03-10T10:00:00Z"}
    keep(
        archive,
        listing([{"id": ID} | least]),
        listing([{"meetingId": OTHER} | least], kind=CENTER, number=2),
        report([{"id": IDA}, {"id": BO, "devices": [{}], "breakoutSessionsAttended": [{}]}]),
        report([{}, {"displayName": "Bo"}], kind="attendees"),
    )

    assert meetings_of(archive).rows["meeting_id"].to_pylist() == [ID, OTHER]
    shaped = attendance_of(archive)
    assert {table: (of_it.rows.num_rows, rules(of_it)) for table, of_it in shaped.items()} == {
        "attendees": (2, []),
        "participants": (2, []),
        "readings": (2, []),
    }


def test_columns_have_types_that_any_reader_of_parquet_knows() -> None:
    instants, moment = pa.timestamp("us", tz="UTC"), ("joined_time", "left_time")
    for table in (MEETINGS, ATTENDEES, PARTICIPANTS):
        plain = {str(column.type) for column in table.schema if not pa.types.is_list(column.type)}
        assert plain <= {"string", "bool", "int32", "double", "timestamp[us, tz=UTC]"}
    for nested in ("devices", "breakout_sessions_attended"):
        struct = PARTICIPANTS.schema.field(nested).type.value_type
        assert {struct.field(name).type for name in moment} == {instants}
        assert {str(one.type) for one in struct if one.name not in moment} <= {"string", "int32"}


@pytest.mark.parametrize(
    ("end", "day"),
    [
        ("2026-03-11T01:30:00+05:30", DAY),
        ("2026-03-10T20:00:00-08:00", DAY + timedelta(days=1)),
        ("2026-03-10 23:00:00", DAY),
        ("2026-03-10T23:00:00.000Z", DAY),
    ],
)
@pytest.mark.parametrize("by", ["meetings", CENTER])
def test_a_meetings_times_are_utc_whatever_offset_they_came_with(
    archive: Archive, by: str, end: str, day: date
) -> None:
    times = {"start": "2026-03-10T12:00:00+03:00", "end": end}
    keep(archive, listing([listed(**times) if by == "meetings" else used(**times)], kind=by))

    (row,) = meetings_of(archive, day).rows.to_pylist()

    assert row["start_time"] == utc("2026-03-10T09:00:00Z")
    assert row["end_time"] == datetime.fromisoformat(end).replace(tzinfo=datetime.fromisoformat(end).tzinfo or UTC)


@pytest.mark.parametrize("number", ["25512345678", 25512345678, 25512345678.0])
def test_a_meeting_number_is_text_however_it_comes(archive: Archive, number: object) -> None:
    keep(
        archive,
        listing([used(meetingNumber=number)], kind=CENTER),
        report([attended(meetingNumber=number)], kind="attendees"),
    )

    assert meetings_of(archive).rows["meeting_number"].to_pylist() == ["25512345678"]
    assert attendance_of(archive)["attendees"].rows["meeting_number"].to_pylist() == ["25512345678"]


def test_a_count_is_a_whole_number_however_it_is_written(archive: Archive) -> None:
    body = json.dumps({"items": [used(totalParticipants=5.0, peakAttendee=4)]}).encode()
    keep(archive, listing(body, kind=CENTER), report([took_part(devices=[device(durationSecond=3600.0)])]))

    (row,) = meetings_of(archive).rows.to_pylist()

    assert (row["total_participants"], row["peak_attendee"]) == (5, 4)
    (participant,) = attendance_of(archive)["participants"].rows.to_pylist()
    assert participant["devices"][0]["duration_second"] == 3600


def test_minutes_stay_minutes_and_seconds_stay_seconds(archive: Archive) -> None:
    keep(
        archive,
        listing([used(duration=60.5)], kind=CENTER),
        report([attended(duration=59.5)], kind="attendees"),
        report([took_part()]),
    )

    shaped = attendance_of(archive)

    assert meetings_of(archive).rows["duration"].to_pylist() == [60.5]
    assert shaped["attendees"].rows["duration"].to_pylist() == [59.5]
    assert shaped["participants"].rows["devices"].to_pylist()[0][0]["duration_second"] == 3600


@pytest.mark.parametrize("sent", ["host", "HOST", "Attendee", "cohost", ""])
def test_a_participants_type_lands_as_it_was_sent(archive: Archive, sent: str) -> None:
    keep(archive, report([attended(participantType=sent)], kind="attendees"))

    assert attendance_of(archive)["attendees"].rows["participant_type"].to_pylist() == [sent]


def test_attendances_times_are_utc_whatever_offset_they_came_with(archive: Archive) -> None:
    here = {"joinedTime": "2026-03-10T14:30:00+05:30", "leftTime": "2026-03-10T01:30:00.500-08:00"}
    expected = (utc("2026-03-10T09:00:00Z"), utc("2026-03-10T09:30:00.500Z"))
    row = took_part(
        **here,
        meetingStartTime=here["joinedTime"],
        devices=[device(**here)],
        breakoutSessionsAttended=[breakout(**here)],
    )
    keep(archive, report([row]), report([attended(**here)], kind="attendees"))

    shaped = attendance_of(archive)

    (attendee,) = shaped["attendees"].rows.to_pylist()
    (landed,) = shaped["participants"].rows.to_pylist()
    assert landed["meeting_start_time"] == expected[0]
    for one in (attendee, landed, *landed["devices"], *landed["breakout_sessions_attended"]):
        assert (one["joined_time"], one["left_time"]) == expected
        assert one["joined_time"].utcoffset() == timedelta()
