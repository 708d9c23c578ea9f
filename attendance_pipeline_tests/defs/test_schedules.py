"""What the schedules ask for when they tick."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.definitions.schedule_definition import ScheduleExecutionData

from attendance_pipeline.choice import DEMO_MARK
from attendance_pipeline.days import days_table
from attendance_pipeline.definitions import defs
from attendance_pipeline.defs.schedules import RANGE_END, RANGE_START
from attendance_pipeline.errors import UsageError
from attendance_pipeline.lake import QUARANTINE, Lake

NOW = datetime(2026, 3, 10, 9, 7, tzinfo=UTC)
ON = {"ZOOM_ACCOUNT_ID": "account", "ZOOM_CLIENT_ID": "client", "ZOOM_CLIENT_SECRET": "secret"}
SCHEDULES = ("land_zoom_hourly", "reconcile_zoom_nightly", "look_back_zoom_weekly")


@pytest.fixture
def on(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Zoom is on."""
    for name, value in ON.items():
        monkeypatch.setenv(name, value)
    return data


def tick(repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, name: str) -> ScheduleExecutionData:
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=NOW, repository_def=repository)
    return repository.get_schedule_def(name).evaluate_tick(context)


def ranges(ticked: ScheduleExecutionData) -> list[tuple[str, str]]:
    return [(request.tags[RANGE_START], request.tags[RANGE_END]) for request in ticked.run_requests or []]


def keep(data: Path, days: list[date], *, settled: bool = True) -> None:
    """Days on which nothing happened, as their lists said late enough or not."""
    row = {
        "status": "complete" if settled else "partial",
        "settled": settled,
        "asked_at": NOW,
        "rows_quarantined": 0,
        "recoverable_until": NOW + timedelta(days=9),
    }
    rows = pa.Table.from_pylist([row], days_table("zoom").schema)
    for day in days:
        Lake(data / "lake").replace("zoom", "days", day, rows, QUARANTINE.empty_table())


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_vendor_that_is_off_is_skipped_and_says_so(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, data: Path, name: str
) -> None:
    ticked = tick(repository, instance, name)

    assert not ticked.run_requests
    assert "zoom is off: ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET not set" in (ticked.skip_message or "")


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_real_account_is_not_pulled_into_the_demos_folder(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, on: Path, name: str
) -> None:
    (on / DEMO_MARK).touch()

    ticked = tick(repository, instance, name)

    assert not ticked.run_requests
    assert "holds the demo's invented meetings" in (ticked.skip_message or "")


def test_every_hour_today_and_the_unsettled_days_are_one_run(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, on: Path
) -> None:
    ticked = tick(repository, instance, "land_zoom_hourly")

    assert ranges(ticked) == [("2026-03-08", "2026-03-10")]
    assert ticked.run_requests[0].run_config["ops"]["zoom_meetings"]["config"] == {"ask": True, "again": False}


def test_every_night_settled_days_are_asked_about_again(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, on: Path
) -> None:
    assert "nothing is due" in (tick(repository, instance, "reconcile_zoom_nightly").skip_message or "")
    keep(on, [date(2026, 3, day) for day in range(1, 11)])

    ticked = tick(repository, instance, "reconcile_zoom_nightly")

    assert ranges(ticked) == [("2026-03-01", "2026-03-07")]
    assert ticked.run_requests[0].run_config["ops"]["zoom_meetings"]["config"] == {"ask": True, "again": True}


def test_every_week_what_coverage_misses_is_asked_for_in_one_run(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, on: Path
) -> None:
    keep(on, [date(2026, 1, 1) + timedelta(days=day) for day in range(68)])
    keep(on, [date(2026, 1, 20), date(2026, 2, 20)], settled=False)

    ticked = tick(repository, instance, "look_back_zoom_weekly")

    assert ranges(ticked) == [("2026-01-20", "2026-02-20")]
    assert ticked.run_requests[0].run_config["ops"]["zoom_meetings"]["config"] == {"ask": True, "again": False}


@pytest.mark.parametrize("name", SCHEDULES)
def test_runs_of_a_schedule_do_not_pile_up(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, on: Path, name: str
) -> None:
    keep(on, [date(2026, 3, day) for day in range(1, 7)])
    waiting = dg.DagsterRun("land_zoom", status=dg.DagsterRunStatus.STARTED, tags={"dagster/schedule_name": name})
    instance.add_run(waiting)

    assert waiting.run_id in (tick(repository, instance, name).skip_message or "")

    instance.delete_run(waiting.run_id)
    assert ranges(tick(repository, instance, name))


def test_another_hour_can_be_chosen(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENDANCE_HOURLY_CRON", "*/15 6-20 * * 1-5")
    assert defs().get_repository_def().get_schedule_def("land_teams_hourly").cron_schedule == "*/15 6-20 * * 1-5"

    monkeypatch.setenv("ATTENDANCE_HOURLY_CRON", "hourly")
    with pytest.raises(UsageError, match="ATTENDANCE_HOURLY_CRON.*five fields"):
        defs()
