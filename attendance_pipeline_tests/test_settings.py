from datetime import date
from pathlib import Path

import pytest

from attendance_pipeline.errors import UsageError
from attendance_pipeline.settings import (
    PROJECT,
    TEAMS_CREDENTIALS,
    TEAMS_ROUTES,
    WEBEX_CREDENTIALS,
    ZOOM_CREDENTIALS,
    Settings,
)

VARIABLES = [name.upper() for name in Settings.model_fields]
SECRET = "made-up-client-secret"
NO_WEBEX = "WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET, WEBEX_REFRESH_TOKEN, or WEBEX_ACCESS_TOKEN"

NO_TEAMS = (
    "TEAMS_TENANT_ID, TEAMS_CLIENT_ID, TEAMS_CLIENT_SECRET, or TEAMS_TENANT_ID, TEAMS_CLIENT_ID, "
    "TEAMS_CLIENT_CERTIFICATE"
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, without a `.env`, and no variable of ours set."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return tmp_path


def test_without_a_variable_the_defaults_hold() -> None:
    settings = Settings.load()

    assert settings.zoom_api_url == "https://api.zoom.us/v2"
    assert settings.zoom_token_url == "https://zoom.us/oauth/token"
    assert settings.zoom_plan == "pro"
    assert settings.webex_api_url == "https://webexapis.com/v1"
    assert settings.webex_sites == []
    assert settings.teams_graph_url == "https://graph.microsoft.com"
    assert settings.teams_login_url == "https://login.microsoftonline.com"
    assert settings.teams_route_names == TEAMS_ROUTES
    assert settings.teams_download_recordings is False
    assert settings.attendance_start_date == date(2026, 1, 1)
    assert settings.data == PROJECT / "data"
    assert settings.lake == PROJECT / "data" / "lake"
    assert settings.warehouse == PROJECT / "data" / "attendance.duckdb"
    assert settings.build == PROJECT / "data" / "build.duckdb"
    assert (settings.attendance_aliases, settings.attendance_roster) == (None, None)
    assert settings.dbt_vars == {}
    assert settings.missing(ZOOM_CREDENTIALS) == "ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET"
    assert settings.missing(WEBEX_CREDENTIALS) == NO_WEBEX
    assert settings.missing(TEAMS_CREDENTIALS) == NO_TEAMS


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = {
        "ZOOM_ACCOUNT_ID": "account",
        "ZOOM_CLIENT_ID": "client",
        "ZOOM_CLIENT_SECRET": SECRET,
        "ZOOM_API_URL": "http://127.0.0.1:8123/zoom/v2",
        "ZOOM_TOKEN_URL": "http://127.0.0.1:8123/zoom/oauth/token",
        "ZOOM_PLAN": "business",
        "ZOOM_DAILY_LIMIT": "90000",
        "WEBEX_CLIENT_ID": "integration",
        "WEBEX_CLIENT_SECRET": f"webex-{SECRET}",
        "WEBEX_REFRESH_TOKEN": "made-up-refresh-token",
        "WEBEX_ACCESS_TOKEN": "made-up-access-token",
        "WEBEX_SITE_URLS": "acme.webex.com,acme-events.webex.com",
        "WEBEX_API_URL": "http://127.0.0.1:8123/webex/v1",
        "WEBEX_DAILY_LIMIT": "50000",
        "TEAMS_TENANT_ID": "contoso.onmicrosoft.com",
        "TEAMS_CLIENT_ID": "application",
        "TEAMS_CLIENT_SECRET": f"teams-{SECRET}",
        "TEAMS_CLIENT_CERTIFICATE": "~/app.pem",
        "TEAMS_ROUTES": "webinars, Call_Records,webinars",
        "TEAMS_DOWNLOAD_RECORDINGS": "true",
        "TEAMS_GRAPH_URL": "http://127.0.0.1:8123/graph/",
        "TEAMS_LOGIN_URL": "http://127.0.0.1:8123/login",
        "TEAMS_DAILY_LIMIT": "40000",
        "ATTENDANCE_DATA": str(tmp_path / "data"),
        "ATTENDANCE_LAKE": str(tmp_path / "elsewhere"),
        "ATTENDANCE_WAREHOUSE": str(tmp_path / "public.duckdb"),
        "ATTENDANCE_START_DATE": "2025-11-30",
        "ATTENDANCE_BUILD_MEMORY": "2GB",
        "ATTENDANCE_QUOTA_RESERVE": "25",
        "ATTENDANCE_HOURLY_CRON": "*/15  6-20 * * 1-5",
        "ATTENDANCE_RUN_RETENTION_DAYS": "90",
        "ATTENDANCE_ALIASES": "~/aliases.csv",
        "ATTENDANCE_ROSTER": "roster.csv",
        "ATTENDANCE_TIME_ZONE": "Europe/Berlin",
        "ATTENDANCE_OWN_DOMAINS": "Acme.example, @acme-labs.example,,acme.example",
        "ATTENDANCE_GRACE_SECONDS": "0",
    }
    assert set(VARIABLES) <= set(values), "a setting that this test doesn't know"
    for name, value in values.items():
        monkeypatch.setenv(name, value)

    settings = Settings.load()

    assert (settings.zoom_account_id, settings.zoom_client_id) == ("account", "client")
    assert settings.zoom_client_secret is not None
    assert settings.zoom_client_secret.get_secret_value() == SECRET
    assert (settings.zoom_daily_limit, settings.webex_daily_limit, settings.teams_daily_limit) == (
        90_000,
        50_000,
        40_000,
    )
    assert settings.attendance_quota_reserve == 25
    assert settings.attendance_hourly_cron == "*/15 6-20 * * 1-5"
    assert settings.attendance_run_retention_days == 90
    assert settings.zoom_api_url == "http://127.0.0.1:8123/zoom/v2"
    assert settings.zoom_token_url == "http://127.0.0.1:8123/zoom/oauth/token"
    assert settings.zoom_plan == "business"
    assert settings.webex_client_id == "integration"
    secrets = (settings.webex_client_secret, settings.webex_refresh_token, settings.webex_access_token)
    assert [secret and secret.get_secret_value() for secret in secrets] == [
        f"webex-{SECRET}",
        "made-up-refresh-token",
        "made-up-access-token",
    ]
    assert settings.webex_sites == ["acme.webex.com", "acme-events.webex.com"]
    assert settings.webex_api_url == "http://127.0.0.1:8123/webex/v1"
    assert (settings.teams_tenant_id, settings.teams_client_id) == ("contoso.onmicrosoft.com", "application")
    assert settings.teams_client_secret is not None
    assert settings.teams_client_secret.get_secret_value() == f"teams-{SECRET}"
    assert settings.teams_client_certificate == Path.home() / "app.pem"
    assert settings.teams_route_names == ("webinars", "call_records")
    assert settings.teams_download_recordings is True
    assert settings.teams_graph_url == "http://127.0.0.1:8123/graph"
    assert settings.teams_login_url == "http://127.0.0.1:8123/login"
    assert settings.data == tmp_path / "data"
    assert settings.lake == tmp_path / "elsewhere"
    assert settings.warehouse == tmp_path / "public.duckdb"
    assert settings.build == tmp_path / "data" / "build.duckdb"
    assert settings.attendance_start_date == date(2025, 11, 30)
    assert settings.attendance_build_memory == "2GB"
    assert settings.attendance_aliases == Path.home() / "aliases.csv"
    assert settings.attendance_roster == Path("roster.csv")
    assert settings.dbt_vars == {
        "time_zone": "Europe/Berlin",
        "own_domains": ["acme.example", "acme-labs.example"],
        "grace_seconds": 0,
    }
    assert settings.missing(ZOOM_CREDENTIALS) == ""
    assert settings.missing(WEBEX_CREDENTIALS) == ""
    assert settings.missing(TEAMS_CREDENTIALS) == ""


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    defaults = Settings.load()
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    (here / ".env").write_text("".join(f"{name}=\n" for name in VARIABLES))

    assert Settings.load() == defaults
    assert Settings.load().missing(ZOOM_CREDENTIALS) == "ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET"
    assert Settings.load().missing(WEBEX_CREDENTIALS) == NO_WEBEX


def test_dotenv_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    (here / ".env").write_text(
        "# credentials\nZOOM_ACCOUNT_ID='from the file'\nZOOM_PLAN=business\nSOMETHING_ELSE=1\nZOOM_CLIENT_ID=\n"
    )
    monkeypatch.setenv("ZOOM_PLAN", "pro")

    settings = Settings.load()

    assert (settings.zoom_account_id, settings.zoom_plan, settings.zoom_client_id) == ("from the file", "pro", None)


def test_only_the_missing_variables_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOM_CLIENT_ID", "client")

    assert Settings.load().missing(ZOOM_CREDENTIALS) == "ZOOM_ACCOUNT_ID, ZOOM_CLIENT_SECRET"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ([], NO_WEBEX),
        (["WEBEX_CLIENT_ID"], "WEBEX_CLIENT_SECRET, WEBEX_REFRESH_TOKEN"),
        (["WEBEX_CLIENT_SECRET", "WEBEX_REFRESH_TOKEN"], "WEBEX_CLIENT_ID"),
        (["WEBEX_ACCESS_TOKEN"], ""),
        (["WEBEX_ACCESS_TOKEN", "WEBEX_CLIENT_ID"], ""),
        (["WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_REFRESH_TOKEN"], ""),
        # says which sites, but not who asks
        (["WEBEX_SITE_URLS"], NO_WEBEX),
    ],
)
def test_of_several_ways_to_turn_a_vendor_on_only_the_one_begun_is_told_to_be_finished(
    monkeypatch: pytest.MonkeyPatch, given: list[str], missing: str
) -> None:
    for name in given:
        monkeypatch.setenv(name, "acme.webex.com")

    assert Settings.load().missing(WEBEX_CREDENTIALS) == missing


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ([], NO_TEAMS),
        (["TEAMS_CLIENT_SECRET"], "TEAMS_TENANT_ID, TEAMS_CLIENT_ID"),
        (["TEAMS_CLIENT_CERTIFICATE"], "TEAMS_TENANT_ID, TEAMS_CLIENT_ID"),
        (["TEAMS_TENANT_ID", "TEAMS_CLIENT_ID"], "TEAMS_CLIENT_SECRET, or TEAMS_CLIENT_CERTIFICATE"),
        (["TEAMS_TENANT_ID", "TEAMS_CLIENT_ID", "TEAMS_CLIENT_SECRET"], ""),
        (["TEAMS_TENANT_ID", "TEAMS_CLIENT_ID", "TEAMS_CLIENT_CERTIFICATE"], ""),
        (["TEAMS_ROUTES", "TEAMS_DOWNLOAD_RECORDINGS"], NO_TEAMS),
    ],
)
def test_teams_is_on_with_a_secret_or_a_certificate(
    monkeypatch: pytest.MonkeyPatch, given: list[str], missing: str
) -> None:
    values = {"TEAMS_ROUTES": "webinars", "TEAMS_DOWNLOAD_RECORDINGS": "1"}
    for name in given:
        monkeypatch.setenv(name, values.get(name, "acme.example"))

    assert Settings.load().missing(TEAMS_CREDENTIALS) == missing


@pytest.mark.parametrize(
    "tenant", ["11111111-2222-3333-4444-55555555aBcD", "contoso.onmicrosoft.com", "Contoso-1.example"]
)
def test_a_tenant_is_an_id_or_a_domain_name(monkeypatch: pytest.MonkeyPatch, tenant: str) -> None:
    monkeypatch.setenv("TEAMS_TENANT_ID", tenant)

    assert Settings.load().teams_tenant_id == tenant


def test_ways_that_were_both_begun_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBEX_CLIENT_ID", "integration")
    monkeypatch.setenv("ZOOM_CLIENT_ID", "client")

    missing = Settings.load().missing([*WEBEX_CREDENTIALS, *ZOOM_CREDENTIALS])

    assert missing == "WEBEX_CLIENT_SECRET, WEBEX_REFRESH_TOKEN, or ZOOM_ACCOUNT_ID, ZOOM_CLIENT_SECRET"


@pytest.mark.parametrize(
    ("value", "sites"),
    [
        ("acme.webex.com", ["acme.webex.com"]),
        (" ACME.webex.com , https://acme-events.webex.com/ ,,", ["acme.webex.com", "acme-events.webex.com"]),
        ("b.webex.com,a.webex.com,b.webex.com", ["b.webex.com", "a.webex.com"]),
        (" , ", []),
    ],
)
def test_sites_are_host_names_however_they_are_spaced_and_each_once(
    monkeypatch: pytest.MonkeyPatch, value: str, sites: list[str]
) -> None:
    monkeypatch.setenv("WEBEX_SITE_URLS", value)

    assert Settings.load().webex_sites == sites


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ZOOM_PLAN", "enterprise-plan"),
        ("ZOOM_PLAN", "PRO-fessional"),
        ("ZOOM_API_URL", "api.zoom.example/v2"),
        ("ZOOM_API_URL", "ftp://api.zoom.example"),
        ("ZOOM_API_URL", "https://"),
        ("ZOOM_API_URL", "https://api.zoom.example:port/v2"),
        ("ZOOM_TOKEN_URL", "zoom.example/oauth/token"),
        ("ZOOM_TOKEN_URL", "http:///oauth/token"),
        ("WEBEX_API_URL", "webexapis.example/v1"),
        ("WEBEX_SITE_URLS", "acme"),
        ("WEBEX_SITE_URLS", "acme.webex.com/sites"),
        ("WEBEX_SITE_URLS", "acme.webex.com;events.webex.com"),
        ("WEBEX_SITE_URLS", "acme.webex.com,http://events.webex.com"),
        ("WEBEX_SITE_URLS", "acme.webex.com&siteUrl=other.webex.com"),
        ("TEAMS_TENANT_ID", "contoso"),
        ("TEAMS_TENANT_ID", "common"),
        ("TEAMS_TENANT_ID", "contoso.example/../other"),
        ("TEAMS_TENANT_ID", "contoso.example?x"),
        ("TEAMS_TENANT_ID", "-contoso.example"),
        ("TEAMS_TENANT_ID", "contoso..example"),
        ("TEAMS_TENANT_ID", "11111111-2222-3333-4444"),
        ("TEAMS_ROUTES", "chat"),
        ("TEAMS_ROUTES", "webinars;calendar"),
        ("TEAMS_ROUTES", ", ,"),
        ("TEAMS_DOWNLOAD_RECORDINGS", "perhaps"),
        ("TEAMS_GRAPH_URL", "graph.microsoft.example"),
        ("TEAMS_LOGIN_URL", "https://"),
        ("TEAMS_CLIENT_CERTIFICATE", "~nobody-of-this-name/app.pem"),
        ("ATTENDANCE_START_DATE", "next tuesday"),
        ("ATTENDANCE_START_DATE", "2026-02-30"),
        ("ATTENDANCE_START_DATE", "30.01.2026"),
        ("ATTENDANCE_START_DATE", "2026-01-01T10:00:00"),
        ("ATTENDANCE_DATA", "~nobody-of-this-name/data"),
        ("ATTENDANCE_ALIASES", "~nobody-of-this-name/aliases.csv"),
        ("ATTENDANCE_ROSTER", "~nobody-of-this-name/roster.csv"),
        ("ATTENDANCE_TIME_ZONE", "Munich"),
        ("ATTENDANCE_TIME_ZONE", "localtime"),
        ("ATTENDANCE_TIME_ZONE", "CET+1"),
        ("ATTENDANCE_TIME_ZONE", "../etc/passwd"),
        ("ATTENDANCE_TIME_ZONE", "UTC') or ('"),
        ("ATTENDANCE_OWN_DOMAINS", "acme"),
        ("ATTENDANCE_OWN_DOMAINS", "ana@acme.test"),
        ("ATTENDANCE_OWN_DOMAINS", "acme.test;acme-labs.test"),
        ("ATTENDANCE_OWN_DOMAINS", "acme.test'), ('x.test"),
        ("ATTENDANCE_OWN_DOMAINS", "-acme.test"),
        ("ATTENDANCE_GRACE_SECONDS", "-7"),
        ("ATTENDANCE_GRACE_SECONDS", "five minutes"),
    ],
)
@pytest.mark.parametrize("source", ["environment", "file"])
def test_a_bad_value_is_a_usage_error_that_names_the_variable_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch, here: Path, variable: str, value: str, source: str
) -> None:
    if source == "environment":
        monkeypatch.setenv(variable, value)
    else:
        (here / ".env").write_text(f"{variable}={value}\n")

    with pytest.raises(UsageError, match=f"^{variable}: .*see .env.example") as refused:
        Settings.load()

    message = str(refused.value)
    assert value not in message.replace("begins with https://", "")
    assert "\n" not in message


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOM_PLAN", "enterprise")
    monkeypatch.setenv("ZOOM_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("ATTENDANCE_START_DATE", "soon")

    with pytest.raises(UsageError, match="ZOOM_PLAN: .*ATTENDANCE_START_DATE: ") as refused:
        Settings.load()

    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_slash_at_an_addresss_end_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOM_API_URL", "https://api.zoom.example/v2/")

    assert Settings.load().zoom_api_url == "https://api.zoom.example/v2"


@pytest.mark.parametrize(
    "variable",
    ["ZOOM_CLIENT_SECRET", "WEBEX_CLIENT_SECRET", "WEBEX_REFRESH_TOKEN", "WEBEX_ACCESS_TOKEN", "TEAMS_CLIENT_SECRET"],
)
def test_a_secret_never_prints(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, SECRET)

    settings = Settings.load()

    for text in (
        repr(settings),
        str(settings),
        f"{settings}",
        repr(settings.model_dump()),
        settings.model_dump_json(),
    ):
        assert SECRET not in text
        assert "**********" in text


def test_relative_paths_are_relative_to_the_current_folder(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    monkeypatch.setenv("ATTENDANCE_DATA", "my data")
    monkeypatch.setenv("ATTENDANCE_WAREHOUSE", "out/public.duckdb")

    settings = Settings.load()

    assert settings.data == here / "my data"
    assert settings.lake == here / "my data" / "lake"
    assert settings.build == here / "my data" / "build.duckdb"
    assert settings.warehouse == here / "out" / "public.duckdb"


def test_paths_stay_where_they_were_when_the_current_folder_changes(
    monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    monkeypatch.setenv("ATTENDANCE_DATA", "data")
    settings = Settings.load()
    before = (settings.data, settings.lake, settings.warehouse)
    (here / "other").mkdir()

    monkeypatch.chdir(here / "other")

    assert (settings.data, settings.lake, settings.warehouse) == before


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ATTENDANCE_DATA", "~/attendance")
    monkeypatch.setenv("ATTENDANCE_LAKE", "~/lake")

    settings = Settings.load()

    assert settings.data == tmp_path / "home" / "attendance"
    assert settings.lake == tmp_path / "home" / "lake"
    assert settings.warehouse == tmp_path / "home" / "attendance" / "attendance.duckdb"


def test_settings_do_not_change_under_a_run() -> None:
    settings = Settings.load()

    with pytest.raises(ValueError, match="frozen"):
        settings.zoom_plan = "business"
