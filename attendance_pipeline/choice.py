"""Which vendors can be asked now, which ended dates somebody may choose, and all that is to be loaded.

Knows settings and the vendors' reach. Asks nobody.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from attendance_pipeline.errors import UsageError
from attendance_pipeline.loading import Sources, Wanted
from attendance_pipeline.people import read_told
from attendance_pipeline.settings import LOOPBACK, Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Vendor

DEMO_MARK = "holds-demo-data"
"""A file in the data folder: invented meetings and real ones must not end in one warehouse."""

Vendors = Sequence[type[Vendor[Any]]]


def why_off(vendor: type[Vendor[Any]], settings: Settings) -> str | None:
    """Why the vendor is off, and how to turn it on; None where it is on."""
    missing = settings.missing(vendor.credentials)
    if not missing:
        return None
    return f"{vendor.name} is off: {missing} not set (environment or .env; see .env.example)"


def why_not_asked(vendor: type[Vendor[Any]], settings: Settings) -> str | None:
    """Why the vendor isn't asked by itself, and the way out; None where it is."""
    if reason := why_off(vendor, settings):
        return reason
    try:
        refuse_mixing(settings, [vendor])
    except UsageError as error:
        return f"{vendor.name} isn't asked: {error}"
    return None


def chosen(settings: Settings, names: Iterable[str]) -> list[type[Vendor[Any]]]:
    """The vendors of these names; without any, all that are on.

    Raises:
        UsageError: one of them is off, or its meetings must not come into this data folder.
    """
    wanted = [VENDORS[name] for name in names] or [v for v in VENDORS.values() if not settings.missing(v.credentials)]
    for vendor in wanted:
        if missing := settings.missing(vendor.credentials):
            raise UsageError(f"{vendor.name} is off: set {missing} in the environment or in .env")
    if not wanted:
        needed = "; ".join(f"{name} needs {settings.missing(v.credentials)}" for name, v in VENDORS.items())
        raise UsageError(f"no vendor is on: {needed} (environment or .env; see .env.example), or try the demo")
    refuse_mixing(settings, wanted)
    return wanted


def check_dates(settings: Settings, vendors: Vendors, first: date, last: date) -> None:
    """Refuse dates that can't be landed.

    Raises:
        UsageError: names the date and the way out.
    """
    now = datetime.now(UTC)
    today = now.date()
    if first > last:
        raise UsageError(f"the first date {first} lies after the last one, {last}; swap them")
    if last > today:
        raise UsageError(f"the last date {last} lies in the future; it can be today, {today} (UTC)")
    if first < settings.attendance_start_date:
        raise UsageError(
            f"the first date {first} lies before ATTENDANCE_START_DATE, {settings.attendance_start_date}; "
            "set that to an earlier date, or begin later"
        )
    for vendor in vendors:
        if first < (earliest := vendor.earliest(now)):
            raise UsageError(
                f"the first date {first} lies beyond {vendor.name}'s reach of {vendor.reach.days} days; "
                f"begin at {earliest} or later"
            )


def refuse_mixing(settings: Settings, vendors: Vendors) -> None:
    """Invented meetings and real ones must not end in one warehouse.

    Raises:
        UsageError: names the folder and the way out.
    """
    hosts = {urlsplit(getattr(settings, vendor.address)).hostname for vendor in vendors}
    if hosts - LOOPBACK and (settings.data / DEMO_MARK).exists():
        raise UsageError(
            f"{settings.data} holds the demo's invented meetings; delete that folder, or choose another one with "
            "ATTENDANCE_DATA"
        )


def sources(vendors: Vendors, settings: Settings) -> Sources:
    """All that is loaded today (UTC).

    Raises:
        UsageError: a file of an analyst's can't be read, or holds what isn't meant.
    """
    today = datetime.now(UTC).date()
    wanted = [
        Wanted(
            vendor=vendor.name,
            is_on=why_off(vendor, settings) is None,
            first_date=settings.attendance_start_date,
            as_of=today,
            timing=vendor.timing,
        )
        for vendor in vendors
    ]
    tables = [table for vendor in vendors for table in vendor.tables()]
    return Sources(tables, wanted, read_told(settings, [vendor.name for vendor in vendors]))
