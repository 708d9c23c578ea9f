"""Graph's words reach the lake once each, whichever way they came, and what is broken reaches the quarantine."""

import json
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.errors import SchemaDriftError
from attendance_pipeline.readings import held
from attendance_pipeline.shape import Shaped
from attendance_pipeline.vendors.shaping import shape_attendance
from attendance_pipeline.vendors.teams import Teams, shaping
from attendance_pipeline.vendors.teams.named import Home
from attendance_pipeline.vendors.teams.records import REPORT_TABLES, STAND_INS

from . import teams_documents
from .teams_documents import (
    CALL,
    DAY,
    EVENT,
    HEADER,
    IDA,
    MEETING_HOME,
    NOON,
    OMAR,
    ONLINE,
    OTHER_CALL,
    OTHER_HOME,
    OTHER_ONLINE,
    OTHER_REPORT,
    OTHER_URL,
    RECORDS,
    REPORT,
    SESSION_HOME,
    TENANT,
    TOWN_HALL,
    TOWN_HALL_HOME,
    URL,
    Row,
    a_meeting,
    about,
    anonymous,
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
    naming,
    online,
    page_of_records,
    planned,
    reading_of,
    record,
    records,
    registered,
    registrations,
    report_of,
    reports,
    reports_of,
    rules,
    rules_of_list,
    session,
    sessions,
    shaped_of,
    unreported_of,
    user,
    utc,
)

archive = teams_documents.archive

LIVE = a_meeting(kind="live_event")
WEBINAR = a_meeting(kind="webinar", home=SESSION_HOME)
BROADCAST = online(meetingType="broadcast", isBroadcast=True)
YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)


def line(session_id: str = "s1", at: str = "3/10/2026 9:48:08 AM", action: str = "Joined", name: str = "Bo") -> str:
    return f"{session_id},,{name},UA,{at},{action},Attendee"


def numbered(row: Any, number: int) -> Any:
    """The row with an id of its own, where it has one."""
    said = row.get("id") if isinstance(row, dict) else None
    return row | {"id": f"b{number:02}"} if isinstance(said, str) and said else row


def sent(row: object) -> bytes:
    return json.dumps(row).encode()


def in_order(shaped: Shaped) -> list[tuple[str, int, bytes]]:
    """What is quarantined, as it stands in its document."""
    rows = [(row["rule"], row["position"], row["row"]) for row in shaped.quarantined.to_pylist()]
    return sorted(rows, key=lambda row: row[1])


# What is broken.


BROKEN_CALLS: list[tuple[object, str]] = [
    (call(id=...), "missing_field.id"),
    (call(id=7), "wrong_type.id"),
    (call(startDateTime=...), "missing_field.startDateTime"),
    (call(endDateTime="soon"), "wrong_type.endDateTime"),
    (call(version="2"), "wrong_type.version"),
    (call(version=2**63), "wrong_type.version"),
    (call(modalities="audio"), "wrong_type.modalities"),
    (call(organizer_v2={"identity": {"user": {"id": 7}}}), "wrong_type.organizer_v2.identity.user.id"),
    (call(startDateTime="2026-03-10T10:00:00.7654331Z"), "ends_before_it_starts"),
    (call(startDateTime="1899-12-31T23:59:59Z"), "impossible_time.start_time"),
    (call(startDateTime="0001-01-01T00:00:00Z"), "impossible_time.start_time"),
    (call(lastModifiedDateTime="2200-01-02T00:00:00Z"), "impossible_time.last_modified_time"),
    ("x", "wrong_type.row"),
    (None, "wrong_type.row"),
]


def test_a_broken_row_of_the_call_records_is_quarantined_as_it_was_sent_and_the_others_land(archive: Archive) -> None:
    rows = [numbered(row, number) for number, (row, _) in enumerate(BROKEN_CALLS)]
    keep(archive, calls(call(id=OTHER_CALL), *rows, last=DAY))

    shaped = lists_of(archive)[0]["meetings"][DAY]

    assert shaped.rows["id"].to_pylist() == [OTHER_CALL]
    assert in_order(shaped) == [
        (rule, number, sent(rows[number - 1])) for number, (_, rule) in enumerate(BROKEN_CALLS, 1)
    ]
    assert {row["document_id"] for row in shaped.quarantined.to_pylist()} == {"call_records-1"}
    assert {row["subject"] for row in shaped.quarantined.to_pylist() if "impossible" in row["rule"]} == {
        row["id"] for row, (_, rule) in zip(rows, BROKEN_CALLS, strict=True) if "impossible" in rule
    }


BROKEN_REPORTS: list[tuple[Any, str]] = [
    (listed(id=7), "wrong_type.id"),
    (listed(totalParticipantCount="2"), "wrong_type.totalParticipantCount"),
    (listed(totalParticipantCount=2.5), "wrong_type.totalParticipantCount"),
    (listed(totalParticipantCount=2**31), "wrong_type.totalParticipantCount"),
    (listed(totalParticipantCount=-1), "too_small.total_participant_count"),
    (listed(meetingEndDateTime=None), "missing_field.meetingEndDateTime"),
    (listed(meetingStartDateTime=...), "missing_field.meetingStartDateTime"),
    (listed(meetingStartDateTime="soon"), "wrong_type.meetingStartDateTime"),
    (listed(meetingStartDateTime="2026-03-10T10:00:00.766Z"), "ends_before_it_starts"),
    (listed(meetingStartDateTime="1899-12-31T23:59:59.999Z"), "impossible_time.meeting_start_time"),
    (listed(externalEventInformation="e1"), "wrong_type.externalEventInformation"),
]


def test_a_broken_row_of_a_list_of_reports_is_quarantined_and_the_others_land(archive: Archive) -> None:
    rows = [numbered(row, number) for number, (row, _) in enumerate(BROKEN_REPORTS)]
    keep(archive, *found()[:2], reports(listed(id=OTHER_REPORT), *rows, last=DAY))

    shaped = lists_of(archive)[0]["attendance_reports"][DAY]

    assert shaped.rows["report_id"].to_pylist() == [OTHER_REPORT]
    assert in_order(shaped) == [
        (rule, number, sent(rows[number - 1])) for number, (_, rule) in enumerate(BROKEN_REPORTS, 1)
    ]


@pytest.mark.parametrize("value", [..., None, ""])
def test_a_listed_report_without_an_id_is_quarantined(archive: Archive, value: object) -> None:
    keep(archive, *found()[:2], reports(listed(id=OTHER_REPORT), listed(id=value)))

    assert [row["report_id"] for row in reports_of(archive)] == [OTHER_REPORT]
    assert len(rules_of_list(archive, "attendance_reports")) == 1


BROKEN_PLANS: list[tuple[Any, str]] = [
    (planned(id=...), "missing_field.id"),
    (planned(start=None), "wrong_type.start"),
    (planned(start={"dateTime": "soon", "timeZone": "UTC"}), "wrong_type.start"),
    (planned(end={"timeZone": "UTC"}), "missing_field.dateTime"),
    (planned(isOrganizer="yes"), "wrong_type.isOrganizer"),
    (planned(onlineMeeting=[URL]), "wrong_type.onlineMeeting"),
]


def test_a_broken_row_of_a_calendar_is_quarantined_and_the_others_land(archive: Archive) -> None:
    rows = [numbered(row, number) for number, (row, _) in enumerate(BROKEN_PLANS)]
    keep(archive, calendar(planned(id="fine"), *rows, first=DAY, last=DAY))

    shaped = lists_of(archive)[0]["meetings"][DAY]

    assert shaped.rows["id"].to_pylist() == ["fine"]
    assert in_order(shaped) == [
        (rule, number, sent(rows[number - 1])) for number, (_, rule) in enumerate(BROKEN_PLANS, 1)
    ]


BROKEN_SESSIONS: list[tuple[Any, str]] = [
    (session(id=...), "missing_field.id"),
    (session(startDateTime="soon"), "missing_field.startDateTime"),
    (session(startDateTime=5), "wrong_type.startDateTime"),
    (session(joinWebUrl=5), "wrong_type.joinWebUrl"),
]


def test_a_broken_session_is_quarantined_and_the_others_land(archive: Archive) -> None:
    rows = [numbered(row, number) for number, (row, _) in enumerate(BROKEN_SESSIONS)]
    keep(archive, sessions(session(id="fine"), *rows, first=DAY, last=DAY))

    shaped = lists_of(archive)[0]["meetings"][DAY]

    assert shaped.rows["session_id"].to_pylist() == ["fine"]
    assert in_order(shaped) == [
        (rule, number, sent(rows[number - 1])) for number, (_, rule) in enumerate(BROKEN_SESSIONS, 1)
    ]


@pytest.mark.parametrize(
    "document", [calendar(planned(subject=7)), sessions(session(subject=7))], ids=["calendar", "sessions"]
)
def test_a_broken_row_is_quarantined_on_the_date_on_which_its_meeting_ended(
    archive: Archive, document: Document
) -> None:
    """Lists reach a day further than what was asked for, so nobody sees the row where it counts for the last day."""
    keep(archive, document)

    assert rules_of_list(archive, "meetings") == ["wrong_type.subject"]


BROKEN_RECORDS: list[tuple[Any, str]] = [
    (record(id=7), "wrong_type.id"),
    (record(emailAddress=["a@b"]), "wrong_type.emailAddress"),
    (record(totalAttendanceInSeconds="3600"), "wrong_type.totalAttendanceInSeconds"),
    (record(totalAttendanceInSeconds=3600.5), "wrong_type.totalAttendanceInSeconds"),
    (record(totalAttendanceInSeconds=2**31), "wrong_type.totalAttendanceInSeconds"),
    (record(totalAttendanceInSeconds=-1), "too_small.total_attendance_in_seconds"),
    (record(identity="Ida"), "wrong_type.identity"),
    (record(identity={"displayName": 7}), "wrong_type.identity.displayName"),
    (record(attendanceIntervals={}), "wrong_type.attendanceIntervals"),
    (record(attendanceIntervals=[interval(joinDateTime="soon")]), "wrong_type.attendanceIntervals"),
    (record(attendanceIntervals=[interval(joinDateTime=5)]), "wrong_type.attendanceIntervals"),
    (record(attendanceIntervals=[interval(durationInSeconds="1")]), "wrong_type.attendanceIntervals"),
    (record(attendanceIntervals=[None]), "wrong_type.attendanceIntervals"),
    (record(engagements=[{"dateTime": "soon"}]), "wrong_type.engagements"),
    (
        record(attendanceIntervals=[interval(), interval(joinDateTime="2026-03-10T10:00:00.000001Z")]),
        "interval_ends_before_it_begins",
    ),
    (record(attendanceIntervals=[interval(durationInSeconds=-1)]), "interval_of_negative_duration"),
    (
        record(attendanceIntervals=[interval(joinDateTime="1899-12-31T23:59:59.9999999Z")]),
        "impossible_time.attendance_intervals,impossible_time.first_join_time",
    ),
    (
        record(attendanceIntervals=[interval(leaveDateTime="2200-01-01T00:00:01Z")]),
        "impossible_time.attendance_intervals",
    ),
    (
        record(attendanceIntervals=[interval(leaveDateTime="9999-12-31T23:59:59.9999999Z")]),
        "impossible_time.attendance_intervals",
    ),
    (record(engagements=[{"dateTime": "0001-01-01T00:00:00Z"}]), "impossible_time.engagements"),
]


def test_a_broken_record_is_quarantined_as_it_was_sent_and_the_others_land(archive: Archive) -> None:
    rows = [numbered(row, number) for number, (row, _) in enumerate(BROKEN_RECORDS)]
    keep(archive, records(anonymous(), *rows))

    shaped = attendance_of(archive)

    assert shaped[RECORDS].rows["identity_display_name"].to_pylist() == ["Bo"]
    assert in_order(shaped[RECORDS]) == [
        (rule, number, sent(rows[number - 1])) for number, (_, rule) in enumerate(BROKEN_RECORDS, 1)
    ]
    reading = reading_of(shaped)
    assert (reading["status"], reading["rows_quarantined"]) == ("partial", len(rows))
    assert reading["reason"] == f"{len(rows)} of {len(rows) + 1} not held, {len(rows)} rows in quarantine"


def test_the_last_and_the_first_year_of_a_meeting_land(archive: Archive) -> None:
    spans = [("1900-01-01T00:00:00Z", "1900-01-01T01:00:00Z"), ("2199-12-31T22:00:00Z", "2200-01-01T00:00:00Z")]
    keep(
        archive,
        records(
            *(
                record(id=begin, attendanceIntervals=[interval(joinDateTime=begin, leaveDateTime=end)])
                for begin, end in spans
            )
        ),
    )

    assert [row["first_join_time"] for row in landed(archive, RECORDS)] == [utc(begin) for begin, _ in spans]


BROKEN_REGISTRATIONS: list[tuple[Any, str]] = [
    (registered(id=...), "missing_field.id"),
    (registered(id=None), "wrong_type.id"),
    (registered(id=""), "str_length.registration_id"),
    (registered(registrationDateTime="soon"), "wrong_type.registrationDateTime"),
    (registered(id="r2", registrationQuestionAnswers="Yes"), "wrong_type.registrationQuestionAnswers"),
    (registered(id="r3", cancelationDateTime="1899-01-01T00:00:00"), "impossible_time.cancelation_date_time"),
]


def test_a_broken_registration_is_quarantined_and_the_others_land(archive: Archive) -> None:
    rows = [row for row, _ in BROKEN_REGISTRATIONS]
    keep(archive, registrations(registered(id="fine"), *rows))

    shaped = attendance_of(archive, WEBINAR)

    assert shaped["registrations"].rows["registration_id"].to_pylist() == ["fine"]
    assert in_order(shaped["registrations"]) == [
        (rule, number, sent(row)) for number, (row, rule) in enumerate(BROKEN_REGISTRATIONS, 1)
    ]
    assert reading_of(shaped, "registrations")["status"] == "partial"


BROKEN_LINES: list[tuple[Any, str]] = [
    (line("s2", at="2026-03-10T09:48:08Z"), "wrong_type.utc_event_timestamp"),
    (line("s2", at="25/1/2022 4:48:08 PM"), "wrong_type.utc_event_timestamp"),
    (line("s2", at="1/25/2022 16:48:08"), "wrong_type.utc_event_timestamp"),
    (line("s2", at=""), "wrong_type.utc_event_timestamp"),
    (line("s2", at="1/25/1822 4:48:08 PM"), "impossible_time.utc_event_timestamp"),
    (line("s2", action="Kicked"), "wrong_type.action"),
    ("s2,,Bo", "missing_field.utc_event_timestamp"),
    ("s2,,Lund, Ida,UA,3/10/2026 9:48:08 AM,Joined", "wrong_type.utc_event_timestamp"),
]


def test_a_broken_line_of_an_attendee_report_is_quarantined_and_the_others_land(archive: Archive) -> None:
    keep(archive, attendee_report(line(), *(row for row, _ in BROKEN_LINES), line(action="Left")))

    shaped = attendance_of(archive, LIVE)

    assert shaped["attendee_events"].rows["action"].to_pylist() == ["Joined", "Left"]
    assert in_order(shaped["attendee_events"]) == [
        (rule, number, row.encode()) for number, (row, rule) in enumerate(BROKEN_LINES, 1)
    ]
    assert reading_of(shaped, "attendee_events")["status"] == "partial"


def test_a_line_without_a_session_is_quarantined(archive: Archive) -> None:
    keep(archive, attendee_report(line(), line("")))

    assert len(rules(attendance_of(archive, LIVE)["attendee_events"])) == 1


def test_what_is_quoted_in_an_attendee_report_is_one_field_and_anonymous_people_have_no_id(archive: Archive) -> None:
    keep(archive, attendee_report(line(name='"Lund, Ida"'), line("s2", name='"Bo ""B"" Ek"'), line("s3", name="")))

    rows = landed(archive, "attendee_events", LIVE)

    assert sorted(row["full_name"] for row in rows) == ["", 'Bo "B" Ek', "Lund, Ida"]
    assert {row["participant_id"] for row in rows} == {""}


@pytest.mark.parametrize("body", [b"", f"{HEADER}\r\n".encode(), f"\ufeff{HEADER}\n".encode()])
def test_an_attendee_report_without_lines_is_one_of_nobody(archive: Archive, body: bytes) -> None:
    keep(archive, about("attendee_events", body))

    shaped = attendance_of(archive, LIVE)

    assert (shaped["attendee_events"].rows.num_rows, rules(shaped["attendee_events"])) == (0, [])
    assert reading_of(shaped, "attendee_events")["status"] == "complete"


@pytest.mark.parametrize(
    ("kind", "body", "table"),
    [
        ("attendee_events", f"{HEADER}\r\n{line(name='Jürgen')}\r\n".encode("latin-1"), "attendee_events"),
        ("attendee_events", f"{HEADER}\r\n{line()}\r\n".encode("utf-16"), "attendee_events"),
        (RECORDS, b"<html>", RECORDS),
        (RECORDS, b'{"value":[', RECORDS),
        ("registrations", b"", "registrations"),
    ],
)
def test_a_document_that_cannot_be_read_is_quarantined_whole(
    archive: Archive, kind: str, body: bytes, table: str
) -> None:
    keep(archive, about(kind, body))

    shaped = attendance_of(archive, LIVE if kind == "attendee_events" else WEBINAR)

    assert [(one["rule"], one["row"]) for one in shaped[table].quarantined.to_pylist()] == [
        ("unreadable_document", body)
    ]
    assert reading_of(shaped, table)["status"] == "partial"


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b'{"totalParticipantCount":"2"}'],
)
@pytest.mark.parametrize("kind", ["attendance_report", "latest_report"])
def test_a_report_that_cannot_be_read_is_quarantined_whole(archive: Archive, kind: str, body: bytes) -> None:
    keep(archive, about(kind, body), records(anonymous(), report=OTHER_REPORT))

    shaped = attendance_of(archive, a_meeting(), a_meeting(OTHER_REPORT))

    assert reading_of(shaped, meeting=OTHER_REPORT)["status"] == "complete"
    assert reading_of(shaped)["status"] == "partial"


@pytest.mark.parametrize(
    "count",
    [
        2**31,
        -(2**31) - 1,
        pytest.param(2**63),
    ],
)
def test_a_count_that_no_column_holds_stops_no_other_meeting(archive: Archive, count: int) -> None:
    keep(archive, records(anonymous(), total=count), records(anonymous(), report=OTHER_REPORT))

    shaped = attendance_of(archive, a_meeting(), a_meeting(OTHER_REPORT))

    assert reading_of(shaped, meeting=OTHER_REPORT)["status"] == "complete"


def test_when_nothing_has_the_documented_format_nothing_is_replaced(archive: Archive) -> None:
    keep(archive, records(*(record(id=7, emailAddress=str(number)) for number in range(10))))

    with pytest.raises(SchemaDriftError, match=r"teams/attendance_records: .*wrong_type\.id"):
        attendance_of(archive)


def test_fields_that_nobody_knows_are_reported_by_table_and_their_rows_land(archive: Archive) -> None:
    keep(
        archive,
        calls(call(mood="fine")),
        calendar(planned(colour="red")),
        lookup(online(aura=1)),
        reports(listed(aiScore=3)),
        records(record(sentiment=1), anonymous()),
        registrations(registered(diet="vegan")),
        attendee_report(f"{line()},x", header=f"{HEADER},Device"),
    )

    lists, unknown = lists_of(archive)
    shaped, unknown_of_reports = shaped_of(archive, WEBINAR)

    assert unknown == {"meetings": {"mood", "colour"}, "attendance_reports": {"aiScore"}}
    assert unknown_of_reports == {
        RECORDS: {"sentiment"},
        "registrations": {"diet"},
        "attendee_events": {"Device"},
        "recordings": set(),
    }
    assert (lists["meetings"][DAY].rows.num_rows, lists["attendance_reports"][DAY].rows.num_rows) == (2, 1)
    assert [shaped[table].rows.num_rows for table in (RECORDS, "registrations", "attendee_events")] == [2, 1, 1]


def test_annotations_that_any_row_may_have_are_known(archive: Archive) -> None:
    said = {"@odata.type": "#x", "@odata.etag": "W/1", "@odata.context": "https://graph.microsoft.com/v1.0/$metadata"}
    keep(
        archive,
        calls(call(**said)),
        calendar(planned(**said)),
        lookup(online(**said)),
        reports(listed(**said)),
        records(record(**said)),
    )

    assert lists_of(archive)[1] == {"meetings": set(), "attendance_reports": set()}
    assert set().union(*shaped_of(archive)[1].values()) == set()


# Who is who.


def test_people_are_told_apart_by_whatever_graph_says_of_them(archive: Archive) -> None:
    later = [interval(joinDateTime="2026-03-10T09:30:00Z", durationInSeconds=1800)]
    people = [
        record(),
        record(id=OMAR, identity={"id": OMAR, "displayName": "Ida Lund", "tenantId": TENANT}),
        record(id=None),
        record(id=..., identity=None),
        record(id="", emailAddress="", identity={"@odata.type": "#microsoft.graph.communicationsGuestIdentity"}),
        anonymous(),
        anonymous(attendanceIntervals=later, totalAttendanceInSeconds=1800),
        anonymous(emailAddress=None),
        anonymous(identity={"displayName": "Vera"}),
        anonymous(identity=None),
        anonymous(registrationId="r1"),
        anonymous(registrationId="r2"),
    ]
    keep(archive, records(*people))

    shaped = attendance_of(archive)

    assert (shaped[RECORDS].rows.num_rows, rules(shaped[RECORDS])) == (len(people), [])
    assert reading_of(shaped)["status"] == "complete"


def test_who_somebody_is_is_read_with_and_without_its_type(archive: Archive) -> None:
    kinds = [
        None,
        "#microsoft.graph.identity",
        "#microsoft.graph.communicationsUserIdentity",
        "#microsoft.graph.azureCommunicationServicesUserIdentity",
        "#microsoft.graph.communicationsPhoneIdentity",
        "#microsoft.graph.somethingNewIdentity",
    ]
    identity = {"id": OMAR, "displayName": "Omar Rao", "tenantId": "t2"}
    typed = [identity | ({"@odata.type": kind} if kind else {}) for kind in kinds]
    keep(archive, records(*(record(id=str(number), identity=said) for number, said in enumerate(typed))))

    rows = landed(archive, RECORDS)

    assert {(row["identity_id"], row["identity_display_name"], row["identity_tenant_id"]) for row in rows} == {
        (OMAR, "Omar Rao", "t2")
    }
    assert [row["identity_type"] for row in sorted(rows, key=lambda row: row["record_id"])] == kinds


def test_a_record_that_comes_again_word_for_word_is_held_once_and_still_counts_once(archive: Archive) -> None:
    keep(
        archive,
        page_of_records(record(), anonymous(), last=False),
        page_of_records(anonymous(), record(id=OMAR), page=2),
    )

    shaped = attendance_of(archive, count=3)

    assert (shaped[RECORDS].rows.num_rows, shaped[RECORDS].duplicates, rules(shaped[RECORDS])) == (3, 1, [])
    assert (reading_of(shaped)["status"], reading_of(shaped)["rows_held"]) == ("complete", 3)


def test_records_that_contradict_each_other_are_told_and_no_others(archive: Archive) -> None:
    keep(archive, records(record(), record(role="Attendee"), record(totalAttendanceInSeconds=1), anonymous()))

    shaped = attendance_of(archive)

    assert shaped[RECORDS].rows.num_rows == 3
    assert [(one["rule"], one["position"]) for one in shaped[RECORDS].quarantined.to_pylist()] == [
        ("conflicting_duplicate", 0)
    ] or rules(shaped[RECORDS]) == ["conflicting_duplicate"]


def test_a_registration_that_comes_again_is_held_once_and_of_two_reports_twice(archive: Archive) -> None:
    keep(
        archive,
        registrations(registered(), last=False),
        registrations(registered(), registered(id="r2"), page=2),
        registrations(registered(), report=OTHER_REPORT),
    )

    shaped = attendance_of(archive, WEBINAR, a_meeting(OTHER_REPORT, kind="webinar"))

    rows = shaped["registrations"].rows.to_pylist()
    assert sorted((row["report_id"], row["registration_id"]) for row in rows) == sorted(
        [(REPORT, "r1"), (REPORT, "r2"), (OTHER_REPORT, "r1")]
    )
    assert rules(shaped["registrations"]) == []


@pytest.mark.parametrize("event_id", [EVENT, TOWN_HALL])
def test_registrations_know_the_event_they_were_asked_for_by(archive: Archive, event_id: str) -> None:
    keep(archive, registrations(registered(), event_id=event_id))

    assert [row["event_id"] for row in landed(archive, "registrations", WEBINAR)] == [event_id]


def test_the_same_moment_of_two_browsers_is_two_lines_and_of_one_is_one(archive: Archive) -> None:
    keep(archive, attendee_report(line(), line("s2"), line(), line(action="Left")))

    shaped = attendance_of(archive, LIVE)["attendee_events"]

    assert (shaped.rows.num_rows, shaped.duplicates, rules(shaped)) == (3, 1, [])


# What became of reading a report.


def test_a_reading_is_partial_when_fewer_came_than_the_report_counts(archive: Archive) -> None:
    keep(archive, records(record(), total=3))

    for count in (None, 2, 3):
        reading = reading_of(attendance_of(archive, count=count))
        assert (reading["status"], reading["vendor_count"], reading["rows_held"]) == ("partial", 3, 1)
        assert reading["reason"] == "2 of 3 not held, 0 rows in quarantine"
    assert reading_of(attendance_of(archive, count=4))["vendor_count"] == 4


def test_records_that_were_asked_for_page_by_page_replace_those_in_the_report(archive: Archive) -> None:
    keep(
        archive,
        records(record(), total=3, last=False),
        page_of_records(record(), anonymous(), number=2, last=False),
        page_of_records(record(id=OMAR), number=2, page=2),
    )

    shaped = attendance_of(archive, count=3)

    assert shaped[RECORDS].rows.num_rows == 3
    assert set(shaped[RECORDS].rows["document_id"].to_pylist()) == {
        f"{RECORDS}-{REPORT}-2-1",
        f"{RECORDS}-{REPORT}-2-2",
    }
    assert (reading_of(shaped)["status"], reading_of(shaped)["document_id"]) == (
        "complete",
        f"{RECORDS}-{REPORT}-2-1",
    )


def test_the_report_alone_counts_until_its_pages_have_come(archive: Archive) -> None:
    keep(
        archive,
        records(record(), total=3, last=False),
        about(RECORDS, b"{}", number=2, outcome="blocked", reason="400"),
    )

    shaped = attendance_of(archive, count=3)

    assert shaped[RECORDS].rows.num_rows == 1
    assert reading_of(shaped)["status"] == "partial"
    assert reading_of(shaped)["reason"] == "only the first 1 pages were read; 400, tried 1 times"


def test_every_report_about_every_meeting_has_one_reading(archive: Archive) -> None:
    """Whatever came of it, and whether anything was asked or not; what a meeting can't have has none."""
    ids = {name: f"report-{name}" for name in ("read", "early", "denied", "gone", "blocked", "unread")}
    keep(
        archive,
        records(record(), report=ids["read"]),
        records(report=ids["early"], outcome="not_ready", reason="outage 500"),
        about("attendance_report", b"{}", report=ids["denied"], outcome="denied", reason="3003, not its organizer"),
        about(RECORDS, b"{}", report=ids["gone"], outcome="gone", reason="404"),
        about("latest_report", b"{}", report=ids["blocked"], outcome="blocked", reason="400 BadRequest"),
    )

    shaped = attendance_of(archive, *map(a_meeting, ids.values()))

    rows = shaped["readings"].rows.to_pylist()
    assert [(row["meeting_id"], row["report"]) for row in rows] == [(one, RECORDS) for one in sorted(ids.values())]
    assert {row["meeting_id"]: (row["status"], row["reason"], row["settled"]) for row in rows} == {
        ids["read"]: ("complete", None, True),
        ids["early"]: ("not_ready", "outage 500, tried 1 times", False),
        ids["denied"]: ("denied", "3003, not its organizer, tried 1 times", False),
        ids["gone"]: ("gone", "404, tried 1 times", True),
        ids["blocked"]: ("blocked", "400 BadRequest, tried 1 times", False),
        ids["unread"]: ("not_ready", "not read yet", False),
    }


def test_a_live_event_has_its_recordings_and_a_webinar_its_registrations_as_reports_of_their_own(
    archive: Archive,
) -> None:
    webinar, live = a_meeting("w", kind="webinar", count=2), a_meeting("l", kind="live_event", count=2)
    hall = a_meeting("t", kind="town_hall", home=TOWN_HALL_HOME)
    keep(
        archive,
        records(record(), report="w"),
        registrations(registered(), report="w"),
        attendee_report(line(), report="l"),
        about("recording", {"isAvailable": True}, report="l", last=False),
        about("alternative_recording", {"isAvailable": False}, report="l", page=2),
    )

    rows = attendance_of(archive, webinar, live, hall)["readings"].rows.to_pylist()

    assert [(row["meeting_id"], row["report"], row["status"], row["vendor_count"]) for row in rows] == [
        ("l", "attendee_events", "partial", 2),
        ("l", "recordings", "complete", None),
        ("t", RECORDS, "not_ready", None),
        ("w", RECORDS, "partial", 2),
        ("w", "registrations", "complete", None),
    ]


def test_what_to_read_comes_out_of_the_table_as_it_is_to_be_read(archive: Archive) -> None:
    keep(
        archive,
        *found(),
        events(event(), event(id=TOWN_HALL), number=2),
        events(event(id=TOWN_HALL), route="town_halls"),
        sessions(session(joinWebUrl="w")),
        sessions(session(joinWebUrl="t"), of=TOWN_HALL),
        reports(listed(id="w"), home=SESSION_HOME, number=2),
        reports(listed(id="t"), home=TOWN_HALL_HOME, number=3),
        calls(call(id=OTHER_CALL, joinWebUrl=OTHER_URL), number=2),
        lookup(online(id=OTHER_ONLINE, isBroadcast=True, meetingType=None), url=OTHER_URL, number=2),
        live_event(online(id=OTHER_ONLINE), home=Home("", IDA, OTHER_ONLINE)),
    )

    meetings = {one.id: one for one in shaping.meetings(lists_of(archive)[0]["attendance_reports"][DAY].rows)}

    assert {name: (one.kind, one.home, one.vendor_count) for name, one in meetings.items()} == {
        REPORT: ("meeting", MEETING_HOME, 2),
        "w": ("webinar", SESSION_HOME, 2),
        "t": ("town_hall", TOWN_HALL_HOME, 2),
        OTHER_ONLINE: ("live_event", Home("", IDA, OTHER_ONLINE), None),
    }
    assert {name: {report for report in Teams.reports if one.has(report)} for name, one in meetings.items()} == {
        REPORT: {RECORDS},
        "w": {RECORDS, "registrations"},
        "t": {RECORDS, "registrations"},
        OTHER_ONLINE: {"attendee_events", "recordings"},
    }
    assert {report: meetings["w"].expected(report) for report in Teams.reports} == {
        RECORDS: 2,
        "registrations": None,
        "attendee_events": 2,
        "recordings": None,
    }


# Who named a meeting, and what became of finding its report.


def test_each_route_that_named_a_meeting_is_told_and_its_report_lands_once(archive: Archive) -> None:
    keep(archive, *found(), calendar(planned()))

    assert report_of(archive)["found_by"] == "calendar,call_records"
    assert [(row["route"], row["status"], row["report_id"]) for row in meetings_of(archive)] == [
        ("calendar", "found", REPORT),
        ("call_records", "found", REPORT),
    ]
    assert unreported_of(archive) == []


def test_a_report_that_no_route_named_lands_with_what_its_online_meeting_says(archive: Archive) -> None:
    early = {"meetingStartDateTime": "2026-03-10T06:00:00Z", "meetingEndDateTime": "2026-03-10T06:10:00Z"}
    keep(archive, *found()[:2], reports(listed(), listed(id=OTHER_REPORT, **early)))

    rows = {row["report_id"]: row for row in reports_of(archive)}

    assert {name: row["found_by"] for name, row in rows.items()} == {REPORT: "call_records", OTHER_REPORT: ""}
    assert {row["subject"] for row in rows.values()} == {"Review of the week"}
    assert {row["organizer_id"] for row in rows.values()} == {IDA}


def test_a_webinars_call_record_and_calendar_event_lead_to_its_session(archive: Archive) -> None:
    keep(
        archive,
        events(event()),
        sessions(session(joinWebUrl=URL)),
        calls(call()),
        calendar(planned()),
        lookup(outcome="not_ready", reason="no online meeting of its organizer has its join URL"),
        reports(listed(), home=SESSION_HOME),
    )

    assert report_of(archive)["found_by"] == "calendar,call_records,webinars"
    assert {(row["route"], row["kind"], row["status"]) for row in meetings_of(archive)} == {
        ("calendar", "webinar", "found"),
        ("call_records", "webinar", "found"),
        ("webinars", "webinar", "found"),
    }
    assert unreported_of(archive) == []


def test_of_a_call_record_the_highest_version_counts_in_whatever_order_they_came(tmp_path: Path) -> None:
    versions = [
        calls(call(version=number, endDateTime=f"2026-03-10T10:0{number}:00Z"), number=number) for number in (1, 2, 3)
    ]
    for number, order in enumerate(permutations(versions)):
        archive = Archive(tmp_path / str(number), "teams")
        keep(archive, *order)

        row = meeting_of(archive)

        assert (row["version"], row["end_time"], row["document_id"]) == (
            3,
            utc("2026-03-10T10:03:00Z"),
            "call_records-3",
        )


def test_the_list_beats_the_latest_report_in_whatever_order_they_came(tmp_path: Path) -> None:
    of_list = reports(listed())
    for number, last in enumerate([listed(), listed(id=None), listed(id=OTHER_REPORT)]):
        for order in permutations([of_list, latest(last)]):
            archive = Archive(tmp_path / f"{number}{order[0].kind}", "teams")
            keep(archive, *found()[:2], *order)

            assert [(row["report_id"], row["source"]) for row in reports_of(archive)] == [(REPORT, "list")]


def test_the_latest_report_lands_beside_those_of_other_sessions(archive: Archive) -> None:
    early = {"meetingStartDateTime": "2026-03-10T06:00:00Z", "meetingEndDateTime": "2026-03-10T06:10:00Z"}
    keep(archive, *found()[:2], reports(listed(id=OTHER_REPORT, **early)), latest(listed(id=None)))

    listed_one, latest_one = sorted(reports_of(archive), key=lambda row: row["source"], reverse=True)
    assert (listed_one["report_id"], listed_one["source"]) == (OTHER_REPORT, "list")
    assert re.fullmatch(r"latest-[0-9a-f]{16}-20260310T085841", latest_one["report_id"])


def test_the_latest_report_without_times_has_those_of_its_records(archive: Archive) -> None:
    bare = {"totalParticipantCount": 1, "attendanceRecords": [record()]}
    keep(archive, *found()[:2], reports(), latest(bare))

    row = report_of(archive)

    assert (row["meeting_start_time"], row["meeting_end_time"]) == (
        utc("2026-03-10T09:00:00Z"),
        utc("2026-03-10T10:00:00Z"),
    )
    assert row["total_participant_count"] == 1


def test_latest_reports_without_an_id_of_two_meetings_are_two(archive: Archive) -> None:
    keep(
        archive,
        *found()[:2],
        calls(call(id=OTHER_CALL, joinWebUrl=OTHER_URL, organizer_v2={"identity": user(OMAR)}), number=2),
        lookup(online(id=OTHER_ONLINE), organizer=OMAR, url=OTHER_URL, number=2),
        latest(listed(id=None)),
        latest(listed(id=None, meetingStartDateTime="2026-03-10T08:58:41.9Z"), home=OTHER_HOME, number=2),
    )

    assert {row["organizer_id"] for row in reports_of(archive)} == {IDA, OMAR}


def test_a_broken_record_in_the_latest_report_hides_no_meeting(archive: Archive) -> None:
    keep(archive, *found()[:2], reports(), latest(listed(attendanceRecords=[record(), record(role=7)])))

    assert [row["report_id"] for row in reports_of(archive)] == [REPORT]


def test_a_report_that_a_channels_two_meetings_list_lands_once_where_it_belongs(tmp_path: Path) -> None:
    """Each meeting of a channel lists the reports of all of them."""
    noon = {"meetingStartDateTime": "2026-03-10T12:00:00Z", "meetingEndDateTime": "2026-03-10T13:00:00Z"}
    documents = [
        *found()[:2],
        calls(
            call(
                id=OTHER_CALL,
                joinWebUrl=OTHER_URL,
                organizer_v2={"identity": user(OMAR)},
                startDateTime="2026-03-10T12:00:05Z",
                endDateTime="2026-03-10T13:00:00Z",
            ),
            number=2,
        ),
        lookup(online(id=OTHER_ONLINE, subject="Retro"), organizer=OMAR, url=OTHER_URL, number=2),
        reports(listed(), listed(id=OTHER_REPORT, **noon)),
        reports(listed(id=OTHER_REPORT, **noon), listed(), home=OTHER_HOME, number=2),
    ]
    for number, order in enumerate((documents, documents[::-1])):
        archive = Archive(tmp_path / str(number), "teams")
        keep(archive, *order)

        rows = {row["report_id"]: row for row in reports_of(archive)}

        assert {name: (row["organizer_id"], row["subject"]) for name, row in rows.items()} == {
            REPORT: (IDA, "Review of the week"),
            OTHER_REPORT: (OMAR, "Retro"),
        }
        assert {row["id"]: row["report_id"] for row in meetings_of(archive)} == {
            CALL: REPORT,
            OTHER_CALL: OTHER_REPORT,
        }


def test_an_events_report_is_its_sessions_though_an_online_meeting_lists_it_too(archive: Archive) -> None:
    keep(
        archive,
        events(event()),
        sessions(session()),
        *found()[:2],
        reports(listed()),
        reports(listed(), home=SESSION_HOME, number=2),
    )

    row = report_of(archive)

    assert (row["kind"], row["event_id"], row["document_id"]) == ("webinar", EVENT, "attendance_reports-2")


def test_reports_of_other_dates_that_a_list_names_land_when_those_dates_do(archive: Archive) -> None:
    early = DAY - timedelta(days=8)
    old = {"meetingStartDateTime": f"{early}T09:00:00Z", "meetingEndDateTime": f"{early}T10:00:00Z"}
    keep(archive, *found()[:2], reports(listed(), listed(id=OTHER_REPORT, **old), first=early))

    assert [row["report_id"] for row in reports_of(archive)] == [REPORT]
    assert [row["report_id"] for row in reports_of(archive, early)] == [OTHER_REPORT]
    assert [row["report_id"] for row in reports_of(archive, early, DAY)] == [OTHER_REPORT, REPORT]


def test_a_report_of_another_date_is_the_same_row_with_whichever_dates_it_is_shaped(archive: Archive) -> None:
    early = DAY - timedelta(days=8)
    old = {"meetingStartDateTime": f"{early}T09:00:00Z", "meetingEndDateTime": f"{early}T10:00:00Z"}
    keep(archive, *found()[:2], reports(listed(), listed(id=OTHER_REPORT, **old), first=early))

    (alone,) = reports_of(archive, early)
    together = next(row for row in reports_of(archive, early, DAY) if row["report_id"] == OTHER_REPORT)

    assert (alone["subject"], alone["meeting_type"]) == ("Review of the week", "scheduled")
    assert alone == together


def test_a_live_event_is_one_meeting_however_often_it_was_begun(archive: Archive) -> None:
    again = {"startDateTime": "2026-03-10T10:05:00Z", "endDateTime": "2026-03-10T11:30:00.5Z"}
    keep(
        archive,
        calls(call(), call(id=OTHER_CALL, **again)),
        calendar(planned()),
        lookup(BROADCAST),
        live_event(BROADCAST),
    )

    row = report_of(archive)

    assert (row["report_id"], row["kind"], row["found_by"]) == (ONLINE, "live_event", "calendar,call_records")
    assert (row["meeting_start_time"], row["meeting_end_time"]) == (
        utc("2026-03-10T09:00:05.123456Z"),
        utc("2026-03-10T11:30:00.5Z"),
    )
    assert {one["report_id"] for one in meetings_of(archive)} == {ONLINE}


def test_a_live_event_without_a_call_record_took_place_as_planned(archive: Archive) -> None:
    keep(archive, calendar(planned()), lookup(BROADCAST), live_event(BROADCAST))

    row = report_of(archive)

    assert (row["meeting_start_time"], row["meeting_end_time"]) == (
        utc("2026-03-10T09:00:00Z"),
        utc("2026-03-10T10:00:00Z"),
    )


NO_POLICY = {"outcome": "denied", "reason": "no application access policy for its organizer"}


@pytest.mark.parametrize(
    ("documents", "status", "reason", "settled"),
    [
        ([calls(call())], "not_ready", "not asked for yet", False),
        ([calls(call(joinWebUrl=""))], "blocked", "an ad-hoc call without a join URL", True),
        ([calls(call(joinWebUrl=None))], "blocked", "an ad-hoc call without a join URL", True),
        (
            [calls(call(organizer_v2={"identity": {"phone": {"id": "+1"}, "user": None}}))],
            "blocked",
            "nobody of a directory organized it",
            True,
        ),
        ([calls(call(organizer_v2=None))], "blocked", "nobody of a directory organized it", True),
        (
            [calls(call(organizer_v2={"identity": user(tenantId="e1dd4023-a656-480a-8a0e-c1b1eec51e1d")}))],
            "denied",
            "organized by somebody of another tenant",
            True,
        ),
        ([calls(call()), lookup(**NO_POLICY)], "denied", "no application access policy for its organizer", False),
        ([calls(call()), lookup(outcome="gone", reason="60 days")], "gone", "60 days", True),
        (
            [calls(call()), lookup(online()), reports(at=NOON + timedelta(hours=3))],
            "not_ready",
            "no attendance report yet",
            False,
        ),
        ([calls(call()), lookup(online()), reports()], "gone", "no attendance report was made", True),
        (
            [calls(call()), lookup(online()), reports(outcome="blocked", reason="400 BadRequest")],
            "blocked",
            "400 BadRequest",
            False,
        ),
        ([sessions(session()), reports(home=SESSION_HOME)], "gone", "no attendance report was made", True),
        (
            [sessions(session()), reports(home=SESSION_HOME, outcome="denied", reason="403")],
            "denied",
            "403",
            False,
        ),
    ],
)
def test_a_meeting_without_a_report_has_a_reading_that_says_why(
    archive: Archive, documents: list[Document], status: str, reason: str, settled: bool
) -> None:
    keep(archive, *documents)

    lists, _ = lists_of(archive)
    (row,) = lists["meetings"][DAY].rows.to_pylist()
    (reading,) = unreported_of(archive)

    assert (row["status"], row["report_id"]) == (status, None)
    assert (reading["meeting_id"], reading["report"]) == (row["id"], "attendance_reports")
    assert (reading["status"], reading["settled"]) == (status, settled)
    assert row["reason"].startswith(reason)
    assert lists["attendance_reports"][DAY].rows.num_rows == 0


def test_a_call_between_two_people_is_no_meeting(archive: Archive) -> None:
    keep(archive, calls(call(type="peerToPeer")))

    assert meetings_of(archive) == unreported_of(archive) == []


def test_any_other_call_is_one(archive: Archive) -> None:
    kinds = {"c1": "unknown", "c2": "groupCall", "c3": "unknownFutureValue", "c4": None, "c5": "somethingNew"}
    keep(archive, calls(*(call(id=name, type=kind) for name, kind in kinds.items())), *found()[1:])

    assert {row["id"]: row["status"] for row in meetings_of(archive)} == dict.fromkeys(kinds, "found")


def test_what_was_only_planned_is_never_a_reading(archive: Archive) -> None:
    keep(archive, calendar(planned()), lookup(online()), reports())

    assert (meeting_of(archive)["status"], unreported_of(archive)) == ("not_held", [])


def test_what_a_call_record_says_took_place_has_one_reading_however_many_routes_named_it(archive: Archive) -> None:
    keep(archive, calendar(planned()), calls(call()), lookup(online()), reports())

    (reading,) = unreported_of(archive)

    assert (reading["meeting_id"], reading["status"]) == (CALL, "gone")
    assert {row["route"] for row in meetings_of(archive)} == {"calendar", "call_records"}


def test_a_calendar_names_what_its_user_is_to_hold_on_teams(archive: Archive) -> None:
    others = [
        planned(id="c1", isOrganizer=False),
        planned(id="c2", isCancelled=True),
        planned(id="c3", onlineMeeting=None, isOnlineMeeting=False),
        planned(id="c4", onlineMeeting={"joinUrl": None}),
        planned(id="c5", onlineMeetingProvider="skypeForBusiness"),
    ]
    keep(archive, calendar(*others, planned(id="held")))

    assert [one["id"] for one in meetings_of(archive)] == ["held"]


@pytest.mark.parametrize("status", ["draft", "canceled"])
def test_an_event_that_is_not_published_is_no_meeting(archive: Archive, status: str) -> None:
    keep(archive, events(event(status=status)), sessions(session()))

    assert meetings_of(archive) == unreported_of(archive) == []


def test_an_event_that_was_canceled_after_all_is_no_meeting_either(archive: Archive) -> None:
    keep(archive, events(event()), sessions(session()), events(event(status="canceled"), number=2))

    assert meetings_of(archive) == unreported_of(archive) == []


def test_a_session_without_a_report_has_one_reading_though_it_was_called_and_planned_too(archive: Archive) -> None:
    keep(
        archive,
        events(event()),
        sessions(session(joinWebUrl=URL)),
        calls(call()),
        calendar(planned()),
        reports(home=SESSION_HOME),
    )

    assert [row["status"] for row in unreported_of(archive)] == ["gone"]


@pytest.mark.parametrize("route", ["webinars", "town_halls"])
def test_a_broken_event_is_told(archive: Archive, route: str) -> None:
    """Its sessions are never asked for, so a whole webinar is missing."""
    keep(archive, events(event(displayName=7), route=route, first=DAY, last=DAY))

    assert rules_of_list(archive, "meetings") == ["wrong_type.displayName"]


def test_a_lookup_whose_answer_is_broken_says_so_and_is_not_due_for_ever(archive: Archive) -> None:
    keep(archive, calls(call()), lookup(online(subject=7)))

    routes = teams_documents.routes_of(archive)
    (named,) = routes.named.values()

    assert meeting_of(archive)["reason"] != "not asked for yet"
    assert not routes.due(named, Teams.timing, NOON + timedelta(days=5, hours=1))


def test_a_refused_list_names_nothing(archive: Archive) -> None:
    keep(
        archive,
        naming("call_records", b'{"error":{"code":"Forbidden"}}', outcome="denied"),
        calendar(outcome="gone"),
        naming("webinars", b"", outcome="gone"),
    )

    assert meetings_of(archive) == reports_of(archive) == []


def test_lookups_are_known_whatever_the_date_they_were_made_on(archive: Archive) -> None:
    later = DAY + timedelta(days=200)
    at = datetime(later.year, later.month, later.day, 12, tzinfo=UTC)
    keep(archive, lookup(online()))
    times = {"startDateTime": f"{later}T09:00:00Z", "endDateTime": f"{later}T10:00:00Z"}
    keep(archive, calls(call(**times), first=later, last=later, at=at))

    assert [row["online_meeting_id"] for row in meetings_of(archive, later)] == [ONLINE]


# The order of arrival.


def everything() -> list[Document]:
    """Documents of all kinds, some about the same, none of which says something newer of what another said."""
    early = {"meetingStartDateTime": "2026-03-10T06:00:00Z", "meetingEndDateTime": "2026-03-10T06:10:00Z"}
    return [
        calls(call(version=2), call(id=OTHER_CALL, joinWebUrl="")),
        calls(call(version=1, endDateTime="2026-03-10T09:30:00Z"), "broken", number=2, last=DAY),
        calendar(planned(), planned(id="c2", onlineMeeting={"joinUrl": OTHER_URL})),
        lookup(online()),
        lookup(url=OTHER_URL, outcome="gone", reason="60 days", number=2),
        reports(listed(), listed(id=OTHER_REPORT, **early)),
        latest(listed(id=None), number=2),
        events(event()),
        sessions(session(joinWebUrl="w")),
        reports(listed(id="w"), home=SESSION_HOME, number=2),
        calls(call(id="l", joinWebUrl="l"), number=3),
        lookup(BROADCAST | {"id": "live"}, url="l", number=3),
        live_event(BROADCAST | {"id": "live"}, home=Home("", IDA, "live")),
        records(record(), anonymous(), "broken", total=3),
        page_of_records(anonymous(), anonymous(), record(), report=OTHER_REPORT, last=False),
        page_of_records(record(), record(role="Attendee"), report=OTHER_REPORT, page=2),
        records(record(), report="w"),
        registrations(registered(), registered(id=""), report="w"),
        attendee_report(line(), line(action="Left"), line(at=""), report="live"),
        about("recording", {"isAvailable": True}, report="live", last=False),
        about("alternative_recording", {"isAvailable": False}, report="live", page=2),
    ]


def all_of(archive: Archive) -> dict[str, Shaped]:
    """Every table of the date, as a landing makes them."""
    routes = teams_documents.routes_of(archive)
    lists, _ = shaping.shape_lists(archive, [DAY], routes, Teams.timing)
    meetings = {one.id: one for one in shaping.meetings(lists["attendance_reports"][DAY].rows)}
    holds = {DAY: held(archive.heads(DAY), STAND_INS)}
    tables = shape_attendance(archive, REPORT_TABLES, {DAY: meetings}, holds, Teams.timing)
    attendance, _ = shaping.with_unreported(tables, shaping.unreported(routes, [DAY], Teams.timing))
    return {name: of_table[DAY] for name, of_table in (lists | attendance).items()}


def test_the_order_in_which_routes_and_reports_answered_changes_no_byte(tmp_path: Path) -> None:
    """An event is listed before its sessions, and a report's pages in their order; nothing else is certain."""
    dice = random.Random(7)  # noqa: S311 - a shuffle
    documents = everything()
    first = None
    for number in range(4):
        archive = Archive(tmp_path / str(number), "teams")
        order = documents[:]
        if number:
            dice.shuffle(order)
            order.sort(key=lambda document: document.kind != "webinars")
            order.sort(key=lambda document: document.page)
        keep(archive, *order)
        told = all_of(archive)
        if first is None:
            first = told
            assert Counter(row["status"] for row in told["readings"].rows.to_pylist()) == {
                "complete": 1,
                "partial": 5,
                "gone": 1,
                "blocked": 1,
            }
        for table, shaped in told.items():
            assert shaped.rows.equals(first[table].rows, check_metadata=True), table
            assert shaped.quarantined.equals(first[table].quarantined), table


# Whatever Graph sends.

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    # JSON has no infinity
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
INSTANTS = st.sampled_from(
    [
        "2026-03-10T09:00:00.1234567Z",
        "2026-03-10T09:00:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.9999999Z",
        "soon",
    ]
)
KINDS: dict[str, tuple[Row, str]] = {
    "call_records": (call(), "meetings"),
    "calendar_view": (planned(), "meetings"),
    "webinar_sessions": (
        session(startDateTime="2026-03-10T09:00:00Z", endDateTime="2026-03-10T10:00:00Z"),
        "meetings",
    ),
    "attendance_reports": (listed(), "attendance_reports"),
    "attendance_report": (record(), RECORDS),
    RECORDS: (record(engagements=[{"dateTime": "2026-03-10T09:00:00Z"}]), RECORDS),
    "registrations": (registered(), "registrations"),
}


def paths(row: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a row, itself too."""
    found = [path]
    inner = row.items() if isinstance(row, dict) else enumerate(row) if isinstance(row, list) else ()
    for name, value in inner:
        found += paths(value, (*path, name))
    return found


def spoiled(row: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    row = row.copy()
    row[path[0]] = spoiled(row[path[0]], path[1:], value)
    return row


@st.composite
def documents_of(draw: st.DrawFn) -> list[tuple[str, list[object]]]:
    """A document of some kinds, each with a few rows that may be spoiled in one place."""
    return [
        (
            kind,
            [
                spoiled(row, draw(st.sampled_from(paths(row))), draw(ODD | INSTANTS)) if draw(st.booleans()) else row
                for row in draw(st.lists(st.just(KINDS[kind][0]), min_size=1, max_size=3))
            ],
        )
        for kind in draw(st.lists(st.sampled_from(sorted(KINDS)), unique=True, min_size=1, max_size=7))
    ]


def as_document(kind: str, rows: list[object]) -> Document:
    match kind:
        case "attendance_report":
            return records(*rows)
        case "attendance_records":
            return page_of_records(*rows, report=OTHER_REPORT)
        case "registrations":
            return registrations(*rows)
    subject = {"attendance_reports": MEETING_HOME.subject, "webinar_sessions": EVENT, "calendar_view": IDA}.get(
        kind, ""
    )
    return naming(kind, rows, subject=subject, first=DAY, last=DAY)


@trying(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents_of())
def test_every_row_of_a_report_lands_or_is_quarantined_and_nothing_stops_it(
    documents: list[tuple[str, list[object]]],
) -> None:
    with TemporaryDirectory() as folder:
        archive = Archive(Path(folder), "teams")
        keep(archive, *(as_document(kind, rows) for kind, rows in documents))
        lists = lists_of(archive)[0]
        shaped = attendance_of(archive, WEBINAR, a_meeting(OTHER_REPORT, kind="webinar"))

    for table in (RECORDS, "registrations"):
        sent = [rows for kind, rows in documents if KINDS[kind][1] == table]
        ended = shaped[table].rows.num_rows + shaped[table].quarantined.num_rows + shaped[table].duplicates
        assert ended == sum(map(len, sent))
        quarantined = shaped[table].quarantined.to_pylist()
        assert {row["row"] for row in quarantined} <= {json.dumps(row).encode() for rows in sent for row in rows}
    for table in ("meetings", "attendance_reports"):
        of_day = lists[table][DAY]
        assert of_day.rows.num_rows <= sum(len(rows) for kind, rows in documents if KINDS[kind][1] == table)


@trying(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=30) | ODD.map(lambda said: json.dumps(said).encode()))
def test_no_document_whatever_it_is_stops_the_others(kind: str, body: bytes) -> None:
    with TemporaryDirectory() as folder:
        archive = Archive(Path(folder), "teams")
        if KINDS[kind][1] in ("meetings", "attendance_reports"):
            document = naming(kind, body, subject=MEETING_HOME.subject, number=2, first=DAY, last=DAY)
        else:
            document = about(kind, body, report=OTHER_REPORT)
        keep(archive, *found(), records(record(), anonymous()), document)

        assert REPORT in [row["report_id"] for row in reports_of(archive)]
        assert reading_of(attendance_of(archive, a_meeting(), WEBINAR))["status"] == "complete"
