"""Serves the embedded vendors over HTTP on loopback, in a thread of its own.

Knows sockets, threads and the clock; what is answered is each vendor's matter.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from attendance_pipeline.sandbox.faults import DIALECTS, FAULTS, Trouble
from attendance_pipeline.sandbox.model import Size
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.teams import TeamsApi, TeamsOptions
from attendance_pipeline.sandbox.truth import Held, Truth, truth_of
from attendance_pipeline.sandbox.webex import WebexApi, WebexOptions
from attendance_pipeline.sandbox.wire import Answer, Call, Hook, Seen, Sending, json_answer
from attendance_pipeline.sandbox.zoom import ZoomApi, ZoomOptions

MIX: Mapping[str, float] = {"zoom": 0.45, "webex": 0.3, "teams": 0.25}
"""Share of the series that each vendor hosts, unless told otherwise."""

MOMENT = 0.02
"""Seconds in which what was sent arrives before its connection is reset."""
PADDING = b" " * 2**18


class Vendor(Protocol):
    """What the server needs of a vendor."""

    def settings(self, url: str) -> dict[str, str]:
        """The environment variables that point a client at it."""

    def held(self, first: date, last: date) -> Iterator[Held]:
        """Everything that ended there on these UTC dates (inclusive)."""

    def answer(self, call: Call, url: str) -> Answer:
        """What it says to a call; the URL is the sandbox's own."""


class Sandbox:
    """The embedded vendors, ready to be pulled from.

    Use it as a context manager, or call start() and stop().

    Args:
        seed: Another seed, another organisation.
        size: A Size, or the name of one in SIZES.
        clock: Tells the current moment (aware, UTC). It hides what hasn't ended yet and ages tokens and
            daily quotas; the organisation's past doesn't depend on it. Limits per second or minute keep
            real time.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        mix: Share of the series per vendor, MIX by default. Shares are relative; a vendor without one serves
            empty lists.
        zoom: What kind of Zoom account it is.
        webex: What kind of Webex organisation it is.
        teams: What kind of Microsoft tenant it is.

    Attributes:
        zoom: The Zoom account; its `options` may be changed at any time.
        webex: The Webex organisation; likewise.
        teams: The Microsoft tenant; likewise.
        requests: Every request that a vendor served, in the order of their answers; of a batch every item too.
        hook: Asked before the vendor is; what it answers is sent instead.
    """

    def __init__(
        self,
        *,
        seed: int = 7,
        size: Size | str = "demo",
        clock: Callable[[], datetime] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        mix: Mapping[str, float] | None = None,
        zoom: ZoomOptions | None = None,
        webex: WebexOptions | None = None,
        teams: TeamsOptions | None = None,
    ) -> None:
        self.organisation = Organisation(seed, size, mix or MIX)
        self.requests: list[Seen] = []
        self.hook: Hook | None = None
        self._troubles: list[Trouble] = []
        self._clock = clock or _now
        self.zoom = ZoomApi(self.organisation, zoom or ZoomOptions(), self.now)
        self.webex = WebexApi(self.organisation, webex or WebexOptions(), self.now)
        self.teams = TeamsApi(self.organisation, teams or TeamsOptions(), self.now)
        self.teams.ask = lambda item, answer: self._ask("teams", item, answer)
        self._host, self._port = host, port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """Where it listens, once it's started: no slash at the end."""
        return f"http://{self._host}:{self._port}"

    @property
    def downloads_url(self) -> str:
        """The host of Teams' download links, once it's started: no slash at the end."""
        return self.teams.downloads.url

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables that point a client at the vendors."""
        return {name: value for vendor in self._vendors() for name, value in vendor.settings(self.url).items()}

    def now(self) -> datetime:
        """The current moment in UTC, by the sandbox's clock."""
        return self._clock().astimezone(UTC)

    def truth(self, first: date, last: date) -> Truth:
        """What a pipeline must find for these UTC ended dates (inclusive), as of now."""
        held = (one for vendor in self._vendors() for one in vendor.held(first, last))
        return truth_of(held, first, last, self.now())

    def misbehave(
        self,
        name: str,
        vendor: str | None = None,
        *,
        meeting: str = "",
        times: int | None = None,
        elsewhere: str = "https://attendance.example",
    ) -> None:
        """From now on a vendor has this fault, beside those that it has already; behave() ends them.

        Args:
            name: Of FAULTS.
            vendor: Which one; every one where it can happen, if not told.
            meeting: Whom a fault stays with that stays with one meeting, by the truth's `vendor_meeting_id`; whose
                report is asked for first, if not told.
            times: How many answers it bends, of lists and of reports each, instead of the fault's own number.
            elsewhere: An address that isn't the vendors', for faults that lead there.

        Raises:
            ValueError: There's no such fault, or not at this vendor.
        """
        fault = FAULTS.get(name)
        if fault is None:
            raise ValueError(f"no fault is called {name}; there are {', '.join(sorted(FAULTS))}")
        if vendor is not None and vendor not in fault.vendors:
            raise ValueError(f"{name} can't happen at {vendor}, but at {', '.join(fault.vendors)}")
        count = fault.times if times is None else times
        apis: dict[str, Callable[[], None]] = {
            "zoom": self.zoom.access.revoke_all,
            "webex": self.webex.access.revoke_all,
            "teams": self.teams.access.revoke_all,
        }
        self._troubles += [
            Trouble(fault, one, DIALECTS[one](lambda: self.url, self.now, apis[one]), meeting, count, elsewhere)
            for one in ([vendor] if vendor else fault.vendors)
        ]

    @property
    def bent(self) -> Counter[str]:
        """By fault that there is now, how many answers it has bent."""
        bent: Counter[str] = Counter()
        for trouble in self._troubles:
            bent[trouble.fault.name] += trouble.bent.total()
        return bent

    def behave(self) -> None:
        """From now on no vendor has a fault."""
        self._troubles = []

    def start(self) -> Self:
        """Listens from here on; returns when the port is open."""
        ready = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run, args=(ready,), name="sandbox", daemon=True)
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Closes every connection and the port, and waits for the thread's end; harmless when stopped."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _vendors(self) -> tuple[Vendor, ...]:
        return self.zoom, self.webex, self.teams

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(ready))
        except (OSError, OverflowError) as error:  # the port is taken or none, the address isn't ours
            self._failure = error
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        # no router: paths are the vendors' matter, raw as they were sent
        vendors = web.Server(self._handle, access_log=None)
        downloads = web.Server(self._handle_download, access_log=None)
        listening = [await self._listen(vendors, self._port), await self._listen(downloads, 0)]
        self._port, downloads_port = (server.sockets[0].getsockname()[1] for server in listening)
        self.teams.downloads.url = f"http://{self._host}:{downloads_port}"
        ready.set()
        await self._stopping.wait()
        # asyncio forgets a connection that was accepted as its server closed, so nothing more is accepted first
        for server in listening:
            for accepting in server.sockets:
                self._loop.remove_reader(accepting.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        for server in listening:
            server.close()
        await asyncio.gather(vendors.shutdown(timeout=1), downloads.shutdown(timeout=1))

    async def _listen(self, protocol: web.Server, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(protocol, self._host, port, backlog=128, reuse_address=True)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        call = await _call_of(request)
        if call.path.startswith("/zoom/"):
            answer = await self._ask_late("zoom", self.zoom, call, self.zoom.options.latency_seconds)
        elif call.path.startswith("/webex/"):
            answer = await self._ask_late("webex", self.webex, call, self.webex.options.latency_seconds)
        elif call.path.startswith(("/graph/", "/login/")):
            answer = await self._ask_late("teams", self.teams, call, self.teams.options.latency_seconds)
        else:
            answer = self._own_page(call)
        return await _sent(request, answer)

    async def _handle_download(self, request: web.BaseRequest) -> web.StreamResponse:
        call = await _call_of(request)
        return await _sent(request, self._ask("teams", call, self.teams.downloads.answer))

    async def _ask_late(self, name: str, vendor: Vendor, call: Call, latency: float) -> Answer:
        answer = self._ask(name, call, lambda one: vendor.answer(one, self.url))
        if latency:
            await asyncio.sleep(latency)
        return answer

    def _ask(self, name: str, call: Call, vendor: Callable[[Call], Answer]) -> Answer:
        answer = self.hook(name, call) if self.hook else None
        if answer is None:
            for trouble in self._troubles:
                if trouble.vendor == name:
                    vendor = partial(trouble.answer, ask=vendor)
            answer = vendor(call)
        self.requests.append(Seen(self.now(), name, call.method, call.path, call.query, answer.status, answer.label))
        return answer

    def _own_page(self, call: Call) -> Answer:
        """The truth, and a hint for whoever looks in with a browser."""
        if call.path == "/truth":
            try:
                first, last = (date.fromisoformat(call.query[name]) for name in ("from", "to"))
            except (KeyError, ValueError):
                return json_answer(400, {"error": "ask for /truth?from=YYYY-MM-DD&to=YYYY-MM-DD"})
            truth = self.truth(first, last)
            return json_answer(200, msgspec.to_builtins(truth) | {"totals": truth.totals()})
        if call.path == "/":
            settings = self.settings
            text = (
                f"Embedded vendors: Zoom at {settings['ZOOM_API_URL']}, Webex at {settings['WEBEX_API_URL']}, "
                f"Teams at {settings['TEAMS_GRAPH_URL']}, what is true at {self.url}/truth"
            )
            return Answer(200, text.encode() + b"\n", content_type="text/plain;charset=UTF-8")
        return json_answer(404, {"error": "nothing here; the vendors are under /zoom, /webex and /graph"})


async def _call_of(request: web.BaseRequest) -> Call:
    path, _, query = request.raw_path.partition("?")
    return Call(
        method=request.method,
        path=path,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=request.headers,
        body=await request.read(),
    )


async def _sent(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if answer.sending is None:
        return web.Response(status=answer.status, body=answer.body, headers=headers)
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = len(answer.body) + answer.sending.padding
    with suppress(ConnectionError):  # whoever asked may have gone
        await response.prepare(request)
        async for chunk in _chunks(answer.body, answer.sending):
            await response.write(chunk)
        if answer.sending.bytes_sent is not None and request.transport is not None:
            await asyncio.sleep(MOMENT)
            request.transport.abort()
    return response


async def _chunks(body: bytes, sending: Sending) -> AsyncIterator[bytes]:
    shown = body[: sending.bytes_sent]
    if not sending.pause_seconds:
        yield shown
    else:
        for byte in shown:
            yield bytes([byte])
            await asyncio.sleep(sending.pause_seconds)
    for begin in range(0, sending.padding, len(PADDING)):
        yield PADDING[: sending.padding - begin]


def _now() -> datetime:
    return datetime.now(UTC)
