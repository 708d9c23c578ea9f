"""The numbers that a run ends with, read from the published file as any analyst would read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

PER_VENDOR = """
    select
        vendor,
        count(*) as meetings,
        count(distinct host_email) as hosts,
        sum(join_count) as joins,
        sum(attendee_count) as attendees,
        sum(attended_seconds) as attended_seconds,
        sum(device_seconds) as device_seconds,
        sum(active_seconds) as active_seconds,
        max(peak_attendees) as largest_meeting,
    from marts.meetings
    where ended_date between ? and ?
    group by vendor
    order by vendor
"""

COVERAGE = """
    select
        vendor,
        status,
        count(*) as meetings,
        count(*) filter (where settled) as settled,
    from marts.coverage
    where ended_date between ? and ?
    group by vendor, status
    order by vendor, status
"""


@dataclass(frozen=True)
class VendorSummary:
    """One vendor's meetings that ended on the chosen dates; seconds as in the mart `meetings`."""

    vendor: str
    meetings: int
    hosts: int
    joins: int
    attendees: int
    attended_seconds: int
    device_seconds: int
    active_seconds: int
    largest_meeting: int


@dataclass(frozen=True)
class CoverageSummary:
    """How many meetings of a vendor have a status, and how many of them are settled."""

    vendor: str
    status: str
    meetings: int
    settled: int


@dataclass(frozen=True)
class Summary:
    """Utilization and coverage of the meetings that ended from `first` to `last`."""

    first: date
    last: date
    vendors: Sequence[VendorSummary]
    coverage: Sequence[CoverageSummary]


def summarize(published: Path, first: date, last: date) -> Summary:
    """Read the marts of the published file."""
    with duckdb.connect(str(published), read_only=True) as connection:
        vendors = connection.execute(PER_VENDOR, [first, last]).fetchall()
        coverage = connection.execute(COVERAGE, [first, last]).fetchall()
    return Summary(
        first,
        last,
        [VendorSummary(vendor, *(int(number or 0) for number in numbers)) for vendor, *numbers in vendors],
        [CoverageSummary(*row) for row in coverage],
    )
