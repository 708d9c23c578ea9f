"""Awkward Webex rows."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from . import random_times
from .random_people import host_of
from .raw_rows import RawRows, Row

NAMES = ["Ana", "Ben", " ben ", "Chloë", "guest", "GUEST", "", "山田", "Call-in User_2"]
AGENTS = ["WINDOWS,IE", "MAC,CHROME", "IOS,", "", None]
STATUSES = ["complete", "complete", "complete", "partial", "not_ready", "denied", "gone", "blocked"]


def add_meeting(chance: random.Random, rows: RawRows, number: int) -> None:
    # the last are of no series
    series = f"{number % 25 if number < 190 else number:032x}"
    started_at = random_times.begins(chance, number)
    if random_times.is_again(number):
        series = rows.webex_meetings[-1]["meeting_id"].partition("_I_")[0]
        started_at = random_times.begins_again(number, rows.webex_meetings[-1]["end_time"])
    meeting_id = f"{series}_I_{700_000 + number}"
    seconds = random_times.lasts(chance, number, started_at)
    ended_at = started_at + timedelta(seconds=seconds)
    host = host_of(chance, started_at)
    crowd = [_seen_of(chance, chance.randrange(40), host) for _ in range(chance.choice([0, 1, 2, 4, 8]))]
    same = {"meeting_id": meeting_id, "ended_date": ended_at.date()}

    participants = [
        {
            **same,
            "id": f"{meeting_id}_{place:08x}",
            **person,
            "state": chance.choice(["end"] * 7 + ["lobby", None]),
            **_times(chance, started_at, seconds),
            "devices": _devices(chance, started_at, seconds, place),
            "breakout_sessions_attended": _sessions(chance, started_at, seconds),
        }
        for place, person in enumerate(crowd)
    ]
    if number % 6 == 0:
        for row in participants:
            _forget_times(row)
    attendees = [
        {
            **same,
            **person,
            **times,
            "participant_type": chance.choice(["host", "ATTENDEE"]),
            "client_agent": chance.choice([*[AGENTS[len(person["email"] or "") % len(AGENTS)]] * 6, *AGENTS]),
            "registered": chance.choice([True, True, False, None]),
            "invited": chance.choice([True, False, None]),
        }
        for person in (crowd if chance.random() < 0.7 else crowd[1:])
        for times in [_times(chance, started_at, seconds) for _ in range(chance.choice([1, 1, 2]))]
    ]
    if attendees and number % 7 == 0:
        attendees.append(dict(attendees[0]))
    times = [row for row in attendees if row["joined_time"] and row["left_time"]]
    stayed = sum((row["left_time"] - row["joined_time"]).total_seconds() for row in times)
    rows.webex_participants += participants if number % 5 else []
    rows.webex_attendees += attendees if number % 4 else []
    rows.webex_meetings.append(
        {
            **same,
            "meeting_title": chance.choice(["Weekly", ""]),
            "scheduled_type": chance.choice(["meeting", "meeting", "webinar", None]),
            "host_display_name": "A host",
            "host_email": host,
            "start_time": started_at,
            "end_time": ended_at,
            "total_participants": chance.choice([None, len(crowd), len(crowd), len(crowd) + 1]),
            "total_people_minutes": chance.choice([None, 0.0, round(stayed / 60, 2), float(stayed // 60)]),
            "peak_attendee": chance.choice([None, 0, 1, 2, len(crowd)]),
            "total_registered": chance.choice([None, 0, len(crowd), len(crowd) + 5]),
            "listed_by": chance.choice(["meetings,usage", "meetings,usage", "meetings", "usage"]),
        }
    )
    if number % 8:
        both = chance.choice([STATUSES, ["complete"]])
        rows.webex_readings += [
            _reading(chance, both, ended_at, report, held) | same
            for report, held in (("participants", len(participants)), ("attendees", len(attendees)))
        ]


def _reading(chance: random.Random, statuses: list[str], ended_at: datetime, report: str, held: int) -> Row:
    return {
        "report": report,
        "status": chance.choice(statuses),
        "reason": chance.choice([None, "", "404, tried 2 times"]),
        "vendor_count": chance.choice([None, held, held + 1]),
        "rows_held": held,
        "rows_quarantined": 0,
        "attempts": 1,
        "read_at": chance.choice([None, *[ended_at + timedelta(hours=hours) for hours in (24, 25, 72)]]),
        "settled": chance.random() < 0.7,
        "recoverable_until": chance.choice([None, ended_at + timedelta(days=90), ended_at + timedelta(days=89)]),
    }


def _seen_of(chance: random.Random, who: int, host: str) -> Row:
    domain = chance.choice(["own.example", "own.example", "elsewhere.example", "far.example"])
    emails = [
        "",
        None,
        f"who{who}@{domain}",
        f"who{who}@{domain}",
        f" WHO{who}@{domain} ",
        *([host, host] if who % 8 == 0 else []),
    ]
    return {"email": chance.choice(emails), "display_name": chance.choice([NAMES[who % len(NAMES)], None])}


def _times(chance: random.Random, started_at: datetime, seconds: int) -> Row:
    """Known or not; rarely the wrong way round."""
    joined_at = started_at + timedelta(seconds=chance.randrange(-60, max(seconds, 1)))
    left_at = joined_at + timedelta(
        seconds=random_times.stays(chance, seconds, [0, 1, 30, 30, 120, 120, 400, 700, -5])
    )
    return {
        "joined_time": joined_at if chance.random() < 0.95 else None,
        "left_time": left_at if chance.random() < 0.95 else None,
    }


def _devices(chance: random.Random, started_at: datetime, seconds: int, place: int) -> list[Row] | None:
    """Overlapping, in the same second, told twice, without times, or none at all."""
    devices: list[Row] = []
    for number in range(chance.choice([0, 0, 1, 1, 2, 4])):
        times = _times(chance, started_at, seconds)
        if devices and chance.random() < 0.3:
            times["joined_time"] = devices[-1]["joined_time"]
        device = {
            "correlation_id": chance.choice([None, "", f"correlation-{place}-{number}"]),
            "device_type": chance.choice(["mac", "mac", "ios", "", None]),
            "audio_type": chance.choice(["voip", "voip", "pstn", "inactive", "", None]),
            **times,
        }
        devices += [device] * chance.choice([1, 1, 1, 1, 2])
    return devices or chance.choice([None, []])


def _sessions(chance: random.Random, started_at: datetime, seconds: int) -> list[Row] | None:
    """Adjacent, overlapping, beyond the devices, of no length, without times, or none at all."""
    sessions: list[Row] = []
    for number in range(chance.choice([0, 0, 0, 1, 2, 3, 4])):
        times = _times(chance, started_at, seconds)
        if sessions and sessions[-1]["left_time"] and chance.random() < 0.4:
            times["joined_time"] = sessions[-1]["left_time"]
        sessions.append({"id": f"breakout-{number}", "name": "A room", **times})
    return sessions or chance.choice([None, []])


def _forget_times(row: Row) -> None:
    for timed in (row, *(row["devices"] or []), *(row["breakout_sessions_attended"] or [])):
        timed |= {"joined_time": None, "left_time": None}
