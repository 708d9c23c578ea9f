"""How much ran at once, and who hosted it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from datetime import timedelta

from attendance_pipeline_tests.dbt_project.facts import FactMeeting, Facts
from attendance_pipeline_tests.dbt_project.raw_rows import Row
from attendance_pipeline_tests.dbt_project.telling import EPOCH, seconds_from

from .adoption import month_of, seconds_per_date

Key = tuple[Hashable, ...]
# of an hour's seconds, sorted, the one that 95 of a hundred don't exceed
NEARLY_ALWAYS = 3600 * 95 // 100 - 1


def daily_time(facts: Facts) -> dict[Key, Row]:
    days: dict[Key, Row] = defaultdict(
        lambda: dict.fromkeys(("meeting_seconds", "attended_seconds", "device_seconds", "active_seconds"), 0)
    )

    def add(vendor: str, column: str, seconds: Iterable[int]) -> None:
        for day, count in seconds_per_date(seconds).items():
            days[day, vendor][column] += count

    for meeting in facts.meetings.values():
        add(meeting.vendor, "meeting_seconds", seconds_from(meeting.started_at, meeting.ended_at))
        present: Counter[int] = Counter()
        for attendee in meeting.attendees:
            add(meeting.vendor, "attended_seconds", attendee.seconds)
            present.update(attendee.seconds)
        add(meeting.vendor, "active_seconds", (second for second, count in present.items() if count >= 2))
        for join in meeting.intervals:
            if join.room != "waiting":
                add(meeting.vendor, "device_seconds", join.seconds)
    return dict(days)


def hourly_load(facts: Facts) -> dict[Key, Row]:
    running: dict[str, Counter[int]] = defaultdict(Counter)
    present: dict[str, Counter[int]] = defaultdict(Counter)
    for meeting in facts.meetings.values():
        for vendor in (meeting.vendor, "all"):
            running[vendor].update(seconds_from(meeting.started_at, meeting.ended_at))
            for attendee in meeting.attendees:
                present[vendor].update(attendee.seconds)
    rows: dict[Key, Row] = {}
    for vendor in running:
        for hour in {second // 3600 for second in (*running[vendor], *present[vendor])}:
            seconds = range(hour * 3600, hour * 3600 + 3600)
            meetings = sorted(running[vendor][second] for second in seconds)
            attendees = sorted(present[vendor][second] for second in seconds)
            rows[EPOCH + timedelta(hours=hour), vendor] = {
                "meeting_seconds": sum(meetings),
                "attended_seconds": sum(attendees),
                "peak_concurrent_meetings": meetings[-1],
                "p95_concurrent_meetings": meetings[NEARLY_ALWAYS],
                "peak_concurrent_attendees": attendees[-1],
                "p95_concurrent_attendees": attendees[NEARLY_ALWAYS],
            }
    return rows


def _hosted(facts: Facts) -> dict[tuple[str, str], list[FactMeeting]]:
    hosted: dict[tuple[str, str], list[FactMeeting]] = defaultdict(list)
    for meeting in facts.meetings.values():
        if meeting.host_email:
            hosted[meeting.vendor, meeting.host_email].append(meeting)
    return hosted


def _seconds(meetings: Iterable[FactMeeting]) -> int:
    return sum(len(seconds_from(meeting.started_at, meeting.ended_at)) for meeting in meetings)


def hosts(facts: Facts) -> dict[Key, Row]:
    hosted = _hosted(facts)
    with_roster = {vendor for vendor, _ in facts.roster}
    rows: dict[Key, Row] = {}
    for vendor, host in hosted.keys() | facts.roster:
        meetings = hosted.get((vendor, host), [])
        dates = [meeting.ended_at.date() for meeting in meetings]
        since = (facts.as_of - max(dates)).days if dates else None
        rows[vendor, host] = {
            "host_person": facts.people[f"email:{host}"],
            "first_hosted_date": min(dates, default=None),
            "last_hosted_date": max(dates, default=None),
            "meetings": len(meetings),
            "hosted_seconds": _seconds(meetings),
            "is_on_roster": (vendor, host) in facts.roster if vendor in with_roster else None,
            "days_since_hosted": since,
            **{f"is_idle_{days}_days": since is None or since > days for days in (30, 60, 90)},
        }
    return rows


def host_months(facts: Facts) -> dict[Key, Row]:
    months: dict[Key, list[FactMeeting]] = defaultdict(list)
    for (vendor, host), meetings in _hosted(facts).items():
        for meeting in meetings:
            months[meeting.ended_at.date().replace(day=1), vendor, host].append(meeting)
    return {
        key: {
            "meetings": len(meetings),
            "hosted_seconds": _seconds(meetings),
            "days_hosted": len({meeting.ended_at.date() for meeting in meetings}),
            "attendees": sum(len(meeting.attendees) for meeting in meetings),
            "attended_seconds": sum(len(one.seconds) for meeting in meetings for one in meeting.attendees),
        }
        for key, meetings in months.items()
    }


def host_utilization(facts: Facts) -> dict[Key, Row]:
    rows: dict[Key, Row] = {}
    for vendor in {meeting.vendor for meeting in facts.meetings.values()}:
        held = [meeting for meeting in facts.meetings.values() if meeting.vendor == vendor]
        dates = [meeting.ended_at.date() for meeting in held]
        on_roster = {host for one, host in facts.roster if one == vendor}
        day = min(dates).replace(day=1)
        while day <= max(dates):
            days = month_of(day)
            of_month = [meeting for meeting in held if meeting.ended_at.date() in days]
            active = {meeting.host_email for meeting in of_month if meeting.host_email}
            known = on_roster | {
                meeting.host_email for meeting in held if meeting.host_email and meeting.ended_at.date() <= days[-1]
            }
            rows[day, vendor] = {
                "active_hosts": len(active),
                "known_hosts": len(known),
                "utilization": len(active) / len(known) if known else None,
                "meetings": len(of_month),
                "hosted_seconds": _seconds(of_month),
            }
            day = days[-1] + timedelta(days=1)
    return rows
