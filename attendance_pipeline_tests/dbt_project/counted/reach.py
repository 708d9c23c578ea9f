"""From which domains people came, and with which devices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from attendance_pipeline_tests.dbt_project.facts import FactAttendee, FactInterval, Facts
from attendance_pipeline_tests.dbt_project.raw_rows import Row

Key = tuple[Hashable, ...]


def daily_domains(facts: Facts) -> dict[Key, Row]:
    seen: dict[Key, list[FactAttendee]] = defaultdict(list)
    for meeting in facts.meetings.values():
        for attendee in meeting.attendees:
            domain = (attendee.email or "").partition("@")[2] or None
            seen[meeting.ended_at.date(), meeting.vendor, domain].append(attendee)
    return {
        key: {
            "is_own": None if key[-1] is None else key[-1] in facts.own_domains,
            "attendees": len(attendees),
            "people": len({attendee.person for attendee in attendees}),
            "meetings": len({attendee.meeting for attendee in attendees}),
            "attended_seconds": sum(len(attendee.seconds) for attendee in attendees),
            "external_attendees": sum(attendee.is_external is True for attendee in attendees),
            "internal_attendees": sum(attendee.is_external is False for attendee in attendees),
            "unknown_attendees": sum(attendee.is_external is None for attendee in attendees),
        }
        for key, attendees in seen.items()
    }


def daily_devices(facts: Facts) -> dict[Key, Row]:
    joins: dict[Key, list[FactInterval]] = defaultdict(list)
    who: dict[str, frozenset[str]] = {}
    for meeting in facts.meetings.values():
        who |= {join: attendee.joins for attendee in meeting.attendees for join in attendee.joins}
        for join in meeting.intervals:
            if join.room != "waiting":
                for property_, value in (("device", join.device), ("client", join.client), ("audio", join.audio)):
                    joins[meeting.ended_at.date(), meeting.vendor, property_, value].append(join)
    return {
        key: {
            "joins": len(alike),
            "attendees": len({who[join.key] for join in alike}),
            "device_seconds": sum(len(join.seconds) for join in alike),
        }
        for key, alike in joins.items()
    }
