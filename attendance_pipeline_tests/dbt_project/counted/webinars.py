"""Webinars, town halls and live events: who registered, who came of them, who stayed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from attendance_pipeline_tests.dbt_project.facts import FactAttendee, FactMeeting, Facts
from attendance_pipeline_tests.dbt_project.raw_rows import RawRows, Row
from attendance_pipeline_tests.dbt_project.telling import Interval, key_of
from attendance_pipeline_tests.dbt_project.told import intervals, webex_person

from .behavior import attendance_ratio

Key = tuple[Hashable, ...]

KINDS = {"webinar", "town_hall", "live_event"}
STAYED = 0.75


@dataclass
class Registered:
    """What a vendor tells of a meeting's registrations."""

    count: int | None
    # the joins of each attendee who is tied to one
    attendees: set[frozenset[str]] | None


def webinars(facts: Facts, registered: dict[str, Registered]) -> dict[Key, Row]:
    return {
        (key,): _row(meeting, registered[key]) for key, meeting in facts.meetings.items() if meeting.kind in KINDS
    }


def registered_of_raw(raw: RawRows, facts: Facts) -> dict[str, Registered]:
    """Zoom has no list of those who registered, Webex only counts them, live events have nobody register."""
    told = {interval.key: interval for interval in intervals(raw)}
    counts: dict[str, int | None] = {
        key_of("webex", row["meeting_id"]): row["total_registered"] for row in raw.webex_meetings
    }
    active: dict[str, set[str]] = defaultdict(set)
    refused: dict[str, set[str]] = defaultdict(set)
    for row in raw.teams_registrations:
        is_active = row["status"] not in {"canceled", "rejectedByOrganizer"}
        (active if is_active else refused)[key_of("teams", row["report_id"])].add(row["registration_id"])
    held = set()
    for vendor, readings in (
        ("zoom", raw.zoom_readings),
        ("webex", raw.webex_readings),
        ("teams", raw.teams_readings),
    ):
        for row in readings:
            key = key_of(vendor, row["meeting_id"])
            if row["report"] == "registrations" and row["status"] == "complete":
                counts[key] = len(active[key])
            elif row["report"] not in {"registrations", "recordings"} and row["status"] in {"complete", "partial"}:
                held.add(key)
    flagged: dict[str, set[str | None]] = defaultdict(set)
    told_either_way = set()
    for row in raw.webex_attendees:
        if row["registered"] is not None:
            told_either_way.add(key_of("webex", row["meeting_id"]))
        if row["registered"]:
            flagged[key_of("webex", row["meeting_id"])].add(webex_person(row))

    def is_tied(meeting: FactMeeting, join: Interval) -> bool:
        if meeting.vendor == "webex":
            known_as = join.email or join.folded_name
            return known_as is not None and known_as in flagged[meeting.key]
        return bool(join.registrant) and join.registrant not in refused[meeting.key]

    found: dict[str, Registered] = {}
    for key, meeting in facts.meetings.items():
        tied = {one.joins for one in meeting.attendees if any(is_tied(meeting, told[join]) for join in one.joins)}
        # where nobody came, nobody was to be flagged
        is_flagged = meeting.vendor != "webex" or key in told_either_way or not meeting.attendees
        is_told = meeting.kind != "live_event" and is_flagged and (key in held or bool(meeting.attendees))
        found[key] = Registered(counts.get(key), tied if is_told else None)
    return found


def _row(meeting: FactMeeting, registered: Registered) -> Row:
    stayed = [one for one in meeting.attendees if (attendance_ratio(meeting, one) or 0) >= STAYED]
    came, remained = _tied(meeting.attendees, registered), _tied(stayed, registered)
    return {
        "vendor": meeting.vendor,
        "kind": meeting.kind,
        "ended_date": meeting.ended_at.date(),
        "registrations": registered.count,
        "registrants_attended": came,
        "walk_ins": None if came is None else len(meeting.attendees) - came,
        "attendees": len(meeting.attendees),
        "stayed_attendees": len(stayed),
        "registrants_stayed": remained,
        "attendance_rate": _share(came, registered.count),
        "stayed_share_of_attendees": _share(len(stayed), len(meeting.attendees)),
        "stayed_share_of_registrations": _share(remained, registered.count),
    }


def _tied(attendees: Iterable[FactAttendee], registered: Registered) -> int | None:
    if registered.attendees is None:
        return None
    return sum(one.joins in registered.attendees for one in attendees)


def _share(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None
