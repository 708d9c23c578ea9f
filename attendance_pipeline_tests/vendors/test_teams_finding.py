"""From a named Teams meeting to its reports: lookups are kept for good, lists asked as often as it helps."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from attendance_pipeline.sandbox import Seen
from attendance_pipeline.sandbox.truth import MeetingTruth
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.windows import dates

from .account import FORTNIGHT
from .teams_account import (
    NO_POLICY,
    Row,
    SandboxAccount,
    count,
    instead,
    is_latest,
    is_list,
    is_lookup,
    is_of_calls,
    is_page_of_records,
    path_of,
    refusal,
    sandbox_account,
)

FEW = FORTNIGHT[2:4]
TWICE = FORTNIGHT[3]
"""On this date a meeting began anew minutes after its end."""
NOT_ORGANIZER = refusal(403, "Forbidden", "3003: User does not have access to lookup meeting")


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


def meeting_on(account: SandboxAccount, day: date, booking: str = "scheduled", place: int = 0) -> MeetingTruth:
    """One of the meetings of a date that were booked so and are held in no channel."""
    tenant = account.sandbox.teams.tenant
    found = []
    for meeting in account.ended([day], "meeting").values():
        occurrence = tenant.identity.occurrence_of(meeting.vendor_meeting_id)
        assert occurrence is not None
        if occurrence.series.booking == booking and tenant.bookings.channel_of(occurrence.series) is None:
            found.append(meeting)
    return found[place]


def row_of(account: SandboxAccount, meeting: MeetingTruth, route: str = "call_records") -> Row:
    """What one route says of a meeting."""
    (row,) = (row for row in account.named([meeting.ended_date], route) if row["start_time"] == meeting.started_at)
    return row


def lists_of(seen: Sequence[Seen], meeting: MeetingTruth) -> int:
    """How often the reports of its series were asked for."""
    return count(seen, lambda one: is_list(one) and meeting.series_id in path_of(one))


def listing(change: Callable[[list[Row]], list[Row]], account: SandboxAccount, meeting: MeetingTruth) -> Any:
    """The list of its series' reports as this changes it."""

    def answer(call: Call) -> Answer:
        body = json.loads(account.whole(call).body)
        return json_answer(200, body | {"value": change(body["value"])})

    return account.answering(instead(lambda one: is_list(one) and meeting.series_id in path_of(one), answer))


def statuses(account: SandboxAccount, days: Sequence[date]) -> dict[str, str]:
    return account.statuses(days, "attendance_records")


# lookups


def test_a_join_url_travels_doubly_encoded_to_its_organizer_alone(account: SandboxAccount) -> None:
    asked: list[Call] = []

    with account.answering(instead(is_lookup, lambda call: asked.append(call))):
        account.land_meetings(FEW[:1])

    assert asked
    for call in asked:
        url = call.query["$filter"].removeprefix("JoinWebUrl eq '").removesuffix("'")
        assert "%3a" in url
        assert call.path.split("/")[4] in unquote(url)
        assert call.query.keys() == {"$filter"}
    assert len({call.query["$filter"] for call in asked}) == len(asked)
    assert {row["join_web_url"] for row in account.named(FEW[:1]) if row["online_meeting_id"]} <= {
        call.query["$filter"].removeprefix("JoinWebUrl eq '").removesuffix("'") for call in asked
    }


def test_a_lookup_is_kept_for_good(account: SandboxAccount) -> None:
    """A second run, of other dates too, asks for what is new alone."""
    account.land_meetings(FORTNIGHT[:5])

    with account.noting() as seen:
        account.land_meetings(FORTNIGHT[:2])
    assert count(seen, is_lookup) == 0
    known = {row["join_web_url"] for row in account.named(FORTNIGHT[:5])}
    with account.noting() as seen:
        account.land_meetings(FORTNIGHT[7:12])

    again = {one.query["$filter"].split("'")[1] for one in seen if is_lookup(one)}
    assert again
    assert not again & known
    assert set(account.reports(FORTNIGHT[7:12])) == set(account.ended(FORTNIGHT[7:12]))


def test_a_quote_in_a_join_url_is_doubled(account: SandboxAccount) -> None:
    meeting = meeting_on(account, FEW[0])
    url = "https://teams.microsoft.com/l/meetup-join/it's?context=%7b%22%7d"

    def quoted(call: Call) -> Answer:
        body = json.loads(account.whole(call).body)
        for row in body["value"]:
            if datetime.fromisoformat(row["startDateTime"]) == meeting.started_at:
                row["joinWebUrl"] = url
        return json_answer(200, body)

    account.use(TEAMS_ROUTES="call_records")
    with account.answering(instead(is_of_calls, quoted)), account.noting() as seen:
        account.search(FEW[:1])

    assert f"JoinWebUrl eq '{url.replace(chr(39), chr(39) * 2)}'" in {
        one.query["$filter"] for one in seen if is_lookup(one)
    }


def test_without_an_access_policy_an_organizers_meetings_are_denied_and_no_others(account: SandboxAccount) -> None:
    meeting = meeting_on(account, FEW[0])
    host = account.user_id(meeting.host_email)
    account.options.without_policy = host.__eq__
    account.options.channels = False

    account.land(FEW[:1])

    row = row_of(account, meeting)
    assert (row["status"], row["reason"]) == ("denied", "no application access policy for its organizer")
    told = account.unreported(FEW[:1])
    assert told[row["id"]][0] == "denied"
    assert "no application access policy" in (told[row["id"]][1] or "")
    assert set(account.reports(FEW[:1])) == set(account.ended(FEW[:1]))
    assert set(statuses(account, FEW[:1]).values()) == {"complete"}
    assert meeting.vendor_meeting_id not in account.reports(FEW[:1])


def test_a_policy_that_is_granted_later_is_picked_up_when_its_meetings_are_due(account: SandboxAccount) -> None:
    meeting = meeting_on(account, FEW[0])
    host, day = account.user_id(meeting.host_email), [FEW[0]]
    account.options.without_policy = host.__eq__
    account.options.channels = False
    age = timedelta(hours=6)
    account.clock.now = meeting.ended_at + age
    account.land(day)
    assert row_of(account, meeting)["status"] == "denied"
    url = row_of(account, meeting)["join_web_url"]
    account.options.without_policy = None

    account.clock.now = meeting.ended_at + 2 * age - timedelta(minutes=1)
    with account.noting() as seen:
        account.land(day)
    assert count(seen, lambda one: is_lookup(one) and url in one.query["$filter"]) == 0

    account.clock.now = meeting.ended_at + 2 * age
    account.land(day)
    assert row_of(account, meeting)["status"] == "found"
    assert statuses(account, day)[meeting.vendor_meeting_id] == "complete"
    assert row_of(account, meeting)["id"] not in account.unreported(day)


def test_a_refusal_with_the_older_code_means_the_same(account: SandboxAccount) -> None:
    older = refusal(403, "Unauthorized", f"{NO_POLICY} on the user.")

    with account.answering(instead(is_lookup, older)):
        account.land(FEW[:1])

    called = [row for row in account.named(FEW[:1], "call_records") if row["status"] == "denied"]
    assert {row["reason"] for row in called} == {
        "no application access policy for its organizer",
        "organized by somebody of another tenant",
    }
    assert set(account.reports(FEW[:1])) == set(account.ended(FEW[:1], "webinar"))


def test_whoever_is_not_the_organizer_is_told_as_such(account: SandboxAccount) -> None:
    meeting = meeting_on(account, FEW[0])
    host = account.user_id(meeting.host_email)

    with account.answering(instead(lambda one: is_lookup(one) and host in one.path, NOT_ORGANIZER)):
        account.land(FEW[:1])

    row = row_of(account, meeting)
    assert (row["status"], row["reason"]) == ("denied", "3003, not its organizer")
    others = {n for n, m in account.ended(FEW[:1]).items() if account.user_id(m.host_email) != host}
    assert others <= set(account.reports(FEW[:1]))


def test_calls_that_have_no_meeting_or_are_of_another_tenant_are_told_and_not_looked_up(
    account: SandboxAccount,
) -> None:
    with account.noting() as seen:
        account.land(FEW[:1])

    strays = [row for row in account.named(FEW[:1], "call_records") if row["status"] in ("blocked", "denied")]
    assert {row["call_type"] for row in account.named(FEW[:1], "call_records")} == {"groupCall"}
    told = account.unreported(FEW[:1])
    assert {told[row["id"]][0] for row in strays} == {"blocked", "denied"}
    assert len(strays) == 2 * len(FEW[:1]) == len(told)
    for row in strays:
        assert (row["status"] == "blocked") is (row["join_web_url"] == "")
    own = account.settings.teams_tenant_id
    foreign = {row["organizer_id"] for row in strays if row["organizer_tenant_id"] != own}
    assert len([row for row in strays if row["status"] == "denied"]) == len(FEW[:1])
    assert not [one for one in seen if is_lookup(one) and one.path.split("/")[4] in foreign]
    account.clock.advance(days=20)
    with account.noting() as seen:
        account.search(FEW[:1])
    assert count(seen, is_lookup) == 0


def test_where_the_tenant_is_set_by_its_domain_its_own_organizers_are_found_all_the_same(
    account: SandboxAccount,
) -> None:
    """Tokens are then bought of another address; nothing else changes."""
    domain = "northwind.example"
    account.use(TEAMS_TENANT_ID=domain)
    own = account.sandbox.settings["TEAMS_TENANT_ID"]

    def known(_: str, call: Call) -> Answer | None:
        if not call.path.startswith(f"/login/{domain}/"):
            return None
        path = call.path.replace(domain, own)
        return account.whole(Call(call.method, path, call.query, call.headers, call.body))

    with account.answering(known):
        account.land(FEW[:1])

    assert set(account.reports(FEW[:1])) == set(account.ended(FEW[:1]))
    assert {row["status"] for row in account.named(FEW[:1], "call_records")} == {"found", "blocked", "denied"}


@pytest.mark.parametrize("missing", ["empty", "not_found"])
def test_a_join_url_that_nobody_knows_is_asked_for_again_each_time_its_age_doubled(
    account: SandboxAccount, missing: Any
) -> None:
    account.options.missing_meeting = missing
    account.use(TEAMS_ROUTES="call_records")
    day = FEW[:1]
    (webinar,) = account.ended(day, "webinar").values()
    account.clock.now = webinar.ended_at + timedelta(hours=3)
    account.land_meetings(day)
    row = row_of(account, webinar)
    assert (row["status"], row["reason"]) == ("not_ready", "no online meeting of its organizer has its join URL")

    with account.noting() as seen:
        for doubled in range(1, 4):
            account.clock.now = webinar.ended_at + timedelta(hours=3) * 2**doubled
            account.search(day)

    asked = [one for one in seen if is_lookup(one) and one.query["$filter"].split("'")[1] == row["join_web_url"]]
    assert len(asked) == 3
    account.use(TEAMS_ROUTES="call_records,webinars")
    account.land(day)
    assert statuses(account, day)[webinar.vendor_meeting_id] == "complete"


def test_events_that_are_found_by_their_join_url_too_land_once_as_events(account: SandboxAccount) -> None:
    account.options.events_as_meetings = True

    account.land(FEW[:1])
    account.use(TEAMS_ROUTES="call_records,calendar")
    account.clock.advance(hours=1)
    account.land(FEW[:1])

    (webinar,) = account.ended(FEW[:1], "webinar")
    assert account.reports(FEW[:1])[webinar]["kind"] == "webinar"
    assert set(account.reports(FEW[:1])) == set(account.ended(FEW[:1]))


# ids outlive lookups


def test_a_meeting_whose_id_is_known_is_read_long_after_its_lookup_died(account: SandboxAccount) -> None:
    day = FEW[:1]
    meeting = meeting_on(account, FEW[0])
    account.clock.now = meeting.ended_at + timedelta(hours=6)
    account.land(day)
    assert row_of(account, meeting)["online_meeting_id"] == meeting.series_id
    account.clock.advance(days=100)

    with account.noting() as seen:
        account.land(day)

    assert not [one for one in seen if is_lookup(one) and row_of(account, meeting)["join_web_url"] in str(one.query)]
    assert lists_of(seen, meeting) == 1
    reading = account.readings(day, "attendance_records")[meeting.vendor_meeting_id]
    assert (reading["status"], reading["settled"]) == ("complete", True)


def test_a_meeting_that_was_first_read_after_its_lookup_died_is_complete_all_the_same(
    account: SandboxAccount,
) -> None:
    """Only what was looked up in time was seen: no report was there yet."""
    day = FEW[:1]
    meeting = meeting_on(account, FEW[0])
    with listing(lambda rows: [], account, meeting):
        account.clock.now = meeting.ended_at + timedelta(hours=6)
        account.land(day)
    assert meeting.vendor_meeting_id not in account.reports(day)
    account.clock.advance(days=300)

    account.land(day)

    assert statuses(account, day)[meeting.vendor_meeting_id] == "complete"


def test_beyond_the_lookups_reach_what_was_never_looked_up_is_gone(account: SandboxAccount) -> None:
    meeting = meeting_on(account, FEW[0])
    account.clock.now = meeting.ended_at + timedelta(days=62)

    account.land(FEW[:1])

    row = row_of_calendar(account, meeting)
    assert (row["status"], row["online_meeting_id"]) == ("gone", None)
    assert "60 days" in row["reason"]
    assert account.unreported(FEW[:1])[row["id"]][0] == "gone"
    account.clock.advance(days=60)
    with account.noting() as seen:
        account.land(FEW[:1])
    assert not [one for one in seen if is_lookup(one) and row["join_web_url"] in str(one.query)]


def row_of_calendar(account: SandboxAccount, meeting: MeetingTruth) -> Row:
    host = account.user_id(meeting.host_email)
    (row,) = (
        row
        for row in account.named([meeting.ended_date], "calendar")
        if row["organizer_id"] == host and row["subject"] == meeting.title
    )
    return row


# lists of reports


def test_a_report_that_came_after_the_first_read_is_found_when_the_meeting_settles(account: SandboxAccount) -> None:
    """The meeting was begun anew, and no call record told."""
    first, second = (m for m in account.ended([TWICE]).values() if m.title == "Architecture board")
    late = second.vendor_meeting_id
    account.options.hidden_from_call_records = late.__eq__
    account.use(TEAMS_ROUTES="call_records")
    account.clock.now = first.ended_at + timedelta(hours=3)
    with listing(lambda rows: [row for row in rows if row["id"] != late], account, first):
        account.land([TWICE])
    assert late not in account.reports([TWICE])

    account.clock.now = first.ended_at + timedelta(hours=23, minutes=59)
    with account.noting() as seen:
        account.land([TWICE])
    assert lists_of(seen, first) == 0

    account.clock.now = first.ended_at + timedelta(hours=24)
    with account.noting() as seen:
        account.land([TWICE])
    assert lists_of(seen, first) == 1
    assert statuses(account, [TWICE])[late] == "complete"
    assert account.reports([TWICE])[late]["online_meeting_id"] == first.series_id

    account.clock.advance(days=3)
    with account.noting() as seen:
        account.land([TWICE])
    assert lists_of(seen, first) == 0


def test_what_has_settled_is_never_asked_for_again(account: SandboxAccount) -> None:
    account.land(FEW[:1])

    account.clock.advance(days=8)
    with account.noting() as seen:
        account.land(FEW[:1])

    assert {path_of(one).split("/")[-1] for one in seen} <= {"callRecords", "webinars", "townhalls", "sessions"}


def test_a_list_is_first_asked_for_when_a_report_can_be_there(account: SandboxAccount) -> None:
    meeting = meeting_on(account, FEW[0])
    account.options.call_record_delay = (60, 60)
    account.clock.now = meeting.ended_at + timedelta(minutes=29)
    with account.noting() as seen:
        account.land(FEW[:1])
    assert lists_of(seen, meeting) == 0
    assert row_of(account, meeting)["status"] == "not_ready"

    account.clock.advance(minutes=1)
    account.land(FEW[:1])

    assert statuses(account, FEW[:1])[meeting.vendor_meeting_id] == "complete"


def test_of_a_series_with_more_reports_than_a_list_has_the_newest_are_found(account: SandboxAccount) -> None:
    daily = meeting_on(account, date(2026, 3, 2), "recurring")
    days = dates(date(2025, 12, 1), date(2025, 12, 3))
    assert daily
    account.land_meetings(FEW)
    lengths = [len(json.loads(one.body)["value"]) for one in account.listed(FEW, ["attendance_reports"])]
    assert max(lengths) == 50
    assert set(account.reports(FEW)) == set(account.ended(FEW))
    # The list names what ended on other dates too, and it lands there once they are asked for.
    account.land_meetings(days)
    assert account.reports(days).keys() <= account.ended(days).keys()


def test_a_meeting_whose_report_was_pushed_out_of_its_list_is_not_said_not_to_have_been_held(
    account: SandboxAccount,
) -> None:
    """A daily meeting of half a year ago: its list is full of newer reports, and so says nothing of it."""
    day = date(2025, 12, 2)
    truth = account.ended([day])
    account.land([day])

    lost = truth.keys() - account.reports([day]).keys()
    planned = {row["start_time"].hour: row["status"] for row in account.named([day], "calendar")}
    assert lost
    assert "not_held" not in planned.values()


def test_an_empty_list_is_not_ready_and_gone_after_three_days(account: SandboxAccount) -> None:
    meeting = meeting_on(account, FEW[0])
    account.options.reports_off = meeting.series_id.__eq__
    account.clock.now = meeting.ended_at + timedelta(hours=9)
    account.land(FEW[:1])
    row = row_of(account, meeting)
    assert (row["status"], row["reason"]) == ("not_ready", "no attendance report yet")
    assert account.unreported(FEW[:1])[row["id"]][0] == "not_ready"

    with account.noting() as seen:
        for doubled in range(1, 5):
            account.clock.now = meeting.ended_at + timedelta(hours=9) * 2**doubled
            account.search(FEW[:1])
    account.land_meetings(FEW[:1])
    row = row_of(account, meeting)
    assert (row["status"], row["reason"]) == ("gone", "no attendance report was made")
    assert lists_of(seen, meeting) == 3  # after 18, 36 and 72 hours

    account.clock.advance(days=10)
    with account.noting() as seen:
        account.search(FEW[:1])
    assert lists_of(seen, meeting) == 0


def test_where_the_list_is_refused_the_deprecated_call_gives_the_latest_report(account: SandboxAccount) -> None:
    meeting = meeting_on(account, FEW[0])
    account.options.list_refused = meeting.series_id.__eq__

    with account.noting() as seen:
        account.land(FEW[:1])

    row = account.reports(FEW[:1])[meeting.vendor_meeting_id]
    assert row["source"] == "latest"
    assert statuses(account, FEW[:1])[meeting.vendor_meeting_id] == "complete"
    others = account.reports(FEW[:1]).keys() - {meeting.vendor_meeting_id}
    assert {account.reports(FEW[:1])[name]["source"] for name in others} == {"list"}
    assert {path_of(one).split("/")[1] for one in seen if is_latest(one)} == {"beta"}
    assert {one.query.get("$expand") for one in seen if is_latest(one)} == {"attendanceRecords"}
    listed = {account.reports(FEW[:1])[name]["online_meeting_id"] for name in others} - {None}
    assert not [one for one in seen if is_latest(one) and any(series in path_of(one) for series in listed)]


def test_of_a_series_whose_list_is_refused_for_a_time_the_earlier_sessions_are_told_and_read_later(
    account: SandboxAccount,
) -> None:
    """The latest report says nothing of the ones before it."""
    earlier, later = (meeting_on(account, day, "recurring") for day in (FORTNIGHT[0], FORTNIGHT[7]))
    assert earlier.series_id == later.series_id
    account.options.list_refused = earlier.series_id.__eq__
    days = [FORTNIGHT[0], FORTNIGHT[7]]
    account.clock.now = later.ended_at + timedelta(days=4)
    account.land(days)
    assert account.reports(days)[later.vendor_meeting_id]["source"] == "latest"
    assert statuses(account, days)[later.vendor_meeting_id] == "complete"
    assert earlier.vendor_meeting_id not in account.reports(days)
    refused = row_of(account, earlier)
    account.options.list_refused = None
    account.clock.advance(days=12)

    account.land(days)

    assert (refused["status"], refused["reason"]) == ("blocked", "400 BadRequest")
    assert statuses(account, days)[earlier.vendor_meeting_id] == "complete"


def test_a_latest_report_whose_place_a_later_session_took_is_gone(account: SandboxAccount) -> None:
    earlier, later = (meeting_on(account, day, "recurring") for day in (FORTNIGHT[0], FORTNIGHT[7]))
    account.options.list_refused = earlier.series_id.__eq__
    account.clock.now = earlier.ended_at + timedelta(hours=30)
    account.land_meetings(FORTNIGHT[:1])
    assert account.reports(FORTNIGHT[:1])[earlier.vendor_meeting_id]["source"] == "latest"
    account.clock.now = later.ended_at + timedelta(hours=1)

    account.land_attendance(FORTNIGHT[:1])

    reading = account.readings(FORTNIGHT[:1], "attendance_records")[earlier.vendor_meeting_id]
    assert reading["status"] == "gone"
    assert "a later session's report took its place" in reading["reason"]
    assert not [
        row
        for row in account.rows("attendance_records", FORTNIGHT[:1])
        if row["report_id"] in (earlier.vendor_meeting_id, later.vendor_meeting_id)
    ]


def test_a_latest_report_that_was_read_stays_when_a_later_session_takes_its_place(account: SandboxAccount) -> None:
    earlier, later = (meeting_on(account, day, "recurring") for day in (FORTNIGHT[0], FORTNIGHT[7]))
    account.options.list_refused = earlier.series_id.__eq__
    account.clock.now = earlier.ended_at + timedelta(hours=30)
    account.land(FORTNIGHT[:1])
    assert statuses(account, FORTNIGHT[:1])[earlier.vendor_meeting_id] == "complete"
    account.clock.now = later.ended_at + timedelta(hours=1)

    account.land(FORTNIGHT[:1])

    assert statuses(account, FORTNIGHT[:1])[earlier.vendor_meeting_id] == "complete"
    assert account.reports(FORTNIGHT[:1])[earlier.vendor_meeting_id]["source"] == "latest"


# channels


@pytest.mark.parametrize("newest_first", [True, False])
def test_each_report_of_a_channel_lands_once_under_the_series_that_it_is_of(
    tmp_path: Path, newest_first: bool
) -> None:
    """A channel's lists name the reports of every meeting in it, and a report of one can't be had by its id."""
    with sandbox_account(tmp_path, newest_first=newest_first) as account:
        with account.noting() as seen:
            account.land(FORTNIGHT[2:5])

        tenant = account.sandbox.teams.tenant
        held = {}
        for name, meeting in account.ended(FORTNIGHT[2:5], "meeting").items():
            occurrence = tenant.identity.occurrence_of(name)
            if occurrence and tenant.bookings.channel_of(occurrence.series) is not None:
                held[name] = meeting
        reports = account.reports(FORTNIGHT[2:5])
        assert len({meeting.series_id for meeting in held.values()}) == 4
        assert {name: reports[name]["online_meeting_id"] for name in held} == {
            name: meeting.series_id for name, meeting in held.items()
        }
        assert {name: reports[name]["organizer_id"] for name in held} == {
            name: account.user_id(meeting.host_email) for name, meeting in held.items()
        }
        assert {statuses(account, FORTNIGHT[2:5])[name] for name in held} == {"complete"}
        pages = {path_of(one).split("/")[-2] for one in seen if is_page_of_records(one) and one.status == 200}
        assert held.keys() <= pages


def test_a_channels_report_that_is_landed_date_by_date_stays_with_its_series(account: SandboxAccount) -> None:
    for day in FORTNIGHT[1:5]:
        account.clock.now = datetime.combine(day, time(23, 59), UTC) + timedelta(hours=6)
        account.land_meetings([day])

    reports, truth = account.reports(FORTNIGHT[1:5]), account.ended(FORTNIGHT[1:5], "meeting")
    assert {name: reports[name]["online_meeting_id"] for name in truth} == {
        name: meeting.series_id for name, meeting in truth.items()
    }
