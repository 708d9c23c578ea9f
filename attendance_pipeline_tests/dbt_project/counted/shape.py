"""What shape meetings have: which belong together, how often they recur, how many are empty, large or long."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from attendance_pipeline_tests.dbt_project.facts import FactMeeting, Facts
from attendance_pipeline_tests.dbt_project.raw_rows import Row
from attendance_pipeline_tests.dbt_project.telling import seconds_from

Key = tuple[Hashable, ...]

HOST_DROP = timedelta(seconds=300)
LARGE, LONG = 50, 5400
SIZES = {"0": 0, "1": 1, "2-4": 2, "5-9": 5, "10-24": 10, "25-49": 25, "50-99": 50, "100+": 100}
"""Bands by their lower bound."""
LENGTHS = {"0-5": 0, "5-15": 5, "15-30": 15, "30-60": 30, "60-90": 60, "90+": 90}


@dataclass
class Logical:
    """One meeting and those that carried it on after its host had dropped."""

    parts: list[FactMeeting]

    @property
    def first(self) -> FactMeeting:
        return self.parts[0]

    @property
    def ended_at(self) -> datetime:
        return max(part.ended_at for part in self.parts)

    @property
    def people(self) -> set[Hashable]:
        return {attendee.person for part in self.parts for attendee in part.attendees}

    @property
    def attended_seconds(self) -> int:
        return sum(_attended(part) for part in self.parts)


def logical_meetings(facts: Facts) -> dict[Key, Row]:
    return {
        (one.first.key,): {
            "vendor": one.first.vendor,
            "series_id": one.first.series,
            "parts": len(one.parts),
            "started_at": one.first.started_at,
            "ended_at": one.ended_at,
            "ended_date": one.ended_at.date(),
            "duration_seconds": sum(map(_length, one.parts)),
            "attendees": len(one.people),
            "attended_seconds": one.attended_seconds,
            "host_email": one.first.host_email,
            "kind": one.first.kind,
        }
        for one in _logical(facts)
    }


def series(facts: Facts) -> dict[Key, Row]:
    return {
        key: {
            "occurrences": len(held),
            "is_recurring": _is_recurring(held),
            "first_ended_date": min(one.ended_at.date() for one in held),
            "last_ended_date": max(one.ended_at.date() for one in held),
            "attendees": len(set().union(*(one.people for one in held))),
            "attended_seconds": sum(one.attended_seconds for one in held),
            "average_attendees": sum(len(one.people) for one in held) / len(held),
            "host_email": held[-1].first.host_email,
        }
        for key, held in _by_series(facts).items()
    }


def series_occurrences(facts: Facts) -> dict[Key, Row]:
    rows: dict[Key, Row] = {}
    for (vendor, series_id), held in _by_series(facts).items():
        if not _is_recurring(held):
            continue
        for number, one in enumerate(held, start=1):
            before = held[number - 2].people if number > 1 else None
            rows[one.first.key,] = {
                "vendor": vendor,
                "series_id": series_id,
                "occurrence_number": number,
                "ended_date": one.ended_at.date(),
                "attendees": len(one.people),
                "previous_attendees": None if before is None else len(before),
                "returning_people": None if before is None else len(before & one.people),
                "change": None if before is None else len(one.people) - len(before),
            }
    return rows


def daily_meeting_shape(facts: Facts) -> dict[Key, Row]:
    logical = _logical(facts)
    recurring = {key for key, held in _by_series(facts).items() if _is_recurring(held)}
    ended: Counter[Key] = Counter((one.ended_at.date(), one.first.vendor, one.first.kind) for one in logical)
    drops = {part.key for one in logical for part in one.parts[1:]}
    groups: dict[Key, list[FactMeeting]] = defaultdict(list)
    for meeting in facts.meetings.values():
        groups[meeting.ended_at.date(), meeting.vendor, meeting.kind].append(meeting)
    rows: dict[Key, Row] = {}
    for key in groups.keys() | ended.keys():
        held = groups[key]
        sizes, lengths = [len(one.attendees) for one in held], [_length(one) for one in held]
        of_series = sum((one.vendor, one.series) in recurring for one in held)
        rows[key] = {
            "meetings": len(held),
            "logical_meetings": ended[key],
            "host_drops": sum(one.key in drops for one in held),
            "empty_meetings": sizes.count(0),
            "single_attendee_meetings": sizes.count(1),
            "host_only_meetings": sum({who.role for who in one.attendees} == {"host"} for one in held),
            "large_meetings": sum(size >= LARGE for size in sizes),
            "long_meetings": sum(length >= LONG for length in lengths),
            "recurring_meetings": of_series,
            "one_off_meetings": len(held) - of_series,
            "attendees": sum(sizes),
            "duration_seconds": sum(lengths),
            "median_attendees": percentile(sizes, 0.5),
            "p90_attendees": percentile(sizes, 0.9),
            "median_duration_seconds": percentile(lengths, 0.5),
            "p90_duration_seconds": percentile(lengths, 0.9),
        }
    return rows


def meeting_distribution(facts: Facts) -> dict[Key, Row]:
    groups: dict[Key, list[FactMeeting]] = defaultdict(list)
    for one in facts.meetings.values():
        size = max((band for band in SIZES if SIZES[band] <= len(one.attendees)), key=SIZES.__getitem__)
        length = max((band for band in LENGTHS if 60 * LENGTHS[band] <= _length(one)), key=LENGTHS.__getitem__)
        groups[one.ended_at.date(), one.vendor, one.kind, size, f"{length} min"].append(one)
    return {
        key: {
            "meetings": len(held),
            "attendees": sum(len(one.attendees) for one in held),
            "attended_seconds": sum(map(_attended, held)),
        }
        for key, held in groups.items()
    }


def percentile(values: Sequence[int], share: float) -> float | None:
    """Between the two values that are next to the place, in proportion."""
    if not values:
        return None
    ordered, place = sorted(values), share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _logical(facts: Facts) -> list[Logical]:
    """In order of their start."""
    found: list[Logical] = []
    latest: dict[tuple[str, str], Logical] = {}
    for meeting in sorted(facts.meetings.values(), key=lambda one: (one.started_at, one.ended_at, one.key)):
        before = latest.get((meeting.vendor, meeting.series)) if meeting.series else None
        if before and meeting.started_at <= before.ended_at + HOST_DROP:
            before.parts.append(meeting)
            continue
        found.append(Logical([meeting]))
        if meeting.series:
            latest[meeting.vendor, meeting.series] = found[-1]
    return found


def _by_series(facts: Facts) -> dict[tuple[str, str], list[Logical]]:
    found: dict[tuple[str, str], list[Logical]] = defaultdict(list)
    for one in _logical(facts):
        if one.first.series:
            found[one.first.vendor, one.first.series].append(one)
    return found


def _is_recurring(held: Iterable[Logical]) -> bool:
    return len({one.first.started_at.date() for one in held}) > 1


def _length(meeting: FactMeeting) -> int:
    return len(seconds_from(meeting.started_at, meeting.ended_at))


def _attended(meeting: FactMeeting) -> int:
    return sum(len(attendee.seconds) for attendee in meeting.attendees)
