"""A seeded, awkward set of raw rows of every vendor; all times in whole seconds."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta

from . import random_days, random_people, random_teams, random_webex, random_zoom
from .raw_rows import RawRows


def random_raw(seed: int, meetings_per_vendor: int) -> RawRows:
    """Meetings of every awkward kind; the vendors' people share names and e-mail addresses."""
    chance = random.Random(seed)  # noqa: S311
    rows = RawRows()
    for number in range(meetings_per_vendor):
        random_zoom.add_meeting(chance, rows, number)
    for number in range(meetings_per_vendor):
        random_webex.add_meeting(chance, rows, number)
    for number in range(meetings_per_vendor):
        random_teams.add_meeting(chance, rows, number)
    random_people.add_people(rows, random_teams.account_of(30))
    random_days.add_days(chance, rows)
    for reading in (*rows.zoom_readings, *rows.webex_readings, *rows.teams_readings):
        ended = datetime.combine(reading["ended_date"], time())
        reading["due_at"] = None if reading["settled"] else ended + timedelta(hours=len(reading["report"]))
    return rows
