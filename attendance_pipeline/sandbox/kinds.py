"""Which of a day's meetings are events where Teams holds them: webinars, town halls, live events.

Who comes and what happens stays the same, so that a mix of vendors changes nothing but what they show.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from attendance_pipeline.sandbox.model import Kind, Occurrence
from attendance_pipeline.sandbox.names import TITLES

CASES: dict[str, Kind] = {"crowd": "town_hall", "unicode": "live_event"}
"""Of the awkward cases those with these habits."""

ONE_A_DAY: tuple[Kind, ...] = ("live_event", "town_hall", "webinar")
"""What the first scheduled one-off of a day at Teams is; each kind has every third day."""


def with_events(occurrences: Sequence[Occurrence], day: date) -> Iterator[Occurrence]:
    """The same, but for the kind of some; what took place twice that day stays a meeting."""
    held = Counter(one.series.id for one in occurrences)
    wanted: Kind | None = ONE_A_DAY[day.toordinal() % len(ONE_A_DAY)]
    for one in occurrences:
        if one.vendor != "teams" or one.kind != "meeting" or held[one.series.id] > 1:
            yield one
            continue
        kind = next((CASES[habit] for habit in one.habits if habit in CASES), None)
        if kind is None and one.series.booking == "scheduled" and one.title in TITLES:
            kind, wanted = wanted, None
        yield one if kind is None else replace(one, series=replace(one.series, kind=kind))
