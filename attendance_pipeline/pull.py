"""Asks a vendor for meetings that ended, then for who attended each, and keeps every answer as it arrives.

The order is: ask, keep, ask for more. Nothing here reads a row or knows a vendor; `vendors/` does.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from typing import Generic, TypeVar

from attendance_pipeline.archive import Document, Journal, without_answer
from attendance_pipeline.http.errors import ForeignHostError, OutageError, QuotaError
from attendance_pipeline.http.session import IN_FLIGHT, Session
from attendance_pipeline.readings import Held, Holds, Meeting
from attendance_pipeline.vendors.base import Discovery, Vendor, together

MOST_OUTAGES = 10
"""Reports in a row without a usable answer: then it isn't the meetings, and the run stops."""

M = TypeVar("M", bound=Meeting)
Progress = Callable[[str, int, int], None]
"""Told after every step: what is being done, how many are done, of how many (0: unknown)."""


def silent(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


@dataclass
class Pulled:
    """What a pull did, for metadata and messages; requests and waiting include retries.

    Attributes:
        requests: by rate-limit label.
        waited_seconds: `pace` to keep the documented rate, `told` because a 429 said so.
        quota_left: requests left today; None where the vendor counts none.
        outcomes: readings by what came of them.
        stopped: why the pull ended before its work was done; the rest goes on with the next run.
        left: reports that were due and weren't asked for.
    """

    requests: Counter[str] = field(default_factory=Counter)
    failed_attempts: int = 0
    waited_seconds: dict[str, float] = field(default_factory=dict)
    slowest: str = ""
    quota_left: int | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    stopped: QuotaError | None = None
    left: int = 0
    discovery: Discovery = field(default_factory=Discovery)

    def add(self, session: Session) -> None:
        """Take over what a session counted."""
        traffic = session.traffic
        self.requests = traffic.requests
        self.failed_attempts = traffic.failed_attempts.total()
        self.waited_seconds = {kind: round(seconds, 2) for kind, seconds in session.pacer.waited.items()}
        self.quota_left = session.pacer.budget.left
        if traffic.slowest_request:
            self.slowest = f"{traffic.slowest_seconds:.2f} s GET {traffic.slowest_request}"


async def discover(vendor: Vendor[M], days: Sequence[date], progress: Progress = silent) -> Pulled:
    """Ask which meetings ended on `days` and keep every answer.

    Raises:
        VendorError: the vendor is down, refuses, or has no quota left; what it answered before is kept.
        UsageError: a day lies beyond the vendor's reach.
    """
    pulled = Pulled()
    with vendor.archive.journal() as journal:

        def keep(document: Document) -> None:
            if document.window_first is None:
                journal.keep_lookup(document)
            else:
                journal.keep_listing(document)
            progress(f"{vendor.name}: pages of ended meetings", session.traffic.requests.total(), 0)

        async with vendor.session() as session:
            try:
                pulled.discovery = await vendor.discover(session, days, keep)
            finally:
                pulled.add(session)
    return pulled


async def read_due(vendor: Vendor[M], meetings: Iterable[M], holds: Holds, progress: Progress = silent) -> Pulled:
    """Ask for every report that is due about a meeting, the oldest first, and keep every answer.

    A report that can't be read is left for a later run. When the day's quota is spent the pull ends with what
    it has and says so in `Pulled.stopped`.

    Raises:
        RefusedError: the credentials or scopes don't allow it.
        OutageError: many reports in a row got no usable answer.
        StorageError: an answer can't be kept.
    """
    now = vendor.clock()
    due = sorted(
        (
            (meeting, report)
            for meeting, report in product(meetings, vendor.reports)
            if meeting.has(report) and holds.get((meeting.id, report), Held()).due(meeting, vendor.timing, now)
        ),
        key=lambda due: (due[0].ended_at, due[0].id, due[1]),
    )
    pulled = Pulled()
    if not due:
        return pulled
    with vendor.archive.journal() as journal:
        async with vendor.session() as session:
            reader = _Reader(vendor, session, journal, holds, deque(due), pulled, progress)
            try:
                await together(reader.work() for _ in range(min(IN_FLIGHT, len(due))))
            finally:
                pulled.add(session)
                pulled.left = len(reader.waiting)
    return pulled


class _Reader(Generic[M]):
    def __init__(
        self,
        vendor: Vendor[M],
        session: Session,
        journal: Journal,
        holds: Holds,
        waiting: deque[tuple[M, str]],
        pulled: Pulled,
        progress: Progress,
    ) -> None:
        self.waiting = waiting
        self._vendor = vendor
        self._session = session
        self._holds = holds
        self._pulled = pulled
        self._progress = progress
        self._due = len(waiting)
        self._journal = journal
        self._outages = 0

    async def work(self) -> None:
        while self.waiting and self._pulled.stopped is None:
            meeting, report = self.waiting.popleft()
            try:
                outcome = await self._read(meeting, report)
                self._outages = 0
            except QuotaError as error:
                self._pulled.stopped = error
                self.waiting.append((meeting, report))
                return
            except (OutageError, ForeignHostError) as error:
                outcome = "not_ready"
                self._outages += 1
                status, reason = _told(error)
                attempt = without_answer(report, meeting.id, "not_ready", reason, self._vendor.clock(), status)
                self._journal.keep_attendance(meeting.ended_date, attempt)
                if self._outages >= MOST_OUTAGES:
                    raise
            self._pulled.outcomes[outcome] += 1
            self._progress(
                f"{self._vendor.name}: attendance of ended meetings",
                self._pulled.outcomes.total(),
                self._due,
            )

    async def _read(self, meeting: M, report: str) -> str:
        outcome = ""
        held = self._holds.get((meeting.id, report), Held())
        resume = held.resumable(self._vendor.timing, self._vendor.clock())
        async for document in self._vendor.read(self._session, meeting, report, resume):
            self._journal.keep_attendance(meeting.ended_date, document)
            outcome = document.outcome
        return outcome


def _told(error: OutageError | ForeignHostError) -> tuple[int, str]:
    """The status and the reason that the record of a failed attempt keeps."""
    if isinstance(error, ForeignHostError):
        return 0, "led to a foreign host"
    return error.status, f"outage {error.status or 'without an answer'}"
