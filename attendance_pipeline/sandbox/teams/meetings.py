"""Online meetings: found by their JoinWebUrl while they live, known by their id."""

import re
from datetime import datetime

from attendance_pipeline.sandbox.model import Series
from attendance_pipeline.sandbox.teams.bookings import BOOKED_EVERY
from attendance_pipeline.sandbox.teams.errors import NOT_ORGANIZER, GraphError, bad_request, forbidden, not_found
from attendance_pipeline.sandbox.teams.identity import GUID, JOIN_URL, TENANT_ID
from attendance_pipeline.sandbox.teams.paging import Row, selected
from attendance_pipeline.sandbox.teams.routes import Request
from attendance_pipeline.sandbox.teams.settling import MEETINGS_KEPT
from attendance_pipeline.sandbox.teams.tenant import Tenant
from attendance_pipeline.sandbox.teams.times import instant

LOOKUP = re.compile(r"joinweburl eq '(.*)'", re.IGNORECASE | re.DOTALL)
ADDRESS = re.compile(
    re.escape(JOIN_URL)
    + r"(?P<thread>[^/]+)/(?P<message>[0-9]+)\?context=.*%22Oid%22%3a%22(?P<oid>[0-9a-f-]{36})%22%7d"
)

MEETING_TYPES = {
    "instant": "meetnow",
    "scheduled": "scheduled",
    "recurring": "recurring",
    "open": "adhoc",
    "personal": "adhoc",
}
FIELDS = (
    *("id", "creationDateTime", "startDateTime", "endDateTime", "joinWebUrl", "subject", "isBroadcast"),
    *("meetingType", "participants", "chatInfo", "expiryDateTime", "allowedPresenters", "isEntryExitAnnounced"),
    *("allowAttendeeToEnableCamera", "allowAttendeeToEnableMic", "allowMeetingChat", "recordAutomatically"),
    *("externalId", "videoTeleconferenceId", "broadcastSettings"),
)


class Meetings:
    """Answers for organizers whom the policy covers."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def found(self, request: Request) -> Row:
        """The one meeting that has this JoinWebUrl; a lookup by anything else isn't modelled here."""
        tenant, user_id = self.tenant, request.parts["user"]
        match = LOOKUP.fullmatch(request.query.get("$filter", ""))
        if match is None:
            raise bad_request("The request is missing a filter on JoinWebUrl.")
        if not GUID.fullmatch(user_id):
            raise GraphError(404, "UnknownError", "")
        tenant.check_policy(user_id)
        address = match[1].replace("''", "'")
        series = self._at(address)
        if series is not None and tenant.identity.user_id(series.host) != user_id:
            raise forbidden(NOT_ORGANIZER)
        value = [self._row(series)] if series is not None and tenant.is_alive(series) else []
        if not value and tenant.options.missing_meeting == "not_found":
            raise not_found()
        return {"@odata.context": f"{request.context}users('{user_id}')/onlineMeetings", "value": value}

    def meeting(self, request: Request) -> Row:
        """One meeting by its id."""
        series = self.tenant.meeting(request)
        if not self.tenant.is_alive(series):
            raise not_found()
        context = f"{request.context}users('{request.parts['user']}')/onlineMeetings/$entity"
        return {"@odata.context": context} | selected(request, self._row(series), FIELDS)

    def _at(self, address: str) -> Series | None:
        """The meeting whose address is exactly this."""
        match = ADDRESS.fullmatch(address)
        if match is None:
            return None
        thread = match["thread"].replace("%3a", ":").replace("%40", "@")
        series = self.tenant.identity.series_at(match["oid"], match["message"], thread)
        if series is None or not self.tenant.is_meeting(series):
            return None
        return series if self.tenant.identity.join_url(series) == address else None

    def _row(self, series: Series) -> Row:
        tenant, identity = self.tenant, self.tenant.identity
        name, host = identity.name_of(series), series.host
        begin, end = self._times(series)
        row: Row = {
            "id": identity.meeting_id(series),
            "creationDateTime": instant(begin - BOOKED_EVERY * 500, 7),
            "startDateTime": instant(begin, 7),
            "endDateTime": instant(end, 7),
            "joinWebUrl": identity.join_url(series),
            "subject": series.title,
            "isBroadcast": series.kind == "live_event",
            "meetingType": "broadcast" if series.kind == "live_event" else MEETING_TYPES[series.booking],
            "participants": {
                "organizer": {
                    "upn": host.email,
                    "role": "presenter",
                    "identity": {
                        "application": None,
                        "device": None,
                        "user": {
                            "id": identity.user_id(host),
                            "displayName": host.name,
                            "tenantId": TENANT_ID,
                        },
                    },
                },
                "attendees": [],
            },
            "chatInfo": {
                "threadId": name.thread,
                "messageId": name.message,
                "replyChainMessageId": name.message if name.message != "0" else None,
            },
            "expiryDateTime": instant(max(end, tenant.now()) + MEETINGS_KEPT),
            "allowedPresenters": "everyone",
            "isEntryExitAnnounced": False,
            "allowAttendeeToEnableCamera": True,
            "allowAttendeeToEnableMic": True,
            "allowMeetingChat": "enabled",
            "recordAutomatically": False,
            "externalId": None,
            "videoTeleconferenceId": None,
            "broadcastSettings": None,
        }
        if series.kind == "live_event":
            row["broadcastSettings"] = {
                "allowedAudience": "everyone",
                "isAttendeeReportEnabled": True,
                "isQuestionAndAnswerEnabled": False,
                "isRecordingEnabled": True,
                "isVideoOnDemandEnabled": True,
            }
        return row

    def _times(self, series: Series) -> tuple[datetime, datetime]:
        """What it was booked for the last time; a live event's are those of the event itself."""
        tenant = self.tenant
        latest = next(tenant.organisation.occurrences_of(series, tenant.now(), MEETINGS_KEPT), None)
        if latest is None:
            held = tenant.organisation.occurrences(series.only_on) if series.only_on else ()
            latest = next((one for one in held if one.series.id == series.id), None)
        if latest is None:
            return tenant.bookings.planned_unheld(series)
        if series.kind == "live_event":
            return latest.started_at, latest.ended_at
        return tenant.bookings.planned(latest)
