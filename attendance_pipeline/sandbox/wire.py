"""What passes between the HTTP server and a vendor: a call, an answer, and a note of both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in."""

    method: str
    path: str
    """Raw, as sent: not decoded, without the query."""
    query: dict[str, str]
    """Decoded; of a parameter sent twice the last value."""
    headers: Mapping[str, str]
    """Found by any spelling of their names."""
    body: bytes
    batched: bool = False
    """Whether it came inside another call, so that it has no connection of its own."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How an answer goes over the wire that doesn't simply go; its length is announced as if it did."""

    bytes_sent: int | None = None
    """Of the body; then the connection is reset."""
    pause_seconds: float = 0
    """After every byte."""
    padding: int = 0
    """Spaces behind the body, which are nowhere held in memory."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    label: str = ""
    """The vendor's rate limit class of the call; empty where it has none."""
    content_type: str = "application/json;charset=UTF-8"
    sending: Sending | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that a vendor served."""

    at: datetime
    """By the sandbox's clock."""
    vendor: str
    method: str
    path: str
    """Raw, as sent: not decoded, without the query."""
    query: dict[str, str]
    status: int
    label: str


Hook = Callable[[str, Call], Answer | None]
"""Sees (vendor, call) before the vendor does; an answer takes the vendor's place."""


def json_answer(status: int, body: object, *, label: str = "") -> Answer:
    """An answer whose body is this, as JSON."""
    return Answer(status, msgspec.json.encode(body), label=label)
