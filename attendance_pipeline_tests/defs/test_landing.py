"""Landing as an operator sees it: real Dagster runs against the embedded Zoom, some of them with broken rows."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs.schedules import range_tags
from attendance_pipeline.lake import Lake
from attendance_pipeline.sandbox import Sandbox, ZoomOptions
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.windows import dates

LAST = datetime.now(UTC).date() - timedelta(days=3)
FIRST = LAST - timedelta(days=3)
DAYS = dates(FIRST, LAST)


@dataclass
class Landing:
    """One run, and what it was about."""

    sandbox: Sandbox
    instance: dg.DagsterInstance
    lake: Lake
    result: dg.ExecuteInProcessResult
    spoiled: str
    """The meeting with a broken row."""


@contextmanager
def landing(data: Path, *, spoils: bool) -> Iterator[Landing]:
    options = ZoomOptions(plan="business", history_includes_solo=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        dg.instance_for_test() as instance,
        Sandbox(size="small", mix={"zoom": 1}, zoom=options) as sandbox,
    ):
        patch.chdir(data)
        for name, value in (sandbox.settings | {"ATTENDANCE_DATA": str(data)}).items():
            patch.setenv(name, value)
        spoiled = spoil(sandbox) if spoils else ""
        job = definitions().resolve_job_def("land_zoom")
        result = job.execute_in_process(instance=instance, tags=range_tags(FIRST, LAST))
        yield Landing(sandbox, instance, Lake(data / "lake"), result, spoiled)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landing]:
    with landing(tmp_path_factory.mktemp("whole"), spoils=False) as landed:
        yield landed


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landing]:
    with landing(tmp_path_factory.mktemp("broken"), spoils=True) as landed:
        yield landed


def spoil(sandbox: Sandbox) -> str:
    """From now on one meeting's first row leaves before it joins, and its rows have a field that nobody knows."""
    meeting = max(sandbox.truth(FIRST, LAST).meetings, key=lambda m: (m.kind == "meeting") * m.join_count)

    def hook(vendor: str, call: Call) -> Answer | None:
        if not call.path.endswith("/participants"):
            return None
        answer = sandbox.zoom.answer(call, sandbox.url)
        page = json.loads(answer.body)
        if page.get("total_records") != meeting.vendor_attendee_count or call.query.get("next_page_token"):
            return answer
        page["participants"][0]["leave_time"] = "2001-01-01T00:00:00Z"
        for row in page["participants"]:
            row["mood"] = "fine"
        return json_answer(200, page)

    sandbox.hook = hook
    return meeting.vendor_meeting_id


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {
        f"{check.asset_key.to_user_string()}:{check.check_name}": check
        for check in result.get_asset_check_evaluations()
    }


def test_a_range_is_one_run_that_materializes_every_day(whole: Landing) -> None:
    days = {day.isoformat() for day in DAYS}
    for table in ("meetings", "participants", "readings"):
        assert whole.instance.get_materialized_partitions(dg.AssetKey(["zoom", table])) == days
    listings = [seen for seen in whole.sandbox.requests if seen.path.endswith("/history_meetings")]
    assert len({seen.query["from"] for seen in listings}) == 1
    assert all(check.passed for check in checks(whole.result).values())


def test_a_run_reports_rows_requests_waiting_and_quarantine(whole: Landing) -> None:
    record = whole.instance.get_latest_materialization_event(dg.AssetKey(["zoom", "participants"]))

    assert record is not None
    assert record.asset_materialization is not None
    shown = {name: value.value for name, value in record.asset_materialization.metadata.items()}
    truth = whole.sandbox.truth(FIRST, LAST)
    assert shown["dagster/row_count"] == len(truth.intervals)
    assert shown["requests"] >= len(truth.meetings)
    assert shown["rows_quarantined"] == 0
    assert set(shown["seconds_waited"]) <= {"pace", "told"}
    assert shown["quota_left_today"] < 60_000


def test_a_broken_row_is_a_warning_with_the_count_and_the_others_land(broken: Landing) -> None:
    assert broken.result.success
    found = checks(broken.result)["zoom/participants:quarantine"]
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    counted = found.metadata["rows_quarantined"].value
    assert isinstance(counted, int)
    assert counted >= 1
    assert found.metadata["by_rule"].value == {"leaves_before_joining": counted}
    kept = [row for day in DAYS for row in broken.lake.read_quarantine("zoom", "participants", day).to_pylist()]
    assert broken.spoiled in {row["subject"] for row in kept}
    assert all(b'"leave_time":"2001-01-01T00:00:00Z"' in row["row"] for row in kept)
    held = sum((broken.lake.read("zoom", "participants", day) or []).num_rows for day in DAYS)
    assert held + len(kept) == len(broken.sandbox.truth(FIRST, LAST).intervals)
    statuses = {row["meeting_id"]: row for day in DAYS for row in _readings(broken.lake, day)}
    assert statuses[broken.spoiled]["status"] == "partial"
    assert statuses[broken.spoiled]["rows_quarantined"] == 1


def test_a_field_that_nobody_knows_is_reported_and_its_rows_land(broken: Landing) -> None:
    found = checks(broken.result)["zoom/participants:schema"]

    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert found.metadata["unknown_fields"].value == ["mood"]
    assert found.metadata["rows_of_another_format"].value == {}


def _readings(lake: Lake, day: object) -> list[dict[str, object]]:
    rows = lake.read("zoom", "readings", day)  # type: ignore[arg-type]
    assert rows is not None
    return rows.to_pylist()  # type: ignore[no-any-return]
