"""Requests leave in batches over real HTTP, and whatever isn't answered plainly there is asked for by itself."""

import asyncio
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from attendance_pipeline.http.budget import DailyBudget
from attendance_pipeline.http.errors import OutageError, QuotaError, RefusedError
from attendance_pipeline.http.pacing import Pacer, Rate
from attendance_pipeline.http.session import Answer, Asks
from attendance_pipeline.vendors.paging import Paging, walk
from attendance_pipeline.vendors.teams.batch import ATTEMPTS, MOST, Batching
from attendance_pipeline_tests.http.conftest import anyio_backend, budget, session
from attendance_pipeline_tests.http.local_vendor import NOW, Asked, LocalVendor, Raw, Sessions, answer

__all__ = ["anyio_backend", "budget", "session"]  # fixtures

pytestmark = pytest.mark.anyio

ANYTHING = msgspec.json.Decoder(Any)
NO_TYPE = msgspec.json.Decoder(dict[str, str])
Item = dict[str, Any]
Answers = Callable[[Item], Item | None]


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def plainly(item: Item) -> Item | None:
    """A request's answer inside a batch: its address."""
    return said(item, 200, {"url": item["url"]})


def said(item: Item, status: int, body: Any = None, **headers: Any) -> Item:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "id": item["id"],
        "status": status,
        "headers": {"Content-Type": "application/json"} | headers,
        "body": body,
    }


class Graph(LocalVendor):
    """Answers batches as `item` dictates, in any order; `batch` answers one by itself."""

    item: Answers = staticmethod(plainly)
    batch: Callable[[list[Item]], Raw | None] = staticmethod(lambda items: None)
    single: Callable[[Asked], Raw] = staticmethod(
        lambda asked: answer(body={"url": asked.target.removeprefix("/v1.0"), "alone": True})
    )
    shuffled = Random(7)  # noqa: S311 - an order, not a secret

    def __init__(self) -> None:
        super().__init__(self._answer)

    def _answer(self, asked: Asked) -> Raw:
        if not asked.target.endswith("/$batch"):
            return self.single(asked)
        items = json.loads(asked.body)["requests"]
        assert asked.method == "POST"
        assert asked.headers["content-type"] == "application/json"
        assert len({item["id"] for item in items}) == len(items) <= MOST
        assert {item["method"] for item in items} == {"GET"}
        answers = [answered for item in items if (answered := self.item(item)) is not None]
        self.shuffled.shuffle(answers)
        return self.batch(items) or answer(body={"responses": answers})

    @property
    def sizes(self) -> list[int]:
        """Of what was asked: requests in each batch, 1 for a request by itself."""
        return [len(batched(asked)) for asked in self.asked]


def batched(asked: Asked) -> list[Item]:
    if not asked.target.endswith("/$batch"):
        return [{"url": asked.target}]
    return list(json.loads(asked.body)["requests"])


@asynccontextmanager
async def batching(
    session: Sessions, budget: DailyBudget, **changes: Any
) -> AsyncIterator[tuple[Graph, Batching, Any]]:
    """A tenant, and what asks it: in batches and one by one."""
    before = asyncio.all_tasks()
    rates = {label: Rate(10_000, 1) for label in ("light", "heavy", "batch")}
    async with Graph() as graph:
        arguments = {"pacer": Pacer(rates, budget, frozenset({"heavy"})), **changes}
        async with session(graph.url, graph.token_url, **arguments) as api:
            yield graph, Batching(api), api
    assert asyncio.all_tasks() == before


async def ask(asks: Asks, numbers: Sequence[int], version: str = "/v1.0", label: str = "light") -> list[Answer[Any]]:
    return await asyncio.gather(*(asks.get(f"{version}/{number}", {}, ANYTHING, label) for number in numbers))


def contents(answers: Sequence[Answer[Any]]) -> list[str]:
    return [found.content["url"] for found in answers]


async def test_twenty_requests_leave_at_once_and_the_next_by_itself(session: Sessions, budget: DailyBudget) -> None:
    async with batching(session, budget) as (graph, asks, api):
        answers = await ask(asks, range(MOST + 1))

    assert graph.sizes == [MOST, 1]
    assert [asked.target for asked in graph.asked] == ["/v1.0/$batch", f"/v1.0/{MOST}"]
    assert contents(answers) == [f"/{number}" for number in range(MOST + 1)]
    assert [found.request for found in answers] == [f"/v1.0/{number}" for number in range(MOST + 1)]
    assert {found.fetched_at for found in answers} == {NOW}
    assert api.traffic.requests == {"light": MOST + 1, "batch": 1}
    assert api.traffic.failed_attempts == {}


async def test_each_request_has_one_turn(session: Sessions, budget: DailyBudget) -> None:
    before = budget.left
    async with batching(session, budget) as (_, asks, _):
        await ask(asks, range(MOST + 1), label="heavy")

    assert before is not None
    assert budget.left == before - (MOST + 1)


async def test_a_request_alone_is_asked_plainly(session: Sessions, budget: DailyBudget) -> None:
    async with batching(session, budget) as (graph, asks, _):
        for number in range(3):
            await ask(asks, [number])

    assert [asked.target for asked in graph.asked] == ["/v1.0/0", "/v1.0/1", "/v1.0/2"]


async def test_a_batch_has_one_version_and_other_paths_are_asked_plainly(
    session: Sessions, budget: DailyBudget
) -> None:
    async with batching(session, budget) as (graph, asks, _):
        asked = [ask(asks, range(3), version) for version in ("/v1.0", "/beta", "/v2.0/x", "/v1.0x")]
        await asyncio.gather(*asked)

    targets = sorted(one.target for one in graph.asked)
    assert [target for target in targets if "$batch" in target] == ["/beta/$batch", "/v1.0/$batch"]
    assert len(targets) == 2 + 3 + 3


async def test_the_query_travels_as_it_is_recorded_and_headers_with_it(
    session: Sessions, budget: DailyBudget
) -> None:
    query = {"$filter": "JoinWebUrl eq 'https://teams.example/l/+='", "$top": "50"}
    headers = {"ConsistencyLevel": "eventual"}
    async with batching(session, budget, headers={"Prefer": "include-unknown-enum-members"}) as (graph, asks, _):
        answers = await asyncio.gather(
            asks.get("/v1.0/users", query, ANYTHING, "light", headers=headers),
            asks.get("/v1.0/users/a%2Fb?$select=id", {}, ANYTHING, "light"),
        )
        await asks.get("/v1.0/users", query, ANYTHING, "light", headers=headers)

    first, second = batched(graph.asked[0])
    assert first["url"] == "/users?%24filter=JoinWebUrl+eq+%27https%3A%2F%2Fteams.example%2Fl%2F%2B%3D%27&%24top=50"
    assert first["headers"] == {"Prefer": "include-unknown-enum-members", "ConsistencyLevel": "eventual"}
    assert second["url"] == "/users/a%2Fb?$select=id"
    assert second["headers"] == {"Prefer": "include-unknown-enum-members"}
    assert answers[0].request == f"/v1.0{first['url']}" == graph.asked[1].target
    assert graph.asked[1].headers["consistencylevel"] == "eventual"
    assert graph.asked[1].headers["prefer"] == "include-unknown-enum-members"


async def test_a_list_is_walked_in_batches(session: Sessions, budget: DailyBudget) -> None:
    async def pages(asks: Asks, path: str) -> list[int]:
        return [document.status async for document, _ in walk(asks, Paging(path, {}), ANYTHING, "light", kind="x")]

    async with batching(session, budget) as (graph, asks, _):
        found = await asyncio.gather(*(pages(asks, f"/v1.0/{number}") for number in range(5)))

    assert found == [[200]] * 5
    assert graph.sizes == [5]


async def test_a_body_is_kept_as_it_came(session: Sessions, budget: DailyBudget) -> None:
    bodies = [
        b'{"at":  1.50, "name": "an\\u00e1" }',
        b"[]",
        b'"text"',
        b'{"cut": "A\\ud83e"}',
        b'{"none": "\\ufffd"}',
    ]

    def batch(items: list[Item]) -> Raw:
        heads = [
            b'{"body":%b,"status":200,"id":"%b"}' % (bodies[int(one["url"][1:])], one["id"].encode()) for one in items
        ]
        return answer(body=b'{"responses": [' + b",".join(heads) + b"]}")

    async with batching(session, budget) as (graph, asks, _):
        graph.batch = batch
        graph.single = lambda asked: answer(body=bodies[int(asked.target[-1])])
        answers = await ask(asks, range(len(bodies)))

    assert [found.body for found in answers] == bodies
    # a name that was cut off in the middle of a sign is asked for by itself: it would be mended in a batch
    assert [asked.target for asked in graph.asked] == ["/v1.0/$batch", "/v1.0/3"]
    assert answers[3].content == {"cut": "A�"}


async def test_a_body_that_is_no_json_comes_as_base64(session: Sessions, budget: DailyBudget) -> None:
    body = b'{"name": "\xc3\xa1\xc3\xbf\xc3\xbb>>??"}'
    packed = {"/0": b64encode(body), "/1": urlsafe_b64encode(body), "/2": b"not base64!", "/3": b"e30"}
    async with batching(session, budget) as (graph, asks, _):
        graph.item = lambda item: said(item, 200, packed[item["url"]].decode(), Content_Type="text/plain")
        answers = await ask(asks, range(4))

    assert [found.body for found in answers[:2]] == [body, body]
    assert [found.content["alone"] for found in answers[2:]] == [True, True]


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422])
async def test_a_refusal_is_an_answer(session: Sessions, budget: DailyBudget, status: int) -> None:
    refusal = {"error": {"code": "Forbidden", "message": "3003: no"}}
    async with batching(session, budget) as (graph, asks, _):
        graph.item = lambda item: said(item, status, refusal) if item["url"] == "/0" else plainly(item)
        refused, plain = await ask(asks, range(2))

    assert (refused.status, json.loads(refused.body), refused.content) == (status, refusal, None)
    assert refused.request == "/v1.0/0"
    assert plain.status == 200
    assert graph.sizes == [2]


FAULTS: dict[str, Answers] = {
    "missing": lambda item: None,
    "without a status": lambda item: {"id": item["id"], "body": {}},
    "without an id": lambda item: {"status": 200, "body": {}},
    "of another id": lambda item: said(item, 200, {}) | {"id": "77"},
    "of no number": lambda item: said(item, 200, {}) | {"id": "x"},
    "odd headers": lambda item: said(item, 200, {}) | {"headers": ["x"]},
    "headers of other letters": lambda item: said(item, 200, {}, x_name="日本"),
    "no body": lambda item: {"id": item["id"], "status": 200},
    "null": lambda item: said(item, 200),
    "undocumented": lambda item: said(item, 200, ["?"]),
    "redirect": lambda item: said(item, 302, None, Location="https://elsewhere.example/"),
    "401": lambda item: said(item, 401, {}),
    "408": lambda item: said(item, 408, {}),
    "424": lambda item: said(item, 424, {}),
    "429": lambda item: said(item, 429, {}, Retry_After="0.01"),
    "500": lambda item: said(item, 500, {}),
    "503": lambda item: said(item, 503, {}, Retry_After="1000"),
    "0": lambda item: said(item, 0, {}),
    "999": lambda item: said(item, 999, {}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_what_is_not_answered_plainly_is_asked_for_by_itself(
    session: Sessions, budget: DailyBudget, fault: Answers
) -> None:
    async with batching(session, budget) as (graph, asks, _):
        graph.item = lambda item: fault(item) if item["url"] == "/1" else plainly(item)
        graph.single = lambda asked: answer(body={"url": "/1", "alone": "yes"})
        requests = [asks.get(f"/v1.0/{number}", {}, NO_TYPE, "light") for number in range(3)]
        answers = await asyncio.gather(*requests)

    assert [found.content for found in answers] == [{"url": "/0"}, {"url": "/1", "alone": "yes"}, {"url": "/2"}]
    assert [asked.target for asked in graph.asked] == ["/v1.0/$batch", "/v1.0/1"]


@pytest.mark.parametrize("header", ["Retry-After", "retry-after", "RETRY-AFTER"])
@pytest.mark.parametrize("value", ["0.25", 0.25])
async def test_a_throttled_request_waits_as_long_as_it_is_told_and_so_does_its_label(
    session: Sessions, budget: DailyBudget, header: str, value: object
) -> None:
    async with batching(session, budget) as (graph, asks, api):
        graph.item = lambda item: said(item, 429, {}, **{header: value}) if item["url"] == "/0" else plainly(item)
        await asyncio.gather(ask(asks, range(3)), ask(asks, range(3, 5)))

    assert graph.sizes == [5, 1]
    assert 0.24 <= graph.asked[1].at - graph.asked[0].at < 1
    assert api.pacer.waited["told"] == pytest.approx(0.25)
    assert api.pacer._held.keys() == {"light"}


async def test_a_wait_that_is_longer_than_a_run_has_patience_ends_asking(
    session: Sessions, budget: DailyBudget
) -> None:
    async with batching(session, budget) as (graph, asks, _):
        graph.item = lambda item: said(item, 429, {}, Retry_After="3600")
        requests = [asks.get(f"/v1.0/{number}", {}, ANYTHING, "light") for number in range(3)]
        errors = await asyncio.gather(*requests, return_exceptions=True)

    assert [type(error) for error in errors] == [QuotaError] * 3
    assert "a wait of 3600 s (429 to GET /v1.0/0)" in str(errors[0])
    assert graph.sizes == [3]


async def test_batches_shrink_where_something_is_throttled_and_grow_again(
    session: Sessions, budget: DailyBudget
) -> None:
    throttled = True

    def item(one: Item) -> Item | None:
        return said(one, 429, {}, Retry_After="0.001") if throttled and one["id"] == "0" else plainly(one)

    async with batching(session, budget) as (graph, asks, _):
        graph.item = item
        largest = []
        for _ in range(5):
            await ask(asks, range(MOST))
            largest.append(max(graph.sizes))
            graph.asked.clear()
        throttled = False
        for _ in range(10):
            await ask(asks, range(MOST))

    assert largest == [20, 10, 5, 2, 1]
    assert graph.sizes[-1] == MOST


async def test_batches_that_were_throttled_together_shrink_once(session: Sessions, budget: DailyBudget) -> None:
    async with batching(session, budget) as (graph, asks, _):
        graph.item = lambda item: said(item, 429, {}, Retry_After="0.01")
        await ask(asks, range(3 * MOST))
        graph.item = plainly
        graph.asked.clear()
        await ask(asks, range(10))

    assert graph.sizes == [10]


async def test_a_status_that_is_hopeless_is_not_asked_for_again(session: Sessions, budget: DailyBudget) -> None:
    async with batching(session, budget) as (graph, asks, _):
        graph.item = lambda item: said(item, 504, {})
        requests = [asks.get(f"/v1.0/{number}", {}, ANYTHING, "light", frozenset({504})) for number in range(2)]
        errors = await asyncio.gather(*requests, return_exceptions=True)

    assert [error.status for error in errors if isinstance(error, OutageError)] == [504, 504]
    assert graph.sizes == [2]


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_where_there_are_no_batches_none_is_asked_for_again(
    session: Sessions, budget: DailyBudget, status: int
) -> None:
    async with batching(session, budget) as (graph, asks, _):
        graph.batch = lambda items: answer(status, {})
        first = await ask(asks, range(3))
        second = await ask(asks, range(3))

    assert contents(first) == contents(second) == ["/0", "/1", "/2"]
    assert graph.sizes == [3] + [1] * 6


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        (answer(403, {}), 1),
        (answer(413, {}), 1),
        (answer(302, b"", Location="/elsewhere"), 1),
        (answer(500), ATTEMPTS),
        (answer(200, "<html>"), ATTEMPTS),
        (answer(200, {"value": []}), ATTEMPTS),
        (Raw(b"", "close"), ATTEMPTS),
    ],
)
async def test_what_a_failing_batch_held_is_asked_for_plainly(
    session: Sessions, budget: DailyBudget, fault: Raw, asked: int
) -> None:
    async with batching(session, budget) as (graph, asks, _):
        graph.batch = lambda items: fault
        answers = await ask(asks, range(3))
        graph.batch = lambda items: None
        await ask(asks, range(3))

    assert contents(answers) == ["/0", "/1", "/2"]
    assert graph.sizes == [3] * asked + [1] * 3 + [3]


async def test_a_batch_that_fails_for_a_while_is_sent_again(session: Sessions, budget: DailyBudget) -> None:
    faults = [answer(503), answer(429, Retry_After="0.01"), answer(401)]
    async with batching(session, budget) as (graph, asks, api):
        graph.batch = lambda items: faults.pop(0) if faults else None
        answers = await ask(asks, range(3))

    assert contents(answers) == ["/0", "/1", "/2"]
    assert graph.sizes == [3] * 4
    assert api.traffic.failed_attempts == {"batch": 1}


async def test_a_quota_ends_asking_for_whatever_a_batch_held(session: Sessions, budget: DailyBudget) -> None:
    async with batching(session, budget) as (graph, asks, _):
        graph.batch = lambda items: answer(429, {}, Retry_After="3600")
        requests = [asks.get(f"/v1.0/{number}", {}, ANYTHING, "light") for number in range(3)]
        errors = await asyncio.gather(*requests, return_exceptions=True)

    assert [type(error) for error in errors] == [QuotaError] * 3
    assert "POST /v1.0/$batch" in str(errors[0])
    assert graph.sizes == [3]


async def test_refused_credentials_are_told_to_each(session: Sessions, budget: DailyBudget) -> None:
    async with batching(session, budget) as (graph, asks, _):
        graph.minting = lambda _: answer(401)
        requests = [asks.get(f"/v1.0/{number}", {}, ANYTHING, "light") for number in range(3)]
        errors = await asyncio.gather(*requests, return_exceptions=True)

    assert [type(error) for error in errors] == [RefusedError] * 3


async def test_whoever_is_cancelled_leaves_the_others_alone(session: Sessions, budget: DailyBudget) -> None:
    async with batching(session, budget) as (graph, asks, _):
        waiting = [asyncio.create_task(asks.get(f"/v1.0/{n}", {}, ANYTHING, "light")) for n in range(5)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        before_it_left = await asyncio.gather(*waiting, return_exceptions=True)

        arrived, go_on = asyncio.Event(), asyncio.Event()
        plain = graph.answering

        async def slowly(asked: Asked) -> Raw:
            arrived.set()
            await go_on.wait()
            found = plain(asked)
            assert isinstance(found, Raw)
            return found

        graph.answering = slowly
        waiting = [asyncio.create_task(asks.get(f"/v1.0/{n}", {}, ANYTHING, "light")) for n in range(5)]
        await arrived.wait()
        waiting[0].cancel()
        await asyncio.sleep(0.01)
        go_on.set()
        on_its_way = await asyncio.gather(*waiting, return_exceptions=True)

    for found in (before_it_left, on_its_way):
        assert isinstance(found[0], asyncio.CancelledError)
        assert [one.status for one in found[1:] if isinstance(one, Answer)] == [200] * 4
    assert graph.sizes == [4, 5]


async def test_a_batch_for_which_nobody_waits_ends(session: Sessions, budget: DailyBudget) -> None:
    async with batching(session, budget) as (graph, asks, _):
        arrived, ended = asyncio.Event(), asyncio.Event()

        async def for_ever(asked: Asked) -> Raw:
            arrived.set()
            await ended.wait()
            return answer()

        graph.answering = for_ever
        waiting = [asyncio.create_task(asks.get(f"/v1.0/{n}", {}, ANYTHING, "light")) for n in range(5)]
        others = asyncio.all_tasks()
        await arrived.wait()
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        ours = {task for task in asyncio.all_tasks() - others if "Batching" in repr(task.get_coro())}
        ended.set()

    assert ours == set()
    assert urlsplit(graph.asked[0].target).path == "/v1.0/$batch"
