"""Requests on their way: as they stand, over aiohttp, through the environment's proxy, without cookies.

Answers come unpacked, a piece at a time: 16 KiB that were packed twice can be gigabytes.
"""

import re
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

SILENCE = 60.0
"""Seconds that a server may stay silent, before its answer or in the middle of it."""

UNREACHABLE = (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL, aiohttp.ClientError, TimeoutError)
"""What a request raises that gets no answer, or half of one, or a redirect that isn't an address."""

PIECE = 2**20
"""Bytes that are read or unpacked at a time."""

_PUNCTUATION = "-._~:/?#[]@!$&'()*+,;=%"
_ON_THE_WIRE = re.compile(rf"[A-Za-z0-9{re.escape(_PUNCTUATION)}]*")
"""What an address may hold (RFC 3986)."""

TARGET = "target"
"""httpx' name of what a request asks for in place of its address's own path: taking a new address apart for every
request would be a sixth of the time that asking takes."""


class Client:
    """Sends requests to one address: redirects aren't followed, cookies aren't kept. An async context manager.

    Speaks httpx' requests, answers and authentication over aiohttp, and does what of `httpx.AsyncClient` we need:
    the rest of it takes as long as aiohttp does over the whole of a request.

    Args:
        towards: any address there; it decides upon the proxy.
        certificates: whose servers are believed.
        headers: sent with every request.
        auth: puts the token on a request.
        connections: the most at a time.
    """

    def __init__(
        self,
        towards: httpx.URL,
        certificates: ssl.SSLContext,
        headers: Mapping[str, str],
        auth: httpx.Auth | None = None,
        connections: int = 1,
    ) -> None:
        self._headers = _lower(headers)
        self._auth = auth or httpx.Auth()
        self._transport = _Transport(certificates, proxy_towards(towards), connections)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    def request(
        self,
        method: str,
        url: httpx.URL,
        target: str = "",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Request:
        """A request.

        Args:
            method: GET or POST.
            url: where it goes.
            target: path and query in place of the address's own, as they are to stand on the wire; what no address
                may hold is encoded.
            headers: beside the client's.
            content: its body.
        """
        if not _ON_THE_WIRE.fullmatch(target):
            target = quote(target, safe=_PUNCTUATION)
        extensions = {TARGET: target.encode()} if target else {}
        sent = self._headers | _lower(headers) if headers else self._headers
        return httpx.Request(method, url, headers=sent, content=content, extensions=extensions)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """The answer, whose body is still to be read, and which is to be closed.

        Raises:
            httpx.TransportError, TimeoutError: there is none; see `UNREACHABLE`.
        """
        flow = self._auth.async_auth_flow(request)
        sending = await anext(flow)
        try:
            while True:
                response = await self._transport.handle_async_request(sending)
                try:
                    sending = await flow.asend(response)
                except StopAsyncIteration:
                    return response
                except BaseException:
                    await response.aclose()
                    raise
                await response.aclose()
        finally:
            await flow.aclose()


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def asked_at(request: httpx.Request) -> httpx.URL:
    """The whole address that a request was sent to."""
    target = request.extensions.get(TARGET)
    return request.url.copy_with(raw_path=target) if target else request.url


def _origin(url: httpx.URL) -> str:
    """Scheme, host and port."""
    return f"{url.scheme}://{url.netloc.decode()}"


def cause(error: BaseException) -> str:
    """The name of what lies behind one of these: a time-out's own cause is only how it was enforced."""
    return type(error if isinstance(error, TimeoutError) else error.__cause__ or error).__name__


def proxy_towards(url: httpx.URL) -> httpx.Proxy | None:
    """The proxy that the environment names for this address, looked up once: aiohttp would do so at each request."""
    named = None if proxy_bypass(url.netloc.decode()) else getproxies().get(url.scheme)
    if not named:
        return None
    return httpx.Proxy(named if "://" in named else f"http://{named}")


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, certificates: ssl.SSLContext, proxy: httpx.Proxy | None, connections: int) -> None:
        self._certificates = certificates
        self._proxy = proxy
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._session is None:
            self._session = _aiohttp_session(self._certificates, self._proxy, self._connections)
        target = request.extensions.get(TARGET)
        address = f"{_origin(request.url)}{target.decode()}" if target else str(request.url)
        try:
            # as it stands: aiohttp would decode what it finds needlessly encoded (`%3D`)
            response = await self._session.request(
                request.method,
                URL(address, encoded=True),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                data=request.content or None,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise httpx.TransportError(type(error).__name__, request=request) from error
        stream: httpx.AsyncByteStream = _Body(response, request)
        headers = httpx.Headers(response.raw_headers)
        if coding := response.headers.get("content-encoding"):
            del headers["content-encoding"]
            if coding.lower() != "identity":
                headers.pop("content-length", None)
                stream = _Unpacked(stream, coding.lower(), request)
        return httpx.Response(response.status, headers=headers, stream=stream, request=request)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_chunked(PIECE):
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise httpx.TransportError(type(error).__name__, request=self._request) from error

    async def aclose(self) -> None:
        self._response.release()


class _Unpacked(httpx.AsyncByteStream):
    def __init__(self, packed: httpx.AsyncByteStream, coding: str, request: httpx.Request) -> None:
        self._packed = packed
        self._coding = coding
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._coding not in ("gzip", "x-gzip"):
            raise self._unreadable(f"packed as {self._coding[:40]!r}, which wasn't asked for")
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            async for chunk in self._packed:
                while chunk and not unpacking.eof:
                    yield unpacking.decompress(chunk, PIECE)
                    chunk = unpacking.unconsumed_tail
        except zlib.error as error:
            raise self._unreadable(str(error)) from error
        if not unpacking.eof:
            raise self._unreadable("it ends too early")

    async def aclose(self) -> None:
        await self._packed.aclose()

    def _unreadable(self, why: str) -> httpx.DecodingError:
        return httpx.DecodingError(why, request=self._request)


def _aiohttp_session(
    certificates: ssl.SSLContext, proxy: httpx.Proxy | None, connections: int
) -> aiohttp.ClientSession:
    """Certificates verified, connections kept, no cookies, packed bodies left to us, nobody's data in its headers."""
    login = proxy and proxy.auth and aiohttp.BasicAuth(*proxy.auth)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, ssl=certificates),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "attendance-pipeline", "Accept-Encoding": "gzip"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=SILENCE),
        auto_decompress=False,
        proxy=None if proxy is None else str(proxy.url),
        proxy_auth=login or None,
    )
    # It would send a request again by itself, past the pacer and the budget.
    session._retry_connection = False
    return session
