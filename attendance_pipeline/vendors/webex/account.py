"""A Webex account: its limits, where its reports end, and what its refusals mean.

Facts: Webex's pages "REST API Basics", "Meetings Overview" (scopes and roles) and "Meetings Summary Report".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from attendance_pipeline.clock import Clock
from attendance_pipeline.http.budget import DailyBudget
from attendance_pipeline.http.errors import RefusedError
from attendance_pipeline.http.pacing import MARGIN, Pacer, Rate
from attendance_pipeline.http.session import Session
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendor_json import NOT_JSON
from attendance_pipeline.vendors.webex.tokens import bearer

LABEL = "request"
"""The one rate limit: it is the token owner's, whatever is asked for."""
PER_MINUTE = 300
"""Around 300 requests a minute for most of Webex's calls."""

SPAN = timedelta(days=30)
"""The most between `from` and `to`; exactly so much is allowed."""
REACH = timedelta(days=90)
"""How long ago `from` may be."""
REACH_MARGIN = timedelta(hours=1)
"""The horizon moves on while a pull is at work: an hour is longer than asking for the lists takes."""

SITES = "/meetingPreferences/sites"
MEETINGS = "/meetings"
USAGE = "/meetingReports/usage"
ATTENDEES = "/meetingReports/attendees"
PARTICIPANTS = "/meetingParticipants"

NOBODY = "00000000000000000000000000000000_I_000000000000000000"
"""An id that no meeting has: 400 or 404 means that the call itself is allowed."""


@dataclass(frozen=True)
class Need:
    """What a call needs, and what it is for."""

    scope: str
    role: str
    purpose: str


NEEDS = {
    SITES: Need("meeting:admin_preferences_read", "Full admin or Content admin", "which sites there are"),
    MEETINGS: Need("meeting:admin_schedule_read", "Full admin or Content admin", "ended meetings, 15 minutes later"),
    USAGE: Need("meeting:admin_config_read", "Site admin", "ended meetings of a site, a day later"),
    ATTENDEES: Need("meeting:admin_config_read", "Site admin", "who attended, with registration and address"),
    PARTICIPANTS: Need("meeting:admin_participants_read", "Full admin or Content admin", "who attended, by device"),
}


class Page(msgspec.Struct):
    """A page of any of Webex's lists, its rows unread."""

    items: list[msgspec.Raw]


PAGE = msgspec.json.Decoder(Page)


@dataclass(frozen=True)
class Refusal:
    """A 4xx of Webex's: its HTTP status, and the id by which Webex's support finds it (empty: not Webex's body)."""

    status: int
    tracking_id: str

    @classmethod
    def read(cls, status: int, body: bytes) -> "Refusal":
        """The body is `{message, errors, trackingId}`; `errors` and even the body's JSON have been missing."""
        try:
            said: Any = msgspec.json.decode(body)
            return cls(status, str(said["trackingId"]))
        except (*NOT_JSON, KeyError, TypeError):
            return cls(status, "")

    def __str__(self) -> str:
        """Without Webex's text, which may name a person."""
        return f"{self.status}, tracking id {self.tracking_id}" if self.tracking_id else f"{self.status}"

    def error(self, path: str, site: str = "") -> RefusedError:
        """The error for a call that Webex won't answer: the scope and who can give it."""
        need = NEEDS[path]
        where = f" for the site {site}" if site else ""
        if self.status == 403:
            way_out = (
                f"the token needs the scope {need.scope}, granted by somebody with the role {need.role}"
                f"{f' on {site}' if site else ''}; authorize the app again with it"
                f"{', or leave the site out of WEBEX_SITE_URLS' if site else ''}"
            )
        elif site:
            way_out = "check WEBEX_SITE_URLS: a host name such as example.webex.com"
        else:
            way_out = "check WEBEX_API_URL, which ends in /v1"
        return RefusedError(f"webex refused GET {path}{where} ({self}): {way_out}; then run again")


def session(settings: Settings, budget: DailyBudget, clock: Clock) -> Session:
    """A session with the account of these settings. The credentials must be set."""
    auth, token_refused = bearer(settings, clock)
    return Session(
        vendor="webex",
        base_url=settings.webex_api_url,
        auth=auth,
        pacer=Pacer({LABEL: Rate(int(PER_MINUTE * MARGIN), 60)}, budget, frozenset({LABEL})),
        token_refused=token_refused,
        # Of every call that has times in its answer; the default isn't documented for all of them.
        headers={"timezone": "UTC"},
        clock=clock,
    )


def horizon(now: datetime) -> datetime:
    """The oldest `from` that may be asked for, and still may be an hour later."""
    return now.replace(microsecond=0) - REACH + REACH_MARGIN


def text(instant: datetime) -> str:
    """An instant as a query parameter, whole seconds."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
