"""Opens a DuckDB file, published or being built, to read its marts as any analyst would.

Knows DuckDB. Knows no mart.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from attendance_pipeline.errors import StorageError, UsageError


@contextmanager
def opened(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a file; nobody may be writing it.

    Raises:
        UsageError: nothing was published yet, or by a version without the marts that are read.
        StorageError: the file can't be read.
    """
    if not file.exists():
        raise UsageError(
            f"{file} doesn't exist: nothing was published yet; land some dates with attendance-pipeline run, "
            "or see attendance-pipeline demo"
        )
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            yield connection
    except duckdb.CatalogException as error:
        raise UsageError(
            f"{file} was published by a version that had no calendar; publish it anew with attendance-pipeline run"
        ) from error
    except duckdb.Error as error:
        raise StorageError(f"can't read {file} ({type(error).__name__}): {str(error).splitlines()[0]}") from error


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """What a query finds, by column."""
    found = connection.execute(query, values)
    names = [column[0] for column in found.description or []]
    for row in found.fetchall():
        yield dict(zip(names, row, strict=True))
