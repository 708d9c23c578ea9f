"""Awkward Zoom rows."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta

from . import random_times
from .random_people import host_of
from .raw_rows import RawRows, Row

# one is borne by several people, one differs by case and blanks only, one is Zoom's blank
NAMES = ["Ana", "Ben", " ben ", "Chloë", "Dmitri", "guest", "GUEST", "", "山田", "Müller"]

IN_IDS = ["", "", "'; drop table marts.meetings; --", '"', "{{ this }}", "a|b", "a\0b", " %\\_", "é🍱", "x" * 9_999]
"""What may stand in an id: nothing in it means anything to SQL, to dbt or to a path."""

STATUSES = [*["in_meeting"] * 6, None, "in_waiting_room"]

CROWDS = {77: 49, 111: 50, 150: 110}
"""Of the meetings with these numbers, how many different people nobody ever sees again."""


def add_meeting(chance: random.Random, rows: RawRows, number: int) -> None:
    uuid = f"{number:03}/+{chance.randrange(10**6)}=={IN_IDS[number % len(IN_IDS)]}"
    # the last are of no series
    series = 80_000_000_000 + (number % 40 if number < 190 else number)
    started_at = random_times.begins(chance, number)
    if random_times.is_again(number):
        series = rows.zoom_meetings[-1]["id"]
        started_at = random_times.begins_again(number, rows.zoom_meetings[-1]["end_time"])
    seconds = random_times.lasts(chance, number, started_at)
    ended_at = started_at + timedelta(seconds=seconds)
    host = host_of(chance, started_at)
    crowded = CROWDS.get(number, 0)
    intervals = crowded or chance.choice([4, 12] if seconds > 1200 else [0, 1, 1, 2, 5, 12, 25])
    # somebody stays for all of a meeting and of the next of its series
    stays_on = random_times.is_again(number) or random_times.is_again(number + 1)
    intervals = intervals or int(stays_on)
    crowd = [chance.randrange(40) for _ in range(chance.randrange(1, 8))]
    total = 0
    for join in range(intervals):
        is_stayer = stays_on and join == 0
        if crowded:
            seen = _seen_once(f"one-of-many-{join}@far.example")
        elif is_stayer:
            seen = _seen_once(f"stays.on.{series}@own.example")
        else:
            seen = _seen_of(chance, chance.choice(crowd), host)
        joined_at = started_at + timedelta(seconds=chance.randrange(-60, max(seconds, 1)))
        stayed = random_times.stays(chance, seconds, [0, 0, 1, 30, 120, 120, 700])
        if is_stayer:
            joined_at, stayed = started_at, seconds
        total += stayed
        rows.zoom_participants.append(
            {
                "meeting_uuid": uuid,
                "user_id": str(16_778_240 + join * 1024),
                **seen,
                "join_time": joined_at,
                "leave_time": joined_at + timedelta(seconds=stayed),
                "duration": stayed,
                "status": chance.choice(STATUSES[:-1] if crowded or is_stayer else STATUSES),
                "bo_mtg_id": chance.choice([None, "", "room=="]),
                "source": "participants",
                "ended_date": ended_at.date(),
            }
        )
    rows.zoom_meetings.append(
        {
            "uuid": uuid,
            "id": series,
            "is_webinar": number % 9 == 0,
            "topic": chance.choice(["Weekly", ""]),
            "user_name": "A host",
            "user_email": host,
            "start_time": started_at,
            "end_time": ended_at,
            "duration": chance.choice([*[-(-seconds // 60)] * 6, seconds // 60, 99, None]),
            "total_minutes": chance.choice([*[-(-total // 60)] * 4, -(-total // 60) + intervals, total // 60, None]),
            "participants_count": chance.choice([*[intervals] * 6, intervals + 1, None]),
            "listed_by": ["history_meetings", "user_meetings", ""][number % 3],
            "ended_date": ended_at.date(),
        }
    )
    if number % 5:
        rows.zoom_readings.append(
            {
                "meeting_id": uuid,
                "report": "participants",
                "status": chance.choice(["complete", "partial", "gone"]),
                "reason": chance.choice([None, "", "3001"]),
                "vendor_count": intervals,
                "rows_held": intervals,
                "rows_quarantined": 0,
                "attempts": 1,
                "read_at": ended_at + timedelta(hours=1),
                "settled": chance.random() < 0.5,
                "recoverable_until": ended_at + timedelta(days=365),
                "ended_date": ended_at.date(),
            }
        )


def _seen_of(chance: random.Random, who: int, host: str) -> Row:
    """What Zoom shows of somebody on one join: every id may be blank, or one of several."""
    if who % 8 == 0 and chance.random() < 0.4:
        return _host(chance, host.strip())
    account = chance.choice(
        ["", None, "", f"account-{who}", f"account-{who}", f"shared-{who // 20}" if who % 9 == 0 else ""]
    )
    domain = chance.choice(["own.example", "own.example", "elsewhere.example", "far.example"])
    emails: Iterable[str] = [
        "",
        "",
        f"who{who}@{domain}",
        f" WHO{who}@{domain} ",
        f"no-domain-{who}",
    ]
    registrants = [None, None, "", f"registrant-{who}"]
    if who < 20:
        registrants.append(f"registrant-{who // 2}")
    return {
        "participant_user_id": account if chance.random() < 0.5 else None,
        "id": account,
        "name": NAMES[who % len(NAMES)] if chance.random() < 0.8 else chance.choice(NAMES),
        "user_email": chance.choice(list(emails)),
        "registrant_id": chance.choice(registrants),
    }


def _seen_once(email: str) -> Row:
    return {"participant_user_id": None, "id": None, "name": "", "user_email": email, "registrant_id": None}


def _host(chance: random.Random, host: str) -> Row:
    return {
        "participant_user_id": None,
        "id": chance.choice(["", f"account-of-{host.lower()}"]) if host else "",
        "name": "A host",
        "user_email": chance.choice([host, host.upper()]),
        "registrant_id": None,
    }
