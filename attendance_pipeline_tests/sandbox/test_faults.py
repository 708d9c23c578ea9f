"""What the fault matrix doesn't prove of faults: when one begins, whom it concerns, and when it ends."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from attendance_pipeline.sandbox import FAULTS, Sandbox
from attendance_pipeline.sandbox.wire import Answer

from .client import Client, Clock, twice
from .webex_client import WebexClient

DAY = date(2026, 3, 2)


@pytest.fixture
def uuids(sandbox: Sandbox) -> list[str]:
    return [one.vendor_meeting_id for one in sandbox.truth(DAY, DAY).meetings]


@pytest.fixture
def webex_too(sandbox: Sandbox) -> Iterator[WebexClient]:
    with closing(WebexClient(sandbox)) as webex:
        yield webex


def status(client: Client, uuid: str) -> int:
    return client.get(f"/report/meetings/{twice(uuid)}/participants").status


def test_a_fault_bends_so_many_answers_of_lists_and_as_many_of_reports(
    sandbox: Sandbox, client: Client, uuids: list[str]
) -> None:
    sandbox.misbehave("failing_burst", "zoom", times=2)

    assert [client.get("/users").status for _ in range(3)] == [500, 502, 200]
    assert [status(client, uuids[0]) for _ in range(3)] == [503, 504, 200]
    assert sandbox.bent == {"failing_burst": 4}


def test_without_an_end_of_its_own_a_fault_lasts_until_it_is_ended(sandbox: Sandbox, client: Client) -> None:
    sandbox.misbehave("down", "zoom")
    assert [client.get("/users").status for _ in range(6)] == [503] * 6

    sandbox.behave()

    assert client.get("/users").status == 200


def test_a_fault_stays_with_the_meeting_that_is_asked_about_first(
    sandbox: Sandbox, client: Client, uuids: list[str]
) -> None:
    sandbox.misbehave("poisonous_meeting", "zoom")

    assert [status(client, uuids[at]) for at in (1, 0, 1, 2)] == [500, 200, 500, 200]


def test_faults_are_of_one_vendor_or_of_all_where_they_can_happen(
    sandbox: Sandbox, client: Client, webex_too: WebexClient
) -> None:
    sandbox.misbehave("down", "webex")
    assert (client.get("/users").status, webex_too.get("/meetingPreferences/sites").status) == (200, 503)

    sandbox.misbehave("down")

    assert (client.get("/users").status, webex_too.get("/meetingPreferences/sites").status) == (503, 503)


def test_several_faults_and_the_hook_go_together(sandbox: Sandbox, client: Client, uuids: list[str]) -> None:
    sandbox.misbehave("poisonous_meeting", "zoom", meeting=uuids[0])
    sandbox.misbehave("new_field", "zoom")
    sandbox.hook = lambda vendor, call: Answer(404, b"{}") if call.path.endswith("/users") else None

    assert client.get("/users").status == 404
    assert status(client, uuids[0]) == 500
    assert all("brandNew" in row for row in client.participants(uuids[1]))


def test_a_body_of_200_megabytes_is_announced_as_one(sandbox: Sandbox, client: Client, uuids: list[str]) -> None:
    path = f"/zoom/v2/report/meetings/{twice(uuids[0])}/participants"
    headers = {"Authorization": f"Bearer {client.mint().body['access_token']}"}
    sandbox.misbehave("huge_body", "zoom")

    with closing(http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=20)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        begun = response.read(2**20)

    assert int(response.headers["Content-Length"]) > 200 * 2**20
    assert begun.startswith(b"{")
    assert begun.endswith(b" ")


def test_what_is_no_fault_or_not_at_that_vendor_is_told() -> None:
    sandbox = Sandbox(size="small", clock=Clock())

    with pytest.raises(ValueError, match="no fault is called flood; there are .*truncated_json"):
        sandbox.misbehave("flood")
    with pytest.raises(ValueError, match="daily_quota can't happen at webex, but at zoom"):
        sandbox.misbehave("daily_quota", "webex")


def test_every_fault_says_what_happens_in_one_line() -> None:
    assert all(fault.says and len(f"{name}  {fault.says}") < 118 for name, fault in FAULTS.items())
