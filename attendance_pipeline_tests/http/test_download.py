"""Documents behind a link that lives for a minute: read at once, without the token, leaving no trace of the link."""

import asyncio
import gzip
import ssl
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from attendance_pipeline.errors import StorageError
from attendance_pipeline.http import session as session_module
from attendance_pipeline.http import transport as transport_module
from attendance_pipeline.http.download import LINKS, Linked
from attendance_pipeline.http.errors import ForeignHostError, OutageError, QuotaError, RefusedError, VendorError
from attendance_pipeline.http.session import ATTEMPTS, DOWNLOADS_IN_FLIGHT, IN_FLIGHT, Answer, Session

from .local_vendor import NOW, Asked, LocalVendor, Raw, Sessions, answer, in_turn
from .test_session import IMPOSTOR

pytestmark = pytest.mark.anyio

ANYTHING = msgspec.json.Decoder(dict[str, object])
PATH = "/v1.0/users/ana@acme.example/onlineMeetings/MSp1/meetingAttendeeReport"
LINK = "/broadcast/0/resource/attendeeReport?sig=signature%2Bof%3Dthe%2Flink"
CSV = b"Session Id,Participant Id\r\n1,\xc3\xa1na\r\n"
CSV_TYPE = "text/csv; charset=utf-8"
DOCUMENT = answer(body=CSV, Content_Type=CSV_TYPE, Set_Cookie="seen=1; Path=/")

Download = Callable[[Session, Path], Awaitable[Answer[Linked]]]
WAYS: dict[str, Download] = {
    "whole": lambda api, file: api.download(PATH, "light"),
    "head": lambda api, file: api.download_head(PATH, "light"),
    "file": lambda api, file: api.download_file(PATH, "light", file),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For documents alone."""
    folder = tmp_path / "documents"
    folder.mkdir()
    return folder


def leading_to(link: str, status: int = 302) -> Raw:
    return answer(status, b"", Location=link, Set_Cookie="api=1; Path=/")


async def error_of(api: Session, way: Download = WAYS["whole"], file: Path = Path("never")) -> VendorError:
    """The error that a download ends in; nothing that is printed of it may tell the link."""
    with pytest.raises(VendorError) as caught:
        await way(api, file)
    printed = "".join(traceback.format_exception(caught.value))
    assert not any(told in printed for told in ("signature", "sig=", "/broadcast", "token-1", "ana@acme"))
    assert str(caught.value).startswith("acme")
    assert "\n" not in str(caught.value)
    return caught.value


async def test_a_document_is_read_whole(session: Sessions) -> None:
    async with LocalVendor(lambda _: DOCUMENT) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            found = await api.download(PATH, "light")

    assert found == Answer(200, CSV, Linked(CSV_TYPE, len(CSV)), PATH, NOW)
    assert [asked.target for asked in vendor.asked] == [PATH]
    assert [asked.target for asked in files.asked] == [LINK]
    assert api.traffic.requests == {"light": 1}
    assert api.traffic.failed_attempts == {}


@every_way
async def test_neither_token_nor_cookie_nor_header_of_the_session_travels_to_the_download_host(
    session: Sessions, folder: Path, way: Download
) -> None:
    async with LocalVendor(lambda _: DOCUMENT) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url, headers={"Prefer": "of the API only"}) as api:
            for _ in range(2):
                await way(api, folder / "file")

    assert [asked.headers["authorization"] for asked in vendor.asked] == ["Bearer token-1"] * 2
    assert {asked.headers["accept"] for asked in vendor.asked} == {"*/*"}
    assert len(files.asked) == 2
    for asked in files.asked:
        assert asked.headers.keys() <= {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert asked.method == "GET"
    assert not any("cookie" in asked.headers for asked in vendor.asked)


async def test_of_a_document_only_the_head_is_read(session: Sessions) -> None:
    huge = Raw(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 8000000000\r\n\r\nftyp", "stall")
    async with LocalVendor(lambda _: huge) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api, asyncio.timeout(2):
            found = await api.download_head(PATH, "light")

    assert (found.status, found.body, found.content) == (200, b"", Linked("video/mp4", 8_000_000_000))


@pytest.mark.parametrize(
    "reply",
    [
        Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n" + gzip.compress(b"")),
    ],
)
async def test_a_size_that_its_host_does_not_say_is_not_known(session: Sessions, reply: Raw) -> None:
    async with LocalVendor(lambda _: reply) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            found = await api.download_head(PATH, "light")

    assert found.content == Linked("", None)


async def test_a_document_becomes_a_file(session: Sessions, folder: Path) -> None:
    content = bytes(range(256)) * 16_000
    file = folder / "new folder" / "recording.mp4"
    partial = []

    def answering(_: Asked) -> Raw:
        partial.extend(path.name for path in folder.rglob("*"))
        return answer(body=content, Content_Type="video/mp4")

    async with LocalVendor(answering) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            found = await api.download_file(PATH, "light", file)

    assert (found.body, found.content) == (b"", Linked("video/mp4", len(content)))
    assert file.read_bytes() == content
    assert partial == []
    assert [path.name for path in file.parent.iterdir()] == ["recording.mp4"]


async def test_half_a_document_replaces_no_file(session: Sessions, folder: Path) -> None:
    half = Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "close")
    file = folder / "recording.mp4"
    file.write_bytes(b"of an earlier run")
    (folder / "recording.mp4.partial").write_bytes(b"of a killed run")
    async with LocalVendor(in_turn(half)) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            error = await error_of(api, WAYS["file"], file)
            assert file.read_bytes() == b"of an earlier run"
            files.answering = in_turn(half, DOCUMENT)
            await api.download_file(PATH, "light", file)

    assert isinstance(error, OutageError)
    assert file.read_bytes() == CSV
    assert list(folder.iterdir()) == [file]


async def test_a_file_may_take_longer_than_a_page_while_something_comes(
    session: Sessions, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "LONGEST_REQUEST", 0.1)
    slow = Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", "trickle")
    async with LocalVendor(lambda _: slow) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            await api.download_file(PATH, "light", folder / "file")
            error = await error_of(api)

    assert (folder / "file").read_bytes() == b" " * 30
    assert isinstance(error, OutageError)
    assert "TimeoutError" in str(error)


@every_way
async def test_a_host_that_falls_silent_is_an_outage(
    session: Sessions, folder: Path, monkeypatch: pytest.MonkeyPatch, way: Download
) -> None:
    monkeypatch.setattr(transport_module, "SILENCE", 0.1)
    silent = Raw(b"" if way is WAYS["head"] else b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nand then", "stall")
    async with LocalVendor(lambda _: silent) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            error = await error_of(api, way, folder / "file")

    assert isinstance(error, OutageError)
    assert "127.0.0.1" in str(error)
    assert len(vendor.asked) == LINKS
    assert list(folder.iterdir()) == []


async def test_a_folder_that_cannot_be_written_is_told(session: Sessions, folder: Path) -> None:
    (folder / "a file").touch()
    async with LocalVendor(lambda _: DOCUMENT) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            with pytest.raises(StorageError, match="a file stands where a folder should be"):
                await api.download_file(PATH, "light", folder / "a file" / "recording.mp4")

    assert len(files.asked) == 1


@every_way
@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 503])
async def test_a_dead_link_is_asked_for_anew(session: Sessions, folder: Path, way: Download, status: int) -> None:
    numbers = iter(range(1, 10))
    dead = answer(status, "dead", Retry_After="0.01")
    async with LocalVendor(in_turn(dead, DOCUMENT)) as files, LocalVendor() as vendor:
        vendor.answering = lambda _: leading_to(f"{files.url}{LINK}&n={next(numbers)}")
        async with session(vendor.url, vendor.token_url) as api:
            found = await way(api, folder / "file")

    assert found.status == 200
    assert [asked.target for asked in files.asked] == [f"{LINK}&n=1", f"{LINK}&n=2"]
    assert api.traffic.failed_attempts == {"light": 1}


@pytest.mark.parametrize("status", [401, 403, 404, 410, 204, 500])
async def test_links_that_stay_dead_are_an_outage(session: Sessions, folder: Path, status: int) -> None:
    async with LocalVendor(lambda _: answer(status, "")) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            error = await error_of(api, WAYS["file"], folder / "file")

    assert isinstance(error, OutageError)
    assert error.status == status
    assert f"127.0.0.1 answered {status} to what GET /v1.0/users/…/" in str(error)
    assert (len(vendor.asked), len(files.asked)) == (LINKS, LINKS)
    assert list(folder.iterdir()) == []


async def test_a_download_host_that_cannot_be_reached_is_named(session: Sessions) -> None:
    async with LocalVendor() as gone:
        link = gone.url + LINK
    async with LocalVendor(lambda _: leading_to(link)) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert "127.0.0.1" in str(error)
    assert len(vendor.asked) == LINKS


@pytest.mark.parametrize(
    "link",
    [
        "http://localhost:{port}" + LINK,
        "http://evilteams.example" + LINK,
        "http://teams.example" + LINK,
        "http://attend.teams.example.evil.example" + LINK,
        "http://127.0.0.1@localhost:{port}" + LINK,
        "http://user:password@127.0.0.1:{port}" + LINK,
        "//localhost:{port}" + LINK,
        "ftp://127.0.0.1:{port}" + LINK,
        "file:///etc/passwd?sig=signature",
        "https://[127.0.0.1" + LINK,
    ],
)
async def test_a_link_to_a_foreign_host_is_not_followed(session: Sessions, link: str) -> None:
    async with LocalVendor() as foreign, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(link.format(port=foreign.port)))
        async with session(vendor.url, vendor.token_url, download_hosts=(".teams.example",)) as api:
            error = await error_of(api)

    assert isinstance(error, ForeignHostError)
    assert "password" not in str(error)
    assert foreign.connections == 0
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("host", "hosts"),
    [("LOCALHOST", ("localhost",)), ("localhost", (".teams.example", "LocalHost")), ("127.0.0.1", ())],
)
async def test_a_link_to_an_allowed_host_is_followed(session: Sessions, host: str, hosts: tuple[str, ...]) -> None:
    async with LocalVendor(lambda _: DOCUMENT) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(f"http://{host}:{files.port}{LINK}"))
        async with session(vendor.url, vendor.token_url, download_hosts=hosts) as api:
            assert (await api.download(PATH, "light")).body == CSV


async def test_a_host_that_begins_with_a_dot_stands_for_all_below_it(session: Sessions) -> None:
    async with (
        LocalVendor(lambda _: leading_to("https://nam.attend.teams.invalid" + LINK)) as vendor,
        session(vendor.url, vendor.token_url, download_hosts=(".teams.invalid",)) as api,
    ):
        error = await error_of(api)

    # it was looked for, and nobody has this name
    assert isinstance(error, OutageError)
    assert "nam.attend.teams.invalid" in str(error)


async def test_an_https_api_may_not_lead_to_http(
    session: Sessions, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "server.pem"
    file.write_text(IMPOSTOR)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    trusting = ssl.create_default_context(cadata=IMPOSTOR[IMPOSTOR.index("-----BEGIN CERT") :])
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    async with LocalVendor() as files, LocalVendor() as login, LocalVendor(tls=serving) as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url.replace("http://", "https://"), login.token_url) as api:
            error = await error_of(api)

    assert isinstance(error, ForeignHostError)
    assert "https" in str(error)
    assert files.connections == 0
    assert len(vendor.asked) == 1


@every_way
async def test_a_second_redirect_is_not_followed(session: Sessions, folder: Path, way: Download) -> None:
    async with LocalVendor() as further, LocalVendor() as files, LocalVendor() as vendor:
        files.answering = in_turn(leading_to(further.url + LINK))
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            error = await error_of(api, way, folder / "file")

    assert isinstance(error, ForeignHostError)
    assert further.connections == 0
    assert len(files.asked) == 1


@pytest.mark.parametrize("reply", [answer(302), leading_to("")])
async def test_a_redirect_without_a_link_is_an_outage(session: Sessions, reply: Raw) -> None:
    async with LocalVendor(lambda _: reply) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, OutageError)
    assert len(vendor.asked) == ATTEMPTS


async def test_a_link_that_is_no_address_is_not_followed(session: Sessions) -> None:
    reply = leading_to("http://127.0.0.1:port" + LINK)
    async with LocalVendor(lambda _: reply) as vendor, session(vendor.url, vendor.token_url) as api:
        error = await error_of(api)

    assert isinstance(error, ForeignHostError)
    assert str(error).endswith("gave isn't an address")
    assert len(vendor.asked) == 1


@every_way
@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_a_refusal_of_the_api_is_an_answer_and_no_file(
    session: Sessions, folder: Path, way: Download, status: int
) -> None:
    body = b'{"error": {"code": "Forbidden"}}'
    async with LocalVendor(lambda _: answer(status, body)) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await way(api, folder / "file")

    assert found == Answer(status, body, None, PATH, NOW)
    assert list(folder.iterdir()) == []
    assert len(vendor.asked) == 1


@every_way
async def test_an_api_that_answers_with_the_document_itself_is_taken_at_its_word(
    session: Sessions, folder: Path, way: Download
) -> None:
    async with LocalVendor(lambda _: DOCUMENT) as vendor, session(vendor.url, vendor.token_url) as api:
        found = await way(api, folder / "file")

    assert found.content == Linked(CSV_TYPE, len(CSV))
    assert found.body == (CSV if way is WAYS["whole"] else b"")
    assert [file.read_bytes() for file in folder.iterdir()] == ([CSV] if way is WAYS["file"] else [])


async def test_the_api_is_asked_for_a_link_as_for_anything_else(session: Sessions) -> None:
    faults = [answer(503), answer(429, Retry_After="0.01"), answer(401)]
    async with LocalVendor(lambda _: DOCUMENT) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(*faults, leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            found = await api.download(PATH, "light")
            vendor.answering = in_turn(answer(401))
            refused = await error_of(api)
            vendor.answering = in_turn(answer(429, Retry_After="3600"))
            quota = await error_of(api)
            vendor.answering = in_turn(answer(500))
            outage = await error_of(api)
            vendor.answering = in_turn(answer(204, b""))
            nothing = await error_of(api)

    assert found.body == CSV
    assert len(files.asked) == 1
    assert [type(error) for error in (refused, quota, outage, nothing)] == [
        RefusedError,
        QuotaError,
        OutageError,
        OutageError,
    ]


async def test_a_document_larger_than_it_may_be_is_an_outage_and_read_once(session: Sessions) -> None:
    async with LocalVendor(lambda _: DOCUMENT) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            assert (await api.download(PATH, "light", largest=len(CSV))).body == CSV
            with pytest.raises(OutageError, match="larger than any of its kind"):
                await api.download(PATH, "light", largest=len(CSV) - 1)

    assert len(files.asked) == 2


async def test_downloads_leave_room_for_requests(session: Sessions, folder: Path) -> None:
    busy = most = 0
    finish = asyncio.Event()

    async def answering(_: Asked) -> Raw:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await finish.wait()
        busy -= 1
        return DOCUMENT

    async with LocalVendor(answering) as files, LocalVendor() as vendor:
        vendor.answering = in_turn(leading_to(files.url + LINK))
        async with session(vendor.url, vendor.token_url) as api:
            downloads = [asyncio.create_task(WAYS["file"](api, folder / str(number))) for number in range(30)]
            while busy < DOWNLOADS_IN_FLIGHT:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            # no link ages while it waits for its turn
            assert len(vendor.asked) == DOWNLOADS_IN_FLIGHT
            vendor.answering = in_turn(answer(404))
            pages = [api.get(f"/{number}", {}, ANYTHING, "light") for number in range(IN_FLIGHT)]
            assert {page.status for page in await asyncio.gather(*pages)} == {404}
            vendor.answering = in_turn(leading_to(files.url + LINK))
            finish.set()
            await asyncio.gather(*downloads)

    assert most == DOWNLOADS_IN_FLIGHT
    assert len(list(folder.iterdir())) == 30
