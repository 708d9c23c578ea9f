"""Which calls Graph documents, of those that are modelled here, and how a request's options are read."""

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from attendance_pipeline.sandbox.teams.errors import bad_request, not_found
from attendance_pipeline.sandbox.wire import Call

API = "/graph"
VERSIONS = ("v1.0", "beta")
BATCH = "/$batch"

CALL_RECORDS = "CallRecords.Read.All"
MEETINGS = "OnlineMeetings.Read.All"
ARTIFACTS = "OnlineMeetingArtifact.Read.All"
EVENTS = "VirtualEvent.Read.All"

PAGE_SIZE = re.compile(r"odata\.maxpagesize=([1-9][0-9]*)")


class Route(NamedTuple):
    """One documented call."""

    template: str
    role: str
    handler: str
    options: tuple[str, ...] = ()
    """Query options that it takes; any other is refused."""
    beta_only: bool = False
    label: str = ""
    """What limit it counts against."""


def _of_events(kind: str) -> tuple[Route, ...]:
    base = f"/solutions/virtualEvents/{kind}"
    session = base + "/{event}/sessions/{session}"
    limited = [
        Route(base, EVENTS, "events.listed", ("$count", "$skiptoken")),
        Route(base + "/{event}", EVENTS, "events.event"),
        Route(base + "/{event}/registrations", EVENTS, "events.registrations", ("$skiptoken",)),
        Route(base + "/{event}/sessions", EVENTS, "events.sessions"),
        Route(session, EVENTS, "events.session"),
        Route(session + "/attendanceReports", ARTIFACTS, "events.reports"),
        Route(session + "/attendanceReports/{report}", ARTIFACTS, "events.report", ("$expand",)),
        Route(
            session + "/attendanceReports/{report}/attendanceRecords", ARTIFACTS, "events.records", ("$skiptoken",)
        ),
    ]
    return tuple(route._replace(label="virtual-events") for route in limited)


MEETING = "/users/{user}/onlineMeetings/{meeting}"
REPORT = MEETING + "/attendanceReports/{report}"
ROUTES = (
    Route(
        "/communications/callRecords",
        CALL_RECORDS,
        "calls.listed",
        ("$filter", "$select", "$skiptoken"),
        label="call-records-list",
    ),
    Route(
        "/communications/callRecords/{call}", CALL_RECORDS, "calls.call", ("$select", "$expand"), label="call-record"
    ),
    Route("/communications/callRecords/{call}/participants_v2", CALL_RECORDS, "calls.participants", ("$skiptoken",)),
    Route("/communications/callRecords/{call}/sessions", CALL_RECORDS, "calls.sessions", ("$skiptoken",)),
    Route("/users", "User.Read.All", "directory.users", ("$select", "$filter", "$top", "$skiptoken")),
    Route(
        "/users/{user}/calendarView",
        "Calendars.Read",
        "directory.calendar",
        ("startDateTime", "endDateTime", "$select", "$top", "$skip", "$orderby"),
    ),
    Route("/users/{user}/onlineMeetings", MEETINGS, "meetings.found", ("$filter",)),
    Route(MEETING, MEETINGS, "meetings.meeting", ("$select",)),
    Route(MEETING + "/attendanceReports", ARTIFACTS, "reports.listed"),
    Route(REPORT, ARTIFACTS, "reports.report", ("$expand",)),
    Route(REPORT + "/attendanceRecords", ARTIFACTS, "reports.records", ("$skiptoken",)),
    Route(MEETING + "/meetingAttendanceReport", ARTIFACTS, "reports.latest", ("$expand",), beta_only=True),
    Route(MEETING + "/attendeeReport", ARTIFACTS, "live.attendees"),
    Route(MEETING + "/recording", ARTIFACTS, "live.recording", beta_only=True),
    Route(MEETING + "/alternativeRecording", ARTIFACTS, "live.recording", beta_only=True),
    *_of_events("webinars"),
    *_of_events("townhalls"),
)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    names = [f"(?P<{name}>[^/]+)" for name in parts[1::2]]
    fixed = [re.escape(text) for text in parts[::2]]
    return re.compile("".join(text + name for text, name in zip(fixed, [*names, ""], strict=True)))


PATTERNS = tuple((_pattern(route.template), route) for route in ROUTES)


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a known route."""

    route: Route
    url: str
    """The sandbox's own."""
    version: str
    address: str
    """Absolute, without the query: what links to other pages begin with."""
    parts: dict[str, str]
    """The path's variable parts, decoded."""
    query: dict[str, str]
    prefer: str

    @property
    def context(self) -> str:
        """What `@odata.context` begins with."""
        return f"{self.url}{API}/{self.version}/$metadata#"

    def number(self, name: str, default: int, *, least: int = 1, most: int | None = None) -> int:
        """An option that is a whole number."""
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdecimal()) or int(text) < least or (most is not None and int(text) > most):
            raise bad_request(f"Invalid value '{text}' for the query option '{name}'.")
        return int(text)

    def page_size(self, usual: int, most: int) -> int:
        """What `Prefer: odata.maxpagesize` asks for, at most what's allowed."""
        match = PAGE_SIZE.search(self.prefer)
        return min(int(match[1]), most) if match else usual

    def expands(self, name: str) -> bool:
        """Whether `$expand` asks for this; it may ask for nothing else."""
        asked = self.query.get("$expand")
        if asked not in (None, name):
            raise bad_request(f"Parsing OData Select and Expand failed: '{asked}' can't be expanded.")
        return asked is not None


def request_of(call: Call, url: str) -> Request:
    """The call's route, its path's parts and its options.

    Raises:
        GraphError: 404 for a path that isn't there in this version; 400 for another method or an unknown option.
    """
    version, _, rest = call.path.removeprefix(f"{API}/").partition("/")
    for pattern, route in PATTERNS if version in VERSIONS else ():
        match = pattern.fullmatch("/" + rest)
        if match is None or (route.beta_only and version != "beta"):
            continue
        if call.method != "GET":
            raise bad_request(f"The HTTP method '{call.method}' is not supported here.")
        for name in call.query:
            if name not in route.options:
                raise bad_request(f"The query option '{name}' is not supported here.")
        parts = {name: unquote(value) for name, value in match.groupdict().items()}
        return Request(route, url, version, url + call.path, parts, call.query, call.headers.get("Prefer", ""))
    raise not_found(f"Resource not found for the segment '{rest.partition('/')[0]}'.")
