"""Who names a Teams meeting: call records, calendars and lists of events, asked within what Graph allows."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline import pull
from attendance_pipeline.errors import UsageError
from attendance_pipeline.http.errors import ForeignHostError, OutageError, QuotaError, RefusedError
from attendance_pipeline.sandbox import Sandbox, Seen
from attendance_pipeline.sandbox.teams.limits import LIMITS, Limit
from attendance_pipeline.sandbox.teams.options import ROLES
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.vendors.base import Discovery
from attendance_pipeline.vendors.teams import account as teams
from attendance_pipeline.windows import dates

from .account import FORTNIGHT, failing
from .teams_account import (
    API,
    BATCH,
    CALL_RECORDS,
    DOCUMENTED_RATES,
    EVENT_LISTS,
    LATER,
    TOWN_HALLS,
    USERS,
    WEBINARS,
    Row,
    SandboxAccount,
    Which,
    count,
    instead,
    is_calendar,
    is_expanded,
    is_list,
    is_lookup,
    is_of_calls,
    path_of,
    refusal,
    sandbox_account,
)

FEW = FORTNIGHT[2:4]
"""A weekly webinar, two channels' meetings, a meeting that began anew."""
CALLS_ONLY = {"TEAMS_ROUTES": "call_records"}
CALENDAR_ONLY = {"TEAMS_ROUTES": "calendar"}
NIGHT, LONG = date(2026, 3, 10), date(2026, 3, 11)
"""On these dates ended what began on the dates before."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxAccount]:
    """All dates of a tenant; tests only look."""
    with sandbox_account(tmp_path_factory.mktemp("lake")) as account:
        account.land_meetings(FORTNIGHT)
        yield account


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


def discovered(account: SandboxAccount, days: Sequence[date] = FORTNIGHT) -> Discovery:
    return account.land_meetings(days).pulled.discovery


def found(account: SandboxAccount, days: Sequence[date] = FORTNIGHT) -> set[str]:
    return set(account.reports(days))


def ended(account: SandboxAccount, days: Sequence[date] = FORTNIGHT) -> set[str]:
    return set(account.ended(days))


def called(account: SandboxAccount, days: Sequence[date]) -> set[str]:
    """What call records lead to: webinars and town halls have lists of their own."""
    return set(account.ended(days, "meeting", "live_event"))


def at(day: date, hours: float = 0) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(hours=hours)


def of_calendars(account: SandboxAccount, days: Sequence[date]) -> set[str]:
    """What a calendar planned, or a list of events has: nothing ad hoc, nobody's own room, not of deleted users."""
    identity = account.sandbox.teams.tenant.identity
    hosts = {one.email for one in account.sandbox.organisation.employees if one.status == "active"}
    planned = set()
    for name, meeting in account.ended(days).items():
        held = identity.occurrence_of(name)
        series = identity.series_of(meeting.series_id) if held is None else held.series
        assert series is not None
        booked = series.booking in ("scheduled", "recurring") and meeting.host_email in hosts
        if booked or meeting.kind in ("webinar", "town_hall"):
            planned.add(name)
    return planned


def span(one: Seen | Call) -> tuple[datetime, datetime]:
    """What a list of call records is asked for; it may be asked for nothing else."""
    told = re.fullmatch(r"startDateTime ge (\S+Z) and startDateTime lt (\S+Z)", one.query["$filter"])
    assert told, one.query["$filter"]
    return datetime.fromisoformat(told[1]), datetime.fromisoformat(told[2])


def changed(account: SandboxAccount, change: Callable[[Row], object]) -> Callable[[Call], Answer]:
    """What the sandbox says, but for what this does to each row."""

    def answer(call: Call) -> Answer:
        body = json.loads(account.whole(call).body)
        for row in body["value"]:
            change(row)
        return json_answer(200, body)

    return answer


def calendars_asked(seen: Sequence[Seen]) -> Counter[tuple[str, date]]:
    """How often each user was asked for each date."""
    asked: Counter[tuple[str, date]] = Counter()
    for one in seen:
        if is_calendar(one) and "$skip" not in one.query:
            first, end = (
                datetime.fromisoformat(one.query[bound]).date() for bound in ("startDateTime", "endDateTime")
            )
            asked.update((one.path, day) for day in dates(first, end - timedelta(days=1)))
    return asked


def test_everything_that_ended_is_found_once_with_its_kind_its_series_and_its_times(whole: SandboxAccount) -> None:
    account = whole
    reports = account.reports(FORTNIGHT)
    meetings = account.ended(FORTNIGHT)
    assert reports.keys() == meetings.keys()
    assert Counter(row["kind"] for row in reports.values()) == Counter(m.kind for m in meetings.values())
    for name, meeting in meetings.items():
        row = reports[name]
        assert (row["event_id"] or row["online_meeting_id"]) == meeting.series_id
        assert (row["meeting_start_time"], row["meeting_end_time"]) == (meeting.started_at, meeting.ended_at)
        assert (row["kind"], row["subject"]) == (meeting.kind, meeting.title)
        assert row["organizer_id"] == account.user_id(meeting.host_email)
        if meeting.kind != "live_event":
            assert (row["source"], row["total_participant_count"]) == ("list", meeting.vendor_attendee_count)


def test_what_each_route_found_and_missed_is_told(account: SandboxAccount) -> None:
    days = FORTNIGHT[9:10]
    discovery = discovered(account, days)

    assert discovery.route == "call_records, calendar, webinars, town_halls"
    assert discovery.skipped == {}
    told = {part.partition(": ")[0]: part.partition(": ")[2] for part in discovery.reason.split("; ")}
    for route in ("call_records", "calendar", "webinars", "town_halls"):
        statuses = Counter(row["status"] for row in account.named(days, route))
        assert told[route] == ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
    assert set(account.reports(days)[next(iter(account.ended(days, "webinar")))]["found_by"].split(",")) >= {
        "call_records",
        "webinars",
    }


# call records


@pytest.mark.parametrize("days", [dates(date(2026, 2, 1), LATER.date()), [LATER.date()]], ids=len)
def test_call_records_are_asked_for_by_start_alone_and_no_further_back_than_thirty_days(
    account: SandboxAccount, days: list[date]
) -> None:
    """Even when a run takes its time: the horizon moves on."""
    noted: list[tuple[datetime, Call]] = []

    def slow(_: str, call: Call) -> None:
        if is_of_calls(call):
            noted.append((account.clock.now, call))
            account.clock.advance(minutes=9)

    with account.answering(slow):
        account.search(days)

    assert noted
    for now, call in noted:
        begin, end = span(call)
        assert now - timedelta(days=30) <= begin < end <= now
        assert call.query.keys() <= {"$filter", "$skiptoken"}


def test_call_records_are_asked_for_as_early_as_the_longest_meeting_began(account: SandboxAccount) -> None:
    """The list selects by start, and we want what ended."""
    account.use(**CALLS_ONLY)
    for day in (NIGHT, LONG):
        with account.noting() as seen:
            discovered(account, [day])

        assert min(span(one)[0] for one in seen if is_of_calls(one)) <= at(day) - timedelta(days=1, hours=2)
        assert found(account, [day]) == called(account, [day])
    longest = max(account.ended([LONG]).values(), key=lambda m: m.ended_at - m.started_at)
    assert longest.ended_at - longest.started_at > timedelta(hours=25)


def test_a_meeting_that_began_yesterday_at_eleven_and_ended_today_is_found_for_today(account: SandboxAccount) -> None:
    (meeting,) = (m for m in account.ended([NIGHT]).values() if m.started_at.hour == 23)
    assert meeting.started_at.date() == NIGHT - timedelta(days=1)
    account.clock.now = meeting.ended_at + timedelta(minutes=150)
    assert account.clock.now.date() == NIGHT

    discovered(account, [NIGHT])

    assert found(account, [NIGHT]) == {meeting.vendor_meeting_id}


def test_pages_of_call_records_are_followed_by_their_links_as_they_are(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.sandbox.teams.calls.PAGE", 4)
    account.use(**CALLS_ONLY)

    with account.noting() as seen:
        discovered(account, FEW)

    pages = [one for one in seen if is_of_calls(one)]
    tokens = [one.query.get("$skiptoken") for one in pages]
    assert len(pages) > 4
    assert len(set(tokens)) == len(tokens)
    assert {one.query["$filter"] for one in pages} == {pages[0].query["$filter"]}
    assert found(account, FEW) == called(account, FEW)
    kept = account.listed(FEW, ["call_records"])
    assert [(one.page, one.last) for one in kept] == [(n + 1, n + 1 == len(pages)) for n in range(len(pages))]


@pytest.mark.parametrize("empty", [2])
def test_an_empty_page_of_call_records_is_not_the_last(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, empty: int
) -> None:
    monkeypatch.setattr("attendance_pipeline.sandbox.teams.calls.PAGE", 7)
    account.use(**CALLS_ONLY)
    inserted: list[str] = []

    def answer(call: Call) -> Answer | None:
        if len(inserted) >= empty:
            return None
        inserted.append(call.path)
        link = f"{account.sandbox.url}{call.path}?" + "&".join(
            f"{name}={value.replace(' ', '%20')}" for name, value in call.query.items()
        )
        return json_answer(200, {"value": [], "@odata.nextLink": f"{link}&$count={len(inserted)}"})

    def unnumbered(_: str, call: Call) -> Answer | None:
        call.query.pop("$count", None)
        return answer(call) if is_of_calls(call) else None

    with account.answering(unnumbered):
        discovered(account, FEW[:1])

    assert len(inserted) == empty
    assert found(account, FEW[:1]) == called(account, FEW[:1])


def test_of_a_calls_versions_the_highest_counts_whichever_came_last(account: SandboxAccount) -> None:
    account.use(**CALLS_ONLY)
    meeting = next(m for m in account.ended(FEW[:1], "meeting").values())
    begin = meeting.started_at

    def version(number: int, minutes: int) -> Callable[[Row], None]:
        def change(row: Row) -> None:
            if datetime.fromisoformat(row["startDateTime"]) == begin:
                row |= {"version": number, "endDateTime": f"{begin + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"}

        return change

    for number, minutes in ((3, 10), (5, 30), (4, 20)):
        with account.answering(instead(is_of_calls, changed(account, version(number, minutes)))):
            discovered(account, FEW[:1])

    (row,) = (row for row in account.named(FEW[:1]) if row["start_time"] == begin)
    assert (row["version"], row["end_time"]) == (5, begin + timedelta(minutes=30))
    assert found(account, FEW[:1]) == called(account, FEW[:1])


def test_a_call_whose_later_version_ends_on_the_next_date_is_of_that_date(account: SandboxAccount) -> None:
    account.use(**CALLS_ONLY)
    day, later = FEW[:2]
    meeting = next(m for m in account.ended([day], "meeting").values())

    def longer(row: Row) -> None:
        if datetime.fromisoformat(row["startDateTime"]) == meeting.started_at:
            row |= {"version": 9, "endDateTime": f"{later}T00:10:00Z"}

    discovered(account, FEW[:2])
    with account.answering(instead(is_of_calls, changed(account, longer))):
        discovered(account, FEW[:2])

    assert not [row for row in account.named([day]) if row["start_time"] == meeting.started_at]
    (row,) = (row for row in account.named([later]) if row["start_time"] == meeting.started_at)
    assert row["version"] == 9


def test_a_call_that_is_recorded_late_is_found_by_the_next_run(account: SandboxAccount) -> None:
    """Half an hour to two and a half after its end; until then nothing says that it was."""
    account.use(**CALLS_ONLY)
    day = FEW[0]
    settling = account.sandbox.teams.tenant.settling
    for hours in range(12, 28, 5):
        account.clock.now = at(day, hours)
        discovered(account, [day])

        calls = [row["id"] for row in account.named([day])]
        ends = {row["id"]: row["end_time"] for row in account.named([day])}
        assert all(settling.call_at(ends[name], name) <= account.clock.now for name in calls)
        assert found(account, [day]) <= called(account, [day])

    assert found(account, [day]) == called(account, [day])
    first = {one.subject for one in account.listed([day], ["attendance_reports"]) if one.fetched_at < at(day, 16)}
    assert first


def test_the_documented_rate_of_call_records_is_kept() -> None:
    assert DOCUMENTED_RATES[teams.CALLS] == (
        LIMITS["call-records-list"].requests,
        LIMITS["call-records-list"].seconds,
    )
    assert DOCUMENTED_RATES[teams.EVENTS] == tuple(LIMITS["virtual-events"])


def test_a_list_of_many_pages_meets_no_limit_of_graphs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the documented rate, at a two-hundredth of its time."""
    monkeypatch.setattr("attendance_pipeline.sandbox.teams.calls.PAGE", 2)
    limit = Limit(10, 0.1)
    monkeypatch.setitem(LIMITS, "call-records-list", limit)
    with sandbox_account(tmp_path, rate_limits=True) as account:
        monkeypatch.setitem(teams.RATES, teams.CALLS, limit)
        account.use(**CALLS_ONLY)
        with account.noting() as seen:
            pulled = asyncio.run(pull.discover(account.vendor, FORTNIGHT))

        assert count(seen, is_of_calls) > 30
        assert 429 not in {one.status for one in seen}
        assert pulled.waited_seconds["pace"] > 0


def test_a_date_that_only_calendars_can_name_is_refused_when_they_are_left_out(account: SandboxAccount) -> None:
    account.use(**CALLS_ONLY)

    with pytest.raises(UsageError, match="back to 2026-02-18.*TEAMS_ROUTES"):
        discovered(account, [date(2026, 2, 17)])

    assert account.requests() == []


# calendars


def test_a_calendar_is_asked_once_for_each_date_a_day_after_it(account: SandboxAccount) -> None:
    day, following = FEW[:2]
    for now in (at(day, 20), at(following, 23.9)):
        account.clock.now = now
        with account.noting() as seen:
            account.search([day])
        assert day not in {asked for _, asked in calendars_asked(seen)}

    account.clock.now = at(following, 24.5)
    with account.noting() as seen:
        account.search([day, following])
    users = {path for path, _ in calendars_asked(seen)}
    assert calendars_asked(seen) == dict.fromkeys(((user, day) for user in users), 1)
    assert len(users) == 13

    for hours in (60,):
        account.clock.now = at(following, hours)
        with account.noting() as seen:
            account.search([day])
        assert calendars_asked(seen) == {}

    with account.noting() as seen:
        account.search([day, following])
    assert calendars_asked(seen) == dict.fromkeys(((user, following) for user in users), 1)


def test_a_user_whose_calendar_failed_is_asked_again_and_no_other(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found before a run failed is known; what wasn't isn't taken for known."""
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    host = account.user_id(next(iter(account.ended(FEW[:1], "meeting").values())).host_email)
    unlucky = f"{USERS}/{host}/calendarView"
    answered: list[Call] = []

    def down(call: Call) -> Answer | None:
        if path_of(call) == unlucky and len(answered) > 5:
            return failing(503)
        answered.append(call)
        return failing(503) if path_of(call) == unlucky else None

    with (
        account.answering(instead(is_calendar, down)),
        pytest.raises(OutageError, match="503 to GET .*run again later"),
    ):
        discovered(account, FEW)
    known = {one.subject for one in account.listed(FEW, ["calendar_view"])}
    assert known
    assert host not in known

    with account.noting() as seen:
        discovered(account, FEW)

    again = {path_of(one).split("/")[3] for one in seen if is_calendar(one)}
    assert host in again
    assert not again & known
    assert {one.subject for one in account.listed(FEW, ["calendar_view"])} == again | known
    assert len(again | known) == 13


def test_users_who_may_have_planned_something_are_asked_and_no_others(account: SandboxAccount) -> None:
    """Not those whose account is disabled or who are somebody's guests; who they are takes a single request."""
    people = account.sandbox.organisation.employees
    guest = account.user_id(next(one.email for one in people if one.status == "active"))

    def invited(row: Row) -> None:
        if row["id"] == guest:
            row["userType"] = "Guest"

    with (
        account.answering(instead(lambda one: path_of(one) == USERS, changed(account, invited))),
        account.noting() as seen,
    ):
        account.search(FEW[:1])

    (listing,) = (one for one in seen if path_of(one) == USERS)
    assert {"id", "accountEnabled", "userType"} <= set(listing.query["$select"].split(","))
    asked = {path_of(one).split("/")[3] for one in seen if is_calendar(one)}
    identity = account.sandbox.teams.tenant.identity
    assert asked == {identity.user_id(one) for one in people if one.status in ("active", "pending")} - {guest}


def test_pages_of_users_and_of_calendars_are_read_to_the_last(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.vendors.teams.discovery.USERS_PAGE", "5")
    monkeypatch.setattr("attendance_pipeline.vendors.teams.discovery.CALENDAR_PAGE", "2")
    account.use(**CALENDAR_ONLY)

    with account.noting() as seen:
        discovered(account, FEW)

    assert count(seen, lambda one: path_of(one) == USERS) >= 3
    assert [one for one in seen if is_calendar(one) and "$skip" in one.query]
    planned = of_calendars(account, FEW) - set(account.ended(FEW, "webinar", "town_hall"))
    assert found(account, FEW) >= planned


def test_users_without_a_mailbox_are_passed_over_counted_and_not_asked_again(account: SandboxAccount) -> None:
    hosts = sorted({account.user_id(m.host_email) for m in account.ended(FEW).values()})[:3]
    account.options.without_mailbox = set(hosts).__contains__

    discovery = discovered(account, FEW)

    assert discovery.skipped == {"calendars refused (404 MailboxNotEnabledForRESTAPI)": 3}
    assert found(account, FEW) == ended(account, FEW)
    with account.noting() as seen:
        discovered(account, FEW)
    assert calendars_asked(seen) == {}


def test_what_was_planned_and_never_held_is_no_meeting_and_asks_for_no_attention(account: SandboxAccount) -> None:
    account.land(FORTNIGHT)

    postponed = [row for row in account.named(FORTNIGHT) if (row["subject"] or "").startswith("Postponed")]
    assert postponed
    assert {(row["route"], row["status"], row["report_id"]) for row in postponed} == {("calendar", "not_held", None)}
    assert "planned" in postponed[0]["reason"]
    mentioned = {row["meeting_id"] for row in account.rows("readings", FORTNIGHT)}
    assert not mentioned & {row["id"] for row in postponed}
    assert found(account) == ended(account)


def test_calendars_find_what_call_records_miss(account: SandboxAccount) -> None:
    missed = of_calendars(account, FEW)
    account.options.hidden_from_call_records = missed.__contains__

    discovered(account, FEW)

    assert missed
    assert found(account, FEW) == ended(account, FEW)
    reports = account.reports(FEW)
    assert {"call_records" in reports[name]["found_by"] for name in missed} == {False}


def test_call_records_find_what_calendars_miss(account: SandboxAccount) -> None:
    account.options.hidden_from_calendar = lambda _: True

    discovered(account, FEW)

    assert found(account, FEW) == ended(account, FEW)
    assert {row["found_by"] for row in account.reports(FEW).values()} == {
        "call_records",
        "call_records,webinars",
    }


def test_a_backfill_beyond_the_call_records_asks_calendars_and_finds_what_they_planned(
    account: SandboxAccount,
) -> None:
    account.clock.now = at(FEW[0], 50 * 24)

    with account.noting() as seen:
        discovery = discovered(account, FEW)

    assert count(seen, is_of_calls) == 0
    assert {day for _, day in calendars_asked(seen)} == {FEW[0] - timedelta(days=1), *FEW}
    assert max(calendars_asked(seen).values()) == 1
    assert found(account, FEW) == of_calendars(account, FEW)
    assert "call records reach back to 2026-03-25" in discovery.reason


def test_months_of_calendars_is_asked_for_in_spans_of_a_month(account: SandboxAccount) -> None:
    days = dates(LATER.date() - timedelta(days=65), LATER.date())

    with account.noting() as seen:
        account.search(days)

    asked = calendars_asked(seen)
    assert {day for _, day in asked} == {days[0] - timedelta(days=1), *days[:-2]}
    assert max(asked.values()) == 1
    firsts = Counter(one.path for one in seen if is_calendar(one) and "$skip" not in one.query)
    assert set(firsts.values()) == {3}


@pytest.mark.parametrize("day", [NIGHT, LONG])
def test_a_single_old_date_holds_what_ended_on_it_though_it_was_planned_for_the_date_before(
    account: SandboxAccount, day: date
) -> None:
    account.clock.now = at(day, 40 * 24)

    discovered(account, [day])

    assert found(account, [day]) == of_calendars(account, [day])


def test_a_single_old_date_holds_what_was_planned_for_the_date_before_and_went_on_past_midnight(
    account: SandboxAccount,
) -> None:
    (meeting,) = (m for m in account.ended([NIGHT]).values() if m.started_at.hour == 23)
    account.clock.now = at(NIGHT, 40 * 24)

    def planned_shorter(call: Call) -> Answer:
        body = json.loads(account.whole(call).body)
        rows = []
        for row in body["value"]:
            if row["subject"] == meeting.title:
                row["end"]["dateTime"] = f"{NIGHT - timedelta(days=1)}T23:50:00.0000000"
                if datetime.fromisoformat(call.query["startDateTime"]) >= at(NIGHT):
                    continue
            rows.append(row)
        return json_answer(200, body | {"value": rows})

    with account.answering(instead(is_calendar, planned_shorter)):
        discovered(account, [NIGHT])

    assert meeting.vendor_meeting_id in found(account, [NIGHT])


def test_times_of_calendars_and_events_are_read_in_their_windows_zones(account: SandboxAccount) -> None:
    meeting = next(m for m in account.ended(FEW[:1], "meeting").values() if m.started_at.hour == 10)

    def elsewhere(row: Row) -> None:
        for bound in ("start", "end"):
            if row[bound]["timeZone"] == "UTC":
                utc = datetime.fromisoformat(row[bound]["dateTime"][:19])
                row[bound] = {
                    "dateTime": f"{utc - timedelta(hours=8):%Y-%m-%dT%H:%M:%S}.0000000",
                    "timeZone": "Pacific Standard Time",
                }

    with account.answering(instead(is_calendar, changed(account, elsewhere))):
        discovered(account, FEW[:1])

    (row,) = (one for one in account.named(FEW[:1], "calendar") if one["report_id"] == meeting.vendor_meeting_id)
    planned = account.sandbox.teams.tenant.bookings.planned(
        account.sandbox.teams.tenant.identity.occurrence_of(meeting.vendor_meeting_id)  # type: ignore[arg-type]
    )
    assert (row["start_time"], row["end_time"]) == planned


# webinars and town halls


def test_the_sessions_of_an_event_are_meetings_of_one_series(account: SandboxAccount) -> None:
    days = FORTNIGHT[:10]

    discovered(account, days)

    webinars = account.ended(days, "webinar")
    reports = account.reports(days)
    weekly = Counter(m.series_id for m in webinars.values()).most_common(1)[0]
    assert weekly[1] == 2
    sessions = {reports[name]["session_id"] for name, m in webinars.items() if m.series_id == weekly[0]}
    assert len(sessions) == 2
    assert {reports[name]["kind"] for name in webinars} == {"webinar"}


@pytest.mark.parametrize(("times", "size"), [("object", 100), ("text", 1)])
def test_events_are_found_by_their_lists_alone(account: SandboxAccount, times: Any, size: int) -> None:
    account.options.session_times = times
    account.options.events_page_size = size
    account.use(TEAMS_ROUTES="webinars,town_halls")

    with account.noting() as seen:
        discovered(account)

    assert found(account) == set(account.ended(FORTNIGHT, "webinar", "town_hall"))
    assert len(found(account)) == 6
    assert {path_of(one).partition("/solutions/")[1] for one in seen} == {"/solutions/"}


def test_the_sessions_of_events_of_other_times_are_not_asked_for(account: SandboxAccount) -> None:
    account.use(TEAMS_ROUTES="webinars,town_halls")
    with account.noting() as seen:
        discovered(account, FEW[:1])

    assert count(seen, lambda one: one.path.endswith("/sessions")) < 4
    assert found(account, FEW[:1]) == set(account.ended(FEW[:1], "webinar", "town_hall"))


def test_events_that_are_drafts_or_canceled_are_no_meetings(account: SandboxAccount) -> None:
    account.use(TEAMS_ROUTES="webinars,town_halls")
    events = account.ended(FORTNIGHT, "webinar", "town_hall")
    webinars = sorted({m.series_id for m in account.ended(FORTNIGHT, "webinar").values()})
    off = dict(zip(webinars, ("draft", "canceled"), strict=False))

    def called_off(row: Row) -> None:
        row["status"] = off.get(row["id"], row["status"])

    with (
        account.answering(instead(lambda one: path_of(one) == WEBINARS, changed(account, called_off))),
        account.noting() as seen,
    ):
        account.land(FORTNIGHT)

    assert len(off) == 2
    assert not [one for one in seen if any(event in path_of(one) for event in off)]
    others = {name for name, m in events.items() if m.series_id not in off}
    assert found(account) == others
    assert {row["meeting_id"] for row in account.rows("readings", FORTNIGHT)} == others


def test_an_event_that_is_canceled_after_its_sessions_were_listed_is_no_meeting(account: SandboxAccount) -> None:
    account.use(TEAMS_ROUTES="webinars,town_halls")
    day = FEW[:1]
    (webinar,) = account.ended(day, "webinar").values()
    account.clock.now = at(day[0], 8)
    account.search(day)
    assert account.listed(day, ["webinar_sessions"])

    def called_off(call: Call) -> Answer:
        body = json.loads(account.whole(call).body)
        for row in body["value"]:
            row["status"] = "canceled" if row.get("id") == webinar.series_id else row.get("status")
        return json_answer(200, {"value": []} if is_list(call) else body)

    account.clock.now = at(day[0], 40)
    with account.answering(instead(lambda one: path_of(one) == WEBINARS or is_list(one), called_off)):
        account.land(day)

    assert account.named(day) == []
    assert account.rows("readings", day) == []


def test_of_events_that_the_policy_silently_leaves_out_the_call_records_say_denied(account: SandboxAccount) -> None:
    account.options.channels = False
    days = FORTNIGHT[9:10]
    host = account.user_id(account.ended(days, "town_hall").popitem()[1].host_email)
    events = account.ended(days, "webinar", "town_hall")
    denied = {name for name, m in events.items() if account.user_id(m.host_email) == host}
    calls = {m.started_at for m in account.ended(days).values() if account.user_id(m.host_email) == host}
    account.options.without_policy = host.__eq__

    account.land(days)

    assert denied
    assert not denied & found(account, days)
    assert found(account, days) == ended(account, days)
    calls_of_host = [row for row in account.named(days, "call_records") if row["organizer_id"] == host]
    of_calls = [row for row in calls_of_host if row["join_web_url"]]
    assert {row["start_time"] for row in of_calls} == calls
    assert {(row["status"], row["reason"]) for row in of_calls} == {
        ("denied", "no application access policy for its organizer")
    }
    told = account.unreported(days)
    assert {told[row["id"]][0] for row in of_calls} == {"denied"}


def test_without_their_routes_nothing_is_asked_of_events(account: SandboxAccount) -> None:
    account.use(TEAMS_ROUTES="call_records,calendar")
    account.options.roles = tuple(role for role in ROLES if role != "VirtualEvent.Read.All")

    with account.noting() as seen:
        discovery = discovered(account, FEW)

    assert not [one for one in seen if "/solutions/" in one.path]
    assert discovery.route == "call_records, calendar"
    assert found(account, FEW) == set(account.ended(FEW, "meeting", "live_event"))


@pytest.mark.parametrize("path", EVENT_LISTS)
def test_a_cloud_without_events_is_no_error(account: SandboxAccount, path: str) -> None:
    days = FORTNIGHT[9:10]
    absent = refusal(404, "ResourceNotFound", "Resource not found for the segment 'virtualEvents'.")

    with account.answering(instead(lambda one: path_of(one) == path, absent)):
        discovery = discovered(account, days)

    (said,) = discovery.skipped
    assert "aren't offered (404 ResourceNotFound)" in said
    missing = account.ended(days, "webinar" if path == WEBINARS else "town_hall").keys()
    assert found(account, days) == ended(account, days) - missing


# permissions, faults, hosts


@pytest.mark.parametrize("role", ROLES)
def test_a_permission_that_is_missing_is_named_with_who_can_give_it(account: SandboxAccount, role: str) -> None:
    account.options.roles = tuple(one for one in ROLES if one != role)

    with pytest.raises(RefusedError, match="teams refused .*403 Authorization_RequestDenied") as told:
        account.search(FEW[:1])

    text = str(told.value)
    assert f"the app needs the application permission {role}," in text
    assert "Entra admin center" in text
    assert text.endswith("; then run again")
    assert ("TEAMS_ROUTES" in text) is not role.startswith("OnlineMeeting")
    assert "\n" not in text
    assert account.tables(but="days") == {}


def test_the_permission_for_reports_is_the_one_that_is_named_for_events_reports_too(account: SandboxAccount) -> None:
    account.use(TEAMS_ROUTES="webinars")
    account.options.roles = tuple(one for one in ROLES if one != "OnlineMeetingArtifact.Read.All")

    with pytest.raises(RefusedError, match="needs the application permission OnlineMeetingArtifact.Read.All,"):
        account.search(FEW[:1])


def test_an_address_that_is_no_graph_is_named(account: SandboxAccount) -> None:
    nothing = Answer(404, b"<html>Not Found</html>", content_type="text/html")

    with (
        account.answering(instead(is_of_calls, nothing)),
        pytest.raises(RefusedError, match=r"\(404\): check TEAMS_GRAPH_URL, which ends before /v1\.0"),
    ):
        account.search(FEW[:1])


LISTS: dict[str, Which] = {
    "call records": is_of_calls,
    "users": lambda one: path_of(one) == USERS,
    "a calendar": is_calendar,
    "webinars": lambda one: path_of(one) == WEBINARS,
    "town halls": lambda one: path_of(one) == TOWN_HALLS,
    "sessions": lambda one: one.path.endswith("/sessions"),
    "a lookup": is_lookup,
    "reports": is_list,
}
EACH_LIST = pytest.mark.parametrize("which", LISTS.values(), ids=LISTS)


@pytest.mark.parametrize("which", [LISTS[name] for name in ("call records", "a calendar", "sessions")])
def test_a_next_link_to_another_host_is_not_followed_and_no_token_travels(
    account: SandboxAccount, which: Which
) -> None:
    with Sandbox(size="small") as other:
        link = other.url.replace("127.0.0.1", "localhost") + f"{API}/v1.0/elsewhere?$skiptoken=x"

        def leading_away(call: Call) -> Answer:
            return json_answer(200, json.loads(account.whole(call).body) | {"@odata.nextLink": link})

        with account.answering(instead(which, leading_away)), pytest.raises(ForeignHostError) as told:
            account.search(FEW[:1])

        assert other.requests == []
    assert "no token goes" in str(told.value)
    assert account.tables(but="days") == {}


@pytest.mark.parametrize(
    "elsewhere", ["https://127.0.0.1:{port}/graph", "http://127.0.0.1:{other}/graph", "/graph", ""]
)
def test_a_next_link_outside_of_graphs_address_is_foreign(account: SandboxAccount, elsewhere: str) -> None:
    port = account.sandbox.url.rpartition(":")[2]
    link = elsewhere.format(port=port, other=int(port) - 1) + CALL_RECORDS

    def leading_away(call: Call) -> Answer:
        return json_answer(200, {"value": [], "@odata.nextLink": link})

    with account.answering(instead(is_of_calls, leading_away)), pytest.raises(ForeignHostError):
        account.search(FEW[:1])


@EACH_LIST
def test_a_list_that_keeps_failing_is_an_outage(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, which: Which
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 2)

    with (
        account.answering(instead(which, failing(503))),
        pytest.raises(OutageError, match="503 to GET .*run again later"),
    ):
        discovered(account, FEW[:1])

    assert account.tables(but="days") == {}


@pytest.mark.parametrize("which", [is_of_calls, is_calendar, is_list], ids=["call records", "a calendar", "reports"])
def test_a_long_wait_that_graph_asks_for_ends_the_search_and_says_when_to_go_on(
    account: SandboxAccount, which: Which
) -> None:
    spent = Answer(429, b"{}", headers={"Retry-After": "3600"})

    with (
        account.answering(instead(which, spent)),
        pytest.raises(QuotaError, match="asks for a wait of 3600 s .*go on after 2026-03-19 16:00 UTC"),
    ):
        account.search(FEW[:1])


@pytest.mark.parametrize("which", [is_of_calls, is_lookup, is_list], ids=["call records", "a lookup", "reports"])
def test_an_answer_that_is_no_page_is_an_outage(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, which: Which
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)

    with (
        account.answering(instead(which, json_answer(200, {"value": None}))),
        pytest.raises(OutageError, match="isn't the documented JSON"),
    ):
        account.search(FEW[:1])


def test_no_message_names_a_person_or_holds_a_secret(account: SandboxAccount) -> None:
    people = account.sandbox.organisation.employees
    secret = account.sandbox.settings["TEAMS_CLIENT_SECRET"]
    host = people[0]
    texts = []
    for answer in (refusal(403, "Forbidden", f"{host.name} {host.email}"), refusal(400, host.name, host.email)):
        with account.answering(instead(is_of_calls, answer)), pytest.raises(RefusedError) as told:
            discovered(account)
        texts.append(f"{told.value}{told.value!r}{account.settings!r}")

    for text in texts:
        assert secret not in text
        assert not [one for one in people if one.name in text or one.email in text]


@pytest.mark.parametrize("answered", [6, 20])
def test_a_search_that_died_anywhere_is_made_good_by_the_next(account: SandboxAccount, answered: int) -> None:
    account.use(TEAMS_ROUTES="call_records,webinars,town_halls")
    asked: list[Call] = []

    def dying(call: Call) -> Answer | None:
        asked.append(call)
        return refusal(401, "InvalidAuthenticationToken", "x") if len(asked) > answered else None

    def is_asked(one: Seen | Call) -> bool:
        return one.path.startswith(f"{API}/") and path_of(one) != BATCH

    with account.answering(instead(is_asked, dying)), pytest.raises(RefusedError):
        account.search(FEW[:1])
    assert account.tables(but="days") == {}
    discovered(account, FEW[:1])

    assert found(account, FEW[:1]) == ended(account, FEW[:1])


# batches and tokens


def test_a_search_takes_far_fewer_requests_than_it_asks(account: SandboxAccount) -> None:
    with account.noting() as seen:
        discovered(account)

    batchable = [one for one in seen if is_calendar(one) or is_lookup(one) or is_list(one)]
    assert len(batchable) > 70
    assert len(account.batches()) < len(batchable) / 10 + 3
    assert {one.status for one in account.batches()} == {200}


def test_what_is_throttled_inside_a_batch_is_asked_for_again(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.sandbox.teams.api.BATCH_WAIT", 0.02)
    account.options.throttled_in_batch = lambda url: "attendanceReports" in url or "calendarView" in url

    with account.noting() as seen:
        pulled = account.land_meetings(FEW).pulled

    assert found(account, FEW) == ended(account, FEW)
    assert {one.path for one in seen if one.status == 429} <= {one.path for one in seen if one.status == 200}
    assert count(seen, lambda one: one.status == 429) > 3
    assert pulled.waited_seconds["told"] > 0


@pytest.mark.parametrize("status", [404])
def test_a_server_without_batches_is_asked_one_by_one(account: SandboxAccount, status: int) -> None:
    absent = Answer(status, b"<html>nothing</html>", content_type="text/html")

    with account.answering(instead(lambda one: path_of(one) == BATCH, absent)):
        account.land(FEW[:1])

    assert found(account, FEW[:1]) == ended(account, FEW[:1])
    assert 0 < len(account.batches()) < 4


def test_tokens_that_are_revoked_in_the_middle_are_bought_anew(account: SandboxAccount) -> None:
    met: set[Which] = set()

    def revoking(_: str, call: Call) -> None:
        for which in (is_calendar, is_list, is_expanded):
            if which(call) and which not in met:
                met.add(which)
                account.sandbox.teams.access.revoke_all()

    with account.answering(revoking), account.noting() as seen:
        account.land(FEW[:1])

    assert len(met) == 3
    assert 401 in {one.status for one in seen}
    assert found(account, FEW[:1]) == ended(account, FEW[:1])
    assert set(account.statuses(FEW[:1], "attendance_records").values()) == {"complete"}


def test_a_long_run_buys_a_token_before_the_old_one_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.sandbox.teams.calls.PAGE", 5)
    with sandbox_account(tmp_path, token_seconds=600) as account:
        account.use(**CALLS_ONLY)

        def slow(_: str, call: Call) -> None:
            if is_of_calls(call):
                account.clock.advance(minutes=2)

        with account.answering(slow):
            discovered(account, FEW[:1])

        assert found(account, FEW[:1]) == called(account, FEW[:1])
        assert len(account.minted()) > 1
