"""Dates into request windows: what one list request may span, and how far back a vendor answers.

Some vendors take dates, others instants. Knows calendars. Knows nothing of vendors, requests or files.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from attendance_pipeline.errors import UsageError


@dataclass(frozen=True, order=True)
class Window:
    """The dates that one list request asks for: `first` to `last`, both included, UTC."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, order=True)
class TimeWindow:
    """The instants that one list request asks for: `start` to `end`, UTC; which bound is included the vendor says."""

    start: datetime
    end: datetime

    @property
    def dates(self) -> Window:
        """The dates that it touches."""
        return Window(self.start.date(), self.end.date())

    def halves(self) -> "tuple[TimeWindow, TimeWindow]":
        """The same instants as two windows that meet in the middle, on a whole second."""
        middle = (self.start + (self.end - self.start) / 2).replace(microsecond=0)
        return TimeWindow(self.start, middle), TimeWindow(middle, self.end)


def dates(first: date, last: date) -> list[date]:
    """Every date from `first` to `last`, both included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def runs(days: Iterable[date]) -> list[Window]:
    """Dates that follow one another, as windows: nothing but these dates, in the fewest windows."""
    found: list[Window] = []
    for day in sorted(set(days)):
        if found and day - found[-1].last == timedelta(days=1):
            found[-1] = Window(found[-1].first, day)
        else:
            found.append(Window(day, day))
    return found


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
    wanted = _within_reach(days, earliest)
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


def time_windows(
    days: Iterable[date],
    *,
    span: timedelta,
    before: timedelta,
    overlap: timedelta,
    earliest: datetime,
    latest: datetime,
) -> list[TimeWindow]:
    """The fewest windows of instants that cover `days` from their first moment to their last.

    Args:
        days: the ended dates that are wanted.
        span: the most that `end - start` of one window may be; exactly so much is allowed.
        before: how much earlier than a wanted date a window begins: for lists that select by start.
        overlap: how much one window reaches into the one before it: bounds that aren't documented.
        earliest: the oldest instant that may be asked for; windows are cut off there.
        latest: the newest instant that may be asked for.

    Raises:
        UsageError: a wanted date doesn't lie wholly within the reach.
    """
    windows: list[TimeWindow] = []
    for day in _within_reach(days, first_whole_date(earliest)):
        start = max(midnight(day) - before, earliest)
        end = min(midnight(day + timedelta(days=1)), latest)
        last = windows[-1] if windows else None
        reach = last.start + span if last else start
        if last and (start <= last.end or end <= reach or start < reach - overlap):
            # One request over a gap costs less than two around it.
            windows[-1] = TimeWindow(last.start, max(last.end, min(reach, end)))
            start = windows[-1].end - overlap if windows[-1].end < end else end
        while start < end:
            windows.append(TimeWindow(start, min(start + span, end)))
            start = windows[-1].end - overlap if windows[-1].end < end else end
    return windows


def first_whole_date(earliest: datetime) -> date:
    """The oldest date of which no moment lies before `earliest`."""
    return earliest.date() + timedelta(days=earliest > midnight(earliest.date()))


def _within_reach(days: Iterable[date], earliest: date) -> list[date]:
    wanted = sorted(set(days))
    if wanted and wanted[0] < earliest:
        raise UsageError(
            f"{wanted[0]} lies beyond the reach: the vendor lists ended meetings back to {earliest}, "
            f"so begin at {earliest} or later"
        )
    return wanted


def midnight(day: date) -> datetime:
    """The first moment of a date, UTC."""
    return datetime.combine(day, time(), UTC)
