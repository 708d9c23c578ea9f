"""What a vendor is to the rest of the pipeline, and the walk through its pages that all vendors share."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec
import pyarrow as pa

from attendance_pipeline.archive import Archive, Document, new_id
from attendance_pipeline.http.errors import OutageError
from attendance_pipeline.http.pacing import Clock, utc_now
from attendance_pipeline.http.session import Session
from attendance_pipeline.readings import Held, Meeting, OpenReading, Timing
from attendance_pipeline.settings import Settings
from attendance_pipeline.shape import Shaped, Table
from attendance_pipeline.windows import Window

MOST_PAGES = 5_000
"""Pages of one walk: 1.5 million rows at 300 a page. A walk beyond that goes round in circles."""

MOST_RESTARTS = 2
"""How often a walk begins anew because its page token died."""

M = TypeVar("M", bound=Meeting)


Keep = Callable[[Document], None]
"""Commits a document: it survives the process from there on."""


class Page(Protocol):
    """A decoded page, as far as a walk needs it."""

    @property
    def next_token(self) -> str:
        """What asks for the next page; empty on the last."""


P = TypeVar("P", bound=Page)


@dataclass
class Discovery:
    """What discovery did: the route it chose and why, who was skipped."""

    route: str = ""
    reason: str = ""
    skipped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One line of `doctor`: what was tried, whether it works, and what to do where it doesn't."""

    name: str
    passed: bool
    detail: str


class Vendor(ABC, Generic[M]):
    """Pulls one vendor's answers and shapes them; one object per run.

    Args:
        settings: with this vendor's credentials.
        archive: where its answers are kept.
        clock: what time it is, UTC.
    """

    name: ClassVar[str]
    credentials: ClassVar[tuple[str, ...]]
    reach: ClassVar[timedelta]
    timing: ClassVar[Timing]
    meetings_table: ClassVar[Table]
    attendance_tables: ClassVar[tuple[Table, ...]]

    def __init__(self, settings: Settings, archive: Archive, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.archive = archive
        self.clock = clock

    @abstractmethod
    def session(self) -> Session:
        """A session with this vendor's account."""

    @abstractmethod
    async def discover(self, session: Session, days: Sequence[date], keep: Keep) -> Discovery:
        """Ask for every meeting that ended on `days`, and keep each listing as it arrives."""

    @abstractmethod
    def shape_meetings(self, days: Sequence[date]) -> tuple[dict[date, Shaped], set[str]]:
        """The meetings table of each of `days` from the archive's listings, and fields nobody knew."""

    @abstractmethod
    def meetings(self, rows: pa.Table) -> list[M]:
        """The meetings of one partition of the meetings table."""

    @abstractmethod
    def read(self, session: Session, meeting: M, resume: OpenReading | None) -> AsyncIterator[Document]:
        """The answers about one meeting's attendance; the last one says what came of it."""

    @abstractmethod
    def shape_attendance(
        self, meetings: Mapping[date, Mapping[str, M]], holds: Mapping[date, Mapping[str, Held]]
    ) -> tuple[dict[str, dict[date, Shaped]], set[str]]:
        """The attendance tables of the dates in `meetings`, `readings` among them, and fields nobody knew."""

    @abstractmethod
    def doctor(self, session: Session) -> AsyncIterator[Check]:
        """Try what a pull needs, cheapest first."""


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at the same time; the first failure ends the rest and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except* Exception as errors:  # noqa: BLE001 - unwrapped, whatever it is
        raise errors.exceptions[0] from None


async def walk(
    session: Session,
    path: str,
    query: dict[str, str],
    decoder: msgspec.json.Decoder[P],
    label: str,
    *,
    kind: str,
    subject: str = "",
    window: Window | None = None,
    resume: OpenReading | None = None,
    token_died: Callable[[int, bytes], bool] = lambda status, body: False,
    token_name: str = "next_page_token",  # noqa: S107 - a query parameter's name
) -> AsyncIterator[tuple[Document, P | None]]:
    """Each page of a list as a document, until the vendor's token is empty.

    Args:
        session: asks.
        path: of the list.
        query: the same on every page, without the token.
        decoder: reads a page.
        label: the rate limit that it counts against.
        kind: of the documents.
        subject: of the documents.
        window: the dates that a listing asks for.
        resume: a reading to go on with.
        token_died: whether a refusal's status and body say that the page token isn't known any more; the walk
            then begins anew.
        token_name: the query parameter that carries the token.

    Yields:
        The document and the decoded page; None for a page that was refused.

    Raises:
        OutageError: a token came twice, or the pages never end.
    """
    reading, page, token = new_id(), 0, ""
    if resume is not None:
        reading, page, token = resume.reading, resume.page, resume.next_token
    seen, restarts = {token}, 0
    while page < MOST_PAGES:
        page += 1
        answer = await session.get(path, query | ({token_name: token} if token else {}), decoder, label)
        if token and restarts < MOST_RESTARTS and answer.content is None and token_died(answer.status, answer.body):
            reading, page, token, seen, restarts = new_id(), 0, "", {""}, restarts + 1
            continue
        document = Document(
            document_id=new_id(),
            kind=kind,
            subject=subject,
            reading=reading,
            page=page,
            last=answer.content is not None and not answer.content.next_token,
            next_token="" if answer.content is None else answer.content.next_token,
            request=answer.request,
            status=answer.status,
            fetched_at=answer.fetched_at,
            window_first=window.first if window else None,
            window_last=window.last if window else None,
            body=answer.body,
        )
        yield document, answer.content
        if answer.content is None or document.last:
            return
        token = document.next_token
        if token in seen:
            raise OutageError(f"GET {path} hands out the same page token twice (page {page})", answer.status)
        seen.add(token)
    raise OutageError(f"GET {path} has more than {MOST_PAGES} pages, so it goes round in circles")
