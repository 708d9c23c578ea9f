from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Hashable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from .brute_force import Expected
from .conftest import Built, Dbt, Rows, every_mart, read_rows
from .facts import FactMeeting, Facts
from .raw_rows import RawRows, Row, write_raw
from .telling import EPOCH
from .told import intervals


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


def test_every_zoom_join_of_a_listed_meeting_is_an_interval(rows: Rows, raw: RawRows) -> None:
    [built] = rows(
        "select count(*) as joins, count(*) filter (where room = 'waiting') as waiting "
        "from marts.attendance_intervals where vendor = 'zoom'"
    )

    listed = {row["uuid"] for row in raw.zoom_meetings}
    told = [row["status"] for row in raw.zoom_participants if row["meeting_uuid"] in listed]
    assert built["joins"] == len(told)
    assert built["waiting"] == told.count("in_waiting_room")


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


def test_every_wanted_day_of_a_vendor_that_is_on_or_held_is_covered(rows: Rows, expected: Expected) -> None:
    built = {(row["ended_date"], row["vendor"]): row for row in rows("select * from marts.coverage_days")}

    assert built.keys() == expected.coverage_days.keys()
    for key, wanted in expected.coverage_days.items():
        assert_same(built[key], wanted)
    statuses = {row["status"] for row in built.values()}
    assert statuses == {"complete", "partial", "not_ready", "denied", "never_asked"}
    assert {"never asked", "never asked, the vendor is off"} <= {row["reason"] for row in built.values()}


def test_what_is_missing_is_each_meeting_and_each_whole_day(rows: Rows, expected: Expected) -> None:
    built = rows("select vendor, ended_date, meeting_key from marts.missing")

    assert len(built) == len(expected.missing)
    assert {(row["vendor"], row["ended_date"], row["meeting_key"]) for row in built} == expected.missing


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
def test_what_expires_counts_down_in_a_published_file_whatever_the_clients_zone(
    built: Built, tmp_path: Path, zone: str
) -> None:
    path = tmp_path / "attendance.duckdb"
    shutil.copyfile(built.path, path)
    hours = [-1, 1, 7 * 24 - 1, 7 * 24 + 1]
    ends = [datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=ahead) for ahead in hours]
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from marts.coverage_days")
        connection.execute("delete from marts.coverage where not is_missing")
        connection.execute("update marts.coverage set recoverable_until = ?[rowid % 4 + 1]", [ends])
    path.chmod(0o444)

    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = '{zone}'")
        connection.execute(f"attach '{path}' as published (read_only)")
        told = connection.execute(
            "select 'expiring', recoverable_until from published.marts.expiring "
            "union all select 'lost', recoverable_until from published.marts.lost"
        ).fetchall()

    assert set(told) == {("lost", ends[0]), ("expiring", ends[1]), ("expiring", ends[2])}


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


def test_the_random_meetings_hold_the_awkward_times(facts: Facts) -> None:
    held = facts.meetings.values()
    lengths = [(meeting.ended_at - meeting.started_at).total_seconds() for meeting in held]
    assert max(lengths) > 2 * 86400
    assert {0, 5399, 5400} <= {*lengths}
    assert {49, 50, 110} <= {len(meeting.attendees) for meeting in held}

    # daylight saving time of that zone begins and ends while somebody attends
    for change in (datetime(2025, 10, 4, 15, 30), datetime(2026, 4, 4, 15)):  # noqa: DTZ001
        second = (change - EPOCH) // timedelta(seconds=1)
        assert any({second - 1, second} <= attendee.seconds for meeting in held for attendee in meeting.attendees)

    series: dict[tuple[str, str | None], list[FactMeeting]] = defaultdict(list)
    stays: dict[tuple[Hashable, date], list[tuple[datetime, datetime]]] = defaultdict(list)
    for meeting in sorted(held, key=lambda meeting: meeting.started_at):
        series[meeting.vendor, meeting.series].append(meeting)
        for attendee in meeting.attendees:
            stay = attendee.first_joined_at, attendee.last_left_at
            stays[attendee.person, stay[0].date()].append(stay)
    restarts = {
        (later.started_at - one.ended_at).total_seconds() for of in series.values() for one, later in pairwise(of)
    }
    assert {-100, 0, 299, 300, 301} <= restarts
    pauses = {
        (later[0] - max(left_at for _, left_at in of_day[: number + 1])).total_seconds()
        for of_day in map(sorted, stays.values())
        for number, later in enumerate(of_day[1:])
    }
    assert {-100, 0, 299, 300, 301} <= pauses


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


def test_every_column_of_every_mart_says_in_the_file_what_it_is(rows: Rows) -> None:
    told = rows(
        "select table_name, column_name, comment from duckdb_columns() where schema_name = 'marts' "
        "union all select table_name, null, comment from duckdb_tables() where schema_name = 'marts' "
        "union all select view_name, null, comment from duckdb_views() where schema_name = 'marts'"
    )

    assert {row["table_name"] for row in told} >= {*every_mart(), "dates", "hours"}
    assert [row for row in told if not row["comment"] or row["comment"] != row["comment"].strip()] == []


def test_the_file_stays_in_the_format_the_loader_chose(built: Built) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built.path}' as build (read_only)")
        tags = connection.execute("select tags from duckdb_databases() where database_name = 'build'").fetchall()

    assert "v1.5.0" in str(tags)


def test_joins_of_a_meeting_no_listing_named_are_left_out_with_a_warning(
    built: Built, raw: RawRows, expected: Expected
) -> None:
    """The other tests say that they are left out, and that they change no number of a listed meeting."""
    left_out = {join.meeting for join in intervals(raw)} - expected.meetings.keys()
    unlisted = [row for key, row in expected.coverage.items() if key not in expected.meetings]
    held = [row for row in unlisted if row["vendor"] != "teams" or row["status"] in {"complete", "partial"}]

    assert len(left_out) == 2  # what Teams tells of a meeting is read with its report only
    assert "WARN 3 every_interval_has_a_meeting" in built.said
    assert 0 < len(held) < len(unlisted)
    assert f"WARN {len(held)} relationships_coverage_meeting_key__meeting_key__ref_meetings_" in built.said
    assert "WARN=2 ERROR=0" in built.said


def test_nothing_loaded_yet_builds_empty_marts(built: Built, dbt: Dbt) -> None:
    write_raw(dbt.build, RawRows())
    dbt("run")

    for mart in every_mart():
        assert read_rows(dbt.build, f"select * from marts.{mart}") == []  # noqa: S608
