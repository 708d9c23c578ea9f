"""Typed, vendor-shaped rows → partitions, checked by that table's pandera schema.

A row ends in exactly one place: in the partition, or in quarantine under the rule that it broke. Rules named
`missing_field.*` and `wrong_type.*` say that the vendor's format differs from what we know; every other rule says
that the row itself is broken. Knows no vendor: a vendor declares its tables and hands over its rows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

import msgspec
import pandera.polars as pandera
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import astuple

from attendance_pipeline.errors import SchemaDriftError
from attendance_pipeline.lake import QUARANTINE, SCHEMA_VERSION
from attendance_pipeline.rows import of_another_format
from attendance_pipeline.rules import CONFLICT, break_rules, rules_of

Waived = Mapping[tuple[str, int], str]
"""Of one table, why rows were waived, by their document and position."""

NOBODY_WAIVED: Waived = MappingProxyType({})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DRIFT_ROWS = 10
"""When at least so many rows differ from the known format and none fits it, the partition isn't replaced."""


@dataclass(frozen=True)
class Table:
    """One vendor table of the lake.

    Attributes:
        vendor: `zoom`, `webex`, `teams`.
        name: the folder's name below the vendor.
        model: its columns, their descriptions, and the rules that a row must keep.
        key: the columns that tell one row from another; rows are kept in this order.
    """

    vendor: str
    name: str
    model: type[pandera.DataFrameModel]
    key: tuple[str, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its files: types, descriptions, our schema version."""
        columns = self.model.to_schema().columns
        empty = pl.DataFrame(schema={name: column.dtype.type for name, column in columns.items()})
        return pa.schema(
            [
                pa.field(
                    entry.name,
                    _plain(entry.type),
                    nullable=columns[entry.name].nullable,
                    metadata={"description": columns[entry.name].description},
                )
                for entry in empty.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
            ],
            metadata={
                "attendance_schema_version": SCHEMA_VERSION,
                "description": (self.model.__doc__ or "").strip().splitlines()[0],
            },
        )

    @property
    def words(self) -> dict[str, list[str]]:
        """By column, what may stand in it, where the rules name its few words."""
        return {
            name: [str(value) for value in check.statistics["allowed_values"]]
            for name, column in self.model.to_schema().columns.items()
            for check in column.checks
            if "allowed_values" in check.statistics
        }

    @property
    def rules(self) -> dict[str, str]:
        """What a row must keep beside its format: rules by their names in quarantine, each in words."""
        contradiction = {CONFLICT: f"No two rows say different things of one {', '.join(self.key)}"}
        return rules_of(self.model) | (contradiction if self.key else {})


def _plain(kind: pa.DataType) -> pa.DataType:
    """Arrow's ordinary types in place of the large ones that polars uses, inside lists and structs too."""
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(entry.name, _plain(entry.type)) for entry in kind])
    return kind


@dataclass(frozen=True)
class Broken:
    """A row that can't be read, or that broke a rule; of a meeting that ended on `ended`."""

    ended: date
    rule: str
    subject: str
    document_id: str
    position: int
    row: bytes


@dataclass
class Shaped:
    """One partition, ready to be replaced.

    Attributes:
        rows: what passed every rule.
        quarantined: what didn't (`lake.QUARANTINE`), waived rows among it.
        repeated: by meeting, rows that the vendor sent again, word for word; they are held once.
    """

    rows: pa.Table
    quarantined: pa.Table
    repeated: Counter[str] = field(default_factory=Counter)

    @property
    def duplicates(self) -> int:
        """Repeated rows of all meetings."""
        return self.repeated.total()

    @property
    def rules(self) -> Counter[str]:
        """Quarantined rows by rule, without the waived ones."""
        return Counter(self.quarantined.filter(pc.is_null(self.quarantined["waived"]))["rule"].to_pylist())

    @property
    def waived(self) -> int:
        """Quarantined rows that somebody waived."""
        return len(self.quarantined["waived"].drop_null())


class Columns:
    """Rows of some partitions of a table on their way into Arrow, column by column, with where each came from.

    Args:
        table: whose rows they are.
        row: the struct that they come as; its fields are columns, the table's other columns are given per document.
    """

    def __init__(self, table: Table, row: type[msgspec.Struct]) -> None:
        self.table = table
        self.broken: list[Broken] = []
        self._fields = {name: list[Any]() for name in row.__struct_fields__}
        self._given = {name: list[Any]() for name in table.schema.names if name not in self._fields}
        self._ended: list[date] = []
        self._document: list[str] = []
        self._position: list[int] = []
        self._ends: list[int] = []

    def add(
        self,
        ended: date,
        document_id: str,
        rows: Sequence[msgspec.Struct],
        positions: Iterable[int],
        given: dict[str, Any],
    ) -> None:
        """Add rows of one document; a column that neither they nor `given` have is null."""
        if not rows:
            return
        for column, values in zip(self._fields.values(), zip(*map(astuple, rows), strict=True), strict=True):
            column.extend(values)
        for name, column in self._given.items():
            column.append(given.get(name))
        self._ended.append(ended)
        self._document.append(document_id)
        self._position.extend(positions)
        self._ends.append(len(self._position))

    def days(self) -> set[date]:
        """The partitions that have rows."""
        return set(self._ended)

    def arrow(self) -> pa.Table:
        """The rows in the table's schema, once: what Arrow has is let go of here."""
        return pa.table([self._taken(column) for column in self.table.schema], schema=self.table.schema)

    def _taken(self, column: pa.Field) -> pa.Array:
        if column.name not in self._fields:
            return self._spread(self._given.pop(column.name), column.type)
        return _column(self._fields.pop(column.name), column.type)

    def origins(self) -> pl.DataFrame:
        """Of each row, its partition and its place in the archive: `_ended`, `_document`, `_position`."""
        columns = {
            "_ended": self._spread(self._ended, pa.date32()),
            "_document": self._spread(self._document, pa.string()),
            "_position": pa.array(self._position, pa.int32()),
        }
        return pl.DataFrame(pa.table(columns))

    def _spread(self, per_document: list[Any], kind: pa.DataType) -> pa.Array:
        """A value per document as a value per row."""
        runs = pa.RunEndEncodedArray.from_arrays(pa.array(self._ends, pa.int32()), pa.array(per_document, kind))
        return pc.run_end_decode(runs)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Values of a field in Arrow; a time without a zone is UTC."""
    if pa.types.is_timestamp(kind):
        # Arrow asks each time for its zone, which costs four times as much as subtracting.
        with suppress(TypeError):
            since = [None if value is None else value - _EPOCH for value in values]
            return pa.array(since, pa.duration(kind.unit)).view(kind)
    return pa.array(values, kind)


def partitions(
    columns: Columns,
    days: Iterable[date],
    raw_row: Callable[[str, int], bytes],
    subject: str,
    waived: Waived = NOBODY_WAIVED,
) -> dict[date, Shaped]:
    """Check the rows of some partitions; the same rows give the same result, whatever order they came in.

    Args:
        columns: the rows.
        days: the partitions; one without rows comes out empty.
        raw_row: gives a row as the vendor sent it, by document and position.
        subject: the column that names the meeting.
        waived: rows of the table that somebody waived; one that breaks no rule any more lands all the same.

    Raises:
        SchemaDriftError: no row has the documented format.
    """
    table = columns.table
    _stop_at_drift(columns)
    rows_and_origins = pl.DataFrame(columns.arrow()).hstack(columns.origins()).with_row_index("_index")
    ordered = rows_and_origins.sort("_ended", *table.key, "_document", "_position")
    del rows_and_origins  # as large as the vendor's pages
    kept, repeated, conflicts = _without_duplicates(ordered, table, subject)
    del ordered
    broken = list(columns.broken)
    origin = ("_ended", "_document", "_position", subject)
    broken += [_quarantined(CONFLICT, row, subject, raw_row) for row in conflicts.select(origin).to_dicts()]
    if reasons := break_rules(kept.select(table.schema.names), table.model):
        numbered = kept.with_row_index("_at")
        is_broken = pl.col("_at").is_in(list(reasons))
        for row in numbered.filter(is_broken).select("_at", *origin).to_dicts():
            broken.append(_quarantined(",".join(sorted(reasons[row["_at"]])), row, subject, raw_row))
        kept = numbered.filter(~is_broken)
    rows = kept.select(table.schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(table.schema)
    shaped, begin = {}, 0
    counts = dict(kept.group_by("_ended").len().iter_rows())
    for day in sorted(set(days)):
        count = counts.get(day, 0)
        quarantined = quarantine_table([row for row in broken if row.ended == day], waived)
        shaped[day] = Shaped(rows.slice(begin, count), quarantined, repeated.get(day, Counter()))
        begin += count
    return shaped


def _stop_at_drift(columns: Columns) -> None:
    table = columns.table
    drifted: dict[date, Counter[str]] = {}
    for broken in columns.broken:
        if of_another_format(broken.rule):
            drifted.setdefault(broken.ended, Counter())[broken.rule] += 1
    without_rows = {day: drifted[day] for day in sorted(drifted.keys() - columns.days())}
    suspects = [(str(day), rules) for day, rules in without_rows.items()]
    if not columns.days():
        suspects.append(("any date", sum(without_rows.values(), Counter())))
    for where, rules in suspects:
        if rules.total() >= DRIFT_ROWS:
            named = ", ".join(f"{rule} ({count} rows)" for rule, count in rules.most_common(3))
            raise SchemaDriftError(
                f"{table.vendor}/{table.name}: no row of {where} has the documented format: {named}. The vendor has "
                "changed it; what it sent is kept in the archive, the partition from before still stands; "
                "update the pipeline and run these dates again"
            )


def _without_duplicates(
    ordered: pl.DataFrame, table: Table, subject: str
) -> tuple[pl.DataFrame, dict[date, Counter[str]], pl.DataFrame]:
    """Rows once; how many came again word for word, by partition and meeting; rows that contradict another."""
    key = ("_ended", *table.key)
    again = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in key)
    if not ordered.select(again.any()).item():
        return ordered, {}, ordered.clear()
    said = ["_ended", *(name for name in table.schema.names if name != "document_id")]
    once = ordered.unique(subset=said, keep="first", maintain_order=True)
    repeated: dict[date, Counter[str]] = {}
    again_word_for_word = ordered.join(once.select("_index"), on="_index", how="anti")
    for day, meeting in again_word_for_word.select("_ended", subject).iter_rows():
        repeated.setdefault(day, Counter())[meeting] += 1
    kept = once.unique(subset=list(key), keep="first", maintain_order=True)
    conflicts = once.join(kept.select("_index"), on="_index", how="anti", maintain_order="left")
    return kept, repeated, conflicts


def broken_rows(rows: Sequence[dict[str, Any]], table: Table) -> dict[int, str]:
    """Which of these rows break rules of the table, by position; a column that a row lacks is null."""
    frame = pl.DataFrame(pa.Table.from_pylist(list(rows), table.schema))
    return {position: ",".join(sorted(rules)) for position, rules in break_rules(frame, table.model).items()}


def _quarantined(rule: str, row: dict[str, Any], subject: str, raw_row: Callable[[str, int], bytes]) -> Broken:
    document, position = row["_document"], row["_position"]
    return Broken(row["_ended"], rule, row[subject] or "", document, position, raw_row(document, position))


def quarantine_table(broken: list[Broken], waived: Waived = NOBODY_WAIVED) -> pa.Table:
    """Broken rows as the lake keeps them, in a fixed order; with the reason where one was waived."""
    ordered = sorted(broken, key=lambda b: (b.subject, b.document_id, b.position, b.rule))
    told = [name for name in QUARANTINE.names if name != "waived"]
    columns = {name: [getattr(b, name) for b in ordered] for name in told}
    reasons = [waived.get((b.document_id, b.position)) for b in ordered]
    return pa.table(columns | {"waived": reasons}, schema=QUARANTINE)
