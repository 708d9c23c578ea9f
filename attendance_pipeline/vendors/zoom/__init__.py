"""Zoom: ended meetings and webinars, and who attended them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from typing import ClassVar

import pyarrow as pa

from attendance_pipeline.archive import Document
from attendance_pipeline.days import days_table
from attendance_pipeline.http.session import Session
from attendance_pipeline.readings import Holds, OpenReading, Timing, readings_table
from attendance_pipeline.settings import ZOOM_CREDENTIALS
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors.base import Check, Discovery, Keep, Tables, Vendor
from attendance_pipeline.vendors.shaping import shape_attendance, shape_listings
from attendance_pipeline.vendors.zoom import account, attendance, discovery, doctor, shaping
from attendance_pipeline.vendors.zoom.attendance import ZoomMeeting
from attendance_pipeline.vendors.zoom.tables import MEETINGS, PARTICIPANTS


class Zoom(Vendor[ZoomMeeting]):
    """One Zoom account."""

    name: ClassVar[str] = "zoom"
    credentials: ClassVar[tuple[tuple[str, ...], ...]] = ZOOM_CREDENTIALS
    address: ClassVar[str] = "zoom_api_url"
    reach: ClassVar[timedelta] = discovery.REACH
    timing: ClassVar[Timing] = Timing(
        # A report can take up to 30 minutes to be full; a day later it no longer changes.
        first_read=timedelta(minutes=30),
        settles=timedelta(hours=24),
        listed=discovery.REACH,
        # Error 12702: reports of a known UUID end after one year.
        recoverable=timedelta(days=365),
        page_token=timedelta(minutes=15),
    )
    listing_tables: ClassVar[tuple[Table, ...]] = (MEETINGS, days_table("zoom"))
    meetings_table: ClassVar[Table] = MEETINGS
    meeting_columns = shaping.MEETING_COLUMNS
    attendance_tables: ClassVar[tuple[Table, ...]] = (PARTICIPANTS, readings_table("zoom"))
    reports: ClassVar[tuple[str, ...]] = (PARTICIPANTS.name,)
    stand_ins: ClassVar[Mapping[str, str]] = {attendance.DETAIL: PARTICIPANTS.name}
    page_rows: ClassVar[Mapping[str, int]] = {PARTICIPANTS.name: int(account.PAGE_SIZE)}

    def daily_limit(self) -> int | None:
        """See `Vendor.daily_limit`."""
        return super().daily_limit() or account.PER_DAY[self.settings.zoom_plan]

    def session(self) -> Session:
        """See `Vendor.session`."""
        return account.session(self.settings, self.budget(), self.clock)

    async def discover(self, session: Session, days: Sequence[date], keep: Keep) -> Discovery:
        """See `Vendor.discover`."""
        return await discovery.discover(session, days, self.clock().date(), keep)

    def shape_listings(self, days: Sequence[date]) -> Tables:
        """See `Vendor.shape_listings`."""
        return shape_listings(self.archive, days, shaping.LISTINGS)

    def meetings(self, rows: pa.Table) -> list[ZoomMeeting]:
        """See `Vendor.meetings`."""
        return shaping.meetings(rows)

    def read(
        self, session: Session, meeting: ZoomMeeting, report: str, resume: OpenReading | None
    ) -> AsyncIterator[Document]:
        """See `Vendor.read`."""
        return attendance.read(session, meeting, resume)

    def shape_attendance(
        self, meetings: Mapping[date, Mapping[str, ZoomMeeting]], holds: Mapping[date, Holds]
    ) -> Tables:
        """See `Vendor.shape_attendance`."""
        return shape_attendance(self.archive, shaping.REPORTS, meetings, holds, self.timing)

    def doctor(self, session: Session) -> AsyncIterator[Check]:
        """See `Vendor.doctor`."""
        return doctor.doctor(session, self.clock().date())
