"""What keeps a build from analysts and what does not: real runs of the warehouse job, one of marts made wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from attendance_pipeline import dbt
from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs import warehouse
from attendance_pipeline.settings import Settings

START = datetime.now(UTC).date() - timedelta(days=9)
DAYS = "marts/coverage/coverage_days.sql"
NUMBERS = "marts/reconciliation/daily_reconciliation.sql"

pytestmark = pytest.mark.filterwarnings("ignore:AssetExecutionContext.op is deprecated:DeprecationWarning")
"""Dagster's own integration of dbt calls it."""


@dataclass
class Built:
    """One run of the warehouse job."""

    data: Path
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult

    @property
    def published(self) -> bytes:
        """The file that analysts open."""
        return (self.data / "attendance.duckdb").read_bytes()

    def checks(self) -> dict[str, dg.AssetCheckEvaluation]:
        """What the event log keeps of the run's checks."""
        events = self.instance.all_logs(self.result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        found = [event.get_dagster_event().asset_check_evaluation_data for event in events]
        return {f"{one.asset_key.to_user_string()}:{one.check_name}": one for one in found}


@dataclass
class Marts:
    """A folder of data and a copy of the dbt project, in which a mart can be made wrong."""

    data: Path
    project: Path
    instance: dg.DagsterInstance

    def build(self) -> Built:
        """Run the warehouse job."""
        job = definitions().resolve_job_def("warehouse")
        result = job.execute_in_process(instance=self.instance, raise_on_error=False)
        return Built(self.data, self.instance, result)

    def spoil(self, model: str, before: str, after: str) -> None:
        """Change a mart's SQL."""
        file = self.project / "models" / model
        was = file.read_text()
        assert was.count(before) == 1
        file.write_text(was.replace(before, after))


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marts]:
    data = tmp_path_factory.mktemp("data")
    project = shutil.copytree(dbt.DBT_PROJECT, data / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    with pytest.MonkeyPatch.context() as patch, dg.instance_for_test() as instance:
        patch.chdir(data)
        for name in (name.upper() for name in Settings.model_fields):
            patch.delenv(name, raising=False)
        patch.setenv("ATTENDANCE_DATA", str(data))
        patch.setenv("ATTENDANCE_START_DATE", START.isoformat())
        patch.setenv("WEBEX_ACCESS_TOKEN", "made-up")
        for module in (dbt, warehouse):
            patch.setattr(module, "DBT_PROJECT", project)
        yield Marts(data, project, instance)


@pytest.fixture(scope="module")
def good(marts: Marts) -> Built:
    return marts.build()


def test_a_warning_keeps_nothing_from_analysts(good: Built) -> None:
    assert good.result.success
    warned = {name: check for name, check in good.checks().items() if not check.passed}

    assert "marts/coverage:coverage" in warned
    assert {check.severity for check in warned.values()} == {dg.AssetCheckSeverity.WARN}
    assert [name for name, check in warned.items() if check.blocking] == []
    with duckdb.connect(str(good.data / "attendance.duckdb"), read_only=True) as published:
        assert published.execute("select count(*) from marts.coverage_days").fetchone() == (10,)


def test_what_was_published_shows_its_pictures(good: Built) -> None:
    (event,) = good.result.asset_materializations_for_node("published")
    shown = {name: value.value for name, value in event.metadata.items()}

    for name in ("utilization_chart", "coverage_calendar"):
        assert isinstance(shown[name], str)
        assert "](data:image/png;base64,iVBORw0KGgo" in shown[name]


def test_marts_that_fail_a_test_or_break_their_contract_are_not_published(marts: Marts, good: Built) -> None:
    before = good.published
    marts.spoil(DAYS, "select * from covered", "select * from covered union all select * from covered")
    marts.spoil(NUMBERS, "count(*) as meetings", "cast(count(*) as varchar) as meetings")

    bad = marts.build()

    assert {event.step_key for event in bad.result.all_events if event.is_step_failure} == {"dbt_build"}
    assert bad.published == before
    ((name, check),) = [(name, check) for name, check in bad.checks().items() if not check.passed]
    assert name.startswith("marts/coverage_days:unique_together")
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert check.blocking
    made = {event.asset_key.to_user_string() for event in bad.result.all_events if event.is_step_materialization}
    assert "marts/reconciliation" in made
    assert not made & {"marts/daily_reconciliation", "marts/missing", "published"}
