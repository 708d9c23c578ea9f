"""Attendance reports of online meetings: one a session, a year long, the newest 50 of a meeting in a list."""

from dataclasses import replace
from itertools import islice

from attendance_pipeline.sandbox.model import Occurrence, Series
from attendance_pipeline.sandbox.teams.errors import FAILED, OUT_OF_RANGE, bad_request
from attendance_pipeline.sandbox.teams.paging import Row, link, page, token_of
from attendance_pipeline.sandbox.teams.routes import Request
from attendance_pipeline.sandbox.teams.rows import Rows
from attendance_pipeline.sandbox.teams.tenant import Tenant

LISTED = 50
CHANNEL = "Get meetingAttendanceReport is not supported for channel meetings."


class Reports:
    """Answers for organizers whom the policy covers."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.rows = Rows(tenant)

    def listed(self, request: Request) -> Row:
        """The newest reports of a meeting, of a channel's meeting those of all its meetings."""
        series = self.tenant.meeting(request)
        if self.tenant.options.told(self.tenant.options.list_refused, self.tenant.identity.meeting_id(series)):
            raise bad_request(FAILED)
        return self.listing(request, self.tenant.bookings.channel(series))

    def report(self, request: Request) -> Row:
        """One report; not of a channel's meeting."""
        series = self._readable(request)
        if self.tenant.bookings.channel_of(series) is not None:
            raise bad_request(CHANNEL)
        return self.whole(request, self.tenant.report(request.parts["report"], (series,)))

    def records(self, request: Request) -> Row:
        """A report's records, page by page."""
        series = self._readable(request)
        among = self.tenant.bookings.channel(series)
        return self.record_pages(request, self.tenant.report(request.parts["report"], among))

    def latest(self, request: Request) -> Row:
        """The report of the latest session: beta's deprecated path."""
        series = self.tenant.meeting(request)
        if self.tenant.bookings.channel_of(series) is not None:
            raise bad_request(CHANNEL)
        held = () if series.kind == "live_event" else self.tenant.reported(series)
        occurrence = next(iter(held), None)
        if occurrence is None:
            raise bad_request(OUT_OF_RANGE)
        return self.whole(request, occurrence)

    def listing(self, request: Request, among: tuple[Series, ...]) -> Row:
        """The newest reports of some series, without their records; live events have none."""
        held = [
            one
            for series in among
            if series.kind != "live_event"
            for one in islice(self.tenant.reported(series), LISTED)
        ]
        return self.listed_rows(request, held)

    def listed_rows(self, request: Request, held: list[Occurrence]) -> Row:
        """The newest of these as a list."""
        held.sort(key=lambda one: (one.ended_at, one.id), reverse=True)
        newest = held[:LISTED] if self.tenant.options.newest_first else held[:LISTED][::-1]
        return {
            "@odata.context": f"{request.context}attendanceReports",
            "value": [self.rows.report(one) for one in newest],
        }

    def whole(self, request: Request, occurrence: Occurrence) -> Row:
        """A report, with as many of its records as a page has if it's asked to be expanded by them."""
        body: Row = {"@odata.context": f"{request.context}attendanceReports/$entity"} | self.rows.report(occurrence)
        if request.expands("attendanceRecords"):
            size, records = self.tenant.options.records_page_size, self.rows.records(occurrence)
            body["attendanceRecords@odata.context"] = f"{request.context}attendanceRecords"
            body["attendanceRecords"] = records[:size]
            if len(records) > size:
                latest = request.address.removesuffix("/meetingAttendanceReport")
                address = request.address if latest == request.address else f"{latest}/attendanceReports/{body['id']}"
                records_alone = replace(request, query={"$skiptoken": token_of(size)})
                body["attendanceRecords@odata.nextLink"] = link(records_alone, {}, f"{address}/attendanceRecords")
        return body

    def record_pages(self, request: Request, occurrence: Occurrence) -> Row:
        """One page of a report's records."""
        records = self.rows.records(occurrence)
        size = self.tenant.options.records_page_size
        return page(request, "attendanceRecords", records, lambda record: record, size=size)

    def _readable(self, request: Request) -> Series:
        series = self.tenant.meeting(request)
        if self.tenant.options.told(self.tenant.options.list_refused, self.tenant.identity.meeting_id(series)):
            raise bad_request(FAILED)
        return series
