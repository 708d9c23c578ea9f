"""Every environment variable, once, typed.

Read when a command or a run needs them, never at import. Secrets print as `**********`.
"""

import re
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, NonNegativeInt, PositiveInt, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from attendance_pipeline.errors import UsageError

PROJECT = Path(__file__).parent.parent

ZOOM_CREDENTIALS = (("ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET"),)
WEBEX_CREDENTIALS = (
    ("WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_REFRESH_TOKEN"),
    ("WEBEX_ACCESS_TOKEN",),
)
TEAMS_CREDENTIALS = (
    ("TEAMS_TENANT_ID", "TEAMS_CLIENT_ID", "TEAMS_CLIENT_SECRET"),
    ("TEAMS_TENANT_ID", "TEAMS_CLIENT_ID", "TEAMS_CLIENT_CERTIFICATE"),
)

TEAMS_ROUTES = ("call_records", "calendar", "webinars", "town_halls")
"""The ways on which Teams' meetings are found."""

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+")


class Settings(BaseSettings):
    """The settings of one run, from the environment and then from `.env` in the current folder.

    An empty variable counts as not set. Relative paths are relative to the current folder; the default data
    folder lies in the project. Build it with `Settings.load()`, which turns a bad value into a `UsageError`.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    zoom_account_id: str | None = None
    zoom_client_id: str | None = None
    zoom_client_secret: SecretStr | None = None
    zoom_api_url: str = "https://api.zoom.us/v2"
    zoom_token_url: str = "https://zoom.us/oauth/token"  # noqa: S105 - an address, not a secret
    zoom_plan: Literal["pro", "business"] = "pro"
    zoom_daily_limit: PositiveInt | None = None

    webex_client_id: str | None = None
    webex_client_secret: SecretStr | None = None
    webex_refresh_token: SecretStr | None = None
    webex_access_token: SecretStr | None = None
    webex_site_urls: str = ""
    webex_api_url: str = "https://webexapis.com/v1"
    webex_daily_limit: PositiveInt | None = None

    teams_tenant_id: str | None = None
    teams_client_id: str | None = None
    teams_client_secret: SecretStr | None = None
    teams_client_certificate: Path | None = None
    teams_routes: str = ",".join(TEAMS_ROUTES)
    teams_download_recordings: bool = False
    teams_graph_url: str = "https://graph.microsoft.com"
    teams_login_url: str = "https://login.microsoftonline.com"
    teams_daily_limit: PositiveInt | None = None

    attendance_data: Path = PROJECT / "data"
    attendance_lake: Path | None = None
    attendance_warehouse: Path | None = None
    attendance_start_date: date = date(2026, 1, 1)
    attendance_build_memory: str = "4GB"
    attendance_hourly_cron: str = "7 * * * *"
    attendance_run_retention_days: PositiveInt = 30
    attendance_quota_reserve: int = Field(default=10, ge=0, le=90)
    attendance_aliases: Path | None = None
    attendance_roster: Path | None = None
    attendance_time_zone: str | None = None
    attendance_own_domains: str = ""
    attendance_grace_seconds: NonNegativeInt | None = None

    @field_validator("zoom_api_url", "zoom_token_url", "webex_api_url", "teams_graph_url", "teams_login_url")
    @classmethod
    def _an_http_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http"):
            raise ValueError("give an address that begins with https://")
        try:
            port_is_a_number = parts.port is None or parts.port >= 0
        except ValueError:
            port_is_a_number = False
        if not parts.hostname or not port_is_a_number:
            raise ValueError("give an address with a host and, if any, a port that is a number")
        return value.rstrip("/")

    @field_validator("webex_site_urls")
    @classmethod
    def _host_names(cls, value: str) -> str:
        sites = [site.strip().lower().removeprefix("https://").rstrip("/") for site in value.split(",")]
        if not all(re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", site) for site in sites if site):
            raise ValueError("give sites as host names with commas between them, such as example.webex.com")
        return ",".join(dict.fromkeys(site for site in sites if site))

    @field_validator("teams_tenant_id")
    @classmethod
    def _a_tenant(cls, value: str | None) -> str | None:
        is_id = value and re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value)
        if value and not is_id and not _DOMAIN.fullmatch(value):
            raise ValueError("give the tenant's id (Entra admin center > Overview) or one of its domain names")
        return value

    @field_validator("teams_routes")
    @classmethod
    def _known_routes(cls, value: str) -> str:
        routes = [route for route in (part.strip().lower() for part in value.split(",")) if route]
        if not routes or not set(routes) <= set(TEAMS_ROUTES):
            raise ValueError(f"give at least one of {', '.join(TEAMS_ROUTES)} with commas between them")
        return ",".join(dict.fromkeys(routes))

    @field_validator("attendance_hourly_cron")
    @classmethod
    def _a_cron_expression(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9*/,-]+( [0-9*/,-]+){4}", " ".join(value.split())):
            raise ValueError(
                "give a cron expression of five fields in numbers, such as 7 * * * * (every hour at :07)"
            )
        return " ".join(value.split())

    @field_validator("attendance_time_zone")
    @classmethod
    def _a_time_zone(cls, value: str | None) -> str | None:
        # a machine's own file, which no engine knows, may lie among them
        if value and value not in available_timezones() - {"localtime"}:
            raise ValueError("give the IANA name of a time zone, such as Europe/Berlin")
        return value

    @field_validator("attendance_own_domains")
    @classmethod
    def _domain_names(cls, value: str) -> str:
        domains = [domain.strip().lower().removeprefix("@") for domain in value.split(",")]
        # dbt puts them into SQL as they are
        if not all(_DOMAIN.fullmatch(domain) for domain in domains if domain):
            raise ValueError("give e-mail domains with commas between them, such as example.com")
        return ",".join(dict.fromkeys(domain for domain in domains if domain))

    @field_validator(
        "teams_client_certificate",
        "attendance_data",
        "attendance_lake",
        "attendance_warehouse",
        "attendance_aliases",
        "attendance_roster",
    )
    @classmethod
    def _a_path(cls, value: Path | None) -> Path | None:
        try:
            return value and value.expanduser()
        except RuntimeError:
            raise ValueError("give a path whose ~ names a user of this machine") from None

    @classmethod
    def load(cls) -> "Settings":
        """Read the environment.

        Raises:
            UsageError: a variable holds a value that can't be used; names the variable, not the value.
        """
        try:
            return cls()
        except ValidationError as error:
            problems = "; ".join(f"{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors())
            raise UsageError(f"{problems} (set in the environment or in .env; see .env.example)") from None

    @cached_property
    def data(self) -> Path:
        """The folder for everything we write, absolute."""
        return self.attendance_data.expanduser().absolute()

    @cached_property
    def lake(self) -> Path:
        """The folder of archive, tables and quarantine, absolute."""
        return (self.attendance_lake or self.data / "lake").expanduser().absolute()

    @cached_property
    def warehouse(self) -> Path:
        """The published DuckDB file, absolute."""
        return (self.attendance_warehouse or self.data / "attendance.duckdb").expanduser().absolute()

    @cached_property
    def build(self) -> Path:
        """The private DuckDB file that load and dbt write; readers never open it."""
        return self.data / "build.duckdb"

    @property
    def webex_sites(self) -> list[str]:
        """The sites that are asked about; empty where Webex is to name them."""
        return [site for site in self.webex_site_urls.split(",") if site]

    @property
    def teams_route_names(self) -> tuple[str, ...]:
        """The ways on which meetings are looked for."""
        return tuple(self.teams_routes.split(","))

    @property
    def dbt_vars(self) -> dict[str, Any]:
        """The variables of the dbt project that are set here; of the others the project's own defaults hold."""
        domains = [domain for domain in self.attendance_own_domains.split(",") if domain]
        said = {
            "time_zone": self.attendance_time_zone,
            "own_domains": domains or None,
            "grace_seconds": self.attendance_grace_seconds,
        }
        return {name: value for name, value in said.items() if value is not None}

    def missing(self, ways: Sequence[Sequence[str]]) -> str:
        """The variables that hold nothing and have to, in words; empty where any one of the ways is whole."""
        lacking = [[name for name in way if getattr(self, name.lower()) is None] for way in ways]
        if not all(lacking):
            return ""
        begun = [lacks for lacks, way in zip(lacking, ways, strict=True) if len(lacks) < len(way)]
        return ", or ".join(", ".join(lacks) for lacks in begun or lacking)
