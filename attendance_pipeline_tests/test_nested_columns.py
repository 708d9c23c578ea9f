"""A row that holds rows of its own goes the whole way: checked, kept as Parquet, loaded into DuckDB."""

import json
import random
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pandera.polars as pandera
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attendance_pipeline.archive import Document
from attendance_pipeline.lake import Lake
from attendance_pipeline.loading import Loaded, load
from attendance_pipeline.rows import RowReader
from attendance_pipeline.shape import Broken, Columns, Shaped, Table, partitions

UTC_TIME = pl.Datetime("us", "UTC")
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

STAYS = pl.List(
    pl.Struct(
        {
            "id": pl.String,
            "name": pl.String,
            "begin": UTC_TIME,
            "until": UTC_TIME,
            "seconds": pl.Int32,
            "share": pl.Float64,
            "moved": pl.Boolean,
            "tags": pl.List(pl.String),
        }
    )
)


class Visits(pandera.DataFrameModel):
    """One row per visitor, with every stay in a room."""

    meeting: str = pandera.Field(description="The meeting's id")
    visitor: str = pandera.Field(description="Who came")
    note: str = pandera.Field(nullable=True, description="Anything")
    stays: STAYS = pandera.Field(nullable=True, description="Stays in rooms, times in UTC")  # type: ignore[valid-type]
    document_id: str = pandera.Field(description="The archived document it comes from")

    @pandera.dataframe_check(error="stay_ends_before_it_begins")
    def _stays_end_after_beginning(cls, data: Any) -> Any:  # noqa: N805 - pandera makes it a class method
        begin, until = (pl.element().struct.field(name) for name in ("begin", "until"))
        in_order = pl.col("stays").list.eval((until >= begin).fill_null(True)).list.all().fill_null(True)
        return data.lazyframe.select(in_order)

    class Config:
        strict = True


class Stay(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    begin: datetime | None = None
    until: datetime | None = None
    seconds: int | None = None
    share: float | None = None
    moved: bool | None = None
    tags: list[str] | None = None


class Visit(msgspec.Struct, forbid_unknown_fields=True):
    visitor: str
    note: str | None = None
    stays: list[Stay] | None = None


VISITS = Table("acme", "visits", Visits, ("meeting", "visitor"))


def stay(**changed: object) -> dict[str, object]:
    """Half an hour from nine o'clock on; None leaves a field out."""
    row: dict[str, object] = {
        "id": "s1",
        "name": "Foyer",
        "begin": "2026-03-02T09:00:00Z",
        "until": "2026-03-02T09:30:00Z",
        "seconds": 1800,
        "share": 0.5,
        "moved": False,
        "tags": ["a", "b"],
    }
    return {name: value for name, value in (row | changed).items() if value is not None}


def visit(visitor: str, *stays: dict[str, object], **more: object) -> dict[str, object]:
    return {"visitor": visitor, "stays": list(stays), **more}


def page(*rows: object, name: str = "d1", meeting: str = "stand-up") -> Document:
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
        body=json.dumps({"visits": rows}).encode(),
    )


def shape(*documents: Document, days: Sequence[date] = (MONDAY,)) -> dict[date, Shaped]:
    """What a vendor does with its documents; those whose name begins with `t` are about Tuesday."""
    reader, columns = RowReader(Visit, "visits"), Columns(VISITS, Visit)
    held = {one.document_id: one for one in documents}
    for one in documents:
        ended = TUESDAY if one.document_id.startswith("t") else MONDAY
        rows, positions, unread, _ = reader.rows(one)
        for row in rows:
            if row.stays is not None:
                row.stays = [msgspec.structs.asdict(found) for found in row.stays]  # type: ignore[misc]
        columns.add(ended, one.document_id, rows, positions, {"meeting": one.subject, "document_id": one.document_id})
        columns.broken += [
            Broken(ended, bad.rule, one.subject, one.document_id, bad.position, bad.row) for bad in unread
        ]
    return partitions(columns, days, lambda name, position: reader.raw(held[name])[position], "meeting")


def shaped(*documents: Document) -> Shaped:
    return shape(*documents)[MONDAY]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def replace(lake: Lake, of_days: dict[date, Shaped]) -> None:
    for day, one in of_days.items():
        lake.replace("acme", "visits", day, one.rows, one.quarantined)


def loaded(lake: Lake, *tables: Table) -> Loaded:
    """What a load did to the visits."""
    return load(lake, lake.root.parent / "build.duckdb", tables or [VISITS])["acme_visits"]


def query(lake: Lake, text: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(lake.root.parent / "build.duckdb"), read_only=True) as connection:
        return connection.execute(text).fetchall()


def test_the_arrow_schema_has_ordinary_types_at_every_depth() -> None:
    column = VISITS.schema.field("stays")

    assert pa.types.is_list(column.type)
    assert {entry.name: str(entry.type) for entry in column.type.value_type} == {
        "id": "string",
        "name": "string",
        "begin": "timestamp[us, tz=UTC]",
        "until": "timestamp[us, tz=UTC]",
        "seconds": "int32",
        "share": "double",
        "moved": "bool",
        "tags": "list<item: string>",
    }
    assert (column.nullable, column.metadata) == (True, {b"description": b"Stays in rooms, times in UTC"})


def test_nested_rows_are_kept_with_their_instants_in_utc() -> None:
    found = shaped(
        page(
            visit(
                "ana",
                stay(begin="2026-03-02T14:30:00+05:30", until="2026-03-02T04:30:00.25-05:00"),
                stay(id="s2", begin="2026-03-02T00:00:00+14:00", until="2026-03-02 09:00:00Z"),
                stay(id=None, name=None, begin=None, until=None, seconds=None, share=None, moved=None, tags=None),
            ),
            visit("ben"),
            {"visitor": "cem"},
        )
    )

    assert found.quarantined.num_rows == 0
    ana, ben, cem = found.rows.to_pylist()
    assert [(one["begin"], one["until"]) for one in ana["stays"]] == [
        (NINE, NINE + timedelta(minutes=30, milliseconds=250)),
        (datetime(2026, 3, 1, 10, 0, tzinfo=UTC), NINE),
        (None, None),
    ]
    assert ana["stays"][0] | {"begin": None, "until": None} == {
        "id": "s1",
        "name": "Foyer",
        "begin": None,
        "until": None,
        "seconds": 1800,
        "share": 0.5,
        "moved": False,
        "tags": ["a", "b"],
    }
    assert set(ana["stays"][2].values()) == {None}
    # nobody stayed, and nobody said whether somebody did
    assert (ben["stays"], cem["stays"]) == ([], None)
    assert found.rows.schema.equals(VISITS.schema, check_metadata=True)


def test_a_row_that_comes_again_with_the_same_nested_rows_is_held_once() -> None:
    """The same instant in another offset is the same word."""
    found = shaped(
        page(visit("ana", stay(), stay(id="s2")), visit("ben", stay())),
        page(visit("ana", stay(begin="2026-03-02T10:00:00+01:00"), stay(id="s2")), visit("ben", stay()), name="d2"),
        page(visit("cem"), {"visitor": "deb"}, visit("cem"), {"visitor": "deb"}, name="d3"),
    )

    assert [(row["visitor"], row["document_id"]) for row in found.rows.to_pylist()] == [
        ("ana", "d1"),
        ("ben", "d1"),
        ("cem", "d3"),
        ("deb", "d3"),
    ]
    assert found.repeated == {"stand-up": 4}
    assert found.quarantined.num_rows == 0


@pytest.mark.parametrize(
    "other",
    [
        visit("ana", stay(), stay(id="s2", seconds=1)),
        visit("ana", stay(), stay(id="s2", tags=["a"])),
        visit("ana", stay(), stay(id="s2", tags=None)),
        visit("ana", stay(), stay(id="s2", until=None)),
        visit("ana", stay(id="s2"), stay()),
        visit("ana", stay()),
        visit("ana"),
        {"visitor": "ana"},
    ],
)
def test_a_row_that_differs_in_a_nested_row_only_contradicts_the_first(other: dict[str, object]) -> None:
    found = shaped(page(visit("ana", stay(), stay(id="s2"))), page(visit("ben", stay()), other, name="d2"))

    assert [(row["visitor"], len(row["stays"])) for row in found.rows.to_pylist()] == [("ana", 2), ("ben", 1)]
    assert found.quarantined.to_pylist() == [
        {
            "rule": "conflicting_duplicate",
            "subject": "stand-up",
            "document_id": "d2",
            "position": 1,
            "row": json.dumps(other).encode(),
            "waived": None,
        }
    ]


@pytest.mark.parametrize(
    ("stays", "rule"),
    [
        ([stay(), stay(until="2026-03-02T08:59:59Z")], "stay_ends_before_it_begins"),
        ([stay(until="2026-03-02T10:59:59+02:00")], "stay_ends_before_it_begins"),
        ([stay(begin="soon")], "wrong_type.stays"),
        ([stay(seconds="1800")], "wrong_type.stays"),
        ([stay(tags=[1])], "wrong_type.stays"),
        ([7], "wrong_type.stays"),
        ({"id": "s1"}, "wrong_type.stays"),
    ],
)
def test_a_broken_nested_row_breaks_the_row_that_holds_it_and_no_other(stays: Any, rule: str) -> None:
    broken = {"visitor": "ben", "stays": stays}

    found = shaped(page(visit("ana", stay()), broken, visit("cem"), {"visitor": "deb"}))

    assert [row["visitor"] for row in found.rows.to_pylist()] == ["ana", "cem", "deb"]
    assert [(row["rule"], row["position"], row["row"]) for row in found.quarantined.to_pylist()] == [
        (rule, 1, json.dumps(broken).encode())
    ]


NESTED = st.one_of(
    st.none(),
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "id": st.sampled_from(["s1", "s2"]),
                "begin": st.sampled_from(["2026-03-02T09:00:00Z", "2026-03-02T10:00:00+01:00"]),
                "until": st.sampled_from(["2026-03-02T08:00:00Z", "2026-03-02T09:30:00Z"]),
                "tags": st.lists(st.sampled_from("ab"), max_size=2),
            },
        ),
        max_size=3,
    ),
)


BACKWARDS = {"id": "s1", "begin": "2026-03-02T09:00:00Z", "until": "2026-03-02T08:00:00Z"}


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(["ana", "ben", "cem"]), NESTED), max_size=12),
    seed=st.integers(0, 3),
)
# two broken rows whose nested values differ in what they lack
@example(rows=[("ana", [BACKWARDS]), ("ben", [BACKWARDS | {"tags": []}])], seed=0)
def test_every_row_is_held_quarantined_or_a_repetition_in_whatever_order_pages_come(
    rows: list[tuple[str, Any]], seed: int
) -> None:
    documents = [
        page(*({"visitor": visitor, "stays": stays} for visitor, stays in rows[at : at + 3]), name=f"d{at:02}")
        for at in range(0, len(rows), 3)
    ]
    found = shaped(*documents)
    random.Random(seed).shuffle(documents)  # noqa: S311 - not a secret

    assert found.rows.num_rows + found.quarantined.num_rows + found.duplicates == len(rows)
    again = shaped(*documents)
    assert again.rows.equals(found.rows)
    assert again.quarantined.equals(found.quarantined)
    assert again.repeated == found.repeated


def test_a_partition_with_nested_rows_is_read_back_as_it_was_and_stays_when_nothing_changes(lake: Lake) -> None:
    of_days = shape(page(visit("ana", stay(), stay(id="s2")), visit("ben"), {"visitor": "cem"}))
    replace(lake, of_days)
    file = lake.file("acme", "visits", MONDAY)
    before = file.stat().st_ino, file.read_bytes()

    replace(lake, shape(page(visit("ana", stay(), stay(id="s2")), visit("ben"), {"visitor": "cem"})))

    assert (file.stat().st_ino, file.read_bytes()) == before
    assert lake.read("acme", "visits", MONDAY) == of_days[MONDAY].rows
    written = pq.ParquetFile(file).schema_arrow
    assert written == VISITS.schema
    assert [entry.metadata for entry in written] == [entry.metadata for entry in VISITS.schema]
    assert written.metadata == VISITS.schema.metadata


def test_nested_rows_load_as_a_list_of_structs_with_plain_timestamps_in_utc(lake: Lake) -> None:
    replace(
        lake,
        shape(
            page(visit("ana", stay(begin="2026-03-02T14:30:00+05:30"), stay(id="s2", until=None)), visit("ben")),
            page({"visitor": "cem"}, name="t1"),
            days=(MONDAY, TUESDAY),
        ),
    )

    assert loaded(lake).rows == 3

    types = dict(
        query(lake, "select column_name, data_type from information_schema.columns where table_schema='raw'")
    )
    assert "WITH TIME ZONE" not in types["stays"].upper()
    nine = NINE.replace(tzinfo=None)
    assert query(
        lake,
        "select ended_date, visitor, stay.id, stay.name, stay.begin, stay.until, typeof(stay.begin), stay.seconds, "
        "stay.share, stay.moved, stay.tags from (select *, unnest(stays) as stay from raw.acme_visits) order by all",
    ) == [
        (MONDAY, "ana", "s1", "Foyer", nine, nine + timedelta(minutes=30), "TIMESTAMP", 1800, 0.5, False, ["a", "b"]),
        (MONDAY, "ana", "s2", "Foyer", nine, None, "TIMESTAMP", 1800, 0.5, False, ["a", "b"]),
    ]
    assert query(lake, "select visitor, len(stays) from raw.acme_visits order by all") == [
        ("ana", 2),
        ("ben", 0),
        ("cem", None),
    ]


def test_a_second_load_loads_nothing_and_a_third_only_what_changed(lake: Lake) -> None:
    """Also where DuckDB writes a nested column's name in quotes (`name`)."""
    monday, tuesday = page(visit("ana", stay())), page(visit("ben", stay()), name="t1")
    replace(lake, shape(monday, tuesday, days=(MONDAY, TUESDAY)))

    assert [partition.ended_date for partition in loaded(lake).partitions] == [MONDAY, TUESDAY]
    again = loaded(lake)
    assert (again.rows, again.partitions) == (2, [])

    time.sleep(0.01)
    replace(lake, shape(page(visit("ben", stay(), stay(id="s2")), name="t1"), days=(TUESDAY,)))
    third = loaded(lake)
    assert ([partition.ended_date for partition in third.partitions], third.rows) == ([TUESDAY], 2)
    assert query(lake, "select visitor, len(stays) from raw.acme_visits order by all") == [("ana", 1), ("ben", 2)]


def test_a_nested_column_that_a_new_version_adds_loads_everything_again(lake: Lake) -> None:
    replace(lake, shape(page(visit("ana", stay()))))
    assert len(loaded(lake).partitions) == 1

    class More(Visits):
        """One row per visitor."""

        stays: pl.List(pl.Struct({"id": pl.String, "floor": pl.Int64})) = pandera.Field(  # type: ignore[valid-type]
            nullable=True, description="Stays"
        )

    more = Table("acme", "visits", More, VISITS.key)
    rows = pa.Table.from_pylist(
        [{"meeting": "a", "visitor": "ana", "stays": [{"id": "s1", "floor": 2}], "document_id": "d1"}], more.schema
    )
    time.sleep(0.01)
    lake.replace("acme", "visits", MONDAY, rows, shaped().quarantined)
    replace(lake, {})

    assert len(loaded(lake, more).partitions) == 1
    assert query(lake, "select stays from raw.acme_visits") == [([{"id": "s1", "floor": 2}],)]
    assert loaded(lake, more).partitions == []


@pytest.mark.parametrize("name", ["end", "Tags", "a name"])
def test_nested_columns_may_have_any_name(lake: Lake, name: str) -> None:
    kind = pl.List(pl.Struct({name: pl.String}))

    class Odd(pandera.DataFrameModel):
        """One row per visitor."""

        visitor: str = pandera.Field(description="Who came")
        stays: kind = pandera.Field(nullable=True, description="Stays")  # type: ignore[valid-type]

    odd = Table("acme", "visits", Odd, ("visitor",))
    rows = pa.Table.from_pylist([{"visitor": "ana", "stays": [{name: "x"}]}], odd.schema)
    lake.replace("acme", "visits", MONDAY, rows, shaped().quarantined)

    assert len(loaded(lake, odd).partitions) == 1
    assert loaded(lake, odd).partitions == []
