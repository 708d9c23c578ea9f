"""Webex's tokens: a personal one as it is, or one minted from the newest refresh token, which is kept.

Facts: Webex's pages "Login with Webex", "Authorizations", "Using Webex Service Apps" and "Getting Started".
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec

from attendance_pipeline.clock import Clock
from attendance_pipeline.files import Access, commit, reading
from attendance_pipeline.http.oauth import BearerAuth, Token
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendor_json import NOT_JSON

AUTHORIZE_AGAIN = (
    "an admin gets a new one by authorizing the app again (developer.webex.com > My Webex Apps: an integration's "
    "OAuth authorization URL and POST /access_token, a service app's Org Authorizations); set it as "
    "WEBEX_REFRESH_TOKEN"
)
GET_ANOTHER = (
    "a personal access token lives for 12 hours: copy another one from developer.webex.com > Getting Started to "
    "WEBEX_ACCESS_TOKEN, or set WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN for good"
)
AUTHORIZATION_ENDED = f"the app was deactivated, or its authorization was taken back; {AUTHORIZE_AGAIN}"


class _Kept(msgspec.Struct):
    """The newest refresh token, the configured one that it descends from, and until when it can be used."""

    refresh_token: str
    descends_from: str
    ends_at: datetime | None = None


_KEPT = msgspec.json.Decoder(_Kept)


class RefreshToken:
    """The newest refresh token: Webex may hand out another one with every access token.

    Kept in a file that only its owner can read. A token set anew in the settings takes its place.

    Args:
        file: where it is kept.
        configured: the refresh token of the settings.
        clock: what time it is, UTC.
    """

    def __init__(self, file: Path, configured: str, clock: Clock) -> None:
        self._file = file
        self._configured = configured
        self._descends_from = sha256(configured.encode()).hexdigest()
        self._clock = clock
        self._candidates: list[str] = []

    def candidates(self) -> list[str]:
        """The newest first, then the configured one.

        Raises:
            StorageError: the file can't be read.
        """
        kept = self._kept()
        self._candidates = list(dict.fromkeys([*([kept.refresh_token] if kept else []), self._configured]))
        return self._candidates

    def ends_at(self) -> datetime | None:
        """Until when the newest can be used, UTC; None where Webex hasn't said yet."""
        kept = self._kept()
        return kept.ends_at if kept else None

    def keep(self, token: Token, position: int) -> None:
        """Keep what came with an access token, which the candidate at this position brought.

        Raises:
            StorageError: the file can't be written.
        """
        lifetime = token.refresh_token_expires_in
        kept = _Kept(
            refresh_token=token.refresh_token or self._candidates[position],
            descends_from=self._descends_from,
            ends_at=self._clock() + timedelta(seconds=lifetime) if lifetime else None,
        )
        commit(self._file, lambda path: path.write_bytes(msgspec.json.encode(kept)), Access.OWNER)

    def _kept(self) -> _Kept | None:
        with reading(self._file, "let its owner run this, or delete it and set WEBEX_REFRESH_TOKEN"):
            try:
                kept = _KEPT.decode(self._file.read_bytes())
            except (FileNotFoundError, NotADirectoryError, *NOT_JSON):
                return None
        return kept if kept.descends_from == self._descends_from else None


def refresh_token(settings: Settings, clock: Clock) -> RefreshToken | None:
    """The refresh token of these settings; None where they hold a personal access token only."""
    if not (settings.webex_client_id and settings.webex_client_secret and settings.webex_refresh_token):
        return None
    file = settings.data / "state" / "webex-refresh-token.json"
    return RefreshToken(file, settings.webex_refresh_token.get_secret_value(), clock)


def bearer(settings: Settings, clock: Clock) -> tuple[httpx.Auth, str]:
    """What puts the token on a request, and what to do when Webex refuses that token."""
    kept = refresh_token(settings, clock)
    if kept is None:
        assert settings.webex_access_token is not None  # noqa: S101 - a vendor that is off has no session
        return _Personal(settings.webex_access_token.get_secret_value()), GET_ANOTHER

    def grants() -> list[httpx.Request]:
        return [_token_request(settings, candidate) for candidate in kept.candidates()]

    return BearerAuth("webex", grants, _explain, kept.keep), AUTHORIZATION_ENDED


class _Personal(httpx.Auth):
    """A personal access token; it can't be renewed."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Put the token on `request`."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def _token_request(settings: Settings, token: str) -> httpx.Request:
    assert settings.webex_client_secret is not None  # noqa: S101 - there is no refresh token without it
    form = {
        "grant_type": "refresh_token",
        "client_id": settings.webex_client_id,
        "client_secret": settings.webex_client_secret.get_secret_value(),
        "refresh_token": token,
    }
    return httpx.Request("POST", f"{settings.webex_api_url}/access_token", data=form)


def _explain(response: httpx.Response) -> str:
    return (
        f"the token endpoint refused the credentials ({response.status_code}): WEBEX_CLIENT_ID or "
        f"WEBEX_CLIENT_SECRET is wrong, or the refresh token is dead (it ends 90 days after its last use); "
        f"{AUTHORIZE_AGAIN}"
    )
