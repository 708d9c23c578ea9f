"""Awkward Zoom rows."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from .raw_rows import RawRows, Row

# one is borne by several people, one differs by case and blanks only, one is Zoom's blank
NAMES = ["Ana", "Ben", " ben ", "Chloë", "Dmitri", "guest", "GUEST", "", "山田", "Müller"]

IN_IDS = ["", "", "'; drop table marts.meetings; --", '"', "{{ this }}", "a|b", "a\0b", " %\\_", "é🍱", "x" * 9_999]
"""What may stand in an id: nothing in it means anything to SQL, to dbt or to a path."""


def add_meeting(chance: random.Random, rows: RawRows, number: int) -> None:
    uuid = f"{number:03}/+{chance.randrange(10**6)}=={IN_IDS[number % len(IN_IDS)]}"
    # a quarter begin shortly before midnight, so that some cross it and some touch it
    hour = chance.choice([9, 10, 14, 23])
    started_at = datetime(2026, 3, chance.randrange(1, 8), hour, 50, chance.randrange(60))  # noqa: DTZ001
    seconds = chance.choice([0, 1, 300, 600, 1200])
    ended_at = started_at + timedelta(seconds=seconds)
    host = chance.choice(["Host1@Own.example", "host2@own.example", "host3@sister.example", ""])
    intervals = chance.choice([0, 1, 1, 2, 5, 12, 25])
    rows.zoom_meetings.append(
        {
            "uuid": uuid,
            "id": 80_000_000_000 + number % 40,
            "is_webinar": number % 9 == 0,
            "topic": chance.choice(["Weekly", ""]),
            "user_name": "A host",
            "user_email": host,
            "start_time": started_at,
            "end_time": ended_at,
            "duration": -(-seconds // 60),
            "participants_count": intervals,
            "listed_by": ["history_meetings", "user_meetings", ""][number % 3],
            "ended_date": ended_at.date(),
        }
    )
    crowd = [chance.randrange(40) for _ in range(chance.randrange(1, 8))]
    for join in range(intervals):
        who = chance.choice(crowd)
        joined_at = started_at + timedelta(seconds=chance.randrange(-60, max(seconds, 1)))
        stayed = chance.choice([0, 0, 1, 30, 120, 120, 700])
        rows.zoom_participants.append(
            {
                "meeting_uuid": uuid,
                "user_id": str(16_778_240 + join * 1024),
                **_seen_of(chance, who, host),
                "join_time": joined_at,
                "leave_time": joined_at + timedelta(seconds=stayed),
                "duration": stayed,
                "status": chance.choice(["in_meeting"] * 6 + ["in_waiting_room", None]),
                "bo_mtg_id": chance.choice([None, "", "room=="]),
                "source": "participants",
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
    account = chance.choice(
        ["", None, "", f"account-{who}", f"account-{who}", f"shared-{who // 20}" if who % 9 == 0 else ""]
    )
    domain = chance.choice(["own.example", "elsewhere.example"])
    emails: Iterable[str] = [
        "",
        "",
        f"who{who}@{domain}",
        f" WHO{who}@{domain} ",
        host if who % 8 == 0 else "",
        f"no-domain-{who}",
    ]
    return {
        "participant_user_id": account if chance.random() < 0.5 else None,
        "id": account,
        "name": NAMES[who % len(NAMES)] if chance.random() < 0.8 else chance.choice(NAMES),
        "user_email": chance.choice(list(emails)),
        "registrant_id": chance.choice([None, None, "", f"registrant-{who}", f"registrant-{who // 2}"]),
    }
