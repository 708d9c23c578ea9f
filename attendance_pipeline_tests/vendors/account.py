"""An account of any vendor, and the pipeline that pulls from it: what the tests of a pull stand on."""

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import Landed, land_attendance, land_meetings
from attendance_pipeline.sandbox import Sandbox, Seen, WebexOptions, ZoomOptions
from attendance_pipeline.sandbox.truth import MeetingTruth, Truth
from attendance_pipeline.sandbox.wire import Answer, Hook
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Check, Vendor
from attendance_pipeline.vendors.webex import account as webex
from attendance_pipeline.vendors.zoom import account as zoom
from attendance_pipeline.windows import dates
from attendance_pipeline_tests.sandbox.client import Clock

MONDAY = date(2026, 3, 2)
FORTNIGHT = dates(MONDAY, date(2026, 3, 15))
"""Every awkward case of the sandbox ends on one of these dates."""

_certificates = cache(ssl.create_default_context)


@dataclass
class VendorAccount:
    """A server, and the folder into which its answers go; the one clock is the server's too."""

    vendor_type: ClassVar[type[Vendor[Any]]]

    settings: Settings
    clock: Clock

    @property
    def vendor(self) -> Vendor[Any]:
        """One object per run."""
        return self.vendor_type(self.settings, Archive(self.settings.lake, self.vendor_type.name), self.clock)

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake)

    def land_meetings(self, days: Sequence[date], *, again: bool = True) -> Landed:
        return land_meetings(self.vendor, self.lake, days, again=again)

    def land_attendance(self, days: Sequence[date]) -> Landed:
        return land_attendance(self.vendor, self.lake, days)

    def land(self, days: Sequence[date]) -> Landed:
        """Both steps; what the second did."""
        self.land_meetings(days)
        return self.land_attendance(days)

    def reshape(self, days: Sequence[date]) -> tuple[Landed, Landed]:
        """Both steps from the archive alone."""
        meetings = land_meetings(self.vendor, self.lake, days, ask=False)
        return meetings, land_attendance(self.vendor, self.lake, days, ask=False)

    def rows(self, table: str, days: Sequence[date]) -> list[dict[str, Any]]:
        """What the lake holds of a table."""
        return [row for day in days for row in _read(self.lake.read(self.vendor_type.name, table, day))]

    def readings(self, days: Sequence[date], report: str = "") -> dict[str, dict[str, Any]]:
        """By meeting, how one of the reports was read; where the vendor has but one, it needs no name."""
        (wanted,) = [report] if report else self.vendor_type.reports
        return {row["meeting_id"]: row for row in self.rows("readings", days) if row["report"] == wanted}

    def statuses(self, days: Sequence[date], report: str = "") -> dict[str, str]:
        return {meeting: row["status"] for meeting, row in self.readings(days, report).items()}

    def quarantined(self, table: str, days: Sequence[date]) -> list[dict[str, Any]]:
        return [row for day in days for row in _read(self.lake.read_quarantine(self.vendor_type.name, table, day))]

    def archived(self, days: Sequence[date]) -> list[Document]:
        """The documents about meetings that ended on these dates."""
        return [document for day in days for document in self.vendor.archive.documents(day)]

    def listed(self, days: Sequence[date], kinds: Sequence[str]) -> list[Document]:
        """The documents of these lists."""
        return list(self.vendor.archive.listed(min(days), max(days), kinds))

    def tables(self, *, but: str = "") -> dict[str, bytes]:
        """Every file of the lake's tables, but for one table's."""
        root = self.lake.root / "tables"
        files = (file for file in root.rglob("*") if file.is_file() and file.parent.parent.name != but)
        return {str(file.relative_to(root)): file.read_bytes() for file in files}

    def doctor(self) -> list[Check]:
        return asyncio.run(_checks(self.vendor))


@dataclass
class SandboxVendorAccount(VendorAccount, ABC):
    """An account of the sandbox's."""

    sandbox: Sandbox

    @property
    @abstractmethod
    def options(self) -> ZoomOptions | WebexOptions: ...

    @abstractmethod
    def requests(self, path: str = "") -> list[Seen]:
        """What the API was asked so far, of one path or of all."""

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
    """Our own pacers let everything through, no proxy stands between, certificates (unused) are loaded once."""
    with pytest.MonkeyPatch.context() as patch:
        for plan, rates in zoom.PER_SECOND.items():
            patch.setitem(zoom.PER_SECOND, plan, dict.fromkeys(rates, 1e9))
        patch.setattr(webex, "PER_MINUTE", 1_000_000)
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setattr(ssl, "create_default_context", _certificates)
        yield


def failing(status: int) -> Answer:
    """A fault of the server's that asks for hardly any patience."""
    return Answer(status, b"<html>oops</html>", headers={"Retry-After": "0.01"}, content_type="text/html")


def _read(table: Any) -> list[dict[str, Any]]:
    return [] if table is None else table.to_pylist()


async def _checks(vendor: Vendor[Any]) -> list[Check]:
    async with vendor.session() as session:
        return [check async for check in vendor.doctor(session)]


def values(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the ids that each archive gives its documents."""
    return [{name: value for name, value in row.items() if name != "document_id"} for row in rows]
