"""Nothing that proves who we are is shown by an object or overlooked by the search of what runs leave behind."""

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .leftovers import places
from .test_hostile_server import ACCOUNTS, HEARD_AS, SECRETS, account

WORD = "made-up:secret/word+="
PACKED = "made-up:secr, et/word+=, " * 300 + WORD
"""Whoever packs it finds the word's halves further up."""


def in_parquet(folder: Path) -> None:
    pq.write_table(pa.table({"body": [PACKED.encode()]}), folder / "x.parquet", compression="zstd")


def in_nested_parquet(folder: Path) -> None:
    pq.write_table(pa.table({"rows": [[{"deep": PACKED}]]}), folder / "x.parquet", compression="zstd")


def in_duckdb(folder: Path) -> None:
    with duckdb.connect(str(folder / "x.duckdb")) as file:
        file.execute("create schema marts")
        file.execute("create table marts.t as select repeat(?, 50) || range as said from range(5_000)", [WORD])


def in_sqlite(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "x.db")) as file, file:
        file.execute("create table events (body text)")
        # it lies on two pages: 4,092 bytes are on each, counted from the end
        file.execute("insert into events values (?)", ["x" * 5_000 + WORD + "x" * (2 * 4_092 - len(WORD) // 2)])


def in_packed_sqlite(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "x.db")) as file, file:
        file.execute("create table snapshots (body blob)")
        file.execute("insert into snapshots values (?)", [zlib.compress(WORD.encode() * 50)])


def in_a_log(folder: Path) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "x.log").write_text("GET /x?token=made-up%3Asecret%2Fword%2B%3D\n")


def in_a_header(folder: Path) -> None:
    (folder / "x.txt").write_text("Basic bWFkZS11cDpzZWNyZXQvd29yZCs9\n")


@pytest.mark.parametrize(
    "hidden", [in_parquet, in_nested_parquet, in_duckdb, in_sqlite, in_packed_sqlite, in_a_log, in_a_header]
)
def test_the_search_of_leftovers_finds_a_word_wherever_it_is(hidden: Callable[[Path], None], tmp_path: Path) -> None:
    hidden(tmp_path)

    (file,) = (str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file())
    assert places(tmp_path, [WORD, "another-word"]) == {(file, WORD)}


def test_the_search_of_leftovers_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    for hidden in (in_parquet, in_sqlite, in_a_log):
        hidden(tmp_path)

    assert places(tmp_path, ["another-word"]) == set()


def parts(of: object, seen: set[int]) -> Iterator[object]:
    """It and everything that it holds, as far as that is Python's."""
    if id(of) in seen or isinstance(of, (type, str, bytes)) or callable(of):
        return
    seen.add(id(of))
    yield of
    inner = list(vars(of).values()) if hasattr(of, "__dict__") else []
    if isinstance(of, dict):
        inner += of.values()
    if isinstance(of, (list, tuple, set, frozenset)):
        inner += of
    for one in inner:
        yield from parts(one, seen)


@pytest.mark.parametrize("vendor", sorted(ACCOUNTS))
def test_no_object_that_holds_a_secret_shows_it(tmp_path: Path, vendor: str) -> None:
    """Objects of ours and of httpx; a secret itself is a plain text where it has to be sent."""
    pulling = account(vendor, tmp_path).vendor
    session = pulling.session()
    auth = session._client._auth
    auth._token = SECRETS[2]  # type: ignore[union-attr]  # as if it had been minted

    shown = [
        repr(one)
        for one in parts([pulling, session], set())
        if type(one).__module__.startswith(("attendance_pipeline", "httpx", "pydantic"))
    ]

    assert len(shown) > 10
    assert [text for text in shown if any(secret in text for secret in HEARD_AS)] == []
