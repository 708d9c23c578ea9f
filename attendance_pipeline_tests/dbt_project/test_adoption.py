from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from datetime import date

import pytest

from .conftest import Rows, assert_same_rows, by_grain
from .counted import adoption
from .facts import Facts
from .raw_rows import Row


@pytest.fixture(scope="module")
def person_days(rows: Rows, person_of: dict[str, Hashable]) -> list[Row]:
    return [
        {name: value for name, value in row.items() if name != "person_key"}
        | {"person": person_of[row["person_key"]]}
        for row in rows("select * from marts.person_days")
    ]


@pytest.fixture(scope="module")
def active_people(rows: Rows) -> dict[tuple[str, date, str], Row]:
    return by_grain(rows("select * from marts.active_people"), "period", "period_start", "vendor")


def test_person_days_equal_the_count(person_days: list[Row], facts: Facts) -> None:
    built = by_grain(person_days, "person", "vendor", "activity_date")

    assert_same_rows(built, adoption.person_days(facts))


def test_active_people_equal_the_count(active_people: dict[tuple[str, date, str], Row], facts: Facts) -> None:
    assert_same_rows(active_people, adoption.active_people(facts))


def test_person_days_add_up_to_the_meetings(rows: Rows) -> None:
    [of_days] = rows(
        "select sum(meetings_attended) as attendees, sum(meetings_hosted) as hosted, "
        "sum(attended_seconds) as attended_seconds from marts.person_days"
    )
    [of_meetings] = rows(
        "select sum(attendee_count) as attendees, count(host_email) as hosted, "
        "sum(attended_seconds) as attended_seconds from marts.meetings"
    )

    assert of_days == of_meetings
    assert min(of_days.values()) > 0


def test_longer_periods_hold_what_shorter_ones_do(active_people: dict[tuple[str, date, str], Row]) -> None:
    for who in ("attendees", "hosts"):
        daily: dict[tuple[str, date, str], list[int]] = defaultdict(list)
        for (period, start, vendor), row in active_people.items():
            if period == "day":
                for longer in ("week", "month"):
                    first = adoption.PERIODS[longer](start)[0]
                    daily[longer, first, vendor].append(row[f"active_{who}"])
        assert len(daily) > 20
        for key, active in daily.items():
            assert max(active) <= active_people[key][f"active_{who}"] <= sum(active)


def test_vendors_hold_at_least_what_all_of_them_do(active_people: dict[tuple[str, date, str], Row]) -> None:
    apart: dict[tuple[str, date], list[int]] = defaultdict(list)
    for (period, start, vendor), row in active_people.items():
        if vendor != "all":
            apart[period, start].append(row["active_attendees"])

    together = {key: active_people[*key, "all"]["active_attendees"] for key in apart}
    assert all(max(apart[key]) <= together[key] <= sum(apart[key]) for key in apart)
    assert any(max(apart[key]) < together[key] < sum(apart[key]) for key in apart)


def test_the_random_rows_hold_the_awkward_people(
    person_days: list[Row], active_people: dict[tuple[str, date, str], Row]
) -> None:
    alone = {"meetings_attended": 0, "meetings_hosted": 0, "attended_seconds": 0}
    for name in alone:
        assert any(row[name] and all(not row[other] for other in alone.keys() - {name}) for row in person_days)
    assert any(row["meetings_attended"] and row["meetings_hosted"] for row in person_days)
    assert {row["is_complete"] for row in active_people.values()} == {True, False}
    assert any(not row["active_attendees"] and row["attendee_stickiness"] is None for row in active_people.values())
    assert any(not row["active_hosts"] and row["host_stickiness"] is None for row in active_people.values())
    # the week of new year belongs to two years
    assert ("week", date(2025, 12, 29), "all") in active_people
    for who in ("attendees", "hosts"):
        assert any(row[f"new_{who}"] and row[f"returning_{who}"] for row in active_people.values())
    assert any(row["identified_attendees"] < row["active_attendees"] for row in active_people.values())
