"""Who attended and who hosted, day by day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import date, timedelta

from attendance_pipeline_tests.dbt_project.facts import Facts
from attendance_pipeline_tests.dbt_project.raw_rows import Row
from attendance_pipeline_tests.dbt_project.telling import EPOCH

Key = tuple[Hashable, ...]
Days = dict[date, set[Hashable]]


def date_of(second: int) -> date:
    return (EPOCH + timedelta(seconds=second)).date()


def seconds_per_date(seconds: Iterable[int]) -> dict[date, int]:
    return {date_of(day * 86400): count for day, count in Counter(second // 86400 for second in seconds).items()}


def person_days(facts: Facts) -> dict[Key, Row]:
    days: dict[Key, Row] = defaultdict(
        lambda: {"meetings_attended": 0, "meetings_hosted": 0, "attended_seconds": 0},
    )
    for meeting in facts.meetings.values():
        ended_date = meeting.ended_at.date()
        if meeting.host_person is not None:
            days[meeting.host_person, meeting.vendor, ended_date]["meetings_hosted"] += 1
        for attendee in meeting.attendees:
            days[attendee.person, meeting.vendor, ended_date]["meetings_attended"] += 1
            for day, seconds in seconds_per_date(attendee.seconds).items():
                days[attendee.person, meeting.vendor, day]["attended_seconds"] += seconds
    return dict(days)


def active_people(facts: Facts) -> dict[Key, Row]:
    attended: dict[str, Days] = defaultdict(lambda: defaultdict(set))
    hosted: dict[str, Days] = defaultdict(lambda: defaultdict(set))
    identified: set[Hashable] = set()
    for meeting in facts.meetings.values():
        for vendor in (meeting.vendor, "all"):
            people = {attendee.person for attendee in meeting.attendees}
            attended[vendor][meeting.ended_at.date()] |= people
            hosted[vendor][meeting.ended_at.date()] |= {meeting.host_person} - {None}
        identified |= {attendee.person for attendee in meeting.attendees if attendee.is_identified}

    rows: dict[Key, Row] = {}
    for vendor in attended:
        dates = {day for days in (attended[vendor], hosted[vendor]) for day, people in days.items() if people}
        for period, days_of in PERIODS.items():
            for days in {days_of(day) for day in dates}:
                attendees, hosts = _active(attended[vendor], days), _active(hosted[vendor], days)
                active = set().union(*(attended[vendor][day] for day in days))
                rows[period, days[0], vendor] = {
                    **{f"{name}_attendees": number for name, number in attendees.items() if name != "stickiness"},
                    **{f"{name}_hosts": number for name, number in hosts.items() if name != "stickiness"},
                    "identified_attendees": len(active & identified),
                    "attendee_stickiness": attendees["stickiness"],
                    "host_stickiness": hosts["stickiness"],
                    "days": len(days),
                    "is_complete": days[-1] < facts.as_of,
                }
    return rows


def _active(people_of: Days, days: tuple[date, ...]) -> Row:
    active: set[Hashable] = set().union(*(people_of[day] for day in days))
    before: set[Hashable] = set().union(*(people for day, people in people_of.items() if day < days[0]))
    average = sum(len(people_of[day]) for day in days) / len(days)
    return {
        "active": len(active),
        "new": len(active - before),
        "returning": len(active & before),
        "average_daily": average,
        "stickiness": average / len(active) if active else None,
    }


def _day(day: date) -> tuple[date, ...]:
    return (day,)


def _week(day: date) -> tuple[date, ...]:
    year, week, _ = day.isocalendar()
    return tuple(date.fromisocalendar(year, week, weekday) for weekday in range(1, 8))


def month_of(day: date) -> tuple[date, ...]:
    days = (day.replace(day=1) + timedelta(days=number) for number in range(31))
    return tuple(one for one in days if one.month == day.month)


PERIODS: dict[str, Callable[[date], tuple[date, ...]]] = {"day": _day, "week": _week, "month": month_of}
