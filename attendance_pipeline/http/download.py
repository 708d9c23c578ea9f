"""Documents behind a redirect: the API answers with a link that lives for a minute and is followed at once.

A link opens its document to whoever has it: it is followed without the token and without cookies, to allowed hosts
only, and is neither kept nor shown; messages name its host.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from attendance_pipeline.clock import Clock
from attendance_pipeline.files import commit, make_folder, opened, writing
from attendance_pipeline.http.errors import ForeignHostError, OutageError
from attendance_pipeline.http.pacing import retry_after
from attendance_pipeline.http.transport import UNREACHABLE, Client, asked_at, cause

LINKS = 3
"""Links that are tried for one document."""

CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Linked:
    """What is known of a document behind a link.

    Attributes:
        content_type: as its host says it; empty where it doesn't.
        size: bytes; None where its body wasn't read and its host doesn't say.
    """

    content_type: str
    size: int | None


Taking = Callable[[httpx.Response], Awaitable[tuple[Linked, bytes]]]
"""Reads as much of an answer as is wanted: what is known of the document, and the bytes that are to be had of it."""


class DeadLinkError(OutageError):
    """A link that no longer opens its document, or whose host fails: another one may be asked for."""


class Links:
    """Follows the links of one vendor.

    Args:
        vendor: for messages.
        base: the API's address; its host is allowed at any port.
        hosts: hosts that are allowed too; one that begins with a dot stands for every host below it.
        certificates: whose servers are believed.
        clock: what time it is, UTC.
    """

    def __init__(
        self, vendor: str, base: httpx.URL, hosts: Sequence[str], certificates: ssl.SSLContext, clock: Clock
    ) -> None:
        self._vendor = vendor
        self._base = base
        self._hosts = tuple(host.lower() for host in hosts)
        self._certificates = certificates
        self._clock = clock

    def link(self, response: httpx.Response, asked: str) -> httpx.URL:
        """The link that an answer redirects to.

        Args:
            response: of the API's.
            asked: what was asked, for messages.

        Raises:
            ForeignHostError: the link leads to a host that isn't allowed, or isn't one of https.
            OutageError: there is no link.
        """
        location = response.headers.get("location", "")
        if not location:
            raise OutageError(f"{self._vendor} answered {response.status_code} to {asked} without a link")
        try:
            link = asked_at(response.request).join(location)
        except (httpx.InvalidURL, ValueError):
            # without its cause, which tells the link
            raise ForeignHostError(f"{self._vendor}: the link that {asked} gave isn't an address") from None
        if link.scheme != "https" and (link.scheme, self._base.scheme) != ("http", "http"):
            raise ForeignHostError(f"{self._vendor}: the link that {asked} gave isn't https and isn't followed")
        host = link.raw_host.decode().lower()
        if link.userinfo or not self._allowed(host):
            raise ForeignHostError(
                f"{self._vendor}: the link that {asked} gave leads to {host}, which isn't one of the vendor's hosts"
            )
        return link

    async def follow(self, link: httpx.URL, asked: str, taking: Taking) -> tuple[Linked, bytes]:
        """Read the document behind a link that `link` let pass.

        Raises:
            DeadLinkError: the link or its host fails.
            ForeignHostError: the link leads on to another one.
            OutageError: the document is larger than it may be.
            StorageError: the document can't be written.
        """
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        try:
            async with Client(link, self._certificates, headers) as fetching:
                response = await fetching.send(fetching.request("GET", link))
                try:
                    self._judge(response, asked)
                    return await taking(response)
                finally:
                    await response.aclose()
        except UNREACHABLE as error:
            # without its cause, which may tell the link
            raise DeadLinkError(
                f"{self._vendor}: what {asked} links to can't be read at {link.host} "
                f"({cause(error)}); check the network, then run again"
            ) from None

    def _judge(self, response: httpx.Response, asked: str) -> None:
        status, host = response.status_code, response.request.url.host
        if 300 <= status < 400:
            raise ForeignHostError(
                f"{self._vendor}: {host} answered what {asked} links to with another redirect ({status}), "
                "which isn't followed"
            )
        if status != 200 or is_web_page(response):
            raise DeadLinkError(
                f"{self._vendor}: {host} answered {status} to what {asked} links to; run again later",
                status,
                retry_after(response.headers.get("retry-after"), self._clock()),
            )

    def _allowed(self, host: str) -> bool:
        return host == self._base.raw_host.decode().lower() or any(
            host.endswith(allowed) if allowed.startswith(".") else host == allowed for allowed in self._hosts
        )


def is_web_page(response: httpx.Response) -> bool:
    """Whether something in between answered: no document of a vendor's is a page of HTML."""
    return _type(response).partition(";")[0].strip().lower() == "text/html"


def _type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", ""))


def whole(largest: int, longest: float, too_large: str) -> Taking:
    """The document itself.

    Args:
        largest: bytes.
        longest: seconds.
        too_large: what is said of a larger one.
    """

    async def taking(response: httpx.Response) -> tuple[Linked, bytes]:
        async with asyncio.timeout(longest):
            body = await bounded(response, largest, lambda: too_large)
        return Linked(_type(response), len(body)), body

    return taking


async def head(response: httpx.Response) -> tuple[Linked, bytes]:
    """What is known of the document before its body comes."""
    length = response.headers.get("content-length", "")
    told = re.fullmatch(r"\d+", length) and "content-encoding" not in response.headers
    return Linked(_type(response), int(length) if told else None), b""


def into(file: Path) -> Taking:
    """The document as a file, which comes into being as a whole; however long that takes."""

    async def taking(response: httpx.Response) -> tuple[Linked, bytes]:
        partial = file.with_name(f"{file.name}.partial")
        size = 0
        try:
            with writing(file):
                make_folder(file.parent)
                written = opened(partial, "wb")
            try:
                async for chunk in response.aiter_bytes(CHUNK):
                    with writing(file):
                        written.write(chunk)
                    size += len(chunk)
                with writing(file):
                    written.flush()
            finally:
                # what it couldn't write was told before
                with suppress(OSError):
                    written.close()
            await asyncio.to_thread(commit, file, partial.replace)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        return Linked(_type(response), size), b""

    return taking


async def bounded(response: httpx.Response, largest: int, too_large: Callable[[], str]) -> bytes:
    """A body of so many bytes at most.

    Raises:
        OutageError: it is larger; `too_large` says so.
    """
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - the transport is asynchronous
    chunks, size = [], 0
    async for chunk in response.stream:
        size += len(chunk)
        if size > largest:
            raise OutageError(too_large())
        chunks.append(chunk)
    return b"".join(chunks)
