"""How far a Zoom request may reach: ranges of a month, lists six months back, a known UUID one year."""

import calendar
import re
from datetime import date, datetime

from attendance_pipeline.sandbox.zoom.errors import ZoomError

# "one month" isn't defined as 30 or 31 days; the shorter is safe everywhere
LONGEST_RANGE_IN_DAYS = 30
MONTHS_OF_LISTS = 6
MONTHS_OF_REPORTS = 12
MONTHS_OF_INSTANCES = 15

TOO_OLD = "The request can only be queried for a month that falls within the last six months."

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def window(query: dict[str, str], today: date) -> tuple[date, date]:
    """The range asked for, `from` and `to` (both required, inclusive, yyyy-mm-dd, taken as UTC dates).

    Raises:
        ZoomError: 400 with code 300. The text for a range that is too long is ours; Zoom documents only the
            one for a range beyond the six months.
    """
    first, last = _day(query, "from"), _day(query, "to")
    if first > last:
        raise ZoomError(400, 300, "Invalid parameter: from.")
    if (last - first).days > LONGEST_RANGE_IN_DAYS:
        raise ZoomError(400, 300, "Invalid parameter: from, to. The range must not exceed one month.")
    if first < months_before(today, MONTHS_OF_LISTS):
        raise ZoomError(400, 300, TOO_OLD)
    return first, last


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def is_a_year_old(ended_at: datetime, now: datetime) -> bool:
    """Whether a meeting's report is gone for good."""
    return ended_at.date() < months_before(now.date(), MONTHS_OF_REPORTS)


def _day(query: dict[str, str], name: str) -> date:
    text = query.get(name, "")
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ZoomError(400, 300, f"Invalid parameter: {name}.")
