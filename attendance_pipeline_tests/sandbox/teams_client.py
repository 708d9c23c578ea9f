"""A client of Graph that sends exactly what it is told, and follows a next link only where asked to."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from attendance_pipeline.sandbox import Sandbox
from attendance_pipeline.sandbox.model import Occurrence

from .client import Connection, Reply

Row = dict[str, Any]


class TeamsClient(Connection):
    """Mints a token when it has none, and keeps it until it's refused."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.token = ""

    def mint(self, *, tenant: str = "", method: str = "POST", **changes: str) -> Reply:
        settings = self.sandbox.settings
        fields = {
            "grant_type": "client_credentials",
            "client_id": settings["TEAMS_CLIENT_ID"],
            "client_secret": settings["TEAMS_CLIENT_SECRET"],
            "scope": "https://graph.microsoft.com/.default",
        } | changes
        body = urlencode({name: value for name, value in fields.items() if value})
        path = f"/login/{tenant or settings['TEAMS_TENANT_ID']}/oauth2/v2.0/token"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send(method, path, headers, body.encode())

    def get(
        self,
        path: str,
        *,
        version: str = "v1.0",
        method: str = "GET",
        token: str | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, object] | None = None,
    ) -> Reply:
        """One request under a version's base; the path goes out as it is, the query encoded once."""
        encoded = urlencode(query or {}, quote_via=quote, safe="$")
        target = f"/graph/{version}{path}" + (f"?{encoded}" if encoded else "")
        return self._send(method, target, token, headers)

    def follow(self, address: str, headers: dict[str, str] | None = None) -> Reply:
        """What is behind an absolute link to the API."""
        assert address.startswith(f"{self.sandbox.url}/graph/")
        return self._send("GET", address.removeprefix(self.sandbox.url), None, headers)

    def batch(self, *items: Row, version: str = "v1.0") -> Reply:
        headers = {"Authorization": f"Bearer {self._live()}", "Content-Type": "application/json"}
        body = json.dumps({"requests": items}).encode()
        return self.send("POST", f"/graph/{version}/$batch", headers, body)

    def pages(
        self, path: str, headers: dict[str, str] | None = None, version: str = "v1.0", **query: object
    ) -> list[list[Row]]:
        """Every page of a list; names of options are given without their dollar."""
        sent = {name if name.endswith("DateTime") else f"${name}": value for name, value in query.items()}
        reply = self.get(path, headers=headers, version=version, query=sent)
        pages = []
        while True:
            assert reply.status == 200, reply.body
            pages.append(reply.body["value"])
            following = reply.body.get("@odata.nextLink")
            if following is None:
                return pages
            reply = self.follow(following, headers)

    def rows(self, path: str, headers: dict[str, str] | None = None, **query: object) -> list[Row]:
        return [row for page in self.pages(path, headers, **query) for row in page]

    def lookup(self, user: str, address: str, version: str = "v1.0") -> Reply:
        return self.get(
            f"/users/{user}/onlineMeetings", query={"$filter": f"JoinWebUrl eq '{address}'"}, version=version
        )

    def _send(self, method: str, target: str, token: str | None, headers: dict[str, str] | None) -> Reply:
        token = self._live() if token is None else token
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.send(method, target, sent)

    def _live(self) -> str:
        if not self.token:
            self.token = self.mint().body["access_token"]
        return self.token


def meeting_path(user: str, meeting: str) -> str:
    return f"/users/{user}/onlineMeetings/{quote(meeting, safe='')}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def error(reply: Reply) -> tuple[int, str, str]:
    """Graph's error, whose other parts are always there."""
    body = reply.body["error"]
    assert set(reply.body) == {"error"}
    assert set(body) == {"code", "message", "innerError"}
    inner = body["innerError"]
    assert {"date", "request-id", "client-request-id"} <= set(inner)
    assert datetime.fromisoformat(inner["date"]).tzinfo is None
    assert reply.headers["request-id"] == inner["request-id"]
    return reply.status, body["code"], body["message"]


def an_occurrence(sandbox: Sandbox, kind: str, **traits: object) -> Occurrence:
    """One that Teams tells of, latest first, with these traits of its series."""
    today = sandbox.now().date()
    held = [one.occurrence for one in sandbox.teams.held(today - timedelta(days=14), today)]
    return next(
        one
        for one in sorted(held, key=lambda one: one.ended_at, reverse=True)
        if one.kind == kind
        and sandbox.teams.tenant.bookings.channel_of(one.series) is None
        and sandbox.teams.tenant.settling.has_report(one, sandbox.now())
        and all(getattr(one.series, name) == value for name, value in traits.items())
    )


def path_of(sandbox: Sandbox, occurrence: Occurrence) -> str:
    identity = sandbox.teams.tenant.identity
    return meeting_path(identity.user_id(occurrence.host), identity.meeting_id(occurrence.series))
