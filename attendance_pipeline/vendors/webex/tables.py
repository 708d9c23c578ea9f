"""Webex's rows as Webex documents them, and the lake tables `meetings`, `attendees` and `participants` of `webex`.

Facts: Webex's reference of "List Meetings", "List Meeting Usage Reports", "List Meeting Attendee Reports" and "List
Meeting Participants". Webex marks no field as required; what a row can't do without is.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
import pandera.polars as pandera
import polars as pl

from attendance_pipeline.shape import Table

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
Whole = Int32 | Annotated[float, msgspec.Meta(ge=-(2**31), lt=2**31)] | None
"""A count or seconds: a JSON number, and 5.0 is one as well as 5. Fractions of a second are rounded."""
MeetingNumber = str | int | float | None
"""The schema says number, the example text."""


class UsageReport(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A row of `/meetingReports/usage`."""

    meeting_id: str
    start: str | None = None
    end: str | None = None
    meeting_number: MeetingNumber = None
    meeting_title: str | None = None
    duration: float | None = None
    scheduled_type: str | None = None
    host_display_name: str | None = None
    host_email: str | None = None
    total_people_minutes: float | None = None
    total_call_in_minutes: float | None = None
    total_call_in_toll_free_minutes: float | None = None
    total_call_out_domestic: float | None = None
    total_call_out_international: float | None = None
    total_voip_minutes: float | None = None
    total_participants: Whole = None
    total_participants_voip: Whole = None
    total_participants_call_in: Whole = None
    total_participants_call_out: Whole = None
    peak_attendee: Whole = None
    total_registered: Whole = None
    total_invitee: Whole = None
    service_type: str | None = None
    tracking_codes: list[Any] | None = None


class _ListedMeeting(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    id: str
    start: str | None = None
    end: str | None = None
    title: str | None = None
    agenda: str | None = None
    timezone: str | None = None
    meeting_number: MeetingNumber = None
    scheduled_meeting_id: str | None = None
    scheduled_type: str | None = None
    host_user_id: str | None = None
    host_display_name: str | None = None
    host_email: str | None = None
    site_url: str | None = None
    web_link: str | None = None
    integration_tags: list[Any] | None = None
    has_chat: bool | None = None
    has_recording: bool | None = None
    has_transcription: bool | None = None
    has_closed_caption: bool | None = None
    has_polls: bool | None = None
    has_qa: bool | None = msgspec.field(name="hasQA", default=None)
    has_slido: bool | None = None
    has_registration: bool | None = None
    has_registrants: bool | None = None
    has_post_event_survey: bool | None = None
    has_summary: bool | None = None


NOT_OF_ENDED_MEETINGS = """
    meetingSeriesId meetingType state password phoneAndVideoSystemPassword hostDidJoin attendeeDidJoin isModified
    recurrence hostKey sipAddress dialInIpAddress roomId enabledAutoRecordMeeting allowAnyUserToBeCoHost
    enabledJoinBeforeHost enableConnectAudioBeforeHost joinBeforeHostMinutes excludePassword publicMeeting
    reminderTime unlockedMeetingJoinSecurity sessionTypeId enabledWebcastView panelistPassword
    phoneAndVideoSystemPanelistPassword enableAutomaticLock automaticLockMinutes allowFirstUserToBeCoHost
    allowAuthenticatedDevices telephony meetingOptions attendeePrivileges registration simultaneousInterpretation
    enabledBreakoutSessions links trackingCodes enabledAudioWatermark enabledVisualWatermark
    visualWatermarkOpacity audioConnectionOptions requireAttendeeLogin restrictToInvitees enabledLiveStream
    liveStream
""".split()  # noqa: SIM905 - a line each would be a page
"""Documented fields of a meeting that are about its booking, or follow from another field: known, not landed."""

ListedMeeting = msgspec.defstruct(
    "ListedMeeting",
    [(name, Any, None) for name in NOT_OF_ENDED_MEETINGS],
    bases=(_ListedMeeting,),
    namespace={"__doc__": "A row of `/meetings`."},
    forbid_unknown_fields=True,
)


class Attendee(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """A row of `/meetingReports/attendees`; it has no id."""

    meeting_number: MeetingNumber = None
    meeting_title: str | None = None
    display_name: str | None = None
    email: str | None = None
    joined_time: datetime | None = None
    left_time: datetime | None = None
    duration: float | None = None
    participant_type: str | None = None
    ip_address: str | None = None
    client_agent: str | None = None
    company: str | None = None
    phone_number: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    zip_code: str | None = None
    registered: bool | None = None
    invited: bool | None = None
    reported_meeting_id: str | None = msgspec.field(name="meetingId", default=None)


class Device(msgspec.Struct, rename="camel", gc=False):
    """One join of a participant, on one device."""

    correlation_id: str | None = None
    device_type: str | None = None
    audio_type: str | None = None
    joined_time: datetime | None = None
    left_time: datetime | None = None
    duration_second: Whole = None
    call_type: str | None = None
    phone_number: str | None = None


class BreakoutSession(msgspec.Struct, rename="camel", gc=False):
    """One stay of a participant in a breakout session."""

    id: str | None = None
    name: str | None = None
    joined_time: datetime | None = None
    left_time: datetime | None = None


class Participant(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A row of `/meetingParticipants`."""

    id: str
    org_id: str | None = None
    host: bool | None = None
    co_host: bool | None = None
    space_moderator: bool | None = None
    email: str | None = None
    display_name: str | None = None
    invitee: bool | None = None
    muted: bool | None = None
    meeting_start_time: datetime | None = None
    video: str | None = None
    state: str | None = None
    breakout_session_id: str | None = None
    joined_time: datetime | None = None
    left_time: datetime | None = None
    site_url: str | None = None
    host_email: str | None = None
    devices: list[Device] | None = None
    breakout_sessions_attended: list[BreakoutSession] | None = None
    source_id: str | None = None
    reported_meeting_id: str | None = msgspec.field(name="meetingId", default=None)


UTC_TIME = pl.Datetime("us", "UTC")
DEVICES = pl.List(
    pl.Struct(
        {
            "correlation_id": pl.String,
            "device_type": pl.String,
            "audio_type": pl.String,
            "joined_time": UTC_TIME,
            "left_time": UTC_TIME,
            "duration_second": pl.Int32,
            "call_type": pl.String,
            "phone_number": pl.String,
        }
    )
)
BREAKOUT_SESSIONS = pl.List(
    pl.Struct({"id": pl.String, "name": pl.String, "joined_time": UTC_TIME, "left_time": UTC_TIME})
)


def _maybe(description: str, **checks: Any) -> Any:
    return pandera.Field(nullable=True, description=description, **checks)


class Meetings(pandera.DataFrameModel):
    """One row per ended meeting or webinar that a list of Webex's named."""

    meeting_id: str = pandera.Field(description="The instance's id: series, _I_, number")
    site_url: str = _maybe("The site that it was held on")
    meeting_number: str = _maybe("The meeting number, shared by a series' instances")
    meeting_title: str = _maybe("Its title")
    agenda: str = _maybe("Its agenda")
    timezone: str = _maybe("The time zone that it was booked in")
    start_time: UTC_TIME = pandera.Field(description="When it started, UTC")  # type: ignore[valid-type]
    end_time: UTC_TIME = pandera.Field(description="When it ended, UTC")  # type: ignore[valid-type]
    duration: float = _maybe("Minutes", ge=0)
    scheduled_type: str = _maybe("meeting or webinar")
    service_type: str = _maybe("MeetingCenter or EventCenter")
    host_display_name: str = _maybe("The host's display name")
    host_email: str = _maybe("The host's e-mail")
    host_user_id: str = _maybe("The host's account id")
    web_link: str = _maybe("Its address")
    scheduled_meeting_id: str = _maybe("The booked occurrence that it belongs to")
    total_people_minutes: float = _maybe("Minutes of all attendees together", ge=0)
    total_call_in_minutes: float = _maybe("Minutes of people who called in", ge=0)
    total_call_in_toll_free_minutes: float = _maybe("Minutes of people who called in toll-free", ge=0)
    total_call_out_domestic: float = _maybe("Minutes of people called back within the country", ge=0)
    total_call_out_international: float = _maybe("Minutes of people called back abroad", ge=0)
    total_voip_minutes: float = _maybe("Minutes over the internet", ge=0)
    total_participants: pl.Int32 = _maybe("Participants; whether people or joins isn't documented", ge=0)
    total_participants_voip: pl.Int32 = _maybe("Participants over the internet", ge=0)
    total_participants_call_in: pl.Int32 = _maybe("Participants who called in", ge=0)
    total_participants_call_out: pl.Int32 = _maybe("Participants who were called back", ge=0)
    peak_attendee: pl.Int32 = _maybe("Most attendees at once", ge=0)
    total_registered: pl.Int32 = _maybe("People registered", ge=0)
    total_invitee: pl.Int32 = _maybe("People invited", ge=0)
    tracking_codes: str = _maybe("Tracking codes, JSON")
    integration_tags: str = _maybe("Tags of the app that booked it, JSON")
    has_chat: bool = _maybe("Whether there was chat")
    has_recording: bool = _maybe("Whether it was recorded")
    has_transcription: bool = _maybe("Whether it was transcribed")
    has_closed_caption: bool = _maybe("Whether it had closed captions")
    has_polls: bool = _maybe("Whether it had polls")
    has_qa: bool = _maybe("Whether it had questions and answers")
    has_slido: bool = _maybe("Whether it used Slido")
    has_registration: bool = _maybe("Whether it had registration")
    has_registrants: bool = _maybe("Whether anybody registered")
    has_post_event_survey: bool = _maybe("Whether it had a survey after its end")
    has_summary: bool = _maybe("Whether it has a summary")
    listed_by: str = pandera.Field(
        isin=["meetings", "usage", "meetings,usage"], description="The lists that named it: meetings, usage"
    )
    document_id: str = pandera.Field(description="The archived document it comes from")

    @pandera.dataframe_check(error="not_the_id_of_an_instance")
    def _names_an_instance(cls, data: Any) -> Any:  # noqa: N805 - pandera makes it a class method
        # The id of a series would name another meeting tomorrow.
        return data.lazyframe.select(pl.col("meeting_id").str.contains("_I_", literal=True))

    @pandera.dataframe_check(error="ends_before_it_starts")
    def _ends_after_start(cls, data: Any) -> Any:  # noqa: N805
        return data.lazyframe.select(pl.col("end_time") >= pl.col("start_time"))

    class Config:
        """Pandera's switches."""

        strict = True


class Attendees(pandera.DataFrameModel):
    """One row per join to a meeting or webinar, as Webex's attendee report has it."""

    meeting_id: str = pandera.Field(description="The instance's id")
    site_url: str = _maybe("The site that was asked")
    meeting_number: str = _maybe("The meeting number")
    meeting_title: str = _maybe("The meeting's title")
    display_name: str = _maybe("Display name")
    email: str = _maybe("E-mail; may be empty for guests and people who called in")
    joined_time: UTC_TIME = _maybe("When the join began, UTC; null until Webex knows")  # type: ignore[valid-type]
    left_time: UTC_TIME = _maybe("When it ended, UTC; null until Webex knows")  # type: ignore[valid-type]
    duration: float = _maybe("Minutes of this join", ge=0)
    participant_type: str = _maybe("host or attendee, in either case")
    ip_address: str = _maybe("IP address")
    client_agent: str = _maybe("Operating system and application")
    company: str = _maybe("Company, as registered")
    phone_number: str = _maybe("Phone number, as registered")
    address1: str = _maybe("Address, part one")
    address2: str = _maybe("Address, part two")
    city: str = _maybe("City")
    state: str = _maybe("State")
    country: str = _maybe("Country")
    zip_code: str = _maybe("Zip code")
    registered: bool = _maybe("Whether the attendee had registered")
    invited: bool = _maybe("Whether the attendee was invited")
    document_id: str = pandera.Field(description="The archived document it comes from")

    @pandera.dataframe_check(error="leaves_before_joining")
    def _leaves_after_joining(cls, data: Any) -> Any:  # noqa: N805
        return data.lazyframe.select((pl.col("left_time") >= pl.col("joined_time")).fill_null(True))

    class Config:
        """Pandera's switches."""

        strict = True


class Participants(pandera.DataFrameModel):
    """One row per participant of a meeting or webinar, with every join by device."""

    meeting_id: str = pandera.Field(description="The instance's id")
    id: str = pandera.Field(str_length={"min_value": 1}, description="The participant's id inside the meeting")
    org_id: str = _maybe("The organization, of ongoing meetings only")
    host: bool = _maybe("Whether they were the host")
    co_host: bool = _maybe("Whether they had host privilege")
    space_moderator: bool = _maybe("Whether they moderate the meeting's space")
    email: str = _maybe("E-mail")
    display_name: str = _maybe("Display name")
    invitee: bool = _maybe("Whether they were invited")
    muted: bool = _maybe("Whether they were muted")
    meeting_start_time: UTC_TIME = _maybe("When the meeting started, UTC")  # type: ignore[valid-type]
    video: str = _maybe("on or off")
    state: str = _maybe("lobby, joined, end, breakoutSession")
    breakout_session_id: str = _maybe("The breakout session they are in")
    joined_time: UTC_TIME = _maybe("When they joined, UTC; null until Webex knows")  # type: ignore[valid-type]
    left_time: UTC_TIME = _maybe("When they left, UTC; null until Webex knows")  # type: ignore[valid-type]
    site_url: str = _maybe("The site")
    host_email: str = _maybe("The host's e-mail")
    devices: DEVICES = _maybe(  # type: ignore[valid-type]
        "Every join: device, audio, times in UTC (null until Webex knows), length in seconds"
    )
    breakout_sessions_attended: BREAKOUT_SESSIONS = _maybe(  # type: ignore[valid-type]
        "Breakout sessions, times in UTC"
    )
    source_id: str = _maybe("The invitation source")
    document_id: str = pandera.Field(description="The archived document it comes from")

    @pandera.dataframe_check(error="leaves_before_joining")
    def _leaves_after_joining(cls, data: Any) -> Any:  # noqa: N805
        return data.lazyframe.select((pl.col("left_time") >= pl.col("joined_time")).fill_null(True))

    @pandera.dataframe_check(error="device_leaves_before_joining")
    def _devices_leave_after_joining(cls, data: Any) -> Any:  # noqa: N805
        return data.lazyframe.select(_in_order("devices"))

    @pandera.dataframe_check(error="device_of_negative_duration")
    def _devices_last(cls, data: Any) -> Any:  # noqa: N805
        lasts = (pl.element().struct.field("duration_second") >= 0).fill_null(True)
        return data.lazyframe.select(pl.col("devices").list.eval(lasts).list.all().fill_null(True))

    @pandera.dataframe_check(error="breakout_ends_before_it_begins")
    def _breakouts_end_after_beginning(cls, data: Any) -> Any:  # noqa: N805
        return data.lazyframe.select(_in_order("breakout_sessions_attended"))

    class Config:
        """Pandera's switches."""

        strict = True


def _in_order(column: str) -> pl.Expr:
    begin, end = (pl.element().struct.field(name) for name in ("joined_time", "left_time"))
    return pl.col(column).list.eval((end >= begin).fill_null(True)).list.all().fill_null(True)


MEETINGS = Table("webex", "meetings", Meetings, ("meeting_id",))
ATTENDEES = Table(
    "webex",
    "attendees",
    Attendees,
    (
        "meeting_id",
        "joined_time",
        "email",
        "display_name",
        "left_time",
        "participant_type",
        "client_agent",
        "ip_address",
        "phone_number",
    ),
)
PARTICIPANTS = Table("webex", "participants", Participants, ("meeting_id", "id"))
