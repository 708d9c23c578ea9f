"""What lands of Webex over real HTTP is the truth: early, late, run again, killed, stopped, from another server."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from attendance_pipeline.http.session import IN_FLIGHT
from attendance_pipeline.landing import Landed
from attendance_pipeline.loading import load
from attendance_pipeline.sandbox import Seen
from attendance_pipeline.sandbox.truth import MeetingTruth
from attendance_pipeline.sandbox.wire import Answer, Call
from attendance_pipeline.vendors.webex import Webex

from .killed import killed_after
from .sandbox.client import Clock
from .vendors import other_webex_server
from .vendors.account import FORTNIGHT, at_full_speed, failing, settings, values
from .vendors.other_webex_server import ALONE, IDA, LAUNCH, NIGHT, NOW, OMAR, REVIEW, SITE, WEBINARS, OtherWebexServer
from .vendors.webex_account import (
    ATTENDEES,
    LATER,
    PARTICIPANTS,
    USAGE,
    SandboxAccount,
    WebexAccount,
    is_about_attendance,
    meeting_of,
    path_of,
    sandbox_account,
)

DAYS = FORTNIGHT
TOWN_HALL = FORTNIGHT[9:10]
"""Hundreds of people: several pages, or several spans of joining."""
REPORTS = ("attendees", "participants")

Row = dict[str, Any]
Piece = tuple[str, str, datetime, datetime, str]


@dataclass
class Landing:
    """An organisation all of whose dates have landed, and what that took."""

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


def reports(seen: Sequence[Seen]) -> Counter[tuple[str, ...]]:
    """Requests about meetings, each with all that it asked for but the moment it was asked at."""
    return Counter(
        (path_of(one), *sorted(f"{name}={value}" for name, value in one.query.items() if name != "to"))
        for one in seen
        if is_about_attendance(one)
    )


def statuses(account: SandboxAccount, days: Sequence[date] = DAYS) -> Counter[tuple[str, str]]:
    return Counter((row["report"], row["status"]) for row in account.rows("readings", days))


def who(row: Row) -> tuple[str, str]:
    """A participant of a meeting: its address or, where it shows none, its name."""
    return row["meeting_id"], row["email"] or f"name:{row['display_name']}"


def cut(row: Row, joined: datetime, left: datetime, sessions: Sequence[Row]) -> Iterator[Piece]:
    """A device's presence by the room that it was in, as far as its participant's breakouts tell."""
    spans = [(one["joined_time"], one["left_time"]) for one in sessions]
    bounds = sorted({bound for span in spans for bound in span if joined < bound < left})
    for begin, end in pairwise([joined, *bounds, left]):
        room = "breakout" if any(opened <= begin < closed for opened, closed in spans) else "main"
        yield row["meeting_id"], row["display_name"], begin, end, room


def of_participants(account: SandboxAccount, days: Sequence[date] = DAYS) -> Counter[Piece]:
    """Who was where, as the participants tell it."""
    return Counter(
        piece
        for row in account.rows("participants", days)
        for device in row["devices"]
        for piece in cut(row, device["joined_time"], device["left_time"], row["breakout_sessions_attended"] or [])
    )


def of_attendees(account: SandboxAccount, days: Sequence[date] = DAYS) -> Counter[Piece]:
    """Who was where, as the attendee report tells it, with the breakouts of the participants."""
    sessions: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in account.rows("participants", days):
        sessions[who(row)] += row["breakout_sessions_attended"] or []
    return Counter(
        piece
        for row in account.rows("attendees", days)
        for piece in cut(row, row["joined_time"], row["left_time"], sessions[who(row)])
    )


def of_truth(account: SandboxAccount, days: Sequence[date] = DAYS) -> Counter[Piece]:
    return Counter(
        (one.vendor_meeting_id, one.display_name, one.joined_at, one.left_at, one.room)
        for one in account.truth(days).intervals
    )


def test_every_meeting_that_ended_is_held(landing: Landing) -> None:
    truth = landing.account.truth(DAYS).meetings
    rows = landing.account.rows("meetings", DAYS)

    assert len(rows) > 50
    assert {
        (
            row["meeting_id"],
            row["meeting_title"],
            row["host_email"],
            row["scheduled_type"],
            row["start_time"],
            row["end_time"],
            row["total_participants"],
            row["peak_attendee"],
        )
        for row in rows
    } == {
        (
            one.vendor_meeting_id,
            one.title,
            one.host_email,
            one.kind,
            one.started_at,
            one.ended_at,
            one.vendor_attendee_count,
            one.peak_attendees,
        )
        for one in truth
    }
    assert len(rows) == len(truth)
    assert {row["listed_by"] for row in rows} == {"meetings,usage"}
    for day in DAYS:
        assert {row["end_time"].date() for row in landing.account.rows("meetings", [day])} <= {day}


@pytest.mark.parametrize("told_by", [of_participants, of_attendees])
def test_every_interval_is_held_to_the_second(
    landing: Landing, told_by: Callable[[SandboxAccount], Counter[Piece]]
) -> None:
    expected = of_truth(landing.account)
    assert {piece[-1] for piece in expected} == {"main", "breakout"}

    assert told_by(landing.account) == expected


def test_devices_say_how_long_they_were_there(landing: Landing) -> None:
    rows = landing.account.rows("participants", DAYS)

    for row in rows:
        for device in row["devices"]:
            assert device["left_time"] - device["joined_time"] == timedelta(seconds=device["duration_second"])
    seconds = sum(device["duration_second"] for row in rows for device in row["devices"])
    assert seconds == sum(one.device_seconds for one in landing.account.truth(DAYS).meetings)


def test_every_reading_of_either_report_is_complete_and_settled(landing: Landing) -> None:
    truth = landing.account.truth(DAYS).meetings
    assert statuses(landing.account) == {(report, "complete"): len(truth) for report in REPORTS}

    for report in REPORTS:
        readings = landing.account.readings(DAYS, report)
        assert all(row["settled"] for row in readings.values())
        assert {meeting: row["vendor_count"] for meeting, row in readings.items()} == {
            one.vendor_meeting_id: one.vendor_attendee_count for one in truth
        }
        held = Counter(row["meeting_id"] for row in landing.account.rows(report, DAYS))
        assert {meeting: row["rows_held"] for meeting, row in readings.items()} == held
        assert landing.account.quarantined(report, DAYS) == []


def test_a_run_reports_the_rows_of_each_date(landing: Landing) -> None:
    report = landing.landed.tables

    for table in REPORTS:
        assert report[table].rows == {day: len(landing.account.rows(table, [day])) for day in DAYS}
    assert {table: (one.rules, one.unknown_fields) for table, one in report.items()} == {
        table: ({}, set()) for table in (*REPORTS, "readings")
    }
    assert landing.landed.pulled.outcomes == {"answered": 2 * len(landing.account.truth(DAYS).meetings)}


@pytest.mark.parametrize(
    ("hidden_from", "listed_by"), [("hidden_from_usage", "meetings"), ("hidden_from_meetings", "usage")]
)
def test_one_of_the_two_lists_is_enough(tmp_path: Path, hidden_from: str, listed_by: str) -> None:
    days = FORTNIGHT[:4]
    with sandbox_account(tmp_path) as account:
        setattr(account.options, hidden_from, lambda instance: True)
        account.land(days)

        assert {row["listed_by"] for row in account.rows("meetings", days)} == {listed_by}
        assert {status for _, status in statuses(account, days)} == {"complete"}
        assert of_participants(account, days) == of_attendees(account, days) == of_truth(account, days)


def test_a_second_run_asks_for_no_attendance_and_changes_no_byte(landing: Landing) -> None:
    before = landing.account.tables()
    assert len(before) == 5 * len(DAYS)
    landing.account.clock.advance(days=1)

    with landing.account.noting() as seen:
        landing.account.land(DAYS)

    assert reports(seen) == {}
    assert landing.account.tables() == before


def test_dates_landed_one_by_one_hold_the_same_rows(landing: Landing, tmp_path: Path) -> None:
    """The last first; meetings over midnight and one of 26 hours are among them."""
    days = FORTNIGHT[7:11]
    with sandbox_account(tmp_path) as account:
        for day in reversed(days):
            account.land([day])

        for table in ("meetings", *REPORTS):
            assert values(account.rows(table, days)) == values(landing.account.rows(table, days))


def test_partitions_shaped_few_at_a_time_are_the_same_bytes(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = landing.account.tables()
    monkeypatch.setattr("attendance_pipeline.landing.PAGES_AT_A_TIME", 4)
    for file in (landing.account.lake.root / "tables" / "webex").glob("*/*/data.parquet"):
        if file.parts[-3] not in ("meetings", "days"):
            file.unlink()

    with landing.account.noting() as seen:
        landing.account.land_attendance(DAYS)

    assert seen == []
    assert landing.account.tables() == before


def test_duckdb_holds_devices_as_structs_with_utc_times_and_loads_nothing_twice(
    landing: Landing, tmp_path: Path
) -> None:
    tables = (Webex.meetings_table, *Webex.attendance_tables)
    build = tmp_path / "build.duckdb"

    first = load(landing.account.lake, build, tables)
    second = load(landing.account.lake, build, tables)

    rows = {table.name: len(landing.account.rows(table.name, DAYS)) for table in tables}
    assert {name: loaded.rows for name, loaded in first.items()} == {f"webex_{n}": c for n, c in rows.items()}
    assert {len(loaded.partitions) for loaded in first.values()} == {len(DAYS)}
    assert {name: (loaded.rows, loaded.partitions) for name, loaded in second.items()} == {
        name: (loaded.rows, []) for name, loaded in first.items()
    }
    with duckdb.connect(str(build), read_only=True) as connection:
        types = dict(
            connection.execute(
                "select column_name, data_type from information_schema.columns "
                "where table_name = 'webex_participants'"
            ).fetchall()
        )
        pieces = connection.execute(
            "select meeting_id, id, one.joined_time, one.left_time, one.duration_second "
            "from (select meeting_id, id, unnest(devices) as one from raw.webex_participants)"
        ).fetchall()
        ended = connection.execute("select count(*) from raw.webex_meetings where ended_date <> end_time::date")
        assert ended.fetchall() == [(0,)]
    for nested in ("devices", "breakout_sessions_attended"):
        assert types[nested].startswith("STRUCT(")
        assert types[nested].endswith("[]")
        assert types[nested].count("_time TIMESTAMP,") + types[nested].count("_time TIMESTAMP)") == 2
    assert types["joined_time"] == "TIMESTAMP"
    assert Counter(pieces) == Counter(
        (
            row["meeting_id"],
            row["id"],
            device["joined_time"].replace(tzinfo=None),
            device["left_time"].replace(tzinfo=None),
            device["duration_second"],
        )
        for row in landing.account.rows("participants", DAYS)
        for device in row["devices"]
    )


def test_only_the_partition_that_changed_is_loaded_again(account: SandboxAccount, tmp_path: Path) -> None:
    tables, days = (Webex.meetings_table, *Webex.attendance_tables), FORTNIGHT[:2]
    account.land(days)
    build = tmp_path / "build.duckdb"
    load(account.lake, build, tables)
    table = account.lake.read("webex", "participants", days[1])
    assert table is not None
    account.lake.replace(
        "webex",
        "participants",
        days[1],
        table.slice(1),
        account.lake.read_quarantine("webex", "participants", days[1]),
    )

    loaded = load(account.lake, build, tables)

    assert {name: [one.ended_date for one in of.partitions] for name, of in loaded.items()} == {
        f"webex_{table.name}": days[1:] if table.name == "participants" else [] for table in tables
    }
    assert loaded["webex_participants"].rows == len(account.rows("participants", days))


def test_a_meeting_is_read_a_day_after_its_end_and_once_more_when_it_has_settled(account: SandboxAccount) -> None:
    days = FORTNIGHT[:2]
    account.clock.now = now = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    account.land(days)
    truth = account.truth(days).meetings
    old = {one.vendor_meeting_id for one in truth if one.ended_at + timedelta(hours=24) <= now}
    young = {one.vendor_meeting_id for one in truth} - old
    assert old
    assert young

    assert {meeting_of(one) for one in account.requests() if is_about_attendance(one)} == old
    for report in REPORTS:
        readings = account.readings(days, report)
        assert {meeting for meeting, row in readings.items() if row["status"] == "complete"} == old
        assert {readings[one]["reason"] for one in young} == {"not read yet"}
        assert not any(row["settled"] for row in readings.values())

    account.clock.now = datetime(2026, 3, 5, 0, 30, tzinfo=UTC)
    with account.noting() as seen:
        account.land(days)
    assert {meeting_of(one) for one in seen if is_about_attendance(one)} == young
    assert statuses(account, days) == {(report, "complete"): len(truth) for report in REPORTS}

    account.clock.now = LATER
    with account.noting() as seen:
        account.land(days)
    assert {meeting_of(one) for one in seen if is_about_attendance(one)} == old | young
    assert all(row["settled"] for row in account.rows("readings", days))
    assert of_participants(account, days) == of_attendees(account, days) == of_truth(account, days)
    with account.noting() as seen:
        account.land(days)
    assert reports(seen) == {}


def test_attendance_without_its_times_is_asked_for_again_until_it_has_them(tmp_path: Path) -> None:
    days = FORTNIGHT[:1]
    slow = (32 * 3_600, 40 * 3_600)
    with sandbox_account(tmp_path, now=datetime(2026, 3, 3, 16, 30, tzinfo=UTC), usage_delay=slow) as account:
        account.land(days)

        truth = account.truth(days).meetings
        early = account.readings(days, "participants")
        assert {row["status"] for row in early.values()} == {"partial"}
        assert all(
            row["reason"].endswith("rows whose times the vendor hasn't filled in yet") for row in early.values()
        )
        assert not any(row["settled"] for row in account.rows("readings", days))
        assert len(account.rows("participants", days)) == sum(one.vendor_attendee_count for one in truth)
        assert account.quarantined("participants", days) == []
        assert {row["listed_by"] for row in account.rows("meetings", days)} == {"meetings"}

        # the age of a meeting that was read too early has doubled before it is asked for again
        account.clock.advance(hours=6)
        with account.noting() as seen:
            account.land(days)
        assert reports(seen) == {}
        account.clock.advance(hours=26)
        with account.noting() as seen:
            account.land(days)
        assert {path_of(one) for one in seen if is_about_attendance(one)} == {PARTICIPANTS}
        assert set(account.statuses(days, "participants").values()) == {"complete"}
        assert of_participants(account, days) == of_truth(account, days)

        account.clock.now = LATER
        account.land(days)
        assert of_participants(account, days) == of_attendees(account, days) == of_truth(account, days)
        assert all(row["settled"] for row in account.rows("readings", days))
        assert {row["listed_by"] for row in account.rows("meetings", days)} == {"meetings,usage"}


@pytest.mark.parametrize("requests", [30, 80])
def test_after_a_kill_only_what_was_in_flight_is_asked_for_again(tmp_path: Path, requests: int) -> None:
    with sandbox_account(tmp_path) as account:
        account.land_meetings(DAYS)
        account.options.latency_seconds = 0.1

        killed = killed_after(requests, account, DAYS)

        assert (account.lake.root / "archive" / "webex" / "journal").exists()
        assert account.rows("participants", DAYS) == []
        account.options.latency_seconds = 0
        with account.noting() as seen:
            landed = account.land_attendance(DAYS)
        repeated = reports(killed) & reports(seen)
        assert sum(repeated.values()) <= IN_FLIGHT
        assert len(killed) >= requests
        assert landed.pulled.stopped is None
        assert of_participants(account) == of_attendees(account) == of_truth(account)
        assert {status for _, status in statuses(account)} == {"complete"}


WAIT = Answer(429, b"<html>Too Many Requests</html>", headers={"Retry-After": "3600"}, content_type="text/html")


def stopping(account: SandboxAccount, path: str, meeting: str, pages: int) -> Callable[[str, Call], Answer | None]:
    """So many pages about one meeting, then a long wait."""
    answered: list[str] = []

    def hook(_: str, call: Call) -> Answer | None:
        if (path_of(call), meeting_of(call)) != (path, meeting):
            return None
        answer = account.sandbox.webex.answer(call, account.sandbox.url)
        if len(answered) == pages:
            return WAIT
        answered.extend([call.path] if answer.status == 200 else [])
        return answer

    return hook


@pytest.mark.parametrize(
    ("options", "path", "report", "pages"),
    [
        ({"participants_link": True}, PARTICIPANTS, "participants", 2),
        ({}, PARTICIPANTS, "participants", 1),
        ({}, PARTICIPANTS, "participants", 3),
        ({"page_over": 100}, ATTENDEES, "attendees", 2),
    ],
    ids=["pages of participants", "the first hundred", "spans of joining", "pages of attendees"],
)
def test_a_report_that_was_half_read_is_read_on_where_it_stopped(
    tmp_path: Path, options: dict[str, Any], path: str, report: str, pages: int
) -> None:
    with sandbox_account(tmp_path, **options) as account:
        account.land_meetings(TOWN_HALL)
        crowd = max(account.truth(TOWN_HALL).meetings, key=lambda one: one.attendee_count)
        meeting = crowd.vendor_meeting_id

        with account.answering(stopping(account, path, meeting, pages)), account.noting() as first:
            stopped = account.land_attendance(TOWN_HALL)
        reading = account.readings(TOWN_HALL, report)[meeting]
        assert stopped.pulled.stopped is not None
        assert (reading["status"], reading["reason"]) == ("partial", f"only the first {pages} pages were read")
        assert 0 < reading["rows_held"] < crowd.attendee_count

        account.clock.advance(minutes=50)
        with account.noting() as second:
            account.land_attendance(TOWN_HALL)

        read = reports([one for one in first if one.status == 200])
        assert sum(count for asked, count in read.items() if asked[0] == path) >= pages
        assert read & reports(second) == {}
        assert {status for _, status in statuses(account, TOWN_HALL)} == {"complete"}
        assert of_participants(account, TOWN_HALL) == of_truth(account, TOWN_HALL)
        assert of_attendees(account, TOWN_HALL) == of_truth(account, TOWN_HALL)


def test_a_report_that_was_half_read_too_long_ago_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Rows that arrived meanwhile shift what an offset means."""
    with sandbox_account(tmp_path, participants_link=True) as account:
        account.land_meetings(TOWN_HALL)
        second_pages = [WAIT]

        def stop(_: str, call: Call) -> Answer | None:
            return second_pages.pop() if "offset" in call.query and second_pages else None

        with account.answering(stop):
            account.land_attendance(TOWN_HALL)
        account.clock.advance(minutes=61)
        with account.noting() as seen:
            account.land_attendance(TOWN_HALL)

        assert any(path_of(one) == PARTICIPANTS and "offset" not in one.query for one in seen)
        assert {status for _, status in statuses(account, TOWN_HALL)} == {"complete"}
        assert of_participants(account, TOWN_HALL) == of_truth(account, TOWN_HALL)


def test_a_long_wait_ends_the_run_and_the_next_one_goes_on(account: SandboxAccount) -> None:
    days = FORTNIGHT[:4]
    account.land_meetings(days)
    answered: list[str] = []

    def spent(_: str, call: Call) -> Answer | None:
        if not is_about_attendance(call):
            return None
        answered.append(call.path)
        return WAIT if len(answered) > 20 else None

    with account.answering(spent), account.noting() as first:
        landed = account.land_attendance(days)

    due = 2 * len(account.truth(days).meetings)
    assert landed.pulled.stopped is not None
    assert "webex asks for a wait of 3600 s" in str(landed.pulled.stopped)
    assert landed.pulled.stopped.resumes_at == account.clock.now + timedelta(hours=1)
    assert landed.pulled.left + landed.pulled.outcomes.total() == due
    assert landed.pulled.outcomes == {"answered": 20}
    assert len(first) <= 20 + IN_FLIGHT
    assert statuses(account, days).total() == due

    account.clock.advance(hours=1)
    with account.noting() as second:
        again = account.land_attendance(days)

    assert reports([one for one in first if one.status == 200]) & reports(second) == {}
    assert (again.pulled.stopped, again.pulled.left) == (None, 0)
    assert {status for _, status in statuses(account, days)} == {"complete"}
    assert of_participants(account, days) == of_attendees(account, days) == of_truth(account, days)


def test_a_long_wait_while_meetings_are_listed_ends_the_pull_and_replaces_no_meetings(
    account: SandboxAccount,
) -> None:
    days = FORTNIGHT[:2]
    with account.answering(lambda _, call: WAIT if path_of(call) == USAGE else None):
        landed = account.land_meetings(days)

    assert landed.left == days
    assert "go on after 2026-03-19 16:00 UTC" in str(landed.pulled.stopped)
    assert {file.split("/")[1] for file in account.tables()} == {"days"}
    assert [(row["status"], row["settled"]) for row in account.rows("days", days)] == [("not_ready", False)] * 2
    # a run over the same dates leaves out those of which no list came to its end
    assert account.land_attendance(days).left == days
    account.land(days)
    assert [(row["status"], row["settled"]) for row in account.rows("days", days)] == [("complete", True)] * 2
    assert of_participants(account, FORTNIGHT[:2]) == of_truth(account, FORTNIGHT[:2])


def test_what_crosses_the_horizon_between_two_steps_is_read_as_far_as_it_can_be(account: SandboxAccount) -> None:
    """Reports go back 90 days, participants further."""
    days = FORTNIGHT[:1]
    account.clock.now = datetime(2026, 5, 30, 22, 0, tzinfo=UTC)
    account.land_meetings(days)
    truth = account.truth(days).meetings
    assert [row["meeting_id"] for row in account.rows("meetings", days)] == sorted(
        one.vendor_meeting_id for one in truth
    )
    account.clock.now = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)
    horizon = account.clock.now - timedelta(days=90)
    lost = {one.vendor_meeting_id for one in truth if one.started_at < horizon}
    assert 0 < len(lost) < len(truth)

    with account.noting() as seen:
        landed = account.land_attendance(days)

    assert {one.status for one in seen} == {200}
    assert landed.pulled.outcomes == {"answered": 2 * len(truth) - len(lost), "gone": len(lost)}
    assert set(account.statuses(days, "participants").values()) == {"complete"}
    assert of_participants(account, days) == of_truth(account, days)
    readings = account.readings(days, "attendees")
    assert {meeting for meeting, row in readings.items() if row["status"] == "gone"} == lost
    for meeting in lost:
        assert "started more than 90 days ago" in readings[meeting]["reason"]
        assert readings[meeting]["settled"]
    held = {row["meeting_id"] for row in account.rows("attendees", days)}
    assert held == {one.vendor_meeting_id for one in truth} - lost
    with account.noting() as seen:
        account.land_attendance(days)
    assert seen == []


def test_what_was_read_before_it_crossed_the_horizon_stays(account: SandboxAccount) -> None:
    days = FORTNIGHT[:1]
    account.clock.now = datetime(2026, 3, 4, 0, 30, tzinfo=UTC)
    account.land(days)
    before = {table: values(account.rows(table, days)) for table in REPORTS}

    account.clock.now = datetime(2026, 6, 1, tzinfo=UTC)
    with account.noting() as seen:
        account.land_attendance(days)

    assert {path_of(one) for one in seen} == {PARTICIPANTS}
    assert {table: values(account.rows(table, days)) for table in REPORTS} == before
    assert {status for _, status in statuses(account, days)} == {"complete"}
    assert all(row["settled"] for row in account.rows("readings", days))


def test_answers_may_take_their_time_while_the_horizon_moves_on(account: SandboxAccount) -> None:
    """All that is due is asked for within minutes; until the last answer came, most of an hour has passed."""
    days = FORTNIGHT[:1]
    account.clock.now = datetime(2026, 5, 30, 22, 0, tzinfo=UTC)
    account.land_meetings(days)
    account.clock.now = datetime(2026, 5, 31, 7, 25, tzinfo=UTC)

    def slow(_: str, call: Call) -> Answer | None:
        if is_about_attendance(call):
            account.clock.advance(minutes=4)
        return None

    with account.answering(slow), account.noting() as seen:
        account.land_attendance(days)

    assert {one.status for one in seen} == {200}
    assert {status for _, status in statuses(account, days)} == {"complete"}
    assert of_participants(account, days) == of_attendees(account, days) == of_truth(account, days)


def poisoned(account: SandboxAccount, how: str) -> tuple[MeetingTruth, Callable[[str, Call], Answer | None]]:
    victim = account.ended_from(FORTNIGHT[:2], title="Customer call")

    def hook(_: str, call: Call) -> Answer | None:
        if meeting_of(call) != victim.vendor_meeting_id:
            return None
        answer = account.sandbox.webex.answer(call, account.sandbox.url)
        match how:
            case "outage":
                return failing(500)
            case "no JSON":
                return Answer(200, b"<html>maintenance</html>", headers={"Retry-After": "0.01"})
            case "foreign host":
                return Answer(200, answer.body, headers={"Link": '<https://elsewhere.example/x?p=2>; rel="next"'})
            case "odd rows":
                return Answer(
                    200, b'{"items":[{"id":7,"joinedTime":[]},"x",null,{"devices":[{"joinedTime":{}}],"id":"a"}]}'
                )
            case "no Webex":
                return Answer(403, b"<html>blocked by your company</html>", content_type="text/html")
        raise AssertionError(how)

    return victim, hook


@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [
        ("outage", "not_ready", "outage 500, tried 1 times"),
        ("foreign host", "not_ready", "led to a foreign host, tried 1 times"),
        ("odd rows", "partial", "not held"),
        ("no Webex", "blocked", "403, tried 1 times"),
    ],
)
def test_one_poisonous_meeting_spoils_no_other(account: SandboxAccount, how: str, status: str, reason: str) -> None:
    days = FORTNIGHT[:2]
    victim, hook = poisoned(account, how)
    with account.answering(hook):
        landed = account.land(days)

    assert landed.pulled.stopped is None
    for report in REPORTS:
        readings = account.readings(days, report)
        assert {meeting for meeting, row in readings.items() if row["status"] != "complete"} == {
            victim.vendor_meeting_id
        }
        assert readings[victim.vendor_meeting_id]["status"] == status
        assert reason in readings[victim.vendor_meeting_id]["reason"]
    held = [told_by(account, days) for told_by in (of_truth, of_participants, of_attendees)]
    truth, *told = ({piece: n for piece, n in one.items() if piece[0] != victim.vendor_meeting_id} for one in held)
    assert told == [truth, truth]


def test_a_meeting_that_was_poisonous_is_held_once_it_is_not(account: SandboxAccount) -> None:
    days = FORTNIGHT[:2]
    _, hook = poisoned(account, "outage")
    with account.answering(hook):
        account.land(days)

    account.clock.advance(days=30)
    account.land(days)

    assert {status for _, status in statuses(account, days)} == {"complete"}
    assert of_participants(account, days) == of_attendees(account, days) == of_truth(account, days)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[tuple[WebexAccount, OtherWebexServer]]:
    with at_full_speed(), OtherWebexServer() as server:
        yield WebexAccount(settings(tmp_path, server.settings), Clock(NOW)), server


def test_another_server_that_speaks_the_documented_api_works_without_a_change(
    other: tuple[WebexAccount, OtherWebexServer],
) -> None:
    account, server = other
    days = [date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)]

    account.land_meetings(days)
    account.land_attendance(days)

    assert {day: {row["meeting_id"] for row in account.rows("meetings", [day])} for day in days} == {
        days[0]: set(),
        days[1]: {REVIEW, ALONE, LAUNCH},
        days[2]: {NIGHT},
    }
    assert {
        row["meeting_id"]: (row["site_url"], row["meeting_number"], row["total_participants"], row["listed_by"])
        for row in account.rows("meetings", days)
    } == {
        REVIEW: (SITE, "25512345678", 2, "meetings,usage"),
        ALONE: (SITE, None, None, "meetings,usage"),
        NIGHT: (SITE, None, None, "meetings,usage"),
        LAUNCH: (WEBINARS, None, 2, "usage"),
    }
    assert {
        (row["meeting_id"], row["display_name"], row["email"], str(row["joined_time"]), str(row["left_time"]))
        for row in account.rows("attendees", days)
    } == {
        (REVIEW, "Ida Lund", IDA, "2026-03-10 09:00:00+00:00", "2026-03-10 09:50:30+00:00"),
        (REVIEW, "Bo", None, "2026-03-10 09:01:00+00:00", "2026-03-10 09:20:00+00:00"),
        (REVIEW, "Bo", None, "2026-03-10 09:21:30+00:00", "2026-03-10 09:50:00+00:00"),
        (ALONE, "Ida Lund", IDA, "2026-03-10 11:00:00+00:00", "2026-03-10 11:15:00+00:00"),
        (LAUNCH, "Omar Rao", OMAR, "2026-03-10 15:00:00+00:00", "2026-03-10 16:00:00+00:00"),
        (LAUNCH, "Vera Ek", None, "2026-03-10 15:02:00+00:00", "2026-03-10 15:59:00+00:00"),
        (NIGHT, "Omar Rao", None, "2026-03-10 23:30:00+00:00", "2026-03-11 00:20:00+00:00"),
    }
    assert Counter(row["meeting_id"] for row in account.rows("participants", days)) == {
        REVIEW: 2,
        ALONE: 1,
        LAUNCH: 2,
        NIGHT: 1,
    }
    bo = next(row for row in account.rows("participants", days) if row["display_name"] == "Bo")
    assert [str(one["joined_time"]) for one in bo["devices"]] == [
        "2026-03-10 09:01:00+00:00",
        "2026-03-10 09:21:30+00:00",
    ]
    for report in REPORTS:
        assert set(account.statuses(days, report).values()) == {"complete"}
        assert account.quarantined(report, days) == []
    assert all(path.startswith(other_webex_server.API) for path in server.asked)


def test_another_servers_refresh_token_is_used_and_kept_where_none_is_handed_out(
    other: tuple[WebexAccount, OtherWebexServer],
) -> None:
    account, server = other

    account.land_meetings([date(2026, 3, 10)])
    account.land_meetings([date(2026, 3, 10)])

    assert [asked["refresh_token"] for asked in server.refreshed] == [["r0"], ["r0"]]
    assert {asked["grant_type"][0] for asked in server.refreshed} == {"refresh_token"}


def test_pages_that_were_read_before_the_rest_crossed_the_horizon_stay(tmp_path: Path) -> None:
    with sandbox_account(tmp_path, page_over=100) as account:
        crowd = max(account.truth(TOWN_HALL).meetings, key=lambda one: one.attendee_count)
        account.clock.now = crowd.started_at + timedelta(days=88)
        account.land_meetings(TOWN_HALL)
        account.clock.now = crowd.started_at + timedelta(days=90, minutes=-80)
        with account.answering(stopping(account, ATTENDEES, crowd.vendor_meeting_id, 2)):
            account.land_attendance(TOWN_HALL)
        before = [row for row in account.rows("attendees", TOWN_HALL) if row["meeting_id"] == crowd.vendor_meeting_id]
        assert before

        account.clock.advance(days=1)
        account.land_attendance(TOWN_HALL)

        after = [row for row in account.rows("attendees", TOWN_HALL) if row["meeting_id"] == crowd.vendor_meeting_id]
        assert values(after) == values(before)


def test_the_oldest_date_within_the_reach_can_be_asked_for_at_any_hour(account: SandboxAccount) -> None:
    account.clock.now = datetime(2026, 5, 30, 23, 30, tzinfo=UTC)
    oldest = Webex.earliest(account.clock.now)

    account.land_meetings([oldest])

    assert account.rows("meetings", [oldest]) != []
