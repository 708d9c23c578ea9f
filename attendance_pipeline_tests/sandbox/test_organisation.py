import unicodedata
from collections import Counter
from datetime import date, timedelta

import pytest

from attendance_pipeline.sandbox import SIZES, Size
from attendance_pipeline.sandbox.organisation import Organisation

MONDAY = date(2026, 3, 2)


def described(organisation: Organisation, first: date, last: date) -> list[object]:
    return [
        (o.id, o.title, o.started_at, o.ended_at, o.report_ready_at, o.series.id, o.host.id)
        + tuple((s.person.id, s.joined, s.left, s.room, s.name) for s in organisation.stays(o))
        for o in organisation.ended_between(first, last)
    ]


@pytest.mark.parametrize("size", list(SIZES))
def test_the_past_does_not_depend_on_what_was_asked_before(size: str) -> None:
    one, other = Organisation(7, size), Organisation(7, size)
    list(other.started_between(MONDAY - timedelta(days=40), MONDAY - timedelta(days=20)))

    last = MONDAY + timedelta(days=6)
    backwards = [described(other, last - timedelta(days=n), last - timedelta(days=n)) for n in range(7)]
    assert sorted(map(str, described(one, MONDAY, last))) == sorted(str(row) for day in backwards for row in day)


def test_another_seed_is_another_organisation() -> None:
    assert described(Organisation(7, "small"), MONDAY, MONDAY) != described(Organisation(8, "small"), MONDAY, MONDAY)


@pytest.mark.parametrize("size", list(SIZES))
def test_only_a_solo_meeting_has_one_attendee(size: str) -> None:
    for seed in range(5):
        organisation = Organisation(seed, size)
        for occurrence in organisation.ended_between(MONDAY, MONDAY + timedelta(days=13)):
            people = {stay.person for stay in organisation.stays(occurrence) if stay.room != "waiting"}
            assert occurrence.solo == (len(people) == 1)
            assert occurrence.host in people


def test_weekdays_are_busy_and_weekends_are_not() -> None:
    organisation = Organisation(7, "demo")
    starts = Counter(o.day.weekday() for o in organisation.started_between(MONDAY, MONDAY + timedelta(days=27)))
    hours = Counter(o.started_at.hour for o in organisation.started_between(MONDAY, MONDAY + timedelta(days=27)))

    assert min(starts[day] for day in range(5)) > 5 * max(starts[5], starts[6]) > 0
    assert sum(hours[hour] for hour in range(8, 18)) > 0.8 * sum(hours.values())


def test_three_weeks_of_the_demo_are_some_280_meetings() -> None:
    organisation = Organisation(7, "demo")
    occurrences = list(organisation.ended_between(MONDAY, MONDAY + timedelta(days=20)))
    rows = [len(organisation.stays(occurrence)) for occurrence in occurrences]

    assert 250 <= len(occurrences) <= 310
    assert 3_000 <= sum(count for count in rows if count < 1_000) <= 6_000


@pytest.mark.parametrize(("rows", "days"), [(20_000, 21), (60_000, 60), (30_000, 7)])
def test_a_size_can_be_asked_for_by_rows(rows: int, days: int) -> None:
    organisation = Organisation(7, Size.of_rows(rows, days))
    occurrences = list(organisation.ended_between(MONDAY, MONDAY + timedelta(days=days - 1)))

    assert sum(len(organisation.stays(one)) for one in occurrences) == pytest.approx(rows, rel=0.15)


@pytest.mark.parametrize("size", ["small", "demo", Size.of_rows(1_000_000, 90)])
def test_names_and_addresses_are_unique_but_for_the_namesakes(size: Size | str) -> None:
    organisation = Organisation(7, size)
    people = [*organisation.employees, *organisation.guests]
    names = Counter(unicodedata.normalize("NFKC", person.name).casefold() for person in people)

    assert {name: count for name, count in names.items() if count > 1} == {"robin keller": 2}
    assert len({person.email for person in people}) == len(people)


def test_nobody_hosts_two_meetings_under_one_number_at_once() -> None:
    for size in SIZES:
        organisation = Organisation(7, size)
        last: dict[str, object] = {}
        occurrences = organisation.started_between(MONDAY, MONDAY + timedelta(days=89))
        for one in sorted(occurrences, key=lambda one: one.started_at):
            assert one.series.id not in last or last[one.series.id] < one.started_at  # type: ignore[operator]
            last[one.series.id] = one.ended_at


def test_the_mix_of_vendors_changes_nothing_but_the_vendor() -> None:
    alone = Organisation(7, "demo")
    mixed = Organisation(7, "demo", mix={"zoom": 0.5, "webex": 0.3, "teams": 0.2})
    last = MONDAY + timedelta(days=6)

    assert described(alone, MONDAY, last) == described(mixed, MONDAY, last)
    vendors = {o.series.id: o.vendor for o in mixed.started_between(MONDAY, last)}
    assert set(vendors.values()) == {"zoom", "webex", "teams"}
    assert all(vendors[o.series.id] == o.vendor for o in mixed.started_between(MONDAY, last))
