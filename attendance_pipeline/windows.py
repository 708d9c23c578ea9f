"""Dates into request windows: what one list request may span, and how far back a vendor answers.

Knows calendars. Knows nothing of vendors, requests or files.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from attendance_pipeline.errors import UsageError


@dataclass(frozen=True, order=True)
class Window:
    """The dates that one list request asks for: `first` to `last`, both included, UTC."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def dates(first: date, last: date) -> list[date]:
    """Every date from `first` to `last`, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def request_windows(
    days: Iterable[date],
    *,
    span: timedelta,
    before: timedelta,
    after: timedelta,
    earliest: date,
    latest: date,
) -> list[Window]:
    """The fewest windows that cover `days`, each overlapped and none beyond what the vendor allows.

    Args:
        days: the ended dates that are wanted.
        span: the most that `last - first` of one window may be.
        before: how much earlier than a wanted date a window begins: bounds that aren't documented, and lists
            that select by start while we need the end.
        after: how much later it ends.
        earliest: the oldest date that the vendor still lists; windows are cut off there.
        latest: the newest date that may be asked for.

    Raises:
        UsageError: a wanted date is older than `earliest`.
    """
    wanted = sorted(set(days))
    if wanted and wanted[0] < earliest:
        raise UsageError(
            f"{wanted[0]} lies beyond the reach: the vendor lists ended meetings back to {earliest}, "
            f"so begin at {earliest} or later"
        )
    needed = {near for day in wanted for near in dates(max(day - before, earliest), min(day + after, latest))}
    return fewest(needed, span)


def fewest(needed: Iterable[date], span: timedelta) -> list[Window]:
    """The fewest windows of at most `span` that cover every needed date.

    A window may bridge dates that nobody needs: one request over a gap costs less than two around it.
    """
    windows: list[Window] = []
    start = previous = None
    for day in sorted(needed):
        if start is None or previous is None:
            start = day
        elif day - start > span:
            windows.append(Window(start, previous))
            start = day
        previous = day
    if start is not None and previous is not None:
        windows.append(Window(start, previous))
    return windows
