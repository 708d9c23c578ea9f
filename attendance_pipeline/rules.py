"""The rules that a table's model sets, by the names that they have in quarantine, and which rows break them.

Knows pandera and what a time of a meeting can be. Knows no table and no vendor.
"""

import re
from copy import copy
from datetime import UTC, datetime

import pandera.polars as pandera
import polars as pl
from pandera.errors import SchemaErrors

CONFLICT = "conflicting_duplicate"
IMPOSSIBLE_TIME = "impossible_time"

_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC) for year in (1900, 2200))
"""Between which an instant can be that of a meeting."""
_FIRST_INSTANT, _LAST_INSTANT = (int(instant.timestamp()) * 1_000_000 for instant in (_FIRST, _LAST))
"""The same in microseconds."""


def rules_of(model: type[pandera.DataFrameModel]) -> dict[str, str]:
    """The rules of whole rows, of columns, and of times, by name, each in words."""
    schema = model.to_schema()
    rules = {check.error: f"No row breaks the rule: {check.error.replace('_', ' ')}" for check in schema.checks}
    for name, column in schema.columns.items():
        rules |= {_rule_name(name, check.error): f"{name}: {check.error}" for check in column.checks}
    if any(_has_times(kind) for kind in pl.DataFrame(schema=_types(schema)).schema.values()):
        rules[IMPOSSIBLE_TIME] = f"Every time lies between {_FIRST.year} and {_LAST.year}"
    return rules


def _types(schema: pandera.DataFrameSchema) -> dict[str, pl.DataType]:
    return {name: column.dtype.type for name, column in schema.columns.items()}


def break_rules(frame: pl.DataFrame, model: type[pandera.DataFrameModel]) -> dict[int, set[str]]:
    """Which rows break rules of the model, by position; a time that can't be is told of each column."""
    if frame.is_empty():
        # Pandera takes its time over nothing, too.
        return {}
    rules = _impossible_times(frame)
    numbered = frame.with_row_index("_at")
    if rules:
        numbered = numbered.filter(~pl.col("_at").is_in(list(rules)))
    rows = numbered.drop("_at")
    schema = copy(model.to_schema())
    # Told one by one: pandera makes a report of whole rows, which fails where nested values differ in what they lack.
    checks, schema.checks = schema.checks, []
    for check in checks:
        kept = check(rows.lazy()).check_output.collect().to_series()
        for position in numbered["_at"].filter(kept.eq(False)):
            rules.setdefault(position, set()).add(check.error)
    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        if cases["index"].null_count():
            raise  # the table itself has another shape than its model: a bug of ours, not a broken row
        positions = numbered["_at"]
        for row, column, check in cases.select("index", "column", "check").iter_rows():
            rules.setdefault(positions[row], set()).add(_rule_name(column, check))
    return rules


def is_possible(instant: datetime) -> bool:
    """Whether it can be an instant of a meeting."""
    return _FIRST <= instant <= _LAST


def _impossible_times(frame: pl.DataFrame) -> dict[int, set[str]]:
    """Rows with an instant that no meeting can have; beyond Python's years none could even be shown."""
    rules: dict[int, set[str]] = {}
    for name, kind in frame.schema.items():
        if not _has_times(kind):
            continue
        for position in frame.select(pl.arg_where(_is_impossible(pl.col(name), kind))).to_series():
            rules.setdefault(position, set()).add(f"{IMPOSSIBLE_TIME}.{name}")
    return rules


def _has_times(kind: pl.DataType) -> bool:
    if isinstance(kind, pl.List):
        return _has_times(kind.inner)  # type: ignore[arg-type]
    if isinstance(kind, pl.Struct):
        return any(_has_times(entry.dtype) for entry in kind.fields)  # type: ignore[arg-type]
    return isinstance(kind, pl.Datetime)


def _is_impossible(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.List):
        return column.list.eval(_is_impossible(pl.element(), kind.inner)).list.any()  # type: ignore[arg-type]
    if isinstance(kind, pl.Struct):
        times = [entry for entry in kind.fields if _has_times(entry.dtype)]  # type: ignore[arg-type]
        parts = [_is_impossible(column.struct.field(entry.name), entry.dtype) for entry in times]  # type: ignore[arg-type]
        return pl.any_horizontal(parts)
    return ~column.cast(pl.Int64).is_between(_FIRST_INSTANT, _LAST_INSTANT)


_WORDS = {"greater_than_or_equal_to": "too_small", "isin": "unknown_value"}
"""What quarantine and checks call pandera's own rules."""


def _rule_name(column: str | None, check: str) -> str:
    if check in ("not_nullable", "nullable"):
        return f"missing_field.{column}"
    plain = re.match(r"\w+", check)
    name = _WORDS.get(plain[0], plain[0]) if plain else check
    return f"{name}.{column}" if "(" in check and column else name
