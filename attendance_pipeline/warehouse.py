"""Changed partitions of the lake → the private DuckDB build file; the finished build → the published file.

dbt works between the two. One process at a time writes the build file; readers open the published file only, which
is replaced whole and never written to. Knows the lake's files and DuckDB. Knows no vendor and no Dagster.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import duckdb
import pyarrow as pa

from attendance_pipeline.errors import StorageError
from attendance_pipeline.files import Access, alone, commit, make_folder, shut_to_others, writing
from attendance_pipeline.lake import Lake, Partition
from attendance_pipeline.readings import Timing
from attendance_pipeline.shape import Table

STORAGE_VERSION = "v1.5.0"
"""What DuckDB clients from 1.5 on can open; the newest format would lock them out."""

LOCK_PATIENCE = 60.0
"""Seconds: a dbt build of ten million joins takes about as long."""

UNDATED = date(1970, 1, 1)
"""The ended date, in `raw.loads`, of what has none."""

_LOADS = {
    "raw_table": "varchar",
    "vendor": "varchar",
    "ended_date": "date",
    # null where the lake holds the partition no longer
    "mark": "varchar",
    # of the load that last changed it
    "batch": "bigint",
}

_TYPES = {
    pa.string(): "varchar",
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double",
    # UTC; a plain timestamp needs no time zone database in any client
    pa.timestamp("us", tz="UTC"): "timestamp",
}


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a vendor and how long it can be had: a row of the raw table `vendors`.

    Attributes:
        vendor: `zoom`, `webex`, `teams`.
        is_on: whether its credentials are set.
        first_date: the first ended date that is wanted.
        as_of: the UTC date of the load.
        timing: from when on and until when the vendor answers.
    """

    vendor: str
    is_on: bool
    first_date: date
    as_of: date
    timing: Timing


@dataclass(frozen=True)
class Told:
    """What an analyst tells of people: the rows of the raw tables `aliases` and `roster`.

    Attributes:
        aliases: pairs of identities that are one person.
        roster: vendors and the addresses of their licensed hosts.
    """

    aliases: Sequence[tuple[str, str]] = ()
    roster: Sequence[tuple[str, str]] = ()


NOTHING_TOLD = Told()


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
    with alone(build.parent / "locks" / "warehouse.lock", "another warehouse build"), shut_to_others():
        # What DuckDB moved out of memory for a build that was killed.
        shutil.rmtree(build.with_name(build.name + ".tmp"), ignore_errors=True)
        yield


def delete_build(build: Path) -> None:
    """Begin anew: the lake holds everything that was loaded, and the published file stays as it is."""
    with writing(build):
        for file in (_finished(build), build.with_name(build.name + ".wal"), build):
            file.unlink(missing_ok=True)


def load(
    lake: Lake, build: Path, tables: Sequence[Table], vendors: Sequence[Wanted] = (), told: Told = NOTHING_TOLD
) -> dict[str, Loaded]:
    """Bring the raw tables up to date with the lake: partitions that changed, and only those.

    Args:
        lake: where the partitions are.
        build: the build file.
        tables: of the vendors.
        vendors: what is wanted of each, the raw table `vendors`.
        told: what an analyst tells of people.

    Returns:
        By raw table: its rows afterwards and the partitions that were loaded.

    Raises:
        StorageError: a partition isn't readable, or the build file can't be written; nothing is half loaded.
    """
    with writing(build):
        make_folder(build.parent)
    begin_build(build)
    loaded: dict[str, Loaded] = {}
    with _connect(build) as connection:
        _prepare(connection)
        batch = _one(connection, "select nextval('raw.batches')")
        for table in tables:
            loaded[raw_name(table)] = _load(connection, lake, table, batch)
        _load_vendors(connection, vendors)
        _load_told(connection, told, batch)
    return loaded


def _prepare(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("begin")
    if not _alike(_columns(connection, "loads"), _LOADS.items()):
        # A new file, or one of an older version: the lake holds all of it.
        connection.execute("drop schema if exists raw cascade")
        connection.execute("create schema raw")
        declared = ", ".join(f"{column} {kind}" for column, kind in _LOADS.items())
        connection.execute(f"create table raw.loads ({declared}, primary key (raw_table, ended_date))")
        connection.execute("create sequence raw.batches")
        connection.execute("create table raw.builds (batch bigint, recipe varchar)")
    connection.execute("commit")


def _columns(connection: duckdb.DuckDBPyConnection, raw_table: str) -> list[tuple[str, str]]:
    return connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = 'raw' and table_name = ? order by ordinal_position",
        [raw_table],
    ).fetchall()


def _load(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, batch: int) -> Loaded:
    name = raw_name(table)
    columns = {entry.name: _type(entry.type) for entry in table.schema} | {"ended_date": "date"}
    connection.execute("begin")
    if not _alike(_columns(connection, name), columns.items()):
        # A new table, or one whose columns a new version has changed: the lake holds all of it.
        declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f'create or replace table raw."{name}" ({declared})')
        _describe(connection, name, table.schema)
        connection.execute("update raw.loads set mark = null, batch = ? where raw_table = ?", [batch, name])
    marks = dict(
        connection.execute(
            "select ended_date, mark from raw.loads where raw_table = ? and mark is not null", [name]
        ).fetchall()
    )
    here = list(lake.partitions(table.vendor, table.name))
    changed = [partition for partition in here if marks.get(partition.ended_date) != partition.mark]
    gone = marks.keys() - {partition.ended_date for partition in here}
    stale = [partition.ended_date for partition in changed if partition.ended_date in marks] + sorted(gone)
    if stale:
        connection.execute(f'delete from raw."{name}" where ended_date in (select unnest(?))', [stale])  # noqa: S608
        # What is gone stays known: the models take away what came of it.
        connection.execute(
            "update raw.loads set mark = null, batch = ? where raw_table = ? and ended_date in (select unnest(?))",
            [batch, name, stale],
        )
    if changed:
        _insert(connection, name, list(columns), changed, lake)
        # one statement: executemany takes milliseconds a row
        ended, fresh = zip(*((partition.ended_date, partition.mark) for partition in changed), strict=True)
        connection.execute(
            "insert or replace into raw.loads select ?, ?, unnest(?), unnest(?), ?",
            [name, table.vendor, list(ended), list(fresh), batch],
        )
    rows = _one(connection, f'select count(*) from raw."{name}"')  # noqa: S608 - our own table names
    connection.execute("commit")
    return Loaded(rows, changed)


def _describe(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema) -> None:
    """What the lake's files say of themselves, where whoever opens the published file sees it."""
    described = [(f'table raw."{name}"', schema)]
    described += [(f'column raw."{name}"."{entry.name}"', entry) for entry in schema]
    for what, held in described:
        words = (held.metadata or {}).get(b"description", b"").decode().replace("'", "''")
        connection.execute(f"comment on {what} is '{words}'")


def _load_vendors(connection: duckdb.DuckDBPyConnection, vendors: Sequence[Wanted]) -> None:
    columns = (
        "vendor varchar, is_on boolean, first_date date, as_of date, first_read_seconds bigint, "
        "settles_seconds bigint, listed_seconds bigint, recoverable_seconds bigint"
    )
    rows = sorted(_vendor_row(wanted) for wanted in vendors)
    connection.execute("begin")
    connection.execute(f"create table if not exists raw.vendors ({columns})")
    if connection.execute("from raw.vendors order by vendor").fetchall() != rows:
        connection.execute(f"create or replace table raw.vendors ({columns})")
        for row in rows:
            connection.execute("insert into raw.vendors values (?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("commit")


def _load_told(connection: duckdb.DuckDBPyConnection, told: Told, batch: int) -> None:
    connection.execute("begin")
    connection.execute("create table if not exists raw.aliases (identity varchar, same_as varchar)")
    connection.execute("create table if not exists raw.roster (vendor varchar, host_email varchar)")
    for name, rows in (("aliases", sorted(told.aliases)), ("roster", sorted(told.roster))):
        if connection.execute(f"from raw.{name} order by all").fetchall() != rows:
            connection.execute(f"delete from raw.{name}")  # noqa: S608 - our own table names
            if rows:
                connection.executemany(f"insert into raw.{name} values (?, ?)", rows)  # noqa: S608
            connection.execute("insert or replace into raw.loads values (?, null, ?, '', ?)", [name, UNDATED, batch])
    connection.execute("commit")


def _vendor_row(wanted: Wanted) -> tuple[Any, ...]:
    timing = wanted.timing
    spans = (timing.first_read, timing.settles, timing.listed, timing.recoverable)
    seconds = (int(span.total_seconds()) for span in spans)
    return (wanted.vendor, wanted.is_on, wanted.first_date, wanted.as_of, *seconds)


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
        raise StorageError(
            f"can't load {name} ({type(error).__name__}): its partitions are readable, its columns aren't as they "
            f"should be; delete {lake.root}/tables/{changed[0].vendor}/{changed[0].table} and reshape its dates"
        ) from error


@contextmanager
def _connect(build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        if not build.exists():
            # DuckDB never opens again a file that it was killed over in the making.
            commit(build, lambda path: _open(path).close())
        connection = _open(build)
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


def _open(build: Path) -> duckdb.DuckDBPyConnection:
    """Open a file that this process alone may build; a dbt whose parent was killed may still be at work on it."""
    patience = monotonic() + LOCK_PATIENCE
    while True:
        try:
            return duckdb.connect(str(build), config={"storage_compatibility_version": STORAGE_VERSION})
        except duckdb.IOException as error:
            if "Conflicting lock" not in str(error) or monotonic() > patience:
                raise
            sleep(0.5)


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    return int(row[0])


def begin_build(build: Path) -> bool:
    """From now on the build file is in motion, and isn't published until it is finished; whether it was until now."""
    was_finished = _finished(build).exists()
    _finished(build).unlink(missing_ok=True)
    return was_finished


def needs_rebuild(build: Path, recipe: str) -> bool:
    """Whether the models have to be built whole: what is in the file, if anything, was made by another recipe.

    Args:
        build: the build file, loaded.
        recipe: what tells one way of making the models from another.
    """
    with _connect(build) as connection:
        _prepare(connection)
        return connection.execute("select recipe from raw.builds").fetchall() != [(recipe,)]


def forget_build(build: Path) -> None:
    """What is in the file is about to be made by another recipe: until that has finished, it is of none."""
    with _connect(build) as connection:
        connection.execute("delete from raw.builds")


def finish_build(build: Path, recipe: str) -> None:
    """Every model and every blocking test of dbt has passed: what was loaded until now is in the models.

    Args:
        build: the build file.
        recipe: what the models were made by.
    """
    with _connect(build) as connection:
        connection.execute("begin")
        connection.execute("delete from raw.builds")
        connection.execute("insert into raw.builds select coalesce(max(batch), 0), ? from raw.loads", [recipe])
        connection.execute("commit")
    mark_finished(build)


def mark_finished(build: Path) -> None:
    """The build file may be published: all of it is of one load."""
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
    commit(public, lambda path: shutil.copyfile(build, path), Access.PUBLISHED)
    # A log that a client left beside an older file would keep the new one from opening.
    public.with_name(public.name + ".wal").unlink(missing_ok=True)
    return public.stat().st_size


def _finished(build: Path) -> Path:
    return build.with_name(build.name + ".finished")
