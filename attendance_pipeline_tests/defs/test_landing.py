"""Landing as an operator sees it: real Dagster runs against the embedded Zoom, some of them with broken rows."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs.schedules import range_tags
from attendance_pipeline.lake import Lake
from attendance_pipeline.sandbox import Sandbox, ZoomOptions
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer

LAST = datetime.now(UTC).date() - timedelta(days=3)
FIRST = LAST - timedelta(days=3)


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENDANCE_DATA", str(tmp_path))
    with Sandbox(
        size="small", mix={"zoom": 1}, zoom=ZoomOptions(plan="business", history_includes_solo=True)
    ) as served:
        for name, value in served.settings.items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def land(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    job = definitions().resolve_job_def("land_zoom")
    return job.execute_in_process(instance=instance, tags=range_tags(FIRST, LAST))


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


def test_a_range_is_one_run_that_materializes_every_day(sandbox: Sandbox, instance: dg.DagsterInstance) -> None:
    result = land(instance)

    days = {(FIRST + timedelta(days=back)).isoformat() for back in range(4)}
    for table in ("meetings", "participants", "readings"):
        assert instance.get_materialized_partitions(dg.AssetKey(["zoom", table])) == days
    listings = [seen for seen in sandbox.requests if seen.path.endswith("/history_meetings")]
    assert len({seen.query["from"] for seen in listings}) == 1
    assert all(check.passed for check in checks(result).values())


def test_a_run_reports_rows_requests_waiting_and_quarantine(sandbox: Sandbox, instance: dg.DagsterInstance) -> None:
    land(instance)

    record = instance.get_latest_materialization_event(dg.AssetKey(["zoom", "participants"]))
    assert record is not None
    assert record.asset_materialization is not None
    shown = {name: value.value for name, value in record.asset_materialization.metadata.items()}
    truth = sandbox.truth(FIRST, LAST)
    assert shown["dagster/row_count"] == len(truth.intervals)
    assert shown["requests"] >= len(truth.meetings)
    assert shown["rows_quarantined"] == 0
    assert set(shown["seconds_waited"]) <= {"pace", "told"}
    assert shown["quota_left_today"] < 60_000


def test_a_broken_row_is_a_warning_with_the_count_and_the_others_land(
    sandbox: Sandbox, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    spoiled = spoil(sandbox)

    result = land(instance)

    assert result.success
    found = checks(result)["zoom/participants:quarantine"]
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    counted = found.metadata["rows_quarantined"].value
    assert isinstance(counted, int)
    assert counted >= 1
    assert found.metadata["by_rule"].value == {"leaves_before_joining": counted}
    lake = Lake(tmp_path / "lake")
    days = [FIRST + timedelta(days=back) for back in range(4)]
    kept = [row for day in days for row in lake.read_quarantine("zoom", "participants", day).to_pylist()]
    assert spoiled in {row["subject"] for row in kept}
    assert all(b'"leave_time":"2001-01-01T00:00:00Z"' in row["row"] for row in kept)
    held = sum((lake.read("zoom", "participants", day) or []).num_rows for day in days)
    assert held + len(kept) == len(sandbox.truth(FIRST, LAST).intervals)
    statuses = {row["meeting_id"]: row for day in days for row in _readings(lake, day)}
    assert statuses[spoiled]["status"] == "partial"
    assert statuses[spoiled]["rows_quarantined"] == 1


def test_a_field_that_nobody_knows_is_reported_and_its_rows_land(
    sandbox: Sandbox, instance: dg.DagsterInstance
) -> None:
    spoil(sandbox)

    found = checks(land(instance))["zoom/participants:schema"]

    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert found.metadata["unknown_fields"].value == ["mood"]
    assert found.metadata["rows_of_another_format"].value == {}


def _readings(lake: Lake, day: object) -> list[dict[str, object]]:
    rows = lake.read("zoom", "readings", day)  # type: ignore[arg-type]
    assert rows is not None
    return rows.to_pylist()  # type: ignore[no-any-return]
