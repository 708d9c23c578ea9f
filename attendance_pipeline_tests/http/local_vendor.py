"""A vendor on this machine: real sockets, every byte asked of it on record, answers as the test dictates."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from attendance_pipeline.http.oauth import BearerAuth
from attendance_pipeline.http.session import Session

NOW = datetime(2026, 3, 16, 15, 0, 0, tzinfo=UTC)
SECRET = "made-up-client-secret"

Sessions = Callable[..., Session]
"""Makes a session with the API at the first address, whose tokens come from the second."""


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass(frozen=True)
class Raw:
    """Bytes for the wire, and what becomes of the connection."""

    content: bytes
    then: Literal["keep", "close", "reset", "trickle", "stall"] = "keep"


Answering = Callable[[Asked], Raw | Awaitable[Raw]]


def answer(status: int = 200, body: bytes | str | object = b"{}", **headers: str) -> Raw:
    """A well-formed answer; `body` is sent as it is, or as JSON; `_` in a header's name stands for `-`."""
    content = (
        body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    )
    lines = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return Raw(head.encode() + b"\r\n" + content)


def in_turn(*answers: Raw) -> Answering:
    """These answers one after the other, then the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def bearer(token_url: str) -> BearerAuth:
    """What puts tokens from `token_url` on requests; it sends `SECRET` there."""
    return BearerAuth(
        "acme",
        lambda: [httpx.Request("POST", token_url, headers={"Authorization": "Basic Y2xpZW50"}, content=SECRET)],
        lambda response: f"refused with {response.status_code}, check ACME_CLIENT_SECRET",
    )


@dataclass
class LocalVendor:
    """Mints tokens at `/token`, and asks `answering` for everything else. An async context manager."""

    answering: Answering = field(default=lambda _: answer(body={"ok": True}))
    minting: Answering | None = None
    tls: Any = None
    asked: list[Asked] = field(default_factory=list)
    minted: list[Asked] = field(default_factory=list)
    connections: int = 0

    async def __aenter__(self) -> Self:
        self._serving: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"

    @property
    def pauses(self) -> list[float]:
        """Seconds between one request and the next."""
        times = [asked.at for asked in self.asked]
        return [later - earlier for earlier, later in zip(times, times[1:], strict=False)]

    async def left_alone(self) -> None:
        """Wait until every connection is closed."""
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _token(self, _: Asked) -> Raw:
        return answer(body={"access_token": f"token-{len(self.minted)}", "expires_in": 3600})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read one request and answer it; whether another may follow."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request_line, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, target, _ = request_line.split(" ")
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(method, target, headers, body, monotonic())
        minting = target.split("?")[0] == "/token"
        (self.minted if minting else self.asked).append(asked)
        found = (self.minting or self._token)(asked) if minting else self.answering(asked)
        raw = found if isinstance(found, Raw) else await found
        writer.write(raw.content)
        await writer.drain()
        if raw.then == "reset":
            await asyncio.sleep(0.02)
            writer.transport.abort()
        while raw.then in ("trickle", "stall"):
            await asyncio.sleep(0.01)
            writer.write(b" " if raw.then == "trickle" else b"")
            await writer.drain()
        return raw.then == "keep"
