"""A bearer token on every request, minted when needed, renewed before it ends and once after a 401."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from time import monotonic

import httpx
import msgspec

from attendance_pipeline.http.errors import OutageError, RefusedError
from attendance_pipeline.vendor_json import NOT_JSON

RENEW_BEFORE = 60.0
"""Seconds: a token that ends sooner is renewed first (Zoom has been seen to say 3599 for an hour)."""


class Token(msgspec.Struct):
    """What token endpoints answer, as far as we need it; `expires_in` in seconds."""

    access_token: str
    expires_in: int


class BearerAuth(httpx.Auth):
    """Mints one token and shares it among all requests in flight.

    Args:
        vendor: for messages.
        ask: builds the token request, credentials included; it goes to the vendor's token endpoint only.
        explain: turns a refusal of the token endpoint into the words of a `RefusedError`.
    """

    requires_response_body = False

    def __init__(
        self, vendor: str, ask: Callable[[], httpx.Request], explain: Callable[[httpx.Response], str]
    ) -> None:
        self._vendor = vendor
        self._ask = ask
        self._explain = explain
        self._token = ""
        self._ends = 0.0
        self._minting = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Put the token on `request`; after a 401 mint another one and send it once more.

        Raises:
            RefusedError: the token endpoint refuses the credentials.
            OutageError: the token endpoint doesn't answer as one.
        """
        if not self._token or monotonic() > self._ends:
            async with self._minting:
                if not self._token or monotonic() > self._ends:
                    self._keep(await self._read((yield self._ask())))
        used = self._token
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code != 401:
            return
        await response.aread()
        async with self._minting:
            if self._token == used:
                self._keep(await self._read((yield self._ask())))
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    async def _read(self, response: httpx.Response) -> httpx.Response:
        await response.aread()
        return response

    def _keep(self, response: httpx.Response) -> None:
        if response.status_code in (400, 401, 403):
            raise RefusedError(f"{self._vendor}: {self._explain(response)}")
        try:
            token = msgspec.json.decode(response.content, type=Token)
        except NOT_JSON:
            token = None
        if response.status_code != 200 or token is None:
            raise OutageError(
                f"{self._vendor}: the token endpoint {response.request.url.host} answered "
                f"{response.status_code} without a token"
            )
        self._token = token.access_token
        self._ends = monotonic() + token.expires_in - RENEW_BEFORE
