"""The words in which what any vendor's raw rows tell is put."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import md5

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001


@dataclass
class Meeting:
    """One listed meeting."""

    key: str
    vendor: str
    id: str
    series: str | None
    kind: str
    title: str | None
    host_email: str | None
    started_at: datetime
    ended_at: datetime
    vendor_count: int | None
    found_by: str | None
    scheduled_start_at: datetime | None = None
    scheduled_end_at: datetime | None = None


@dataclass
class Interval:
    """One join, with what is known of who it was."""

    key: str
    meeting: str
    account: str | None
    registrant: str | None
    participant: str | None
    email: str | None
    name: str | None
    room: str
    joined_at: datetime
    left_at: datetime
    role: str | None = None
    is_own: bool | None = None
    device: str | None = None
    client: str | None = None
    audio: str | None = None

    @property
    def ids(self) -> list[tuple[str, str]]:
        named = {"account": self.account, "registrant": self.registrant, "email": self.email}
        return [(kind, value) for kind, value in named.items() if value]

    @property
    def folded_name(self) -> str | None:
        return self.name.lower() if self.name else None

    @property
    def seconds(self) -> range:
        return seconds_from(self.joined_at, self.left_at)


def key_of(*parts: str) -> str:
    return md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()


def seconds_from(start: datetime, end: datetime) -> range:
    """The whole seconds of a half-open stretch."""
    return range(*((moment - EPOCH) // timedelta(seconds=1) for moment in (start, end)))


def folded(text: str | None) -> str | None:
    return (text or "").strip().lower() or None
