"""Another server that speaks the documented Graph API: not ours, with other habits wherever the documents allow it.

Graph and login have prefixes of their own; there is no `$batch`, and what it doesn't know it answers as a web server
would. Pages hold two rows whatever was asked for and go on with `$skip`, one of them is empty; ids of users are in
capitals, those of meetings of the older form; rows lack whatever is optional, and times have no fractions.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from aiohttp import web

from .listening import Listening

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
GRAPH, LOGIN = "/gateway/ms/graph", "/gateway/ms/entra"
TENANT = "fjord.example"
CLIENT, SECRET = "0F9B6D3C-1111-4222-8333-9A8B7C6D5E4F", "made-up"
PAGE = 2

IDA, OMAR, GONE = (
    "A1B2C3D4-0000-4000-8000-000000000001",
    "A1B2C3D4-0000-4000-8000-000000000002",
    "A1B2C3D4-0000-4000-8000-000000000003",
)
"""Ida's meetings and Omar's events may be read; of whoever is gone nobody may."""
REVIEW = f"{IDA}_19:review@thread.v2"
SHOW = f"{OMAR}_19:show@thread.v2"
WEBINAR, SESSION = "5E5510AA-0000-4000-8000-00000000000A@9C0FFEE0-0000-4000-8000-000000000000", "S-1"
BEGUN, AGAIN, CAMP = (f"5E5510AA-0000-4000-8000-00000000010{n}" for n in range(3))

Row = dict[str, Any]


def _url(thread: str) -> str:
    return f"https://teams.fjord.example/l/meetup-join/19%3a{thread}%40thread.v2/0?context=%7b%22it%27s%22%3a1%7d"


def _call(number: int, day: int, begin: str, end: str, user: str | None, url: str | None) -> Row:
    row: Row = {
        "id": f"CA11-{number}",
        "startDateTime": f"2026-03-{day:02}T{begin}Z",
        "endDateTime": f"2026-03-{day:02}T{end}Z",
    }
    if url is not None:
        row["joinWebUrl"] = url
    if user:
        row["organizer_v2"] = {"identity": {"user": {"id": user}}}
    return row


CALLS: list[Row] = [
    _call(1, 10, "09:00:00", "09:20:00", IDA, _url("review")),
    _call(2, 10, "09:25:00", "10:00:00", IDA, _url("review")),
    _call(3, 10, "11:00:00", "11:30:00", GONE, _url("gone")),
    _call(4, 10, "12:00:00", "12:01:00", None, None),
    _call(5, 10, "15:00:00", "16:00:00", OMAR, _url("show")),
]
USERS: list[Row] = [{"id": OMAR}, {"id": GONE, "accountEnabled": False}, {"id": IDA, "accountEnabled": True}]
CALENDARS: dict[str, list[Row]] = {
    OMAR: [],
    IDA: [
        {
            "id": "EV-1",
            "start": {"dateTime": "2026-03-10T10:00:00", "timeZone": "W. Europe Standard Time"},
            "end": {"dateTime": "2026-03-10T11:00:00", "timeZone": "W. Europe Standard Time"},
            "isOrganizer": True,
            "onlineMeeting": {"joinUrl": _url("review")},
        },
        {
            "id": "EV-2",
            "start": {"dateTime": "2026-03-10T12:00:00", "timeZone": "UTC"},
            "end": {"dateTime": "2026-03-10T12:30:00", "timeZone": "UTC"},
            "isOrganizer": True,
        },
        {
            "id": "EV-3",
            "start": {"dateTime": "2026-03-10T13:00:00", "timeZone": "UTC"},
            "end": {"dateTime": "2026-03-10T13:30:00", "timeZone": "UTC"},
            "isOrganizer": False,
            "onlineMeeting": {"joinUrl": _url("of-another")},
        },
    ],
}
MEETINGS: dict[tuple[str, str], Row] = {
    (IDA, _url("review")): {"id": REVIEW, "subject": "Review"},
    (OMAR, _url("show")): {"id": SHOW, "isBroadcast": True},
}
"""By organizer and join URL."""
REPORTS: list[Row] = [
    {
        "id": AGAIN,
        "totalParticipantCount": 1,
        "meetingStartDateTime": "2026-03-10T09:24:00Z",
        "meetingEndDateTime": "2026-03-10T10:00:00Z",
    },
    {
        "id": BEGUN,
        "totalParticipantCount": 3,
        "meetingStartDateTime": "2026-03-10T08:59:00Z",
        "meetingEndDateTime": "2026-03-10T09:20:00Z",
    },
]


def _record(name: str, begin: str, end: str, **more: Any) -> Row:
    interval = {"joinDateTime": f"2026-03-10T{begin}Z", "leaveDateTime": f"2026-03-10T{end}Z"}
    return {"identity": {"displayName": name}, "attendanceIntervals": [interval], **more}


RECORDS: dict[str, list[Row]] = {
    BEGUN: [
        _record("Ida Lund", "09:00:00", "09:20:00", emailAddress="Ida.Lund@Fjord.example", role="Organizer"),
        _record("Bo", "09:01:00", "09:19:00", emailAddress=None),
        _record("Bo", "09:19:30", "09:20:00", emailAddress=""),
    ],
    AGAIN: [_record("Ida Lund", "09:25:00", "10:00:00", emailAddress="ida.lund@fjord.example")],
    CAMP: [_record("Vera Ek", "16:00:00", "17:00:00", registrationId="R-1")],
}
WEBINARS: list[Row] = [
    {"id": "0DD", "status": "canceled", "displayName": "Off"},
    {
        "id": "0DE",
        "status": "published",
        "displayName": "Long ago",
        "endDateTime": {"dateTime": "2025-12-01T10:00:00"},
    },
    {
        "id": WEBINAR,
        "status": "published",
        "displayName": "Camp",
        "startDateTime": {"dateTime": "2026-03-10T09:00:00", "timeZone": "Pacific Standard Time"},
    },
]
SESSIONS: list[Row] = [
    {
        "id": SESSION,
        "startDateTime": {"dateTime": "2026-03-10T09:00:00", "timeZone": "Pacific Standard Time"},
        "endDateTime": {"dateTime": "2026-03-10T10:00:00", "timeZone": "Pacific Standard Time"},
    }
]
CAMP_REPORT = {
    "id": CAMP,
    "totalParticipantCount": 1,
    "meetingStartDateTime": "2026-03-10T15:59:00Z",
    "meetingEndDateTime": "2026-03-10T17:00:00Z",
}
REGISTRATIONS: list[Row] = [
    {"id": "R-1", "email": "vera.ek@guest.example", "firstName": "Vera"},
    {"id": "R-2", "email": "nobody@guest.example", "status": "canceled"},
    {"id": "R-3"},
]
ATTENDEES = (
    "Session Id,Participant Id,Full Name,UserAgent,UTC Event Timestamp,Action,Role\r\n"
    "s1,omar.rao@fjord.example,Omar Rao,Edge,3/10/2026 3:00:05 PM,Joined,Producer\r\n"
    "s2,,Anonymous,Edge,3/10/2026 3:01:00 PM,Joined,Attendee\r\n"
    "s1,omar.rao@fjord.example,Omar Rao,Edge,3/10/2026 3:59:55 PM,Left,Producer\r\n"
)


class OtherGraphServer(Listening):
    """See `Listening`."""

    def __init__(self) -> None:
        super().__init__()
        self.minted: list[dict[str, list[str]]] = []
        self.leaked: list[str] = []

    @property
    def settings(self) -> dict[str, str]:
        """The variables that point a client at it."""
        return {
            "TEAMS_TENANT_ID": TENANT,
            "TEAMS_CLIENT_ID": CLIENT,
            "TEAMS_CLIENT_SECRET": SECRET,
            "TEAMS_GRAPH_URL": f"{self.url}{GRAPH}",
            "TEAMS_LOGIN_URL": f"{self.url}{LOGIN}",
        }

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = request.raw_path.partition("?")[0]
        if raw == f"{LOGIN}/{TENANT}/oauth2/v2.0/token" and request.method == "POST":
            self.minted.append(parse_qs((await request.read()).decode()))
            return _json({"access_token": "t0", "expires_in": 3_600, "token_type": "Bearer"})
        if raw.startswith("/files/"):
            self.leaked += [raw] if "Authorization" in request.headers else []
            return web.Response(body=ATTENDEES.encode(), content_type="text/csv")
        if request.headers.get("Authorization") != "Bearer t0":
            return _json({"error": {"code": "InvalidAuthenticationToken", "message": "no token"}}, status=401)
        self.asked.append(f"{request.method} {raw}")
        if request.method != "GET" or not raw.startswith(GRAPH):
            return web.Response(status=404, text="404 page not found\n")
        version, *parts = (unquote(part) for part in raw.removeprefix(f"{GRAPH}/").split("/"))
        return self._found(version, parts, raw, dict(request.query))

    def _found(self, version: str, parts: list[str], raw: str, query: dict[str, str]) -> web.StreamResponse:
        match parts:
            case ["communications", "callRecords"]:
                return self._page(raw, CALLS, query)
            case ["users"]:
                return self._page(raw, USERS, query)
            case ["users", user, "calendarView"] if user in CALENDARS:
                return self._page(raw, CALENDARS[user], query)
            case ["users", user, "onlineMeetings"]:
                return _looked_up(user, query)
            case ["users", user, "onlineMeetings", meeting, *rest] if (user, meeting) in (
                (IDA, REVIEW),
                (OMAR, SHOW),
            ):
                return self._of_meeting(version, meeting, rest, raw, query)
            case ["solutions", "virtualEvents", "webinars", *rest]:
                return self._of_webinars(rest, raw, query)
        return web.Response(status=404, text="404 page not found\n")

    def _of_meeting(
        self, version: str, meeting: str, rest: list[str], raw: str, query: dict[str, str]
    ) -> web.StreamResponse:
        if meeting == SHOW:
            if not rest:
                return _json({"id": SHOW, "isBroadcast": True})
            if rest == ["attendeeReport"]:
                return web.Response(status=307, headers={"Location": "/files/5ecret"})
            return _json({"error": {"code": "", "message": "An error has occurred."}}, status=400)
        match rest:
            case ["attendanceReports"]:
                return self._page(raw, REPORTS, query)
            case ["attendanceReports", report]:
                return _report(next(row for row in REPORTS if row["id"] == report), query)
            case ["attendanceReports", report, "attendanceRecords"]:
                return self._page(raw, RECORDS[report], query)
        return web.Response(status=404, text="404 page not found\n")

    def _of_webinars(self, rest: list[str], raw: str, query: dict[str, str]) -> web.StreamResponse:
        match rest:
            case []:
                return self._page(raw, WEBINARS, query)
            case [event, "sessions"] if event == WEBINAR:
                return self._page(raw, SESSIONS, query)
            case [event, "registrations"] if event == WEBINAR:
                return self._page(raw, REGISTRATIONS, query)
            case [event, "sessions", session, "attendanceReports"] if (event, session) == (WEBINAR, SESSION):
                return self._page(raw, [CAMP_REPORT], query)
            case [event, "sessions", session, "attendanceReports", report] if report == CAMP:
                return _report(CAMP_REPORT, query)
        return _json({"error": {"code": "NotFound", "message": "no such event"}}, status=404)

    def _page(self, raw: str, rows: list[Row], query: dict[str, str]) -> web.Response:
        """Two rows, then none, then the others."""
        held = [
            rows[:PAGE],
            *([[]] if len(rows) > PAGE else []),
            *(rows[n : n + PAGE] for n in range(PAGE, len(rows), PAGE)),
        ]
        number = int(query.get("$skip", "0")) // PAGE
        body: Row = {"value": held[number]}
        if number + 1 < len(held):
            body["@odata.nextLink"] = f"{self.url}{raw}?$skip={PAGE * (number + 1)}"
        return _json(body)


def _looked_up(user: str, query: dict[str, str]) -> web.Response:
    """Quotes in an address are doubled; whoever has no policy is refused with the code of an older page."""
    if user not in (IDA, OMAR):
        text = "No Application Access Policy found for this app"
        return _json({"error": {"code": "Unauthorized", "message": text, "innererror": {}}}, status=403)
    url = query["$filter"].removeprefix("JoinWebUrl eq '").removesuffix("'").replace("''", "'")
    found = MEETINGS.get((user, url))
    return _json(
        {"value": [found]} if found else {"error": {"code": "NotFound", "message": ""}}, 200 if found else 404
    )


def _report(row: Row, query: dict[str, str]) -> web.Response:
    """Its records are in it as far as a page goes, and nothing says that there are more."""
    more = {"attendanceRecords": RECORDS[row["id"]][:PAGE]} if "attendanceRecords" in query.get("$expand", "") else {}
    return _json(row | more)


def _json(body: Row, status: int = 200) -> web.Response:
    answer = web.json_response(body, status=status)
    answer.headers["Content-Type"] = "application/json"
    return answer
