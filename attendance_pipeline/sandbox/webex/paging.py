"""Pages of Webex's lists: offsets into the list as it is now, and an RFC 5988 `Link` to the next page.

Further relations than `next` are possible (page "REST API Basics"), so pages after the first name them too.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from attendance_pipeline.sandbox.webex.errors import TIMEOUT, WebexError, invalid
from attendance_pipeline.sandbox.webex.options import WebexOptions
from attendance_pipeline.sandbox.webex.routes import Request

T = TypeVar("T")

Page = tuple[object, dict[str, str]]
"""A body and its headers."""

DEFAULT_SIZE = 10


def page(
    options: WebexOptions,
    request: Request,
    items: Sequence[T],
    render: Callable[[T], object],
    *,
    size: int,
    linked: bool = True,
) -> Page:
    """One page of a list; without links there's but the first. A page that is to be empty is a hole in the list."""
    rows: list[T | None] = list(items)
    if not linked:
        return {"items": [render(item) for item in items[:size]]}, {}
    if options.next_link == "empty_page" and len(rows) > size:
        rows[size:size] = [None] * size
    offset = request.number("offset", 0, least=0)
    shown = [render(row) for row in rows[offset : offset + size] if row is not None]
    return {"items": shown}, _links(options, request, offset, size, following=offset + size < len(rows))


def size_within(options: WebexOptions, request: Request, most: int, *, clamped: bool) -> int:
    """How many rows a page may have; more than the most is cut down to it (the general rule), or refused.

    Raises:
        WebexError: 400 for no number, or one out of bounds; 504 where the vendor takes too long for so many.
    """
    size = request.number("max", DEFAULT_SIZE)
    if size > most and not clamped:
        raise invalid("max")
    size = min(size, most)
    if options.page_over is not None and size > options.page_over:
        raise WebexError(504, TIMEOUT, TIMEOUT)
    return size


def _links(options: WebexOptions, request: Request, offset: int, size: int, *, following: bool) -> dict[str, str]:
    relations: dict[str, int] = {}
    if offset:
        relations |= {"first": 0, "prev": max(0, offset - size)}
    if following:
        relations["next"] = offset + size
    links = []
    for relation, place in relations.items():
        query: dict[str, object] = request.query | {"max": size, "offset": place}
        if options.next_link == "filterless":
            query = {"max": "null", "offset": place}
        links.append(f'<{request.address}?{urlencode(query)}>; rel="{relation}"')
    return {"Link": ", ".join(links)} if links else {}
