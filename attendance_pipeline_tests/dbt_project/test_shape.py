from __future__ import annotations

import pytest

from .conftest import Rows, assert_same_rows, by_grain
from .counted import shape
from .facts import Facts
from .raw_rows import Row


@pytest.fixture(scope="module")
def logical(rows: Rows) -> list[Row]:
    return rows("select * from marts.logical_meetings")


def test_logical_meetings_equal_the_count(logical: list[Row], facts: Facts) -> None:
    assert_same_rows(by_grain(logical, "logical_meeting_key"), shape.logical_meetings(facts))


def test_series_equal_the_count(rows: Rows, facts: Facts) -> None:
    built = rows("select * from marts.series")

    assert_same_rows(by_grain(built, "vendor", "series_id"), shape.series(facts))
    assert {row["is_recurring"] for row in built} == {True, False}


def test_occurrences_equal_the_count(rows: Rows, facts: Facts) -> None:
    built = rows("select * from marts.series_occurrences")

    assert_same_rows(by_grain(built, "logical_meeting_key"), shape.series_occurrences(facts))
    again = [row for row in built if row["returning_people"] is not None]
    assert all(row["returning_people"] <= min(row["attendees"], row["previous_attendees"]) for row in again)
    assert len({row["change"] > 0 for row in again if row["returning_people"]}) == 2


def test_daily_shapes_equal_the_count(rows: Rows, facts: Facts) -> None:
    built = by_grain(rows("select * from marts.daily_meeting_shape"), "ended_date", "vendor", "kind")

    assert_same_rows(built, shape.daily_meeting_shape(facts))
    assert all(any(row[name] for row in built.values()) for name in next(iter(built.values())))


def test_distributions_equal_the_count(rows: Rows, facts: Facts) -> None:
    built = rows("select * from marts.meeting_distribution")
    grain = ("ended_date", "vendor", "kind", "size_band", "duration_band")

    assert_same_rows(by_grain(built, *grain), shape.meeting_distribution(facts))
    assert {row["duration_band"] for row in built} >= {"0-5 min", "5-15 min", "15-30 min", "60-90 min", "90+ min"}
    assert {row["size_band"] for row in built} >= {"0", "1", "2-4", "5-9"}


def test_parts_add_up_to_wholes(rows: Rows, logical: list[Row]) -> None:
    [held] = rows(
        "select count(*) as meetings, sum(attendee_count) as attendees, sum(attended_seconds) as attended_seconds, "
        "sum(duration_seconds) as duration_seconds from marts.meetings"
    )
    [of_days] = rows(
        "select sum(meetings) as meetings, sum(attendees) as attendees, sum(duration_seconds) as duration_seconds, "
        "sum(recurring_meetings + one_off_meetings) as recurring_or_not, sum(host_drops) as host_drops, "
        "sum(logical_meetings) as logical_meetings from marts.daily_meeting_shape"
    )
    [of_bands] = rows(
        "select sum(meetings) as meetings, sum(attendees) as attendees, sum(attended_seconds) as attended_seconds "
        "from marts.meeting_distribution"
    )

    assert of_days == {
        **{name: held[name] for name in ("meetings", "attendees", "duration_seconds")},
        "recurring_or_not": held["meetings"],
        "host_drops": held["meetings"] - len(logical),
        "logical_meetings": len(logical),
    }
    assert of_bands == {name: held[name] for name in of_bands}
    assert sum(row["parts"] for row in logical) == held["meetings"]
    for name in ("attended_seconds", "duration_seconds"):
        assert sum(row[name] for row in logical) == held[name]


def test_people_of_a_series_are_at_least_those_of_one_occurrence(rows: Rows) -> None:
    built = rows(
        "select series.attendees, max(logical_meetings.attendees) as most, sum(logical_meetings.attendees) as all_, "
        "count(*) = occurrences as whole from marts.series join marts.logical_meetings using (vendor, series_id) "
        "group by vendor, series_id, series.attendees, occurrences"
    )

    assert all(row["whole"] and row["most"] <= row["attendees"] <= row["all_"] for row in built)
    assert any(row["most"] < row["attendees"] < row["all_"] for row in built)


def test_the_random_rows_hold_meetings_that_were_interrupted(rows: Rows, logical: list[Row]) -> None:
    """By a pause that is short enough or not, by none, by a meeting that began before the other's end."""
    assert {row["parts"] for row in logical} >= {1, 2, 3}
    assert any(row["parts"] == 1 and row["series_id"] is None for row in logical)
    assert any(row["parts"] > 1 and row["started_at"].date() < row["ended_date"] for row in logical)
    pauses = rows(
        "select distinct cast(epoch(started_at - lag(ended_at) over "
        "(partition by vendor, series_id order by started_at, ended_at, meeting_key)) as bigint) as pause, "
        "int_logical_parts.logical_meeting_key <> meeting_key as is_continued "
        "from marts.meetings join intermediate.int_logical_parts using (meeting_key) where series_id is not null"
    )
    continued = {row["pause"]: row["is_continued"] for row in pauses}
    assert {pause: continued[pause] for pause in (-100, 0, 299, 300, 301, 600)} == {
        **dict.fromkeys((-100, 0, 299, 300), True),
        **dict.fromkeys((301, 600), False),
    }
