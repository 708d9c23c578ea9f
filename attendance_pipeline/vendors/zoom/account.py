"""A Zoom account: its token, its limits, and what its refusals mean.

Facts: Zoom's pages "Server-to-Server OAuth", "Rate limits", "Error codes", "OAuth error messages".
"""

import re
from dataclasses import dataclass

import httpx
import msgspec

from attendance_pipeline.clock import Clock
from attendance_pipeline.http.budget import DailyBudget
from attendance_pipeline.http.errors import RefusedError
from attendance_pipeline.http.oauth import BearerAuth
from attendance_pipeline.http.pacing import MARGIN, Pacer, Rate
from attendance_pipeline.http.session import Session, nameless
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendor_json import NOT_JSON

# Requests a second by label; every /report call is heavy. Free accounts have no reports.
PER_SECOND = {
    "pro": {"light": 30.0, "medium": 20.0, "heavy": 10.0, "resource-intensive": 10 / 60},
    "business": {"light": 80.0, "medium": 60.0, "heavy": 40.0, "resource-intensive": 20 / 60},
}
# One total a UTC day for heavy and resource-intensive calls, shared by every app of the account.
PER_DAY = {"pro": 30_000, "business": 60_000}
BUDGETED = frozenset({"heavy", "resource-intensive"})

MISSING_SCOPE = frozenset({104, 4700, 4711})
"""Codes for a token that lacks scopes; they come with HTTP 400."""

TOKEN_REFUSALS = {
    "invalid_client": "ZOOM_CLIENT_ID or ZOOM_CLIENT_SECRET is wrong, or the app was deactivated",
    "unsupported_grant_type": "the app isn't of the type Server-to-Server OAuth",
    "invalid_request": "ZOOM_ACCOUNT_ID is wrong, or the account doesn't allow Server-to-Server OAuth apps",
}


PAGE_SIZE = "300"
"""The most rows a page that Zoom's reports allow."""


class Page(msgspec.Struct, kw_only=True):
    """A page of any of Zoom's lists, without its rows; absence of a token is `""` or a missing key."""

    next_page_token: str | None = None


@dataclass(frozen=True)
class Refusal:
    """A 4xx of Zoom's: its HTTP status, Zoom's own code (0 where the body isn't Zoom's), its text."""

    status: int
    code: int
    message: str

    @classmethod
    def read(cls, status: int, body: bytes) -> "Refusal":
        """Codes have come as text, and bodies as invalid JSON (unescaped quotes in a list of scopes)."""
        text = body.decode(errors="replace")
        try:
            said = msgspec.json.decode(body)
            return cls(status, int(said["code"]), str(said.get("message", "")))
        except (*NOT_JSON, KeyError, TypeError, ValueError):
            code = re.search(r'"code"\s*:\s*"?(\d+)', text)
            return cls(status, int(code[1]) if code else 0, text)

    def __str__(self) -> str:
        """Without Zoom's text, which may name a person."""
        return f"{self.status}/{self.code}" if self.code else f"{self.status} without a Zoom error"

    @property
    def scopes(self) -> str:
        """The scopes that a token lacks; empty where Zoom names none."""
        return ", ".join(re.findall(r"[a-z_]+(?::[a-z_]+)+", self.message))

    def raise_if_general(self, request: str) -> None:
        """Stop the run where the refusal is about the app and not about what was asked for.

        Raises:
            RefusedError: a scope is missing, or the address isn't Zoom's API.
        """
        if self.code in MISSING_SCOPE:
            raise RefusedError(
                f"zoom refused GET {nameless(request)} ({self}): the app lacks the scope "
                f"{self.scopes or 'of reports'}; add it in the Zoom App Marketplace (Manage > your app > Scopes), "
                "activate the app again, then run again"
            )
        if self.code == 2300:
            raise RefusedError(
                f"zoom doesn't know GET {nameless(request)} ({self}); check ZOOM_API_URL, which ends in /v2"
            )


def token_died(status: int, body: bytes) -> bool:
    """Whether Zoom no longer knows a page token: it lives 15 minutes."""
    refusal = Refusal.read(status, body)
    return refusal.code == 300 and "token" in refusal.message.lower()


def session(settings: Settings, budget: DailyBudget, clock: Clock) -> Session:
    """A session with the account of these settings. The credentials must be set."""
    rates = {label: Rate(1, 1 / (rate * MARGIN)) for label, rate in PER_SECOND[settings.zoom_plan].items()}
    return Session(
        vendor="zoom",
        base_url=settings.zoom_api_url,
        auth=BearerAuth("zoom", lambda: [_token_request(settings)], _explain),
        pacer=Pacer(rates, budget, BUDGETED),
        day_is_spent=_day_is_spent,
        clock=clock,
    )


def _token_request(settings: Settings) -> httpx.Request:
    assert settings.zoom_client_secret is not None  # noqa: S101 - a vendor that is off has no session
    basic = httpx.BasicAuth(settings.zoom_client_id or "", settings.zoom_client_secret.get_secret_value())
    request = httpx.Request(
        "POST",
        settings.zoom_token_url,
        data={"grant_type": "account_credentials", "account_id": settings.zoom_account_id},
    )
    return next(basic.auth_flow(request))


def _explain(response: httpx.Response) -> str:
    """The token endpoint answers `{reason, error}`, or an OAuth number of its own."""
    try:
        said = msgspec.json.decode(response.content)
        error = str(said.get("error", "")) or f"code {int(said['code'])}"
    except (*NOT_JSON, AttributeError, KeyError, TypeError, ValueError):
        error = "no reason"
    way_out = TOKEN_REFUSALS.get(error, "check ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET")
    return f"the token endpoint refused the credentials ({response.status_code}, {error}): {way_out}"


def _day_is_spent(headers: httpx.Headers, body: bytes) -> bool:
    """A daily 429 says so in `X-RateLimit-Type`; where the header is missing, in its text."""
    kind = headers.get("x-ratelimit-type", "").lower()
    return "daily" in kind if kind else b"daily" in body.lower()
