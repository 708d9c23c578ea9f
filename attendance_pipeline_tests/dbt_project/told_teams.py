"""What the raw rows of Teams tell, in the words all vendors share. Shares no idea with the SQL but the rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from .raw_rows import RawRows, Row
from .telling import Interval, Meeting, folded, key_of

ROLES = {"Organizer": "host", "Presenter": "presenter", "Producer": "presenter", "Attendee": "attendee"}
STRENGTH = ["host", "presenter", "attendee", None]


def meetings(raw: RawRows) -> Iterator[Meeting]:
    records = _by_report(raw.teams_attendance_records)
    booked = _by_report([row for row in raw.teams_meetings if row["route"] == "calendar" and row["report_id"]])
    for row in raw.teams_attendance_reports:
        bookings = [(route["start_time"], route["end_time"]) for route in booked[row["report_id"]]]
        if row["meeting_type"] in {"scheduled", "broadcast"} or row["kind"] in {"webinar", "town_hall"}:
            bookings = bookings or [(row["scheduled_start_time"], row["scheduled_end_time"])]
        starts = [start for start, _ in bookings if start]
        ends = [end for _, end in bookings if end]
        hosts = [record for record in records[row["report_id"]] if record["role"] == "Organizer"]
        hosts.sort(key=lambda record: (_email(record) is None, (_email(record) or "")))
        hosts.sort(key=lambda record: _account(record) is None or _account(record) != row["organizer_id"])
        of_record = _email(hosts[0]) if hosts else None
        event = row["event_id"] if row["kind"] in {"webinar", "town_hall"} else None
        yield Meeting(
            key=key_of("teams", row["report_id"]),
            vendor="teams",
            id=row["report_id"],
            series=event or row["online_meeting_id"],
            kind=row["kind"],
            title=row["subject"] or None,
            host_email=folded(row["organizer_email"]) or folded(of_record),
            started_at=row["meeting_start_time"],
            ended_at=row["meeting_end_time"],
            vendor_count=row["total_participant_count"],
            found_by=row["found_by"] or None,
            scheduled_start_at=min(starts, default=None),
            scheduled_end_at=min(ends, default=None),
        )


def intervals(raw: RawRows) -> Iterator[Interval]:
    found: list[tuple[str, Interval]] = []
    records, events = _by_report(raw.teams_attendance_records), _by_report(raw.teams_attendee_events)
    registered = {(row["report_id"], row["registration_id"]): row["email"].strip() for row in raw.teams_registrations}
    for report in raw.teams_attendance_reports:
        for record in records[report["report_id"]]:
            registration = record["registration_id"] or None
            email = _email(record) or registered.get((report["report_id"], registration or "")) or None
            person = _account(record) or registration or folded(email) or folded(record["identity_display_name"])
            tenants = report["organizer_tenant_id"], record["identity_tenant_id"]
            for joined_at, left_at in stays(record, report["meeting_end_time"]):
                interval = _interval(report["report_id"], record["identity_display_name"], email, joined_at, left_at)
                interval.account, interval.registrant = _account(record), registration
                interval.participant = _fingerprint(record)
                interval.role = ROLES.get(record["role"])
                interval.is_own = tenants[0] == tenants[1] if all(tenants) else None
                found.append((person or "", interval))
        for session, session_events in _sessions(events[report["report_id"]]).items():
            [participant] = {event["participant_id"] for event in session_events}
            names = [event["full_name"] for event in session_events if event["full_name"]]
            address = participant if "@" in (participant or "") else None
            for joined_at, left_at in _visits(
                session_events, report["meeting_start_time"], report["meeting_end_time"]
            ):
                interval = _interval(report["report_id"], min(names, default=None), address, joined_at, left_at)
                interval.account = None if address else participant or None
                interval.participant = session
                interval.client = min(
                    (event["user_agent"] for event in session_events if event["user_agent"]), default=None
                )
                interval.role = min((ROLES.get(event["role"]) for event in session_events), key=STRENGTH.index)
                found.append((session, interval))

    found.sort(key=lambda entry: _order(entry[1]))
    seen: Counter[tuple[str, str]] = Counter()
    for person, interval in found:
        natural_key = f"{person}|{interval.joined_at}"
        seen[interval.meeting, natural_key] += 1
        interval.key = key_of(interval.meeting, natural_key, str(seen[interval.meeting, natural_key]))
        interval.name = (interval.name or "").strip() or None
        interval.email = folded(interval.email)
        yield interval


def _interval(report: str, name: str | None, email: str | None, joined_at: datetime, left_at: datetime) -> Interval:
    meeting = key_of("teams", report)
    return Interval("", meeting, None, None, None, email or None, name or None, "main", joined_at, left_at)


def _order(interval: Interval) -> tuple[datetime, list[str]]:
    own = "" if interval.is_own is None else str(interval.is_own).lower()
    said = [interval.name, interval.email, interval.account, interval.registrant, interval.role]
    last = [interval.participant or "", own, interval.client or ""]
    return interval.left_at, [*(text or "" for text in said), *last]


def stays(record: Row, meeting_ended_at: datetime) -> list[tuple[datetime, datetime]]:
    found = []
    for told in record["attendance_intervals"] or []:
        joined_at, left_at = told["join_date_time"], told["leave_date_time"]
        lasted = None if told["duration_in_seconds"] is None else timedelta(seconds=told["duration_in_seconds"])
        if joined_at is None and left_at is not None and lasted is not None:
            joined_at = left_at - lasted
        if joined_at is None:
            continue
        if left_at is None:
            left_at = max(joined_at, meeting_ended_at) if lasted is None else joined_at + lasted
        if joined_at <= left_at:
            found.append((joined_at, left_at))
    return found


def _sessions(events: list[Row]) -> dict[str, list[Row]]:
    sessions: dict[str, list[Row]] = defaultdict(list)
    for event in events:
        sessions[event["session_id"]].append(event)
    return sessions


def _visits(events: list[Row], started_at: datetime, ended_at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """A walk through a session's events: there since when, or gone since when."""
    there_since: datetime | None = None
    gone_since: datetime | None = None
    for moment, action in sorted({(event["utc_event_timestamp"], event["action"]) for event in events}):
        if there_since is not None:
            yield there_since, moment
        elif action == "Left":
            yield gone_since or min(started_at, moment), moment
        there_since, gone_since = (moment, None) if action == "Joined" else (None, moment)
    if there_since is not None:
        yield there_since, max(there_since, ended_at)


def _account(record: Row) -> str | None:
    type_, id_, tenant = record["identity_type"], record["identity_id"], record["identity_tenant_id"]
    if (type_ or "").endswith("UserIdentity") or (not type_ and tenant):
        return id_ or record["record_id"] or None
    return id_ if not type_ and id_ and id_.count("-") == 4 else None


def _email(record: Row) -> str | None:
    return (record["email_address"] or "").strip() or record["identity_email"] or None


def _fingerprint(record: Row) -> str:
    """All that tells records of a report apart, their times but the first left out."""
    names = ["first_join_time", "record_id", "identity_id", "email_address", "identity_email", "registration_id"]
    parts = [record["report_id"], *(str(record[name] or "") for name in names), record["identity_display_name"] or ""]
    return key_of(*parts)


def _by_report(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["report_id"]].append(row)
    return found


def unreported(raw: RawRows) -> dict[str, str | None]:
    """Meetings without a report, by key; the routes that named each."""
    routes: dict[str, set[str]] = defaultdict(set)
    for row in raw.teams_meetings:
        routes[row["id"]].add(row["route"])
    ids = {row["meeting_id"] for row in raw.teams_readings if row["report"] == "attendance_reports"}
    return {key_of("teams", id_): ",".join(sorted(routes[id_])) or None for id_ in ids}


def remarks(raw: RawRows) -> dict[str, list[str]]:
    """By meeting, what Graph tells that doesn't fit."""
    records = _by_report(raw.teams_attendance_records)
    found: dict[str, list[str]] = defaultdict(list)
    for report in raw.teams_attendance_reports:
        said = found[key_of("teams", report["report_id"])]
        alike: dict[str, list[Row]] = defaultdict(list)
        for record in records[report["report_id"]]:
            alike[_fingerprint(record)].append(record)
        apart = timeless = 0
        for people in alike.values():
            held = [stay for record in people for stay in stays(record, report["meeting_end_time"])]
            totals = [record["total_attendance_in_seconds"] for record in people]
            total = sum(left_at.timestamp() - joined_at.timestamp() for joined_at, left_at in held)
            if not held:
                timeless += len(people)
            elif any(one is not None for one in totals) and abs(sum(one or 0 for one in totals) - total) > len(held):
                apart += len(people)
        if apart:
            said.append(f"{apart} people whose intervals differ from their total")
        if timeless:
            said.append(f"{timeless} people without times")
        if report["found_by"] in {"", "calendar"}:
            said.append(f"only listed by {report['found_by'] or 'its series'}")
        if report["source"] == "latest":
            said.append("from the latest-report call, which a later session overwrites")
    return found
