from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance_pipeline.errors import UsageError
from attendance_pipeline.windows import Window, dates, fewest, request_windows

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
