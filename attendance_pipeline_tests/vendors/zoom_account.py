"""An account of the sandbox, and the pipeline that pulls from it: what the tests of a pull stand on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from attendance_pipeline.sandbox import Sandbox, Seen, ZoomOptions
from attendance_pipeline.sandbox.wire import Call
from attendance_pipeline.vendors.zoom import Zoom
from attendance_pipeline_tests.sandbox.client import Clock

from .account import SandboxVendorAccount, VendorAccount, at_full_speed, settings

LATER = datetime(2026, 3, 17, 15, 0, tzinfo=UTC)
"""Everything that ended in the fortnight has a report, and it has settled."""


class ZoomAccount(VendorAccount):
    vendor_type = Zoom


class SandboxAccount(SandboxVendorAccount, ZoomAccount):
    """An account of the sandbox's."""

    @property
    def options(self) -> ZoomOptions:
        return self.sandbox.zoom.options

    @property
    def deleted_host(self) -> str:
        """Whose meetings no list of a host's names."""
        return self.sandbox.organisation.employee("deleted").email

    def requests(self, path: str = "") -> list[Seen]:
        """What the API was asked so far, as far as the path holds this."""
        return [seen for seen in self.sandbox.requests if seen.path.startswith("/zoom/v2") and path in seen.path]


@contextmanager
def sandbox_account(folder: Path, now: datetime = LATER, **options: Any) -> Iterator[SandboxAccount]:
    """A small organisation's account, without rate limits unless they are asked for."""
    clock = Clock(now)
    chosen = ZoomOptions(**{"rate_limits": False, "plan": "business"} | options)
    with at_full_speed(), Sandbox(size="small", mix={"zoom": 1}, clock=clock, zoom=chosen) as sandbox:
        yield SandboxAccount(settings(folder, sandbox.settings), clock, sandbox)


def uuid_of(request: Seen | Call) -> str | None:
    """Which meeting's attendance was asked for, however often the UUID was encoded; None for a list."""
    found = re.search(r"/report/(?:meetings|webinars)/(.+?)(?:/participants)?$", request.path)
    return unquote(unquote(found[1])) if found else None


def is_about_attendance(request: Seen | Call) -> bool:
    return uuid_of(request) is not None
