"""Another server that speaks the documented API: not ours, and with other habits wherever the documents allow it.

Its paths have a prefix, its lists neither counts nor a token on the last page, its hosts no ids, its instants a space
and no zone; it has no account-wide list, and answers what it doesn't know as a web server would.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from .listening import Listening

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
API, TOKEN = "/gateway/conferencing/zoom/v2", "/login/realms/acme/token"

IDA, OMAR = "ida.lund@fjord.example", "omar.rao@fjord.example"
REVIEW, ALONE, LAUNCH, NIGHT = (
    "Qm//8XkTVaPn2K7sJdRy+A==",
    "/q1vT6hNRkmGz0aYbXw3Lg==",
    "kR7bWq2LTxu4nE0sVdYfhA==",
    "dG8nRkPzQ2SxW5v/bM1hLw==",
)


def _meeting(uuid: str, number: int, kind: int, start: str, end: str, participants: int) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "id": number,
        "type": kind,
        "topic": f"Topic of {number}",
        "start_time": f"2026-03-{start}",
        "end_time": f"2026-03-{end}",
        "participants_count": participants,
    }


def _join(user_id: int, name: str, email: str, join: str, leave: str, **more: str) -> dict[str, Any]:
    return {
        "user_id": str(user_id),
        "name": name,
        "user_email": email,
        "join_time": f"2026-03-{join}",
        "leave_time": f"2026-03-{leave}",
        "status": "in_meeting",
        **more,
    }


LISTED: dict[tuple[str, str], list[dict[str, Any]]] = {
    (IDA, "past"): [_meeting(REVIEW, 81234567890, 2, "10 09:00:00", "10 09:50:30", 3)],
    (IDA, "pastOne"): [_meeting(ALONE, 81234567890, 2, "10 11:00:00", "10 11:15:00", 1)],
    (OMAR, "past"): [
        _meeting(LAUNCH, 95555555555, 5, "10 15:00:00", "10 16:00:00", 2),
        _meeting(NIGHT, 4441112223, 4, "10 23:30:00", "11 00:20:00", 2),
    ],
}
ATTENDED: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("meetings", REVIEW): [
        _join(16778240, "Ida Lund", IDA, "10 09:00:00", "10 09:50:30", id="i1", participant_user_id="i1"),
        _join(16779264, "Bo", "", "10 09:01:00", "10 09:20:00", id=""),
        _join(16780288, "Bo", "", "10 09:21:30", "10 09:50:00", id=""),
    ],
    ("webinars", LAUNCH): [
        _join(16778240, "Omar Rao", OMAR, "10 15:00:00", "10 16:00:00"),
        _join(16779264, "Vera Ek", "vera@acme.example", "10 15:02:00", "10 15:59:00", registrant_id="r-1"),
    ],
    ("meetings", NIGHT): [
        _join(16778240, "Omar Rao", OMAR, "10 23:30:00", "11 00:20:00"),
        _join(16779264, "Ida Lund", IDA, "10 23:31:00", "11 00:19:59"),
    ],
}


class OtherServer(Listening):
    """See `Listening`."""

    @property
    def settings(self) -> dict[str, str]:
        """The variables that point a client at it."""
        return {
            "ZOOM_ACCOUNT_ID": "fjord",
            "ZOOM_CLIENT_ID": "app",
            "ZOOM_CLIENT_SECRET": "made-up",
            "ZOOM_API_URL": self.url + API,
            "ZOOM_TOKEN_URL": self.url + TOKEN,
            "ZOOM_PLAN": "business",
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        path = request.raw_path.partition("?")[0]
        if path == TOKEN and request.method == "POST":
            return web.json_response({"access_token": "t0", "token_type": "Bearer", "expires_in": 3599})
        if request.headers.get("Authorization") != "Bearer t0":
            return web.json_response({"code": 124, "message": "Invalid access token."}, status=401)
        self.asked.append(request.raw_path)
        body = self._found(path.removeprefix(API).strip("/").split("/"), request.query)
        if body is None:
            return web.Response(status=404, text="404 page not found\n")
        return web.json_response(body)

    def _found(self, parts: Sequence[str], query: Any) -> dict[str, Any] | None:
        names = [unquote(unquote(part)) for part in parts]
        match names:
            case ["users"]:
                return {"users": [{"email": IDA}, {"email": OMAR}] if query["status"] == "active" else []}
            case ["report", "users"]:
                return {"users": [{"email": OMAR}]}
            case ["report", "users", email, "meetings"]:
                return _page("meetings", LISTED.get((email, query["type"]), []), query, 1)
            case ["report", "meetings", uuid] if uuid == ALONE:
                return LISTED[IDA, "pastOne"][0] | {"user_name": "Ida Lund", "user_email": IDA}
            case ["report", kind, uuid, "participants"] if (kind, uuid) in ATTENDED:
                return _page("participants", ATTENDED[kind, uuid], query, 2)
        return None


def _page(name: str, rows: list[dict[str, Any]], query: Any, size: int) -> dict[str, Any]:
    """So many rows, whatever size was asked for; a token only where more follow."""
    begin = int(query.get("next_page_token", "0"))
    more = {"next_page_token": str(begin + size)} if begin + size < len(rows) else {}
    return {name: rows[begin : begin + size]} | more
