from __future__ import annotations

import pytest

from .conftest import Rows, assert_same_rows, by_grain
from .counted import reach
from .facts import Facts


def test_domains_equal_the_count(rows: Rows, facts: Facts) -> None:
    built = rows("select * from marts.daily_domains")

    assert_same_rows(by_grain(built, "ended_date", "vendor", "email_domain"), reach.daily_domains(facts))
    assert {row["is_own"] for row in built} == {True, False, None}


def test_devices_equal_the_count(rows: Rows, facts: Facts) -> None:
    built = rows("select * from marts.daily_devices")

    assert_same_rows(by_grain(built, "ended_date", "vendor", "property", "value"), reach.daily_devices(facts))
    told = {(row["vendor"], row["property"]) for row in built if row["value"] is not None}
    assert told == {("webex", "device"), ("webex", "client"), ("webex", "audio"), ("teams", "client")}


def test_domains_add_up_to_the_days(rows: Rows) -> None:
    columns = "ended_date, vendor, sum(attendees) as attendees, sum(attended_seconds) as attended_seconds"
    built = rows(f"select {columns} from marts.daily_domains group by all")  # noqa: S608
    held = rows(f"select {columns} from marts.daily_utilization where attendees > 0 group by all")  # noqa: S608

    assert by_grain(built, "ended_date", "vendor") == by_grain(held, "ended_date", "vendor")


@pytest.mark.parametrize("kind", ["device", "client", "audio"])
def test_each_join_has_each_property_once(rows: Rows, kind: str) -> None:
    built = rows(
        "select vendor, sum(joins) as joins, sum(device_seconds) as device_seconds "  # noqa: S608
        f"from marts.daily_devices where property = '{kind}' group by all"
    )
    held = rows(
        "select vendor, sum(join_count) as joins, sum(device_seconds) as device_seconds "
        "from marts.meetings group by all"
    )

    assert by_grain(built, "vendor") == by_grain(held, "vendor")


def test_whoever_used_two_devices_is_an_attendee_with_both(rows: Rows) -> None:
    [built] = rows(
        "select max(attendees) filter (where attendees < joins) as rejoined, "
        "sum(attendees) filter (where property = 'device') as by_device from marts.daily_devices"
    )
    [held] = rows("select count(*) as attendees from marts.attendees")

    assert built["rejoined"] > 0
    assert built["by_device"] > held["attendees"]
