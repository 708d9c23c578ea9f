"""An account of the sandbox, and the pipeline that pulls from it: what the tests of a pull stand on."""

import asyncio
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import Landed, land_attendance, land_meetings
from attendance_pipeline.sandbox import Sandbox, Seen, ZoomOptions
from attendance_pipeline.sandbox.truth import MeetingTruth, Truth
from attendance_pipeline.sandbox.wire import Answer, Call, Hook
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Check
from attendance_pipeline.vendors.zoom import Zoom, account
from attendance_pipeline.windows import dates
from attendance_pipeline_tests.sandbox.client import Clock

MONDAY = date(2026, 3, 2)
FORTNIGHT = dates(MONDAY, date(2026, 3, 15))
"""Every awkward case of the sandbox ends on one of these dates."""
LATER = datetime(2026, 3, 17, 15, 0, tzinfo=UTC)
"""Everything that ended in the fortnight has a report, and it has settled."""

_certificates = cache(ssl.create_default_context)


@dataclass
class ZoomAccount:
    """A server, and the folder into which its answers go; the one clock is the server's too."""

    settings: Settings
    clock: Clock

    @property
    def zoom(self) -> Zoom:
        """One object per run."""
        return Zoom(self.settings, Archive(self.settings.lake, "zoom"), self.clock)

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake)

    def land_meetings(self, days: Sequence[date]) -> Landed:
        return land_meetings(self.zoom, self.lake, days)

    def land_attendance(self, days: Sequence[date]) -> Landed:
        return land_attendance(self.zoom, self.lake, days)

    def land(self, days: Sequence[date]) -> Landed:
        """Both steps; what the second did."""
        self.land_meetings(days)
        return self.land_attendance(days)

    def rows(self, table: str, days: Sequence[date]) -> list[dict[str, Any]]:
        """What the lake holds of a table."""
        return [row for day in days for row in _read(self.lake.read("zoom", table, day))]

    def readings(self, days: Sequence[date]) -> dict[str, dict[str, Any]]:
        return {row["meeting_id"]: row for row in self.rows("readings", days)}

    def statuses(self, days: Sequence[date]) -> dict[str, str]:
        return {uuid: row["status"] for uuid, row in self.readings(days).items()}

    def quarantined(self, table: str, days: Sequence[date]) -> list[dict[str, Any]]:
        return [row for day in days for row in _read(self.lake.read_quarantine("zoom", table, day))]

    def archived(self, days: Sequence[date]) -> list[Document]:
        """The documents about meetings that ended on these dates."""
        return [document for day in days for document in self.zoom.archive.documents(day)]

    def tables(self) -> dict[str, bytes]:
        """Every file of the lake's tables."""
        root = self.lake.root / "tables"
        return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}

    def doctor(self) -> list[Check]:
        return asyncio.run(_checks(self.zoom))


@dataclass
class SandboxAccount(ZoomAccount):
    """An account of the sandbox's."""

    sandbox: Sandbox

    @property
    def options(self) -> ZoomOptions:
        return self.sandbox.zoom.options

    def truth(self, days: Sequence[date]) -> Truth:
        return self.sandbox.truth(min(days), max(days))

    @property
    def deleted_host(self) -> str:
        """Whose meetings no list of a host's names."""
        return self.sandbox.organisation.employee("deleted").email

    def ended_from(self, days: Sequence[date], **wanted: object) -> MeetingTruth:
        """The first meeting with these attributes."""
        return next(
            meeting
            for meeting in self.truth(days).meetings
            if all(getattr(meeting, name) == value for name, value in wanted.items())
        )

    def requests(self, path: str = "") -> list[Seen]:
        """What the API was asked so far, as far as the path holds this."""
        return [seen for seen in self.sandbox.requests if seen.path.startswith("/zoom/v2") and path in seen.path]

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


def settings(folder: Path, variables: dict[str, str]) -> Settings:
    """Settings from these variables alone."""
    return Settings(
        _env_file=None,
        attendance_data=folder,
        **{name.lower(): value for name, value in variables.items()},
    )


@contextmanager
def at_full_speed() -> Iterator[None]:
    """Our own pacer lets everything through, no proxy stands between, certificates (unused) are loaded once."""
    with pytest.MonkeyPatch.context() as patch:
        for plan, rates in account.PER_SECOND.items():
            patch.setitem(account.PER_SECOND, plan, dict.fromkeys(rates, 1e9))
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setattr(ssl, "create_default_context", _certificates)
        yield


@contextmanager
def sandbox_account(folder: Path, now: datetime = LATER, **options: Any) -> Iterator[SandboxAccount]:
    """A small organisation's account, without rate limits unless they are asked for."""
    clock = Clock(now)
    chosen = ZoomOptions(**{"rate_limits": False, "plan": "business"} | options)
    with at_full_speed(), Sandbox(size="small", mix={"zoom": 1}, clock=clock, zoom=chosen) as sandbox:
        yield SandboxAccount(settings(folder, sandbox.settings), clock, sandbox)


def failing(status: int) -> Answer:
    """A fault of the server's that asks for hardly any patience."""
    return Answer(status, b"<html>oops</html>", headers={"Retry-After": "0.01"}, content_type="text/html")


def uuid_of(request: Seen | Call) -> str | None:
    """Which meeting's attendance was asked for, however often the UUID was encoded; None for a list."""
    found = re.search(r"/report/(?:meetings|webinars)/(.+?)(?:/participants)?$", request.path)
    return unquote(unquote(found[1])) if found else None


def is_about_attendance(request: Seen | Call) -> bool:
    return uuid_of(request) is not None


def _read(table: Any) -> list[dict[str, Any]]:
    return [] if table is None else table.to_pylist()


async def _checks(zoom: Zoom) -> list[Check]:
    async with zoom.session() as session:
        return [check async for check in zoom.doctor(session)]
