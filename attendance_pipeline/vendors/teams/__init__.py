"""Microsoft Teams through Graph: ended meetings, webinars, town halls and live events, and who attended them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from typing import ClassVar

import pyarrow as pa

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.clock import Clock, utc_now
from attendance_pipeline.days import days_table
from attendance_pipeline.http.session import Session
from attendance_pipeline.readings import Holds, OpenReading, Timing, readings_table
from attendance_pipeline.settings import TEAMS_CREDENTIALS, Settings
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors.base import Check, Discovery, Keep, Tables, Vendor
from attendance_pipeline.vendors.shaping import shape_attendance
from attendance_pipeline.vendors.teams import account, discovery, doctor, records, shaping
from attendance_pipeline.vendors.teams.attendance import Reader, TeamsMeeting
from attendance_pipeline.vendors.teams.batch import Batching
from attendance_pipeline.vendors.teams.live_events import Artifacts
from attendance_pipeline.vendors.teams.routes import Routes
from attendance_pipeline.vendors.teams.tables import (
    ATTENDANCE_RECORDS,
    ATTENDANCE_REPORTS,
    ATTENDEE_EVENTS,
    MEETINGS,
    RECORDINGS,
    REGISTRATIONS,
)


class Teams(Vendor[TeamsMeeting]):
    """The Teams of one tenant."""

    name: ClassVar[str] = "teams"
    credentials: ClassVar[tuple[tuple[str, ...], ...]] = TEAMS_CREDENTIALS
    address: ClassVar[str] = "teams_graph_url"
    reach: ClassVar[timedelta] = account.REPORTS_REACH
    timing: ClassVar[Timing] = Timing(
        # How long a report takes isn't documented; call records come within half an hour as a rule.
        first_read=timedelta(minutes=30),
        settles=timedelta(hours=24),
        # Calendars go back further, but name only what was planned.
        listed=account.CALL_RECORDS_REACH - account.REACH_MARGIN,
        recoverable=account.REPORTS_REACH,
        # How long the address of a next page lives isn't documented.
        page_token=timedelta(hours=1),
    )
    listing_tables: ClassVar[tuple[Table, ...]] = (MEETINGS, ATTENDANCE_REPORTS, days_table("teams"))
    meetings_table: ClassVar[Table] = ATTENDANCE_REPORTS
    attendance_tables: ClassVar[tuple[Table, ...]] = (
        ATTENDANCE_RECORDS,
        REGISTRATIONS,
        ATTENDEE_EVENTS,
        RECORDINGS,
        readings_table("teams"),
    )
    reports: ClassVar[tuple[str, ...]] = tuple(report.name for report in records.REPORT_TABLES)
    stand_ins: ClassVar[Mapping[str, str]] = records.STAND_INS

    def __init__(self, settings: Settings, archive: Archive, clock: Clock = utc_now) -> None:
        super().__init__(settings, archive, clock)
        self._batching: tuple[Session, Batching] | None = None

    def session(self) -> Session:
        """See `Vendor.session`."""
        return account.session(self.settings, self.budget(), self.clock)

    async def discover(self, session: Session, days: Sequence[date], keep: Keep) -> Discovery:
        """See `Vendor.discover`."""
        return await discovery.discover(
            self._graph(session), self.settings, self.archive, days, self.clock(), self.timing, keep
        )

    def shape_listings(self, days: Sequence[date]) -> Tables:
        """See `Vendor.shape_listings`."""
        return shaping.shape_lists(self.archive, days, self._routes(days), self.timing)

    def meetings(self, rows: pa.Table) -> list[TeamsMeeting]:
        """See `Vendor.meetings`."""
        return shaping.meetings(rows)

    def read(
        self, session: Session, meeting: TeamsMeeting, report: str, resume: OpenReading | None
    ) -> AsyncIterator[Document]:
        """See `Vendor.read`."""
        if report == ATTENDANCE_RECORDS.name:
            return Reader(self._graph(session), self.settings.teams_graph_url).records(meeting, resume)
        if report == REGISTRATIONS.name:
            return Reader(self._graph(session), self.settings.teams_graph_url).registrations(meeting, resume)
        downloads_to = self.settings.data if self.settings.teams_download_recordings else None
        artifacts = Artifacts(session, self.clock, downloads_to)
        if report == ATTENDEE_EVENTS.name:
            return artifacts.attendee_report(meeting)
        return artifacts.recordings(meeting)

    def shape_attendance(
        self, meetings: Mapping[date, Mapping[str, TeamsMeeting]], holds: Mapping[date, Holds]
    ) -> Tables:
        """See `Vendor.shape_attendance`."""
        tables = shape_attendance(self.archive, records.REPORT_TABLES, meetings, holds, self.timing)
        days = list(meetings)
        return shaping.with_unreported(tables, shaping.unreported(self._routes(days), days, self.timing))

    def doctor(self, session: Session) -> AsyncIterator[Check]:
        """See `Vendor.doctor`."""
        return doctor.doctor(session, self.settings, self.clock())

    def _routes(self, days: Sequence[date]) -> Routes:
        return Routes.known(self.archive, days, discovery.own_tenant(self.settings))

    def _graph(self, session: Session) -> Batching:
        """One per session: what is asked for at the same time leaves together."""
        if self._batching is None or self._batching[0] is not session:
            self._batching = session, Batching(session, account.BATCH)
        return self._batching[1]
