"""What lands of Teams over real HTTP is the truth: of all four kinds, run again, killed, stopped, poisoned."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from attendance_pipeline import archive as archiving
from attendance_pipeline.http.errors import OutageError
from attendance_pipeline.http.session import IN_FLIGHT
from attendance_pipeline.landing import Landed
from attendance_pipeline.loading import load
from attendance_pipeline.pull import MOST_OUTAGES
from attendance_pipeline.sandbox import Seen
from attendance_pipeline.sandbox.truth import MeetingTruth
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.vendors.teams import Teams
from attendance_pipeline.vendors.teams.batch import MOST

from .killed import killed_after, killed_once
from .vendors.account import FORTNIGHT, failing, values
from .vendors.teams_account import (
    SandboxAccount,
    by_path,
    is_expanded,
    is_list,
    is_lookup,
    is_page_of_records,
    path_of,
    refusal,
    sandbox_account,
)

DAYS = FORTNIGHT
FEW = FORTNIGHT[:4]
PAIR = FORTNIGHT[:2]
MIDDLE = FORTNIGHT[7:11]
HALF = FORTNIGHT[:7]
KINDS = {"meeting", "webinar", "town_hall", "live_event"}

Row = dict[str, Any]
Piece = tuple[str, str, datetime, datetime]


@dataclass
class Landing:
    """A tenant all of whose dates have landed, and what that took."""

    account: SandboxAccount
    landed: Landed


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landing]:
    with sandbox_account(tmp_path_factory.mktemp("lake")) as account:
        yield Landing(account, account.land(DAYS))


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


def is_about_attendance(request: Seen | Call) -> bool:
    """Whether it asks who attended, and not only which reports there are."""
    path = path_of(request)
    artifacts = ("/attendeeReport", "/recording", "/alternativeRecording", "/registrations")
    return is_expanded(request) or is_page_of_records(request) or path.endswith(artifacts)


def is_of_a_meeting(request: Seen | Call) -> bool:
    """Whether it asks for attendance; an event's registrations are asked for by each of its reports."""
    return is_about_attendance(request) and not path_of(request).endswith("/registrations")


def told(seen: Sequence[Seen], which: Callable[[Seen | Call], bool]) -> Counter[tuple[str, ...]]:
    """Requests with all that they asked for."""
    return Counter(
        (path_of(one), *sorted(f"{name}={value}" for name, value in one.query.items())) for one in seen if which(one)
    )


def of_truth(account: SandboxAccount, days: Sequence[date] = DAYS) -> Counter[Piece]:
    return Counter(
        (one.vendor_meeting_id, one.display_name, one.joined_at, one.left_at) for one in account.truth(days).intervals
    )


def of_records(account: SandboxAccount, days: Sequence[date] = DAYS) -> Iterator[Piece]:
    for row in account.rows("attendance_records", days):
        for one in row["attendance_intervals"]:
            yield row["report_id"], row["identity_display_name"], one["join_date_time"], one["leave_date_time"]


def of_live_events(account: SandboxAccount, days: Sequence[date] = DAYS) -> Iterator[Piece]:
    """Joined and Left paired by session; who never left, left with the event's end."""
    ends = {name: row["meeting_end_time"] for name, row in account.reports(days).items()}
    sessions: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in account.rows("attendee_events", days):
        sessions[row["report_id"], row["session_id"]][row["action"]] = row
    for (report, _), by_action in sessions.items():
        joined = by_action["Joined"]
        left = by_action["Left"]["utc_event_timestamp"] if "Left" in by_action else ends[report]
        yield report, joined["full_name"], joined["utc_event_timestamp"], left


def of_lake(account: SandboxAccount, days: Sequence[date] = DAYS) -> Counter[Piece]:
    return Counter([*of_records(account, days), *of_live_events(account, days)])


def statuses(account: SandboxAccount, days: Sequence[date] = DAYS) -> Counter[tuple[str, str]]:
    return Counter((row["report"], row["status"]) for row in account.rows("readings", days))


def assert_true(account: SandboxAccount, days: Sequence[date] = DAYS) -> None:
    """Every meeting and every interval of these dates is held, and nothing else."""
    assert set(account.reports(days)) == set(account.ended(days))
    assert of_lake(account, days) == of_truth(account, days)
    wanting = {row["report"]: row["reason"] for row in account.rows("readings", days) if row["status"] != "complete"}
    assert set(wanting) <= {"attendance_reports"}, wanting


def test_every_meeting_of_every_kind_that_ended_is_held(landing: Landing) -> None:
    truth = landing.account.ended(DAYS)
    rows = landing.account.reports(DAYS)

    assert {one.kind for one in truth.values()} == KINDS
    assert {
        name: (
            row["kind"],
            row["subject"],
            row["event_id"] or row["online_meeting_id"],
            row["organizer_email"],
            row["meeting_start_time"],
            row["meeting_end_time"],
            row["total_participant_count"],
        )
        for name, row in rows.items()
    } == {
        name: (
            one.kind,
            one.title,
            one.series_id,
            one.host_email,
            one.started_at,
            one.ended_at,
            None if one.kind == "live_event" else one.vendor_attendee_count,
        )
        for name, one in truth.items()
    }
    assert {(row["kind"], row["source"]) for row in rows.values()} == {
        *((kind, "list") for kind in KINDS - {"live_event"}),
        ("live_event", "live_event"),
    }
    for day in DAYS:
        assert {row["meeting_end_time"].date() for row in landing.account.rows("attendance_reports", [day])} <= {day}


def test_every_interval_is_held_to_the_second(landing: Landing) -> None:
    expected = of_truth(landing.account)

    assert len(expected) > 200
    assert of_lake(landing.account) == expected


def test_records_count_what_graph_counts(landing: Landing) -> None:
    truth = landing.account.ended(DAYS)

    held = Counter(row["report_id"] for row in landing.account.rows("attendance_records", DAYS))
    assert held == {name: one.vendor_attendee_count for name, one in truth.items() if one.kind != "live_event"}
    for row in landing.account.rows("attendance_records", DAYS):
        assert (
            sum(one["duration_in_seconds"] for one in row["attendance_intervals"])
            == row["total_attendance_in_seconds"]
        )
        assert row["first_join_time"] == min(one["join_date_time"] for one in row["attendance_intervals"])
    sessions = Counter(
        row["report_id"] for row in landing.account.rows("attendee_events", DAYS) if row["action"] == "Joined"
    )
    assert sessions == {name: one.vendor_attendee_count for name, one in truth.items() if one.kind == "live_event"}


def addresses(account: SandboxAccount) -> Counter[tuple[str, str]]:
    """Who attended with an address: a record's own or its registration's, a session's id."""
    registered = {
        (row["report_id"], row["registration_id"]): row["email"] for row in account.rows("registrations", DAYS)
    }
    said = {
        (row["report_id"], row["email_address"] or registered.get((row["report_id"], row["registration_id"])))
        for row in account.rows("attendance_records", DAYS)
    }
    said |= {(row["report_id"], row["participant_id"]) for row in account.rows("attendee_events", DAYS)}
    return Counter((report, email) for report, email in said if email)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_everybodys_address_is_held(landing: Landing, kind: str) -> None:
    of_kind = landing.account.ended(DAYS, kind)
    truth = landing.account.truth(DAYS).attendees

    expected = Counter((one.vendor_meeting_id, one.email) for one in truth if one.email)

    held = addresses(landing.account)
    assert {one: n for one, n in held.items() if one[0] in of_kind} == {
        one: n for one, n in expected.items() if one[0] in of_kind
    }


def test_every_reading_is_complete_settled_and_nothing_is_in_quarantine(landing: Landing) -> None:
    truth = landing.account.ended(DAYS)
    kinds = Counter(one.kind for one in truth.values())
    events = kinds["webinar"] + kinds["town_hall"]

    of_reports = {one: count for one, count in statuses(landing.account).items() if one[0] != "attendance_reports"}
    assert of_reports == {
        ("attendance_records", "complete"): kinds["meeting"] + events,
        ("registrations", "complete"): events,
        ("attendee_events", "complete"): kinds["live_event"],
        ("recordings", "complete"): kinds["live_event"],
    }
    readings = landing.account.rows("readings", DAYS)
    assert all(row["settled"] for row in readings if row["report"] != "attendance_reports")
    assert {row["status"] for row in readings if row["report"] == "attendance_reports"} == {"blocked", "denied"}
    for table in (*Teams.listing_tables, *Teams.attendance_tables):
        assert landing.account.quarantined(table.name, DAYS) == []
    assert all(not table.unknown_fields for table in landing.landed.tables.values())


def test_what_was_planned_and_not_held_is_told_apart_and_in_no_reading(landing: Landing) -> None:
    named = landing.account.named(DAYS)
    not_held = {row["id"] for row in named if row["status"] == "not_held"}

    assert not_held
    assert all(row["subject"].startswith("Postponed") for row in named if row["status"] == "not_held")
    assert not_held & {row["meeting_id"] for row in landing.account.rows("readings", DAYS)} == set()


def test_the_same_dates_again_ask_for_nothing_that_is_known_and_change_no_byte(landing: Landing) -> None:
    before = landing.account.tables()
    landing.account.clock.advance(hours=1)

    with landing.account.noting() as seen:
        landing.account.land(DAYS)

    assert told(seen, is_about_attendance) == {}
    assert told(seen, is_lookup) == {}
    assert landing.account.tables() == before


def test_dates_landed_one_by_one_hold_the_same_rows(landing: Landing, tmp_path: Path) -> None:
    """The last first."""
    days = MIDDLE
    with sandbox_account(tmp_path) as account:
        for day in reversed(days):
            account.land([day])

        for table in ("attendance_reports", "attendance_records", "registrations", "attendee_events", "recordings"):
            assert values(account.rows(table, days)) == values(landing.account.rows(table, days)), table


def test_partitions_shaped_few_at_a_time_are_the_same_bytes(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = landing.account.tables()
    monkeypatch.setattr("attendance_pipeline.landing.PAGES_AT_A_TIME", 4)
    for file in (landing.account.lake.root / "tables" / "teams").glob("*/*/data.parquet"):
        if file.parts[-3] not in ("meetings", "attendance_reports", "days"):
            file.unlink()

    with landing.account.noting() as seen:
        landing.account.land_attendance(DAYS)

    assert seen == []
    assert landing.account.tables() == before


def test_duckdb_holds_intervals_as_structs_with_utc_times_and_loads_nothing_twice(
    landing: Landing, tmp_path: Path
) -> None:
    tables = (*Teams.listing_tables, *Teams.attendance_tables)
    build = tmp_path / "build.duckdb"

    first = load(landing.account.lake, build, tables)
    second = load(landing.account.lake, build, tables)

    assert {name: loaded.rows for name, loaded in first.items()} == {
        f"teams_{table.name}": len(landing.account.rows(table.name, DAYS)) for table in tables
    }
    assert all(loaded.partitions == [] for loaded in second.values())
    with duckdb.connect(str(build), read_only=True) as connection:
        pieces = connection.execute(
            "select report_id, identity_display_name, one.join_date_time, one.leave_date_time from "
            "(select *, unnest(attendance_intervals) as one from raw.teams_attendance_records)"
        ).fetchall()
    assert Counter(pieces) == Counter(
        (report, name, joined.replace(tzinfo=None), left.replace(tzinfo=None))
        for report, name, joined, left in of_records(landing.account)
    )


def test_nothing_secret_is_kept(tmp_path: Path) -> None:
    secrets: set[str] = set()
    with sandbox_account(tmp_path) as account:

        def note(_: str, call: Call) -> Answer | None:
            secrets.add(call.headers.get("Authorization", "").removeprefix("Bearer "))
            return None

        with account.answering(note):
            account.land(HALF)
        links = {one.path.split("/")[2] for one in account.downloaded()}
        assert links
        assert account.sandbox.teams.leaks == []
        secrets |= links | {account.sandbox.settings["TEAMS_CLIENT_SECRET"], account.sandbox.downloads_url}
        secrets.discard("")
        assert len(secrets) > len(links) + 2
        kept = [asdict(one) for one in account.archived(HALF)]
        kept += [asdict(one) for one in account.vendor.archive.lookups()]
        kept += [asdict(one) for one in account.vendor.archive.listed(date.min, date.max, AnyKind())]
        told = [str(one) for one in kept]
        for table in (*Teams.listing_tables, *Teams.attendance_tables):
            told += [str(row) for row in account.rows(table.name, HALF)]
    raw = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    text = "\n".join(told)
    assert len(kept) > 100
    assert [secret for secret in secrets if secret in text or secret.encode() in raw] == []


class AnyKind(list[str]):
    """Holds every kind of document."""

    def __contains__(self, kind: object) -> bool:
        return True


# Killed, stopped, poisoned.


def test_after_a_kill_while_meetings_are_looked_up_only_what_was_in_flight_is_asked_for_again(tmp_path: Path) -> None:
    with sandbox_account(tmp_path) as account:
        account.options.latency_seconds = 0.1

        killed = killed_once(lambda: sum(map(is_lookup, account.requests())) > 5, account, FEW, "meetings")

        assert account.tables(but="days") == {}
        account.options.latency_seconds = 0
        with account.noting() as seen:
            account.land(FEW)
        again = told(killed, is_lookup) & told(seen, is_lookup)
        assert sum(again.values()) <= 2 * MOST  # batches on their way
        assert_true(account, FEW)


def test_after_a_kill_only_attendance_that_was_in_flight_is_asked_for_again(tmp_path: Path) -> None:
    with sandbox_account(tmp_path) as account:
        account.land_meetings(HALF)
        account.options.latency_seconds = 0.1

        killed = killed_after(30, account, HALF)

        assert account.rows("attendance_records", HALF) == []
        account.options.latency_seconds = 0
        with account.noting() as seen:
            landed = account.land_attendance(HALF)
        assert len(killed) >= 30
        # Of a channel's meeting, two calls: the first is refused, which isn't kept.
        again = told(killed, is_of_a_meeting) & told(seen, is_of_a_meeting)
        assert len({path.removesuffix("/attendanceRecords") for path, *_ in again}) <= IN_FLIGHT
        assert landed.pulled.stopped is None
        assert_true(account, HALF)


def test_after_a_kill_in_the_middle_of_a_download_it_is_asked_for_with_a_new_link(tmp_path: Path) -> None:
    with sandbox_account(tmp_path) as account:
        account.land_meetings(HALF)
        downloading = threading.Event()

        def hang(_: str, call: Call) -> Answer | None:
            if call.path.startswith("/broadcast/") and not downloading.is_set():
                downloading.set()
                time.sleep(0.3)
            return None

        with account.answering(hang):
            killed_once(downloading.is_set, account, HALF)
        time.sleep(0.3)
        dead = {one.path for one in account.downloaded()}
        account.clock.advance(minutes=2)
        account.land_attendance(HALF)

        assert {one.status for one in account.downloaded() if one.path not in dead} == {200}
        assert_true(account, HALF)


@pytest.mark.parametrize("folders", [0, 1, 2])
def test_a_fold_that_was_stopped_is_finished_by_the_next_run(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, folders: int
) -> None:
    commit, done = archiving.commit, []

    def commit_some(*what: Any) -> None:
        if len(done) == folders:
            raise KeyboardInterrupt
        commit(*what)
        done.append(what)

    step = account.land_meetings
    if folders == 2:
        account.land_meetings(FEW)
        step = account.land_attendance
    with monkeypatch.context() as patch:
        patch.setattr(archiving, "commit", commit_some)
        with pytest.raises(KeyboardInterrupt):
            step(FEW)
    with account.noting() as seen:
        account.land(FEW)

    assert told(seen, is_about_attendance if folders == 2 else is_lookup) == {}
    assert_true(account, FEW)


def poisoned(account: SandboxAccount, how: str) -> tuple[MeetingTruth, Callable[[str, Call], Answer | None]]:
    victim = max(account.ended(PAIR, "meeting").values(), key=lambda one: one.attendee_count)

    def hook(_: str, call: Call) -> Answer | None:
        if victim.vendor_meeting_id not in path_of(call):
            return None
        match how:
            case "outage":
                return failing(500)
            case "no JSON":
                return Answer(200, b"<html>maintenance</html>")
            case "odd rows":
                broken: list[object] = [{"id": 7}, "x", None, {"attendanceIntervals": [{"joinDateTime": []}]}]
                return json_answer(200, {"id": "x", "attendanceRecords": broken})
            case "foreign host":
                said = {"value": [], "attendanceRecords": [], "totalParticipantCount": 9}
                return json_answer(200, said | {"@odata.nextLink": "https://elsewhere.example/x"})
            case "gone":
                return refusal(400, "BadRequest", "Index was out of range. Must be non-negative")
            case "no Graph":
                return Answer(403, b"<html>blocked by your company</html>", content_type="text/html")
        raise AssertionError(how)

    return victim, hook


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("outage", "not_ready"),
        ("no JSON", "not_ready"),
        ("odd rows", "partial"),
        ("foreign host", "not_ready"),
        ("gone", "gone"),
        ("no Graph", "denied"),
    ],
)
def test_one_poisonous_report_spoils_no_other(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch, how: str, status: str
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session._backoff", lambda failed: timedelta(milliseconds=1))
    account.land_meetings(PAIR)
    victim, hook = poisoned(account, how)

    with account.answering(hook):
        landed = account.land_attendance(PAIR)

    assert landed.pulled.stopped is None
    readings = account.readings(PAIR, "attendance_records")
    assert {name: row["status"] for name, row in readings.items() if row["status"] != "complete"} == {
        victim.vendor_meeting_id: status
    }
    held, truth = (
        Counter({piece: n for piece, n in one.items() if piece[0] != victim.vendor_meeting_id})
        for one in (of_lake(account, PAIR), of_truth(account, PAIR))
    )
    assert held == truth


def test_a_report_that_was_poisonous_is_held_once_it_is_not(account: SandboxAccount) -> None:
    account.land_meetings(PAIR)
    _, hook = poisoned(account, "outage")
    with account.answering(hook):
        account.land_attendance(PAIR)

    account.clock.advance(days=30)
    account.land_attendance(PAIR)

    assert_true(account, PAIR)


def test_ten_outages_in_a_row_end_the_run_and_keep_what_came_before(account: SandboxAccount) -> None:
    account.land_meetings(HALF)
    before = account.tables()
    answered: list[str] = []

    def fails(_: str, call: Call) -> Answer | None:
        if not is_about_attendance(call):
            return None
        answered.append(path_of(call))
        return failing(503) if len(answered) > 20 else None

    with account.answering(fails), account.noting() as first, pytest.raises(OutageError, match="503 to GET"):
        account.land_attendance(HALF)

    assert account.tables() == before
    kept = [one for one in account.archived(HALF) if one.outcome == "answered"]
    assert kept
    failed = [one for one in account.archived(HALF) if one.outcome == "not_ready"]
    assert MOST_OUTAGES <= len(failed) < MOST_OUTAGES + IN_FLIGHT
    account.clock.advance(days=30)
    with account.noting() as second:
        account.land_attendance(HALF)
    good = told([one for one in first if one.status == 200], is_expanded)
    assert sum((good & told(second, is_expanded)).values()) <= IN_FLIGHT
    assert_true(account, HALF)


def test_a_list_that_fails_replaces_nothing_and_the_next_run_goes_on(account: SandboxAccount) -> None:
    with account.answering(lambda _, call: failing(503) if is_list(call) else None), pytest.raises(OutageError):
        account.land_meetings(FEW)

    assert account.tables(but="days") == {}
    with account.noting() as seen:
        account.land(FEW)
    assert by_path(seen, is_lookup) == {}
    assert_true(account, FEW)


def test_reports_that_only_the_deprecated_call_gives_land_and_say_so(tmp_path: Path) -> None:
    with sandbox_account(tmp_path) as account:
        refused = {one.series_id for one in account.ended(FEW, "meeting").values()}
        account.options.list_refused = lambda meeting: meeting in refused
        account.land(FEW)

        rows = account.reports(FEW)
        latest = {name for name, row in rows.items() if row["source"] == "latest"}
        assert latest
        assert latest <= set(account.ended(FEW, "meeting"))
        truth = Counter({piece: n for piece, n in of_truth(account, FEW).items() if piece[0] in rows})
        assert of_lake(account, FEW) == truth
        for name in latest:
            assert (rows[name]["meeting_start_time"], rows[name]["meeting_end_time"]) == (
                account.ended(FEW)[name].started_at,
                account.ended(FEW)[name].ended_at,
            )


def test_pages_of_records_and_typed_rows_are_the_same_truth(tmp_path: Path) -> None:
    few = {"records_page_size": 3, "events_page_size": 2, "odata_types": True, "session_times": "text"}
    with sandbox_account(tmp_path, **few, newest_first=False, missing_meeting="not_found") as account:
        account.land(MIDDLE)

        assert_true(account, MIDDLE)
        assert {row["identity_type"] for row in account.rows("attendance_records", MIDDLE)} - {None}


def test_live_events_that_graph_no_longer_serves_are_told_as_gone(tmp_path: Path) -> None:
    with sandbox_account(tmp_path, live_events="gone") as account:
        landed = account.land(HALF)

        assert landed.pulled.stopped is None
        lives = {name for name, row in account.reports(HALF).items() if row["kind"] == "live_event"}
        assert lives
        assert {account.statuses(HALF, "attendee_events")[name] for name in lives} == {"gone"}
        account.clock.advance(days=20)
        with account.noting() as seen:
            account.land_attendance(HALF)
        assert by_path(seen, lambda one: one.path.endswith("/attendeeReport")) == {}


def test_what_lands_early_settles_as_the_same_truth(tmp_path: Path) -> None:
    now = datetime.fromisoformat("2026-03-05T12:30:00+00:00")
    with sandbox_account(tmp_path, now=now) as account:
        account.land(FEW)
        account.clock.now = now + timedelta(days=14)
        account.land(FEW)

        assert_true(account, FEW)
        assert all(row["settled"] for row in account.rows("readings", FEW) if row["report"] != "attendance_reports")
