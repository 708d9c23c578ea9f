"""The checks of coverage over hand-made marts, and the runs that take them along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs.coverage import MART, coverage_checks
from attendance_pipeline.defs.warehouse import warehouse_assets
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline_tests.hand_made_marts import NOON, TODAY, Row, day, gap, write_marts

OLD = TODAY - timedelta(days=80)
SOON = NOON + timedelta(days=3)

Evaluated = Mapping[str, dg.AssetCheckEvaluation]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENDANCE_DATA", str(tmp_path))
    return tmp_path


def evaluated(data: Path, **marts: list[Row]) -> Evaluated:
    write_marts(data / "build.duckdb", **marts)
    job = dg.define_asset_job("checks", selection=dg.AssetSelection.all_asset_checks())
    checks = dg.Definitions(asset_checks=[coverage_checks()], jobs=[job])
    result = checks.resolve_job_def("checks").execute_in_process()
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def plain(evaluation: dg.AssetCheckEvaluation) -> dict[str, Any]:
    return {name: value.value for name, value in evaluation.metadata.items()}


def test_they_pass_where_nothing_is_missing_but_the_young_and_the_lost(data: Path) -> None:
    found = evaluated(
        data,
        coverage_days=[day("zoom", OLD), day("zoom", TODAY, "never_asked", meetings=0, held=0)],
        missing=[
            gap("zoom", TODAY, settles_at=NOON + timedelta(days=2)),
            gap("zoom", OLD, NOON - timedelta(days=2), "u"),
        ],
        lost=[gap("zoom", OLD, NOON - timedelta(days=2), "u")],
    )

    assert {name: evaluation.passed for name, evaluation in found.items()} == {"coverage": True, "expiring": True}
    assert plain(found["coverage"])["dates_lost"] == 1
    assert plain(found["expiring"]) == {}


def test_they_warn_with_the_numbers(data: Path) -> None:
    expiring = [
        gap("webex", OLD, SOON, "I_1|x", reason="404, tried 2 times"),
        *(gap("webex", OLD, SOON + timedelta(hours=1), f"I_{number}") for number in range(2, 31)),
        gap("teams", OLD + timedelta(days=1), SOON + timedelta(days=1), reason="outage 503"),
    ]
    found = evaluated(
        data,
        coverage_days=[
            day("teams", OLD + timedelta(days=1), "not_ready", meetings=0, held=0),
            day("webex", OLD, meetings=40, held=10, not_ready=30, missing=30),
            day("webex", TODAY, meetings=0, held=0),
        ],
        missing=[*expiring, gap("teams", OLD - timedelta(days=5), meeting="r")],
        expiring=expiring,
    )

    assert [(evaluation.passed, evaluation.severity) for evaluation in found.values()] == [
        (False, dg.AssetCheckSeverity.WARN)
    ] * 2
    covered = plain(found["coverage"])
    assert covered["meetings_by_status"] == {"teams": {}, "webex": {"held": 10, "not_ready": 30}}
    assert covered["days_by_status"] == {"teams": {"not_ready": 1}, "webex": {"complete": 2}}
    assert covered["share_held"] == 0.25
    assert covered["oldest_gap"] == f"teams {OLD - timedelta(days=5)}"
    assert covered["dates_missing"] == 3
    assert (
        "webex    40 meetings (10 held, 30 not ready)\n         2 days (2 complete)\n" in covered["calendar_as_text"]
    )
    assert covered["calendar"].startswith("![what is held")
    assert "](data:image/png;base64,iVBORw0KGgo" in covered["calendar"]
    soon = plain(found["expiring"])
    assert {name: soon[name] for name in soon if name.startswith(("webex", "teams"))} == {
        "teams_meetings": 0,
        "teams_whole_days": 1,
        "webex_meetings": 30,
        "webex_whole_days": 0,
    }
    assert soon["first_date"] == OLD.isoformat()
    assert soon["until"] == SOON.isoformat()
    listed = soon["next"].splitlines()[2:]
    assert len(listed) == 20
    assert listed[0] == f"| webex | {OLD} | I_1\\|x | 404, tried 2 times | {SOON:%Y-%m-%d %H:%M} |"


def test_whoever_rebuilds_the_mart_takes_its_checks_along(data: Path) -> None:
    """The warehouse job, and a run of the automation, which names the assets alone where no check has a condition."""
    repository = definitions().get_repository_def()
    graph = repository.asset_graph
    [everything] = repository.get_implicit_asset_job_names()

    automated = repository.get_job(everything).get_subset(asset_selection={MART})

    assert {key for key in graph.asset_check_keys if graph.get(key).automation_condition} == set()
    for job in (repository.get_job("warehouse"), automated):
        assert {"dbt_build", "coverage_checks"} <= {node.name for node in job.nodes}


def test_the_load_says_which_vendors_are_on_and_since_when(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (name.upper() for name in Settings.model_fields if not name.startswith("attendance_")):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", "made-up")
    monkeypatch.setenv("ATTENDANCE_START_DATE", "2026-02-01")

    dg.materialize([warehouse_assets(list(VENDORS.values()))[0]])

    with duckdb.connect(str(data / "build.duckdb"), read_only=True) as build:
        found = build.execute(
            "select vendor, is_on, first_date, to_seconds(listed_seconds) from raw.vendors order by vendor"
        ).fetchall()
    assert found == [
        (name, name == "webex", date(2026, 2, 1), vendor.timing.listed) for name, vendor in sorted(VENDORS.items())
    ]
