"""What vendors answered, verbatim, as Parquet, committed as it arrives.

The archive is the resume journal, the evidence, and the source that every table is rebuilt from. Below
`<lake>/archive/<vendor>/` lie

    listings/asked_date=YYYY-MM-DD/documents.parquet     answers that name ended meetings, by the UTC date of asking
    attendance/ended_date=YYYY-MM-DD/documents.parquet   answers about one meeting, by the UTC date of its end
    lookups/documents.parquet                            answers that name an id whatever the date, kept for good
    journal                                              what a pull was answered since the last fold

A document is in the journal before the next request leaves, and is folded into its Parquet file when the pull ends;
what a killed run left in the journal is folded when the next one begins. A fold takes a document once, however
often it is repeated, so nothing is lost or doubled by a kill at any moment. Whoever folds or appends holds the
vendor's lock. Knows files. Knows nothing of what a body says.
"""

import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, count, islice
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self
from uuid import uuid4

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from attendance_pipeline.errors import StorageError
from attendance_pipeline.files import commit, make_folder, opened, reading, writing

Outcome = Literal["answered", "unsettled", "not_ready", "gone", "denied", "blocked"]

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
_ID = ["document_id"]


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
        outcome: what the answer means for its subject; `unsettled` is an answer with times not filled in yet.
        reason: a few words or the vendor's code, where the outcome isn't `answered`.
        fetched_at: UTC.
        window_first: of a listing, the first date asked for; None for a lookup, which has no dates.
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


def without_answer(kind: str, subject: str, outcome: Outcome, reason: str, at: datetime, status: int = 0) -> Document:
    """The record of a report that the vendor gave no usable answer about, so that it counts."""
    return Document(
        document_id=new_id(),
        kind=kind,
        subject=subject,
        reading=new_id(),
        page=1,
        last=True,
        request="",
        status=status,
        outcome=outcome,
        reason=reason,
        fetched_at=at,
        body=b"",
    )


_PROCESS = uuid4().hex
_NUMBERS = count()


def new_id() -> str:
    """An id for a document or a reading: this process's random number and a count, as randomness is dear."""
    return f"{_PROCESS}-{next(_NUMBERS):x}"


class Archive:
    """One vendor's archive.

    Args:
        lake: the lake's folder.
        vendor: `zoom`, `webex`, `teams`.
    """

    def __init__(self, lake: Path, vendor: str) -> None:
        self.lake = lake
        self._root = lake / "archive" / vendor

    def journal(self) -> "Journal":
        """Where a pull keeps what it is answered."""
        return Journal(self._root / "journal")

    def fold(self) -> None:
        """Move the journal's documents into the Parquet files they belong to.

        Raises:
            StorageError: a file can't be read or written; the journal stays, and nothing is lost.
        """
        journal = self._root / "journal"
        if not journal.exists():
            return
        places: dict[str, list[int]] = {}
        for offset, _, folder in _entries(journal):
            places.setdefault(folder, []).append(offset)
        for folder, offsets in sorted(places.items()):
            _merge(self._root / folder / "documents.parquet", _at(journal, offsets))
        journal.unlink()

    def heads(self, ended: date) -> list[dict[str, Any]]:
        """What is held about meetings that ended on this date, without the bodies, oldest first.

        Raises:
            StorageError: the file can't be read.
        """
        heads: list[dict[str, Any]] = []
        for rows in _batches(self._root / _attendance(ended) / "documents.parquet", HEAD):
            heads.extend(rows.to_pylist())
        return heads

    def documents(self, ended: date) -> Iterator[Document]:
        """The documents about meetings that ended on this date, bodies included, oldest first.

        Raises:
            StorageError: the file can't be read.
        """
        return _documents(self._root / _attendance(ended) / "documents.parquet")

    def listed(self, first: date, last: date, kinds: Sequence[str]) -> Iterator[Document]:
        """The listing documents of these kinds whose window touches `first` to `last`, oldest first.

        Args:
            first: the oldest ended date of interest; a listing asked for earlier can't know it.
            last: the newest.
            kinds: of the documents.

        Raises:
            StorageError: a file can't be read.
        """
        for file in self._listing_files(first):
            for document in _documents(file):
                assert document.window_first is not None  # noqa: S101 - every listing has a window
                assert document.window_last is not None  # noqa: S101
                if document.kind in kinds and document.window_last >= first and document.window_first <= last:
                    yield document

    def listing_heads(self, first: date, last: date, kind: str | None = None) -> Iterator[dict[str, Any]]:
        """The same documents of one kind, or of all, without their bodies, which aren't read.

        Raises:
            StorageError: a file can't be read.
        """
        for file in self._listing_files(first):
            for rows in _batches(file, HEAD):
                wanted = rows if kind is None else rows.filter(pc.equal(rows["kind"], kind))
                for head in wanted.to_pylist():
                    if head["window_last"] >= first and head["window_first"] <= last:
                        yield head

    def newest_listing_heads(self) -> list[dict[str, Any]]:
        """All listing documents of the newest date of asking, in the order in which they were kept, without bodies.

        Raises:
            StorageError: the file can't be read.
        """
        newest = max(self._listing_files(date.min), default=None)
        return [head for rows in _batches(newest, HEAD) for head in rows.to_pylist()] if newest else []

    def _listing_files(self, first: date) -> Iterator[Path]:
        """The files of lists, oldest first, that can know what ended from this date on."""
        for folder in sorted((self._root / "listings").glob("asked_date=*")):
            if folder.name >= f"asked_date={first}":
                yield folder / "documents.parquet"

    def lookups(self) -> Iterator[Document]:
        """The answers that name an id whatever the date, oldest first.

        Raises:
            StorageError: the file can't be read.
        """
        return _documents(self._root / _LOOKUPS / "documents.parquet")

    def found(self, ids: Collection[str], ended: Collection[date]) -> Iterator[Document]:
        """The documents of these ids: about meetings that ended on these dates, or of lists.

        Raises:
            StorageError: a file can't be read.
        """
        about = [self._root / _attendance(day) / "documents.parquet" for day in sorted(ended)]
        lacking = set(ids)
        for file in (*about, *self._listing_files(date.min)):
            if not lacking:
                return
            if any(not lacking.isdisjoint(rows["document_id"].to_pylist()) for rows in _batches(file, _ID)):
                for document in _documents(file):
                    if document.document_id in lacking:
                        lacking.remove(document.document_id)
                        yield document


class Journal:
    """Takes documents as they arrive. A context manager; one writer at a time."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._file: BinaryIO | None = None
        self._end = 0

    def __enter__(self) -> Self:
        with writing(self._path):
            make_folder(self._path.parent)
            self._file = opened(self._path, "ab")
            # What a kill tore off would hide every entry that follows it.
            self._end = max((end for _, end, _ in _entries(self._path)), default=0)
            if self._end < self._path.stat().st_size:
                self._file.truncate(self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None  # noqa: S101 - set on entry
        self._file.close()

    def keep_listing(self, document: Document) -> None:
        """Keep an answer that names ended meetings; it survives the process from here on.

        Raises:
            StorageError: the disk is full, read-only or gone.
        """
        self._append(f"listings/asked_date={document.fetched_at.date()}", document)

    def keep_lookup(self, document: Document) -> None:
        """Keep an answer that names an id whatever the date; it survives the process from here on.

        Raises:
            StorageError: the disk is full, read-only or gone.
        """
        self._append(_LOOKUPS, document)

    def keep_attendance(self, ended: date, document: Document) -> None:
        """Keep an answer about a meeting that ended on this date; it survives the process from here on.

        Raises:
            StorageError: the disk is full, read-only or gone.
        """
        self._append(_attendance(ended), document)

    def _append(self, folder: str, document: Document) -> None:
        assert self._file is not None  # noqa: S101 - set on entry
        entry = _ENCODER.encode((folder, document))
        record = _HEADER.pack(len(entry), zlib.crc32(entry)) + entry
        with writing(self._path):
            written = 0
            try:
                while written < len(record):
                    written += self._file.write(record[written:])
            except OSError:
                with suppress(OSError):
                    self._file.truncate(self._end)
                raise
            self._end += written


_HEADER = struct.Struct("<II")
"""Before each entry of the journal: its length in bytes and its CRC-32."""
_ENCODER = msgspec.msgpack.Encoder()
_ENTRY = msgspec.msgpack.Decoder(tuple[str, Document])
_FOLDER = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_LOOKUPS = "lookups"
_REPEATED = [name for name in SCHEMA.names if name not in ("document_id", "body")]
"""Columns whose values come again: Parquet would look for repetitions in megabytes of bodies."""
_ROW_GROUP = 16 * 2**20
"""Bytes of bodies in a Parquet row group, about: a thousand pages about meetings, a hundred of lists."""
_BATCH = 100
"""Documents that are read at a time."""


def _attendance(ended: date) -> str:
    return f"attendance/ended_date={ended}"


def _entries(journal: Path) -> Iterator[tuple[int, int, str]]:
    """Where each whole entry begins and ends, and its folder; a kill or a full disk may have torn the last one."""
    with reading(journal, "check the disk"), journal.open("rb") as file:
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            length, checksum = _HEADER.unpack(header)
            entry = file.read(length)
            end = file.tell()
            if not length or len(entry) < length or zlib.crc32(entry) != checksum:
                if length and file.read(1):
                    raise StorageError(
                        f"{journal} is damaged at byte {end - length}; copy what follows if it matters, then move it "
                        "aside: what it held is asked for again"
                    )
                return
            yield end - length - _HEADER.size, end, _FOLDER.decode(entry)[0]


def _at(journal: Path, offsets: Iterable[int]) -> Iterator[Document]:
    with reading(journal, "check the disk"), journal.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            length, _ = _HEADER.unpack(file.read(_HEADER.size))
            yield _ENTRY.decode(file.read(length))[1]


def _merge(file: Path, arrived: Iterable[Document]) -> None:
    """Replace `file` by itself and what has arrived, each document once."""

    def write(path: Path) -> None:
        seen: set[str] = set()

        def once(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
            for table in tables:
                new = []
                for position, document_id in enumerate(table["document_id"].to_pylist()):
                    if document_id not in seen:
                        seen.add(document_id)
                        new.append(position)
                yield table if len(new) == table.num_rows else table.take(pa.array(new, pa.int64()))

        with pq.ParquetWriter(
            path, SCHEMA, compression="zstd", write_page_checksum=True, use_dictionary=_REPEATED
        ) as writer:
            held = (pa.Table.from_batches([rows]) for rows in _batches(file, SCHEMA.names))
            for row_group in _row_groups(chain(once(held), once(_tables(arrived)))):
                writer.write_table(row_group)

    commit(file, write)


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    some: list[pa.Table] = []
    for table in tables:
        some.append(table)
        if sum(held.nbytes for held in some) >= _ROW_GROUP:
            yield pa.concat_tables(some)
            some.clear()
    if some:
        yield pa.concat_tables(some)


def _tables(documents: Iterable[Document]) -> Iterator[pa.Table]:
    left = iter(documents)
    while some := list(islice(left, _BATCH)):
        yield pa.table({name: [getattr(one, name) for one in some] for name in SCHEMA.names}, schema=SCHEMA)


def _documents(file: Path) -> Iterator[Document]:
    for rows in _batches(file, SCHEMA.names):
        for values in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            yield Document(**dict(zip(SCHEMA.names, values, strict=True)))


def _batches(file: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    if not file.exists():
        return
    with (
        reading(file, "move it aside and run these dates again while the vendor still has them"),
        pq.ParquetFile(file, page_checksum_verification=True) as parquet,
    ):
        yield from parquet.iter_batches(batch_size=_BATCH, columns=columns)
