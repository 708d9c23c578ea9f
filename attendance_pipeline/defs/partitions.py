"""The one partitioning of everything that is landed: UTC ended date, today included."""

from datetime import date

import dagster as dg


def ended_dates(start: date) -> dg.DailyPartitionsDefinition:
    """Daily partitions by UTC ended date, from `start` to today (a day that isn't over yet)."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), end_offset=1)
