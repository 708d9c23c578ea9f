"""Bodies that Graph really sent, their people and ids invented, reach the lake unchanged in meaning.

Recorded in 2022 (the calendar, the live event's CSV), 2023 (the reports) and 2025 (the call records), by their names.
"""

import json
from datetime import date, datetime, timedelta

import pytest

from attendance_pipeline.archive import Archive
from attendance_pipeline.vendors.teams.account import Refusal

from . import teams_documents
from .teams_documents import (
    IDA,
    MEETING_HOME,
    OMAR,
    ONLINE,
    RECORDS,
    REPORT,
    TENANT,
    Row,
    a_meeting,
    about,
    attendance_of,
    calendar,
    calls,
    fixture,
    keep,
    landed,
    lists_of,
    lookup,
    meetings_of,
    naming,
    online,
    reading_of,
    reports,
    reports_of,
    shaped_of,
    unreported_of,
    utc,
)

archive = teams_documents.archive

LIVE = a_meeting(kind="live_event")


def asked(day: date) -> Row:
    """When a list about this date was asked for, and which dates it reaches."""
    at = datetime.combine(day + timedelta(days=10), datetime.min.time(), utc("2026-01-01T00:00:00Z").tzinfo)
    return {"first": day - timedelta(days=1), "last": day + timedelta(days=1), "at": at}


def rows_of(name: str) -> list[Row]:
    said: list[Row] = json.loads(fixture(name))["value"]
    return said


def test_a_recorded_report_lands_with_its_records(archive: Archive) -> None:
    (listed,) = rows_of("attendance_reports.json")
    day = date(2023, 5, 25)
    keep(
        archive,
        naming("attendance_reports", fixture("attendance_reports.json"), subject=MEETING_HOME.subject, **asked(day)),
        about("attendance_report", fixture("attendance_report_expanded.json")),
    )

    lists, unknown = lists_of(archive, day)
    shaped, unknown_of_records = shaped_of(archive, a_meeting(count=2))

    (report,) = lists["attendance_reports"][day].rows.to_pylist()
    assert report["report_id"] == listed["id"] == REPORT
    assert (report["meeting_start_time"], report["meeting_end_time"]) == (
        utc("2023-05-25T19:14:41.280Z"),
        utc("2023-05-25T19:49:21.697Z"),
    )
    assert (report["total_participant_count"], report["found_by"], report["online_meeting_id"]) == (2, "", ONLINE)
    nothing = dict.fromkeys(shaped[RECORDS].rows.schema.names)
    assert shaped[RECORDS].rows.to_pylist() == [
        nothing
        | {
            "report_id": REPORT,
            "first_join_time": utc("2023-05-25T19:18:12.877722Z"),
            "record_id": IDA,
            "email_address": "ida.lund@fjord.example",
            "total_attendance_in_seconds": 1868,
            "role": "Organizer",
            "identity_id": IDA,
            "identity_display_name": "Ida Lund",
            "identity_tenant_id": TENANT,
            "attendance_intervals": [
                {
                    "join_date_time": utc("2023-05-25T19:18:12.877722Z"),
                    "leave_date_time": utc("2023-05-25T19:49:21.697965Z"),
                    "duration_in_seconds": 1868,
                }
            ],
            "document_id": f"attendance_report-{REPORT}-1-1",
        },
        nothing
        | {
            "report_id": REPORT,
            "first_join_time": utc("2023-05-25T19:18:16.516680Z"),
            "record_id": OMAR,
            "email_address": "omar.rao@acme.example",
            "total_attendance_in_seconds": 1387,
            "role": "Presenter",
            "identity_id": OMAR,
            "identity_display_name": "Omar Rao",
            "identity_tenant_id": "b7e1d3c9-2f64-4a08-95d7-8c3e0f6a1b24",
            "attendance_intervals": [
                {
                    "join_date_time": utc("2023-05-25T19:18:16.516680Z"),
                    "leave_date_time": utc("2023-05-25T19:41:24.050042Z"),
                    "duration_in_seconds": 1387,
                }
            ],
            "document_id": f"attendance_report-{REPORT}-1-1",
        },
    ]
    assert (reading_of(shaped)["status"], reading_of(shaped)["vendor_count"]) == ("complete", 2)
    assert set().union(*unknown.values(), *unknown_of_records.values()) == set()


def test_of_recorded_calls_the_one_with_a_join_url_is_a_meeting_to_be_found(archive: Archive) -> None:
    """Another is between two people, and one is an ad-hoc call of a group, whose join URL is empty, too."""
    day = date(2025, 5, 29)
    of_two, ad_hoc, met = rows_of("call_records.json")
    keep(archive, naming("call_records", fixture("call_records.json"), **asked(day)))

    rows = {row["id"]: row for row in meetings_of(archive, day)}
    readings = {row["meeting_id"]: (row["status"], row["reason"]) for row in unreported_of(archive, day)}

    assert of_two["id"] not in rows
    assert rows[met["id"]] == dict.fromkeys(rows[met["id"]]) | {
        "route": "call_records",
        "id": met["id"],
        "kind": "meeting",
        "organizer_id": IDA,
        "organizer_tenant_id": TENANT,
        "organizer_email": "ida.lund@fjord.example",
        "organizer_name": "Ida Lund",
        "join_web_url": "https://teams.microsoft.com/l/meetup-join/",
        "call_type": "groupCall",
        "version": 2,
        "modalities": '["audio","video"]',
        "last_modified_time": utc("2025-05-29T18:16:52.533333Z"),
        "start_time": utc("2025-05-29T17:37:38.348633Z"),
        "end_time": utc("2025-05-29T17:45:18.379347Z"),
        "status": "not_ready",
        "reason": "not asked for yet",
        "document_id": "call_records-1",
    }
    assert {name: status for name, (status, _) in readings.items()} == {
        ad_hoc["id"]: "blocked",
        met["id"]: "not_ready",
    }
    assert rows[ad_hoc["id"]]["last_modified_time"] == utc("2025-05-29T18:02:52.840Z")
    assert lists_of(archive, day)[1] == {"meetings": set(), "attendance_reports": set()}


def test_a_recorded_guest_of_a_call_is_somebody_whom_nothing_is_known_of(archive: Archive) -> None:
    """Calls name no attendance, so whoever they name is passed over."""
    (guest,) = json.loads(fixture("call_record_guest.json"))["participants"]
    keep(
        archive,
        calls(teams_documents.call(participants=[guest], participants_v2=[{"id": "x", "identity": guest}])),
    )

    assert [row["organizer_id"] for row in meetings_of(archive)] == [IDA]
    assert lists_of(archive)[1]["meetings"] == set()


def test_a_recorded_calendar_event_names_the_meeting_behind_its_join_url(archive: Archive) -> None:
    day = date(2022, 6, 26)
    (planned,) = rows_of("calendar_view.json")
    url = planned["onlineMeeting"]["joinUrl"]
    report = {
        "id": REPORT,
        "meetingStartDateTime": "2022-06-26T12:29:00Z",
        "meetingEndDateTime": "2022-06-26T12:50:00Z",
    }
    keep(
        archive,
        naming("calendar_view", fixture("calendar_view.json"), subject=IDA, **asked(day)),
        lookup(online(joinWebUrl=url, subject=None), url=url),
        reports(report, **asked(day)),
    )

    (row,) = meetings_of(archive, day)
    (landed_report,) = reports_of(archive, day)

    assert row == dict.fromkeys(row) | {
        "route": "calendar",
        "id": planned["id"],
        "kind": "meeting",
        "online_meeting_id": ONLINE,
        "organizer_id": IDA,
        "organizer_email": "ida.lund@fjord.example",
        "organizer_name": "Ida Lund",
        "subject": "Test",
        "join_web_url": url,
        "calendar_event_type": "singleInstance",
        "start_time": utc("2022-06-26T12:30:00Z"),
        "end_time": utc("2022-06-26T13:00:00Z"),
        "report_id": REPORT,
        "status": "found",
        "document_id": "calendar_view-1",
    }
    assert (landed_report["found_by"], landed_report["subject"]) == ("calendar", "Test")
    assert lists_of(archive, day)[1]["meetings"] == set()


def test_a_recorded_calendar_event_of_another_organizer_names_none(archive: Archive) -> None:
    (planned,) = rows_of("calendar_view.json")
    day = date(2022, 6, 26)
    keep(archive, calendar(planned | {"isOrganizer": False}, **asked(day)))

    assert meetings_of(archive, day) == []


def test_a_recorded_attendee_report_lands_line_by_line(archive: Archive) -> None:
    keep(archive, about("attendee_events", fixture("attendee_report.csv")))

    shaped, unknown = shaped_of(archive, LIVE)

    rows = [list(row.values())[:8] for row in shaped["attendee_events"].rows.to_pylist()]
    omar, vera = (
        ["omar.rao@acme.example", "Omar Rao", "Mozila/5.0..."],
        ["vera.ek@fjord.example", "Vera Ek", "SignalR..."],
    )
    assert rows == [
        [REPORT, "c7e4a1f0-...", *omar, utc("2022-01-25T16:48:08Z"), "Joined", "Attendee"],
        [REPORT, "6f1e0b9d-...", *vera, utc("2022-01-25T16:51:13Z"), "Joined", "Attendee"],
        [REPORT, "c7e4a1f0-...", *omar, utc("2022-01-25T17:25:54Z"), "Left", "Attendee"],
    ]
    assert unknown["attendee_events"] == set()
    assert reading_of(shaped, "attendee_events")["status"] == "complete"


@pytest.mark.parametrize(
    ("status", "name", "outcome", "reason"),
    [
        (400, "error_400_index_out_of_range", "gone", "400 BadRequest, not known (any more)"),
        (403, "error_403_not_the_organizer", "denied", "3003, not its organizer"),
        (403, "error_403_no_policy", "denied", "no application access policy for its organizer"),
        (400, "error_400_attendee_report", "blocked", "400 BadRequest"),
        (500, "error_500_attendee_report", "blocked", "500 InternalServerError"),
        (429, "error_429", "blocked", "429 TooManyRequests"),
    ],
)
def test_a_recorded_refusal_is_understood(status: int, name: str, outcome: str, reason: str) -> None:
    """The last two never come so far: an outage, and a wait."""
    refusal = Refusal.read(status, fixture(f"{name}.json"))

    assert refusal.meaning() == (outcome, reason)
    assert not refusal.lacks_role
    assert refusal.lacks_policy == (name == "error_403_no_policy")
    assert refusal.message not in str(refusal)


def test_a_recorded_refusal_in_the_place_of_a_report_lands_nothing(archive: Archive) -> None:
    body = fixture("error_400_index_out_of_range.json")
    keep(archive, about("attendance_report", body, outcome="gone", reason="400 BadRequest, not known (any more)"))

    assert landed(archive, RECORDS) == []
    assert reading_of(attendance_of(archive))["status"] == "gone"
