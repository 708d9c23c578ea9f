"""Webex: ended meetings and webinars, and who attended them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar

import pyarrow as pa

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.clock import Clock, utc_now
from attendance_pipeline.days import days_table
from attendance_pipeline.http.session import Session
from attendance_pipeline.readings import Holds, OpenReading, Timing, readings_table
from attendance_pipeline.settings import WEBEX_CREDENTIALS, Settings
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors.base import Check, Discovery, Keep, Tables, Vendor
from attendance_pipeline.vendors.shaping import shape_attendance, shape_listings
from attendance_pipeline.vendors.webex import account, attendance, discovery, doctor, shaping
from attendance_pipeline.vendors.webex.attendance import Reader, WebexMeeting
from attendance_pipeline.vendors.webex.tables import ATTENDEES, MEETINGS, PARTICIPANTS
from attendance_pipeline.windows import first_whole_date


class Webex(Vendor[WebexMeeting]):
    """The Webex sites that one token may ask about."""

    name: ClassVar[str] = "webex"
    credentials: ClassVar[tuple[tuple[str, ...], ...]] = WEBEX_CREDENTIALS
    address: ClassVar[str] = "webex_api_url"
    reach: ClassVar[timedelta] = account.REACH
    timing: ClassVar[Timing] = Timing(
        # "Within 24 hours"; before that, rows have been seen to be missing. Cisco has advised 48 hours and more.
        first_read=timedelta(hours=24),
        settles=timedelta(hours=72),
        listed=account.REACH - account.REACH_MARGIN,
        recoverable=account.REACH,
        # An offset doesn't die, but rows that arrive shift what it means.
        page_token=timedelta(hours=1),
    )
    listing_tables: ClassVar[tuple[Table, ...]] = (MEETINGS, days_table("webex"))
    meetings_table: ClassVar[Table] = MEETINGS
    meeting_columns = shaping.MEETING_COLUMNS
    attendance_tables: ClassVar[tuple[Table, ...]] = (ATTENDEES, PARTICIPANTS, readings_table("webex"))
    reports: ClassVar[tuple[str, ...]] = (ATTENDEES.name, PARTICIPANTS.name)
    page_rows: ClassVar[Mapping[str, int]] = {
        ATTENDEES.name: int(attendance.ATTENDEES_PAGE),
        PARTICIPANTS.name: int(attendance.PARTICIPANTS_PAGE),
    }

    def __init__(self, settings: Settings, archive: Archive, clock: Clock = utc_now) -> None:
        super().__init__(settings, archive, clock)
        self._allowed: set[str] = set()

    @classmethod
    def earliest(cls, now: datetime) -> date:
        """The oldest ended date that lies wholly within the reach."""
        return first_whole_date(account.horizon(now))

    def session(self) -> Session:
        """See `Vendor.session`."""
        return account.session(self.settings, self.budget(), self.clock)

    async def discover(self, session: Session, days: Sequence[date], keep: Keep) -> Discovery:
        """See `Vendor.discover`."""
        return await discovery.discover(session, self.settings, days, self.clock(), keep)

    def shape_listings(self, days: Sequence[date]) -> Tables:
        """See `Vendor.shape_listings`."""
        return shape_listings(self.archive, days, shaping.LISTINGS)

    def meetings(self, rows: pa.Table) -> list[WebexMeeting]:
        """See `Vendor.meetings`."""
        return shaping.meetings(rows, self.timing.settles)

    def read(
        self, session: Session, meeting: WebexMeeting, report: str, resume: OpenReading | None
    ) -> AsyncIterator[Document]:
        """See `Vendor.read`."""
        return Reader(session, self.settings.webex_api_url, self.clock, self._allowed).read(meeting, report, resume)

    def shape_attendance(
        self, meetings: Mapping[date, Mapping[str, WebexMeeting]], holds: Mapping[date, Holds]
    ) -> Tables:
        """See `Vendor.shape_attendance`."""
        return shape_attendance(self.archive, shaping.REPORTS, meetings, holds, self.timing)

    def doctor(self, session: Session) -> AsyncIterator[Check]:
        """See `Vendor.doctor`."""
        return doctor.doctor(session, self.settings, self.clock())
