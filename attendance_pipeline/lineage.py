"""From which columns of which tables each column of a query takes its values.

Knows DuckDB's SQL. Knows no dbt and no Dagster. What a query only joins or filters by is not in a value.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

Schema = Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]
"""Database, schema, table, column: type."""

Origin = tuple[str, str, str]
"""Schema, table and column."""


def origins(sql: str, schema: Schema) -> dict[str, list[Origin]]:
    """Where the values of a query's columns come from.

    Args:
        sql: one SELECT in DuckDB's dialect.
        schema: the columns of every table that it reads.

    Returns:
        By output column, in the query's order: the columns of tables, sorted. Empty where it is a constant.

    Raises:
        sqlglot.errors.SqlglotError: the query isn't readable.
    """
    query = cast(
        exp.Query,
        qualify(
            _counting_keys(sqlglot.parse_one(sql, dialect="duckdb")),
            schema=cast("dict[str, object]", schema),
            dialect="duckdb",
            validate_qualify_columns=False,
        ),
    )
    root = build_scope(query)
    assert root is not None, "a query has a scope"  # noqa: S101 - told to mypy
    reader = _Reader(root)
    return {name: sorted(reader.of_column(root, name)) for name in query.named_selects}


def _counting_keys(query: exp.Expr) -> exp.Expr:
    """`count(*)` of a group as a count of what it is grouped by: the rows that it counts are those of that key."""
    for count in list(query.find_all(exp.Count)):
        select = count.parent_select
        if isinstance(count.this, exp.Star) and select and (group := select.args.get("group")) and group.expressions:
            count.set("this", group.expressions[0].copy())
    return query


class _Reader:
    def __init__(self, root: Scope) -> None:
        self._scope_of = {id(column): scope for scope in root.traverse() for column in scope.columns}
        self._known: dict[tuple[int, str], frozenset[Origin]] = {}

    def of_column(self, scope: Scope, name: str) -> frozenset[Origin]:
        key = (id(scope), name)
        if key not in self._known:
            # what a recursive query takes from itself adds nothing
            self._known[key] = frozenset()
            self._known[key] = frozenset(
                found for expression in _made_by(scope, name) for found in self._of_expression(scope, expression)
            )
        return self._known[key]

    def _of_expression(self, scope: Scope, expression: exp.Expr | tuple[Scope, str]) -> Iterator[Origin]:
        if isinstance(expression, tuple):
            yield from self.of_column(*expression)
            return
        for column in expression.find_all(exp.Column):
            yield from self._of_source(self._scope_of.get(id(column), scope), column)

    def _of_source(self, scope: Scope | None, column: exp.Column) -> Iterator[Origin]:
        while scope and column.table not in scope.sources:
            scope = scope.parent
        source: Any = scope.sources[column.table] if scope else None
        if isinstance(source, exp.Table):
            yield (source.db, source.name, column.name)
        elif isinstance(source, Scope):
            yield from self.of_column(source, column.name)


def _made_by(scope: Scope, name: str) -> list[Any]:
    """The expressions that make a column, or the branches of a union and the column's name in them."""
    query = scope.expression
    if isinstance(query, exp.SetOperation):
        place = query.named_selects.index(name)
        branches = [(branch, cast(exp.Query, branch.expression)) for branch in scope.set_operation_scopes]
        return [(branch, its.named_selects[place]) for branch, its in branches]
    if isinstance(query, exp.Query):
        return [select for select in query.selects if select.alias_or_name == name]
    return [query]
