"""Rows that broke a rule, over vendors, tables and ended dates; and waivers: whose loss is accepted, by whom and why.

`<lake>/waivers/<vendor>.jsonl` has a line for each waiver and each withdrawal, oldest first; the newest about a row
counts. No line is ever changed or taken out. A waiver takes effect when the row's partition is next shaped, as long
as the row breaks a rule. Knows the lake's files. Knows no vendor and no rule, and rebuilds nothing.
"""

import os
import pwd
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from attendance_pipeline.errors import StorageError, UsageError
from attendance_pipeline.files import commit, reading
from attendance_pipeline.lake import QUARANTINE, Lake
from attendance_pipeline.vendor_json import NOT_JSON

HEAD = tuple(name for name in QUARANTINE.names if name != "row")


class RowId(NamedTuple):
    """What names a quarantined row for good: its place in the archive, and the table that it is missing from."""

    vendor: str
    table: str
    document_id: str
    position: int

    def __str__(self) -> str:
        return f"{self.vendor}/{self.table}/{self.document_id}:{self.position}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` gives.

        Raises:
            UsageError: it isn't a row's id.
        """
        parts = re.fullmatch(r"([^/]+)/([^/]+)/(.+):(\d{1,9})", text)
        if not parts:
            raise UsageError(
                "a row's id is VENDOR/TABLE/DOCUMENT:POSITION, as attendance-pipeline quarantine show prints it"
            )
        return cls(parts[1], parts[2], parts[3], int(parts[4]))


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that broke a rule.

    Attributes:
        id: what names it.
        ended_date: of its meeting, UTC.
        rule: the rule that it broke, or several with commas between.
        subject: the vendor's id of the meeting; empty where it isn't readable.
        waived: why somebody waived it; None where nobody did, or where that hasn't taken effect yet.
        row: as the vendor sent it; empty where it wasn't asked for.
    """

    id: RowId
    ended_date: date
    rule: str
    subject: str
    waived: str | None
    row: bytes = b""


@dataclass(frozen=True)
class Wanted:
    """Which quarantined rows are meant; what is empty or None leaves the choice open.

    Attributes:
        vendors: of these.
        tables: of these.
        rules: that broke one of these, each by itself or with others.
        first: the first ended date, UTC.
        last: the last one, included.
        ids: of these.
    """

    vendors: Sequence[str] = ()
    tables: Sequence[str] = ()
    rules: Sequence[str] = ()
    first: date | None = None
    last: date | None = None
    ids: Sequence[RowId] = ()

    def has_partition(self, vendor: str, table: str, ended: date) -> bool:
        """Whether rows of this partition can be meant."""
        return (
            (not self.vendors or vendor in self.vendors)
            and (not self.tables or table in self.tables)
            and (self.first is None or ended >= self.first)
            and (self.last is None or ended <= self.last)
            and (not self.ids or any((vendor, table) == (one.vendor, one.table) for one in self.ids))
        )

    def has(self, row: QuarantinedRow) -> bool:
        """Whether this row of such a partition is meant."""
        broken = {row.rule, *row.rule.split(",")}
        return (not self.rules or not broken.isdisjoint(self.rules)) and (not self.ids or row.id in self.ids)


def quarantined_rows(lake: Lake, wanted: Wanted, *, whole: bool = False) -> Iterator[QuarantinedRow]:
    """The rows that are meant: by vendor, table, ended date and meeting.

    Args:
        lake: that holds them.
        wanted: which.
        whole: with what the vendor sent.

    Raises:
        StorageError: a file isn't readable Parquet.
    """
    for vendor, table, ended in lake.quarantines():
        if wanted.has_partition(vendor, table, ended):
            held = lake.read_quarantine(vendor, table, ended, QUARANTINE.names if whole else HEAD)
            for said in held.to_pylist():
                row = QuarantinedRow(
                    id=RowId(vendor, table, said["document_id"], said["position"]),
                    ended_date=ended,
                    rule=said["rule"],
                    subject=said["subject"],
                    waived=said["waived"],
                    row=said.get("row", b""),
                )
                if wanted.has(row):
                    yield row


def count_quarantined(lake: Lake, vendor: str, tables: Sequence[str], ended: date) -> tuple[int, int]:
    """How many rows of these tables are in quarantine for one ended date: those that count, and the waived ones."""
    held = [lake.read_quarantine(vendor, table, ended, ("rule", "waived"))["waived"] for table in tables]
    counting = sum(reasons.null_count for reasons in held)
    return counting, sum(map(len, held)) - counting


class Waiver(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line on record: a quarantined row was waived, or its waiver withdrawn.

    Attributes:
        table: the vendor's table that the row is missing from.
        document_id: the archived document that holds it.
        position: its place in that document, from 0.
        rule: what it broke at the time.
        reason: why, in the words of whoever decided it.
        by: that user's name on this machine.
        at: when, UTC.
        withdrawn: it counts again.
    """

    table: str
    document_id: str
    position: int
    rule: str
    reason: str
    by: str
    at: datetime
    withdrawn: bool = False


_LINE = msgspec.json.Decoder(Waiver)


def waiver(row: QuarantinedRow, reason: str, at: datetime, *, withdrawn: bool = False) -> Waiver:
    """What is to be put on record.

    Args:
        row: that is waived.
        reason: why; it stays on record for good, so it names no person.
        at: when, UTC.
        withdrawn: take a waiver back.

    Raises:
        UsageError: there's no reason in it, or an e-mail address.
    """
    words = " ".join(reason.split())
    if not words:
        raise UsageError("--reason says nothing; it stays on record, so tell whoever reads it in a year")
    if re.search(r"\S@\S", words):
        raise UsageError("--reason holds an e-mail address; it stays on record for good, so name no person in it")
    return Waiver(
        table=row.id.table,
        document_id=row.id.document_id,
        position=row.id.position,
        rule=row.rule,
        reason=words,
        by=_user(),
        at=at.astimezone(UTC),
        withdrawn=withdrawn,
    )


def keep(lake: Lake, vendor: str, waivers: Sequence[Waiver]) -> None:
    """Put waivers of one vendor's rows on record, all or none; one process at a time.

    Raises:
        StorageError: the record is damaged or can't be written; it stays as it was.
    """
    file = _file(lake, vendor)
    whole = b"".join(line + b"\n" for line, _ in _lines(file))
    added = b"".join(msgspec.json.encode(one) + b"\n" for one in waivers)
    commit(file, lambda path: path.write_bytes(whole + added))


def waivers_in_force(lake: Lake, vendor: str) -> dict[RowId, Waiver]:
    """The waivers of one vendor's rows that weren't withdrawn.

    Raises:
        StorageError: the record can't be read, or is damaged in the middle.
    """
    found: dict[RowId, Waiver] = {}
    for _, one in _lines(_file(lake, vendor)):
        of = RowId(vendor, one.table, one.document_id, one.position)
        if one.withdrawn:
            found.pop(of, None)
        else:
            found[of] = one
    return found


def waived_rows(lake: Path, vendor: str, table: str) -> Mapping[tuple[str, int], str]:
    """Why rows of one table were waived, by their document and position.

    Raises:
        StorageError: the record can't be read, or is damaged in the middle.
    """
    in_force = waivers_in_force(Lake(lake), vendor)
    return {(of.document_id, of.position): one.reason for of, one in in_force.items() if of.table == table}


def _file(lake: Lake, vendor: str) -> Path:
    return lake.root / "waivers" / f"{vendor}.jsonl"


def _lines(file: Path) -> Iterator[tuple[bytes, Waiver]]:
    """Every line and what it says; a last one that was torn off was never on record."""
    if not file.exists():
        return
    with reading(file, "check the disk"):
        *whole, last = file.read_bytes().split(b"\n")
    for number, line in enumerate([*whole, last], 1):
        if not line.strip():
            continue
        try:
            yield line, _LINE.decode(line)
        except NOT_JSON as error:
            if number > len(whole):
                return
            raise StorageError(
                f"{file} is damaged in line {number}; mend that line, or take it out and waive its row again"
            ) from error


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
