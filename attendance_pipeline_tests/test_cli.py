"""The console script as a user meets it: real runs through Dagster and dbt against the embedded vendors."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from attendance_pipeline.days import recoverable_until, settles_at
from attendance_pipeline.defs.headless import instance
from attendance_pipeline.http import session as session_module
from attendance_pipeline.sandbox import Sandbox, WebexOptions, ZoomOptions
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.windows import dates

from .console import DATES, FIRST, LAST, OURS, agree, attendance_requests, called, pointed_at, started
from .leftovers import Overheard, places

ZOOM = ("run", "--vendor", "zoom")
WEBEX = ("run", "--vendor", "webex")
TEAMS = ("run", "--vendor", "teams")


KINDS = {"meeting", "webinar", "town_hall", "live_event"}

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def overheard() -> Overheard:
    return Overheard()


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What the script printed."""
    return []


@pytest.fixture(scope="module")
def sandbox(overheard: Overheard) -> Iterator[Sandbox]:
    """Three vendors; in the dates that are run, Teams has every kind of meeting."""
    options: dict[str, Any] = {"zoom": ZoomOptions(plan="business"), "webex": WebexOptions(rate_limits=False)}
    shares = {"zoom": 1, "webex": 1, "teams": 2}
    organisations = (Sandbox(seed=seed, size="small", mix=shares, **options) for seed in range(200))
    with next(one for one in organisations if kinds_of_teams(one) == KINDS) as served:
        served.hook = overheard
        yield served


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def environment(sandbox: Sandbox, data: Path) -> dict[str, str]:
    return pointed_at(sandbox, data)


@pytest.fixture(scope="module")
def asked_before_kill(environment: dict[str, str], sandbox: Sandbox) -> set[str]:
    """What the very first run had asked about single meetings when it was killed, in the last vendor's attendance."""
    process = started(environment, "run", *DATES)
    while sum("/graph/" in request for request in attendance_requests(sandbox, 0)) < 8:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return set(attendance_requests(sandbox, 0))


@dataclass
class Run:
    """A run in a process of its own, and what was there once it had ended."""

    out: str
    err: str
    asked: list[str]
    """About single meetings."""
    tables: dict[str, bytes]
    marts: dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def run_without_zoom(
    environment: dict[str, str], asked_before_kill: set[str], sandbox: Sandbox, data: Path, told: list[str]
) -> Run:
    """The first run that came to its end: Zoom, which had landed before the kill, refuses the credentials."""
    asked = len(sandbox.requests)
    process = started(environment | {"ZOOM_CLIENT_SECRET": "wrong-zoom-secret"}, "run", *DATES)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 1, err
    told += [out, err]
    return Run(out, err, attendance_requests(sandbox, asked), tables(data), marts(data))


@pytest.fixture(scope="module")
def whole_run(
    environment: dict[str, str], run_without_zoom: Run, sandbox: Sandbox, data: Path, told: list[str]
) -> Run:
    """The same dates again, while a reader has the published file open."""
    asked, meetings = len(sandbox.requests), (len(run_without_zoom.marts["meetings"]),)
    process = started(environment, "run", *DATES, "--json")
    with duckdb.connect(str(data / "attendance.duckdb"), read_only=True) as reader:
        while process.poll() is None:
            assert reader.execute("select count(*) from marts.meetings").fetchone() == meetings
            time.sleep(0.2)
    out, err = process.communicate()
    assert process.returncode == 0, err
    told += [out, err]
    return Run(out, err, attendance_requests(sandbox, asked), tables(data), marts(data))


@pytest.fixture
def cli(
    whole_run: Run,
    environment: dict[str, str],
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Cli:
    """The script in this process, after the runs: exit code, standard output, standard error."""
    for name in list(os.environ):
        if name.startswith((*OURS, "DAGSTER_HOME")):
            monkeypatch.delenv(name)

    # Patience is tested elsewhere: here it would only be waited for. So it is with what a run that failed builds.
    monkeypatch.setattr(session_module, "ATTEMPTS", 2)
    monkeypatch.setenv("ATTENDANCE_WAREHOUSE", str(tmp_path / "never-published.duckdb"))

    def call(*arguments: str, **variables: str) -> tuple[int, str, str]:
        for name, value in (environment | variables).items():
            monkeypatch.setenv(name, value)
        code = called(*arguments)
        out, err = capsys.readouterr()
        told.extend([out, err])
        return code, out, err

    return call


def tables(data: Path) -> dict[str, bytes]:
    return {str(file.relative_to(data)): file.read_bytes() for file in sorted(data.glob("lake/tables/**/*.parquet"))}


def marts(data: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(data / "attendance.duckdb"), read_only=True) as published:
        names = [
            name
            for (name,) in published.execute(
                "select table_name from information_schema.tables where table_schema = 'marts' order by all"
            ).fetchall()
        ]
        return {name: published.execute(f'from marts."{name}" order by all').fetchall() for name in names}


def one_line(err: str) -> str:
    """The error that a user reads: the last line, and the only one that begins with the script's name."""
    lines = err.strip().splitlines()
    assert "Traceback" not in err
    assert [line for line in lines if line.startswith("attendance-pipeline: ")] == lines[-1:]
    return lines[-1]


def test_published_numbers_equal_the_truth_to_the_second(whole_run: Run, sandbox: Sandbox, data: Path) -> None:
    agree(data, sandbox.truth(FIRST, LAST))
    assert kinds_of_teams(sandbox) == KINDS


def test_a_killed_run_goes_on_where_it_stopped(
    whole_run: Run, asked_before_kill: set[str], sandbox: Sandbox, data: Path
) -> None:
    """Nothing is lost, which the other tests say; nothing is doubled; little is asked for again."""
    asked = Counter(attendance_requests(sandbox, 0))
    repeated = {request for request in asked_before_kill if asked[request] > 1}

    assert len(repeated) <= 20
    assert [request for request in repeated if "/graph/" not in request] == []
    with duckdb.connect(str(data / "attendance.duckdb"), read_only=True) as published:
        doubled = published.execute(
            "select count(*) - count(distinct interval_key) from marts.attendance_intervals"
        ).fetchone()
    assert doubled == (0,)


def kinds_of_teams(sandbox: Sandbox) -> set[str]:
    return {meeting.kind for meeting in sandbox.truth(FIRST, LAST).meetings if meeting.vendor == "teams"}


def test_the_summary_is_the_marts(whole_run: Run) -> None:
    report, rows = json.loads(whole_run.out), whole_run.marts
    vendors = report["summary"]["vendors"]

    assert [vendor["vendor"] for vendor in vendors] == ["teams", "webex", "zoom"]
    assert sum(vendor["meetings"] for vendor in vendors) == len(rows["meetings"])
    assert sum(vendor["attendees"] for vendor in vendors) == len(rows["attendees"])
    assert report["rows_quarantined"] == 0
    assert report["failures"] == {}


def test_a_person_seen_at_several_vendors_is_one(whole_run: Run, sandbox: Sandbox, data: Path) -> None:
    truth = sandbox.truth(FIRST, LAST)
    vendor_of = {meeting.vendor_meeting_id: meeting.vendor for meeting in truth.meetings}
    seen: dict[str, set[str]] = {}
    for attendee in truth.attendees:
        if attendee.email:
            seen.setdefault(attendee.email, set()).add(vendor_of[attendee.vendor_meeting_id])
    with duckdb.connect(str(data / "attendance.duckdb"), read_only=True) as published:
        people = published.execute("select email, vendors from marts.people where email is not null").fetchall()

    assert sorted(people) == sorted((email, ",".join(sorted(vendors))) for email, vendors in seen.items())
    assert sum(vendors == "teams,webex,zoom" for _, vendors in people) > 3


def test_coverage_has_every_meeting_complete_and_settled(whole_run: Run, sandbox: Sandbox, data: Path) -> None:
    with duckdb.connect(str(data / "attendance.duckdb"), read_only=True) as published:
        counted = published.execute(
            "select count(*), count(distinct meeting_key), count(*) filter (where settled and status = 'complete'"
            " and held_count >= coalesce(vendor_count, 1) and recoverable_until > now()::timestamp)"
            " from marts.coverage semi join marts.meetings using (meeting_key)"
        ).fetchone()
        without_report = published.execute(
            "select vendor, status, reason from marts.coverage anti join marts.meetings using (meeting_key)"
            " group by all order by all"
        ).fetchall()

    meetings = len(sandbox.truth(FIRST, LAST).meetings)
    assert counted == (meetings, meetings, meetings)
    assert without_report == [
        ("teams", "blocked", "an ad-hoc call without a join URL, of which Graph makes no attendance report"),
        ("teams", "denied", "organized by somebody of another tenant"),
    ]


def test_the_calendar_and_the_checks_tell_what_was_run_and_what_never_was(
    cli: Cli, sandbox: Sandbox, data: Path
) -> None:
    """A day that was run is held whole; the others since the start date were never asked about."""
    _, out, _ = cli("coverage", "--json", *DATES, ATTENDANCE_WAREHOUSE=str(data / "attendance.duckdb"))
    told = json.loads(out)
    with instance(Settings.load()) as on:
        keys = {name: dg.AssetCheckKey(dg.AssetKey(["marts", "coverage"]), name) for name in ("coverage", "expiring")}
        found = on.event_log_storage.get_latest_asset_check_execution_by_key(list(keys.values()))
        checked = {name: found[key].event.dagster_event.asset_check_evaluation_data for name, key in keys.items()}

    held = Counter((meeting.vendor, str(meeting.ended_at.date())) for meeting in sandbox.truth(FIRST, LAST).meetings)
    shown = {(vendor["vendor"], day["ended_date"]): day for vendor in told["vendors"] for day in vendor["days"]}
    assert len(shown) == len(VENDORS) * len(dates(FIRST, LAST))
    assert {key: day["meetings"]["held"] for key, day in shown.items() if "held" in day["meetings"]} == held
    assert {day["mark"] for day in shown.values()} <= {"complete", "empty"}
    now = datetime.now(UTC)
    never = {day for day in dates(date(2026, 1, 1), now.date()) if not FIRST <= day <= LAST}
    for vendor in VENDORS.values():
        gaps = {
            name: {date.fromisoformat(gap["ended_date"]) for gap in told[name] if gap["vendor"] == vendor.name}
            for name in ("missing", "expiring", "lost")
        }
        until = {day: recoverable_until(day, vendor.timing) for day in never}
        reached = {day for day in never if until[day] > now}
        assert gaps["lost"] == never - reached
        assert gaps["missing"] == {day for day in reached if settles_at(day, vendor.timing) <= now}
        assert gaps["expiring"] == {day for day in reached if until[day] <= now + timedelta(days=7)}
    assert {name: evaluation.passed for name, evaluation in checked.items()} == {
        "coverage": not told["missing"],
        "expiring": not told["expiring"],
    }
    assert checked["coverage"].metadata["dates_missing"].value == len(told["missing"]) > 0


def test_the_marts_and_the_metrics_are_a_page_to_read(cli: Cli, data: Path) -> None:
    code, out, err = cli("docs")

    assert (code, out) == (0, f"{data / 'docs' / 'index.html'}\n"), err
    page = Path(out.strip()).read_text()
    assert '"name": "attendance_ratio"' in page
    assert '"name": "active_attendees"' in page
    assert not any(meeting[0] in page for meeting in marts(data)["meetings"])


def test_a_vendor_that_fails_keeps_nothing_from_the_others(run_without_zoom: Run, whole_run: Run) -> None:
    assert "refused the credentials" in one_line(run_without_zoom.err)
    assert "webex" in run_without_zoom.out
    assert any("/graph/" in request for request in run_without_zoom.asked)
    assert run_without_zoom.marts == whole_run.marts


def test_a_second_run_asks_for_no_meeting_again_and_changes_no_byte(run_without_zoom: Run, whole_run: Run) -> None:
    assert "Traceback" not in whole_run.err
    assert whole_run.asked == []
    assert whole_run.tables == run_without_zoom.tables
    assert whole_run.marts == run_without_zoom.marts


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "words"),
    [
        (
            (*ZOOM, *DATES),
            {"ZOOM_CLIENT_SECRET": "wrong-zoom-secret"},
            1,
            ("refused the credentials", "ZOOM_CLIENT_SECRET"),
        ),
        (
            ("run", *DATES),
            {"ZOOM_CLIENT_SECRET": "", "WEBEX_REFRESH_TOKEN": "", "TEAMS_CLIENT_SECRET": ""},
            2,
            (
                "no vendor is on",
                "zoom needs ZOOM_CLIENT_SECRET;",
                "teams needs TEAMS_CLIENT_SECRET, or TEAMS_CLIENT_C",
            ),
        ),
        (("run", *DATES, "--vendor", "zoom"), {"ZOOM_CLIENT_ID": ""}, 2, ("zoom is off", "ZOOM_CLIENT_ID")),
        (
            (*WEBEX, *DATES),
            {"WEBEX_REFRESH_TOKEN": ""},
            2,
            ("webex is off: set WEBEX_REFRESH_TOKEN in",),
        ),
        ((*WEBEX, *DATES), {"WEBEX_SITE_URLS": "acme"}, 2, ("WEBEX_SITE_URLS", "host names")),
        ((*WEBEX, *DATES), {"WEBEX_SITE_URLS": "other.webex.com"}, 1, ("other.webex.com", "check WEBEX_SITE_URLS")),
        (
            (*WEBEX, *DATES),
            {"WEBEX_REFRESH_TOKEN": "dead-webex-token"},
            1,
            ("refresh token is dead", "gets a new one"),
        ),
        (
            (*WEBEX, *DATES),
            {"WEBEX_REFRESH_TOKEN": "", "WEBEX_ACCESS_TOKEN": "old-webex-token"},
            1,
            ("12 hours", "WEBEX_ACCESS_TOKEN"),
        ),
        (
            (*TEAMS, *DATES),
            {"TEAMS_CLIENT_SECRET": "wrong-teams-secret"},
            1,
            ("AADSTS7000215", "copy a secret's value"),
        ),
        ((*TEAMS, *DATES), {"TEAMS_ROUTES": "telepathy"}, 2, ("TEAMS_ROUTES", "call_records")),
        ((*TEAMS, *DATES), {"TEAMS_CLIENT_CERTIFICATE": "none.pem"}, 2, ("none.pem", "can't be read")),
        ((*ZOOM, *DATES), {"ZOOM_API_URL": "http://127.0.0.1:9/v2"}, 1, ("can't be reached at 127.0.0.1",)),
        (("run", *DATES), {"ZOOM_API_URL": "zoom.us"}, 2, ("ZOOM_API_URL", "https://")),
        (("run", *DATES), {"ATTENDANCE_ALIASES": "no.csv"}, 2, ("ATTENDANCE_ALIASES", "no.csv", "correct the path")),
        (("run", *DATES), {"ZOOM_PLAN": "gold"}, 2, ("ZOOM_PLAN", "'pro' or 'business'")),
        (("run", "--from", "2026-02-02", "--to", "2026-02-01"), {}, 2, ("2026-02-02 lies after", "swap")),
        (("run", "--from", "2026-02-02", "--to", "2199-02-01"), {}, 2, ("2199-02-01 lies in the future",)),
        (("run", "--from", "yesterday", "--to", "2026-02-01"), {}, 2, ("'yesterday'",)),
        (("run", "--from", "2025-12-31", "--to", "2026-02-01"), {}, 2, ("ATTENDANCE_START_DATE",)),
        (("run", *DATES, "--vendor", "skype"), {}, 2, ("skype",)),
        (("run",), {}, 2, ("--from",)),
        (("walk",), {}, 2, ("walk", "--help")),
        (("sandbox", "--size", "huge"), {}, 2, ("huge", "small")),
        (("demo",), {}, 2, ("data of a real account", "ATTENDANCE_DATA")),
    ],
)
def test_what_cannot_work_is_one_line_that_tells_the_way_out(
    cli: Cli, data: Path, arguments: tuple[str, ...], variables: dict[str, str], code: int, words: tuple[str, ...]
) -> None:
    before, published = tables(data), (data / "attendance.duckdb").stat()

    ended, _, err = cli(*arguments, **variables)

    message = one_line(err)
    assert ended == code
    assert [word for word in words if word not in message] == []
    assert tables(data) == before
    assert (data / "attendance.duckdb").stat().st_ino == published.st_ino


@pytest.mark.parametrize(("vendor", "days"), [("zoom", 180), ("webex", 90), ("teams", 365)])
def test_dates_beyond_the_reach_name_the_reach(cli: Cli, vendor: str, days: int) -> None:
    old = str(datetime.now(UTC).date() - timedelta(days=days + 1))

    code, _, err = cli("run", "--from", old, "--to", old, "--vendor", vendor, ATTENDANCE_START_DATE="2020-01-01")

    assert code == 2
    assert f"beyond {vendor}'s reach of {days} days" in one_line(err)


def test_a_missing_scope_of_webex_is_named_with_the_role_that_grants_it(cli: Cli, sandbox: Sandbox) -> None:
    granted = sandbox.webex.options.scopes
    sandbox.webex.options.scopes = tuple(scope for scope in granted if "config" not in scope)
    try:
        code, _, err = cli(*WEBEX, *DATES)
        checked, out, _ = cli("doctor")
    finally:
        sandbox.webex.options.scopes = granted

    assert code == 1
    assert "needs the scope meeting:admin_config_read, granted by somebody with the role Site admin" in one_line(err)
    assert checked == 1
    assert out.count("MISSING") == 4


def test_a_missing_permission_of_teams_is_named_and_doctor_tells_how_to_grant_access(
    cli: Cli, sandbox: Sandbox
) -> None:
    options = sandbox.teams.options
    granted, policy = options.roles, options.without_policy
    options.roles = tuple(role for role in granted if role != "CallRecords.Read.All")
    sandbox.teams.access.revoke_all()
    try:
        code, _, err = cli(*TEAMS, *DATES)
        checked, out, _ = cli("doctor")
        options.roles, options.without_policy = granted, lambda organizer: True
        sandbox.teams.access.revoke_all()
        _, uncovered, _ = cli("doctor")
    finally:
        options.roles, options.without_policy = granted, policy
        sandbox.teams.access.revoke_all()

    assert code == 1
    assert "needs the application permission CallRecords.Read.All" in one_line(err)
    assert checked == 1
    assert out.count("MISSING") == 1
    assert "Grant-CsApplicationAccessPolicy" in uncovered


def test_a_missing_scope_is_named(cli: Cli, sandbox: Sandbox) -> None:
    granted = sandbox.zoom.options.scopes
    sandbox.zoom.options.scopes = tuple(scope for scope in granted if "report" not in scope)
    sandbox.zoom.access.revoke_all()
    try:
        code, _, err = cli(*ZOOM, *DATES)
        checked, out, _ = cli("doctor")
    finally:
        sandbox.zoom.options.scopes = granted
        sandbox.zoom.access.revoke_all()

    assert code == 1
    assert "lacks the scope report:read:list_users:admin" in one_line(err)
    assert checked == 1
    assert "MISSING" in out
    assert "report:read:list_meeting_participants:admin" in out


def test_doctor_finds_nothing_missing(cli: Cli) -> None:
    code, out, _ = cli("doctor")

    assert code == 0
    assert "MISSING" not in out
    assert "six months" in out or "lists go back" in out


def test_a_damaged_partition_is_named_and_the_published_file_stays(cli: Cli, data: Path, tmp_path: Path) -> None:
    victim = sorted(data.glob("lake/tables/zoom/participants/*/data.parquet"))[0]
    whole, inode = victim.read_bytes(), (data / "attendance.duckdb").stat().st_ino
    victim.write_bytes(whole[: len(whole) // 2])
    try:
        code, _, err = cli(*ZOOM, "--from", LAST.isoformat(), "--to", LAST.isoformat())
    finally:
        victim.write_bytes(whole)

    message = one_line(err)
    assert code == 1
    assert str(victim) in message
    assert f"run {FIRST} again" in message
    assert (data / "attendance.duckdb").stat().st_ino == inode


def test_a_damaged_archive_is_named_and_nothing_is_replaced(cli: Cli, data: Path) -> None:
    # Zoom needn't have held a meeting on the last date of all
    victim = max(data.glob("lake/archive/zoom/attendance/ended_date=*/documents.parquet"))
    day = victim.parent.name.removeprefix("ended_date=")
    whole, before = victim.read_bytes(), tables(data)
    victim.write_bytes(b"not parquet")
    try:
        code, _, err = cli(*ZOOM, "--from", day, "--to", day)
    finally:
        victim.write_bytes(whole)

    assert code == 1
    assert str(victim) in one_line(err)
    assert tables(data) == before


def test_a_run_at_the_same_time_is_refused_by_name(cli: Cli, data: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from attendance_pipeline.files import alone\n"
            "with alone(Path(sys.argv[1]), 'another attendance-pipeline run'):\n"
            "    print('held', flush=True); time.sleep(60)",
            str(data / "locks" / "run.lock"),
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        code, _, err = cli("run", *DATES)
    finally:
        holder.kill()
        holder.communicate()

    assert code == 1
    assert f"another attendance-pipeline run is at work on {data} (process {holder.pid})" in one_line(err)


def test_a_folder_that_cannot_be_made_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    code, _, err = cli("run", *DATES, ATTENDANCE_DATA=str(tmp_path / "file" / "data"))

    assert code == 1
    assert f"can't write {tmp_path}/file/data" in one_line(err)


@pytest.mark.parametrize(
    "real",
    [
        {"ZOOM_API_URL": "https://api.zoom.us/v2"},
        {"WEBEX_API_URL": "https://webexapis.com/v1"},
        {"TEAMS_GRAPH_URL": "https://graph.microsoft.com"},
    ],
    ids=["zoom", "webex", "teams"],
)
def test_real_meetings_never_join_the_demos(cli: Cli, data: Path, real: dict[str, str]) -> None:
    mark = data / "holds-demo-data"
    mark.touch()
    try:
        code, _, err = cli("run", *DATES, **real)
    finally:
        mark.unlink()

    assert code == 2
    assert "invented meetings" in one_line(err)


def test_help_names_every_command(cli: Cli) -> None:
    code, out, _ = cli("--help")

    assert code == 0
    assert [name for name in ("demo", "run", "doctor", "sandbox") if f"  {name}" not in out] == []


# said of dagster-dbt's own code
@pytest.mark.filterwarnings("ignore:AssetExecutionContext.op is deprecated:DeprecationWarning")
def test_an_outage_of_every_vendor_is_told_of_in_what_was_published(cli: Cli, data: Path) -> None:
    day, published = FIRST - timedelta(days=1), data / "attendance.duckdb"
    before = marts(data)

    code, _, err = cli(
        *ZOOM,
        *("--from", day.isoformat(), "--to", day.isoformat()),
        ZOOM_API_URL="http://127.0.0.1:1/v2",
        ATTENDANCE_WAREHOUSE=str(published),
        # with another variable every model is built anew
        ATTENDANCE_OWN_DOMAINS="elsewhere.example",
    )

    assert code == 1
    assert "zoom can't be reached" in err
    with duckdb.connect(str(published), read_only=True) as reader:
        told = reader.execute(
            "select status, reason from marts.coverage_days where vendor = 'zoom' and ended_date = ?", [day]
        ).fetchall()
        outside = reader.execute(
            "select count(*) filter (where is_external) from marts.attendees where email is not null"
        ).fetchone()
        addresses = reader.execute("select count(email) from marts.attendees").fetchone()
    assert told == [("not_ready", "outage without an answer")]
    assert outside == addresses
    assert marts(data)["meetings"] == before["meetings"]


def test_no_run_shows_or_leaves_what_proves_who_we_are(
    cli: Cli, sandbox: Sandbox, overheard: Overheard, told: list[str], data: Path
) -> None:
    """Nor does one that is refused. The newest refresh token is kept, in a file of its own."""
    wrong = {"ZOOM_CLIENT_SECRET": "wrong-zoom-secret", "TEAMS_CLIENT_SECRET": "wrong-teams-secret"}
    assert cli("run", *DATES, WEBEX_REFRESH_TOKEN="", WEBEX_ACCESS_TOKEN="wrong-webex-token", **wrong)[0] == 1

    settings = {value for name, value in sandbox.settings.items() if name.endswith(("_SECRET", "_TOKEN"))}
    known = settings | {"wrong-webex-token", "Bearer ", '"access_token"', *wrong.values()}
    words = overheard.secrets | overheard.refresh_tokens | known
    assert len(settings) == 4
    assert len(overheard.secrets) > 10
    kept = {("state/webex-refresh-token.json", token) for token in overheard.refresh_tokens}
    assert places(data, words) - kept == set()
    assert [word for word in words if any(word in text for text in told)] == []


def test_what_runs_leave_is_shut_to_others(whole_run: Run, data: Path) -> None:
    """Dagster's own files lie in a folder that is."""
    modes = {path.relative_to(data): stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*")}

    ours = {path: mode for path, mode in modes.items() if path.parts[0] != "dagster" or len(path.parts) == 1}
    assert len(ours) > 50
    assert [path for path, mode in ours.items() if mode & 0o007] == []
    assert modes[Path("attendance.duckdb")] == 0o440
    assert {mode for path, mode in modes.items() if path.suffix == ".parquet"} == {0o640}
    assert modes[Path("state")] == 0o700
    assert {mode for path, mode in modes.items() if path.parent == Path("state")} == {0o600}
