"""What is left of live events: links that die are followed at once, without a token, and are kept nowhere."""

import csv
import io
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from attendance_pipeline.sandbox import Seen
from attendance_pipeline.sandbox.teams.live import FILM
from attendance_pipeline.sandbox.truth import MeetingTruth
from attendance_pipeline.sandbox.wire import Answer, Call

from .account import FORTNIGHT, failing
from .teams_account import NO_POLICY, SandboxAccount, Which, instead, path_of, refusal, sandbox_account

DAY = FORTNIGHT[6:7]
"""A quiet Sunday: one live event, and nothing else."""
ARTIFACTS = ("attendeeReport", "recording", "alternativeRecording")


@pytest.fixture(autouse=True)
def _hardly_any_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts of links say nothing of how long to wait."""
    monkeypatch.setattr("attendance_pipeline.http.session._backoff", lambda failed: timedelta(milliseconds=1))


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


def live(account: SandboxAccount) -> MeetingTruth:
    (event,) = account.ended(DAY, "live_event").values()
    return event


def is_artifact(*names: str) -> Which:
    """Whether Graph is asked for a link to one of these."""

    def which(one: Seen | Call) -> bool:
        return one.path.startswith("/graph/") and one.path.rpartition("/")[2] in names

    return which


def is_download(*names: str) -> Which:
    def which(one: Seen | Call) -> bool:
        return one.path.startswith("/broadcast/") and one.path.rpartition("/")[2] in names

    return which


def aging(account: SandboxAccount, which: Which, times: int) -> Callable[[str, Call], Answer | None]:
    """The link dies on its way, so often."""
    died: list[Call] = []

    def hook(_: str, call: Call) -> None:
        if which(call) and len(died) < times:
            died.append(call)
            account.clock.advance(seconds=61)

    return hook


def events_of(account: SandboxAccount) -> Counter[tuple[str, datetime, str]]:
    return Counter(
        (row["full_name"], row["utc_event_timestamp"], row["action"]) for row in account.rows("attendee_events", DAY)
    )


def true_events(account: SandboxAccount) -> Counter[tuple[str, datetime, str]]:
    """A Joined of every session, and a Left of those that have one."""
    tenant = account.sandbox.teams.tenant
    (occurrence,) = (
        one for one in account.sandbox.organisation.ended_between(DAY[0], DAY[0]) if one.kind == "live_event"
    )
    sessions = tenant.presence.sessions(occurrence)
    joined = Counter((one.stay.name, one.stay.joined, "Joined") for one in sessions)
    return joined + Counter((one.stay.name, one.left, "Left") for one in sessions if one.left is not None)


def test_every_line_of_an_attendee_report_lands(account: SandboxAccount) -> None:
    with account.noting() as seen:
        account.land(DAY)

    event = live(account)
    assert account.reports(DAY)[event.vendor_meeting_id]["kind"] == "live_event"
    assert (events_of(account), len(events_of(account)) > 5) == (true_events(account), True)
    assert {row["report_id"] for row in account.rows("attendee_events", DAY)} == {event.vendor_meeting_id}
    assert account.statuses(DAY, "attendee_events") == {event.vendor_meeting_id: "complete"}
    assert account.statuses(DAY, "recordings") == {event.vendor_meeting_id: "complete"}
    assert account.readings(DAY, "attendance_records") == {}
    assert [path_of(one).split("/")[1] for one in seen if is_artifact("attendeeReport")(one)] == ["v1.0"]
    assert {path_of(one).split("/")[1] for one in seen if is_artifact(*ARTIFACTS[1:])(one)} == {"beta"}


@pytest.mark.parametrize("day", [FORTNIGHT[0], FORTNIGHT[12]])
def test_a_live_event_of_either_header_lands(account: SandboxAccount, day: date) -> None:
    """Which of both headers a report has changes from day to day."""
    days = [day]

    account.land(days)

    (event,) = account.ended(days, "live_event").values()
    rows = account.rows("attendee_events", days)
    assert len([row for row in rows if row["action"] == "Joined"]) == event.vendor_attendee_count
    assert all(row["session_id"] and row["role"] and row["user_agent"] for row in rows)
    assert account.quarantined("attendee_events", days) == []


def test_a_link_is_followed_without_the_token(account: SandboxAccount) -> None:
    headers: list[Call] = []

    with account.answering(instead(is_download(*ARTIFACTS), lambda call: headers.append(call))):
        account.land(DAY)

    assert len(headers) == 3
    assert account.sandbox.teams.leaks == []
    assert not [call for call in headers if {"authorization", "cookie"} & {name.lower() for name in call.headers}]


def test_a_link_that_died_is_asked_for_anew(account: SandboxAccount) -> None:
    account.land_meetings(DAY)

    with account.answering(aging(account, is_download("attendeeReport"), 2)), account.noting() as seen:
        account.land_attendance(DAY)

    assert [one.status for one in account.downloaded() if is_download("attendeeReport")(one)] == [403, 403, 200]
    assert len([one for one in seen if is_artifact("attendeeReport")(one)]) == 3
    paths = [one.path for one in account.downloaded()]
    assert len(set(paths)) == len(paths)
    assert events_of(account) == true_events(account)
    assert account.sandbox.teams.leaks == []


def test_links_that_all_die_leave_the_event_for_a_later_run(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.pull.IN_FLIGHT", 1)  # or links of recordings die on their way, too
    account.land_meetings(DAY)
    with account.answering(aging(account, is_download("attendeeReport"), 99)):
        landed = account.land_attendance(DAY)

    event = live(account)
    reading = account.readings(DAY, "attendee_events")[event.vendor_meeting_id]
    assert (reading["status"], reading["reason"]) == ("not_ready", "outage 403, tried 1 times")
    assert landed.pulled.stopped is None
    assert account.statuses(DAY, "recordings")[event.vendor_meeting_id] == "complete"
    account.clock.advance(days=14)
    account.land_attendance(DAY)
    assert events_of(account) == true_events(account)


def test_nothing_of_a_link_is_kept_logged_or_told(
    account: SandboxAccount, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of one that opened its document nor of those that died or led to a foreign host."""
    account.use(TEAMS_DOWNLOAD_RECORDINGS="true")
    foreign = Answer(302, b"", headers={"Location": "https://elsewhere.example/broadcast/secret-token/resource"})
    with caplog.at_level(logging.DEBUG):
        account.land_meetings(DAY)
        with account.answering(aging(account, is_download("attendeeReport"), 99)):
            account.land_attendance(DAY)
        account.clock.advance(days=14)
        with account.answering(instead(is_artifact("attendeeReport"), foreign)):
            account.land_attendance(DAY)
        account.clock.advance(days=40)
        account.land_attendance(DAY)

    tokens = {one.path.split("/")[2] for one in account.downloaded()} | {"secret-token", "elsewhere.example"}
    assert len(tokens) > 5
    documents = [*account.archived(DAY), *account.listed(DAY, ["live_event"]), *account.vendor.archive.lookups()]
    held = " ".join(f"{document}" for document in documents) + caplog.text
    held += f"{account.rows('readings', DAY)}{account.rows('recordings', DAY)}"
    assert not [token for token in tokens if token in held]
    lake = [file.read_bytes() for file in account.lake.root.parent.rglob("*") if file.is_file()]
    assert not [token for token in tokens for content in lake if token.encode() in content]
    assert events_of(account) == true_events(account)


def test_a_link_to_a_foreign_host_is_not_followed(account: SandboxAccount) -> None:
    foreign = Answer(
        302, b"", headers={"Location": f"{account.sandbox.downloads_url}/x".replace("127.0.0.1", "localhost")}
    )

    with account.answering(instead(is_artifact(*ARTIFACTS), foreign)):
        account.land(DAY)

    assert account.downloaded() == []
    for report in ("attendee_events", "recordings"):
        (reading,) = account.readings(DAY, report).values()
        assert (reading["status"], reading["reason"]) == ("not_ready", "led to a foreign host, tried 1 times")


def test_of_recordings_there_is_as_a_rule_what_they_are_like(account: SandboxAccount) -> None:
    account.land(DAY)

    event = live(account)
    rows = account.rows("recordings", DAY)
    assert {row["artifact"] for row in rows} == {"recording", "alternative_recording"}
    for row in rows:
        assert (row["report_id"], row["is_available"]) == (event.vendor_meeting_id, True)
        assert (row["size_in_bytes"], row["content_type"], row["file"]) == (len(FILM), "video/mp4", None)
    assert not list(account.settings.data.rglob("*.mp4*"))
    assert not [one for one in account.archived(DAY) if FILM in one.body]


def test_recordings_are_downloaded_when_the_settings_say_so(account: SandboxAccount) -> None:
    account.use(TEAMS_DOWNLOAD_RECORDINGS="true")

    account.land(DAY)

    event = live(account)
    rows = account.rows("recordings", DAY)
    files = {str(file.relative_to(account.settings.data)) for file in account.settings.data.rglob("*.mp4*")}
    assert {row["file"] for row in rows} == files
    assert len(files) == 2
    for row in rows:
        assert (account.settings.data / row["file"]).read_bytes() == FILM
        assert row["size_in_bytes"] == len(FILM)
        assert event.vendor_meeting_id not in row["file"]
        assert account.user_id(event.host_email) not in row["file"]
        assert ".." not in row["file"]


def test_live_events_that_graph_no_longer_offers_are_gone_and_stop_nothing(account: SandboxAccount) -> None:
    days = FORTNIGHT[:1]
    events = account.ended(days, "live_event")
    account.options.live_events = "gone"

    landed = account.land(days)

    assert len(events) == 1
    assert landed.pulled.stopped is None
    for reading in account.readings(days, "attendee_events").values():
        assert reading["status"] == "gone"
        assert "Graph doesn't offer this live event's attendee report (400" in reading["reason"]
    assert account.readings(days, "attendee_events").keys() == events.keys()
    assert {row["is_available"] for row in account.rows("recordings", days)} == {False}
    others = set(account.ended(days, "meeting"))
    assert {account.statuses(days, "attendance_records")[name] for name in others} == {"complete"}


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "BadRequest", "Meeting Id is corrupted."),
        refusal(410, "Gone", "x"),
        refusal(404, "NotFound", "x"),
        Answer(400, b"<html>", content_type="text/html"),
    ],
    ids=["corrupted", "410", "404", "html"],
)
def test_whatever_graph_says_of_an_attendee_report_that_it_lacks_it_is_gone(
    account: SandboxAccount, answer: Answer
) -> None:
    with account.answering(instead(is_artifact("attendeeReport"), answer)):
        account.land(DAY)

    (reading,) = account.readings(DAY, "attendee_events").values()
    assert reading["status"] == "gone"


def test_an_attendee_report_that_is_not_there_yet_is_asked_for_again(tmp_path: Path) -> None:
    """How long a report takes isn't documented; what says that there is none may be said too early."""
    with sandbox_account(tmp_path, report_delay=(7_200, 7_200), call_record_delay=(60, 60)) as account:
        event = live(account)
        account.clock.now = event.ended_at + timedelta(minutes=40)
        account.land(DAY)
        early = account.statuses(DAY, "attendee_events")
        account.clock.now = event.ended_at + timedelta(hours=30)
        account.land(DAY)

        assert early == {event.vendor_meeting_id: "not_ready"}
        assert events_of(account) == true_events(account)


def test_without_the_policy_an_events_report_is_denied(account: SandboxAccount) -> None:
    denied = refusal(403, "Forbidden", f"{NO_POLICY} x on the user y")

    with account.answering(instead(is_artifact(*ARTIFACTS), denied)):
        account.land(DAY)

    (reading,) = account.readings(DAY, "attendee_events").values()
    assert (reading["status"], reading["reason"]) == (
        "denied",
        "no application access policy for its organizer, tried 1 times",
    )


def test_a_service_that_fails_for_an_event_stops_no_other(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)

    with account.answering(instead(is_artifact("attendeeReport", "recording"), failing(500))):
        account.land(DAY)

    for report in ("attendee_events", "recordings"):
        (reading,) = account.readings(DAY, report).values()
        assert (reading["status"], reading["reason"]) == ("not_ready", "its service fails (500), tried 1 times")
    account.clock.advance(days=14)
    account.land(DAY)
    assert events_of(account) == true_events(account)
    assert set(account.statuses(DAY, "recordings").values()) == {"complete"}


def test_a_live_event_that_no_calendar_and_no_call_told_of_is_none(account: SandboxAccount) -> None:
    account.options.hidden_from_calendar = lambda _: True
    account.options.hidden_from_call_records = lambda _: True

    account.land(DAY)

    assert account.reports(DAY) == {}


def test_the_archived_report_is_what_was_sent(account: SandboxAccount) -> None:
    account.land(DAY)

    (kept,) = (one for one in account.archived(DAY) if one.kind == "attendee_events")
    lines = list(csv.reader(io.StringIO(kept.body.decode())))
    assert len(lines) == 1 + len(account.rows("attendee_events", DAY))
    assert kept.request.endswith("/attendeeReport")
    assert (kept.status, kept.last, kept.outcome) == (200, True, "answered")
