"""Access tokens of Server-to-Server OAuth, and page tokens bound to their query."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from attendance_pipeline.sandbox.bearer import BearerTokens, basic_client
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.sandbox.zoom.options import ZoomOptions

# forgotten beyond this many, the oldest first: only a clock that stands still gets here
PAGE_TOKENS_KEPT = 4_096


@dataclass(frozen=True)
class Credentials:
    """What a Server-to-Server app has; made up."""

    account_id: str = "sandbox-account"
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"  # noqa: S105


class AccessTokens:
    """Mints and checks bearer tokens; several may live at the same time."""

    def __init__(self, options: ZoomOptions, now: Callable[[], datetime]) -> None:
        self.options = options
        self.credentials = Credentials()
        self._tokens = BearerTokens(now)

    def mint(self, call: Call, api_url: str) -> Answer:
        """Answers POST /oauth/token; the two parameters come in the form or in the query."""
        if call.method != "POST":
            return _refusal("Bad Request", "invalid_request", status=405)
        if basic_client(call.headers.get("Authorization", "")) != (
            self.credentials.client_id,
            self.credentials.client_secret,
        ):
            return _refusal("Invalid client_id or client_secret", "invalid_client")
        sent = call.query | dict(parse_qsl(call.body.decode("utf-8", "replace")))
        if sent.get("grant_type") != "account_credentials":
            return _refusal("unsupported grant type", "unsupported_grant_type")
        if sent.get("account_id") != self.credentials.account_id:
            return _refusal("Account does not exist", "invalid_request")
        return json_answer(
            200,
            {
                "access_token": self._tokens.issue(self.options.token_seconds),
                "token_type": "bearer",
                "expires_in": self.options.token_seconds,
                "scope": " ".join(self.options.scopes),
                "api_url": api_url,
            },
        )

    def refusal(self, authorization: str) -> Answer | None:
        """401 with code 124 unless this is a live token."""
        scheme, _, token = authorization.partition(" ")
        known = self._tokens.is_known(token.strip())
        if token and (scheme.lower() != "bearer" or not known):
            return json_answer(401, {"code": 124, "message": "Invalid access token."})
        if not self._tokens.is_live(token.strip()):
            return json_answer(401, {"code": 124, "message": "Access token is expired."})
        return None

    def revoke_all(self) -> None:
        """Refuses every token given out so far, whatever its stated life: as when an app is deactivated."""
        self._tokens.revoke_all()


def _refusal(reason: str, error: str, *, status: int = 400) -> Answer:
    """The token endpoint's own error form."""
    return json_answer(status, {"reason": reason, "error": error})


@dataclass(frozen=True, slots=True)
class _Place:
    query: tuple[object, ...]
    items: Sequence[object]
    offset: int
    expires: datetime


class PageTokens:
    """Remembers where in which list a token goes on.

    A token belongs to one query (path and every parameter) and can be used again until it expires, as a
    client does that lost the answer. The list is the one that was counted on page one.
    """

    def __init__(self, options: ZoomOptions, now: Callable[[], datetime]) -> None:
        self.options = options
        self.now = now
        self._places: dict[str, _Place] = {}

    def issue(self, query: tuple[object, ...], items: Sequence[object], offset: int) -> str:
        """A token for the rest of a list from this offset on."""
        now = self.now()
        for oldest in list(self._places)[: max(1, len(self._places) - PAGE_TOKENS_KEPT)]:
            if self._places[oldest].expires <= now or len(self._places) >= PAGE_TOKENS_KEPT:
                del self._places[oldest]
        token = secrets.token_urlsafe(24)
        expires = now + timedelta(seconds=self.options.page_token_seconds)
        self._places[token] = _Place(query, items, offset, expires)
        return token

    def redeem(self, token: str, query: tuple[object, ...]) -> tuple[Sequence[object], int] | None:
        """The list and the offset; None for a token that is unknown, expired or another query's."""
        place = self._places.get(token)
        if place is None or place.expires <= self.now() or place.query != query:
            return None
        return place.items, place.offset
