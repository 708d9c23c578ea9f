"""How many requests landing some dates takes, beside what the vendor account has left.

What is due is counted from the lake, what isn't known yet is guessed from what was. Knows the lake and a vendor's
page sizes. Asks nobody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from math import ceil
from typing import Any

import pyarrow.compute as pc

from attendance_pipeline.archive import Archive
from attendance_pipeline.days import RECORD, are_settled
from attendance_pipeline.lake import Lake
from attendance_pipeline.readings import READINGS
from attendance_pipeline.vendors.base import Vendor

KNOWN_DATES = 60
"""Dates from which the others are guessed: the newest."""
LIST_SPAN = 30
"""Days of a list request, about the most that any vendor allows."""


@dataclass(frozen=True)
class Plan:
    """What landing some dates of a vendor takes.

    Attributes:
        vendor: `zoom`, `webex`, `teams`.
        dates: how many are to be landed.
        reports: reports that are known to be due.
        requests: that these take.
        unknown: dates of which no meetings are known yet.
        guessed: about how many requests the attendance of their meetings takes; None where nothing is known.
        lists: about how many requests the lists take, asked for once; None where none were asked for before.
        left: requests that the account has left today for us; None where it has no limit.
        a_day: requests that a whole day has for us.
        today: the UTC date.
    """

    vendor: str
    dates: int
    reports: int
    requests: int
    unknown: int
    guessed: int | None
    lists: int | None
    left: int | None
    a_day: int | None
    today: date

    @property
    def total(self) -> int:
        """Requests as far as they are known or guessed."""
        return self.requests + (self.guessed or 0) + (self.lists or 0)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out because nothing is known of it."""
        return self.lists is not None and not (self.unknown and self.guessed is None)

    @property
    def days(self) -> int:
        """UTC days that it takes, today included."""
        if self.left is None or self.a_day is None or self.total <= self.left:
            return 1
        return 1 + ceil((self.total - self.left) / max(1, self.a_day))

    @property
    def ends(self) -> date:
        """The UTC date on which it ends, if a run goes on each day."""
        return self.today + timedelta(days=self.days - 1)

    def __str__(self) -> str:
        known = f"{self.reports} reports are due" if self.reports else "no report is known to be due"
        guess = ""
        if self.unknown:
            guess = f", the meetings of {self.unknown} dates aren't known yet"
        about = f"{'about' if self.is_whole else 'at least'} {self.total} requests"
        if not self.total and not self.is_whole:
            about = "nobody knows yet how many requests"
        text = f"{self.vendor}: {self.dates} dates, {about} ({known}{guess})"
        if self.left is None:
            return f"{text}; the account has no daily limit"
        text = f"{text}; {self.left} of {self.a_day} are left today"
        if self.days > 1:
            text += f", so it takes about {self.days} days, until {self.ends}"
        return text


def plan(vendor: Vendor[Any], lake: Lake, days: Sequence[date], *, again: bool = True) -> Plan:
    """What landing these dates takes, from what is known now.

    Args:
        vendor: whose meetings.
        lake: what is held.
        days: ended dates.
        again: lists that were read late enough already are asked for again.
    """
    now, budget = vendor.clock(), vendor.budget()
    reports = requests = unknown = 0
    for day in days:
        due = list(_due(vendor, lake, day, now))
        reports += len(due)
        requests += sum(due)
        unknown += not lake.has(vendor.name, vendor.meetings_table.name, day)
    listed = [day for day in days if again or not are_settled(lake, vendor.name, day)]
    a_date = _requests_a_date(vendor, lake) if unknown else None
    return Plan(
        vendor=vendor.name,
        dates=len(days),
        reports=reports,
        requests=requests,
        unknown=unknown,
        guessed=None if a_date is None else round(unknown * a_date),
        lists=_lists(vendor.archive, len(listed)),
        left=budget.left,
        a_day=budget.a_day,
        today=now.date(),
    )


def _due(vendor: Vendor[Any], lake: Lake, day: date, now: datetime) -> Iterator[int]:
    """The requests of each report that is due."""
    readings = lake.read(vendor.name, READINGS, day, ("report", "vendor_count", "due_at"))
    if readings is not None:
        for row in readings.filter(pc.less_equal(readings["due_at"], now)).to_pylist():
            yield vendor.pages(row["report"], row["vendor_count"])
        return
    for meeting in vendor.ended_on(lake, day):
        for report in vendor.reports:
            if meeting.has(report) and now >= meeting.ended_at + vendor.timing.first_read:
                yield vendor.pages(report, meeting.expected(report))


def _requests_a_date(vendor: Vendor[Any], lake: Lake) -> float | None:
    """The requests that reading the meetings of a date took, on average."""
    partitions = sorted(lake.partitions(vendor.name, READINGS), reverse=True)
    counted = ("report", "vendor_count")
    known = [lake.read(vendor.name, READINGS, held.ended_date, counted) for held in islice(partitions, KNOWN_DATES)]
    rows = [row for table in known if table is not None for row in table.to_pylist()]
    asked = sum(vendor.pages(row["report"], row["vendor_count"]) for row in rows)
    return asked / len(known) if known else None


def _lists(archive: Archive, dates: int) -> int | None:
    """The requests for the lists, from the newest discovery that came to its end."""
    heads = archive.newest_listing_heads()
    ends = [at for at, head in enumerate(heads) if head["kind"] == RECORD and head["outcome"] == "answered"]
    if not ends:
        return None
    record, before = heads[ends[-1]], heads[: ends[-1]]
    asked: int = sum(head["kind"] != RECORD and head["fetched_at"] >= record["fetched_at"] for head in before)
    days: timedelta = record["window_last"] - record["window_first"]
    return ceil(asked / _spans(days.days + 1)) * _spans(dates)


def _spans(dates: int) -> int:
    return ceil(dates / LIST_SPAN)
