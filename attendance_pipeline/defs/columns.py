"""Columns as the UI shows them: in their order, with type, description, and what they are made of.

Read from `columns.json`, which `make manifest` makes and which is committed beside the manifest.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import groupby
from typing import Any

import dagster as dg

from attendance_pipeline.dbt import DBT_PROJECT

COLUMNS = DBT_PROJECT / "columns.json"

MOST_NAMED = 4
"""Columns that are named in a line; of more only the tables are. `dagster/column_lineage` holds all of them."""


@dataclass
class Column:
    """A column of a table in the warehouse.

    Attributes:
        name: of the column.
        kind: DuckDB's name of its type.
        description: what it is.
        made_of: where its values come from, `schema/table.column`.
    """

    name: str
    kind: str
    description: str
    made_of: list[str]


@dataclass
class Described:
    """Every column of the warehouse.

    Attributes:
        tables: by `schema/table`, its columns in their order.
        words: by column name, what a column can hold where it is one of a few words.
    """

    tables: Mapping[str, list[Column]]
    words: Mapping[str, list[str]] = field(default_factory=dict)

    def landed(self, name: str) -> list[str]:
        """Of which columns of the lake a column `schema/table.column` is made in the end, sorted."""
        return sorted(set(self._landed(name, set())))

    def _landed(self, name: str, seen: set[str]) -> Iterator[str]:
        if name in seen:
            return
        seen.add(name)
        table, column = name.split(".")
        if table not in self.tables:
            yield name
            return
        for origin in (origin for its in self.tables.get(table, ()) if its.name == column for origin in its.made_of):
            yield from self._landed(origin, seen)

    def text(self) -> str:
        """As it is committed: a line for each column, so that a change reads as one."""
        tables = {
            name: [json.dumps(asdict(column), ensure_ascii=False) for column in columns]
            for name, columns in sorted(self.tables.items())
        }
        of_tables = [f"{json.dumps(name)}: [\n" + ",\n".join(columns) + "\n]" for name, columns in tables.items()]
        return f'{{"words": {json.dumps(self.words)},\n"tables": {{\n' + ",\n".join(of_tables) + "\n}}\n"


@cache
def described() -> Described:
    """What is committed."""
    held = json.loads(COLUMNS.read_text())
    tables = {name: [Column(**column) for column in columns] for name, columns in held["tables"].items()}
    return Described(tables, held["words"])


def metadata(table: str) -> dict[str, Any]:
    """A warehouse table's columns and what they are made of, as an asset's metadata.

    The UI draws no graph of columns, so each column's description links what it is made of.

    Args:
        table: `schema/table`.
    """
    known = described()
    columns = known.tables[table]
    lineage = {
        column.name: [
            dg.TableColumnDep(dg.AssetKey(origin.split(".")[0].split("/")), origin.split(".")[1])
            for origin in column.made_of
        ]
        for column in columns
    }
    shown = [
        dg.TableColumn(column.name, column.kind, description=f"{column.description}{_origins(known, table, column)}")
        for column in columns
    ]
    return {
        "dagster/column_schema": dg.TableSchema(shown),
        "dagster/column_lineage": dg.TableColumnLineage(lineage),
    }


def _origins(known: Described, table: str, column: Column) -> str:
    """Markdown: what a column is made of, and of what the vendors landed in the end."""
    if not column.made_of:
        return ""
    lines = [f"From {_links(column.made_of)}"]
    landed = known.landed(f"{table}.{column.name}")
    if landed != column.made_of:
        of_vendor = groupby(landed, key=lambda name: name.split("/")[0])
        lines += [f"{vendor}: {_links(names)}" for vendor, names in of_vendor]
    return "\n\n" + "  \n".join(lines)


def _links(columns: Iterable[str]) -> str:
    named = list(columns)
    if len(named) <= MOST_NAMED:
        return ", ".join(_link(name) for name in named)
    tables = dict.fromkeys(name.split(".")[0] for name in named)
    return f"{len(named)} columns of {', '.join(_link(table) for table in tables)}"


def _link(name: str) -> str:
    """To a table's page; the name is that of a table or of a column in it."""
    return f"[{name.split('/')[1]}](/assets/{name.split('.')[0]})"
