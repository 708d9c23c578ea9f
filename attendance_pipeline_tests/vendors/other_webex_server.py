"""Another server that speaks the documented Webex API: not ours, with other habits wherever the documents allow it.

Its paths have a prefix and its links another one, on another host; its pages hold two rows whatever size was asked
for, and one of them is empty; its rows have hardly any optional field, its instants the offset of another zone, its
errors no header, and what it doesn't know it answers as a web server would. Attendance is settled from the start.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from aiohttp import web

from .listening import Listening

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
API = "/gateway/conferencing/webex/v1"
LINKS = "https://webexapis.acme.example/v1"
PAGE = 2

SITE, WEBINARS = "fjord.webex.com", "fjord-webinars.webex.com"
IDA, OMAR = "ida.lund@fjord.example", "omar.rao@fjord.example"
REVIEW, ALONE, LAUNCH, NIGHT = (
    f"{series}_I_{number}"
    for series, number in (
        ("0f1e2d3c4b5a69788796a5b4c3d2e1f0", 194316955237236650),
        ("0f1e2d3c4b5a69788796a5b4c3d2e1f0", 194316955237236651),
        ("a9b8c7d6e5f40312233445566778899a", 194316955237236652),
        ("11223344556677889900aabbccddeeff", 7),
    )
)

Row = dict[str, Any]


def _at(day: int, time: str) -> str:
    return f"2026-03-{day:02}T{time}+02:00"


def _spans(*times: tuple[int, str, int, str]) -> list[Row]:
    return [{"joinedTime": _at(*one[:2]), "leftTime": _at(*one[2:])} for one in times]


LISTED: list[Row] = [
    {"id": REVIEW, "start": _at(10, "11:00:00"), "end": _at(10, "11:50:30"), "siteUrl": SITE, "title": "Review"},
    {"id": ALONE, "start": _at(10, "13:00:00"), "end": _at(10, "13:15:00"), "siteUrl": SITE},
    {"id": NIGHT, "start": _at(11, "01:30:00"), "end": _at(11, "02:20:00"), "siteUrl": SITE, "hostEmail": OMAR},
]
"""The webinars' site isn't the caller's, and its one webinar isn't in the list of meetings."""
USED: dict[tuple[str, str], list[Row]] = {
    (SITE, "MeetingCenter"): [
        {
            "meetingId": REVIEW,
            "meetingNumber": "25512345678",
            "start": _at(10, "11:00:00"),
            "end": _at(10, "11:50:30"),
            "totalParticipants": 2,
        },
        {"meetingId": NIGHT, "start": _at(11, "01:30:00"), "end": _at(11, "02:20:00"), "totalPeopleMinutes": 98.5},
        {"meetingId": ALONE, "start": _at(10, "13:00:00"), "end": _at(10, "13:15:00")},
    ],
    (SITE, "EventCenter"): [],
    (WEBINARS, "MeetingCenter"): [],
    (WEBINARS, "EventCenter"): [
        {
            "meetingId": LAUNCH,
            "scheduledType": "webinar",
            "start": _at(10, "17:00:00"),
            "end": _at(10, "18:00:00"),
            "totalParticipants": 2,
        },
    ],
}
ATTENDEES: dict[tuple[str, str], list[Row]] = {
    (SITE, REVIEW): [
        {"displayName": "Bo", **_spans((10, "11:21:30", 10, "11:50:00"))[0]},
        {"displayName": "Bo", "meetingNumber": "25512345678", **_spans((10, "11:01:00", 10, "11:20:00"))[0]},
        {"displayName": "Ida Lund", "email": IDA, **_spans((10, "11:00:00", 10, "11:50:30"))[0]},
    ],
    (SITE, ALONE): [{"displayName": "Ida Lund", "email": IDA, **_spans((10, "13:00:00", 10, "13:15:00"))[0]}],
    (SITE, NIGHT): [{"displayName": "Omar Rao", **_spans((11, "01:30:00", 11, "02:20:00"))[0]}],
    (WEBINARS, LAUNCH): [
        {"displayName": "Vera Ek", "registered": True, **_spans((10, "17:02:00", 10, "17:59:00"))[0]},
        {"displayName": "Omar Rao", "email": OMAR, **_spans((10, "17:00:00", 10, "18:00:00"))[0]},
    ],
}
PARTICIPANTS: dict[str, list[Row]] = {
    REVIEW: [
        {
            "id": "p2",
            "displayName": "Bo",
            **_spans((10, "11:01:00", 10, "11:50:00"))[0],
            "devices": _spans((10, "11:01:00", 10, "11:20:00"), (10, "11:21:30", 10, "11:50:00")),
        },
        {"id": "p1", "email": IDA, **_spans((10, "11:00:00", 10, "11:50:30"))[0]},
    ],
    ALONE: [{"id": "p1", "email": IDA, **_spans((10, "13:00:00", 10, "13:15:00"))[0]}],
    NIGHT: [{"id": "p1", "email": OMAR, **_spans((11, "01:30:00", 11, "02:20:00"))[0]}],
    LAUNCH: [
        {
            "id": "p1",
            "email": OMAR,
            **_spans((10, "17:00:00", 10, "18:00:00"))[0],
            "devices": _spans((10, "17:00:00", 10, "18:00:00")),
            "breakoutSessionsAttended": [{"id": "b", **_spans((10, "17:10:00", 10, "17:20:00"))[0]}],
        },
        {"id": "p2", "displayName": "Vera Ek", **_spans((10, "17:02:00", 10, "17:59:00"))[0]},
    ],
}


class OtherWebexServer(Listening):
    """See `Listening`."""

    def __init__(self) -> None:
        super().__init__()
        self.refreshed: list[dict[str, list[str]]] = []

    @property
    def settings(self) -> dict[str, str]:
        """The variables that point a client at it."""
        return {
            "WEBEX_CLIENT_ID": "app",
            "WEBEX_CLIENT_SECRET": "made-up",
            "WEBEX_REFRESH_TOKEN": "r0",
            "WEBEX_SITE_URLS": f"{SITE},{WEBINARS}",
            "WEBEX_API_URL": f"{self.url}{API}",
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        path = request.path.removeprefix(API)
        if path == "/access_token" and request.method == "POST":
            self.refreshed.append(parse_qs((await request.read()).decode()))
            return _json({"access_token": "t0", "expires_in": 1_209_599, "token_type": "Bearer"})
        if request.headers.get("Authorization") != "Bearer t0":
            return _json({"message": "no token", "trackingId": "GW_0"}, status=401)
        self.asked.append(request.raw_path)
        query = dict(request.query)
        rows = _found(path, query) if request.path.startswith(API) else None
        if rows is None:
            return web.Response(status=404, text="404 page not found\n")
        return _page(path, rows, query)


def _found(path: str, query: dict[str, str]) -> list[Row] | None:
    match path:
        case "/meetings" if query["meetingType"] == "meeting" and query["state"] == "ended":
            return [row for row in LISTED if query.get("siteUrl", SITE) == row["siteUrl"]]
        case "/meetingReports/usage":
            return USED.get((query["siteUrl"], query["serviceType"]))
        case "/meetingReports/attendees":
            return ATTENDEES.get((query["siteUrl"], query["meetingId"]))
        case "/meetingParticipants":
            return PARTICIPANTS.get(query["meetingId"])
    return None


def _page(path: str, rows: list[Row], query: dict[str, str]) -> web.Response:
    """Two rows, then none, then the others; participants have no pages, as none are documented for them."""
    if path == "/meetingParticipants":
        return _json({"items": rows})
    held = [rows[:PAGE], *([[]] if len(rows) > PAGE else []), rows[PAGE:]]
    cursor = int(query.get("cursor", "0"))
    headers = {}
    if any(held[cursor + 1 :]):
        headers["Link"] = f'<{LINKS}{path}?{urlencode({"cursor": cursor + 1, "max": PAGE})}>; rel="next"'
    return _json({"items": held[cursor]}, headers=headers)


def _json(body: Row, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    answer = web.json_response(body, status=status, headers=headers)
    answer.headers["Content-Type"] = "application/json"
    return answer
