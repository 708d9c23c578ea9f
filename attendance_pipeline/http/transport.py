"""Requests on their way: as they stand, over aiohttp, through the environment's proxy, without cookies.

Answers come unpacked, a piece at a time: 16 KiB that were packed twice can be gigabytes.
"""

import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from yarl import URL

SILENCE = 60.0
"""Seconds that a server may stay silent, before its answer or in the middle of it."""

UNREACHABLE = (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL, aiohttp.ClientError, TimeoutError)
"""What a request raises that gets no answer, or half of one, or a redirect that isn't an address."""

PIECE = 2**20
"""Bytes that are unpacked at a time."""


def client(
    towards: httpx.URL,
    certificates: ssl.SSLContext,
    headers: Mapping[str, str],
    auth: httpx.Auth | None = None,
    connections: int = 1,
) -> httpx.AsyncClient:
    """A client for one address: redirects aren't followed, cookies aren't kept.

    Args:
        towards: any address there; it decides upon the proxy.
        certificates: whose servers are believed.
        headers: sent with every request.
        auth: puts the token on a request.
        connections: the most at a time.
    """
    return _Client(
        auth=auth,
        transport=_Transport(certificates, proxy_towards(towards), connections),
        timeout=httpx.Timeout(connect=15, read=SILENCE, write=30, pool=None),
        headers={"User-Agent": "attendance-pipeline", "Accept-Encoding": "gzip"} | dict(headers),
        follow_redirects=False,
    )


def cause(error: BaseException) -> str:
    """The name of what lies behind one of these: a time-out's own cause is only how it was enforced."""
    return type(error if isinstance(error, TimeoutError) else error.__cause__ or error).__name__


def proxy_towards(url: httpx.URL) -> httpx.Proxy | None:
    """The proxy that the environment names for this address, looked up once: aiohttp would do so at each request."""
    named = None if proxy_bypass(url.netloc.decode()) else getproxies().get(url.scheme)
    if not named:
        return None
    return httpx.Proxy(named if "://" in named else f"http://{named}")


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Not even looked for: with the standard library's jar that takes long, whatever its policy."""


class _Client(httpx.AsyncClient):
    @property  # type: ignore[misc]  # nobody is to set any
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES


_NO_COOKIES = _NoCookies()


class _Exact:
    """Sends addresses as they are; aiohttp would decode what it finds needlessly encoded (`%3D`)."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    def request(self, method: str, url: str, **options: Any) -> Any:
        return self.session.request(method, URL(url, encoded=True), **options)


class _Transport(AiohttpTransport):
    def __init__(self, certificates: ssl.SSLContext, proxy: httpx.Proxy | None, connections: int) -> None:
        super().__init__(verify=certificates, proxy=proxy)
        self._connections = connections
        self._exact: _Exact | None = None

    def get_client(self) -> Any:
        if self._exact is None:
            self._exact = _Exact(_aiohttp_session(self.ssl_context, self._connections))
        return self._exact

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        coding = response.headers.pop("content-encoding", "").lower()
        if coding not in ("", "identity"):
            assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - the transport is asynchronous
            response.headers.pop("content-length", None)
            response.stream = _Unpacked(response.stream, coding)
        return response

    async def aclose(self) -> None:
        if self._exact is not None:
            await self._exact.session.close()


class _Unpacked(httpx.AsyncByteStream):
    def __init__(self, packed: httpx.AsyncByteStream, coding: str) -> None:
        self._packed = packed
        self._coding = coding

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._coding not in ("gzip", "x-gzip"):
            raise httpx.DecodingError(f"packed as {self._coding[:40]!r}, which wasn't asked for")
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            async for chunk in self._packed:
                while chunk and not unpacking.eof:
                    yield unpacking.decompress(chunk, PIECE)
                    chunk = unpacking.unconsumed_tail
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from error
        if not unpacking.eof:
            raise httpx.DecodingError("it ends too early")

    async def aclose(self) -> None:
        await self._packed.aclose()


def _aiohttp_session(certificates: ssl.SSLContext, connections: int) -> aiohttp.ClientSession:
    """As httpx would: certificates verified, connections kept, no cookies."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, ssl=certificates),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    # It would send a request again by itself, past the pacer and the budget.
    session._retry_connection = False
    return session
