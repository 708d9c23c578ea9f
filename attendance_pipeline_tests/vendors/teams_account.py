"""A Microsoft tenant of the sandbox, and the pipeline that pulls from it: what the tests of a pull stand on."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from attendance_pipeline.pull import discover
from attendance_pipeline.sandbox import Sandbox, Seen, TeamsOptions
from attendance_pipeline.sandbox.model import Size
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.truth import MeetingTruth
from attendance_pipeline.sandbox.wire import Answer, Call, Hook, json_answer
from attendance_pipeline.vendors.teams import Teams
from attendance_pipeline.vendors.teams import account as teams
from attendance_pipeline_tests.sandbox.client import Clock

from .account import SandboxVendorAccount, VendorAccount, at_full_speed, settings

LATER = datetime(2026, 3, 19, 15, 0, tzinfo=UTC)
"""Everything that ended in the fortnight has its report, and that has settled; calendars are due."""

API = "/graph"
CALL_RECORDS = "/v1.0/communications/callRecords"
USERS = "/v1.0/users"
WEBINARS = "/v1.0/solutions/virtualEvents/webinars"
TOWN_HALLS = "/v1.0/solutions/virtualEvents/townhalls"
EVENT_LISTS = [WEBINARS, TOWN_HALLS]
BATCH = "/v1.0/$batch"
ROUTE_OF = {"webinar": "webinars", "town_hall": "town_halls"}

DOCUMENTED_RATES = dict(teams.RATES)

Row = dict[str, Any]


class TeamsAccount(VendorAccount):
    vendor_type = Teams


class SandboxAccount(SandboxVendorAccount, TeamsAccount):
    """A tenant of the sandbox's."""

    @property
    def options(self) -> TeamsOptions:  # type: ignore[override]
        return self.sandbox.teams.options

    def requests(self, path: str = "") -> list[Seen]:
        """What Graph was asked so far, of one path or of all: items of batches too, batches and tokens not."""
        asked = (seen for seen in self.sandbox.requests if seen.vendor == "teams" and seen.path.startswith(API))
        return [one for one in asked if one.method == "GET" and path in ("", path_of(one))]

    def batches(self) -> list[Seen]:
        return [seen for seen in self.sandbox.requests if seen.path == API + BATCH]

    def minted(self) -> list[Seen]:
        """What the token endpoint was asked so far."""
        return [seen for seen in self.sandbox.requests if seen.path.startswith("/login/")]

    def downloaded(self) -> list[Seen]:
        """What the download host was asked so far."""
        return [seen for seen in self.sandbox.requests if seen.path.startswith("/broadcast/")]

    def search(self, days: Sequence[date]) -> None:
        """Only asks, and lands nothing."""
        pulled = asyncio.run(discover(self.vendor, days))
        self.vendor.archive.fold()
        if pulled.stopped:
            raise pulled.stopped

    def reports(self, days: Sequence[date]) -> dict[str, Row]:
        """`attendance_reports` by id; none twice."""
        rows = self.rows("attendance_reports", days)
        found = {row["report_id"]: row for row in rows}
        assert len(found) == len(rows)
        return found

    def named(self, days: Sequence[date], route: str = "") -> list[Row]:
        """What the routes named, or one of them."""
        return [row for row in self.rows("meetings", days) if route in ("", row["route"])]

    def ended(self, days: Sequence[date], *kinds: str) -> dict[str, MeetingTruth]:
        """What ended, of these kinds or of all, by the id that the lake has."""
        return {m.vendor_meeting_id: m for m in self.truth(days).meetings if not kinds or m.kind in kinds}

    def user_id(self, email: str) -> str:
        (person,) = (one for one in self.sandbox.organisation.employees if one.email == email)
        return self.sandbox.teams.tenant.identity.user_id(person)

    def unreported(self, days: Sequence[date]) -> dict[str, tuple[str, str | None]]:
        """Meetings of which there is no report: what the readings say of them."""
        return {
            name: (row["status"], row["reason"]) for name, row in self.readings(days, "attendance_reports").items()
        }

    def whole(self, call: Call) -> Answer:
        """What the sandbox says itself."""
        return self.sandbox.teams.answer(call, self.sandbox.url)


@contextmanager
def sandbox_account(
    folder: Path, now: datetime = LATER, size: Size | str = "small", **options: Any
) -> Iterator[SandboxAccount]:
    """A small tenant's account, without rate limits unless they are asked for."""
    clock = Clock(now)
    chosen = TeamsOptions(**{"rate_limits": False} | options)
    with (
        at_full_speed(),
        unpaced(),
        _made_once(),
        Sandbox(size=size, mix={"teams": 1}, clock=clock, teams=chosen) as sandbox,
    ):
        yield SandboxAccount(settings(folder, sandbox.settings), clock, sandbox)


@contextmanager
def unpaced() -> Iterator[None]:
    """Our own pacer of Graph lets everything through."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teams, "RATES", dict.fromkeys(teams.RATES, (1_000_000, 1)))
        yield


@contextmanager
def _made_once() -> Iterator[None]:
    """What takes place in an organisation never changes, so that all tests can share it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attendance_pipeline.sandbox.server.Organisation", lambda *about: _organisation(*about[:2]))
        yield


@cache
def _organisation(seed: int, size: Size | str) -> Organisation:
    return Organisation(seed, size, {"teams": 1})


def path_of(request: Seen | Call) -> str:
    """As the constants name it; ids as they are."""
    return unquote(request.path.removeprefix(API))


def is_calendar(request: Seen | Call) -> bool:
    return request.path.endswith("/calendarView")


def is_lookup(request: Seen | Call) -> bool:
    return request.path.endswith("/onlineMeetings") and request.path.startswith(API)


def is_list(request: Seen | Call) -> bool:
    """Whether it asks which attendance reports there are."""
    return request.path.endswith("/attendanceReports")


def is_latest(request: Seen | Call) -> bool:
    return request.path.endswith("/meetingAttendanceReport")


def is_of_calls(request: Seen | Call) -> bool:
    return request.path == API + CALL_RECORDS


def is_expanded(request: Seen | Call) -> bool:
    return "/attendanceReports/" in request.path and "$expand" in request.query


def is_page_of_records(request: Seen | Call) -> bool:
    return request.path.endswith("/attendanceRecords")


Which = Callable[[Seen | Call], bool]


def count(seen: Sequence[Seen], which: Which) -> int:
    return sum(map(which, seen))


def by_path(seen: Sequence[Seen], which: Which) -> Counter[str]:
    """How often each path was asked for."""
    return Counter(path_of(one) for one in seen if which(one))


def instead(which: Which, answer: Answer | Callable[[Call], Answer | None]) -> Hook:
    """A hook that answers these requests."""

    def hook(_: str, call: Call) -> Answer | None:
        if not which(call):
            return None
        return answer if isinstance(answer, Answer) else answer(call)

    return hook


def refusal(status: int, code: str, message: str) -> Answer:
    return json_answer(
        status, {"error": {"code": code, "message": message, "innerError": {"date": "2026-03-19T15:00:00"}}}
    )


NO_POLICY = "No application access policy found for this app"
UNPRIVILEGED = refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
