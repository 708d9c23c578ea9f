from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from datetime import date, datetime
from typing import Any

import pytest

from .conftest import Rows, assert_same_rows, by_grain
from .counted import load
from .facts import Facts
from .raw_rows import Row

Hours = dict[tuple[datetime, str], Row]
TIMES = ["meeting_seconds", "attended_seconds", "device_seconds", "active_seconds"]


@pytest.fixture(scope="module")
def hourly(rows: Rows) -> Hours:
    return by_grain(rows("select * from marts.hourly_load"), "hour_start", "vendor")


def test_daily_time_equals_the_count(rows: Rows, facts: Facts) -> None:
    built = rows("select * from marts.daily_time")

    assert_same_rows(by_grain(built, "activity_date", "vendor"), load.daily_time(facts))


def test_daily_time_adds_up_to_the_meetings(rows: Rows) -> None:
    sums = ", ".join(f"sum({name}) as {name}" for name in TIMES[1:])
    built = rows(f"select vendor, sum(meeting_seconds) as meeting_seconds, {sums} from marts.daily_time group by all")  # noqa: S608
    held = rows(f"select vendor, sum(duration_seconds) as meeting_seconds, {sums} from marts.meetings group by all")  # noqa: S608

    assert by_grain(built, "vendor") == by_grain(held, "vendor")


def test_time_is_counted_on_the_day_it_happened(rows: Rows) -> None:
    """A meeting of days fills those on which it didn't end."""
    [filled] = rows(
        "select count(*) as days from marts.daily_time where meeting_seconds >= 86400 and meeting_seconds > "
        "(select coalesce(sum(duration_seconds), 0) from marts.meetings "
        "where (ended_date, meetings.vendor) = (activity_date, daily_time.vendor))"
    )

    assert filled["days"] > 0


def test_hours_equal_the_count(hourly: Hours, facts: Facts) -> None:
    assert_same_rows(hourly, load.hourly_load(facts))


def test_hours_add_up_to_the_days(hourly: Hours, rows: Rows) -> None:
    days: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for (hour, vendor), row in hourly.items():
        for one in {vendor} - {"all"}:
            days[hour.date(), one][0] += row["meeting_seconds"]
            days[hour.date(), one][1] += row["attended_seconds"]
    held = rows("select * from marts.daily_time")

    assert days == {
        (row["activity_date"], row["vendor"]): [row["meeting_seconds"], row["attended_seconds"]] for row in held
    }


def test_all_vendors_together_peak_between_the_highest_and_the_sum(hourly: Hours) -> None:
    apart: dict[datetime, list[Row]] = defaultdict(list)
    for (hour, vendor), row in hourly.items():
        if vendor != "all":
            apart[hour].append(row)
    for hour, rows in apart.items():
        together = hourly[hour, "all"]
        for name in ("peak_concurrent_meetings", "peak_concurrent_attendees"):
            assert max(row[name] for row in rows) <= together[name] <= sum(row[name] for row in rows)
        for name in ("meeting_seconds", "attended_seconds"):
            assert together[name] == sum(row[name] for row in rows)
    peaks = [[row["peak_concurrent_attendees"] for row in rows] for rows in apart.values()]
    assert any(
        max(of_hour) < hourly[hour, "all"]["peak_concurrent_attendees"] < sum(of_hour)
        for hour, of_hour in zip(apart, peaks, strict=True)
    )


def test_nearly_always_lies_between_never_and_the_peak(hourly: Hours) -> None:
    for what in ("meetings", "attendees"):
        levels = [(row[f"p95_concurrent_{what}"], row[f"peak_concurrent_{what}"]) for row in hourly.values()]
        assert all(0 <= nearly_always <= peak for nearly_always, peak in levels)
        assert any(nearly_always == 0 < peak for nearly_always, peak in levels)
        assert any(0 < nearly_always < peak for nearly_always, peak in levels)
        assert any(0 < nearly_always == peak for nearly_always, peak in levels)


def test_hosts_equal_the_count(rows: Rows, facts: Facts, person_of: dict[str, Hashable]) -> None:
    built = by_grain(rows("select * from marts.hosts"), "vendor", "host_email")
    for row in built.values():
        row["host_person"] = person_of[row.pop("host_person_key")]

    assert_same_rows(built, load.hosts(facts))
    awkward: dict[str, set[Any]] = {
        "is_on_roster": {True, False, None},
        "is_idle_30_days": {True, False},
        "is_idle_60_days": {True, False},
        "is_idle_90_days": {True, False},
    }
    assert {name: {row[name] for row in built.values()} for name in awkward} == awkward
    assert any(row["meetings"] == 0 for row in built.values())
    assert {30, 31, 60, 61, 90, 91} <= {row["days_since_hosted"] for row in built.values()}


def test_months_of_hosts_equal_the_count(rows: Rows, facts: Facts) -> None:
    built = rows("select * from marts.host_months")

    assert_same_rows(by_grain(built, "month_start", "vendor", "host_email"), load.host_months(facts))


def test_months_add_up_to_the_hosts(rows: Rows) -> None:
    columns = "vendor, host_email, sum(meetings) as meetings, sum(hosted_seconds) as hosted_seconds"
    months = rows(f"select {columns} from marts.host_months group by all")  # noqa: S608
    hosts = rows(f"select {columns} from marts.hosts where meetings > 0 group by all")  # noqa: S608

    assert by_grain(months, "vendor", "host_email") == by_grain(hosts, "vendor", "host_email")


def test_utilization_of_hosts_equals_the_count(rows: Rows, facts: Facts) -> None:
    built = rows("select * from marts.host_utilization")

    assert_same_rows(by_grain(built, "month_start", "vendor"), load.host_utilization(facts))
    assert any(row["meetings"] == 0 == row["active_hosts"] for row in built)
    assert {row["vendor"] for row in built if row["active_hosts"] < row["known_hosts"]} == {"zoom", "webex", "teams"}
