"""The marts' numbers, second by second, in plain Python. Shares no idea with the SQL but the rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from . import told_teams
from .raw_rows import RawRows, Row
from .telling import Interval, Meeting, key_of, seconds_from
from .told import intervals, meetings, webex_remarks

# of reports that hold nothing, which says what the meeting is: what may still come wins
MAY_STILL_COME = ["not_ready", "denied", "blocked", "gone"]
ROLES = ["host", "co_host", "presenter", "panelist", "attendee", None]


class Groups:
    """Union-find."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, item: Hashable) -> Hashable:
        self._parent.setdefault(item, item)
        while self._parent[item] != item:
            item = self._parent[item]
        return item

    def join(self, items: Iterable[Hashable]) -> None:
        first, *others = items
        for other in others:
            self._parent[self.find(other)] = self.find(first)


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


def expected_marts(raw: RawRows) -> Expected:
    listed = meetings(raw)
    every_interval = [interval for interval in intervals(raw) if interval.meeting in listed]
    by_meeting: dict[str, list[Interval]] = defaultdict(list)
    for interval in every_interval:
        by_meeting[interval.meeting].append(interval)

    own_domains = {meeting.host_email.split("@")[1] for meeting in listed.values() if meeting.host_email}
    groups = {meeting: _who_is_who(joins) for meeting, joins in by_meeting.items()}
    people = _people(groups)
    attendees: dict[frozenset[str], Row] = {}
    seconds_of: dict[str, list[set[int]]] = defaultdict(list)
    for meeting, attendees_joins in groups.items():
        for joins in attendees_joins:
            counted = [join for join in joins if join.room != "waiting"]
            if counted:
                present = {second for join in counted for second in join.seconds}
                seconds_of[meeting].append(present)
                attendees[frozenset(join.key for join in joins)] = _attendee(
                    listed[meeting], joins, counted, present, own_domains
                ) | {"person": people[id(joins)]}

    meeting_rows = {
        key: _meeting(meeting, [a for a in attendees.values() if a["meeting_key"] == key], seconds_of[key])
        for key, meeting in listed.items()
    }
    coverage = _coverage(raw, listed)
    coverage_days = _coverage_days(raw, coverage)
    return Expected(
        {join.key: _interval(join) for join in every_interval},
        meeting_rows,
        attendees,
        _people_rows(attendees, listed),
        _days(listed, meeting_rows, attendees, seconds_of),
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
    }


def _who_is_who(joins: list[Interval]) -> list[list[Interval]]:
    same = Groups()
    for join in joins:
        same.join([join.key, *join.ids])
    bearers: dict[str, set[Hashable]] = defaultdict(set)
    for join in joins:
        if join.ids and join.folded_name:
            bearers[join.folded_name].add(same.find(join.key))
    for join in joins:
        if not join.ids and join.folded_name:
            borne_by = bearers[join.folded_name]
            same.join([next(iter(borne_by)) if len(borne_by) == 1 else ("name", join.folded_name), join.key])
        if not join.ids and not join.folded_name and join.participant:
            same.join([("participant", join.participant), join.key])
    attendees: dict[Hashable, list[Interval]] = defaultdict(list)
    for join in joins:
        attendees[same.find(join.key)].append(join)
    return list(attendees.values())


def _people(groups: dict[str, list[list[Interval]]]) -> dict[int, Hashable]:
    same = Groups()
    everyone = [joins for attendees in groups.values() for joins in attendees]
    for joins in everyone:
        same.join([id(joins), *(token for join in joins for token in join.ids if token[0] != "registrant")])
    return {id(joins): same.find(id(joins)) for joins in everyone}


def _attendee(
    meeting: Meeting, joins: list[Interval], counted: list[Interval], present: set[int], own_domains: set[str]
) -> Row:
    emails = sorted({join.email for join in joins if join.email})
    domains = {email.split("@")[1] for email in emails if "@" in email}
    is_external: bool | None = None
    if domains:
        is_external = not domains & own_domains
    elif any(join.is_own is not None for join in joins):
        is_external = not any(join.is_own for join in joins)
    strongest = min((join.role for join in joins), key=ROLES.index)
    duration = (meeting.ended_at - meeting.started_at).total_seconds()
    first, last = min(join.joined_at for join in counted), max(join.left_at for join in counted)
    return {
        "meeting_key": joins[0].meeting,
        "display_name": _preferred_name(joins),
        "email": emails[0] if emails else None,
        "role": "host" if meeting.host_email in emails else strongest or "attendee",
        "first_joined_at": first,
        "last_left_at": last,
        "join_count": len(counted),
        "attended_seconds": len(present),
        "device_seconds": sum(len(join.seconds) for join in counted),
        "attendance_ratio": min(1.0, len(present) / duration) if duration else None,
        "late_seconds": max(0, (first - meeting.started_at).total_seconds()),
        "left_early_seconds": max(0, (meeting.ended_at - last).total_seconds()),
        "is_external": is_external,
        "is_identified": any(kind != "registrant" for join in joins for kind, _ in join.ids),
    }


def _preferred_name(joins: list[Interval]) -> str | None:
    used: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for join in joins:
        if join.name:
            used[join.name][0] -= 1
            used[join.name][1] -= len(join.seconds)
    return min(used, key=lambda name: (used[name], name.encode())) if used else None


def _meeting(meeting: Meeting, attendees: list[Row], seconds: list[set[int]]) -> Row:
    present = Counter(second for attendee in seconds for second in attendee)
    return {
        "vendor": meeting.vendor,
        "vendor_meeting_id": meeting.id,
        "kind": meeting.kind,
        "series_id": meeting.series,
        "title": meeting.title,
        "host_email": meeting.host_email,
        "ended_date": meeting.ended_at.date(),
        "duration_seconds": (meeting.ended_at - meeting.started_at).total_seconds(),
        "attendee_count": len(attendees),
        "join_count": sum(attendee["join_count"] for attendee in attendees),
        "attended_seconds": sum(attendee["attended_seconds"] for attendee in attendees),
        "device_seconds": sum(attendee["device_seconds"] for attendee in attendees),
        "active_seconds": sum(count >= 2 for count in present.values()),
        "peak_attendees": max(present.values(), default=0),
        "vendor_attendee_count": meeting.vendor_count,
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


def _days(
    listed: dict[str, Meeting],
    meeting_rows: dict[str, Row],
    attendees: dict[frozenset[str], Row],
    seconds_of: dict[str, list[set[int]]],
) -> dict[tuple[date, str], Row]:
    days: dict[tuple[date, str], Row] = {}
    for day, vendor in {(row["ended_date"], row["vendor"]) for row in meeting_rows.values()}:
        of_day = {
            key: row for key, row in meeting_rows.items() if (row["ended_date"], row["vendor"]) == (day, vendor)
        }
        running = Counter(
            second for key in of_day for second in seconds_from(listed[key].started_at, listed[key].ended_at)
        )
        present = Counter(second for key in of_day for attendee in seconds_of[key] for second in attendee)
        days[day, vendor] = {
            "meetings": len(of_day),
            "hosts": len({row["host_email"] for row in of_day.values() if row["host_email"]}),
            "attendees": _total(of_day, "attendee_count"),
            "people": len({row["person"] for row in attendees.values() if row["meeting_key"] in of_day}),
            "attended_seconds": _total(of_day, "attended_seconds"),
            "device_seconds": _total(of_day, "device_seconds"),
            "active_seconds": _total(of_day, "active_seconds"),
            "peak_concurrent_meetings": max(running.values(), default=0),
            "peak_concurrent_attendees": max(present.values(), default=0),
            "single_attendee_meetings": sum(row["attendee_count"] == 1 for row in of_day.values()),
        }
    return days


def _total(rows: dict[str, Row], column: str) -> Any:
    return sum(row[column] for row in rows.values())


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
