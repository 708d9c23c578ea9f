"""The marts' numbers, second by second, in plain Python. Shares no idea with the SQL but the rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from . import told_teams
from .facts import FactAttendee, FactMeeting, Facts
from .raw_rows import RawRows, Row
from .telling import Interval, Meeting, key_of, seconds_from
from .told import intervals, meetings, webex_remarks

# of reports that hold nothing, which says what the meeting is: what may still come wins
MAY_STILL_COME = ["not_ready", "denied", "blocked", "gone"]


@dataclass
class Expected:
    """One mart row each, keyed by what identifies it."""

    intervals: dict[str, Row]
    meetings: dict[str, Row]
    attendees: dict[frozenset[str], Row]
    people: dict[frozenset[frozenset[str]], Row]
    daily_utilization: dict[tuple[date, str], Row]
    coverage: dict[str, Row]
    coverage_days: dict[tuple[date, str], Row]
    missing: set[tuple[str, date, str | None]]


def expected_marts(raw: RawRows, facts: Facts) -> Expected:
    listed = meetings(raw)
    told = {interval.key: interval for interval in intervals(raw) if interval.meeting in listed}
    attendees = {
        attendee.joins: _attendee(meeting, attendee, [told[key] for key in attendee.joins])
        for meeting in facts.meetings.values()
        for attendee in meeting.attendees
    }
    meeting_rows = {key: _meeting(listed[key], meeting) for key, meeting in facts.meetings.items()}
    coverage = _coverage(raw, listed)
    coverage_days = _coverage_days(raw, coverage)
    return Expected(
        {key: _interval(join) for key, join in told.items()},
        meeting_rows,
        attendees,
        _people_rows(attendees, listed),
        _days(facts, meeting_rows),
        coverage,
        coverage_days,
        {(row["vendor"], row["ended_date"], key) for key, row in coverage.items() if row["is_missing"]}
        | {(vendor, day, None) for (day, vendor), row in coverage_days.items() if row["status"] != "complete"},
    )


def _interval(join: Interval) -> Row:
    return {
        "meeting_key": join.meeting,
        "display_name": join.name,
        "joined_at": join.joined_at,
        "left_at": join.left_at,
        "duration_seconds": len(join.seconds),
        "room": join.room,
        "device": join.device,
        "client": join.client,
        "audio": join.audio,
    }


def _attendee(meeting: FactMeeting, attendee: FactAttendee, joins: list[Interval]) -> Row:
    duration = (meeting.ended_at - meeting.started_at).total_seconds()
    booked = 0.0
    if meeting.scheduled_start_at and meeting.scheduled_end_at:
        booked = (meeting.scheduled_end_at - meeting.scheduled_start_at).total_seconds()
    of_hosts = max((len(host.seconds) for host in meeting.attendees if host.role == "host"), default=0)
    attended = len(attendee.seconds)
    return {
        "meeting_key": meeting.key,
        "display_name": _preferred_name(joins),
        "email": attendee.email,
        "role": attendee.role,
        "first_joined_at": attendee.first_joined_at,
        "last_left_at": attendee.last_left_at,
        "join_count": attendee.join_count,
        "attended_seconds": attended,
        "device_seconds": attendee.device_seconds,
        "attendance_ratio": min(1.0, attended / duration) if duration else None,
        "scheduled_attendance_ratio": attended / booked if booked > 0 else None,
        "host_attendance_ratio": attended / of_hosts if of_hosts else None,
        "late_seconds": max(0, (attendee.first_joined_at - meeting.started_at).total_seconds()),
        "left_early_seconds": max(0, (meeting.ended_at - attendee.last_left_at).total_seconds()),
        "is_external": attendee.is_external,
        "is_identified": attendee.is_identified,
        "person": attendee.person,
    }


def _preferred_name(joins: list[Interval]) -> str | None:
    used: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for join in joins:
        if join.name:
            used[join.name][0] -= 1
            used[join.name][1] -= len(join.seconds)
    return min(used, key=lambda name: (used[name], name.encode())) if used else None


def _meeting(told: Meeting, meeting: FactMeeting) -> Row:
    present = Counter(second for attendee in meeting.attendees for second in attendee.seconds)
    return {
        "vendor": meeting.vendor,
        "vendor_meeting_id": meeting.vendor_meeting_id,
        "kind": meeting.kind,
        "series_id": meeting.series,
        "title": told.title,
        "host_email": meeting.host_email,
        "scheduled_start_at": meeting.scheduled_start_at,
        "scheduled_end_at": meeting.scheduled_end_at,
        "ended_date": meeting.ended_at.date(),
        "duration_seconds": (meeting.ended_at - meeting.started_at).total_seconds(),
        "attendee_count": len(meeting.attendees),
        "join_count": sum(attendee.join_count for attendee in meeting.attendees),
        "attended_seconds": sum(len(attendee.seconds) for attendee in meeting.attendees),
        "device_seconds": sum(attendee.device_seconds for attendee in meeting.attendees),
        "active_seconds": sum(count >= 2 for count in present.values()),
        "peak_attendees": max(present.values(), default=0),
        "vendor_attendee_count": told.vendor_count,
    }


def _people_rows(
    attendees: dict[frozenset[str], Row], listed: dict[str, Meeting]
) -> dict[frozenset[frozenset[str]], Row]:
    members: dict[Hashable, list[frozenset[str]]] = defaultdict(list)
    for key, attendee in attendees.items():
        members[attendee["person"]].append(key)
    people: dict[frozenset[frozenset[str]], Row] = {}
    for keys in members.values():
        rows = [attendees[key] for key in keys]
        emails = [row["email"] for row in rows if row["email"]]
        external = [row["is_external"] for row in rows if row["is_external"] is not None]
        attended = [listed[row["meeting_key"]] for row in rows]
        dates = [meeting.ended_at.date() for meeting in attended]
        people[frozenset(keys)] = {
            "email": min(emails, default=None),
            "is_external": all(external) if external else None,
            "is_identified": any(row["is_identified"] for row in rows),
            "vendors": ",".join(sorted({meeting.vendor for meeting in attended})),
            "first_seen_date": min(dates),
            "last_seen_date": max(dates),
        }
    return people


def _days(facts: Facts, meeting_rows: dict[str, Row]) -> dict[tuple[date, str], Row]:
    days: dict[tuple[date, str], Row] = {}
    for day, vendor in {(row["ended_date"], row["vendor"]) for row in meeting_rows.values()}:
        held = [
            meeting
            for meeting in facts.meetings.values()
            if (meeting.ended_at.date(), meeting.vendor) == (day, vendor)
        ]
        of_day = [meeting_rows[meeting.key] for meeting in held]
        attendees = [attendee for meeting in held for attendee in meeting.attendees]
        running = Counter(second for one in held for second in seconds_from(one.started_at, one.ended_at))
        present = Counter(second for attendee in attendees for second in attendee.seconds)
        days[day, vendor] = {
            "meetings": len(held),
            "hosts": len({meeting.host_email for meeting in held if meeting.host_email}),
            "attendees": len(attendees),
            "people": len({attendee.person for attendee in attendees}),
            "attended_seconds": sum(row["attended_seconds"] for row in of_day),
            "device_seconds": sum(row["device_seconds"] for row in of_day),
            "active_seconds": sum(row["active_seconds"] for row in of_day),
            "peak_concurrent_meetings": max(running.values(), default=0),
            "peak_concurrent_attendees": max(present.values(), default=0),
            "single_attendee_meetings": sum(row["attendee_count"] == 1 for row in of_day),
        }
    return days


def _coverage(raw: RawRows, listed: dict[str, Meeting]) -> dict[str, Row]:
    readings: dict[str, list[Row]] = defaultdict(list)
    for vendor, rows in (
        ("zoom", raw.zoom_readings),
        ("webex", raw.webex_readings),
        ("teams", [row for row in raw.teams_readings if row["report"] != "recordings"]),
    ):
        for row in sorted(rows, key=lambda row: row["report"]):
            readings[key_of(vendor, row["meeting_id"])].append(row | {"vendor": vendor})
    merged = {key: _merged(reports) for key, reports in readings.items()}
    remarks = webex_remarks(raw, {key for key, reading in merged.items() if reading["settled"]})
    remarks |= told_teams.remarks(raw)
    found_by: dict[str, str | None] = dict.fromkeys(merged)
    found_by |= {key: meeting.found_by for key, meeting in listed.items()} | told_teams.unreported(raw)
    for key, reading in merged.items():
        reading["reason"] = "; ".join([*reading["reason"], *remarks.get(key, [])]) or None
    timing = {row["vendor"]: row for row in raw.vendors}
    found: dict[str, Row] = {}
    for key, routes in found_by.items():
        reading = merged.get(key) or _never_read(listed[key], timing[listed[key].vendor])
        may_be_granted = reading["status"] in {"denied", "blocked"} and not reading["settled"]
        is_missing = reading["status"] in {"partial", "not_ready"} or may_be_granted
        found[key] = reading | {"found_by": routes, "is_missing": is_missing}
    return found


def _never_read(meeting: Meeting, timing: Row) -> Row:
    return {
        "vendor": meeting.vendor,
        "ended_date": meeting.ended_at.date(),
        "status": "not_ready",
        "reason": "never read",
        "vendor_count": None,
        "held_count": 0,
        "settled": False,
        "read_at": None,
        "due_at": meeting.ended_at + timedelta(seconds=timing["first_read_seconds"]),
        "recoverable_until": meeting.ended_at + timedelta(seconds=timing["recoverable_seconds"]),
    }


def _coverage_days(raw: RawRows, coverage: dict[str, Row]) -> dict[tuple[date, str], Row]:
    rows: dict[tuple[date, str], Row] = {}
    for wanted in raw.vendors:
        vendor, day = wanted["vendor"], wanted["first_date"]
        asked = {row["ended_date"]: row for row in vars(raw)[f"{vendor}_days"]}
        while day <= wanted["as_of"]:
            midnight = datetime.combine(day, time())
            of_day = [row for row in coverage.values() if (row["vendor"], row["ended_date"]) == (vendor, day)]
            statuses = Counter(row["status"] for row in of_day)
            never = {
                "status": "never_asked",
                "reason": "never asked" if wanted["is_on"] else "never asked, the vendor is off",
                "asked_at": None,
                "settled": False,
                "rows_quarantined": 0,
                "recoverable_until": midnight + timedelta(seconds=wanted["listed_seconds"]),
            }
            told = asked.get(day, never)
            rows[day, vendor] = {
                **told,
                "reason": told["reason"] or None,
                "meetings": len(of_day),
                "held": statuses["complete"],
                **{status: statuses[status] for status in ("partial", "not_ready", "denied", "gone", "blocked")},
                "missing": sum(row["is_missing"] for row in of_day),
                "settles_at": midnight + timedelta(days=1, seconds=wanted["settles_seconds"]),
            }
            day += timedelta(days=1)
    return rows


def _merged(reports: list[Row]) -> Row:
    attendance = [row for row in reports if row["report"] != "registrations"]
    statuses = {row["status"] for row in attendance}
    if statuses == {"complete"} and any(row["status"] != "complete" for row in reports):
        status = "partial"
    elif len(statuses) == 1:
        [status] = statuses
    elif statuses & {"complete", "partial"}:
        status = "partial"
    else:
        status = min(statuses, key=MAY_STILL_COME.index)
    reasons = [
        f"{row['report']}: {row['status']}" + (f" ({row['reason']})" if row["reason"] else "")
        for row in reports
        if row["status"] != "complete" or row["reason"]
    ]
    if len(reports) == 1:
        reasons = [reports[0]["reason"]] if reports[0]["reason"] else []
    read_at = [row["read_at"] for row in reports]
    return {
        "vendor": reports[0]["vendor"],
        "ended_date": reports[0]["ended_date"],
        "status": status,
        "reason": reasons,
        "vendor_count": max(
            (row["vendor_count"] for row in attendance if row["vendor_count"] is not None), default=None
        ),
        "held_count": max(row["rows_held"] for row in attendance),
        "settled": all(row["settled"] for row in reports),
        "read_at": min(read_at) if None not in read_at else None,
        "due_at": min((row["due_at"] for row in reports if row["due_at"]), default=None),
        "recoverable_until": min(
            (row["recoverable_until"] for row in reports if row["recoverable_until"]), default=None
        ),
    }
