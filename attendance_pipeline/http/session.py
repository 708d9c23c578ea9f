"""One session for all vendors: tokens, pacing, retries, bounds, and where a request may go.

A session gives back what the vendor answered, or one of the errors of `http/errors.py`. What a 4xx means for a
meeting is the vendor's business, not the session's.
"""

import asyncio
import logging
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import uniform
from time import monotonic
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from attendance_pipeline.clock import Clock, utc_now
from attendance_pipeline.http.download import (
    LINKS,
    DeadLinkError,
    Linked,
    Links,
    Taking,
    bounded,
    head,
    into,
    is_web_page,
    whole,
)
from attendance_pipeline.http.errors import ForeignHostError, OutageError, QuotaError, RefusedError
from attendance_pipeline.http.pacing import LONGEST_WAIT, Pacer, retry_after
from attendance_pipeline.http.transport import UNREACHABLE, Client, cause
from attendance_pipeline.vendor_json import NOT_JSON, decode

# 408 and 429 invite another attempt; every other 4xx says that the request is wrong.
RETRYABLE = frozenset({408, 423, 500, 502, 503, 504})

# It would log whole addresses, and a query may name a person.
logging.getLogger("httpx").setLevel(logging.WARNING)

ATTEMPTS = 5
THROTTLED_ATTEMPTS = 20
IN_FLIGHT = 20
"""More than this gains nothing from any of the vendors and is where a client becomes the bottleneck."""
DOWNLOADS_IN_FLIGHT = 4
"""They take long, and have places of their own so that requests go on meanwhile."""
MOST_SLOWEST = 5
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


class Asks(Protocol):
    """Whatever asks a vendor's API, trying again as `Session.get` does."""

    async def get(
        self,
        path: str,
        query: dict[str, str],
        decoder: msgspec.json.Decoder[T],
        label: str,
        hopeless: frozenset[int] = frozenset(),
        headers: Mapping[str, str] | None = None,
    ) -> Answer[T]:
        """See `Session.get`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, however often it is sent.

    Attributes:
        request: path and query.
        label: the rate limit that it counts against.
        headers: beside the session's.
    """

    method: str
    request: str
    label: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    @property
    def path(self) -> str:
        """For people, without addresses of theirs."""
        return nameless(self.request)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Traffic:
    """What a session did, for people who watch.

    Attributes:
        requests: answered, by label.
        failed_attempts: by label.
        slowest: seconds and kind of the slowest requests, the slowest first.
    """

    requests: Counter[str] = field(default_factory=Counter)
    failed_attempts: Counter[str] = field(default_factory=Counter)
    slowest: list[tuple[float, str]] = field(default_factory=list)

    def note(self, asked: Asked, seconds: float) -> None:
        """Count one answered request."""
        self.requests[asked.label] += 1
        if len(self.slowest) < MOST_SLOWEST or seconds > self.slowest[-1][0]:
            told = [*self.slowest, (seconds, f"{asked.method} {endpoint(asked.request)}")]
            self.slowest = sorted(told, reverse=True)[:MOST_SLOWEST]


class Throttled(Exception):  # noqa: N818 - a signal to whoever asks again, never an error of a run
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
        download_hosts: where the API's links may lead beside its own host; one that begins with a dot stands for
            every host below it. No token travels there.
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
        download_hosts: Sequence[str] = (),
    ) -> None:
        self.traffic = Traffic()
        self.pacer = pacer
        self.headers = dict(headers or {})
        self._vendor = vendor
        self._base = base = httpx.URL(base_url)
        self._below = urlsplit(base_url).path.rstrip("/")
        self._day_is_spent = day_is_spent
        self._token_refused = token_refused
        self._clock = clock
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._downloads = asyncio.Semaphore(DOWNLOADS_IN_FLIGHT)
        certificates = ssl.create_default_context()
        self._client = Client(base, certificates, {"Accept": "application/json"} | self.headers, auth, IN_FLIGHT)
        self._links = Links(vendor, base, download_hosts, certificates, clock)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.pacer.budget.close()
        finally:
            await self._client.__aexit__(kind, error, trace)

    async def get(
        self,
        path: str,
        query: dict[str, str],
        decoder: msgspec.json.Decoder[T],
        label: str,
        hopeless: frozenset[int] = frozenset(),
        headers: Mapping[str, str] | None = None,
        *,
        had_turn: bool = False,
    ) -> Answer[T]:
        """Ask once, trying again while an answer is missing, faulty or not what it says it is.

        Args:
            path: begins with `/`, percent-encoded as the vendor wants it; messages show it without addresses.
            query: without secrets; it is kept beside the answer.
            decoder: reads a success; a body that it can't read counts as a failed attempt.
            label: the rate limit that the request counts against.
            hopeless: statuses after which the same request needn't be tried again.
            headers: beside the session's.
            had_turn: the first attempt needn't wait for its turn: the caller did.

        Raises:
            OutageError: no usable answer after every attempt.
            QuotaError: the day's requests are spent, or the vendor asks for a long wait.
            RefusedError: 401 with a fresh token.
            ForeignHostError: a redirect, or a path that leaves the vendor's host.
        """
        asked = Asked("GET", with_query(path, query), label, headers or {})
        return await self._persist(asked, lambda: self._attempt(asked, decoder), hopeless, had_turn)

    async def post(
        self, path: str, body: bytes, decoder: msgspec.json.Decoder[T], label: str, attempts: int | None = None
    ) -> Answer[T]:
        """Ask with a JSON body, as often as `get` or so often: for requests that change nothing at the vendor's only.

        Raises:
            OutageError, QuotaError, RefusedError, ForeignHostError: see `get`.
        """
        asked = Asked("POST", path, label, {"Content-Type": "application/json"}, body)
        return await self._persist(asked, lambda: self._attempt(asked, decoder), attempts=attempts)

    async def download(self, path: str, label: str, largest: int = LARGEST_BODY) -> Answer[Linked]:
        """The document to which the API's answer redirects, as the answer's body.

        The link lives for a minute and is followed at once, without the token; where it or its host fails, the API
        is asked for another one. An API that answers with the document itself is taken at its word.

        Args:
            path: see `get`.
            label: the rate limit that asking for a link counts against.
            largest: bytes of the document.

        Returns:
            The document; without content, what the API said where it refuses (4xx).

        Raises:
            ForeignHostError: the link leads to a host that isn't allowed.
            OutageError: several links failed, the document is too large, or as with `get`.
            QuotaError, RefusedError: see `get`.
        """
        too_large = (
            f"{self._vendor} has a document of more than {largest / 2**20:.0f} MiB behind GET {nameless(path)}, "
            "which is larger than any of its kind"
        )
        return await self._download(path, label, whole(largest, LONGEST_REQUEST, too_large))

    async def download_head(self, path: str, label: str) -> Answer[Linked]:
        """What is known of such a document; its body isn't read. Raises what `download` does."""
        return await self._download(path, label, head)

    async def download_file(self, path: str, label: str, file: Path) -> Answer[Linked]:
        """Such a document as a file, of any size: it stands there as a whole or, after a refusal, not at all.

        Raises:
            StorageError: the file can't be written.
            OutageError, QuotaError, RefusedError, ForeignHostError: see `download`.
        """
        return await self._download(path, label, into(file))

    async def slow_down(self, asked: Asked, wait: timedelta) -> None:
        """Wait as a 429 told us to.

        Raises:
            QuotaError: it asks for more patience than a run has.
        """
        if wait > LONGEST_WAIT:
            until = self._clock() + wait
            raise QuotaError(
                f"{self._vendor} asks for a wait of {wait.total_seconds():.0f} s "
                f"(429 to {asked}); what was read is kept, go on after {until:%Y-%m-%d %H:%M} UTC",
                until,
            )
        await self.pacer.hold(asked.label, wait)

    def judge(
        self, asked: Asked, status: int, headers: httpx.Headers, body: bytes, decoder: msgspec.json.Decoder[T]
    ) -> Answer[T]:
        """What an answer of the API's means, whichever way it came.

        Raises:
            Throttled: 429.
            OutageError: a fault, or a success that isn't what it says it is.
            QuotaError: the day's requests are spent.
            RefusedError: 401.
            ForeignHostError: a redirect.
        """
        now = self._clock()
        if status == 429:
            wait = retry_after(headers.get("retry-after"), now)
            if self._day_is_spent(headers, body):
                self.pacer.budget.exhaust()
                spent = self.pacer.budget.spent_up(now + wait if wait else None)
                raise QuotaError(f"{self._vendor}: {spent}", spent.resumes_at)
            raise Throttled(wait or timedelta(seconds=uniform(1, 2)))  # noqa: S311 - jitter, not a secret
        if status in RETRYABLE:
            raise OutageError(
                f"{self._vendor} answered {status} to {asked}; its service is failing, run again later",
                status,
                retry_after(headers.get("retry-after"), now),
            )
        if status == 401:
            raise RefusedError(f"{self._vendor} refused the token (401 to {asked}); {self._token_refused}")
        if 300 <= status < 400:
            raise ForeignHostError(
                f"{self._vendor} answered {asked} with a redirect ({status}), which isn't followed: "
                "the token would travel; check the address in the settings"
            )
        content = None
        if status < 300:
            try:
                content = decode(decoder, body)
            except NOT_JSON as error:
                raise OutageError(
                    f"{self._vendor} answered {status} to {asked} with a body that isn't the documented "
                    f"JSON ({len(body)} bytes); run again later",
                    status,
                ) from error
        link = _next_link(headers.get("link", ""))
        return Answer(status, body, content, asked.request, fetched_at=now, next_link=link)

    async def _persist(
        self,
        asked: Asked,
        attempt: Callable[[], Awaitable[T]],
        hopeless: frozenset[int] = frozenset(),
        had_turn: bool = False,
        attempts: int | None = None,
    ) -> T:
        """Attempts, each in its turn, until one brings something or none is left."""
        label = asked.label
        failed, throttled = 0, 0
        async with self._slots:
            while True:
                if not had_turn:
                    await self.pacer.turn(label)
                had_turn = False
                try:
                    return await attempt()
                except Throttled as told:
                    throttled += 1
                    if throttled >= THROTTLED_ATTEMPTS and told.wait <= LONGEST_WAIT:
                        raise OutageError(f"{self._vendor} keeps answering 429 to {asked}; run again later") from None
                    wait = told.wait
                except OutageError as error:
                    failed += 1
                    self.traffic.failed_attempts[label] += 1
                    too_long = error.wait is not None and error.wait > LONGEST_WAIT
                    if failed >= (attempts or ATTEMPTS) or too_long or error.status in hopeless:
                        raise
                    # Only this request waits: one poisonous meeting must not slow the others down.
                    await asyncio.sleep((error.wait or _backoff(failed)).total_seconds())
                    continue
                await self.slow_down(asked, wait)

    async def _attempt(self, asked: Asked, decoder: msgspec.json.Decoder[T]) -> Answer[T]:
        async with self._exchange(asked, LONGEST_REQUEST) as response:
            body = await self._page(response, asked)
        return self.judge(asked, response.status_code, response.headers, body, decoder)

    @asynccontextmanager
    async def _exchange(self, asked: Asked, longest: float | None) -> AsyncIterator[httpx.Response]:
        """One request to the API and its answer, whose body is still to be read."""
        if not asked.request.startswith("/"):
            raise ForeignHostError(f"{self._vendor}: {asked} leaves the vendor's host, where no token goes")
        sent = self._client.request(
            asked.method, self._base, self._below + asked.request, asked.headers, asked.content
        )
        began = monotonic()
        try:
            async with asyncio.timeout(longest):
                response = await self._client.send(sent)
                try:
                    yield response
                finally:
                    await response.aclose()
        except UNREACHABLE as error:
            host = error.request.url.host if isinstance(error, httpx.RequestError) else sent.url.host
            raise OutageError(
                f"{self._vendor} can't be reached at {host} ({asked}: {cause(error)}); "
                "check the network and the vendor's status page, then run again"
            ) from error
        self.traffic.note(asked, monotonic() - began)

    async def _page(self, response: httpx.Response, asked: Asked) -> bytes:
        def too_large() -> str:
            return (
                f"{self._vendor} answered {asked} with more than {LARGEST_BODY // 2**20} MiB, "
                "which isn't a page of a report"
            )

        return await bounded(response, LARGEST_BODY, too_large)

    async def _download(self, path: str, label: str, taking: Taking) -> Answer[Linked]:
        asked = Asked("GET", path, label, {"Accept": "*/*", "Accept-Encoding": "identity"})
        failed = 0
        async with self._downloads:
            while True:
                found = await self._persist(asked, lambda: self._link(asked, taking))
                if isinstance(found, Answer):
                    return found
                try:
                    linked, body = await self._links.follow(found, str(asked), taking)
                    return Answer(200, body, linked, asked.request, fetched_at=self._clock())
                except DeadLinkError as error:
                    failed += 1
                    self.traffic.failed_attempts[label] += 1
                    too_long = error.wait is not None and error.wait > LONGEST_WAIT
                    if failed >= LINKS or too_long:
                        raise
                    await asyncio.sleep((error.wait or _backoff(failed)).total_seconds())

    async def _link(self, asked: Asked, taking: Taking) -> httpx.URL | Answer[Linked]:
        """The API's link to a document; its answer where that is the document, or a refusal."""
        async with self._exchange(asked, None) as response:
            status = response.status_code
            if 300 <= status < 400:
                return self._links.link(response, str(asked))
            if status == 200:
                if is_web_page(response):
                    raise OutageError(
                        f"{self._vendor} answered 200 to {asked} with a web page in place of a document; "
                        "run again later",
                        status,
                    )
                linked, body = await taking(response)
                return Answer(200, body, linked, asked.request, fetched_at=self._clock())
            async with asyncio.timeout(LONGEST_REQUEST):
                body = await self._page(response, asked)
        return self.judge(asked, status, response.headers, body, _NO_PAGE)


_WORD = re.compile(r"v\d+(\.\d+)?|\$?[a-z][a-z_]*([A-Z][a-z_]+)*(\(\))?")
"""A segment of a path that isn't an id: ids have digits, or capitals where no word has one."""

_NO_PAGE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(type=Linked)
"""Reads nothing: no success but a 200 is a document."""


def with_query(path: str, query: Mapping[str, str]) -> str:
    """What is asked for, as it is kept beside the answer."""
    return f"{path}?{urlencode(query)}" if query else path


def nameless(request: str) -> str:
    """A request's path for messages and metadata: without its query, and without a segment that is an address."""
    return re.sub(r"[^/]*(?:@|%40)[^/]*", "…", request.partition("?")[0])


def endpoint(request: str) -> str:
    """A request's path with its words alone: even an opaque id may be that of a person, or hold one."""
    segments = request.partition("?")[0].split("/")
    return "/".join(segment if not segment or _WORD.fullmatch(segment) else "…" for segment in segments)


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
