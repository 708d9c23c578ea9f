"""`doctor` tries what a Webex pull needs and names what is missing."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from attendance_pipeline.errors import AttendanceError
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer

from .account import FORTNIGHT, settings
from .webex_account import (
    API,
    ATTENDEES,
    EVENTS,
    MAIN,
    MEETINGS,
    PARTICIPANTS,
    SITES,
    USAGE,
    SandboxAccount,
    path_of,
    sandbox_account,
)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


def missing(account: SandboxAccount) -> dict[str, str]:
    """By call, what the doctor says against it."""
    return {check.name.partition(" ")[0]: check.detail for check in account.doctor() if not check.passed}


@pytest.mark.parametrize("sites", ["", f"{MAIN},{EVENTS}", MAIN])
def test_an_account_that_lacks_nothing_passes_every_check(account: SandboxAccount, sites: str) -> None:
    account.use(WEBEX_SITE_URLS=sites)

    checks = account.doctor()

    assert [check.name for check in checks if not check.passed] == []
    assert (checks[0].name, checks[-1].name) == ("credentials", "reach")
    assert checks[-1].detail == "lists and reports go back to 2025-12-20"
    asked = {path_of(one) for one in account.requests()}
    assert asked == {SITES, MEETINGS, USAGE, ATTENDEES, PARTICIPANTS}
    reported = {one.query["siteUrl"] for one in account.requests(USAGE)}
    assert reported == {one.query["siteUrl"] for one in account.requests(ATTENDEES)}
    assert reported == set(sites.split(",") if sites else [MAIN, EVENTS])


def test_until_when_the_refresh_token_lasts_is_told(account: SandboxAccount) -> None:
    (credentials, *_) = account.doctor()

    assert credentials.detail == "Webex gave a token; the refresh token lasts until 2026-06-17 unless used"


@pytest.mark.parametrize(
    ("scope", "calls", "role"),
    [
        ("meeting:admin_preferences_read", [SITES], "Full admin or Content admin"),
        ("meeting:admin_schedule_read", [MEETINGS], "Full admin or Content admin"),
        ("meeting:admin_config_read", [USAGE, ATTENDEES], "Site admin"),
        ("meeting:admin_participants_read", [PARTICIPANTS], "Full admin or Content admin"),
    ],
)
def test_each_scope_that_a_pull_needs_is_named_with_its_role_when_it_is_missing(
    account: SandboxAccount, scope: str, calls: list[str], role: str
) -> None:
    account.options.scopes = tuple(one for one in account.options.scopes if one != scope)

    told = missing(account)

    assert list(told) == calls
    for detail in told.values():
        assert f"needs the scope {scope}, granted by somebody with the role {role}" in detail
        assert "authorize the app again" in detail
        assert "\n" not in detail


def test_a_pull_that_the_doctor_allows_is_allowed(account: SandboxAccount) -> None:
    """Scope by scope: what is needed and not checked would show here."""
    account.use(WEBEX_SITE_URLS=f"{MAIN},{EVENTS}")
    allowed = []
    for scope in account.options.scopes:
        account.options.scopes = tuple(one for one in account.options.scopes if one != scope)
        if not missing(account):
            allowed.append(scope)
            account.land(FORTNIGHT[-2:])
        account.options.scopes = (*account.options.scopes, scope)
    assert allowed == ["meeting:admin_preferences_read"]


def test_a_role_that_is_missing_on_one_site_is_told_of_that_site(account: SandboxAccount) -> None:
    refusal = json_answer(403, {"message": "x", "trackingId": "NA_2"})

    def not_its_admin(_: str, call: Call) -> Answer | None:
        return refusal if path_of(call) == USAGE and call.query["siteUrl"] == EVENTS else None

    with account.answering(not_its_admin):
        told = missing(account)

    assert list(told) == [USAGE]
    assert f"the role Site admin on {EVENTS}" in told[USAGE]


def test_a_site_that_webex_refuses_is_named(account: SandboxAccount) -> None:
    account.use(WEBEX_SITE_URLS=f"{MAIN},other.webex.com")

    told = missing(account)

    assert list(told) == [USAGE]
    assert "for the site other.webex.com (400, tracking id " in told[USAGE]
    assert "check WEBEX_SITE_URLS" in told[USAGE]


def test_an_account_of_which_webex_names_no_site_is_told_to_set_them(account: SandboxAccount) -> None:
    nothing = json_answer(200, {"sites": []})

    with account.answering(lambda _, call: nothing if path_of(call) == SITES else None):
        told = missing(account)

    assert told == {"sites": "Webex names none of this account; set WEBEX_SITE_URLS"}


def test_a_list_of_sites_that_a_pull_can_read_the_doctor_can_read_too(
    account: SandboxAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields may be added to any answer."""
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)

    def more(_: str, call: Call) -> Answer | None:
        if path_of(call) != SITES:
            return None
        said = json.loads(account.sandbox.webex.answer(call, account.sandbox.url).body)
        return json_answer(200, said | {"notFoundSites": None, "trackingId": "NA_2"})

    with account.answering(more):
        account.land_meetings(FORTNIGHT[-1:])

        assert missing(account) == {}


def test_a_refresh_token_that_is_dead_is_the_only_thing_told(account: SandboxAccount) -> None:
    account.sandbox.webex.access.revoke_refresh_tokens()

    (check,) = account.doctor()

    assert (check.name, check.passed) == ("credentials", False)
    assert "the refresh token is dead" in check.detail
    assert check.detail.endswith("set it as WEBEX_REFRESH_TOKEN")


@pytest.mark.parametrize("variable", ["WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_REFRESH_TOKEN"])
def test_wrong_credentials_are_the_only_thing_told(account: SandboxAccount, variable: str) -> None:
    account.use(**{variable: "not-it-at-all"})

    (check,) = account.doctor()

    assert (check.name, check.passed) == ("credentials", False)
    assert variable in check.detail
    assert "not-it-at-all" not in check.detail
    assert account.sandbox.settings["WEBEX_CLIENT_SECRET"] not in check.detail


@pytest.mark.parametrize("token", ["", "of-yesterday"])
def test_a_personal_token_is_told_as_such(account: SandboxAccount, token: str) -> None:
    account.settings = settings(
        account.settings.data,
        {
            "WEBEX_ACCESS_TOKEN": token or account.sandbox.webex.options.personal_token,
            "WEBEX_API_URL": account.sandbox.settings["WEBEX_API_URL"],
        },
    )

    (credentials, *others) = account.doctor()

    assert credentials.passed is (token == "")
    assert "12 hours" in credentials.detail
    assert bool(others) is credentials.passed
    assert "of-yesterday" not in credentials.detail


def test_a_wrong_address_is_told(account: SandboxAccount) -> None:
    refusal = Answer(404, b"<html>Not Found</html>", content_type="text/html")

    with account.answering(lambda _, call: refusal if call.method == "GET" else None):
        checks = {check.name.partition(" ")[0]: check for check in account.doctor()}

    assert not checks[MEETINGS].passed
    assert "check WEBEX_API_URL, which ends in /v1" in checks[MEETINGS].detail
    assert not checks[PARTICIPANTS].passed


def test_a_host_that_cannot_be_reached_is_one_line(account: SandboxAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}{API}"
    account.use(WEBEX_API_URL=nobody)

    with pytest.raises(AttendanceError, match=r"can't be reached at 127\.0\.0\.1 .*run again") as told:
        account.doctor()

    assert "\n" not in str(told.value)


def test_the_doctor_lands_nothing(account: SandboxAccount) -> None:
    account.doctor()

    assert account.tables() == {}
    assert not (account.lake.root / "archive").exists()
