"""The worked questions of dbt_project/analyses, asked of the built file, beside plain answers from counted marts."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from attendance_pipeline.dbt import MANIFEST

from .brute_force import Expected
from .conftest import PROJECT, Rows
from .counted.shape import percentile
from .counted_marts import CountedMarts
from .facts import Facts
from .raw_rows import RawRows, Row

HOUR, MINUTE = 3600, 60
QUESTIONS = {path.stem: path.read_text() for path in sorted((PROJECT / "analyses").glob("*.sql"))}

# a row per join, per attendee or per person and date: too many for an answer at once
LARGE = {"attendance_intervals", "attendees", "meetings", "people", "person_days"}

Answer = Callable[[CountedMarts], Iterable[tuple[Any, ...]]]
ANSWERS: dict[str, Answer] = {}


def answers(number: int) -> Callable[[Answer], Answer]:
    [name] = [name for name in QUESTIONS if name.startswith(f"{number:02}_")]

    def keep(answer: Answer) -> Answer:
        ANSWERS[name] = answer
        return answer

    return keep


def comment_of(question: str) -> str:
    lines = QUESTIONS[question].splitlines()
    return " ".join(line.removeprefix("-- ") for line in lines if line.startswith("-- "))


def columns_of(question: str) -> list[str]:
    return comment_of(question).split("Columns: ")[1].split(", ")


def grouped(rows: Iterable[Row], *names: str) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    """By these columns; `month` is that of the row's date."""
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(month_of(row) if name == "month" else row[name] for name in names)].append(row)
    yield from sorted(found.items(), key=lambda item: [(value is None, value) for value in item[0]])


def month_of(row: Row) -> date:
    day: date = row["ended_date"] if "ended_date" in row else row["activity_date"]
    return day.replace(day=1)


def total(rows: list[Row], column: str) -> Any:
    told = [row[column] for row in rows if row[column] is not None]
    return math.fsum(told) if told else None


def share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


@answers(1)
def people_of_the_months(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    months = [row for row in marts["active_people"] if row["period"] == "month"]
    for row in sorted(months, key=lambda row: (-row["period_start"].toordinal(), row["vendor"])):
        people = (row["active_attendees"], row["new_attendees"], row["returning_attendees"])
        yield (
            *(row["period_start"], row["vendor"], row["is_complete"], *people),
            *(row["attendee_stickiness"], row["active_hosts"]),
        )


@answers(2)
def growth_of_the_weeks(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    before = None
    weeks = [row for row in marts["active_people"] if (row["period"], row["vendor"]) == ("week", "all")]
    for row in sorted(weeks, key=lambda row: row["period_start"]):
        people = row["active_attendees"]
        change = (people - before) / before if before else None
        yield (
            *(row["period_start"], row["is_complete"], people, change, row["new_attendees"]),
            *(row["active_hosts"], row["new_hosts"]),
        )
        before = people


@answers(3)
def time_of_the_vendors(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    for (month,), of_month in grouped(marts["daily_time"], "month"):
        seconds = {vendor: total(rows, "attended_seconds") for (vendor,), rows in grouped(of_month, "vendor")}
        running = {vendor: total(rows, "meeting_seconds") for (vendor,), rows in grouped(of_month, "vendor")}
        for vendor in sorted(seconds, key=lambda vendor: (-seconds[vendor], vendor)):
            part = share(seconds[vendor], sum(seconds.values()))
            yield month, vendor, seconds[vendor] / HOUR, part, running[vendor] / HOUR


@answers(4)
def meetings_at_once(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    for (vendor,), hours in grouped(marts["hourly_load"], "vendor"):
        peak = max(row["peak_concurrent_meetings"] for row in hours)
        hour = min(row["hour_start"] for row in hours if row["peak_concurrent_meetings"] == peak)
        usual = percentile([row["p95_concurrent_meetings"] for row in hours], 0.95)
        yield vendor, peak, hour, usual, max(row["peak_concurrent_attendees"] for row in hours)


@answers(5)
def idle_hosts(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    def longest_idle(row: Row) -> tuple[Any, ...]:
        since = row["days_since_hosted"]
        return since is not None, -(since or 0), row["vendor"], row["host_email"]

    for row in sorted((row for row in marts["hosts"] if row["is_idle_90_days"]), key=longest_idle):
        told = (row["is_on_roster"], row["last_hosted_date"], row["days_since_hosted"], row["meetings"])
        yield row["vendor"], row["host_email"], *told


@answers(6)
def use_of_licences(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    of_months = marts["host_utilization"]
    for row in sorted(of_months, key=lambda row: (-row["month_start"].toordinal(), row["vendor"])):
        active = row["active_hosts"]
        yield (
            *(row["month_start"], row["vendor"], active, row["known_hosts"], row["utilization"]),
            *(share(row["meetings"], active), share(row["hosted_seconds"] / HOUR, active)),
        )


@answers(7)
def busy_hours(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    cells = list(grouped(marts["heat_map"], "weekday", "hour"))
    everything = total(marts["heat_map"], "attended_seconds")
    for (weekday, hour), rows in sorted(cells, key=lambda cell: -total(cell[1], "attended_seconds")):
        if seconds := total(rows, "attended_seconds"):
            yield weekday, hour, seconds / HOUR, seconds / everything, total(rows, "meeting_seconds") / HOUR


@answers(8)
def lengths_and_sizes(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    of_kind = [row for row in marts["meeting_distribution"] if row["kind"] == "meeting"]
    bands = list(grouped(of_kind, "duration_band", "size_band"))
    for (duration, size), rows in sorted(bands, key=lambda band: -total(band[1], "attended_seconds")):
        meetings, seconds = total(rows, "meetings"), total(rows, "attended_seconds")
        yield (
            *(duration, size, meetings, meetings / total(of_kind, "meetings")),
            *(seconds / HOUR, share(seconds, total(of_kind, "attended_seconds"))),
        )


@answers(9)
def meetings_that_met_nobody(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    of_kind = [row for row in marts["daily_meeting_shape"] if row["kind"] == "meeting"]
    for key, rows in grouped(of_kind, "month", "vendor"):
        names = ["meetings", "empty_meetings", "single_attendee_meetings", "host_only_meetings"]
        meetings, empty, single, host_only = (total(rows, name) for name in names)
        yield *key, meetings, empty, single, host_only, (empty + single) / meetings, total(rows, "host_drops")


@answers(10)
def costly_series(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    recurring = [row for row in marts["series"] if row["is_recurring"]]
    recurring.sort(key=lambda row: (-row["attended_seconds"], row["vendor"], row["series_id"].encode()))
    for row in recurring[:20]:
        hours = row["attended_seconds"] / HOUR
        told = (row["vendor"], row["series_id"], row["host_email"], row["occurrences"], row["average_attendees"])
        yield *told, hours, hours / row["occurrences"]


@answers(11)
def series_that_shrink(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    found = []
    for (vendor, series_id), held in grouped(marts["series_occurrences"], "vendor", "series_id"):
        held.sort(key=lambda row: row["occurrence_number"])
        could_return = total(held, "previous_attendees")
        if len(held) >= 3 and could_return:
            came_back = total(held, "returning_people") / could_return
            found.append((vendor, series_id, len(held), held[0]["attendees"], held[-1]["attendees"], came_back))
    return sorted(found, key=lambda row: (row[-1], row[0], row[1].encode()))[:20]


@answers(12)
def punctuality(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    for key, rows in grouped(marts["daily_attendance"], "month", "vendor"):
        attendees = total(rows, "attendees")
        yield (
            *(*key, attendees, share(total(rows, "late_attendees"), attendees)),
            *(share(total(rows, "late_seconds") / MINUTE, attendees),),
            *(share(total(rows, column), attendees) for column in ("left_early_attendees", "on_time_full_attendees")),
            share(total(rows, "attendance_ratio_sum"), total(rows, "ratio_attendees")),
        )


@answers(13)
def minutes_at_which_people_leave(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    for (minute,), rows in grouped(marts["drop_off"], "minute"):
        if minute in range(0, 121, 5):
            attendees = total(rows, "attendees")
            yield minute, total(rows, "meetings"), attendees, share(total(rows, "present_attendees"), attendees)


@answers(14)
def density_of_days(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    for (month,), rows in grouped(marts["person_load"], "month"):
        joined = total(rows, "meetings_joined")
        yield (
            *(month, len(rows), joined / len(rows), total(rows, "present_seconds") / HOUR / len(rows)),
            share(total(rows, "back_to_back_meetings"), joined),
            share(total(rows, "double_booked_seconds"), total(rows, "attended_seconds")),
            max(row["longest_stretch_seconds"] for row in rows) / HOUR,
        )


@answers(15)
def people_in_meetings_all_day(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    days: dict[Any, list[int]] = defaultdict(list)
    latest = max(row["activity_date"] for row in marts["person_load"])
    for row in marts["person_load"]:
        if latest - row["activity_date"] < timedelta(days=30):
            days[row["person"]].append(row["present_seconds"])
    averages = [sum(seconds) / HOUR / len(seconds) for seconds in days.values()]
    for band, low, high in (("0-1 h", 0, 1), ("1-3 h", 1, 3), ("3-5 h", 3, 5), ("5+ h", 5, 25)):
        if people := sum(low <= average < high for average in averages):
            yield band, people, people / len(averages)


@answers(16)
def domains_outside(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    domains = list(grouped((row for row in marts["daily_domains"] if row["is_own"] is False), "email_domain"))
    domains.sort(key=lambda domain: -total(domain[1], "attended_seconds"))
    for (domain,), rows in domains[:20]:
        dates = [row["ended_date"] for row in rows]
        yield domain, total(rows, "attendees"), total(rows, "attended_seconds") / HOUR, min(dates), max(dates)


@answers(17)
def time_of_outsiders(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    for key, rows in grouped(marts["daily_attendance"], "month", "vendor"):
        seconds = total(rows, "attended_seconds")
        parts = [total(rows, f"{who}_attended_seconds") for who in ("internal", "external", "unknown", "identified")]
        yield *key, seconds / HOUR, *(share(part, seconds) for part in parts)


@answers(18)
def what_people_join_with(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    for key, of_property in grouped(marts["daily_devices"], "vendor", "property"):
        values = list(grouped(of_property, "value"))
        for (value,), rows in sorted(values, key=lambda item: -total(item[1], "joins")):
            yield *key, value, total(rows, "joins"), total(rows, "joins") / total(of_property, "joins")


@answers(19)
def webinars_of_the_months(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    for key, rows in grouped(marts["webinars"], "month", "vendor", "kind"):
        both = [row for row in rows if None not in (row["registrations"], row["registrants_attended"])]
        rate = share(total(both, "registrants_attended"), total(both, "registrations"))
        attendees = total(rows, "attendees")
        stayed = share(total(rows, "stayed_attendees"), attendees)
        yield *key, len(rows), attendees, total(rows, "registrations"), rate, stayed


@answers(20)
def trust(marts: CountedMarts) -> Iterable[tuple[Any, ...]]:
    for (vendor,), days in grouped(marts["coverage_days"], "vendor"):
        listed = total(days, "meetings")
        compared = [row for row in marts["daily_reconciliation"] if row["vendor"] == vendor]
        yield (
            *(vendor, listed, share(total(days, "held"), listed), total(days, "missing")),
            sum(row["status"] != "complete" for row in days),
            *(total(compared, name) or 0 for name in ("meetings", "differing_meetings", "unexplained_meetings")),
        )


@pytest.fixture(scope="session")
def marts(raw: RawRows, facts: Facts, expected: Expected, rows: Rows) -> CountedMarts:
    return CountedMarts(raw, facts, expected, rows("select * from marts.reconciliation"))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered(question: str, rows: Rows, marts: CountedMarts) -> None:
    answer = rows(re.sub(r"{{ ref\('(\w+)'\) }}", r"marts.\1", QUESTIONS[question]))

    assert answer
    assert [*answer[0]] == columns_of(question)
    told = [tuple(row.values()) for row in answer]
    counted = [tuple(row) for row in ANSWERS[question](marts)]
    assert len(told) == len(counted)
    for one, other in zip(told, counted, strict=True):
        assert all(map(alike, one, other)), (one, other)
    # what is null throughout says nothing
    assert all(any(value is not None for value in column) for column in zip(*told, strict=True))


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return one is not None and other is not None and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-7)
    return bool(one == other)


def test_there_are_twenty_and_each_has_an_answer() -> None:
    assert [name[:3] for name in QUESTIONS] == [f"{number:02}_" for number in range(1, 21)]
    assert ANSWERS.keys() == QUESTIONS.keys()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_says_what_it_asks_and_how_to_read_the_answer(question: str) -> None:
    asked, _, told = comment_of(question).partition("?")

    assert len(asked.split()) > 3
    assert " One row per " in told
    assert " Read " in told
    assert " Columns: " in told


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_asks_compact_marts_alone(question: str) -> None:
    manifest = json.loads(MANIFEST.read_text())["nodes"]
    asked = manifest[f"analysis.attendance.{question}"]["depends_on"]["nodes"]

    assert asked
    for node in asked:
        assert manifest[node]["schema"] == "marts"
        assert manifest[node]["name"] not in LARGE
