"""Awkward Teams rows."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from . import random_times
from .random_people import host_of
from .raw_rows import RawRows, Row

NAMES = ["Ana", "Ben", " ben ", "Chloë", "guest", "GUEST", "", "山田", "Call-in User_2", None]
STATUSES = ["complete", "complete", "complete", "partial", "not_ready", "denied", "gone", "blocked"]
KINDS = ["meeting", "meeting", "meeting", "webinar", "town_hall", "live_event"]
REGISTRATIONS = [*["registered"] * 5, "canceled", "waitlisted", "pendingApproval", "rejectedByOrganizer"]
BROWSERS = ["Mozilla/5.0 (Macintosh)", "Mozilla/5.0 (X11)", "", None]
USER = "#microsoft.graph.communicationsUserIdentity"
PHONE = "#microsoft.graph.communicationsPhoneIdentity"
GUEST = "#microsoft.graph.communicationsGuestIdentity"


def add_meeting(chance: random.Random, rows: RawRows, number: int) -> None:
    report_id, kind, series = f"report-{number}", KINDS[number % len(KINDS)], number % 30
    started_at = random_times.begins(chance, number)
    online_meeting_id = f"online-{series}" if number % 11 else None
    event_id = f"event-{series}" if kind in {"webinar", "town_hall"} and number % 4 else None
    if random_times.is_again(number):
        last = rows.teams_attendance_reports[-1]
        kind, online_meeting_id, event_id = last["kind"], last["online_meeting_id"], last["event_id"]
        started_at = random_times.begins_again(number, last["meeting_end_time"])
    seconds = random_times.lasts(chance, number, started_at)
    ended_at = started_at + timedelta(seconds=seconds)
    organizer = chance.randrange(40)
    host = host_of(chance, started_at) or chance.choice(["", None])
    same = {"report_id": report_id, "ended_date": ended_at.date()}
    routes = chance.choice(["call_records", "calendar,call_records", "calendar", ""])
    rows.teams_attendance_reports.append(
        {
            **same,
            "kind": kind,
            "source": "live_event" if kind == "live_event" else chance.choice(["list"] * 5 + ["latest"]),
            "online_meeting_id": online_meeting_id,
            "event_id": event_id,
            "organizer_id": chance.choice([account_of(organizer), None]),
            "organizer_tenant_id": chance.choice(["own", "own", "own", "", None]),
            "organizer_email": host,
            "subject": chance.choice(["Weekly", ""]),
            "total_participant_count": chance.choice([None, 0, 1, 2, 3]),
            "meeting_type": chance.choice(["scheduled", "recurring", "broadcast", "meetNow", "", None]),
            **_scheduled(chance, started_at),
            "meeting_start_time": started_at,
            "meeting_end_time": ended_at,
            "found_by": routes,
        }
    )
    if kind == "live_event":
        events = _events(chance, started_at, seconds)
        rows.teams_attendee_events += [same | event for event in events]
        told = {"attendee_events": len(events), "recordings": 99}
    else:
        crowd = chance.sample(range(40), chance.choice([0, 1, 2, 4, 8]))
        records = [
            same | _seen_of(chance, who, host, report_id) | _times(chance, started_at, seconds) for who in crowd
        ]
        if records and number % 7 == 0:
            records.append(dict(records[0]))
        rows.teams_attendance_records += records
        told = {"attendance_records": len(records)}
    if kind in {"webinar", "town_hall"}:
        # nobody registered, or nobody tells
        rows.teams_registrations += [
            same
            | {
                "registration_id": f"{report_id}-{who}",
                "email": chance.choice([f"Who{who}@own.example ", ""]),
                "status": chance.choice(REGISTRATIONS),
            }
            for who in range(0, chance.choice([0, 40, 40, 40]), 3)
        ]
        told["registrations"] = 50
    if number % 8:
        statuses = chance.choice([STATUSES, ["complete"]])
        rows.teams_readings += [
            reading
            for report, held in told.items()
            if (reading := _reading(chance, statuses, report_id, ended_at, report, held))["status"] != "gone"
            or report != "registrations"
        ]
    _add_routes(chance, rows, number, routes, ended_at)


def account_of(who: int) -> str:
    return f"{who:08x}-0000-4000-8000-000000000000"


def _add_routes(chance: random.Random, rows: RawRows, number: int, routes: str, ended_at: datetime) -> None:
    """What the routes knew: of this meeting, and of one without report."""
    same = {"start_time": ended_at - timedelta(hours=1), "end_time": ended_at, "ended_date": ended_at.date()}
    booked = [_booking(chance, ended_at) for _ in range(2 if number % 13 == 0 else 1)]
    rows.teams_meetings += [
        {
            **same,
            **booking,
            "route": route,
            "id": f"{route}-{number}-{place}",
            "report_id": f"report-{number}",
            "status": "found",
        }
        for route in routes.split(",")
        for place, booking in enumerate(booked)
        if route
    ]
    if number % 6 == 0:
        for route in chance.choice([["call_records"], ["calendar"], ["webinars", "town_halls"]]):
            status = chance.choice(["denied", "not_ready"])
            rows.teams_meetings.append(
                {**same, "route": route, "id": f"unreported-{number}", "report_id": None, "status": status}
            )
        rows.teams_readings.append(
            _reading(chance, STATUSES[4:], f"unreported-{number}", ended_at, "attendance_reports", 0)
        )


def _scheduled(chance: random.Random, started_at: datetime) -> Row:
    """Known or not, of no length, rarely the wrong way round, on another day for what recurs."""
    start = started_at + timedelta(seconds=chance.choice([0, 0, 300, -300, -7 * 86400]))
    lasting = timedelta(seconds=chance.choice([1800, 1800, 600, 0, -60]))
    return {
        "scheduled_start_time": chance.choice([start, start, start, None]),
        "scheduled_end_time": chance.choice([start + lasting, start + lasting, start + lasting, None]),
    }


def _booking(chance: random.Random, ended_at: datetime) -> Row:
    end = ended_at + timedelta(seconds=chance.choice([0, 0, 300, -300]))
    return {
        "start_time": chance.choice([end - timedelta(minutes=30), end - timedelta(hours=1), end, None]),
        "end_time": chance.choice([end, end, end, None]),
    }


def _reading(
    chance: random.Random, statuses: list[str], meeting_id: str, ended_at: datetime, report: str, held: int
) -> Row:
    return {
        "meeting_id": meeting_id,
        "report": report,
        "status": chance.choice(statuses),
        "reason": chance.choice([None, "", "no application access policy"]),
        "vendor_count": chance.choice([None, held, held + 1]),
        "rows_held": held,
        "rows_quarantined": 0,
        "attempts": 1,
        "read_at": chance.choice([None, *[ended_at + timedelta(hours=hours) for hours in (1, 24)]]),
        "settled": chance.random() < 0.7,
        "recoverable_until": chance.choice([None, ended_at + timedelta(days=365)]),
        "ended_date": ended_at.date(),
    }


def _seen_of(chance: random.Random, who: int, host: str | None, report_id: str) -> Row:
    """A user with or without type and tenant, a guest, a phone, or nobody Graph knows."""
    is_host = bool(host) and who % 8 == 0 and chance.random() < 0.5
    account = account_of(sum((host or "").strip().lower().encode()) if is_host else who)
    tenant = chance.choice(["own", "far", None, ""])
    domain = chance.choice(["own.example", "elsewhere.example"])
    type_, identity, record = chance.choice(
        [
            (USER, account, account),
            (USER, "", account),
            (None, account, account),
            (None, None, account),
            (None, f"teamsvisitor:{who}", ""),
            (GUEST, f"guest-{who}", None),
            (PHONE, "+1555", None),
            (None, None, None),
            ("", "", ""),
        ]
    )
    registration = chance.choice([None, "", f"{report_id}-{who}", f"{report_id}-{who}", f"{report_id}-{who // 2}"])
    emails = [host] if is_host else ["", None, "", f"who{who}@{domain}", f" WHO{who}@{domain} "]
    return {
        "record_id": record,
        "email_address": chance.choice(emails),
        "role": chance.choice([None, "None", "Attendee", "Attendee", "Presenter", "Organizer"]),
        "identity_type": type_,
        "identity_id": identity,
        "identity_display_name": chance.choice([NAMES[who % len(NAMES)], None]),
        "identity_tenant_id": tenant if type_ in {USER, None} else None,
        "identity_email": f"who{who}@{domain}" if type_ == GUEST and not is_host and chance.random() < 0.5 else None,
        "azure_communication_services_resource_id": None,
        "registration_id": registration,
    }


def _times(chance: random.Random, started_at: datetime, seconds: int) -> Row:
    """Known or not; overlapping, told twice, rarely the wrong way round; a total that fits, nearly fits, or not."""
    intervals: list[Row] = []
    for _ in range(chance.choice([0, 1, 1, 2, 4])):
        joined_at = started_at + timedelta(seconds=chance.randrange(-60, max(seconds, 1)))
        stayed = random_times.stays(chance, seconds, [0, 1, 30, 30, 120, 120, 400, 700, -5])
        interval = {
            "join_date_time": joined_at if chance.random() < 0.9 else None,
            "leave_date_time": joined_at + timedelta(seconds=stayed) if chance.random() < 0.85 else None,
            "duration_in_seconds": stayed if chance.random() < 0.8 else None,
        }
        intervals += [interval] * chance.choice([1, 1, 1, 1, 2])
    total = sum(interval["duration_in_seconds"] or 0 for interval in intervals)
    joins = [interval["join_date_time"] for interval in intervals if interval["join_date_time"]]
    return {
        "first_join_time": min(joins, default=None),
        "total_attendance_in_seconds": chance.choice([None, total, total, total, total + 1, total + 2, total + 99]),
        "attendance_intervals": intervals or chance.choice([None, []]),
    }


def _events(chance: random.Random, started_at: datetime, seconds: int) -> list[Row]:
    """Sessions with any number of joins and leaves in any order, some told twice."""
    events: list[Row] = []
    for session in range(chance.choice([0, 1, 3, 8])):
        who = chance.randrange(40)
        participant = chance.choice([f"who{who}@own.example", f"WHO{who}@own.example", account_of(who), "", None])
        actions = chance.choice(
            [["Joined", "Left"]] * 4 + [["Joined"], ["Left"], ["Joined", "Left"] * 2, ["Left"] * 2]
        )
        for action in actions + chance.choice([[], [], [], ["Joined"], ["Joined", "Joined"]]):
            event = {
                "session_id": f"session-{session}",
                "participant_id": participant,
                "full_name": chance.choice([NAMES[who % len(NAMES)], None]),
                "utc_event_timestamp": started_at + timedelta(seconds=chance.randrange(-60, max(seconds, 1) + 60)),
                "user_agent": chance.choice(BROWSERS),
                "action": action,
                "role": chance.choice([None, "Attendee", "Presenter", "Producer", "Organizer"]),
            }
            events += [event] * chance.choice([1, 1, 1, 2])
    return events
