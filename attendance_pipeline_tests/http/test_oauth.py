import asyncio

import httpx
import msgspec
import pytest

from attendance_pipeline.errors import StorageError
from attendance_pipeline.http.errors import OutageError, RefusedError
from attendance_pipeline.http.oauth import RENEW_BEFORE, BearerAuth, Token
from attendance_pipeline.http.session import ATTEMPTS

from .local_vendor import SECRET, Answering, Asked, LocalVendor, Raw, Sessions, answer, bearer, in_turn

pytestmark = pytest.mark.anyio

ANYTHING = msgspec.json.Decoder(dict[str, object])


def bearers(vendor: LocalVendor) -> list[str]:
    return [asked.headers.get("authorization", "none") for asked in vendor.asked]


def token(expires_in: object = 3600, name: str = "token") -> Raw:
    return answer(body={"access_token": name, "expires_in": expires_in, "token_type": "bearer"})


def only(*live: str) -> Answering:
    """Answers requests with one of these tokens, and 401 to all others."""

    def answering(asked: Asked) -> Raw:
        return answer() if asked.headers.get("authorization", "")[7:] in live else answer(401)

    return answering


async def test_one_token_serves_many_requests_at_once(session: Sessions) -> None:
    async with LocalVendor() as vendor, session(vendor.url, vendor.token_url) as api:
        await asyncio.gather(*(api.get(f"/{number}", {}, ANYTHING, "light") for number in range(40)))

    assert bearers(vendor) == ["Bearer token-1"] * 40
    assert len(vendor.minted) == 1


async def test_no_token_is_minted_before_it_is_needed(session: Sessions) -> None:
    async with LocalVendor() as vendor, session(vendor.url, vendor.token_url):
        pass

    assert (vendor.minted, vendor.asked) == ([], [])


@pytest.mark.parametrize(("expires_in", "minted"), [(RENEW_BEFORE, 3), (1, 3), (RENEW_BEFORE + 30, 1), (3599, 1)])
async def test_a_token_is_renewed_before_it_ends(session: Sessions, expires_in: float, minted: int) -> None:
    async with LocalVendor() as vendor, session(vendor.url, vendor.token_url) as api:
        vendor.minting = lambda _: token(int(expires_in), f"token-{len(vendor.minted)}")
        for _ in range(3):
            await api.get("/x", {}, ANYTHING, "light")

    assert len(vendor.minted) == minted
    assert len(set(bearers(vendor))) == minted


async def test_a_token_that_died_early_is_renewed_once_and_the_request_sent_again(session: Sessions) -> None:
    async with LocalVendor(only("token-2")) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await api.get("/x", {"page": "7"}, ANYTHING, "light")

    assert found.status == 200
    assert bearers(vendor) == ["Bearer token-1", "Bearer token-2"]
    assert [asked.target for asked in vendor.asked] == ["/x?page=7"] * 2
    assert len(vendor.minted) == 2


async def test_requests_whose_token_died_together_share_the_next_one(session: Sessions) -> None:
    async with LocalVendor() as vendor, session(vendor.url, vendor.token_url) as api:
        await api.get("/x", {}, ANYTHING, "light")
        vendor.answering = only("token-2")
        answers = await asyncio.gather(*(api.get("/x", {}, ANYTHING, "light") for _ in range(20)))

    assert {found.status for found in answers} == {200}
    assert len(vendor.minted) == 2


async def test_a_401_with_a_fresh_token_is_a_refusal(session: Sessions) -> None:
    async with LocalVendor(only()) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(RefusedError, match="acme refused the token .* GET /x") as refused:
            await api.get("/x", {"page": "7"}, ANYTHING, "light")

    assert bearers(vendor) == ["Bearer token-1", "Bearer token-2"]
    assert "token-" not in str(refused.value)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_refused_credentials_are_told_in_the_vendors_words_without_the_secret(
    session: Sessions, status: int
) -> None:
    refusal = answer(status, {"error": "invalid_client", "you_sent": SECRET})
    async with LocalVendor(minting=in_turn(refusal)) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(RefusedError) as refused:
            await api.get("/x", {}, ANYTHING, "light")

    assert str(refused.value) == f"acme: refused with {status}, check ACME_CLIENT_SECRET"
    assert len(vendor.minted) == 1
    assert vendor.asked == []


NO_TOKEN = {
    "a fault": answer(500, "oops"),
    "unavailable": answer(503, {}),
    "throttled": answer(429, {}, Retry_After="1"),
    "a page": answer(200, "<html>Maintenance</html>", Content_Type="text/html"),
    "nothing": answer(200, b""),
    "no token": answer(200, {"expires_in": 3600}),
    "no end": answer(200, {"access_token": "t"}),
    "an odd end": token("soon"),
    "a token that is none": answer(200, {"access_token": None, "expires_in": 3600}),
    "a redirect": answer(302, b"", Location="https://login.example.com/"),
    "a token with a fault": answer(502, {"access_token": "t", "expires_in": 3600}),
    "a token in another encoding": answer(200, b'{"access_token": "\xe1", "expires_in": 3600}'),
    "half a token": Raw(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"access_token": "t', "close"),
}


@pytest.mark.parametrize("reply", NO_TOKEN.values(), ids=NO_TOKEN.keys())
async def test_a_token_endpoint_that_gives_none_is_an_outage(session: Sessions, reply: Raw) -> None:
    async with LocalVendor(minting=in_turn(reply)) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError, match="^acme.*127.0.0.1") as outage:
            await api.get("/x", {}, ANYTHING, "light")

    assert SECRET not in str(outage.value)
    assert len(vendor.minted) == ATTEMPTS
    assert vendor.asked == []


@pytest.mark.parametrize("reply", NO_TOKEN.values(), ids=NO_TOKEN.keys())
async def test_a_token_endpoint_that_recovers_is_no_outage(session: Sessions, reply: Raw) -> None:
    minting = in_turn(reply, reply, token())
    async with LocalVendor(minting=minting) as vendor, session(vendor.url, vendor.token_url) as api:
        answers = await asyncio.gather(*(api.get("/x", {}, ANYTHING, "light") for _ in range(5)))

    assert [found.status for found in answers] == [200] * 5
    assert len(vendor.minted) == 3


async def test_a_token_endpoint_that_cannot_be_reached_is_named_and_not_the_api(session: Sessions) -> None:
    async with LocalVendor() as gone:
        nobody = f"http://localhost:{gone.port}/token"
    async with LocalVendor() as vendor, session(vendor.url, nobody) as api:
        with pytest.raises(OutageError, match="^acme.*localhost"):
            await api.get("/x", {}, ANYTHING, "light")

    assert vendor.asked == []


async def test_the_token_travels_to_the_api_only_and_the_secret_to_the_token_endpoint_only(session: Sessions) -> None:
    async with LocalVendor() as login, LocalVendor() as vendor, session(vendor.url, login.token_url) as api:
        await api.get("/x", {}, ANYTHING, "light")
        await api.get("/y", {}, ANYTHING, "light")

    assert [(asked.method, asked.headers["authorization"]) for asked in login.minted] == [("POST", "Basic Y2xpZW50")]
    assert login.minted[0].body == SECRET.encode()
    assert bearers(vendor) == ["Bearer token-1"] * 2
    assert login.asked == []
    assert vendor.minted == []
    assert not any(SECRET in repr(asked) or "Basic" in repr(asked) for asked in vendor.asked)


async def test_a_token_endpoint_that_points_elsewhere_sends_the_secret_nowhere(session: Sessions) -> None:
    async with LocalVendor() as elsewhere, LocalVendor() as vendor:
        vendor.minting = in_turn(answer(307, b"", Location=elsewhere.token_url))
        async with session(vendor.url, vendor.token_url) as api:
            with pytest.raises(OutageError):
                await api.get("/x", {}, ANYTHING, "light")

    assert elsewhere.minted == elsewhere.asked == []


async def test_a_request_that_is_cancelled_while_minting_leaves_the_others_able_to(session: Sessions) -> None:
    async def slowly(asked: Asked) -> Raw:
        await asyncio.sleep(0.1)
        return token()

    async with LocalVendor(minting=slowly) as vendor, session(vendor.url, vendor.token_url) as api:
        cancelled = asyncio.create_task(api.get("/x", {}, ANYTHING, "light"))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        found = await api.get("/y", {}, ANYTHING, "light")

    assert found.status == 200
    assert [asked.target for asked in vendor.asked] == ["/y"]


async def test_the_second_401_is_handed_on() -> None:
    async with LocalVendor(only()) as vendor, httpx.AsyncClient(auth=bearer(vendor.token_url)) as client:
        response = await client.get(f"{vendor.url}/x")

    assert response.status_code == 401
    assert len(vendor.asked) == 2


def granting(token_url: str, *grants: str, minted: list[Token] | None = None) -> BearerAuth:
    """Asks for tokens with each of these grants in turn; notes the tokens that it is given."""
    return BearerAuth(
        "acme",
        lambda: [httpx.Request("POST", token_url, content=grant) for grant in grants],
        lambda response: f"refused with {response.status_code}: {response.text}",
        lambda token, _: None if minted is None else minted.append(token),
    )


def knowing(*known: str, refusal: int = 400) -> Answering:
    """A token endpoint that knows these grants, and says of the others that it refuses them."""

    def minting(asked: Asked) -> Raw:
        grant = asked.body.decode()
        return token(name=f"token-for-{grant}") if grant in known else answer(refusal, {"refused": grant})

    return minting


def grants(vendor: LocalVendor) -> list[str]:
    return [asked.body.decode() for asked in vendor.minted]


@pytest.mark.parametrize("refusal", [400, 401, 403])
async def test_where_the_best_grant_is_refused_the_next_one_is_sent(session: Sessions, refusal: int) -> None:
    async with LocalVendor(minting=knowing("third", refusal=refusal)) as vendor:
        auth = granting(vendor.token_url, "first", "second", "third", "fourth")
        async with session(vendor.url, "", auth=auth) as api:
            found = await api.get("/x", {}, ANYTHING, "light")

    assert found.status == 200
    assert grants(vendor) == ["first", "second", "third"]
    assert bearers(vendor) == ["Bearer token-for-third"]


async def test_a_grant_that_is_taken_is_the_last_that_is_sent(session: Sessions) -> None:
    async with (
        LocalVendor(minting=knowing("first", "second")) as vendor,
        session(vendor.url, "", auth=granting(vendor.token_url, "first", "second")) as api,
    ):
        await asyncio.gather(*(api.get("/x", {}, ANYTHING, "light") for _ in range(5)))

    assert grants(vendor) == ["first"]


async def test_when_every_grant_is_refused_the_last_refusal_is_told_and_no_grant(session: Sessions) -> None:
    async with (
        LocalVendor(minting=knowing()) as vendor,
        session(vendor.url, "", auth=granting(vendor.token_url, "first", "second")) as api,
    ):
        with pytest.raises(RefusedError) as refused:
            await api.get("/x", {}, ANYTHING, "light")

    assert str(refused.value) == 'acme: refused with 400: {"refused": "second"}'
    assert grants(vendor) == ["first", "second"]
    assert vendor.asked == []


@pytest.mark.parametrize("fault", [answer(500, "oops"), answer(429, {}), answer(200, b"<html>")])
async def test_a_token_endpoint_that_fails_has_refused_nothing(session: Sessions, fault: Raw) -> None:
    """Else an outage would cost the newer of two grants, and with some vendors end it."""
    async with (
        LocalVendor(minting=in_turn(fault, token())) as vendor,
        session(vendor.url, "", auth=granting(vendor.token_url, "first", "second")) as api,
    ):
        await api.get("/x", {}, ANYTHING, "light")

    assert grants(vendor) == ["first", "first"]


async def test_grants_are_made_anew_for_every_token(session: Sessions) -> None:
    """A vendor may hand out another grant together with a token."""
    newest = ["configured"]

    def rotating(asked: Asked) -> Raw:
        if asked.body.decode() != newest[0]:
            return answer(400)
        number = len(vendor.minted)
        return answer(
            body={"access_token": f"token-{number}", "expires_in": 30, "refresh_token": f"refresh-{number}"}
        )

    def keep(minted: Token, _: int) -> None:
        assert minted.refresh_token is not None
        newest[0] = minted.refresh_token

    async with LocalVendor(minting=rotating) as vendor:
        auth = BearerAuth(
            "acme",
            lambda: [httpx.Request("POST", vendor.token_url, content=newest[0])],
            lambda response: "refused",
            keep,
        )
        async with session(vendor.url, "", auth=auth) as api:
            for _ in range(3):
                await api.get("/x", {}, ANYTHING, "light")

    assert grants(vendor) == ["configured", "refresh-1", "refresh-2"]
    assert bearers(vendor) == ["Bearer token-1", "Bearer token-2", "Bearer token-3"]


async def test_every_new_token_is_told_of_once_with_all_that_came_with_it(session: Sessions) -> None:
    minted: list[Token] = []
    given = {"access_token": "t", "expires_in": 3600, "refresh_token": "r", "refresh_token_expires_in": 7_776_000}
    async with (
        LocalVendor(minting=in_turn(answer(body=given | {"scope": "meetings"}))) as vendor,
        session(vendor.url, "", auth=granting(vendor.token_url, "first", minted=minted)) as api,
    ):
        await asyncio.gather(*(api.get("/x", {}, ANYTHING, "light") for _ in range(5)))

    assert minted == [Token("t", 3600, "r", 7_776_000)]


async def test_nothing_is_told_of_a_token_that_there_is_none_of(session: Sessions) -> None:
    minted: list[Token] = []
    async with (
        LocalVendor(minting=in_turn(answer(400))) as vendor,
        session(vendor.url, "", auth=granting(vendor.token_url, "first", minted=minted)) as api,
    ):
        with pytest.raises(RefusedError):
            await api.get("/x", {}, ANYTHING, "light")

    assert minted == []


async def test_a_token_that_cannot_be_kept_is_not_used(session: Sessions) -> None:
    """A refresh token that came with it would be lost, so the run ends before anything is asked."""

    def fails(minted: Token, _: int) -> None:
        raise StorageError("the disk is full")

    async with LocalVendor() as vendor:
        auth = BearerAuth("acme", lambda: [httpx.Request("POST", vendor.token_url)], lambda response: "", fails)
        async with session(vendor.url, "", auth=auth) as api:
            for _ in range(2):
                with pytest.raises(StorageError, match="the disk is full"):
                    await api.get("/x", {}, ANYTHING, "light")

    assert vendor.asked == []
    assert len(vendor.minted) == 2


async def test_after_a_401_the_grants_are_tried_from_the_best_on(session: Sessions) -> None:
    known = ["first"]
    async with (
        LocalVendor(minting=lambda asked: knowing(*known)(asked)) as vendor,
        session(vendor.url, "", auth=granting(vendor.token_url, "first", "second")) as api,
    ):
        await api.get("/x", {}, ANYTHING, "light")
        known[:] = ["second"]
        vendor.answering = only("token-for-second")
        found = await api.get("/x", {}, ANYTHING, "light")

    assert found.status == 200
    assert grants(vendor) == ["first", "first", "second"]
    assert bearers(vendor) == ["Bearer token-for-first"] * 2 + ["Bearer token-for-second"]
