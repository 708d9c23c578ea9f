"""How many rows a table has and what a few of them look like, for the asset's page: never who is in them.

Text is hidden unless it is one of the few words that its column is declared to hold (rules of the lake's tables,
accepted values of the models), or a key of our own making. So are vendors' ids, as text or as numbers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster._core.errors import DagsterExecutionInterruptedError

from attendance_pipeline.defs.columns import described
from attendance_pipeline.lake import Lake
from attendance_pipeline.masking import hidden
from attendance_pipeline.shape import Table

ROWS = 5

_KEY = re.compile(r"[0-9a-f]{32}")
_LONGEST_KEY = 8


def lake_preview(lake: Lake, table: Table, rows: Mapping[date, int]) -> dict[str, Any]:
    """Metadata with a few rows of the newest of a run's partitions that has any; empty where none has.

    Args:
        lake: where the partitions are.
        table: of a vendor.
        rows: by ended date, how many rows its partition has.
    """
    newest = max((day for day, number in rows.items() if number), default=None)
    few = newest and lake.head(table.vendor, table.name, newest, ROWS)
    return _preview(few.schema.names, [tuple(row.values()) for row in few.to_pylist()]) if few else {}


def with_rows(build: Path, models: Iterable[dg.AssetKey], events: Iterable[Any]) -> Iterator[Any]:
    """Events of dbt, each model's with its row count and a preview of it.

    Models are told of together at the end, as nobody can read the build file while dbt writes it; those that were
    built are told of if dbt fails, too. Everything about a model, its tests as well, keeps its order.

    Args:
        build: the build file, which the caller holds.
        models: all that dbt can build.
        events: of a dbt process, which has ended when they end.
    """
    held: list[Any] = []
    failed: BaseException | None = None
    try:
        for event in events:
            held.append(event)
    except (Exception, DagsterExecutionInterruptedError) as error:
        failed = error
    tables = {model.to_python_identifier(): "/".join(model.path) for model in models}
    outputs = [event.output_name for event in held if isinstance(event, dg.Output)]
    shown = warehouse_metadata(build, [tables[name] for name in outputs])
    for event in held:
        if isinstance(event, dg.Output):
            event = event.with_metadata({**event.metadata, **shown.get(tables[event.output_name], {})})
        yield event
    if failed:
        raise failed


def warehouse_metadata(build: Path, tables: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Row count and preview of tables and views of the build file, read in one go.

    Args:
        build: the build file, which the caller holds and nobody writes.
        tables: `schema/table`.

    Returns:
        By table, its metadata. What can't be read is left out: no build fails for want of a preview, and DuckDB's
        words could hold what is in a row.
    """
    shown: dict[str, dict[str, Any]] = {}
    with suppress(duckdb.Error), duckdb.connect(build, read_only=True) as connection:
        for table in tables:
            with suppress(duckdb.Error):
                shown[table] = _of_table(connection, table)
    return shown


def _of_table(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    relation = ".".join(f'"{part}"' for part in table.split("/"))
    ((rows,),) = connection.execute(f"select count(*) from {relation}").fetchall()  # noqa: S608 - our own table names
    few = connection.execute(f"from {relation} limit {ROWS}")
    return {"dagster/row_count": rows} | _preview([column[0] for column in few.description or ()], few.fetchall())


def _preview(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    if not rows:
        return {}
    # a line for each column: most tables have more columns than a dialog has room for
    lines = [["column", *(f"row {number}" for number in range(1, len(rows) + 1))], ["---"] * (len(rows) + 1)]
    lines += [[name, *(_cell(name, row[place]) for row in rows)] for place, name in enumerate(names)]
    return {"preview": dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))}


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool | date):
        return str(value)
    if isinstance(value, int | float) and not _is_id(name):
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    if isinstance(value, str) and name.endswith("_key") and _KEY.fullmatch(value):
        return f"{value[:_LONGEST_KEY]}…"
    if isinstance(value, str) and value in described().words.get(name, ()):
        return value
    return hidden(value if isinstance(value, str | bytes | list) else str(value))


def _is_id(name: str) -> bool:
    return name == "id" or name.endswith("_id")
