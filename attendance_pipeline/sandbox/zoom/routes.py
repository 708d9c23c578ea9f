"""Which calls Zoom documents, and how a path finds its way to one.

Paths go through two decoders as at Zoom: the edge decodes once and loses a leading or double slash, then the
application decodes the id once more. So a UUID that begins with `/` or contains `//` arrives only if the
client encoded it twice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

from attendance_pipeline.sandbox.wire import Call
from attendance_pipeline.sandbox.zoom.errors import ZoomError

API = "/zoom/v2"


class Route(NamedTuple):
    """One documented call."""

    path: re.Pattern[str]
    label: str
    scope: str
    handler: str


ROUTES = tuple(
    Route(re.compile(path), label, scope, handler)
    for path, label, scope, handler in (
        ("/users", "MEDIUM", "user:read:list_users:admin", "users"),
        ("/report/users", "HEAVY", "report:read:list_users:admin", "report_users"),
        ("/report/users/(.+)/meetings", "HEAVY", "report:read:user:admin", "host_meetings"),
        ("/report/history_meetings", "HEAVY", "report:read:list_history_meetings:admin", "history"),
        ("/report/daily", "HEAVY", "", "daily"),
        (
            "/report/meetings/(.+)/participants",
            "HEAVY",
            "report:read:list_meeting_participants:admin",
            "meeting_participants",
        ),
        ("/report/meetings/(.+)", "HEAVY", "report:read:meeting:admin", "meeting"),
        (
            "/report/webinars/(.+)/participants",
            "HEAVY",
            "report:read:list_webinar_participants:admin",
            "webinar_participants",
        ),
        ("/report/webinars/(.+)", "HEAVY", "report:read:webinar:admin", "webinar"),
        (
            "/past_meetings/(.+)/instances",
            "MEDIUM",
            "meeting:read:list_past_instances:admin",
            "meeting_instances",
        ),
        (
            "/past_webinars/(.+)/instances",
            "LIGHT",
            "webinar:read:list_past_instances:admin",
            "webinar_instances",
        ),
        (
            "/metrics/meetings/(.+)/participants",
            "HEAVY",
            "dashboard:read:list_meeting_participants:admin",
            "dashboard_participants",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Request:
    """One call after the edge: which route, and the id in its path."""

    route: Route
    path: str
    id: str
    query: dict[str, str]

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """A parameter that may be one of these; the first is the default."""
        value = self.query.get(name) or allowed[0]
        if value not in allowed:
            raise ZoomError(400, 300, f"Invalid parameter: {name}.")
        return value

    def number(self, name: str, default: int, *, maximum: int) -> int:
        """A parameter that is a whole number from one up."""
        value = self.query.get(name) or str(default)
        if not value.isdecimal() or not 1 <= int(value) <= maximum:
            raise ZoomError(400, 300, f"Invalid parameter: {name}.")
        return int(value)

    @property
    def binding(self) -> tuple[object, ...]:
        """What a page token belongs to: the path and every other parameter."""
        rest = {name: value for name, value in self.query.items() if name != "next_page_token"}
        return (self.path, *sorted(rest.items()))


def routed(call: Call) -> Request | None:
    """The documented call that this is, if it's one."""
    if call.method != "GET" or not call.path.startswith(API + "/"):
        return None
    # the edge: a bare + is a space to it, and slashes in a row become one
    path = re.sub("/{2,}", "/", unquote_plus(call.path[len(API) :]))
    for route in ROUTES:
        match = route.path.fullmatch(path)
        if match:
            return Request(route, path, unquote(match[1]) if match.lastindex else "", call.query)
    return None
