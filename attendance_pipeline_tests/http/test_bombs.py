"""A small answer that means to become a large one costs no more than the largest page may."""

import tracemalloc
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from attendance_pipeline.http import session as session_module
from attendance_pipeline.http.errors import OutageError
from attendance_pipeline.http.session import LARGEST_BODY

from .local_vendor import LocalVendor, Raw, Sessions, answer

pytestmark = pytest.mark.anyio

MIB = 2**20
PAGE = msgspec.json.Decoder(dict[str, object])


@pytest.fixture(autouse=True)
def _one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "ATTEMPTS", 1)


@contextmanager
def within(bytes_held: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < bytes_held
    finally:
        tracemalloc.stop()


async def error_of(session: Sessions, reply: Raw) -> OutageError:
    async with LocalVendor(lambda _: reply) as vendor, session(vendor.url, vendor.token_url) as api:
        with pytest.raises(OutageError) as caught:
            await api.get("/meetings/x", {}, PAGE, "light")
    return caught.value


def packed(pieces: Iterable[bytes]) -> bytes:
    packing = zlib.compressobj(9, wbits=31)
    return b"".join(map(packing.compress, pieces)) + packing.flush()


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """200 MB of nothing."""
    return packed(b" " * MIB for _ in range(200))


async def test_a_bomb_of_gzip_stops_at_the_bound_in_bounded_memory(session: Sessions, bomb: bytes) -> None:
    assert len(bomb) < 250_000

    with within(LARGEST_BODY + 40 * MIB):
        error = await error_of(session, answer(body=bomb, Content_Encoding="gzip"))

    assert "with more than 64 MiB" in str(error)


async def test_what_was_packed_in_a_way_that_nobody_asked_for_is_not_unpacked(session: Sessions, bomb: bytes) -> None:
    with within(20 * MIB):
        error = await error_of(session, answer(body=packed([bomb]), Content_Encoding="gzip, gzip"))

    assert "DecodingError" in str(error)


@pytest.mark.parametrize("where", ["token", "refusal"])
async def test_a_bomb_in_place_of_a_token_or_of_its_refusal_is_an_outage(
    session: Sessions, bomb: bytes, where: str
) -> None:
    lying = answer(401 if where == "refusal" else 200, body=bomb, Content_Encoding="gzip")
    vendor = LocalVendor(lambda _: lying) if where == "refusal" else LocalVendor(minting=lambda _: lying)

    with within(20 * MIB):
        async with vendor, session(vendor.url, vendor.token_url) as api:
            with pytest.raises(OutageError):
                await api.get("/meetings/x", {}, PAGE, "light")


@pytest.mark.parametrize(
    "lines", [b"X-Long: " + b"x" * MIB + b"\r\n\r\n", b"X-Many: x\r\n" * 100_000 + b"\r\n"], ids=["long", "many"]
)
async def test_headers_of_a_megabyte_are_not_read(session: Sessions, lines: bytes) -> None:
    with within(20 * MIB):
        error = await error_of(session, Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + lines + b"{}", "close"))

    assert "GET /meetings/x: ClientResponseError" in str(error)
