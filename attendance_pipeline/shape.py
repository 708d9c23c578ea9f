"""Archived documents → typed, vendor-shaped rows, checked by that table's pandera schema.

A row ends in exactly one place: in the partition, or in quarantine under the rule that it broke. Rules named
`missing_field.*` and `wrong_type.*` say that the vendor's format differs from what we know; every other rule says
that the row itself is broken. Knows no vendor: a vendor declares its tables and hands over its rows.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

import msgspec
import pandera.polars as pandera
import polars as pl
import pyarrow as pa
from pandera.errors import SchemaErrors

from attendance_pipeline.archive import Document
from attendance_pipeline.errors import SchemaDriftError
from attendance_pipeline.lake import QUARANTINE, SCHEMA_VERSION

R = TypeVar("R", bound=msgspec.Struct)

UNREADABLE = "unreadable_document"
CONFLICT = "conflicting_duplicate"
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
                    pa.string() if pa.types.is_large_string(entry.type) else entry.type,
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


@dataclass(frozen=True)
class Broken:
    """A row that can't be read, or that broke a rule."""

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
        quarantined: what didn't (`lake.QUARANTINE`).
        duplicates: rows that the vendor sent again, word for word, and that are held once.
    """

    rows: pa.Table
    quarantined: pa.Table
    duplicates: int = 0

    @property
    def rules(self) -> Counter[str]:
        """Quarantined rows by rule."""
        return Counter(self.quarantined["rule"].to_pylist())


class RowReader(Generic[R]):
    """Reads the rows out of documents of one kind; remembers fields that it doesn't know.

    Args:
        row: the documented fields; one without a default is required. Must forbid unknown fields.
        rows_field: the page's field that holds the rows; None where the document is itself the row.
    """

    def __init__(self, row: type[R], rows_field: str | None) -> None:
        self.unknown_fields: set[str] = set()
        self._known = set(row.__struct_encode_fields__)
        lenient = msgspec.defstruct(row.__name__, (), bases=(row,), forbid_unknown_fields=False)
        self._row = msgspec.json.Decoder(lenient)
        self._strict = _reader(row, rows_field)
        self._lenient = _reader(lenient, rows_field)
        self._raw = _reader(msgspec.Raw, rows_field)

    def rows(self, document: Document) -> tuple[list[R], Sequence[int], list[Broken]]:
        """The rows that fit the documented format, their positions, and the others."""
        # Once a field is known to be new, the strict reader would only fail on every page.
        for reader in (self._lenient,) if self.unknown_fields else (self._strict, self._lenient):
            try:
                rows = reader(document.body)
            except msgspec.ValidationError:
                continue
            except msgspec.DecodeError:
                return [], [], [Broken(UNREADABLE, document.subject, document.document_id, 0, document.body)]
            if reader is self._lenient:
                self._note_unknown(document)
            return rows, range(len(rows)), []
        return self._one_by_one(document)

    def raw(self, document: Document) -> list[bytes]:
        """The document's rows as the vendor sent them."""
        return [bytes(row) for row in self._raw(document.body)]

    def _one_by_one(self, document: Document) -> tuple[list[R], list[int], list[Broken]]:
        self._note_unknown(document)
        rows: list[R] = []
        positions: list[int] = []
        broken: list[Broken] = []
        try:
            raw = self.raw(document)
        except msgspec.ValidationError as error:
            return [], [], [Broken(_rule(error), document.subject, document.document_id, 0, document.body)]
        for position, text in enumerate(raw):
            try:
                rows.append(cast(R, self._row.decode(text)))
                positions.append(position)
            except msgspec.ValidationError as error:
                broken.append(Broken(_rule(error), document.subject, document.document_id, position, text))
        return rows, positions, broken

    def _note_unknown(self, document: Document) -> None:
        try:
            raw = self.raw(document)
        except msgspec.ValidationError:
            return
        for text in raw:
            row = msgspec.json.decode(text)
            if isinstance(row, dict):
                self.unknown_fields |= row.keys() - self._known


@dataclass
class Columns:
    """Rows of one partition on their way into Arrow, column by column, with where each came from.

    `source_id` and `position` point at the archived document; they become part of a quarantined row.
    """

    values: dict[str, list[Any]]
    source_id: list[str] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    @classmethod
    def of(cls, table: Table) -> "Columns":
        """Empty columns of a table."""
        return cls({name: [] for name in table.schema.names})

    def add(
        self,
        rows: Sequence[msgspec.Struct],
        positions: Iterable[int],
        document_id: str,
        given: dict[str, Any],
    ) -> None:
        """Add the rows of one document; columns that a row has no field for come from `given`."""
        for name, column in self.values.items():
            if name in given:
                column.extend([given[name]] * len(rows))
            else:
                column.extend(map(attrgetter(name), rows))
        self.source_id.extend([document_id] * len(rows))
        self.position.extend(positions)


def partition(table: Table, columns: Columns, raw_row: Callable[[str, int], bytes], subject: str) -> Shaped:
    """Check a partition's rows; the same rows give the same result, whatever order they came in.

    Args:
        table: whose rows they are.
        columns: the rows.
        raw_row: gives a row as the vendor sent it, by document and position.
        subject: the column that names the meeting.

    Raises:
        SchemaDriftError: no row has the documented format.
    """
    _stop_at_drift(table, columns)
    arrow = pa.table(columns.values, schema=table.schema)
    frame = pl.DataFrame(arrow).with_columns(
        pl.Series("_source", columns.source_id, pl.String), pl.Series("_position", columns.position, pl.Int32)
    )
    order = frame.with_row_index("_index").sort(*table.key, "_source", "_position")
    kept, duplicates, conflicts = _without_duplicates(order, table)
    reasons = _broken_rules(kept.select(table.schema.names), table)
    broken = list(columns.broken)
    for row in conflicts.iter_rows(named=True):
        broken.append(_quarantined(CONFLICT, row, subject, raw_row))
    if reasons:
        bad = kept.with_row_index("_at").filter(pl.col("_at").is_in(list(reasons)))
        for row in bad.iter_rows(named=True):
            broken.append(_quarantined(",".join(sorted(reasons[row["_at"]])), row, subject, raw_row))
        kept = kept.with_row_index("_at").filter(~pl.col("_at").is_in(list(reasons)))
    rows = arrow.take(kept["_index"].to_arrow())
    return Shaped(rows, quarantine_table(broken), duplicates)


def _reader(row: Any, rows_field: str | None) -> Callable[[bytes], list[Any]]:
    if rows_field is None:
        one = msgspec.json.Decoder(row).decode
        return lambda body: [one(body)]
    page = msgspec.defstruct("Page", [("rows", list[row])], rename={"rows": rows_field})
    many = msgspec.json.Decoder(page).decode
    return lambda body: many(body).rows  # type: ignore[attr-defined]  # the struct was made just above


def _rule(error: msgspec.ValidationError) -> str:
    """`missing_field.x` or `wrong_type.x`, from what msgspec says."""
    text = str(error)
    if missing := re.search(r"missing required field `([^`]+)`", text):
        return f"missing_field.{missing[1]}"
    if path := re.search(r"at `\$(?:\[\.\.\.\]|\[\d+\])?\.?([^`\[]*)", text):
        return f"wrong_type.{path[1] or 'row'}"
    return "wrong_type.row"


def _stop_at_drift(table: Table, columns: Columns) -> None:
    drifted = Counter(b.rule for b in columns.broken if b.rule.startswith(("missing_field.", "wrong_type.")))
    if not columns.source_id and sum(drifted.values()) >= DRIFT_ROWS:
        rules = ", ".join(f"{rule} ({count} rows)" for rule, count in drifted.most_common(3))
        raise SchemaDriftError(
            f"{table.vendor}/{table.name}: no row has the documented format: {rules}; the vendor has changed it. "
            "What it sent is kept in the archive, the partition from before still stands; "
            "update the pipeline and run these dates again"
        )


def _without_duplicates(order: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, int, pl.DataFrame]:
    keys = order.select(pl.struct(table.key).n_unique()).item()
    if keys == order.height:
        return order, 0, order.clear()
    said = [name for name in table.schema.names if name != "document_id"]
    once = order.unique(subset=said, keep="first", maintain_order=True)
    kept = once.unique(subset=list(table.key), keep="first", maintain_order=True)
    conflicts = once.join(kept.select("_index"), on="_index", how="anti", maintain_order="left")
    return kept, order.height - once.height, conflicts


def _broken_rules(frame: pl.DataFrame, table: Table) -> dict[int, set[str]]:
    try:
        table.model.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        if cases["index"].null_count():
            raise  # the table itself has another shape than its model: a bug of ours, not a broken row
        rules: dict[int, set[str]] = {}
        for row, column, check in cases.select("index", "column", "check").iter_rows():
            rules.setdefault(row, set()).add(_rule_name(column, check))
        return rules
    return {}


def _rule_name(column: str | None, check: str) -> str:
    if check in ("not_nullable", "nullable"):
        return f"missing_field.{column}"
    plain = re.match(r"\w+", check)
    name = plain[0] if plain else check
    return f"{name}.{column}" if "(" in check and column else name


def _quarantined(rule: str, row: dict[str, Any], subject: str, raw_row: Callable[[str, int], bytes]) -> Broken:
    source, position = row["_source"], row["_position"]
    return Broken(rule, row[subject] or "", source, position, raw_row(source, position))


def quarantine_table(broken: list[Broken]) -> pa.Table:
    """Broken rows as the lake keeps them, in a fixed order."""
    ordered = sorted(broken, key=lambda b: (b.subject, b.document_id, b.position, b.rule))
    return pa.table({name: [getattr(b, name) for b in ordered] for name in QUARANTINE.names}, schema=QUARANTINE)
