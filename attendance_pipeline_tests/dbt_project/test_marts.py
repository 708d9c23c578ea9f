from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from .brute_force import Expected
from .conftest import Rows, read_rows, run_dbt
from .raw_rows import RawRows, Row, write_raw
from .telling import key_of
from .told import intervals

MARTS = ["meetings", "attendance_intervals", "attendees", "people", "daily_utilization", "coverage"]


@pytest.fixture(scope="session")
def joins_of_attendee(rows: Rows) -> dict[str, frozenset[str]]:
    """The interval keys of each attendee: what an attendee is, whatever its key."""
    joins: dict[str, set[str]] = defaultdict(set)
    for row in rows("select attendee_key, interval_key from marts.attendance_intervals"):
        joins[row["attendee_key"]].add(row["interval_key"])
    return {attendee: frozenset(keys) for attendee, keys in joins.items()}


def assert_same(built: Row, wanted: Row) -> None:
    assert {column: built[column] for column in wanted} == wanted


def test_meetings_equal_the_brute_force_count(rows: Rows, expected: Expected) -> None:
    built = {row["meeting_key"]: row for row in rows("select * from marts.meetings")}

    assert built.keys() == expected.meetings.keys()
    for key, wanted in expected.meetings.items():
        assert_same(built[key], wanted)


def test_intervals_equal_the_brute_force_count(rows: Rows, expected: Expected) -> None:
    built = {row["interval_key"]: row for row in rows("select * from marts.attendance_intervals")}

    assert built.keys() == expected.intervals.keys()
    for key, wanted in expected.intervals.items():
        assert_same(built[key], wanted)


def test_every_zoom_join_is_an_interval(rows: Rows, raw: RawRows) -> None:
    [built] = rows(
        "select count(*) as joins, count(*) filter (where room = 'waiting') as waiting "
        "from marts.attendance_intervals where vendor = 'zoom'"
    )

    assert built["joins"] == len(raw.zoom_participants)
    assert built["waiting"] == sum(row["status"] == "in_waiting_room" for row in raw.zoom_participants)


def test_attendees_equal_the_brute_force_count(
    rows: Rows, expected: Expected, joins_of_attendee: dict[str, frozenset[str]]
) -> None:
    built = {joins_of_attendee[row["attendee_key"]]: row for row in rows("select * from marts.attendees")}

    assert built.keys() == expected.attendees.keys()
    for key, wanted in expected.attendees.items():
        comparable = {column: wanted[column] for column in wanted if column not in {"person", "is_identified"}}
        assert_same(built[key], comparable)


def test_people_are_the_same_groups_of_attendees(
    rows: Rows, expected: Expected, joins_of_attendee: dict[str, frozenset[str]]
) -> None:
    attendees_of: dict[str, set[frozenset[str]]] = defaultdict(set)
    for row in rows("select person_key, attendee_key from marts.attendees"):
        attendees_of[row["person_key"]].add(joins_of_attendee[row["attendee_key"]])
    built = {frozenset(attendees_of[row["person_key"]]): row for row in rows("select * from marts.people")}

    assert built.keys() == expected.people.keys()
    for key, wanted in expected.people.items():
        assert_same(built[key], wanted)


def test_days_equal_the_brute_force_count(rows: Rows, expected: Expected) -> None:
    built = {(row["ended_date"], row["vendor"]): row for row in rows("select * from marts.daily_utilization")}

    assert built.keys() == expected.daily_utilization.keys()
    for key, wanted in expected.daily_utilization.items():
        assert_same(built[key], wanted)


def test_coverage_names_every_listed_meeting(rows: Rows, expected: Expected) -> None:
    built = {row["meeting_key"]: row for row in rows("select * from marts.coverage")}

    assert built.keys() == expected.coverage.keys()
    for key, wanted in expected.coverage.items():
        assert_same(built[key], wanted)


def test_the_random_rows_hold_the_awkward_cases(expected: Expected, rows: Rows) -> None:
    attendees, meetings = expected.attendees.values(), expected.meetings.values()

    assert any(row["attended_seconds"] < row["device_seconds"] for row in attendees)
    assert any(row["attended_seconds"] == 0 for row in attendees)
    assert any(row["is_external"] is None for row in attendees)
    assert any(row["attendee_count"] == 0 for row in meetings)
    assert any(0 < row["active_seconds"] < row["attended_seconds"] for row in meetings)
    vendors = {row["vendors"] for row in expected.people.values()}
    assert vendors >= {"zoom", "webex", "teams", "webex,zoom", "teams,webex,zoom"}
    [merged] = rows("select count(*) as tokens from intermediate.int_identities_merged")
    assert merged["tokens"] > 100
    [midnight] = rows("select count(*) as meetings from marts.meetings where cast(started_at as date) < ended_date")
    assert midnight["meetings"] > 0
    [only_waited] = rows(
        "select count(distinct attendee_key) as attendees from marts.attendance_intervals "
        "where attendee_key not in (select attendee_key from marts.attendees)"
    )
    assert only_waited["attendees"] > 0


def test_the_random_webex_rows_hold_the_awkward_cases(expected: Expected, rows: Rows) -> None:
    [held] = rows(
        "select count(distinct vendor_meeting_id) filter (where participant_id is null) as by_attendees, "
        "count(distinct vendor_meeting_id) filter (where participant_id is not null) as by_participants, "
        "count(*) filter (where vendor_interval_id like '%|2') as alike, "
        "count(*) filter (where joined_at = left_at) as without_length, "
        "count(*) filter (where coalesce(email, display_name) is null and participant_id is not null) as nameless "
        "from intermediate.int_webex_intervals"
    )
    assert min(held.values()) > 5
    [pieces] = rows(
        "select count(*) - (select count(*) from intermediate.int_webex_stretches) as cuts, "
        "count(*) filter (where device_name = '' and room = 'breakout') as breakouts_alone, "
        "count(*) filter (where room = 'waiting') as waiting from intermediate.int_webex_pieces"
    )
    assert min(pieces.values()) > 20
    reasons = " ".join(row["reason"] or "" for row in expected.coverage.values())
    for words in ("attendees names", "name different people", "only listed by", "participants: gone (404"):
        assert words in reasons


def test_the_random_teams_rows_hold_the_awkward_cases(expected: Expected, rows: Rows) -> None:
    [held] = rows(
        "select count(*) filter (where vendor_interval_id like '%|2') as alike, "
        "count(*) filter (where vendor_interval_id like 'session-%') as of_live_events, "
        "count(*) filter (where joined_at = left_at) as without_length, "
        "count(*) filter (where coalesce(account_id, registrant_id, email, display_name) is null) as nameless, "
        "count(*) filter (where is_own_account) as own, count(*) filter (where not is_own_account) as others, "
        "count(*) filter (where is_own_account is null) as unknown from intermediate.int_teams_intervals"
    )
    assert min(held.values()) > 5
    teams = {key for key, row in expected.meetings.items() if row["vendor"] == "teams"}
    attendees = [row for row in expected.attendees.values() if row["meeting_key"] in teams]
    assert {row["role"] for row in attendees} == {"host", "presenter", "attendee"}
    assert any(row["is_external"] and not row["email"] for row in attendees)
    assert {row["kind"] for row in expected.meetings.values()} == {"meeting", "webinar", "town_hall", "live_event"}
    reasons = " ".join(row["reason"] or "" for row in expected.coverage.values())
    for words in ("differ from their total", "without times", "listed by calendar", "by its series", "overwrites"):
        assert words in reasons
    assert "registrations: denied" in reasons
    unreported = [row for key, row in expected.coverage.items() if key not in expected.meetings]
    assert "town_halls,webinars" in {row["found_by"] for row in unreported}


def test_the_file_stays_in_the_format_the_loader_chose(build: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{build}' as build (read_only)")
        tags = connection.execute("select tags from duckdb_databases() where database_name = 'build'").fetchall()

    assert "v1.5.0" in str(tags)


def test_the_project_parses_without_a_warning(tmp_path: Path) -> None:
    said = run_dbt(tmp_path / "build.duckdb", "parse", "--no-partial-parse")

    assert "WARN" not in said.upper()


def test_nothing_loaded_yet_builds_empty_marts(tmp_path: Path) -> None:
    path = tmp_path / "build.duckdb"
    write_raw(path, RawRows())
    run_dbt(path, "build", "--exclude-resource-type", "unit_test")

    for mart in MARTS:
        assert read_rows(path, f"select * from marts.{mart}") == []  # noqa: S608


def test_building_again_from_rows_and_lists_in_another_order_changes_nothing(
    build: Path, raw: RawRows, tmp_path: Path
) -> None:
    path = tmp_path / "build.duckdb"
    shutil.copyfile(build, path)
    turned = {table: [_turned(row) for row in reversed(table_rows)] for table, table_rows in vars(raw).items()}
    write_raw(path, RawRows(**turned))
    run_dbt(path, "run")

    for mart in MARTS:
        query = f"select * from marts.{mart} order by all"  # noqa: S608
        assert read_rows(path, query) == read_rows(build, query)


def _turned(row: Row) -> Row:
    return {name: value[::-1] if isinstance(value, list) else value for name, value in row.items()}


def test_joins_of_a_meeting_no_listing_named_are_left_out_with_a_warning(tmp_path: Path, raw: RawRows) -> None:
    path = tmp_path / "build.duckdb"
    zoom_joined = {row["meeting_uuid"] for row in raw.zoom_participants}
    webex_joined = {row["meeting_id"] for row in raw.webex_attendees if row["joined_time"] and row["left_time"]}
    no_zoom = next(row for row in raw.zoom_meetings if row["uuid"] in zoom_joined)
    no_webex = next(row for row in raw.webex_meetings if row["meeting_id"] in webex_joined)
    teams_joined = {row["report_id"] for row in raw.teams_attendance_records if row["attendance_intervals"]}
    no_teams = next(row for row in raw.teams_attendance_reports if row["report_id"] in teams_joined)
    listed = replace(
        raw,
        zoom_meetings=[row for row in raw.zoom_meetings if row is not no_zoom],
        webex_meetings=[row for row in raw.webex_meetings if row is not no_webex],
        teams_attendance_reports=[row for row in raw.teams_attendance_reports if row is not no_teams],
    )
    write_raw(path, listed)
    said = run_dbt(path, "build", "--exclude-resource-type", "unit_test")

    left_out = {
        key_of("zoom", no_zoom["uuid"]),
        key_of("webex", no_webex["meeting_id"]),
        key_of("teams", no_teams["report_id"]),
    }
    held = {row["interval_key"] for row in read_rows(path, "select interval_key from marts.attendance_intervals")}
    assert held == {join.key for join in intervals(raw) if join.meeting not in left_out}
    assert "WARN 3 every_interval_has_a_meeting" in said
