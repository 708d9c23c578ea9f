"""A Webex organisation of the sandbox, and the pipeline that pulls from it: what the tests of a pull stand on."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import Landed, land_attendance, land_meetings
from attendance_pipeline.sandbox import Sandbox, Seen, WebexOptions
from attendance_pipeline.sandbox.model import Size
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.truth import MeetingTruth, Truth
from attendance_pipeline.sandbox.wire import Call, Hook
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Check
from attendance_pipeline.vendors.webex import Webex, account
from attendance_pipeline_tests.sandbox.client import Clock

from . import zoom_account
from .zoom_account import FORTNIGHT, MONDAY, failing, settings

__all__ = [
    "ATTENDEES",
    "EVENTS",
    "FORTNIGHT",
    "LATER",
    "MAIN",
    "MEETINGS",
    "MONDAY",
    "PARTICIPANTS",
    "SITES",
    "SandboxAccount",
    "USAGE",
    "WebexAccount",
    "at_full_speed",
    "failing",
    "is_about_attendance",
    "meeting_of",
    "path_of",
    "sandbox_account",
    "settings",
]

LATER = datetime(2026, 3, 19, 15, 0, tzinfo=UTC)
"""Everything that ended in the fortnight has its attendance, and it has settled."""

MAIN, EVENTS = "northwind.webex.com", "northwind-events.webex.com"
"""The organisation's sites."""

API = "/webex/v1"
SITES = "/meetingPreferences/sites"
MEETINGS = "/meetings"
USAGE = "/meetingReports/usage"
ATTENDEES = "/meetingReports/attendees"
PARTICIPANTS = "/meetingParticipants"


@dataclass
class WebexAccount:
    """A server, and the folder into which its answers go; the one clock is the server's too."""

    settings: Settings
    clock: Clock

    @property
    def webex(self) -> Webex:
        """One object per run."""
        return Webex(self.settings, Archive(self.settings.lake, "webex"), self.clock)

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake)

    def land_meetings(self, days: Sequence[date]) -> Landed:
        return land_meetings(self.webex, self.lake, days)

    def land_attendance(self, days: Sequence[date]) -> Landed:
        return land_attendance(self.webex, self.lake, days)

    def land(self, days: Sequence[date]) -> Landed:
        """Both steps; what the second did."""
        self.land_meetings(days)
        return self.land_attendance(days)

    def rows(self, table: str, days: Sequence[date]) -> list[dict[str, Any]]:
        """What the lake holds of a table."""
        return [row for day in days for row in _read(self.lake.read("webex", table, day))]

    def readings(self, days: Sequence[date], report: str) -> dict[str, dict[str, Any]]:
        """By meeting, how one of the reports was read."""
        return {row["meeting_id"]: row for row in self.rows("readings", days) if row["report"] == report}

    def statuses(self, days: Sequence[date], report: str) -> dict[str, str]:
        return {meeting: row["status"] for meeting, row in self.readings(days, report).items()}

    def quarantined(self, table: str, days: Sequence[date]) -> list[dict[str, Any]]:
        return [row for day in days for row in _read(self.lake.read_quarantine("webex", table, day))]

    def archived(self, days: Sequence[date]) -> list[Document]:
        """The documents about meetings that ended on these dates."""
        return [document for day in days for document in self.webex.archive.documents(day)]

    def listed(self, days: Sequence[date], kinds: Sequence[str]) -> list[Document]:
        """The documents of these lists."""
        return list(self.webex.archive.listed(min(days), max(days), kinds))

    def tables(self) -> dict[str, bytes]:
        """Every file of the lake's tables."""
        root = self.lake.root / "tables"
        return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}

    def doctor(self) -> list[Check]:
        return asyncio.run(_checks(self.webex))


@dataclass
class SandboxAccount(WebexAccount):
    """An organisation of the sandbox's."""

    sandbox: Sandbox

    @property
    def options(self) -> WebexOptions:
        return self.sandbox.webex.options

    def use(self, **variables: str) -> None:
        """From now on with these settings beside the sandbox's."""
        self.settings = settings(self.settings.data, self.sandbox.settings | variables)

    def truth(self, days: Sequence[date]) -> Truth:
        return self.sandbox.truth(min(days), max(days))

    def ended_from(self, days: Sequence[date], **wanted: object) -> MeetingTruth:
        """The first meeting with these attributes."""
        return next(
            meeting
            for meeting in self.truth(days).meetings
            if all(getattr(meeting, name) == value for name, value in wanted.items())
        )

    def requests(self, path: str = "") -> list[Seen]:
        """What the API was asked so far, of one path or of all; minting isn't among it."""
        asked = (seen for seen in self.sandbox.requests if seen.vendor == "webex" and seen.method == "GET")
        return [seen for seen in asked if path in ("", path_of(seen))]

    def minted(self) -> list[Seen]:
        """What the token endpoint was asked so far."""
        return [seen for seen in self.sandbox.requests if seen.path == f"{API}/access_token"]

    @contextmanager
    def noting(self) -> Iterator[list[Seen]]:
        """Collects what the API is asked meanwhile."""
        before = len(self.requests())
        noted: list[Seen] = []
        yield noted
        noted += self.requests()[before:]

    @contextmanager
    def answering(self, hook: Hook) -> Iterator[None]:
        """Meanwhile the hook is asked first."""
        self.sandbox.hook = hook
        try:
            yield
        finally:
            self.sandbox.hook = None


@contextmanager
def at_full_speed() -> Iterator[None]:
    """As for Zoom: our own pacer lets everything through."""
    with zoom_account.at_full_speed(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "PER_MINUTE", 1_000_000)
        yield


@contextmanager
def sandbox_account(
    folder: Path, now: datetime = LATER, size: Size | str = "small", **options: Any
) -> Iterator[SandboxAccount]:
    """A small organisation's account, without rate limits unless they are asked for."""
    clock = Clock(now)
    chosen = WebexOptions(**{"rate_limits": False} | options)
    with at_full_speed(), _made_once(), Sandbox(size=size, mix={"webex": 1}, clock=clock, webex=chosen) as sandbox:
        yield SandboxAccount(settings(folder, sandbox.settings), clock, sandbox)


@contextmanager
def _made_once() -> Iterator[None]:
    """What takes place in an organisation never changes, so that all tests can share it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attendance_pipeline.sandbox.server.Organisation", lambda *about: _organisation(*about[:2]))
        yield


@cache
def _organisation(seed: int, size: Size | str) -> Organisation:
    return Organisation(seed, size, {"webex": 1})


def path_of(request: Seen | Call) -> str:
    """As the constants name it."""
    return request.path.removeprefix(API)


def meeting_of(request: Seen | Call) -> str | None:
    """Which meeting's attendance was asked for; None for a list."""
    return request.query.get("meetingId")


def is_about_attendance(request: Seen | Call) -> bool:
    return meeting_of(request) is not None


def _read(table: Any) -> list[dict[str, Any]]:
    return [] if table is None else table.to_pylist()


async def _checks(webex: Webex) -> list[Check]:
    async with webex.session() as session:
        return [check async for check in webex.doctor(session)]
