"""Archived documents → typed rows, whatever a document holds: what fits the documented format, and what doesn't.

A rule named `missing_field.*` or `wrong_type.*` says that the vendor's format differs from what we know. Knows
JSON and CSV. Knows no vendor, no table and no other rule.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast

import msgspec

from attendance_pipeline.archive import Document
from attendance_pipeline.vendor_json import NOT_JSON, decode

R = TypeVar("R", bound=msgspec.Struct)

UNREADABLE = "unreadable_document"


class _AnyDatetime(type):
    """Lets a plain date-time stand for what it reads: making one of a class of ours takes several times as long."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class Instant(datetime, metaclass=_AnyDatetime):
    """A field with a date-time as text: fractions of a second are cut to microseconds, no zone means UTC."""

    @classmethod
    def read(cls, text: object) -> datetime:
        """Read it.

        Raises:
            ValueError: it isn't an ISO date-time.
        """
        if not isinstance(text, str):
            raise ValueError("an instant is text")  # noqa: TRY004 - msgspec takes a ValueError for an invalid field
        try:
            said = datetime.fromisoformat(text)
            if said.tzinfo is UTC:
                return said
            return said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("not an instant of any zone") from error


def of_another_format(rule: str) -> bool:
    """Whether a rule says that the vendor's format differs from what we know."""
    return rule.startswith(("missing_field.", "wrong_type."))


@dataclass(frozen=True)
class Unread:
    """A row of a document that doesn't have the documented format."""

    rule: str
    position: int
    row: bytes


class Read(NamedTuple):
    """What was read out of a document.

    Attributes:
        rows: those that fit the documented format.
        positions: theirs in the document, from 0.
        unread: the others.
        told: what the document says beside its rows, whatever it is; None where nothing is looked for.
    """

    rows: list[Any]
    positions: Sequence[int]
    unread: list[Unread]
    told: Any = None


class Reader(Protocol):
    """Reads the rows out of documents of one kind; remembers fields that it doesn't know."""

    unknown_fields: set[str]

    def rows(self, document: Document) -> Read:
        """The document's rows."""

    def raw(self, document: Document) -> list[bytes]:
        """The document's rows as the vendor sent them."""


class RowReader(Generic[R]):
    """Reads the rows out of JSON documents.

    Args:
        row: the documented fields; one without a default is required. Must forbid unknown fields.
        rows_field: the page's field that holds the rows; None where the document is itself the row.
        told_field: a further field of the page, which needn't be there.
    """

    def __init__(self, row: type[R], rows_field: str | None, told_field: str | None = None) -> None:
        self.unknown_fields: set[str] = set()
        self._known = set(row.__struct_encode_fields__)
        lenient = msgspec.defstruct(row.__name__, (), bases=(row,), forbid_unknown_fields=False, gc=False)
        self._row = msgspec.json.Decoder(lenient, dec_hook=custom)
        self._strict = _reader(row, rows_field, told_field)
        self._lenient = _reader(lenient, rows_field, told_field)
        self._raw = _reader(msgspec.Raw, rows_field, told_field)

    def rows(self, document: Document) -> Read:
        """See `Reader.rows`."""
        # Once a field is known to be new, the strict reader would only fail on every page.
        for reader in (self._lenient,) if self.unknown_fields else (self._strict, self._lenient):
            try:
                rows, told = reader(document.body)
            except NOT_JSON:
                continue
            if reader is self._lenient:
                self._note_unknown(document)
            return Read(rows, range(len(rows)), [], told)
        return self._one_by_one(document)

    def raw(self, document: Document) -> list[bytes]:
        """See `Reader.raw`."""
        return [bytes(row) for row in self._raw(document.body)[0]]

    def _one_by_one(self, document: Document) -> Read:
        rows: list[R] = []
        positions: list[int] = []
        broken: list[Unread] = []
        try:
            raw, told = self._raw(document.body)
        except NOT_JSON as error:
            rule = _rule(error) if isinstance(error, msgspec.ValidationError) else UNREADABLE
            return Read([], [], [Unread(rule, 0, document.body)])
        self._note_unknown(document)
        for position, text in enumerate(map(bytes, raw)):
            try:
                rows.append(cast(R, decode(self._row, text)))
                positions.append(position)
            except NOT_JSON as error:
                broken.append(Unread(_rule(error), position, text))
        return Read(rows, positions, broken, told)

    def _note_unknown(self, document: Document) -> None:
        for text in self.raw(document):
            with suppress(*NOT_JSON):
                row = msgspec.json.decode(text)
                if isinstance(row, dict):
                    self.unknown_fields |= row.keys() - self._known


class CsvReader(Generic[R]):
    """Reads the rows out of CSV documents with a header, UTF-8.

    Args:
        row: the documented fields as text; one without a default is required.
        names: a header's name → the field; what it doesn't know stays as it is.
    """

    def __init__(self, row: type[R], names: Mapping[str, str]) -> None:
        self.unknown_fields: set[str] = set()
        self._row = row
        self._names = names
        self._known = set(row.__struct_fields__)
        self._required = {entry.name for entry in msgspec.structs.fields(row) if entry.required}

    def rows(self, document: Document) -> Read:
        """See `Reader.rows`."""
        rows: list[R] = []
        positions: list[int] = []
        broken: list[Unread] = []
        try:
            lines = self._lines(document)
        except (UnicodeDecodeError, csv.Error):
            return Read([], [], [Unread(UNREADABLE, 0, document.body)])
        header = [self._names.get(name.strip(), name.strip()) for name in lines[0][0]] if lines else []
        if lines and not self._required <= set(header):
            return Read([], [], [Unread(UNREADABLE, 0, document.body)])
        self.unknown_fields |= set(header) - self._known
        for position, (line, raw) in enumerate(lines[1:]):
            said = {name: value for name, value in zip(header, line, strict=False) if name in self._known}
            try:
                rows.append(msgspec.convert(said, self._row, dec_hook=custom))
                positions.append(position)
            except msgspec.ValidationError as error:
                broken.append(Unread(_rule(error), position, raw))
        return Read(rows, positions, broken)

    def raw(self, document: Document) -> list[bytes]:
        """See `Reader.raw`."""
        return [raw for _, raw in self._lines(document)[1:]]

    def _lines(self, document: Document) -> list[tuple[list[str], bytes]]:
        """Every line that isn't empty, its cells and as it was sent; a cell may hold line ends of its own."""
        text = list(StringIO(document.body.decode("utf-8-sig"), newline=""))
        reader, begin, lines = csv.reader(text), 0, []
        for cells in reader:
            if cells:
                lines.append((cells, "".join(text[begin : reader.line_num]).rstrip("\r\n").encode()))
            begin = reader.line_num
        return lines


def custom(kind: type, value: object) -> object:
    """What a field of a type that isn't JSON's holds: `dec_hook` of msgspec's decoders."""
    if issubclass(kind, Instant):
        return kind.read(value)
    raise NotImplementedError(kind)


def _reader(row: Any, rows_field: str | None, told_field: str | None) -> Callable[[bytes], tuple[list[Any], Any]]:
    """Reads a document's rows, and what it says in the further field."""
    if rows_field is None:
        one = msgspec.json.Decoder(row, dec_hook=custom)
        return lambda body: ([decode(one, body)], None)
    fields: list[Any] = [("rows", list[row])]
    names = {"rows": rows_field}
    if told_field:
        fields.append(("told", Any, None))
        names["told"] = told_field
    page = msgspec.defstruct("Page", fields, rename=names)
    many = msgspec.json.Decoder(page, dec_hook=custom)

    def read(body: bytes) -> tuple[list[Any], Any]:
        found: Any = decode(many, body)
        return found.rows, found.told if told_field else None

    return read


def _rule(error: Exception) -> str:
    """`missing_field.x` or `wrong_type.x`, from what msgspec says."""
    text = str(error)
    if missing := re.search(r"missing required field `([^`]+)`", text):
        return f"missing_field.{missing[1]}"
    if path := re.search(r"at `\$(?:\[\.\.\.\]|\[\d+\])?\.?([^`\[]*)", text):
        return f"wrong_type.{path[1] or 'row'}"
    return "wrong_type.row"
