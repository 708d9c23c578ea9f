import asyncio
import gzip
import ssl
from datetime import timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
import pytest

from attendance_pipeline.errors import StorageError
from attendance_pipeline.http import session as session_module
from attendance_pipeline.http.budget import DailyBudget
from attendance_pipeline.http.errors import ForeignHostError, OutageError, QuotaError, RefusedError, VendorError
from attendance_pipeline.http.pacing import Pacer, Rate
from attendance_pipeline.http.session import ATTEMPTS, IN_FLIGHT, THROTTLED_ATTEMPTS, Answer, Session, endpoint

from .local_vendor import NOW, SECRET, Asked, LocalVendor, Raw, Sessions, answer, in_turn

pytestmark = pytest.mark.anyio

MIB = 2**20


class Page(msgspec.Struct):
    names: list[str]
    next_token: str = ""


PAGE = msgspec.json.Decoder(Page)
GOOD = answer(body={"names": ["ana", "ben"], "next_token": "+/=="})
QUERY = {"from": "2026-03-01", "page_token": "query-value"}


async def ask(session: Session, path: str = "/meetings/x") -> Answer[Page]:
    return await session.get(path, QUERY, PAGE, "heavy")


async def error_of(session: Session, path: str = "/meetings/x") -> VendorError:
    """The error that asking ends in; no error may tell tokens, secrets or the query."""
    with pytest.raises(VendorError) as caught:
        await ask(session, path)
    message = str(caught.value)
    assert "acme" in message
    assert not any(told in message for told in ("query-value", "page_token", "token-1", SECRET, "Bearer"))
    assert "\n" not in message
    return caught.value


async def test_a_success_is_decoded_and_kept_as_it_came(session: Sessions) -> None:
    body = b' {"names":["an\\u00e1"], "unknown": 1.50 }\n'
    async with LocalVendor(lambda _: answer(body=body)) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await ask(api)

    assert found == Answer(
        status=200,
        body=body,
        content=Page(["aná"]),
        request="/meetings/x?from=2026-03-01&page_token=query-value",
        fetched_at=NOW,
    )
    asked = vendor.asked[0]
    assert (asked.method, asked.target, asked.body) == ("GET", found.request, b"")
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["user-agent"] == "attendance-pipeline"
    assert asked.headers["host"] == f"127.0.0.1:{vendor.port}"


async def test_a_compressed_success_is_kept_uncompressed(session: Sessions) -> None:
    body = b'{"names": ["ana"]}'
    packed = answer(body=gzip.compress(body), Content_Encoding="gzip")
    async with LocalVendor(lambda _: packed) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await ask(api)

    assert (found.body, found.content) == (body, Page(["ana"]))


async def test_the_apis_address_may_have_a_path_of_its_own(session: Sessions) -> None:
    async with LocalVendor(lambda _: GOOD) as vendor, session(f"{vendor.url}/v2", vendor.token_url) as api:
        found = await api.get("/users", {}, PAGE, "light")

    assert found.request == "/users"
    assert vendor.asked[0].target == "/v2/users"


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422])
async def test_a_refusal_is_an_answer_and_asked_once(session: Sessions, status: int) -> None:
    body = b'{"code": 3001, "message": "Meeting does not exist"}'
    async with LocalVendor(lambda _: answer(status, body)) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await ask(api)

    assert (found.status, found.body, found.content) == (status, body, None)
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("status", [408, 423, 500, 502, 503, 504])
async def test_a_burst_of_faults_is_waited_out(session: Sessions, status: int) -> None:
    fault = answer(status, "<html>Bad gateway</html>")
    bursts = in_turn(*[fault] * (ATTEMPTS - 1), GOOD)
    async with LocalVendor(bursts) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await ask(api)

    assert found.content == Page(["ana", "ben"], "+/==")
    assert len(vendor.asked) == ATTEMPTS
    assert api.traffic.failed_attempts == {"heavy": ATTEMPTS - 1}


@pytest.mark.parametrize("status", [408, 423, 500, 502, 503, 504])
async def test_attempts_at_a_service_that_keeps_failing_are_bounded(session: Sessions, status: int) -> None:
    async with LocalVendor(lambda _: answer(status, "oops")) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert error.status == status
    assert f"answered {status} to GET /meetings/x" in str(error)
    assert len(vendor.asked) == ATTEMPTS
    assert api.traffic.failed_attempts == {"heavy": ATTEMPTS}


@pytest.mark.parametrize("header", ["0.15", "2026-03-16T15:00:00.150Z"])
async def test_a_failing_service_is_left_alone_as_long_as_it_asks(session: Sessions, header: str) -> None:
    busy = answer(503, "", Retry_After=header)
    async with LocalVendor(in_turn(busy, GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        await ask(api)

    assert vendor.pauses[0] >= 0.14


async def test_one_failing_request_does_not_slow_the_others_down(session: Sessions) -> None:
    busy = answer(503, "", Retry_After="0.3")

    def answering(asked: Asked) -> Raw:
        first = asked.target.startswith("/poison") and sum(one.target == asked.target for one in vendor.asked) == 1
        return busy if first else GOOD

    async with LocalVendor(answering) as vendor, session(vendor.url, vendor.token_url) as api:
        poisonous = asyncio.create_task(ask(api, "/poison"))
        await asyncio.sleep(0.1)
        for number in range(10):
            await ask(api, f"/{number}")
        assert not poisonous.done()
        await poisonous


async def test_a_failing_service_that_asks_for_more_patience_than_a_run_has_is_asked_once(
    session: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "LONGEST_WAIT", timedelta(seconds=0.1))
    busy = answer(503, "", Retry_After="3600")
    async with LocalVendor(lambda _: busy) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("header", ["0.1", "2026-03-16T15:00:00.100Z"])
async def test_told_to_slow_down_the_session_waits_and_asks_again(session: Sessions, header: str) -> None:
    throttled = answer(429, {"code": 429}, Retry_After=header)
    answers = in_turn(throttled, throttled, GOOD)
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await ask(api)

    assert found.content is not None
    assert all(pause >= 0.09 for pause in vendor.pauses)
    assert api.pacer.waited["told"] == pytest.approx(0.2)
    assert api.traffic.failed_attempts == {}


@pytest.mark.parametrize("headers", [{}, {"Retry_After": "soon"}, {"Retry_After": "0"}])
async def test_told_to_slow_down_without_a_wait_the_session_waits_a_second_or_two(
    session: Sessions, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    monkeypatch.setattr(session_module, "uniform", lambda least, most: (least + most) / 30)
    throttled = answer(429, **headers)
    async with LocalVendor(in_turn(throttled, GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        await ask(api)

    assert vendor.pauses[0] >= 0.09


async def test_a_slow_down_holds_every_request_of_its_label(session: Sessions) -> None:
    throttled = answer(429, {}, Retry_After="0.3")
    async with LocalVendor(in_turn(throttled, GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        told = asyncio.create_task(ask(api))
        await asyncio.sleep(0.1)
        await api.get("/users", {}, PAGE, "light")
        light_at = monotonic()
        await ask(api)
        heavy_at = monotonic()
        await told

    assert light_at - vendor.asked[0].at < 0.28
    assert heavy_at - vendor.asked[0].at >= 0.29


async def test_throttled_attempts_are_bounded(session: Sessions) -> None:
    throttled = answer(429, {}, Retry_After="0.001")
    async with LocalVendor(lambda _: throttled) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert "keeps answering 429 to GET /meetings/x" in str(error)
    assert len(vendor.asked) == THROTTLED_ATTEMPTS


async def test_throttled_for_longer_than_a_run_has_patience_ends_asking_and_says_when_it_goes_on(
    session: Sessions,
) -> None:
    throttled = answer(429, {}, Retry_After="rand(30),add(3600)")
    async with LocalVendor(lambda _: throttled) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, QuotaError)
    assert error.resumes_at == NOW + timedelta(seconds=3_630)
    assert "a wait of 3630 s" in str(error)
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("header", "link"),
    [
        (None, ""),
        (
            '<https://api.acme.example/v1/x?max=100&offset=100>; rel="next"',
            "https://api.acme.example/v1/x?max=100&offset=100",
        ),
        ('</x?offset=0>; rel="first", </x?offset=7>; rel="next", </x?offset=9>; rel="last"', "/x?offset=7"),
        ("</x?offset=7> ; rel=next", "/x?offset=7"),
        ('</x?ids=1,2&offset=7>; rel="next"', "/x?ids=1,2&offset=7"),
        ('</x?offset=0>; rel="prev"', ""),
        ('</x?offset=7>; REL="NEXT"', "/x?offset=7"),
        ('</x?offset=7>; rel="last next"', "/x?offset=7"),
        ('</x?offset=7>; title="a=b"; rel="next"', "/x?offset=7"),
        ('</x?a=x;y&offset=7>; rel="next"', "/x?a=x;y&offset=7"),
        ('</x?offset=7>; rel="nextish"', ""),
        ("</x?offset=0>", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
async def test_the_link_to_the_next_page_is_handed_on_as_it_came(
    session: Sessions, header: str | None, link: str
) -> None:
    page = answer(body={"names": []}) if header is None else answer(body={"names": []}, Link=header)
    async with LocalVendor(lambda _: page) as vendor, session(vendor.url, vendor.token_url) as api:
        assert (await ask(api)).next_link == link


async def test_a_link_that_names_another_host_is_not_asked(session: Sessions) -> None:
    async with LocalVendor() as foreign, LocalVendor() as vendor, session(vendor.url, vendor.token_url) as api:
        vendor.answering = in_turn(answer(body={"names": []}, Link=f'<{foreign.url}/steal>; rel="next"'))
        found = await ask(api)

    assert found.next_link == f"{foreign.url}/steal"
    assert foreign.connections == 0
    assert len(vendor.asked) == 1


async def test_a_sessions_headers_go_with_every_request_to_the_api_beside_our_own(session: Sessions) -> None:
    headers = {"timezone": "UTC"}
    async with (
        LocalVendor(in_turn(answer(500), GOOD)) as vendor,
        session(vendor.url, vendor.token_url, headers=headers) as api,
    ):
        await ask(api)
        await ask(api, "/other")

    assert [asked.headers["timezone"] for asked in vendor.asked] == ["UTC"] * 3
    assert {asked.headers["accept"] for asked in vendor.asked} == {"application/json"}
    assert {asked.headers["user-agent"] for asked in vendor.asked} == {"attendance-pipeline"}
    assert all(asked.headers["authorization"] == "Bearer token-1" for asked in vendor.asked)


async def test_a_post_sends_json_and_is_told_as_one(session: Sessions) -> None:
    async with LocalVendor(in_turn(answer(503), GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await api.post("/v1.0/$batch", b'{"requests": []}', PAGE, "light")
        vendor.answering = in_turn(answer(500))
        with pytest.raises(OutageError, match=r"acme answered 500 to POST /v1.0/\$batch; its service is failing"):
            await api.post("/v1.0/$batch", b"{}", PAGE, "light")

    assert found == Answer(200, found.body, Page(["ana", "ben"], "+/=="), "/v1.0/$batch", NOW)
    assert [(asked.method, asked.target, asked.body) for asked in vendor.asked[:2]] == [
        ("POST", "/v1.0/$batch", b'{"requests": []}')
    ] * 2
    assert {asked.headers["content-type"] for asked in vendor.asked} == {"application/json"}
    assert len(vendor.asked) == 2 + ATTEMPTS


async def test_a_post_after_a_token_that_died_is_sent_again_as_a_whole(session: Sessions) -> None:
    async with LocalVendor(in_turn(answer(401), GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        await api.post("/x", b"[1]", PAGE, "light")

    assert [(asked.headers["authorization"], asked.body) for asked in vendor.asked] == [
        ("Bearer token-1", b"[1]"),
        ("Bearer token-2", b"[1]"),
    ]


async def test_a_requests_own_headers_go_with_every_attempt_and_no_other_request(session: Sessions) -> None:
    own = {"Prefer": "outlook.timezone", "accept": "text/plain"}
    async with LocalVendor(in_turn(answer(500), GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        await api.get("/x", {}, PAGE, "light", headers=own)
        await api.get("/y", {}, PAGE, "light")

    assert [asked.headers.get("prefer") for asked in vendor.asked] == ["outlook.timezone"] * 2 + [None]
    assert [asked.headers["accept"] for asked in vendor.asked] == ["text/plain"] * 2 + ["application/json"]


async def test_whoever_had_a_turn_waits_for_none_before_the_first_attempt(
    session: Sessions, budget: DailyBudget
) -> None:
    before = budget.left
    async with LocalVendor(in_turn(answer(500), GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        await api.get("/x", QUERY, PAGE, "heavy", had_turn=True)

    assert before is not None
    assert budget.left == before - 1


@pytest.mark.parametrize("status", [500, 504])
async def test_a_status_that_is_hopeless_is_not_tried_again_and_any_other_is(session: Sessions, status: int) -> None:
    async with LocalVendor(lambda _: answer(status)) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError) as outage:
            await api.get("/meetings/x", QUERY, PAGE, "heavy", frozenset({504}))

    assert outage.value.status == status
    assert len(vendor.asked) == (1 if status == 504 else ATTEMPTS)
    assert api.traffic.failed_attempts == {"heavy": len(vendor.asked)}


async def test_a_hopeless_status_after_other_faults_ends_the_attempts(session: Sessions) -> None:
    faults = in_turn(answer(500), answer(502), answer(504), GOOD)
    async with LocalVendor(faults) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError):
            await api.get("/meetings/x", QUERY, PAGE, "heavy", frozenset({504}))

    assert len(vendor.asked) == 3


async def test_a_token_that_the_api_refuses_says_what_this_vendors_way_out_is(session: Sessions) -> None:
    async with (
        LocalVendor(lambda _: answer(401)) as vendor,
        session(vendor.url, vendor.token_url, token_refused="copy another one to ACME_TOKEN") as api,
    ):
        error = await error_of(api)

    assert isinstance(error, RefusedError)
    assert str(error) == "acme refused the token (401 to GET /meetings/x); copy another one to ACME_TOKEN"


async def test_a_long_wait_ends_asking_and_spends_no_day(session: Sessions, budget: DailyBudget) -> None:
    throttled = answer(429, {}, Retry_After="3600")
    async with LocalVendor(in_turn(throttled, GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)
        left = budget.left
        await ask(api)

    assert isinstance(error, QuotaError)
    assert left == 899
    assert len(vendor.asked) == 2


async def test_a_day_that_is_spent_ends_asking_and_says_when_it_goes_on(
    session: Sessions, budget: DailyBudget
) -> None:
    spent = answer(429, {}, Retry_After="2026-03-16T18:30:00Z", x_limit="daily")
    async with LocalVendor(lambda _: spent) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)
        assert budget.left == 0
        with pytest.raises(QuotaError):
            await ask(api, "/meetings/y")

    assert isinstance(error, QuotaError)
    assert error.resumes_at == NOW.replace(hour=18, minute=30)
    assert "go on after 2026-03-16 18:30 UTC" in str(error)
    assert len(vendor.asked) == 1


async def test_a_spent_day_without_a_word_on_its_end_goes_on_at_midnight_utc(session: Sessions) -> None:
    spent = answer(429, {}, x_limit="daily")
    async with LocalVendor(lambda _: spent) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, QuotaError)
    assert "go on after 2026-03-17 00:00 UTC" in str(error)
    assert error.resumes_at == NOW.replace(day=17, hour=0)


async def test_without_budget_nothing_is_asked_and_other_labels_go_on(session: Sessions, budget: DailyBudget) -> None:
    budget.exhaust()
    async with LocalVendor(lambda _: GOOD) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(QuotaError):
            await ask(api)
        await api.get("/users", {}, PAGE, "light")

    assert [asked.target for asked in vendor.asked] == ["/users"]


async def test_every_attempt_costs_budget_and_the_count_outlives_the_session(
    session: Sessions, budget: DailyBudget, tmp_path: Path
) -> None:
    async with LocalVendor(in_turn(answer(500), GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        await ask(api)
        await ask(api)

    assert budget.left == 900 - 3
    assert DailyBudget(tmp_path / "today.json", 1_000, 100, clock=lambda: NOW).left == 900 - 3


async def test_a_count_that_cannot_be_written_leaves_no_connection_open(session: Sessions, tmp_path: Path) -> None:
    budget = DailyBudget(tmp_path / "state" / "today.json", 1_000, 100, clock=lambda: NOW)
    pacer = Pacer({"heavy": Rate(1, 0.01)}, budget, frozenset({"heavy"}))

    async def ask_as_the_disk_goes(api: Session) -> None:
        async with api:
            await ask(api)
            (tmp_path / "state").rename(tmp_path / "moved away")
            (tmp_path / "state").write_text("a file stands here")

    async with LocalVendor(lambda _: GOOD) as vendor:
        with pytest.raises(StorageError):
            await ask_as_the_disk_goes(session(vendor.url, vendor.token_url, pacer=pacer))
        async with asyncio.timeout(5):
            await vendor.left_alone()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
FAULTS = {
    "hangs up": Raw(b"", "close"),
    "resets": Raw(b"", "reset"),
    "is not HTTP": Raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "close"),
    "hangs up inside the headers": Raw(HEAD, "close"),
    "hangs up inside the body": Raw(HEAD + b'Content-Length: 500\r\n\r\n{"names": ["ana"', "close"),
    "resets inside the body": Raw(HEAD + b'Content-Length: 500\r\n\r\n{"names": ["ana"', "reset"),
    "hangs up inside a chunk": Raw(HEAD + b'Transfer-Encoding: chunked\r\n\r\nff\r\n{"names": []}', "close"),
    "hangs up before the last chunk": Raw(
        HEAD + b'Transfer-Encoding: chunked\r\n\r\nd\r\n{"names": []}\r\n', "close"
    ),
    "sends chunks without a length": Raw(HEAD + b'Transfer-Encoding: chunked\r\n\r\nxyz\r\n{"names": []}', "close"),
    "ends its JSON early": answer(body='{"names": ["ana", "be'),
    "sends a page": answer(body="<html>Down for maintenance</html>", Content_Type="text/html"),
    "sends nothing": answer(body=b""),
    "sends nothing at all with a 204": Raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "sends JSON of another shape": answer(body=[1, 2]),
    "nests without end": answer(body=b'{"names": [], "deep": ' + b"[" * 100_000),
    "lacks a field": answer(body={"next_token": ""}),
    "sends text in another encoding": answer(body='{"names": ["aná"]}'.encode("latin-1")),
    "says gzip and isn't": answer(body='{"names": []}', Content_Encoding="gzip"),
    "spoils its gzip": answer(body=gzip.compress(b'{"names": []}' * 9)[:14] + b"\xff" * 20, Content_Encoding="gzip"),
    "ends its gzip early": answer(body=gzip.compress(b'{"names": ["%d"]}' % 7**900)[:-60], Content_Encoding="gzip"),
    "sends two lengths": Raw(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "close"),
    "sends a header without an end": Raw(HEAD + b"X-Long: " + b"x" * 100_000, "close"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_vendor_without_a_usable_answer_is_an_outage(session: Sessions, fault: Raw) -> None:
    async with LocalVendor(lambda _: fault) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert "/meetings/x" in str(error)
    assert len(vendor.asked) == ATTEMPTS


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_usable_answer_after_a_fault_is_taken(session: Sessions, fault: Raw) -> None:
    async with LocalVendor(in_turn(fault, GOOD)) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await ask(api)

    assert found.content == Page(["ana", "ben"], "+/==")


async def test_a_vendor_that_cannot_be_reached_is_an_outage(session: Sessions) -> None:
    async with LocalVendor() as vendor:
        pass
    async with LocalVendor() as login, session(vendor.url, login.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert "can't be reached at 127.0.0.1 (GET /meetings/x: " in str(error)
    assert error.status == 0


@pytest.mark.parametrize("address", ["ana%40example.com", "ana@example.com"])
async def test_a_persons_address_is_asked_for_and_kept_but_shown_nowhere(session: Sessions, address: str) -> None:
    path = f"/report/users/{address}/meetings"
    async with LocalVendor(lambda _: GOOD) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await ask(api, path)
        vendor.answering = in_turn(answer(500))
        error = await error_of(api, path)

    assert found.request.startswith(path)
    assert "GET /report/users/…/meetings" in str(error)
    assert {request for _, request in api.traffic.slowest} == {"GET /report/users/…/meetings"}
    assert "example.com" not in str(error)


async def test_a_name_that_nobody_has_is_an_outage(session: Sessions) -> None:
    async with LocalVendor() as login, session("http://acme.invalid", login.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert "acme.invalid" in str(error)


@pytest.mark.parametrize(
    "content",
    [b"", HEAD, HEAD + b"Content-Length: 500\r\n\r\n{", HEAD + b"Content-Length: 9999999\r\n\r\n"],
    ids=["no answer", "half the headers", "half the body", "hardly a body"],
)
@pytest.mark.parametrize("then", ["stall", "trickle"])
async def test_an_answer_that_does_not_end_is_an_outage(
    session: Sessions, monkeypatch: pytest.MonkeyPatch, content: bytes, then: str
) -> None:
    monkeypatch.setattr(session_module, "LONGEST_REQUEST", 0.1)
    monkeypatch.setattr(session_module, "ATTEMPTS", 2)
    endless = Raw(content, then)  # type: ignore[arg-type]
    async with LocalVendor(lambda _: endless) as vendor, session(vendor.url, vendor.token_url) as api:
        began = monotonic()
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert "/meetings/x" in str(error)
    assert len(vendor.asked) == 2
    assert monotonic() - began < 2


@pytest.mark.parametrize(
    "large",
    [
        answer(body=b" " * 2 * MIB),
        answer(body=gzip.compress(b" " * 2 * MIB), Content_Encoding="gzip"),
        answer(404, b" " * 2 * MIB),
        Raw(HEAD + b"Content-Length: 99999999999\r\n\r\n" + b" " * 2 * MIB, "trickle"),
    ],
    ids=["success", "unpacked", "refusal", "endless"],
)
async def test_a_body_larger_than_any_page_is_an_outage(
    session: Sessions, monkeypatch: pytest.MonkeyPatch, large: Raw
) -> None:
    monkeypatch.setattr(session_module, "LARGEST_BODY", MIB)
    async with LocalVendor(lambda _: large) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert "GET /meetings/x with more than 1 MiB" in str(error)


async def test_a_body_as_large_as_a_page_may_be_is_taken(session: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "LARGEST_BODY", MIB)
    body = b'{"names": []}'.ljust(MIB)
    async with LocalVendor(lambda _: answer(body=body)) as vendor, session(vendor.url, vendor.token_url) as api:
        assert (await ask(api)).body == body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["{foreign}/steal?page_token=query-value", "/elsewhere"], ids=["away", "within"])
async def test_a_redirect_is_not_followed_wherever_it_leads(session: Sessions, status: int, target: str) -> None:
    async with LocalVendor() as foreign, LocalVendor() as vendor, session(vendor.url, vendor.token_url) as api:
        vendor.answering = in_turn(answer(status, b"", Location=target.format(foreign=foreign.url)))
        error = await error_of(api)

    assert isinstance(error, ForeignHostError)
    assert f"GET /meetings/x with a redirect ({status})" in str(error)
    assert foreign.connections == 0
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("path", ["@127.0.0.1:{port}/x", "{port}/x"])
async def test_a_path_that_leaves_the_vendors_host_is_not_asked(session: Sessions, path: str) -> None:
    """A path made from a vendor's link or id must not turn into a host, a port or a password."""
    async with LocalVendor() as foreign, LocalVendor() as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(VendorError) as caught:
            await ask(api, path.format(port=foreign.port))

    assert "token-" not in str(caught.value)
    assert foreign.connections == 0
    assert (vendor.asked, vendor.minted) == ([], [])


UUIDS = ["4444AAAiAAAAAiAiAiiAii==", "/aB+c//d==", "a b%c?d#e", "aná~@:!$&'()*,;="]


@pytest.mark.parametrize("uuid", UUIDS)
async def test_a_path_arrives_exactly_as_it_was_encoded(session: Sessions, uuid: str) -> None:
    """Encoded once (`%2B`, `%2F`, `%3D`) and twice (`%252F`), as Zoom wants it of UUIDs with slashes."""
    once = quote(uuid, safe="")
    paths = [f"/report/meetings/{encoded}/participants" for encoded in (once, quote(once, safe=""))]
    async with LocalVendor(lambda _: GOOD) as vendor, session(f"{vendor.url}/v2", vendor.token_url) as api:
        for path in paths:
            await api.get(path, {}, PAGE, "light")

    assert [asked.target for asked in vendor.asked] == [f"/v2{path}" for path in paths]


async def test_the_query_arrives_exactly_as_it_is_recorded(session: Sessions) -> None:
    query = {"next_page_token": "a+b/c==%2B%", "from": "2026-03-01", "who": "ana b&c=d;e?f#g@h", "empty": ""}
    async with LocalVendor(lambda _: GOOD) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await api.get("/list", query, PAGE, "light")

    target = vendor.asked[0].target
    assert dict(parse_qsl(urlsplit(target).query, keep_blank_values=True)) == query
    assert target == found.request


async def test_no_more_than_so_many_requests_are_in_flight(session: Sessions) -> None:
    flying, most = 0, 0

    async def slowly(_: Asked) -> Raw:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.05)
        flying -= 1
        return GOOD

    async with LocalVendor(slowly) as vendor, session(vendor.url, vendor.token_url) as api:
        await asyncio.gather(*(ask(api, f"/{number}") for number in range(3 * IN_FLIGHT)))

    assert most == IN_FLIGHT
    assert len(vendor.asked) == 3 * IN_FLIGHT
    assert vendor.connections <= IN_FLIGHT + 1


async def test_a_cancelled_request_makes_room_for_the_next(session: Sessions) -> None:
    hanging = Raw(HEAD, "stall")
    async with LocalVendor(lambda _: hanging) as vendor, session(vendor.url, vendor.token_url) as api:
        tasks = [asyncio.create_task(ask(api)) for _ in range(IN_FLIGHT)]
        async with asyncio.timeout(5):
            while len(vendor.asked) < IN_FLIGHT:
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        vendor.answering = in_turn(GOOD)
        async with asyncio.timeout(5):
            found = await ask(api)

    assert found.status == 200


@pytest.mark.parametrize(
    ("request_", "shown"),
    [
        ("/report/history_meetings?from=2026-03-01", "/report/history_meetings"),
        ("/report/meetings/85746065432", "/report/meetings/…"),
        ("/report/users/KdYKjnimTKPdFFgQtFQ/meetings", "/report/users/…/meetings"),
        ("/v1.0/users/57f9dacc-71bf-4743-b413-53a/onlineMeetings/MSo1N2Y/attendanceReports", None),
        ("/v1.0/$batch", "/v1.0/$batch"),
        ("/report/meetings/%252FabC%253D%253D/participants", "/report/meetings/…/participants"),
        ("/v1.0/users/ana@example.com/calendarView", "/v1.0/users/…/calendarView"),
    ],
)
def test_of_a_slow_request_its_words_are_shown_and_no_id(request_: str, shown: str | None) -> None:
    assert endpoint(request_) == (shown or "/v1.0/users/…/onlineMeetings/…/attendanceReports")


async def test_a_cookie_is_not_sent_back(session: Sessions) -> None:
    baked = answer(body={"names": []}, Set_Cookie="track=me; Path=/; Max-Age=3600")
    async with LocalVendor(lambda _: baked) as vendor, session(vendor.url, vendor.token_url) as api:
        await ask(api)
        await ask(api)

    assert [asked.headers.get("cookie") for asked in vendor.asked] == [None, None]


async def test_people_who_watch_are_told_what_a_session_did(session: Sessions) -> None:
    async def answering(asked: Asked) -> Raw:
        await asyncio.sleep(0.1 if asked.target.startswith("/slow") else 0)
        return GOOD

    async with LocalVendor(answering) as vendor, session(vendor.url, vendor.token_url) as api:
        await ask(api, "/fast")
        await ask(api, "/slow")
        await api.get("/users", {}, PAGE, "light")

    assert api.traffic.requests == {"heavy": 2, "light": 1}
    seconds, slowest = api.traffic.slowest[0]
    assert slowest == "GET /slow"
    assert seconds >= 0.09


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "http://127.0.0.1:{port}/", "127.0.0.1:{port}"])
async def test_the_environments_proxy_is_used(
    session: Sessions, monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    async with LocalVendor(lambda _: GOOD) as proxy:
        monkeypatch.setenv(variable, address.format(port=proxy.port))
        async with session("http://api.acme.invalid", "http://login.acme.invalid/oauth") as api:
            # The proxy answers in the vendor's place; no such host exists.
            proxy.answering = lambda asked: (
                GOOD if "api.acme" in asked.target else answer(body={"access_token": "token-1", "expires_in": 3600})
            )
            found = await ask(api, "/meetings/a%252Fb")

    assert found.content is not None
    assert [asked.target for asked in proxy.asked] == [
        "http://login.acme.invalid/oauth",
        "http://api.acme.invalid/meetings/a%252Fb?from=2026-03-01&page_token=query-value",
    ]


async def test_a_proxy_in_front_of_an_https_vendor_sees_neither_path_nor_secret(
    session: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LocalVendor(lambda _: answer(403, "no tunnel")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with session("https://api.acme.invalid", "https://login.acme.invalid/token") as api:
            error = await error_of(api)

    assert isinstance(error, OutageError)
    assert {(asked.method, asked.target) for asked in proxy.asked} == {("CONNECT", "login.acme.invalid:443")}
    assert not any(SECRET in repr(asked) or "Basic" in repr(asked) for asked in proxy.asked)


# httpx-aiohttp 0.2 hands the password over in a way that aiohttp 4 will drop
@pytest.mark.filterwarnings("ignore:.*(BasicAuth is|'proxy_auth' parameter is) deprecated:DeprecationWarning")
async def test_a_proxys_password_goes_to_the_proxy_and_into_no_message(
    session: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LocalVendor(lambda _: answer(502, "no route")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://ana:made-up@127.0.0.1:{proxy.port}")
        async with session("http://api.acme.invalid", "http://login.acme.invalid/oauth") as api:
            failing = await error_of(api)
    async with session("http://api.acme.invalid", "http://login.acme.invalid/oauth") as api:
        absent = await error_of(api)

    assert {asked.headers.get("proxy-authorization") for asked in proxy.asked} == {"Basic YW5hOm1hZGUtdXA="}
    assert "made-up" not in str(failing) + str(absent)
    assert isinstance(absent, OutageError)


@pytest.mark.parametrize("exception", ["127.0.0.1", "*", "example.com, 127.0.0.1", "127.0.0.1:{port}"])
async def test_no_proxy_is_respected(session: Sessions, monkeypatch: pytest.MonkeyPatch, exception: str) -> None:
    async with LocalVendor(lambda _: GOOD) as proxy, LocalVendor(lambda _: GOOD) as vendor:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", exception.format(port=vendor.port))
        async with session(vendor.url, vendor.token_url) as api:
            await ask(api)

    assert proxy.connections == 0
    assert len(vendor.asked) == 1


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """An impostor's server: its certificate says 127.0.0.1 until 2126, and nobody vouches for it."""
    file = tmp_path / "impostor.pem"
    file.write_text(IMPOSTOR)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_an_impostor_with_a_certificate_of_its_own_gets_neither_secret_nor_token(
    session: Sessions, self_signed: ssl.SSLContext
) -> None:
    async with LocalVendor() as login, LocalVendor(tls=self_signed) as impostor:
        address = impostor.url.replace("http://", "https://")
        async with session(address, login.token_url) as api:
            error = await error_of(api)
        async with session(address, f"{address}/token") as api:
            await error_of(api)

    assert isinstance(error, OutageError)
    assert (impostor.asked, impostor.minted) == ([], [])


IMPOSTOR = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8zmENxwVniw36mtD
uMTts3jQbmCJzUW2tSEBHrzaKwShRANCAAScLhbBTuI/GGn8U/77MAcu3RC9POl5
3i3GmyymkNeUT1VLjfZm3eG0CM77CitYGXIWbU3MiH0o13EwQUq04Qyd
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUdEkmPRBnWTIa7eOUd3foH3EckegwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMTA4NTM0OVoYDzIxMjYxMDI4
MDg1MzQ5WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAScLhbBTuI/GGn8U/77MAcu3RC9POl53i3GmyymkNeUT1VLjfZm3eG0
CM77CitYGXIWbU3MiH0o13EwQUq04Qydo2QwYjAdBgNVHQ4EFgQU9cnWPPj7eOAH
URHc1B9ZobjwbnkwHwYDVR0jBBgwFoAU9cnWPPj7eOAHURHc1B9ZobjwbnkwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IDfNMo1TDCHxDwMvHU1rXZNSNoGuRE4POKUTY8moajlqAiEAuuqL5gfncm33yo0B
lU7mGa/u/bMow9ILFRMlOg0bofk=
-----END CERTIFICATE-----
"""
