"""Access tokens, and who asks for them: the same at every vendor."""

import base64
import binascii
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta


class BearerTokens:
    """Remembers which tokens were given out and until when each lives; several may live at the same time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._expires: dict[str, datetime] = {}

    def issue(self, seconds: int) -> str:
        """A new token that lives so long."""
        token = secrets.token_urlsafe(48)
        self._expires[token] = self._now() + timedelta(seconds=seconds)
        return token

    def is_known(self, token: str) -> bool:
        """Whether it was given out, alive or not."""
        return token in self._expires

    def is_live(self, token: str) -> bool:
        """Whether it was given out and hasn't expired."""
        return self.is_known(token) and self._expires[token] > self._now()

    def renew(self, token: str, seconds: int) -> None:
        """Lives so long from now on."""
        self._expires[token] = self._now() + timedelta(seconds=seconds)

    def revoke(self, token: str) -> None:
        """Forgets one token."""
        self._expires.pop(token, None)

    def revoke_all(self) -> None:
        """Forgets every token."""
        self._expires.clear()


def bearer(authorization: str) -> str:
    """The token of an Authorization header, "" where there's none of this scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def basic_client(authorization: str) -> tuple[str, str]:
    """The client's id and secret of an Authorization header, both "" where there's none of this scheme."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, secret
