"""A Graph tenant: its limits, its permissions, and what its refusals mean.

Facts: Graph's pages "Service-specific throttling limits", "Microsoft Graph error responses and resource types",
"Allow applications to access online meetings on behalf of a user", and each call's reference.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from attendance_pipeline.archive import Document, Outcome
from attendance_pipeline.clock import Clock
from attendance_pipeline.http.budget import DailyBudget
from attendance_pipeline.http.errors import RefusedError
from attendance_pipeline.http.pacing import MARGIN, Pacer, Rate
from attendance_pipeline.http.session import Session
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendor_json import NOT_JSON
from attendance_pipeline.vendors.teams.tokens import TOKEN_REFUSED, bearer

CALL_RECORDS_REACH = timedelta(days=30)
REPORTS_REACH = timedelta(days=365)
LOOKUP_REACH = timedelta(days=60)
"""An online meeting, and with it the lookup of its join URL, expires so long after its last use."""
REACH_MARGIN = timedelta(hours=1)
"""The horizon moves on while a pull is at work."""

CALLS, EVENTS, ONLINE_MEETINGS, REPORTS, USERS, CALENDARS, BATCH = (
    "call_records",
    "virtual_events",
    "online_meetings",
    "attendance_reports",
    "users",
    "calendars",
    "batch",
)
_ANY = (130_000, 10)
"""Requests in seconds for everything that has no limit of its own."""
RATES = {
    CALLS: (40, 20),
    EVENTS: (750, 30),
    USERS: (1_750, 10),
    ONLINE_MEETINGS: _ANY,
    REPORTS: _ANY,
    CALENDARS: _ANY,
    BATCH: _ANY,
}
"""Documented limits: of users 3,500 units for a small tenant, and a list costs two."""

LIVE_EVENT_HOSTS = (".teams.microsoft.com",)
"""Where live events' reports and recordings are downloaded from."""


@dataclass(frozen=True)
class Need:
    """What a call needs, and what it is for."""

    role: str
    purpose: str


NEEDS = {
    CALLS: Need("CallRecords.Read.All", "which meetings ended in the last 30 days"),
    USERS: Need("User.Read.All", "whose calendars to look into"),
    CALENDARS: Need("Calendars.Read", "meetings older than 30 days, and those that call records miss"),
    EVENTS: Need("VirtualEvent.Read.All", "webinars and town halls"),
    ONLINE_MEETINGS: Need("OnlineMeetings.Read.All", "the id behind a join URL"),
    REPORTS: Need("OnlineMeetingArtifact.Read.All", "attendance reports"),
}


class Page(msgspec.Struct):
    """A page of any of Graph's lists, its rows unread."""

    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


PAGE = msgspec.json.Decoder(Page)


@dataclass(frozen=True)
class Refusal:
    """A 4xx of Graph's: its HTTP status, its code, and its text, which may name a person and so is never shown."""

    status: int
    code: str
    message: str

    @classmethod
    def read(cls, status: int, body: bytes) -> "Refusal":
        """The body is `{error: {code, message, innerError}}`; the code may be empty."""
        try:
            said: Any = msgspec.json.decode(body)["error"]
            return cls(status, str(said["code"]), str(said["message"]))
        except (*NOT_JSON, KeyError, TypeError):
            return cls(status, "", "")

    def __str__(self) -> str:
        """Without Graph's text."""
        code = re.sub(r"[^A-Za-z0-9_.-]", "", self.code)[:60]
        return f"{self.status} {code}" if code else f"{self.status}"

    @property
    def lacks_role(self) -> bool:
        """Whether an application permission isn't consented: the same for every meeting."""
        return self.status == 403 and (
            self.code == "Authorization_RequestDenied" or "insufficient privileges" in self.message.lower()
        )

    @property
    def lacks_policy(self) -> bool:
        """Whether no application access policy covers the organizer; Graph's code for it has changed."""
        return self.status == 403 and "application access policy" in self.message.lower()

    def meaning(self) -> tuple[Outcome, str]:
        """What it means for a meeting, and why in a few words."""
        if self.lacks_policy:
            return "denied", "no application access policy for its organizer"
        if self.status == 403 and self.message.startswith("3003"):
            return "denied", "3003, not its organizer"
        if self.status == 403:
            return "denied", str(self)
        if self.status in (404, 410) or "index was out of range" in self.message.lower():
            return "gone", f"{self}, not known (any more)"
        return "blocked", str(self)

    def raise_if_general(self, need: str) -> None:
        """Raise what isn't about one meeting.

        Raises:
            RefusedError: an application permission isn't consented.
        """
        if self.lacks_role:
            raise self.error(need)

    def error(self, need: str) -> RefusedError:
        """The error for a call that Graph won't answer at all: the permission, and who can give it."""
        needed = NEEDS[need]
        if self.status == 403:
            way_out = (
                f"the app needs the application permission {needed.role}, for {needed.purpose}; an administrator "
                "adds it in the Entra admin center > App registrations > API permissions and grants consent"
            )
            if need in (CALLS, USERS, CALENDARS, EVENTS):
                way_out += "; or leave the route out of TEAMS_ROUTES"
        else:
            way_out = "check TEAMS_GRAPH_URL, which ends before /v1.0"
        return RefusedError(f"teams refused {needed.purpose} ({self}): {way_out}; then run again")


def refused(document: Document, need: str) -> Document:
    """A refused document with what that means for its subject.

    Raises:
        RefusedError: it isn't about the subject but about the app.
    """
    refusal = Refusal.read(document.status, document.body)
    refusal.raise_if_general(need)
    outcome, reason = refusal.meaning()
    return replace(document, outcome=outcome, reason=reason)


def session(settings: Settings, budget: DailyBudget, clock: Clock) -> Session:
    """A session with the tenant of these settings. The credentials must be set.

    Raises:
        UsageError: the certificate can't be used.
    """
    rates = {label: Rate(int(requests * MARGIN), seconds) for label, (requests, seconds) in RATES.items()}
    return Session(
        vendor="teams",
        base_url=settings.teams_graph_url,
        auth=bearer(settings, clock),
        pacer=Pacer(rates, budget, frozenset(rates) - {BATCH}),
        token_refused=TOKEN_REFUSED,
        download_hosts=LIVE_EVENT_HOSTS,
        clock=clock,
    )


def address(path: str, options: Mapping[str, str] | None = None) -> str:
    """Path and query as Graph wants them: `$` as it is, everything else percent-encoded, a space as %20."""
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in (options or {}).items())
    return f"{path}?{query}" if query else path


def segment(vendor_id: str) -> str:
    """An id as a segment of a path: base64 and `guid@tenant` stay readable."""
    return quote(vendor_id, safe="@=*")


def text(instant: datetime) -> str:
    """An instant as a query parameter, whole seconds."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
