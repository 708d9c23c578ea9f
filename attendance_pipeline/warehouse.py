"""The private DuckDB build file, from its making to the published copy.

`loading.py` fills it, dbt works on it. One process at a time writes the build file; readers open the published file
only, which is replaced whole and never written to. Knows files and DuckDB. Knows no vendor and no Dagster.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import duckdb

from attendance_pipeline.errors import StorageError
from attendance_pipeline.files import Access, alone, commit, copy, shut_to_others, writing

STORAGE_VERSION = "v1.5.0"
"""What DuckDB clients from 1.5 on can open; the newest format would lock them out."""

LOCK_PATIENCE = 60.0
"""Seconds: a dbt build of ten million joins takes about as long."""

_LOADS = {
    "raw_table": "varchar",
    "vendor": "varchar",
    "ended_date": "date",
    # null where the lake holds the partition no longer
    "mark": "varchar",
    # of the load that last changed it
    "batch": "bigint",
}


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


def is_finished(build: Path) -> bool:
    """Whether all of the build file is of one load, and was built by dbt."""
    return _finished(build).exists()


def is_published(build: Path, public: Path) -> bool:
    """Whether the public file was copied since the build file was last finished."""
    try:
        return public.stat().st_mtime_ns >= _finished(build).stat().st_mtime_ns
    except FileNotFoundError:
        return False


def delete_build(build: Path) -> None:
    """Begin anew: the lake holds everything that was loaded, and the published file stays as it is."""
    with writing(build):
        for file in (_finished(build), build.with_name(build.name + ".wal"), build):
            file.unlink(missing_ok=True)


@contextmanager
def connect(build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file, open for writing; made where there is none.

    Raises:
        StorageError: it can't be opened, or written.
    """
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


def built_by(connection: duckdb.DuckDBPyConnection) -> str | None:
    """What the models in the file were made by; None where nothing was."""
    row = connection.execute("select recipe from raw.builds").fetchone()
    return None if row is None else str(row[0])


def is_known(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the file knows what it was loaded with, as this version keeps it."""
    return alike(columns_of(connection, "loads"), _LOADS.items())


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """What the file has to know of itself: `raw.loads`, `raw.builds`; an older version's file begins anew."""
    connection.execute("begin")
    if not is_known(connection):
        # A new file, or one of an older version: the lake holds all of it.
        connection.execute("drop schema if exists raw cascade")
        connection.execute("create schema raw")
        declared = ", ".join(f"{column} {kind}" for column, kind in _LOADS.items())
        connection.execute(f"create table raw.loads ({declared}, primary key (raw_table, ended_date))")
        connection.execute("create sequence raw.batches")
        connection.execute("create table raw.builds (batch bigint, recipe varchar)")
    connection.execute("commit")


def columns_of(connection: duckdb.DuckDBPyConnection, raw_table: str) -> list[tuple[str, str]]:
    """The columns of a raw table and their types, in order; empty where there is none."""
    return connection.execute(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = 'raw' and table_name = ? order by ordinal_position",
        [raw_table],
    ).fetchall()


def alike(found: Iterable[tuple[str, str]], wanted: Iterable[tuple[str, str]]) -> bool:
    """Whether columns have the same names and types; DuckDB quotes only the nested names that it has to."""
    found_kinds, wanted_kinds = (
        [(column, kind.replace('"', "").lower()) for column, kind in columns] for columns in (found, wanted)
    )
    return found_kinds == wanted_kinds


def begin_build(build: Path) -> bool:
    """From now on the build file is in motion, and isn't published until it is finished; whether it was until now."""
    was_finished = is_finished(build)
    _finished(build).unlink(missing_ok=True)
    return was_finished


def needs_rebuild(build: Path, recipe: str) -> bool:
    """Whether the models have to be built whole: what is in the file, if anything, was made by another recipe.

    Args:
        build: the build file, loaded.
        recipe: what tells one way of making the models from another.
    """
    with connect(build) as connection:
        prepare(connection)
        return built_by(connection) != recipe


def forget_build(build: Path) -> None:
    """What is in the file is about to be made by another recipe: until that has finished, it is of none."""
    with connect(build) as connection:
        connection.execute("delete from raw.builds")


def finish_build(build: Path, recipe: str) -> None:
    """Every model and every blocking test of dbt has passed: what was loaded until now is in the models.

    Args:
        build: the build file.
        recipe: what the models were made by.
    """
    with connect(build) as connection:
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
    if not is_finished(build):
        raise StorageError(
            f"{build} isn't finished: the last dbt build failed or was killed; the published file stays as it was. "
            "Run the warehouse job again"
        )
    wal = build.with_name(build.name + ".wal")
    if wal.exists():
        raise StorageError(f"{wal} exists: a writer still holds the build file; run the warehouse job again")
    commit(public, lambda path: copy(build, path), Access.PUBLISHED)
    # A log that a client left beside an older file would keep the new one from opening.
    public.with_name(public.name + ".wal").unlink(missing_ok=True)
    return public.stat().st_size


def _finished(build: Path) -> Path:
    return build.with_name(build.name + ".finished")
