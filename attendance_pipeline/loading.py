"""Changed partitions of the lake → raw tables of the DuckDB build file; and whether there is anything to load.

Knows the lake's files and DuckDB. Knows no vendor and no Dagster.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from attendance_pipeline.days import DAYS
from attendance_pipeline.errors import StorageError
from attendance_pipeline.files import make_folder, writing
from attendance_pipeline.lake import Lake, Partition
from attendance_pipeline.readings import Timing
from attendance_pipeline.shape import Table
from attendance_pipeline.warehouse import (
    alike,
    begin_build,
    built_by,
    columns_of,
    connect,
    is_finished,
    is_known,
    prepare,
)

_PARTITIONS = "read_parquet(?, hive_partitioning = true, hive_types = {'ended_date': date})"
"""Files of the lake, as a raw table holds them."""

UNDATED = date(1970, 1, 1)
"""The ended date, in `raw.loads`, of what has none."""

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


class Sources(NamedTuple):
    """All that is loaded.

    Attributes:
        tables: of the vendors.
        vendors: what is wanted of each, the raw table `vendors`.
        told: what an analyst tells of people.
    """

    tables: Sequence[Table]
    vendors: Sequence[Wanted] = ()
    told: Told = NOTHING_TOLD


@dataclass
class Loaded:
    """What a load did to one raw table."""

    rows: int = 0
    partitions: list[Partition] = field(default_factory=list)


def raw_name(table: Table) -> str:
    """The table's name in schema `raw`."""
    return f"{table.vendor}_{table.name}"


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
    with connect(build) as connection:
        prepare(connection)
        batch = _one(connection, "select nextval('raw.batches')")
        for table in tables:
            loaded[raw_name(table)] = _load(connection, lake, table, batch)
        _load_vendors(connection, vendors)
        _load_told(connection, told, batch)
    return loaded


def has_news(lake: Lake, build: Path, sources: Sources, recipe: str) -> bool:
    """Whether a load and a build would change anything but when the vendors' lists were last asked for.

    Args:
        lake: where the partitions are.
        build: the build file, which nobody is writing.
        sources: all that is loaded.
        recipe: what the models are made by.
    """
    if not is_finished(build):
        return True
    try:
        with duckdb.connect(str(build), read_only=True) as connection:
            return (
                not is_known(connection)
                or built_by(connection) != recipe
                or _held(connection, "vendors") != _vendor_rows(sources.vendors)
                or any(_held(connection, name) != rows for name, rows in _told_rows(sources.told).items())
                or any(_is_news(connection, lake, table) for table in sources.tables)
            )
    except duckdb.Error:
        return True  # whatever is wrong with the file, the build tells


def _is_news(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> bool:
    if not alike(columns_of(connection, raw_name(table)), _raw_columns(table).items()):
        return True
    changed, gone = _changes(connection, lake, table)
    if gone or not changed or table.name != DAYS:
        return bool(gone or changed)
    files, ended = [str(partition.file) for partition in changed], [partition.ended_date for partition in changed]
    here = f"from {_PARTITIONS}"
    loaded = f'from raw."{raw_name(table)}" where ended_date in (select unnest(?))'
    said, known = (f"select * exclude (asked_at) {rows}" for rows in (here, loaded))
    differ = f"({said} except {known}) union all ({known} except {said})"
    return bool(connection.execute(differ, [files, ended, ended, files]).fetchall())


def _load(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, batch: int) -> Loaded:
    name = raw_name(table)
    columns = _raw_columns(table)
    connection.execute("begin")
    if not alike(columns_of(connection, name), columns.items()):
        # A new table, or one whose columns a new version has changed: the lake holds all of it.
        declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f'create or replace table raw."{name}" ({declared})')
        _describe(connection, name, table.schema)
        connection.execute("update raw.loads set mark = null, batch = ? where raw_table = ?", [batch, name])
    changed, gone = _changes(connection, lake, table)
    stale = [partition.ended_date for partition in changed] + gone
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


def _raw_columns(table: Table) -> dict[str, str]:
    return {entry.name: _type(entry.type) for entry in table.schema} | {"ended_date": "date"}


def _changes(connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table) -> tuple[list[Partition], list[date]]:
    """Partitions that aren't loaded as they are now, and ended dates of loaded ones that are no longer there."""
    marks = dict(
        connection.execute(
            "select ended_date, mark from raw.loads where raw_table = ? and mark is not null", [raw_name(table)]
        ).fetchall()
    )
    here = list(lake.partitions(table.vendor, table.name))
    changed = [partition for partition in here if marks.get(partition.ended_date) != partition.mark]
    return changed, sorted(marks.keys() - {partition.ended_date for partition in here})


def _describe(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema) -> None:
    """What the lake's files say of themselves, where whoever opens the published file sees it."""
    described = [(f'table raw."{name}"', schema)]
    described += [(f'column raw."{name}"."{entry.name}"', entry) for entry in schema]
    for what, held in described:
        words = (held.metadata or {}).get(b"description", b"").decode().replace("'", "''")
        connection.execute(f"comment on {what} is '{words}'")


def _held(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"from raw.{name} order by all").fetchall()


def _load_vendors(connection: duckdb.DuckDBPyConnection, vendors: Sequence[Wanted]) -> None:
    columns = (
        "vendor varchar, is_on boolean, first_date date, as_of date, first_read_seconds bigint, "
        "settles_seconds bigint, listed_seconds bigint, recoverable_seconds bigint"
    )
    rows = _vendor_rows(vendors)
    connection.execute("begin")
    connection.execute(f"create table if not exists raw.vendors ({columns})")
    if _held(connection, "vendors") != rows:
        connection.execute(f"create or replace table raw.vendors ({columns})")
        for row in rows:
            connection.execute("insert into raw.vendors values (?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("commit")


def _load_told(connection: duckdb.DuckDBPyConnection, told: Told, batch: int) -> None:
    connection.execute("begin")
    connection.execute("create table if not exists raw.aliases (identity varchar, same_as varchar)")
    connection.execute("create table if not exists raw.roster (vendor varchar, host_email varchar)")
    for name, rows in _told_rows(told).items():
        if _held(connection, name) != rows:
            connection.execute(f"delete from raw.{name}")  # noqa: S608 - our own table names
            if rows:
                connection.executemany(f"insert into raw.{name} values (?, ?)", rows)  # noqa: S608
            connection.execute("insert or replace into raw.loads values (?, null, ?, '', ?)", [name, UNDATED, batch])
    connection.execute("commit")


def _told_rows(told: Told) -> dict[str, list[tuple[str, str]]]:
    return {"aliases": sorted(told.aliases), "roster": sorted(told.roster)}


def _vendor_rows(vendors: Sequence[Wanted]) -> list[tuple[Any, ...]]:
    return sorted(map(_vendor_row, vendors))


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


def _insert(
    connection: duckdb.DuckDBPyConnection, name: str, columns: list[str], changed: list[Partition], lake: Lake
) -> None:
    selected = ", ".join(f'"{column}"' for column in columns)
    try:
        connection.execute(
            f'insert into raw."{name}" select {selected} '  # noqa: S608 - our own table and column names
            f"from {_PARTITIONS}",
            [[str(partition.file) for partition in changed]],
        )
    except duckdb.Error as error:
        for partition in changed:
            lake.read(partition.vendor, partition.table, partition.ended_date)  # names the file that is broken
        raise StorageError(
            f"can't load {name} ({type(error).__name__}): its partitions are readable, its columns aren't as they "
            f"should be; delete {lake.root}/tables/{changed[0].vendor}/{changed[0].table} and reshape its dates"
        ) from error


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    return int(row[0])
