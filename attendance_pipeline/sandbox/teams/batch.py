"""Many requests in one: up to twenty, each answered for itself, in an order that says nothing."""

import base64
import random
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

import msgspec
from multidict import CIMultiDict

from attendance_pipeline.sandbox.teams.errors import GraphError, bad_request
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer

MOST = 20


class Item(msgspec.Struct, rename="camel"):
    """One request of a batch."""

    id: str
    method: str
    url: str
    """Relative to the version."""
    headers: dict[str, str] = {}
    body: object = None
    depends_on: list[str] = []


class Batch(msgspec.Struct):
    """What is posted."""

    requests: list[Item]


def answered(call: Call, base: str, ask: Callable[[str, Call], Answer]) -> Answer:
    """All items asked one after the other, as far as what they depend on went well.

    Raises:
        GraphError: 400 for a batch that is none, is too big, or names an item twice.
    """
    items = _items(call)
    told: dict[str, tuple[Answer, object]] = {}
    for item in items:
        if any(told[name][0].status >= 400 for name in item.depends_on):
            answer = json_answer(424, {"error": {"code": "FailedDependency", "message": "Failed Dependency"}})
        else:
            answer = ask(item.url, _call(item, base, call.headers))
        told[item.id] = answer, _body(answer)
    rows = [_row(item.id, *told[item.id]) for item in items]
    random.shuffle(rows)
    return json_answer(200, {"responses": rows})


def inside(call: Call, base: str) -> list[Call]:
    """What a batch asks for; nothing where it can't be read."""
    try:
        return [_call(item, base, call.headers) for item in _items(call)]
    except GraphError:
        return []


def _items(call: Call) -> list[Item]:
    try:
        items = msgspec.json.decode(call.body, type=Batch).requests
    except msgspec.DecodeError as error:
        raise bad_request(f"Invalid batch payload format: {error}.") from None
    if not items or len(items) > MOST:
        raise bad_request(f"Number of batch request steps must be between 1 and the maximum value of {MOST}.")
    known: set[str] = set()
    for item in items:
        if item.id in known:
            raise bad_request(f"Request id '{item.id}' is not unique.")
        if not set(item.depends_on) <= known:
            raise bad_request(f"Request '{item.id}' depends on a request that doesn't precede it.")
        if item.url.startswith(("http:", "https:")):
            raise bad_request(f"Request '{item.id}' has an absolute URL.")
        known.add(item.id)
    return items


def _call(item: Item, base: str, outer: Mapping[str, str]) -> Call:
    path, _, query = item.url.partition("?")
    headers = CIMultiDict(item.headers)
    if "Authorization" in outer:
        headers.setdefault("Authorization", outer["Authorization"])
    return Call(
        method=item.method,
        path=f"{base}/{path.removeprefix('/')}",
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=b"" if item.body is None else msgspec.json.encode(item.body),
        batched=True,
    )


def _body(answer: Answer) -> object:
    if not answer.body:
        return None
    if "json" in answer.content_type:
        return msgspec.Raw(answer.body)
    return base64.b64encode(answer.body).decode()


def _row(name: str, answer: Answer, body: object) -> dict[str, object]:
    headers = answer.headers | ({"Content-Type": answer.content_type} if answer.body else {})
    row: dict[str, object] = {"id": name, "status": answer.status, "headers": headers}
    return row | {"body": body} if answer.body else row
