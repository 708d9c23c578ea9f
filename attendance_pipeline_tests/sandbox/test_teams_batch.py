"""Many requests in one."""

import pytest

from attendance_pipeline.sandbox import TeamsOptions
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer

from .teams_client import TeamsClient, an_occurrence, error, path_of


def test_a_batch_answers_each_for_itself(teams: TeamsClient) -> None:
    sandbox = teams.sandbox
    occurrence = an_occurrence(sandbox, "meeting")
    base = path_of(sandbox, occurrence)
    before = len(sandbox.requests) + 1  # and one for the token

    reply = teams.batch(
        {"id": "list", "method": "GET", "url": f"{base}/attendanceReports"},
        {"id": "users", "method": "GET", "url": "/users?$top=2"},
        {"id": "no", "method": "GET", "url": "/nowhere"},
        {"id": "after", "method": "GET", "url": "/users", "dependsOn": ["no"]},
        {"id": "then", "method": "GET", "url": "/users", "dependsOn": ["users"]},
    )

    assert reply.status == 200
    answers = {one["id"]: one for one in reply.body["responses"]}
    assert {name: one["status"] for name, one in answers.items()} == {
        **{"list": 200, "users": 200, "no": 404, "after": 424, "then": 200},
    }
    assert len(answers["users"]["body"]["value"]) == 2
    assert answers["users"]["body"]["@odata.nextLink"].startswith(f"{sandbox.url}/graph/v1.0/users?")
    assert answers["list"]["body"]["value"]
    assert answers["no"]["body"]["error"]["code"] == "NotFound"
    assert answers["list"]["headers"]["request-id"]
    told = [(one.method, one.path, one.query, one.status) for one in sandbox.requests[before:]]
    assert told == [
        ("GET", f"/graph/v1.0{base}/attendanceReports", {}, 200),
        ("GET", "/graph/v1.0/users", {"$top": "2"}, 200),
        ("GET", "/graph/v1.0/nowhere", {}, 404),
        ("GET", "/graph/v1.0/users", {}, 200),
        ("POST", "/graph/v1.0/$batch", {}, 200),
    ]


def test_a_batch_is_answered_in_an_order_of_its_own(teams: TeamsClient) -> None:
    items = [{"id": str(number), "method": "GET", "url": "/users?$top=1"} for number in range(20)]

    orders = {tuple(one["id"] for one in teams.batch(*items).body["responses"]) for _ in range(3)}

    assert len(orders) == 3
    assert {tuple(sorted(order, key=int)) for order in orders} == {tuple(str(number) for number in range(20))}


def item(name: str, **more: object) -> dict[str, object]:
    return {"id": name, "method": "GET", "url": "/users"} | more


@pytest.mark.parametrize(
    "items",
    [
        [],
        [item(str(number)) for number in range(21)],
        [item("a"), item("a")],
        [item("a", dependsOn=["b"]), item("b")],
        [item("a", url="http://graph.example/v1.0/users")],
        [{"id": "a", "url": "/users"}],
    ],
    ids=["none", "too many", "an id twice", "depends on what follows", "absolute", "no method"],
)
def test_a_batch_that_is_none_is_refused(teams: TeamsClient, items: list[dict[str, object]]) -> None:
    assert error(teams.batch(*items))[:2] == (400, "BadRequest")


def test_the_hook_sees_every_item(teams: TeamsClient) -> None:
    seen = []

    def hook(vendor: str, call: Call) -> Answer | None:
        seen.append((vendor, call.method, call.path, call.headers.get("authorization", "")[:6]))
        return json_answer(503, {}) if call.query == {"$top": "3"} else None

    teams.mint()
    teams.sandbox.hook = hook
    reply = teams.batch(item("a", url="/users?$top=3"), item("b", url="users", headers={"Prefer": "x"}))

    assert {one["id"]: one["status"] for one in reply.body["responses"]} == {"a": 503, "b": 200}
    assert seen[1:] == [
        ("teams", "POST", "/graph/v1.0/$batch", "Bearer"),
        ("teams", "GET", "/graph/v1.0/users", "Bearer"),
        ("teams", "GET", "/graph/v1.0/users", "Bearer"),
    ]
    assert [one.status for one in teams.sandbox.requests[-3:]] == [503, 200, 200]


def test_an_item_alone_can_be_throttled(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    teams_options.throttled_in_batch = lambda url: url == "/users?$top=3"

    reply = teams.batch(item("a", url="/users?$top=3"), item("b"))

    answers = {one["id"]: one for one in reply.body["responses"]}
    assert (reply.status, answers["a"]["status"], answers["b"]["status"]) == (200, 429, 200)
    assert answers["a"]["headers"]["Retry-After"] == "2.128"
    assert answers["a"]["body"]["error"]["code"] == "TooManyRequests"
    assert {one.status for one in teams.sandbox.requests if one.query == {"$top": "3"}} == {429}
