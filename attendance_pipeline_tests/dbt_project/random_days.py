"""Awkward days: dates that were asked about in vain, too early, or never; and what is wanted of each vendor."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta

from .random_times import AS_OF
from .raw_rows import RawRows, Row

FIRST = date(2026, 3, 2)
HOUR, DAY = 3600, 86400


def add_days(chance: random.Random, rows: RawRows) -> None:
    """Webex was turned off, and is still held; the first dates were wanted once and aren't any more."""
    rows.vendors = [
        _wanted("zoom", True, HOUR // 2, DAY, 180 * DAY, 365 * DAY),
        _wanted("webex", False, DAY, 3 * DAY, 89 * DAY, 90 * DAY),
        _wanted("teams", True, HOUR // 2, DAY, 29 * DAY, 365 * DAY),
    ]
    for wanted in rows.vendors:
        asked = [FIRST + timedelta(days=offset) for offset in range(-3, 7) if chance.random() < 0.8]
        days = vars(rows)[f"{wanted['vendor']}_days"]
        days += [_asked(chance, ended, wanted) for ended in asked]


def _wanted(vendor: str, is_on: bool, first_read: int, settles: int, listed: int, recoverable: int) -> Row:
    return {
        "vendor": vendor,
        "is_on": is_on,
        "first_date": FIRST,
        "as_of": AS_OF,
        "first_read_seconds": first_read,
        "settles_seconds": settles,
        "listed_seconds": listed,
        "recoverable_seconds": recoverable,
    }


def _asked(chance: random.Random, ended: date, wanted: Row) -> Row:
    status = chance.choice(["complete", "complete", "partial", "not_ready", "denied"])
    midnight = datetime.combine(ended, time())
    return {
        "status": status,
        "reason": None if status == "complete" else chance.choice(["", "why not"]),
        "asked_at": chance.choice([None, midnight + timedelta(days=2)]),
        "settled": status == "complete",
        "rows_quarantined": chance.choice([0, 0, 2]),
        "recoverable_until": midnight + timedelta(seconds=wanted["listed_seconds"]),
        "ended_date": ended,
    }
