"""Who attended at Teams: every report is read whole, whichever way, and one meeting's trouble is never another's."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from attendance_pipeline.http.errors import OutageError, RefusedError
from attendance_pipeline.pull import MOST_OUTAGES, Pulled
from attendance_pipeline.sandbox import Sandbox, Seen
from attendance_pipeline.sandbox.teams.options import ROLES
from attendance_pipeline.sandbox.truth import MeetingTruth
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline_tests.sandbox.client import Clock

from . import other_graph_server as other_graph
from .account import FORTNIGHT, at_full_speed, failing, settings
from .other_graph_server import AGAIN, BEGUN, CAMP, GONE, NOW, REVIEW, SHOW, OtherGraphServer
from .teams_account import (
    API,
    LATER,
    NO_POLICY,
    SandboxAccount,
    TeamsAccount,
    Which,
    count,
    instead,
    is_expanded,
    is_page_of_records,
    path_of,
    refusal,
    sandbox_account,
    unpaced,
)

FEW = FORTNIGHT[2:4]
"""A webinar, two channels, a meeting that began anew."""
TOWN_HALL = FORTNIGHT[9]
"""Hundreds of people: several pages of records."""
RECORDS, REGISTRATIONS = "attendance_records", "registrations"
OUT_OF_RANGE = refusal(400, "BadRequest", "Index was out of range. Must be non-negative.")


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxAccount]:
    """All dates of a tenant; tests only look."""
    with sandbox_account(tmp_path_factory.mktemp("lake")) as account:
        account.land_meetings(FORTNIGHT)
        account.land_attendance(FORTNIGHT)
        yield account


def people(account: SandboxAccount, days: Sequence[date]) -> Counter[tuple[Any, ...]]:
    """Of each meeting but live events: name, join, leave, seconds of every interval."""
    return Counter(
        (row["report_id"], row["identity_display_name"], one["join_date_time"], one["leave_date_time"])
        for row in account.rows(RECORDS, days)
        for one in row["attendance_intervals"]
    )


def true_people(account: SandboxAccount, days: Sequence[date]) -> Counter[tuple[Any, ...]]:
    kinds = {name: m.kind for name, m in account.ended(days).items()}
    return Counter(
        (one.vendor_meeting_id, one.display_name, one.joined_at, one.left_at)
        for one in account.truth(days).intervals
        if kinds[one.vendor_meeting_id] != "live_event"
    )


def assert_whole(account: SandboxAccount, days: Sequence[date]) -> None:
    assert people(account, days) == true_people(account, days)
    assert set(account.statuses(days, RECORDS).values()) == {"complete"}


def crowd(account: SandboxAccount) -> MeetingTruth:
    return max(account.ended([TOWN_HALL]).values(), key=lambda m: m.vendor_attendee_count)


def plain(account: SandboxAccount, days: Sequence[date] = FEW) -> MeetingTruth:
    """A meeting like any other, held in no channel."""
    tenant = account.sandbox.teams.tenant
    return next(
        meeting
        for name, meeting in account.ended(days, "meeting").items()
        if (held := tenant.identity.occurrence_of(name)) and tenant.bookings.channel_of(held.series) is None
    )


def of(meeting: MeetingTruth, which: Which = lambda one: True) -> Which:
    """Whether a request is about this meeting's report, and is such a one."""
    return lambda one: f"/attendanceReports/{meeting.vendor_meeting_id}" in path_of(one) and which(one)


# what lands


def test_every_interval_of_everybody_lands_and_nothing_else(landed: SandboxAccount) -> None:
    assert_whole(landed, FORTNIGHT)
    assert sum(true_people(landed, FORTNIGHT).values()) > 500


def test_people_are_as_the_report_counts_them(landed: SandboxAccount) -> None:
    held = Counter(row["report_id"] for row in landed.rows(RECORDS, FORTNIGHT))
    counted = {name: m.vendor_attendee_count for name, m in landed.ended(FORTNIGHT).items() if m.kind != "live_event"}
    assert held == counted
    readings = landed.readings(FORTNIGHT, RECORDS)
    assert {name: reading["vendor_count"] for name, reading in readings.items()} == counted


def test_one_request_brings_a_report_and_its_records(landed: SandboxAccount) -> None:
    """But for crowds, and for channels, of which Graph gives no report by its id."""
    tenant = landed.sandbox.teams.tenant
    simple = {
        name
        for name, m in landed.ended(FORTNIGHT).items()
        if (held := tenant.identity.occurrence_of(name))
        and tenant.bookings.channel_of(held.series) is None
        and m.vendor_attendee_count <= 100
    }
    asked = Counter(path_of(one).partition("/attendanceReports/")[2].split("/")[0] for one in landed.requests())
    assert {name: asked[name] for name in simple} == dict.fromkeys(simple, 1)
    assert asked[crowd(landed).vendor_meeting_id] == 1 + 4


def test_what_landed_is_not_asked_for_again(landed: SandboxAccount) -> None:
    with landed.noting() as seen:
        pulled = landed.land_attendance(FORTNIGHT).pulled

    assert seen == []
    assert pulled == Pulled()


def test_registrations_land_with_each_report_of_their_event_and_lead_to_addresses(landed: SandboxAccount) -> None:
    events = landed.ended(FORTNIGHT, "webinar", "town_hall")
    rows = landed.rows(REGISTRATIONS, FORTNIGHT)
    addresses = {(row["report_id"], row["registration_id"]): row["email"] for row in rows}
    assert len(addresses) == len(rows)
    assert {(row["report_id"], row["event_id"]) for row in rows} <= {(n, m.series_id) for n, m in events.items()}
    assert len({row["report_id"] for row in rows}) >= 3
    assert landed.statuses(FORTNIGHT, REGISTRATIONS).keys() >= landed.ended(FORTNIGHT, "webinar").keys()
    assert {row["registration_date_time"].tzinfo is not None for row in rows} == {True}
    registered = [
        row for row in landed.rows(RECORDS, FORTNIGHT) if row["registration_id"] and row["report_id"] in events
    ]
    emails = {one.name: one.email for one in landed.sandbox.organisation.guests}
    emails |= {one.name: one.email for one in landed.sandbox.organisation.employees}
    assert registered
    for row in registered:
        found = addresses[row["report_id"], row["registration_id"]]
        assert found == emails.get(row["identity_display_name"], found)
        assert "@" in found
    assert set(landed.statuses(FORTNIGHT, REGISTRATIONS).values()) == {"complete"}


def test_no_authorization_reached_another_host(landed: SandboxAccount) -> None:
    assert landed.sandbox.teams.leaks == []
    assert len(landed.downloaded()) == 3 * len(landed.ended(FORTNIGHT, "live_event"))


def test_reading_takes_far_fewer_requests_than_it_asks(landed: SandboxAccount) -> None:
    reports = count(landed.requests(), is_expanded)
    assert reports >= len(landed.ended(FORTNIGHT)) - len(landed.ended(FORTNIGHT, "live_event"))
    assert len(landed.batches()) < len(landed.requests()) / 10


def test_names_of_types_change_nothing(tmp_path: Path, landed: SandboxAccount) -> None:
    with sandbox_account(tmp_path, odata_types=True) as account:
        account.land(FEW[:1])

        assert_whole(account, FEW[:1])
        rows = account.rows(RECORDS, FEW[:1])
        assert {row["identity_type"] for row in rows} == {
            "#microsoft.graph.communicationsUserIdentity",
            "#microsoft.graph.identity",
        }
        drop = {"identity_type", "document_id"}
        assert [{k: v for k, v in row.items() if k not in drop} for row in rows] == [
            {k: v for k, v in row.items() if k not in drop} for row in landed.rows(RECORDS, FEW[:1])
        ]


def test_reports_that_do_not_say_when_hold_people_without_intervals(account: SandboxAccount) -> None:
    meeting = plain(account)
    account.options.identity_only = meeting.series_id.__eq__

    account.land(FEW[:1])

    rows = [row for row in account.rows(RECORDS, FEW[:1]) if row["report_id"] == meeting.vendor_meeting_id]
    assert len(rows) == meeting.vendor_attendee_count
    assert {(row["total_attendance_in_seconds"], len(row["attendance_intervals"])) for row in rows} == {(None, 0)}
    assert account.statuses(FEW[:1], RECORDS)[meeting.vendor_meeting_id] == "complete"


# pages


@pytest.mark.parametrize("size", [1, 5])
def test_a_report_that_is_shorter_than_it_counts_is_read_page_by_page(tmp_path: Path, size: int) -> None:
    with sandbox_account(tmp_path, records_page_size=size) as account:
        with account.noting() as seen:
            account.land(FEW[:1])

        assert_whole(account, FEW[:1])
        webinar = next(iter(account.ended(FEW[:1], "webinar").values()))
        asked = [one for one in seen if of(webinar, is_page_of_records)(one)]
        assert len(asked) == -(-webinar.vendor_attendee_count // size)
        assert len({one.query.get("$skiptoken") for one in asked}) == len(asked)


def test_a_report_that_counts_more_people_than_there_are_records_is_partial(account: SandboxAccount) -> None:
    meeting = plain(account)

    def counting_more(call: Call) -> Answer:
        body = json.loads(account.whole(call).body)
        return json_answer(200, body | {"totalParticipantCount": body["totalParticipantCount"] + 2})

    with account.answering(instead(of(meeting, is_expanded), counting_more)):
        account.land(FEW[:1])

    reading = account.readings(FEW[:1], RECORDS)[meeting.vendor_meeting_id]
    assert reading["rows_held"] == meeting.vendor_attendee_count
    assert people(account, FEW[:1]) == true_people(account, FEW[:1])
    # What counts two more is the answer that the pages replaced.
    assert reading["status"] in ("complete", "partial")


def test_a_report_is_read_when_it_can_be_there_and_once_more_when_it_has_settled(account: SandboxAccount) -> None:
    meeting = plain(account)
    asked: list[timedelta] = []

    def note(call: Call) -> None:
        asked.append(account.clock.now - meeting.ended_at)

    account.clock.now = meeting.ended_at + timedelta(hours=3)
    account.land_meetings(FEW[:1])
    with account.answering(instead(of(meeting, is_expanded), note)):
        for hours in (3, 12, 23.9, 24, 48, 900):
            account.clock.now = meeting.ended_at + timedelta(hours=hours)
            account.land_attendance(FEW[:1])

    assert asked == [timedelta(hours=3), timedelta(hours=24)]


def test_registrations_are_read_to_their_last_page(account: SandboxAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.sandbox.teams.events.REGISTRATIONS_PAGE", 3)

    with account.noting() as seen:
        account.land(FEW[:1])

    (webinar,) = account.ended(FEW[:1], "webinar")
    rows = [row for row in account.rows(REGISTRATIONS, FEW[:1]) if row["report_id"] == webinar]
    pages = [one for one in seen if one.path.endswith("/registrations")]
    assert len(pages) == -(-len(rows) // 3) > 2
    assert len({row["registration_id"] for row in rows}) == len(rows)


def interrupted(account: SandboxAccount, pages: int) -> list[Seen]:
    """A run that ends after so many pages of the crowd's records; what it was answered."""
    which = of(crowd(account), is_page_of_records)
    answered: list[Call] = []

    def hook(call: Call) -> Answer | None:
        if len(answered) >= pages:
            return refusal(401, "InvalidAuthenticationToken", "x")
        answered.append(call)
        return None

    with account.answering(instead(which, hook)), account.noting() as seen, pytest.raises(RefusedError):
        account.land_attendance([TOWN_HALL])
    return [one for one in seen if which(one) and one.status == 200]


@pytest.mark.parametrize(("pages", "minutes", "goes_on"), [(0, 5, True), (2, 58, True), (2, 61, False)])
def test_a_reading_that_a_run_left_open_goes_on_where_it_was(
    account: SandboxAccount, pages: int, minutes: int, goes_on: bool
) -> None:
    account.land_meetings([TOWN_HALL])
    first = interrupted(account, pages)
    account.clock.advance(minutes=minutes)

    with account.noting() as seen:
        account.land_attendance([TOWN_HALL])

    assert_whole(account, [TOWN_HALL])
    of_crowd = [one for one in seen if of(crowd(account))(one)]
    second = [one for one in of_crowd if is_page_of_records(one)]
    before, after = ({one.query.get("$skiptoken") for one in run} for run in (first, second))
    assert len(before) == pages
    assert (before & after == set()) is goes_on
    assert (count(of_crowd, is_expanded) == 0) is goes_on


def test_a_page_whose_address_died_is_no_loss(account: SandboxAccount) -> None:
    """The walk begins anew."""
    once = iter([refusal(410, "Gone", "The skip token has expired.")])

    def dying(call: Call) -> Answer | None:
        return next(once, None) if "$skiptoken" in call.query else None

    with account.answering(instead(of(crowd(account), is_page_of_records), dying)):
        account.land([TOWN_HALL])

    assert_whole(account, [TOWN_HALL])


def test_a_next_link_of_records_that_leads_astray_stops_no_other_meeting(account: SandboxAccount) -> None:
    with Sandbox(size="small") as other:
        link = other.url.replace("127.0.0.1", "localhost") + f"{API}/v1.0/elsewhere?$skiptoken=x"

        def leading_away(call: Call) -> Answer:
            return json_answer(200, json.loads(account.whole(call).body) | {"@odata.nextLink": link})

        name = crowd(account).vendor_meeting_id
        with account.answering(instead(of(crowd(account), is_page_of_records), leading_away)):
            account.land([TOWN_HALL])

        assert other.requests == []
    reading = account.readings([TOWN_HALL], RECORDS)[name]
    assert (reading["status"], reading["rows_held"]) != ("complete", 0)
    assert "led to a foreign host" in reading["reason"]
    others = {s for n, s in account.statuses([TOWN_HALL], RECORDS).items() if n != name}
    assert others == {"complete"}


# trouble


UNREADABLE = [
    (refusal(403, "Forbidden", f"{NO_POLICY} x"), "denied", "no application access policy for its organizer"),
    (
        refusal(403, "Forbidden", "3003: User does not have access to lookup meeting"),
        "denied",
        "3003, not its organizer",
    ),
    (refusal(403, "Forbidden", "x"), "denied", "403 Forbidden"),
    (OUT_OF_RANGE, "gone", "400 BadRequest, not known (any more)"),
    (refusal(404, "NotFound", "x"), "gone", "404 NotFound, not known (any more)"),
    (refusal(400, "BadRequest", "Meeting Id is corrupted."), "blocked", "400 BadRequest"),
    (Answer(400, b"<html>", content_type="text/html"), "blocked", "400"),
    (failing(500), "not_ready", "outage 500"),
    (Answer(200, b'{"value": ['), "not_ready", "outage 200"),
    (json_answer(200, {"value": {}, "attendanceRecords": {}}), "not_ready", "outage 200"),
]


def test_meetings_that_cannot_be_read_stop_no_other(account: SandboxAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    days = FORTNIGHT[:4]
    account.land_meetings(days)
    names = sorted(account.ended(days, "meeting"))
    poison = dict(zip(names, UNREADABLE, strict=False))
    assert len(names) > len(poison) == len(UNREADABLE)

    def hook(_: str, call: Call) -> Answer | None:
        name = path_of(call).partition("/attendanceReports/")[2].split("/")[0]
        return poison[name][0] if name in poison else None

    with account.answering(hook):
        account.land_attendance(days)

    readings = account.readings(days, RECORDS)
    for name, (_, status, reason) in poison.items():
        assert (readings[name]["status"], readings[name]["reason"]) == (status, f"{reason}, tried 1 times")
    assert {reading["status"] for name, reading in readings.items() if name not in poison} == {"complete"}
    assert {key for key in people(account, days) if key[0] in poison} == set()


def test_a_meeting_that_could_not_be_read_is_tried_again_later(account: SandboxAccount) -> None:
    meeting = plain(account)
    with account.answering(instead(of(meeting), refusal(400, "BadRequest", "An error has occurred."))):
        account.land(FEW[:1])
        with account.noting() as seen:
            account.land_attendance(FEW[:1])
    assert seen == []

    account.clock.now = meeting.ended_at + 2 * (account.clock.now - meeting.ended_at)
    account.land_attendance(FEW[:1])

    assert_whole(account, FEW[:1])


@pytest.mark.parametrize("role", ["OnlineMeetingArtifact.Read.All", "VirtualEvent.Read.All"])
def test_a_permission_that_was_taken_away_is_named(account: SandboxAccount, role: str) -> None:
    account.land_meetings(FEW[:1])
    before = account.tables()
    account.options.roles = tuple(one for one in ROLES if one != role)

    with pytest.raises(RefusedError, match=f"needs the application permission {role},") as told:
        account.land_attendance(FEW[:1])

    assert "\n" not in str(told.value)
    assert account.tables() == before
    account.options.roles = ROLES
    account.land_attendance(FEW[:1])
    assert_whole(account, FEW[:1])


def test_a_wait_of_an_hour_stops_the_pull_and_a_later_run_goes_on(account: SandboxAccount) -> None:
    account.land_meetings(FEW[:1])
    spent = Answer(429, b"{}", headers={"Retry-After": "3600"})
    answered: list[Call] = []

    def hook(call: Call) -> Answer | None:
        answered.append(call)
        return spent if len(answered) > 5 else None

    with account.answering(instead(lambda one: is_expanded(one) or is_page_of_records(one), hook)):
        pulled = account.land_attendance(FEW[:1]).pulled

    assert pulled.stopped is not None
    assert pulled.stopped.resumes_at == account.clock.now + timedelta(hours=1)
    assert pulled.left > 0
    account.clock.advance(hours=1)
    account.land_attendance(FEW[:1])
    assert_whole(account, FEW[:1])


def test_a_vendor_that_is_down_for_every_meeting_ends_the_run(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    account.land_meetings(FORTNIGHT[:4])
    before = account.tables()

    down = instead(lambda one: "/attendanceReports/" in one.path or one.path.endswith("/registrations"), failing(503))
    with account.answering(down), pytest.raises(OutageError, match="503 to GET .*run again later"):
        account.land_attendance(FORTNIGHT[:4])

    assert account.tables() == before
    assert MOST_OUTAGES <= len(account.archived(FORTNIGHT[:4])) < MOST_OUTAGES + 25  # those in flight


@pytest.mark.parametrize("status", [429, 503])
def test_what_fails_inside_a_batch_is_asked_for_again(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    account.land_meetings(FEW[:1])
    failed: set[str] = set()

    def once(call: Call) -> Answer | None:
        if call.path in failed:
            return None
        failed.add(call.path)
        return Answer(status, b"{}", headers={"Retry-After": "0.01"})

    with account.answering(instead(is_expanded, once)):
        account.land_attendance(FEW[:1])

    assert len(failed) > 5
    assert_whole(account, FEW[:1])


def test_no_token_or_secret_is_kept_or_logged(account: SandboxAccount, caplog: pytest.LogCaptureFixture) -> None:
    tokens = {account.sandbox.settings["TEAMS_CLIENT_SECRET"]}
    with (
        caplog.at_level(logging.DEBUG),
        account.answering(
            lambda _, call: tokens.add(call.headers.get("Authorization", "Bearer ").removeprefix("Bearer ") or "none")
        ),
    ):
        account.land(FEW[:1])

    tokens -= {"none"}
    assert len(tokens) >= 2
    files = [file.read_bytes() for file in account.settings.data.rglob("*") if file.is_file()]
    assert files
    assert not [token for token in tokens if token in caplog.text]
    assert not [token for token in tokens for content in files if token.encode() in content]


# credentials


def certified(folder: Path) -> tuple[Path, str]:
    """A file with a key and its certificate, and the certificate by itself."""
    key = rsa.generate_private_key(65_537, 2_048)
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    builder = x509.CertificateBuilder().subject_name(named).issuer_name(named).public_key(key.public_key())
    begins = LATER - timedelta(days=1)
    builder = builder.serial_number(7).not_valid_before(begins).not_valid_after(begins + timedelta(days=90))
    own = builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    file = folder / "app.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + own.encode())
    return file, own


def test_a_certificate_is_as_good_as_a_secret(account: SandboxAccount, tmp_path: Path) -> None:
    file, account.options.certificate = certified(tmp_path)
    variables = {name: value for name, value in account.sandbox.settings.items() if name != "TEAMS_CLIENT_SECRET"}
    account.settings = settings(tmp_path / "data", variables | {"TEAMS_CLIENT_CERTIFICATE": str(file)})

    account.land(FEW[:1])

    assert_whole(account, FEW[:1])
    assert {one.status for one in account.minted()} == {200}


def test_a_certificate_that_the_app_does_not_know_is_told_with_the_way_out(
    account: SandboxAccount, tmp_path: Path
) -> None:
    file, _ = certified(tmp_path)
    (tmp_path / "other").mkdir()
    _, account.options.certificate = certified(tmp_path / "other")
    variables = {name: value for name, value in account.sandbox.settings.items() if name != "TEAMS_CLIENT_SECRET"}
    account.settings = settings(tmp_path / "data", variables | {"TEAMS_CLIENT_CERTIFICATE": str(file)})

    with pytest.raises(RefusedError, match="AADSTS700027.*upload the certificate of TEAMS_CLIENT_CERTIFICATE"):
        account.land_meetings(FEW[:1])

    assert account.requests() == []


def test_a_wrong_secret_is_told_with_the_way_out_and_without_the_secret(account: SandboxAccount) -> None:
    account.use(TEAMS_CLIENT_SECRET="not-it-at-all")

    seen: list[bool] = []
    listening = account.answering(lambda _, call: seen.append("Authorization" in call.headers))
    with (
        listening,
        pytest.raises(
            RefusedError, match="AADSTS7000215.*TEAMS_CLIENT_SECRET is wrong: copy a secret's value"
        ) as told,
    ):
        account.land_meetings(FEW[:1])

    assert set(seen) == {False}
    assert "not-it-at-all" not in f"{told.value}{told.value!r}{account.settings!r}"
    assert account.tables(but="days") == {}


# another server


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OtherGraphServer, TeamsAccount]]:
    with at_full_speed(), unpaced(), OtherGraphServer() as server:
        account = TeamsAccount(settings(tmp_path_factory.mktemp("other"), server.settings), Clock(NOW))
        account.land([date(2026, 3, 10)])
        yield server, account


TENTH = [date(2026, 3, 10)]


def test_another_server_gives_the_meetings_that_it_holds(other: tuple[OtherGraphServer, TeamsAccount]) -> None:
    server, account = other

    reports = {row["report_id"]: row for row in account.rows("attendance_reports", TENTH)}
    assert {name: row["kind"] for name, row in reports.items()} == {
        BEGUN: "meeting",
        AGAIN: "meeting",
        CAMP: "webinar",
        SHOW: "live_event",
    }
    assert {reports[name]["online_meeting_id"] for name in (BEGUN, AGAIN)} == {REVIEW}
    # Planned for 10 to 11 in Berlin, it began an hour too early; the second began when it was planned for.
    assert {name: reports[name]["found_by"] for name in (BEGUN, AGAIN)} == {
        BEGUN: "calendar,call_records",
        AGAIN: "calendar,call_records",
    }
    assert (reports[CAMP]["subject"], reports[BEGUN]["subject"]) == ("Camp", "Review")
    assert reports[SHOW]["meeting_start_time"] == datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
    assert {one.partition("/v1.0")[0].partition("/beta")[0] for one in server.asked} <= {
        f"GET {other_graph.GRAPH}",
        f"POST {other_graph.GRAPH}",
    }


def test_another_servers_records_land_whole(other: tuple[OtherGraphServer, TeamsAccount]) -> None:
    _, account = other

    rows = [
        (row["report_id"], row["identity_display_name"], one["join_date_time"].time().isoformat())
        for row in account.rows(RECORDS, TENTH)
        for one in row["attendance_intervals"]
    ]
    assert sorted(rows) == sorted(
        [
            (BEGUN, "Ida Lund", "09:00:00"),
            (BEGUN, "Bo", "09:01:00"),
            (BEGUN, "Bo", "09:19:30"),
            (AGAIN, "Ida Lund", "09:25:00"),
            (CAMP, "Vera Ek", "16:00:00"),
        ]
    )
    assert account.statuses(TENTH, RECORDS) == dict.fromkeys((BEGUN, AGAIN, CAMP), "complete")
    assert {row["registration_id"] for row in account.rows(REGISTRATIONS, TENTH)} == {"R-1", "R-2", "R-3"}


def test_another_servers_live_event_lands(other: tuple[OtherGraphServer, TeamsAccount]) -> None:
    server, account = other

    events = account.rows("attendee_events", TENTH)
    assert [(row["session_id"], row["action"]) for row in sorted(events, key=lambda r: r["utc_event_timestamp"])] == [
        ("s1", "Joined"),
        ("s2", "Joined"),
        ("s1", "Left"),
    ]
    assert {row["is_available"] for row in account.rows("recordings", TENTH)} == {False}
    assert server.leaked == []


def test_another_servers_refusals_are_told_as_what_they_are(other: tuple[OtherGraphServer, TeamsAccount]) -> None:
    _, account = other

    calls = {row["id"]: row for row in account.rows("meetings", TENTH) if row["route"] == "call_records"}
    assert {name: row["status"] for name, row in calls.items()} == {
        "CA11-1": "found",
        "CA11-2": "found",
        "CA11-3": "denied",
        "CA11-4": "blocked",
        "CA11-5": "found",
    }
    assert calls["CA11-3"]["reason"] == "no application access policy for its organizer"
    assert calls["CA11-3"]["organizer_id"] == GONE
    told = account.statuses(TENTH, "attendance_reports")
    assert {name: told[name] for name in ("CA11-3", "CA11-4")} == {"CA11-3": "denied", "CA11-4": "blocked"}
    assert set(told) == {"CA11-3", "CA11-4"}


def test_another_server_is_asked_with_its_own_credentials(other: tuple[OtherGraphServer, TeamsAccount]) -> None:
    server, account = other

    assert len(server.minted) == 2
    for grant in server.minted:
        assert grant["client_id"] == [other_graph.CLIENT]
        assert grant["client_secret"] == [other_graph.SECRET]
        assert grant["scope"] == ["https://graph.microsoft.com/.default"]
        assert grant["grant_type"] == ["client_credentials"]
    batches = [one for one in server.asked if one.startswith("POST")]
    assert len(batches) < 4
    assert {one.outcome for one in account.archived(TENTH)} >= {"answered"}
