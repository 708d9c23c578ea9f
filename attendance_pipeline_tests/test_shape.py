"""Every row of a document ends in exactly one place, and the same documents give the same bytes."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import msgspec
import pandera.polars as pandera
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance_pipeline.archive import Document
from attendance_pipeline.errors import SchemaDriftError
from attendance_pipeline.lake import QUARANTINE, SCHEMA_VERSION
from attendance_pipeline.rows import RowReader
from attendance_pipeline.shape import DRIFT_ROWS, Broken, Columns, Shaped, Table, partitions

UTC_TIME = pl.Datetime("us", "UTC")
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
ENDED = {"stand-up": MONDAY, "review": MONDAY, "retro": TUESDAY}
"""The vendor's meetings, by the date on which they ended."""
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Visits(pandera.DataFrameModel):
    """One row per visit, as a made-up vendor tells it.

    The catalog shows the first line only.
    """

    meeting: str = pandera.Field(description="The meeting's id")
    visitor: str = pandera.Field(description="Who came")
    joined: UTC_TIME = pandera.Field(description="From when, UTC")
    left: UTC_TIME = pandera.Field(description="Until when, UTC")
    seconds: pl.Int32 = pandera.Field(nullable=True, ge=0, description="How long")
    room: str = pandera.Field(nullable=True, isin=["main", "waiting"], description="Where")
    note: str = pandera.Field(nullable=True, description="Anything")
    document_id: str = pandera.Field(description="The archived document it comes from")

    @pandera.dataframe_check(error="leaves_before_joining")
    def _leaves_after_joining(cls, data: Any) -> Any:  # noqa: N805 - pandera makes it a class method
        return data.lazyframe.select(pl.col("left") >= pl.col("joined"))

    class Config:
        strict = True


class Visit(msgspec.Struct, forbid_unknown_fields=True):
    visitor: str
    joined: datetime
    left: datetime
    seconds: Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)] | None = None
    room: str | None = None
    note: str | None = None


VISITS = Table("acme", "visits", Visits, ("meeting", "joined", "visitor"))


def visit(**changed: object) -> dict[str, object]:
    """A row without fault, but for what is changed; None leaves a field out."""
    row: dict[str, object] = {
        "visitor": "ana",
        "joined": "2026-03-02T09:00:00Z",
        "left": "2026-03-02T09:30:00Z",
        "seconds": 1800,
        "room": "main",
    }
    return {name: value for name, value in (row | changed).items() if value is not None}


def body(*rows: object) -> bytes:
    """A page as the vendor sends it."""
    return json.dumps({"visits": rows}).encode()


def document(name: str, content: bytes, meeting: str = "stand-up") -> Document:
    return Document(
        document_id=name,
        kind="visits",
        subject=meeting,
        reading=name,
        page=1,
        last=True,
        request="/visits",
        status=200,
        fetched_at=NINE,
        body=content,
    )


def page(*rows: object, name: str = "d1", meeting: str = "stand-up") -> Document:
    return document(name, body(*rows), meeting)


@dataclass
class Result:
    """What shaping gave, partition by partition."""

    shaped: dict[date, Shaped]
    unknown: set[str]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for shaped in self.shaped.values() for row in shaped.rows.to_pylist()]

    @property
    def quarantined(self) -> list[dict[str, Any]]:
        return [row for shaped in self.shaped.values() for row in shaped.quarantined.to_pylist()]

    @property
    def rules(self) -> list[str]:
        return [row["rule"] for row in self.quarantined]

    @property
    def duplicates(self) -> int:
        return sum(shaped.duplicates for shaped in self.shaped.values())

    @property
    def parquet(self) -> list[bytes]:
        """Every file's content, as the lake would write it."""
        files = []
        for _, shaped in sorted(self.shaped.items()):
            for table in (shaped.rows, shaped.quarantined):
                sink = pa.BufferOutputStream()
                pq.write_table(table, sink, compression="zstd")
                files.append(sink.getvalue().to_pybytes())
        return files


def shape(*documents: Document, days: Sequence[date] = (MONDAY, TUESDAY)) -> Result:
    """What a vendor does with its documents."""
    reader, columns = RowReader(Visit, "visits"), Columns(VISITS, Visit)
    held = {one.document_id: one for one in documents}
    for one in documents:
        ended = ENDED[one.subject]
        rows, positions, unread, _ = reader.rows(one)
        columns.add(ended, one.document_id, rows, positions, {"meeting": one.subject, "document_id": one.document_id})
        columns.broken += [
            Broken(ended, bad.rule, one.subject, one.document_id, bad.position, bad.row) for bad in unread
        ]
    shaped = partitions(columns, days, lambda name, position: reader.raw(held[name])[position], "meeting")
    return Result(shaped, reader.unknown_fields)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (visit(visitor=None), "missing_field.visitor"),
        (visit(joined=None), "missing_field.joined"),
        (visit(visitor=7), "wrong_type.visitor"),
        (visit(joined="soon"), "wrong_type.joined"),
        (visit(joined=""), "wrong_type.joined"),
        (visit(joined="2026-02-30T09:00:00Z"), "wrong_type.joined"),
        (visit(left=1772442000), "wrong_type.left"),
        (visit(seconds="1800"), "wrong_type.seconds"),
        (visit(seconds=1800.5), "wrong_type.seconds"),
        (visit(room=["main"]), "wrong_type.room"),
        (visit(visitor="ben", left="2026-03-02T08:59:59Z"), "leaves_before_joining"),
        (visit(visitor="ben", room="kitchen"), "unknown_value.room"),
        (visit(visitor="ben", seconds=-1), "too_small.seconds"),
        ({"visitor": None} | visit(visitor=None), "wrong_type.visitor"),
        (42, "wrong_type.row"),
        (None, "wrong_type.row"),
        (["ana"], "wrong_type.row"),
    ],
)
def test_a_broken_row_is_quarantined_by_its_rule_and_the_others_land(row: object, rule: str) -> None:
    result = shape(page(visit(), row, visit(visitor="cem")))

    assert [kept["visitor"] for kept in result.rows] == ["ana", "cem"]
    assert result.quarantined == [
        {
            "rule": rule,
            "subject": "stand-up",
            "document_id": "d1",
            "position": 1,
            "row": json.dumps(row).encode(),
            "waived": None,
        }
    ]


def test_a_row_that_breaks_two_rules_is_quarantined_once_under_both() -> None:
    result = shape(page(visit(room="kitchen", left="2026-03-01T00:00:00Z"), visit(visitor="ben")))

    assert result.rules == ["leaves_before_joining,unknown_value.room"]


@pytest.mark.parametrize("seconds", [2**31, -(2**31) - 1, 10**30])
def test_a_number_that_its_column_cannot_hold_is_of_a_wrong_type(seconds: int) -> None:
    """A row's struct says what its columns hold, so that one row can't stop the others however large its number."""
    result = shape(page(visit(), visit(visitor="ben", seconds=seconds)))

    assert [row["visitor"] for row in result.rows] == ["ana"]
    assert result.rules == ["wrong_type.seconds"]


def test_an_instant_without_a_zone_is_utc_and_one_with_a_zone_is_turned_into_it() -> None:
    result = shape(page(visit(joined="2026-03-02 09:00:00", left="2026-03-02T11:30:00+02:00")))

    (row,) = result.rows
    assert (row["joined"], row["left"]) == (NINE, NINE + timedelta(minutes=30))


def test_what_may_be_absent_is_null() -> None:
    (row,) = shape(page(visit(seconds=None, room=None))).rows

    assert (row["seconds"], row["room"], row["note"]) == (None, None, None)


def test_the_quarantine_holds_the_row_byte_for_byte() -> None:
    """Spaces, escapes, the order of the fields, a field that nobody knows: as the vendor sent them."""
    sent = (
        b'{ "left":"2026-03-02T09:00:00Z",\n "odd": [1.50, {}],'
        b'"joined": "2026-03-02T10:00:00Z","visitor":"Zo\\u00eb \xf0\x9f\xa6\x8a" }'
    )

    result = shape(document("d1", b'{"total": 1, "visits": [' + sent + b" ]}"))

    assert [row["row"] for row in result.quarantined] == [sent]
    assert result.rules == ["leaves_before_joining"]


def test_a_broken_row_among_many_is_found_at_its_very_place() -> None:
    """The checks really run over every row, and tell which one broke."""
    rows = [visit(visitor=f"v{number}", joined=f"2026-03-02T09:{number % 30:02}:00Z") for number in range(5_000)]
    rows[3_777] = visit(visitor="late", joined="2026-03-02T09:59:59Z", left="2026-03-02T09:00:00Z")

    result = shape(*(page(*rows[at : at + 300], name=f"d{at // 300:02}") for at in range(0, 5_000, 300)))

    assert len(result.rows) == 4_999
    (row,) = result.quarantined
    assert (row["document_id"], row["position"], row["rule"]) == ("d12", 177, "leaves_before_joining")
    assert json.loads(row["row"])["visitor"] == "late"


def test_unknown_fields_are_reported_and_their_rows_kept() -> None:
    result = shape(
        page(visit(), visit(visitor="ben", mood="fine")),
        page(visit(visitor="cem", shoes=43, note="in a hurry"), name="d2"),
    )

    assert [row["visitor"] for row in result.rows] == ["ana", "ben", "cem"]
    assert result.unknown == {"mood", "shoes"}
    assert result.rules == []


def test_unknown_fields_of_a_row_that_cannot_be_read_are_reported_too() -> None:
    result = shape(page(visit(visitor=7, mood="fine")), page(visit(hat="red", left=None), name="d2"))

    assert result.unknown == {"mood", "hat"}
    assert result.rules == ["wrong_type.visitor", "missing_field.left"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "unreadable_document"),
        (b"<html><body>Sorry</body></html>", "unreadable_document"),
        (body(visit())[:-30], "unreadable_document"),
        (b"[]", "wrong_type.row"),
        (b'{"rows": []}', "missing_field.visits"),
        (b'{"visits": {"ana": 1}}', "wrong_type.visits"),
        (b'{"visits": null}', "wrong_type.visits"),
    ],
)
def test_a_document_that_is_no_page_is_quarantined_whole(content: bytes, rule: str) -> None:
    result = shape(page(visit()), document("d2", content))

    assert len(result.rows) == 1
    assert result.quarantined == [
        {"rule": rule, "subject": "stand-up", "document_id": "d2", "position": 0, "row": content, "waived": None}
    ]


def test_a_page_cut_off_behind_a_broken_row_is_unreadable() -> None:
    """Readers stop at the first fault, so the second one is met only when the rows are read one by one."""
    cut = body(visit(visitor=7), visit())[:-30]

    result = shape(page(visit()), document("d2", cut))

    assert [(row["rule"], row["position"], row["row"]) for row in result.quarantined] == [
        ("unreadable_document", 0, cut)
    ]


def test_text_that_is_no_unicode_breaks_its_row_or_its_page_and_nothing_else() -> None:
    """JSON libraries let such text through where they needn't look at it, so an archive can hold it."""
    odd = body(visit(visitor="ODD"), visit(visitor="ben")).replace(b'"ODD"', b'"\xff"')

    result = shape(page(visit()), document("d2", odd))

    assert "ana" in [row["visitor"] for row in result.rows]
    assert result.quarantined
    assert {row["document_id"] for row in result.quarantined} == {"d2"}


def test_a_name_cut_off_inside_an_emoji_lands_with_a_mark_in_its_place() -> None:
    """JSON's grammar allows half a surrogate pair, and vendors that cut names by UTF-16 units send it."""
    cut = body(visit(visitor="ODD"), visit(visitor="ben")).replace(b'"ODD"', b'"Bo \\ud83e"')

    result = shape(page(visit()), document("d2", cut))

    assert [row["visitor"] for row in result.rows] == ["Bo \ufffd", "ana", "ben"]
    assert result.quarantined == []


def test_a_row_that_comes_again_word_for_word_is_held_once_and_counted() -> None:
    again = visit(visitor="ben")

    result = shape(page(visit(), again, again), page(again, name="d2"), page(again, name="d3", meeting="retro"))

    assert [(row["visitor"], row["document_id"]) for row in result.rows] == [
        ("ana", "d1"),
        ("ben", "d1"),
        ("ben", "d3"),
    ]
    assert (result.shaped[MONDAY].duplicates, result.shaped[TUESDAY].duplicates) == (2, 0)
    assert result.rules == []


def test_a_row_that_contradicts_another_of_its_key_is_quarantined() -> None:
    result = shape(page(visit()), page(visit(note="another"), visit(visitor="ben"), name="d2"))

    assert [(row["visitor"], row["note"]) for row in result.rows] == [("ana", None), ("ben", None)]
    assert [(row["rule"], row["document_id"], row["position"]) for row in result.quarantined] == [
        ("conflicting_duplicate", "d2", 0)
    ]


def test_when_no_row_has_the_known_format_nothing_is_shaped() -> None:
    rows = [visit(visitor=None, guest=f"g{number}") for number in range(DRIFT_ROWS)]

    with pytest.raises(SchemaDriftError) as told:
        shape(page(*rows))

    assert "acme/visits" in str(told.value)
    assert f"missing_field.visitor ({DRIFT_ROWS} rows)" in str(told.value)
    assert "the partition from before still stands" in str(told.value)


def test_one_row_of_the_known_format_or_very_few_rows_are_no_drift() -> None:
    rows = [visit(joined="soon", visitor=f"g{number}") for number in range(DRIFT_ROWS)]

    assert shape(page(*rows, visit())).rules == ["wrong_type.joined"] * DRIFT_ROWS
    assert shape(page(*rows[1:])).rules == ["wrong_type.joined"] * (DRIFT_ROWS - 1)


def test_a_date_without_a_row_of_the_known_format_is_drift_whatever_other_dates_hold() -> None:
    """Else the partition that stands there from an earlier reading would be replaced by an empty one."""
    rows = [visit(visitor=None, guest=f"g{number}") for number in range(DRIFT_ROWS)]

    with pytest.raises(SchemaDriftError):
        shape(page(visit(), meeting="review"), page(*rows, name="d2", meeting="retro"))


def test_rows_that_break_a_rule_are_no_drift_however_many() -> None:
    rows = [visit(room="kitchen", visitor=f"g{number}") for number in range(50)]

    assert shape(page(*rows)).rules == ["unknown_value.room"] * 50


def test_each_date_gets_its_own_rows_and_a_date_without_rows_is_empty() -> None:
    result = shape(
        page(visit(), meeting="retro"),
        page(visit(visitor="ben"), visit(seconds=-1), name="d2", meeting="review"),
        days=(TUESDAY, MONDAY, date(2026, 3, 4)),
    )

    assert {day: shaped.rows["visitor"].to_pylist() for day, shaped in result.shaped.items()} == {
        MONDAY: ["ben"],
        TUESDAY: ["ana"],
        date(2026, 3, 4): [],
    }
    assert [shaped.rules.total() for shaped in result.shaped.values()] == [1, 0, 0]
    assert all(shaped.rows.schema.equals(VISITS.schema, check_metadata=True) for shaped in result.shaped.values())
    assert all(shaped.quarantined.schema.equals(QUARANTINE) for shaped in result.shaped.values())


def test_a_date_named_twice_is_one_partition() -> None:
    result = shape(page(visit()), days=(MONDAY, MONDAY))

    assert len(result.rows) == 1


def test_dates_shaped_together_or_alone_have_the_same_bytes() -> None:
    """Large enough for several Parquet pages, so that where Arrow's chunks begin would show."""
    odd = [visit(), visit(), visit(note="another"), visit(visitor="ben", room="kitchen"), visit(visitor=7)]
    documents = [
        page(
            *(visit(visitor=f"{meeting}-{number}", note="x" * (number % 50)) for number in range(25_000)),
            *odd,
            name=f"d-{meeting}",
            meeting=meeting,
        )
        for meeting in ENDED
    ]

    together = shape(*documents).parquet
    alone = [
        *shape(*documents[:2], days=(MONDAY,)).parquet,
        *shape(documents[2], days=(TUESDAY,)).parquet,
    ]

    assert together == alone


def test_the_arrow_schema_has_types_descriptions_and_our_version() -> None:
    schema = VISITS.schema

    assert {column.name: (str(column.type), column.nullable) for column in schema} == {
        "meeting": ("string", False),
        "visitor": ("string", False),
        "joined": ("timestamp[us, tz=UTC]", False),
        "left": ("timestamp[us, tz=UTC]", False),
        "seconds": ("int32", True),
        "room": ("string", True),
        "note": ("string", True),
        "document_id": ("string", False),
    }
    assert schema.field("visitor").metadata == {b"description": b"Who came"}
    assert schema.metadata == {
        b"attendance_schema_version": SCHEMA_VERSION.encode(),
        b"description": b"One row per visit, as a made-up vendor tells it.",
    }


@dataclass
class Fate:
    """What must become of some documents, counted row by row in plain Python."""

    kept: list[tuple[str, int]] = field(default_factory=list)
    quarantined: dict[tuple[str, int], str] = field(default_factory=dict)
    repeated: int = 0


FIELDS = ("visitor", "joined", "left", "seconds", "room", "note")
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "unknown field": {"mood": "fine"},
    "missing_field.visitor": {"visitor": None},
    "missing_field.left": {"left": None},
    "wrong_type.visitor": {"visitor": 7},
    "wrong_type.joined": {"joined": "soon"},
    "wrong_type.left": {"left": {"at": 9}},
    "wrong_type.seconds": {"seconds": "many"},
    "wrong_type.note": {"note": True},
    "leaves_before_joining": {"left": "0001-01-01T00:00:00Z"},
    "unknown_value.room": {"room": "kitchen"},
    "too_small.seconds": {"seconds": -5},
}
NO_PAGES = {
    b"": "unreadable_document",
    b"<html>busy</html>": "unreadable_document",
    body(visit())[:-9]: "unreadable_document",
    b'{"visits": 3}': "wrong_type.visits",
    b'{"code": 429}': "missing_field.visits",
}


@st.composite
def anything(draw: st.DrawFn) -> list[Document]:
    """Documents with random faults; few visitors and times, so that rows repeat and contradict each other."""
    documents = []
    for number in range(draw(st.integers(1, 4))):
        name, meeting = f"d{number}", draw(st.sampled_from(sorted(ENDED)))
        if draw(st.integers(0, 5)) == 0:
            documents.append(document(name, draw(st.sampled_from(sorted(NO_PAGES))), meeting))
            continue
        rows: list[object] = []
        for _ in range(draw(st.integers(0, 6))):
            fault = draw(st.sampled_from(["none", "none", *FAULTS, "no object"]))
            if fault == "no object":
                rows.append(draw(st.sampled_from([None, 42, "ana", []])))
                continue
            minute = draw(st.integers(0, 2))
            note = draw(st.sampled_from([None, "a", "b"]))
            fine = {
                "visitor": draw(st.sampled_from(["ana", "ben"])),
                "joined": f"2026-03-02T09:0{minute}:00Z",
                "note": note,
            }
            rows.append(visit(**(fine | FAULTS[fault])))
        documents.append(page(*rows, name=name, meeting=meeting))
    return documents


def fate(documents: list[Document]) -> Fate:
    found = Fate()
    said: dict[tuple[object, ...], set[str]] = {}
    for one in sorted(documents, key=lambda one: one.document_id):
        if one.body in NO_PAGES:
            found.quarantined[one.document_id, 0] = NO_PAGES[one.body]
            continue
        for position, row in enumerate(json.loads(one.body)["visits"]):
            place = (one.document_id, position)
            rule = unreadable(row)
            if rule is None:
                known = {name: row.get(name) for name in FIELDS}
                others = said.setdefault((one.subject, known["joined"], known["visitor"]), set())
                if json.dumps(known) in others:
                    found.repeated += 1
                    continue
                rule = "conflicting_duplicate" if others else broken(known)
                others.add(json.dumps(known))
            if rule is None:
                found.kept.append(place)
            else:
                found.quarantined[place] = rule
    return found


def unreadable(row: Any) -> str | None:
    if not isinstance(row, dict):
        return "wrong_type.row"
    kinds = dict(zip(FIELDS, (str, str, str, int, str, str), strict=True))
    for name, value in row.items():
        if name in kinds and (type(value) is not kinds[name] or value == "soon"):
            return f"wrong_type.{name}"
    missing = [name for name in ("visitor", "joined", "left") if name not in row]
    return f"missing_field.{missing[0]}" if missing else None


def broken(row: dict[str, Any]) -> str | None:
    # of a row whose instants can't be, nothing else is looked at
    impossible = [name for name in ("joined", "left") if row[name] < "1900"]
    if impossible:
        return ",".join(f"impossible_time.{name}" for name in impossible)
    rules = []
    if (row["seconds"] or 0) < 0:
        rules.append("too_small.seconds")
    if row["room"] not in ("main", "waiting", None):
        rules.append("unknown_value.room")
    if row["left"] < row["joined"]:
        rules.append("leaves_before_joining")
    return ",".join(rules) or None


DRIFT = ("missing_field.", "wrong_type.")


def is_drift(documents: list[Document], expected: Fate) -> bool:
    """Whether a date without a row of the known format, or all of them together, has many of another."""
    dates = {one.document_id: ENDED[one.subject] for one in documents}
    drifted = Counter(dates[name] for (name, _), rule in expected.quarantined.items() if rule.startswith(DRIFT))
    known = {dates[name] for name, _ in expected.kept}
    known |= {dates[name] for (name, _), rule in expected.quarantined.items() if not rule.startswith((*DRIFT, "unr"))}
    some_date = any(count >= DRIFT_ROWS for day, count in drifted.items() if day not in known)
    return some_date or (not known and drifted.total() >= DRIFT_ROWS)


@settings(max_examples=150, deadline=None)
@given(anything())
def test_every_row_ends_in_exactly_one_place(documents: list[Document]) -> None:
    expected = fate(documents)
    if is_drift(documents, expected):
        with pytest.raises(SchemaDriftError):
            shape(*documents)
        return

    result = shape(*documents)

    places = {(row["document_id"], row["position"]): row["rule"] for row in result.quarantined}
    assert len(places) == len(result.quarantined)
    assert places == expected.quarantined
    assert result.duplicates == expected.repeated
    bodies = {one.document_id: one.body for one in documents}
    sent = {name: json.loads(content)["visits"] for name, content in bodies.items() if content not in NO_PAGES}
    assert Counter(
        (row["document_id"], row["visitor"], row["joined"], row["note"], row["seconds"]) for row in result.rows
    ) == Counter(
        (name, row["visitor"], datetime.fromisoformat(row["joined"]), row.get("note"), row.get("seconds"))
        for name, position in expected.kept
        for row in [sent[name][position]]
    )
    for row in result.quarantined:
        name, position = row["document_id"], row["position"]
        assert row["row"] == (json.dumps(sent[name][position]).encode() if name in sent else bodies[name])
    known = {*FIELDS}
    assert result.unknown == {
        key for rows in sent.values() for row in rows if isinstance(row, dict) for key in row if key not in known
    }


@settings(max_examples=50, deadline=None)
@given(anything(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_byte(documents: list[Document], dice: Any) -> None:
    documents.append(page(visit(visitor="zoe"), name="d9"))  # never drift
    shuffled = list(documents)
    dice.shuffle(shuffled)

    assert shape(*documents).parquet == shape(*shuffled).parquet
