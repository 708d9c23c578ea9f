"""Who attended at Webex: both reports of every instance, read whole, and one meeting's trouble is never another's."""

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline.http.errors import OutageError, RefusedError
from attendance_pipeline.pull import MOST_OUTAGES, Pulled
from attendance_pipeline.readings import MOST_ATTEMPTS
from attendance_pipeline.sandbox import Sandbox, Seen
from attendance_pipeline.sandbox.model import Size
from attendance_pipeline.sandbox.truth import MeetingTruth
from attendance_pipeline.sandbox.wire import Answer, Call, Hook, json_answer
from attendance_pipeline.vendors.webex.account import REACH_MARGIN
from attendance_pipeline.windows import dates

from .account import FORTNIGHT, failing
from .webex_account import (
    API,
    ATTENDEES,
    LATER,
    PARTICIPANTS,
    SandboxAccount,
    is_about_attendance,
    meeting_of,
    path_of,
    sandbox_account,
)

FEW = FORTNIGHT[:3]
REPORTS = {"attendees": ATTENDEES, "participants": PARTICIPANTS}
BOTH = pytest.mark.parametrize("report", REPORTS)

THOUSAND = Size(employees=12, meetings_per_weekday=1, median_attendees=2, crowd=1_020, webinar_audience=12)

Row = dict[str, Any]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    """Its credentials outlive every leap of the clock."""
    with sandbox_account(tmp_path, refresh_token_seconds=10**10) as account:
        yield account


def crowd(account: SandboxAccount) -> MeetingTruth:
    """The one meeting whose participants don't fit on a page."""
    return max(account.truth(FORTNIGHT).meetings, key=lambda meeting: meeting.vendor_attendee_count)


def usual(account: SandboxAccount, days: list[date] = FEW) -> MeetingTruth:
    """A meeting like any other."""
    return next(m for m in account.truth(days).meetings if m.kind == "meeting" and m.attendee_count > 2)


def for_meeting(name: str, report: str, answer: Answer | Callable[[Call], Answer | None]) -> Hook:
    def hook(_: str, call: Call) -> Answer | None:
        if meeting_of(call) != name or path_of(call) != REPORTS[report]:
            return None
        return answer if isinstance(answer, Answer) else answer(call)

    return hook


def whole(account: SandboxAccount, call: Call) -> Answer:
    """What the sandbox says itself."""
    return account.sandbox.webex.answer(call, account.sandbox.url)


def asked(seen: list[Seen], report: str) -> Counter[str]:
    """How often each meeting was asked for."""
    return Counter(name for one in seen if path_of(one) == REPORTS[report] and (name := meeting_of(one)))


def held(account: SandboxAccount, days: list[date], report: str, *, but: str = "") -> Counter[str]:
    """Rows in the table, by meeting."""
    return Counter(row["meeting_id"] for row in account.rows(report, days) if row["meeting_id"] != but)


def true_rows(account: SandboxAccount, days: list[date], report: str, *, but: str = "") -> Counter[str]:
    """Attendees have a row per join, participants one per address or name."""
    found: Counter[str] = Counter()
    reports = account.sandbox.webex.reports
    for meeting in account.truth(days).meetings:
        name = meeting.vendor_meeting_id
        occurrence = reports.identity.occurrence_of(name)
        if name == but or occurrence is None:
            continue
        people = reports.presence.participants(occurrence)
        found[name] = len(people) if report == "participants" else sum(len(one.devices) for one in people)
    return found


def assert_whole(account: SandboxAccount, days: list[date], *, but: str = "", report: str = "") -> None:
    """Both reports of every meeting are held whole, except this one of this meeting."""
    for name in REPORTS:
        spared = but if report in ("", name) else ""
        assert held(account, days, name, but=spared) == true_rows(account, days, name, but=spared)
        statuses = account.statuses(days, name)
        assert {status for meeting, status in statuses.items() if meeting != spared} == {"complete"}


def small_pages(size: int) -> Hook:
    def hook(_: str, call: Call) -> None:
        if is_about_attendance(call):
            call.query["max"] = str(min(size, int(call.query["max"])))

    return hook


def test_both_reports_of_every_meeting_are_read_whole(account: SandboxAccount) -> None:
    account.land_meetings(FORTNIGHT)

    with account.noting() as seen:
        landed = account.land_attendance(FORTNIGHT)

    assert_whole(account, FORTNIGHT)
    assert {one.status for one in seen} == {200}
    meetings = {m.vendor_meeting_id for m in account.truth(FORTNIGHT).meetings}
    assert asked(seen, "attendees") == dict.fromkeys(meetings, 1)
    assert asked(seen, "participants").keys() == meetings
    assert landed.pulled.outcomes == {"answered": 2 * len(meetings)}
    assert landed.pulled.requests == {"request": len(seen)}
    assert (landed.pulled.left, landed.pulled.stopped, landed.pulled.failed_attempts) == (0, None, 0)


def test_only_instances_are_ever_asked_for(account: SandboxAccount) -> None:
    """Of a series the attendee report tells all instances, the participants the last."""
    with account.noting() as seen:
        account.land(FORTNIGHT)

    meetings = {m.vendor_meeting_id for m in account.truth(FORTNIGHT).meetings}
    assert {meeting_of(one) for one in seen if is_about_attendance(one)} == meetings
    assert all("_I_" in name for name in meetings)


def test_attendees_are_asked_of_their_site_in_a_window_that_covers_the_meeting(account: SandboxAccount) -> None:
    """Which instant the window selects by isn't documented."""
    account.land_meetings(FORTNIGHT)
    account.clock.now = LATER + timedelta(days=80)  # the oldest have just left the reach
    meetings = {m.vendor_meeting_id: m for m in account.truth(FORTNIGHT).meetings}
    sites = {row["meeting_id"]: row["site_url"] for row in account.rows("meetings", FORTNIGHT)}

    with account.noting() as seen:
        account.land_attendance(FORTNIGHT)

    now = account.clock.now
    queries = {one.query["meetingId"]: one.query for one in seen if path_of(one) == ATTENDEES}
    assert queries.keys() == {
        name for name, m in meetings.items() if m.started_at >= now - timedelta(days=90) + REACH_MARGIN
    }
    assert 0 < len(queries) < len(meetings)
    for name, query in queries.items():
        begin, end = (datetime.fromisoformat(query[bound]) for bound in ("from", "to"))
        assert query["siteUrl"] == sites[name]
        assert now - timedelta(days=90) < begin <= meetings[name].started_at
        assert meetings[name].ended_at <= end <= now
        assert end - begin <= timedelta(days=30)
    assert {one.status for one in seen} == {200}


def test_no_window_of_attendees_reaches_into_the_future(account: SandboxAccount) -> None:
    day = usual(account).ended_date
    account.clock.now = usual(account).ended_at + timedelta(hours=24)

    with account.noting() as seen:
        account.land([day])

    assert asked(seen, "attendees")
    assert all(datetime.fromisoformat(one.query["to"]) <= account.clock.now for one in seen if "to" in one.query)


def test_times_are_asked_for_in_utc(account: SandboxAccount) -> None:
    account.land_meetings(FEW)
    zones: set[str | None] = set()

    with account.answering(lambda _, call: zones.add(call.headers.get("timezone"))):
        account.land_attendance(FEW)

    assert zones - {None} == {"UTC"}


def test_of_a_meeting_beyond_the_reach_the_attendees_are_gone_and_the_participants_still_read(
    account: SandboxAccount,
) -> None:
    account.land_meetings(FEW)
    account.clock.now = LATER + timedelta(days=90)

    with account.noting() as seen:
        account.land_attendance(FEW)

    assert asked(seen, "attendees") == {}
    assert set(account.statuses(FEW, "attendees").values()) == {"gone"}
    reasons = {row["reason"] for row in account.readings(FEW, "attendees").values()}
    assert reasons == {"started more than 90 days ago, tried 1 times"}
    assert set(account.statuses(FEW, "participants").values()) == {"complete"}
    assert held(account, FEW, "participants") == true_rows(account, FEW, "participants")

    account.clock.advance(days=100)
    with account.noting() as seen:
        account.land_attendance(FEW)
    assert seen == []


def test_what_was_read_within_the_reach_stays_when_the_meeting_left_it(account: SandboxAccount) -> None:
    """Its second reading never came: what the first one brought is what there is."""
    day = usual(account).ended_date
    account.clock.now = max(m.ended_at for m in account.truth([day]).meetings) + timedelta(hours=24)
    account.land([day])
    account.clock.advance(days=90)

    account.land_attendance([day])

    assert_whole(account, [day])
    assert all(row["settled"] for row in account.readings([day], "attendees").values())


def test_reports_are_read_a_day_after_the_end_and_once_more_two_days_later(account: SandboxAccount) -> None:
    day = usual(account).ended_date
    meetings = {m.vendor_meeting_id: m for m in account.truth([day]).meetings}
    account.clock.now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=24)
    account.land_meetings([day])

    with account.noting() as seen:
        for _ in range(14):
            account.clock.advance(hours=8)
            account.land_attendance([day])

    for report, path in REPORTS.items():
        assert asked(seen, report) == dict.fromkeys(meetings, 2)
        for name, meeting in meetings.items():
            first, second = (one.at for one in seen if path_of(one) == path and meeting_of(one) == name)
            assert timedelta(hours=24) <= first - meeting.ended_at < timedelta(hours=32)
            assert timedelta(hours=72) <= second - meeting.ended_at < timedelta(hours=80)
        assert all(row["settled"] for row in account.readings([day], report).values())


def test_times_that_webex_has_not_filled_in_yet_are_asked_for_again_when_the_age_doubled(tmp_path: Path) -> None:
    late = round(timedelta(hours=30).total_seconds())
    with sandbox_account(tmp_path, usage_delay=(late, late)) as account:
        meeting = usual(account)
        day, name = meeting.ended_date, meeting.vendor_meeting_id
        account.clock.now = meeting.ended_at + timedelta(hours=24)
        account.land([day])
        reading = account.readings([day], "participants")[name]
        assert (reading["status"], reading["settled"], reading["attempts"]) == ("partial", False, 1)
        assert "rows whose times the vendor hasn't filled in yet" in reading["reason"]
        assert held(account, [day], "participants")[name] == meeting.vendor_attendee_count
        (document,) = [d for d in account.archived([day]) if (d.subject, d.kind) == (name, "participants")]
        assert document.outcome == "unsettled"

        account.clock.now = meeting.ended_at + timedelta(hours=47)
        with account.noting() as seen:
            account.land_attendance([day])
        assert name not in asked(seen, "participants")

        account.clock.now = meeting.ended_at + timedelta(hours=48)
        account.land([day])
        reading = account.readings([day], "participants")[name]
        assert (reading["status"], reading["settled"], reading["attempts"]) == ("complete", False, 0)

        account.clock.now = max(m.ended_at for m in account.truth([day]).meetings) + timedelta(hours=72)
        account.land_attendance([day])
        assert_whole(account, [day])
        for report in REPORTS:
            assert account.readings([day], report)[name]["settled"]


SETTLED = {"joinedTime": "2026-03-02T09:00:00Z", "leftTime": "2026-03-02T09:30:00Z"}
SENTINEL = "1970-01-01T00:00:00.000Z"


LACKING: dict[str, list[Row]] = {
    "participants": [
        SETTLED | {"joinedTime": SENTINEL},
        SETTLED | {"leftTime": "1970-01-01T00:00:00Z"},
        SETTLED | {"leftTime": None},
        {"joinedTime": SETTLED["joinedTime"]},
        {},
        SETTLED | {"devices": [SETTLED, SETTLED | {"leftTime": SENTINEL}]},
        SETTLED | {"devices": [SETTLED, {"durationSecond": 3}]},
    ],
    "attendees": [SETTLED | {"leftTime": SENTINEL}, {"joinedTime": SETTLED["joinedTime"]}],
}


@BOTH
def test_a_time_that_is_absent_or_before_all_meetings_is_one_that_webex_does_not_know_yet(
    account: SandboxAccount, report: str
) -> None:
    days = FEW
    names = sorted(m.vendor_meeting_id for m in account.truth(days).meetings)
    settled = [{"id": f"p{n}", "email": f"p{n}@northwind.example"} | SETTLED for n in range(20)]
    answers = {
        name: json_answer(200, {"items": [*settled, {"id": "q", "email": "q@a.example"} | row]})
        for name, row in zip(names, [*LACKING[report], SETTLED | {"devices": [SETTLED]}], strict=False)
    }
    (*lacking, last) = answers

    def hook(_: str, call: Call) -> Answer | None:
        return answers.get(meeting_of(call) or "") if path_of(call) == REPORTS[report] else None

    with account.answering(hook):
        account.land(days)

    outcomes = {document.subject: document.outcome for document in account.archived(days) if document.kind == report}
    assert {name for name, outcome in outcomes.items() if outcome == "unsettled"} == set(lacking)
    assert outcomes[last] == "answered"
    readings = account.readings(days, report)
    assert {(readings[name]["settled"], readings[name]["attempts"]) for name in lacking} == {(False, 1)}
    account.clock.advance(days=20)
    account.land_attendance(days)
    truth = true_rows(account, days, report)
    assert {name: rows for name, rows in held(account, days, report).items() if name != last} == {
        name: rows for name, rows in truth.items() if name != last
    }


def test_times_that_never_come_are_given_up(account: SandboxAccount) -> None:
    meeting = usual(account)
    name, day = meeting.vendor_meeting_id, meeting.ended_date
    account.clock.now = meeting.ended_at + timedelta(hours=24)
    account.land_meetings([day])
    never = json_answer(200, {"items": [{"id": "p", "displayName": "p"}]})

    with account.answering(for_meeting(name, "participants", never)), account.noting() as seen:
        for doubled in range(MOST_ATTEMPTS + 1):
            account.clock.now = meeting.ended_at + timedelta(hours=24) * 2**doubled
            account.land_attendance([day])

    assert asked(seen, "participants")[name] == MOST_ATTEMPTS


@BOTH
def test_no_rows_before_the_report_settles_are_not_ready(account: SandboxAccount, report: str) -> None:
    account.options.hidden_from_usage = lambda _: True
    meeting = usual(account)
    name, day = meeting.vendor_meeting_id, meeting.ended_date
    empty = for_meeting(name, report, json_answer(200, {"items": []}))
    account.clock.now = meeting.ended_at + timedelta(hours=71)

    with account.answering(empty):
        account.land([day])

    reading = account.readings([day], report)[name]
    assert (reading["status"], reading["reason"]) == ("not_ready", "no rows of anybody, tried 1 times")
    account.clock.now = meeting.ended_at + timedelta(hours=142)
    with account.answering(empty):
        account.land_attendance([day])
    reading = account.readings([day], report)[name]
    assert (reading["status"], reading["settled"], reading["rows_held"]) == ("complete", True, 0)


@BOTH
def test_no_rows_although_the_usage_report_counts_some_are_not_ready(account: SandboxAccount, report: str) -> None:
    meeting = usual(account)
    name, day = meeting.vendor_meeting_id, meeting.ended_date

    with account.answering(for_meeting(name, report, json_answer(200, {"items": []}))):
        account.land([day])

    reading = account.readings([day], report)[name]
    assert reading["status"] == "not_ready"
    assert reading["reason"] == f"no rows of {meeting.vendor_attendee_count}, tried 1 times"
    account.clock.advance(days=30)
    account.land_attendance([day])
    assert_whole(account, [day])


def test_participants_that_come_only_when_their_times_are_spelled_out_are_found(account: SandboxAccount) -> None:
    """What is meant where both times of joining are left out isn't documented."""
    meeting = usual(account)
    empty = json_answer(200, {"items": []})

    def unless_spelled_out(_: str, call: Call) -> Answer | None:
        return empty if path_of(call) == PARTICIPANTS and "joinTimeFrom" not in call.query else None

    with account.answering(unless_spelled_out):
        account.land([meeting.ended_date])

    assert_whole(account, [meeting.ended_date])


def test_participants_of_which_there_are_more_than_a_page_are_found_by_when_they_joined(
    account: SandboxAccount,
) -> None:
    """Pages of at most 100, and no `Link` is documented for them."""
    meeting = crowd(account)
    rows = meeting.vendor_attendee_count
    assert rows > 300

    with account.noting() as seen:
        account.land([meeting.ended_date])

    assert_whole(account, [meeting.ended_date])
    assert asked(seen, "participants")[meeting.vendor_meeting_id] <= 3 * rows / 100 + 2
    joins = [one.query for one in seen if "joinTimeFrom" in one.query]
    assert {(query["meetingId"], query["max"]) for query in joins} == {(meeting.vendor_meeting_id, "100")}
    assert all(query["joinTimeFrom"] < query["joinTimeTo"] for query in joins)


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, lambda rows: 3 * rows / 100 + 2),
        ({"participants_link": True}, lambda rows: math.ceil(rows / 100)),
        ({"page_over": 40}, lambda rows: 3 * rows / 25 + 4),
        ({"participants_link": True, "page_over": 40}, lambda rows: math.ceil(rows / 25) + 2),
    ],
    ids=["spans", "links", "spans of small pages", "links of small pages"],
)
def test_a_meeting_of_a_thousand_is_read_whole_with_few_requests(
    tmp_path: Path, options: Row, most: Callable[[int], float]
) -> None:
    with sandbox_account(tmp_path, size=THOUSAND, **options) as account:
        meeting = crowd(account)
        rows = meeting.vendor_attendee_count
        assert rows > 1_000
        with account.noting() as seen:
            account.land([meeting.ended_date])

        assert_whole(account, [meeting.ended_date])
        assert asked(seen, "participants")[meeting.vendor_meeting_id] <= most(rows)


@pytest.mark.parametrize(("next_link", "more"), [("whole", 0), ("filterless", 0), ("empty_page", 1)])
def test_links_to_further_participants_are_followed_where_there_are_any(
    account: SandboxAccount, next_link: Any, more: int
) -> None:
    account.options.participants_link, account.options.next_link = True, next_link
    meeting = crowd(account)

    with account.noting() as seen:
        account.land([meeting.ended_date])

    assert_whole(account, [meeting.ended_date])
    pages = math.ceil(meeting.vendor_attendee_count / 100) + more
    assert asked(seen, "participants")[meeting.vendor_meeting_id] == pages
    assert not [one for one in seen if "joinTimeFrom" in one.query]


@pytest.mark.parametrize("rows", [99, 100, 201])
@pytest.mark.parametrize("link", [True, False])
def test_pages_that_are_just_full_lose_nobody(account: SandboxAccount, rows: int, link: bool) -> None:
    meeting = usual(account)
    begin = meeting.started_at
    people = [
        {"id": f"p{n}", "joinedTime": f"{begin + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}", "leftTime": stop}
        for stop in [f"{begin + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"]
        for n in range(rows)
    ]

    with (
        account.answering(for_meeting(meeting.vendor_meeting_id, "participants", joined(account, people, link=link))),
        account.noting() as seen,
    ):
        account.land([meeting.ended_date])

    assert held(account, [meeting.ended_date], "participants")[meeting.vendor_meeting_id] == rows
    assert asked(seen, "participants")[meeting.vendor_meeting_id] <= 12


def joined(account: SandboxAccount, people: list[Row], *, link: bool = False) -> Callable[[Call], Answer]:
    """A meeting of these people, in this order, a hundred at a time."""

    def answer(call: Call) -> Answer:
        begin, end = call.query.get("joinTimeFrom", ""), call.query.get("joinTimeTo", "9999")
        wanted = [one for one in people if begin <= one["joinedTime"] < end]
        offset = int(call.query.get("offset", "0"))
        page = wanted[offset : offset + 100]
        more = link and offset + 100 < len(wanted)
        following = f'<{account.sandbox.url}{API}{PARTICIPANTS}?max=100&offset={offset + 100}>; rel="next"'
        return Answer(200, json.dumps({"items": page}).encode(), headers={"Link": following} if more else {})

    return answer


@pytest.mark.parametrize("people", [100, 250])
def test_more_joins_within_one_second_than_fit_on_a_page_end_the_search(account: SandboxAccount, people: int) -> None:
    """They can't be told apart by when they joined: what is missing shows in the readings."""
    meeting = crowd(account)
    name, day = meeting.vendor_meeting_id, meeting.ended_date
    at = f"{meeting.started_at:%Y-%m-%dT%H:%M:%SZ}"
    rows = [{"id": f"p{n}", "joinedTime": at, "leftTime": at} for n in range(people)]

    with account.answering(for_meeting(name, "participants", joined(account, rows))), account.noting() as seen:
        account.land([day])

    assert asked(seen, "participants")[name] < 60
    reading = account.readings([day], "participants")[name]
    assert (reading["status"], reading["rows_held"]) == ("partial", 100)
    assert reading["reason"].startswith(f"{meeting.vendor_attendee_count - 100} of {meeting.vendor_attendee_count}")
    assert_whole(account, [day], but=name, report="participants")


def test_a_report_that_does_not_heed_the_times_of_joining_ends(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.vendors.paging.MOST_PAGES", 40)
    meeting = crowd(account)
    name, day = meeting.vendor_meeting_id, meeting.ended_date
    begin = meeting.started_at
    times = [f"{begin + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}" for n in range(100)]
    same = json_answer(200, {"items": [{"id": at, "joinedTime": at, "leftTime": at} for at in times]})

    with account.answering(for_meeting(name, "participants", same)), account.noting() as seen:
        account.land([day])

    assert asked(seen, "participants")[name] <= 40
    assert account.statuses([day], "participants")[name] in ("not_ready", "partial")
    assert_whole(account, [day], but=name, report="participants")


@pytest.mark.parametrize("next_link", ["whole", "filterless", "empty_page"])
def test_attendees_are_read_to_their_last_page(account: SandboxAccount, next_link: Any) -> None:
    account.options.next_link = next_link

    with account.answering(small_pages(3)), account.noting() as seen:
        account.land(FEW[:1])

    assert held(account, FEW[:1], "attendees") == true_rows(account, FEW[:1], "attendees")
    assert [one for one in seen if path_of(one) == ATTENDEES and "offset" in one.query]
    filters = {"meetingId", "siteUrl", "from", "to"}
    assert all(filters <= one.query.keys() for one in seen if path_of(one) == ATTENDEES)


@pytest.mark.parametrize("page_over", [500, 40, 10])
def test_a_page_that_takes_webex_too_long_is_asked_for_in_smaller_ones(
    account: SandboxAccount, page_over: int
) -> None:
    account.land_meetings(FEW[:1])
    account.options.page_over = page_over

    with account.noting() as seen:
        account.land_attendance(FEW[:1])

    assert_whole(account, FEW[:1])
    assert {path_of(one) for one in seen if one.status == 504} == (
        {ATTENDEES} if page_over >= 100 else {ATTENDEES, PARTICIPANTS}
    )
    assert all(int(one.query["max"]) <= page_over for one in seen if one.status == 200)


FORBIDDEN = json_answer(403, {"message": "x", "trackingId": "NA_2"})
NOT_FOUND = {"message": "Cannot find the data", "trackingId": "ROUTER_1"}


UNREADABLE = [
    (
        json_answer(404, NOT_FOUND | {"errors": [{"description": "Meeting data not found(or null)"}]}),
        "not_ready",
        "404, tracking id ROUTER_1, tried 1 times",
    ),
    (json_answer(404, NOT_FOUND), "not_ready", "404, tracking id ROUTER_1, tried 1 times"),
    (json_answer(400, {"message": "x", "trackingId": "NA_2"}), "denied", "400, tracking id NA_2, tried 1 times"),
    (FORBIDDEN, "denied", "403, tracking id NA_2, tried 1 times"),
    (json_answer(410, {"message": "x", "trackingId": "NA_2"}), "gone", "410, tracking id NA_2, tried 1 times"),
    (Answer(403, b"<html>blocked</html>", content_type="text/html"), "blocked", "403, tried 1 times"),
    (Answer(404, b"<html>nobody</html>", content_type="text/html"), "blocked", "404, tried 1 times"),
    (Answer(400, b'{"message": '), "blocked", "400, tried 1 times"),
    (json_answer(451, ["not", "an", "object"]), "blocked", "451, tried 1 times"),
    (failing(500), "not_ready", "outage 500, tried 1 times"),
    (Answer(200, b'{"items": ['), "not_ready", "outage 200, tried 1 times"),
    (json_answer(200, {"items": {}}), "not_ready", "outage 200, tried 1 times"),
    (json_answer(200, {}), "not_ready", "outage 200, tried 1 times"),
]


@BOTH
def test_meetings_that_cannot_be_read_stop_no_other(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, report: str
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    days = FORTNIGHT[:7]
    names = sorted(m.vendor_meeting_id for m in account.truth(days).meetings)
    poison = dict(zip(names, UNREADABLE, strict=False))
    assert len(names) > len(poison) == len(UNREADABLE)

    def hook(_: str, call: Call) -> Answer | None:
        found = poison.get(meeting_of(call) or "")
        return found[0] if found and path_of(call) == REPORTS[report] else None

    with account.answering(hook):
        landed = account.land(days)

    readings = account.readings(days, report)
    assert {name: (readings[name]["status"], readings[name]["reason"]) for name in poison} == {
        name: (status, reason) for name, (_, status, reason) in poison.items()
    }
    truth = true_rows(account, days, report)
    assert held(account, days, report) == {name: rows for name, rows in truth.items() if name not in poison}
    assert {reading["status"] for name, reading in readings.items() if name not in poison} == {"complete"}
    (other,) = REPORTS.keys() - {report}
    assert held(account, days, other) == true_rows(account, days, other)
    expected = Counter(status for _, status, _ in UNREADABLE)
    assert landed.pulled.outcomes == expected + Counter(answered=2 * len(names) - len(poison))


@BOTH
@pytest.mark.parametrize(
    "answer",
    [json_answer(404, NOT_FOUND), FORBIDDEN, failing(503)],
    ids=["404", "403", "503"],
)
def test_a_meeting_that_could_not_be_read_is_tried_again_later(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, report: str, answer: Answer
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    poisonous = usual(account)
    days, name = [poisonous.ended_date], poisonous.vendor_meeting_id
    with account.answering(for_meeting(name, report, answer)):
        account.land(days)
        with account.noting() as seen:
            account.land_attendance(days)
    assert seen == []

    account.clock.now = poisonous.ended_at + 2 * (account.clock.now - poisonous.ended_at)
    account.land_attendance(days)

    assert_whole(account, days)


def test_a_meeting_that_never_can_be_read_is_given_up(account: SandboxAccount) -> None:
    poisonous = usual(account)
    day, name = poisonous.ended_date, poisonous.vendor_meeting_id
    account.clock.now = poisonous.ended_at + timedelta(hours=24)
    account.land_meetings([day])
    unknown = json_answer(404, NOT_FOUND)

    with account.answering(lambda _, call: unknown if meeting_of(call) == name else None), account.noting() as seen:
        for doubled in range(MOST_ATTEMPTS + 2):
            account.clock.now = poisonous.ended_at + timedelta(hours=24) * 2**doubled
            account.land_attendance([day])

    assert asked(seen, "participants")[name] == MOST_ATTEMPTS
    # After 90 days the attendee report is out of reach.
    assert asked(seen, "attendees")[name] == len([n for n in range(MOST_ATTEMPTS) if 2**n < 90])
    assert account.statuses([day], "participants")[name] == "not_ready"
    assert account.statuses([day], "attendees")[name] == "gone"


@pytest.mark.parametrize(
    ("scope", "report", "role"),
    [
        ("meeting:admin_config_read", "attendees", "Site admin on northwind"),
        ("meeting:admin_participants_read", "participants", "Full admin or Content admin"),
    ],
)
def test_a_scope_that_is_missing_is_named_with_the_role_that_grants_it(
    account: SandboxAccount, scope: str, report: str, role: str
) -> None:
    account.land_meetings(FEW)
    before = account.tables()
    account.options.scopes = tuple(one for one in account.options.scopes if one != scope)

    with pytest.raises(RefusedError, match=rf"refused GET {REPORTS[report]}.*\(403, tracking id ") as told:
        account.land_attendance(FEW)

    assert f"needs the scope {scope}, granted by somebody with the role {role}" in str(told.value)
    assert account.tables() == before
    account.options.scopes = (*account.options.scopes, scope)
    account.land_attendance(FEW)
    assert_whole(account, FEW)


def on_behalf_alone(_: str, call: Call) -> Answer | None:
    return FORBIDDEN if path_of(call) == PARTICIPANTS and "hostEmail" not in call.query else None


def test_participants_that_are_refused_otherwise_are_read_on_the_hosts_behalf(account: SandboxAccount) -> None:
    """A service app may have to ask so."""
    meeting = crowd(account)

    with account.answering(on_behalf_alone), account.noting() as seen:
        account.land([meeting.ended_date])

    assert_whole(account, [meeting.ended_date])
    hosts = {m.vendor_meeting_id: m.host_email for m in account.truth([meeting.ended_date]).meetings}
    answered = [one for one in seen if path_of(one) == PARTICIPANTS and one.status == 200]
    assert all(one.query["hostEmail"] == hosts[one.query["meetingId"]] for one in answered)


def test_a_meeting_that_is_refused_on_its_hosts_behalf_too_stops_no_other(account: SandboxAccount) -> None:
    poisonous, days = usual(account).vendor_meeting_id, FEW[:1]

    def hook(_: str, call: Call) -> Answer | None:
        refused = path_of(call) == PARTICIPANTS and meeting_of(call) == poisonous
        return FORBIDDEN if refused else on_behalf_alone(_, call)

    account.land_meetings(days)
    with account.answering(hook):
        account.land_attendance(days)
        account.clock.advance(days=20)
        # It is the only one that is due.
        account.land_attendance(days)

    assert_whole(account, days, but=poisonous, report="participants")
    assert account.statuses(days, "participants")[poisonous] == "denied"


@BOTH
def test_a_single_meeting_that_is_due_and_refused_is_no_missing_scope(account: SandboxAccount, report: str) -> None:
    poisonous, days = usual(account).vendor_meeting_id, FEW[:1]
    refusing = for_meeting(poisonous, report, FORBIDDEN)
    with account.answering(refusing):
        account.land(days)
    account.clock.advance(days=20)

    with account.answering(refusing), account.noting() as seen:
        account.land_attendance(days)

    assert account.readings(days, report)[poisonous]["attempts"] == 2
    assert 2 <= len(seen) <= 3


@BOTH
@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("http://elsewhere.example/list?offset=3", "led to a foreign host, tried 1 times"),
        ("http://[::1?offset=3", "outage 200, tried 1 times"),
        ("http://[nowhere]/v1/list?offset=3", "outage 200, tried 1 times"),
    ],
)
def test_a_next_link_that_leads_astray_stops_no_other_meeting(
    account: SandboxAccount, report: str, link: str, reason: str
) -> None:
    poisonous, days = usual(account).vendor_meeting_id, FEW[:1]

    def hook(call: Call) -> Answer:
        return Answer(200, whole(account, call).body, headers={"Link": f'<{link}>; rel="next"'})

    with account.answering(for_meeting(poisonous, report, hook)):
        account.land(days)

    assert_whole(account, days, but=poisonous, report=report)
    reading = account.readings(days, report)[poisonous]
    assert (reading["status"], reading["reason"]) == ("not_ready", reason)


@BOTH
def test_no_token_travels_to_another_host(account: SandboxAccount, report: str) -> None:
    poisonous = usual(account).vendor_meeting_id
    with Sandbox(size="small") as other:
        link = other.url.replace("127.0.0.1", "localhost") + f"{API}/elsewhere?offset=3"

        def hook(call: Call) -> Answer:
            return Answer(200, whole(account, call).body, headers={"Link": f'<{link}>; rel="next"'})

        with account.answering(for_meeting(poisonous, report, hook)):
            account.land(FEW[:1])

        assert other.requests == []
    assert account.statuses(FEW[:1], report)[poisonous] == "not_ready"


def interrupted(account: SandboxAccount, report: str, pages: int) -> list[Seen]:
    """A run that ends after so many pages of the crowd's report; what it was answered."""
    name = crowd(account).vendor_meeting_id

    def hook(_: str, call: Call) -> Answer | None:
        small_pages(100)(_, call)
        if path_of(call) == REPORTS[report] and meeting_of(call) == name:
            if len(answered) == pages:
                return json_answer(401, {"message": "x", "trackingId": "NA_2"})
            answered.append(call)
        return None

    answered: list[Call] = []
    with account.answering(hook), account.noting() as seen, pytest.raises(RefusedError):
        account.land_attendance([crowd(account).ended_date])
    assert len(answered) == pages
    return of_crowd(account, seen, report)


def of_crowd(account: SandboxAccount, seen: list[Seen], report: str) -> list[Seen]:
    name = crowd(account).vendor_meeting_id
    return [one for one in seen if path_of(one) == REPORTS[report] and meeting_of(one) == name and one.status == 200]


@pytest.mark.parametrize(("pages", "minutes", "goes_on"), [(3, 58, True), (1, 61, False)])
@pytest.mark.parametrize(
    ("report", "link"), [("attendees", False), ("participants", True), ("participants", False)], ids=str
)
def test_a_reading_that_a_run_left_open_goes_on_where_it_was(
    account: SandboxAccount, report: str, link: bool, pages: int, minutes: int, goes_on: bool
) -> None:
    account.options.participants_link = link
    day = crowd(account).ended_date
    account.land_meetings([day])
    first = interrupted(account, report, pages)
    account.clock.advance(minutes=minutes)

    with account.answering(small_pages(100)), account.noting() as seen:
        account.land_attendance([day])

    assert_whole(account, [day])
    second = of_crowd(account, seen, report)
    before, after = ([tuple(sorted(one.query.items())) for one in run] for run in (first, second))
    assert len(set(before)) == pages
    assert bool(set(before) & set(after)) is not goes_on


def test_a_reading_that_is_gone_on_with_later_stays_within_the_reach(account: SandboxAccount) -> None:
    """Its window began with the oldest instant that could be asked for, then."""
    meeting = crowd(account)
    day = meeting.ended_date
    account.land_meetings([day])
    account.clock.now = meeting.started_at + timedelta(days=89, hours=22)
    interrupted(account, "attendees", 1)
    account.clock.advance(minutes=50)

    with account.answering(small_pages(100)), account.noting() as seen:
        account.land_attendance([day])

    assert {one.status for one in seen} == {200}
    assert account.statuses([day], "attendees")[meeting.vendor_meeting_id] == "complete"


def test_a_report_whose_pages_take_their_time_stays_within_the_reach(account: SandboxAccount) -> None:
    """Meanwhile the oldest instant that may be asked for moves on."""
    meeting = crowd(account)
    name, day = meeting.vendor_meeting_id, meeting.ended_date
    account.land_meetings([day])
    account.clock.now = meeting.started_at + timedelta(days=89, hours=22)

    def hook(_: str, call: Call) -> None:
        small_pages(100)(_, call)
        if path_of(call) == ATTENDEES and meeting_of(call) == name:
            account.clock.advance(minutes=10)

    with account.answering(hook):
        account.land_attendance([day])

    assert account.statuses([day], "attendees")[name] == "complete"


@BOTH
def test_a_wait_of_an_hour_stops_the_pull_and_a_later_run_goes_on(account: SandboxAccount, report: str) -> None:
    account.land_meetings(FEW)
    spent = Answer(429, b"<html>", headers={"Retry-After": "3600"}, content_type="text/html")
    answered: list[Call] = []

    def hook(_: str, call: Call) -> Answer | None:
        if path_of(call) != REPORTS[report]:
            return None
        answered.append(call)
        return spent if len(answered) > 5 else None

    with account.answering(hook):
        pulled = account.land_attendance(FEW).pulled

    assert pulled.stopped is not None
    assert pulled.stopped.resumes_at == account.clock.now + timedelta(hours=1)
    assert "asks for a wait of 3600 s" in str(pulled.stopped)
    due = 2 * len(account.rows("meetings", FEW))
    assert pulled.outcomes == {"answered": due - pulled.left}
    assert pulled.left > 0
    kept = {(document.kind, document.subject) for document in account.archived(FEW)}
    assert len(kept) == due - pulled.left
    assert {row["reason"] for row in account.rows("readings", FEW)} == {None, "not read yet"}

    account.clock.advance(hours=1)
    with account.noting() as seen:
        account.land_attendance(FEW)
    assert not kept & {(name, meeting_of(one)) for one in seen for name in REPORTS if REPORTS[name] == path_of(one)}
    assert_whole(account, FEW)


def test_a_vendor_that_is_down_for_every_meeting_ends_the_run(account: SandboxAccount) -> None:
    account.land_meetings(FORTNIGHT)
    before = account.tables()

    down = account.answering(lambda _, call: failing(503) if is_about_attendance(call) else None)
    with down, pytest.raises(OutageError, match="503 to GET .*run again later"):
        account.land_attendance(FORTNIGHT)

    assert account.tables() == before
    assert MOST_OUTAGES <= len(account.archived(FORTNIGHT)) < MOST_OUTAGES + 20  # those in flight


def test_what_was_answered_is_in_the_archive_byte_for_byte(account: SandboxAccount) -> None:
    meeting = usual(account)
    odd = b'{"items" : [ {"id":"p",\n "joinedTime":"2026-03-02T09:00:00Z","leftTime":"2026-03-02T09:00:01Z"} ]}'

    with account.answering(for_meeting(meeting.vendor_meeting_id, "participants", Answer(200, odd))):
        account.land([meeting.ended_date])

    (kept,) = [
        document
        for document in account.archived([meeting.ended_date])
        if (document.subject, document.kind) == (meeting.vendor_meeting_id, "participants")
    ]
    assert (kept.body, kept.status, kept.page, kept.last, kept.outcome) == (odd, 200, 1, True, "answered")
    assert kept.fetched_at == account.clock.now
    assert kept.request.startswith(f"{PARTICIPANTS}?meetingId={meeting.vendor_meeting_id}&max=100")


@BOTH
def test_a_refusal_names_nobody(account: SandboxAccount, report: str) -> None:
    account.land_meetings(FEW[:1])
    people = account.sandbox.organisation.employees
    text = f"{people[0].name} <{people[0].email}> may not"
    refusal = json_answer(403, {"message": text, "errors": [{"description": text}], "trackingId": "NA_2"})

    refusing = account.answering(lambda _, call: refusal if path_of(call) == REPORTS[report] else None)
    with refusing, pytest.raises(RefusedError) as told:
        account.land_attendance(FEW[:1])

    assert not [one for one in people if one.name in str(told.value) or one.email in str(told.value)]


def test_no_token_is_kept_or_logged(account: SandboxAccount, caplog: pytest.LogCaptureFixture) -> None:
    tokens = {account.sandbox.settings[name] for name in ("WEBEX_REFRESH_TOKEN", "WEBEX_CLIENT_SECRET")}
    with (
        caplog.at_level(logging.DEBUG),
        account.answering(
            lambda _, call: tokens.add(call.headers.get("Authorization", "Bearer ").removeprefix("Bearer ") or "none")
        ),
    ):
        account.land(FEW[:1])

    tokens -= {"none"}
    assert len(tokens) >= 3
    documents = [*account.archived(FEW[:1]), *account.listed(FEW[:1], ["sites", "meetings"])]
    held = " ".join(f"{document}" for document in documents) + caplog.text
    assert not [token for token in tokens if token in held]


def test_the_oldest_meetings_are_asked_for_first(account: SandboxAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends a run early, what the vendor forgets next has been read."""
    monkeypatch.setattr("attendance_pipeline.pull.IN_FLIGHT", 1)

    with account.noting() as seen:
        account.land(list(reversed(FEW)))

    order = [name for one in seen if (name := meeting_of(one))]
    ends = {meeting.vendor_meeting_id: meeting.ended_at for meeting in account.truth(FEW).meetings}
    assert order == sorted(order, key=lambda name: ends[name])
    assert len(order) == 2 * len(ends)


def test_dates_without_anything_due_ask_nothing(account: SandboxAccount) -> None:
    account.land(FEW)

    with account.noting() as seen:
        landed = account.land_attendance(FEW)

    assert seen == []
    assert landed.pulled == Pulled()
    assert set(landed.tables["readings"].rows) == set(dates(FEW[0], FEW[-1]))
