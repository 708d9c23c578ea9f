"""What an analyst tells of people, in two CSV files of their own: who is the same person, who may host.

Both are optional, and read anew by every load. Their lines are people's addresses: no message repeats one.
"""

import csv
import re
from collections.abc import Callable, Collection, Iterator
from io import StringIO
from pathlib import Path

from attendance_pipeline.errors import UsageError
from attendance_pipeline.loading import Told
from attendance_pipeline.settings import Settings

ACCOUNT_VENDORS = ("teams", "zoom")
"""Who tells accounts; Webex names people by their addresses alone."""

_ADDRESS = re.compile(r"[^\s@:;,\"<>]+@[^\s@:;,\"<>]+")
_ACCOUNT = re.compile(r"\S+")

_Row = tuple[str, str]


def read_told(settings: Settings, vendors: Collection[str]) -> Told:
    """Both files, as far as they are set.

    Args:
        settings: that name the files.
        vendors: the names that a line of the roster may bear.

    Raises:
        UsageError: a file can't be read, or holds what isn't meant.
    """
    return Told(alias_rows(settings.attendance_aliases), roster_rows(settings.attendance_roster, vendors))


def alias_rows(file: Path | None) -> list[_Row]:
    """Pairs of identities that are one person: addresses in lower case, or `vendor:account id`.

    Args:
        file: CSV with the columns identity and same_as; None where there is none.

    Returns:
        Each pair once, sorted, for the raw table `aliases`.

    Raises:
        UsageError: the file can't be read, or holds what isn't an identity.
    """
    pairs = _rows("ATTENDANCE_ALIASES", file, {"identity": _identity, "same_as": _identity})
    return [(identity, same_as) for identity, same_as in pairs if identity != same_as]


def roster_rows(file: Path | None, vendors: Collection[str]) -> list[_Row]:
    """Who may host meetings of which vendor, by address.

    Args:
        file: CSV with the columns vendor and host_email; None where there is none.
        vendors: the names that a line may bear.

    Returns:
        Each host once, sorted, for the raw table `roster`.

    Raises:
        UsageError: the file can't be read, names another vendor, or holds what isn't an address.
    """

    def vendor(text: str) -> str:
        if text.lower() not in vendors:
            raise ValueError(f"no vendor's name; give one of {', '.join(sorted(vendors))}")
        return text.lower()

    return _rows("ATTENDANCE_ROSTER", file, {"vendor": vendor, "host_email": _address})


def _rows(setting: str, file: Path | None, columns: dict[str, Callable[[str], str]]) -> list[_Row]:
    if file is None:
        return []
    found: set[_Row] = set()
    lines = _lines(setting, file)
    number, header = next(lines, (1, []))
    names = [name.strip().lower() for name in header]
    if not all(names.count(name) == 1 for name in columns):
        raise UsageError(
            f"{setting}: {file}, line {number}: the first line has to name the columns {','.join(columns)}, "
            "with a comma between them"
        )
    for number, fields in lines:
        if len(fields) != len(names):
            raise UsageError(
                f"{setting}: {file}, line {number}: {len(fields)} columns, the first line names {len(names)}; "
                "separate them with commas and put what holds a comma in quotes"
            )
        values = []
        for name, read in columns.items():
            try:
                values.append(read(fields[names.index(name)].strip()))
            except ValueError as error:
                raise UsageError(f"{setting}: {file}, line {number}, column {name}: {error}") from None
        first, second = values
        found.add((first, second))
    return sorted(found)


def _lines(setting: str, file: Path) -> Iterator[tuple[int, list[str]]]:
    """Each line that isn't blank, with the number of its first line in the file."""
    reader = csv.reader(StringIO(_text(setting, file), newline=""), strict=True)
    number = 1
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield number, fields
            number = reader.line_num + 1
    except csv.Error:
        raise UsageError(
            f"{setting}: {file}, line {number}: not a line of CSV; check its quotes: each that opens has to close, "
            "right before a comma or the line's end"
        ) from None


def _text(setting: str, file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{setting}: can't read {file} ({error.strerror}); correct the path, or leave {setting} empty"
        ) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{setting}: {file}, line {number}: not UTF-8; save it as CSV UTF-8") from None


def _identity(text: str) -> str:
    vendor, colon, account = text.partition(":")
    if not colon:
        return _address(text)
    accounts = [f"{name}:<account id>" for name in ACCOUNT_VENDORS]
    if vendor.strip().lower() not in ACCOUNT_VENDORS or not _ACCOUNT.fullmatch(account.strip()):
        raise ValueError(f"no account that can be known; give {' or '.join(accounts)}, or an e-mail address")
    return f"{vendor.strip().lower()}:{account.strip()}"


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("no e-mail address; give one, or take the line out" if text else "empty; fill it in")
    return text.lower()
