"""Which Webex meetings ended: from both lists and every site, within what Webex allows, and nothing is missed."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline.errors import UsageError
from attendance_pipeline.http.errors import ForeignHostError, OutageError, QuotaError, RefusedError
from attendance_pipeline.landing import land_meetings
from attendance_pipeline.pull import discover
from attendance_pipeline.sandbox import Sandbox, Seen
from attendance_pipeline.sandbox.wire import Answer, Call, Hook, json_answer
from attendance_pipeline.vendors.base import Discovery
from attendance_pipeline.vendors.webex import Webex
from attendance_pipeline.vendors.webex.account import REACH_MARGIN
from attendance_pipeline.windows import dates

from .account import FORTNIGHT, MONDAY, failing, settings
from .webex_account import API, EVENTS, LATER, MAIN, MEETINGS, SITES, USAGE, SandboxAccount, path_of, sandbox_account

FEW = FORTNIGHT[:4]
TODAY = LATER.date()
OLDEST = Webex.earliest(LATER)
LISTS = [MEETINGS, USAGE]
KINDS = ("meetings", "usage_MeetingCenter", "usage_EventCenter")


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


def discovered(account: SandboxAccount, days: list[date] = FORTNIGHT) -> Discovery:
    pulled = account.land_meetings(days).pulled
    if pulled.stopped:
        raise pulled.stopped
    return pulled.discovery


def asked(account: SandboxAccount, days: list[date]) -> None:
    """Only asks, and lands nothing."""
    asyncio.run(discover(account.vendor, days))
    account.vendor.archive.fold()


def found(account: SandboxAccount, days: list[date] = FORTNIGHT) -> set[str]:
    return {row["meeting_id"] for row in account.rows("meetings", days)}


def ended(account: SandboxAccount, days: list[date] = FORTNIGHT) -> set[str]:
    return {meeting.vendor_meeting_id for meeting in account.truth(days).meetings}


def listed_by(account: SandboxAccount, days: list[date] = FORTNIGHT) -> dict[str, str]:
    return {row["meeting_id"]: row["listed_by"] for row in account.rows("meetings", days)}


def sites_asked(seen: list[Seen], path: str) -> set[str | None]:
    return {one.query.get("siteUrl") for one in seen if path_of(one) == path}


def spans(seen: list[Seen]) -> list[tuple[datetime, datetime]]:
    return [
        (datetime.fromisoformat(one.query["from"]), datetime.fromisoformat(one.query["to"]))
        for one in seen
        if "from" in one.query
    ]


def small_pages(_: str, call: Call) -> None:
    """At most seven rows on a page."""
    if "max" in call.query:
        call.query["max"] = "7"


def linking(account: SandboxAccount, path: str, link: str) -> Hook:
    """The first page of these lists holds three rows and this link."""

    def hook(_: str, call: Call) -> Answer | None:
        if path_of(call) != path or "offset" in call.query:
            return None
        call.query["max"] = "3"
        whole = account.sandbox.webex.answer(call, account.sandbox.url)
        return Answer(200, whole.body, headers={"Link": f'<{link}>; rel="next"'})

    return hook


def without(account: SandboxAccount, scope: str) -> None:
    account.options.scopes = tuple(one for one in account.options.scopes if one != scope)


def test_every_ended_meeting_and_webinar_is_found(account: SandboxAccount) -> None:
    with account.noting() as seen:
        discovery = discovered(account)

    assert found(account) == ended(account)
    assert {m.kind for m in account.truth(FORTNIGHT).meetings} == {"meeting", "webinar"}
    assert set(listed_by(account).values()) == {"meetings,usage"}
    assert {one.status for one in seen} == {200}
    assert discovery.route == f"usage reports and meetings of {EVENTS}, {MAIN}"
    assert discovery.reason == "the caller's sites, and those of the listed meetings"
    assert discovery.skipped == {}


def test_the_lists_tell_what_is_true_of_each_meeting(account: SandboxAccount) -> None:
    discovered(account)

    rows = {row["meeting_id"]: row for row in account.rows("meetings", FORTNIGHT)}
    for meeting in account.truth(FORTNIGHT).meetings:
        row = rows[meeting.vendor_meeting_id]
        assert (row["start_time"], row["end_time"]) == (meeting.started_at, meeting.ended_at)
        assert (row["meeting_title"], row["host_email"]) == (meeting.title, meeting.host_email)
        assert row["total_participants"] == meeting.vendor_attendee_count
        assert row["scheduled_type"] == meeting.kind
    assert {row["site_url"] for row in rows.values()} == {MAIN, EVENTS}


def test_ended_instances_are_asked_for_without_filters_and_times_in_utc(account: SandboxAccount) -> None:
    """By default Webex lists series; the schema's `false` for the `has…` filters contradicts the text."""
    zones: set[str | None] = set()

    with account.answering(lambda _, call: zones.add(call.headers.get("timezone"))), account.noting() as seen:
        discovered(account)

    (listing,) = [one for one in seen if path_of(one) == MEETINGS]
    assert listing.query.keys() == {"from", "to", "meetingType", "state", "max"}
    assert (listing.query["meetingType"], listing.query["state"]) == ("meeting", "ended")
    assert zones - {None} == {"UTC"}
    services = {one.query["serviceType"] for one in seen if path_of(one) == USAGE}
    assert services == {"MeetingCenter", "EventCenter"}


def test_where_no_site_is_set_webex_is_asked_which_there_are(account: SandboxAccount) -> None:
    with account.noting() as seen:
        discovered(account, FEW)

    assert len([one for one in seen if path_of(one) == SITES]) == 1
    assert sites_asked(seen, USAGE) == {MAIN, EVENTS}
    assert sites_asked(seen, MEETINGS) == {None}


@pytest.mark.parametrize("chosen", [[MAIN], [EVENTS], [MAIN, EVENTS]], ids=str)
def test_the_sites_that_are_set_are_asked_and_no_others(account: SandboxAccount, chosen: list[str]) -> None:
    account.use(WEBEX_SITE_URLS=", ".join(f"https://{site}/" for site in chosen))

    with account.noting() as seen:
        discovery = discovered(account, FEW)

    assert sites_asked(seen, SITES) == set()
    assert sites_asked(seen, USAGE) == sites_asked(seen, MEETINGS) == set(chosen)
    assert {row["site_url"] for row in account.rows("meetings", FEW)} == set(chosen)
    assert (found(account, FEW) == ended(account, FEW)) is (len(chosen) == 2)
    assert discovery.reason == "the sites of WEBEX_SITE_URLS"


def test_a_site_that_only_a_listed_meeting_names_is_asked_too(account: SandboxAccount) -> None:
    """The list of sites is the caller's, not the organisation's."""
    own = json_answer(200, {"sites": [{"siteUrl": MAIN, "default": True}]})

    with account.answering(lambda _, call: own if path_of(call) == SITES else None), account.noting() as seen:
        discovered(account, FEW)

    assert sites_asked(seen, USAGE) == {MAIN, EVENTS}
    assert set(listed_by(account, FEW).values()) == {"meetings,usage"}


@pytest.mark.parametrize(("hidden", "by"), [("hidden_from_usage", "meetings"), ("hidden_from_meetings", "usage")])
def test_a_meeting_that_only_one_of_the_lists_names_is_found(account: SandboxAccount, hidden: str, by: str) -> None:
    some = set(sorted(ended(account))[::3])
    setattr(account.options, hidden, some.__contains__)

    discovered(account)

    assert found(account) == ended(account)
    assert listed_by(account) == {meeting: by if meeting in some else "meetings,usage" for meeting in ended(account)}
    held = [row for row in account.rows("meetings", FORTNIGHT) if row["meeting_id"] in some]
    assert all(row["site_url"] in (MAIN, EVENTS) and row["host_email"] for row in held)
    assert all((row["total_participants"] is None) is (by == "meetings") for row in held)


def test_a_meeting_whose_usage_is_late_is_found_at_once_and_its_numbers_follow(account: SandboxAccount) -> None:
    meeting = max(account.truth(FORTNIGHT).meetings, key=lambda m: m.report_ready_at - m.ended_at)
    day, name = meeting.ended_date, meeting.vendor_meeting_id
    account.clock.now = meeting.ended_at + timedelta(minutes=15)
    discovered(account, [day])
    (row,) = [row for row in account.rows("meetings", [day]) if row["meeting_id"] == name]
    assert (row["listed_by"], row["total_participants"]) == ("meetings", None)

    account.clock.now = meeting.report_ready_at
    discovered(account, [day])

    (row,) = [row for row in account.rows("meetings", [day]) if row["meeting_id"] == name]
    assert (row["listed_by"], row["total_participants"]) == ("meetings,usage", meeting.vendor_attendee_count)


def test_a_meeting_that_several_lists_name_several_times_lands_once(account: SandboxAccount) -> None:
    """Under two service types, in both lists, and in windows that overlap."""
    for day in FEW:
        discovered(account, [day])

    discovered(account, FEW)

    rows = account.rows("meetings", FEW)
    assert len(rows) == len(found(account, FEW)) == len(ended(account, FEW))
    kept = account.listed(FEW, KINDS)
    named = [row.get("meetingId", row.get("id")) for one in kept for row in json.loads(one.body)["items"]]
    assert len(named) > 4 * len(rows)


@pytest.mark.parametrize("hidden", ["hidden_from_usage", "hidden_from_meetings"])
def test_a_date_alone_holds_what_ended_on_it_even_if_it_began_days_before(
    account: SandboxAccount, hidden: str
) -> None:
    """Meetings over midnight and one of 26 hours; both lists seem to select by start."""
    setattr(account.options, hidden, lambda _: True)
    meetings = account.truth(FORTNIGHT).meetings
    longest = max(meetings, key=lambda m: m.ended_at - m.started_at)
    assert longest.ended_at - longest.started_at > timedelta(hours=25)
    for day in {longest.ended_date, *(m.ended_date for m in meetings if m.started_at.date() != m.ended_date)}:
        discovered(account, [day])

        assert found(account, [day]) == ended(account, [day])


@pytest.mark.parametrize("sites", ["", MAIN, f"{MAIN},{EVENTS}"])
def test_ninety_dates_take_the_fewest_requests(account: SandboxAccount, sites: str) -> None:
    """Three windows of thirty days, and for each of them two services of every site and a list of meetings."""
    account.use(WEBEX_SITE_URLS=sites)
    days = dates(OLDEST, TODAY)
    assert len(days) == 90

    with account.noting() as seen:
        asked(account, days)

    assert {one.status for one in seen} == {200}
    reported, listings = len(sites.split(",")) if sites else 2, len(sites.split(","))
    first_pages = [one for one in seen if "offset" not in one.query]
    assert len(first_pages) == 3 * (reported * 2 + listings) + (0 if sites else 1)
    kept = account.listed(days, KINDS)
    assert len(kept) == len([one for one in seen if path_of(one) != SITES])
    # Every page but the last of a list is full.
    assert {len(json.loads(document.body)["items"]) for document in kept if not document.last} <= {100}
    assert {one.query["max"] for one in seen if path_of(one) == USAGE} == {"1000"}
    assert {one.query["max"] for one in seen if path_of(one) == MEETINGS} == {"100"}


def test_ninety_dates_lose_nothing_between_their_windows(account: SandboxAccount) -> None:
    days = dates(OLDEST, TODAY)

    asked(account, days)

    shaped, _ = account.vendor.shape_listings(days)
    listed = {name for of_day in shaped["meetings"].values() for name in of_day.rows["meeting_id"].to_pylist()}
    # The list names what ended 15 minutes ago, and nothing that began before the reach.
    assert listed == {
        meeting.vendor_meeting_id
        for meeting in account.truth(days).meetings
        if meeting.started_at >= LATER - timedelta(days=90) + REACH_MARGIN
        and meeting.ended_at <= LATER - timedelta(minutes=15)
    }
    assert len(listed) > 300


@pytest.mark.parametrize("now", [LATER, datetime(2026, 3, 19, 0, 0, tzinfo=UTC), LATER.replace(microsecond=999_999)])
def test_no_request_spans_more_than_thirty_days_or_reaches_further_back_than_ninety(
    account: SandboxAccount, now: datetime
) -> None:
    account.clock.now = now

    with account.noting() as seen:
        asked(account, dates(Webex.earliest(now), now.date()))

    assert {one.status for one in seen} == {200}
    assert all(timedelta() < end - begin <= timedelta(days=30) for begin, end in spans(seen))
    assert (
        now - timedelta(days=90) < min(begin for begin, _ in spans(seen)) <= now - timedelta(days=90) + REACH_MARGIN
    )
    assert max(end for _, end in spans(seen)) == now.replace(microsecond=0)
    assert all(end <= now for _, end in spans(seen))


def test_windows_overlap_as_their_bounds_are_not_documented(account: SandboxAccount) -> None:
    with account.noting() as seen:
        asked(account, dates(OLDEST, TODAY))

    windows = sorted(set(spans(seen)))
    assert len(windows) == 3
    assert [end - begin for (_, end), (begin, _) in zip(windows, windows[1:], strict=False)] == [
        timedelta(minutes=1)
    ] * 2


def test_dates_far_apart_take_no_window_between_them(account: SandboxAccount) -> None:
    with account.noting() as seen:
        asked(account, [TODAY - timedelta(days=80), TODAY - timedelta(days=5)])

    def midnight(days_ago: int) -> datetime:
        return datetime.combine(TODAY - timedelta(days=days_ago), datetime.min.time(), UTC)

    assert set(spans(seen)) == {(midnight(82), midnight(79)), (midnight(7), midnight(4))}


@pytest.mark.parametrize("next_link", ["whole", "filterless"])
def test_the_newest_bound_stays_the_same_on_every_page(account: SandboxAccount, next_link: Any) -> None:
    """Pages are counted off from the newest row: a bound that moved on would shift them."""
    account.options.next_link = next_link

    def slow(_: str, call: Call) -> None:
        small_pages(_, call)
        account.clock.advance(seconds=1)

    with account.answering(slow), account.noting() as seen:
        asked(account, dates(MONDAY, TODAY))

    assert len(seen) > 20
    assert {end for _, end in spans(seen)} == {LATER}
    assert account.clock.now > LATER + timedelta(seconds=20)


@pytest.mark.parametrize("days_ago", [90, 91, 400])
def test_a_date_beyond_the_reach_is_refused_before_anything_is_asked(account: SandboxAccount, days_ago: int) -> None:
    day = TODAY - timedelta(days=days_ago)

    with pytest.raises(UsageError, match=rf"{day} lies beyond the reach.*begin at {OLDEST} or later"):
        account.land_meetings([day, MONDAY])

    assert account.sandbox.requests == []
    assert account.tables(but="days") == {}


MIDNIGHT = datetime.combine(TODAY, datetime.min.time(), UTC)
LAST_CALL = MIDNIGHT + timedelta(days=1) - REACH_MARGIN
"""From then on the oldest date may not stay within the reach until everything was asked."""


@pytest.mark.parametrize("now", [MIDNIGHT, MIDNIGHT + REACH_MARGIN, LATER, LAST_CALL], ids=str)
def test_the_oldest_date_of_the_reach_can_be_asked_for(account: SandboxAccount, now: datetime) -> None:
    account.clock.now = now

    with account.noting() as seen:
        discovered(account, [OLDEST])

    assert {one.status for one in seen} == {200}
    horizon = now - timedelta(days=90) + REACH_MARGIN
    meetings = account.truth([OLDEST]).meetings
    assert found(account, [OLDEST]) == {m.vendor_meeting_id for m in meetings if m.started_at >= horizon}


@pytest.mark.parametrize("now", [LAST_CALL + timedelta(seconds=1), MIDNIGHT + timedelta(hours=23.999)], ids=str)
def test_shortly_before_midnight_the_oldest_date_is_refused(account: SandboxAccount, now: datetime) -> None:
    account.clock.now = now
    next_day = OLDEST + timedelta(days=1)

    with pytest.raises(UsageError, match=rf"{OLDEST} lies beyond the reach.*begin at {next_day} or later"):
        account.land_meetings([OLDEST])

    assert account.sandbox.requests == []
    discovered(account, [next_day])
    assert found(account, [next_day]) == ended(account, [next_day])


@pytest.mark.parametrize("day", [TODAY + timedelta(days=1), TODAY + timedelta(days=30)])
def test_a_date_to_come_asks_for_nothing_that_is_to_come(account: SandboxAccount, day: date) -> None:
    with account.noting() as seen:
        discovered(account, [day])

    assert account.rows("meetings", [day]) == []
    assert all(begin <= end <= LATER for begin, end in spans(seen))


@pytest.mark.parametrize("cap", [7, 20])
def test_a_window_that_holds_more_meetings_than_the_list_gives_is_halved(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, cap: int
) -> None:
    monkeypatch.setattr("attendance_pipeline.vendors.webex.discovery.LISTING_CAP", cap)
    account.options.listing_cap = cap
    account.options.hidden_from_usage = lambda _: True

    with account.noting() as seen:
        discovered(account)

    assert found(account) == ended(account)
    windows = {(one.query["from"], one.query["to"]) for one in seen if path_of(one) == MEETINGS}
    assert 1 + 2 * (len(ended(account)) // cap) <= len(windows) < 8 * len(ended(account)) // cap


def test_a_list_that_is_full_however_short_its_window_is_an_outage(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.vendors.webex.discovery.LISTING_CAP", 1)
    row = json_answer(200, {"items": [{"id": "a_I_1"}]})

    with (
        account.answering(lambda _, call: row if path_of(call) == MEETINGS else None),
        pytest.raises(OutageError, match="1 meetings that started within a second, which can't be"),
    ):
        discovered(account)

    assert len(account.requests(MEETINGS)) < 30


@pytest.mark.parametrize("next_link", ["whole", "filterless", "empty_page"])
def test_lists_are_read_to_their_last_page(account: SandboxAccount, next_link: Any) -> None:
    """A next link may have lost its filters or hold `max=null`, and may lead to an empty page."""
    account.options.next_link = next_link

    with account.answering(small_pages), account.noting() as seen:
        discovered(account)

    assert found(account) == ended(account)
    assert set(listed_by(account).values()) == {"meetings,usage"}
    assert {path_of(one) for one in seen if "offset" in one.query} == {MEETINGS, USAGE}
    assert {one.status for one in seen} == {200}
    assert "null" not in {value for one in seen for value in one.query.values()}


@pytest.mark.parametrize("page_over", [500, 40, 10])
def test_a_page_that_takes_webex_too_long_is_asked_for_in_smaller_ones(
    account: SandboxAccount, page_over: int
) -> None:
    account.options.page_over = page_over

    with account.noting() as seen:
        discovered(account, FEW)

    assert found(account, FEW) == ended(account, FEW)
    assert {one.status for one in seen} == {200, 504}
    assert all(int(one.query["max"]) <= page_over for one in seen if one.status == 200 and "max" in one.query)
    # A size that took too long is tried once.
    slow = [tuple(sorted(one.query.items())) for one in seen if one.status == 504]
    assert len(slow) == len(set(slow))


def test_a_page_that_takes_too_long_however_small_is_an_outage(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    account.options.page_over = 9

    with pytest.raises(OutageError, match="504 to GET .*run again later"):
        discovered(account)


@pytest.mark.parametrize("path", LISTS)
def test_a_next_link_to_another_host_is_not_followed_and_no_token_travels(account: SandboxAccount, path: str) -> None:
    with Sandbox(size="small") as other:
        link = other.url.replace("127.0.0.1", "localhost") + f"{API}/elsewhere?offset=3"
        with account.answering(linking(account, path, link)), pytest.raises(ForeignHostError) as told:
            discovered(account)

        assert other.requests == []
    assert str(told.value) == f"GET {path}: its next page is said to be at localhost, which isn't the vendor's host"
    assert account.tables(but="days") == {}


@pytest.mark.parametrize("path", LISTS)
def test_of_a_link_to_the_same_list_elsewhere_the_query_is_asked_of_the_known_host(
    account: SandboxAccount, path: str
) -> None:
    """Webex has been seen to name another of its hosts."""
    with Sandbox(size="small") as other:
        link = other.url.replace("127.0.0.1", "localhost") + f"/elsewhere/v1{path}?offset=3&max=null"
        with account.answering(linking(account, path, link)), account.noting() as seen:
            discovered(account, FEW)

        assert other.requests == []
    assert found(account, FEW) == ended(account, FEW)
    assert {one.query["offset"] for one in seen if "offset" in one.query and path_of(one) == path} >= {"3"}
    assert set(listed_by(account, FEW).values()) == {"meetings,usage"}


@pytest.mark.parametrize("link", ["http://[::1?offset=3", "http://[nowhere]/v1/meetings?offset=3"])
def test_a_next_link_that_is_no_address_is_an_error_that_a_user_can_read(account: SandboxAccount, link: str) -> None:
    with (
        account.answering(linking(account, MEETINGS, link)),
        pytest.raises(OutageError, match=f"GET {MEETINGS}: the link to its next page isn't an address"),
    ):
        discovered(account)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_that_goes_round_in_circles_is_an_outage(account: SandboxAccount, path: str) -> None:
    circle = Answer(
        200, b'{"items":[]}', headers={"Link": f'<{account.sandbox.url}{API}{path}?offset=1>; rel="next"'}
    )

    with (
        account.answering(lambda _, call: circle if path_of(call) == path else None),
        pytest.raises(OutageError, match="hands out the same page token twice"),
    ):
        discovered(account)


def test_a_list_that_never_ends_is_an_outage(account: SandboxAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.vendors.paging.MOST_PAGES", 6)

    def endless(_: str, call: Call) -> Answer | None:
        following = int(call.query.get("offset", "0")) + 1
        link = {"Link": f'<{account.sandbox.url}{API}{MEETINGS}?offset={following}>; rel="next"'}
        return Answer(200, b'{"items":[]}', headers=link) if path_of(call) == MEETINGS else None

    with (
        account.answering(endless),
        pytest.raises(OutageError, match="more than 6 pages, so it goes round in circles"),
    ):
        discovered(account)


@pytest.mark.parametrize(
    ("scope", "path", "role"),
    [
        ("meeting:admin_preferences_read", SITES, "Full admin or Content admin"),
        ("meeting:admin_schedule_read", MEETINGS, "Full admin or Content admin"),
        ("meeting:admin_config_read", USAGE, "Site admin"),
    ],
)
def test_a_scope_that_is_missing_is_named_with_the_role_that_grants_it(
    account: SandboxAccount, scope: str, path: str, role: str
) -> None:
    without(account, scope)

    with pytest.raises(RefusedError, match=rf"refused GET {path}.* \(403, tracking id .*\)") as told:
        discovered(account)

    assert f"needs the scope {scope}, granted by somebody with the role {role}" in str(told.value)
    assert str(told.value).endswith("; then run again")
    assert "authorize the app again with it" in str(told.value)
    assert "\n" not in str(told.value)
    assert account.tables(but="days") == {}


def test_sites_that_are_set_need_no_scope_to_list_them(account: SandboxAccount) -> None:
    without(account, "meeting:admin_preferences_read")
    account.use(WEBEX_SITE_URLS=f"{MAIN},{EVENTS}")

    discovered(account, FEW)

    assert found(account, FEW) == ended(account, FEW)


def test_a_site_that_webex_refuses_is_named_with_its_variable(account: SandboxAccount) -> None:
    account.use(WEBEX_SITE_URLS=f"{MAIN},other.webex.com")

    with pytest.raises(RefusedError, match=r"for the site other\.webex\.com \(400, .*check WEBEX_SITE_URLS"):
        discovered(account)

    assert account.tables(but="days") == {}


@pytest.mark.parametrize("sites", [[], [{"default": True}], [{"siteUrl": ""}]], ids=str)
def test_an_account_of_which_webex_names_no_site_is_told_to_set_them(account: SandboxAccount, sites: Any) -> None:
    nothing = json_answer(200, {"sites": sites})

    with (
        account.answering(lambda _, call: nothing if path_of(call) == SITES else None),
        pytest.raises(RefusedError, match="names no site of this account; set WEBEX_SITE_URLS"),
    ):
        discovered(account)


def test_an_address_that_is_no_api_of_webex_is_named(account: SandboxAccount) -> None:
    account.use(WEBEX_API_URL=account.sandbox.url + API, WEBEX_SITE_URLS="")
    refusal = Answer(404, b"<html>Not Found</html>", content_type="text/html")

    with (
        account.answering(lambda _, call: refusal if call.method == "GET" else None),
        pytest.raises(RefusedError, match=r"\(404\): check WEBEX_API_URL, which ends in /v1"),
    ):
        discovered(account)


@pytest.mark.parametrize("path", [SITES, *LISTS])
def test_a_list_that_keeps_failing_is_an_outage(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 2)

    with (
        account.answering(lambda _, call: failing(503) if path_of(call) == path else None),
        pytest.raises(OutageError, match="503 to GET .*run again later"),
    ):
        discovered(account, FEW)

    assert account.tables(but="days") == {}
    discovered(account, FEW)
    assert found(account, FEW) == ended(account, FEW)


def test_what_was_answered_before_a_failure_is_kept(account: SandboxAccount) -> None:
    def down(_: str, call: Call) -> Answer | None:
        return failing(503) if path_of(call) == USAGE else None

    with account.answering(down), pytest.raises(OutageError):
        discovered(account)

    (sites,) = account.listed(FORTNIGHT, ["sites"])
    assert sites.outcome == "answered"
    (listing,) = account.listed(FORTNIGHT, ["meetings"])
    assert {row["id"] for row in json.loads(listing.body)["items"]} >= ended(account)


def test_a_refusal_is_kept_with_what_it_was(account: SandboxAccount) -> None:
    without(account, "meeting:admin_schedule_read")

    with pytest.raises(RefusedError):
        discovered(account)

    (refused,) = account.listed(FORTNIGHT, ["meetings"])
    assert (refused.status, refused.outcome) == (403, "denied")
    assert refused.reason.startswith("403, tracking id ROUTER_")


@pytest.mark.parametrize("path", [SITES, *LISTS])
def test_a_long_wait_that_webex_asks_for_ends_the_search_and_says_when_to_go_on(
    account: SandboxAccount, path: str
) -> None:
    spent = Answer(429, b"<html>", headers={"Retry-After": "3600"}, content_type="text/html")

    with (
        account.answering(lambda _, call: spent if path_of(call) == path else None),
        pytest.raises(QuotaError, match="asks for a wait of 3600 s .*go on after 2026-03-19 16:00 UTC") as told,
    ):
        discovered(account)

    assert told.value.resumes_at == LATER + timedelta(hours=1)
    kept = account.listed(FORTNIGHT, ["sites", *KINDS])
    assert len(kept) == len([one for one in account.requests() if one.status == 200])


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting lasts no time; how long it would have."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def no_time(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr("attendance_pipeline.http.pacing.asyncio.sleep", no_time)
    return waits


@pytest.mark.parametrize(("said", "seconds"), [("rand(30),add(30)", 60), ("7", 7), ("0.25", 0.25)])
def test_a_short_wait_that_webex_asks_for_is_kept(
    account: SandboxAccount, slept: list[float], said: str, seconds: float
) -> None:
    once = iter([Answer(429, b"<html>", headers={"Retry-After": said}, content_type="text/html")])

    with account.answering(lambda _, call: next(once, None) if path_of(call) == MEETINGS else None):
        pulled = account.land_meetings(FEW).pulled

    assert found(account, FEW) == ended(account, FEW)
    assert seconds in slept
    assert pulled.waited_seconds["told"] == seconds


def test_a_resource_that_is_locked_is_asked_for_again_when_webex_said(
    account: SandboxAccount, slept: list[float]
) -> None:
    once = iter([Answer(423, b"{}", headers={"Retry-After": "9"})])

    with account.answering(lambda _, call: next(once, None) if path_of(call) == USAGE else None):
        pulled = account.land_meetings(FEW).pulled

    assert found(account, FEW) == ended(account, FEW)
    assert 9 in slept
    assert pulled.failed_attempts == 1


@pytest.mark.usefixtures("slept")
def test_what_exceeds_the_rate_limit_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other apps of the same person count, too."""
    # as waiting takes no time here, there are many attempts in a moment
    monkeypatch.setattr("attendance_pipeline.http.session.THROTTLED_ATTEMPTS", 10_000)
    with sandbox_account(tmp_path, rate_limits=True, rate_limit=3, rate_window_seconds=0.3) as account:
        discovered(account, FEW)

        assert found(account, FEW) == ended(account, FEW)
        assert 429 in {one.status for one in account.requests()}


def test_the_oldest_bound_can_still_be_asked_for_after_a_long_wait(account: SandboxAccount) -> None:
    """Four waits of two minutes, say, while the meetings were listed: what lies 90 days back has moved on."""
    first: list[Call] = []

    def slow(_: str, call: Call) -> None:
        if path_of(call) == MEETINGS and not first:
            first.append(call)
            account.clock.advance(minutes=8)

    with account.answering(slow), account.noting() as seen:
        asked(account, dates(OLDEST, TODAY))

    assert {one.status for one in seen} == {200}


def test_a_run_says_how_far_it_is(account: SandboxAccount) -> None:
    told: list[tuple[str, int, int]] = []
    land_meetings(account.vendor, account.lake, FORTNIGHT, lambda *step: told.append(step))

    pages = [step for step in told if step[0] == "webex: pages of ended meetings"]
    assert [done for _, done, _ in pages] == sorted(done for _, done, _ in pages)
    assert len(pages) == 6
    assert told[-2:] == [("webex: shaping meetings", done, len(FORTNIGHT)) for done in (0, len(FORTNIGHT))]


def test_no_message_names_a_person_or_holds_a_secret(account: SandboxAccount, tmp_path: Path) -> None:
    account.settings = settings(tmp_path, account.sandbox.settings | {"WEBEX_CLIENT_SECRET": "not-it-at-all"})
    people = account.sandbox.organisation.employees
    texts = []
    with pytest.raises(RefusedError) as told:
        discovered(account)
    texts.append(f"{told.value}{told.value!r}{account.settings!r}")
    account.use()
    host = people[0]
    refusal = json_answer(403, {"message": f"{host.name} {host.email} may not", "trackingId": "T1"})
    refusing = account.answering(lambda _, call: refusal if path_of(call) == MEETINGS else None)
    with refusing, pytest.raises(RefusedError) as told:
        discovered(account)
    texts.append(f"{told.value}{told.value!r}")

    secrets = {"not-it-at-all", account.sandbox.settings["WEBEX_REFRESH_TOKEN"]}
    for text in texts:
        assert not [one for one in people if one.name in text or one.email in text]
        assert not [secret for secret in secrets if secret in text]


OTHER_FORMS: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("no list", lambda page: {"items": None}),
    ("no page", lambda page: page["items"]),
]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("change", [change for _, change in OTHER_FORMS], ids=[name for name, _ in OTHER_FORMS])
def test_an_answer_that_is_no_page_is_an_outage(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, path: str, change: Callable[[Any], object]
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)

    def other(_: str, call: Call) -> Answer | None:
        if path_of(call) != path:
            return None
        return json_answer(200, change(json.loads(account.sandbox.webex.answer(call, account.sandbox.url).body)))

    with account.answering(other), pytest.raises(OutageError, match="isn't the documented JSON"):
        discovered(account)
