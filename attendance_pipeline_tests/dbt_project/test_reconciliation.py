from __future__ import annotations

import pytest

from .conftest import Rows, assert_same_rows, by_grain
from .counted import reconciliation
from .counted.reconciliation import Clues
from .facts import Facts
from .raw_rows import RawRows, Row

SAID = {"reason", "is_explained"}


@pytest.fixture(scope="module")
def compared(rows: Rows) -> list[Row]:
    return rows("select * from marts.reconciliation")


@pytest.fixture(scope="module")
def clues(facts: Facts, raw: RawRows) -> dict[str, Clues]:
    return reconciliation.clues(facts, raw)


def test_both_numbers_equal_the_count(compared: list[Row], facts: Facts, raw: RawRows) -> None:
    numbers = [{name: row[name] for name in row.keys() - SAID} for row in compared]

    assert_same_rows(by_grain(numbers, "meeting_key", "measure"), reconciliation.reconciliation(facts, raw))


def test_daily_reconciliation_equals_the_count(rows: Rows, compared: list[Row]) -> None:
    daily = by_grain(rows("select * from marts.daily_reconciliation"), "ended_date", "vendor", "measure")

    assert_same_rows(daily, reconciliation.daily_reconciliation(compared))


def test_a_difference_has_a_reason_and_nothing_else_has(compared: list[Row]) -> None:
    for row in compared:
        assert (row["reason"] is None) == (row["difference"] == 0)
        assert row["is_explained"] == (row["reason"] != "unexplained")


def test_no_reason_is_given_that_the_rows_do_not_bear_out(compared: list[Row], clues: dict[str, Clues]) -> None:
    for row in compared:
        of_meeting = clues[row["meeting_key"]]
        for reason in (row["reason"] or "unexplained").split("; "):
            match reason:
                case "unexplained":
                    pass
                case "rounding":
                    assert may_be_rounded(row, of_meeting)
                case "rounding of each join":
                    assert abs(row["difference"]) <= of_meeting.joins
                case _:
                    assert reason in of_meeting.reasons
                    assert reason != "attendance not all held" or row["difference"] < 0


def test_what_is_unexplained_has_no_reason_to_be_found(compared: list[Row], clues: dict[str, Clues]) -> None:
    unexplained = [row for row in compared if row["reason"] == "unexplained"]
    for row in unexplained:
        of_meeting = clues[row["meeting_key"]]
        assert not may_be_rounded(row, of_meeting)
        # whoever counts joins or records counts no fewer than people
        if row["measure"] != "attendees" or row["difference"] < 0:
            assert row["vendors"] not in of_meeting.otherwise.get(row["measure"], set())
        assert "not settled" not in of_meeting.reasons
        if row["difference"] < 0 and row["measure"] != "duration_minutes":
            assert "attendance not all held" not in of_meeting.reasons
    assert len({(row["vendor"], row["measure"]) for row in unexplained}) == 8


def test_the_random_rows_hold_every_reason(compared: list[Row]) -> None:
    said = {reason for row in compared for reason in (row["reason"] or "unexplained").split("; ")}

    assert said == {
        *("rounding", "rounding of each join", "waiting room", "one person in several records"),
        *("records without times", "records without a total", "joins counted", "several devices at once"),
        *("broken times", "attendance not all held", "not settled", "unexplained"),
    }


def may_be_rounded(row: Row, of_meeting: Clues) -> bool:
    """Minutes are rounded up or down, and what they are made of is cut to the second."""
    if row["measure"] in of_meeting.exactly:
        cut = {"device_minutes": of_meeting.joins, "people_minutes": 0}.get(row["measure"], 1)
        return bool(abs(of_meeting.exactly[row["measure"]] - row["vendors"]) < 1 + cut / 60)
    return bool(row["measure"] == "device_seconds" and abs(row["difference"]) <= of_meeting.joins)
