"""Changed partitions of the lake → the private DuckDB build file; the finished build → the published file.

dbt works between the two. One process at a time writes the build file; readers open the published file only, which
is replaced whole and never written to. Knows the lake's files and DuckDB. Knows no vendor and no Dagster.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from attendance_pipeline.errors import StorageError
from attendance_pipeline.files import alone, commit
from attendance_pipeline.lake import Lake, Partition
from attendance_pipeline.shape import Table

STORAGE_VERSION = "v1.5.0"
"""What DuckDB clients from 1.5 on can open; the newest format would lock them out."""

_TYPES = {
    pa.string(): "varchar",
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double",
    # UTC; a plain timestamp needs no time zone database in any client
    pa.timestamp("us", tz="UTC"): "timestamp",
}


@dataclass
class Loaded:
    """What a load did to one raw table."""

    rows: int = 0
    partitions: list[Partition] = field(default_factory=list)


def raw_name(table: Table) -> str:
    """The table's name in schema `raw`."""
    return f"{table.vendor}_{table.name}"


@contextmanager
def building(build: Path) -> Iterator[None]:
    """Hold the build file for ourselves.

    Raises:
        BusyError: another run is loading, building or publishing.
    """
    with alone(build.parent / "locks" / "warehouse.lock", "another warehouse build"):
        yield


def load(lake: Lake, build: Path, tables: Sequence[Table]) -> dict[str, Loaded]:
    """Bring the raw tables up to date with the lake: partitions that changed, and only those.

    Returns:
        By raw table: its rows afterwards and the partitions that were loaded.

    Raises:
        StorageError: a partition isn't readable, or the build file can't be written; nothing is half loaded.
    """
    build.parent.mkdir(parents=True, exist_ok=True)
    loaded: dict[str, Loaded] = {}
    with _connect(build) as connection:
        connection.execute("create schema if not exists raw")
        connection.execute(
            "create table if not exists raw.loads "
            "(raw_table varchar, ended_date date, mark varchar, batch bigint, primary key (raw_table, ended_date))"
        )
        connection.execute("create sequence if not exists raw.batches")
        batch = _one(connection, "select nextval('raw.batches')")
        for table in tables:
            loaded[raw_name(table)] = _load(connection, lake, table, batch)
    return loaded


def _load(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, batch: int) -> Loaded:
    name = raw_name(table)
    columns = {entry.name: _type(entry.type) for entry in table.schema} | {"ended_date": "date"}
    connection.execute("begin")
    found = connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = 'raw' and table_name = ? order by ordinal_position",
        [name],
    ).fetchall()
    if not _alike(found, columns.items()):
        # A new table, or one whose columns a new version has changed: the lake holds all of it.
        declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f'create or replace table raw."{name}" ({declared})')
        connection.execute("delete from raw.loads where raw_table = ?", [name])
    marks = dict(connection.execute("select ended_date, mark from raw.loads where raw_table = ?", [name]).fetchall())
    here = list(lake.partitions(table.vendor, table.name))
    changed = [partition for partition in here if marks.get(partition.ended_date) != partition.mark]
    gone = marks.keys() - {partition.ended_date for partition in here}
    stale = [partition.ended_date for partition in changed if partition.ended_date in marks] + sorted(gone)
    if stale:
        connection.execute(f'delete from raw."{name}" where ended_date in (select unnest(?))', [stale])  # noqa: S608
        connection.execute(
            "delete from raw.loads where raw_table = ? and ended_date in (select unnest(?))", [name, stale]
        )
    if changed:
        _insert(connection, name, list(columns), changed, lake)
        connection.executemany(
            "insert into raw.loads values (?, ?, ?, ?)",
            [[name, partition.ended_date, partition.mark, batch] for partition in changed],
        )
    rows = _one(connection, f'select count(*) from raw."{name}"')  # noqa: S608 - our own table names
    connection.execute("commit")
    return Loaded(rows, changed)


def _type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type."""
    if pa.types.is_list(kind):
        return f"{_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        fields = ", ".join(f'"{entry.name}" {_type(entry.type)}' for entry in kind)
        return f"struct({fields})"
    return _TYPES[kind]


def _alike(found: Iterable[tuple[str, str]], wanted: Iterable[tuple[str, str]]) -> bool:
    """Whether columns have the same names and types; DuckDB quotes only the nested names that it has to."""
    found_kinds, wanted_kinds = (
        [(column, kind.replace('"', "").lower()) for column, kind in columns] for columns in (found, wanted)
    )
    return found_kinds == wanted_kinds


def _insert(
    connection: duckdb.DuckDBPyConnection, name: str, columns: list[str], changed: list[Partition], lake: Lake
) -> None:
    selected = ", ".join(f'"{column}"' for column in columns)
    try:
        connection.execute(
            f'insert into raw."{name}" select {selected} '  # noqa: S608 - our own table and column names
            "from read_parquet(?, hive_partitioning = true, hive_types = {'ended_date': date})",
            [[str(partition.file) for partition in changed]],
        )
    except duckdb.Error as error:
        for partition in changed:
            lake.read(partition.vendor, partition.table, partition.ended_date)  # names the file that is broken
        raise StorageError(f"can't load {name}: {error}") from error


@contextmanager
def _connect(build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        connection = duckdb.connect(str(build), config={"storage_compatibility_version": STORAGE_VERSION})
        connection.execute("set TimeZone = 'UTC'")
    except duckdb.Error as error:
        raise StorageError(
            f"can't open {build} ({type(error).__name__}): another program may hold it, or it is damaged; "
            "close that program, or delete the file: it is rebuilt from the lake"
        ) from error
    try:
        yield connection
    except duckdb.Error as error:
        raise StorageError(f"can't write {build}: {str(error).splitlines()[0]}; nothing was half loaded") from error
    finally:
        connection.close()


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    return int(row[0])


def begin_build(build: Path) -> None:
    """From now on the build file is in motion: it isn't published until `finish_build`."""
    _finished(build).unlink(missing_ok=True)


def finish_build(build: Path) -> None:
    """Every model and every blocking test of dbt has passed."""
    commit(_finished(build), lambda path: path.touch())


def publish(build: Path, public: Path) -> int:
    """Put a consistent copy of the build under the public name, in one rename; returns its bytes.

    Whoever has the file from before open keeps it; whoever opens it anew sees all of the new one.

    Raises:
        StorageError: the last dbt build didn't finish, or the disk can't take the copy; the file from before stays.
    """
    if not _finished(build).exists():
        raise StorageError(
            f"{build} isn't finished: the last dbt build failed or was killed; the published file stays as it was. "
            "Run the warehouse job again"
        )
    wal = build.with_name(build.name + ".wal")
    if wal.exists():
        raise StorageError(f"{wal} exists: a writer still holds the build file; run the warehouse job again")
    commit(public, lambda path: shutil.copyfile(build, path), mode=0o444)
    # A log that a client left beside an older file would keep the new one from opening.
    public.with_name(public.name + ".wal").unlink(missing_ok=True)
    return public.stat().st_size


def _finished(build: Path) -> Path:
    return build.with_name(build.name + ".finished")
