"""Broken rows are kept, counted and found again; a waived one stays and no longer counts; the archive is enough."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attendance_pipeline import rules
from attendance_pipeline.errors import StorageError, UsageError
from attendance_pipeline.lake import QUARANTINE
from attendance_pipeline.quarantine import (
    QuarantinedRow,
    RowId,
    Wanted,
    count_quarantined,
    keep,
    quarantined_rows,
    waiver,
    waivers_in_force,
)
from attendance_pipeline.sandbox.model import Size

from .vendors import teams_account, webex_account, zoom_account
from .vendors.account import FORTNIGHT, SandboxVendorAccount, VendorAccount, settings
from .vendors.teams_account import TeamsAccount
from .vendors.webex_account import WebexAccount
from .vendors.zoom_account import ZoomAccount

DAYS = FORTNIGHT[:2]
TINY = Size(employees=4, meetings_per_weekday=1, median_attendees=2, crowd=3, webinar_audience=2)
NOW = datetime(2026, 3, 20, 8, 0, tzinfo=UTC)
WHY = "the vendor's clock was wrong, ticket 17"

Served = Callable[[Path], AbstractContextManager[SandboxVendorAccount]]
SERVED: dict[str, Served] = {
    "zoom": zoom_account.sandbox_account,
    "webex": lambda folder: webex_account.sandbox_account(folder, size=TINY),
    "teams": lambda folder: teams_account.sandbox_account(folder, size=TINY),
}
OFF = {account.vendor_type.name: account for account in (ZoomAccount, WebexAccount, TeamsAccount)}

only_zoom = pytest.mark.parametrize("landed", ["zoom"], indirect=True)


@pytest.fixture(scope="module", params=SERVED)
def landed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> VendorAccount:
    """Two dates with broken rows of lists and of attendance; the server is gone."""
    name = request.param
    with SERVED[name](tmp_path_factory.mktemp(name)) as account:
        meetings = [m.vendor_meeting_id for m in account.truth(DAYS).meetings if m.kind == "meeting"]
        account.sandbox.misbehave("listed_without_end", name, meeting=meetings[0])
        account.sandbox.misbehave("row_of_another_type", name, meeting=meetings[1])
        account.land(DAYS)
        return account


@pytest.fixture
def account(landed: VendorAccount, tmp_path: Path) -> VendorAccount:
    """A copy, of a vendor that is off."""
    return off(landed, tmp_path / "copy")


def off(account: VendorAccount, folder: Path) -> VendorAccount:
    shutil.copytree(account.settings.data, folder)
    tenant = account.settings.teams_tenant_id
    return OFF[name_of(account)](settings(folder, {"TEAMS_TENANT_ID": tenant} if tenant else {}), account.clock)


def name_of(account: VendorAccount) -> str:
    return account.vendor_type.name


def files(account: VendorAccount) -> dict[str, bytes]:
    """Everything that shaping makes."""
    root = account.lake.root
    return {
        str(file.relative_to(root)): file.read_bytes()
        for area in ("tables", "quarantine")
        for file in (root / area).rglob("*.parquet")
    }


def rows(account: VendorAccount, **wanted: Any) -> list[QuarantinedRow]:
    return list(quarantined_rows(account.lake, Wanted(**wanted), whole=True))


def waive(account: VendorAccount, *given_up: QuarantinedRow, undo: bool = False) -> None:
    keep(account.lake, name_of(account), [waiver(row, WHY, NOW, withdrawn=undo) for row in given_up])


def record(account: VendorAccount) -> Path:
    return account.lake.root / "waivers" / f"{name_of(account)}.jsonl"


def test_what_is_reshaped_without_the_vendor_is_the_same_bytes(account: VendorAccount) -> None:
    before = files(account)
    shutil.rmtree(account.lake.root / "tables")
    shutil.rmtree(account.lake.root / "quarantine")

    meetings, attendance = account.reshape(FORTNIGHT[:4])

    assert any(file.startswith("quarantine/") for file in before)
    assert {file: content for file, content in files(account).items() if not is_of(file, FORTNIGHT[2:4])} == before
    assert meetings.left == attendance.left == FORTNIGHT[2:4]
    left_out = {file for file in files(account) if is_of(file, FORTNIGHT[2:4])}
    assert left_out == set()


def is_of(file: str, days: Any) -> bool:
    return any(f"ended_date={day}" in file for day in days)


def test_dates_reshaped_one_by_one_are_the_same_bytes(account: VendorAccount) -> None:
    before = files(account)
    shutil.rmtree(account.lake.root / "tables")

    for day in reversed(DAYS):
        account.reshape([day])

    assert files(account) == before


def test_a_waived_row_stays_and_no_longer_counts(account: VendorAccount) -> None:
    broken, before = rows(account), account.rows("readings", DAYS)
    tables = {row.id.table for row in broken}
    listing = {table.name for table in account.vendor_type.listing_tables}
    assert tables & listing
    assert tables - listing

    waive(account, *broken)
    meetings, attendance = account.reshape(DAYS)

    kept = rows(account)
    assert [(row.id, row.rule, row.row) for row in kept] == [(row.id, row.rule, row.row) for row in broken]
    assert {row.waived for row in kept} == {WHY}
    for table in tables:
        report = (meetings.tables | attendance.tables)[table]
        assert report.rules == {}
        assert report.waived == sum(row.id.table == table for row in kept)
    counted = [count_quarantined(account.lake, name_of(account), sorted(tables), day) for day in DAYS]
    assert (sum(n for n, _ in counted), sum(n for _, n in counted)) == (0, len(kept))
    changed = [now for was, now in zip(before, account.rows("readings", DAYS), strict=True) if was != now]
    assert {(row["meeting_id"], row["report"]) for row in changed} == {
        (row.subject, row.id.table) for row in broken if row.id.table not in listing
    }
    assert {(row["status"], row["reason"], row["rows_quarantined"]) for row in changed} == {
        ("complete", "1 rows waived", 0)
    }
    lists = sum(row.id.table in listing for row in broken)
    assert [(row["status"], row["reason"]) for row in account.rows("days", DAYS)] == [
        ("complete", f"{lists} rows of its lists waived"),
        ("complete", None),
    ]


def test_the_same_archive_and_waivers_are_the_same_bytes(account: VendorAccount, tmp_path: Path) -> None:
    waive(account, *rows(account))
    account.reshape(DAYS)
    before = files(account)

    account.reshape(DAYS)
    assert files(account) == before

    anew = off(account, tmp_path / "anew")
    for area in ("tables", "quarantine"):
        shutil.rmtree(anew.lake.root / area)
    anew.reshape(DAYS)
    assert files(anew) == before


@only_zoom
def test_a_withdrawn_waiver_stays_on_record_and_changes_nothing(account: VendorAccount) -> None:
    before, (first, *others) = files(account), rows(account)
    waive(account, first, *others)
    account.reshape(DAYS)

    waive(account, first, undo=True)
    account.reshape(DAYS)
    assert [row.waived for row in rows(account)] == [None, *(WHY for _ in others)]
    assert len(record(account).read_bytes().splitlines()) == len(others) + 2

    waive(account, *others, undo=True)
    account.reshape(DAYS)
    assert files(account) == before

    waive(account, first)
    assert waivers_in_force(account.lake, "zoom").keys() == {first.id}


@only_zoom
def test_a_waiver_is_of_one_row_of_one_table(account: VendorAccount) -> None:
    before, (row, _) = files(account), rows(account)
    others = (row.id._replace(table="participants"), row.id._replace(position=row.id.position + 1))

    waive(account, *(replace(row, id=other) for other in others))
    account.reshape(DAYS)

    assert waivers_in_force(account.lake, "zoom").keys() == set(others)
    assert files(account) == before


@only_zoom
def test_rows_are_chosen_by_table_rule_date_and_id(account: VendorAccount) -> None:
    everything = rows(account)
    listed, attended = everything
    assert [row.id.table for row in everything] == ["meetings", "participants"]
    assert rows(account, vendors=["webex"]) == []
    assert rows(account, tables=["participants"]) == [attended]
    assert rows(account, rules=["wrong_type.end_time", "unknown_value.status"]) == [listed]
    assert rows(account, rules=["wrong_type"]) == []
    assert rows(account, first=DAYS[1]) == []
    assert rows(account, last=DAYS[0]) == everything
    assert rows(account, ids=[attended.id]) == [attended]
    assert rows(account, ids=[attended.id._replace(position=999)]) == []
    assert all(row.row.startswith(b"{") for row in everything)
    assert {row.row for row in quarantined_rows(account.lake, Wanted())} == {b""}


@only_zoom
def test_a_row_that_broke_several_rules_is_found_by_each(account: VendorAccount) -> None:
    broken = [
        {
            "rule": "unknown_value.status,leaves_before_joining",
            "subject": "",
            "document_id": "d",
            "position": 0,
            "row": b"",
        }
    ]
    rows_of_day = account.lake.read("zoom", "participants", DAYS[1])
    account.lake.replace("zoom", "participants", DAYS[1], rows_of_day, pa.Table.from_pylist(broken, QUARANTINE))

    for rule in ("unknown_value.status", "leaves_before_joining", "unknown_value.status,leaves_before_joining"):
        assert [row.id.document_id for row in rows(account, rules=[rule])] == ["d"]


@only_zoom
def test_a_waived_row_that_a_fix_can_read_lands_all_the_same(
    account: VendorAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, known = files(account), {row.id for row in rows(account)}
    noon = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    with monkeypatch.context() as patch:
        patch.setattr(rules, "_LAST_INSTANT", int(noon.timestamp() * 1_000_000))
        account.reshape(DAYS)
        late = [row for row in rows(account) if row.id not in known]
        assert len(late) >= 5
        waive(account, late[0])
        account.reshape(DAYS)
        assert [row.id for row in rows(account) if row.waived] == [late[0].id]

    account.reshape(DAYS)

    assert files(account) == before
    assert waivers_in_force(account.lake, "zoom").keys() == {late[0].id}


@only_zoom
def test_files_from_before_waivers_are_read(account: VendorAccount) -> None:
    before = rows(account)
    for vendor, table, day in account.lake.quarantines():
        file = account.lake.quarantine_file(vendor, table, day)
        pq.write_table(pq.read_table(file, partitioning=None).drop_columns("waived"), file)

    assert rows(account) == before
    assert count_quarantined(account.lake, "zoom", ["meetings", "participants"], DAYS[0]) == (2, 0)
    for vendor, table, day in account.lake.quarantines():
        assert account.lake.read_quarantine(vendor, table, day).schema.equals(QUARANTINE, check_metadata=True)


@only_zoom
@pytest.mark.parametrize("torn", [10, 1])
def test_a_torn_last_line_hides_no_other_and_makes_room_for_the_next(account: VendorAccount, torn: int) -> None:
    first, second = rows(account)
    waive(account, first)
    whole = record(account).read_bytes()
    waive(account, second)
    record(account).write_bytes(record(account).read_bytes()[: -torn - 1])

    assert waivers_in_force(account.lake, "zoom").keys() == {first.id}
    waive(account, second)
    assert record(account).read_bytes().startswith(whole)
    assert waivers_in_force(account.lake, "zoom").keys() == {first.id, second.id}


@only_zoom
def test_a_last_line_without_its_end_counts(account: VendorAccount) -> None:
    first, second = rows(account)
    waive(account, first)
    record(account).write_bytes(record(account).read_bytes().rstrip())

    assert waivers_in_force(account.lake, "zoom").keys() == {first.id}
    waive(account, second)
    assert waivers_in_force(account.lake, "zoom").keys() == {first.id, second.id}


@only_zoom
def test_a_damaged_line_in_the_middle_is_named_and_nothing_is_replaced(account: VendorAccount) -> None:
    first, second = rows(account)
    waive(account, first, second)
    damaged = record(account).read_bytes().replace(b'"table"', b'"tab\xff', 1)
    record(account).write_bytes(damaged)
    before = files(account)

    with pytest.raises(StorageError, match=r"zoom\.jsonl is damaged in line 1; .*") as told:
        account.reshape(DAYS)
    with pytest.raises(StorageError):
        waive(account, first)

    assert str(record(account)) in str(told.value)
    assert files(account) == before
    assert record(account).read_bytes() == damaged


@only_zoom
def test_who_waived_when_and_why_is_on_record(account: VendorAccount) -> None:
    row, _ = rows(account)

    keep(account.lake, "zoom", [waiver(row, f"  {WHY}\n again ", NOW + timedelta(microseconds=1))])

    (found,) = waivers_in_force(account.lake, "zoom").values()
    assert (found.table, found.document_id, found.position) == row.id[1:]
    assert (found.rule, found.reason) == (row.rule, f"{WHY} again")
    assert found.at == NOW + timedelta(microseconds=1)
    assert found.by == record(account).owner()
    assert record(account).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("reason", ["", " \n ", "see ana@example.com", "asked <ana@example>"])
def test_a_reason_says_something_and_names_no_address(reason: str) -> None:
    row = QuarantinedRow(RowId("zoom", "participants", "d", 0), DAYS[0], "a_rule", "", None)

    with pytest.raises(UsageError, match=r"^--reason .*stays on record") as told:
        waiver(row, reason, NOW)

    assert "ana" not in str(told.value)


def test_a_rows_id_is_read_as_it_is_shown() -> None:
    for one in (RowId("zoom", "participants", "1f-2", 0), RowId("teams", "meetings", "a:7/b", 12)):
        assert RowId.read(str(one)) == one


@pytest.mark.parametrize("text", ["", "zoom", "zoom/participants", "zoom/participants/d", "zoom/p/d:-1", "zoom//d:1"])
def test_what_is_no_rows_id_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="VENDOR/TABLE/DOCUMENT:POSITION"):
        RowId.read(text)
