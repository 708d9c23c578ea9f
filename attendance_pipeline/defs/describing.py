"""What is known of every column ahead of time: order, type, description, and what it is made of.

Made with the manifest, by the compiled models in a build file without rows: reading 113 queries takes seconds, which
neither a load of the code location nor a run should spend.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import duckdb
import yaml

from attendance_pipeline.dbt import DBT_PROJECT
from attendance_pipeline.defs.columns import Column, Described
from attendance_pipeline.errors import UsageError
from attendance_pipeline.lineage import origins
from attendance_pipeline.loading import raw_name
from attendance_pipeline.shape import Table

GLOSSARY = DBT_PROJECT / "glossary.yml"
_COLUMNS = """
    select schema_name, table_name, column_name, lower(data_type), comment
    from duckdb_columns()
    where not internal
    order by schema_name, table_name, column_index
"""


def describe(
    manifest: Mapping[str, Any], connection: duckdb.DuckDBPyConnection, tables_landed: Sequence[Table]
) -> Described:
    """Every column of the warehouse: the raw tables and the models.

    Args:
        manifest: dbt's, with compiled models.
        connection: to a build file with the raw tables and nothing else; the models become tables in it.
        tables_landed: of the lake; each is a raw table as it is.

    Raises:
        UsageError: nothing says what a column is.
        duckdb.Error: a model isn't a query that DuckDB can run.
        sqlglot.errors.SqlglotError: a model isn't a query that can be read.
    """
    models = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    made_of: dict[str, dict[str, list[str]]] = {}
    known = _held(connection)
    for name in TopologicalSorter(
        {name: node["depends_on"]["nodes"] for name, node in models.items()}
    ).static_order():
        if node := models.get(name):
            # a table in place of each view: views upon views are bound anew down to the raw tables
            relation, query = node["relation_name"], node["compiled_code"]
            columns = connection.execute(f"describe {query}").fetchall()
            declared = ", ".join(f'"{column[0]}" {column[1]}' for column in columns)
            connection.execute(f"create schema if not exists {node['schema']}")
            connection.execute(f"create table {relation} ({declared})")
            known.setdefault(node["schema"], {})[node["name"]] = {column[0]: column[1] for column in columns}
            made_of[f"{node['schema']}/{node['name']}"] = {
                column: [f"{schema}/{table}.{origin}" for schema, table, origin in found]
                for column, found in origins(query, {_database(connection): known}).items()
            }
    for table in tables_landed:
        raw = f"raw/{raw_name(table)}"
        made_of[raw] = {column: [f"{table.vendor}/{table.name}.{column}"] for column in table.schema.names}
    own = dict(_described_in(manifest))
    glossary: dict[str, str] = yaml.safe_load(GLOSSARY.read_text())
    tables: dict[str, list[Column]] = defaultdict(list)
    for schema, table, column, kind, comment in connection.execute(_COLUMNS).fetchall():
        key = f"{schema}/{table}"
        said = own.get(f"{key}.{column}") or comment or glossary.get(f"{table}.{column}") or glossary.get(column)
        tables[key].append(Column(column, kind, said or "", made_of.get(key, {}).get(column, [])))
    _inherit(tables)
    if unsaid := [
        f"{name}.{column.name}" for name, its in tables.items() for column in its if not column.description
    ]:
        raise UsageError(f"nothing says what these columns are, the models' files or {GLOSSARY.name} can: {unsaid}")
    return Described(tables, _words(manifest, tables_landed))


def _database(connection: duckdb.DuckDBPyConnection) -> str:
    ((name,),) = connection.execute("select current_database()").fetchall()
    return str(name)


def _held(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, dict[str, str]]]:
    held: dict[str, dict[str, dict[str, str]]] = {}
    for schema, table, column, kind, _ in connection.execute(_COLUMNS).fetchall():
        held.setdefault(schema, {}).setdefault(table, {})[column] = kind
    return held


def _described_in(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    tables = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    for table in [*tables, *manifest["sources"].values()]:
        for column in table["columns"].values():
            name = table.get("identifier") or table["name"]
            yield f"{table['schema']}/{name}.{column['name']}", " ".join(column["description"].split())


def _inherit(tables: Mapping[str, list[Column]]) -> None:
    """Where nobody wrote what a column is: what is said of the one it comes from, else of the one that it becomes."""
    columns = {f"{table}.{column.name}": column for table, its in tables.items() for column in its}
    becomes: dict[str, list[Column]] = defaultdict(list)
    for column in columns.values():
        for origin in column.made_of:
            becomes[origin].append(column)

    def kin(column: Column, others: Iterable[Column]) -> set[str]:
        return {other.description for other in others if other.kind == column.kind and other.description}

    changed = True
    while changed:
        changed = False
        for name, column in columns.items():
            if column.description:
                continue
            before = (
                kin(column, (columns[origin] for origin in column.made_of)) if len(column.made_of) == 1 else set()
            )
            after = kin(column, (other for other in becomes[name] if other.name == column.name))
            for found in (before, after):
                if len(found) == 1 and not column.description:
                    column.description, changed = found.pop(), True


def _words(manifest: Mapping[str, Any], tables_landed: Sequence[Table]) -> dict[str, list[str]]:
    """By column name, what a column can hold where it is one of a few words."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, values in (pair for table in tables_landed for pair in table.words.items()):
        found[name].update(values)
    for node in manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        if test.get("name") == "accepted_values":
            found[test["kwargs"]["column_name"]] |= set(test["kwargs"]["values"])
    return {name: sorted(values) for name, values in sorted(found.items())}
