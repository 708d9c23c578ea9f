from datetime import date

import pytest

from attendance_pipeline.sandbox import Sandbox, ZoomOptions

from .client import Client, Clock

FIRST, LAST = "2026-02-20", "2026-03-16"
RANGE = {"from_": FIRST, "to": LAST}
HISTORY = "/report/history_meetings"
DATED = (HISTORY, "/report/users", "/report/users/employee5@northwind.example/meetings")
TOO_OLD = (
    400,
    300,
    "The request can only be queried for a month that falls within the last six months.",
)
BAD_TOKEN = (400, 300, "The next page token is invalid or expired.")


@pytest.mark.parametrize("path", DATED)
def test_dates_are_required_and_whole(client: Client, path: str) -> None:
    assert client.get(path, to=LAST).error == (400, 300, "Invalid parameter: from.")
    assert client.get(path, from_=FIRST).error == (400, 300, "Invalid parameter: to.")
    for wrong in ("2026-3-1", "2026-02-30", "2026-03-01T00:00:00Z", "yesterday"):
        assert client.get(path, from_=wrong, to=LAST).error[:2] == (400, 300)
    assert client.get(path, from_="2026-03-02", to="2026-03-01").error[:2] == (400, 300)


@pytest.mark.parametrize("path", DATED)
def test_a_range_spans_thirty_days_at_most(client: Client, path: str) -> None:
    assert client.get(path, from_="2026-02-14", to="2026-03-16").status == 200
    assert client.get(path, from_="2026-02-13", to="2026-03-16").error[:2] == (400, 300)


@pytest.mark.parametrize("path", DATED)
def test_lists_reach_back_six_months(client: Client, path: str) -> None:
    assert client.get(path, from_="2025-09-16", to="2025-10-01").status == 200
    assert client.get(path, from_="2025-09-15", to="2025-10-01").error == TOO_OLD


@pytest.mark.parametrize(
    ("path", "query", "maximum"),
    [*((path, RANGE, 300) for path in DATED), ("/users", {}, 2000)],
)
def test_pages_have_a_maximum(client: Client, path: str, query: dict[str, object], maximum: int) -> None:
    assert client.get(path, **query).body["page_size"] == 30
    assert client.get(path, **query, page_size=maximum).body["page_size"] == maximum
    for wrong in (maximum + 1, 0, "many"):
        assert client.get(path, **query, page_size=wrong).error == (400, 300, "Invalid parameter: page_size.")


def test_pages_hold_every_row_once(client: Client) -> None:
    by_seven = client.pages(HISTORY, "history_meetings", page_size=7, **RANGE)
    at_once = client.pages(HISTORY, "history_meetings", page_size=300, **RANGE)

    assert len(at_once) > 40
    assert by_seven == at_once
    assert len({row["meeting_uuid"] for row in at_once}) == len(at_once)


@pytest.mark.parametrize(
    "changed",
    [{"page_size": 8}, {"from_": "2026-02-21"}, {"date_type": "end_time"}, {"meeting_type": "all"}],
)
def test_a_page_token_belongs_to_its_query(client: Client, changed: dict[str, object]) -> None:
    query: dict[str, object] = {**RANGE, "page_size": 7}
    token = client.get(HISTORY, **query).body["next_page_token"]

    assert client.get(HISTORY, **(query | changed), next_page_token=token).error == BAD_TOKEN
    assert client.get("/report/users", **query, next_page_token=token).error == BAD_TOKEN
    assert client.get(HISTORY, **query, next_page_token=token).status == 200


def test_a_page_token_lives_fifteen_minutes(client: Client, clock: Clock) -> None:
    query: dict[str, object] = {**RANGE, "page_size": 7}
    token = client.get(HISTORY, **query).body["next_page_token"]

    clock.advance(seconds=899)
    assert client.get(HISTORY, **query, next_page_token=token).status == 200
    clock.advance(seconds=1)
    assert client.get(HISTORY, **query, next_page_token=token).error == BAD_TOKEN
    assert client.get(HISTORY, **query, next_page_token="made-up").error == BAD_TOKEN


def test_history_selects_by_start_unless_told_otherwise(client: Client) -> None:
    overnight = next(
        row
        for row in client.pages(HISTORY, "history_meetings", **RANGE)
        if row["start_time"][:10] != row["end_time"][:10]
    )
    started, ended = overnight["start_time"][:10], overnight["end_time"][:10]

    def listed(day: str, **query: object) -> bool:
        rows = client.pages(HISTORY, "history_meetings", from_=day, to=day, **query)
        return overnight["meeting_uuid"] in [row["meeting_uuid"] for row in rows]

    assert listed(started)
    assert not listed(ended)
    assert not listed(started, date_type="end_time")
    assert listed(ended, date_type="end_time")
    assert client.get(HISTORY, **RANGE, date_type="day").error == (400, 300, "Invalid parameter: date_type.")


def test_history_tells_meetings_from_webinars(client: Client) -> None:
    types = {
        kind: {row["type"] for row in client.pages(HISTORY, "history_meetings", **RANGE, meeting_type=kind)}
        for kind in ("meeting", "webinar", "all")
    }

    assert types == {"meeting": {"Meeting"}, "webinar": {"Webinar"}, "all": {"Meeting", "Webinar"}}


def test_history_rows_have_the_documented_keys(client: Client) -> None:
    reply = client.get(HISTORY, **RANGE)

    assert set(reply.body) == {"next_page_token", "page_size", "history_meetings"}
    row = reply.body["history_meetings"][0]
    assert list(row) == [
        *("meeting_uuid", "meeting_id", "type", "host_display_name", "host_email", "start_time"),
        *("end_time", "create_time", "topic", "participants", "duration", "total_participant_minutes"),
        *("department", "group", "source", "unique_viewers", "max_concurrent_views", "custom_fields"),
        *("tracking_fields", "feature_used"),
    ]
    assert len(row["feature_used"]) == 37


def test_history_may_be_refused(client: Client, options: ZoomOptions) -> None:
    options.history_meetings = False

    assert client.get(HISTORY, **RANGE).error == (400, 200, "No permission.")
    options.history_meetings = True
    assert client.get(HISTORY, **RANGE, group_id="g1").error == (403, 12703, "No permission for the group: g1.")


def test_what_has_not_ended_is_in_no_list(client: Client, clock: Clock) -> None:
    assert all(
        row["end_time"] <= "2026-03-16T15:00:00Z" for row in client.pages(HISTORY, "history_meetings", **RANGE)
    )
    before = len(client.pages(HISTORY, "history_meetings", **RANGE))
    clock.advance(hours=8)
    assert len(client.pages(HISTORY, "history_meetings", **RANGE)) > before


def test_lists_want_two_participants(client: Client, options: ZoomOptions, sandbox: Sandbox) -> None:
    truth = sandbox.truth(date(2026, 3, 2), date(2026, 3, 13))
    solo = {meeting.vendor_meeting_id: meeting for meeting in truth.meetings if meeting.attendee_count == 1}
    assert solo
    for uuid, meeting in solo.items():
        past = {
            kind: [
                row["uuid"]
                for row in client.pages(
                    f"/report/users/{meeting.host_email}/meetings", "meetings", **RANGE, type=kind
                )
            ]
            for kind in ("past", "pastOne")
        }
        assert uuid in past["pastOne"]
        assert uuid not in past["past"]

    def history() -> set[str]:
        return {row["meeting_uuid"] for row in client.pages(HISTORY, "history_meetings", **RANGE)}

    assert not history() & set(solo)
    options.history_includes_solo = True
    assert history() >= set(solo)


def test_the_hosts_lists_together_hold_what_the_history_holds(client: Client, options: ZoomOptions) -> None:
    options.history_includes_solo = True
    history = client.pages(HISTORY, "history_meetings", **RANGE)
    hosts = client.pages("/report/users", "users", **RANGE, type="active")
    found: dict[str, str] = {}
    gone = set()
    for host in hosts:
        path = f"/report/users/{host['id']}/meetings"
        if client.get(path, **RANGE).status == 404:
            gone.add(host["email"])
            continue
        for kind in ("past", "pastOne"):
            for row in client.pages(path, "meetings", **RANGE, type=kind):
                found[row["uuid"]] = row["user_email"]

    assert len(gone) == 1
    assert set(found) == {row["meeting_uuid"] for row in history if row["host_email"] not in gone}
    assert sum(host["meetings"] for host in hosts) == len(history)


def test_a_hosts_rows_have_the_documented_keys(client: Client) -> None:
    host = client.get("/report/users", **RANGE).body["users"][0]
    row = client.pages(f"/report/users/{host['id']}/meetings", "meetings", **RANGE)[0]

    assert set(row) == {
        *("uuid", "id", "type", "topic", "user_name", "user_email", "start_time", "end_time", "duration"),
        *("total_minutes", "participants_count", "source", "custom_keys", "session_key"),
        *("host_organization", "host_name", "has_screen_share", "has_recording", "has_chat"),
        *("meeting_encryption_status", "participants_count_my_account"),
    }


def test_a_deleted_host_is_named_by_the_report_alone(client: Client, sandbox: Sandbox) -> None:
    deleted = sandbox.organisation.employee("deleted").email
    reported = {row["email"]: row["id"] for row in client.pages("/report/users", "users", **RANGE)}
    users = [
        row["email"]
        for status in ("active", "inactive", "pending")
        for row in client.pages("/users", "users", status=status)
    ]

    assert deleted in reported
    assert deleted not in users
    for who in (deleted, reported[deleted]):
        reply = client.get(f"/report/users/{who}/meetings", **RANGE)
        assert reply.error == (404, 1001, f"User {who} not exist or not belong to this account.")
    theirs = [
        row["meeting_uuid"]
        for row in client.pages(HISTORY, "history_meetings", **RANGE)
        if row["host_email"] == deleted
    ]
    assert theirs
    assert all(client.participants(uuid) for uuid in theirs)


def test_users_are_listed_by_status(client: Client) -> None:
    active = client.pages("/users", "users")
    inactive = client.pages("/users", "users", status="inactive")
    pending = client.pages("/users", "users", status="pending")

    assert (len(active), len(inactive), len(pending)) == (12, 2, 1)
    assert all(row["id"] and row["status"] == "active" for row in active)
    assert "id" not in pending[0]
    assert client.get("/users", status="deleted").error == (400, 300, "Invalid parameter: status.")
    assert client.get("/users", page_size=5).body["total_records"] == 12


def test_the_daily_report_adds_up(client: Client) -> None:
    reply = client.get("/report/daily", year=2026, month=2)
    rows = client.pages(HISTORY, "history_meetings", from_="2026-02-01", to="2026-02-28")
    solo = sum(
        len(client.pages(f"/report/users/{user['id']}/meetings", "meetings", type="pastOne", **march))
        for march in ({"from_": "2026-02-01", "to": "2026-02-28"},)
        for user in client.pages("/users", "users")
    )

    assert len(reply.body["dates"]) == 28
    assert sum(day["meetings"] for day in reply.body["dates"]) == len(rows) + solo
    assert sum(day["participants"] for day in reply.body["dates"]) == (
        sum(row["participants"] for row in rows) + solo
    )
    assert client.get("/report/daily", year=2025, month=8).error[:2] == (400, 300)
    assert client.get("/report/daily", year=2026, month=4).error[:2] == (400, 300)
