"""Our numbers beside the vendors' own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from math import fsum

from attendance_pipeline_tests.dbt_project.facts import FactMeeting, Facts
from attendance_pipeline_tests.dbt_project.raw_rows import RawRows, Row
from attendance_pipeline_tests.dbt_project.telling import key_of, seconds_from

Key = tuple[Hashable, ...]
Measured = tuple[str, str, float, float | None]
"""The meeting, the measure, our number and the vendor's, if it says one."""


def reconciliation(facts: Facts, raw: RawRows) -> dict[Key, Row]:
    return {
        (key, measure): {
            "vendor": facts.meetings[key].vendor,
            "ended_date": facts.meetings[key].ended_at.date(),
            "ours": ours,
            "vendors": vendors,
            "difference": ours - vendors,
        }
        for key, measure, ours, vendors in (*_zoom(facts, raw), *_webex(facts, raw), *_teams(facts, raw))
        if vendors is not None
    }


def daily_reconciliation(built: list[Row]) -> dict[Key, Row]:
    """Of the rows of the mart reconciliation, whose reasons are told there alone."""
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in built:
        groups[row["ended_date"], row["vendor"], row["measure"]].append(row)
    return {
        key: {
            "meetings": len(rows),
            "ours": round(fsum(row["ours"] for row in rows), 6),
            "vendors": round(fsum(row["vendors"] for row in rows), 6),
            "difference": round(fsum(row["difference"] for row in rows), 6),
            "differing_meetings": sum(row["difference"] != 0 for row in rows),
            "unexplained_meetings": sum(row["reason"] == "unexplained" for row in rows),
            "reasons": ", ".join(sorted({row["reason"] for row in rows if row["reason"]})) or None,
        }
        for key, rows in groups.items()
    }


def _zoom(facts: Facts, raw: RawRows) -> Iterator[Measured]:
    """Every row of the report counts, those of waiting rooms too."""
    for row in raw.zoom_meetings:
        key = key_of("zoom", row["uuid"])
        meeting = facts.meetings[key]
        stayed = sum(len(join.seconds) for join in meeting.intervals)
        yield key, "joins", len(meeting.intervals), row["participants_count"]
        yield key, "device_minutes", -(-stayed // 60), row["total_minutes"]
        yield key, "duration_minutes", -(-_length(meeting) // 60), row["duration"]


def _webex(facts: Facts, raw: RawRows) -> Iterator[Measured]:
    for row in raw.webex_meetings:
        key = key_of("webex", row["meeting_id"])
        meeting = facts.meetings[key]
        yield key, "attendees", len(meeting.attendees), row["total_participants"]
        yield key, "people_minutes", _device_seconds(meeting) / 60, row["total_people_minutes"]
        yield key, "peak_attendees", _peak(meeting), row["peak_attendee"]


def _teams(facts: Facts, raw: RawRows) -> Iterator[Measured]:
    totals: dict[str, list[int]] = defaultdict(list)
    for record in raw.teams_attendance_records:
        if record["total_attendance_in_seconds"] is not None:
            totals[key_of("teams", record["report_id"])].append(record["total_attendance_in_seconds"])
    for row in raw.teams_attendance_reports:
        key = key_of("teams", row["report_id"])
        meeting = facts.meetings[key]
        yield key, "attendees", len(meeting.attendees), row["total_participant_count"]
        yield key, "device_seconds", _device_seconds(meeting), sum(totals[key]) if key in totals else None


def _held(facts: Facts, vendor: str) -> Iterator[FactMeeting]:
    return (meeting for meeting in facts.meetings.values() if meeting.vendor == vendor)


def _by_meeting(vendor: str, rows: list[Row], name: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[key_of(vendor, row[name])].append(row)
    return found


def _lasted(row: Row) -> bool:
    return bool(row["joined_time"] and row["left_time"]) and row["joined_time"] <= row["left_time"]


def _is_told(interval: Row) -> bool:
    joined_at, left_at = interval["join_date_time"], interval["leave_date_time"]
    return bool(joined_at and left_at) and joined_at <= left_at


def _length(meeting: FactMeeting) -> int:
    return len(seconds_from(meeting.started_at, meeting.ended_at))


def _device_seconds(meeting: FactMeeting) -> int:
    return sum(attendee.device_seconds for attendee in meeting.attendees)


def _peak(meeting: FactMeeting) -> int:
    moments = {second for attendee in meeting.attendees for second in attendee.seconds}
    return max((sum(moment in one.seconds for one in meeting.attendees) for moment in moments), default=0)


@dataclass
class Clues:
    """What the raw rows of one meeting say of a difference."""

    reasons: set[str]
    """What there is that could be a reason at all."""
    otherwise: dict[str, set[float]] = field(default_factory=dict)
    """By measure, what the rows come to if they are counted as the vendor might."""
    exactly: dict[str, float] = field(default_factory=dict)
    """By measure, ours before it is rounded."""
    joins: int = 0


def clues(facts: Facts, raw: RawRows) -> dict[str, Clues]:
    readings: dict[str, list[Row]] = defaultdict(list)
    for vendor in ("zoom", "webex", "teams"):
        for row in vars(raw)[f"{vendor}_readings"]:
            if row["report"] not in {"registrations", "recordings"}:
                readings[key_of(vendor, row["meeting_id"])].append(row)
    found = {**_zoom_clues(facts, raw), **_webex_clues(facts, raw), **_teams_clues(facts, raw)}
    for key, of_meeting in found.items():
        meeting = facts.meetings[key]
        of_meeting.joins = len(meeting.intervals)
        if {row["status"] for row in readings[key]} != {"complete"}:
            of_meeting.reasons.add("attendance not all held")
        if not readings[key] or not all(row["settled"] for row in readings[key]):
            of_meeting.reasons.add("not settled")
        if any(join.room == "waiting" for join in meeting.intervals):
            of_meeting.reasons.add("waiting room")
        if any(one.device_seconds > len(one.seconds) for one in meeting.attendees):
            of_meeting.reasons.add("several devices at once")
    return found


def _zoom_clues(facts: Facts, raw: RawRows) -> dict[str, Clues]:
    rows = _by_meeting("zoom", raw.zoom_participants, "meeting_uuid")
    found: dict[str, Clues] = {}
    for meeting in _held(facts, "zoom"):
        admitted = [join for join in meeting.intervals if join.room != "waiting"]
        stayed = sum(len(join.seconds) for join in admitted)
        stands_in = any(row["source"] != "participants" for row in rows[meeting.key])
        found[meeting.key] = Clues(
            reasons={"one participant"} if stands_in else set(),
            otherwise={"joins": {len(admitted)}, "device_minutes": {-(-stayed // 60)}},
            exactly={
                "device_minutes": sum(len(join.seconds) for join in meeting.intervals) / 60,
                "duration_minutes": _length(meeting) / 60,
            },
        )
    return found


def _webex_clues(facts: Facts, raw: RawRows) -> dict[str, Clues]:
    participants = _by_meeting("webex", raw.webex_participants, "meeting_id")
    attendees = _by_meeting("webex", raw.webex_attendees, "meeting_id")
    found: dict[str, Clues] = {}
    for meeting in _held(facts, "webex"):
        records, joins = participants[meeting.key], attendees[meeting.key]
        admitted = [row for row in records if row["state"] != "lobby"]
        timed = [row for row in records if any(_lasted(one) for one in (row, *(row["devices"] or [])))]
        reasons = set()
        if len(timed) < len(records) or not all(map(_lasted, joins)):
            reasons.add("records without times")
        if len(admitted) < len(records):
            reasons.add("waiting room")
        if len(records) > len(meeting.attendees):
            reasons.add("one person in several records")
        if joins:
            reasons.add("joins counted")
        attended = sum(len(one.seconds) for one in meeting.attendees)
        otherwise: dict[str, set[float]] = {
            "attendees": {len(records), len(admitted), len(timed), len(joins)} if records else {len(joins)},
            "people_minutes": {attended / 60},
        }
        found[meeting.key] = Clues(reasons, otherwise, {"people_minutes": _device_seconds(meeting) / 60})
    return found


def _teams_clues(facts: Facts, raw: RawRows) -> dict[str, Clues]:
    records = _by_meeting("teams", raw.teams_attendance_records, "report_id")
    found: dict[str, Clues] = {}
    for meeting in _held(facts, "teams"):
        reasons = set()
        told = [one for record in records[meeting.key] for one in record["attendance_intervals"] or []]
        if any(not record["attendance_intervals"] for record in records[meeting.key]):
            reasons.add("records without times")
        if any(not _is_told(one) for one in told):
            reasons |= {"broken times", "records without times"}
        if any(record["total_attendance_in_seconds"] is None for record in records[meeting.key]):
            reasons.add("records without a total")
        if len(records[meeting.key]) > len(meeting.attendees):
            reasons.add("one person in several records")
        found[meeting.key] = Clues(reasons)
        if meeting.kind != "live_event":
            found[meeting.key].otherwise["attendees"] = {len(records[meeting.key])}
    return found
