"""How people attend: how much of a meeting, how late, until which minute, at which hours, in how full days."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from math import fsum
from zoneinfo import ZoneInfo

from attendance_pipeline_tests.dbt_project.facts import FactAttendee, FactMeeting, Facts
from attendance_pipeline_tests.dbt_project.raw_rows import Row
from attendance_pipeline_tests.dbt_project.telling import EPOCH, seconds_from

Key = tuple[Hashable, ...]

GRACE = BACK_TO_BACK = 300
QUARTER, DAY = 900, 86400


def attendance_ratio(meeting: FactMeeting, attendee: FactAttendee) -> float | None:
    length = len(seconds_from(meeting.started_at, meeting.ended_at))
    return min(1.0, len(attendee.seconds) / length) if length else None


def _scheduled_ratio(meeting: FactMeeting, attendee: FactAttendee) -> float | None:
    begin, end = meeting.scheduled_start_at, meeting.scheduled_end_at
    return len(attendee.seconds) / (end - begin).total_seconds() if begin and end and begin < end else None


def _host_ratio(meeting: FactMeeting, attendee: FactAttendee) -> float | None:
    of_hosts = max((len(one.seconds) for one in meeting.attendees if one.role == "host"), default=0)
    return len(attendee.seconds) / of_hosts if of_hosts else None


def daily_attendance(facts: Facts) -> dict[Key, Row]:
    of_day: dict[Key, list[tuple[FactMeeting, FactAttendee]]] = defaultdict(list)
    for meeting in facts.meetings.values():
        for attendee in meeting.attendees:
            of_day[meeting.ended_at.date(), meeting.vendor].append((meeting, attendee))
    return {key: _attendance(pairs) for key, pairs in of_day.items()}


def _attendance(pairs: list[tuple[FactMeeting, FactAttendee]]) -> Row:
    attendees = [attendee for _, attendee in pairs]
    late = [len(seconds_from(meeting.started_at, one.first_joined_at)) for meeting, one in pairs]
    early = [len(seconds_from(one.last_left_at, meeting.ended_at)) for meeting, one in pairs]
    row: Row = {
        "late_attendees": sum(seconds > GRACE for seconds in late),
        "left_early_attendees": sum(seconds > GRACE for seconds in early),
        "on_time_full_attendees": sum(max(both) <= GRACE for both in zip(late, early, strict=True)),
        "late_seconds": sum(late),
        "left_early_seconds": sum(early),
    }
    for name, counted in (
        ("", attendees),
        ("identified_", [one for one in attendees if one.is_identified]),
        ("internal_", [one for one in attendees if one.is_external is False]),
        ("external_", [one for one in attendees if one.is_external is True]),
        ("unknown_", [one for one in attendees if one.is_external is None]),
    ):
        row[f"{name}attendees"] = len(counted)
        row[f"{name}attended_seconds"] = sum(len(one.seconds) for one in counted)
    for count, total, ratio_of in (
        ("ratio_attendees", "attendance_ratio_sum", attendance_ratio),
        ("scheduled_ratio_attendees", "scheduled_ratio_sum", _scheduled_ratio),
        ("host_ratio_attendees", "host_ratio_sum", _host_ratio),
    ):
        ratios = [ratio for pair in pairs if (ratio := ratio_of(*pair)) is not None]
        row[count], row[total] = len(ratios), fsum(ratios)
    return row


def drop_off(facts: Facts) -> dict[Key, Row]:
    rows: dict[Key, Row] = {}
    for meeting in facts.meetings.values():
        length = len(seconds_from(meeting.started_at, meeting.ended_at))
        for minute in range(length // 60 + 1):
            key = meeting.ended_at.date().replace(day=1), meeting.vendor, minute
            row = rows.setdefault(key, {"meetings": 0, "attendees": 0, "present_attendees": 0})
            moment = second_of(meeting.started_at) + 60 * minute
            row["meetings"] += 1
            row["attendees"] += len(meeting.attendees)
            row["present_attendees"] += sum(moment in attendee.seconds for attendee in meeting.attendees)
    for row in rows.values():
        row["present_share"] = row["present_attendees"] / row["attendees"] if row["attendees"] else None
    return rows


def heat_map(facts: Facts, zone: str = "UTC") -> dict[Key, Row]:
    meeting_seconds: Counter[Key] = Counter()
    attended_seconds: Counter[Key] = Counter()
    for meeting in facts.meetings.values():
        for second in seconds_from(meeting.started_at, meeting.ended_at):
            meeting_seconds[_cell(zone, meeting.vendor, second // QUARTER)] += 1
        for attendee in meeting.attendees:
            for second in attendee.seconds:
                attended_seconds[_cell(zone, meeting.vendor, second // QUARTER)] += 1
    return {
        key: {"meeting_seconds": meeting_seconds[key], "attended_seconds": attended_seconds[key]}
        for key in meeting_seconds.keys() | attended_seconds.keys()
    }


@cache
def _cell(zone: str, vendor: str, quarter: int) -> Key:
    """Where a quarter of an hour lies on the wall clock: no zone's clock is turned within one."""
    local = datetime.fromtimestamp(quarter * QUARTER, UTC).astimezone(ZoneInfo(zone))
    return local.date().replace(day=1), vendor, local.isoweekday(), local.hour


def person_load(facts: Facts) -> dict[Key, Row]:
    joined: dict[Key, list[FactAttendee]] = defaultdict(list)
    present: dict[Key, list[set[int]]] = defaultdict(list)
    for meeting in facts.meetings.values():
        for attendee in meeting.attendees:
            if attendee.is_identified:
                joined[attendee.person, attendee.first_joined_at.date()].append(attendee)
                for day, seconds in by_date(attendee.seconds).items():
                    present[attendee.person, day].append(seconds)
    return {key: _joins(joined[key]) | _presence(present[key]) for key in joined.keys() | present.keys()}


def _joins(attendees: list[FactAttendee]) -> Row:
    back_to_back = overlapping = 0
    ordered = sorted(attendees, key=lambda one: (one.first_joined_at, one.last_left_at))
    for place, one in enumerate(ordered):
        if place:
            left_at = max(before.last_left_at for before in ordered[:place])
            pause = (one.first_joined_at - left_at).total_seconds()
            overlapping += pause < 0
            back_to_back += 0 <= pause <= BACK_TO_BACK
    return {
        "meetings_joined": len(ordered),
        "back_to_back_meetings": back_to_back,
        "overlapping_meetings": overlapping,
    }


def _presence(pieces: list[set[int]]) -> Row:
    together = set().union(*pieces)
    attended = sum(map(len, pieces))
    longest, began, last = 0, None, None
    for second in sorted(together):
        if began is None or last is None or second - last - 1 > BACK_TO_BACK:
            began = second
        last = second
        longest = max(longest, last + 1 - began)
    return {
        "attended_seconds": attended,
        "present_seconds": len(together),
        "double_booked_seconds": attended - len(together),
        "longest_stretch_seconds": longest,
    }


def by_date(seconds: Iterable[int]) -> dict[date, set[int]]:
    """Seconds by the UTC date on which they were."""
    found: dict[int, set[int]] = defaultdict(set)
    for second in seconds:
        found[second // DAY].add(second)
    return {EPOCH.date() + timedelta(days=day): of_day for day, of_day in found.items()}


def second_of(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(seconds=1)
