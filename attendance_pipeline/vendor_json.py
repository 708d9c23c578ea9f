"""JSON as vendors really send it."""

import re
from typing import TypeVar

import msgspec

T = TypeVar("T")

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON raises: msgspec tells a bad encoding and endless nesting in Python's own errors."""

_HALF_A_PAIR = re.compile(
    rb"(?<!\\)\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})(?<!\\)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    r"""Read a body; half a surrogate pair (a name cut off inside an emoji, `"A\ud83e"`) reads as U+FFFD.

    JSON's grammar allows such text and no string can hold it; the archived body stays as it came.

    Raises:
        DecodeError, UnicodeDecodeError, RecursionError: `NOT_JSON`, or not what the decoder reads.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        mended = _HALF_A_PAIR.sub(rb"\\ufffd", body)
        if mended == body:
            raise
        return decoder.decode(mended)
