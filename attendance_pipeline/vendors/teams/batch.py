"""Requests that leave together: Graph's `$batch` takes twenty at once and answers each for itself.

Facts: Graph's pages "Combine multiple HTTP requests using JSON batching" and "Microsoft Graph throttling guidance".
"""

import asyncio
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import msgspec

from attendance_pipeline.http.errors import OutageError, QuotaError, VendorError
from attendance_pipeline.http.session import Answer, Asked, Session, Throttled, with_query
from attendance_pipeline.vendor_json import NOT_JSON

MOST = 20
"""Requests of one batch."""
ATTEMPTS = 2
"""At a batch: what it held is asked for by itself afterwards, with patience of its own."""
MOMENT = 0.005
"""Seconds without another request after which a batch leaves."""

_VERSIONED = re.compile(r"(/v1\.0|/beta)(/.*)", re.DOTALL)
_NO_BATCHES = frozenset({400, 404, 405})
"""Of `$batch` itself: this address has none."""
_DEPENDENCY_FAILED = 424

T = TypeVar("T")


class _Batch(msgspec.Struct):
    """The answer to a batch; its items stand in any order."""

    responses: list[msgspec.Raw]


class _Item(msgspec.Struct):
    """The answer to one request; its body is JSON as it is, or a string of base64."""

    id: str | int
    status: int
    headers: dict[str, Any] | None = None
    body: msgspec.Raw = msgspec.Raw(b"")


_BATCH = msgspec.json.Decoder(_Batch)
_ITEM = msgspec.json.Decoder(_Item)
_TEXT = msgspec.json.Decoder(str)


@dataclass(frozen=True)
class _Said:
    """One request's answer inside a batch's."""

    status: int
    headers: httpx.Headers
    body: bytes


@dataclass(eq=False)
class _Waiting:
    """A request that is to leave with others.

    Attributes:
        url: below the version.
        said: its answer; None where it is to be asked for by itself; the error that ends asking.
        left_with: the batch, once it has left, and who else is in it.
    """

    url: str
    headers: Mapping[str, str]
    said: "asyncio.Future[_Said | Exception | None]"
    left_with: "tuple[asyncio.Task[None], list[_Waiting]] | None" = None
    alone: bool = False


class Batching:
    """Asks as its session does, several requests at a time; make one per session and share it.

    Requests that are made within a moment leave together. Whatever isn't answered plainly there (throttled, faulty,
    missing, …) is asked for by itself, by the session. Each request has its turn and counts under its own label, a
    batch under the label of batches. There is nothing to close: a batch lives as long as somebody waits for it.

    Args:
        session: asks.
        label: the rate limit of batches.
    """

    def __init__(self, session: Session, label: str = "batch") -> None:
        self._session = session
        self._label = label
        self._size = MOST
        self._off = False
        self._waiting: dict[str, list[_Waiting]] = defaultdict(list)
        self._departures: dict[str, asyncio.TimerHandle] = {}

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
        request = with_query(path, query)
        versioned = _VERSIONED.fullmatch(request)
        if self._off or not versioned:
            return await self._session.get(path, query, decoder, label, hopeless, headers)
        await self._session.pacer.turn(label)
        version, url = versioned.groups()
        waiting = _Waiting(url, self._session.headers | dict(headers or {}), asyncio.Future())
        said = await self._leave(version, waiting)
        if isinstance(said, _Said):
            asked = Asked("GET", request, label, headers or {})
            answer = await self._plain(asked, said, decoder, hopeless)
            if answer is not None:
                return answer
        answer = await self._session.get(path, query, decoder, label, hopeless, headers, had_turn=waiting.alone)
        if waiting.alone:
            self._size = max(2, self._size)
        return answer

    async def _plain(
        self, asked: Asked, said: _Said, decoder: msgspec.json.Decoder[T], hopeless: frozenset[int]
    ) -> Answer[T] | None:
        """What an item says; None where it is to be asked for by itself."""
        self._session.traffic.requests[asked.label] += 1
        if not 200 <= said.status < 600 or said.status == _DEPENDENCY_FAILED:
            return None
        try:
            return self._session.judge(asked, said.status, said.headers, said.body, decoder)
        except Throttled as told:
            wait = told.wait
        except OutageError as error:
            self._session.traffic.failed_attempts[asked.label] += 1
            if error.status in hopeless:
                raise
            return None
        except QuotaError:
            raise
        except VendorError:
            return None
        await self._session.slow_down(asked, wait)
        return None

    async def _leave(self, version: str, waiting: _Waiting) -> _Said | None:
        """Wait for the next batch and its answer.

        Raises:
            QuotaError: the batch was told to wait for longer than a run has patience.
        """
        queue = self._waiting[version]
        queue.append(waiting)
        if version in self._departures:
            self._departures.pop(version).cancel()
        if len(queue) >= self._size:
            self._depart(version)
        else:
            self._departures[version] = asyncio.get_running_loop().call_later(MOMENT, self._depart, version)
        try:
            said = await waiting.said
        except asyncio.CancelledError:
            await self._stay(queue, waiting)
            raise
        if isinstance(said, Exception):
            raise said
        return said

    async def _stay(self, queue: list[_Waiting], waiting: _Waiting) -> None:
        """Nobody waits for it any more; a batch for which nobody waits ends."""
        if waiting.left_with is None:
            if waiting in queue:
                queue.remove(waiting)
            return
        task, together = waiting.left_with
        if all(one.said.done() for one in together) and not task.done():
            task.cancel()
            await asyncio.wait([task])

    def _depart(self, version: str) -> None:
        """Whoever waits leaves."""
        self._departures.pop(version, None)
        queue = self._waiting[version]
        leaving = [one for one in queue if not one.said.done()]
        queue.clear()
        for start in range(0, len(leaving), self._size):
            together = leaving[start : start + self._size]
            if len(together) == 1 or self._off:
                for one in together:
                    one.alone = True
                    one.said.set_result(None)
            else:
                task = asyncio.get_running_loop().create_task(self._travel(version, together))
                for one in together:
                    one.left_with = task, together

    async def _travel(self, version: str, together: list[_Waiting]) -> None:
        said: Mapping[int, _Said] | Exception = {}
        try:
            said = await self._ask(version, together)
        except QuotaError as error:
            said = error
        except VendorError:
            pass
        except Exception as error:  # whoever waits is told
            said = error
        finally:
            for number, one in enumerate(together):
                if not one.said.done():
                    one.said.set_result(said if isinstance(said, Exception) else said.get(number))

    async def _ask(self, version: str, together: Sequence[_Waiting]) -> dict[int, _Said]:
        """The answers, by the requests' positions, as far as there are any that can be read."""
        size = self._size
        requests: list[dict[str, Any]] = [
            {"id": str(number), "method": "GET", "url": one.url} | ({"headers": one.headers} if one.headers else {})
            for number, one in enumerate(together)
        ]
        body = msgspec.json.encode({"requests": requests})
        answer = await self._session.post(f"{version}/$batch", body, _BATCH, self._label, ATTEMPTS)
        if answer.content is None:
            self._off = self._off or answer.status in _NO_BATCHES
            return {}
        found = {}
        for raw in answer.content.responses:
            # A body that was mended while it was read isn't the one that came.
            item = _item(raw) if bytes(raw) in answer.body else None
            if item is not None:
                found[item[0]] = item[1]
        if any(said.status == 429 for said in found.values()):
            self._size = max(1, min(self._size, size // 2))
        else:
            self._size = min(MOST, self._size + 1)
        return found


def _item(raw: msgspec.Raw) -> tuple[int, _Said] | None:
    """The request's position and its answer; None where they can't be read."""
    try:
        item = _ITEM.decode(raw)
        headers = httpx.Headers({name: str(value) for name, value in (item.headers or {}).items()})
        body = bytes(item.body)
        if body.startswith(b'"') and "json" not in headers.get("content-type", "json").lower():
            body = b64decode(_TEXT.decode(body), altchars=b"-_" if re.search(rb"[-_]", body) else None, validate=True)
        return int(item.id), _Said(item.status, headers, body)
    except (*NOT_JSON, NotBase64, ValueError):
        return None
