"""The tenant's users, and what stands in their calendars."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from attendance_pipeline.sandbox.model import Person, Series
from attendance_pipeline.sandbox.teams.errors import GraphError, bad_request
from attendance_pipeline.sandbox.teams.paging import Row, page, selected
from attendance_pipeline.sandbox.teams.routes import Request
from attendance_pipeline.sandbox.teams.tenant import Tenant
from attendance_pipeline.sandbox.teams.times import instant, read, zoned

USERS_PAGE, MOST_USERS = 100, 999
EVENTS_PAGE, MOST_EVENTS = 10, 1_000

USER_FIELDS = ("id", "displayName", "jobTitle", "mail", "userPrincipalName")
SELECTED_ALONE = ("accountEnabled", "companyName", "createdDateTime", "department", "userType")
EVENT_FIELDS = (
    *("id", "createdDateTime", "lastModifiedDateTime", "iCalUId", "subject", "type", "seriesMasterId", "start"),
    *("end", "isCancelled", "isOrganizer", "isOnlineMeeting", "onlineMeetingProvider", "onlineMeetingUrl"),
    *("onlineMeeting", "organizer", "attendees"),
)


# of what can be filtered by, what is modelled here
CONDITIONS: dict[str, Callable[[Person], bool]] = {
    "accountEnabled eq true": lambda one: one.status != "inactive",
    "accountEnabled eq false": lambda one: one.status == "inactive",
    "userType eq 'Member'": lambda one: one.employed,
    "userType eq 'Guest'": lambda one: not one.employed,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of one calendar."""

    series: Series
    vendor: str
    start: datetime
    end: datetime


class Directory:
    """Lists users and their calendars; deleted users are in neither."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def users(self, request: Request) -> Row:
        """Everybody with an account, those who are blocked too."""
        size = request.number("$top", USERS_PAGE, most=MOST_USERS)
        known = [one for one in self.tenant.organisation.employees if one.status != "deleted"]
        for condition in filter(None, request.query.get("$filter", "").split(" and ")):
            if condition not in CONDITIONS:
                raise GraphError(400, "Request_UnsupportedQuery", "Unsupported Query.")
            known = [one for one in known if CONDITIONS[condition](one)]
        return page(request, "users", known, lambda one: self._user(request, one), size=size)

    def calendar(self, request: Request) -> Row:
        """What stands between two instants, recurrences one by one, the earliest first."""
        begin, end = (read(request.query.get(name, "")) for name in ("startDateTime", "endDateTime"))
        if begin is None or end is None:
            text = "This request requires a time window: the parameters StartDateTime and EndDateTime."
            raise GraphError(400, "ErrorInvalidParameter", text)
        if begin > end:
            raise GraphError(400, "ErrorInvalidParameter", "The StartDateTime is after the EndDateTime.")
        if request.query.get("$orderby", "start/dateTime") not in ("start/dateTime", "start/dateTime asc"):
            raise bad_request("The property to order by is not supported here.")
        person = self._mailbox(request.parts["user"])
        size = request.number("$top", request.page_size(EVENTS_PAGE, MOST_EVENTS), most=MOST_EVENTS)
        found = sorted(self._entries(person, begin, end), key=lambda one: (one.start, one.series.id))
        context = f"users('{request.parts['user']}')/calendarView"
        return page(
            request,
            context,
            found,
            lambda one: selected(request, self._event(person, one), EVENT_FIELDS),
            size=size,
            skip="$skip",
        )

    def _mailbox(self, user_id: str) -> Person:
        tenant = self.tenant
        person = tenant.user(user_id)
        if person is None:
            raise GraphError(404, "Request_ResourceNotFound", f"Resource '{user_id}' does not exist.")
        if tenant.options.told(tenant.options.without_mailbox, tenant.identity.user_id(person)):
            text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            raise GraphError(404, "MailboxNotEnabledForRESTAPI", text)
        return person

    def _entries(self, person: Person, begin: datetime, end: datetime) -> Iterator[Entry]:
        """What overlaps the window: as organizer, and of recurring series as a member."""
        tenant, options = self.tenant, self.tenant.options
        for one in tenant.organisation.started_between((begin - timedelta(days=2)).date(), end.date()):
            series = one.series
            if not tenant.bookings.in_calendar(series) or person not in (series.host, *series.members):
                continue
            if one.vendor == "teams" and options.told(
                options.hidden_from_calendar, tenant.identity.series_id(series)
            ):
                continue
            entry = Entry(series, one.vendor, *tenant.bookings.planned(one))
            if entry.start < end and entry.end > begin:
                yield entry
        if options.unheld:
            for ordinal in range(begin.date().toordinal(), end.date().toordinal() + 1):
                for series in tenant.bookings.unheld(begin.date().fromordinal(ordinal)):
                    entry = Entry(series, "teams", *tenant.bookings.planned_unheld(series))
                    if series.host is person and entry.start < end and entry.end > begin:
                        yield entry

    def _user(self, request: Request, person: Person) -> Row:
        row: Row = {
            "id": self.tenant.identity.user_id(person),
            "displayName": person.name,
            "jobTitle": None,
            "mail": person.email,
            "userPrincipalName": person.email,
        }
        if "$select" not in request.query:
            return row
        more = {
            "accountEnabled": person.status != "inactive",
            "companyName": "Northwind",
            "createdDateTime": f"{person.hired}T00:00:00Z",
            "department": person.department,
            "userType": "Member",
        }
        return selected(request, row | more, (*USER_FIELDS, *SELECTED_ALONE))

    def _event(self, person: Person, entry: Entry) -> Row:
        series, identity = entry.series, self.tenant.identity
        booked = instant(entry.start - timedelta(days=9), 7)
        at_teams, recurs = entry.vendor == "teams", series.only_on is None
        return {
            "id": self._event_id("event", person.id, series.id, entry.start),
            "createdDateTime": booked,
            "lastModifiedDateTime": booked,
            "iCalUId": identity.codes.digest(28, "ical", series.id, entry.start).hex().upper(),
            "subject": series.title,
            "type": "occurrence" if recurs else "singleInstance",
            "seriesMasterId": self._event_id("master", person.id, series.id) if recurs else None,
            "start": zoned(entry.start),
            "end": zoned(entry.end),
            "isCancelled": False,
            "isOrganizer": person is series.host,
            "isOnlineMeeting": at_teams,
            "onlineMeetingProvider": "teamsForBusiness" if at_teams else "unknown",
            "onlineMeetingUrl": None,
            "onlineMeeting": {"joinUrl": identity.join_url(series)} if at_teams else None,
            "organizer": {"emailAddress": {"name": series.host.name, "address": series.host.email}},
            "attendees": [
                {
                    "type": "required",
                    "status": {"response": "none", "time": "0001-01-01T00:00:00Z"},
                    "emailAddress": {"name": one.name, "address": one.email},
                }
                for one in series.members
                if one is not series.host
            ],
        }

    def _event_id(self, *about: object) -> str:
        return "AAMk" + base64.urlsafe_b64encode(self.tenant.identity.codes.digest(57, *about)).decode()
