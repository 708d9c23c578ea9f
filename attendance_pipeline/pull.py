"""Asks a vendor for meetings that ended, then for who attended each, and keeps every answer as it arrives.

The order is: ask, keep, ask for more. Nothing here reads a row or knows a vendor; `vendors/` does.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import product
from typing import Generic, TypeVar

from attendance_pipeline.archive import Document, Journal, Outcome, without_answer
from attendance_pipeline.days import records
from attendance_pipeline.http.errors import ForeignHostError, OutageError, QuotaError, RefusedError
from attendance_pipeline.http.session import IN_FLIGHT, Session
from attendance_pipeline.readings import Held, Holds, Meeting
from attendance_pipeline.vendors.base import Discovery, Vendor, together
from attendance_pipeline.windows import midnight

MOST_OUTAGES = 10
"""Reports in a row without a usable answer: then it isn't the meetings, and the run stops."""

M = TypeVar("M", bound=Meeting)
Known = Callable[[date], tuple[Iterable[M], Holds]]
"""Gives the meetings that ended on a date and what is held of them; asked again rather than kept in memory."""
Progress = Callable[[str, int, int], None]
"""Told after every step: what is being done, how many are done, of how many (0: unknown)."""


def silent(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


@dataclass
class Pulled:
    """What a pull did, for metadata and messages; requests and waiting include retries.

    Attributes:
        requests: by rate-limit label.
        slowest: seconds and kind of the slowest requests, the slowest first.
        bytes_received: of the documents that were kept.
        waited_seconds: `pace` to keep the documented rate, `told` because a 429 said so.
        quota_left: requests left today; None where the account has no limit.
        quota_a_day: requests that a whole day has for us.
        outcomes: readings by what came of them.
        stopped: why the pull ended before its work was done; the rest goes on with the next run.
        left: reports that were due and weren't asked for.
        left_requests: how many requests they take.
    """

    requests: Counter[str] = field(default_factory=Counter)
    failed_attempts: int = 0
    waited_seconds: dict[str, float] = field(default_factory=dict)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    bytes_received: int = 0
    quota_left: int | None = None
    quota_a_day: int | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    stopped: QuotaError | None = None
    left: int = 0
    left_requests: int = 0
    discovery: Discovery = field(default_factory=Discovery)

    def add(self, session: Session) -> None:
        """Take over what a session counted."""
        traffic = session.traffic
        self.requests = traffic.requests
        self.failed_attempts = traffic.failed_attempts.total()
        self.waited_seconds = {kind: round(seconds, 2) for kind, seconds in session.pacer.waited.items()}
        self.quota_left, self.quota_a_day = session.pacer.budget.left, session.pacer.budget.a_day
        self.slowest = traffic.slowest


async def discover(vendor: Vendor[M], days: Sequence[date], progress: Progress = silent) -> Pulled:
    """Ask which meetings ended on `days`, keep every answer, and record what came of asking.

    When the day's quota is spent the pull ends with what it has and says so in `Pulled.stopped`.

    Raises:
        VendorError: the vendor is down or refuses; what it answered before is kept.
        UsageError: a day lies beyond the vendor's reach.
    """
    pulled, began = Pulled(), vendor.clock()
    with vendor.archive.journal() as journal:

        def record(outcome: Outcome, reason: str) -> None:
            for document in records(days, began, outcome, reason):
                journal.keep_listing(document)

        def keep(document: Document) -> None:
            pulled.bytes_received += len(document.body)
            if document.window_first is None:
                journal.keep_lookup(document)
            else:
                journal.keep_listing(document)
            progress(f"{vendor.name}: pages of ended meetings", session.traffic.requests.total(), 0)

        async with vendor.session() as session:
            try:
                pulled.discovery = await vendor.discover(session, days, keep)
                record("answered", "")
            except QuotaError as error:
                pulled.stopped = error
                record("not_ready", "the quota was spent before every list was read")
            except (OutageError, ForeignHostError) as error:
                record("not_ready", _told(error)[1])
                raise
            except RefusedError:
                record("denied", "the vendor refused a list")
                raise
            finally:
                pulled.add(session)
    return pulled


async def read_due(vendor: Vendor[M], days: Iterable[date], known: Known[M], progress: Progress = silent) -> Pulled:
    """Ask for every report that is due about a meeting that ended on `days`, and keep every answer.

    What the vendor forgets next comes first, and last what it should have forgotten already.

    A report that can't be read is left for a later run. When the day's quota is spent the pull ends with what
    it has and says so in `Pulled.stopped`.

    Args:
        vendor: whose meetings.
        days: ended dates.
        known: what is known of a date.
        progress: told how far it is.

    Raises:
        RefusedError: the credentials or scopes don't allow it.
        OutageError: many reports in a row got no usable answer.
        StorageError: an answer can't be kept.
    """
    now, pulled = vendor.clock(), Pulled()
    counts = {day: count for day in sorted(days) if (count := len(_due_of_date(vendor, *known(day), now)))}
    if not counts:
        return pulled
    due, number = _due(vendor, counts, known, now), sum(counts.values())
    with vendor.archive.journal() as journal:
        async with vendor.session() as session:
            reader = _Reader(vendor, session, journal, due, number, pulled, progress)
            try:
                await together(reader.work() for _ in range(min(IN_FLIGHT, number)))
            finally:
                pulled.add(session)
            while one := reader.next_due():
                pulled.left += 1
                pulled.left_requests += vendor.pages(one.report, one.meeting.expected(one.report))
    return pulled


@dataclass(frozen=True, slots=True)
class _Due(Generic[M]):
    """A report to ask for, and what is held of it."""

    meeting: M
    report: str
    held: Held


def _due(vendor: Vendor[M], days: Iterable[date], known: Known[M], now: datetime) -> Iterator[_Due[M]]:
    """What is due of these dates, which are in order, a date at a time: there may be years of them."""
    recoverable = vendor.timing.recoverable
    for forgotten in (False, True):
        for day in days:
            first, last = (midnight(day + timedelta(more)) + recoverable < now for more in (0, 1))
            if forgotten in (first, last):
                due = _due_of_date(vendor, *known(day), now)
                yield from (one for one in due if (one.meeting.ended_at + recoverable < now) == forgotten)


def _due_of_date(vendor: Vendor[M], meetings: Iterable[M], holds: Holds, now: datetime) -> list[_Due[M]]:
    due = [
        _Due(meeting, report, hold)
        for meeting, report in product(meetings, vendor.reports)
        if meeting.has(report)
        and (hold := holds.get((meeting.id, report)) or Held()).due(meeting, vendor.timing, now)
    ]
    return sorted(due, key=lambda one: (one.meeting.ended_at, one.meeting.id, one.report))


class _Reader(Generic[M]):
    def __init__(
        self,
        vendor: Vendor[M],
        session: Session,
        journal: Journal,
        due: Iterator[_Due[M]],
        number: int,
        pulled: Pulled,
        progress: Progress,
    ) -> None:
        self._vendor = vendor
        self._session = session
        self._due = due
        self._put_back: list[_Due[M]] = []
        self._number = number
        self._pulled = pulled
        self._progress = progress
        self._journal = journal
        self._outages = 0
        self._promised = 0
        """Requests that the readings in flight take, sent or not."""

    def next_due(self) -> _Due[M] | None:
        """What is to be read next; None where nothing is left."""
        if self._put_back:
            return self._put_back.pop()
        return next(self._due, None)

    async def work(self) -> None:
        while self._pulled.stopped is None and (due := self.next_due()):
            meeting, report = due.meeting, due.report
            pages = self._vendor.pages(report, meeting.expected(report))
            if not self._session.pacer.budget.has(self._promised + pages):
                # A reading that the day's end cuts in two is begun anew on the next: its page token has died. Whether
                # it would be cut, the last one at work knows: what is in flight may have been spent already.
                self._put_back.append(due)
                if not self._promised:
                    self._pulled.stopped = self._session.pacer.budget.spent_up()
                return
            self._promised += pages
            try:
                outcome = await self._read(due)
                self._outages = 0
            except QuotaError as error:
                self._pulled.stopped = error
                self._put_back.append(due)
                return
            except (OutageError, ForeignHostError) as error:
                outcome = "not_ready"
                self._outages += 1
                status, reason = _told(error)
                attempt = without_answer(report, meeting.id, "not_ready", reason, self._vendor.clock(), status)
                self._journal.keep_attendance(meeting.ended_date, attempt)
                if self._outages >= MOST_OUTAGES:
                    raise
            finally:
                self._promised -= pages
            self._pulled.outcomes[outcome] += 1
            self._progress(
                f"{self._vendor.name}: attendance of ended meetings",
                self._pulled.outcomes.total(),
                self._number,
            )

    async def _read(self, due: _Due[M]) -> str:
        outcome = ""
        resume = due.held.resumable(self._vendor.timing, self._vendor.clock())
        async for document in self._vendor.read(self._session, due.meeting, due.report, resume):
            self._journal.keep_attendance(due.meeting.ended_date, document)
            self._pulled.bytes_received += len(document.body)
            outcome = document.outcome
        return outcome


def _told(error: OutageError | ForeignHostError) -> tuple[int, str]:
    """The status and the reason that the record of a failed attempt keeps."""
    if isinstance(error, ForeignHostError):
        return 0, "led to a foreign host"
    return error.status, f"outage {error.status or 'without an answer'}"
