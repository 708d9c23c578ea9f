"""The lake tables of `teams`: what routes named, reports, records, registrations, and live events' artifacts."""

from typing import Any

import pandera.polars as pandera
import polars as pl

from attendance_pipeline.settings import TEAMS_ROUTES
from attendance_pipeline.shape import Table

UTC_TIME = pl.Datetime("us", "UTC")
KINDS = ["meeting", "webinar", "town_hall", "live_event"]
INTERVALS = pl.List(
    pl.Struct({"join_date_time": UTC_TIME, "leave_date_time": UTC_TIME, "duration_in_seconds": pl.Int32})
)
ENGAGEMENTS = pl.List(
    pl.Struct({"date_time": UTC_TIME, "engagement_type": pl.String, "engagement_sub_type": pl.String})
)


def _maybe(description: str, **checks: Any) -> Any:
    return pandera.Field(nullable=True, description=description, **checks)


def _always(description: str, **checks: Any) -> Any:
    return pandera.Field(description=description, **checks)


class Meetings(pandera.DataFrameModel):
    """One row per meeting and route that named it, and what became of finding its attendance report."""

    route: str = _always("call_records, calendar, webinars or town_halls", isin=list(TEAMS_ROUTES))
    id: str = _always("Id of the call record or the calendar event; of an event and its session with / between")
    kind: str = _always("meeting, webinar, town_hall or live_event", isin=KINDS)
    online_meeting_id: str = _maybe("The online meeting's id, once its join URL has been looked up")
    event_id: str = _maybe("The webinar's or town hall's id")
    session_id: str = _maybe("The session's id")
    organizer_id: str = _maybe("The organizer's Entra object id")
    organizer_tenant_id: str = _maybe("The organizer's tenant")
    organizer_email: str = _maybe("The organizer's e-mail or user principal name")
    organizer_name: str = _maybe("The organizer's display name")
    subject: str = _maybe("Its subject")
    join_web_url: str = _maybe("Its join URL; empty for ad-hoc calls")
    call_type: str = _maybe("groupCall or unknown, of call records")
    version: pl.Int64 = _maybe("The call record's version; a higher one holds more")
    modalities: str = _maybe("audio, video, screenSharing and so on, JSON")
    last_modified_time: UTC_TIME = _maybe("When the version was written, UTC")  # type: ignore[valid-type]
    series_master_id: str = _maybe("The calendar series")
    calendar_event_type: str = _maybe("singleInstance, occurrence, exception")
    start_time: UTC_TIME = _always("Of a call record the first join, else as scheduled, UTC")  # type: ignore[valid-type]
    end_time: UTC_TIME = _always("Of a call record the last leave, else as scheduled, UTC")  # type: ignore[valid-type]
    report_id: str = _maybe("The first attendance report that overlaps it")
    status: str = _always(
        "found, not_held (planned, no sign that it took place), not_ready, denied, gone, blocked",
        isin=["found", "not_held", "not_ready", "denied", "gone", "blocked"],
    )
    reason: str = _maybe("Why, where no report was found")
    document_id: str = _always("The archived document it comes from")

    @pandera.dataframe_check(error="ends_before_it_starts")
    def _ends_after_start(cls, data: Any) -> Any:  # noqa: N805 - pandera makes it a class method
        return data.lazyframe.select(pl.col("end_time") >= pl.col("start_time"))

    class Config:
        """Pandera's switches."""

        strict = True


class AttendanceReports(pandera.DataFrameModel):
    """One row per ended meeting: an attendance report of Graph's, or a live event."""

    report_id: str = _always("The report's id; of a live event its online meeting's", str_length={"min_value": 1})
    kind: str = _always("meeting, webinar, town_hall or live_event", isin=KINDS)
    source: str = _always(
        "list; latest: the deprecated /meetingAttendanceReport; live_event: no report of this kind",
        isin=["list", "latest", "live_event"],
    )
    online_meeting_id: str = _maybe("The online meeting's id, shared by the reports of a series")
    event_id: str = _maybe("The webinar's or town hall's id")
    session_id: str = _maybe("The session's id")
    organizer_id: str = _maybe("The organizer's Entra object id")
    organizer_tenant_id: str = _maybe("The organizer's tenant")
    organizer_email: str = _maybe("The organizer's e-mail or user principal name")
    organizer_name: str = _maybe("The organizer's display name")
    subject: str = _maybe("Its subject")
    meeting_type: str = _maybe("adhoc, scheduled, recurring, broadcast or meetnow")
    scheduled_start_time: UTC_TIME = _maybe("When it was to start, UTC")  # type: ignore[valid-type]
    scheduled_end_time: UTC_TIME = _maybe("When it was to end, UTC")  # type: ignore[valid-type]
    is_registration_required: bool = _maybe("Whether the event wants people to register")
    total_participant_count: pl.Int32 = _maybe("People whom the report counts", ge=0)
    meeting_start_time: UTC_TIME = _always("When it started, before the first join, UTC")  # type: ignore[valid-type]
    meeting_end_time: UTC_TIME = _always("When it ended, UTC")  # type: ignore[valid-type]
    external_event_information: str = _maybe("Ids of other systems' events, JSON")
    found_by: str = _always("Routes that named it, with commas; empty: only the reports of its online meeting")
    document_id: str = _always("The archived document it comes from")

    @pandera.dataframe_check(error="ends_before_it_starts")
    def _ends_after_start(cls, data: Any) -> Any:  # noqa: N805
        return data.lazyframe.select(pl.col("meeting_end_time") >= pl.col("meeting_start_time"))

    class Config:
        """Pandera's switches."""

        strict = True


class AttendanceRecords(pandera.DataFrameModel):
    """One row per person in a meeting, webinar or town hall, with every join to leave."""

    report_id: str = _always("The attendance report's id")
    first_join_time: UTC_TIME = _maybe("When the first of the intervals began, UTC")  # type: ignore[valid-type]
    record_id: str = _maybe("The record's id; of people of a directory their Entra object id")
    email_address: str = _maybe("E-mail; may be empty")
    total_attendance_in_seconds: pl.Int32 = _maybe("Sum of the intervals, seconds", ge=0)
    role: str = _maybe("None, Attendee, Presenter, Organizer")
    identity_type: str = _maybe("Graph's type of the identity; often left out")
    identity_id: str = _maybe("Id of the user, of whatever tenant")
    identity_display_name: str = _maybe("Display name")
    identity_tenant_id: str = _maybe("Tenant of the user")
    identity_email: str = _maybe("E-mail of a guest's identity")
    identity_application_type: str = _maybe("Kind of application, where an application attended")
    azure_communication_services_resource_id: str = _maybe("Resource of an Azure Communication Services user")
    attendance_intervals: INTERVALS = _maybe("Every join to leave, UTC, seconds")  # type: ignore[valid-type]
    registration_id: str = _maybe("The registration, of webinars and town halls")
    external_registration_referrer: str = _maybe("Where somebody registered outside of Teams")
    external_registration_id: str = _maybe("Id of that registration")
    registrant_id: str = _maybe("Deprecated: no data since 2024-12-12")
    engagements: ENGAGEMENTS = _maybe("Reactions, hands, cameras, microphones, UTC")  # type: ignore[valid-type]
    document_id: str = _always("The archived document it comes from")

    @pandera.dataframe_check(error="interval_ends_before_it_begins")
    def _intervals_in_order(cls, data: Any) -> Any:  # noqa: N805
        begin, end = (pl.element().struct.field(name) for name in ("join_date_time", "leave_date_time"))
        in_order = pl.col("attendance_intervals").list.eval((end >= begin).fill_null(True)).list.all()
        return data.lazyframe.select(in_order.fill_null(True))

    @pandera.dataframe_check(error="interval_of_negative_duration")
    def _intervals_last(cls, data: Any) -> Any:  # noqa: N805
        lasts = (pl.element().struct.field("duration_in_seconds") >= 0).fill_null(True)
        return data.lazyframe.select(pl.col("attendance_intervals").list.eval(lasts).list.all().fill_null(True))

    class Config:
        """Pandera's switches."""

        strict = True


class Registrations(pandera.DataFrameModel):
    """One row per attendance report of a webinar or town hall and registration of its event."""

    report_id: str = _always("The attendance report's id")
    registration_id: str = _always("The registration's id", str_length={"min_value": 1})
    event_id: str = _maybe("The webinar's or town hall's id")
    email: str = _maybe("E-mail")
    first_name: str = _maybe("First name")
    last_name: str = _maybe("Last name")
    status: str = _maybe("registered, canceled, waitlisted, pendingApproval, rejectedByOrganizer")
    registration_date_time: UTC_TIME = _maybe("When they registered, UTC")  # type: ignore[valid-type]
    cancelation_date_time: UTC_TIME = _maybe("When they canceled, UTC")  # type: ignore[valid-type]
    user_id: str = _maybe("Entra object id, of people of a directory")
    preferred_timezone: str = _maybe("Time zone they chose")
    preferred_language: str = _maybe("Language they chose")
    registration_question_answers: str = _maybe("Answers to the registration's questions, JSON")
    external_registration_referrer: str = _maybe("Where they registered outside of Teams")
    external_registration_id: str = _maybe("Id of that registration")
    document_id: str = _always("The archived document it comes from")

    class Config:
        """Pandera's switches."""

        strict = True


class AttendeeEvents(pandera.DataFrameModel):
    """One row per join or leave of a browser or app at a live event, as its attendee report has it."""

    report_id: str = _always("The live event's online meeting id")
    session_id: str = _always("Pairs a join with a leave", str_length={"min_value": 1})
    participant_id: str = _maybe("Address; empty for anonymous people")
    full_name: str = _maybe("Display name")
    user_agent: str = _maybe("Browser or app")
    utc_event_timestamp: UTC_TIME = _always("When, UTC, whole seconds")  # type: ignore[valid-type]
    action: str = _always("Joined or Left", isin=["Joined", "Left"])
    role: str = _maybe("Attendee, Producer, Presenter")
    document_id: str = _always("The archived document it comes from")

    class Config:
        """Pandera's switches."""

        strict = True


class Recordings(pandera.DataFrameModel):
    """One row per live event and recording that there may be of it."""

    report_id: str = _always("The live event's online meeting id")
    artifact: str = _always("recording or alternative_recording", isin=["recording", "alternative_recording"])
    is_available: bool = _always("Whether Graph has it")
    size_in_bytes: pl.Int64 = _maybe("Its size, bytes", ge=0)
    content_type: str = _maybe("Its media type")
    file: str = _maybe(
        "Where it was downloaded to, below the data folder; only when TEAMS_DOWNLOAD_RECORDINGS says so"
    )
    document_id: str = _always("The archived document it comes from")

    class Config:
        """Pandera's switches."""

        strict = True


MEETINGS = Table("teams", "meetings", Meetings, ("route", "id"))
ATTENDANCE_REPORTS = Table("teams", "attendance_reports", AttendanceReports, ("report_id",))
ATTENDANCE_RECORDS = Table(
    "teams",
    "attendance_records",
    AttendanceRecords,
    (
        "report_id",
        "record_id",
        "identity_id",
        "email_address",
        "registration_id",
        "identity_display_name",
        "first_join_time",
        "total_attendance_in_seconds",
    ),
)
REGISTRATIONS = Table("teams", "registrations", Registrations, ("report_id", "registration_id"))
ATTENDEE_EVENTS = Table(
    "teams",
    "attendee_events",
    AttendeeEvents,
    ("report_id", "utc_event_timestamp", "session_id", "action", "participant_id", "full_name"),
)
RECORDINGS = Table("teams", "recordings", Recordings, ("report_id", "artifact"))
