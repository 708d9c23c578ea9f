"""How Zoom words an occurrence: its row in each list, its detail, its participants.

Every key is one that Zoom documents or that recorded bodies show. Instants are UTC with a `Z`, to the second.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from attendance_pipeline.sandbox.model import Occurrence, Person, Stay
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.truth import Held
from attendance_pipeline.sandbox.zoom.identity import ZoomIdentity

MEETING_TYPE = {"instant": 1, "scheduled": 2, "open": 3, "personal": 4, "recurring": 8}
WEBINAR_TYPE = {"scheduled": 5, "open": 6, "recurring": 9}

# user_id as recorded: 16778240 and up, 1024 apart
FIRST_JOIN = 16_778_240
JOIN_STEP = 1_024

# rendered reports kept: about 15 MB at 48 rows each
REPORTS_KEPT = 1_000

FEATURES = (
    *("screen_sharing", "video_on", "remote_control", "closed_caption", "breakout_room"),
    *("language_interpretation", "telephone_usage", "in_meeting_chat", "poll", "join_by_room"),
    *("waiting_room", "live_transcription", "reaction", "zoom_apps", "annotation", "raise_hand"),
    *("virtual_background", "whiteboard", "immersive_scene", "avatar", "switch_to_mobile", "file_sharing"),
    *("meeting_summary", "meeting_questions", "record_to_computer", "record_to_cloud", "live_translation"),
    *("registration", "smart_recording", "multi_speaker", "meeting_wallpaper", "gen_ai_virtual_background"),
    *("multi_share", "document_collaboration", "portrait_lighting", "personalized_audio_isolation"),
    "color_themes",
)
USUAL_FEATURES = frozenset({"screen_sharing", "video_on", "in_meeting_chat", "virtual_background"})


@dataclass(frozen=True, slots=True)
class Summary:
    """What the lists say about attendance."""

    rows: int
    """Joins, waiting rooms included: Zoom's `participants_count` counts rows, not people."""
    own_rows: int
    """Joins of people of this account."""
    seconds: int
    """Sum over rows."""

    @property
    def minutes(self) -> int:
        """Rounded up."""
        return -(-self.seconds // 60)


class ZoomRows:
    """Renders one organisation the way Zoom shows it."""

    def __init__(self, organisation: Organisation, identity: ZoomIdentity) -> None:
        self.organisation = organisation
        self.identity = identity
        self.participants = lru_cache(maxsize=REPORTS_KEPT)(self._participants)
        self.summary = lru_cache(maxsize=None)(self._summary)

    def held(self, occurrence: Occurrence) -> Held:
        """What the truth is counted from."""
        return Held(
            occurrence=occurrence,
            stays=self.organisation.stays(occurrence),
            vendor_meeting_id=self.identity.uuid(occurrence),
            series_id=str(self.identity.number(occurrence.series)),
            email_shown=email_shown,
        )

    def user(self, person: Person) -> dict[str, object]:
        """A row of /users; `id` is absent while the invitation is pending."""
        first, _, last = person.name.partition(" ")
        row: dict[str, object] = {
            "id": self.identity.user_id(person),
            "first_name": first,
            "last_name": last,
            "display_name": person.name,
            "email": person.email,
            "type": 2,
            "pmi": self.identity.number(self.organisation.personal_rooms[person.position]),
            "timezone": person.timezone,
            "verified": 1,
            "dept": person.department,
            "created_at": f"{person.hired}T08:00:00Z",
            "user_created_at": f"{person.hired}T08:00:00Z",
            "last_login_time": f"{person.hired + timedelta(days=30)}T07:30:00Z",
            "language": "en-US",
            "phone_number": "",
            "status": person.status,
            "role_id": "2",
        }
        if person.status == "pending":
            del row["id"]
        return row

    def detail(self, occurrence: Occurrence) -> dict[str, object]:
        """The body of /report/meetings/{id} and /report/webinars/{id}."""
        return self._common(occurrence) | {
            "host_id": self.identity.user_id(occurrence.host),
            "dept": occurrence.host.department,
            "tracking_fields": [],
            "custom_keys": [],
        }

    def host_row(self, occurrence: Occurrence) -> dict[str, object]:
        """A row of /report/users/{id}/meetings; the fields of pastJoined alone are left out."""
        return self._common(occurrence) | {
            "source": "Zoom",
            "custom_keys": [],
            "session_key": "",
            "host_organization": "Northwind",
            "host_name": occurrence.host.name,
            "has_screen_share": occurrence.kind == "webinar",
            "has_recording": False,
            "has_chat": True,
            "meeting_encryption_status": 1,
            "participants_count_my_account": self.summary(occurrence).own_rows,
        }

    def history_row(self, occurrence: Occurrence) -> dict[str, object]:
        """A row of /report/history_meetings: other key names than in every other list, and no host_id."""
        summary = self.summary(occurrence)
        webinar = occurrence.kind == "webinar"
        used = USUAL_FEATURES | {
            feature
            for feature, habit in (("breakout_room", "breakouts"), ("waiting_room", "waiting"))
            if habit in occurrence.habits
        }
        return {
            "meeting_uuid": self.identity.uuid(occurrence),
            "meeting_id": self.identity.number(occurrence.series),
            "type": "Webinar" if webinar else "Meeting",
            "host_display_name": occurrence.host.name,
            "host_email": occurrence.host.email,
            "start_time": instant(occurrence.started_at),
            "end_time": instant(occurrence.ended_at),
            "create_time": instant(occurrence.started_at - timedelta(days=1)),
            "topic": occurrence.title,
            "participants": summary.rows,
            "duration": _minutes(occurrence),
            "total_participant_minutes": summary.minutes,
            "department": occurrence.host.department,
            "group": [],
            "source": "Zoom",
            "unique_viewers": len({s.person for s in self.organisation.stays(occurrence)}) if webinar else 0,
            "max_concurrent_views": 0,
            "custom_fields": [],
            "tracking_fields": [],
            "feature_used": {feature: feature in used for feature in FEATURES},
        }

    def _participants(self, occurrence: Occurrence, *, registrants: bool) -> tuple[bytes, ...]:
        """The rows of the participants report as JSON, in order of `user_id`, which is not that of time."""
        return tuple(
            msgspec.json.encode(self._participant(occurrence, stay, user_id, registrants=registrants))
            for user_id, stay in self.joins(occurrence)
        )

    def joins(self, occurrence: Occurrence) -> list[tuple[int, Stay]]:
        """Stays with the id of the join, which is unique in its meeting, in order of that id."""
        stays = self.organisation.stays(occurrence)
        order = list(range(len(stays)))
        self.organisation.random("joins", occurrence.id).shuffle(order)
        return [(FIRST_JOIN + JOIN_STEP * place, stays[which]) for place, which in enumerate(order)]

    def _participant(
        self, occurrence: Occurrence, stay: Stay, user_id: int, *, registrants: bool
    ) -> dict[str, object]:
        account_id = self.identity.user_id(stay.person) if stay.signed_in else ""
        row: dict[str, object] = {
            "id": account_id,
            "user_id": str(user_id),
            "name": stay.name,
            "user_email": email_shown(stay),
            "join_time": instant(stay.joined),
            "leave_time": instant(stay.left),
            "duration": stay.seconds,
            "attentiveness_score": "",
            "failover": False,
            "status": "in_waiting_room" if stay.room == "waiting" else "in_meeting",
            "customer_key": "",
        }
        if stay.signed_in and stay.person.employed:
            row["participant_user_id"] = account_id
        if stay.breakout is not None:
            row["bo_mtg_id"] = self.identity.breakout_id(occurrence, stay.breakout)
        if registrants:
            row["registrant_id"] = (
                self.identity.registrant_id(stay.person, occurrence.series) if stay.registered else ""
            )
        return row

    def dashboard_participant(self, occurrence: Occurrence, stay: Stay, user_id: int) -> dict[str, object]:
        """A row of /metrics/meetings/{id}/participants: no `duration`, other names for name and e-mail."""
        row = self._participant(occurrence, stay, user_id, registrants=False)
        for key in ("name", "user_email", "duration", "attentiveness_score", "failover"):
            del row[key]
        return row | {
            "user_name": stay.name,
            "email": email_shown(stay),
            "participant_uuid": self.identity.breakout_id(occurrence, user_id)[:22],
            "role": "host" if stay.person is occurrence.host else "attendee",
            "device": {"desktop": "Windows", "mobile": "iOS", "phone": "Phone"}[stay.device],
            "ip_address": "192.0.2.1",
            "location": "",
            "network_type": "Wifi",
            "leave_reason": f"{stay.name} left the meeting.",
        }

    def _common(self, occurrence: Occurrence) -> dict[str, object]:
        summary = self.summary(occurrence)
        types = WEBINAR_TYPE if occurrence.kind == "webinar" else MEETING_TYPE
        return {
            "uuid": self.identity.uuid(occurrence),
            "id": self.identity.number(occurrence.series),
            "type": types[occurrence.series.booking],
            "topic": occurrence.title,
            "user_name": occurrence.host.name,
            "user_email": occurrence.host.email,
            "start_time": instant(occurrence.started_at),
            "end_time": instant(occurrence.ended_at),
            "duration": _minutes(occurrence),
            "total_minutes": summary.minutes,
            "participants_count": summary.rows,
        }

    def _summary(self, occurrence: Occurrence) -> Summary:
        stays = self.organisation.stays(occurrence)
        return Summary(
            rows=len(stays),
            own_rows=sum(stay.signed_in and stay.person.employed for stay in stays),
            seconds=sum(stay.seconds for stay in stays),
        )


def email_shown(stay: Stay) -> str:
    """Own-account people who are signed in, and guests who registered (Zoom's rule since 2022-03-01)."""
    return stay.person.email if stay.registered or (stay.signed_in and stay.person.employed) else ""


def instant(moment: datetime) -> str:
    """2026-03-01T09:00:00Z."""
    return moment.isoformat()[:19] + "Z"


def _minutes(occurrence: Occurrence) -> int:
    """Whole minutes, rounded up: six seconds are one."""
    return -(-int((occurrence.ended_at - occurrence.started_at).total_seconds()) // 60)
