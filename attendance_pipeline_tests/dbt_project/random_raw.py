"""A seeded, awkward set of raw rows of every vendor; all times in whole seconds."""

from __future__ import annotations

import random

from . import random_teams, random_webex, random_zoom
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
    return rows
