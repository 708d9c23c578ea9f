"""What a load changed is rebuilt, and nothing else; what comes of it is what a whole build gives."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from .conftest import Built, Dbt, every_mart, read_rows
from .raw_rows import RawRows, Row, write_raw
from .telling import key_of

# the column that names the meeting
MEETING = {
    **{"zoom_meetings": "uuid", "zoom_participants": "meeting_uuid"},
    **dict.fromkeys(["webex_meetings", "webex_attendees", "webex_participants"], "meeting_id"),
    **dict.fromkeys(["teams_attendance_reports", "teams_attendance_records", "teams_registrations"], "report_id"),
    **dict.fromkeys(["teams_attendee_events", "teams_meetings"], "report_id"),
}
LATE_DAYS = 10
VANISHED = date(2026, 3, 20)
# a mark on rows that stand already; nothing that is built from a marked column is compared
MARKS = {"meetings": "title", "attendees": "display_name", "people": "display_name", "daily_utilization": "hosts"}

Partition = tuple[str, date]


@pytest.fixture(scope="module")
def before(raw: RawRows) -> RawRows:
    """What was loaded first: without ten days, half the joins of another, and meetings that vanished or moved."""
    dates = sorted({row["ended_date"] for row in raw.zoom_meetings})
    late = set(dates[:: len(dates) // LATE_DAYS][:LATE_DAYS])
    assert len(late) == LATE_DAYS
    young = next(day for day in dates if day not in late)
    moved = next(row for row in raw.zoom_meetings if row["ended_date"] not in {*late, young})
    gone = next(row for row in raw.zoom_meetings if row["ended_date"] not in {*late, young} and row is not moved)
    # told of by rows of a date that isn't theirs, which vanish
    strayed = next(
        row
        for row in raw.zoom_participants
        if row["ended_date"] not in {*late, young} and row["status"] == "in_meeting"
    )
    booked = next(
        row
        for row in raw.teams_meetings
        if row["ended_date"] not in {*late, young}
        and row["route"] == "calendar"
        and row["report_id"]
        and row["start_time"]
    )

    def held(table: str) -> Iterator[Row]:
        rows: list[Row] = getattr(raw, table)
        for number, row in enumerate(rows):
            if row["ended_date"] in late or (
                row["ended_date"] == young and number % 2 and table.endswith(("participants", "attendees", "records"))
            ):
                continue
            if table == "zoom_meetings" and row["uuid"] == moved["uuid"]:
                ended_at = row["end_time"] + timedelta(days=1)
                yield {**row, "end_time": ended_at, "ended_date": ended_at.date()}
            else:
                yield row
            if row is strayed:
                yield {**row, "user_id": "of another day", "ended_date": VANISHED}
            if row is booked:
                yield {**row, "start_time": row["start_time"] - timedelta(hours=1), "ended_date": VANISHED}
            if row.get(MEETING.get(table, "")) == gone["uuid"]:
                yield {**row, MEETING[table]: "vanished with others that stay"}
                yield {**row, MEETING[table]: "vanished with its day", "ended_date": VANISHED}

    return replace(raw, **{table: list(held(table)) for table, rows in vars(raw).items() if rows and _dated(rows)})


def _dated(rows: list[Row]) -> bool:
    return "ended_date" in rows[0]


def _partitions(raw: RawRows) -> dict[tuple[str, date], list[Row]]:
    found: dict[tuple[str, date], list[Row]] = {}
    for table, rows in vars(raw).items():
        for row in rows if rows and _dated(rows) else ():
            found.setdefault((table, row["ended_date"]), []).append(row)
    return found


def _loads(first: RawRows, then: RawRows | None = None) -> list[Row]:
    """As the loader notes them: the batch in which each partition last changed."""
    one, other = _partitions(first), _partitions(then or first)
    return [
        {
            "raw_table": table,
            "ended_date": day,
            "mark": "held" if (table, day) in other else None,
            "batch": 1 if one.get((table, day)) == other.get((table, day)) else 2,
            "vendor": table.split("_")[0],
        }
        for table, day in one.keys() | other.keys()
    ]


@pytest.fixture(scope="module")
def rebuilt(before: RawRows, raw: RawRows, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second of two builds, from rows and lists in another order; the first left a mark on each of its rows."""
    write_raw(dbt.build, replace(before, loads=_loads(before)))
    dbt("run")
    with duckdb.connect(str(dbt.build)) as connection:
        for mart, column in MARKS.items():
            marked = "hosts + 1000" if column == "hosts" else f"coalesce({column}, '') || '~'"
            connection.execute(f"update marts.{mart} set {column} = {marked}")  # noqa: S608
    turned = {table: [_turned(row) for row in reversed(rows)] for table, rows in vars(raw).items()}
    then = RawRows(**turned)
    write_raw(dbt.build, replace(then, loads=_loads(before, raw), builds=[{"batch": 1, "recipe": ""}]))
    dbt("run")
    return dbt.build.rename(tmp_path_factory.mktemp("changes") / "rebuilt.duckdb")


def _turned(row: Row) -> Row:
    return {name: value[::-1] if isinstance(value, list) else value for name, value in row.items()}


@pytest.fixture(scope="module")
def changed(before: RawRows, raw: RawRows) -> set[str]:
    """The keys of meetings of which a changed date of their vendor tells, or told."""
    dates = {
        (load["vendor"], load["ended_date"])
        for load in _loads(before, raw)
        if load["batch"] == 2 and load["raw_table"] in MEETING
    }
    return {
        key_of(table.split("_")[0], row[column])
        for rows in (before, raw)
        for table, column in MEETING.items()
        for row in getattr(rows, table)
        if (table.split("_")[0], row["ended_date"]) in dates and row[column]
    }


def test_what_late_and_changed_days_leave_is_what_a_whole_build_gives(rebuilt: Path, built: Built) -> None:
    for mart in every_mart():
        left_out = f"exclude ({MARKS[mart]})" if mart in MARKS else ""
        query = f"select * {left_out} from marts.{mart} order by all"  # noqa: S608
        assert read_rows(rebuilt, query) == read_rows(built.path, query), mart


def test_only_meetings_that_changed_are_made_anew(rebuilt: Path, built: Built, changed: set[str]) -> None:
    [held] = read_rows(built.path, "select list(meeting_key) as keys from marts.meetings")
    [anew] = read_rows(rebuilt, "select list(meeting_key) as keys from marts.meetings where title not like '%~'")
    [nameless] = read_rows(rebuilt, "select list(meeting_key) as keys from marts.meetings where title is null")

    assert {*anew["keys"], *nameless["keys"]} == changed & {*held["keys"]}
    assert len(changed) < len(held["keys"]) / 2


def test_whoever_became_another_person_is_made_anew_in_other_meetings_too(rebuilt: Path, changed: set[str]) -> None:
    anew = read_rows(
        rebuilt,
        "select distinct meeting_key from marts.attendees where coalesce(display_name, '') not like '%~'",
    )
    meetings = {row["meeting_key"] for row in anew}
    [held] = read_rows(rebuilt, "select count(distinct meeting_key) as meetings from marts.attendees")

    assert meetings - changed
    assert len(meetings) < held["meetings"]


def test_people_whom_nothing_touched_stand_as_they_were(rebuilt: Path) -> None:
    """Of days the same is told in test_truth.py: here too many are the same people in many meetings."""
    [people] = read_rows(
        rebuilt,
        "select count(*) filter (where display_name like '%~') as stand, count(*) as people from marts.people",
    )

    assert 0 < people["stand"] < people["people"]


def test_building_again_with_nothing_loaded_changes_nothing(rebuilt: Path, dbt: Dbt) -> None:
    shutil.copyfile(rebuilt, dbt.build)
    with duckdb.connect(str(dbt.build)) as connection:
        connection.execute("update raw.builds set batch = 2")
    dbt("run")

    for mart in every_mart():
        query = f"select * from marts.{mart} order by all"  # noqa: S608
        assert read_rows(dbt.build, query) == read_rows(rebuilt, query), mart
    assert read_rows(dbt.build, "select * from intermediate.int_changed_dates") == []
