"""A client that sends exactly what it is told: paths and headers raw, nothing followed, nothing retried."""

import base64
import http.client
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from attendance_pipeline.sandbox import Sandbox


class Clock:
    """Stands still until told otherwise. Starts on a Monday afternoon."""

    def __init__(self, now: datetime = datetime(2026, 3, 16, 15, 0, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: Any
    header_names: list[str]

    @property
    def error(self) -> tuple[int, int, str]:
        return self.status, self.body["code"], self.body["message"]


class Connection:
    """Talks to one sandbox over one connection."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=20)

    def close(self) -> None:
        self._connection.close()

    def send(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Reply:
        self._connection.request(method, target, body=body or None, headers=headers or {})
        response = self._connection.getresponse()
        text = response.read()
        parsed = json.loads(text) if "json" in response.headers["Content-Type"] else text.decode()
        headers_by_lower = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, headers_by_lower, parsed, [name for name, _ in response.getheaders()])


class Client(Connection):
    """A client of the Zoom API; mints its tokens itself."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._token = ""
        self._minted_at = datetime.min.replace(tzinfo=UTC)

    def mint(self, *, in_query: bool = False, secret: str | None = None, **changes: str) -> Reply:
        settings = self.sandbox.settings
        pair = f"{settings['ZOOM_CLIENT_ID']}:{secret or settings['ZOOM_CLIENT_SECRET']}"
        headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        fields = {"grant_type": "account_credentials", "account_id": settings["ZOOM_ACCOUNT_ID"]} | changes
        if in_query:
            return self.send("POST", f"/zoom/oauth/token?{urlencode(fields)}", headers)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.send("POST", "/zoom/oauth/token", headers, urlencode(fields).encode())

    def get(self, path: str, *, token: str | None = None, **query: object) -> Reply:
        """GET under the API's base; the path goes out as it is."""
        if token is None:
            token = self._live_token()
        names = {"from_": "from"}
        encoded = urlencode({names.get(name, name): value for name, value in query.items()})
        target = f"/zoom/v2{path}" + (f"?{encoded}" if encoded else "")
        return self.send("GET", target, {"Authorization": f"Bearer {token}"} if token else {})

    def _live_token(self) -> str:
        if abs(self.sandbox.now() - self._minted_at) > timedelta(minutes=30):
            self._token, self._minted_at = self.mint().body["access_token"], self.sandbox.now()
        return self._token

    def pages(self, path: str, name: str, *, page_size: int = 300, **query: object) -> list[dict[str, Any]]:
        """Every row of a list, whatever number of pages it takes."""
        rows: list[dict[str, Any]] = []
        following: dict[str, object] = {}
        while True:
            reply = self.get(path, page_size=page_size, **query, **following)
            assert reply.status == 200, reply.body
            rows += reply.body[name]
            if not reply.body["next_page_token"]:
                return rows
            following = {"next_page_token": reply.body["next_page_token"]}

    def participants(self, uuid: str, kind: str = "meeting") -> list[dict[str, Any]]:
        return self.pages(
            f"/report/{kind}s/{twice(uuid)}/participants", "participants", include_fields="registrant_id"
        )


def once(uuid: str) -> str:
    return quote(uuid, safe="")


def twice(uuid: str) -> str:
    return quote(once(uuid), safe="")
