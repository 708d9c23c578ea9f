"""What a vendor is to the rest of the pipeline."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

import pyarrow as pa

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.clock import Clock, utc_now
from attendance_pipeline.http.budget import DailyBudget
from attendance_pipeline.http.session import Session
from attendance_pipeline.lake import Lake
from attendance_pipeline.readings import Holds, Meeting, OpenReading, Timing
from attendance_pipeline.settings import Settings
from attendance_pipeline.shape import Shaped, Table

M = TypeVar("M", bound=Meeting)


Keep = Callable[[Document], None]
"""Commits a document: it survives the process from there on. One without a window is a lookup."""

Tables = tuple[dict[str, dict[date, Shaped]], dict[str, set[str]]]
"""By table, its partitions; and by table, fields that nobody knew."""


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

    Attributes:
        name: `zoom`, `webex`, `teams`.
        credentials: the settings that turn it on: any one of these sets, whole.
        address: the setting that holds the API's address.
        reach: how far back it lists meetings.
        listing_tables: what discovery fills.
        meetings_table: the one of them that names the meetings whose attendance is read.
        meeting_columns: its columns that `meetings` reads; None: all.
        attendance_tables: what reading the attendance fills.
        reports: the reports about each meeting, by the names of the tables that they fill.
        stand_ins: kinds of documents that stand in for a report of another name.
        page_rows: by report, the most rows that a page of it holds; a report that isn't named comes in one piece.
    """

    name: ClassVar[str]
    credentials: ClassVar[tuple[tuple[str, ...], ...]]
    address: ClassVar[str]
    reach: ClassVar[timedelta]
    timing: ClassVar[Timing]
    listing_tables: ClassVar[tuple[Table, ...]]
    meetings_table: ClassVar[Table]
    meeting_columns: ClassVar[tuple[str, ...] | None] = None
    attendance_tables: ClassVar[tuple[Table, ...]]
    reports: ClassVar[tuple[str, ...]]
    stand_ins: ClassVar[Mapping[str, str]] = MappingProxyType({})
    page_rows: ClassVar[Mapping[str, int]] = MappingProxyType({})

    def __init__(self, settings: Settings, archive: Archive, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.archive = archive
        self.clock = clock

    @classmethod
    def tables(cls) -> tuple[Table, ...]:
        """All its tables, in the order in which they land."""
        return (*cls.listing_tables, *cls.attendance_tables)

    @classmethod
    def earliest(cls, now: datetime) -> date:
        """The oldest ended date that can be asked for."""
        return (now - cls.reach).date()

    @classmethod
    def pages(cls, report: str, rows: int | None) -> int:
        """How many requests a report with so many rows takes; one where nobody says how many they are."""
        return ceil((rows or 1) / cls.page_rows[report]) if report in cls.page_rows else 1

    def daily_limit(self) -> int | None:
        """How many requests a UTC day the account has for all its apps; None: nobody counts them."""
        limit: int | None = getattr(self.settings, f"{self.name}_daily_limit")
        return limit

    def budget(self) -> DailyBudget:
        """What the account may still be asked today; the reserve for its other apps is taken off."""
        limit = self.daily_limit()
        reserve = (limit or 0) * self.settings.attendance_quota_reserve // 100
        return DailyBudget(
            self.settings.data / "state" / f"{self.name}-requests-today.json", limit, reserve, self.clock
        )

    @abstractmethod
    def session(self) -> Session:
        """A session with this vendor's account."""

    @abstractmethod
    async def discover(self, session: Session, days: Sequence[date], keep: Keep) -> Discovery:
        """Ask for every meeting that ended on `days`, and keep each listing as it arrives."""

    @abstractmethod
    def shape_listings(self, days: Sequence[date]) -> Tables:
        """The listing tables of each of `days` from what the archive holds of the vendor's lists."""

    @abstractmethod
    def meetings(self, rows: pa.Table) -> list[M]:
        """The meetings of one partition of the meetings table."""

    def ended_on(self, lake: Lake, day: date) -> list[M]:
        """The meetings that ended on a date, as far as they have landed.

        Raises:
            StorageError: the partition isn't readable.
        """
        rows = lake.read(self.name, self.meetings_table.name, day, self.meeting_columns)
        return [] if rows is None else self.meetings(rows)

    @abstractmethod
    def read(self, session: Session, meeting: M, report: str, resume: OpenReading | None) -> AsyncIterator[Document]:
        """One report about one meeting, answer by answer; the last one says what came of it."""

    @abstractmethod
    def shape_attendance(self, meetings: Mapping[date, Mapping[str, M]], holds: Mapping[date, Holds]) -> Tables:
        """The attendance tables of the dates in `meetings`, `readings` among them."""

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
