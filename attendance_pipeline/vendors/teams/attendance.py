"""Who attended one meeting, webinar or town hall: the records of its report, and the registrations of its event.

Facts: Graph's reference of "Get meetingAttendanceReport", "List attendanceRecords" and "List registrations".
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import msgspec

from attendance_pipeline.archive import Document
from attendance_pipeline.http.session import Asks
from attendance_pipeline.readings import Meeting, OpenReading
from attendance_pipeline.rows import RowReader
from attendance_pipeline.vendors.paging import NextLinkPaging, Paging, walk
from attendance_pipeline.vendors.teams.account import EVENTS, PAGE, REPORTS, address, refused, segment
from attendance_pipeline.vendors.teams.documented import AttendanceReport
from attendance_pipeline.vendors.teams.finding import ANYTHING, latest_path
from attendance_pipeline.vendors.teams.named import EVENT_PATHS, Home, Kind, Listed, as_listed
from attendance_pipeline.vendors.teams.routes import LATEST
from attendance_pipeline.vendors.teams.tables import (
    ATTENDANCE_RECORDS,
    ATTENDEE_EVENTS,
    REGISTRATIONS,
)

EXPANDED = "attendance_report"
"""The kind of document that is a report with its records in it."""


@dataclass(frozen=True)
class TeamsMeeting(Meeting):
    """An ended meeting of Teams.

    Attributes:
        kind: meeting, webinar, town_hall or live_event.
        home: where its reports are.
        is_latest: it came by the deprecated call, which gives a home's latest report.
        listed: its report's id and times.
        has_registrations: people may have registered.
    """

    kind: Kind
    home: Home
    is_latest: bool
    listed: Listed
    has_registrations: bool

    def has(self, report: str) -> bool:
        """See `Meeting.has`."""
        if report == ATTENDANCE_RECORDS.name:
            return self.kind != "live_event"
        if report == REGISTRATIONS.name:
            return self.has_registrations
        return self.kind == "live_event"

    def expected(self, report: str) -> int | None:
        """The report counts people: registrations and recordings are something else."""
        return self.vendor_count if report in (ATTENDANCE_RECORDS.name, ATTENDEE_EVENTS.name) else None


class _Report(msgspec.Struct, rename="camel"):
    """A report with the first page of its records, unread."""

    attendance_records: list[msgspec.Raw] | None = None
    total_participant_count: int | None = None
    next_link: str | None = msgspec.field(default=None, name="attendanceRecords@odata.nextLink")

    @property
    def is_short(self) -> bool:
        """Whether more people attended than it names."""
        held = len(self.attendance_records or ())
        return self.next_link is not None or held < (self.total_participant_count or 0)


_EXPANDED = msgspec.json.Decoder(_Report)
_LATEST = RowReader(AttendanceReport, None)


class Reader:
    """Reads the reports of Teams.

    Args:
        graph: asks.
        base_url: the API's address.
    """

    def __init__(self, graph: Asks, base_url: str) -> None:
        self._graph = graph
        self._base_url = base_url

    async def records(self, meeting: TeamsMeeting, resume: OpenReading | None) -> AsyncIterator[Document]:
        """Who attended.

        One request brings a report with its records. Where it names fewer people than it counts, or Graph won't give
        it so (a channel's meetings), the records are asked for page by page.
        """
        if meeting.is_latest:
            async for document in self._latest(meeting):
                yield document
            return
        report = f"{meeting.home.path}/attendanceReports/{segment(meeting.id)}"
        label = EVENTS if meeting.home.route else REPORTS
        if resume is None:
            expanding = Paging(address(report, {"$expand": "attendanceRecords"}), {})
            async for document, page in walk(
                self._graph, expanding, _EXPANDED, label, kind=EXPANDED, subject=meeting.id
            ):
                if page is None:
                    answer = refused(document, REPORTS)
                    if answer.outcome == "denied":
                        yield answer
                        return
                elif page.is_short or page.attendance_records is None:
                    yield replace(document, last=False)
                else:
                    yield document
                    return
        paging = NextLinkPaging(f"{report}/attendanceRecords", self._base_url)
        begun = resume if resume is not None and resume.kind == ATTENDANCE_RECORDS.name else None
        async for document, rows in walk(
            self._graph, paging, PAGE, label, kind=ATTENDANCE_RECORDS.name, subject=meeting.id, resume=begun
        ):
            yield refused(document, REPORTS) if rows is None else document

    async def registrations(self, meeting: TeamsMeeting, resume: OpenReading | None) -> AsyncIterator[Document]:
        """Who registered for its event."""
        path = f"{EVENT_PATHS[meeting.home.route]}/{segment(meeting.home.owner)}/registrations"
        async for document, page in walk(
            self._graph,
            NextLinkPaging(path, self._base_url),
            PAGE,
            EVENTS,
            kind=REGISTRATIONS.name,
            subject=meeting.id,
            resume=resume,
        ):
            yield refused(document, EVENTS) if page is None else document

    async def _latest(self, meeting: TeamsMeeting) -> AsyncIterator[Document]:
        async for document, report in walk(
            self._graph, Paging(latest_path(meeting.home), {}), ANYTHING, REPORTS, kind=LATEST, subject=meeting.id
        ):
            if report is None:
                yield refused(document, REPORTS)
                continue
            listed = [as_listed(row, meeting.home, is_latest=True) for row in _LATEST.rows(document)[0]]
            if any(found and found.overlaps(meeting.listed) for found in listed):
                yield document
            else:
                yield replace(document, outcome="gone", reason="a later session's report took its place")
