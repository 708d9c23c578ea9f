"""The fault matrix: whatever a vendor does, a landing ends in the truth, or names what it lacks and why.

Each cell is one fault at one vendor: land the day's meetings with it, then without it, days later. What came of each
is a table at the end of the test report.
"""

import re
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from aiohttp import web

from attendance_pipeline.errors import AttendanceError
from attendance_pipeline.http import session
from attendance_pipeline.landing import Landed
from attendance_pipeline.sandbox import FAULTS, Seen, Size
from attendance_pipeline.sandbox.faults import DIALECTS
from attendance_pipeline.sandbox.wire import Call
from attendance_pipeline.vendors import paging

from .fault_table import CELL
from .test_landing_teams import of_lake
from .vendors import teams_account, webex_account, zoom_account
from .vendors.account import MONDAY, SandboxVendorAccount
from .vendors.listening import Listening

DAYS = [MONDAY]
"""Half a dozen meetings, at Teams one of them a live event."""
FEW = Size(employees=12, meetings_per_weekday=3.0, median_attendees=4.0, crowd=20, webinar_audience=12)
SETTLED = datetime(2026, 3, 7, 15, 0, 0, 950_000, tzinfo=UTC)
"""A moment before the second, so that the next whole one isn't far."""
EARLY = {
    "zoom": datetime(2026, 3, 3, 5, tzinfo=UTC),
    "webex": datetime(2026, 3, 4, 6, tzinfo=UTC),
    "teams": datetime(2026, 3, 3, 5, tzinfo=UTC),
}
"""Everything can be read, and hardly anything has settled."""
UNSETTLED = ("report_not_ready", "late_rows")
"""What happens early only."""
ITS_AGE = timedelta(days=6)
"""What wasn't to be had is tried again when a meeting's age has doubled."""

WHENCE = dict.fromkeys(("document_id", "source", "found_by", "scheduled_start_time", "scheduled_end_time"))
"""What rows tell of how they were come by, and what Graph tells of a series by the time that it is asked."""
NEVER_REPORTED = ("an ad-hoc call", "organized by somebody of another tenant")

MOST_PAGES = 20
MOST_MORE = 3 * MOST_PAGES
"""Requests that a fault costs: Graph's three lists of meetings go round at the same time."""
LESS = {"slow_body": ("LONGEST_REQUEST", 0.4), "huge_body": ("ATTEMPTS", 2)}
"""Of seconds and of attempts, where more would last."""
TRACED = ("huge_body",)
MOST_MEMORY = 2 * session.LARGEST_BODY + 32 * 2**20
"""Bytes: Webex's two reports about a meeting are read at the same time."""

OUTAGE, FOREIGN = "OutageError, then the truth", "ForeignHostError, then the truth"
REFUSED, QUOTA = "RefusedError, then the truth", "QuotaError, then the truth"
NOT_READY = "not_ready: {}, then the truth"
CUT = "partial: only the first {} pages were read; {}, then the truth"

EXPECTED: dict[str, str | dict[str, str]] = {
    "throttled_seconds": "truth",
    "throttled_fraction": "truth",
    "throttled_http_date": "truth",
    "throttled_iso_date": "truth",
    "throttled_dice": "truth",
    "throttled_nonsense": "truth",
    "throttled_silently": "truth",
    "throttled_for_an_hour": QUOTA,
    "list_throttled_for_an_hour": QUOTA,
    "daily_quota": QUOTA,
    "failing_burst": "truth",
    "down": OUTAGE,
    "reports_down": OUTAGE,
    "poisonous_meeting": NOT_READY.format("outage 500"),
    "blocked_meeting": {
        "zoom": "blocked: 403 without a Zoom error, then the truth",
        "webex": "blocked: 403, then the truth",
        "teams": "denied: 403, then the truth",
    },
    "html": "truth",
    "truncated_json": "truth",
    "reset_in_body": "truth",
    "slow_body": "truth",
    "huge_body": NOT_READY.format("outage without an answer"),
    "redirect_elsewhere": NOT_READY.format("led to a foreign host"),
    "list_redirect_elsewhere": FOREIGN,
    "download_fails": "truth",
    "download_reset": "truth",
    "download_elsewhere": NOT_READY.format("led to a foreign host"),
    "download_html": NOT_READY.format("outage 200"),
    "token_dies": "truth",
    "token_refused": REFUSED,
    "token_endpoint_fails": "truth",
    "token_endpoint_refuses": REFUSED,
    "endless_pages": CUT.format(MOST_PAGES, "outage without an answer"),
    "endless_list": OUTAGE,
    "repeated_page_token": CUT.format(2, "outage 200"),
    "list_repeated_page_token": OUTAGE,
    "expired_page_token": "truth",
    "empty_page": "truth",
    "doubled_rows": "truth",
    # of a link of Webex's only the query is used
    "next_link_elsewhere": {"webex": "truth", "teams": CUT.format(1, "led to a foreign host")},
    "list_next_link_elsewhere": {"webex": "truth", "teams": FOREIGN},
    "report_not_ready": {
        "zoom": NOT_READY.format("404/3001"),
        "webex": NOT_READY.format("404"),
        "teams": NOT_READY.format("no attendance report yet"),
    },
    "late_rows": "partial: fewer rows than counted, then the truth",
    "new_field": "truth, and names the field",
    # read again by a pipeline that knows the format: the archive has it
    "new_format": "SchemaDriftError",
    "listed_without_end": {
        "zoom": "quarantine wrong_type.end_time, then the truth",
        "webex": "quarantine wrong_type.end, then the truth",
        # the truth all the same: where the list has no report that can be read, the latest is asked for
        "teams": "quarantine wrong_type.meetingEndDateTime",
    },
    "row_without_id": {
        "zoom": "partial: quarantine missing_field.user_id",
        "webex": "partial: quarantine missing_field.id",
    },
    "row_of_another_type": {
        "zoom": "partial: quarantine wrong_type.duration",
        "webex": "partial: quarantine wrong_type.devices, wrong_type.duration",
        "teams": "partial: quarantine wrong_type.attendanceIntervals",
    },
    "row_without_time": {
        "zoom": "partial: quarantine wrong_type.join_time",
        "webex": "partial: times not filled in yet, then the truth",
    },
    "row_with_impossible_time": {
        "zoom": "partial: quarantine impossible_time.join_time",
        "webex": "partial: quarantine impossible_time.devices, impossible_time.joined_time",
        "teams": "partial: quarantine impossible_time.attendance_intervals, impossible_time.first_join_time",
    },
    "row_that_leaves_first": {
        "zoom": "partial: quarantine leaves_before_joining",
        "webex": "partial: quarantine device_leaves_before_joining, leaves_before_joining",
        "teams": "partial: quarantine interval_ends_before_it_begins",
    },
    "row_of_negative_length": {
        "zoom": "partial: quarantine too_small.duration",
        "webex": "partial: quarantine device_of_negative_duration, too_small.duration",
        "teams": "partial: quarantine interval_of_negative_duration",
    },
    "row_that_is_no_row": "partial: quarantine wrong_type.row",
    "row_contradicted": "partial: quarantine conflicting_duplicate",
    "row_of_unknown_state": "partial: quarantine unknown_value.status",
    "row_of_another_meeting": "partial: quarantine of_another_meeting",
}

Rows = Counter[tuple[str, str, str]]
"""By table and meeting, what a row says."""


@dataclass
class Healthy:
    """What lands of a vendor that behaves, and what that takes."""

    rows: Rows
    requests: int
    meetings: dict[str, str]
    """By kind, the id of the largest."""


class Foreign(Listening):
    """A host that has no business with us; it notes whoever comes, with or without a token."""

    def __enter__(self) -> Self:
        super().__enter__()
        self.url = self.url.replace("127.0.0.1", "localhost")
        return self

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        return web.Response()


@pytest.fixture(scope="module")
def foreign() -> Iterator[Foreign]:
    with Foreign() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Iterator[None]:
    """Pauses last no time, patience ends soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "_backoff", lambda failed: timedelta(milliseconds=failed))
        patch.setattr(session, "uniform", lambda least, most: 0.01)
        patch.setattr(paging, "MOST_PAGES", MOST_PAGES)
        patch.setattr("attendance_pipeline.pull.MOST_OUTAGES", 3)
        yield


def account_of(vendor: str, folder: Path, now: datetime) -> AbstractContextManager[SandboxVendorAccount]:
    if vendor == "zoom":
        return zoom_account.sandbox_account(folder, now, history_includes_solo=True)
    return {"webex": webex_account, "teams": teams_account}[vendor].sandbox_account(folder, now, FEW)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Healthy]:
    found = {}
    for vendor in DIALECTS:
        with account_of(vendor, tmp_path_factory.mktemp(vendor), SETTLED) as account:
            account.land(DAYS)
            truth = account.truth(DAYS)
            assert Counter(spans_of(account)) == Counter(
                (one.vendor_meeting_id, one.joined_at, one.left_at) for one in truth.intervals
            )
            ordered = sorted(truth.meetings, key=lambda one: one.vendor_attendee_count)
            meetings = {one.kind: one.vendor_meeting_id for one in ordered}
            found[vendor] = Healthy(Held.by(account).rows, len(account.requests()), meetings)
    return found


def spans_of(account: SandboxVendorAccount) -> Iterator[tuple[str, datetime, datetime]]:
    """Who joined and left when, of whatever room, as the lake has it."""
    vendor = account.vendor_type.name
    if vendor == "zoom":
        for row in account.rows("participants", DAYS):
            yield row["meeting_uuid"], row["join_time"], row["leave_time"]
    elif vendor == "webex":
        for row in account.rows("participants", DAYS):
            for device in row["devices"]:
                yield row["meeting_id"], device["joined_time"], device["left_time"]
    else:
        yield from ((one[0], one[2], one[3]) for one in of_lake(account, DAYS).elements())


@dataclass
class Held:
    """What the lake has after a run.

    Attributes:
        readings: of meetings that have reports at all; some calls of Teams never do.
        rules: of quarantined rows, listed ones too.
    """

    rows: Rows
    readings: list[dict[str, Any]]
    rules: Counter[str]

    @classmethod
    def by(cls, account: SandboxVendorAccount) -> "Held":
        vendor = account.vendor_type
        reports = [table for table in vendor.attendance_tables if table.name != "readings"]
        return cls(
            Counter(
                (table.name, row[table.key[0]], repr(row | WHENCE))
                for table in (vendor.meetings_table, *reports)
                for row in account.rows(table.name, DAYS)
            ),
            [row for row in account.rows("readings", DAYS) if not (row["reason"] or "").startswith(NEVER_REPORTED)],
            Counter(
                row["rule"]
                for table in (*vendor.listing_tables, *reports)
                for row in account.quarantined(table.name, DAYS)
            ),
        )

    @property
    def complete(self) -> set[str]:
        """Meetings of which nothing is wanting."""
        wanting = {row["meeting_id"] for row in self.readings if row["status"] != "complete"}
        return {row["meeting_id"] for row in self.readings} - wanting

    def named(self) -> str:
        """What is wanting by the lake's own word; empty where nothing is."""
        wanting = [row for row in self.readings if row["status"] != "complete"]
        statuses = ", ".join(sorted({row["status"] for row in wanting}))
        if self.rules:
            broken = sorted({rule for rules in self.rules for rule in rules.split(",")})
            return f"{statuses}{': ' if statuses else ''}quarantine {', '.join(broken)}"
        reasons = ", ".join(sorted({in_short(row["reason"]) for row in wanting}))
        return f"{statuses}: {reasons}" if statuses else ""


def in_short(reason: str) -> str:
    """Without what differs from one run to the next."""
    if "not held" in reason:
        return "fewer rows than counted"
    if "filled in yet" in reason:
        return "times not filled in yet"
    return re.sub(r", tracking id [^,]*|, tried \d+ times", "", reason)


def run(*steps: Callable[[Sequence[date]], Landed]) -> tuple[str, set[str]]:
    """The name of what stopped them, empty if nothing did; and the fields that nobody knew."""
    unknown: set[str] = set()
    for step in steps:
        try:
            landed = step(DAYS)
        except AttendanceError as error:
            return type(error).__name__, unknown
        unknown |= set().union(*(table.unknown_fields for table in landed.tables.values()))
        if landed.pulled.stopped is not None:
            return type(landed.pulled.stopped).__name__, unknown
    return "", unknown


def asked_about(vendor: str, seen: Sequence[Seen]) -> set[str]:
    """The meetings whose reports were asked for."""
    dialect = DIALECTS[vendor](lambda: "", lambda: SETTLED, lambda: None)
    asked = (dialect.asked(Call(one.method, one.path, one.query, {}, b"")) for one in seen)
    return {one.meeting for one in asked if one.where == "report"}


@contextmanager
def memory(*, traced: bool) -> Iterator[list[int]]:
    """The most bytes that were held meanwhile, if that is to be traced: it takes its time."""
    used: list[int] = []
    if not traced:
        yield used
        return
    tracemalloc.start()
    try:
        yield used
        used.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def beside(rows: Rows, meeting: str) -> Rows:
    return Counter({row: count for row, count in rows.items() if row[1] != meeting})


CELLS = [(fault.name, vendor) for fault in FAULTS.values() for vendor in fault.vendors]


@pytest.mark.parametrize(("fault", "vendor"), CELLS)
def test_a_fault_ends_in_the_truth_or_is_named(
    fault: str,
    vendor: str,
    tmp_path: Path,
    healthy: dict[str, Healthy],
    foreign: Foreign,
    record_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    foreign.asked.clear()
    if fault in LESS:
        monkeypatch.setattr(session, *LESS[fault])
    truth = healthy[vendor]
    hurt = truth.meetings["live_event" if fault.startswith("download") else "meeting"]
    with account_of(vendor, tmp_path, EARLY[vendor] if fault in UNSETTLED else SETTLED) as account:
        account.sandbox.misbehave(fault, vendor, meeting=hurt, elsewhere=foreign.url)
        with memory(traced=fault in TRACED) as used:
            stopped, unknown = run(account.land_meetings, account.land_attendance)
        asked, first = account.requests(), Held.by(account)
        wanting = stopped or first.named()

        bent = account.sandbox.bent[fault]
        account.sandbox.behave()
        account.clock.now = SETTLED + ITS_AGE
        with account.noting() as asked_again:
            only_reports = not wanting or FAULTS[fault].where == ("report",)
            steps = [account.land_attendance] if only_reports else [account.land_meetings, account.land_attendance]
            stopped_again, _ = run(*steps)
        last = Held.by(account)
        still_wanting = stopped_again or last.named()
        archived = account.archived(DAYS)

    is_true = last.rows == truth.rows
    fields = ", and names the field" if "brandNew" in unknown else ""
    ending = ", then the truth" if wanting and is_true and not still_wanting else ""
    outcome = f"{wanting or 'truth'}{fields}{ending}"
    record_property(CELL, [fault, vendor, outcome])
    times, where = FAULTS[fault].times, FAULTS[fault].where
    assert bent == times * len(where) if times else bent > 0
    expected = EXPECTED[fault]
    assert outcome == (expected if isinstance(expected, str) else expected[vendor])
    # nothing is doubled or made up, and the meetings beside it are unharmed
    assert not first.rows - truth.rows or "times not filled in" in wanting
    assert stopped or beside(first.rows, hurt) == beside(truth.rows, hurt)
    assert wanting or first.rows == truth.rows
    # nothing is lost
    if stopped_again:
        assert stopped_again == stopped == "SchemaDriftError"
        assert {document.subject for document in archived} == {meeting for _, meeting, _ in truth.rows}
    else:
        lost = truth.rows - last.rows
        assert {meeting for _, meeting, _ in lost} <= {hurt}
        assert last.rules.total() >= lost.total()
        assert not last.rows - truth.rows
    # nothing is asked for in vain
    assert fault in UNSETTLED or not asked_about(vendor, asked_again) & first.complete
    assert len(asked) <= truth.requests + MOST_MORE
    assert foreign.asked == []
    assert all(peak < MOST_MEMORY for peak in used)
