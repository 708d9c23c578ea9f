"""Landing as an operator sees it: real Dagster runs against the embedded Zoom, some of them with broken rows."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs.landed import judged
from attendance_pipeline.defs.schedules import range_tags
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import TableReport
from attendance_pipeline.sandbox import Sandbox, ZoomOptions
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors.zoom import Zoom
from attendance_pipeline.windows import dates, midnight

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
    assert shown["requests_by_kind"] == {"heavy": shown["requests"]}
    assert shown["throttled_seconds"] == 0
    assert shown["paced_seconds"] > 0
    assert shown["quota_left_today"] < 60_000
    files = [whole.lake.file("zoom", "participants", day) for day in DAYS]
    assert shown["bytes_landed"] == sum(file.stat().st_size for file in files)
    assert shown["bytes_received"] > shown["bytes_landed"] / 10
    table = record.asset_materialization.metadata["slowest_requests"]
    assert isinstance(table, dg.TableMetadataValue)
    slowest = [row.data for row in table.records]
    seconds = [row["seconds"] for row in slowest]
    assert seconds == sorted(seconds, reverse=True)
    assert shown["slowest_seconds"] == seconds[0]
    assert len(slowest) == 5
    assert {row["request"] for row in slowest} <= {
        "GET /report/meetings/…/participants",
        "GET /report/webinars/…/participants",
        "GET /report/meetings/…",
    }


def test_readings_are_counted_by_status(whole: Landing) -> None:
    record = whole.instance.get_latest_materialization_event(dg.AssetKey(["zoom", "readings"]))

    assert record is not None
    assert record.asset_materialization is not None
    shown = {name: value.value for name, value in record.asset_materialization.metadata.items()}
    by_status = shown["reports_by_status"]
    assert {f"reports_{status}": number for status, number in by_status.items()}.items() <= shown.items()
    assert sum(by_status.values()) == shown["dagster/row_count"]


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


def test_every_rule_is_a_check_and_names_the_rows_that_broke_it(broken: Landing) -> None:
    found = checks(broken.result)

    assert set(Zoom.attendance_tables[0].rules) == {
        "leaves_before_joining",
        "str_length.meeting_uuid",
        "too_small.duration",
        "unknown_value.status",
        "unknown_value.source",
        "impossible_time",
        "conflicting_duplicate",
    }
    judged = {rule: found[f"zoom/participants:{rule}"] for rule in Zoom.attendance_tables[0].rules}
    assert [rule for rule, check in judged.items() if not check.passed] == ["leaves_before_joining"]
    assert not judged["leaves_before_joining"].blocking
    rows = found["zoom/participants:quarantine"].metadata["rows_quarantined"].value
    assert judged["leaves_before_joining"].metadata["rows_quarantined"].value == rows


def test_a_rows_rules_are_told_apart_and_those_of_the_format_are_the_schemas() -> None:
    report = TableReport(
        rows={DAYS[0]: 9},
        rules=Counter(
            {
                "leaves_before_joining,unknown_value.status": 2,
                "leaves_before_joining": 1,
                "impossible_time.join_time": 3,
                "impossible_time.leave_time": 4,
                "missing_field.user_id": 5,
            }
        ),
    )

    found = {check.check_name: check for check in judged(Zoom.attendance_tables[0], report, Zoom.timing)}

    rows = {name: check.metadata["rows_quarantined"].value for name, check in found.items() if name != "schema"}
    assert rows == {
        "quarantine": 15,
        "unknown_value.status": 2,
        "leaves_before_joining": 3,
        "impossible_time": 7,
        "str_length.meeting_uuid": 0,
        "too_small.duration": 0,
        "unknown_value.source": 0,
        "conflicting_duplicate": 0,
    }
    assert found["schema"].metadata["rows_of_another_format"].value == {"missing_field.user_id": 5}
    assert {name for name, check in found.items() if check.passed} == {name for name, n in rows.items() if not n}


def test_what_is_held_in_part_is_told_once_it_is_old_enough(broken: Landing) -> None:
    check = checks(broken.result)["zoom/readings:vendor_counts"]

    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert check.metadata["partial_reports_old_enough"].value == 1
    assert check.metadata["partial_reports_still_young"].value == 0


@pytest.mark.parametrize("table", [table for table in Zoom.listing_tables if table.name == "days"])
@pytest.mark.parametrize(("hours", "passes"), [(0.9, True), (1.1, False)])
def test_young_dates_may_still_change_and_old_ones_no_longer(table: Table, hours: float, passes: bool) -> None:
    settled_at = datetime.now(UTC) - timedelta(hours=hours)
    timing = replace(Zoom.timing, settles=settled_at - midnight(DAYS[0] + timedelta(days=1)))
    young = DAYS[0] + timedelta(days=1)
    report = TableReport(rows={DAYS[0]: 1, young: 1}, unsettled=Counter({DAYS[0]: 1, young: 1}))

    (check,) = [check for check in judged(table, report, timing) if check.check_name == "settled"]

    assert check.passed is passes
    told = {name: value.value for name, value in check.metadata.items()}
    assert told == {
        "unsettled_dates_old_enough": 0 if passes else 1,
        "unsettled_dates_still_young": 2 if passes else 1,
        **({} if passes else {"dates": [DAYS[0].isoformat()]}),
    }


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
