from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from datetime import date

import pytest

from .conftest import Rows, assert_same_rows, by_grain
from .counted import behavior
from .facts import Facts
from .random_times import TIME_ZONE
from .raw_rows import Row


@pytest.fixture(scope="module")
def person_load(rows: Rows, person_of: dict[str, Hashable]) -> list[Row]:
    built = rows("select * from marts.person_load")
    for row in built:
        row["person"] = person_of[row.pop("person_key")]
    return built


@pytest.fixture(scope="module")
def heat_map(rows: Rows) -> list[Row]:
    return rows("select * from marts.heat_map")


def test_daily_attendance_equals_the_count(rows: Rows, facts: Facts) -> None:
    built = by_grain(rows("select * from marts.daily_attendance"), "ended_date", "vendor")

    assert_same_rows(built, behavior.daily_attendance(facts))
    for row in built.values():
        assert row["attendees"] == sum(row[f"{who}_attendees"] for who in ("internal", "external", "unknown"))
        punctual = row["attendees"] - row["on_time_full_attendees"]
        assert max(row["late_attendees"], row["left_early_attendees"]) <= punctual
        assert punctual <= row["late_attendees"] + row["left_early_attendees"]
    assert all(any(row[name] for row in built.values()) for name in next(iter(built.values())))


def test_drop_off_equals_the_count(rows: Rows, facts: Facts) -> None:
    built = by_grain(rows("select * from marts.drop_off"), "month_start", "vendor", "minute")

    assert_same_rows(built, behavior.drop_off(facts))
    for (month, vendor, minute), row in built.items():
        before = built[month, vendor, max(0, minute - 1)]
        assert row["present_attendees"] <= row["attendees"] <= before["attendees"]
        assert row["meetings"] <= before["meetings"]
    assert any(row["present_share"] is None for row in built.values())
    # longer than a day
    assert max(minute for _, _, minute in built) > 1440


def test_the_heat_map_equals_the_count(heat_map: list[Row], facts: Facts) -> None:
    assert_same_rows(
        by_grain(heat_map, "month_start", "vendor", "weekday", "hour"), behavior.heat_map(facts, TIME_ZONE)
    )


def test_the_heat_map_holds_every_second_though_clocks_are_turned(heat_map: list[Row], rows: Rows) -> None:
    [held] = rows(
        "select sum(duration_seconds) as meeting_seconds, sum(attended_seconds) as attended_seconds "
        "from marts.meetings"
    )

    assert held == {name: sum(row[name] for row in heat_map) for name in held}


def test_the_load_of_people_equals_the_count(person_load: list[Row], facts: Facts) -> None:
    assert_same_rows(by_grain(person_load, "person", "activity_date"), behavior.person_load(facts))


def test_nobody_is_present_for_longer_than_in_all_meetings_together(person_load: list[Row], rows: Rows) -> None:
    for row in person_load:
        assert row["attended_seconds"] == row["present_seconds"] + row["double_booked_seconds"]
        assert row["present_seconds"] <= 86400
        assert row["double_booked_seconds"] >= 0
        assert row["back_to_back_meetings"] + row["overlapping_meetings"] <= max(0, row["meetings_joined"] - 1)
        assert row["longest_stretch_seconds"] <= 86400
    [held] = rows(
        "select count(*) as meetings, sum(attended_seconds) as seconds from marts.attendees "
        "where person_key <> attendee_key"
    )
    assert sum(row["meetings_joined"] for row in person_load) == held["meetings"]
    assert sum(row["attended_seconds"] for row in person_load) == held["seconds"]


def test_the_load_of_people_is_their_days(rows: Rows) -> None:
    loads = rows("select person_key, activity_date, attended_seconds from marts.person_load")
    days: dict[tuple[str, date], int] = defaultdict(int)
    for row in rows("select person_key, activity_date, attended_seconds from marts.person_days"):
        days[row["person_key"], row["activity_date"]] += row["attended_seconds"]

    assert all(days[row["person_key"], row["activity_date"]] == row["attended_seconds"] for row in loads)


def test_the_random_rows_hold_the_awkward_days(person_load: list[Row]) -> None:
    for name in ("back_to_back_meetings", "overlapping_meetings", "double_booked_seconds"):
        assert any(row[name] for row in person_load)
    # who only came back from yesterday's meeting, who was nowhere for a second, who paused for a little
    assert any(row["meetings_joined"] == 0 for row in person_load)
    assert any(row["attended_seconds"] == 0 for row in person_load)
    assert any(
        row["meetings_joined"] > 1 and 0 < row["longest_stretch_seconds"] < row["present_seconds"]
        for row in person_load
    )
    assert any(row["longest_stretch_seconds"] > row["present_seconds"] for row in person_load)
    assert any(row["present_seconds"] == 86400 for row in person_load)
