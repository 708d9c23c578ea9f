"""One vendor account's speed: requests per span of time by label, waiting when told to.

Knows clocks. Knows nothing of httpx, of a vendor's paths or of what its answers mean.
"""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic

from attendance_pipeline.http.budget import DailyBudget

LONGEST_WAIT = timedelta(minutes=2)
"""A vendor that asks for more patience than this ends the pull: a later run goes on."""

MARGIN = 0.95
"""Of a documented rate that a vendor's account keeps: clocks differ, and requests bunch up on their way."""


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """How long a `Retry-After` asks us to wait, in any form vendors have been seen to send.

    Seconds, fractional seconds, an HTTP date, an ISO date-time (Zoom's daily limit) and Webex's literal
    `rand(30),add(30)` are understood; None for nonsense, for the past and for no header at all.
    """
    if not value:
        return None
    text = value.strip()
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return timedelta(seconds=float(text))
        if drawn := re.fullmatch(r"rand\((\d+)\),\s*add\((\d+)\)", text):
            return timedelta(seconds=int(drawn[1]) + int(drawn[2]))
    except OverflowError:
        return None
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return until - now if until > now else None


@dataclass(frozen=True)
class Rate:
    """At most so many requests in any so many seconds; one request per span is evenly spaced."""

    requests: int
    seconds: float


class Pacer:
    """Lets requests through at the vendor's documented rate, one stream per label.

    Args:
        rates: the most requests in a span of time, by label.
        budget: the day's total.
        budgeted: labels that count against it.
    """

    def __init__(
        self, rates: Mapping[str, Rate], budget: DailyBudget, budgeted: frozenset[str] = frozenset()
    ) -> None:
        self.budget = budget
        self.waited: defaultdict[str, float] = defaultdict(float)
        self._rates = rates
        self._budgeted = budgeted
        self._left = {label: deque[float](maxlen=rate.requests) for label, rate in rates.items()}
        """By label, when its newest requests left or will leave."""
        self._held: dict[str, float] = {}

    async def turn(self, label: str) -> None:
        """Wait until a request of this label may leave.

        Raises:
            QuotaError: the day's budget is spent.
        """
        if label in self._budgeted:
            self.budget.spend()
        now = monotonic()
        rate, left = self._rates[label], self._left[label]
        start = max(now, self._held.get(label, 0))
        if len(left) == rate.requests:
            start = max(start, left[0] + rate.seconds)
        left.append(start)
        if start > now:
            self.waited["pace"] += start - now
            await asyncio.sleep(start - now)

    async def hold(self, label: str, wait: timedelta) -> None:
        """Every request of this label waits: the vendor said so."""
        seconds = wait.total_seconds()
        self._held[label] = max(self._held.get(label, 0), monotonic() + seconds)
        self.waited["told"] += seconds
        await asyncio.sleep(seconds)
