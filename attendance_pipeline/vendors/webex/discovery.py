"""Which Webex meetings and webinars ended: what the usage reports of each site say, and what the meetings list says.

Facts: Webex's reference of "List Meeting Usage Reports", "List Meetings" and "Get Site List", and its page "Meetings
Summary Report". The list knows a meeting 15 minutes after its end, the usage report within a day.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product

import msgspec

from attendance_pipeline.archive import Document
from attendance_pipeline.http.errors import OutageError, RefusedError
from attendance_pipeline.http.session import Session
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendor_json import NOT_JSON, decode
from attendance_pipeline.vendors.base import Discovery, Keep, together
from attendance_pipeline.vendors.paging import LinkPaging, Paging, walk
from attendance_pipeline.vendors.webex.account import (
    LABEL,
    MEETINGS,
    PAGE,
    SITES,
    SPAN,
    USAGE,
    Page,
    Refusal,
    horizon,
    text,
)
from attendance_pipeline.windows import TimeWindow, Window, time_windows

LONGEST_MEETING = timedelta(days=2)
"""The lists seem to select by start, and we want what ended: they are asked that much earlier."""
OVERLAP = timedelta(minutes=1)
"""Whether the usage report's bounds are included isn't documented."""

SERVICE_TYPES = ("MeetingCenter", "EventCenter")
"""Where meetings and webinars can be; which of the two holds webinars isn't documented. One per request."""
USAGE_PAGE = "1000"
MEETINGS_PAGE = "100"
LISTING_CAP = 10_000
"""Instances that one list of meetings gives, paging included."""

LISTED = "meetings"
USED = {service: f"usage_{service}" for service in SERVICE_TYPES}


class Site(msgspec.Struct, rename="camel"):
    """A site of the caller's, or the site of a listed meeting."""

    site_url: str = ""


class SitesPage(msgspec.Struct):
    """The answer of `/meetingPreferences/sites`: no paging."""

    sites: list[Site]


class _SitesOfMeetings(msgspec.Struct):
    items: list[Site]


SITES_PAGE = msgspec.json.Decoder(SitesPage)
_SITES_OF_MEETINGS = msgspec.json.Decoder(_SitesOfMeetings)


async def discover(
    session: Session, settings: Settings, days: Sequence[date], now: datetime, keep: Keep
) -> Discovery:
    """Ask for every meeting and webinar that ended on `days`, and keep each page as it arrives.

    Raises:
        UsageError: a day lies beyond the reach.
        VendorError: Webex is down, refuses, or asks for a long wait.
    """
    # The newest bound stays where it is: pages are counted off from the newest row.
    latest = now.replace(microsecond=0)
    windows = time_windows(
        days, span=SPAN, before=LONGEST_MEETING, overlap=OVERLAP, earliest=horizon(now), latest=latest
    )
    if not windows:
        return Discovery(route="none", reason="nothing can have ended yet")
    chosen = settings.webex_sites
    sites = set(chosen or await _own_sites(session, windows, keep))
    lists = _Lists(session, settings.webex_api_url, keep)
    await together(lists.meetings(*listing) for listing in product(windows, chosen or [""]))
    if not chosen:
        sites |= lists.sites
    await together(lists.usage(*report) for report in product(windows, sorted(sites), SERVICE_TYPES))
    return Discovery(
        route=f"usage reports and meetings of {', '.join(sorted(sites))}",
        reason="the sites of WEBEX_SITE_URLS" if chosen else "the caller's sites, and those of the listed meetings",
    )


async def _own_sites(session: Session, windows: Sequence[TimeWindow], keep: Keep) -> list[str]:
    sites: list[str] = []
    whole = Window(windows[0].dates.first, windows[-1].dates.last)
    async for document, page in walk(session, Paging(SITES, {}), SITES_PAGE, LABEL, kind="sites", window=whole):
        if page is None:
            keep(replace(document, outcome="denied"))
            raise Refusal.read(document.status, document.body).error(SITES)
        keep(document)
        sites += [site.site_url for site in page.sites if site.site_url]
    if not sites:
        raise RefusedError("webex names no site of this account; set WEBEX_SITE_URLS to the sites to be asked about")
    return sites


class _Lists:
    """The two lists of ended meetings, and the sites that the one of meetings names."""

    def __init__(self, session: Session, base_url: str, keep: Keep) -> None:
        self.sites: set[str] = set()
        self._session = session
        self._base_url = base_url
        self._keep = keep

    async def usage(self, window: TimeWindow, site: str, service: str) -> None:
        """Every page of one site's usage report."""
        query = _bounds(window) | {"siteUrl": site, "serviceType": service, "max": USAGE_PAGE}
        await self._all(USAGE, query, window, USED[service], site)

    async def meetings(self, window: TimeWindow, site: str) -> None:
        """Every page of the list of ended meetings; a window that holds more than the list gives is halved."""
        # The `has…` filters stay out: the schema's default `false` contradicts the text.
        query = _bounds(window) | {"meetingType": "meeting", "state": "ended", "max": MEETINGS_PAGE}
        listed = await self._all(MEETINGS, query | ({"siteUrl": site} if site else {}), window, LISTED, site)
        if listed < LISTING_CAP:
            return
        earlier, later = window.halves()
        if earlier.start == earlier.end:
            raise OutageError(f"webex lists {listed} meetings that started within a second, which can't be")
        await self.meetings(earlier, site)
        await self.meetings(later, site)

    async def _all(self, path: str, query: dict[str, str], window: TimeWindow, kind: str, site: str) -> int:
        rows = 0
        paging = LinkPaging(path, query, self._base_url)
        pages = walk(self._session, paging, PAGE, LABEL, kind=kind, subject=site, window=window.dates)
        async for document, page in pages:
            if page is None:
                refusal = Refusal.read(document.status, document.body)
                self._keep(replace(document, outcome="denied", reason=str(refusal)))
                raise refusal.error(path, site)
            self._keep(document)
            rows += len(page.items)
            self._note_sites(document, page)
        return rows

    def _note_sites(self, document: Document, page: Page) -> None:
        if document.kind == LISTED and page.items:
            try:
                self.sites |= {row.site_url for row in decode(_SITES_OF_MEETINGS, document.body).items} - {""}
            except NOT_JSON:
                return


def _bounds(window: TimeWindow) -> dict[str, str]:
    return {"from": text(window.start), "to": text(window.end)}
