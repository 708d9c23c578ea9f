from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import combinations, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attendance_pipeline.errors import UsageError
from attendance_pipeline.windows import TimeWindow, Window, dates, fewest, request_windows, time_windows

DAY = timedelta(days=1)
TODAY = date(2026, 3, 16)
REACH = date(2025, 9, 17)


def march(day: int) -> date:
    return date(2026, 3, 1) + (day - 1) * DAY


def windows(
    days: list[date],
    span: int = 30,
    before: int = 0,
    after: int = 0,
    earliest: date = REACH,
    latest: date = date(2026, 12, 31),
) -> list[Window]:
    return request_windows(
        days, span=span * DAY, before=before * DAY, after=after * DAY, earliest=earliest, latest=latest
    )


def test_a_window_holds_both_its_ends_and_nothing_around_them() -> None:
    window = Window(march(2), march(4))

    assert [day for day in dates(march(1), march(5)) if day in window] == [march(2), march(3), march(4)]


def test_dates_count_both_ends_and_know_calendars() -> None:
    assert dates(date(2028, 2, 28), date(2028, 3, 1)) == [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
    assert dates(march(1), march(1)) == [march(1)]
    assert dates(march(2), march(1)) == []


def test_exactly_the_span_is_one_window_and_a_day_more_is_two() -> None:
    assert windows(dates(march(1), march(31))) == [Window(march(1), march(31))]
    assert windows(dates(march(1), march(32))) == [Window(march(1), march(31)), Window(march(32), march(32))]


def test_a_span_of_no_days_asks_for_each_date_by_itself() -> None:
    assert windows(dates(march(1), march(3)), span=0) == [Window(march(day), march(day)) for day in (1, 2, 3)]


def test_a_window_begins_earlier_and_ends_later_than_what_is_wanted() -> None:
    assert windows([march(10)], before=3, after=1) == [Window(march(7), march(11))]


def test_the_overlap_counts_towards_the_span() -> None:
    assert windows(dates(march(10), march(13)), span=4, before=1) == [Window(march(9), march(13))]
    assert windows(dates(march(10), march(13)), span=4, before=1, after=1) == [
        Window(march(9), march(13)),
        Window(march(14), march(14)),
    ]


def test_a_gap_is_bridged_where_one_request_can_span_it() -> None:
    assert windows([march(1), march(31)]) == [Window(march(1), march(31))]
    assert windows([march(1), march(32)]) == [Window(march(1), march(1)), Window(march(32), march(32))]


def test_a_window_ends_on_the_last_day_that_is_needed_not_at_the_end_of_its_span() -> None:
    assert windows([march(1), march(20), march(40)]) == [Window(march(1), march(20)), Window(march(40), march(40))]


def test_windows_are_cut_off_where_the_vendor_forgets_and_at_the_newest_date() -> None:
    assert windows([REACH], before=3, after=1) == [Window(REACH, REACH + DAY)]
    assert windows([TODAY], before=3, after=1, latest=TODAY) == [Window(TODAY - 3 * DAY, TODAY)]


def test_order_and_repetition_of_the_wanted_dates_do_not_matter() -> None:
    days = [march(5), march(1), march(5), march(40), march(2)]

    assert windows(days, before=1) == windows(sorted(set(days)), before=1)
    assert windows([]) == []


@pytest.mark.parametrize("days", [[REACH - DAY], [march(1), REACH - DAY, march(2)], [date(1970, 1, 1)]])
def test_a_date_beyond_the_reach_is_a_usage_error_that_names_the_reach(days: list[date]) -> None:
    with pytest.raises(
        UsageError,
        match=f"^{min(days)} lies beyond the reach: .* back to 2025-09-17, so begin at 2025-09-17 or later$",
    ):
        windows(days, before=1)


def test_the_last_date_of_the_reach_is_within_it() -> None:
    assert windows([REACH]) == [Window(REACH, REACH)]


def fewest_by_trial(needed: set[int], span: int) -> int:
    """How many windows it takes, found by trying every choice of first dates."""
    for count in range(len(needed) + 1):
        for firsts in combinations(sorted(needed), count):
            if all(any(first <= day <= first + span for first in firsts) for day in needed):
                return count
    raise AssertionError


@given(needed=st.sets(st.integers(1, 40), max_size=9), span=st.integers(0, 12))
def test_no_fewer_windows_would_do(needed: set[int], span: int) -> None:
    found = fewest([march(day) for day in needed], span * DAY)

    assert len(found) == fewest_by_trial(needed, span)


@given(
    wanted=st.lists(st.integers(0, 400), max_size=40),
    span=st.integers(0, 45),
    before=st.integers(0, 4),
    after=st.integers(0, 4),
    latest=st.integers(200, 400),
)
def test_windows_cover_what_is_wanted_with_its_overlap_and_stay_within_what_the_vendor_allows(
    wanted: list[int], span: int, before: int, after: int, latest: int
) -> None:
    newest = REACH + latest * DAY
    days = [REACH + offset * DAY for offset in wanted if offset <= latest]

    found = windows(days, span, before, after, earliest=REACH, latest=newest)

    needed = {near for day in days for near in dates(max(day - before * DAY, REACH), min(day + after * DAY, newest))}
    assert all(any(day in window for window in found) for day in needed)
    assert all(window.last - window.first <= span * DAY for window in found)
    assert all(window.first in needed and window.last in needed for window in found)
    assert all(earlier.last < later.first for earlier, later in zip(found, found[1:], strict=False))


@given(
    wanted=st.sets(st.integers(0, 40), max_size=4),
    span=st.integers(0, 12),
    before=st.integers(0, 2),
    after=st.integers(0, 1),
    latest=st.integers(0, 42),
)
def test_no_fewer_requests_would_ask_for_what_is_wanted_with_its_overlap(
    wanted: set[int], span: int, before: int, after: int, latest: int
) -> None:
    days = {day for day in wanted if day <= latest}

    found = windows([REACH + day * DAY for day in days], span, before, after, latest=REACH + latest * DAY)

    needed = {near for near in range(latest + 1) if any(day - before <= near <= day + after for day in days)}
    assert len(found) == fewest_by_all_ends(needed, span)


def fewest_by_all_ends(needed: set[int], span: int) -> int:
    """How many windows it takes, found by trying every end that the first of them can have."""
    if not needed:
        return 0
    first = min(needed)
    ends = range(first, first + span + 1)
    return 1 + min(fewest_by_all_ends({day for day in needed if day > end}, span) for end in ends)


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ORIGIN = datetime(2025, 12, 1, tzinfo=UTC)
SOON = datetime(2026, 12, 31, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def time_windows_of(
    days: list[date],
    span: timedelta = 30 * DAY,
    before: timedelta = timedelta(),
    overlap: timedelta = MINUTE,
    earliest: datetime = ORIGIN,
    latest: datetime = SOON,
) -> list[TimeWindow]:
    return time_windows(days, span=span, before=before, overlap=overlap, earliest=earliest, latest=latest)


def test_a_date_is_asked_for_from_its_first_moment_to_its_last_and_as_much_earlier_as_is_said() -> None:
    assert time_windows_of([march(10)]) == [TimeWindow(at("2026-03-10 00:00"), at("2026-03-11 00:00"))]
    assert time_windows_of([march(10)], before=2 * DAY + HOUR) == [
        TimeWindow(at("2026-03-07 23:00"), at("2026-03-11 00:00"))
    ]


def test_exactly_the_span_is_one_window_of_time_and_a_day_more_is_two_that_overlap() -> None:
    assert time_windows_of(dates(march(1), march(30))) == [TimeWindow(at("2026-03-01 00:00"), at("2026-03-31 00:00"))]
    assert time_windows_of(dates(march(1), march(31))) == [
        TimeWindow(at("2026-03-01 00:00"), at("2026-03-31 00:00")),
        TimeWindow(at("2026-03-30 23:59"), at("2026-04-01 00:00")),
    ]


def test_ninety_days_are_three_windows_however_often_they_overlap() -> None:
    """Webex answers for 90 days; five minutes of them are given up, because a pull takes time."""
    now = at("2026-03-31 15:00")
    earliest = now - 90 * DAY + 5 * MINUTE
    days = dates(date(2026, 1, 1), date(2026, 3, 31))

    found = time_windows_of(days, before=2 * DAY, earliest=earliest, latest=now)

    assert found == [
        TimeWindow(earliest, at("2026-01-30 15:05")),
        TimeWindow(at("2026-01-30 15:04"), at("2026-03-01 15:04")),
        TimeWindow(at("2026-03-01 15:03"), now),
    ]
    assert found[-1].end - found[-1].start < 30 * DAY


def test_a_gap_is_bridged_where_one_window_of_time_can_span_it() -> None:
    assert time_windows_of([march(1), march(30)]) == [TimeWindow(at("2026-03-01 00:00"), at("2026-03-31 00:00"))]
    assert time_windows_of([march(1), march(32)]) == [
        TimeWindow(at("2026-03-01 00:00"), at("2026-03-02 00:00")),
        TimeWindow(at("2026-04-01 00:00"), at("2026-04-02 00:00")),
    ]


def test_windows_of_time_are_cut_off_where_the_vendor_forgets_and_at_this_moment() -> None:
    earliest, now = at("2026-03-01 13:37"), at("2026-03-16 15:00")

    assert time_windows_of([march(2)], before=DAY, earliest=earliest) == [
        TimeWindow(earliest, at("2026-03-03 00:00"))
    ]
    assert time_windows_of([march(16)], before=DAY, latest=now) == [TimeWindow(at("2026-03-15 00:00"), now)]
    assert time_windows_of([march(17), march(18)], latest=now) == []
    assert time_windows_of([]) == []


@pytest.mark.parametrize(
    ("earliest", "first"), [("2026-03-02 00:00", 2), ("2026-03-01 00:01", 2), ("2026-03-01 23:59", 2)]
)
def test_a_date_that_is_not_wholly_within_the_reach_is_a_usage_error_that_names_the_first_that_is(
    earliest: str, first: int
) -> None:
    assert time_windows_of([march(first)], earliest=at(earliest))
    with pytest.raises(
        UsageError,
        match=f"^2026-03-01 lies beyond the reach: .* back to {march(first)}, so begin at {march(first)} or later$",
    ):
        time_windows_of([march(3), march(first - 1)], earliest=at(earliest))


def test_a_window_of_time_names_the_dates_that_it_touches() -> None:
    window = TimeWindow(at("2026-02-28 23:59"), at("2026-03-02 00:00"))

    assert window.dates == Window(date(2026, 2, 28), march(2))


@given(st.integers(2, 10**7), st.integers(0, 999_999))
def test_halves_of_a_window_meet_on_a_whole_second_and_are_smaller(seconds: int, microseconds: int) -> None:
    window = TimeWindow(ORIGIN, ORIGIN + timedelta(seconds=seconds, microseconds=microseconds))

    earlier, later = window.halves()

    assert (earlier.start, earlier.end, later.end) == (window.start, later.start, window.end)
    assert earlier.end.microsecond == 0
    assert earlier.start < earlier.end < later.end


STEP = timedelta(hours=8)
"""Instants of the trials: coarse, so that all ways to cover them can be tried."""


def fewest_by_all_ways(needed: set[int], span: int, overlap: int) -> int:
    """How many windows it takes to cover these steps of time, found by trying every end of every window.

    A window that ends between two needed steps is overlapped by the next one.
    """

    @cache
    def more(start: int) -> int:
        counts = []
        for end in range(start + 1, start + span + 1):
            left = [step for step in needed if step >= end]
            if not left:
                return 1
            begin = end - overlap if end - 1 in needed and end in needed else min(left)
            if begin > start:
                counts.append(1 + more(begin))
        return min(counts)

    return more(min(needed)) if needed else 0


@given(
    wanted=st.sets(st.integers(0, 15), max_size=10),
    span=st.integers(4, 16),
    before=st.integers(0, 4),
    overlap=st.integers(0, 2),
    earliest=st.integers(-4, 0),
    latest=st.integers(20, 50),
)
# the window that would reach up to a date's first moment is of no use to it
@example(wanted={0, 2, 3}, span=6, before=0, overlap=1, earliest=0, latest=40)
def test_windows_of_time_cover_every_instant_within_what_the_vendor_allows_and_no_fewer_would_do(
    wanted: set[int], span: int, before: int, overlap: int, earliest: int, latest: int
) -> None:
    days = [ORIGIN.date() + offset * DAY for offset in wanted]
    oldest, newest = ORIGIN + earliest * STEP, ORIGIN + latest * STEP

    found = time_windows_of(days, span * STEP, before * STEP, overlap * STEP, oldest, newest)

    needed = {
        step for offset in wanted for step in range(3 * offset - before, 3 * offset + 3) if earliest <= step < latest
    }
    for step in needed:
        begin = ORIGIN + step * STEP
        assert any(window.start <= begin and begin + STEP <= window.end for window in found)
    assert all(timedelta() < window.end - window.start <= span * STEP for window in found)
    assert all(oldest <= window.start and window.end <= newest for window in found)
    for window, following in pairwise(found):
        seam = (window.end - ORIGIN) // STEP
        assert window.start < following.start
        if {seam - 1, seam} <= needed:
            assert window.end - following.start >= overlap * STEP
    assert len(found) == fewest_by_all_ways(needed, span, overlap)
