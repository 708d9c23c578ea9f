"""`doctor` tries what a Teams pull needs and names what is missing."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from attendance_pipeline.errors import AttendanceError
from attendance_pipeline.http.errors import RefusedError
from attendance_pipeline.sandbox.teams.options import ROLES
from attendance_pipeline.sandbox.wire import Answer, Call
from attendance_pipeline.vendors.teams.doctor import NOBODY

from .account import FORTNIGHT, settings
from .teams_account import (
    SandboxAccount,
    instead,
    is_calendar,
    is_list,
    is_lookup,
    is_of_calls,
    path_of,
    refusal,
    sandbox_account,
)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[SandboxAccount]:
    with sandbox_account(tmp_path) as account:
        yield account


def missing(account: SandboxAccount) -> dict[str, str]:
    """By check, what the doctor says against it."""
    return {check.name.partition(" (")[0]: check.detail for check in account.doctor() if not check.passed}


def lacking(account: SandboxAccount, role: str) -> None:
    account.options.roles = tuple(one for one in ROLES if one != role)


def test_a_tenant_that_lacks_nothing_passes_every_check(account: SandboxAccount) -> None:
    checks = account.doctor()

    assert [check.name for check in checks if not check.passed] == []
    assert (checks[0].name, checks[-1].name) == ("credentials", "reach")
    assert "2026-02-18" in checks[-1].detail
    assert "60 days" in checks[-1].detail
    names = {check.name.partition(" (")[0] for check in checks}
    assert names == {*ROLES, "credentials", "access policy", "reach"}


def test_organizers_of_other_tenants_need_no_policy_of_ours(account: SandboxAccount) -> None:
    """Their calls are in our call records."""
    calls: list[Call] = []

    with account.answering(instead(is_of_calls, lambda call: calls.append(call))):
        assert missing(account) == {}

    rows = json.loads(account.whole(calls[0]).body)["value"]
    tenants = {row["organizer_v2"]["identity"]["user"]["tenantId"] for row in rows}
    assert len(tenants) > 1


@pytest.mark.parametrize("role", ROLES)
def test_each_permission_that_is_missing_is_named_with_who_can_give_it(account: SandboxAccount, role: str) -> None:
    lacking(account, role)

    told = missing(account)

    assert told.keys() == {role}
    for detail in told.values():
        assert f"the app needs the application permission {role}," in detail
        assert "Entra admin center" in detail
        assert "\n" not in detail


def test_permissions_that_are_all_missing_are_all_named(account: SandboxAccount) -> None:
    """So that an administrator has to be asked once."""
    account.options.roles = ()

    told = " ".join(missing(account).values())

    named = {role for role in ROLES if role in told}
    # whether a meeting can be looked up takes an organizer, whom call records name
    assert named >= set(ROLES) - {"OnlineMeetings.Read.All", "Calendars.Read"}


@pytest.mark.parametrize(
    "routes", ["call_records", "webinars,town_halls", "call_records,calendar,webinars,town_halls"]
)
def test_a_pull_that_the_doctor_allows_is_allowed(account: SandboxAccount, tmp_path: Path, routes: str) -> None:
    """Permission by permission: what is needed and not checked would show here."""
    for role in ROLES:
        account.settings = settings(tmp_path / role, account.sandbox.settings | {"TEAMS_ROUTES": routes})
        lacking(account, role)
        allowed = not missing(account)
        if allowed:
            account.search(FORTNIGHT[2:3])
        else:
            with pytest.raises(RefusedError, match=role):
                account.search(FORTNIGHT[2:3])


def test_a_pull_by_calendars_that_the_doctor_allows_is_allowed(account: SandboxAccount) -> None:
    account.use(TEAMS_ROUTES="calendar")
    lacking(account, "OnlineMeetings.Read.All")

    assert missing(account).keys() == {"OnlineMeetings.Read.All"}


def test_a_policy_that_is_missing_is_told_with_the_three_lines_that_grant_it(account: SandboxAccount) -> None:
    account.options.without_policy = lambda _: True

    told = missing(account)

    assert told.keys() == {"access policy"}
    first, *lines = told["access policy"].splitlines()
    assert "recent organizers aren't covered" in first
    covered, of, tried = first.split()[:3]
    assert (covered, of) == (tried, "of")
    connect, new, grant = (line.strip() for line in lines)
    assert connect == "Connect-MicrosoftTeams"
    assert new.startswith("New-CsApplicationAccessPolicy -Identity ")
    assert f'-AppIds "{account.settings.teams_client_id}"' in new
    policy = new.split()[2]
    assert grant == f"Grant-CsApplicationAccessPolicy -PolicyName {policy} -Global"


def test_a_policy_that_some_organizers_lack_is_counted(account: SandboxAccount) -> None:
    account.doctor()
    asked = {path_of(one).split("/")[3] for one in account.requests() if is_lookup(one)}
    organizers = sorted(asked - {NOBODY})
    left_out = organizers[0]
    account.options.without_policy = left_out.__eq__

    told = missing(account)

    assert told["access policy"].startswith(f"1 of {len(organizers)} recent organizers")


def test_a_tenant_in_which_nobody_met_is_told_that_the_policy_was_not_tried(account: SandboxAccount) -> None:
    nobody = Answer(200, b'{"value": []}')

    with account.answering(instead(is_of_calls, nobody)):
        checks = {check.name: check for check in account.doctor()}

    assert checks["access policy"].passed
    assert "not tried" in checks["access policy"].detail


def test_a_user_without_a_mailbox_is_no_missing_permission(account: SandboxAccount) -> None:
    account.options.without_mailbox = lambda _: True

    assert missing(account) == {}
    assert [one for one in account.requests() if is_calendar(one)]


def test_only_what_the_chosen_routes_need_is_tried(account: SandboxAccount) -> None:
    account.use(TEAMS_ROUTES="webinars")
    account.options.roles = ("VirtualEvent.Read.All", "OnlineMeetingArtifact.Read.All")

    assert missing(account) == {}
    assert not [one for one in account.requests() if is_calendar(one) or is_of_calls(one)]


@pytest.mark.parametrize("variable", ["TEAMS_TENANT_ID", "TEAMS_CLIENT_ID", "TEAMS_CLIENT_SECRET"])
def test_wrong_credentials_are_the_only_thing_told(account: SandboxAccount, variable: str) -> None:
    wrong = "11111111-2222-3333-4444-555555555555"
    account.use(**{variable: wrong})

    (check,) = account.doctor()

    assert (check.name, check.passed) == ("credentials", False)
    assert variable in check.detail
    assert account.sandbox.settings["TEAMS_CLIENT_SECRET"] not in check.detail
    assert (wrong in check.detail) is False
    assert "Trace" not in check.detail


def test_a_secret_that_ended_is_told_as_such(account: SandboxAccount) -> None:
    account.options.secret_expired = True

    (check,) = account.doctor()

    assert "TEAMS_CLIENT_SECRET has ended: make another one" in check.detail


def test_a_wrong_address_is_told(account: SandboxAccount) -> None:
    nothing = Answer(404, b"<html>Not Found</html>", content_type="text/html")

    with account.answering(instead(lambda one: one.path.startswith("/graph/"), nothing)):
        told = missing(account)

    assert "check TEAMS_GRAPH_URL, which ends before /v1.0" in told["CallRecords.Read.All"]


def test_a_national_cloud_without_events_is_not_told_to_mend_its_address(account: SandboxAccount) -> None:
    """A pull passes over routes that aren't offered."""
    absent = refusal(404, "ResourceNotFound", "Resource not found for the segment 'virtualEvents'.")

    with account.answering(instead(lambda one: "/solutions/" in one.path, absent)):
        told = missing(account)

    assert told == {}


def test_no_check_names_a_person(account: SandboxAccount) -> None:
    people = account.sandbox.organisation.employees
    rude = refusal(403, "Forbidden", f"{people[0].name} {people[0].email}")

    with account.answering(instead(lambda one: is_lookup(one) or is_calendar(one) or is_list(one), rude)):
        text = " ".join(f"{check}" for check in account.doctor())

    assert not [one for one in people if one.name in text or one.email in text]


def test_a_host_that_cannot_be_reached_is_one_line(account: SandboxAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.http.session.ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/graph"
    account.use(TEAMS_GRAPH_URL=nobody)

    with pytest.raises(AttendanceError, match=r"can't be reached at 127\.0\.0\.1 .*run again") as told:
        account.doctor()

    assert "\n" not in str(told.value)


def test_the_doctor_lands_nothing(account: SandboxAccount) -> None:
    account.doctor()

    assert account.tables() == {}
    assert not (account.lake.root / "archive").exists()
