"""The marts' numbers, second by second, in plain Python. Shares no idea with the SQL but the rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import md5
from typing import Any

from .random_raw import RawRows, Row

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001


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
class Interval:
    """One join, with what is known of who it was."""

    key: str
    meeting: str
    account: str | None
    registrant: str | None
    email: str | None
    name: str | None
    room: str
    joined_at: datetime
    left_at: datetime

    @property
    def ids(self) -> list[tuple[str, str]]:
        named = {"account": self.account, "registrant": self.registrant, "email": self.email}
        return [(kind, value) for kind, value in named.items() if value]

    @property
    def folded_name(self) -> str | None:
        return self.name.lower() if self.name else None

    @property
    def seconds(self) -> range:
        return seconds_from(self.joined_at, self.left_at)


@dataclass
class Expected:
    """One mart row each, keyed by what identifies it."""

    meetings: dict[str, Row]
    attendees: dict[frozenset[str], Row]
    people: dict[frozenset[frozenset[str]], Row]
    daily_utilization: dict[tuple[date, str], Row]
    coverage: dict[str, Row]


def seconds_from(start: datetime, end: datetime) -> range:
    """The whole seconds of a half-open stretch."""
    return range(*((moment - EPOCH) // timedelta(seconds=1) for moment in (start, end)))


def key_of(*parts: str) -> str:
    return md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()


def expected_marts(raw: RawRows) -> Expected:
    listed = {key_of("zoom", row["uuid"]): row for row in raw.meetings}
    intervals = [_interval(row) for row in raw.participants]
    by_meeting: dict[str, list[Interval]] = defaultdict(list)
    for interval in intervals:
        by_meeting[interval.meeting].append(interval)

    own_domains = {row["user_email"].lower().split("@")[1] for row in raw.meetings if row["user_email"]}
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

    meetings = {
        meeting: _meeting(row, [a for a in attendees.values() if a["meeting_key"] == meeting], seconds_of[meeting])
        for meeting, row in listed.items()
    }
    return Expected(
        meetings,
        attendees,
        _people_rows(attendees, listed),
        _days(listed, meetings, attendees, seconds_of),
        _coverage(raw),
    )


def _interval(row: Row) -> Interval:
    meeting = key_of("zoom", row["meeting_uuid"])
    waiting, breakout = row["status"] == "in_waiting_room", bool(row["bo_mtg_id"])
    return Interval(
        key=key_of(meeting, row["user_id"], str(row["join_time"])),
        meeting=meeting,
        account=row["participant_user_id"] or row["id"] or None,
        registrant=row["registrant_id"] or None,
        email=row["user_email"].strip().lower() or None,
        name=row["name"].strip() or None,
        room="waiting" if waiting else "breakout" if breakout else "main",
        joined_at=row["join_time"],
        left_at=row["leave_time"],
    )


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
    meeting: Row, joins: list[Interval], counted: list[Interval], present: set[int], own_domains: set[str]
) -> Row:
    emails = sorted({join.email for join in joins if join.email})
    domains = {email.split("@")[1] for email in emails if "@" in email}
    is_external: bool | None = None
    if domains:
        is_external = not domains & own_domains
    elif any(join.account for join in joins):
        is_external = False
    duration = (meeting["end_time"] - meeting["start_time"]).total_seconds()
    first, last = min(join.joined_at for join in counted), max(join.left_at for join in counted)
    return {
        "meeting_key": joins[0].meeting,
        "display_name": _preferred_name(joins),
        "email": emails[0] if emails else None,
        "role": "host" if meeting["user_email"].lower() in emails else "attendee",
        "first_joined_at": first,
        "last_left_at": last,
        "join_count": len(counted),
        "attended_seconds": len(present),
        "device_seconds": sum(len(join.seconds) for join in counted),
        "attendance_ratio": min(1.0, len(present) / duration) if duration else None,
        "late_seconds": max(0, (first - meeting["start_time"]).total_seconds()),
        "left_early_seconds": max(0, (meeting["end_time"] - last).total_seconds()),
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


def _meeting(row: Row, attendees: list[Row], seconds: list[set[int]]) -> Row:
    present = Counter(second for attendee in seconds for second in attendee)
    return {
        "kind": "webinar" if row["is_webinar"] else "meeting",
        "series_id": str(row["id"]),
        "title": row["topic"] or None,
        "host_email": row["user_email"].lower() or None,
        "ended_date": row["end_time"].date(),
        "duration_seconds": (row["end_time"] - row["start_time"]).total_seconds(),
        "attendee_count": len(attendees),
        "join_count": sum(attendee["join_count"] for attendee in attendees),
        "attended_seconds": sum(attendee["attended_seconds"] for attendee in attendees),
        "device_seconds": sum(attendee["device_seconds"] for attendee in attendees),
        "active_seconds": sum(count >= 2 for count in present.values()),
        "peak_attendees": max(present.values(), default=0),
        "vendor_attendee_count": row["participants_count"],
    }


def _people_rows(
    attendees: dict[frozenset[str], Row], listed: dict[str, Row]
) -> dict[frozenset[frozenset[str]], Row]:
    members: dict[Hashable, list[frozenset[str]]] = defaultdict(list)
    for key, attendee in attendees.items():
        members[attendee["person"]].append(key)
    people: dict[frozenset[frozenset[str]], Row] = {}
    for keys in members.values():
        rows = [attendees[key] for key in keys]
        emails = [row["email"] for row in rows if row["email"]]
        external = [row["is_external"] for row in rows if row["is_external"] is not None]
        dates = [listed[row["meeting_key"]]["end_time"].date() for row in rows]
        people[frozenset(keys)] = {
            "email": min(emails, default=None),
            "is_external": all(external) if external else None,
            "is_identified": any(row["is_identified"] for row in rows),
            "vendors": "zoom",
            "first_seen_date": min(dates),
            "last_seen_date": max(dates),
        }
    return people


def _days(
    listed: dict[str, Row],
    meetings: dict[str, Row],
    attendees: dict[frozenset[str], Row],
    seconds_of: dict[str, list[set[int]]],
) -> dict[tuple[date, str], Row]:
    days: dict[tuple[date, str], Row] = {}
    for day in {row["ended_date"] for row in meetings.values()}:
        of_day = {key: row for key, row in meetings.items() if row["ended_date"] == day}
        running = Counter(
            second for key in of_day for second in seconds_from(listed[key]["start_time"], listed[key]["end_time"])
        )
        present = Counter(second for key in of_day for attendee in seconds_of[key] for second in attendee)
        days[day, "zoom"] = {
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


def _coverage(raw: RawRows) -> dict[str, Row]:
    readings = {row["meeting_id"]: row for row in raw.readings}
    coverage: dict[str, Row] = {}
    for meeting in raw.meetings:
        reading = readings.get(meeting["uuid"])
        coverage[key_of("zoom", meeting["uuid"])] = {
            "status": reading["status"] if reading else "not_ready",
            "reason": (reading["reason"] or None) if reading else "never read",
            "vendor_count": reading["vendor_count"] if reading else None,
            "held_count": reading["rows_held"] if reading else 0,
            "settled": reading["settled"] if reading else False,
        }
    return coverage
