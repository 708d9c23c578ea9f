"""Zoom's words reach the lake unchanged in meaning, and what is broken reaches the quarantine."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.days import RECORD
from attendance_pipeline.errors import SchemaDriftError
from attendance_pipeline.lake import SCHEMA_VERSION
from attendance_pipeline.readings import held
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.shape import Shaped
from attendance_pipeline.vendors.shaping import shape_attendance, shape_listings
from attendance_pipeline.vendors.zoom import Zoom, shaping
from attendance_pipeline.vendors.zoom.attendance import ZoomMeeting

from .account import FORTNIGHT
from .zoom_account import SandboxAccount, sandbox_account, uuid_of

FIXTURES = Path(__file__).parent / "fixtures" / "zoom"
DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
UUID = "Qm+8XkTVaPn2K7sJdRy4cA=="


def fixture(name: str) -> bytes:
    """A body as Zoom really sent it, its people and ids invented."""
    return (FIXTURES / f"{name}.json").read_bytes()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path, "zoom")


def listing(
    body: bytes | list[dict[str, Any]], *, kind: str = "history_meetings", number: int = 1, request: str = ""
) -> Document:
    """A page of ended meetings that was asked for at noon of the next day."""
    name = "history_meetings" if kind == "history_meetings" else "meetings"
    return Document(
        document_id=f"listing-{number}",
        kind=kind,
        subject="",
        reading=f"listing-{number}",
        page=1,
        last=True,
        request=request,
        status=200,
        fetched_at=NOON + timedelta(days=1, minutes=number),
        window_first=DAY - timedelta(days=1),
        window_last=DAY + timedelta(days=1),
        body=body if isinstance(body, bytes) else json.dumps({name: body}).encode(),
    )


def report(
    *rows: dict[str, Any],
    uuid: str = UUID,
    page: int = 1,
    last: bool = True,
    number: int = 1,
    total: int | None = None,
) -> Document:
    """A page of a participants report, of reading `number`."""
    return report_of(
        json.dumps({"total_records": total, "participants": rows}).encode(),
        uuid=uuid,
        page=page,
        last=last,
        number=number,
    )


def report_of(body: bytes, *, uuid: str = UUID, page: int = 1, last: bool = True, number: int = 1) -> Document:
    return Document(
        document_id=f"report-{number}-{page}",
        kind="participants",
        subject=uuid,
        reading=f"reading-{number}",
        page=page,
        last=last,
        next_token="" if last else "more",
        request="",
        status=200,
        fetched_at=NOON + timedelta(days=number, minutes=page),
        body=body,
    )


def listed(**changed: object) -> dict[str, Any]:
    """A row of the account-wide list; None leaves a field out."""
    row: dict[str, object] = {
        "meeting_uuid": UUID,
        "meeting_id": 81234567890,
        "type": "Meeting",
        "start_time": "2026-03-10T09:00:00Z",
        "end_time": "2026-03-10T10:00:00Z",
        "host_email": "ida.lund@fjord.example",
        "topic": "Review",
        "participants": 2,
    }
    return {name: value for name, value in (row | changed).items() if value is not None}


def joined(**changed: object) -> dict[str, Any]:
    """A row of a participants report; None leaves a field out."""
    row: dict[str, object] = {
        "id": "",
        "user_id": "16778240",
        "name": "Bo",
        "user_email": "",
        "join_time": "2026-03-10T09:00:00Z",
        "leave_time": "2026-03-10T10:00:00Z",
        "duration": 3600,
        "status": "in_meeting",
    }
    return {name: value for name, value in (row | changed).items() if value is not None}


def keep(archive: Archive, *documents: Document, ended: date = DAY) -> None:
    with archive.journal() as journal:
        for document in documents:
            if document.window_first:
                journal.keep_listing(document)
            else:
                journal.keep_attendance(ended, document)
    archive.fold()


def meetings_of(archive: Archive, day: date = DAY) -> Shaped:
    return shape_listings(archive, [day], shaping.LISTINGS)[0]["meetings"][day]


def attendance_of(archive: Archive, *uuids: str, count: int | None = None, day: date = DAY) -> dict[str, Shaped]:
    """The attendance tables of a date on which these meetings ended; the list counts so many rows of each."""
    meetings = {uuid: ZoomMeeting(uuid, NOON, count, False, False) for uuid in uuids or (UUID,)}
    holds = {day: held(archive.heads(day), Zoom.stand_ins)}
    shaped, _ = shape_attendance(archive, shaping.REPORTS, {day: meetings}, holds, Zoom.timing)
    return {table: of_table[day] for table, of_table in shaped.items()}


def rules(shaped: Shaped) -> list[str]:
    return [row["rule"] for row in shaped.quarantined.to_pylist()]


def recorded(_: str, call: Call) -> Answer:
    """An account whose every answer is one that Zoom really sent, or is documented to send around one."""
    weekly, alone = json.loads(fixture("report_meeting")), json.loads(fixture("report_meeting_one_participant"))
    user = json.loads(fixture("user"))
    fields = ("uuid", "id", "type", "topic", "user_name", "user_email", "start_time", "end_time", "duration")
    path = call.path.removeprefix("/zoom/v2")
    if path == "/report/history_meetings":
        return Answer(400, fixture("error_2300_endpoint_not_recognized"))
    if path == "/users":
        return json_answer(200, {"users": [user] if call.query["status"] == "active" else [], "next_page_token": ""})
    if path == "/report/users":
        return json_answer(200, {"users": [], "next_page_token": ""})
    if path == f"/report/users/{user['id']}/meetings":
        of = alone if call.query["type"] == "pastOne" else weekly
        return json_answer(
            200, {"meetings": [{name: of[name] for name in (*fields, "total_minutes", "participants_count")}]}
        )
    if uuid_of(call) == alone["uuid"] and not path.endswith("/participants"):
        return Answer(200, fixture("report_meeting_one_participant"))
    if uuid_of(call) == weekly["uuid"] and path.endswith("/participants"):
        return Answer(200, fixture("report_meeting_participants"))
    return Answer(404, fixture("error_3001_report_not_ready"))


def test_bodies_that_zoom_really_sent_reach_the_lake_unchanged_in_meaning(tmp_path: Path) -> None:
    days = [date(2024, 2, 12), date(2024, 2, 13)]

    def answer(vendor: str, call: Call) -> Answer | None:
        return recorded(vendor, call) if call.path.startswith("/zoom/v2") else None

    with sandbox_account(tmp_path, now=datetime(2024, 2, 15, tzinfo=UTC)) as account, account.answering(answer):
        account.land(days)

        alone, weekly = account.rows("meetings", days)
        host, guest = account.rows("participants", days[1:])
        (lone_host,) = account.rows("participants", days[:1])
        readings = account.readings(days)
        kept = {document.kind: document for document in account.archived(days)}

    nothing = dict.fromkeys(weekly)
    listed_row = {
        "is_webinar": False,
        "user_name": "Ida Lund",
        "user_email": "ida.lund@fjord.example",
        "listed_by": "user_meetings",
        "document_id": weekly["document_id"],
    }
    assert weekly == nothing | listed_row | {
        "uuid": "m4Zc8QxWTVaPn2K7sJdRyA==",
        "id": 92600011122,
        "type": 8,
        "topic": "Weekly test meeting",
        "start_time": utc("2024-02-13T15:00:42Z"),
        "end_time": utc("2024-02-13T15:04:32Z"),
        "duration": 4,
        "total_minutes": 5,
        "participants_count": 2,
        "one_participant": False,
    }
    assert alone == nothing | listed_row | {
        "uuid": "Pq1vT6hNRkmGz0aYbXw3Lg==",
        "id": 92200033344,
        "type": 2,
        "topic": "Test meeting 1",
        "start_time": utc("2024-02-12T11:24:50Z"),
        "end_time": utc("2024-02-12T11:24:56Z"),
        "duration": 1,
        "total_minutes": 1,
        "participants_count": 1,
        "one_participant": True,
        "document_id": alone["document_id"],
    }
    of_weekly = {
        "meeting_uuid": "m4Zc8QxWTVaPn2K7sJdRyA==",
        "attentiveness_score": "",
        "failover": False,
        "status": "in_meeting",
        "customer_key": "",
        "registrant_id": None,
        "bo_mtg_id": None,
        "source": "participants",
        "document_id": kept["participants"].document_id,
    }
    assert host == of_weekly | {
        "id": "kR7bWq2LTxu4nE0sVdYfhA",
        "participant_user_id": "kR7bWq2LTxu4nE0sVdYfhA",
        "user_id": "16778240",
        "name": "Ida Lund",
        "user_email": "ida.lund@fjord.example",
        "join_time": utc("2024-02-13T15:00:42Z"),
        "leave_time": utc("2024-02-13T15:04:32Z"),
        "duration": 230,
    }
    assert guest == of_weekly | {
        "id": "",
        "participant_user_id": None,
        "user_id": "16785408",
        "name": "Omar Rao",
        "user_email": "",
        "join_time": utc("2024-02-13T15:03:23Z"),
        "leave_time": utc("2024-02-13T15:04:31Z"),
        "duration": 68,
    }
    assert lone_host == dict.fromkeys(lone_host) | {
        "meeting_uuid": "Pq1vT6hNRkmGz0aYbXw3Lg==",
        "user_id": "",
        "participant_user_id": "kR7bWq2LTxu4nE0sVdYfhA",
        "name": "Ida Lund",
        "user_email": "ida.lund@fjord.example",
        "join_time": utc("2024-02-12T11:24:50Z"),
        "leave_time": utc("2024-02-12T11:24:56Z"),
        "duration": 6,
        "status": "in_meeting",
        "source": "meeting_detail",
        "document_id": kept["meeting_detail"].document_id,
    }
    assert {(row["status"], row["vendor_count"], row["rows_held"]) for row in readings.values()} == {
        ("complete", 2, 2),
        ("complete", 1, 1),
    }
    assert kept["participants"].body == fixture("report_meeting_participants")
    assert kept["meeting_detail"].body == fixture("report_meeting_one_participant")


@pytest.mark.parametrize("name", ["error_3001_report_not_ready", "error_3001_lost_slash"])
def test_a_recorded_3001_is_not_ready(tmp_path: Path, name: str) -> None:
    with sandbox_account(tmp_path, history_includes_solo=True) as account:
        refusal = Answer(404, fixture(name))
        with account.answering(lambda _, call: refusal if uuid_of(call) else None):
            account.land(FORTNIGHT[:1])

        assert set(account.statuses(FORTNIGHT[:1]).values()) == {"not_ready"}


def test_a_recorded_124_buys_another_token(tmp_path: Path) -> None:
    refusals = [Answer(401, fixture("error_124_token_expired"))]
    with sandbox_account(tmp_path, history_includes_solo=True) as account:
        with account.answering(lambda _, call: refusals.pop() if uuid_of(call) and refusals else None):
            account.land(FORTNIGHT[:1])

        assert set(account.statuses(FORTNIGHT[:1]).values()) == {"complete"}
    assert refusals == []


def test_a_meeting_lands_as_the_newest_list_names_it(archive: Archive) -> None:
    keep(archive, listing([listed(topic="Old")], number=1), listing([listed(topic="New")], number=2))

    (row,) = meetings_of(archive).rows.to_pylist()

    assert (row["topic"], row["document_id"]) == ("New", "listing-2")


def test_a_list_that_says_the_same_again_changes_no_byte(archive: Archive) -> None:
    keep(archive, listing([listed()], number=1))
    before = meetings_of(archive).rows

    keep(archive, listing([listed()], number=2))

    assert meetings_of(archive).rows.equals(before, check_metadata=True)


def test_the_account_wide_list_is_believed_before_a_hosts(archive: Archive) -> None:
    by_host = {
        "uuid": UUID,
        "id": 1,
        "type": 2,
        "start_time": "2026-03-10T09:00:00Z",
        "end_time": "2026-03-10T10:00:00Z",
        "topic": "By host",
    }
    keep(
        archive,
        listing([by_host], kind="user_meetings", number=1),
        listing([listed(topic="Account-wide")], number=2),
        listing([by_host], kind="user_meetings", number=3),
    )
    assert meetings_of(archive).rows["topic"].to_pylist() == ["Account-wide"]

    keep(archive, listing([listed(end_time="")], number=4))
    assert meetings_of(archive).rows["topic"].to_pylist() == ["By host"]


def test_both_lists_name_a_meeting_in_the_same_columns(archive: Archive) -> None:
    row = {
        "uuid": "host==",
        "id": 81234567890,
        "type": 9,
        "start_time": "2026-03-10T09:00:00Z",
        "end_time": "2026-03-10 10:00:00",
        "topic": "Review",
        "user_name": "Ida Lund",
        "participants_count": 2,
        "custom_keys": [{"key": "k", "value": "v"}],
        "has_chat": True,
        "schedule_time": "03/10/2026 09:00",
    }
    history = listed(
        type="Webinar",
        host_display_name="Ida Lund",
        total_participant_minutes=7,
        group=["g"],
        custom_fields=[{"key": "k", "value": "v"}],
        feature_used={"poll": True},
    )
    keep(archive, listing([history], number=1), listing([row], kind="user_meetings", number=2))

    by_history, by_host = meetings_of(archive).rows.to_pylist()

    for name in ("id", "is_webinar", "topic", "user_name", "start_time", "end_time", "participants_count"):
        assert by_history[name] == by_host[name]
    assert by_history["is_webinar"] is True
    assert (by_history["type"], by_host["type"]) == (None, 9)
    assert by_history["custom_keys"] == by_host["custom_keys"] == '[{"key":"k","value":"v"}]'
    assert (by_history["groups"], by_history["feature_used"]) == ('["g"]', '{"poll":true}')
    assert (by_host["has_chat"], by_host["schedule_time"]) == (True, "03/10/2026 09:00")
    assert (by_history["listed_by"], by_host["listed_by"]) == ("history_meetings", "user_meetings")


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"end_time": None}, "missing_field.end_time"),
        ({"end_time": ""}, "missing_field.end_time"),
        ({"end_time": "soon"}, "wrong_type.end_time"),
        ({"end_time": 3}, "wrong_type.end_time"),
        ({"start_time": "", "note": 1}, "missing_field.start_time"),
        ({"meeting_id": "81234567890"}, "wrong_type.meeting_id"),
        ({"meeting_id": 2**63}, "wrong_type.meeting_id"),
        ({"participants": 2**31}, "wrong_type.participants"),
        ({"end_time": "2026-03-10T08:59:59Z"}, "ends_before_it_starts"),
        ({"participants": -1}, "too_small.participants_count"),
        ({"meeting_uuid": ""}, "str_length.uuid"),
    ],
)
def test_a_broken_row_of_a_list_is_quarantined_as_it_was_sent_and_the_others_land(
    archive: Archive, changed: dict[str, object], rule: str
) -> None:
    """Rows without an end, or with empty times, come shortly after the end and have come by a fault of Zoom's."""
    broken = listed(**changed)
    keep(archive, listing([listed(meeting_uuid="other=="), broken]))

    shaped = meetings_of(archive)

    assert shaped.rows["uuid"].to_pylist() == ["other=="]
    assert shaped.quarantined.to_pylist() == [
        {
            "rule": rule,
            "subject": broken["meeting_uuid"],
            "document_id": "listing-1",
            "position": 1,
            "row": json.dumps(broken).encode(),
            "waived": None,
        }
    ]


def test_a_row_that_was_broken_and_is_mended_leaves_the_quarantine(archive: Archive) -> None:
    keep(archive, listing([listed(end_time="")], number=1), listing([listed()], number=2))

    shaped = meetings_of(archive)

    assert (shaped.rows.num_rows, rules(shaped)) == (1, [])


def test_rows_without_a_uuid_are_quarantined_each(archive: Archive) -> None:
    keep(archive, listing([listed(meeting_uuid="", topic=topic) for topic in ("one", "two")]))

    shaped = meetings_of(archive)

    assert shaped.rows.num_rows == 0
    assert sorted(shaped.quarantined["position"].to_pylist()) == [0, 1]
    assert "str_length.uuid" in rules(shaped)
    keep(archive, listing([listed(meeting_uuid="", topic=topic) for topic in ("one", "two")], number=2))
    assert meetings_of(archive).quarantined.equals(shaped.quarantined)


def test_unknown_fields_of_any_list_are_reported(archive: Archive) -> None:
    keep(
        archive,
        listing([listed(ai_summary="x")]),
        listing([{"uuid": "x", "mood": 1}], kind="user_meetings", number=2),
    )

    shaped, unknown = shape_listings(archive, [DAY], shaping.LISTINGS)

    assert unknown == {"meetings": {"ai_summary", "mood"}}
    assert shaped["meetings"][DAY].rows.num_rows == 1


def test_a_listed_meeting_of_another_date_stays_out(archive: Archive) -> None:
    """Lists are asked for with a day of overlap."""
    keep(archive, listing([listed(), listed(meeting_uuid="next==", end_time="2026-03-11T00:00:00Z")]))

    assert meetings_of(archive).rows["uuid"].to_pylist() == [UUID]
    assert meetings_of(archive, DAY + timedelta(days=1)).rows["uuid"].to_pylist() == ["next=="]


def test_a_refused_list_names_no_meeting(archive: Archive) -> None:
    refused = listing(fixture("error_2300_endpoint_not_recognized"))
    keep(archive, Document(**{name: getattr(refused, name) for name in Document.__slots__} | {"outcome": "denied"}))

    assert meetings_of(archive).rows.num_rows == 0


def test_meetings_come_out_of_the_table_as_they_are_to_be_read(archive: Archive) -> None:
    host = {"uuid": "host==", "id": 1, "type": 5, "start_time": "2026-03-10T09:00:00Z"}
    pages = [
        [host | {"end_time": "2026-03-10T10:00:00Z", "participants_count": 1}],
        [host | {"uuid": "one==", "type": 2, "end_time": "2026-03-10T11:00:00Z"}],
    ]
    keep(
        archive,
        listing([listed(), listed(meeting_uuid="solo==", participants=1)]),
        listing([listed(meeting_uuid="talk==", type="Webinar", participants=1)], number=2),
        listing(pages[0], kind="user_meetings", number=3, request="/x?type=past"),
        listing(pages[1], kind="user_meetings", number=4, request="/x?type=pastOne&page_size=300"),
    )

    found = {meeting.id: meeting for meeting in shaping.meetings(meetings_of(archive).rows)}

    assert {m.id: (m.is_webinar, m.one_participant, m.vendor_count) for m in found.values()} == {
        UUID: (False, False, 2),
        "solo==": (False, True, 1),
        "talk==": (True, False, 1),
        "host==": (True, False, 1),
        "one==": (False, True, None),
    }
    assert found[UUID].ended_at == utc("2026-03-10T10:00:00Z")
    assert found[UUID].ended_date == DAY


def test_text_that_is_no_unicode_stops_no_other_meeting(archive: Archive) -> None:
    """Nothing looks inside a row until it is shaped, so such a page gets into the archive."""
    odd = json.dumps({"history_meetings": [listed(topic="ODD"), listed(meeting_uuid="other==")]}).encode()
    keep(archive, listing(odd.replace(b'"ODD"', b'"caf\xe9"')), listing([listed(meeting_uuid="third==")], number=2))

    # when such a meeting ended can't always be told: then it counts for the last day asked for
    shaped, _ = shape_listings(archive, [DAY, DAY + timedelta(days=1)], shaping.LISTINGS)

    assert "third==" in shaped["meetings"][DAY].rows["uuid"].to_pylist()
    assert sum(of_day.quarantined.num_rows for of_day in shaped["meetings"].values()) >= 1


def test_of_several_readings_the_newest_complete_one_counts(archive: Archive) -> None:
    keep(
        archive,
        report(joined(), joined(user_id="16779264"), number=1),
        report(joined(leave_time="2026-03-10T10:05:00Z"), number=2),
        report(joined(user_id="16780288"), last=False, number=3),
    )

    shaped = attendance_of(archive)

    (row,) = shaped["participants"].rows.to_pylist()
    assert (row["leave_time"], row["document_id"]) == (utc("2026-03-10T10:05:00Z"), "report-2-1")
    (reading,) = shaped["readings"].rows.to_pylist()
    assert (reading["status"], reading["rows_held"], reading["document_id"]) == ("complete", 1, "report-2-1")


def test_pages_of_an_unfinished_reading_land_until_there_is_a_complete_one(archive: Archive) -> None:
    keep(archive, report(joined(), last=False, total=2))

    shaped = attendance_of(archive)

    assert shaped["participants"].rows.num_rows == 1
    (reading,) = shaped["readings"].rows.to_pylist()
    assert (reading["status"], reading["reason"]) == ("partial", "only the first 1 pages were read")


def test_what_the_archive_holds_of_unlisted_meetings_stays_there(archive: Archive) -> None:
    keep(archive, report(joined()), report(joined(), uuid="unlisted==", number=2))

    shaped = attendance_of(archive)

    assert shaped["participants"].rows["meeting_uuid"].to_pylist() == [UUID]
    assert shaped["readings"].rows["meeting_id"].to_pylist() == [UUID]


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"user_id": None}, "missing_field.user_id"),
        ({"join_time": None}, "missing_field.join_time"),
        ({"user_id": 16778240}, "wrong_type.user_id"),
        ({"leave_time": ""}, "wrong_type.leave_time"),
        ({"leave_time": "2026-03-10T08:59:59Z"}, "leaves_before_joining"),
        ({"status": "in_lobby"}, "unknown_value.status"),
        ({"duration": -1}, "too_small.duration"),
        ({"duration": 2**31}, "wrong_type.duration"),
        ({"name": "Other"}, "conflicting_duplicate"),
    ],
)
def test_a_broken_participant_is_quarantined_and_its_reading_partial(
    archive: Archive, changed: dict[str, object], rule: str
) -> None:
    second = joined(user_id="16779264", join_time="2026-03-10T09:30:00Z")
    broken = (second if rule == "conflicting_duplicate" else joined(user_id="16780288")) | changed
    broken = {name: value for name, value in broken.items() if value is not None}
    keep(archive, report(joined(), second, broken, total=3))

    shaped = attendance_of(archive)

    assert shaped["participants"].quarantined.to_pylist() == [
        {
            "rule": rule,
            "subject": UUID,
            "document_id": "report-1-1",
            "position": 2,
            "row": json.dumps(broken).encode(),
            "waived": None,
        }
    ]
    assert shaped["participants"].rows.num_rows == 2
    (reading,) = shaped["readings"].rows.to_pylist()
    assert (reading["status"], reading["reason"], reading["rows_quarantined"]) == (
        "partial",
        "1 of 3 not held, 1 rows in quarantine",
        1,
    )


def test_a_row_that_came_twice_is_held_once_and_nothing_is_missing(archive: Archive) -> None:
    keep(archive, report(joined(), joined(), joined(user_id="16779264"), total=3))

    shaped = attendance_of(archive, count=3)

    assert (shaped["participants"].rows.num_rows, shaped["participants"].duplicates) == (2, 1)
    (reading,) = shaped["readings"].rows.to_pylist()
    assert (reading["status"], reading["reason"]) == ("complete", None)


def test_a_field_that_nobody_knows_is_reported_and_its_rows_land(archive: Archive) -> None:
    keep(archive, report(joined(mood="fine")))
    meetings = {DAY: {UUID: ZoomMeeting(UUID, NOON, 1, False, False)}}

    holds = {DAY: held(archive.heads(DAY), Zoom.stand_ins)}
    shaped, unknown = shape_attendance(archive, shaping.REPORTS, meetings, holds, Zoom.timing)

    assert unknown == {"participants": {"mood"}}
    assert shaped["participants"][DAY].rows.num_rows == 1


def test_a_name_that_is_no_unicode_stops_no_other_row_of_another_meeting(archive: Archive) -> None:
    odd = json.dumps({"participants": [joined(name="ODD"), joined(user_id="16779264")]}).encode()
    keep(
        archive,
        report_of(odd.replace(b'"ODD"', b'"Zo\xeb"')),
        report(joined(), uuid="other==", number=2),
    )

    shaped = attendance_of(archive, UUID, "other==")

    assert "other==" in shaped["participants"].rows["meeting_uuid"].to_pylist()
    assert set(shaped["participants"].quarantined["subject"].to_pylist()) == {UUID}


def test_the_lakes_files_say_what_they_hold(tmp_path: Path) -> None:
    with sandbox_account(tmp_path, history_includes_solo=True) as account:
        account.land(FORTNIGHT[:1])
        files = sorted((account.lake.root / "tables").rglob("*.parquet"))

    assert [str(file.relative_to(account.lake.root / "tables")) for file in files] == [
        f"zoom/{table}/ended_date={FORTNIGHT[0]}/data.parquet"
        for table in ("days", "meetings", "participants", "readings")
    ]
    for file in files:
        parquet = pq.ParquetFile(file)
        schema = parquet.schema_arrow
        assert schema.metadata[b"attendance_schema_version"] == SCHEMA_VERSION.encode()
        assert schema.metadata[b"description"].startswith(b"One row per")
        assert all(column.metadata[b"description"] for column in schema)
        assert {str(column.type) for column in schema if "time" in column.name and "_room_" not in column.name} <= {
            "timestamp[us, tz=UTC]",
            "string",
        }
        assert parquet.metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_order_in_which_answers_arrive_changes_no_byte(tmp_path: Path) -> None:
    """Twenty requests are in flight; of one meeting, page follows page."""
    with sandbox_account(tmp_path / "one") as account:
        account.land(FORTNIGHT)
        expected = account.tables()
        days = FORTNIGHT
        listings = account.listed(days, ["history_meetings", "user_meetings", RECORD])
        answers = {day: list(account.vendor.archive.documents(day)) for day in days}
        dice = random.Random(3)  # noqa: S311
        shutil.rmtree(account.lake.root)
        with account.vendor.archive.journal() as journal:
            # a list's answers before another's: which one names a meeting last is its meaning
            for document in listings:
                journal.keep_listing(document)
            for day in days:
                subjects = sorted({document.subject for document in answers[day]})
                dice.shuffle(subjects)
                for subject in subjects:
                    for document in answers[day]:
                        if document.subject == subject:
                            journal.keep_attendance(day, document)
        account.vendor.archive.fold()
        with account.noting() as seen:
            account.reshape(days)

        assert seen == []
        assert account.tables() == expected


Spoil = Callable[[dict[str, Any]], dict[str, Any]]


def spoiling(account: SandboxAccount, name: str, spoil: Spoil) -> Callable[[str, Call], Answer | None]:
    """Every row that the server sends under this name is spoiled on its way."""

    def hook(_: str, call: Call) -> Answer | None:
        if not call.path.startswith("/zoom/v2"):
            return None
        answer = account.sandbox.zoom.answer(call, account.sandbox.url)
        body = json.loads(answer.body)
        if name in body:
            body[name] = [spoil(row) for row in body[name]]
        return json_answer(answer.status, body)

    return hook


TUESDAY = FORTNIGHT[1:2]
BEFORE_IT_SETTLES = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path, history_includes_solo=True, now=BEFORE_IT_SETTLES) as account:
        yield account


def renaming(name: str) -> Spoil:
    return lambda row: {f"new_{key}" if key == name else key: value for key, value in row.items()}


def test_a_new_format_of_the_reports_replaces_nothing(account: SandboxAccount) -> None:
    account.land(TUESDAY)
    before = account.tables()
    account.clock.advance(days=3)

    changed = account.answering(spoiling(account, "participants", renaming("user_id")))
    with changed, pytest.raises(SchemaDriftError, match=r"zoom/participants: .*missing_field\.user_id") as told:
        account.land_attendance(TUESDAY)

    assert "\n" not in str(told.value)
    assert account.tables() == before


def test_a_new_format_of_one_date_is_not_hidden_by_dates_that_landed_before(account: SandboxAccount) -> None:
    """Dates are shaped together, from the archive, which holds the older ones in the older format."""
    days = [FORTNIGHT[0] - timedelta(days=7), *TUESDAY]
    account.land(days)
    before = account.tables()
    account.clock.advance(days=3)

    changed = account.answering(spoiling(account, "participants", renaming("user_id")))
    with changed, pytest.raises(SchemaDriftError):
        account.land_attendance(days)

    assert account.tables() == before


def test_a_new_format_of_the_lists_lands_nothing(account: SandboxAccount) -> None:
    changed = account.answering(spoiling(account, "history_meetings", renaming("meeting_uuid")))
    with changed, pytest.raises(SchemaDriftError, match=r"zoom/meetings: .*missing_field\.meeting_uuid"):
        account.land_meetings(FORTNIGHT[:2])

    assert account.tables(but="days") == {}


def test_a_new_format_of_the_lists_takes_no_meeting_away(account: SandboxAccount) -> None:
    account.land_meetings(FORTNIGHT[:2])
    before = account.tables(but="days")

    with account.answering(spoiling(account, "history_meetings", renaming("meeting_uuid"))):
        tables = account.land_meetings(FORTNIGHT[:2]).tables

    assert account.tables(but="days") == before
    assert tables["meetings"].rules == {"missing_field.meeting_uuid": len(account.rows("meetings", FORTNIGHT[:2]))}


def test_a_field_more_is_reported_and_everything_lands(account: SandboxAccount) -> None:
    with account.answering(spoiling(account, "participants", lambda row: row | {"mood": "fine"})):
        tables = account.land(TUESDAY).tables

    assert tables["participants"].unknown_fields == {"mood"}
    assert len(account.rows("participants", TUESDAY)) == len(account.truth(TUESDAY).intervals)


def test_broken_rows_are_counted_by_rule_and_a_later_reading_mends_them(account: SandboxAccount) -> None:
    def spoil(row: dict[str, Any]) -> dict[str, Any]:
        return row | ({"status": "elsewhere"} if row["user_id"] == "16778240" else {})

    with account.answering(spoiling(account, "participants", spoil)):
        first = account.land(TUESDAY)

    meetings = len(account.rows("meetings", TUESDAY))
    assert meetings > 3
    assert first.tables["participants"].rules == {"unknown_value.status": meetings}
    assert first.tables["readings"].statuses == {"partial": meetings}
    assert len(account.quarantined("participants", TUESDAY)) == meetings

    account.clock.advance(days=3)
    second = account.land(TUESDAY)

    assert second.tables["participants"].rules == {}
    assert second.tables["readings"].statuses == {"complete": meetings}
    assert len(account.rows("participants", TUESDAY)) == len(account.truth(TUESDAY).intervals)
    assert not list((account.lake.root / "quarantine").rglob("*.parquet"))


FAULTS: list[dict[str, Any]] = [
    {},
    {},
    {"mood": "fine"},
    {"user_id": None},
    {"user_id": 5},
    {"join_time": "?"},
    {"leave_time": "2026-03-10T08:00:00Z"},
    {"status": "in_lobby"},
    {"duration": "long"},
]


@trying(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(FAULTS), st.integers(1, 3), st.sampled_from(["Bo", "Vera"])),
            max_size=5,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_every_row_of_a_reading_is_held_quarantined_or_a_repetition(pages: list[list[Any]]) -> None:
    rows = [
        [joined(**({"user_id": str(user), "name": name} | fault)) for fault, user, name in page] for page in pages
    ]
    total = sum(map(len, rows))
    with TemporaryDirectory() as folder:
        archive = Archive(Path(folder), "zoom")
        keep(
            archive,
            *(
                report(*of_page, page=page, last=page == len(rows), total=total)
                for page, of_page in enumerate(rows, 1)
            ),
            # at least one row of the known format, so that this is no new format
            report(joined(), uuid="fine==", number=2),
        )
        shaped = attendance_of(archive, UUID, "fine==")

    places = Counter((row["document_id"], row["position"]) for row in shaped["participants"].quarantined.to_pylist())
    assert set(places.values()) <= {1}
    held_rows = [row for row in shaped["participants"].rows.to_pylist() if row["meeting_uuid"] == UUID]
    assert len(held_rows) + len(places) + shaped["participants"].duplicates == total
    reading = next(row for row in shaped["readings"].rows.to_pylist() if row["meeting_id"] == UUID)
    assert (reading["rows_held"], reading["rows_quarantined"]) == (len(held_rows), len(places))
    assert reading["status"] == ("partial" if places else "complete")
