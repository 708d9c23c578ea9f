"""Pages of Graph's lists: absolute next links, whose tokens are nobody's business but Graph's."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote

from attendance_pipeline.sandbox.teams.errors import bad_request
from attendance_pipeline.sandbox.teams.routes import Request

T = TypeVar("T")

Row = dict[str, object]


def page(
    request: Request, context: str, items: Sequence[T], render: Callable[[T], object], *, size: int, skip: str = ""
) -> Row:
    """One page of a list; where it goes on is an offset, in a token or plainly in `skip`."""
    offset = request.number(skip, 0, least=0) if skip else offset_of(request)
    body: Row = {"@odata.context": request.context + context}
    if request.query.get("$count") == "true" and not offset:
        body["@odata.count"] = len(items)
    if offset + size < len(items):
        following = {skip: str(offset + size)} if skip else {"$skiptoken": token_of(offset + size)}
        body["@odata.nextLink"] = link(request, following)
    return body | {"value": [render(item) for item in items[offset : offset + size]]}


def link(request: Request, following: dict[str, str], address: str = "") -> str:
    """The same question again, but for where it goes on."""
    query = request.query | following
    encoded = "&".join(f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in query.items())
    return f"{address or request.address}?{encoded}"


def token_of(place: object) -> str:
    """A place in a list as nobody else reads it."""
    return base64.urlsafe_b64encode(f"place:{place}".encode()).decode()


def place_of(request: Request) -> str:
    """What the request's token says, "" without one."""
    token = request.query.get("$skiptoken")
    if token is None:
        return ""
    try:
        known, _, place = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        known = ""
    if known != "place":
        raise bad_request("The skip token is invalid.")
    return place


def offset_of(request: Request) -> int:
    """Where the list goes on."""
    place = place_of(request) or "0"
    if not place.isdecimal():
        raise bad_request("The skip token is invalid.")
    return int(place)


def selected(request: Request, row: Row, known: Sequence[str]) -> Row:
    """What `$select` leaves of a row; without one all of it. An id is never left out."""
    asked = request.query.get("$select")
    if asked is None:
        return row
    names = [name.strip() for name in asked.split(",")]
    for name in names:
        if name not in known:
            raise bad_request(f"Parsing OData Select and Expand failed: Could not find a property named '{name}'.")
    return {name: value for name, value in row.items() if name == "id" or name in names}
