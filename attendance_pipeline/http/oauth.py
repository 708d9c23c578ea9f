"""A bearer token on every request, minted when needed, renewed before it ends and once after a 401."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from time import monotonic

import httpx
import msgspec

from attendance_pipeline.http.errors import OutageError, RefusedError
from attendance_pipeline.vendor_json import NOT_JSON

RENEW_BEFORE = 60.0
"""Seconds: a token that ends sooner is renewed first (Zoom has been seen to say 3599 for an hour)."""

REFUSALS = frozenset({400, 401, 403})

LARGEST_ANSWER = 2**20
"""Bytes of a token endpoint's answer, or of a 401."""


class Token(msgspec.Struct):
    """What token endpoints answer, as far as we need it; lifetimes in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str | None = None
    refresh_token_expires_in: int | None = None


class BearerAuth(httpx.Auth):
    """Mints one token and shares it among all requests in flight.

    Args:
        vendor: for messages.
        grants: builds the token requests, credentials included, best first: the next one is sent where the token
            endpoint refuses the one before. They go to the vendor's token endpoint only.
        explain: turns the last refusal of the token endpoint into the words of a `RefusedError`.
        minted: told of every new token before it is used, and of the position of the grant that brought it.
    """

    requires_response_body = False

    def __init__(
        self,
        vendor: str,
        grants: Callable[[], Sequence[httpx.Request]],
        explain: Callable[[httpx.Response], str],
        minted: Callable[[Token, int], None] = lambda token, position: None,
    ) -> None:
        self._vendor = vendor
        self._grants = grants
        self._explain = explain
        self._minted = minted
        self._token = ""
        self._ends = 0.0
        self._minting = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Put the token on `request`; after a 401 mint another one and send it once more.

        Raises:
            RefusedError: the token endpoint refuses the credentials.
            OutageError: the token endpoint doesn't answer as one.
        """
        refused = ""
        while True:
            if self._stale(refused):
                async with self._minting:
                    if self._stale(refused):
                        for position, grant in enumerate(self._grants()):  # noqa: B007 - the last one counts
                            answered = yield grant
                            if not await self._refuses(answered):
                                break
                        self._keep(answered, position)
            used = self._token
            request.headers["Authorization"] = f"Bearer {used}"
            response = yield request
            if response.status_code != 401 or refused:
                return
            await _read(response)
            refused = used

    def _stale(self, refused: str) -> bool:
        return self._token in ("", refused) or monotonic() > self._ends

    async def _refuses(self, response: httpx.Response) -> bool:
        await _read(response)
        return response.status_code in REFUSALS

    def _keep(self, response: httpx.Response, position: int) -> None:
        if response.status_code in REFUSALS:
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
        self._minted(token, position)
        self._token = token.access_token
        self._ends = monotonic() + token.expires_in - RENEW_BEFORE


async def _read(response: httpx.Response) -> None:
    """Read a body of so many bytes at most."""
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - the transport is asynchronous
    response.stream = _Bounded(response.stream, response.request)
    await response.aread()


class _Bounded(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise httpx.ReadError(f"more than {LARGEST_ANSWER} bytes", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
