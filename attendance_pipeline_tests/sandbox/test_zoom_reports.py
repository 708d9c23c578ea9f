from datetime import UTC, date, datetime
from urllib.parse import quote

import pytest

from attendance_pipeline.sandbox import Sandbox, ZoomOptions
from attendance_pipeline.sandbox.truth import MeetingTruth, Truth

from .client import Client, Clock, once, twice

ROW_KEYS = [
    *("id", "user_id", "name", "user_email", "join_time", "leave_time", "duration", "attentiveness_score"),
    *("failover", "status", "customer_key"),
]


@pytest.fixture
def truth(sandbox: Sandbox) -> Truth:
    return sandbox.truth(date(2026, 2, 23), date(2026, 3, 15))


def with_uuid(truth: Truth, *, kind: str = "meeting", **wanted: bool) -> MeetingTruth:
    """A meeting with a report, whose UUID has these traits and no other awkward one."""
    traits = {
        "leading": lambda uuid: uuid.startswith("/"),
        "double": lambda uuid: "//" in uuid,
        "single": lambda uuid: "/" in uuid.strip("/") and "//" not in uuid,
        "plus": lambda uuid: "+" in uuid,
    }
    return next(
        meeting
        for meeting in truth.meetings
        if meeting.kind == kind
        and meeting.attendee_count > 1
        and all(test(meeting.vendor_meeting_id) == wanted.get(name, False) for name, test in traits.items())
    )


@pytest.mark.parametrize("trait", ["leading", "double"])
def test_a_uuid_that_loses_a_slash_must_be_encoded_twice(client: Client, truth: Truth, trait: str) -> None:
    uuid = with_uuid(truth, **{trait: True}).vendor_meeting_id
    lost = uuid.lstrip("/").replace("//", "/")

    assert client.get(f"/report/meetings/{once(uuid)}").error == (
        404,
        3001,
        f"Meeting does not exist: {lost}.",
    )
    assert client.get(f"/report/meetings/{once(uuid)}/participants").status == 404
    assert client.get(f"/report/meetings/{twice(uuid)}").body["uuid"] == uuid
    assert client.get(f"/report/meetings/{twice(uuid)}/participants").status == 200


@pytest.mark.parametrize("traits", [{}, {"single": True}, {"plus": True}])
def test_any_other_uuid_may_be_encoded_once_or_twice(client: Client, truth: Truth, traits: dict[str, bool]) -> None:
    uuid = with_uuid(truth, **traits).vendor_meeting_id

    for encoded in (once(uuid), twice(uuid)):
        assert client.get(f"/report/meetings/{encoded}").body["uuid"] == uuid
        assert client.get(f"/report/meetings/{encoded}/participants").status == 200


def test_a_bare_plus_in_a_path_is_a_space(client: Client, truth: Truth) -> None:
    uuid = with_uuid(truth, plus=True).vendor_meeting_id

    assert client.get(f"/report/meetings/{quote(uuid, safe='+')}").status == 404


@pytest.mark.parametrize("text", ["92345678901", "AAAAAAAAAAAAAAAAAAAAAA==", "nonsense"])
def test_what_is_unknown_does_not_exist(client: Client, text: str) -> None:
    for path in (f"/report/meetings/{text}", f"/report/meetings/{text}/participants"):
        assert client.get(path).error == (404, 3001, f"Meeting does not exist: {text}.")
    assert client.get(f"/report/webinars/{text}").error == (404, 3001, f"Webinar does not exist: {text}.")


def test_a_number_means_the_latest_that_ended(client: Client, clock: Clock, truth: Truth) -> None:
    by_number: dict[str, list[MeetingTruth]] = {}
    for meeting in truth.meetings:
        if meeting.kind == "meeting":
            by_number.setdefault(meeting.series_id, []).append(meeting)
    number, occurrences = max(by_number.items(), key=lambda item: len(item[1]))
    assert len(occurrences) > 5

    for latest in occurrences[-3:]:
        clock.now = max(latest.ended_at, latest.report_ready_at)
        reply = client.get(f"/report/meetings/{number}")
        assert reply.body["uuid"] == latest.vendor_meeting_id
        assert str(reply.body["id"]) == number


def test_instances_are_every_occurrence_of_a_number(client: Client, truth: Truth) -> None:
    number = with_uuid(truth).series_id
    known = {m.vendor_meeting_id for m in truth.meetings if m.series_id == number}

    found = client.get(f"/past_meetings/{number}/instances").body["meetings"]

    assert known <= {row["uuid"] for row in found}
    assert all(set(row) == {"uuid", "start_time"} for row in found)
    uuid = with_uuid(truth).vendor_meeting_id
    assert client.get(f"/past_meetings/{once(uuid)}/instances").error[:2] == (400, 300)
    assert client.get("/past_meetings/12345678901/instances").error[:2] == (404, 3001)


def test_webinars_and_meetings_have_their_own_calls(client: Client, truth: Truth) -> None:
    webinar = next(meeting for meeting in truth.meetings if meeting.kind == "webinar")
    meeting = with_uuid(truth)

    for text in (webinar.vendor_meeting_id, webinar.series_id):
        for tail in ("", "/participants"):
            assert client.get(f"/report/meetings/{twice(text)}{tail}").error == (
                400,
                300,
                f"Can not access webinar info, {text}.",
            )
            assert client.get(f"/report/webinars/{twice(text)}{tail}").status == 200
    assert client.get(f"/report/webinars/{once(meeting.vendor_meeting_id)}").error[:2] == (404, 3001)
    instances = client.get(f"/past_webinars/{webinar.series_id}/instances").body["webinars"]
    assert webinar.vendor_meeting_id in [row["uuid"] for row in instances]
    assert client.get("/past_webinars/12345678901/instances").error == (400, 300, "Invalid webinar ID.")


def test_a_known_uuid_is_readable_for_a_year(client: Client, clock: Clock, truth: Truth) -> None:
    for kind, text in (
        ("meeting", "Can not access meeting a year ago."),
        ("webinar", "Can not access a webinar a year ago."),
    ):
        meeting = next(m for m in truth.meetings if m.kind == kind and m.attendee_count > 1)
        ended = meeting.ended_at
        path = f"/report/{kind}s/{twice(meeting.vendor_meeting_id)}"
        clock.now = datetime(ended.year + 1, ended.month, ended.day, 23, tzinfo=UTC)
        assert client.get(path).status == 200
        clock.now = datetime(ended.year + 1, ended.month, ended.day + 1, 1, tzinfo=UTC)
        for tail in ("", "/participants"):
            assert client.get(path + tail).error == (400, 12702, text)


def test_a_report_is_missing_until_it_is_ready(client: Client, clock: Clock, truth: Truth) -> None:
    late = max(truth.meetings, key=lambda meeting: meeting.report_ready_at - meeting.ended_at)
    assert (late.report_ready_at - late.ended_at).total_seconds() > 3 * 3600
    day = str(late.started_at.date())
    path = f"/report/meetings/{twice(late.vendor_meeting_id)}"

    clock.now = late.ended_at
    listed = client.pages("/report/history_meetings", "history_meetings", from_=day, to=day)
    assert late.vendor_meeting_id in [row["meeting_uuid"] for row in listed]
    for moment, status in ((late.ended_at, 404), (late.report_ready_at, 200)):
        clock.now = moment
        for tail in ("", "/participants"):
            reply = client.get(path + tail)
            assert reply.status == status
            assert status == 200 or reply.body["code"] == 3001


def test_a_meeting_under_way_does_not_exist(client: Client, clock: Clock, truth: Truth) -> None:
    meeting = with_uuid(truth)
    clock.now = meeting.started_at

    assert client.get(f"/report/meetings/{once(meeting.vendor_meeting_id)}").error[:2] == (404, 3001)


def test_the_detail_counts_joins_and_rounds_minutes_up(client: Client, truth: Truth) -> None:
    for meeting in truth.meetings[:40]:
        path = f"/report/{meeting.kind}s/{twice(meeting.vendor_meeting_id)}"
        detail = client.get(path).body
        rows = client.participants(meeting.vendor_meeting_id, meeting.kind)
        seconds = (meeting.ended_at - meeting.started_at).total_seconds()
        assert detail["duration"] == -(-seconds // 60)
        if meeting.attendee_count > 1:
            assert detail["participants_count"] == len(rows) == meeting.vendor_attendee_count
            assert detail["total_minutes"] == -(-sum(row["duration"] for row in rows) // 60)
        assert list(detail) == [
            *("uuid", "id", "type", "topic", "user_name", "user_email", "start_time", "end_time"),
            *("duration", "total_minutes", "participants_count", "host_id", "dept", "tracking_fields"),
            "custom_keys",
        ]


def test_rows_have_the_recorded_keys_and_no_more(client: Client, truth: Truth) -> None:
    for meeting in truth.meetings[:60]:
        path = f"/report/{meeting.kind}s/{twice(meeting.vendor_meeting_id)}/participants"
        for row in client.get(path, page_size=300).body["participants"]:
            extra = [key for key in row if key not in ROW_KEYS]
            assert set(extra) <= {"participant_user_id", "bo_mtg_id"}
            assert [key for key in row if key in ROW_KEYS] == ROW_KEYS
            assert row["attentiveness_score"] == ""
            assert "participant_user_id" not in row or row["participant_user_id"] == row["id"] != ""
            assert row.get("bo_mtg_id") != ""


def test_rows_come_by_join_id_and_not_by_time(client: Client, truth: Truth) -> None:
    biggest = max(truth.meetings, key=lambda meeting: meeting.join_count)
    rows = client.participants(biggest.vendor_meeting_id)

    ids = [int(row["user_id"]) for row in rows]
    assert ids == sorted(set(ids))
    assert [row["join_time"] for row in rows] != sorted(row["join_time"] for row in rows)
    assert len(rows) > 300


def test_registrants_are_told_only_when_asked_for(client: Client, truth: Truth) -> None:
    webinar = next(meeting for meeting in truth.meetings if meeting.kind == "webinar")
    path = f"/report/webinars/{twice(webinar.vendor_meeting_id)}/participants"

    silent = client.get(path, page_size=300).body["participants"]
    told = client.get(path, page_size=300, include_fields="registrant_id").body["participants"]

    assert not any("registrant_id" in row for row in silent)
    assert any(row["registrant_id"] for row in told)
    assert any(row["registrant_id"] == "" for row in told)
    assert all(row["user_email"] for row in told if row["registrant_id"])
    assert client.get(path, include_fields="everything").error[:2] == (400, 300)


@pytest.mark.parametrize(("answer", "status"), [("empty", 200), ("missing", 404)])
def test_one_participant_has_a_detail_and_no_report(
    client: Client, options: ZoomOptions, truth: Truth, answer: str, status: int
) -> None:
    options.solo_report = answer  # type: ignore[assignment]
    solo = next(meeting for meeting in truth.meetings if meeting.attendee_count == 1)
    path = f"/report/meetings/{twice(solo.vendor_meeting_id)}"

    reply = client.get(f"{path}/participants")

    assert reply.status == status
    assert reply.body.get("participants", []) == []
    assert reply.body.get("total_records", 0) == 0
    assert client.get(path).body["participants_count"] == 1
    assert solo.attended_seconds == (solo.ended_at - solo.started_at).total_seconds()


def test_the_dashboard_wants_a_business_account(client: Client, options: ZoomOptions, truth: Truth) -> None:
    solo = next(meeting for meeting in truth.meetings if meeting.attendee_count == 1)
    path = f"/metrics/meetings/{twice(solo.vendor_meeting_id)}/participants"

    refusal = client.get(path, type="pastOne").error
    assert refusal[:2] == (400, 200)
    assert "only available for Business or higher accounts" in refusal[2]
    options.dashboard, options.plan = True, "business"
    (row,) = client.get(path, type="pastOne").body["participants"]
    assert (row["email"], row["role"]) == (solo.host_email, "host")
    assert "duration" not in row
    for kind in ("past", "live"):
        assert client.get(path, type=kind).error[:2] == (404, 3001)


def test_page_tokens_hold_for_participants_too(client: Client, truth: Truth) -> None:
    crowd = max(truth.meetings, key=lambda meeting: meeting.join_count)
    path = f"/report/meetings/{twice(crowd.vendor_meeting_id)}/participants"
    first = client.get(path, page_size=300)
    token = first.body["next_page_token"]

    assert first.body["page_count"] == 2
    assert first.body["total_records"] == crowd.vendor_attendee_count
    assert client.get(path, page_size=299, next_page_token=token).status == 400
    last = client.get(path, page_size=300, next_page_token=token)
    assert last.body["next_page_token"] == ""
    assert len(last.body["participants"]) == crowd.vendor_attendee_count - 300
    assert client.get(path, page_size=301).error[:2] == (400, 300)
