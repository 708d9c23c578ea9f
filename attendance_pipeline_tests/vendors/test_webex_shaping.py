"""Webex's words reach the lake once each, and what is broken reaches the quarantine."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from attendance_pipeline.archive import Archive
from attendance_pipeline.days import RECORD
from attendance_pipeline.errors import SchemaDriftError
from attendance_pipeline.lake import SCHEMA_VERSION
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.vendors.shaping import shape_listings
from attendance_pipeline.vendors.webex import shaping
from attendance_pipeline.vendors.webex.attendance import WebexMeeting
from attendance_pipeline.vendors.webex.tables import NOT_OF_ENDED_MEETINGS

from . import webex_account, webex_documents
from .account import FORTNIGHT
from .webex_account import SandboxAccount, path_of, sandbox_account
from .webex_documents import (
    BO,
    CENTER,
    DAY,
    EVENTS,
    ID,
    IDA,
    NOON,
    OTHER,
    SENTINEL,
    SERIES,
    SITE,
    Row,
    attendance_of,
    attended,
    breakout,
    device,
    fixture,
    keep,
    listed,
    listing,
    meetings_of,
    reading_of,
    report,
    rules,
    shaped_of,
    took_part,
    used,
    utc,
)

archive = webex_documents.archive


def test_of_each_list_the_newest_word_counts(archive: Archive) -> None:
    keep(
        archive,
        listing([used(totalParticipants=1)], kind=CENTER, number=1),
        listing([listed(title="Old")], number=2),
        listing([listed(title="New")], number=3),
        listing([used(totalParticipants=2)], kind=CENTER, number=4),
    )

    (row,) = meetings_of(archive).rows.to_pylist()

    assert (row["meeting_title"], row["total_participants"], row["document_id"]) == ("New", 2, "listing-3")


def test_lists_that_say_the_same_again_change_no_byte(archive: Archive) -> None:
    keep(archive, listing([listed()], number=1), listing([used()], kind=CENTER, number=2))
    before = meetings_of(archive).rows

    keep(archive, listing([used()], kind=CENTER, number=3), listing([listed()], number=4))

    assert meetings_of(archive).rows.equals(before, check_metadata=True)


def test_the_same_meeting_under_two_services_is_one_row(archive: Archive) -> None:
    keep(
        archive,
        listing([used(serviceType="EventCenter", totalRegistered=4)], kind=EVENTS, number=1),
        listing([used(serviceType="MeetingCenter", totalRegistered=None)], kind=CENTER, number=2),
    )

    (row,) = meetings_of(archive).rows.to_pylist()

    assert (row["service_type"], row["total_registered"], row["listed_by"]) == ("MeetingCenter", 4, "usage")


def test_the_order_in_which_different_lists_answered_changes_no_byte(tmp_path: Path) -> None:
    of_lists = [
        [listing([listed(title="Old")], number=1), listing([listed(id=OTHER), listed(title="New")], number=2)],
        [listing([used(serviceType="MeetingCenter")], kind=CENTER, number=3)],
        [listing([used(serviceType="EventCenter", totalInvitee=9), used(meetingId="")], kind=EVENTS, number=4)],
    ]
    told = []
    for number, order in enumerate(permutations(of_lists)):
        archive = Archive(tmp_path / str(number), "webex")
        keep(archive, *(document for documents in order for document in documents))
        told.append(meetings_of(archive))

    assert told[0].rows["meeting_id"].to_pylist() == [ID, OTHER]
    assert rules(told[0]) == ["not_the_id_of_an_instance"]
    for other in told[1:]:
        assert other.rows.equals(told[0].rows, check_metadata=True)
        assert other.quarantined.equals(told[0].quarantined)


def test_a_meetings_day_is_the_list_of_meetings_word_for_its_end(archive: Archive) -> None:
    """So it doesn't change when the usage report, a day later, rounds the end to the other side of midnight."""
    midnight = "2026-03-11T00:00:00Z"
    keep(
        archive,
        listing([listed(end="2026-03-10T23:59:58Z")], number=1),
        listing([used(end=midnight), used(meetingId=OTHER, end=midnight)], kind=CENTER, number=2),
    )

    assert meetings_of(archive).rows["meeting_id"].to_pylist() == [ID]
    assert meetings_of(archive, DAY + timedelta(days=1)).rows["meeting_id"].to_pylist() == [OTHER]


@pytest.mark.parametrize("name", ["start", "end"])
@pytest.mark.parametrize("value", [None, "", SENTINEL, "1970-01-01T08:00:00+08:00"])
def test_a_meeting_whose_times_webex_has_not_filled_in_has_not_ended_yet(
    archive: Archive, name: str, value: str | None
) -> None:
    changes = {name: value}
    keep(archive, listing([listed(**changes)]), listing([used(**changes)], kind=CENTER, number=2))

    shaped = meetings_of(archive)

    assert (shaped.rows.num_rows, rules(shaped)) == (0, [])


@pytest.mark.parametrize(
    ("row", "kind", "rule"),
    [
        (listed(id=None), "meetings", "missing_field.id"),
        (used(meetingId=None), CENTER, "missing_field.meetingId"),
        (listed(id=SERIES), "meetings", "not_the_id_of_an_instance"),
        (used(meetingId=SERIES), CENTER, "not_the_id_of_an_instance"),
        (listed(id=""), "meetings", "not_the_id_of_an_instance"),
        (listed(end="soon"), "meetings", "wrong_type.end"),
        (used(start=3), CENTER, "wrong_type.start"),
        (used(totalParticipants="5"), CENTER, "wrong_type.totalParticipants"),
        (used(totalParticipants=2**31), CENTER, "wrong_type.totalParticipants"),
        (used(meetingNumber=True), CENTER, "wrong_type.meetingNumber"),
        (used(trackingCodes="Research"), CENTER, "wrong_type.trackingCodes"),
        (listed(hasQA="yes"), "meetings", "wrong_type.hasQA"),
        (used(totalParticipants=-1), CENTER, "too_small.total_participants"),
        (used(totalPeopleMinutes=-0.5), CENTER, "too_small.total_people_minutes"),
        (listed(end="2026-03-10T08:59:59Z"), "meetings", "ends_before_it_starts"),
    ],
)
def test_a_broken_row_of_a_list_is_quarantined_as_it_was_sent_and_the_others_land(
    archive: Archive, row: Row, kind: str, rule: str
) -> None:
    fine = listed(id=OTHER) if kind == "meetings" else used(meetingId=OTHER)
    keep(archive, listing([fine, row], kind=kind))

    shaped = meetings_of(archive)

    assert shaped.rows["meeting_id"].to_pylist() == [OTHER]
    assert shaped.quarantined.to_pylist() == [
        {
            "rule": rule,
            "subject": row.get("id", row.get("meetingId", "")),
            "document_id": "listing-1",
            "position": 1,
            "row": json.dumps(row).encode(),
            "waived": None,
        }
    ]


def test_a_count_that_is_no_whole_number_is_quarantined(archive: Archive) -> None:
    keep(archive, listing([used(totalParticipants=5.5), used(meetingId=OTHER)], kind=CENTER))

    shaped = meetings_of(archive)

    assert shaped.rows["meeting_id"].to_pylist() == [OTHER]
    (broken,) = shaped.quarantined.to_pylist()
    assert broken["rule"].startswith("wrong_type.total")
    assert (broken["subject"], json.loads(broken["row"])["totalParticipants"]) == (ID, 5.5)


def test_a_meeting_lands_by_the_one_list_when_its_row_in_the_other_is_broken(archive: Archive) -> None:
    keep(archive, listing([listed()]), listing([used(totalParticipants="5")], kind=CENTER, number=2))

    shaped = meetings_of(archive)

    assert [(row["meeting_id"], row["listed_by"]) for row in shaped.rows.to_pylist()] == [(ID, "meetings")]
    keep(archive, listing([listed(end=3)], number=3), listing([used()], kind=CENTER, number=4))
    shaped = meetings_of(archive)
    assert [(row["meeting_id"], row["listed_by"]) for row in shaped.rows.to_pylist()] == [(ID, "usage")]


def test_a_row_that_was_broken_and_is_mended_leaves_the_quarantine(archive: Archive) -> None:
    keep(archive, listing([used(duration="long")], kind=CENTER, number=1))
    assert rules(meetings_of(archive)) == ["wrong_type.duration"]

    keep(archive, listing([used()], kind=CENTER, number=2))

    shaped = meetings_of(archive)
    assert (shaped.rows.num_rows, rules(shaped)) == (1, [])


def test_rows_without_an_id_are_quarantined_each(archive: Archive) -> None:
    rows = [listed(id="", title=title) for title in ("one", "two")] + [listed(id=None, title="three")]
    keep(archive, listing(rows))
    shaped = meetings_of(archive)

    assert sorted(shaped.quarantined["position"].to_pylist()) == [0, 1, 2]
    assert set(rules(shaped)) == {"missing_field.id", "not_the_id_of_an_instance"}


def test_fields_of_a_booking_are_known_and_any_other_is_reported(archive: Archive) -> None:
    booked = dict.fromkeys(NOT_OF_ENDED_MEETINGS, "x") | {"telephony": {"callInNumbers": []}, "links": [{"rel": "y"}]}
    keep(
        archive,
        listing([listed(**booked)]),
        listing([listed(id=OTHER, mood="fine")], number=2),
        listing([used(aiScore=3)], kind=CENTER, number=3),
    )

    shaped, unknown = shape_listings(archive, [DAY], shaping.LISTINGS)

    assert unknown == {"meetings": {"mood", "aiScore"}}
    assert shaped["meetings"][DAY].rows["meeting_id"].to_pylist() == [ID, OTHER]


def test_fields_that_nobody_knows_are_reported_by_table_and_their_rows_land(archive: Archive) -> None:
    keep(archive, report([attended(mood="fine")], kind="attendees"), report([took_part(aiScore=1), took_part(id=BO)]))

    shaped, unknown = shaped_of(archive)

    assert unknown == {"attendees": {"mood"}, "participants": {"aiScore"}}
    assert (shaped["attendees"].rows.num_rows, shaped["participants"].rows.num_rows) == (1, 2)


def test_a_listed_meeting_of_another_date_stays_out(archive: Archive) -> None:
    """Lists are asked for two days more than is wanted."""
    early = {"start": "2026-03-09T09:00:00Z", "end": "2026-03-09T23:59:59Z"}
    keep(archive, listing([listed(), listed(id=OTHER, **early)]))

    assert meetings_of(archive).rows["meeting_id"].to_pylist() == [ID]
    assert meetings_of(archive, DAY - timedelta(days=1)).rows["meeting_id"].to_pylist() == [OTHER]


def test_a_refused_list_names_no_meeting(archive: Archive) -> None:
    keep(archive, replace(listing(fixture("error_400_without_errors")), outcome="denied"))

    assert meetings_of(archive).rows.num_rows == 0


def test_meetings_come_out_of_the_table_as_they_are_to_be_read(archive: Archive) -> None:
    keep(
        archive,
        listing([listed(), listed(id=OTHER, siteUrl=None, hostEmail=None)]),
        listing([used()], kind=CENTER, number=2),
    )

    found = {one.id: one for one in shaping.meetings(meetings_of(archive).rows, timedelta(hours=72))}

    assert found == {
        ID: WebexMeeting(
            id=ID,
            ended_at=utc("2026-03-10T10:00:00Z"),
            vendor_count=2,
            started_at=utc("2026-03-10T09:00:00Z"),
            site_url=SITE,
            host_email="ida.lund@fjord.example",
            settles_at=utc("2026-03-13T10:00:00Z"),
        ),
        OTHER: WebexMeeting(
            id=OTHER,
            ended_at=utc("2026-03-10T10:00:00Z"),
            vendor_count=None,
            started_at=utc("2026-03-10T09:00:00Z"),
            site_url="",
            host_email=None,
            settles_at=utc("2026-03-13T10:00:00Z"),
        ),
    }
    assert found[ID].ended_date == DAY


def test_text_that_is_no_unicode_stops_no_other_meeting(archive: Archive) -> None:
    odd = json.dumps({"items": [listed(title="ODD"), listed(id=OTHER)]}).encode()
    keep(archive, listing(odd.replace(b'"ODD"', b'"caf\xe9"')), listing([listed(id=f"{OTHER}9")], number=2))

    shaped, _ = shape_listings(archive, [DAY, DAY + timedelta(days=1)], shaping.LISTINGS)

    assert f"{OTHER}9" in shaped["meetings"][DAY].rows["meeting_id"].to_pylist()
    assert sum(of_day.quarantined.num_rows for of_day in shaped["meetings"].values()) >= 1


@pytest.mark.parametrize("spelled", [SENTINEL, "1970-01-01T08:00:00+08:00", None])
@pytest.mark.parametrize("name", ["joinedTime", "leftTime"])
@pytest.mark.parametrize("level", ["participant", "device", "attendee"])
def test_a_time_that_webex_has_not_filled_in_is_null_and_its_reading_partial(
    archive: Archive, level: str, name: str, spelled: str | None
) -> None:
    changes = {name: spelled}
    table, rows = "participants", [took_part(**changes), took_part(id=BO)]
    if level == "device":
        rows = [took_part(devices=[device(), device(**changes)]), took_part(id=BO)]
    if level == "attendee":
        table, rows = "attendees", [attended(**changes), attended(displayName="Vera")]
    keep(archive, report(rows, kind=table, outcome="unsettled"))

    shaped = attendance_of(archive, count=2)

    column = "joined_time" if name == "joinedTime" else "left_time"
    landed = shaped[table].rows.to_pylist()
    times = [row[column] for row in landed]
    if level == "device":
        assert None not in times
        times = [one[column] for row in landed for one in row["devices"]]
    assert times.count(None) == 1
    assert (len(landed), rules(shaped[table])) == (2, [])
    reading = reading_of(shaped, table)
    assert (reading["status"], reading["reason"]) == (
        "partial",
        "1 rows whose times the vendor hasn't filled in yet",
    )
    assert (reading["rows_held"], reading["rows_quarantined"], reading["settled"]) == (2, 0, False)


def test_a_row_that_lacks_several_times_is_one_unsettled_row(archive: Archive) -> None:
    unknown = {"joinedTime": SENTINEL, "leftTime": None}
    keep(
        archive,
        report(
            [took_part(**unknown, devices=[device(**unknown), device(leftTime=SENTINEL)]), took_part(id=BO)],
            outcome="unsettled",
        ),
    )

    assert "1 rows whose times" in reading_of(attendance_of(archive), "participants")["reason"]


@pytest.mark.parametrize("spelled", [SENTINEL, None])
def test_a_breakouts_time_that_is_not_filled_in_is_null(archive: Archive, spelled: str | None) -> None:
    keep(archive, report([took_part(breakoutSessionsAttended=[breakout(), breakout(id="b2", leftTime=spelled)])]))

    shaped = attendance_of(archive)

    (row,) = shaped["participants"].rows.to_pylist()
    assert [one["left_time"] for one in row["breakout_sessions_attended"]] == [utc("2026-03-10T09:40:00Z"), None]


@pytest.mark.parametrize(
    ("table", "broken", "rule"),
    [
        ("participants", took_part(id=None), "missing_field.id"),
        ("participants", took_part(id=""), "str_length.id"),
        ("participants", took_part(id=7), "wrong_type.id"),
        ("participants", took_part(id="x", leftTime="later"), "wrong_type.leftTime"),
        ("participants", took_part(id="x", leftTime="2026-03-10T08:59:59Z"), "leaves_before_joining"),
        ("participants", took_part(id="x", devices={"deviceType": "mac"}), "wrong_type.devices"),
        ("participants", took_part(id="x", devices=[None]), "wrong_type.devices"),
        ("participants", took_part(id="x", devices=[device(durationSecond="6")]), "wrong_type.devices"),
        ("participants", took_part(id="x", devices=[device(durationSecond=2**31)]), "wrong_type.devices"),
        (
            "participants",
            took_part(id="x", devices=[device(), device(leftTime="2026-03-10T08:59:59Z")]),
            "device_leaves_before_joining",
        ),
        (
            "participants",
            took_part(
                id="x",
                leftTime="2026-03-10T08:00:00Z",
                devices=[device(leftTime="2026-03-10T08:00:00Z")],
                breakoutSessionsAttended=[breakout(leftTime="2026-03-10T08:00:00Z")],
            ),
            "breakout_ends_before_it_begins,device_leaves_before_joining,leaves_before_joining",
        ),
        ("participants", took_part(displayName="Ida L."), "conflicting_duplicate"),
        ("participants", took_part(devices=[device(durationSecond=3599)]), "conflicting_duplicate"),
        ("attendees", attended(leftTime="2026-03-10T08:59:59Z"), "leaves_before_joining"),
        ("attendees", attended(email="x@acme.example", duration=-1), "too_small.duration"),
        ("attendees", attended(joinedTime=5), "wrong_type.joinedTime"),
        ("attendees", attended(registered="no"), "wrong_type.registered"),
        ("attendees", attended(duration=61), "conflicting_duplicate"),
    ],
)
def test_a_broken_row_is_quarantined_as_it_was_sent_and_its_reading_partial(
    archive: Archive, table: str, broken: Row, rule: str
) -> None:
    fine = [took_part(), took_part(id=BO)]
    if table == "attendees":
        fine = [attended(), attended(displayName="Vera")]
    keep(archive, report([*fine, broken], kind=table))

    shaped = attendance_of(archive, count=3)

    assert shaped[table].quarantined.to_pylist() == [
        {
            "rule": rule,
            "subject": ID,
            "document_id": f"{table}-1-1",
            "position": 2,
            "row": json.dumps(broken).encode(),
            "waived": None,
        }
    ]
    assert shaped[table].rows.num_rows == 2
    reading = reading_of(shaped, table)
    assert (reading["status"], reading["reason"], reading["rows_quarantined"]) == (
        "partial",
        "1 of 3 not held, 1 rows in quarantine",
        1,
    )


def test_a_participant_of_several_spans_of_joining_is_held_once(archive: Archive) -> None:
    """Without pages, the people beyond the hundredth are asked for by when they joined; the hundred come again."""
    keep(
        archive,
        report([took_part(), took_part(id=BO)], page=1, last=False),
        report([took_part(id=BO)], page=2, last=False),
        report([took_part(), took_part(id="third")], page=3),
    )

    shaped = attendance_of(archive, count=3)

    assert (shaped["participants"].rows.num_rows, shaped["participants"].duplicates) == (3, 2)
    assert rules(shaped["participants"]) == []
    reading = reading_of(shaped, "participants")
    assert (reading["status"], reading["rows_held"], reading["document_id"]) == ("complete", 3, "participants-1-1")


def test_spans_that_contradict_each_other_leave_one_word_and_a_quarantined_one(archive: Archive) -> None:
    first, second = took_part(), took_part(leftTime="2026-03-10T10:30:00Z")
    told = []
    for rows in ([first, second], [second, first]):
        with TemporaryDirectory() as folder:
            here = Archive(Path(folder), "webex")
            keep(here, *(report([row], page=page, last=page == 2) for page, row in enumerate(rows, 1)))
            shaped = attendance_of(here)
        told.append((shaped["participants"].rows.num_rows, rules(shaped["participants"])))
        assert reading_of(shaped, "participants")["status"] == "partial"

    assert told == [(1, ["conflicting_duplicate"])] * 2


def test_joins_of_the_same_second_are_as_many_rows_as_devices(archive: Archive) -> None:
    """The attendee report has no ids: what tells rows apart is who, when, as what, and with what."""
    keep(
        archive,
        report(
            [
                attended(clientAgent="MAC,SAFARI"),
                attended(clientAgent="IPHONE,APP"),
                attended(),
                attended(leftTime="2026-03-10T09:30:00Z"),
                attended(email="bo@acme.example"),
                attended(participantType="host"),
                attended(displayName=None, email=None),
                attended(),
            ],
            kind="attendees",
        ),
    )

    shaped = attendance_of(archive, count=7)

    assert (shaped["attendees"].rows.num_rows, shaped["attendees"].duplicates) == (7, 1)
    assert rules(shaped["attendees"]) == []
    assert reading_of(shaped, "attendees")["status"] == "complete"


def test_attendees_that_differ_in_nothing_but_what_was_null_are_two_rows(archive: Archive) -> None:
    keep(archive, report([attended(email=None), attended(email="")], kind="attendees"))

    assert attendance_of(archive)["attendees"].rows.num_rows == 2


def test_a_participant_counts_as_often_as_a_device_of_theirs_joined(archive: Archive) -> None:
    """Whether Webex counts people or joins isn't documented; of either, enough must be held."""
    keep(archive, report([took_part(devices=[device(), device(correlationId="c2")]), took_part(id=BO, devices=None)]))

    told = {
        count: reading_of(attendance_of(archive, count=count), "participants")["reason"] for count in (None, 2, 3, 4)
    }

    assert told == {None: None, 2: None, 3: None, 4: "1 of 4 not held, 0 rows in quarantine"}


def test_a_reading_is_partial_when_webex_counts_more_than_came(archive: Archive) -> None:
    keep(archive, report([attended()], kind="attendees"), report([took_part()]))

    shaped = attendance_of(archive, count=3)

    for name in ("attendees", "participants"):
        reading = reading_of(shaped, name)
        assert (reading["status"], reading["reason"]) == ("partial", "2 of 3 not held, 0 rows in quarantine")
        assert (reading["vendor_count"], reading["rows_held"]) == (3, 1)


def test_every_report_about_every_meeting_has_one_reading(archive: Archive) -> None:
    """Whatever came of it, and whether anything was asked or not."""
    refused = b'{"message":"no","trackingId":"ROUTER_1"}'
    ids = {name: f"{SERIES}_I_{number}" for number, name in enumerate(("read", "early", "denied", "gone", "blocked"))}
    keep(
        archive,
        report([took_part()], meeting=ids["read"]),
        report([attended()], kind="attendees", meeting=ids["read"]),
        report(refused, meeting=ids["early"], outcome="not_ready", reason="404", number=2),
        report(refused, kind="attendees", meeting=ids["denied"], outcome="denied", reason="403", number=2),
        report(b"", kind="attendees", meeting=ids["gone"], outcome="gone", reason="too old", number=3),
        report([took_part()], meeting=ids["gone"], number=3),
        report(b"<html>", meeting=ids["blocked"], outcome="blocked", reason="418", number=4),
    )

    shaped = attendance_of(archive, *ids.values())

    rows = shaped["readings"].rows.to_pylist()
    assert [(row["meeting_id"], row["report"]) for row in rows] == [
        (meeting, name) for meeting in sorted(ids.values()) for name in ("attendees", "participants")
    ]
    assert {
        name: tuple(
            (reading_of(shaped, of, meeting)["status"], reading_of(shaped, of, meeting)["reason"])
            for of in ("attendees", "participants")
        )
        for name, meeting in ids.items()
    } == {
        "read": (("complete", None), ("complete", None)),
        "early": (("not_ready", "not read yet"), ("not_ready", "404, tried 1 times")),
        "denied": (("denied", "403, tried 1 times"), ("not_ready", "not read yet")),
        "gone": (("gone", "too old, tried 1 times"), ("complete", None)),
        "blocked": (("not_ready", "not read yet"), ("blocked", "418, tried 1 times")),
    }
    assert {row["recoverable_until"] for row in rows} == {NOON - timedelta(hours=2) + timedelta(days=90)}


def test_of_several_readings_the_newest_complete_one_counts(archive: Archive) -> None:
    keep(
        archive,
        report([took_part(), took_part(id="early")], number=1),
        report([took_part(leftTime="2026-03-10T10:05:00Z")], number=2),
        report([took_part(id="unfinished")], number=3, last=False),
    )

    shaped = attendance_of(archive)

    (row,) = shaped["participants"].rows.to_pylist()
    assert (row["id"], row["left_time"]) == (IDA, utc("2026-03-10T10:05:00Z"))
    assert reading_of(shaped, "participants")["document_id"] == "participants-2-1"


def test_a_reading_without_times_is_followed_by_one_with_them(archive: Archive) -> None:
    keep(
        archive,
        report([took_part(leftTime=SENTINEL)], number=1, outcome="unsettled"),
        report([took_part()], number=4),
    )

    shaped = attendance_of(archive)

    assert shaped["participants"].rows["left_time"].to_pylist() == [utc("2026-03-10T10:00:00Z")]
    reading = reading_of(shaped, "participants")
    assert (reading["status"], reading["attempts"], reading["settled"]) == ("complete", 0, True)


def test_pages_of_an_unfinished_reading_land_until_there_is_a_complete_one(archive: Archive) -> None:
    keep(archive, report([attended()], kind="attendees", last=False))

    shaped = attendance_of(archive)

    assert shaped["attendees"].rows.num_rows == 1
    reading = reading_of(shaped, "attendees")
    assert (reading["status"], reading["reason"]) == ("partial", "only the first 1 pages were read")


def test_what_the_archive_holds_of_unlisted_meetings_stays_there(archive: Archive) -> None:
    keep(archive, report([took_part()]), report([took_part()], meeting=OTHER, number=2))

    shaped = attendance_of(archive)

    assert shaped["participants"].rows["meeting_id"].to_pylist() == [ID]
    assert set(shaped["readings"].rows["meeting_id"].to_pylist()) == {ID}


def test_a_name_that_is_no_unicode_stops_no_row_of_another_meeting(archive: Archive) -> None:
    odd = json.dumps({"items": [took_part(displayName="ODD"), took_part(id=BO)]}).encode()
    keep(
        archive,
        report(odd.replace(b'"ODD"', b'"Zo\xeb"')),
        report([took_part()], meeting=OTHER, number=2),
    )

    shaped = attendance_of(archive, ID, OTHER)

    assert OTHER in shaped["participants"].rows["meeting_id"].to_pylist()
    assert set(shaped["participants"].quarantined["subject"].to_pylist()) == {ID}


def test_a_name_cut_off_inside_an_emoji_lands(archive: Archive) -> None:
    keep(archive, report(json.dumps({"items": [took_part(displayName="Ida \ud83e")]}).encode()))

    assert attendance_of(archive)["participants"].rows["display_name"].to_pylist() == ["Ida \ufffd"]


@pytest.mark.parametrize(
    ("table", "spoilt", "rule"),
    [
        ("participants", {"id": None}, "missing_field.id"),
        ("participants", {"devices": "mac"}, "wrong_type.devices"),
        ("attendees", {"joinedTime": 1773133200}, "wrong_type.joinedTime"),
    ],
)
def test_a_report_of_which_no_row_fits_is_another_format(
    archive: Archive, table: str, spoilt: Row, rule: str
) -> None:
    make = took_part if table == "participants" else attended
    keep(archive, report([make(displayName=str(number), **spoilt) for number in range(10)], kind=table))

    with pytest.raises(SchemaDriftError, match=rf"webex/{table}: .*{rule}") as told:
        attendance_of(archive)

    assert "\n" not in str(told.value)


def test_lists_of_which_no_row_fits_are_another_format(archive: Archive) -> None:
    rows = [listed(id=None, uuid=f"{ID}{number}") for number in range(10)]
    keep(archive, listing(rows))

    with pytest.raises(SchemaDriftError, match=r"webex/meetings: .*missing_field\.id"):
        meetings_of(archive)


def test_the_lakes_files_say_what_they_hold(tmp_path: Path) -> None:
    with sandbox_account(tmp_path) as account:
        account.land(FORTNIGHT[:1])
        files = sorted((account.lake.root / "tables").rglob("*.parquet"))

    assert [str(file.relative_to(account.lake.root / "tables")) for file in files] == [
        f"webex/{table}/ended_date={FORTNIGHT[0]}/data.parquet"
        for table in ("attendees", "days", "meetings", "participants", "readings")
    ]
    for file in files:
        parquet = pq.ParquetFile(file)
        schema = parquet.schema_arrow
        assert schema.metadata[b"attendance_schema_version"] == SCHEMA_VERSION.encode()
        assert schema.metadata[b"description"].startswith(b"One row per")
        assert all(column.metadata[b"description"] for column in schema)
        assert parquet.metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_order_in_which_answers_arrive_changes_no_byte(tmp_path: Path) -> None:
    """Twenty requests are in flight; of one report about one meeting, page follows page."""
    days = FORTNIGHT[6:10]  # a town hall that takes several spans is among them
    with sandbox_account(tmp_path / "one") as account:
        account.land(days)
        expected = account.tables()
        listings = account.listed(days, ["meetings", CENTER, EVENTS, RECORD])
        answers = {day: list(account.vendor.archive.documents(day)) for day in days}
        dice = random.Random(3)  # noqa: S311
        dice.shuffle(listings)  # each list was asked once
        shutil.rmtree(account.lake.root)
        with account.vendor.archive.journal() as journal:
            for document in listings:
                journal.keep_listing(document)
            for day in days:
                walks = sorted({(document.subject, document.kind) for document in answers[day]})
                dice.shuffle(walks)
                for walk in walks:
                    for document in answers[day]:
                        if (document.subject, document.kind) == walk:
                            journal.keep_attendance(day, document)
        account.vendor.archive.fold()
        with account.noting() as seen:
            account.reshape(days)

        assert seen == []
        assert account.tables() == expected


Spoil = Callable[[Row], Row]


def spoiling(account: SandboxAccount, path: str, spoil: Spoil) -> Callable[[str, Call], Answer | None]:
    """Every row that the server sends from this path is spoiled on its way."""

    def hook(_: str, call: Call) -> Answer | None:
        if path_of(call) != path:
            return None
        answer = account.sandbox.webex.answer(call, account.sandbox.url)
        body = json.loads(answer.body)
        return replace(answer, body=json.dumps({"items": [spoil(row) for row in body["items"]]}).encode())

    return hook


TUESDAY = FORTNIGHT[1:2]
BEFORE_IT_SETTLES = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path, now=BEFORE_IT_SETTLES) as account:
        yield account


def renaming(name: str) -> Spoil:
    return lambda row: {f"new{key}" if key == name else key: value for key, value in row.items()}


def test_a_new_format_of_a_report_replaces_nothing(account: SandboxAccount) -> None:
    account.land(TUESDAY)
    before = account.tables()
    account.clock.advance(days=3)

    spoiled = account.answering(spoiling(account, webex_account.PARTICIPANTS, renaming("id")))
    with spoiled, pytest.raises(SchemaDriftError, match=r"webex/participants: .*missing_field\.id"):
        account.land_attendance(TUESDAY)

    assert account.tables() == before


def test_a_new_format_of_one_list_takes_no_meeting_away(account: SandboxAccount) -> None:
    account.land_meetings(TUESDAY)
    ids = [row["meeting_id"] for row in account.rows("meetings", TUESDAY)]
    assert len(ids) > 3

    with account.answering(spoiling(account, webex_account.MEETINGS, renaming("id"))):
        account.land_meetings(TUESDAY)

    assert [row["meeting_id"] for row in account.rows("meetings", TUESDAY)] == ids


def test_a_new_format_of_both_lists_lands_nothing(account: SandboxAccount) -> None:
    def spoil(_: str, call: Call) -> Answer | None:
        for path, name in ((webex_account.MEETINGS, "id"), (webex_account.USAGE, "meetingId")):
            if path_of(call) == path:
                return spoiling(account, path, renaming(name))(_, call)
        return None

    with account.answering(spoil), pytest.raises(SchemaDriftError, match=r"webex/meetings: .*missing_field\."):
        account.land_meetings(FORTNIGHT[:2])

    assert account.tables(but="days") == {}


def test_broken_rows_are_counted_by_rule_and_a_later_reading_mends_them(account: SandboxAccount) -> None:
    def spoil(row: Row) -> Row:
        return row | ({"devices": "none"} if row["host"] else {})

    with account.answering(spoiling(account, webex_account.PARTICIPANTS, spoil)):
        first = account.land(TUESDAY)

    meetings = len(account.rows("meetings", TUESDAY))
    assert first.tables["participants"].rules == {"wrong_type.devices": meetings}
    assert first.tables["readings"].statuses == {"complete": meetings, "partial": meetings}
    assert len(account.quarantined("participants", TUESDAY)) == meetings

    account.clock.advance(days=3)
    second = account.land(TUESDAY)

    assert second.tables["participants"].rules == {}
    assert second.tables["readings"].statuses == {"complete": 2 * meetings}
    assert not list((account.lake.root / "quarantine").rglob("*.parquet"))


PARTICIPANT_FAULTS: list[Row] = [
    {},
    {},
    {"mood": "fine"},
    {"id": None},
    {"id": 5},
    {"joinedTime": "?"},
    {"joinedTime": SENTINEL},
    {"leftTime": "2026-03-10T08:00:00Z"},
    {"devices": [device(leftTime="2026-03-10T08:00:00Z")]},
    {"devices": [device(leftTime=None), device()]},
    {"devices": "none"},
]
ATTENDEE_FAULTS: list[Row] = [
    {},
    {},
    {"mood": "fine"},
    {"email": None},
    {"joinedTime": "?"},
    {"leftTime": SENTINEL},
    {"leftTime": "2026-03-10T08:00:00Z"},
    {"duration": -1},
    {"registered": 1},
]
ROWS = st.one_of(
    *(
        st.tuples(
            st.just(table),
            st.lists(
                st.lists(
                    st.tuples(st.sampled_from(faults), st.integers(1, 3), st.sampled_from(["Bo", "Vera"])),
                    max_size=5,
                ),
                min_size=1,
                max_size=4,
            ),
        )
        for table, faults in (("participants", PARTICIPANT_FAULTS), ("attendees", ATTENDEE_FAULTS))
    )
)


@trying(max_examples=20, deadline=None)
@given(ROWS)
def test_every_row_of_a_reading_is_held_quarantined_or_a_repetition(drawn: tuple[str, list[list[Any]]]) -> None:
    table, pages = drawn
    make = took_part if table == "participants" else attended
    numbered = "id" if table == "participants" else "clientAgent"
    rows = [
        [make(**({numbered: str(number), "displayName": name} | fault)) for fault, number, name in page]
        for page in pages
    ]
    total = sum(map(len, rows))
    with TemporaryDirectory() as folder:
        archive = Archive(Path(folder), "webex")
        keep(
            archive,
            *(
                report(of_page, kind=table, page=page, last=page == len(rows), outcome="unsettled")
                for page, of_page in enumerate(rows, 1)
            ),
            # at least one row of the known format, so that this is no new format
            report([make()], kind=table, meeting=OTHER, number=2),
        )
        shaped = attendance_of(archive, ID, OTHER)

    places = Counter((row["document_id"], row["position"]) for row in shaped[table].quarantined.to_pylist())
    assert set(places.values()) <= {1}
    held_rows = [row for row in shaped[table].rows.to_pylist() if row["meeting_id"] == ID]
    assert len(held_rows) + len(places) + shaped[table].duplicates == total
    lacking = [
        row
        for row in held_rows
        if None in [one[name] for one in (row, *(row.get("devices") or ())) for name in ("joined_time", "left_time")]
    ]
    reading = reading_of(shaped, table)
    assert (reading["rows_held"], reading["rows_quarantined"]) == (len(held_rows), len(places))
    assert reading["status"] == ("partial" if places or lacking else "complete")
    assert datetime(1970, 1, 1, tzinfo=UTC) not in [row[n] for row in held_rows for n in ("joined_time", "left_time")]


@pytest.mark.parametrize("zero", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00"])
def test_a_year_one_is_a_broken_time_like_any_other(archive: Archive, zero: str) -> None:
    keep(archive, report([took_part(), took_part(id=BO, leftTime=zero)]))

    shaped = attendance_of(archive)["participants"]

    assert (shaped.rows.num_rows, rules(shaped)) == (1, ["impossible_time.left_time"])


@pytest.mark.parametrize("kind", ["participants", "attendees"])
def test_a_row_about_another_instance_is_quarantined(archive: Archive, kind: str) -> None:
    make = took_part if kind == "participants" else attended
    keep(archive, report([make(), make(meetingId=OTHER), make(meetingId=SERIES)], kind=kind))

    shaped = attendance_of(archive)[kind]

    assert rules(shaped) == ["of_another_meeting"]
    assert shaped.quarantined["position"].to_pylist() == [1]
    assert set(shaped.rows["meeting_id"].to_pylist()) == {ID}


@pytest.mark.parametrize("kind", ["usage", "participants"])
def test_a_count_that_does_not_fit_stops_no_other_row_even_when_written_as_a_fraction(
    archive: Archive, kind: str
) -> None:
    if kind == "usage":
        keep(archive, listing([used(totalParticipants=3e9), used(meetingId=OTHER)], kind=CENTER))
        shaped = meetings_of(archive)
    else:
        keep(archive, report([took_part(devices=[device(durationSecond=3e9)]), took_part(id=BO)]))
        shaped = attendance_of(archive)["participants"]

    assert (shaped.rows.num_rows, len(rules(shaped))) == (1, 1)


BEFORE_ALL, AFTER_ALL = "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00"


@pytest.mark.parametrize(
    ("where", "changes"),
    [
        ("meetings", {"start": BEFORE_ALL}),
        ("meetings", {"end": AFTER_ALL}),
        ("participants", {"leftTime": BEFORE_ALL}),
        ("participants", {"joinedTime": AFTER_ALL}),
        ("participants", {"devices": [device(leftTime=BEFORE_ALL)]}),
        ("attendees", {"leftTime": BEFORE_ALL}),
    ],
)
def test_a_time_that_is_no_instant_in_utc_stops_no_other_row(archive: Archive, where: str, changes: Row) -> None:
    """Other systems' way of saying that there is none."""
    if where == "meetings":
        keep(archive, listing([listed(id=OTHER), listed(**changes)]))
        # when it ended can't be told, so it counts for another date
        assert meetings_of(archive).rows.num_rows == 1
        return
    make = took_part if where == "participants" else attended
    keep(archive, report([make(), make(**({"id": BO, "email": "bo@acme.example"} | changes))], kind=where))

    shaped = attendance_of(archive)[where]

    assert (shaped.rows.num_rows, len(rules(shaped))) == (1, 1)


@pytest.mark.parametrize("number", [99_999_999_999_999_999, 10**400], ids=["17 digits", "401 digits"])
def test_a_meeting_number_of_any_length_keeps_its_digits(archive: Archive, number: int) -> None:
    keep(archive, report([attended(meetingNumber=number)], kind="attendees"))

    assert attendance_of(archive)["attendees"].rows["meeting_number"].to_pylist() == [str(number)]


@pytest.mark.parametrize("spelled", ["1970-01-01T00:00:00", "1970-01-01T00:00:00.000"])
@pytest.mark.parametrize("table", ["participants", "attendees"])
def test_a_time_that_is_not_filled_in_is_null_without_a_zone_too(archive: Archive, table: str, spelled: str) -> None:
    make = took_part if table == "participants" else attended
    keep(archive, report([make(joinedTime=spelled)], kind=table, outcome="unsettled"))

    shaped = attendance_of(archive)

    assert shaped[table].rows["joined_time"].to_pylist() == [None]
    assert reading_of(shaped, table)["status"] == "partial"


def test_a_usage_row_that_breaks_a_rule_takes_no_listed_meeting_away(archive: Archive) -> None:
    """As it doesn't when it has a wrong type."""
    keep(archive, listing([listed()]), listing([used(totalParticipants=-1)], kind=CENTER, number=2))

    shaped = meetings_of(archive)

    assert shaped.rows["meeting_id"].to_pylist() == [ID]
    assert all(b"totalParticipants" in row["row"] for row in shaped.quarantined.to_pylist())


def test_a_broken_row_hides_no_other_rows_missing_times(tmp_path: Path) -> None:
    """The reading isn't settled: it is asked for again."""
    rows = [took_part(leftTime=SENTINEL), took_part(id=BO, devices="mac")]
    with sandbox_account(tmp_path) as account:
        unsettled = json_answer(200, {"items": rows})
        with account.answering(lambda _, call: unsettled if path_of(call) == webex_account.PARTICIPANTS else None):
            account.land(FORTNIGHT[:1])

        readings = account.readings(FORTNIGHT[:1], "participants")
        assert not any(row["settled"] for row in readings.values())
