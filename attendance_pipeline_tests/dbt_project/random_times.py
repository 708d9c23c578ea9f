"""When random meetings begin, and for how long they and those in them stay."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

# its daylight saving time of half an hour begins and ends in the second and third stretch
TIME_ZONE = "Australia/Lord_Howe"
STRETCHES = [
    *[(date(2026, 3, 1), 10)] * 12,
    *[(date(2025, 10, 4), 1)] * 2,
    *[(date(2026, 4, 4), 1)] * 2,
    *[(date(2026, 4, 3), 5)] * 5,
    # the year of a week isn't always that of its days
    *[(date(2025, 12, 28), 9)] * 3,
    # sixty and ninety days before the rows are loaded
    *[(date(2026, 2, 6), 3)] * 2,
    *[(date(2026, 1, 7), 3)] * 2,
]
LAST = date(2026, 4, 7)
AS_OF = LAST + timedelta(days=1)
# some meetings cross midnight and some touch it, some cross the half hour at which an hour of that zone begins
MOMENTS = [(9, 50), (9, 50), (10, 55), (14, 50), (14, 50), (15, 20), (23, 50), (23, 50)]
# by number, over both of the zone's changes
CERTAIN = {42: datetime(2025, 10, 4, 15, 20), 62: datetime(2026, 4, 4, 14, 50)}  # noqa: DTZ001
LONG = [5400, 5399, 90_000, 190_000]
# between the end of a meeting and the next of its series: a host who drops is back within 300
PAUSES = [-100, 0, 1, 299, 300, 301, 600]


def begins(chance: random.Random, number: int) -> datetime:
    if number in CERTAIN:
        return CERTAIN[number]
    first, days = chance.choice(STRETCHES)
    moment = time(*chance.choice(MOMENTS), chance.choice([0, chance.randrange(60)]))
    return datetime.combine(first + timedelta(days=chance.randrange(days)), moment)


def is_again(number: int) -> bool:
    """Whether the meeting of that number is of the series of the one before it, which may be so too."""
    return number % 10 in {3, 4, 8}


def begins_again(number: int, ended_at: datetime) -> datetime:
    return ended_at + timedelta(seconds=PAUSES[number % len(PAUSES)])


def lasts(chance: random.Random, number: int, started_at: datetime) -> int:
    """A few last longer than a day, none beyond the last of all days."""
    if number % 33 == 0 and started_at.date() + timedelta(days=3) < LAST:
        return LONG[number // 33 % len(LONG)]
    if number in CERTAIN:
        return 1200
    return chance.choice([0, 1, 180, 300, 600, 1200])


def stays(chance: random.Random, seconds: int, otherwise: Sequence[int]) -> int:
    """In a long meeting some stay for all of it."""
    return chance.choice([120, 700, seconds // 3, seconds]) if seconds > 1200 else chance.choice(otherwise)
