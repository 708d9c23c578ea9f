"""Nobody but the vendor hears a token or a secret, wherever the vendor's answers lead and whoever answers for it."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest

from attendance_pipeline.http import session as session_module
from attendance_pipeline.http.errors import VendorError
from attendance_pipeline.http.session import Answer

from .hostile_server import Heard, HostileServer, said
from .killed import ACCOUNTS
from .sandbox.client import Clock
from .vendors.account import VendorAccount, at_full_speed, settings
from .vendors.teams_account import unpaced

NOW, DAY = datetime(2026, 3, 12, 12, 0, tzinfo=UTC), date(2026, 3, 10)
SECRETS = ("made-up-client-secret", "made-up-refresh-token", "made-up-access-token")
HEARD_AS = (*SECRETS, b64encode(f"app:{SECRETS[0]}".encode()).decode())
VARIABLES = {
    "zoom": {"ZOOM_ACCOUNT_ID": "fjord", "ZOOM_CLIENT_ID": "app", "ZOOM_CLIENT_SECRET": SECRETS[0]},
    "webex": {
        "WEBEX_CLIENT_ID": "app",
        "WEBEX_CLIENT_SECRET": SECRETS[0],
        "WEBEX_REFRESH_TOKEN": SECRETS[1],
        "WEBEX_SITE_URLS": "fjord.webex.com",
    },
    "teams": {"TEAMS_TENANT_ID": "fjord.example", "TEAMS_CLIENT_ID": "app", "TEAMS_CLIENT_SECRET": SECRETS[0]},
}
API = {"zoom": "api.zoom.us/v2", "webex": "webexapis.com/v1", "teams": "graph.microsoft.com"}
LOGIN = {
    "zoom": "zoom.us/oauth/token",
    "webex": "webexapis.com/v1/access_token",
    "teams": "login.microsoftonline.com",
}
TOKEN = said(body={"access_token": SECRETS[2], "token_type": "Bearer", "expires_in": 3600})

EVIL = [
    "http://evil.example/v1/meetings?cursor=2",
    "http://{host}.evil.example/v1/meetings?cursor=2",
    "http://evil{host}/v1.0/users",
    "http://{host}@evil.example/v1.0/users",
    "http://{host}:80@evil.example/v1.0/users",
    "http://{host}%2eevil.example/v1.0/users",
    "http:\\\\evil.example\\v1.0\\users",
    "http://{host}:8080/v1.0/users",
    "https://{host}/v1.0/users",
    "https://evil.example/v1/meetings?cursor=2",
    "HTTP://evil.example#@{host}/v1.0/users",
    "http://evil.example\\@{host}/v1.0/users",
    "http://{host}\\@evil.example/v1.0/users",
    "//evil.example/v1/meetings?cursor=2",
    "/\\evil.example/v1.0/users",
    "\\\\evil.example/v1.0/users",
    "@evil.example/v1.0/users",
    ".evil.example/v1.0/users",
    ":8080/v1.0/users",
]
"""Addresses that lead away from the vendor, or seem to; `host` is the vendor's."""

everywhere = pytest.mark.parametrize("address", EVIL)
somewhere = pytest.mark.parametrize("address", EVIL[::5])
"""Where no address is ever followed, it matters little which it is."""
every_vendor = pytest.mark.parametrize("vendor", sorted(ACCOUNTS))


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileServer]:
    """Answers for every host, the vendors' too: it is the proxy of the environment."""
    with (
        HostileServer(tmp_path_factory.mktemp("internet")) as server,
        at_full_speed(),
        unpaced(),
        impatient() as patch,
    ):
        for name in ("http_proxy", "https_proxy"):
            patch.setenv(name, f"http://127.0.0.1:{server.port}")
        yield server


@contextmanager
def impatient() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "_backoff", lambda failed: timedelta())
        patch.setattr(session_module, "ATTEMPTS", 2)
        yield patch


def account(vendor: str, folder: Path, api: str = "", login: str = "") -> VendorAccount:
    """Of a vendor at its own address, but for the scheme: a proxy sees what is asked."""
    api, login = api or f"http://{API[vendor]}", login or f"http://{LOGIN[vendor]}"
    places = {
        "zoom": {"ZOOM_API_URL": api, "ZOOM_TOKEN_URL": login},
        "webex": {"WEBEX_API_URL": api},
        "teams": {"TEAMS_GRAPH_URL": api, "TEAMS_LOGIN_URL": login},
    }
    return ACCOUNTS[vendor](settings(folder, VARIABLES[vendor] | places[vendor]), Clock(NOW))


def pulled(account: VendorAccount) -> VendorError:
    """What a pull that is led astray ends with."""
    with pytest.raises(VendorError) as caught:
        account.land_meetings([DAY])
    return caught.value


def bearers(heard: Sequence[Heard], secrets: Sequence[str] = HEARD_AS) -> set[str]:
    """The hosts that heard a token, a credential or a cookie."""
    return {one.host for one in heard if "cookie" in one.headers or any(secret in str(one) for secret in secrets)}


def own(place: str) -> str:
    return place.partition("/")[0]


def trace(error: BaseException) -> str:
    """All that a traceback would tell, with what is behind the error."""
    return "".join(format_exception(error))


@somewhere
@every_vendor
def test_an_answer_that_redirects_takes_no_token_along(
    internet: HostileServer, tmp_path: Path, vendor: str, address: str
) -> None:
    location = address.format(host=own(API[vendor]))
    internet.answers({f"http://{API[vendor]}": said(302, Location=location), f"http://{LOGIN[vendor]}": TOKEN})

    error = pulled(account(vendor, tmp_path))

    assert bearers(internet.heard()) == {own(API[vendor]), own(LOGIN[vendor])}
    assert {one.host for one in internet.heard()} == {own(API[vendor]), own(LOGIN[vendor])}
    assert not any(secret in trace(error) for secret in HEARD_AS)


@everywhere
@pytest.mark.parametrize("vendor", ["webex", "teams"])
def test_a_link_to_the_next_page_takes_no_token_along(
    internet: HostileServer, tmp_path: Path, vendor: str, address: str
) -> None:
    link = address.format(host=own(API[vendor]))
    page = said(body={"items": []}, Link=f'<{link}>; rel="next"')
    if vendor == "teams":
        # below the API's address or not: as the whole address, and as what follows it
        page = said(body={"value": [], "@odata.nextLink": link if ":" in link[1:] else f"http://{API[vendor]}{link}"})
    internet.answers({f"http://{API[vendor]}": page, f"http://{LOGIN[vendor]}": TOKEN})

    error = pulled(account(vendor, tmp_path))

    assert {one.host for one in internet.heard()} == {own(API[vendor]), own(LOGIN[vendor])}
    assert bearers(internet.heard(), SECRETS[2:]) == {own(API[vendor])}
    assert not any(secret in trace(error) for secret in HEARD_AS)


@somewhere
@every_vendor
def test_a_token_endpoint_that_redirects_takes_no_credentials_along(
    internet: HostileServer, tmp_path: Path, vendor: str, address: str
) -> None:
    location = address.format(host=own(LOGIN[vendor]))
    internet.answers({f"http://{LOGIN[vendor]}": said(307, Location=location)})

    error = pulled(account(vendor, tmp_path))

    assert {one.host for one in internet.heard()} == bearers(internet.heard()) == {own(LOGIN[vendor])}
    assert not any(secret in trace(error) for secret in HEARD_AS)


def downloaded(folder: Path) -> Answer[Any]:
    async def download() -> Answer[Any]:
        async with account("teams", folder).vendor.session() as session:
            return await session.download("/beta/users/u/onlineMeetings/m/attendeeReport", "attendance_reports")

    return asyncio.run(download())


@everywhere
def test_a_link_to_a_document_takes_no_token_along(internet: HostileServer, tmp_path: Path, address: str) -> None:
    location = address.format(host="graph.microsoft.com")
    internet.answers(
        {"http://graph.microsoft.com/beta": said(302, Location=location), f"http://{LOGIN['teams']}": TOKEN}
    )

    # A document of the API's own host, at any port, may be read without the token.
    if address in ("http://{host}:8080/v1.0/users", "/\\evil.example/v1.0/users"):
        assert downloaded(tmp_path).body == b"{}"
    else:
        with pytest.raises(VendorError) as caught:
            downloaded(tmp_path)
        assert not any(secret in trace(caught.value) for secret in HEARD_AS)

    assert {one.host.partition(":")[0] for one in internet.heard()} == {"graph.microsoft.com", LOGIN["teams"]}
    assert bearers(internet.heard()) == {"graph.microsoft.com", "login.microsoftonline.com"}


def test_a_document_on_a_host_of_the_vendors_is_read_without_token_and_cookie(
    internet: HostileServer, tmp_path: Path
) -> None:
    """The API's own cookie is one that might have gone along."""
    location = "http://nam.attend.teams.microsoft.com/attendeeReport?sig=signature"
    internet.answers({"http://graph.microsoft.com": said(302, Location=location), f"http://{LOGIN['teams']}": TOKEN})

    assert downloaded(tmp_path).body == b"{}"

    (followed,) = (one for one in internet.heard() if one.host == "nam.attend.teams.microsoft.com")
    assert followed.target == location
    assert not followed.headers.keys() & {"authorization", "cookie", "proxy-authorization", "referer"}
