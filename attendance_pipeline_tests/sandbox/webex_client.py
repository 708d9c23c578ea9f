"""A client of the Webex API that sends exactly what it is told, and reads a Link only where asked to."""

import base64
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from .client import Connection, Reply

API = "/webex/v1"
MAIN, EVENTS = "northwind.webex.com", "northwind-events.webex.com"
SITES = (MAIN, EVENTS)
SERVICES = ("MeetingCenter", "EventCenter")

Row = dict[str, Any]


class WebexClient(Connection):
    """Asks with the personal token unless another is given."""

    def refresh(self, *, basic: bool = False, **changes: str) -> Reply:
        settings = self.sandbox.settings
        fields = {
            "grant_type": "refresh_token",
            "client_id": settings["WEBEX_CLIENT_ID"],
            "client_secret": settings["WEBEX_CLIENT_SECRET"],
            "refresh_token": settings["WEBEX_REFRESH_TOKEN"],
        } | changes
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if basic:
            pair = f"{fields.pop('client_id')}:{fields.pop('client_secret')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return self.send("POST", f"{API}/access_token", headers, urlencode(fields).encode())

    def get(self, path: str, *, token: str | None = None, zone: str = "", **query: object) -> Reply:
        """GET under the API's base; `from_` stands for `from`."""
        token = self.sandbox.webex.options.personal_token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if zone:
            headers["timezone"] = zone
        encoded = urlencode({name.removesuffix("_"): value for name, value in query.items()})
        return self.send("GET", f"{API}{path}" + (f"?{encoded}" if encoded else ""), headers)

    def pages(self, path: str, **query: object) -> list[list[Row]]:
        """Every page of a list; filters that a next link lacks are given again."""
        asked, pages = dict(query), []
        while True:
            reply = self.get(path, **asked)
            assert reply.status == 200, reply.body
            pages.append(reply.body["items"])
            following = next_of(reply)
            if following is None:
                return pages
            linked = urlsplit(following)
            assert f"{linked.scheme}://{linked.netloc}{linked.path}" == f"{self.sandbox.url}{API}{path}"
            held = dict(parse_qsl(linked.query))
            asked = dict(query) | {name: value for name, value in held.items() if value != "null"}
            if "from" in asked:
                asked["from_"] = asked.pop("from")

    def rows(self, path: str, **query: object) -> list[Row]:
        return [row for page in self.pages(path, **query) for row in page]

    def usage(self, first: object, last: object) -> dict[str, list[tuple[str, Row]]]:
        """By instance, each row with its site: all sites and services."""
        found: dict[str, list[tuple[str, Row]]] = {}
        for site in SITES:
            for service in SERVICES:
                window = {"siteUrl": site, "serviceType": service, "from_": first, "to": last}
                for row in self.rows("/meetingReports/usage", max=1000, **window):
                    found.setdefault(row["meetingId"], []).append((site, row))
        return found

    def participants(self, instance: str, **query: object) -> list[Row]:
        """All of one meeting, however the account pages them."""
        return self.rows("/meetingParticipants", meetingId=instance, max=100, **query)


def next_of(reply: Reply) -> str | None:
    """The next page's address, of all that a Link may hold."""
    links = dict(re.findall(r'<([^>]*)>; rel="(\w+)"', reply.headers.get("link", "")))
    return next((address for address, relation in links.items() if relation == "next"), None)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
