"""What people start by hand: the jobs check what was asked, and the landing runs it comes to."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from attendance_pipeline.archive import Archive
from attendance_pipeline.days import records
from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs.jobs import ASKED_BY
from attendance_pipeline.defs.schedules import RANGE_END, RANGE_START
from attendance_pipeline.lake import Lake
from attendance_pipeline.sandbox import Sandbox, ZoomOptions
from attendance_pipeline.shape import Broken, quarantine_table
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.windows import midnight

TODAY = datetime.now(UTC).date()
FIRST, LAST = TODAY - timedelta(days=12), TODAY - timedelta(days=4)
DATES = {"first": FIRST.isoformat(), "last": LAST.isoformat()}
ON = {"ZOOM_ACCOUNT_ID": "account", "ZOOM_CLIENT_ID": "client", "ZOOM_CLIENT_SECRET": "secret"}


@pytest.fixture
def on(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in ON.items():
        monkeypatch.setenv(name, value)
    return data


def started(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, name: str, config: dict[str, Any]
) -> dg.ExecuteInProcessResult:
    run_config = {"ops": {f"check_{name}": {"config": config}}}
    return repository.get_job(name).execute_in_process(run_config=run_config, instance=instance, raise_on_error=False)


def refused(result: dg.ExecuteInProcessResult) -> str:
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    return told.description or ""


def follows(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult
) -> list[dg.RunRequest]:
    """The landing runs that the sensor starts after a run."""
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    (event,) = [event for event in result.all_events if event.is_job_success]
    context = dg.build_run_status_sensor_context(
        "start_what_people_asked", dagster_instance=instance, dagster_run=run, dagster_event=event
    )
    return list(repository.get_sensor_def("start_what_people_asked")(context))


def test_pulling_days_starts_one_run_for_each_vendor(
    repository: dg.RepositoryDefinition,
    instance: dg.DagsterInstance,
    on: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WEBEX_ACCESS_TOKEN", "made-up")

    result = started(repository, instance, "pull", DATES | {"again": True})

    assert result.success
    assert "zoom: 9 dates, nobody knows yet how many requests" in capfd.readouterr().err
    zoom, webex = follows(repository, instance, result)
    assert (zoom.job_name, webex.job_name) == ("land_zoom", "land_webex")
    assert zoom.tags[RANGE_START] == FIRST.isoformat()
    assert zoom.tags[RANGE_END] == LAST.isoformat()
    assert zoom.tags[ASKED_BY] == result.run_id
    assert zoom.run_config["ops"]["zoom_meetings"]["config"] == {"ask": True, "again": True}
    assert follows(repository, instance, started(repository, instance, "pull", DATES | {"vendors": ["zoom"]}))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"vendors": ["teams"]}, "teams is off: set TEAMS_TENANT_ID"),
        ({"first": "yesterday"}, "first isn't a date as 2026-11-01 is one: 'yesterday'"),
        ({"first": LAST.isoformat(), "last": FIRST.isoformat()}, "swap them"),
        ({"last": "2199-01-01"}, "2199-01-01 lies in the future"),
        ({"first": "2025-12-31"}, "before ATTENDANCE_START_DATE"),
    ],
)
def test_what_can_not_be_pulled_is_refused_with_the_reason(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, on: Path, config: dict[str, Any], says: str
) -> None:
    result = started(repository, instance, "pull", DATES | config)

    assert not result.success
    assert says in refused(result)


def test_days_beyond_the_reach_are_refused_with_the_reach(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, on: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTENDANCE_START_DATE", "2020-01-01")

    result = started(repository, instance, "pull", {"first": "2020-01-01", "last": LAST.isoformat()})

    assert "lies beyond zoom's reach of" in refused(result)


@pytest.mark.parametrize("name", ["pull", "reshape", "replay_quarantine"])
def test_the_launchpad_knows_the_vendors_and_explains_each_field(
    repository: dg.RepositoryDefinition, name: str
) -> None:
    job = repository.get_job(name)
    [op] = job.nodes
    fields = op.definition.config_schema.config_type.fields

    assert job.description
    assert [field for field, held in fields.items() if not held.description] == []
    with pytest.raises(dg.DagsterInvalidConfigError, match="jitsi"):
        dg.validate_run_config(job, {"ops": {f"check_{name}": {"config": DATES | {"vendors": ["jitsi"]}}}})


def answered(data: Path, vendor: str, *days: date) -> None:
    """The vendor once said that nothing happened on these days."""
    archive = Archive(data / "lake", vendor)
    with archive.journal() as journal:
        for document in records(days, midnight(TODAY)):
            journal.keep_listing(document)
    archive.fold()


def test_reshaping_leaves_out_what_nobody_ever_answered_about(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, data: Path
) -> None:
    assert "the archive has no answer" in refused(started(repository, instance, "reshape", DATES))
    answered(data, "zoom", FIRST, FIRST + timedelta(days=1), LAST)
    answered(data, "teams", LAST)

    result = started(repository, instance, "reshape", DATES)

    requests = follows(repository, instance, result)
    assert [(each.job_name, each.tags[RANGE_START], each.tags[RANGE_END]) for each in requests] == [
        ("land_zoom", FIRST.isoformat(), (FIRST + timedelta(days=1)).isoformat()),
        ("land_zoom", LAST.isoformat(), LAST.isoformat()),
        ("land_teams", LAST.isoformat(), LAST.isoformat()),
    ]
    assert {each.run_config["ops"]["zoom_meetings"]["config"]["ask"] for each in requests[:2]} == {False}


def test_replaying_starts_runs_for_the_dates_of_the_rows(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, data: Path
) -> None:
    assert "no such row is in quarantine" in refused(started(repository, instance, "replay_quarantine", {}))
    table = next(table for table in VENDORS["zoom"].attendance_tables if table.name == "participants")
    for day, rule in ((FIRST, "leaves_before_joining"), (LAST, "another")):
        broken = quarantine_table([Broken(day, rule, "u", "d", 0, b"{}")])
        Lake(data / "lake").replace("zoom", "participants", day, table.schema.empty_table(), broken)

    chosen = started(repository, instance, "replay_quarantine", {"rules": ["another"]})
    every = started(repository, instance, "replay_quarantine", {"vendors": ["zoom"], "tables": ["participants"]})

    assert [each.tags[RANGE_START] for each in follows(repository, instance, chosen)] == [LAST.isoformat()]
    assert [each.tags[RANGE_START] for each in follows(repository, instance, every)] == [
        FIRST.isoformat(),
        LAST.isoformat(),
    ]


def test_a_landing_that_stays_behind_holds_only_what_landed(
    instance: dg.DagsterInstance, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebuilding from the archive what nobody ever answered about fails, and marks nothing as held."""
    answered(data, "zoom", FIRST)
    job = definitions().resolve_job_def("land_zoom")

    result = job.execute_in_process(
        instance=instance,
        tags={RANGE_START: FIRST.isoformat(), RANGE_END: (FIRST + timedelta(days=2)).isoformat()},
        run_config={"ops": {"zoom_meetings": {"config": {"ask": False}}}},
        raise_on_error=False,
    )

    assert not result.success
    assert instance.get_materialized_partitions(dg.AssetKey(["zoom", "meetings"])) == {FIRST.isoformat()}


def test_the_days_of_a_vendor_that_is_down_are_on_record_and_its_meetings_are_not_held(
    instance: dg.DagsterInstance, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(size="small", mix={"zoom": 1}, zoom=ZoomOptions(plan="business")) as sandbox:
        for name, value in sandbox.settings.items():
            monkeypatch.setenv(name, value)
        sandbox.misbehave("token_endpoint_refuses", "zoom")
        result = (
            definitions()
            .resolve_job_def("land_zoom")
            .execute_in_process(
                instance=instance,
                tags={RANGE_START: LAST.isoformat(), RANGE_END: LAST.isoformat()},
                raise_on_error=False,
            )
        )

    assert not result.success
    assert instance.get_materialized_partitions(dg.AssetKey(["zoom", "days"])) == {LAST.isoformat()}
    assert instance.get_materialized_partitions(dg.AssetKey(["zoom", "meetings"])) == set()
