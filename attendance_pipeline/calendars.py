"""The calendar of what is held: a line for each month, a sign for each day, readable without colour.

Knows signs and lines. Where they are shown, and in which colours, others decide.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from attendance_pipeline.coverage import Day, Mark, VendorDays

SIGNS: Mapping[Mark, tuple[str, str]] = {
    "complete": ("■", "held"),
    "empty": ("▢", "asked, no meeting"),
    "young": ("~", "may still change"),
    "partial": ("◧", "held in part"),
    "not_ready": ("?", "the vendor was down, or the quota spent"),
    "denied": ("✗", "refused"),
    "never_asked": ("·", "never asked"),
    "expiring": ("!", "can be had for a few days only"),
    "lost": ("†", "something of it can't be had any more"),
}
"""By mark: its sign, and what it means."""

LABEL = 9
"""The width of what stands before a month's days."""


@dataclass(frozen=True)
class Month:
    """One line: a place for each day, None where there is no such day or it isn't told of."""

    first: date
    days: Sequence[Day | None]

    @property
    def label(self) -> str:
        """What stands before its days."""
        return f"{self.first:%Y-%m}".ljust(LABEL)

    @property
    def meetings(self) -> str:
        """What stands behind its days: meetings held, missing, and never to be had."""
        days = [day for day in self.days if day]
        known = sum(sum(day.meetings.values()) for day in days)
        held = sum(day.meetings.get("held", 0) for day in days)
        missing = sum(day.missing for day in days)
        counts = {"held": held, "missing": missing, "never to be had": known - held - missing}
        return ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)


def months(days: Sequence[Day]) -> Iterator[Month]:
    """The months of these days, oldest first."""
    for first, of_month in groupby(days, lambda day: day.ended_date.replace(day=1)):
        by_number = {day.ended_date.day: day for day in of_month}
        yield Month(first, [by_number.get(number) for number in range(1, 32)])


def heading() -> str:
    """The line above the months: the number of every fifth day over its place."""
    numbers = "".join(f"{number:<2}" if number == 1 or number % 5 == 0 else "  " for number in range(1, 32))
    return " " * LABEL + numbers.rstrip()


def sign(day: Day | None) -> str:
    """A day's place in its month."""
    return SIGNS[day.mark][0] if day else " "


def legend(marks: set[Mark]) -> list[str]:
    """What the signs of these marks mean."""
    told = [f"{shown} {meaning}" for mark, (shown, meaning) in SIGNS.items() if mark in marks]
    return ["   ".join(told[start : start + 5]) for start in range(0, len(told), 5)]


def lines(vendor: VendorDays) -> list[str]:
    """One vendor's calendar as plain text."""
    return [
        *totals(vendor),
        heading(),
        *(
            f"{month.label}{' '.join(sign(day) for day in month.days)}  {month.meetings}".rstrip()
            for month in months(vendor.days)
        ),
    ]


def totals(vendor: VendorDays) -> list[str]:
    """One vendor's meetings, and its days by what became of asking for their lists."""
    meetings: Counter[str] = Counter()
    for day in vendor.days:
        meetings.update(day.meetings)
    days = Counter(day.status for day in vendor.days)
    return [
        f"{vendor.vendor.ljust(LABEL)}{_counted(meetings.total(), 'meeting')}{_split(meetings)}",
        f"{' ' * LABEL}{_counted(len(vendor.days), 'day')}{_split(days)}",
    ]


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _split(counts: Mapping[str, int]) -> str:
    parts = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in sorted(counts.items()) if number)
    return f" ({parts})" if parts else ""
