"""Who names meetings of some dates: call records, the calendars of users, and the lists of webinars and town halls.

Facts: Graph's reference of "List callRecords", "List users", "List calendarView", "List webinars", "List townhalls"
and "List sessions for a virtual event".
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.errors import UsageError
from attendance_pipeline.http.session import Asks
from attendance_pipeline.readings import Timing
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Discovery, Keep, together
from attendance_pipeline.vendors.paging import NextLinkPaging, walk
from attendance_pipeline.vendors.teams.account import (
    CALENDARS,
    CALL_RECORDS_REACH,
    CALLS,
    EVENTS,
    PAGE,
    REACH_MARGIN,
    USERS,
    Page,
    Refusal,
    address,
    refused,
    segment,
    text,
)
from attendance_pipeline.vendors.teams.documented import VirtualEvent
from attendance_pipeline.vendors.teams.finding import find_reports
from attendance_pipeline.vendors.teams.named import EVENT_PATHS, NOT_PUBLISHED, SESSIONS, moment
from attendance_pipeline.vendors.teams.routes import AROUND, CALENDAR, CALL_RECORDS, Routes
from attendance_pipeline.vendors.teams.routes import USERS as USERS_KIND
from attendance_pipeline.windows import TimeWindow, Window, fewest, first_whole_date, time_windows

LONGEST_MEETING = timedelta(days=2)
"""Call records are selected by start, and we want what ended: they are asked that much earlier."""
SEAM = timedelta(minutes=1)
CALENDAR_SPAN = timedelta(days=30)
USERS_PAGE, CALENDAR_PAGE = "999", "100"
EVENT_FIELDS = (
    "id,subject,start,end,isOrganizer,isCancelled,isOnlineMeeting,onlineMeetingProvider,onlineMeeting,organizer,"
    "seriesMasterId,type"
)
"""Of a calendar: without the texts and the invited people."""


def own_tenant(settings: Settings) -> str:
    """Our tenant's id; empty where the settings name the tenant by its domain.

    Raises:
        UsageError: the settings name none, and without it other tenants' calls would pass for ours.
    """
    tenant = settings.teams_tenant_id
    if tenant is None:
        raise UsageError("TEAMS_TENANT_ID isn't set, which tells own meetings from other tenants'; set it")
    return tenant if re.fullmatch(r"[0-9a-fA-F-]{36}", tenant) else ""


def horizon(now: datetime) -> datetime:
    """The oldest start that call records may be asked for, and still may be an hour later."""
    return now.replace(microsecond=0) - CALL_RECORDS_REACH + REACH_MARGIN


def call_records_path(window: TimeWindow) -> str:
    """The calls that began in a window, its end left out."""
    began = f"startDateTime ge {text(window.start)} and startDateTime lt {text(window.end)}"
    return address("/v1.0/communications/callRecords", {"$filter": began})


def users_path(page: str) -> str:
    """The users of the tenant."""
    return address("/v1.0/users", {"$select": "id,accountEnabled,userType", "$top": page})


def calendar_path(user: str, window: TimeWindow, page: str) -> str:
    """The events of a user's calendar that touch a window."""
    bounds = {"startDateTime": text(window.start), "endDateTime": text(window.end)}
    return address(f"/v1.0/users/{segment(user)}/calendarView", bounds | {"$select": EVENT_FIELDS, "$top": page})


async def discover(
    graph: Asks, settings: Settings, archive: Archive, days: Sequence[date], now: datetime, timing: Timing, keep: Keep
) -> Discovery:
    """Ask every chosen route for meetings that ended on `days`, then for their reports; keep each answer at once.

    Raises:
        UsageError: no chosen route names meetings of a date.
        VendorError: Graph is down, refuses a route, or asks for a long wait.
    """
    chosen = settings.teams_route_names
    oldest = first_whole_date(horizon(now))
    if min(days) < oldest and "call_records" in chosen and "calendar" not in chosen:
        raise UsageError(
            f"teams lists call records back to {oldest}, and only calendars name older meetings: add calendar to "
            f"TEAMS_ROUTES, or begin at {oldest} or later"
        )
    routes = Routes.known(archive, days, own_tenant(settings))

    def take_in(document: Document) -> None:
        keep(document)
        routes.add(document)

    asking = _Naming(graph, settings.teams_graph_url, days, now, routes, take_in)
    work = {"call_records": asking.call_records, "calendar": asking.calendars}
    await together(
        [work[route]() for route in chosen if route in work]
        + [asking.events(route) for route in chosen if route in EVENT_PATHS]
    )
    await find_reports(graph, settings.teams_graph_url, days, now, timing, routes, take_in)
    told = [*_told(routes, set(days), timing)]
    if min(days) < oldest:
        told.append(f"call records reach back to {oldest}, what is older only calendars and event lists name")
    return Discovery(route=", ".join(chosen), reason="; ".join(told), skipped=dict(asking.skipped))


def _told(routes: Routes, days: set[date], timing: Timing) -> Iterator[str]:
    """What each route found and missed."""
    told: dict[str, Counter[str]] = {}
    for named in routes.named.values():
        if named.ended_at.date() in days:
            told.setdefault(named.route, Counter())[routes.verdict(named, timing)[0]] += 1
    for route, of_route in sorted(told.items()):
        yield f"{route}: {', '.join(f'{count} {status}' for status, count in sorted(of_route.items()))}"


class _Naming:
    """The routes that name meetings."""

    def __init__(
        self, graph: Asks, base_url: str, days: Sequence[date], now: datetime, routes: Routes, keep: Keep
    ) -> None:
        self.skipped: Counter[str] = Counter()
        self._graph = graph
        self._base_url = base_url
        self._days = days
        self._now = now
        self._routes = routes
        self._keep = keep
        self._around = Window(min(days) - AROUND, max(days) + AROUND)

    async def call_records(self) -> None:
        """Every call that began early enough to end on a wanted date, as far back as Graph lists them."""
        earliest = horizon(self._now)
        recent = [day for day in self._days if day >= first_whole_date(earliest)]
        windows = time_windows(
            recent,
            span=CALL_RECORDS_REACH,
            before=LONGEST_MEETING,
            overlap=SEAM,
            earliest=earliest,
            latest=self._now.replace(microsecond=0),
        )
        for window in windows:
            await self._whole(call_records_path(window), CALLS, CALL_RECORDS, window=window.dates)

    async def calendars(self) -> None:
        """The events that each user planned; once for each date, a day after it: before, call records are enough."""
        near = {day - back for day in self._days for back in (timedelta(), AROUND)}
        wanted = {day for day in near if self._now.date() > day + AROUND}
        if all(
            day in self._routes.members
            and all(day in self._routes.calendars.get(user, ()) for user in self._routes.members[day])
            for day in wanted
        ):
            return
        await self._whole(users_path(USERS_PAGE), USERS, USERS_KIND)
        members = set().union(*(self._routes.members.get(day, set()) for day in wanted))
        await together(
            self._calendar(user, window)
            for user in sorted(members)
            for window in fewest(wanted - self._routes.calendars.get(user, set()), CALENDAR_SPAN)
        )

    async def events(self, route: str) -> None:
        """The sessions of the webinars or town halls that touch the wanted dates."""
        path = EVENT_PATHS[route]
        async for document, page in self._pages(path, EVENTS, route, "", self._around):
            if page is None:
                refusal = Refusal.read(document.status, document.body)
                if refusal.status == 403:
                    self._keep(replace(document, outcome="denied", reason=str(refusal)))
                    raise refusal.error(EVENTS)
                # National clouds don't offer them.
                self._keep(replace(document, outcome="gone", reason=str(refusal)))
                self.skipped[f"{route} aren't offered ({refusal})"] += 1
                return
            self._keep(document)
        listed = [event for (by, _), event in self._routes.events.items() if by == route]
        await together(self._sessions(route, event.id) for event in listed if self._touches(event))

    def _touches(self, event: VirtualEvent) -> bool:
        """Whether it may have been held on a wanted date; there is no status that says ended."""
        start, end = moment(event.start_date_time), moment(event.end_date_time)
        begins_late = start is not None and start.date() > self._around.last
        ended_early = end is not None and end.date() < self._around.first
        return event.status not in NOT_PUBLISHED and not begins_late and not ended_early

    async def _sessions(self, route: str, event_id: str) -> None:
        path = f"{EVENT_PATHS[route]}/{segment(event_id)}/sessions"
        async for document, page in self._pages(path, EVENTS, SESSIONS[route], event_id, self._around):
            self._keep(document if page is not None else self._passed_over(document, "sessions", EVENTS))

    async def _calendar(self, user: str, window: Window) -> None:
        begin, end = (datetime.combine(day, time(), UTC) for day in (window.first, window.last + timedelta(days=1)))
        path = calendar_path(user, TimeWindow(begin, end), CALENDAR_PAGE)
        async for document, page in self._pages(path, CALENDARS, CALENDAR, user, window):
            self._keep(document if page is not None else self._passed_over(document, "calendars", CALENDARS))

    def _passed_over(self, document: Document, what: str, need: str) -> Document:
        """A refusal that is about one user or event only: others aren't kept waiting."""
        self.skipped[f"{what} refused ({Refusal.read(document.status, document.body)})"] += 1
        return refused(document, need)

    async def _whole(self, path: str, need: str, kind: str, window: Window | None = None) -> None:
        """Every page of a list, without which the pull can't go on.

        Raises:
            RefusedError: Graph won't give it.
        """
        async for document, page in self._pages(path, need, kind, "", window or self._around):
            if page is None:
                refusal = Refusal.read(document.status, document.body)
                self._keep(replace(document, outcome="denied", reason=str(refusal)))
                raise refusal.error(need)
            self._keep(document)

    def _pages(
        self, path: str, label: str, kind: str, subject: str, window: Window
    ) -> AsyncIterator[tuple[Document, Page | None]]:
        paging = NextLinkPaging(path, self._base_url)
        return walk(self._graph, paging, PAGE, label, kind=kind, subject=subject, window=window)
