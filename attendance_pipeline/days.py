"""What became of asking a vendor which meetings ended on a date, and the vendor table that says so.

After each discovery the archive keeps a record of ours beside the vendor's answers: which dates were asked about,
when, and what came of it. A date that was never asked about, one that was asked about too early, one whose answer
didn't come and one on which nothing happened are four different things. Knows the archive's records and the lake.
Knows no vendor.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pandera.polars as pandera
import polars as pl
import pyarrow as pa

from attendance_pipeline.archive import Archive, Document, Outcome, new_id
from attendance_pipeline.lake import Lake
from attendance_pipeline.readings import Timing
from attendance_pipeline.shape import Table
from attendance_pipeline.windows import midnight, runs

DAYS = "days"
"""The table's name."""

RECORD = "discovery"
"""The kind of our own records among a vendor's listing documents."""


class Days(pandera.DataFrameModel):
    """One row per ended date that was asked about: what became of asking."""

    status: str = pandera.Field(
        isin=["complete", "partial", "not_ready", "denied"], description="What became of asking for the lists"
    )
    reason: str = pandera.Field(
        nullable=True, description="Why, where the status isn't complete; else what was waived, if anything was"
    )
    asked_at: pl.Datetime("us", "UTC") = pandera.Field(  # type: ignore[valid-type]
        nullable=True, description="When the asking began whose answers count, UTC; null where none came to its end"
    )
    settled: bool = pandera.Field(description="Asked late enough that the vendor's lists no longer change")
    rows_quarantined: pl.Int64 = pandera.Field(ge=0, description="Broken rows of the lists that nobody waived")
    recoverable_until: pl.Datetime("us", "UTC") = pandera.Field(  # type: ignore[valid-type]
        description="Until when the vendor's lists name everything that ended on this date, UTC"
    )

    class Config:
        """Pandera's switches."""

        strict = True


def days_table(vendor: str) -> Table:
    """The vendor's table `days`."""
    return Table(vendor, DAYS, Days, ())


def records(
    days: Iterable[date], at: datetime, outcome: Outcome = "answered", reason: str = ""
) -> Iterator[Document]:
    """What the archive is to remember of one discovery: a record for each run of dates.

    Args:
        days: the dates that were asked about.
        at: when asking began, UTC.
        outcome: `answered` where every list came to its end.
        reason: why, where it didn't.
    """
    for window in runs(days):
        yield Document(
            document_id=new_id(),
            kind=RECORD,
            subject="",
            reading=new_id(),
            page=1,
            last=True,
            request="",
            status=0,
            outcome=outcome,
            reason=reason,
            fetched_at=at,
            window_first=window.first,
            window_last=window.last,
            body=b"",
        )


def asked_about(archive: Archive, days: Sequence[date]) -> set[date]:
    """Those of the dates whose lists came to their end at least once, as far as the archive has a record of it."""
    if not days:
        return set()
    answered = [head for head in archive.listing_heads(min(days), max(days), RECORD) if head["outcome"] == "answered"]
    return {day for day in days for head in answered if head["window_first"] <= day <= head["window_last"]}


def day_rows(archive: Archive, quarantined: dict[date, tuple[int, int]], timing: Timing) -> dict[date, pa.Table]:
    """The table `days` of these dates, from the archive's records.

    Args:
        archive: of the vendor.
        quarantined: by date, rows of its lists that broke a rule: those that count, and those that were waived.
        timing: of the vendor.
    """
    if not quarantined:
        return {}
    held = list(archive.listing_heads(min(quarantined), max(quarantined), RECORD))
    rows = {}
    for day, (broken, waived) in quarantined.items():
        of_day = [head for head in held if head["window_first"] <= day <= head["window_last"]]
        rows[day] = pa.Table.from_pylist([_row(day, of_day, broken, waived, timing)], days_table("").schema)
    return rows


def are_settled(lake: Lake, vendor: str, day: date) -> bool:
    """Whether the lists of what ended on a date were read late enough."""
    asked = lake.read(vendor, DAYS, day)
    return asked is not None and asked["settled"].to_pylist() == [True]


def last_asked(lake: Lake, vendor: str) -> datetime | None:
    """When the asking began that the newest answered lists come from, UTC; None where none were ever answered."""
    for partition in reversed(list(lake.partitions(vendor, DAYS))):
        rows = lake.read(vendor, DAYS, partition.ended_date)
        asked: list[datetime | None] = [] if rows is None else rows["asked_at"].to_pylist()
        if newest := max((at for at in asked if at), default=None):
            return newest
    return None


def settles_at(day: date, timing: Timing) -> datetime:
    """From when on the lists of what ended on a date no longer change, UTC."""
    return midnight(day + timedelta(days=1)) + timing.settles


def recoverable_until(day: date, timing: Timing) -> datetime:
    """Until when the lists name everything that ended on a date, UTC."""
    return midnight(day) + timing.listed


def _row(day: date, records: Sequence[dict[str, Any]], broken: int, waived: int, timing: Timing) -> dict[str, Any]:
    answered = [head for head in records if head["outcome"] == "answered"]
    final = [head for head in answered if head["fetched_at"] >= settles_at(day, timing)]
    # The first asking that was late enough counts for good, so that asking again changes nothing.
    counts = next(iter(final or answered[-1:]), None)
    status, reason = "complete", None
    if counts is None:
        status = str(records[-1]["outcome"]) if records else "not_ready"
        reason = str(records[-1]["reason"]) if records else "not asked yet"
    elif not final:
        status, reason = "partial", "asked before the vendor's lists were final"
        if records[-1]["outcome"] != "answered":
            reason += f"; since then: {records[-1]['reason']}"
    elif broken:
        status, reason = "partial", f"{broken} rows of its lists in quarantine"
    elif waived:
        reason = f"{waived} rows of its lists waived"
    return {
        "status": status,
        "reason": reason,
        "asked_at": counts and counts["fetched_at"],
        "settled": bool(final),
        "rows_quarantined": broken,
        "recoverable_until": recoverable_until(day, timing),
    }
