"""What is shown of a row tells its form, and nobody's name."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance_pipeline.masking import masked


@pytest.mark.parametrize("shown", ["", "7", "-12", "1800", "123456", "0.5", "2026-03-02", "2026-03-02T09:00:00.12Z"])
def test_times_and_short_numbers_are_shown(shown: str) -> None:
    assert json.loads(masked(json.dumps({"field": shown}).encode())) == {"field": shown}


@pytest.mark.parametrize(
    "hidden",
    ["Ana", "ana@example.com", "15551234567", "+4670123456", "2026-03-02 Ana", "20260302", "1234567", " ", "é"],
)
def test_other_text_is_shown_as_its_length(hidden: str) -> None:
    assert json.loads(masked(json.dumps([hidden]).encode())) == [f"…({len(hidden)})"]


def test_what_is_no_text_and_the_form_are_shown() -> None:
    row = {"duration": 5, "ok": True, "none": None, "a": [{"b": 0.5, "@odata.type": "#record"}], "": []}

    assert json.loads(masked(json.dumps(row).encode())) == row | {"a": [{"b": 0.5, "@odata.type": "…(7)"}]}


def test_a_name_in_place_of_a_fields_is_hidden() -> None:
    assert masked(b'{"ana@example.com": 1}') == '{"…(15)":1}'
    assert masked(b'{"Ana Lund": 1}') == '{"…(8)":1}'


@pytest.mark.parametrize("row", [b"", b"Ana,ana@example.com", b'{"name": "Ana', b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_shown_as_its_size(row: bytes) -> None:
    assert masked(row) == f"not JSON, {len(row):,} bytes"


texts = st.text(st.characters(categories=["Lu", "Ll"]), min_size=3)
values = st.recursive(
    texts | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner)
)


@given(values)
def test_no_text_at_any_depth_is_shown(said: object) -> None:
    def texts_of(one: object) -> list[str]:
        if isinstance(one, str):
            return [one]
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else []
        return [text for each in inner for text in texts_of(each)]

    shown = msgspec.json.decode(masked(msgspec.json.encode(said)))

    assert texts_of(shown) == [f"…({len(text)})" for text in texts_of(said)]
