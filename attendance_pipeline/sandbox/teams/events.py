"""Webinars and town halls: the tenant's lists, their sessions (one a day), who registered, who attended."""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from attendance_pipeline.sandbox.model import Kind, Occurrence, Person, Series
from attendance_pipeline.sandbox.teams.errors import OUT_OF_RANGE, bad_request, not_found
from attendance_pipeline.sandbox.teams.paging import Row, page
from attendance_pipeline.sandbox.teams.reports import Reports
from attendance_pipeline.sandbox.teams.routes import Request
from attendance_pipeline.sandbox.teams.settling import REPORTS_KEPT
from attendance_pipeline.sandbox.teams.tenant import EVENT_KINDS, Tenant
from attendance_pipeline.sandbox.teams.times import instant, zoned

AHEAD = timedelta(days=14)
"""How far ahead events and their sessions are planned."""

REGISTRATIONS_PAGE = 100

WINDOWS_ZONES = {
    "Europe/Berlin": "W. Europe Standard Time",
    "Europe/Lisbon": "GMT Standard Time",
    "America/New_York": "Eastern Standard Time",
    "Asia/Kolkata": "India Standard Time",
}


class Events:
    """Answers for events whose organizers the policy covers."""

    def __init__(self, tenant: Tenant, reports: Reports) -> None:
        self.tenant = tenant
        self.reports_ = reports
        self._days: dict[tuple[date, date], tuple[Series, ...]] = {}

    def listed(self, request: Request) -> Row:
        """All that the policy covers; the others are left out without a word."""
        kind, options = _kind(request), self.tenant.options
        found = [one for one in self._events() if one.kind == kind and self._is_covered(one)]
        size = options.events_page_size
        return page(request, _context(request), found, self._event, size=size)

    def event(self, request: Request) -> Row:
        """One event."""
        series = self._known(request)
        return {"@odata.context": f"{request.context}{_context(request)}/$entity"} | self._event(series)

    def registrations(self, request: Request) -> Row:
        """Everybody who registered for any of its sessions."""
        series = self._known(request)
        people: dict[Person, Occurrence] = {}
        for one in self._occurrences(series):
            if one.ended_at <= self.tenant.now():
                for record in self.tenant.presence.records(one):
                    if record.registered:
                        people.setdefault(record.person, one)
        rows = [self._registration(series, *one) for one in people.items()]
        return page(request, f"{_context(request)}/registrations", rows, lambda row: row, size=REGISTRATIONS_PAGE)

    def sessions(self, request: Request) -> Row:
        """Its sessions in short: of anything but title, address and times there's null."""
        series = self._known(request)
        days = dict.fromkeys(one.day for one in self._occurrences(series))
        text = self.tenant.options.session_times == "text"
        value = [self._session(series, day, text=text) for day in days]
        return {"@odata.context": f"{request.context}{_context(request)}/sessions", "value": value}

    def session(self, request: Request) -> Row:
        """One session."""
        series = self._known(request)
        context = f"{request.context}{_context(request)}/sessions/$entity"
        return {"@odata.context": context} | self._session(series, self._day(request, series), text=False)

    def reports(self, request: Request) -> Row:
        """A session's reports: one for each time it was held."""
        series = self._known(request)
        day = self._day(request, series)
        held = [one for one in self.tenant.reported(series) if one.day == day]
        return self.reports_.listed_rows(request, held)

    def report(self, request: Request) -> Row:
        """One report of a session."""
        return self.reports_.whole(request, self._reported(request))

    def records(self, request: Request) -> Row:
        """The records of one report of a session."""
        return self.reports_.record_pages(request, self._reported(request))

    def _reported(self, request: Request) -> Occurrence:
        series = self._known(request)
        day, found = self._day(request, series), self.tenant.report(request.parts["report"], (series,))
        if found.day != day:
            raise bad_request(OUT_OF_RANGE)
        return found

    def _known(self, request: Request) -> Series:
        identity, event_id = self.tenant.identity, request.parts["event"]
        series = identity.series_of_guid(event_id.partition("@")[0])
        if series is None or series.kind != _kind(request) or identity.event_id(series) != event_id:
            raise not_found()
        self.tenant.check_policy(identity.user_id(series.host))
        return series

    def _day(self, request: Request, series: Series) -> date:
        day = self.tenant.identity.day_of(request.parts["session"])
        held = {one.day for one in self._occurrences(series)}
        if day not in held or self.tenant.identity.session_id(series, day) != request.parts["session"]:
            raise not_found()
        return day

    def _is_covered(self, series: Series) -> bool:
        options = self.tenant.options
        return not options.told(options.without_policy, self.tenant.identity.user_id(series.host))

    def _events(self) -> tuple[Series, ...]:
        """Events that were held within a year or are planned, the first one first."""
        span = self._span()
        if span not in self._days:
            started = self.tenant.organisation.started_between(*span)
            held = (one.series for one in started if one.vendor == "teams" and one.kind in EVENT_KINDS)
            self._days = {span: tuple({one.id: one for one in held}.values())}
        return self._days[span]

    def _occurrences(self, series: Series) -> Iterator[Occurrence]:
        first, last = self._span()
        if series.only_on is not None:
            first = last = series.only_on
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            yield from self.tenant.organisation.held_on(date.fromordinal(ordinal)).get(series.id, ())

    def _span(self) -> tuple[date, date]:
        today = self.tenant.now().date()
        return today - REPORTS_KEPT, today + AHEAD

    def _event(self, series: Series) -> Row:
        tenant, identity = self.tenant, self.tenant.identity
        held = list(self._occurrences(series))
        zone = series.host.timezone
        begin, end = tenant.bookings.planned(held[0])[0], tenant.bookings.planned(held[-1])[1]
        row: Row = {
            "id": identity.event_id(series),
            "status": "published",
            "displayName": series.title,
            "startDateTime": zoned(begin.astimezone(ZoneInfo(zone)), WINDOWS_ZONES[zone]),
            "endDateTime": zoned(end.astimezone(ZoneInfo(zone)), WINDOWS_ZONES[zone]),
            "description": {"contentType": "text", "content": f"About: {series.title}"},
            "audience": "everyone",
            "coOrganizers": [],
            "isRegistrationRequired": any("webinar" in one.habits for one in held),
            "externalEventInformation": [],
            "settings": {"isAttendeeEmailNotificationEnabled": True},
            "createdBy": {
                "application": None,
                "device": None,
                "user": {
                    "id": identity.user_id(series.host),
                    "displayName": series.host.name,
                    "tenantId": identity.tenant_of(series.host),
                },
            },
        }
        return row | {"isInviteOnly": False, "invitedAttendees": []} if series.kind == "town_hall" else row

    def _session(self, series: Series, day: date, *, text: bool) -> Row:
        tenant = self.tenant
        held = tenant.organisation.held_on(day)[series.id]
        begin, end = tenant.bookings.planned(held[0])[0], tenant.bookings.planned(held[-1])[1]
        return {
            "id": tenant.identity.session_id(series, day),
            "subject": series.title,
            "joinWebUrl": tenant.identity.join_url(series),
            "startDateTime": instant(begin) if text else zoned(begin),
            "endDateTime": instant(end) if text else zoned(end),
            "capacity": None,
            "chatInfo": None,
            "isEntryExitAnnounced": None,
            "videoOnDemandWebUrl": None,
        }

    def _registration(self, series: Series, person: Person, occurrence: Occurrence) -> Row:
        first, _, last = person.name.partition(" ")
        return {
            "id": self.tenant.identity.registration_id(person, series),
            "userId": self.tenant.identity.user_id(person) if person.employed else None,
            "firstName": first,
            "lastName": last,
            "email": person.email,
            "status": "registered",
            # as in the page's example, without a zone
            "registrationDateTime": instant(occurrence.started_at - timedelta(days=3), 7).removesuffix("Z"),
            "cancelationDateTime": None,
            "preferredTimezone": WINDOWS_ZONES.get(person.timezone, "Pacific Standard Time"),
            "preferredLanguage": "en-us",
            "registrationQuestionAnswers": [],
        }


def _kind(request: Request) -> Kind:
    return "town_hall" if "/townhalls" in request.route.template else "webinar"


def _context(request: Request) -> str:
    return f"solutions/virtualEvents/{'townhalls' if _kind(request) == 'town_hall' else 'webinars'}"
