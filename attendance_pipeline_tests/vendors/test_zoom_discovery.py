"""Which meetings ended: by whatever route the account allows, within what Zoom allows, and nothing is missed."""

import json
import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline.errors import UsageError
from attendance_pipeline.http.errors import OutageError, QuotaError, RefusedError
from attendance_pipeline.landing import land_meetings
from attendance_pipeline.sandbox import Seen
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.vendors.base import Discovery
from attendance_pipeline.windows import dates

from .account import FORTNIGHT, MONDAY, failing, settings
from .zoom_account import LATER, SandboxAccount, sandbox_account

TODAY = LATER.date()
REACH = timedelta(days=180)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


def discovered(account: SandboxAccount, days: list[date] = FORTNIGHT) -> Discovery:
    pulled = account.land_meetings(days).pulled
    if pulled.stopped:
        raise pulled.stopped
    return pulled.discovery


def found(account: SandboxAccount, days: list[date] = FORTNIGHT) -> set[str]:
    return {row["uuid"] for row in account.rows("meetings", days)}


def ended(account: SandboxAccount, days: list[date] = FORTNIGHT, *, deleted: bool = True) -> set[str]:
    """What took place; without `deleted`, only what hosts did who still exist."""
    return {
        meeting.vendor_meeting_id
        for meeting in account.truth(days).meetings
        if deleted or meeting.host_email != account.deleted_host
    }


def lists(seen: list[Seen]) -> set[str]:
    """Which lists were asked, whichever host's."""
    return {"host" if one.path.endswith("/meetings") else one.path.removeprefix("/zoom/v2") for one in seen}


def spans(seen: list[Seen]) -> list[tuple[date, date]]:
    return [
        (date.fromisoformat(one.query["from"]), date.fromisoformat(one.query["to"]))
        for one in seen
        if "from" in one.query
    ]


def without(account: SandboxAccount, *scopes: str) -> None:
    account.options.scopes = tuple(scope for scope in account.options.scopes if scope not in scopes)


def test_the_account_wide_list_is_completed_host_by_host_where_it_names_no_lone_hosts(
    account: SandboxAccount,
) -> None:
    with account.noting() as seen:
        discovery = discovered(account)

    assert found(account) == ended(account)
    assert discovery.route == "account-wide, one-participant meetings host by host"
    assert "no meeting with one participant" in discovery.reason
    assert lists(seen) == {"/report/history_meetings", "/report/users", "host"}
    assert {one.query["type"] for one in seen if one.path.endswith("/meetings")} == {"pastOne"}
    alone = {m.vendor_meeting_id for m in account.truth(FORTNIGHT).meetings if m.vendor_attendee_count == 1}
    assert alone
    assert {row["uuid"] for row in account.rows("meetings", FORTNIGHT) if row["one_participant"]} == alone


def test_one_list_is_enough_where_it_names_lone_hosts(account: SandboxAccount) -> None:
    account.options.history_includes_solo = True

    with account.noting() as seen:
        discovery = discovered(account)

    assert found(account) == ended(account)
    assert discovery.route == "account-wide"
    assert lists(seen) == {"/report/history_meetings"}
    (one,) = seen
    assert (one.query["date_type"], one.query["meeting_type"]) == ("end_time", "all")


def test_an_account_without_the_wide_list_is_asked_host_by_host(account: SandboxAccount) -> None:
    account.options.history_meetings = False

    with account.noting() as seen:
        discovery = discovered(account)

    assert (discovery.route, discovery.reason) == ("host by host", "the account-wide list was refused (400/200)")
    asked = {(one.path, one.query["type"]) for one in seen if one.path.endswith("/meetings")}
    hosts = {path for path, _ in asked}
    refused = {one.path for one in seen if one.status == 404}
    assert asked == {(path, kind) for path in hosts - refused for kind in ("past", "pastOne")} | {
        (path, "past") for path in refused
    }
    assert {one.query["status"] for one in seen if one.path.endswith("/v2/users")} == {"active", "inactive"}
    assert len(hosts) == 12 + 2 + 1  # active, inactive, and a deleted one whom the usage report names
    assert discovery.skipped == {"404/1001": 1}
    assert found(account) == ended(account, deleted=False) != ended(account)


def test_an_inactive_users_meetings_are_found(account: SandboxAccount) -> None:
    account.options.history_meetings = False
    email = account.sandbox.organisation.employee("inactive").email
    meeting = account.ended_from(FORTNIGHT, host_email=email)

    discovered(account)

    assert meeting.vendor_meeting_id in found(account)


def test_a_deleted_host_is_skipped_and_counted_beside_the_account_wide_list_too(account: SandboxAccount) -> None:
    assert discovered(account).skipped == {"404/1001": 1}
    assert found(account) == ended(account)


@pytest.mark.parametrize("options", [{"history_includes_solo": True}, {"history_meetings": False}], ids=str)
def test_a_date_alone_holds_what_ended_on_it_even_if_it_began_days_before(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    """Meetings over midnight and one of 26 hours; hosts' lists select by start."""
    with sandbox_account(tmp_path, **options) as account:
        days = [m.ended_date for m in account.truth(FORTNIGHT).meetings if m.started_at.date() != m.ended_date]
        longest = max(account.truth(FORTNIGHT).meetings, key=lambda m: m.ended_at - m.started_at)
        assert longest.ended_at - longest.started_at > timedelta(hours=25)
        for day in {*days, longest.ended_date}:
            account.land_meetings([day])

            assert found(account, [day]) == ended(account, [day], deleted="history_meetings" not in options)


def test_the_lists_tell_what_is_true_of_each_meeting(account: SandboxAccount) -> None:
    discovered(account)

    rows = {row["uuid"]: row for row in account.rows("meetings", FORTNIGHT)}
    for meeting in account.truth(FORTNIGHT).meetings:
        row = rows[meeting.vendor_meeting_id]
        assert (row["start_time"], row["end_time"]) == (meeting.started_at, meeting.ended_at)
        assert (str(row["id"]), row["topic"], row["user_email"]) == (
            meeting.series_id,
            meeting.title,
            meeting.host_email,
        )
        assert row["participants_count"] == meeting.vendor_attendee_count
        assert row["is_webinar"] == (meeting.kind == "webinar")


def test_lists_are_read_to_their_last_page(account: SandboxAccount) -> None:
    def small_pages(_: str, call: Call) -> Answer | None:
        if "page_size" in call.query:
            call.query["page_size"] = "7"
        return None

    with account.answering(small_pages), account.noting() as seen:
        discovered(account)
        assert found(account) == ended(account)
        account.options.history_meetings = False
        discovered(account)

    paged = {one.path.removeprefix("/zoom/v2") for one in seen if "next_page_token" in one.query}
    assert {"/report/history_meetings", "/users", "/report/users"} < paged
    assert any(path.endswith("/meetings") for path in paged)


@pytest.mark.parametrize("path", ["/report/history_meetings", "/report/users", "/meetings"])
def test_a_list_whose_page_token_died_is_begun_anew(account: SandboxAccount, path: str) -> None:
    """It lives 15 minutes; a long list at a slow pace can outlive it."""
    slow: list[Call] = []

    def pause(_: str, call: Call) -> Answer | None:
        if "page_size" in call.query:
            call.query["page_size"] = "5"
        if call.path.endswith(path) and "next_page_token" in call.query and not slow:
            slow.append(call)
            account.clock.advance(minutes=16)
        return None

    account.options.history_meetings = path != "/meetings"
    with account.answering(pause):
        discovery = discovered(account)

    assert slow
    assert discovery.route.startswith("account-wide") is account.options.history_meetings
    assert found(account) == ended(account, deleted=account.options.history_meetings)


@pytest.mark.parametrize("options", [{}, {"history_includes_solo": True}, {"history_meetings": False}], ids=str)
def test_no_request_spans_more_than_thirty_days_or_reaches_further_back_than_zoom(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    first = TODAY - REACH
    with sandbox_account(tmp_path, **options) as account, account.noting() as seen:
        discovered(account, dates(first, TODAY))

        assert found(account, [first, TODAY]) <= ended(account, [first, TODAY])
    assert {one.status for one in seen} <= {200, 404, 400 if "history_meetings" in options else 200}
    assert all(timedelta() <= last - begin <= timedelta(days=30) for begin, last in spans(seen))
    assert min(begin for begin, _ in spans(seen)) == first
    assert max(last for _, last in spans(seen)) == TODAY


@pytest.mark.parametrize(
    ("options", "path", "earlier", "kinds"),
    [
        # a list by end, overlapped by a day on both sides as its zone isn't documented
        ({"history_includes_solo": True}, "history_meetings", 1, 1),
        # lists by start: two more days, as what ended may have begun that much earlier
        ({}, "/report/users", 3, 1),
    ],
)
def test_ninety_dates_take_the_fewest_windows(
    tmp_path: Path, options: dict[str, Any], path: str, earlier: int, kinds: int
) -> None:
    last = TODAY - timedelta(days=10)
    days = dates(last - timedelta(days=89), last)
    with sandbox_account(tmp_path, **options) as account, account.noting() as seen:
        discovered(account, days)

    asked = {span for one, span in zip(seen, spans(seen), strict=True) if one.path.endswith(path)}
    assert len(asked) == math.ceil((earlier + 90 + 1) / 31)
    covered = {day for begin, end in asked for day in dates(begin, end)}
    assert {days[0] - timedelta(days=earlier), *days, last + timedelta(days=1)} <= covered


def test_dates_far_apart_take_no_window_between_them(account: SandboxAccount) -> None:
    account.options.history_includes_solo = True

    with account.noting() as seen:
        discovered(account, [TODAY - timedelta(days=150), TODAY - timedelta(days=3)])

    assert spans(seen) == [
        (TODAY - timedelta(days=151), TODAY - timedelta(days=149)),
        (TODAY - timedelta(days=4), TODAY - timedelta(days=2)),
    ]


def test_a_date_beyond_the_reach_is_refused_before_anything_is_asked(account: SandboxAccount) -> None:
    day = TODAY - REACH - timedelta(days=1)

    with pytest.raises(UsageError, match=rf"{day} lies beyond the reach.*begin at {TODAY - REACH} or later"):
        account.land_meetings([day, MONDAY])

    assert account.sandbox.requests == []
    assert account.tables(but="days") == {}


@pytest.mark.parametrize("history", [True, False])
def test_a_reach_shorter_than_documented_is_told_as_such(account: SandboxAccount, history: bool) -> None:
    text = "The request can only be queried for a month that falls within the last six months."

    def too_old(_: str, call: Call) -> Answer | None:
        path = "/report/history_meetings" if history else "/report/users"
        return json_answer(400, {"code": 300, "message": text}) if call.path.endswith(path) else None

    account.options.history_meetings = history
    with account.answering(too_old), pytest.raises(UsageError, match="last six months.*--from"):
        discovered(account)


def test_an_app_without_the_scope_of_the_wide_list_is_asked_host_by_host(account: SandboxAccount) -> None:
    without(account, "report:read:list_history_meetings:admin")

    discovery = discovered(account)

    assert (discovery.route, discovery.reason) == ("host by host", "the account-wide list was refused (400/4711)")
    assert found(account) == ended(account, deleted=False)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (["report:read:list_users:admin"], "report:read:list_users:admin"),
        (["report:read:user:admin"], "report:read:user:admin"),
        (["report:read:list_history_meetings:admin", "report:read:list_users:admin"], "report:read:list_users:admin"),
        (["report:read:list_history_meetings:admin", "user:read:list_users:admin"], "user:read:list_users:admin"),
        (["report:read:list_history_meetings:admin", "report:read:user:admin"], "report:read:user:admin"),
    ],
)
def test_a_scope_that_no_route_can_do_without_is_named(
    account: SandboxAccount, missing: list[str], named: str
) -> None:
    without(account, *missing)

    with pytest.raises(RefusedError, match=rf"lacks the scope {named};.*App Marketplace") as told:
        discovered(account)

    assert "\n" not in str(told.value)
    assert account.tables(but="days") == {}


def test_an_app_without_any_report_scope_is_refused(account: SandboxAccount) -> None:
    without(account, *(scope for scope in account.options.scopes if scope.startswith("report:")))

    with pytest.raises(RefusedError, match=r"lacks the scope report:read:list_users:admin"):
        discovered(account)


@pytest.mark.parametrize(
    ("variable", "way_out"),
    [
        ("ZOOM_CLIENT_SECRET", "ZOOM_CLIENT_ID or ZOOM_CLIENT_SECRET is wrong"),
        ("ZOOM_CLIENT_ID", "ZOOM_CLIENT_ID or ZOOM_CLIENT_SECRET is wrong"),
        ("ZOOM_ACCOUNT_ID", "ZOOM_ACCOUNT_ID is wrong"),
    ],
)
def test_wrong_credentials_are_refused_and_never_printed(
    account: SandboxAccount, tmp_path: Path, variable: str, way_out: str
) -> None:
    account.settings = settings(tmp_path, account.sandbox.settings | {variable: "not-it-at-all"})

    with pytest.raises(RefusedError, match=way_out) as told:
        discovered(account)

    text = f"{told.value}{told.value!r}{account.settings!r}"
    assert account.sandbox.settings["ZOOM_CLIENT_SECRET"] not in text
    if variable == "ZOOM_CLIENT_SECRET":
        assert "not-it-at-all" not in text
    assert len(account.sandbox.requests) == 1


def test_an_address_that_is_no_api_of_zooms_is_named(account: SandboxAccount, tmp_path: Path) -> None:
    account.settings = settings(tmp_path, account.sandbox.settings | {"ZOOM_API_URL": account.sandbox.url + "/zoom"})

    with pytest.raises(RefusedError, match="check ZOOM_API_URL, which ends in /v2"):
        discovered(account)


@pytest.mark.parametrize("path", ["/report/history_meetings", "/report/users", "/meetings"])
def test_a_list_that_keeps_failing_is_an_outage(account: SandboxAccount, path: str) -> None:
    def down(_: str, call: Call) -> Answer | None:
        return failing(503) if call.path.endswith(path) else None

    with account.answering(down), pytest.raises(OutageError, match="503 to GET .*run again later"):
        discovered(account)

    assert account.tables(but="days") == {}
    discovered(account)
    assert found(account) == ended(account)


@pytest.mark.parametrize("path", ["/report/history_meetings", "/report/users", "/meetings"])
def test_a_quota_that_is_spent_ends_the_search(account: SandboxAccount, path: str) -> None:
    def spent(_: str, call: Call) -> Answer | None:
        headers = {"X-RateLimit-Type": "Daily-limit", "Retry-After": "2026-03-18T00:00:00Z"}
        return Answer(429, b"{}", headers=headers) if call.path.endswith(path) else None

    with account.answering(spent), pytest.raises(QuotaError, match="go on after 2026-03-18 00:00 UTC") as told:
        discovered(account)

    assert told.value.resumes_at == datetime.fromisoformat("2026-03-18T00:00:00Z")


@pytest.mark.parametrize("path", ["/report/history_meetings", "/report/users", "/meetings"])
def test_a_list_that_goes_round_in_circles_is_an_outage(account: SandboxAccount, path: str) -> None:
    def circles(_: str, call: Call) -> Answer | None:
        page = {"history_meetings": [], "users": [], "meetings": [], "next_page_token": "again"}
        return json_answer(200, page) if call.path.endswith(path) else None

    with account.answering(circles), pytest.raises(OutageError, match="hands out the same page token twice"):
        discovered(account)


def test_a_list_that_never_ends_is_an_outage(account: SandboxAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.vendors.paging.MOST_PAGES", 6)

    def endless(_: str, call: Call) -> Answer | None:
        page = {"history_meetings": [], "next_page_token": call.query.get("next_page_token", "") + "x"}
        return json_answer(200, page) if call.path.endswith("/history_meetings") else None

    with (
        account.answering(endless),
        pytest.raises(OutageError, match="more than 6 pages, so it goes round in circles"),
    ):
        discovered(account)


def test_what_was_answered_before_a_failure_is_kept(account: SandboxAccount) -> None:
    def down(_: str, call: Call) -> Answer | None:
        return failing(503) if call.path.endswith("/report/users") else None

    with account.answering(down), pytest.raises(OutageError):
        discovered(account)

    kept = account.listed(FORTNIGHT, ["history_meetings"])
    assert [document.outcome for document in kept] == ["answered"]
    held = {row["meeting_uuid"] for row in json.loads(kept[0].body)["history_meetings"]}
    assert held >= {m.vendor_meeting_id for m in account.truth(FORTNIGHT).meetings if m.vendor_attendee_count > 1}


def test_a_run_says_how_far_it_is(account: SandboxAccount) -> None:
    told: list[tuple[str, int, int]] = []
    land_meetings(account.vendor, account.lake, FORTNIGHT, lambda *step: told.append(step))

    pages = [step for step in told if step[0] == "zoom: pages of ended meetings"]
    assert [done for _, done, _ in pages] == sorted(done for _, done, _ in pages)
    assert len(pages) > 10
    assert told[-2:] == [("zoom: shaping meetings", done, len(FORTNIGHT)) for done in (0, len(FORTNIGHT))]
