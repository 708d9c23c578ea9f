"""The checks of three marts over hand-made rows, as a run shows them, and the runs that take them along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs.expectations import NEWEST, RECONCILED, VOLUME, expectation_checks
from attendance_pipeline_tests.hand_made_marts import TODAY, Row, busy, days_with, write_marts


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENDANCE_DATA", str(tmp_path))
    return tmp_path


def evaluated(data: Path, marts: Mapping[str, list[Row]]) -> Mapping[str, dg.AssetCheckEvaluation]:
    write_marts(data / "build.duckdb", **marts)
    job = dg.define_asset_job("checks", selection=dg.AssetSelection.all_asset_checks())
    checks = dg.Definitions(asset_checks=[expectation_checks()], jobs=[job])
    result = checks.resolve_job_def("checks").execute_in_process()
    assert result.success
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def plain(evaluation: dg.AssetCheckEvaluation) -> dict[str, Any]:
    return {name: value.value for name, value in evaluation.metadata.items()}


def table(evaluation: dg.AssetCheckEvaluation, name: str) -> list[Mapping[str, Any]]:
    found = evaluation.metadata[name]
    assert isinstance(found, dg.TableMetadataValue)
    return [row.data for row in found.records]


def every_day(ago: range) -> list[dict[str, Row]]:
    return [busy("zoom", TODAY - timedelta(days=days), 20) for days in ago]


def test_they_pass_and_show_their_numbers(data: Path) -> None:
    found = evaluated(data, days_with(every_day(range(1, 80))))

    assert {name: check.passed for name, check in found.items()} == {
        "newest_meeting": True,
        "volume": True,
        "reconciled": True,
    }
    assert not any(check.blocking for check in found.values())
    assert plain(found["volume"])["dates_compared"] == 10
    assert 9 <= plain(found["newest_meeting"])["zoom_hours_since_newest"] <= 33
    told = {row["vendor"]: row for row in table(found["newest_meeting"], "newest")}
    assert told["zoom"]["usually_meets_on"] == "Mon Tue Wed Thu Fri Sat Sun"
    assert told["webex"]["usually_meets_on"] == "not enough history"
    assert told["webex"]["newest_meeting_ended"] is None


def test_without_a_month_there_is_not_enough_history_and_they_pass(data: Path) -> None:
    found = evaluated(data, days_with(every_day(range(1, 8))))

    assert all(check.passed for check in found.values())
    assert "not enough history" in (found["volume"].description or "")


def test_they_warn_and_the_run_goes_on(data: Path) -> None:
    days = [busy("zoom", TODAY - timedelta(days=ago), 0) for ago in range(1, 5)] + every_day(range(5, 80))
    difference = {"vendor": "zoom", "measure": "joins", "ended_date": TODAY, "difference": -3.0}
    marts = days_with(days) | {"reconciliation": [difference | {"reason": "unexplained", "is_explained": False}]}

    found = evaluated(data, marts)

    assert {name: (check.passed, check.severity) for name, check in found.items()} == dict.fromkeys(
        ["newest_meeting", "volume", "reconciled"], (False, dg.AssetCheckSeverity.WARN)
    )
    assert "no meetings of zoom" in (found["newest_meeting"].description or "")
    assert {row["vendor"]: row["missed_days"] for row in table(found["newest_meeting"], "newest")}["zoom"] in (3, 4)
    assert plain(found["volume"])["unusual_dates"] == 4
    assert table(found["volume"], "unusual")[-1] == {
        "vendor": "zoom",
        "ended_date": f"{TODAY - timedelta(days=1):%a %Y-%m-%d}",
        "measure": "attendees",
        "found": 0,
        "median": 80.0,
        "usual_from": 37,
        "usual_to": 139,
    }
    assert plain(found["reconciled"])["numbers_unexplained"] == 1
    (row,) = table(found["reconciled"], "by_measure")
    assert (row["vendor"], row["measure"], row["sum_of_unexplained"]) == ("zoom", "joins", 3.0)


def test_whoever_rebuilds_one_of_the_marts_takes_its_check_along(data: Path) -> None:
    repository = definitions().get_repository_def()
    [everything] = repository.get_implicit_asset_job_names()

    for mart, name in ((NEWEST, "newest_meeting"), (VOLUME, "volume"), (RECONCILED, "reconciled")):
        alone = repository.get_job(everything).get_subset(asset_selection={mart})
        for job in (repository.get_job("warehouse"), alone):
            assert {"dbt_build", "expectation_checks"} <= {node.name for node in job.nodes}
        assert repository.asset_graph.get(dg.AssetCheckKey(mart, name)).automation_condition is None
