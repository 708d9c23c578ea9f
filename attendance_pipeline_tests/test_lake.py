import os
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attendance_pipeline.errors import StorageError
from attendance_pipeline.lake import QUARANTINE, SCHEMA_VERSION, Lake

DAY = date(2026, 3, 15)
JOINED = datetime(2026, 3, 15, 9, 0, 0, 1, tzinfo=UTC)

SCHEMA = pa.schema(
    [
        pa.field("meeting_uuid", pa.string(), nullable=False, metadata={"description": "Zoom's id of the meeting"}),
        pa.field("name", pa.string()),
        pa.field("join_time", pa.timestamp("us", tz="UTC")),
        pa.field("duration", pa.int64()),
    ],
    metadata={"attendance_schema_version": SCHEMA_VERSION},
)


def rows(*names: str | None, duration: int = 60) -> pa.Table:
    found = [{"meeting_uuid": "/a==", "name": name, "join_time": JOINED, "duration": duration} for name in names]
    return pa.Table.from_pylist(found, SCHEMA)


def quarantined(*rules: str) -> pa.Table:
    found = [
        {"rule": rule, "subject": "/a==", "document_id": "d-1", "position": place, "row": b'{"name": "\xff"}'}
        for place, rule in enumerate(rules)
    ]
    return pa.Table.from_pylist(found, QUARANTINE)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def replace(lake: Lake, table: pa.Table, *rules: str, day: date = DAY) -> Path:
    lake.replace("zoom", "participants", day, table, quarantined(*rules))
    return lake.file("zoom", "participants", day)


def identity(file: Path) -> tuple[int, int, bytes]:
    found = file.stat()
    return found.st_ino, found.st_mtime_ns, file.read_bytes()


def test_a_partition_lies_where_the_contract_says(lake: Lake) -> None:
    replace(lake, rows("ana"), "leaves_before_joining")

    assert sorted(str(file.relative_to(lake.root)) for file in lake.root.rglob("*") if file.is_file()) == [
        "quarantine/zoom/participants/ended_date=2026-03-15/data.parquet",
        "tables/zoom/participants/ended_date=2026-03-15/data.parquet",
    ]


def test_a_partition_is_parquet_that_carries_its_schema_and_is_packed(lake: Lake) -> None:
    file = replace(lake, rows("ana", None))

    written = pq.ParquetFile(file)
    assert written.schema_arrow.equals(SCHEMA, check_metadata=True)
    assert written.schema_arrow.metadata == {b"attendance_schema_version": SCHEMA_VERSION.encode()}
    assert written.schema_arrow.field("meeting_uuid").metadata[b"description"] == b"Zoom's id of the meeting"
    assert {written.metadata.row_group(0).column(place).compression for place in range(4)} == {"ZSTD"}
    assert "ended_date" not in written.schema_arrow.names


def test_what_is_replaced_is_read_back(lake: Lake) -> None:
    replace(lake, rows("ana", None, "ben"), "a_rule", "another_rule")

    assert lake.read("zoom", "participants", DAY) == rows("ana", None, "ben")
    assert lake.read_quarantine("zoom", "participants", DAY) == quarantined("a_rule", "another_rule")


def test_replacing_leaves_nothing_of_before(lake: Lake) -> None:
    replace(lake, rows("ana", "ben"))
    file = replace(lake, rows("cleo"))

    assert lake.read("zoom", "participants", DAY) == rows("cleo")
    assert [found.name for found in file.parent.iterdir()] == ["data.parquet"]


def test_a_date_that_nobody_met_on_is_an_empty_partition_and_one_never_landed_is_none(lake: Lake) -> None:
    replace(lake, rows())

    assert lake.read("zoom", "participants", DAY) == rows()
    assert lake.read("zoom", "participants", date(2026, 3, 14)) is None
    assert lake.read_quarantine("zoom", "participants", date(2026, 3, 14)) == quarantined()


def test_the_same_rows_leave_the_files_untouched(lake: Lake) -> None:
    file = replace(lake, rows("ana", "ben"), "a_rule")
    aside = lake.quarantine_file("zoom", "participants", DAY)
    before = identity(file), identity(aside)
    time.sleep(0.01)

    replace(lake, rows("ana", "ben"), "a_rule")

    assert (identity(file), identity(aside)) == before


def test_the_same_rows_are_the_same_bytes_however_they_lie_in_memory(lake: Lake) -> None:
    file = replace(lake, rows("ana", "ben"))
    before = identity(file)

    replace(lake, pa.concat_tables([rows("ana"), rows("ben")]))

    assert identity(file) == before


def test_other_rows_of_the_same_size_are_another_file(lake: Lake) -> None:
    file = replace(lake, rows("ana", duration=60))
    size = file.stat().st_size

    replace(lake, rows("ana", duration=61))

    assert file.stat().st_size == size
    assert lake.read("zoom", "participants", DAY) == rows("ana", duration=61)


def test_a_quarantine_that_has_become_empty_is_gone(lake: Lake) -> None:
    replace(lake, rows("ana"), "a_rule")
    aside = lake.quarantine_file("zoom", "participants", DAY)
    assert aside.exists()

    replace(lake, rows("ana", "ben"))

    assert not aside.exists()
    assert lake.read_quarantine("zoom", "participants", DAY) == quarantined()


def test_only_the_named_partition_is_replaced(lake: Lake) -> None:
    days = [date(2026, 3, 14), DAY, date(2026, 3, 16)]
    files = [replace(lake, rows("ana"), day=day) for day in days]
    lake.replace("zoom", "meetings", DAY, rows("ana"), quarantined())
    lake.replace("webex", "participants", DAY, rows("ana"), quarantined())
    others = [files[0], files[2], lake.file("zoom", "meetings", DAY), lake.file("webex", "participants", DAY)]
    before = [identity(file) for file in others]

    replace(lake, rows("ben"))

    assert [identity(file) for file in others] == before


def test_a_reader_with_the_old_file_open_reads_on(lake: Lake) -> None:
    file = replace(lake, rows("ana"))

    with file.open("rb") as open_file:
        replace(lake, rows("ben"))
        assert pq.read_table(open_file) == rows("ana")


def test_partitions_are_named_oldest_first(lake: Lake) -> None:
    for day in (date(2026, 3, 2), date(2025, 12, 31), date(2026, 3, 10)):
        replace(lake, rows("ana"), day=day)
    lake.replace("zoom", "meetings", DAY, rows("ana"), quarantined())
    (lake.root / "tables" / "zoom" / "participants" / "ended_date=2026-01-01").mkdir()

    found = list(lake.partitions("zoom", "participants"))

    assert [partition.ended_date for partition in found] == [
        date(2025, 12, 31),
        date(2026, 3, 2),
        date(2026, 3, 10),
    ]
    assert {(partition.vendor, partition.table) for partition in found} == {("zoom", "participants")}
    assert [partition.file for partition in found] == [
        lake.file("zoom", "participants", partition.ended_date) for partition in found
    ]
    assert list(lake.partitions("teams", "attendance_reports")) == []


def mark(lake: Lake) -> str:
    (partition,) = lake.partitions("zoom", "participants")
    return partition.mark


def test_a_mark_changes_when_the_content_does(lake: Lake) -> None:
    marks = []
    for duration in range(20):
        replace(lake, rows("ana", duration=duration))
        marks.append(mark(lake))
        time.sleep(0.005)

    assert len(set(marks)) == 20


def test_a_mark_stays_when_the_content_does(lake: Lake) -> None:
    replace(lake, rows("ana"))
    before = mark(lake)
    time.sleep(0.01)

    replace(lake, rows("ana"), "a_rule")
    lake.read("zoom", "participants", DAY)

    assert mark(lake) == before


def test_a_mark_tells_contents_apart_on_a_file_system_with_a_coarse_clock(lake: Lake) -> None:
    """Kernels before 6.13 stamp files to some milliseconds, network file systems to a second or two."""
    stamp = 1_773_655_200 * 10**9
    file = replace(lake, rows("ana", duration=60))
    os.utime(file, ns=(stamp, stamp))
    before = mark(lake)

    replace(lake, rows("ana", duration=61))
    os.utime(file, ns=(stamp, stamp))

    assert mark(lake) != before


SPOILED = {
    "no bytes": lambda content: b"",
    "other bytes": lambda content: b"this is not Parquet" * 20,
    "half the bytes": lambda content: content[: len(content) // 2],
    "zeros within": lambda content: content[:50] + bytes(len(content) - 100) + content[-50:],
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_a_spoiled_file_is_a_storage_error_that_names_it_its_date_and_the_way_out(lake: Lake, spoil: Any) -> None:
    file = replace(lake, rows(*["ana", "ben"] * 50), "a_rule")
    aside = lake.quarantine_file("zoom", "participants", DAY)
    for found in (file, aside):
        found.write_bytes(spoil(found.read_bytes()))
    way_out = "delete it and run 2026-03-15 again: the archive rebuilds it$"

    with pytest.raises(StorageError, match=rf"^can't read {file}: not a readable Parquet file; {way_out}"):
        lake.read("zoom", "participants", DAY)
    with pytest.raises(StorageError, match=rf"^can't read {aside}: not a readable Parquet file; {way_out}"):
        lake.read_quarantine("zoom", "participants", DAY)


def test_a_spoiled_file_is_replaced_like_any_other(lake: Lake) -> None:
    file = replace(lake, rows("ana"))
    file.write_bytes(b"spoiled")

    replace(lake, rows("ana"))

    assert lake.read("zoom", "participants", DAY) == rows("ana")


def test_a_folder_where_the_file_should_be_is_a_storage_error(lake: Lake) -> None:
    lake.file("zoom", "participants", DAY).mkdir(parents=True)

    with pytest.raises(StorageError, match=str(lake.file("zoom", "participants", DAY))):
        replace(lake, rows("ana"))


@pytest.mark.parametrize("where", ["", "tables", "quarantine", "tables/zoom/participants", "quarantine/zoom"])
@pytest.mark.parametrize("rules", [[], ["a_rule"]], ids=["nothing quarantined", "something quarantined"])
def test_a_file_where_a_folder_should_be_is_a_storage_error(lake: Lake, where: str, rules: list[str]) -> None:
    blocked = lake.root / where
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("a file stands here")

    with pytest.raises(StorageError, match=str(blocked)):
        replace(lake, rows("ana"), *rules)

    assert blocked.read_text() == "a file stands here"


def test_duckdb_reads_the_partitions_with_their_date(lake: Lake) -> None:
    replace(lake, rows("ana", None), day=date(2026, 3, 14))
    replace(lake, rows("ben"))
    replace(lake, rows(), day=date(2026, 3, 16))
    pattern = str(lake.root / "tables" / "zoom" / "participants" / "*" / "data.parquet")

    with duckdb.connect() as connection:
        found = connection.execute(
            "select ended_date, name, join_time at time zone 'UTC', duration"
            " from read_parquet(?, hive_partitioning = true) order by ended_date, name nulls last",
            [pattern],
        ).fetchall()

    joined = JOINED.replace(tzinfo=None)
    assert found == [
        (date(2026, 3, 14), "ana", joined, 60),
        (date(2026, 3, 14), None, joined, 60),
        (date(2026, 3, 15), "ben", joined, 60),
    ]


def test_the_head_of_a_partition_is_its_first_rows(lake: Lake) -> None:
    replace(lake, rows("ana", None, "ben"))
    replace(lake, rows(), day=date(2026, 3, 16))

    assert lake.head("zoom", "participants", DAY, 2) == rows("ana", None)
    assert lake.head("zoom", "participants", date(2026, 3, 16), 2) == rows()
    assert lake.head("zoom", "participants", date(2026, 3, 17), 2) is None
