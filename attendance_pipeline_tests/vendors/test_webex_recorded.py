"""Bodies that Webex really sent, their people and ids invented, reach the lake unchanged in meaning."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from attendance_pipeline.archive import Archive
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.vendors.webex.tokens import refresh_token

from . import webex_account, webex_documents
from .account import FORTNIGHT
from .webex_account import meeting_of, path_of, sandbox_account
from .webex_documents import CENTER, ID, IDA, SITE, fixture, keep, listed, listing, meetings_of, used, utc

archive = webex_documents.archive


def recorded(_: str, call: Call) -> Answer:
    """An organisation whose every answer is one that Webex really sent, or is documented to send around one."""
    path = path_of(call)
    if call.method == "POST":
        return Answer(200, fixture("token_refresh"))
    if path == webex_account.SITES:
        return json_answer(200, {"sites": [{"siteUrl": SITE, "default": True}]})
    if path == webex_account.MEETINGS:
        return json_answer(200, {"items": [json.loads(fixture("meeting_ended"))]})
    if path == webex_account.PARTICIPANTS and meeting_of(call) == ID:
        return Answer(200, fixture("participants_ended_meeting"), content_type="application/json")
    return json_answer(200, {"items": []})


def test_bodies_that_webex_really_sent_reach_the_lake_unchanged_in_meaning(tmp_path: Path) -> None:
    days = [date(2025, 5, 8)]
    with (
        sandbox_account(tmp_path, now=datetime(2025, 5, 12, tzinfo=UTC)) as account,
        account.answering(recorded),
    ):
        account.land(days)

        (meeting,) = account.rows("meetings", days)
        (host,) = account.rows("participants", days)
        (document,) = (one for one in account.archived(days) if one.kind == "participants")
        reading = account.readings(days, "participants")[ID]
        kept = refresh_token(account.settings, account.clock)

    fields = json.loads(fixture("meeting_ended"))
    assert meeting == dict.fromkeys(meeting) | {
        "meeting_id": fields["id"],
        "site_url": SITE,
        "timezone": "UTC",
        "start_time": utc("2025-05-08T12:40:49Z"),
        "end_time": utc("2025-05-08T12:42:24Z"),
        "host_email": "ida.lund@fjord.example",
        "host_user_id": fields["hostUserId"],
        "listed_by": "meetings",
        "document_id": meeting["document_id"],
    }
    assert host == dict.fromkeys(host) | {
        "meeting_id": ID,
        "id": IDA,
        "host": True,
        "co_host": False,
        "space_moderator": False,
        "email": "ida.lund@fjord.example",
        "display_name": "Ida Lund",
        "invitee": False,
        "muted": False,
        "meeting_start_time": utc("2025-05-08T12:40:49Z"),
        "state": "end",
        "joined_time": utc("2025-05-08T12:40:49Z"),
        "left_time": utc("2025-05-08T12:40:55Z"),
        "site_url": SITE,
        "host_email": "ida.lund@fjord.example",
        "devices": [
            {
                "correlation_id": "c7e4a1f0-93b2-4d56-8e7a-1f20b3c4d5e6",
                "device_type": "mac",
                "audio_type": None,
                "joined_time": utc("2025-05-08T12:40:49Z"),
                "left_time": utc("2025-05-08T12:40:55Z"),
                "duration_second": 6,
                "call_type": None,
                "phone_number": None,
            }
        ],
        "document_id": document.document_id,
    }
    assert (reading["status"], reading["rows_held"], reading["settled"]) == ("complete", 1, True)
    assert document.body == fixture("participants_ended_meeting")
    assert kept is not None
    assert kept.candidates()[0] == "made-up-refresh-token"
    assert kept.ends_at() == datetime(2025, 5, 12, tzinfo=UTC) + timedelta(seconds=7757533)


def test_of_the_recorded_kinds_of_ids_only_an_instances_lands(archive: Archive) -> None:
    """A recording names the instance, the booked occurrence and the series; each of them is called a meeting's id."""
    said = json.loads(fixture("ids_of_a_recording"))
    ids = [said["meetingId"], said["scheduledMeetingId"], said["meetingSeriesId"]]
    keep(
        archive, listing([listed(id=one) for one in ids]), listing([used(meetingId=one) for one in ids], kind=CENTER)
    )

    shaped = meetings_of(archive)

    assert shaped.rows["meeting_id"].to_pylist() == [ID]
    assert {(row["rule"], row["subject"]) for row in shaped.quarantined.to_pylist()} == {
        ("not_the_id_of_an_instance", one) for one in ids[1:]
    }


@pytest.mark.parametrize(
    ("status", "name", "outcome", "tracking_id"),
    [
        (404, "error_404_without_errors", "not_ready", "WEBEX-DEV-PORTAL_c4f1e8b2-07d9-4a63-b5e0-91a2d7c3f846_2"),
        (400, "error_400_without_errors", "denied", "WEBEX-DEV-PORTAL_2e9d5a17-6b84-4c0f-8a3d-d1f7b9e04c52_1"),
    ],
)
def test_a_recorded_error_without_causes_is_understood(
    tmp_path: Path, status: int, name: str, outcome: str, tracking_id: str
) -> None:
    refusal = Answer(status, fixture(name))
    with sandbox_account(tmp_path) as account:
        with account.answering(lambda _, call: refusal if meeting_of(call) else None):
            account.land(FORTNIGHT[:1])
        readings = account.rows("readings", FORTNIGHT[:1])

    assert {(row["status"], row["reason"]) for row in readings} == {
        (outcome, f"{status}, tracking id {tracking_id}, tried 1 times")
    }


def test_a_recorded_401_buys_another_token(tmp_path: Path) -> None:
    refusals = [Answer(401, fixture("error_401_missing_token"))]
    with sandbox_account(tmp_path) as account:
        with account.answering(lambda _, call: refusals.pop() if meeting_of(call) and refusals else None):
            account.land(FORTNIGHT[:1])

        assert {row["status"] for row in account.rows("readings", FORTNIGHT[:1])} == {"complete"}
        assert len(account.minted()) == 3  # one for each step, and another
    assert refusals == []
