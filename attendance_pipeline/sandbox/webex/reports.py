"""What each modelled call answers when nothing stands in its way.

A public method per call, named in ROUTES; each takes the request and gives the body and its headers, or raises a
WebexError. Meetings in progress are listed, and nothing else is told of them.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from attendance_pipeline.sandbox.model import Occurrence
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.webex.errors import NO_DATA, NO_MEETING, WebexError, invalid
from attendance_pipeline.sandbox.webex.identity import OCCURRENCE_ID, SERIES_ID, WebexIdentity
from attendance_pipeline.sandbox.webex.listing import Listing
from attendance_pipeline.sandbox.webex.options import WebexOptions
from attendance_pipeline.sandbox.webex.paging import Page, page, size_within
from attendance_pipeline.sandbox.webex.participants import ParticipantRows
from attendance_pipeline.sandbox.webex.presence import Presence
from attendance_pipeline.sandbox.webex.routes import Request
from attendance_pipeline.sandbox.webex.rows import WebexRows
from attendance_pipeline.sandbox.webex.settling import Settling
from attendance_pipeline.sandbox.webex.sites import MAIN, SERVICE_TYPES, SITES, Sites
from attendance_pipeline.sandbox.webex.windows import MONTH, join_window, moment, report_window

# no call states how far back it reaches, except the reports
LISTING_REACH = timedelta(days=500)


class WebexReports:
    """Finds and pages what an administrator of the whole organisation may see."""

    def __init__(self, organisation: Organisation, options: WebexOptions, now: Callable[[], datetime]) -> None:
        self.organisation = organisation
        self.options = options
        self.now = now
        self.identity = WebexIdentity(organisation)
        self.presence = Presence(organisation)
        self.settling = Settling(organisation, options)
        self.places = Sites(organisation)
        self.rows = WebexRows(self.identity, self.presence, self.settling, self.places)
        self.participant_rows = ParticipantRows(self.identity, self.presence, self.settling, self.places)

    def sites(self, request: Request) -> Page:
        """The administrator's sites; not `items`, and no pages."""
        asked = request.query.get("siteUrl")
        sites = [{"siteUrl": site, "default": site == MAIN} for site in SITES if asked in (None, site)]
        return {"sites": sites}, {}

    def usage(self, request: Request) -> Page:
        """Ended meetings of one site and one service whose attendance is complete, the newest start first."""
        now = self.now()
        site, service = self._site(request), request.choice("serviceType", SERVICE_TYPES)
        begin, end = report_window(request.query, now)
        size = size_within(self.options, request, 1_000, clamped=False)
        found = [
            one
            for one in self._started(begin, end)
            if self.settling.is_ready(one, now)
            and self.places.site_of(one.series) == site
            and service in self.places.services_of(one.series)
            and not self._is_hidden(self.options.hidden_from_usage, one)
        ]
        found.sort(key=lambda one: (one.started_at, one.id), reverse=True)
        render = self.rows.usage
        return page(self.options, request, found, lambda one: render(one, service, request.zone), size=size)

    def attendees(self, request: Request) -> Page:
        """One row per join to the ended meetings that start in the window, the newest meeting and row first.

        Of the id, the number and the title the first one given is used.
        """
        now, site = self.now(), self._site(request)
        begin, end = report_window(request.query, now)
        size = size_within(self.options, request, 1_000, clamped=False)
        meetings = [
            self.rows.joins(one, now)
            for one in self._asked(request.query, begin, end)
            if one.ended_at <= now and self.places.site_of(one.series) == site
        ]
        meetings.sort(key=lambda joins: joins[0].device.joined if joins else begin, reverse=True)
        found = [join for joins in meetings for join in joins]
        return page(self.options, request, found, lambda join: self.rows.attendee(join, request.zone), size=size)

    def _asked(self, query: dict[str, str], begin: datetime, end: datetime) -> Iterable[Occurrence]:
        """The occurrences that the attendee report is asked for, as far as they start in the window."""
        if query.get("meetingId"):
            known = self._ended(query["meetingId"])
            if self.places.site_of(known.series) != query["siteUrl"]:
                raise WebexError(404, NO_MEETING)
            return [known] if begin <= known.started_at <= end else []
        started = self._started(begin, end)
        if query.get("meetingNumber"):
            return (one for one in started if self.identity.number(one.series) == query["meetingNumber"])
        if query.get("meetingTitle"):
            return (one for one in started if one.title == query["meetingTitle"])
        raise invalid("meetingId")

    def meetings(self, request: Request) -> Page:
        """Instances on all sites or one, as many as a listing may show; the oldest start first (not documented)."""
        now = self.now()
        listing = Listing.of(request, now)
        size = size_within(self.options, request, 100, clamped=True)
        found = [
            one
            for one in self._started(*listing.window)
            if listing.holds(one, self.identity, self.places)
            and not self._is_hidden(self.options.hidden_from_meetings, one)
        ]
        found.sort(key=lambda one: (one.started_at, one.id))

        def row(one: Occurrence) -> dict[str, object]:
            return self.rows.meeting(one, request.zone, now)

        if listing.features:
            found = [one for one in found if listing.has_features(row(one))]
        return page(self.options, request, found[: self.options.listing_cap], row, size=size)

    def participants(self, request: Request) -> Page:
        """Who was in one ended meeting; of a series or an occurrence the last instance that ended."""
        now, query = self.now(), request.query
        occurrence = self._meant(request.required("meetingId"), query)
        size = size_within(self.options, request, 100, clamped=True)
        window, breakout = join_window(query), query.get("breakoutSessionId")
        hosted = query.get("hostEmail") in (None, occurrence.host.email)
        found = [
            row
            for row in self.participant_rows.rows(occurrence, request.zone, now)
            if hosted
            and (window is None or (row.joined is not None and window[0] <= row.joined < window[1]))
            and (breakout is None or breakout in row.breakouts)
        ]
        linked = self.options.participants_link
        return page(self.options, request, found, lambda row: msgspec.Raw(row.json), size=size, linked=linked)

    def _meant(self, meeting_id: str, query: dict[str, str]) -> Occurrence:
        """The instance that an id of any kind leads to; the windows of starts matter to series and occurrences."""
        booked = OCCURRENCE_ID.fullmatch(meeting_id)
        if not booked and not SERIES_ID.fullmatch(meeting_id):
            return self._ended(meeting_id)
        series = self.identity.series_of(booked[1] if booked else meeting_id)
        if series is not None and series.booking == "personal":
            raise invalid("meetingId")
        begin, end = moment(query, "meetingStartTimeFrom"), moment(query, "meetingStartTimeTo")
        reach = MONTH if begin is None and end is None and not booked else LISTING_REACH
        found = self.organisation.occurrences_of(series, self.now(), reach) if series else iter(())
        for one in found:
            if (
                one.vendor == "webex"
                and (begin is None or one.started_at > begin)
                and (end is None or one.started_at < end)
                and (not booked or self.identity.occurrence_id(one) == meeting_id)
            ):
                return one
        raise WebexError(404, NO_DATA, NO_MEETING)

    def _ended(self, instance_id: str) -> Occurrence:
        """The ended instance that has this id."""
        if "_I_" not in instance_id:
            raise invalid("meetingId")
        occurrence = self.identity.occurrence_of(instance_id)
        if occurrence is None or occurrence.ended_at > self.now():
            raise WebexError(404, NO_DATA, NO_MEETING)
        return occurrence

    def _site(self, request: Request) -> str:
        site = request.required("siteUrl")
        if site not in SITES:
            raise invalid("siteUrl")
        return site

    def _started(self, begin: datetime, end: datetime) -> Iterator[Occurrence]:
        """What started from `begin` to `end`, both inclusive, as far back as lists reach."""
        now = self.now()
        first, last = max(begin, now - LISTING_REACH), min(end, now)
        for one in self.organisation.started_between(first.date(), last.date()):
            if one.vendor == "webex" and first <= one.started_at <= last:
                yield one

    def _is_hidden(self, test: Callable[[str], bool] | None, occurrence: Occurrence) -> bool:
        return test is not None and test(self.identity.instance_id(occurrence))
