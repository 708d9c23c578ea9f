"""`doctor` tries what a pull needs and names what is missing."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from attendance_pipeline.errors import AttendanceError
from attendance_pipeline.sandbox.wire import json_answer

from .account import FORTNIGHT, settings
from .zoom_account import SandboxAccount, sandbox_account


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


def missing(account: SandboxAccount) -> list[str]:
    return [check.detail for check in account.doctor() if not check.passed]


def test_an_account_that_lacks_nothing_passes_every_check(account: SandboxAccount) -> None:
    checks = account.doctor()

    assert [check.name for check in checks if not check.passed] == []
    assert (checks[0].name, checks[-1].name) == ("credentials", "reach")
    assert checks[-1].detail == "lists go back to 2025-09-18; a known UUID stays readable for a year"


@pytest.mark.parametrize(
    "scope",
    [
        "report:read:list_history_meetings:admin",
        "report:read:list_users:admin",
        "report:read:user:admin",
        "user:read:list_users:admin",
        "report:read:list_meeting_participants:admin",
        "report:read:meeting:admin",
        "report:read:list_webinar_participants:admin",
        "report:read:webinar:admin",
    ],
)
def test_each_scope_that_a_pull_needs_is_named_when_it_is_missing(account: SandboxAccount, scope: str) -> None:
    account.options.scopes = tuple(one for one in account.options.scopes if one != scope)

    (detail,) = missing(account)

    assert detail == f"400/4711: add the scope {scope}, then activate the app again"


def test_a_pull_that_the_doctor_allows_is_allowed(account: SandboxAccount) -> None:
    """Scope by scope: what is needed and not checked would show here."""
    for scope in account.options.scopes:
        account.options.scopes = tuple(one for one in account.options.scopes if one != scope)
        if not missing(account):
            account.land(FORTNIGHT[-5:])
        account.options.scopes = (*account.options.scopes, scope)


def test_a_right_that_is_missing_names_scope_and_role(account: SandboxAccount) -> None:
    account.options.history_meetings = False

    assert missing(account) == [
        "400/200: needs the scope report:read:list_history_meetings:admin and the role permission Usage Reports"
    ]


@pytest.mark.parametrize("variable", ["ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET"])
def test_wrong_credentials_are_the_only_thing_told(account: SandboxAccount, tmp_path: Path, variable: str) -> None:
    account.settings = settings(tmp_path, account.sandbox.settings | {variable: "not-it-at-all"})

    (check,) = account.doctor()

    assert (check.name, check.passed) == ("credentials", False)
    assert variable in check.detail
    assert "not-it-at-all" not in check.detail
    assert account.sandbox.settings["ZOOM_CLIENT_SECRET"] not in check.detail


def test_a_token_that_is_refused_is_no_credential(account: SandboxAccount) -> None:
    refusal = json_answer(401, {"code": 124, "message": "Invalid access token."})

    with account.answering(lambda _, call: refusal if "/v2/" in call.path else None):
        (check,) = account.doctor()

    assert (check.name, check.passed) == ("credentials", False)
    assert "check that the app is still active" in check.detail


def test_a_wrong_address_is_told(account: SandboxAccount, tmp_path: Path) -> None:
    account.settings = settings(tmp_path, account.sandbox.settings | {"ZOOM_API_URL": account.sandbox.url + "/zoom"})

    assert {check.name for check in account.doctor() if check.passed} == {"credentials", "reach"}


@pytest.mark.parametrize("variable", ["ZOOM_API_URL", "ZOOM_TOKEN_URL"])
def test_a_host_that_cannot_be_reached_is_one_line(
    account: SandboxAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/v2"
    account.settings = settings(tmp_path, account.sandbox.settings | {variable: nobody})

    with pytest.raises(AttendanceError, match=r"can't be reached at 127\.0\.0\.1 .*run again") as told:
        account.doctor()

    assert "\n" not in str(told.value)


def test_the_doctor_changes_nothing(account: SandboxAccount) -> None:
    account.doctor()

    assert account.tables() == {}
    assert not (account.lake.root / "archive").exists()
