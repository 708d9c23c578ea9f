"""Where a partition lives, how one is replaced, how one is read.

`<lake>/tables/<vendor>/<table>/ended_date=YYYY-MM-DD/data.parquet` holds rows that passed every rule,
`<lake>/quarantine/…` of the same form the rows that broke one. Knows paths and files. Knows nothing of vendors,
Dagster or DuckDB.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from attendance_pipeline.errors import StorageError
from attendance_pipeline.files import commit, reading, sweep, writing

SCHEMA_VERSION = "2"
"""Raised when a column's name, type or meaning changes; stands in every file's Arrow metadata."""

QUARANTINE = pa.schema(
    [
        pa.field("rule", pa.string(), metadata={"description": "The rule that the row broke"}),
        pa.field("subject", pa.string(), metadata={"description": "The vendor's id of the meeting, if readable"}),
        pa.field("document_id", pa.string(), metadata={"description": "The archived document that holds the row"}),
        pa.field("position", pa.int32(), metadata={"description": "Its place in that document, from 0"}),
        pa.field("row", pa.binary(), metadata={"description": "The row as the vendor sent it, JSON"}),
        pa.field("waived", pa.string(), metadata={"description": "Why somebody waived it; null where nobody did"}),
    ],
    metadata={"attendance_schema_version": SCHEMA_VERSION},
)


@dataclass(frozen=True, order=True)
class Partition:
    """One file of the lake's tables, and a mark that changes whenever its content does."""

    vendor: str
    table: str
    ended_date: date
    file: Path
    mark: str


class Lake:
    """The lake below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, vendor: str, table: str, ended: date) -> Path:
        """Where the partition's valid rows live."""
        return self._file("tables", vendor, table, ended)

    def quarantine_file(self, vendor: str, table: str, ended: date) -> Path:
        """Where the partition's quarantined rows live; absent where there are none."""
        return self._file("quarantine", vendor, table, ended)

    def has(self, vendor: str, table: str, ended: date) -> bool:
        """Whether the date was ever landed in this table."""
        return self.file(vendor, table, ended).exists()

    def replace(self, vendor: str, table: str, ended: date, rows: pa.Table, quarantined: pa.Table) -> int:
        """Replace one partition and its quarantine, each in one rename; a file that would not change stays.

        Returns:
            Bytes of the partition's file.

        Raises:
            StorageError: the disk is full, read-only or gone; the partition from before still stands.
        """
        self._replace(self.quarantine_file(vendor, table, ended), quarantined if quarantined.num_rows else None)
        return self._replace(self.file(vendor, table, ended), rows)

    def read(self, vendor: str, table: str, ended: date, columns: Sequence[str] | None = None) -> pa.Table | None:
        """One partition's rows; None where the date was never landed.

        Args:
            vendor: whose rows.
            table: of the vendor.
            ended: the partition.
            columns: only these.

        Raises:
            StorageError: the file isn't readable Parquet.
        """
        return self._read(self.file(vendor, table, ended), columns)

    def head(self, vendor: str, table: str, ended: date, rows: int) -> pa.Table | None:
        """The first rows of one partition, at most so many; None where the date was never landed.

        Raises:
            StorageError: the file isn't readable Parquet.
        """
        file = self.file(vendor, table, ended)
        if not file.exists():
            return None
        with _parquet(file) as parquet:
            return pa.Table.from_batches(islice(parquet.iter_batches(rows), 1), parquet.schema_arrow)

    def read_quarantine(
        self, vendor: str, table: str, ended: date, columns: Sequence[str] = tuple(QUARANTINE.names)
    ) -> pa.Table:
        """One partition's quarantined rows; empty where there are none.

        Args:
            vendor: whose rows.
            table: of the vendor.
            ended: the partition.
            columns: only these: what the vendor sent is nearly all of the file.

        Raises:
            StorageError: the file isn't readable Parquet.
        """
        wanted = pa.schema([QUARANTINE.field(name) for name in columns], QUARANTINE.metadata)
        held = self._read(self.quarantine_file(vendor, table, ended), columns)
        if held is None:
            return wanted.empty_table()
        # Files of schema version 1 know no waivers.
        lacking = pa.nulls(held.num_rows, pa.string())
        return pa.table([held[name] if name in held.column_names else lacking for name in columns], schema=wanted)

    def quarantines(self) -> Iterator[tuple[str, str, date]]:
        """Vendor, table and ended date of every partition with quarantined rows; a table's oldest first."""
        for file in sorted((self.root / "quarantine").glob("*/*/ended_date=*/data.parquet")):
            vendor, table, folder = file.parts[-4:-1]
            yield vendor, table, date.fromisoformat(folder.split("=")[1])

    def partitions(self, vendor: str, table: str) -> Iterator[Partition]:
        """Every partition of a table, oldest first."""
        for folder in sorted((self.root / "tables" / vendor / table).glob("ended_date=*")):
            file = folder / "data.parquet"
            if file.exists():
                found = file.stat()
                # A file is only ever replaced by other content, so time and size tell one from another.
                mark = f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"
                yield Partition(vendor, table, date.fromisoformat(folder.name.split("=")[1]), file, mark)

    def sweep(self, vendor: str) -> None:
        """Take away what killed processes left beside a vendor's files, its archive's too."""
        for area in ("archive", "tables", "quarantine"):
            sweep(self.root / area / vendor)

    def _file(self, area: str, vendor: str, table: str, ended: date) -> Path:
        return self.root / area / vendor / table / f"ended_date={ended}" / "data.parquet"

    def _read(self, file: Path, columns: Sequence[str] | None = None) -> pa.Table | None:
        """The file's rows; of the columns those that it has."""
        if not file.exists():
            return None
        with _parquet(file) as parquet:
            return parquet.read(columns and [name for name in columns if name in parquet.schema_arrow.names])

    def _replace(self, file: Path, rows: pa.Table | None) -> int:
        if rows is None:
            with writing(file):
                file.unlink(missing_ok=True)
            return 0
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd")
        content = sink.getvalue()
        if not _holds(file, content):
            commit(file, lambda path: path.write_bytes(content))
        return int(content.size)


@contextmanager
def _parquet(file: Path) -> Iterator[pq.ParquetFile]:
    with (
        reading(file, f"delete it and run {file.parent.name.split('=')[1]} again: the archive rebuilds it"),
        pq.ParquetFile(file) as parquet,
    ):
        yield parquet


def _holds(file: Path, content: pa.Buffer) -> bool:
    try:
        return file.stat().st_size == content.size and file.read_bytes() == bytes(content)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"can't read {file}: {error.strerror}") from error
