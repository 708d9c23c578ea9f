"""Which calls Webex documents, of those that are modelled here, and how a request's parameters are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from attendance_pipeline.sandbox.webex.errors import invalid
from attendance_pipeline.sandbox.wire import Call

API = "/webex/v1"
TOKEN = API + "/access_token"


class Route(NamedTuple):
    """One documented call."""

    scope: str
    """What an administrator needs; the pages name another one for hosts."""
    handler: str
    content_type: str = "application/json;charset=UTF-8"


ROUTES = {
    "/meetings": Route("meeting:admin_schedule_read", "meetings"),
    "/meetingReports/usage": Route("meeting:admin_config_read", "usage"),
    "/meetingReports/attendees": Route("meeting:admin_config_read", "attendees"),
    "/meetingParticipants": Route("meeting:admin_participants_read", "participants", "application/json"),
    "/meetingPreferences/sites": Route("meeting:admin_preferences_read", "sites"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a known route."""

    address: str
    """Absolute, without the query: what links to other pages begin with."""
    query: dict[str, str]
    zone: tzinfo
    """In which the answer's times are told."""

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """A parameter that may be one of these; the first is the default."""
        value = self.query.get(name, allowed[0])
        if value not in allowed:
            raise invalid(name)
        return value

    def required(self, name: str) -> str:
        """A parameter that must be there."""
        value = self.query.get(name, "")
        if not value:
            raise invalid(name)
        return value

    def number(self, name: str, default: int, *, least: int = 1) -> int:
        """A parameter that is a whole number."""
        value = self.query.get(name, str(default))
        if not (value.isascii() and value.isdecimal()) or int(value) < least:
            raise invalid(name)
        return int(value)


def request_of(call: Call, url: str) -> Request:
    """The call's parameters, and the zone that its `timezone` header names (UTC if there's none)."""
    return Request(url + call.path, call.query, _zone(call.headers))


def _zone(headers: Mapping[str, str]) -> tzinfo:
    name = headers.get("timezone")
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise invalid("timezone") from None
