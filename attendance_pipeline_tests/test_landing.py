"""What lands over real HTTP is the truth: by every route, run again, killed in the middle, from another server."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from attendance_pipeline.errors import SchemaDriftError, StorageError
from attendance_pipeline.http.session import IN_FLIGHT
from attendance_pipeline.landing import Landed
from attendance_pipeline.sandbox import Seen
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.windows import dates

from .killed import killed_after
from .sandbox.client import Clock
from .vendors import other_server
from .vendors.account import FORTNIGHT, at_full_speed, settings, values
from .vendors.other_server import ALONE, IDA, LAUNCH, NIGHT, NOW, OMAR, REVIEW, OtherServer
from .vendors.zoom_account import LATER, SandboxAccount, ZoomAccount, sandbox_account, uuid_of

DAYS = dates(date(2026, 2, 23), date(2026, 3, 15))
"""Three weeks: every awkward case, and half of them twice."""
ROUTES: dict[str, dict[str, Any]] = {
    "account-wide": {"history_includes_solo": True},
    "account-wide and lone hosts": {},
    "host by host": {"history_meetings": False},
}


@dataclass
class Landing:
    """An account all of whose dates have landed, and what that took."""

    route: str
    account: SandboxAccount
    landed: Landed
    hosts: set[str]
    """Whose meetings the route can find: all hosts, or all but a deleted one."""

    @property
    def meetings(self) -> list[Any]:
        return [one for one in self.account.truth(DAYS).meetings if one.host_email in self.hosts]

    @property
    def intervals(self) -> list[Any]:
        found = {one.vendor_meeting_id for one in self.meetings}
        return [one for one in self.account.truth(DAYS).intervals if one.vendor_meeting_id in found]


@pytest.fixture(scope="module", params=ROUTES)
def landing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landing]:
    options = ROUTES[request.param]
    with sandbox_account(tmp_path_factory.mktemp("lake"), **options) as account:
        hosts = {meeting.host_email for meeting in account.truth(DAYS).meetings}
        if request.param == "host by host":
            hosts.remove(account.deleted_host)
        yield Landing(request.param, account, account.land(DAYS), hosts)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path, history_includes_solo=True) as account:
        yield account


def reports(seen: list[Seen]) -> Counter[tuple[str, str]]:
    """Requests about meetings, page by page."""
    return Counter((one.path, one.query.get("next_page_token", "")) for one in seen if uuid_of(one))


def test_every_meeting_that_ended_is_held(landing: Landing) -> None:
    rows = landing.account.rows("meetings", DAYS)

    assert len(rows) > 80
    assert {
        (row["uuid"], str(row["id"]), row["topic"], row["user_email"], row["start_time"], row["end_time"])
        for row in rows
    } == {
        (one.vendor_meeting_id, one.series_id, one.title, one.host_email, one.started_at, one.ended_at)
        for one in landing.meetings
    }
    assert len({row["uuid"] for row in rows}) == len(rows)
    for day in DAYS:
        assert {row["end_time"].date() for row in landing.account.rows("meetings", [day])} <= {day}


def test_every_interval_is_held_to_the_second(landing: Landing) -> None:
    def room(row: dict[str, Any]) -> str:
        return "waiting" if row["status"] == "in_waiting_room" else "breakout" if row["bo_mtg_id"] else "main"

    rows = landing.account.rows("participants", DAYS)

    assert Counter(
        (row["meeting_uuid"], row["name"], row["join_time"], row["leave_time"], row["duration"], room(row))
        for row in rows
    ) == Counter(
        (one.vendor_meeting_id, one.display_name, one.joined_at, one.left_at, one.duration_seconds, one.room)
        for one in landing.intervals
    )
    assert sum(row["duration"] for row in rows if row["status"] == "in_meeting") == sum(
        one.device_seconds for one in landing.meetings
    )


def test_every_reading_is_complete_and_settled(landing: Landing) -> None:
    readings = landing.account.readings(DAYS)

    assert {row["status"] for row in readings.values()} == {"complete"}
    assert all(row["settled"] for row in readings.values())
    assert {uuid: (row["vendor_count"], row["rows_held"]) for uuid, row in readings.items()} == {
        one.vendor_meeting_id: (one.vendor_attendee_count,) * 2 for one in landing.meetings
    }
    assert landing.account.quarantined("participants", DAYS) == []


def test_a_run_reports_the_rows_of_each_date(landing: Landing) -> None:
    report = landing.landed.tables

    assert report["participants"].rows == {day: len(landing.account.rows("participants", [day])) for day in DAYS}
    assert report["readings"].statuses == {"complete": len(landing.meetings)}
    assert {table: (one.rules, one.unknown_fields) for table, one in report.items()} == {
        "participants": ({}, set()),
        "readings": ({}, set()),
    }
    assert landing.landed.pulled.outcomes == {"answered": len(landing.meetings)}


def test_a_second_run_asks_for_no_attendance_and_changes_no_byte(landing: Landing) -> None:
    before = landing.account.tables()
    assert len(before) == 4 * len(DAYS)
    landing.account.clock.advance(days=1)

    with landing.account.noting() as seen:
        landing.account.land(DAYS)

    assert reports(seen) == {}
    assert landing.account.tables() == before


def test_dates_landed_one_by_one_hold_the_same_rows(landing: Landing, tmp_path: Path) -> None:
    """The last first; meetings over midnight and one of 26 hours are among them."""
    days = FORTNIGHT[7:11]
    with sandbox_account(tmp_path, **ROUTES[landing.route]) as account:
        for day in reversed(days):
            account.land([day])

        for table in ("meetings", "participants"):
            assert values(account.rows(table, days)) == values(landing.account.rows(table, days))


def test_partitions_shaped_few_at_a_time_are_the_same_bytes(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = landing.account.tables()
    monkeypatch.setattr("attendance_pipeline.landing.PAGES_AT_A_TIME", 4)
    for file in (landing.account.lake.root / "tables" / "zoom").glob("*/*/data.parquet"):
        if file.parts[-3] not in ("meetings", "days"):
            file.unlink()

    with landing.account.noting() as seen:
        landing.account.land_attendance(DAYS)

    assert seen == []
    assert landing.account.tables() == before


def test_a_meeting_is_read_again_once_it_has_settled_and_its_rows_are_replaced(account: SandboxAccount) -> None:
    day = FORTNIGHT[1]
    account.clock.now = datetime.combine(day, datetime.min.time(), LATER.tzinfo) + timedelta(hours=23)

    def unfinished(_: str, call: Call) -> Answer | None:
        """Duration 0 and nobody's leave but the first: the report isn't processed yet."""
        if not call.path.endswith("/participants"):
            return None
        answer = account.sandbox.zoom.answer(call, account.sandbox.url)
        body = json.loads(answer.body)
        body["participants"] = [row | {"duration": 0, "leave_time": row["join_time"]} for row in body["participants"]]
        return json_answer(answer.status, body)

    with account.answering(unfinished):
        account.land([day])
    early = account.rows("participants", [day])
    assert len(early) > 10
    assert not any(reading["settled"] for reading in account.readings([day]).values())

    account.clock.advance(hours=26)
    with account.noting() as seen:
        account.land([day])

    truth = account.truth([day])
    assert {uuid_of(one) for one in seen if uuid_of(one)} == {one.vendor_meeting_id for one in truth.meetings}
    rows = account.rows("participants", [day])
    assert len(rows) == len(truth.intervals)
    assert sum(row["duration"] for row in rows) == sum(one.duration_seconds for one in truth.intervals)
    assert all(reading["settled"] for reading in account.readings([day]).values())
    with account.noting() as seen:
        account.land([day])
    assert reports(seen) == {}


def test_a_date_that_has_not_landed_says_how_to_land_it(account: SandboxAccount) -> None:
    with pytest.raises(StorageError, match=r"zoom/meetings has no partition 2026-03-02 .*run --from 2026-03-02"):
        account.land_attendance(FORTNIGHT[:1])

    assert account.requests() == []


def test_a_partition_that_cannot_be_read_is_named(account: SandboxAccount) -> None:
    account.land(FORTNIGHT[:1])
    file = account.lake.file("zoom", "meetings", FORTNIGHT[0])
    file.write_bytes(b"not Parquet")

    with pytest.raises(StorageError, match=r"can't read .*the archive rebuilds it") as told:
        account.land_attendance(FORTNIGHT[:1])

    assert str(file) in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("requests", [8, 45])
def test_after_a_kill_only_what_was_in_flight_is_asked_for_again(tmp_path: Path, requests: int) -> None:
    with sandbox_account(tmp_path, history_includes_solo=True) as account:
        account.land_meetings(FORTNIGHT)
        account.options.latency_seconds = 0.1

        killed = killed_after(requests, account, FORTNIGHT)

        assert (account.lake.root / "archive" / "zoom" / "journal").exists()
        assert account.rows("participants", FORTNIGHT) == []
        account.options.latency_seconds = 0
        with account.noting() as seen:
            landed = account.land_attendance(FORTNIGHT)
        repeated = reports(killed) & reports(seen)
        assert sum(repeated.values()) <= IN_FLIGHT
        assert len(killed) >= requests
        assert landed.pulled.stopped is None
        held = Counter(
            (row["meeting_uuid"], row["name"], row["join_time"], row["leave_time"])
            for row in account.rows("participants", FORTNIGHT)
        )
        assert held == Counter(
            (one.vendor_meeting_id, one.display_name, one.joined_at, one.left_at)
            for one in account.truth(FORTNIGHT).intervals
        )
        assert set(account.statuses(FORTNIGHT).values()) == {"complete"}


@pytest.fixture
def other(tmp_path: Path) -> Iterator[tuple[ZoomAccount, OtherServer]]:
    with at_full_speed(), OtherServer() as server:
        yield ZoomAccount(settings(tmp_path, server.settings), Clock(NOW)), server


def test_another_server_that_speaks_the_documented_api_works_without_a_change(
    other: tuple[ZoomAccount, OtherServer],
) -> None:
    account, server = other
    days = [date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)]

    discovery = account.land_meetings(days).pulled.discovery
    account.land_attendance(days)

    assert discovery.route == "host by host"
    assert discovery.reason == "the account-wide list was refused (404 without a Zoom error)"
    assert {day: {row["uuid"] for row in account.rows("meetings", [day])} for day in days} == {
        days[0]: set(),
        days[1]: {REVIEW, ALONE, LAUNCH},
        days[2]: {NIGHT},
    }
    assert [
        (row["name"], row["user_email"], str(row["join_time"]), str(row["leave_time"]), row["registrant_id"])
        for row in account.rows("participants", days)
    ] == [
        ("Ida Lund", IDA, "2026-03-10 11:00:00+00:00", "2026-03-10 11:15:00+00:00", None),
        ("Ida Lund", IDA, "2026-03-10 09:00:00+00:00", "2026-03-10 09:50:30+00:00", None),
        ("Bo", "", "2026-03-10 09:01:00+00:00", "2026-03-10 09:20:00+00:00", None),
        ("Bo", "", "2026-03-10 09:21:30+00:00", "2026-03-10 09:50:00+00:00", None),
        ("Omar Rao", OMAR, "2026-03-10 15:00:00+00:00", "2026-03-10 16:00:00+00:00", None),
        ("Vera Ek", "vera@acme.example", "2026-03-10 15:02:00+00:00", "2026-03-10 15:59:00+00:00", "r-1"),
        ("Omar Rao", OMAR, "2026-03-10 23:30:00+00:00", "2026-03-11 00:20:00+00:00", None),
        ("Ida Lund", IDA, "2026-03-10 23:31:00+00:00", "2026-03-11 00:19:59+00:00", None),
    ]
    assert {uuid: (row["status"], row["rows_held"]) for uuid, row in account.readings(days).items()} == {
        REVIEW: ("complete", 3),
        ALONE: ("complete", 1),
        LAUNCH: ("complete", 2),
        NIGHT: ("complete", 2),
    }
    assert all(path.startswith(other_server.API) for path in server.asked)


def test_another_servers_hosts_are_asked_once_each_though_two_lists_name_them(
    other: tuple[ZoomAccount, OtherServer],
) -> None:
    account, server = other

    account.land_meetings([date(2026, 3, 10)])

    by_host = [path.split("/")[-2] for path in server.asked if "/report/users/" in path and "type=pastOne" in path]
    assert sorted(map(unquote, by_host)) == [IDA, OMAR]


def test_a_date_of_another_format_holds_up_no_other_date(account: SandboxAccount) -> None:
    drifted, sound = FORTNIGHT[:2]
    changed = {meeting.vendor_meeting_id for meeting in account.truth([drifted]).meetings}

    def in_words(_: str, call: Call) -> Answer | None:
        if uuid_of(call) not in changed:
            return None
        answer = account.sandbox.zoom.answer(call, account.sandbox.url)
        page = json.loads(answer.body)
        rows = [row | {"duration": "long"} for row in page["participants"]]
        return json_answer(200, page | {"participants": rows})

    with account.answering(in_words), pytest.raises(SchemaDriftError, match=f"no row of {drifted}"):
        account.land([drifted, sound])

    assert account.rows("participants", [drifted]) == []
    assert len(account.rows("participants", [sound])) == len(account.truth([sound]).intervals)
