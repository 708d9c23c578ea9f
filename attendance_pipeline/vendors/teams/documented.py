"""Graph's rows as Microsoft documents them, with what has been seen beside it.

Facts: Graph's resource pages callRecord, event, onlineMeeting, meetingAttendanceReport, attendanceRecord,
virtualEventWebinar, virtualEventTownhall, virtualEventSession, virtualEventRegistration, and Microsoft Support's page
on the attendee engagement report of live events. Nothing but an id is required unless a row is useless without it.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import field

from attendance_pipeline.rows import Instant

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Json = Any
"""Nothing is read from it, or it lands as text."""


class Row(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """OData's annotations, which may stand on any row."""

    odata_type: str | None = field(default=None, name="@odata.type")
    odata_etag: str | None = field(default=None, name="@odata.etag")
    odata_context: str | None = field(default=None, name="@odata.context")


class UserIdentity(msgspec.Struct, rename="camel", gc=False):
    """The `user` of an identity set."""

    id: str | None = None
    display_name: str | None = None
    tenant_id: str | None = None
    user_principal_name: str | None = None


class IdentitySet(msgspec.Struct, gc=False):
    """An identity set, of which the user only can organize."""

    user: UserIdentity | None = None


class CallOrganizer(msgspec.Struct):
    """`organizer_v2` of a call record."""

    identity: IdentitySet | None = None


class CallRecord(Row, kw_only=True):
    """A row of `/communications/callRecords`."""

    id: str
    version: Int64 = 0
    type: str | None = None
    start_date_time: Instant
    end_date_time: Instant
    last_modified_date_time: Instant | None = None
    join_web_url: str | None = None
    modalities: list[str] | None = None
    organizer: IdentitySet | None = None
    organizer_v2: CallOrganizer | None = field(default=None, name="organizer_v2")
    participants: Json = None
    participants_v2: Json = field(default=None, name="participants_v2")
    sessions: Json = None

    @property
    def organized_by(self) -> UserIdentity:
        """The user who organized it, without an id where nobody of a directory did."""
        newer = self.organizer_v2.identity if self.organizer_v2 else None
        said = next((found.user for found in (newer, self.organizer) if found and found.user), None)
        return said or UserIdentity()


class User(Row, kw_only=True):
    """A row of `/users`."""

    id: str
    account_enabled: bool | None = None
    user_type: str | None = None

    @property
    def plans_meetings(self) -> bool:
        """Whether they may have a calendar here."""
        return self.account_enabled is not False and self.user_type != "Guest"


class ZonedTime(msgspec.Struct, rename="camel"):
    """A date-time without zone, and the zone's Windows name."""

    date_time: str
    time_zone: str | None = None


class Address(msgspec.Struct):
    """An e-mail address and the name beside it."""

    name: str | None = None
    address: str | None = None


class Recipient(msgspec.Struct, rename="camel"):
    """Who an e-mail is for."""

    email_address: Address | None = None


class OnlineMeetingInfo(msgspec.Struct, rename="camel"):
    """How a calendar event is joined."""

    join_url: str | None = None


class CalendarEvent(Row, kw_only=True):
    """A row of `/users/{id}/calendarView`: an event, or an occurrence of one."""

    id: str
    subject: str | None = None
    start: ZonedTime
    end: ZonedTime
    is_cancelled: bool | None = None
    is_organizer: bool | None = None
    is_online_meeting: bool | None = None
    online_meeting_provider: str | None = None
    online_meeting: OnlineMeetingInfo | None = None
    organizer: Recipient | None = None
    series_master_id: str | None = None
    type: str | None = None
    # Not asked for; a server may send them all the same.
    attendees: Json = None
    created_date_time: Json = None
    i_cal_u_id: Json = field(default=None, name="iCalUId")
    is_all_day: Json = None
    last_modified_date_time: Json = None
    occurrence_id: Json = None
    online_meeting_url: Json = None
    original_start: Json = None
    original_start_time_zone: Json = None
    recurrence: Json = None
    response_status: Json = None
    transaction_id: Json = None


class MeetingOrganizer(msgspec.Struct):
    """The organizer of an online meeting."""

    upn: str | None = None
    identity: IdentitySet | None = None


class MeetingParticipants(msgspec.Struct):
    """The invited people of an online meeting, of whom the organizer matters."""

    organizer: MeetingOrganizer | None = None


class MeetingOrSession(Row, kw_only=True):
    """What an online meeting and a session of an event have in common."""

    id: str
    subject: str | None = None
    join_web_url: str | None = None
    allow_attendee_to_enable_camera: Json = None
    allow_attendee_to_enable_mic: Json = None
    allow_breakout_rooms: Json = None
    allow_meeting_chat: Json = None
    allow_recording: Json = None
    allow_transcription: Json = None
    allowed_presenters: Json = None
    attendance_reports: Json = None
    chat_info: Json = None
    expiry_date_time: Json = None
    is_end_to_end_encryption_enabled: Json = None
    is_entry_exit_announced: Json = None
    join_information: Json = None
    join_meeting_id_settings: Json = None
    meeting_options_web_url: Json = None
    record_automatically: Json = None
    video_teleconference_id: Json = None


class OnlineMeeting(MeetingOrSession, kw_only=True):
    """A row of `/users/{id}/onlineMeetings`, or one of them by its id."""

    start_date_time: Instant | None = None
    end_date_time: Instant | None = None
    meeting_type: str | None = None
    is_broadcast: bool | None = None
    participants: MeetingParticipants | None = None
    attendee_report: Json = None
    broadcast_settings: Json = None
    creation_date_time: Json = None
    external_id: Json = None
    meeting_template_id: Json = None

    @property
    def is_live_event(self) -> bool:
        """Whether it has an attendee report instead of attendance reports."""
        return bool(self.is_broadcast) or self.meeting_type == "broadcast"


class VirtualEvent(Row, kw_only=True):
    """A row of `/solutions/virtualEvents/webinars` or `/townhalls`."""

    id: str
    status: str | None = None
    display_name: str | None = None
    start_date_time: ZonedTime | None = None
    end_date_time: ZonedTime | None = None
    created_by: IdentitySet | None = None
    is_registration_required: bool | None = None
    audience: Json = None
    capacity: Json = None
    co_organizers: Json = None
    description: Json = None
    external_event_information: Json = None
    invited_attendees: Json = None
    is_invite_only: Json = None
    presenters: Json = None
    registration_configuration: Json = None
    registrations: Json = None
    sessions: Json = None
    settings: Json = None


class VirtualEventSession(MeetingOrSession, kw_only=True):
    """A row of an event's `/sessions`; its times have come as text and with a zone's name."""

    start_date_time: ZonedTime | str | None = None
    end_date_time: ZonedTime | str | None = None
    capacity: Json = None
    meeting_type: Json = None
    video_on_demand_web_url: Json = None


class Interval(msgspec.Struct, rename="camel", gc=False):
    """One join to one leave; the duration is cut to whole seconds."""

    join_date_time: Instant | None = None
    leave_date_time: Instant | None = None
    duration_in_seconds: Int32 | None = None


class Engagement(msgspec.Struct, rename="camel", gc=False):
    """A reaction, a raised hand, a camera or microphone switched on."""

    date_time: Instant | None = None
    engagement_type: str | None = None
    engagement_sub_type: str | None = None


class ExternalRegistration(msgspec.Struct, rename="camel", gc=False):
    """Where somebody registered outside of Teams."""

    referrer: str | None = None
    registration_id: str | None = None


class Identity(msgspec.Struct, rename="camel", gc=False):
    """Who somebody is; which fields there are depends on a type that recorded answers leave out."""

    id: str | None = None
    display_name: str | None = None
    tenant_id: str | None = None
    email: str | None = None
    application_type: str | None = None
    azure_communication_services_resource_id: str | None = None
    odata_type: str | None = field(default=None, name="@odata.type")


class AttendanceRecord(Row, kw_only=True):
    """One person in one meeting."""

    id: str | None = None
    email_address: str | None = None
    total_attendance_in_seconds: Int32 | None = None
    role: str | None = None
    identity: Identity | None = None
    attendance_intervals: list[Interval] | None = None
    registration_id: str | None = None
    external_registration_information: ExternalRegistration | None = None
    registrant_id: str | None = None
    engagements: list[Engagement] | None = None


class AttendanceReport(Row, kw_only=True):
    """A row of `/attendanceReports`, or the answer of `/meetingAttendanceReport`, which may lack id and times."""

    id: str | None = None
    total_participant_count: Int32 | None = None
    meeting_start_date_time: Instant | None = None
    meeting_end_date_time: Instant | None = None
    external_event_information: list[Any] | None = None
    attendance_records: list[msgspec.Raw] | None = None
    records_context: Json = field(default=None, name="attendanceRecords@odata.context")
    records_next_link: Json = field(default=None, name="attendanceRecords@odata.nextLink")


class Registration(Row, kw_only=True):
    """A row of an event's `/registrations`."""

    id: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    status: str | None = None
    registration_date_time: Instant | None = None
    cancelation_date_time: Instant | None = None
    user_id: str | None = None
    preferred_timezone: str | None = None
    preferred_language: str | None = None
    registration_question_answers: list[Any] | None = None
    external_registration_information: ExternalRegistration | None = None
    sessions: Json = None


class UsInstant(Instant):
    """A time like `1/25/2022 4:48:08 PM`, UTC."""

    @classmethod
    def read(cls, text: object) -> datetime:
        """See `Instant.read`."""
        return datetime.strptime(str(text).strip(), "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)


class AttendeeEvent(msgspec.Struct, forbid_unknown_fields=True):
    """A line of a live event's attendee report: somebody joined, or left."""

    session_id: str
    utc_event_timestamp: UsInstant
    action: Literal["Joined", "Left"]
    participant_id: str | None = None
    full_name: str | None = None
    user_agent: str | None = None
    role: str | None = None


ATTENDEE_REPORT_HEADERS = {
    "Session Id": "session_id",
    "SessionId": "session_id",
    "Participant Id": "participant_id",
    "ParticipantId": "participant_id",
    "Full Name": "full_name",
    "FullName": "full_name",
    "UserAgent": "user_agent",
    "UTC Event Timestamp": "utc_event_timestamp",
    "UtcEventTimestamp": "utc_event_timestamp",
    "Action": "action",
    "Role": "role",
}
"""Both headers that have been seen."""


class Artifact(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What a request for a live event's recording brought, in our words: the recording itself isn't archived."""

    is_available: bool
    size_in_bytes: Int64 | None = None
    content_type: str | None = None
    file: str | None = None
