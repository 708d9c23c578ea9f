"""Zoom's rows as Zoom documents them, and the lake tables `zoom/meetings` and `zoom/participants`.

Facts: Zoom's reference of `/report/history_meetings`, `/report/users/{id}/meetings`, `/report/meetings/{id}` and
`/report/meetings/{id}/participants` (the webinar twins have the same fields).
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
import pandera.polars as pandera
import polars as pl

from attendance_pipeline.shape import Table

WEBINAR_TYPES = frozenset({5, 6, 9})
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Json = list[Any] | dict[str, Any] | None


class HistoryMeeting(msgspec.Struct, forbid_unknown_fields=True):
    """A row of `/report/history_meetings`."""

    meeting_uuid: str
    meeting_id: Int64
    type: str
    start_time: str
    end_time: str
    host_display_name: str | None = None
    host_email: str | None = None
    topic: str | None = None
    participants: Int32 | None = None
    duration: Int32 | None = None
    total_participant_minutes: Int32 | None = None
    department: str | None = None
    group: Json = None
    source: str | None = None
    unique_viewers: Int32 | None = None
    max_concurrent_views: Int32 | None = None
    create_time: str | None = None
    custom_fields: Json = None
    tracking_fields: Json = None
    feature_used: Json = None


class UserMeeting(msgspec.Struct, forbid_unknown_fields=True):
    """A row of `/report/users/{id}/meetings`; its `schedule_time` and join fields are text without a zone."""

    uuid: str
    id: Int64
    type: Int32
    start_time: str
    end_time: str
    topic: str | None = None
    user_name: str | None = None
    user_email: str | None = None
    duration: Int32 | None = None
    total_minutes: Int32 | None = None
    participants_count: Int32 | None = None
    source: str | None = None
    custom_keys: Json = None
    session_key: str | None = None
    schedule_time: str | None = None
    join_waiting_room_time: str | None = None
    join_time: str | None = None
    leave_time: str | None = None
    host_organization: str | None = None
    host_name: str | None = None
    has_screen_share: bool | None = None
    has_recording: bool | None = None
    has_chat: bool | None = None
    meeting_encryption_status: Int32 | None = None
    participants_count_my_account: Int32 | None = None


class Participant(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A row of a participants report; absence is `""` or a missing key, never null by the documents."""

    user_id: str
    join_time: datetime
    leave_time: datetime
    id: str | None = None
    participant_user_id: str | None = None
    name: str | None = None
    user_email: str | None = None
    duration: Int32 | None = None
    registrant_id: str | None = None
    customer_key: str | None = None
    failover: bool | None = None
    status: str | None = None
    bo_mtg_id: str | None = None
    attentiveness_score: str | None = None


class MeetingDetail(msgspec.Struct, forbid_unknown_fields=True):
    """The answer of `/report/meetings/{id}`; `host_id` comes although Zoom doesn't document it."""

    uuid: str
    start_time: datetime
    end_time: datetime
    id: Int64 | None = None
    host_id: str | None = None
    type: Int32 | None = None
    topic: str | None = None
    user_name: str | None = None
    user_email: str | None = None
    dept: str | None = None
    duration: Int32 | None = None
    total_minutes: Int32 | None = None
    participants_count: Int32 | None = None
    tracking_fields: Json = None
    custom_keys: Json = None


UTC_TIME = pl.Datetime("us", "UTC")


def _text(description: str, **checks: Any) -> Any:
    return pandera.Field(nullable=True, description=description, **checks)


class Meetings(pandera.DataFrameModel):
    """One row per ended meeting or webinar that a list of Zoom's named."""

    uuid: str = pandera.Field(str_length={"min_value": 1}, description="The occurrence's UUID")
    id: pl.Int64 = pandera.Field(description="The meeting number, shared by a series' occurrences")
    is_webinar: bool = pandera.Field(description="Whether it was a webinar")
    type: pl.Int32 = _text("Zoom's type number; null where the account-wide list named it")
    topic: str = _text("Its topic")
    user_name: str = _text("The host's display name")
    user_email: str = _text("The host's e-mail")
    start_time: UTC_TIME = pandera.Field(description="When it started, UTC")  # type: ignore[valid-type]
    end_time: UTC_TIME = pandera.Field(description="When it ended, UTC")  # type: ignore[valid-type]
    duration: pl.Int32 = _text("Minutes, rounded up", ge=0)
    total_minutes: pl.Int32 = _text("Minutes of all joins together, rounded up", ge=0)
    participants_count: pl.Int32 = _text("Joins, as the list counts them: a re-join counts again", ge=0)
    source: str = _text("Where it was started from")
    department: str = _text("The host's department")
    create_time: UTC_TIME = _text("When it was scheduled, UTC")  # type: ignore[valid-type]
    has_screen_share: bool = _text("Whether a screen was shared")
    has_recording: bool = _text("Whether it was recorded")
    has_chat: bool = _text("Whether there was chat")
    meeting_encryption_status: pl.Int32 = _text("1 enhanced, 2 end-to-end encryption")
    participants_count_my_account: pl.Int32 = _text("Joins of people of this account")
    session_key: str = _text("The Video SDK's session key")
    schedule_time: str = _text("As sent: MM/dd/yyyy HH:mm without a zone")
    join_waiting_room_time: str = _text("As sent: MM/dd/yyyy HH:mm without a zone")
    join_time: str = _text("As sent: MM/dd/yyyy HH:mm without a zone")
    leave_time: str = _text("As sent: MM/dd/yyyy HH:mm without a zone")
    host_organization: str = _text("The host's account name, on joined meetings of others")
    host_name: str = _text("The host's name, on joined meetings of others")
    unique_viewers: pl.Int32 = _text("Unique viewers of a webinar")
    max_concurrent_views: pl.Int32 = _text("Most concurrent views of a webinar")
    custom_keys: str = _text("Custom keys, JSON")
    tracking_fields: str = _text("Tracking fields, JSON")
    groups: str = _text("The host's groups, JSON")
    feature_used: str = _text("Which features were used, JSON")
    one_participant: bool = pandera.Field(description="Whether Zoom lists it among those with one participant")
    listed_by: str = pandera.Field(description="The request that named it: history_meetings or user_meetings")
    document_id: str = pandera.Field(description="The archived document it comes from")

    @pandera.dataframe_check(error="ends_before_it_starts")
    def _ends_after_start(cls, data: Any) -> Any:  # noqa: N805 - pandera makes it a class method
        return data.lazyframe.select(pl.col("end_time") >= pl.col("start_time"))

    class Config:
        """Pandera's switches."""

        strict = True


class Participants(pandera.DataFrameModel):
    """One row per join to a meeting or webinar, as Zoom reported it."""

    meeting_uuid: str = pandera.Field(str_length={"min_value": 1}, description="The occurrence's UUID")
    user_id: str = pandera.Field(description="Id of this one join, valid inside the meeting")
    participant_user_id: str = _text("Account user id of a signed-in participant; absent for guests")
    id: str = _text("Account user id, as Zoom named it before; empty for people not signed in")
    name: str = _text("Display name; empty on accounts under a HIPAA agreement")
    user_email: str = _text("E-mail; empty outside the host's account, with exceptions")
    join_time: UTC_TIME = pandera.Field(description="When the join began, UTC")  # type: ignore[valid-type]
    leave_time: UTC_TIME = pandera.Field(description="When it ended, UTC")  # type: ignore[valid-type]
    duration: pl.Int32 = _text("Seconds of this join", ge=0)
    registrant_id: str = _text("Registrant, where the meeting had registration")
    customer_key: str = _text("Key that a Meeting or Video SDK app gave the participant")
    failover: bool = _text("Whether a failover happened")
    status: str = _text("in_meeting or in_waiting_room", isin=["in_meeting", "in_waiting_room", ""])
    bo_mtg_id: str = _text("Breakout room; absent in the main room")
    attentiveness_score: str = _text("Undocumented leftover, always empty")
    source: str = pandera.Field(
        isin=["participants", "meeting_detail"],
        description="The report that gave the row; meeting_detail: the host of a one-participant meeting, for "
        "which Zoom has no participants report",
    )
    document_id: str = pandera.Field(description="The archived document it comes from")

    @pandera.dataframe_check(error="leaves_before_joining")
    def _leaves_after_joining(cls, data: Any) -> Any:  # noqa: N805
        return data.lazyframe.select(pl.col("leave_time") >= pl.col("join_time"))

    class Config:
        """Pandera's switches."""

        strict = True


MEETINGS = Table("zoom", "meetings", Meetings, ("uuid",))
PARTICIPANTS = Table("zoom", "participants", Participants, ("meeting_uuid", "join_time", "user_id"))
