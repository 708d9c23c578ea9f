"""A list is walked to its last page over real HTTP, whatever its pages say of the next one."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from attendance_pipeline.archive import Document
from attendance_pipeline.http.errors import ForeignHostError, OutageError
from attendance_pipeline.http.session import ATTEMPTS
from attendance_pipeline.readings import OpenReading
from attendance_pipeline.vendors import paging as paging_module
from attendance_pipeline.vendors.paging import MOST_RESTARTS, LinkPaging, TokenPaging, walk
from attendance_pipeline.windows import Window
from attendance_pipeline_tests.http.conftest import anyio_backend, budget, session
from attendance_pipeline_tests.http.local_vendor import NOW, Asked, LocalVendor, Raw, Sessions, answer, in_turn

__all__ = ["anyio_backend", "budget", "session"]  # fixtures

pytestmark = pytest.mark.anyio

ROWS = [f"row {number}" for number in range(25)]
QUERY = {"from": "2026-03-01T00:00:00Z", "siteUrl": "acme.webex.com", "max": "10"}
Query = dict[str, str]


class Page(msgspec.Struct):
    items: list[str]
    next_page_token: str | None = None


PAGE = msgspec.json.Decoder(Page)


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def query_of(asked: Asked) -> Query:
    return dict(parse_qsl(urlsplit(asked.target).query))


def queries(vendor: LocalVendor) -> list[Query]:
    return [query_of(asked) for asked in vendor.asked]


def page(items: list[str], link: str = "", rel: str = "next") -> Raw:
    """A page; its `Link` header leads to `link`."""
    body = {"items": items}
    return answer(body=body, Link=f'<{link}>; rel="{rel}"') if link else answer(body=body)


def slices(asked: Asked, link: str = "/v1/list?siteUrl=acme.webex.com&max={max}&offset={offset}") -> Raw:
    """Of `ROWS` as many as were asked for from the offset on, and a link to the others."""
    query = query_of(asked)
    offset, size = int(query.get("offset", "0")), int(query["max"])
    following = offset + size
    return page(ROWS[offset:following], link.format(max=size, offset=following) if following < len(ROWS) else "")


async def walked(
    api: Any, vendor: LocalVendor, resume: OpenReading | None = None, **changes: Any
) -> list[tuple[Document, Page | None]]:
    """The pages of a list that says in `Link` headers what comes next."""
    paging = LinkPaging("/list", QUERY, f"{vendor.url}/v1", **changes)
    return [found async for found in walk(api, paging, PAGE, "light", kind="usage", subject="acme", resume=resume)]


def rows(found: list[tuple[Document, Page | None]]) -> list[str]:
    return [item for _, content in found if content is not None for item in content.items]


def numbers(found: list[tuple[Document, Page | None]]) -> list[tuple[int, bool, bool]]:
    """Of each document, its page, whether it says that it is the last, and whether something can go on from it."""
    return [(document.page, document.last, document.next_token != "") for document, _ in found]


async def test_links_are_followed_to_the_last_page_and_every_page_is_a_document(session: Sessions) -> None:
    async with LocalVendor(slices) as vendor, session(f"{vendor.url}/v1", vendor.token_url) as api:
        found = await walked(api, vendor)

    assert rows(found) == ROWS
    assert numbers(found) == [(1, False, True), (2, False, True), (3, True, False)]
    assert queries(vendor) == [QUERY, QUERY | {"offset": "10"}, QUERY | {"offset": "20"}]
    documents = [document for document, _ in found]
    assert [document.request for document in documents] == [
        asked.target.removeprefix("/v1") for asked in vendor.asked
    ]
    assert len({document.reading for document in documents}) == 1
    assert len({document.document_id for document in documents}) == 3
    assert {(d.kind, d.subject, d.status, d.outcome, d.fetched_at) for d in documents} == {
        ("usage", "acme", 200, "answered", NOW)
    }
    assert msgspec.json.decode(documents[0].body) == {"items": ROWS[:10]}


async def test_a_listings_documents_carry_its_dates(session: Sessions) -> None:
    window = Window(date(2026, 3, 1), date(2026, 3, 2))
    async with LocalVendor(slices) as vendor, session(f"{vendor.url}/v1", vendor.token_url) as api:
        paging = LinkPaging("/list", QUERY, vendor.url)
        found = [d async for d, _ in walk(api, paging, PAGE, "light", kind="usage", window=window)]

    assert {(document.window_first, document.window_last) for document in found} == {(window.first, window.last)}


async def test_an_empty_page_that_names_a_next_one_is_not_the_last(session: Sessions) -> None:
    answers = in_turn(page([], "/list?offset=10"), page(["ana"], "/list?offset=20"), page([]))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked(api, vendor)

    assert rows(found) == ["ana"]
    assert numbers(found) == [(1, False, True), (2, False, True), (3, True, False)]


@pytest.mark.parametrize(
    "link",
    [
        "{url}/v1/list?offset=10&max=null",
        "{url}/v1/list?offset=10&max=null&from=null&siteUrl=",
        "{url}/v1/list?offset=10",
        "/v1/list?offset=10&siteUrl=null",
        "?offset=10",
        "{url}/elsewhere?offset=10",
    ],
)
async def test_filters_that_a_link_has_lost_are_put_back_on_our_own_path(session: Sessions, link: str) -> None:
    async with LocalVendor() as vendor, session(f"{vendor.url}/v1", vendor.token_url) as api:
        vendor.answering = in_turn(page(["ana"], link.format(url=vendor.url)), page(["ben"]))
        found = await walked(api, vendor)

    assert rows(found) == ["ana", "ben"]
    assert [asked.target.split("?")[0] for asked in vendor.asked] == ["/v1/list"] * 2
    assert queries(vendor)[1] == QUERY | {"offset": "10"}


async def test_what_one_link_said_stays_said_though_the_next_has_lost_it(session: Sessions) -> None:
    answers = in_turn(
        page(["ana"], "/list?offset=1&cursor=a%2Bb%26c%3D%3D&max=5"), page(["ben"], "/list?offset=2"), page(["cem"])
    )
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        await walked(api, vendor)

    second = QUERY | {"offset": "1", "cursor": "a+b&c==", "max": "5"}
    assert queries(vendor)[1:] == [second, second | {"offset": "2"}]


@pytest.mark.parametrize("size", ["ten", "-5", "1e3", "10.0", "²", "%E2%82%AC", "0x10"])
async def test_a_link_whose_page_size_is_no_number_keeps_ours(session: Sessions, size: str) -> None:
    answers = in_turn(page(["ana"], f"/list?offset=10&max={size.encode().decode('latin-1')}"), page(["ben"]))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked(api, vendor)

    assert rows(found) == ["ana", "ben"]
    assert queries(vendor)[1] == QUERY | {"offset": "10"}


@pytest.mark.parametrize(("said", "asked"), [("5", "5"), ("10", "10"), ("1000", "10")])
async def test_a_link_may_make_pages_smaller_and_not_larger(session: Sessions, said: str, asked: str) -> None:
    answers = in_turn(page(["ana"], f"/list?offset=10&max={said}"), page(["ben"]))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        await walked(api, vendor)

    assert queries(vendor)[1]["max"] == asked


@pytest.mark.parametrize("rel", ["prev", "first", "last", "nextish"])
async def test_a_link_to_anything_but_the_next_page_is_not_followed(session: Sessions, rel: str) -> None:
    answers = in_turn(page(["ana"], "/list?offset=10", rel))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked(api, vendor)

    assert numbers(found) == [(1, True, False)]


async def test_the_next_link_is_found_among_others(session: Sessions) -> None:
    links = '</list?offset=0>; rel="first", </list?offset=10>;rel=next, </list?offset=90>; rel="last"'
    answers = in_turn(answer(body={"items": ["ana"]}, Link=links), page(["ben"]))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked(api, vendor)

    assert rows(found) == ["ana", "ben"]
    assert queries(vendor)[1]["offset"] == "10"


async def test_an_outage_of_a_walk_shows_no_address_of_a_person(session: Sessions) -> None:
    address = "/users/ana%40acme.example/meetings"
    answers = in_turn(page(["ana"], f"{address}?offset=10"), page(["ben"], f"{address}?offset=10"))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError, match=r"^GET /users/…/meetings hands out the same page token twice"):
            async for _ in walk(api, LinkPaging(address, QUERY, vendor.url), PAGE, "light", kind="usage"):
                pass


async def test_the_same_link_twice_is_an_outage_and_what_came_before_was_handed_over(session: Sessions) -> None:
    answers = in_turn(page(["ana"], "/list?offset=10"), page(["ben"], "/list?offset=10"))
    kept = []
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        paging = LinkPaging("/list", QUERY, vendor.url)

        async def keep() -> None:
            async for document, _ in walk(api, paging, PAGE, "light", kind="usage"):
                kept.append(document)

        with pytest.raises(OutageError, match=r"^GET /list hands out the same page token twice \(page 2\)$"):
            await keep()

    assert [(document.page, document.last) for document in kept] == [(1, False), (2, False)]
    assert len(vendor.asked) == 2


async def test_links_that_lead_back_and_forth_are_an_outage(session: Sessions) -> None:
    answers = in_turn(*(page([], f"/list?offset={offset}") for offset in (10, 20, 30, 10)))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError, match="the same page token twice"):
            await walked(api, vendor)

    assert len(vendor.asked) == 4


async def test_pages_that_never_end_are_an_outage(session: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging_module, "MOST_PAGES", 6)

    def endless(asked: Asked) -> Raw:
        return page(["again"], f"/list?offset={int(query_of(asked).get('offset', '0')) + 10}")

    async with LocalVendor(endless) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError, match="GET /list has more than 6 pages, so it goes round in circles"):
            await walked(api, vendor)

    assert len(vendor.asked) == 6


@pytest.mark.parametrize("path", ["/elsewhere", "/v1/lists", "/list/v1", ""])
async def test_a_foreign_host_with_another_path_is_not_asked_and_ends_the_walk(session: Sessions, path: str) -> None:
    async with LocalVendor() as foreign, LocalVendor() as vendor, session(vendor.url, vendor.token_url) as api:
        link = f"http://localhost:{foreign.port}{path}?offset=10"
        vendor.answering = in_turn(page(["ana"], link))
        with pytest.raises(ForeignHostError, match="^GET /list: its next page is said to be at localhost") as told:
            await walked(api, vendor)

    assert foreign.connections == 0
    assert len(vendor.asked) == 1
    assert not any(secret in str(told.value) for secret in ("offset", "acme.webex.com", "token-"))


@pytest.mark.parametrize("path", ["/list", "/another/prefix/list"])
async def test_a_foreign_host_with_the_same_list_is_not_asked_but_its_query_is_of_our_own(
    session: Sessions, path: str
) -> None:
    """Webex has named an internal host of its own in its links."""
    async with LocalVendor() as foreign, LocalVendor() as vendor, session(vendor.url, vendor.token_url) as api:
        link = f"https://ana:secret@localhost:{foreign.port}{path}?offset=10&max=null"
        vendor.answering = in_turn(page(["ana"], link), page(["ben"]))
        found = await walked(api, vendor)

    assert rows(found) == ["ana", "ben"]
    assert foreign.connections == 0
    assert queries(vendor)[1] == QUERY | {"offset": "10"}
    assert "localhost" not in found[0][0].next_token


async def test_a_link_that_is_no_address_is_an_outage(session: Sessions) -> None:
    answers = in_turn(page(["ana"], "http://[bad/list?offset=10"), page(["ben"]))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError, match="^GET /list: the link to its next page isn't an address$"):
            await walked(api, vendor)


@pytest.mark.parametrize(
    "link",
    ["/list", "/list/page/2", "/list?offset=null"],
    ids=["no query", "another path", "nothing in the query"],
)
async def test_a_link_that_leads_nowhere_is_an_outage_and_no_end_of_the_list(session: Sessions, link: str) -> None:
    answers = in_turn(page(["ana"], link), page(["ben"]))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError):
            await walked(api, vendor)


@pytest.mark.parametrize("size", ["9" * 5_000, "0", "-1", "all"], ids=["beyond measure", "0", "-1", "all"])
async def test_a_size_that_is_none_is_ignored(session: Sessions, size: str) -> None:
    answers = in_turn(page(["ana"], f"/list?offset=10&max={size}"), page(["ben"]))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked(api, vendor)

    assert rows(found) == ["ana", "ben"]
    assert queries(vendor)[1] == queries(vendor)[0] | {"offset": "10"}


async def test_a_timeout_of_the_gateway_is_answered_with_smaller_pages_at_once(session: Sessions) -> None:
    def slow(asked: Asked) -> Raw:
        return answer(504, "upstream timed out") if int(query_of(asked)["max"]) > 5 else slices(asked)

    async with LocalVendor(slow) as vendor, session(f"{vendor.url}/v1", vendor.token_url) as api:
        found = await walked(api, vendor, smallest=2)

    assert rows(found) == ROWS
    assert [(query["max"], query.get("offset")) for query in queries(vendor)] == [
        ("10", None),
        ("5", None),
        ("5", "5"),
        ("5", "10"),
        ("5", "15"),
        ("5", "20"),
    ]
    assert numbers(found) == [(number, number == 5, number < 5) for number in range(1, 6)]


async def test_pages_stay_small_though_the_links_name_the_size_of_before(session: Sessions) -> None:
    """From the second page on; where it begins stays where it was."""

    def slow(asked: Asked) -> Raw:
        query = query_of(asked)
        if "offset" in query and int(query["max"]) > 5:
            return answer(504, "upstream timed out")
        offset, size = int(query.get("offset", "0")), int(query["max"])
        more = offset + size < len(ROWS)
        return page(ROWS[offset : offset + size], f"/list?max=10&offset={offset + size}" if more else "")

    async with LocalVendor(slow) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked(api, vendor, smallest=5)

    assert rows(found) == ROWS
    assert [(query["max"], query.get("offset")) for query in queries(vendor)] == [
        ("10", None),
        ("10", "10"),
        ("5", "10"),
        ("5", "15"),
        ("5", "20"),
    ]


async def test_the_smallest_page_is_tried_as_often_as_any_and_then_an_outage(session: Sessions) -> None:
    async with LocalVendor(in_turn(answer(504))) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError) as outage:
            await walked(api, vendor, smallest=2)

    assert outage.value.status == 504
    assert [query["max"] for query in queries(vendor)] == ["10", "5", *["2"] * ATTEMPTS]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_other_faults_make_no_page_smaller(session: Sessions, status: int) -> None:
    answers = in_turn(answer(status), page(["ana"]))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        assert rows(await walked(api, vendor, smallest=2)) == ["ana"]

    assert queries(vendor) == [QUERY, QUERY]


def left_open(document: Document) -> OpenReading:
    return OpenReading(document.reading, document.kind, document.page, document.next_token, document.fetched_at)


async def test_a_walk_goes_on_from_the_page_that_is_held(session: Sessions) -> None:
    async with LocalVendor(slices) as vendor, session(f"{vendor.url}/v1", vendor.token_url) as api:
        before = (await walked(api, vendor))[0][0]
        asked = len(vendor.asked)
        found = await walked(api, vendor, left_open(before))

    assert rows(found) == ROWS[10:]
    assert queries(vendor)[asked:] == [QUERY | {"offset": "10"}, QUERY | {"offset": "20"}]
    assert {document.reading for document, _ in found} == {before.reading}
    assert numbers(found) == [(2, False, True), (3, True, False)]


async def test_a_walk_that_goes_on_notices_that_it_is_led_back(session: Sessions) -> None:
    resume = OpenReading("r1", "usage", 4, "offset=10", NOW - timedelta(minutes=1))
    answers = in_turn(page([], "/list?offset=10"))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError, match=r"the same page token twice \(page 5\)"):
            await walked(api, vendor, resume)


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_a_refusal_in_the_middle_is_the_last_document_but_no_last_page(session: Sessions, status: int) -> None:
    refusal = answer(status, b'{"message": "no", "trackingId": "T_1"}', Link='</list?offset=90>; rel="next"')
    answers = in_turn(page(["ana"], "/list?offset=10"), refusal)
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked(api, vendor)

    assert numbers(found) == [(1, False, True), (2, False, False)]
    document, content = found[-1]
    assert content is None
    assert (document.status, document.body) == (status, b'{"message": "no", "trackingId": "T_1"}')
    assert document.reading == found[0][0].reading
    assert len(vendor.asked) == 2


def tokens(*, dying: Iterator[bool]) -> Any:
    """A list that hands out tokens; as long as `dying` says so, it doesn't know them any more."""

    def answering(asked: Asked) -> Raw:
        token = query_of(asked).get("next_page_token", "")
        if token and next(dying, False):
            return answer(400, {"code": 300, "message": "The next page token is invalid or expired."})
        offset = int(token or "0")
        following = str(offset + 10) if offset + 10 < len(ROWS) else None
        return answer(body={"items": ROWS[offset : offset + 10], "next_page_token": following})

    return answering


async def walked_by_token(api: Any, resume: OpenReading | None = None) -> list[tuple[Document, Page | None]]:
    paging = TokenPaging("/list", {"page_size": "10"}, lambda status, body: status == 400 and b"token" in body)
    return [found async for found in walk(api, paging, PAGE, "light", kind="participants", resume=resume)]


async def test_tokens_are_followed_until_none_is_handed_out(session: Sessions) -> None:
    async with LocalVendor(tokens(dying=iter([]))) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked_by_token(api)

    assert rows(found) == ROWS
    assert queries(vendor) == [
        {"page_size": "10"} | ({"next_page_token": token} if token else {}) for token in ("", "10", "20")
    ]
    assert [document.next_token for document, _ in found] == ["10", "20", ""]
    assert numbers(found) == [(1, False, True), (2, False, True), (3, True, False)]


async def test_a_walk_whose_token_died_begins_anew_as_another_reading(session: Sessions) -> None:
    resume = OpenReading("r1", "participants", 1, "10", datetime(2026, 3, 16, tzinfo=NOW.tzinfo))
    async with LocalVendor(tokens(dying=iter([True]))) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked_by_token(api, resume)

    assert rows(found) == ROWS
    assert [query.get("next_page_token") for query in queries(vendor)] == ["10", None, "10", "20"]
    assert len({document.reading for document, _ in found}) == 1
    assert found[0][0].reading != "r1"


async def test_tokens_that_keep_dying_are_a_refusal_in_the_end(session: Sessions) -> None:
    async with LocalVendor(tokens(dying=iter([True] * 99))) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await walked_by_token(api)

    assert found[-1][1] is None
    assert numbers(found)[-1] == (2, False, False)
    assert len(vendor.asked) == 2 * (MOST_RESTARTS + 1)


async def test_a_token_that_is_handed_out_again_is_an_outage(session: Sessions) -> None:
    answers = in_turn(answer(body={"items": [], "next_page_token": "again"}))
    async with LocalVendor(answers) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError, match=r"GET /list hands out the same page token twice \(page 2\)"):
            await walked_by_token(api)
