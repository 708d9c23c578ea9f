"""One session for all vendors: tokens, pacing, retries, bounds, and where a request may go.

A session gives back what the vendor answered, or one of the errors of `http/errors.py`. What a 4xx means for a
meeting is the vendor's business, not the session's.
"""

import asyncio
import logging
import re
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from random import uniform
from time import monotonic
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import urlencode
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from attendance_pipeline.http.errors import ForeignHostError, OutageError, QuotaError, RefusedError
from attendance_pipeline.http.pacing import LONGEST_WAIT, Clock, Pacer, retry_after, utc_now
from attendance_pipeline.vendor_json import NOT_JSON, decode

# 408 and 429 invite another attempt; every other 4xx says that the request is wrong.
RETRYABLE = frozenset({408, 423, 500, 502, 503, 504})

# It would log whole addresses, and a query may name a person.
logging.getLogger("httpx").setLevel(logging.WARNING)

ATTEMPTS = 5
THROTTLED_ATTEMPTS = 20
IN_FLIGHT = 20
"""More than this gains nothing from any of the vendors and is where a client becomes the bottleneck."""
LARGEST_BODY = 64 * 2**20
"""Bytes. A page of 300 rows is some 100 KB; whatever is larger than this isn't a page."""
LONGEST_REQUEST = 180.0
"""Seconds for one attempt, body included: a body that trickles in must not hold a run for ever."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a vendor answered.

    Attributes:
        content: the decoded body of a success, None for a refusal (4xx).
        request: path and query as they were asked.
        next_link: the address in a `Link` header of relation `next` (RFC 5988); empty where there is none. It may
            name any host, and is never asked as it stands.
    """

    status: int
    body: bytes
    content: T | None
    request: str
    fetched_at: datetime
    next_link: str = ""


@dataclass
class Traffic:
    """What a session did, for people who watch: requests by label, attempts that failed, the slowest."""

    requests: Counter[str] = field(default_factory=Counter)
    failed_attempts: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    slowest_request: str = ""

    def note(self, label: str, path: str, seconds: float) -> None:
        """Count one answered request."""
        self.requests[label] += 1
        if seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest_request = seconds, path


class Throttled(Exception):  # noqa: N818 - a signal inside the session, never an error of a run
    """A 429: wait this long."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


class Session:
    """Asks one vendor account's API, at most `IN_FLIGHT` requests at a time. An async context manager.

    Args:
        vendor: for messages.
        base_url: the API's address; nothing is asked of any other scheme, host or port.
        auth: puts the token on a request.
        pacer: the account's limits.
        day_is_spent: whether a 429's headers and body speak of the day's quota, not of the second's.
        token_refused: what to do about a token that a fresh grant gave and the API refuses.
        headers: sent with every request.
        clock: what time it is, UTC.
    """

    def __init__(
        self,
        vendor: str,
        base_url: str,
        auth: httpx.Auth,
        pacer: Pacer,
        day_is_spent: Callable[[httpx.Headers, bytes], bool] = lambda headers, body: False,
        token_refused: str = "check that the app is still active",  # noqa: S107 - words for a message
        headers: Mapping[str, str] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.traffic = Traffic()
        self.pacer = pacer
        self._vendor = vendor
        self._base = base_url
        base = httpx.URL(base_url)
        self._origin = base.scheme, base.netloc
        self._day_is_spent = day_is_spent
        self._token_refused = token_refused
        self._clock = clock
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        certificates = ssl.create_default_context()
        self._client = httpx.AsyncClient(
            auth=auth,
            transport=_Transport(certificates, _proxy(base)),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(connect=15, read=60, write=30, pool=None),
            headers={"Accept": "application/json", "User-Agent": "attendance-pipeline"} | dict(headers or {}),
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.pacer.budget.save()
        finally:
            await self._client.__aexit__(kind, error, trace)

    async def get(
        self,
        path: str,
        query: dict[str, str],
        decoder: msgspec.json.Decoder[T],
        label: str,
        hopeless: frozenset[int] = frozenset(),
    ) -> Answer[T]:
        """Ask once, trying again while an answer is missing, faulty or not what it says it is.

        Args:
            path: begins with `/`, percent-encoded as the vendor wants it; messages show it without addresses.
            query: without secrets; it is kept beside the answer.
            decoder: reads a success; a body that it can't read counts as a failed attempt.
            label: the rate limit that the request counts against.
            hopeless: statuses after which the same request needn't be tried again.

        Raises:
            OutageError: no usable answer after every attempt.
            QuotaError: the day's requests are spent, or the vendor asks for a long wait.
            RefusedError: 401 with a fresh token.
            ForeignHostError: a redirect, or a path that leaves the vendor's host.
        """
        request = f"{path}?{urlencode(query)}" if query else path
        shown = nameless(path)
        failed, throttled = 0, 0
        async with self._slots:
            while True:
                await self.pacer.turn(label)
                try:
                    return await self._attempt(shown, request, decoder, label)
                except Throttled as told:
                    throttled += 1
                    if told.wait > LONGEST_WAIT:
                        until = self._clock() + told.wait
                        raise QuotaError(
                            f"{self._vendor} asks for a wait of {told.wait.total_seconds():.0f} s "
                            f"(429 to GET {shown}); what was read is kept, go on after {until:%Y-%m-%d %H:%M} UTC",
                            until,
                        ) from None
                    if throttled >= THROTTLED_ATTEMPTS:
                        raise OutageError(
                            f"{self._vendor} keeps answering 429 to GET {shown}; run again later"
                        ) from None
                    await self.pacer.hold(label, told.wait)
                except OutageError as error:
                    failed += 1
                    self.traffic.failed_attempts[label] += 1
                    too_long = error.wait is not None and error.wait > LONGEST_WAIT
                    if failed >= ATTEMPTS or too_long or error.status in hopeless:
                        raise
                    # Only this request waits: one poisonous meeting must not slow the others down.
                    await asyncio.sleep((error.wait or _backoff(failed)).total_seconds())

    async def _attempt(self, path: str, request: str, decoder: msgspec.json.Decoder[T], label: str) -> Answer[T]:
        asked = self._client.build_request("GET", self._base + request)
        if (asked.url.scheme, asked.url.netloc) != self._origin:
            raise ForeignHostError(f"{self._vendor}: {asked.url.host} isn't the vendor's host and gets no token")
        began = monotonic()
        try:
            async with asyncio.timeout(LONGEST_REQUEST):
                response = await self._client.send(asked, stream=True)
                try:
                    body = await self._bounded(response, path)
                finally:
                    await response.aclose()
        except (httpx.TransportError, httpx.DecodingError, aiohttp.ClientError, TimeoutError) as error:
            cause = type(error.__cause__ or error).__name__
            host = error.request.url.host if isinstance(error, httpx.RequestError) else asked.url.host
            raise OutageError(
                f"{self._vendor} can't be reached at {host} (GET {path}: {cause}); "
                "check the network and the vendor's status page, then run again"
            ) from error
        self.traffic.note(label, path, monotonic() - began)
        return self._judge(response, body, path, request, decoder)

    async def _bounded(self, response: httpx.Response, path: str) -> bytes:
        chunks, size = [], 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > LARGEST_BODY:
                raise OutageError(
                    f"{self._vendor} answered GET {path} with more than {LARGEST_BODY // 2**20} MiB, "
                    "which isn't a page of a report"
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _judge(
        self, response: httpx.Response, body: bytes, path: str, request: str, decoder: msgspec.json.Decoder[T]
    ) -> Answer[T]:
        status, now = response.status_code, self._clock()
        if status == 429:
            wait = retry_after(response.headers.get("retry-after"), now)
            if self._day_is_spent(response.headers, body):
                self.pacer.budget.exhaust()
                spent = self.pacer.budget.spent_up(now + wait if wait else None)
                raise QuotaError(f"{self._vendor}: {spent}", spent.resumes_at)
            raise Throttled(wait or timedelta(seconds=uniform(1, 2)))  # noqa: S311 - jitter, not a secret
        if status in RETRYABLE:
            raise OutageError(
                f"{self._vendor} answered {status} to GET {path}; its service is failing, run again later",
                status,
                retry_after(response.headers.get("retry-after"), now),
            )
        if status == 401:
            raise RefusedError(f"{self._vendor} refused the token (401 to GET {path}); {self._token_refused}")
        if 300 <= status < 400:
            raise ForeignHostError(
                f"{self._vendor} answered GET {path} with a redirect ({status}), which isn't followed: "
                "the token would travel; check the address in the settings"
            )
        content = None
        if status < 300:
            try:
                content = decode(decoder, body)
            except NOT_JSON as error:
                raise OutageError(
                    f"{self._vendor} answered {status} to GET {path} with a body that isn't the documented "
                    f"JSON ({len(body)} bytes); run again later",
                    status,
                ) from error
        link = _next_link(response.headers.get("link", ""))
        return Answer(status=status, body=body, content=content, request=request, fetched_at=now, next_link=link)


def nameless(request: str) -> str:
    """A request's path for messages and metadata: without its query, and without a segment that is an address."""
    return re.sub(r"[^/]*(?:@|%40)[^/]*", "…", request.partition("?")[0])


def _next_link(header: str) -> str:
    """The target of relation `next` in a `Link` header, RFC 8288; httpx reads some spellings only."""
    for link in re.split(r",\s*(?=<)", header):
        parts = re.match(r"\s*<([^>]*)>(.*)", link, re.DOTALL)
        relation = parts and re.search(r';\s*rel\s*=\s*"?([^";,]+)', parts[2], re.IGNORECASE)
        if parts and relation and "next" in relation[1].lower().split():
            return parts[1]
    return ""


def _backoff(failed: int) -> timedelta:
    """Doubling from about half a second, so that attempts spread over some eight seconds."""
    return timedelta(seconds=uniform(0.5, 1) * 2 ** (failed - 1))  # noqa: S311 - jitter, not a secret


def _proxy(url: httpx.URL) -> httpx.Proxy | None:
    """The proxy that the environment names for this address, looked up once: aiohttp would do so at each request."""
    named = None if proxy_bypass(url.netloc.decode()) else getproxies().get(url.scheme)
    if not named:
        return None
    return httpx.Proxy(named if "://" in named else f"http://{named}")


class _Exact:
    """Sends addresses as they are; aiohttp would decode what it finds needlessly encoded (`%3D`)."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    def request(self, method: str, url: str, **options: Any) -> Any:
        return self.session.request(method, URL(url, encoded=True), **options)


class _Transport(AiohttpTransport):
    def __init__(self, certificates: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        super().__init__(verify=certificates, proxy=proxy)
        self._exact: _Exact | None = None

    def get_client(self) -> Any:
        if self._exact is None:
            self._exact = _Exact(_aiohttp_session(self.ssl_context))
        return self._exact

    async def aclose(self) -> None:
        if self._exact is not None:
            await self._exact.session.close()


def _aiohttp_session(certificates: ssl.SSLContext) -> aiohttp.ClientSession:
    """As httpx would: certificates verified, connections kept, no cookies."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=IN_FLIGHT, ssl=certificates),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    # It would send a request again by itself, past the pacer and the budget.
    session._retry_connection = False
    return session
