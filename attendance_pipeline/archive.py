"""What vendors answered, verbatim, as Parquet, committed as it arrives.

The archive is the resume journal, the evidence, and the source that every table is rebuilt from. It has two
kinds of folders below `<lake>/archive/<vendor>/`:

    listings/asked_date=YYYY-MM-DD/     answers that name ended meetings, by the UTC date of asking
    attendance/ended_date=YYYY-MM-DD/   answers about one meeting, by the UTC date on which it ended

A folder holds one `documents.parquet` and, until they are compacted into it, a `part-*.parquet` per commit.
Readers take a document once, however many files hold it, so a kill between the two steps of a compaction loses
and doubles nothing. Knows files. Knows nothing of what a body says.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from attendance_pipeline.errors import StorageError
from attendance_pipeline.files import commit_parquet, reading

Outcome = Literal["answered", "not_ready", "gone", "denied", "blocked"]

SCHEMA = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("reading", pa.string(), nullable=False),
        pa.field("page", pa.int32(), nullable=False),
        pa.field("last", pa.bool_(), nullable=False),
        pa.field("next_token", pa.string(), nullable=False),
        pa.field("request", pa.string(), nullable=False),
        pa.field("status", pa.int16(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("window_first", pa.date32()),
        pa.field("window_last", pa.date32()),
        pa.field("body", pa.binary(), nullable=False),
    ]
)

HEAD = [name for name in SCHEMA.names if name != "body"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One archived answer.

    Attributes:
        document_id: ours, unique.
        kind: which request it answers, in the vendor's words (`participants`, `history_meetings`).
        subject: the vendor's id of the meeting it is about; of the host or so for a listing; may be empty.
        reading: shared by the pages of one walk through the vendor's pages.
        page: from 1.
        last: no page follows, so that the reading is complete.
        next_token: what asks for the page after this one; empty on the last.
        request: path and query, without secrets.
        status: HTTP status, 0 where the vendor gave no usable answer.
        outcome: what the answer means for its subject.
        reason: a few words or the vendor's code, where the outcome isn't `answered`.
        fetched_at: UTC.
        window_first: of a listing, the first date asked for.
        window_last: of a listing, the last date asked for.
        body: what the vendor sent, byte for byte.
    """

    document_id: str
    kind: str
    subject: str
    reading: str
    page: int
    last: bool
    next_token: str = ""
    request: str
    status: int
    outcome: Outcome = "answered"
    reason: str = ""
    fetched_at: datetime
    window_first: date | None = None
    window_last: date | None = None
    body: bytes


def new_id() -> str:
    """An id for a document or a reading."""
    return uuid4().hex


class Archive:
    """One vendor's archive.

    Args:
        lake: the lake's folder.
        vendor: `zoom`, `webex`, `teams`.
    """

    def __init__(self, lake: Path, vendor: str) -> None:
        self._root = lake / "archive" / vendor

    def listings(self, asked: date) -> Path:
        """The folder of the listings asked for on this UTC date."""
        return self._root / "listings" / f"asked_date={asked}"

    def attendance(self, ended: date) -> Path:
        """The folder of the answers about meetings that ended on this UTC date."""
        return self._root / "attendance" / f"ended_date={ended}"

    def heads(self, ended: date) -> list[dict[str, Any]]:
        """What is held about meetings that ended on this date, without the bodies, oldest first.

        Raises:
            StorageError: a file of the archive can't be read.
        """
        heads: list[dict[str, Any]] = _once(self.attendance(ended), HEAD).to_pylist()
        return heads

    def documents(self, ended: date, batch: int = 500) -> Iterator[Document]:
        """The documents about meetings that ended on this date, bodies included, oldest first.

        Raises:
            StorageError: a file of the archive can't be read.
        """
        return _documents(_once(self.attendance(ended), SCHEMA.names), batch)

    def listed(self, first: date, last: date, kinds: Sequence[str] = ()) -> Iterator[Document]:
        """The listing documents whose window touches `first` to `last`, oldest first.

        Args:
            first: the oldest ended date of interest; a listing asked for earlier can't know it.
            last: the newest.
            kinds: only these kinds; all where empty.

        Raises:
            StorageError: a file of the archive can't be read.
        """
        for folder in sorted((self._root / "listings").glob("asked_date=*")):
            if folder.name < f"asked_date={first}":
                continue
            near = (ds.field("window_last") >= first) & (ds.field("window_first") <= last)
            if kinds:
                near &= ds.field("kind").isin(list(kinds))
            yield from _documents(_once(folder, SCHEMA.names, near), 50)

    def listing_heads(self, first: date, last: date) -> list[dict[str, Any]]:
        """As `listed`, without the bodies."""
        near = (ds.field("window_last") >= first) & (ds.field("window_first") <= last)
        return [
            head
            for folder in sorted((self._root / "listings").glob("asked_date=*"))
            if folder.name >= f"asked_date={first}"
            for head in _once(folder, HEAD, near).to_pylist()
        ]

    def compact(self, folder: Path) -> None:
        """Make one file of a folder's many; nothing is dropped, and a kill at any moment is harmless."""
        parts = sorted(folder.glob("part-*.parquet"))
        if not parts:
            return
        whole = folder / "documents.parquet"
        commit_parquet(_once(folder, SCHEMA.names), whole, row_group_size=2_000)
        for part in parts:
            part.unlink(missing_ok=True)


class Journal:
    """Commits documents as they arrive, many callers to one file where they arrive together.

    `await commit(...)` returns once the document is on disk, so whoever then asks the vendor for more can be
    killed without losing it.
    """

    def __init__(self) -> None:
        self._waiting: dict[Path, list[tuple[Document, asyncio.Future[None]]]] = {}
        self._writing = asyncio.Lock()

    async def commit(self, folder: Path, document: Document) -> None:
        """Keep `document` in `folder`.

        Raises:
            StorageError: the disk is full, read-only or gone; nothing half-written stays behind.
        """
        kept = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(folder, []).append((document, kept))
        async with self._writing:
            if not kept.done():
                await self._write()
        await kept

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for folder, together in waiting.items():
            table = to_table([document for document, _ in together])
            name = f"part-{together[0][0].fetched_at:%Y%m%dT%H%M%S%f}-{together[0][0].document_id[:8]}.parquet"
            try:
                await asyncio.to_thread(commit_parquet, table, folder / name)
            except StorageError as error:
                for _, kept in together:
                    if not kept.done():
                        kept.set_exception(error)
            else:
                for _, kept in together:
                    if not kept.done():
                        kept.set_result(None)


def to_table(documents: Iterable[Document]) -> pa.Table:
    """Documents as an Arrow table of the archive's schema."""
    rows = list(documents)
    return pa.table({name: [getattr(row, name) for row in rows] for name in SCHEMA.names}, schema=SCHEMA)


def _documents(table: pa.Table, batch: int) -> Iterator[Document]:
    for rows in table.to_batches(max_chunksize=batch):
        for row in rows.to_pylist():
            yield Document(**row)


def _once(folder: Path, columns: list[str], where: ds.Expression | None = None) -> pa.Table:
    """Each document of a folder once, by time of arrival."""
    # The compacted file first: it is the one that holds a document when a part of it still lies about.
    files = sorted(folder.glob("*.parquet"))
    if not files:
        return SCHEMA.empty_table().select(columns)
    tables = []
    for file in files:
        with reading(file, "move it aside and run these dates again while the vendor still has them"):
            tables.append(pq.read_table(file, schema=SCHEMA, columns=columns, filters=where, partitioning=None))
    table = pa.concat_tables(tables)
    first = dict(zip(reversed(table["document_id"].to_pylist()), range(table.num_rows - 1, -1, -1), strict=True))
    if len(first) < table.num_rows:
        table = table.take(sorted(first.values()))
    return table.sort_by([("fetched_at", "ascending"), ("reading", "ascending"), ("page", "ascending")])
