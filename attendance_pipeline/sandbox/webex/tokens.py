"""Tokens of an integration: access tokens are bought with a refresh token that lives on by being used."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from attendance_pipeline.sandbox.bearer import BearerTokens, basic_client, bearer
from attendance_pipeline.sandbox.webex.errors import BAD_REQUEST, NOT_ALLOWED, UNAUTHORIZED, UNSUPPORTED, WebexError
from attendance_pipeline.sandbox.webex.options import WebexOptions
from attendance_pipeline.sandbox.wire import Call

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Credentials:
    """What an integration has, and the refresh token that its administrator was given first; made up."""

    client_id: str = "sandbox-webex-client"
    client_secret: str = "sandbox-webex-secret"  # noqa: S105
    refresh_token: str = "sandbox-webex-refresh-token"  # noqa: S105


class Grants:
    """Mints and checks tokens; several access tokens may live at the same time."""

    def __init__(self, options: WebexOptions, now: Callable[[], datetime]) -> None:
        self.options = options
        self.credentials = Credentials()
        self._access = BearerTokens(now)
        self._refresh = BearerTokens(now)
        self._refresh.renew(self.credentials.refresh_token, options.refresh_token_seconds)

    def mint(self, call: Call) -> dict[str, object]:
        """The body of POST /access_token; the client's id and secret come in the form or as HTTP Basic.

        Raises:
            WebexError: In the standard body; the token page documents no errors of its own.
        """
        if call.method != "POST":
            raise WebexError(405, NOT_ALLOWED)
        if call.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
            raise WebexError(415, UNSUPPORTED)
        sent = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        client = basic_client(call.headers.get("Authorization", ""))
        if not any(client):
            client = sent.get("client_id", ""), sent.get("client_secret", "")
        if client != (self.credentials.client_id, self.credentials.client_secret):
            raise WebexError(401, "Invalid client credentials.", "Invalid client credentials.")
        if sent.get("grant_type") != "refresh_token":  # authorization_code is not modelled here
            raise WebexError(400, BAD_REQUEST, "Invalid value on 'grant_type' field.")
        refresh = sent.get("refresh_token", "")
        if not self._refresh.is_live(refresh):
            raise WebexError(400, BAD_REQUEST, "The refresh token provided is invalid.")
        if self.options.rotate_refresh_tokens:
            self._refresh.revoke(refresh)
            refresh = secrets.token_urlsafe(48)
        self._refresh.renew(refresh, self.options.refresh_token_seconds)
        return {
            "access_token": self._access.issue(self.options.token_seconds),
            "expires_in": self.options.token_seconds,
            "refresh_token": refresh,
            "refresh_token_expires_in": self.options.refresh_token_seconds,
            "token_type": "Bearer",
            "scope": " ".join(self.options.scopes),
        }

    def check(self, authorization: str) -> None:
        """Returns if this is a live token.

        Raises:
            WebexError: 401; absent, unknown and expired aren't told apart.
        """
        token = bearer(authorization)
        if not token or not (token == self.options.personal_token or self._access.is_live(token)):
            raise WebexError(401, UNAUTHORIZED, UNAUTHORIZED)

    def revoke_all(self) -> None:
        """Refuses every access token given out so far; refresh tokens and the personal token stay good."""
        self._access.revoke_all()

    def revoke_refresh_tokens(self) -> None:
        """Refuses every refresh token: as when the administrator withdraws the authorisation."""
        self._refresh.revoke_all()
