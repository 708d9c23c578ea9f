"""The walk through the pages of a vendor's list, and the ways in which vendors say what comes next."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from attendance_pipeline.archive import Document, new_id
from attendance_pipeline.http.errors import ForeignHostError, OutageError
from attendance_pipeline.http.session import Answer, Asks, nameless
from attendance_pipeline.readings import OpenReading
from attendance_pipeline.windows import Window

MOST_PAGES = 5_000
"""Pages of one walk: 1.5 million rows at 300 a page. A walk beyond that goes round in circles."""

MOST_RESTARTS = 2
"""How often a walk begins anew because its page token died."""

P = TypeVar("P")


class Paging:
    """What is asked for next; as it stands, of an answer without pages.

    A token says what is still to be asked for; it is empty at both ends of a walk.

    Args:
        path: of the list.
        query: of the first page.
    """

    def __init__(self, path: str, query: dict[str, str]) -> None:
        self._path = path
        self._query = query

    def request(self, token: str) -> tuple[str, dict[str, str]]:
        """Path and query of the next page."""
        return self._path, self._query

    def after(self, token: str, answer: Answer[Any]) -> str:
        """The token after the page that `token` asked for; empty on the last."""
        return ""

    def died(self, answer: Answer[Any]) -> bool:
        """Whether a refusal says that the token isn't known any more; the walk then begins anew."""
        return False

    @property
    def hopeless(self) -> frozenset[int]:
        """Statuses after which a smaller page is asked for instead of the same one again."""
        return frozenset()

    def shrink(self) -> None:
        """From now on ask for smaller pages."""


class TokenPaging(Paging):
    """Every page but the last hands out a `next_page_token` (Zoom).

    Args:
        path: of the list.
        query: the same on every page.
        token_died: whether a refusal's status and body say that the token isn't known any more.
    """

    def __init__(self, path: str, query: dict[str, str], token_died: Callable[[int, bytes], bool]) -> None:
        super().__init__(path, query)
        self._token_died = token_died

    def request(self, token: str) -> tuple[str, dict[str, str]]:
        """See `Paging.request`."""
        return self._path, self._query | ({"next_page_token": token} if token else {})

    def after(self, token: str, answer: Answer[Any]) -> str:
        """See `Paging.after`."""
        assert answer.content is not None  # noqa: S101 - a walk goes on after an answer only
        return answer.content.next_page_token or ""

    def died(self, answer: Answer[Any]) -> bool:
        """See `Paging.died`."""
        return self._token_died(answer.status, answer.body)


class LinkPaging(Paging):
    """Every page but the last has a `Link` header of relation `next`, RFC 5988 (Webex).

    Only the link's query is used, on our own path: a link may have lost its filters, which are put back, or may name
    another of the vendor's hosts, to which no token travels. A token is such a query.

    Args:
        path: of the list.
        query: of the first page; `max` is the page's size.
        base_url: the API's address, for links to compare with.
        smallest: the smallest page that is worth asking for.
    """

    def __init__(self, path: str, query: dict[str, str], base_url: str, smallest: int = 10) -> None:
        super().__init__(path, query)
        self._host = urlsplit(base_url).hostname
        self._smallest = smallest
        self._largest = int(query["max"])

    def request(self, token: str) -> tuple[str, dict[str, str]]:
        """See `Paging.request`."""
        said = dict(parse_qsl(token))
        size = int(said["max"]) if re.fullmatch(r"[1-9]\d{0,5}", said.get("max", "")) else self._largest
        return self._path, self._query | said | {"max": str(min(self._largest, size))}

    def after(self, token: str, answer: Answer[Any]) -> str:
        """See `Paging.after`.

        Raises:
            ForeignHostError: the link leads neither to the vendor's host nor to this list.
            OutageError: the link isn't an address, or asks for nothing that wasn't asked already.
        """
        if not answer.next_link:
            return ""
        try:
            link = urlsplit(answer.next_link)
            host = link.hostname
        except ValueError:
            raise OutageError(
                f"GET {self._path}: the link to its next page isn't an address", answer.status
            ) from None
        if host not in (None, self._host) and not link.path.endswith(self._path):
            raise ForeignHostError(
                f"GET {self._path}: its next page is said to be at {host}, which isn't the vendor's host"
            )
        said = {name: value for name, value in parse_qsl(link.query) if value and value != "null"}
        if not said:
            raise OutageError(f"GET {self._path}: the link to its next page asks for nothing else", answer.status)
        return urlencode(dict(parse_qsl(token)) | said)

    @property
    def hopeless(self) -> frozenset[int]:
        """A gateway timeout, as long as there are smaller pages to ask for (Webex, "REST API Basics")."""
        return frozenset({504}) if self._largest > self._smallest else frozenset()

    def shrink(self) -> None:
        """Half as large, but not smaller than is worth it."""
        self._largest = max(self._smallest, self._largest // 2)


class NextLinkPaging(Paging):
    """Every page but the last names the whole address of the next in `@odata.nextLink` (Graph).

    A token is that address below the API's.

    Args:
        path: and query of the first page.
        base_url: the API's address, below which every page has to be.
    """

    def __init__(self, path: str, base_url: str) -> None:
        super().__init__(path, {})
        self._base_url = base_url

    def request(self, token: str) -> tuple[str, dict[str, str]]:
        """See `Paging.request`."""
        return token or self._path, {}

    def after(self, token: str, answer: Answer[Any]) -> str:
        """See `Paging.after`.

        Raises:
            ForeignHostError: the link leads out of the API.
        """
        assert answer.content is not None  # noqa: S101 - a walk goes on after an answer only
        link: str = answer.content.next_link or ""
        if link and not link.startswith(f"{self._base_url}/"):
            raise ForeignHostError(
                f"GET {nameless(self._path)}: its next page is said to be outside of the API's address, "
                "where no token goes"
            )
        return link.removeprefix(self._base_url)

    def died(self, answer: Answer[Any]) -> bool:
        """Nothing is documented; what a page's address is refused with now it didn't say when it handed it out."""
        return answer.status in (400, 410)


async def walk(
    session: Asks,
    paging: Paging,
    decoder: msgspec.json.Decoder[P],
    label: str,
    *,
    kind: str,
    subject: str = "",
    window: Window | None = None,
    resume: OpenReading | None = None,
) -> AsyncIterator[tuple[Document, P | None]]:
    """Each page of a list as a document, until nothing is left to ask for.

    Args:
        session: asks.
        paging: says what to ask for.
        decoder: reads a page.
        label: the rate limit that it counts against.
        kind: of the documents.
        subject: of the documents.
        window: the dates that a listing asks for.
        resume: a reading to go on with.

    Yields:
        The document and the decoded page; None for a page that was refused.

    Raises:
        OutageError: a token came twice, or the pages never end.
        ForeignHostError: the next page is said to be at a host that isn't the vendor's.
    """
    reading, page, token = new_id(), 0, ""
    if resume is not None:
        reading, page, token = resume.reading, resume.page, resume.next_token
    seen, restarts = {token}, 0
    while page < MOST_PAGES:
        path, query = paging.request(token)
        hopeless = paging.hopeless
        try:
            answer = await session.get(path, query, decoder, label, hopeless)
        except OutageError as error:
            if error.status not in hopeless:
                raise
            paging.shrink()
            continue
        if token and restarts < MOST_RESTARTS and answer.content is None and paging.died(answer):
            reading, page, token, seen, restarts = new_id(), 0, "", {""}, restarts + 1
            continue
        page += 1
        token = "" if answer.content is None else paging.after(token, answer)
        document = Document(
            document_id=new_id(),
            kind=kind,
            subject=subject,
            reading=reading,
            page=page,
            last=answer.content is not None and not token,
            next_token=token,
            request=answer.request,
            status=answer.status,
            fetched_at=answer.fetched_at,
            window_first=window.first if window else None,
            window_last=window.last if window else None,
            body=answer.body,
        )
        yield document, answer.content
        if not token:
            return
        if token in seen:
            raise OutageError(
                f"GET {nameless(path)} hands out the same page token twice (page {page})", answer.status
            )
        seen.add(token)
    raise OutageError(f"GET {nameless(path)} has more than {MOST_PAGES} pages, so it goes round in circles")
