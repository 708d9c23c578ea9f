from __future__ import annotations

import pytest

from .conftest import Rows, assert_same_rows, by_grain
from .counted import webinars
from .facts import Facts
from .raw_rows import RawRows, Row


@pytest.fixture(scope="module")
def held(rows: Rows) -> list[Row]:
    return rows("select * from marts.webinars")


def test_webinars_equal_the_count(held: list[Row], facts: Facts, raw: RawRows) -> None:
    registered = webinars.registered_of_raw(raw, facts)

    assert_same_rows(by_grain(held, "meeting_key"), webinars.webinars(facts, registered))


def test_each_part_lies_within_its_whole(held: list[Row]) -> None:
    for row in held:
        assert row["stayed_attendees"] <= row["attendees"]
        if row["registrants_attended"] is not None:
            assert row["registrants_stayed"] <= row["registrants_attended"]
            assert row["registrants_stayed"] <= row["stayed_attendees"]
            assert row["registrants_attended"] + row["walk_ins"] == row["attendees"]


def test_the_random_rows_hold_the_awkward_webinars(held: list[Row]) -> None:
    told = {(row["vendor"], row["kind"], row["registrations"] is not None) for row in held}
    assert told == {
        ("zoom", "webinar", False),
        *(("webex", "webinar", is_told) for is_told in (True, False)),
        *(("teams", kind, is_told) for kind in ("webinar", "town_hall") for is_told in (True, False)),
        ("teams", "live_event", False),
    }
    unknown = {row["vendor"] for row in held if row["registrants_attended"] is None and row["kind"] == "webinar"}
    assert unknown == {"zoom", "webex", "teams"}
    assert any(row["registrations"] == 0 for row in held)
    assert any(row["registrants_stayed"] and row["registrants_stayed"] < row["stayed_attendees"] for row in held)
    assert any(row["registrants_stayed"] and row["walk_ins"] for row in held)
    assert any(row["attendees"] == 0 and row["registrants_attended"] == 0 for row in held)
