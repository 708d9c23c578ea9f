"""How far a Webex request may reach: reports 30 days wide and 90 back, joins 90 days wide.

Which instant of a meeting a window compares isn't documented; the start is assumed.
"""

from datetime import UTC, datetime, timedelta

from attendance_pipeline.sandbox.webex.errors import BAD_REQUEST, WebexError, invalid

WEEK = timedelta(days=7)
LONGEST_REPORT = timedelta(days=30)
REPORTS_REACH = timedelta(days=90)
LONGEST_JOIN_RANGE = timedelta(days=90)
MONTH = timedelta(days=31)

Window = tuple[datetime, datetime]


def report_window(query: dict[str, str], now: datetime) -> Window:
    """The range of both reports; both ends count (not documented).

    Raises:
        WebexError: 400; no recorded body of a broken window rule is known, so the words are ours.
    """
    begin, end = list_window(query, now)
    if end - begin > LONGEST_REPORT:
        raise _broken("The interval between 'to' and 'from' cannot exceed 30 days.")
    if begin < now - REPORTS_REACH:
        raise _broken("'from' cannot be earlier than 90 days ago.")
    return begin, end


def list_window(query: dict[str, str], now: datetime) -> Window:
    """`from` and `to`; of either that is missing the other is a week away, of both `to` is now."""
    begin, end = moment(query, "from"), moment(query, "to")
    if begin is None:
        begin = (end or now) - WEEK
        end = end or now
    elif end is None:
        end = begin + WEEK
    if begin > end:
        raise _broken("'from' cannot be after 'to'.")
    return begin, end


def join_window(query: dict[str, str]) -> Window | None:
    """`joinTimeFrom` (inclusive) and `joinTimeTo` (exclusive); None when neither is given."""
    begin, end = moment(query, "joinTimeFrom"), moment(query, "joinTimeTo")
    if begin is None and end is None:
        return None
    if begin is None:
        begin = _known(end) - WEEK
    elif end is None:
        end = begin + WEEK
    end = _known(end)
    if begin > end:
        raise _broken("'joinTimeFrom' cannot be after 'joinTimeTo'.")
    if end - begin > LONGEST_JOIN_RANGE:
        raise _broken("The interval between 'joinTimeFrom' and 'joinTimeTo' must be within 90 days.")
    return begin, end


def moment(query: dict[str, str], name: str) -> datetime | None:
    """An instant in any ISO 8601 form, UTC where it names no zone; None when it isn't given."""
    text = query.get(name)
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(name) from None


def _known(value: datetime | None) -> datetime:
    assert value is not None  # noqa: S101
    return value


def _broken(rule: str) -> WebexError:
    return WebexError(400, BAD_REQUEST, rule)
