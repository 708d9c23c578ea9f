"""The sensor over runs that really ended, a lake, a published file, a webhook and a mail server."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from dagster import DagsterEventType as Event
from dagster._core.code_pointer import CodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

from attendance_pipeline.days import DAYS, days_table
from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs.alerts import READ, TROUBLES, alerts
from attendance_pipeline.defs.dbt_library import DagsterDbtCliRuntimeError
from attendance_pipeline.defs.failures import tells_why
from attendance_pipeline.defs.schedules import RANGE_END, RANGE_START, range_tags
from attendance_pipeline.errors import SchemaDriftError, StorageError, UsageError
from attendance_pipeline.http.errors import OutageError, RefusedError
from attendance_pipeline.lake import Lake
from attendance_pipeline.sandbox import Sandbox, Size
from attendance_pipeline.settings import Settings
from attendance_pipeline.shape import quarantine_table
from attendance_pipeline_tests.hand_made_marts import NOON, TODAY, gap, write_marts
from attendance_pipeline_tests.hostile_server import HostileServer, said
from attendance_pipeline_tests.mailbox import Mailbox

SECRET = "made-up-secret"
CREDENTIALS = {"ZOOM_ACCOUNT_ID": "account", "ZOOM_CLIENT_ID": "client", "ZOOM_CLIENT_SECRET": SECRET}
DOWN = "zoom answered 503 to GET /users; its service is failing, run again later"
YOUNG = (date(2026, 3, 8), date(2026, 3, 10))
LATER = (date(2026, 3, 10), date(2026, 3, 12))
OLD = (date(2026, 2, 1), date(2026, 2, 20))
FEW = Size(employees=12, meetings_per_weekday=4.0, median_attendees=6.0, crowd=20, webinar_audience=12)


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileServer]:
    with HostileServer(tmp_path_factory.mktemp("hook")) as server:
        yield server


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ATTENDANCE_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def on(data: Path, hook: HostileServer, monkeypatch: pytest.MonkeyPatch) -> HostileServer:
    """The webhook is set and answers."""
    hook.answers({})
    monkeypatch.setenv("ATTENDANCE_ALERT_WEBHOOK", f"http://127.0.0.1:{hook.port}/services/{SECRET}")
    monkeypatch.setenv("ATTENDANCE_DAGSTER_URL", "https://dagster.acme.test")
    return hook


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path_factory.mktemp("dagster"))) as found:
        yield found


@pytest.fixture
def instance(recording: dg.DagsterInstance) -> dg.DagsterInstance:
    """What ended in other tests was looked at, and nothing of it is known any more."""
    newest = {
        kind.value: record.storage_id
        for kind in (Event.RUN_FAILURE, Event.RUN_SUCCESS)
        for record in recording.fetch_run_status_changes(kind, limit=1).records
    }
    recording.daemon_cursor_storage.set_cursor_values({TROUBLES: "", READ: json.dumps(newest)})
    return recording


def tick(instance: dg.DagsterInstance) -> str:
    """What the sensor says of itself."""
    with dg.build_sensor_context(instance=instance) as context:
        return str(alerts().evaluate_tick(context).skip_message)


def texts(hook: HostileServer) -> list[str]:
    """What the webhook was told so far."""
    return [json.loads(one.body.encode("latin-1"))["text"] for one in hook.heard()]


@dataclass
class Landing:
    """Jobs of the landing's own names, whose steps do what they are told."""

    instance: dg.DagsterInstance
    error: Exception | None = None
    check: dict[str, Any] = field(default_factory=dict)

    def run(self, days: tuple[date, date] = YOUNG, job: str = "land_zoom", **config: Any) -> str:
        """Its run's id."""

        @dg.multi_asset(
            name="zoom_meetings",
            specs=[dg.AssetSpec(["zoom", "meetings"])],
            check_specs=[dg.AssetCheckSpec("schema", asset=["zoom", "meetings"])],
            config_schema={"ask": dg.Field(bool, default_value=True)},
        )
        @tells_why
        def meetings(context: dg.AssetExecutionContext) -> Iterator[Any]:
            if self.error:
                raise self.error
            yield dg.MaterializeResult(asset_key=["zoom", "meetings"])
            yield dg.AssetCheckResult(passed=not self.check, severity=dg.AssetCheckSeverity.WARN, metadata=self.check)

        steps = dg.Definitions(assets=[meetings], jobs=[dg.define_asset_job(job)])
        result = steps.resolve_job_def(job).execute_in_process(
            instance=self.instance, tags=range_tags(*days), raise_on_error=False, run_config=config
        )
        return result.run_id

    def fails(self, error: Exception, days: tuple[date, date] = YOUNG) -> str:
        self.error = error
        return self.run(days)

    def goes_well(self, days: tuple[date, date] = YOUNG, **config: Any) -> str:
        self.error = None
        return self.run(days, **config)

    def finds(self, *fields: str, days: tuple[date, date] = YOUNG) -> str:
        self.error = None
        self.check = {"unknown_fields": list(fields), "rows_of_another_format": {}} if fields else {}
        return self.run(days)


@pytest.fixture
def landing(instance: dg.DagsterInstance) -> Landing:
    return Landing(instance)


def test_it_is_off_until_somebody_is_named(data: Path, instance: dg.DagsterInstance, landing: Landing) -> None:
    landing.fails(OutageError(DOWN))

    assert tick(instance).startswith("alerts are off: ATTENDANCE_ALERT_WEBHOOK, or ATTENDANCE_ALERT_EMAIL, ")
    assert alerts().default_status is dg.DefaultSensorStatus.RUNNING
    assert definitions().resolve_sensor_def("alerts").minimum_interval_seconds == 30  # type: ignore[attr-defined]


def test_an_instance_without_runs_is_quiet(on: HostileServer, instance: dg.DagsterInstance) -> None:
    assert tick(instance) == "messages sent: 0, troubles known: 0"
    assert on.heard() == []


def test_a_run_that_keeps_failing_is_one_message_and_another_after_it_went_well(
    on: HostileServer, instance: dg.DagsterInstance, landing: Landing
) -> None:
    first = landing.fails(OutageError(DOWN))
    assert tick(instance) == "messages sent: 1, troubles known: 1"
    for path in ("/users", "/report"):
        landing.fails(OutageError(DOWN.replace("/users", path)), LATER)
        landing.goes_well(OLD)
        landing.goes_well(LATER, ops={"zoom_meetings": {"config": {"ask": False}}})
        tick(instance)
    assert len(on.heard()) == 1
    landing.goes_well(LATER)
    assert tick(instance) == "messages sent: 0, troubles known: 0"
    again = landing.fails(OutageError(DOWN), LATER)
    tick(instance)

    assert texts(on) == [
        "zoom_meetings failed (job land_zoom, ended dates 2026-03-08 to 2026-03-10)\n"
        f"{DOWN}\nhttps://dagster.acme.test/runs/{first}",
        "zoom_meetings failed (job land_zoom, ended dates 2026-03-10 to 2026-03-12)\n"
        f"{DOWN}\nhttps://dagster.acme.test/runs/{again}",
    ]


def test_runs_that_fail_and_go_well_between_two_ticks_need_nobody(
    on: HostileServer, instance: dg.DagsterInstance, landing: Landing
) -> None:
    landing.fails(OutageError(DOWN))
    landing.goes_well()

    assert tick(instance) == "messages sent: 0, troubles known: 0"


def test_refused_credentials_are_told_as_such_and_not_as_a_failed_run_too(
    on: HostileServer, instance: dg.DagsterInstance, landing: Landing
) -> None:
    reason = "zoom refused the token; grant the scope report:read:admin"
    run = landing.fails(RefusedError(reason))
    tick(instance)
    # a rebuild from the archive proves nothing about credentials
    landing.goes_well(ops={"zoom_meetings": {"config": {"ask": False}}})
    landing.fails(RefusedError(reason))
    tick(instance)

    (text,) = texts(on)
    assert text.splitlines() == [
        "zoom refuses the credentials (job land_zoom, ended dates 2026-03-08 to 2026-03-10)",
        reason,
        f"https://dagster.acme.test/runs/{run}",
    ]


def test_a_format_that_stops_a_landing_is_told_once(
    on: HostileServer, instance: dg.DagsterInstance, landing: Landing
) -> None:
    for rows in (30, 40):
        landing.fails(SchemaDriftError(f"zoom/meetings: no row has the documented format ({rows} rows)"))
    tick(instance)

    (text,) = texts(on)
    assert text.startswith("zoom has changed its format (job land_zoom, ")
    assert "no row has the documented format (40 rows)" in text


def test_unknown_fields_are_told_once_and_again_when_others_join(
    on: HostileServer, instance: dg.DagsterInstance, landing: Landing
) -> None:
    landing.finds("mood")
    tick(instance)
    landing.finds("mood")
    landing.finds(days=OLD)
    tick(instance)
    landing.finds("mood", "temper", "Ana Ferreira <ana@acme.test>")
    tick(instance)
    landing.finds()
    assert tick(instance).endswith("troubles known: 0")

    first, second = texts(on)
    assert first.splitlines()[:2] == [
        "zoom has changed the format of meetings (job land_zoom, ended dates 2026-03-08 to 2026-03-10)",
        "fields that nobody knows: mood",
    ]
    assert "fields that nobody knows: mood, temper, …(28)" in second


def test_a_landing_that_landed_nothing_says_nothing_of_the_format(
    on: HostileServer, instance: dg.DagsterInstance, landing: Landing
) -> None:
    landing.check = {"other": 1}
    landing.goes_well()

    assert tick(instance).endswith("troubles known: 0")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError(f"{SECRET}: Ana"), "ValueError; the run tells the whole of it"),
        (
            DagsterDbtCliRuntimeError("ana@acme.test broke a test"),
            "dbt couldn't build or test the marts; the published file stays as it was",
        ),
        (dg.Failure("ana@acme.test broke it"), "Failure; the run tells the whole of it"),
        (UsageError("zoom is off: ZOOM_CLIENT_ID not set"), "zoom is off: ZOOM_CLIENT_ID not set"),
        (StorageError("x" * 5_000), "x" * 600 + "…"),
    ],
    ids=["a bug", "dbt", "another's failure", "ours", "a long line"],
)
def test_of_an_error_only_our_own_line_is_told(
    on: HostileServer, instance: dg.DagsterInstance, landing: Landing, error: Exception, line: str
) -> None:
    landing.fails(error)
    tick(instance)

    (text,) = texts(on)
    assert text.splitlines()[1] == line


def test_what_will_be_tried_again_and_what_was_canceled_are_no_failures(
    on: HostileServer, instance: dg.DagsterInstance, landing: Landing
) -> None:
    instance.add_run_tags(landing.fails(OutageError(DOWN)), {"dagster/will_retry": "true"})
    landing.error = None
    instance.report_run_canceled(instance.create_run_for_job(made_of_nothing()))

    assert tick(instance) == "messages sent: 0, troubles known: 0"


def test_a_failed_run_waits_until_dagster_has_noted_whether_it_will_be_tried_again(
    on: HostileServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = data / "retrying"
    home.mkdir()
    retries = {"run_retries": {"enabled": True, "max_retries": 0}}
    with dg.instance_for_test(temp_dir=str(home), overrides=retries) as instance:
        with pytest.MonkeyPatch.context() as unnoted:
            unnoted.setattr(type(instance), "add_run_tags", lambda *_: None)
            landing = Landing(instance)
            run = landing.fails(OutageError(DOWN))
        early = tick(instance)
        instance.add_run_tags(run, {"dagster/will_retry": "false"})
        noted = tick(instance)

    assert early == "messages sent: 0, troubles known: 0"
    assert noted == "messages sent: 1, troubles known: 1"


def test_runs_of_others_on_the_same_instance_are_theirs(on: HostileServer, instance: dg.DagsterInstance) -> None:
    ours, theirs = (RegisteredCodeLocationOrigin(name) for name in ("attendance_pipeline", "another"))
    found = []
    for origin in (theirs, ours):
        job = RemoteRepositoryOrigin(origin, "__repository__").get_job_origin("nothing")
        instance.report_run_failed(
            instance.create_run_for_job(made_of_nothing(), remote_job_origin=job, job_code_origin=job_origin())
        )
        with dg.build_sensor_context(instance=instance) as context:
            context._code_location_origin = ours
            found.append(alerts().evaluate_tick(context).skip_message)

    assert found == ["messages sent: 0, troubles known: 0", "messages sent: 1, troubles known: 1"]


def job_origin() -> JobPythonOrigin:
    code = CodePointer.from_python_file(__file__, "made_of_nothing", None)
    return JobPythonOrigin("nothing", RepositoryPythonOrigin(sys.executable, code))


def test_a_run_whose_process_was_killed_is_told_by_its_job(on: HostileServer, instance: dg.DagsterInstance) -> None:
    for _ in range(2):
        instance.report_run_failed(instance.create_run_for_job(made_of_nothing()), "its process was killed")
        tick(instance)
    made_of_nothing().execute_in_process(instance=instance)

    assert tick(instance).endswith("troubles known: 0")
    (text,) = texts(on)
    assert text.startswith("nothing failed\nits process was killed\n")


def test_a_failed_run_whose_records_cannot_be_read_is_told_all_the_same(
    on: HostileServer, instance: dg.DagsterInstance
) -> None:
    run = instance.create_run_for_job(made_of_nothing(), tags={RANGE_START: "soon", RANGE_END: "later"})
    instance.report_run_failed(run)

    assert tick(instance) == f"messages sent: 1, troubles known: 1; run {run.run_id} can't be read (ValueError)"
    assert texts(on) == [f"nothing failed\nits records can't be read\nhttps://dagster.acme.test/runs/{run.run_id}"]


def made_of_nothing() -> dg.JobDefinition:
    @dg.op
    def nothing_at_all() -> None:
        pass

    @dg.job
    def nothing() -> None:
        nothing_at_all()

    return nothing


def test_a_run_of_long_ago_is_no_news(
    on: HostileServer, instance: dg.DagsterInstance, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.fails(OutageError(DOWN))
    monkeypatch.setattr(
        "attendance_pipeline.defs.alerts.utc_now", lambda: datetime.now(UTC) + timedelta(days=1, minutes=1)
    )

    assert tick(instance) == "messages sent: 0, troubles known: 0"


def test_of_two_channels_one_that_is_down_is_told_later(
    on: HostileServer,
    instance: dg.DagsterInstance,
    landing: Landing,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    on.answers({"/services": said(500, {"error": SECRET})})
    landing.fails(OutageError(DOWN))
    with Mailbox() as box:
        monkeypatch.setenv("ATTENDANCE_ALERT_EMAIL", "ops@acme.test")
        monkeypatch.setenv("ATTENDANCE_SMTP_URL", f"smtp://127.0.0.1:{box.port}")
        down = [tick(instance), tick(instance)]
        on.answers({})
        up = [tick(instance), tick(instance)]

    why = "; the webhook answered 500; check ATTENDANCE_ALERT_WEBHOOK"
    assert down == [f"messages sent: 1, troubles known: 1{why}", f"messages sent: 0, troubles known: 1{why}"]
    assert up == ["messages sent: 1, troubles known: 1", "messages sent: 0, troubles known: 1"]
    assert len(on.heard()) == len(box.mails) == 1
    assert box.mails[0].get_content().splitlines() == texts(on)[0].splitlines()
    shown = "".join(capfd.readouterr())
    assert not re.search(f"{SECRET}|ops@acme", shown)


def test_half_set_up_mail_is_noted_beside_a_webhook(
    on: HostileServer, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTENDANCE_ALERT_EMAIL", "ops@acme.test")

    assert tick(instance) == "messages sent: 0, troubles known: 0; no mail: ATTENDANCE_SMTP_URL not set"


def test_what_soon_cannot_be_had_is_one_message_a_vendor_and_another_when_dates_join(
    on: HostileServer, instance: dg.DagsterInstance, data: Path
) -> None:
    soon, old = NOON + timedelta(days=3), TODAY - timedelta(days=80)
    webex, teams = gap("webex", old, soon, "I_1"), gap("teams", old, soon)
    for expiring in ([webex, teams], [webex], [webex, gap("webex", old + timedelta(days=1), soon)], []):
        (data / "attendance.duckdb").unlink(missing_ok=True)
        write_marts(data / "attendance.duckdb", expiring=expiring)
        tick(instance)

    told = texts(on)
    assert [text.splitlines()[0] for text in told] == [
        f"webex will soon forget what isn't held ({old})",
        f"teams will soon forget what isn't held ({old})",
        f"webex will soon forget what isn't held (2 dates from {old} to {old + timedelta(days=1)})",
    ]
    assert told[2].splitlines()[1:] == [
        f"1 whole day and 1 known meeting not held; the first can be had until {soon:%Y-%m-%d %H:%M} UTC. "
        "attendance-pipeline coverage names the runs that fetch them",
        "https://dagster.acme.test/assets/marts/coverage?view=checks",
    ]
    assert tick(instance).endswith("troubles known: 0")


def asked(data: Path, vendor: str, ended: date, at: datetime | None) -> None:
    row = {
        "status": "partial",
        "reason": None,
        "asked_at": at,
        "settled": False,
        "rows_quarantined": 0,
        "recoverable_until": at or datetime.now(UTC),
    }
    rows = pa.Table.from_pylist([row], days_table(vendor).schema)
    Lake(data / "lake").replace(vendor, DAYS, ended, rows, quarantine_table([]))


def test_a_vendor_that_is_no_longer_read_is_told_once(
    on: HostileServer, instance: dg.DagsterInstance, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    for vendor in ("zoom", "webex"):
        asked(data, vendor, TODAY - timedelta(days=1), now - timedelta(hours=7))
        asked(data, vendor, TODAY, None)
    off = tick(instance)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    ticks = [tick(instance), tick(instance)]
    asked(data, "zoom", TODAY, now - timedelta(hours=5))
    ticks.append(tick(instance))

    assert off == "messages sent: 0, troubles known: 0"
    assert ticks == [
        "messages sent: 1, troubles known: 1",
        "messages sent: 0, troubles known: 1",
        "messages sent: 0, troubles known: 0",
    ]
    assert texts(on)[0].splitlines() == [
        "zoom is no longer read",
        f"Its lists were read last at {now - timedelta(hours=7):%Y-%m-%d %H:%M} UTC, more than 6 hours ago; "
        "look at the schedule land_zoom_hourly and its runs",
        "https://dagster.acme.test/assets/zoom/days",
    ]


def test_what_cannot_be_looked_at_hides_nothing_else_and_ends_no_trouble(
    on: HostileServer,
    instance: dg.DagsterInstance,
    landing: Landing,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    asked(data, "zoom", TODAY, datetime.now(UTC) - timedelta(hours=7))
    tick(instance)
    Lake(data / "lake").file("zoom", DAYS, TODAY).write_bytes(b"not Parquet")
    (data / "attendance.duckdb").write_bytes(b"not DuckDB" * 1_000)
    landing.fails(OutageError(DOWN))

    said_now = tick(instance)

    assert said_now.startswith(
        "messages sent: 1, troubles known: 2; can't look at what soon can't be had: can't read "
    )
    assert "; can't look at when zoom was read: can't read " in said_now
    assert [text.split(" (")[0].splitlines()[0] for text in texts(on)] == [
        "zoom is no longer read",
        "zoom_meetings failed",
    ]


@pytest.mark.parametrize(
    ("fault", "titles", "word"),
    [
        ("token_endpoint_refuses", ["zoom refuses the credentials"], "ZOOM_CLIENT_SECRET"),
        ("new_format", ["zoom has changed its format"], "no row of "),
        (
            "new_field",
            ["zoom has changed the format of meetings", "zoom has changed the format of participants"],
            "fields that nobody knows: ",
        ),
    ],
)
def test_what_a_vendor_does_is_told_once_and_without_a_secret(
    on: HostileServer,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    titles: list[str],
    word: str,
) -> None:
    first, last = TODAY - timedelta(days=6), TODAY - timedelta(days=3)
    with Sandbox(size=FEW, mix={"zoom": 1}) as sandbox:
        for name, value in sandbox.settings.items():
            monkeypatch.setenv(name, value)
        job = definitions().resolve_job_def("land_zoom")
        sandbox.misbehave(fault, "zoom")
        job.execute_in_process(instance=instance, tags=range_tags(first, last), raise_on_error=False)
        tick(instance)
        secret = sandbox.settings["ZOOM_CLIENT_SECRET"]

    told = texts(on)
    assert sorted(text.split(" (job land_zoom, ")[0] for text in told) == titles
    assert [text for text in told if word not in text or secret in text] == []
