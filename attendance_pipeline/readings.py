"""What we hold of each meeting's attendance, what is due to be read, and the vendor table that says so.

A vendor has one report or several about a meeting; a reading is one walk through a report's pages. A report is read
when the vendor can have it and once more when it no longer changes; an answer "not ready", or one with times that
the vendor hasn't filled in yet, is tried again, each time after the meeting's age has doubled, a bounded number of
times. Knows the archive's heads. Knows no vendor.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any, Literal

import pandera.polars as pandera
import polars as pl
import pyarrow as pa

from attendance_pipeline.shape import Table

READINGS = "readings"
"""The table's name."""

MOST_ATTEMPTS = 10
"""With the age doubling each time, ten attempts after the first half hour last three weeks."""

Status = Literal["complete", "partial", "not_ready", "denied", "gone", "blocked"]


@dataclass(frozen=True)
class Meeting:
    """An ended meeting, as far as reading its attendance needs it.

    Attributes:
        id: the vendor's id of the occurrence.
        ended_at: UTC.
        vendor_count: how many rows or people the vendor's list counts; None where it doesn't say.
    """

    id: str
    ended_at: datetime
    vendor_count: int | None

    @property
    def ended_date(self) -> date:
        """The partition."""
        return self.ended_at.date()

    def has(self, report: str) -> bool:
        """Whether the vendor has this report about this meeting."""
        return True

    def expected(self, report: str) -> int | None:
        """How many rows or people this report has to hold, as far as the vendor's list says."""
        return self.vendor_count


@dataclass(frozen=True)
class Timing:
    """When a vendor has a report, when it no longer changes, how long it answers; all from the meeting's end.

    Attributes:
        first_read: from when on a report may be there.
        settles: from when on neither a report nor a list changes.
        listed: until when the vendor's lists name the meeting.
        recoverable: until when a report about a known meeting can be had.
        page_token: how long what asks for a next page lives, from the page before it.
    """

    first_read: timedelta
    settles: timedelta
    listed: timedelta
    recoverable: timedelta
    page_token: timedelta


@dataclass
class Held:
    """What the archive holds of one report about one meeting.

    Attributes:
        complete: the newest reading of which every page is held.
        read_at: when that reading began, UTC.
        attempts: answers since the last settled one that brought no attendance, or attendance without its times.
        last_attempt: when the newest of them came.
        outcome: what the newest of them meant.
        unsettled: the reading that counts lacks times that the vendor hasn't filled in yet.
        reason: the vendor's code for it.
        open: the newest reading that lacks its last page, with what asks for the next one.
        refused: the newest answer was a refusal, so that the open reading can't go on.
        for_good: nothing that anybody grants will change the outcome.
        pages: answered pages of all its readings.
    """

    complete: str | None = None
    read_at: datetime | None = None
    attempts: int = 0
    last_attempt: datetime | None = None
    outcome: Literal["answered", "not_ready", "gone", "denied", "blocked"] = "answered"
    unsettled: bool = False
    reason: str = ""
    open: "OpenReading | None" = None
    refused: bool = False
    for_good: bool = False
    pages: int = 0
    _began: dict[str, datetime] = field(default_factory=dict, repr=False)
    _unsettled: set[str] = field(default_factory=set, repr=False)

    def add(self, head: Mapping[str, Any]) -> None:
        """Take in one document's head; heads come oldest first."""
        reading, at = head["reading"], head["fetched_at"]
        if head["outcome"] not in ("answered", "unsettled"):
            self.attempts += 1
            self.last_attempt, self.outcome, self.reason = at, head["outcome"], head["reason"]
            self.refused = True
            return
        self.pages += 1
        began = self._began.setdefault(reading, at)
        if head["outcome"] == "unsettled":
            self._unsettled.add(reading)
        if not head["last"]:
            self.open, self.refused = OpenReading(reading, head["kind"], head["page"], head["next_token"], at), False
            return
        self.complete, self.read_at, self.open = reading, began, None
        self.unsettled = reading in self._unsettled
        self.attempts, self.last_attempt = (self.attempts + 1, at) if self.unsettled else (0, None)
        self.outcome, self.reason = "answered", ""

    def settled(self, meeting: Meeting, timing: Timing) -> bool:
        """Whether the vendor's answer no longer changes."""
        if self.outcome == "gone" or self.for_good:
            return True
        return not self.unsettled and self.read_at is not None and self.read_at >= meeting.ended_at + timing.settles

    def due(self, meeting: Meeting, timing: Timing, now: datetime) -> bool:
        """Whether to ask the vendor now."""
        at = self.due_at(meeting, timing)
        return at is not None and now >= at

    def due_at(self, meeting: Meeting, timing: Timing) -> datetime | None:
        """From when on to ask the vendor, UTC; None: never again."""
        if self.settled(meeting, timing):
            return None
        earliest = meeting.ended_at + timing.first_read
        if self.attempts and self.last_attempt is not None:
            if self.attempts >= MOST_ATTEMPTS:
                return None
            return max(earliest, self.last_attempt + (self.last_attempt - meeting.ended_at))
        return earliest if self.complete is None else meeting.ended_at + timing.settles

    def resumable(self, timing: Timing, now: datetime) -> "OpenReading | None":
        """The reading that a killed run left open, while the vendor still knows its page token."""
        if self.open is None or self.refused or now - self.open.fetched_at > timing.page_token - timedelta(minutes=1):
            return None
        return self.open


@dataclass(frozen=True)
class OpenReading:
    """A reading to go on with: the last page that is held, and what asks for the next."""

    reading: str
    kind: str
    page: int
    next_token: str
    fetched_at: datetime


Holds = Mapping[tuple[str, str], Held]
"""What is held, by meeting and report."""


def held(heads: Iterable[Mapping[str, Any]], stand_ins: Mapping[str, str]) -> dict[tuple[str, str], Held]:
    """What is held, by meeting and report; heads come oldest first.

    Args:
        heads: of documents about meetings; a document's kind is its report's name.
        stand_ins: kinds that stand in for a report of another name.
    """
    found: dict[tuple[str, str], Held] = {}
    for head in heads:
        found.setdefault((head["subject"], stand_ins.get(head["kind"], head["kind"])), Held()).add(head)
    return found


class Readings(pandera.DataFrameModel):
    """One row per ended meeting that a list named and report about it: how it was read, and what came of it."""

    meeting_id: str = pandera.Field(description="The vendor's id of the occurrence")
    report: str = pandera.Field(description="The report, by the name of the table that it fills")
    status: str = pandera.Field(
        isin=["complete", "partial", "not_ready", "denied", "gone", "blocked"],
        description="What came of reading it",
    )
    reason: str = pandera.Field(
        nullable=True, description="Why, where the status isn't complete; else what was waived, if anything was"
    )
    vendor_count: pl.Int64 = pandera.Field(nullable=True, description="Joins or people that the vendor counts")
    rows_held: pl.Int64 = pandera.Field(ge=0, description="Rows that are in the table")
    rows_quarantined: pl.Int64 = pandera.Field(ge=0, description="Rows that broke a rule and that nobody waived")
    attempts: pl.Int32 = pandera.Field(ge=0, description="Answers since the last settled one that weren't attendance")
    read_at: pl.Datetime("us", "UTC") = pandera.Field(  # type: ignore[valid-type]
        nullable=True, description="When the reading that counts began, UTC"
    )
    settled: bool = pandera.Field(description="Read late enough that the vendor's answer no longer changes")
    due_at: pl.Datetime("us", "UTC") = pandera.Field(  # type: ignore[valid-type]
        nullable=True, description="From when on it is asked for (again), UTC; null where it never is"
    )
    recoverable_until: pl.Datetime("us", "UTC") = pandera.Field(  # type: ignore[valid-type]
        description="Until when the vendor answers for this meeting, UTC"
    )
    document_id: str = pandera.Field(nullable=True, description="First archived document of the reading that counts")

    class Config:
        """Pandera's switches."""

        strict = True


def readings_table(vendor: str) -> Table:
    """The vendor's table `readings`."""
    return Table(vendor, READINGS, Readings, ("meeting_id", "report"))


@dataclass
class Count:
    """What shaping one report about one meeting gave.

    Attributes:
        reported: how many joins or people the report itself counts; None where it doesn't say.
        rows: in the table.
        counted: what compares with the vendor's count.
        unsettled: rows whose times the vendor hasn't filled in yet.
        quarantined: rows that broke a rule and that nobody waived.
        waived: rows that broke a rule and were waived.
        excuses_all: nobody can tell how much the waived rows would have counted.
        document_id: the first document of the reading that counts.
    """

    reported: int | None = None
    rows: int = 0
    counted: int = 0
    unsettled: int = 0
    quarantined: int = 0
    waived: int = 0
    excuses_all: bool = False
    document_id: str | None = None


def reading_rows(
    meetings: Iterable[Meeting],
    reports: Sequence[str],
    holds: Holds,
    counts: Mapping[tuple[str, str], Count],
    timing: Timing,
) -> pa.Table:
    """One row per meeting and report, in the order of their ids."""
    rows = []
    for meeting, report in product(sorted(meetings, key=lambda m: m.id), sorted(reports)):
        if not meeting.has(report):
            continue
        hold, count = holds.get((meeting.id, report), Held()), counts.get((meeting.id, report), Count())
        expected = max((n for n in (meeting.expected(report), count.reported) if n is not None), default=None)
        status, reason = _status(hold, count, expected)
        rows.append(
            {
                "meeting_id": meeting.id,
                "report": report,
                "status": status,
                "reason": reason,
                "vendor_count": expected,
                "rows_held": count.rows,
                "rows_quarantined": count.quarantined,
                "attempts": hold.attempts,
                "read_at": hold.read_at,
                "settled": hold.settled(meeting, timing),
                "due_at": hold.due_at(meeting, timing),
                "recoverable_until": meeting.ended_at + timing.recoverable,
                "document_id": count.document_id,
            }
        )
    return pa.Table.from_pylist(rows, schema=readings_table("").schema)


def _status(hold: Held, count: Count, expected: int | None) -> tuple[Status, str | None]:
    if hold.complete is not None:
        missing = (expected or 0) - count.counted - count.waived
        waived = f"{count.waived} rows waived" if count.waived else None
        if missing > 0 and count.excuses_all:
            waived = f"{waived}, with which {(expected or 0) - count.counted} of {expected} aren't held"
        elif missing > 0:
            lacking = f"{missing} of {expected} not held, {count.quarantined} rows in quarantine"
            return "partial", _told(lacking, waived)
        if count.quarantined:
            return "partial", _told(f"{count.quarantined} rows in quarantine", waived)
        if count.unsettled:
            return "partial", _told(f"{count.unsettled} rows whose times the vendor hasn't filled in yet", waived)
        return "complete", waived
    tried = f"{hold.reason}, tried {hold.attempts} times" if hold.attempts else hold.reason
    if hold.open is not None and (hold.outcome == "answered" or count.rows or count.quarantined or count.waived):
        first_pages = f"only the first {hold.open.page} pages were read"
        return "partial", first_pages if hold.outcome == "answered" else f"{first_pages}; {tried}"
    if hold.outcome == "answered":
        return "not_ready", "not read yet"
    return hold.outcome, tried


def _told(*what: str | None) -> str:
    return ", ".join(filter(None, what))
