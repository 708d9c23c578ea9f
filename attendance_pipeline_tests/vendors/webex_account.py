"""A Webex organisation of the sandbox, and the pipeline that pulls from it: what the tests of a pull stand on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline.sandbox import Sandbox, Seen, WebexOptions
from attendance_pipeline.sandbox.model import Size
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.wire import Call
from attendance_pipeline.vendors.webex import Webex
from attendance_pipeline_tests.sandbox.client import Clock

from .account import SandboxVendorAccount, VendorAccount, at_full_speed, settings

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


class WebexAccount(VendorAccount):
    vendor_type = Webex


class SandboxAccount(SandboxVendorAccount, WebexAccount):
    """An organisation of the sandbox's."""

    @property
    def options(self) -> WebexOptions:
        return self.sandbox.webex.options

    def requests(self, path: str = "") -> list[Seen]:
        """What the API was asked so far, of one path or of all; minting isn't among it."""
        asked = (seen for seen in self.sandbox.requests if seen.vendor == "webex" and seen.method == "GET")
        return [seen for seen in asked if path in ("", path_of(seen))]

    def minted(self) -> list[Seen]:
        """What the token endpoint was asked so far."""
        return [seen for seen in self.sandbox.requests if seen.path == f"{API}/access_token"]


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
