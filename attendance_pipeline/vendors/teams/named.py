"""What routes name: meetings that took place or were planned, where their reports are, and the reports themselves."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from tzlocal import windows_tz

from attendance_pipeline.archive import Outcome
from attendance_pipeline.readings import Meeting
from attendance_pipeline.rows import custom
from attendance_pipeline.vendor_json import NOT_JSON, decode
from attendance_pipeline.vendors.shaping import instant
from attendance_pipeline.vendors.teams.account import segment
from attendance_pipeline.vendors.teams.documented import (
    AttendanceReport,
    CalendarEvent,
    CallRecord,
    Interval,
    UserIdentity,
    VirtualEvent,
    VirtualEventSession,
    ZonedTime,
)

WEBINARS, TOWN_HALLS = "webinars", "town_halls"

Kind = Literal["meeting", "webinar", "town_hall", "live_event"]
EVENT_KINDS: dict[str, Kind] = {WEBINARS: "webinar", TOWN_HALLS: "town_hall"}
SESSIONS = {WEBINARS: "webinar_sessions", TOWN_HALLS: "town_hall_sessions"}
"""The kinds of documents that hold the sessions."""
NOT_PUBLISHED = ("draft", "canceled")
"""What an event is that doesn't take place; no status says that it ended."""
EVENT_PATHS = {
    WEBINARS: "/v1.0/solutions/virtualEvents/webinars",
    TOWN_HALLS: "/v1.0/solutions/virtualEvents/townhalls",
}


@dataclass(frozen=True)
class Home:
    """Where Graph keeps a meeting's reports.

    Attributes:
        route: `webinars` or `town_halls`; empty for an online meeting.
        owner: the organizer's object id, or the event's id.
        id: the online meeting's id, or the session's.
    """

    route: str
    owner: str
    id: str

    @property
    def path(self) -> str:
        """Below it are the reports."""
        if self.route:
            return f"{EVENT_PATHS[self.route]}/{segment(self.owner)}/sessions/{segment(self.id)}"
        return self.online_meeting("v1.0")

    def online_meeting(self, version: str) -> str:
        """The path of an online meeting in this version of Graph: some calls are in beta only."""
        return f"/{version}/users/{segment(self.owner)}/onlineMeetings/{segment(self.id)}"

    @property
    def subject(self) -> str:
        """What documents about it are filed under; ids hold no space."""
        return f"{self.route} {self.owner} {self.id}"

    @classmethod
    def of(cls, subject: str) -> "Home":
        """The home that documents of this subject are about."""
        return cls(*subject.split(" ", 2))


class Spanning:
    """What begins and ends."""

    started_at: datetime
    ended_at: datetime

    def overlaps(self, other: "Spanning") -> bool:
        """Whether both are of the same time: no key is documented that says that they are the same meeting."""
        return self.started_at <= other.ended_at and other.started_at <= self.ended_at


@dataclass(frozen=True)
class Named(Spanning):
    """A meeting that a route named.

    Attributes:
        columns: of the table `meetings`, as far as the route knows them.
        join: organizer and join URL, for the lookup.
        home: where its reports are, if that needs no lookup.
        refused: why it can have no report that we may read.
    """

    route: str
    id: str
    started_at: datetime
    ended_at: datetime
    columns: dict[str, Any]
    join: tuple[str, str] | None = None
    home: Home | None = None
    refused: tuple[Outcome, str] | None = None

    @property
    def meeting(self) -> Meeting:
        """As something to be read, by the id that coverage shows while there is no report."""
        return Meeting(self.id, self.ended_at, None)


@dataclass(frozen=True)
class Listed(Spanning):
    """A report that a list named, or that the deprecated call gave as the latest."""

    id: str
    started_at: datetime
    ended_at: datetime
    is_latest: bool = False


class _Intervals(msgspec.Struct, rename="camel"):
    attendance_intervals: list[Interval] | None = None


_INTERVALS = msgspec.json.Decoder(_Intervals, dec_hook=custom)


def as_listed(row: AttendanceReport, home: Home, *, is_latest: bool = False) -> Listed | None:
    """A report's id and times; None: nothing tells them.

    The latest report may lack both: then its records tell its times, and its id is made of its home and its begin.
    """
    begin, end = row.meeting_start_date_time, row.meeting_end_date_time
    if is_latest and (begin is None or end is None):
        intervals = list(_intervals(row.attendance_records or []))
        begin = begin or min((each.join_date_time for each in intervals if each.join_date_time), default=None)
        end = end or max((each.leave_date_time for each in intervals if each.leave_date_time), default=None)
    if begin is None or end is None:
        return None
    report_id = row.id or ""
    if is_latest and not report_id:
        report_id = f"latest-{sha256(home.subject.encode()).hexdigest()[:16]}-{begin:%Y%m%dT%H%M%S}"
    return Listed(report_id, begin, end, is_latest) if report_id else None


def _intervals(records: Iterable[msgspec.Raw]) -> Iterator[Interval]:
    for record in records:
        with suppress(*NOT_JSON):
            yield from decode(_INTERVALS, bytes(record)).attendance_intervals or ()


def moment(said: ZonedTime | str | None) -> datetime | None:
    """A time of a calendar or an event, UTC; of a zone that nobody knows as if it were UTC."""
    if not isinstance(said, ZonedTime):
        return instant(said)
    read = instant(said.date_time)
    if read is None or not said.time_zone:
        return read
    try:
        zone = ZoneInfo(windows_tz.win_tz.get(said.time_zone, said.time_zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return read
    try:
        return read.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        # The calendar's "no time" is in the year 1.
        return None


def is_foreign(user: UserIdentity, tenant: str) -> bool:
    """Whether a user is known to be of another tenant than ours, whose id may not be known."""
    return bool(tenant and user.tenant_id) and str(user.tenant_id).lower() != tenant.lower()


def of_call_record(row: CallRecord, tenant: str) -> Named | None:
    """The meeting that a call record is of; None: a call between two people."""
    if row.type == "peerToPeer":
        return None
    user, url = row.organized_by, row.join_web_url or ""
    refused: tuple[Outcome, str] | None = None
    if not url:
        refused = "blocked", "an ad-hoc call without a join URL, of which Graph makes no attendance report"
    elif not user.id:
        refused = "blocked", "nobody of a directory organized it"
    elif is_foreign(user, tenant):
        refused = "denied", "organized by somebody of another tenant"
    columns = {
        "organizer_id": user.id,
        "organizer_tenant_id": user.tenant_id,
        "organizer_email": user.user_principal_name,
        "organizer_name": user.display_name,
        "join_web_url": url,
        "call_type": row.type,
        "version": row.version,
        "modalities": row.modalities,
        "last_modified_time": row.last_modified_date_time,
    }
    join = None if refused else (str(user.id), url)
    return Named("call_records", row.id, row.start_date_time, row.end_date_time, columns, join, refused=refused)


def of_calendar(row: CalendarEvent, user: str) -> Named | str | None:
    """The meeting that a user planned to hold; the rule that the row breaks; None: not theirs, or not of Teams."""
    url = row.online_meeting.join_url if row.online_meeting else None
    of_teams = row.online_meeting_provider in (None, "teamsForBusiness", "unknown")
    if not row.is_organizer or row.is_cancelled or not url or not of_teams:
        return None
    start, end = moment(row.start), moment(row.end)
    if start is None or end is None:
        return "wrong_type.end" if end is None else "wrong_type.start"
    organizer = row.organizer.email_address if row.organizer else None
    columns = {
        "organizer_id": user,
        "organizer_email": organizer.address if organizer else None,
        "organizer_name": organizer.name if organizer else None,
        "subject": row.subject,
        "join_web_url": url,
        "series_master_id": row.series_master_id,
        "calendar_event_type": row.type,
    }
    return Named("calendar", row.id, start, end, columns, (user, url))


def of_session(row: VirtualEventSession, route: str, event_id: str, event: VirtualEvent | None) -> Named | str | None:
    """The session of a published event; the rule that the row breaks; None: it won't take place."""
    start = moment(row.start_date_time) or (moment(event.start_date_time) if event else None)
    end = moment(row.end_date_time) or (moment(event.end_date_time) if event else None)
    if event is not None and event.status in NOT_PUBLISHED:
        return None
    if start is None or end is None:
        return "missing_field.endDateTime" if end is None else "missing_field.startDateTime"
    user = event.created_by.user if event and event.created_by else None
    columns = {
        "event_id": event_id,
        "session_id": row.id,
        "organizer_id": user.id if user else None,
        "organizer_tenant_id": user.tenant_id if user else None,
        "organizer_email": user.user_principal_name if user else None,
        "organizer_name": user.display_name if user else None,
        "subject": row.subject or (event.display_name if event else None),
        "join_web_url": row.join_web_url,
    }
    return Named(route, f"{event_id}/{row.id}", start, end, columns, home=Home(route, event_id, row.id))
