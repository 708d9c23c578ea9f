"""JSON as vendors really send it."""

import msgspec
import pytest

from attendance_pipeline.vendor_json import decode

ANYTHING = msgspec.json.Decoder()


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb'"A\ud83e"', "A\ufffd"),
        (rb'"\ude00B"', "\ufffdB"),
        (rb'"\ud83e\ud83e\ude00"', "\ufffd\U0001fa00"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'["\uD83E", "\\ud83e"]', ["\ufffd", "\\ud83e"]),
        (rb'"plain"', "plain"),
    ],
)
def test_half_a_surrogate_pair_reads_as_a_mark_and_whole_ones_as_themselves(sent: bytes, read: object) -> None:
    assert decode(ANYTHING, sent) == read


@pytest.mark.parametrize("sent", [b'"cut', b"<html>", b"", rb'"\ud83e'])
def test_what_is_not_json_is_still_refused(sent: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(ANYTHING, sent)


def test_another_type_than_the_documented_one_is_not_mended() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(msgspec.json.Decoder(int), rb'"\ud83e"')
