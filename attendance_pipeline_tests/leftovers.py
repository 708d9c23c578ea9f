"""What runs leave behind, opened file by file: whether a word stands anywhere in it, however it is packed."""

import sqlite3
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import parse_qsl, quote

import duckdb
import pyarrow.parquet as pq

from attendance_pipeline.sandbox.wire import Answer, Call


class Overheard:
    """A hook of the sandbox's that only listens: what clients prove themselves with, and what opens a document."""

    def __init__(self) -> None:
        self.refresh_tokens: set[str] = set()
        self.secrets: set[str] = set()

    def __call__(self, vendor: str, call: Call) -> Answer | None:
        if "Authorization" in call.headers:
            self.secrets.add(call.headers["Authorization"].partition(" ")[2])
        for name, value in parse_qsl(call.body.decode(errors="replace")) if call.method == "POST" else ():
            if name in ("client_secret", "client_assertion"):
                self.secrets.add(value)
            if name == "refresh_token":
                self.refresh_tokens.add(value)
        if call.path.startswith("/broadcast/"):
            self.secrets.add(call.path.split("/")[2])
        return None


def places(folder: Path, words: Iterable[str]) -> set[tuple[str, str]]:
    """The files that hold any of these words, plain, percent-encoded or in base64, and the word."""
    spelled = {
        word: {word.encode(), quote(word, safe="").encode(), b64encode(word.encode()).rstrip(b"=")} for word in words
    }
    found = set()
    for file in folder.rglob("*"):
        if file.is_file():
            content = b"\n".join(unpacked(file))
            held = (word for word, spellings in spelled.items() if any(one in content for one in spellings))
            found |= {(str(file.relative_to(folder)), word) for word in held}
    return found


def unpacked(file: Path) -> Iterator[bytes]:
    """The file's bytes and, where they are packed, what is in them."""
    content = file.read_bytes()
    yield content
    if content.startswith(b"PAR1"):
        yield _told(pq.read_table(file, partitioning=None).to_pylist())
    if content.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as opened:
            for (table,) in opened.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in opened.execute(f'select * from "{table}"'):  # noqa: S608 - Dagster's names
                    yield _told(row)
                    for value in row:
                        if isinstance(value, bytes):
                            with suppress(zlib.error):
                                yield zlib.decompress(value)
    if content[8:12] == b"DUCK":
        with duckdb.connect(str(file), read_only=True) as opened_file:
            names = opened_file.execute("select table_schema, table_name from information_schema.tables").fetchall()
            for schema, table in names:
                yield _told(opened_file.execute(f'from "{schema}"."{table}"').fetchall())


def _told(values: object) -> bytes:
    return repr(values).encode(errors="backslashreplace")
