"""A vendor's row as it can be shown to anyone: which fields it has, of what kind and how long, but not who.

Knows JSON. Knows no vendor and no table, so it takes any text for a name or an address, unless it is a time or a
short number.
"""

import re
from collections.abc import Sized
from datetime import datetime
from typing import Any

import msgspec

from attendance_pipeline.vendor_json import NOT_JSON

LONGEST_NUMBER = 6
"""Digits of a number in text that is shown; longer ones can be telephone numbers."""

_NUMBER = re.compile(rf"[+-]?\d{{1,{LONGEST_NUMBER}}}(\.\d{{1,{LONGEST_NUMBER}}})?")
_FIELD = re.compile(r"[\w-]{0,80}(@odata\.\w+)?")


def masked(row: bytes) -> str:
    """The row as JSON, every text in it as `…(12)` with its length; what isn't JSON by its size alone."""
    try:
        return msgspec.json.encode(_masked(msgspec.json.decode(row))).decode()
    except NOT_JSON:
        return f"not JSON, {len(row):,} bytes"


def shown_name(field: str) -> str:
    """A field's name; hidden where it has a form that names of fields don't have, as an address would."""
    return field if _FIELD.fullmatch(field) else hidden(field)


def _masked(said: Any) -> Any:
    if isinstance(said, dict):
        return {shown_name(name): _masked(value) for name, value in said.items()}
    if isinstance(said, list):
        return [_masked(one) for one in said]
    if isinstance(said, str) and said and not _NUMBER.fullmatch(said) and not _is_time(said):
        return hidden(said)
    return said


def hidden(what: Sized) -> str:
    """That there is something, and of what length."""
    return f"…({len(what)})"


def _is_time(text: str) -> bool:
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
