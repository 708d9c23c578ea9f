from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from .brute_force import Expected
from .conftest import Rows, read_rows, run_dbt
from .random_raw import RawRows, Row, write_raw

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


def test_every_join_is_an_interval_in_its_room(rows: Rows, raw: RawRows) -> None:
    built = {
        row["room"]: row["joins"]
        for row in rows("select room, count(*) as joins from marts.attendance_intervals group by room")
    }

    waiting = sum(row["status"] == "in_waiting_room" for row in raw.participants)
    assert built["waiting"] == waiting
    assert sum(built.values()) == len(raw.participants)


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
    [merged] = rows("select count(*) as tokens from intermediate.int_identities_merged")
    assert merged["tokens"] > 100
    [midnight] = rows("select count(*) as meetings from marts.meetings where cast(started_at as date) < ended_date")
    assert midnight["meetings"] > 0
    [only_waited] = rows(
        "select count(distinct attendee_key) as attendees from marts.attendance_intervals "
        "where attendee_key not in (select attendee_key from marts.attendees)"
    )
    assert only_waited["attendees"] > 0


def test_building_twice_gives_the_same_marts(build: Path, rebuilt: Path) -> None:
    for mart in MARTS:
        query = f"select * from marts.{mart} order by all"  # noqa: S608
        assert read_rows(build, query) == read_rows(rebuilt, query)


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
    run_dbt(path, "build")

    for mart in MARTS:
        assert read_rows(path, f"select * from marts.{mart}") == []  # noqa: S608


def test_joins_of_a_meeting_no_listing_named_are_left_out_with_a_warning(tmp_path: Path, raw: RawRows) -> None:
    path = tmp_path / "build.duckdb"
    joined = {row["meeting_uuid"] for row in raw.participants}
    unlisted = next(row for row in raw.meetings if row["uuid"] in joined)
    write_raw(path, replace(raw, meetings=[row for row in raw.meetings if row is not unlisted]))
    said = run_dbt(path, "build", "--exclude-resource-type", "unit_test")

    [held] = read_rows(path, "select count(*) as joins from marts.attendance_intervals")
    assert held["joins"] == sum(row["meeting_uuid"] != unlisted["uuid"] for row in raw.participants)
    assert "WARN 1 every_interval_has_a_meeting" in said
