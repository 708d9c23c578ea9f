"""From named meetings to attendance reports: the online meeting behind a join URL, and its list of reports.

Facts: Graph's reference of "Get onlineMeeting", "List meetingAttendanceReports" and "Get meetingAttendanceReport".
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import msgspec

from attendance_pipeline.archive import Document
from attendance_pipeline.http.session import Asks
from attendance_pipeline.readings import Timing
from attendance_pipeline.vendor_json import NOT_JSON, decode
from attendance_pipeline.vendors.base import Keep, together
from attendance_pipeline.vendors.paging import NextLinkPaging, Paging, walk
from attendance_pipeline.vendors.teams.account import (
    EVENTS,
    ONLINE_MEETINGS,
    PAGE,
    Page,
    address,
    refused,
    segment,
)
from attendance_pipeline.vendors.teams.account import REPORTS as REPORTS_LABEL
from attendance_pipeline.vendors.teams.named import Home, Named
from attendance_pipeline.vendors.teams.routes import (
    AROUND,
    LATEST,
    LIVE_EVENT,
    LOOKUP,
    REPORTS,
    Routes,
    expired,
)
from attendance_pipeline.windows import Window

ANYTHING = msgspec.json.Decoder(msgspec.Raw)


class _End(msgspec.Struct, rename="camel"):
    meeting_end_date_time: datetime | None = None


_END = msgspec.json.Decoder(_End)


async def find_reports(
    graph: Asks,
    base_url: str,
    days: Sequence[date],
    now: datetime,
    timing: Timing,
    routes: Routes,
    keep: Keep,
) -> None:
    """Ask for the reports of every named meeting of these dates that lacks its own, or may still get another.

    Raises:
        VendorError: Graph is down, lacks a permission, or asks for a long wait.
    """
    around = Window(min(days) - AROUND, max(days) + AROUND)
    due = [
        named for named in routes.named.values() if named.ended_at.date() in around and routes.due(named, timing, now)
    ]
    finding = _Finding(graph, base_url, now, timing, routes, keep)
    newest = {named.join: named for named in sorted(due, key=_end) if named.join}
    await together(finding.look_up(named) for named in newest.values() if routes.home(named) is None)
    homes: dict[str, list[Named]] = {}
    for named in sorted(due, key=_end):
        if home := routes.home(named):
            homes.setdefault(home.subject, []).append(named)
    await together(finding.list_reports(Home.of(subject), named) for subject, named in homes.items())


def lookup_path(organizer: str, join_url: str) -> str:
    """The call that finds an organizer's online meeting by its join URL."""
    quoted = join_url.replace("'", "''")
    return address(f"/v1.0/users/{segment(organizer)}/onlineMeetings", {"$filter": f"JoinWebUrl eq '{quoted}'"})


def latest_path(home: Home) -> str:
    """The deprecated call for the latest session's report; beta only."""
    return address(f"{home.online_meeting('beta')}/meetingAttendanceReport", {"$expand": "attendanceRecords"})


def _end(named: Named) -> datetime:
    return named.ended_at


class _Finding:
    def __init__(self, graph: Asks, base_url: str, now: datetime, timing: Timing, routes: Routes, keep: Keep) -> None:
        self._graph = graph
        self._base_url = base_url
        self._now = now
        self._timing = timing
        self._routes = routes
        self._keep = keep

    async def look_up(self, named: Named) -> None:
        """The online meeting behind a join URL; kept for good, as the lookup dies before the reports do."""
        assert named.join is not None  # noqa: S101 - asked for meetings with one only
        organizer, url = named.join
        path, subject = lookup_path(organizer, url), f"{organizer} {url}"
        async for document, page in walk(
            self._graph, Paging(path, {}), PAGE, ONLINE_MEETINGS, kind=LOOKUP, subject=subject
        ):
            self._keep(self._looked_up(document, page, named))

    async def list_reports(self, home: Home, named: Sequence[Named]) -> None:
        """Which reports there are, and where the list has none, the latest."""
        if self._routes.kind(named[-1]) == "live_event":
            await self._one(home, home.path, LIVE_EVENT, ONLINE_MEETINGS, named)
            return
        label = EVENTS if home.route else REPORTS_LABEL
        paging = NextLinkPaging(f"{home.path}/attendanceReports", self._base_url)
        window = _dates(named)
        async for document, page in walk(
            self._graph, paging, PAGE, label, kind=REPORTS, subject=home.subject, window=window
        ):
            self._keep(_reaching(document, page) if page is not None else refused(document, REPORTS_LABEL))
        if self._wants_the_latest(home):
            await self._one(home, latest_path(home), LATEST, REPORTS_LABEL, named)

    async def _one(self, home: Home, path: str, kind: str, label: str, named: Sequence[Named]) -> None:
        async for document, body in walk(
            self._graph, Paging(path, {}), ANYTHING, label, kind=kind, subject=home.subject, window=_dates(named)
        ):
            self._keep(document if body is not None else refused(document, label))

    def _wants_the_latest(self, home: Home) -> bool:
        """Whether the newest meeting there has no report although it could, so that the last resort is tried."""
        newest = max(self._routes.at_home(home), key=_end)
        if home.route or self._routes.report(newest) or not self._routes.asked_since(newest):
            return False
        outcome, reason = self._routes.verdict(newest, self._timing)
        if outcome in ("not_ready", "not_held"):
            return self._now >= newest.ended_at + self._timing.settles
        return outcome in ("blocked", "gone") or (outcome == "denied" and (reason or "").startswith("403"))

    def _looked_up(self, document: Document, page: Page | None, named: Named) -> Document:
        if page is None and document.status != 404:
            return refused(document, ONLINE_MEETINGS)
        if page is not None and page.value:
            return document
        if expired(named, self._now):
            reason = "its join URL isn't looked up any more, 60 days after its last use"
            return replace(document, outcome="gone", reason=reason)
        return replace(document, outcome="not_ready", reason="no online meeting of its organizer has its join URL")


def _dates(named: Sequence[Named]) -> Window:
    ended = [each.ended_at.date() for each in named]
    return Window(min(ended) - AROUND, max(ended) + AROUND)


def _reaching(document: Document, page: Page) -> Document:
    """A list names reports of whatever date: its window reaches to all of them."""
    ends = [document.window_first, document.window_last]
    for row in page.value:
        try:
            said = decode(_END, bytes(row)).meeting_end_date_time
        except NOT_JSON:
            continue
        ends.append(said.date() if said else None)
    known = [day for day in ends if day is not None]
    return replace(document, window_first=min(known), window_last=max(known))
