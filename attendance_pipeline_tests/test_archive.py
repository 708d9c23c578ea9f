import random
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from attendance_pipeline.archive import SCHEMA, Archive, Document, new_id
from attendance_pipeline.errors import StorageError

NOW = datetime(2026, 3, 16, 15, 0, 0, 123456, tzinfo=UTC)
ENDED = date(2026, 3, 15)
ANY_BYTES = bytes(range(256)) * 3


def attendance(document_id: str, **changes: Any) -> Document:
    fields: dict[str, Any] = {
        "document_id": document_id,
        "kind": "participants",
        "subject": "/aB+c//d==",
        "reading": f"reading of {document_id}",
        "page": 1,
        "last": True,
        "request": "/report/meetings/%252FaB/participants?page_size=300",
        "status": 200,
        "fetched_at": NOW,
        "body": b'{"participants": []}',
    }
    return Document(**fields | changes)


def listing(document_id: str, first: date, last: date, **changes: Any) -> Document:
    fields = {"kind": "history_meetings", "subject": "", "window_first": first, "window_last": last}
    return attendance(document_id, **fields | changes)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def archive(lake: Path) -> Archive:
    return Archive(lake, "zoom")


@pytest.fixture
def journal(lake: Path) -> Path:
    return lake / "archive" / "zoom" / "journal"


def file_of(lake: Path, ended: date = ENDED) -> Path:
    return lake / "archive" / "zoom" / "attendance" / f"ended_date={ended}" / "documents.parquet"


def keep(archive: Archive, *documents: Document, ended: date = ENDED) -> None:
    """As a pull does it: journal, then fold."""
    with archive.journal() as journal:
        for document in documents:
            journal.keep_attendance(ended, document)
    archive.fold()


def keep_listings(archive: Archive, *documents: Document) -> None:
    with archive.journal() as journal:
        for document in documents:
            journal.keep_listing(document)
    archive.fold()


def ids(documents: Iterator[Document]) -> list[str]:
    return [document.document_id for document in documents]


def test_what_is_kept_is_read_back_field_by_field_and_byte_by_byte(archive: Archive) -> None:
    documents = [
        attendance("a", body=ANY_BYTES, page=7, last=False, next_token="+/==", subject="aná \U0001f600"),
        attendance("b", body=b"", status=404, outcome="gone", reason="3001"),
        attendance(
            "c", window_first=date(2026, 2, 28), window_last=ENDED, fetched_at=NOW + timedelta(microseconds=1)
        ),
        attendance("d", body=b'{"name": "\xe1"}\r\n\xff\x00'),
    ]

    keep(archive, *documents)

    assert list(archive.documents(ENDED)) == documents


def test_listings_and_attendance_lie_where_the_archive_says(archive: Archive, lake: Path) -> None:
    with archive.journal() as journal:
        journal.keep_listing(listing("a", ENDED, ENDED, fetched_at=NOW))
        journal.keep_attendance(ENDED, attendance("b"))
        journal.keep_attendance(ENDED + timedelta(days=1), attendance("c"))
    archive.fold()

    files = sorted(str(file.relative_to(lake)) for file in lake.rglob("*") if file.is_file())
    assert files == [
        "archive/zoom/attendance/ended_date=2026-03-15/documents.parquet",
        "archive/zoom/attendance/ended_date=2026-03-16/documents.parquet",
        "archive/zoom/listings/asked_date=2026-03-16/documents.parquet",
    ]
    written = pq.ParquetFile(lake / files[0])
    assert written.schema_arrow.equals(SCHEMA)
    assert written.metadata.row_group(0).column(0).compression == "ZSTD"


def test_vendors_archives_are_apart(lake: Path) -> None:
    keep(Archive(lake, "zoom"), attendance("a"))
    keep(Archive(lake, "webex"), attendance("b"))

    assert ids(Archive(lake, "zoom").documents(ENDED)) == ["a"]
    assert ids(Archive(lake, "webex").documents(ENDED)) == ["b"]


def test_an_empty_archive_holds_nothing_and_has_nothing_to_fold(archive: Archive, lake: Path) -> None:
    archive.fold()

    assert archive.heads(ENDED) == []
    assert list(archive.documents(ENDED)) == []
    assert list(archive.listed(ENDED, ENDED, ["history_meetings"])) == []
    assert not lake.exists()


def test_a_journal_without_entries_leaves_nothing(archive: Archive, lake: Path, journal: Path) -> None:
    keep(archive)

    assert not journal.exists()
    assert list(archive.documents(ENDED)) == []


def test_heads_tell_everything_but_the_body(archive: Archive) -> None:
    document = attendance("a", outcome="not_ready", reason="3001", body=ANY_BYTES)

    keep(archive, document, attendance("b"))

    told = asdict(document)
    del told["body"]
    assert archive.heads(ENDED)[0] == told
    assert [head["document_id"] for head in archive.heads(ENDED)] == ["a", "b"]
    assert archive.heads(ENDED - timedelta(days=1)) == []


def test_documents_come_oldest_first_over_many_folds(archive: Archive) -> None:
    keep(archive, attendance("z"), attendance("y"))
    keep(archive, attendance("b"), attendance("a"))
    keep(archive, attendance("m"), ended=ENDED + timedelta(days=1))
    keep(archive, attendance("c"))

    assert ids(archive.documents(ENDED)) == ["z", "y", "b", "a", "c"]
    assert [head["document_id"] for head in archive.heads(ENDED)] == ["z", "y", "b", "a", "c"]


def test_more_documents_than_a_row_group_holds_are_all_kept_in_order(
    archive: Archive, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.archive._ROW_GROUP", 100_000)
    names = [f"{number:05}" for number in range(2_500)]

    keep(archive, *(attendance(name, body=name.encode()) for name in names))
    keep(archive, attendance("last"))

    assert ids(archive.documents(ENDED)) == [*names, "last"]
    assert all(document.body == document.document_id.encode() for document in list(archive.documents(ENDED))[:-1])
    assert pq.ParquetFile(file_of(lake)).num_row_groups > 2


def test_small_folds_end_in_one_row_group(archive: Archive, lake: Path) -> None:
    names = [f"{number:02}" for number in range(5)]

    for name in names:
        keep(archive, attendance(name))

    assert ids(archive.documents(ENDED)) == names
    assert pq.ParquetFile(file_of(lake)).num_row_groups == 1


def test_what_a_killed_run_journaled_is_folded_by_the_next(archive: Archive, lake: Path) -> None:
    killed = archive.journal()
    killed.__enter__()
    killed.keep_attendance(ENDED, attendance("a"))
    killed.keep_attendance(ENDED, attendance("b"))
    assert not file_of(lake).exists()

    next_run = Archive(lake, "zoom")
    next_run.fold()

    assert ids(next_run.documents(ENDED)) == ["a", "b"]
    killed.__exit__(None, None, None)


def test_a_journal_is_continued_where_another_run_left_it(archive: Archive) -> None:
    for name in ("a", "b", "c"):
        with archive.journal() as journal:
            journal.keep_attendance(ENDED, attendance(name))
    archive.fold()

    assert ids(archive.documents(ENDED)) == ["a", "b", "c"]


def journaled(archive: Archive, journal: Path, *names: str) -> list[int]:
    """Keep these, without folding; where each entry begins, and where the last one ends."""
    ends = [0]
    with archive.journal() as open_journal:
        for name in names:
            open_journal.keep_attendance(ENDED, attendance(name))
            ends.append(journal.stat().st_size)
    return ends


def test_a_torn_last_entry_costs_only_itself_wherever_it_is_torn(archive: Archive, lake: Path, journal: Path) -> None:
    *_, begins, ends = journaled(archive, journal, "a", "b", "c")
    whole = journal.read_bytes()

    for end in range(begins, ends):
        shutil.rmtree(lake)
        journal.parent.mkdir(parents=True)
        journal.write_bytes(whole[:end])
        archive.fold()

        assert ids(archive.documents(ENDED)) == ["a", "b"], f"torn at byte {end - begins}"
        assert not journal.exists()


def test_a_spoiled_byte_is_told_or_ends_the_journal_there_and_nothing_false_is_kept(
    archive: Archive, lake: Path, journal: Path
) -> None:
    """A spoiled length can make an entry look like one that a kill tore off; every other fault is told."""
    _, begins, ends, _ = journaled(archive, journal, "a", "b", "c")
    whole, told = journal.read_bytes(), 0

    for place in range(begins, ends):
        shutil.rmtree(lake)
        journal.parent.mkdir(parents=True)
        journal.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        said = ""
        try:
            archive.fold()
        except StorageError as error:
            said = str(error)
        told += bool(said)
        held = list(archive.documents(ENDED))
        if said:
            assert (f"{journal} is damaged" in said, journal.exists(), held) == (True, True, [])
        else:
            assert held == [attendance("a")], f"spoiled byte {place - begins}"
    assert told >= ends - begins - 4


@pytest.mark.parametrize(
    "tail",
    [b"\0" * 8, b"\0" * 4096, b"\0" * 5, b"\xff" * 100, b"\x01"],
    ids=["8 zeros", "a page of zeros", "5 zeros", "ones", "a byte"],
)
def test_what_a_power_cut_leaves_behind_the_last_entry_costs_nothing(
    archive: Archive, journal: Path, tail: bytes
) -> None:
    """File systems that grow a file before its data reaches the disk leave zeros there."""
    journaled(archive, journal, "a")
    with journal.open("ab") as file:
        file.write(tail)

    archive.fold()

    assert ids(archive.documents(ENDED)) == ["a"]
    assert not journal.exists()


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What a full disk does: a write stops in the middle of a record, and the next one fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_kept_after_a_write_that_failed_half_way_survives_too(archive: Archive, journal: Path) -> None:
    with archive.journal() as open_journal:
        open_journal.keep_attendance(ENDED, attendance("a"))
        with files_no_larger_than(journal.stat().st_size + 50), pytest.raises(StorageError, match="journal"):
            open_journal.keep_attendance(ENDED, attendance("torn", body=b"x" * 10_000))
        open_journal.keep_attendance(ENDED, attendance("b"))
    archive.fold()

    assert ids(archive.documents(ENDED)) == ["a", "b"]


def test_a_journal_that_was_torn_and_not_folded_is_continued_without_loss(archive: Archive, journal: Path) -> None:
    *_, ends = journaled(archive, journal, "a", "b")
    with journal.open("r+b") as file:
        file.truncate(ends - 5)

    journaled(archive, journal, "c")
    archive.fold()

    assert ids(archive.documents(ENDED)) == ["a", "c"]


def test_a_full_disk_is_a_storage_error_that_names_the_journal(archive: Archive, journal: Path) -> None:
    journal.parent.mkdir(parents=True)
    journal.symlink_to("/dev/full")

    with (
        archive.journal() as open_journal,
        pytest.raises(StorageError, match=rf"can't write {journal}: the disk is full; free some space"),
    ):
        open_journal.keep_attendance(ENDED, attendance("a"))


def test_a_journal_that_cannot_be_opened_is_a_storage_error(archive: Archive, journal: Path) -> None:
    journal.mkdir(parents=True)

    with pytest.raises(StorageError, match=f"can't write {journal}"), archive.journal():
        pytest.fail("a folder stands there")


def test_folding_the_same_journal_again_doubles_nothing(archive: Archive, journal: Path, tmp_path: Path) -> None:
    journaled(archive, journal, "a", "b")
    copy = shutil.copy(journal, tmp_path / "copy")
    archive.fold()
    keep(archive, attendance("c"))

    for _ in range(2):
        shutil.copy(copy, journal)
        archive.fold()

    assert ids(archive.documents(ENDED)) == ["a", "b", "c"]


def test_a_fold_that_was_stopped_after_some_folders_is_finished_by_the_next(
    archive: Archive, lake: Path, journal: Path, tmp_path: Path
) -> None:
    later = ENDED + timedelta(days=1)
    with archive.journal() as open_journal:
        open_journal.keep_attendance(ENDED, attendance("a"))
        open_journal.keep_attendance(later, attendance("b"))
        open_journal.keep_listing(listing("c", ENDED, later))
        open_journal.keep_attendance(ENDED, attendance("d"))
    copy = shutil.copy(journal, tmp_path / "copy")
    archive.fold()
    shutil.copy(copy, journal)
    file_of(lake, later).unlink()

    archive.fold()

    assert ids(archive.documents(ENDED)) == ["a", "d"]
    assert ids(archive.documents(later)) == ["b"]
    assert ids(archive.listed(ENDED, later, ["history_meetings"])) == ["c"]
    assert not journal.exists()


def test_a_document_that_is_journaled_twice_is_kept_once(archive: Archive) -> None:
    keep(archive, attendance("a"), attendance("a"), attendance("b"), attendance("a"))

    assert ids(archive.documents(ENDED)) == ["a", "b"]


def test_ids_differ_among_documents() -> None:
    assert len({new_id() for _ in range(1_000)}) == 1_000


def test_a_fold_that_cannot_write_leaves_the_journal_and_the_old_file(
    archive: Archive, lake: Path, journal: Path
) -> None:
    keep(archive, attendance("a"))
    journaled(archive, journal, "b")
    before = journal.read_bytes()

    with files_no_larger_than(file_of(lake).stat().st_size // 2), pytest.raises(StorageError, match="can't write"):
        archive.fold()

    assert journal.read_bytes() == before
    assert ids(archive.documents(ENDED)) == ["a"]
    assert [file.name for file in file_of(lake).parent.iterdir()] == ["documents.parquet"]
    archive.fold()
    assert ids(archive.documents(ENDED)) == ["a", "b"]


SPOILED = {
    "no bytes": lambda content: b"",
    "other bytes": lambda content: b"this is not Parquet" * 20,
    "half the bytes": lambda content: content[: len(content) // 2],
    "no footer": lambda content: content[:-8],
    "zeros within": lambda content: content[:50] + bytes(len(content) - 100) + content[-50:],
    "zeros in the data": lambda content: content[:4] + bytes(600) + content[604:],
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_a_spoiled_file_is_a_storage_error_that_names_it_and_the_way_out(
    archive: Archive, lake: Path, spoil: Any
) -> None:
    keep(archive, *(attendance(f"{number:03}", body=ANY_BYTES) for number in range(50)))
    file = file_of(lake)
    file.write_bytes(spoil(file.read_bytes()))
    told = rf"can't read {file}: .*; move it aside and run these dates again while the vendor still has them"

    with pytest.raises(StorageError, match=told):
        list(archive.documents(ENDED))
    with pytest.raises(StorageError, match=told):
        archive.heads(ENDED)


def test_a_flipped_bit_is_told_and_never_read_as_the_vendors_word(archive: Archive, lake: Path) -> None:
    incompressible = random.Random(1).randbytes(100_000)  # noqa: S311 - not a secret
    keep(archive, attendance("a", body=incompressible))
    whole = file_of(lake).read_bytes()

    for place in range(20_000, 90_000, 2_500):
        file_of(lake).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(StorageError, match=f"can't read {file_of(lake)}"):
            list(archive.documents(ENDED))


def test_a_fold_into_a_spoiled_file_leaves_it_and_the_journal(archive: Archive, lake: Path, journal: Path) -> None:
    keep(archive, attendance("a"))
    file_of(lake).write_bytes(b"spoiled")
    journaled(archive, journal, "b")

    with pytest.raises(StorageError, match=f"can't read {file_of(lake)}"):
        archive.fold()

    assert file_of(lake).read_bytes() == b"spoiled"
    file_of(lake).rename(file_of(lake).with_name("aside"))
    archive.fold()
    assert ids(archive.documents(ENDED)) == ["b"]


def test_a_spoiled_listing_is_a_storage_error_that_names_it(archive: Archive, lake: Path) -> None:
    keep_listings(archive, listing("a", ENDED, ENDED))
    file = lake / "archive" / "zoom" / "listings" / "asked_date=2026-03-16" / "documents.parquet"
    file.write_bytes(b"spoiled")

    with pytest.raises(StorageError, match=f"can't read {file}"):
        list(archive.listed(ENDED, ENDED, ["history_meetings"]))


def test_listings_are_chosen_by_whether_their_window_touches_the_dates(archive: Archive) -> None:
    def day(number: int) -> date:
        return date(2026, 3, number)

    keep_listings(
        archive,
        listing("before", day(1), day(4)),
        listing("touches the first", day(1), day(5)),
        listing("within", day(6), day(6)),
        listing("around", day(1), day(16)),
        listing("touches the last", day(8), day(12)),
        listing("after", day(9), day(12)),
    )

    found = archive.listed(day(5), day(8), ["history_meetings"])
    assert ids(found) == ["touches the first", "within", "around", "touches the last"]


def test_listings_are_chosen_by_kind(archive: Archive) -> None:
    keep_listings(
        archive,
        listing("a", ENDED, ENDED, kind="history_meetings"),
        listing("b", ENDED, ENDED, kind="users"),
        listing("c", ENDED, ENDED, kind="user_meetings"),
    )

    assert ids(archive.listed(ENDED, ENDED, ["user_meetings", "history_meetings"])) == ["a", "c"]
    assert ids(archive.listed(ENDED, ENDED, [])) == []


def test_listings_come_in_the_order_they_were_asked_for(archive: Archive) -> None:
    for name, asked in [("c", NOW + timedelta(days=20)), ("a", NOW), ("b", NOW + timedelta(days=2))]:
        keep_listings(archive, listing(name, ENDED, ENDED, fetched_at=asked))

    assert ids(archive.listed(ENDED, ENDED, ["history_meetings"])) == ["a", "b", "c"]


def test_a_listing_asked_for_before_a_date_is_not_opened_for_it(archive: Archive, lake: Path) -> None:
    keep_listings(archive, listing("early", ENDED, ENDED, fetched_at=NOW - timedelta(days=1)))
    keep_listings(archive, listing("same day", ENDED, date(2026, 3, 16), fetched_at=NOW))
    early = lake / "archive" / "zoom" / "listings" / "asked_date=2026-03-15" / "documents.parquet"
    early.write_bytes(b"nobody reads this")

    assert ids(archive.listed(date(2026, 3, 16), date(2026, 3, 16), ["history_meetings"])) == ["same day"]


def test_listings_of_one_date_are_told_by_the_utc_date_of_asking(archive: Archive, lake: Path) -> None:
    keep_listings(archive, listing("a", ENDED, ENDED, fetched_at=datetime(2026, 3, 16, 23, 59, 59, tzinfo=UTC)))

    assert [folder.name for folder in (lake / "archive" / "zoom" / "listings").iterdir()] == ["asked_date=2026-03-16"]


def keep_lookups(archive: Archive, *documents: Document) -> None:
    with archive.journal() as journal:
        for document in documents:
            journal.keep_lookup(document)
    archive.fold()


def test_lookups_are_kept_for_good_in_one_file_oldest_first(archive: Archive, lake: Path) -> None:
    for name, asked in [("a", NOW), ("b", NOW + timedelta(days=400)), ("c", NOW - timedelta(days=2))]:
        keep_lookups(archive, attendance(name, kind="online_meeting", fetched_at=asked))

    assert ids(archive.lookups()) == ["a", "b", "c"]
    assert [file.relative_to(lake) for file in lake.rglob("*.parquet")] == [
        Path("archive/zoom/lookups/documents.parquet")
    ]


def test_a_lookup_is_read_back_field_by_field_and_byte_by_byte(archive: Archive) -> None:
    asked = attendance("a", kind="online_meeting", outcome="gone", reason="60 days", status=404, body=ANY_BYTES)
    keep_lookups(archive, asked)

    assert list(archive.lookups()) == [asked]


def test_lookups_listings_and_attendance_are_apart(archive: Archive) -> None:
    with archive.journal() as journal:
        journal.keep_lookup(attendance("lookup"))
        journal.keep_listing(listing("listing", ENDED, ENDED))
        journal.keep_attendance(ENDED, attendance("attendance"))
    assert ids(archive.lookups()) == []
    archive.fold()

    assert ids(archive.lookups()) == ["lookup"]
    assert ids(archive.listed(date.min, date.max, ["participants", "history_meetings"])) == ["listing"]
    assert ids(archive.documents(ENDED)) == ["attendance"]


def test_a_lookup_that_is_journaled_or_folded_again_is_kept_once(archive: Archive, journal: Path) -> None:
    with archive.journal() as open_journal:
        open_journal.keep_lookup(attendance("a"))
        open_journal.keep_lookup(attendance("b"))
        open_journal.keep_lookup(attendance("a"))
    before = journal.read_bytes()
    archive.fold()
    journal.write_bytes(before)
    archive.fold()

    assert ids(archive.lookups()) == ["a", "b"]
    assert not journal.exists()


def test_lookups_that_a_killed_run_journaled_are_folded_by_the_next(archive: Archive, journal: Path) -> None:
    keep_lookups(archive, attendance("a"))
    with archive.journal() as open_journal:
        open_journal.keep_lookup(attendance("b"))
        open_journal.keep_lookup(attendance("torn"))
    journal.write_bytes(journal.read_bytes()[:-1])

    archive.fold()

    assert ids(archive.lookups()) == ["a", "b"]


def test_an_archive_without_lookups_has_none(archive: Archive, lake: Path) -> None:
    assert ids(archive.lookups()) == []
    assert not lake.exists()


def test_spoiled_lookups_are_a_storage_error_that_names_them(archive: Archive, lake: Path) -> None:
    keep_lookups(archive, attendance("a"))
    file = lake / "archive" / "zoom" / "lookups" / "documents.parquet"
    file.write_bytes(b"spoiled")

    with pytest.raises(StorageError, match=f"can't read {file}"):
        list(archive.lookups())
