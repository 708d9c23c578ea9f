"""What the marts lead one to expect, over hand-made marts, at the edges of weeks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from attendance_pipeline.errors import UsageError
from attendance_pipeline.expectations import Newest, Volume, read_differences, read_newest, read_volume
from attendance_pipeline_tests.hand_made_marts import Row, busy, day, days_with, write_marts

MONDAY = date(2026, 3, 9)


def weeks(number: int, last: date = MONDAY, vendor: str = "zoom", meetings: int = 20) -> Iterator[dict[str, Row]]:
    """So many meetings every working day of some weeks until a date, none at weekends."""
    for ago in range(number * 7 - 1, -1, -1):
        ended = last - timedelta(days=ago)
        yield busy(vendor, ended, meetings if ended.weekday() < 5 else 0)


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def newest(file: Path, now: datetime, vendor: str = "zoom") -> Newest:
    (found,) = [one for one in read_newest(file, now) if one.vendor == vendor]
    return found


def volume(tmp_path: Path, days: list[dict[str, Row]], today: date) -> Volume:
    return read_volume(write_marts(tmp_path / "build.duckdb", **days_with(days)), today)


@pytest.mark.parametrize(
    ("now", "missed"),
    [
        (at(MONDAY - timedelta(days=2), 12), []),  # Saturday
        (at(MONDAY, 8), []),
        (at(MONDAY, 23), []),
        (at(MONDAY + timedelta(days=1), 1), []),  # Monday is over; an hour to have a report, and one to read it
        (at(MONDAY + timedelta(days=1), 2), [MONDAY]),
        (at(MONDAY + timedelta(days=2), 2), [MONDAY, MONDAY + timedelta(days=1)]),
    ],
)
def test_a_weekend_is_no_silence_and_a_working_day_is_one_once_it_is_over(
    tmp_path: Path, now: datetime, missed: list[date]
) -> None:
    friday = MONDAY - timedelta(days=3)
    file = write_marts(tmp_path / "build.duckdb", **days_with(weeks(8, friday)))

    found = newest(file, now)

    assert found.weekdays == [0, 1, 2, 3, 4]
    assert found.ended_at == at(friday, 15)
    assert found.missed == missed
    assert found.is_stale is (len(missed) > 1)


def test_a_day_counts_as_missed_only_when_its_vendor_can_have_told_of_it(tmp_path: Path) -> None:
    friday = MONDAY - timedelta(days=3)
    file = write_marts(tmp_path / "build.duckdb", **days_with(weeks(8, friday, "webex")))

    assert newest(file, at(MONDAY + timedelta(days=2), 0), "webex").missed == []
    assert newest(file, at(MONDAY + timedelta(days=2), 1), "webex").missed == [MONDAY]


def test_a_holiday_alone_is_not_stale_but_told(tmp_path: Path) -> None:
    days = [*weeks(8, MONDAY - timedelta(days=3)), busy("zoom", MONDAY, 0)]
    file = write_marts(tmp_path / "build.duckdb", **days_with(days))

    found = newest(file, at(MONDAY + timedelta(days=1), 9))

    assert found.missed == [MONDAY]
    assert not found.is_stale


def test_a_vendor_that_stopped_long_ago_is_stale_for_ever(tmp_path: Path) -> None:
    quiet = (busy("zoom", MONDAY + timedelta(days=after), 0) for after in range(1, 100))
    file = write_marts(tmp_path / "build.duckdb", **days_with([*weeks(8), *quiet]))

    found = newest(file, at(MONDAY + timedelta(days=100), 9))

    assert found.is_stale
    assert len(found.missed) == 71
    assert found.weekdays == [0, 1, 2, 3, 4]


def test_who_meets_now_and_then_only_is_not_expected_to(tmp_path: Path) -> None:
    sometimes = [busy("zoom", MONDAY - timedelta(days=ago), ago // 7 % 2) for ago in range(57)]
    file = write_marts(tmp_path / "build.duckdb", **days_with(sometimes))

    found = newest(file, at(MONDAY + timedelta(days=30), 9))

    assert (found.weekdays, found.missed) == ([], [])


def test_no_weekday_is_usual_before_all_of_them_are_known(tmp_path: Path) -> None:
    """Of the last weekday, the newest date is too young to be among those that are held."""
    file = write_marts(tmp_path / "build.duckdb", **days_with(list(weeks(3))[1:]))

    assert newest(file, at(MONDAY + timedelta(days=10), 9)).weekdays == []


@pytest.mark.parametrize("held", [0, 1, 2])
def test_of_a_new_account_nothing_is_expected(tmp_path: Path, held: int) -> None:
    file = write_marts(tmp_path / "build.duckdb", **days_with(weeks(held)))

    found = newest(file, at(MONDAY + timedelta(days=10), 9))

    assert (found.ended_at is None) is (held == 0)
    assert (found.weekdays, found.missed, found.is_stale) == ([], [], False)


def test_a_vendor_that_is_off_is_not_told_of(tmp_path: Path) -> None:
    file = write_marts(tmp_path / "build.duckdb", **days_with(weeks(8, vendor="teams")))

    assert [one.vendor for one in read_newest(file, at(MONDAY, 9))] == ["webex", "zoom"]


def test_usual_weeks_are_usual(tmp_path: Path) -> None:
    found = volume(tmp_path, list(weeks(9)), MONDAY)

    assert found.unusual == []
    assert found.compared == {"zoom": 11}
    assert found.without_history == {"zoom": 0}


def test_a_holiday_stands_out_against_its_weekday(tmp_path: Path) -> None:
    found = volume(tmp_path, [*list(weeks(9))[:-1], busy("zoom", MONDAY, 0)], MONDAY)

    assert [(one.ended_date, one.measure, one.found, one.usual) for one in found.unusual] == [
        (MONDAY, "meetings", 0, 20.0),
        (MONDAY, "attendees", 0, 80.0),
    ]
    assert found.unusual[0].least == 7


def test_meetings_on_a_weekend_stand_out_though_they_were_few_on_a_monday(tmp_path: Path) -> None:
    sunday = MONDAY - timedelta(days=1)
    found = volume(tmp_path, [*list(weeks(9))[:-2], busy("zoom", sunday, 19), busy("zoom", MONDAY, 19)], MONDAY)

    assert {one.ended_date for one in found.unusual} == {sunday}
    assert {(one.least, one.most) for one in found.unusual} == {(0, 4)}


def test_attendance_that_was_lost_stands_out_by_itself(tmp_path: Path) -> None:
    found = volume(tmp_path, [*list(weeks(9))[:-1], busy("zoom", MONDAY, 20, attendees=20)], MONDAY)

    assert [one.measure for one in found.unusual] == ["attendees"]


def test_one_odd_week_among_those_before_says_nothing_of_what_is_usual(tmp_path: Path) -> None:
    days = list(weeks(9))
    days[6] = busy("zoom", MONDAY - timedelta(weeks=8), 500)
    days[13] = busy("zoom", MONDAY - timedelta(weeks=7), 0)

    assert days[6]["coverage_days"]["ended_date"] == MONDAY - timedelta(weeks=8)
    assert volume(tmp_path, days, MONDAY).unusual == []


@pytest.mark.parametrize(("before", "compared"), [(3, 0), (4, 1)])
def test_few_weeks_say_nothing_yet(tmp_path: Path, before: int, compared: int) -> None:
    mondays = [busy("zoom", MONDAY - timedelta(weeks=week), 20) for week in range(1, before + 1)]
    young = day("zoom", MONDAY + timedelta(days=1), "partial", settled=False)

    marts = days_with([*mondays, busy("zoom", MONDAY, 0)])
    marts["coverage_days"].append(young)
    found = read_volume(write_marts(tmp_path / "build.duckdb", **marts), MONDAY + timedelta(days=1))

    assert found.compared == {"zoom": compared}
    # the Monday before has a week less
    assert found.without_history == {"zoom": 2 - compared}
    assert len(found.unusual) == compared * 2


def test_dates_of_which_too_little_is_held_are_not_compared(tmp_path: Path) -> None:
    days = list(weeks(9))
    days[-1] = busy("zoom", MONDAY, 1)
    days[-1]["coverage_days"] |= {"meetings": 20, "missing": 19, "held": 1}

    found = volume(tmp_path, days, MONDAY)

    assert found.unusual == []
    assert found.compared == {"zoom": 10}


def test_differences_are_counted_by_vendor_and_measure(tmp_path: Path) -> None:
    def number(measure: str, difference: float, reason: str | None, ended: date = MONDAY) -> Row:
        told = {"vendor": "zoom", "measure": measure, "difference": difference, "reason": reason, "ended_date": ended}
        return told | {"is_explained": reason != "unexplained"}

    rows = [
        number("joins", 0, None),
        number("joins", -2, "unexplained"),
        number("joins", 3, "unexplained", MONDAY - timedelta(days=3)),
        number("duration_minutes", 1, "rounding"),
    ]
    found = read_differences(write_marts(tmp_path / "build.duckdb", reconciliation=rows))

    minutes, joins = found
    assert (joins.meetings, joins.differing, joins.unexplained, joins.unexplained_difference) == (3, 2, 2, 5.0)
    assert (joins.first_date, joins.last_date) == (MONDAY - timedelta(days=3), MONDAY)
    assert (minutes.differing, minutes.unexplained, minutes.first_date) == (1, 0, None)


def test_a_file_that_does_not_exist_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was published yet"):
        read_volume(tmp_path / "build.duckdb", MONDAY)
