"""One vendor account's speed: requests per span of time by label, requests per day, waiting when told to.

Knows clocks and counts. Knows nothing of httpx, of a vendor's paths or of what its answers mean.
"""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic

import msgspec

from attendance_pipeline.files import reading, writing
from attendance_pipeline.http.errors import QuotaError
from attendance_pipeline.vendor_json import NOT_JSON

Clock = Callable[[], datetime]

LONGEST_WAIT = timedelta(minutes=2)
"""A vendor that asks for more patience than this ends the pull: a later run goes on."""

MARGIN = 0.95
"""Of a documented rate that a vendor's account keeps: clocks differ, and requests bunch up on their way."""

SAVE_EVERY = 20
"""Requests after which the day's count reaches the disk: what a killed run may forget."""


def utc_now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


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


class _Count(msgspec.Struct):
    day: str
    spent: int


_COUNT = msgspec.json.Decoder(_Count)


class DailyBudget:
    """Requests a vendor account may still make today (UTC days), counted across runs in a small file.

    Args:
        file: where the count is kept.
        limit: the vendor's total for a day; None where it has none.
        reserve: requests of that total that we leave to the account's other apps.
    """

    def __init__(self, file: Path, limit: int | None, reserve: int, clock: Clock = utc_now) -> None:
        self._file = file
        self._clock = clock
        self._limit = limit
        self._usable = None if limit is None else limit - reserve
        self._day, self._spent, self._unsaved = clock().date().isoformat(), 0, 0
        with reading(file, "let its owner run this, or delete it"):
            try:
                kept = _COUNT.decode(file.read_bytes())
            except (FileNotFoundError, NotADirectoryError, *NOT_JSON):
                kept = _Count(day="", spent=0)
        if kept.day == self._day:
            self._spent = kept.spent

    @property
    def left(self) -> int | None:
        """Requests left today for us; None where the vendor counts none."""
        return None if self._usable is None else max(0, self._usable - self._spent)

    def spend(self) -> None:
        """Count one request.

        Raises:
            QuotaError: none is left today.
        """
        today = self._clock().date().isoformat()
        if today != self._day:
            self._day, self._spent = today, 0
        if self.left == 0:
            raise self.spent_up()
        self._spent += 1
        self._unsaved += 1
        if self._unsaved >= SAVE_EVERY:
            self.save()

    def exhaust(self) -> None:
        """The vendor says that nothing is left, whoever spent it."""
        if self._usable is not None:
            self._spent = max(self._spent, self._usable)
            self.save()

    def spent_up(self, resumes_at: datetime | None = None) -> QuotaError:
        """The error that ends a run whose budget is spent; vendors count by UTC day unless they say when."""
        tomorrow = datetime.combine(self._clock().date() + timedelta(days=1), datetime.min.time(), UTC)
        until = resumes_at or tomorrow
        of = "" if self._limit is None else f" ({self._spent} of {self._limit} requests, the reserve untouched)"
        return QuotaError(
            f"the day's request quota is spent{of}; what was read is kept, go on after {until:%Y-%m-%d %H:%M} UTC",
            until,
        )

    def save(self) -> None:
        """Write the count, so that the next run knows it."""
        self._unsaved = 0
        if self._limit is None:
            return
        with writing(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside = self._file.with_suffix(".tmp")
            beside.write_bytes(msgspec.json.encode(_Count(self._day, self._spent)))
            beside.replace(self._file)


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
