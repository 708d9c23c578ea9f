"""The real webserver and the real daemons on a fresh home: what an operator would see happen, and no hand on it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest

from attendance_pipeline.defs.schedules import RANGE_END, RANGE_START, range_tags
from attendance_pipeline.http.session import IN_FLIGHT
from attendance_pipeline.sandbox import Sandbox, ZoomOptions
from attendance_pipeline.sandbox.wire import Call
from attendance_pipeline.windows import dates
from attendance_pipeline_tests.console import attendance_requests
from attendance_pipeline_tests.deployment import Deployment, deployed
from attendance_pipeline_tests.hostile_server import HostileServer

TODAY = datetime.now(UTC).date()
# Settled by any count: what the hourly schedule lands meanwhile is younger.
LAST = TODAY - timedelta(days=5)
FIRST = LAST - timedelta(days=89)


@dataclass
class Site:
    """Dagster and the vendor that it pulls."""

    dagster: Deployment
    sandbox: Sandbox
    data: Path
    hook: HostileServer
    """Where alerts go."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    options = ZoomOptions(plan="business")
    with (
        Sandbox(size="small", mix={"zoom": 1}, zoom=options) as sandbox,
        HostileServer(tmp_path_factory.mktemp("hook")) as hook,
    ):
        environment = {name: value for name, value in sandbox.settings.items() if name.startswith("ZOOM_")} | {
            "ATTENDANCE_DATA": str(folder / "data"),
            "ATTENDANCE_START_DATE": FIRST.isoformat(),
            "ATTENDANCE_HOURLY_CRON": "* * * * *",
            "ATTENDANCE_ALERT_WEBHOOK": f"http://127.0.0.1:{hook.port}/services/made-up",
        }
        hook.answers({})
        with deployed(folder, environment) as dagster:
            yield Site(dagster, sandbox, folder / "data", hook)


def test_the_schedule_ticks_and_the_marts_are_published(site: Site) -> None:
    published = site.data / "attendance.duckdb"

    site.dagster.wait(published.exists, "the marts are published")
    site.dagster.stop_schedule("land_zoom_hourly")

    [landing, *_] = reversed(site.dagster.runs("land_zoom"))
    assert landing.status == "SUCCESS"
    assert landing.tags["dagster/schedule_name"] == "land_zoom_hourly"
    [build, *_] = reversed(site.dagster.runs("warehouse"))
    assert build.tags["dagster/sensor_name"] == "build_what_landed"
    first = date.fromisoformat(landing.tags[RANGE_START])
    truth = site.sandbox.truth(first, first)
    with duckdb.connect(str(published), read_only=True) as connection:
        held = connection.execute(
            "select count(*), sum(attended_seconds) from marts.meetings where ended_date = ?", [first]
        ).fetchone()
    assert held == (len(truth.meetings), sum(meeting.attended_seconds for meeting in truth.meetings))
    # the others are off, and nothing failed over it
    assert {run.job for run in site.dagster.runs()} == {"land_zoom", "warehouse"}
    assert {run.status for run in site.dagster.runs()} <= {"SUCCESS", "STARTED", "QUEUED", "STARTING", "NOT_STARTED"}


def test_a_vendor_that_fails_hour_after_hour_is_told_of_once(site: Site) -> None:
    site.sandbox.misbehave("token_endpoint_refuses", "zoom")

    def hour() -> str:
        run_id = site.dagster.launch("land_zoom", {}, range_tags(TODAY - timedelta(days=1), TODAY))
        site.dagster.wait(lambda: site.dagster.status(run_id) == "FAILURE", "the run fails")
        return run_id

    try:
        first = hour()
        site.dagster.wait(site.hook.heard, "somebody is told")
        hour()
        looked = site.dagster.ticks("alerts")
        site.dagster.wait(lambda: site.dagster.ticks("alerts") > looked + 2, "alerts were looked at since")
    finally:
        site.sandbox.behave()

    [request] = site.hook.heard()
    told = request.body
    assert "zoom refuses the credentials" in told
    assert f"{site.dagster.url}/runs/{first}" in told


BACKFILL = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""

CANCEL = """mutation($id: String!) { cancelPartitionBackfill(backfillId: $id) {
    __typename ... on PythonError { message } } }"""

CONTINUE = """mutation($params: ReexecutionParams!) { reexecutePartitionBackfill(reexecutionParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""

STATUS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status } } }"""


def test_a_backfill_of_90_days_is_canceled_halfway_and_continued_and_asks_for_nothing_twice(site: Site) -> None:
    tables = ["meetings", "days", "participants", "readings"]
    asked = len(site.sandbox.requests)
    days = dates(FIRST, LAST)
    wanted = len(site.sandbox.truth(FIRST, LAST).meetings)

    _become_slow_after(site, wanted // 2)
    backfill = _launched(
        site,
        BACKFILL,
        {
            "assetSelection": [{"path": ["zoom", table]} for table in tables],
            "partitionNames": [day.isoformat() for day in days],
            "title": "Ninety days",
        },
    )
    site.dagster.wait(
        lambda: len(attendance_requests(site.sandbox, asked)) >= wanted // 2, "half of the backfill is done"
    )
    site.dagster.ask(CANCEL, id=backfill)
    site.dagster.wait(lambda: _status(site, backfill) == "CANCELED", "the backfill is canceled")
    [run] = _runs_of(site, backfill)
    assert run.status == "CANCELED"
    lists = _lists(site, asked)
    before = attendance_requests(site.sandbox, asked)
    assert wanted // 2 <= len(before) < wanted

    site.sandbox.hook = None
    site.sandbox.zoom.options = replace(site.sandbox.zoom.options, latency_seconds=0.0)
    again = _launched(site, CONTINUE, {"parentRunId": backfill, "strategy": "FROM_FAILURE"})
    site.dagster.wait(lambda: _status(site, again) == "COMPLETED_SUCCESS", "the backfill is continued")

    [continued] = _runs_of(site, again)
    assert (continued.tags[RANGE_START], continued.tags[RANGE_END]) == (FIRST.isoformat(), LAST.isoformat())
    assert {window: n for window, n in lists.items() if n > 1} == {}
    repeated = Counter(attendance_requests(site.sandbox, asked)) - Counter(
        set(attendance_requests(site.sandbox, asked))
    )
    assert repeated.total() <= IN_FLIGHT  # what was on its way when the run was canceled
    assert _lists(site, asked) == lists
    held = {day.isoformat() for day in days}
    site.dagster.wait(lambda: _materialized(site, "participants") >= held, "the partition bar shows all as held")


def _become_slow_after(site: Site, reports: int) -> None:
    """From then on an answer takes longer than it takes to cancel whoever waits for it."""
    served = count(1)

    def hook(vendor: str, call: Call) -> None:
        if "participants" in call.path and next(served) == reports:
            site.sandbox.zoom.options = replace(site.sandbox.zoom.options, latency_seconds=120.0)

    site.sandbox.hook = hook


def _launched(site: Site, mutation: str, params: dict[str, Any]) -> str:
    [answer] = site.dagster.ask(mutation, params=params).values()
    assert answer["__typename"] == "LaunchBackfillSuccess", answer
    return str(answer["backfillId"])


def _status(site: Site, backfill: str) -> str:
    return str(site.dagster.ask(STATUS, id=backfill)["partitionBackfillOrError"]["status"])


def _runs_of(site: Site, backfill: str) -> list[Any]:
    return [run for run in site.dagster.runs() if run.tags.get("dagster/backfill") == backfill]


def _lists(site: Site, since: int) -> Counter[str]:
    """The requests for lists of the backfill's dates, by what they ask."""
    asked = [
        seen
        for seen in site.sandbox.requests[since:]
        if "from" in seen.query and date.fromisoformat(seen.query["to"]) <= LAST + timedelta(days=1)
    ]
    return Counter(f"{seen.path} {sorted(seen.query.items())}" for seen in asked)


def _materialized(site: Site, table: str) -> set[str]:
    held = site.dagster.ask(
        """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
            assetPartitionStatuses { ... on TimePartitionStatuses { ranges { status startKey endKey } } } } } }""",
        key={"path": ["zoom", table]},
    )["assetNodeOrError"]["assetPartitionStatuses"]["ranges"]
    return {
        day.isoformat()
        for stretch in held
        if stretch["status"] == "MATERIALIZED"
        for day in dates(date.fromisoformat(stretch["startKey"]), date.fromisoformat(stretch["endKey"]))
    }
