"""Who attended: every report by its UUID to the last page, and one meeting's trouble is never another's."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline.http.errors import OutageError, RefusedError
from attendance_pipeline.landing import land_attendance
from attendance_pipeline.pull import MOST_OUTAGES, Pulled, read_due
from attendance_pipeline.readings import MOST_ATTEMPTS
from attendance_pipeline.sandbox import Seen
from attendance_pipeline.sandbox.truth import MeetingTruth
from attendance_pipeline.sandbox.wire import Answer, Call, Hook, json_answer
from attendance_pipeline.vendors.zoom import account as zoom_account
from attendance_pipeline.vendors.zoom.attendance import ZoomMeeting
from attendance_pipeline.windows import dates

from .account import FORTNIGHT, failing
from .zoom_account import SandboxAccount, is_about_attendance, sandbox_account, uuid_of

FEW = FORTNIGHT[:3]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path, history_includes_solo=True) as account:
        yield account


def crowd(account: SandboxAccount) -> MeetingTruth:
    """The one meeting whose report has two pages."""
    return max(account.truth(FORTNIGHT).meetings, key=lambda meeting: meeting.vendor_attendee_count)


def usual(account: SandboxAccount, days: list[date] = FEW) -> MeetingTruth:
    """A meeting like any other."""
    return next(m for m in account.truth(days).meetings if m.kind == "meeting" and m.attendee_count > 1)


def for_meeting(uuid: str, answer: Answer) -> Hook:
    return lambda _, call: answer if uuid_of(call) == uuid else None


def asked(seen: list[Seen], status: int | None = None) -> Counter[str]:
    """How often each meeting was asked for."""
    return Counter(
        uuid for one in seen if (uuid := uuid_of(one)) is not None and (status is None or one.status == status)
    )


def read(account: SandboxAccount, *meetings: ZoomMeeting) -> Pulled:
    """One pull of these meetings alone."""
    days = {meeting.ended_date for meeting in meetings}
    return asyncio.run(
        read_due(account.vendor, days, lambda day: ([one for one in meetings if one.ended_date == day], {}))
    )


def intervals(account: SandboxAccount, days: list[date]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (row["meeting_uuid"], row["name"], row["join_time"], row["leave_time"])
        for row in account.rows("participants", days)
    )


def true_intervals(account: SandboxAccount, days: list[date], *, but: str = "") -> Counter[tuple[Any, ...]]:
    return Counter(
        (one.vendor_meeting_id, one.display_name, one.joined_at, one.left_at)
        for one in account.truth(days).intervals
        if one.vendor_meeting_id != but
    )


@pytest.mark.parametrize(
    "trait",
    [
        lambda uuid: uuid.startswith("/"),
        lambda uuid: "//" in uuid[1:],
        lambda uuid: "/" in uuid.strip("/") and "//" not in uuid,
        lambda uuid: "+" in uuid,
    ],
    ids=["leading slash", "double slash", "single slash", "plus"],
)
def test_a_uuid_is_read_whatever_characters_it_has(account: SandboxAccount, trait: Any) -> None:
    """Zoom decodes twice and loses a leading or double slash that was encoded once: 404/3001."""
    meetings = [m for m in account.truth(FORTNIGHT).meetings if trait(m.vendor_meeting_id) and m.attendee_count > 1]
    assert meetings

    for meeting in meetings:
        with account.noting() as seen:
            pulled = read(
                account,
                ZoomMeeting(meeting.vendor_meeting_id, meeting.ended_at, 2, meeting.kind == "webinar", False),
            )
        assert pulled.outcomes == {"answered": 1}
        assert asked(seen, 200).keys() == {meeting.vendor_meeting_id} == asked(seen).keys()
        assert {one.status for one in seen} == {200}


def test_a_report_of_more_than_three_hundred_rows_is_read_to_its_last_page(account: SandboxAccount) -> None:
    meeting = crowd(account)
    assert meeting.vendor_attendee_count > 300

    with account.noting() as seen:
        account.land([meeting.ended_date])

    assert intervals(account, [meeting.ended_date]) == true_intervals(account, [meeting.ended_date])
    pages = [one for one in seen if uuid_of(one) == meeting.vendor_meeting_id]
    assert ["next_page_token" in one.query for one in pages] == [False, True]
    assert {one.query["page_size"] for one in pages} == {"300"}
    reading = account.readings([meeting.ended_date])[meeting.vendor_meeting_id]
    assert (reading["status"], reading["rows_held"]) == ("complete", meeting.vendor_attendee_count)


def test_webinars_are_asked_for_at_their_own_call(account: SandboxAccount) -> None:
    webinars = {m.vendor_meeting_id for m in account.truth(FORTNIGHT).meetings if m.kind == "webinar"}
    assert webinars

    with account.noting() as seen:
        account.land(FORTNIGHT)

    kinds = {uuid_of(one): "/report/webinars/" in one.path for one in seen if uuid_of(one)}
    assert {uuid for uuid, is_webinar in kinds.items() if is_webinar} == webinars
    assert {one.status for one in seen} == {200}


def test_a_webinar_that_a_list_called_a_meeting_is_read_at_the_webinar_call(account: SandboxAccount) -> None:
    """The meeting call says 400/300 "Can not access webinar info"."""
    webinar = account.ended_from(FORTNIGHT, kind="webinar")

    with account.noting() as seen:
        pulled = read(account, ZoomMeeting(webinar.vendor_meeting_id, webinar.ended_at, 5, False, False))

    assert pulled.outcomes == {"answered": 1}
    assert [(one.path.split("/")[4], one.status) for one in seen] == [("meetings", 400), ("webinars", 200)]


def test_registrants_are_asked_for_and_kept(account: SandboxAccount) -> None:
    webinar = account.ended_from(FORTNIGHT, kind="webinar")

    with account.noting() as seen:
        account.land([webinar.ended_date])

    reports = [one for one in seen if one.path.endswith("/participants")]
    assert {one.query["include_fields"] for one in reports} == {"registrant_id"}
    registered = [row for row in account.rows("participants", [webinar.ended_date]) if row["registrant_id"]]
    assert {row["meeting_uuid"] for row in registered} >= {webinar.vendor_meeting_id}


@pytest.mark.parametrize("options", [{"history_includes_solo": True}, {}, {"history_meetings": False}], ids=str)
@pytest.mark.parametrize("report", ["empty", "missing"])
def test_a_meeting_with_one_participant_lands_as_one_row(
    tmp_path: Path, options: dict[str, Any], report: Any
) -> None:
    """Zoom has no participants report of it, so its detail stands in."""
    with sandbox_account(tmp_path, solo_report=report, **options) as account:
        meeting = account.ended_from(FORTNIGHT, vendor_attendee_count=1)
        with account.noting() as seen:
            account.land([meeting.ended_date])

        (row,) = [
            row
            for row in account.rows("participants", [meeting.ended_date])
            if row["meeting_uuid"] == meeting.vendor_meeting_id
        ]
        assert (row["join_time"], row["leave_time"]) == (meeting.started_at, meeting.ended_at)
        assert row["duration"] == meeting.attended_seconds
        assert (row["user_email"], row["status"], row["source"]) == (
            meeting.host_email,
            "in_meeting",
            "meeting_detail",
        )
        (host,) = [p for p in account.sandbox.organisation.employees if p.email == meeting.host_email]
        assert row["name"] == host.name
        assert row["participant_user_id"] == account.sandbox.zoom.reports.identity.user_id(host)
        assert account.statuses([meeting.ended_date])[meeting.vendor_meeting_id] == "complete"
        paths = [one.path for one in seen if uuid_of(one) == meeting.vendor_meeting_id]
        assert len(paths) == 1
        assert not paths[0].endswith("/participants")


def test_a_webinar_with_one_participant_is_asked_for_at_the_webinar_call(account: SandboxAccount) -> None:
    """`pastOne` lists webinars too; the meeting call refuses them."""
    webinar = account.ended_from(FORTNIGHT, kind="webinar")

    with account.noting() as seen:
        pulled = read(account, ZoomMeeting(webinar.vendor_meeting_id, webinar.ended_at, 1, True, True))

    assert pulled.outcomes == {"answered": 1}
    assert [
        ("/report/webinars/" in one.path, one.path.endswith("/participants")) for one in seen if uuid_of(one)
    ] == [(True, False)]


def test_no_path_ever_holds_a_number(account: SandboxAccount) -> None:
    """A number means the latest occurrence, whichever was wanted."""
    with account.noting() as seen:
        account.land(FORTNIGHT)

    numbers = {meeting.series_id for meeting in account.truth(FORTNIGHT).meetings}
    assert not [one.path for one in seen if any(number in one.path for number in numbers)]
    assert all(uuid is None or uuid.endswith("==") for uuid in map(uuid_of, seen))


def test_a_page_token_that_died_restarts_its_meeting_and_no_other(account: SandboxAccount) -> None:
    meeting = crowd(account)
    day = meeting.ended_date
    slow: list[Call] = []

    def pause(_: str, call: Call) -> None:
        if "next_page_token" in call.query and not slow:
            slow.append(call)
            account.clock.advance(minutes=16)

    with account.answering(pause), account.noting() as seen:
        account.land([day])

    assert intervals(account, [day]) == true_intervals(account, [day])
    pages = [one for one in seen if uuid_of(one) == meeting.vendor_meeting_id]
    assert [("next_page_token" in one.query, one.status) for one in pages] == [
        (False, 200),
        (True, 400),
        (False, 200),
        (True, 200),
    ]
    assert set(asked([one for one in seen if one not in pages]).values()) == {1}
    assert set(account.statuses([day]).values()) == {"complete"}


def test_a_page_token_that_always_dies_is_given_up_and_the_others_land(account: SandboxAccount) -> None:
    meeting = crowd(account)
    day = meeting.ended_date
    account.options.page_token_seconds = 0

    with account.noting() as seen:
        account.land([day])

    assert 1 < asked(seen, 200)[meeting.vendor_meeting_id] <= 5
    statuses = account.statuses([day])
    # the first page is held
    assert statuses.pop(meeting.vendor_meeting_id) == "partial"
    assert set(statuses.values()) == {"complete"}
    assert intervals(account, [day]) >= true_intervals(account, [day], but=meeting.vendor_meeting_id)
    assert intervals(account, [day]) <= true_intervals(account, [day])


@pytest.mark.parametrize(("minutes", "goes_on"), [(10, True), (16, False)])
def test_a_reading_that_a_run_left_open_goes_on_while_its_token_lives(
    account: SandboxAccount, minutes: int, goes_on: bool
) -> None:
    meeting = crowd(account)
    day = meeting.ended_date
    account.land_meetings([day])
    refusal = json_answer(400, {"code": 4711, "message": "Invalid access token, does not contain scopes:[x:y]."})
    refusing = account.answering(lambda _, call: refusal if "next_page_token" in call.query else None)
    with refusing, pytest.raises(RefusedError):
        account.land_attendance([day])
    account.clock.advance(minutes=minutes)

    with account.noting() as seen:
        account.land_attendance([day])

    pages = [one for one in seen if uuid_of(one) == meeting.vendor_meeting_id]
    assert ["next_page_token" in one.query for one in pages] == ([True] if goes_on else [False, True])
    assert intervals(account, [day]) == true_intervals(account, [day])
    assert set(account.statuses([day]).values()) == {"complete"}


def test_a_late_report_is_not_ready_until_it_is(account: SandboxAccount) -> None:
    late = max(account.truth(FORTNIGHT).meetings, key=lambda meeting: meeting.report_ready_at - meeting.ended_at)
    uuid, day = late.vendor_meeting_id, late.ended_date
    account.clock.now = late.ended_at + timedelta(hours=1)
    account.land([day])

    reading = account.readings([day])[uuid]
    assert (reading["status"], reading["reason"]) == ("not_ready", "404/3001, tried 1 times")
    assert (reading["rows_held"], reading["read_at"], reading["settled"]) == (0, None, False)

    account.clock.advance(minutes=30)
    with account.noting() as seen:
        account.land_attendance([day])
    assert uuid not in asked(seen)

    account.clock.now = late.report_ready_at
    account.land_attendance([day])
    reading = account.readings([day])[uuid]
    assert (reading["status"], reading["reason"], reading["attempts"]) == ("complete", None, 0)
    assert reading["rows_held"] == late.vendor_attendee_count


def test_frequent_runs_ask_twice_for_each_report_and_a_few_times_for_a_late_one(account: SandboxAccount) -> None:
    late = max(account.truth(FORTNIGHT).meetings, key=lambda meeting: meeting.report_ready_at - meeting.ended_at)
    day = late.ended_date
    account.clock.now = datetime(day.year, day.month, day.day, 8, 45, tzinfo=UTC)

    with account.noting() as seen:
        for _ in range(22):
            account.clock.advance(hours=2)
            account.land([day])

    meetings = account.truth([day]).meetings
    assert asked([one for one in seen if "next_page_token" not in one.query], 200) == {
        meeting.vendor_meeting_id: 2 for meeting in meetings
    }
    assert set(asked(seen, 404)) <= {late.vendor_meeting_id}
    assert 1 <= asked(seen, 404)[late.vendor_meeting_id] <= 5
    first = {uuid: next(one.at for one in seen if uuid_of(one) == uuid) for uuid in asked(seen)}
    for meeting in meetings:
        assert first[meeting.vendor_meeting_id] >= meeting.ended_at + timedelta(minutes=30)
    assert all(reading["settled"] for reading in account.readings([day]).values())


def test_a_report_older_than_a_year_is_gone_and_never_asked_for_again(account: SandboxAccount) -> None:
    account.land_meetings(FEW)
    account.clock.advance(days=370)

    account.land_attendance(FEW)

    assert set(account.statuses(FEW).values()) == {"gone"}
    assert {row["reason"] for row in account.readings(FEW).values()} == {
        "400/12702, older than one year, tried 1 times"
    }
    account.clock.advance(days=40)
    with account.noting() as seen:
        account.land_attendance(FEW)
    assert seen == []


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        # the edge has blocked single UUIDs for good
        (
            Answer(403, b"<html><h1>Sorry, you have been blocked</h1></html>", content_type="text/html"),
            "blocked",
            "403 without a Zoom error, tried 1 times",
        ),
        (json_answer(400, {"code": 200, "message": "No permission."}), "denied", "400/200, tried 1 times"),
        # codes have come as text, and bodies as invalid JSON
        (json_answer(404, {"code": "3001", "message": "x"}), "not_ready", "404/3001, tried 1 times"),
        (Answer(400, b'{"code":12702,"message":"a "year" ago"}'), "gone", "400/12702, older than one year"),
        (failing(500), "not_ready", "outage 500, tried 1 times"),
        (Answer(200, b'{"participants": 3}', headers={"Retry-After": "0.01"}), "not_ready", "outage 200"),
        (Answer(302, b"", headers={"Location": "/elsewhere"}), "not_ready", "led to a foreign host, tried 1 times"),
    ],
    ids=["html", "denied", "code as text", "invalid json", "500", "no page", "redirect"],
)
def test_one_meeting_that_cannot_be_read_stops_no_other(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, answer: Answer, status: str, reason: str
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 2)
    poisonous = usual(account).vendor_meeting_id

    with account.answering(for_meeting(poisonous, answer)):
        landed = account.land(FEW)

    statuses = account.statuses(FEW)
    assert statuses.pop(poisonous) == status
    assert set(statuses.values()) == {"complete"}
    assert account.readings(FEW)[poisonous]["reason"].startswith(reason)
    assert intervals(account, FEW) == true_intervals(account, FEW, but=poisonous)
    assert landed.pulled.outcomes == {"answered": len(statuses), status: 1}
    assert landed.tables["readings"].statuses == {"complete": len(statuses), status: 1}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, b"<html></html>", content_type="text/html"),
        json_answer(400, {"code": 200, "message": "No permission."}),
        json_answer(404, {"code": 3001, "message": "x"}),
        failing(503),
    ],
    ids=["blocked", "denied", "not ready", "outage"],
)
def test_a_meeting_that_never_can_be_read_is_given_up(account: SandboxAccount, answer: Answer) -> None:
    poisonous = usual(account)
    day = poisonous.ended_date
    account.clock.now = poisonous.ended_at + timedelta(minutes=30)
    account.land_meetings([day])

    with account.answering(for_meeting(poisonous.vendor_meeting_id, answer)), account.noting() as seen:
        for doubled in range(MOST_ATTEMPTS + 3):
            account.clock.now = poisonous.ended_at + timedelta(minutes=30) * 2**doubled
            account.land_attendance([day])

    runs = {one.at for one in seen if uuid_of(one) == poisonous.vendor_meeting_id}
    assert len(runs) == MOST_ATTEMPTS


def test_no_rows_although_the_list_counts_some_is_not_ready(account: SandboxAccount) -> None:
    """Normal for a while after the end."""
    meeting = usual(account)
    day, uuid = meeting.ended_date, meeting.vendor_meeting_id
    empty = json_answer(200, {"page_count": 1, "total_records": 0, "next_page_token": "", "participants": []})

    with account.answering(for_meeting(uuid, empty)):
        account.land([day])

    reading = account.readings([day])[uuid]
    assert reading["status"] == "not_ready"
    assert reading["reason"] == f"no rows of {meeting.vendor_attendee_count}, tried 1 times"
    account.clock.advance(days=30)
    account.land_attendance([day])
    assert account.statuses([day])[uuid] == "complete"


def test_a_report_that_goes_round_in_circles_stops_no_other(account: SandboxAccount) -> None:
    poisonous = usual(account).vendor_meeting_id
    circle = json_answer(200, {"participants": [], "next_page_token": "again"})

    with account.answering(for_meeting(poisonous, circle)):
        account.land(FEW)

    statuses = account.statuses(FEW)
    assert statuses.pop(poisonous) == "not_ready"
    assert set(statuses.values()) == {"complete"}


def test_a_vendor_that_is_down_for_every_meeting_ends_the_run(account: SandboxAccount) -> None:
    account.land_meetings(FORTNIGHT)
    before = account.tables()

    down = account.answering(lambda _, call: failing(503) if is_about_attendance(call) else None)
    with down, account.noting() as seen, pytest.raises(OutageError, match="503 to GET .*run again later"):
        account.land_attendance(FORTNIGHT)

    assert MOST_OUTAGES <= len(asked(seen)) < MOST_OUTAGES + 20 < len(account.rows("meetings", FORTNIGHT))
    assert account.tables() == before
    assert MOST_OUTAGES <= len(account.archived(FORTNIGHT)) < MOST_OUTAGES + 20  # those in flight
    account.clock.advance(days=30)
    account.land_attendance(FORTNIGHT)
    assert set(account.statuses(FORTNIGHT).values()) == {"complete"}
    assert intervals(account, FORTNIGHT) == true_intervals(account, FORTNIGHT)


def test_meetings_that_fail_here_and_there_are_no_outage_of_the_vendor(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.pull.IN_FLIGHT", 1)
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    poisonous = {meeting.vendor_meeting_id for meeting in account.truth(FORTNIGHT).meetings[::4]}
    assert len(poisonous) > MOST_OUTAGES

    with account.answering(lambda _, call: failing(503) if uuid_of(call) in poisonous else None):
        account.land(FORTNIGHT)

    assert {uuid for uuid, status in account.statuses(FORTNIGHT).items() if status != "complete"} == poisonous


def test_attempts_that_reached_nobody_show_in_the_table(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few meetings are due and the network is down: the run goes to its end, and says what came of it."""
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    day = next(day for day in FORTNIGHT if 0 < len(account.truth([day]).meetings) < MOST_OUTAGES)
    account.land_meetings([day])
    account.sandbox.stop()

    account.land_attendance([day])

    held = account.tables()
    assert {row["reason"] for row in account.readings([day]).values()} == {"outage without an answer, tried 1 times"}
    account.land_attendance([day])
    assert account.tables() == held


def test_a_daily_quota_that_is_spent_stops_the_pull_and_the_next_day_goes_on(tmp_path: Path) -> None:
    with sandbox_account(tmp_path, history_includes_solo=True) as account:
        account.land_meetings(FEW)
        due = len(account.rows("meetings", FEW))
        account.options.rate_limits = True
        account.options.daily_limit = len(account.requests()) + 8

        with account.noting() as seen:
            stopped = account.land_attendance(FEW).pulled

        assert stopped.stopped is not None
        assert stopped.stopped.resumes_at == datetime(2026, 3, 18, tzinfo=UTC)
        assert "what was read is kept" in str(stopped.stopped)
        done = asked(seen, 200)
        assert len(done) == 8
        assert (stopped.outcomes, stopped.left, stopped.quota_left) == ({"answered": 8}, due - 8, 0)
        statuses = Counter(account.statuses(FEW).values())
        assert statuses == {"complete": 8, "not_ready": due - 8}
        assert {row["reason"] for row in account.readings(FEW).values()} == {None, "not read yet"}

        with account.noting() as seen:
            again = account.land_attendance(FEW).pulled
        assert again.stopped is not None
        assert (again.left, seen) == (due - 8, [])

        account.clock.now = datetime(2026, 3, 18, 0, 5, tzinfo=UTC)
        account.options.rate_limits = False
        with account.noting() as seen:
            finished = account.land_attendance(FEW).pulled
        assert (finished.stopped, finished.left) == (None, 0)
        assert asked(seen, 200) == dict.fromkeys(account.statuses(FEW).keys() - done.keys(), 1)
        assert set(account.statuses(FEW).values()) == {"complete"}
        assert intervals(account, FEW) == true_intervals(account, FEW)


def test_our_own_share_of_the_day_is_never_exceeded(account: SandboxAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the day's total is left to the account's other apps."""
    monkeypatch.setitem(zoom_account.PER_DAY, "business", 20)

    stopped = account.land(FORTNIGHT).pulled

    assert len(account.requests()) == 18
    assert stopped.stopped is not None
    assert "18 of 20 requests, the reserve untouched" in str(stopped.stopped)
    assert stopped.outcomes == {"answered": 17}


def test_a_token_that_dies_in_the_middle_is_renewed_once(account: SandboxAccount) -> None:
    account.land_meetings(FORTNIGHT)
    asked_for: list[str | None] = []

    def revoke(_: str, call: Call) -> None:
        if is_about_attendance(call):
            asked_for.append(uuid_of(call))
            if len(asked_for) == 25:
                account.sandbox.zoom.access.revoke_all()

    before = len(account.sandbox.requests)
    with account.answering(revoke):
        account.land_attendance(FORTNIGHT)

    minted = [one for one in account.sandbox.requests[before:] if one.path.endswith("/oauth/token")]
    refused = [one for one in account.sandbox.requests[before:] if one.status == 401]
    assert len(minted) == 2
    assert 1 <= len(refused) <= 20
    assert set(account.statuses(FORTNIGHT).values()) == {"complete"}


def test_an_app_that_is_deactivated_in_the_middle_ends_the_run(account: SandboxAccount) -> None:
    account.land_meetings(FORTNIGHT)

    def deactivate(_: str, call: Call) -> Answer | None:
        if len(account.requests()) > 25:
            account.sandbox.zoom.access.revoke_all()
        return None

    with account.answering(deactivate), pytest.raises(RefusedError, match="401 .*check that the app is still active"):
        account.land_attendance(FORTNIGHT)

    assert account.rows("participants", FORTNIGHT) == []
    held = {document.subject for document in account.archived(FORTNIGHT)}
    with account.noting() as seen:
        account.land_attendance(FORTNIGHT)
    assert not held & asked(seen).keys()
    assert set(account.statuses(FORTNIGHT).values()) == {"complete"}


@pytest.mark.parametrize(
    "scope",
    [
        "report:read:list_meeting_participants:admin",
        "report:read:list_webinar_participants:admin",
        "report:read:meeting:admin",
    ],
)
def test_a_scope_that_is_missing_is_named(account: SandboxAccount, scope: str) -> None:
    account.land_meetings(FORTNIGHT)
    account.options.scopes = tuple(one for one in account.options.scopes if one != scope)

    with pytest.raises(RefusedError, match=f"lacks the scope {scope}; .*App Marketplace"):
        account.land_attendance(FORTNIGHT)


def test_what_was_answered_is_in_the_archive_byte_for_byte(account: SandboxAccount) -> None:
    meeting = usual(account)
    odd = (
        b'{"participants" : [ {"user_id":"1",  "join_time":"2026-03-02T09:00:00Z",\n'
        b'"leave_time":"2026-03-02T09:00:01Z"}], "next_page_token":""}'
    )

    with account.answering(for_meeting(meeting.vendor_meeting_id, Answer(200, odd))):
        account.land([meeting.ended_date])

    (kept,) = [d for d in account.archived([meeting.ended_date]) if d.subject == meeting.vendor_meeting_id]
    assert (kept.body, kept.status, kept.page, kept.last, kept.outcome) == (odd, 200, 1, True, "answered")
    assert kept.fetched_at == account.clock.now
    assert "token" not in kept.request


def test_a_pull_says_what_it_did(account: SandboxAccount) -> None:
    account.land_meetings(FEW)
    told: list[tuple[str, int, int]] = []

    landed = land_attendance(account.vendor, account.lake, FEW, lambda *step: told.append(step))

    due = len(account.rows("meetings", FEW))
    read = [step for step in told if step[0] == "zoom: attendance of ended meetings"]
    assert [(done, of) for _, done, of in read] == [(done, due) for done in range(1, due + 1)]
    assert told[-1] == ("zoom: shaping attendance", len(FEW), len(FEW))
    pulled = landed.pulled
    assert pulled.requests == {"heavy": due}
    assert (pulled.failed_attempts, pulled.left, pulled.stopped) == (0, 0, None)
    assert pulled.quota_left == 54_000 - len(account.requests())
    assert all(request.startswith("GET /report/") for _, request in pulled.slowest)
    assert pulled.slowest


def test_the_oldest_meetings_are_asked_for_first(account: SandboxAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends a run early, what the vendor forgets next has been read."""
    monkeypatch.setattr("attendance_pipeline.pull.IN_FLIGHT", 1)

    with account.noting() as seen:
        account.land(list(reversed(FEW)))

    order = [uuid for one in seen if (uuid := uuid_of(one))]
    ends = {meeting.vendor_meeting_id: meeting.ended_at for meeting in account.truth(FEW).meetings}
    assert order == sorted(order, key=lambda uuid: ends[uuid])
    assert len(order) == len(ends)


def test_dates_without_anything_due_ask_nothing(account: SandboxAccount) -> None:
    account.land(FEW)

    with account.noting() as seen:
        landed = account.land_attendance(FEW)

    assert seen == []
    assert landed.pulled == Pulled()
    assert set(landed.tables["readings"].rows) == set(dates(FEW[0], FEW[-1]))
