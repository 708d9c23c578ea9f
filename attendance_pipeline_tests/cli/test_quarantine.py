"""`quarantine` and `reshape` as a user meets them: no vendor is on, and none is asked."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from attendance_pipeline import rules
from attendance_pipeline.files import alone
from attendance_pipeline.lake import Lake
from attendance_pipeline.quarantine import QuarantinedRow, Wanted, quarantined_rows, waivers_in_force
from attendance_pipeline.sandbox.truth import Truth
from attendance_pipeline_tests.console import OURS, called
from attendance_pipeline_tests.vendors.account import FORTNIGHT, settings
from attendance_pipeline_tests.vendors.zoom_account import LATER, Clock, ZoomAccount, sandbox_account

DAYS = FORTNIGHT[:2]
BOTH = ("--from", str(DAYS[0]), "--to", str(DAYS[1]))

Cli = Callable[..., tuple[int, str, str]]


@dataclass
class Landed:
    data: Path
    truth: Truth


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """Two dates of Zoom with a broken row in a list and one in a report; the server is gone."""
    with sandbox_account(tmp_path_factory.mktemp("data")) as account:
        first, second = account.truth(DAYS).meetings[:2]
        account.sandbox.misbehave("listed_without_end", "zoom", meeting=first.vendor_meeting_id)
        account.sandbox.misbehave("row_of_another_type", "zoom", meeting=second.vendor_meeting_id)
        account.land(DAYS)
        return Landed(account.settings.data, account.truth(DAYS))


@pytest.fixture
def data(landed: Landed, tmp_path: Path) -> Path:
    """A copy to change."""
    shutil.copytree(landed.data, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def cli(landed: Landed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The script in this process: exit code, standard output, standard error."""
    for name in list(os.environ):
        if name.startswith((*OURS, "DAGSTER_HOME")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, data: Path = landed.data) -> tuple[int, str, str]:
        monkeypatch.setenv("ATTENDANCE_DATA", str(data))
        code = called(*arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def rows(data: Path, *, whole: bool = False) -> list[QuarantinedRow]:
    return list(quarantined_rows(Lake(data / "lake"), Wanted(), whole=whole))


def test_list_counts_rows_by_vendor_table_and_rule(cli: Cli) -> None:
    code, out, _ = cli("quarantine", "list", "--json")

    assert code == 0
    common = {"vendor": "zoom", "rows": 1, "waived": 0, "meetings": 1, "first": str(DAYS[0]), "last": str(DAYS[0])}
    assert json.loads(out) == [
        common | {"table": "meetings", "rule": "wrong_type.end_time"},
        common | {"table": "participants", "rule": "wrong_type.duration"},
    ]
    _, out, _ = cli("quarantine", "list", "--table", "meetings", *BOTH)
    assert "wrong_type.end_time" in out
    assert "wrong_type.duration" not in out


def test_list_says_when_there_is_nothing(cli: Cli, tmp_path: Path) -> None:
    assert cli("quarantine", "list", data=tmp_path / "new") == (0, "no row is in quarantine\n", "")
    assert cli("quarantine", "list", "--vendor", "webex")[1] == "no row is in quarantine that these options choose\n"
    assert json.loads(cli("quarantine", "list", "--vendor", "webex", "--json")[1]) == []


def test_show_tells_where_a_row_is_from_and_nobodys_name(cli: Cli, landed: Landed) -> None:
    listed, attended = rows(landed.data, whole=True)

    code, out, err = cli("quarantine", "show")

    assert (code, err) == (0, "")
    for row in (listed, attended):
        assert f"{row.id}\n  rule      {row.rule}\n  ended     {row.ended_date}\n  meeting   {row.subject}\n" in out
    assert "participants, /report/meetings/" in out
    assert ", status 200, fetched 2026-03-17 15:00:00 UTC, page 1, " in out
    assert '"duration":"…(4)"' in out
    people = {interval.display_name for interval in landed.truth.intervals}
    people |= {attendee.email for attendee in landed.truth.attendees if attendee.email}
    assert [one for one in people if one in out] == []
    assert "@" not in out
    told = json.loads(attended.row)["name"]
    assert told
    assert told not in out


def test_show_reveals_a_row_as_sent_when_asked_to(cli: Cli, landed: Landed) -> None:
    row = rows(landed.data, whole=True)[1]

    code, out, err = cli("quarantine", "show", str(row.id), "--reveal")

    assert code == 0
    assert row.row.decode() in out
    assert "names and addresses" in err


def test_show_stops_at_its_limit_and_says_so(cli: Cli, landed: Landed) -> None:
    first, second = rows(landed.data)

    _, out, _ = cli("quarantine", "show", "--limit", "1")

    assert str(first.id) in out
    assert str(second.id) not in out
    assert out.endswith("1 of 2 rows; --limit shows more\n")


def test_show_writes_a_rows_document_for_its_owner_alone_and_over_nothing(
    cli: Cli, landed: Landed, tmp_path: Path
) -> None:
    row = rows(landed.data, whole=True)[1]
    file = tmp_path / "page.json"

    code, out, _ = cli("quarantine", "show", "--table", "participants", "--document", str(file))

    assert code == 0
    assert row.row in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"{file.stat().st_size:,} bytes" in out
    file.write_text("mine")
    code, _, err = cli("quarantine", "show", str(row.id), "--document", str(file))
    assert (code, file.read_text()) == (2, "mine")
    assert "exists" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("list", "--vendor", "skype"), ("'skype'", "'teams', 'webex', 'zoom'")),
        (("list", "--table", "visits"), ("no table is called visits", "attendees", "participants")),
        (("list", "--rule", "isin"), ("no rule is called isin", "wrong_type.duration, wrong_type.end_time")),
        (("list", "--from", "2026-03-04", "--to", "2026-03-02"), ("2026-03-04 lies after", "swap")),
        (("show", "zoom/participants"), ("VENDOR/TABLE/DOCUMENT:POSITION",)),
        (("show", "zoom/participants/none:0"), ("zoom/participants/none:0 isn't in quarantine",)),
        (("show", "--vendor", "webex"), ("no such row is in quarantine", "quarantine list")),
        (("show", "zoom/participants/none:0", "--vendor", "zoom"), ("not both",)),
        (("show", "--document", "all.json"), ("2 documents", "name one row")),
        (("replay", "--from", "2026-03-03"), ("no such row is in quarantine",)),
        (("waive", "--reason", "because"), ("which rows?",)),
        (("waive", "--vendor", "zoom"), ("--reason",)),
        (("waive", "--vendor", "zoom", "--reason", " "), ("--reason says nothing",)),
        (("waive", "--vendor", "zoom", "--reason", "ask ana@example.com"), ("e-mail address",)),
        (
            ("waive", "--vendor", "zoom", "--reason", "lost"),
            ("would waive 2 rows (", "zoom/participants wrong_type.duration: 1", "--yes"),
        ),
        (("waive", "--vendor", "zoom", "--reason", "lost", "--undo", "--yes"), ("none of these 2 rows is waived",)),
    ],
)
def test_what_cannot_be_meant_is_one_line_that_tells_the_way_out(
    cli: Cli, landed: Landed, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    code, out, err = cli("quarantine", *arguments)

    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert [word for word in words if word not in line] == []
    assert "ana@" not in line
    assert not (landed.data / "lake" / "waivers").exists()


# said of dagster-dbt's own code
@pytest.mark.filterwarnings("ignore:AssetExecutionContext.op is deprecated:DeprecationWarning")
def test_a_waiver_and_a_fix_change_what_is_published(
    cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch, landed: Landed
) -> None:
    """Before the fix, rows that tell of a time after Monday's lunch are quarantined."""
    account = ZoomAccount(settings(data, {}), Clock(LATER))
    listed, attended = rows(data)
    noon = int(datetime(2026, 3, 2, 14, 0, tzinfo=UTC).timestamp()) * 1_000_000
    with monkeypatch.context() as patch:
        patch.setattr(rules, "_LAST_INSTANT", noon)
        account.reshape(DAYS)
    broken = rows(data)
    late = [row for row in broken if "impossible_time" in row.rule]
    assert {row.ended_date for row in late} == set(DAYS)

    with alone(data / "locks" / "run.lock", "another attendance-pipeline run"):
        waived = cli("quarantine", "waive", str(attended.id), "--reason", "a test of theirs", data=data)
    code, out, err = cli("quarantine", "replay", "--vendor", "zoom", data=data)

    assert waived[0] == 1
    assert waived[1].startswith("1 rows are waived, on record in ")
    assert "another attendance-pipeline run is at work" in waived[2]
    assert waivers_in_force(account.lake, "zoom").keys() == {attended.id}
    assert code == 0, err
    left = [line for line in out.splitlines() if "impossible_time" in line]
    assert sum(int(line.split(": ")[1].split()[0]) for line in left) == len(late)
    assert "zoom/participants wrong_type.duration: 0 of 1 rows left the quarantine; 1 stay: waived (1)" in out
    assert (
        "zoom/meetings wrong_type.end_time: 0 of 1 rows left the quarantine; 1 stay: wrong_type.end_time (1)" in out
    )
    assert [(row.id, row.waived) for row in rows(data)] == [(listed.id, None), (attended.id, "a test of theirs")]
    with duckdb.connect(str(data / "attendance.duckdb"), read_only=True) as published:
        told = published.execute(
            "select vendor_meeting_id, status, reason from marts.coverage order by status, reason"
        ).fetchall()
        joins = published.execute("select sum(join_count) from marts.meetings").fetchone()
    meetings = {meeting.vendor_meeting_id: meeting for meeting in landed.truth.meetings}
    assert {one for one, _, _ in told} == meetings.keys() - {listed.subject}
    assert {(status, reason) for one, status, reason in told if one != attended.subject} == {("complete", None)}
    assert (attended.subject, "complete", "1 rows waived") in told
    assert joins == (sum(one.join_count for one in meetings.values()) - meetings[listed.subject].join_count - 1,)

    assert '"waived": 1' in cli("quarantine", "list", "--json", data=data)[1]
    assert f"waived    by {waiver_of(account, attended)} at " in cli("quarantine", "show", data=data)[1]


def waiver_of(account: ZoomAccount, row: QuarantinedRow) -> str:
    return waivers_in_force(account.lake, "zoom")[row.id].by


def test_rows_whose_archive_is_gone_are_neither_waived_nor_replayed(cli: Cli, data: Path) -> None:
    shutil.rmtree(data / "lake" / "archive")
    (row, _) = rows(data)

    for arguments in (("replay", "--vendor", "zoom"), ("waive", str(row.id), "--reason", "lost")):
        code, _, err = cli("quarantine", *arguments, data=data)
        assert code == 2
        assert "has no archive of zoom to reshape" in err
    assert not (data / "lake" / "waivers").exists()


def test_reshape_reads_the_archive_alone_and_names_what_it_cannot_read(cli: Cli, data: Path) -> None:
    file = data / f"lake/archive/zoom/attendance/ended_date={DAYS[0]}/documents.parquet"
    file.write_bytes(b"not Parquet")
    tables = {path: path.read_bytes() for path in (data / "lake" / "tables").rglob("*.parquet")}

    code, _, err = cli("reshape", *BOTH, data=data)

    assert code == 1
    assert str(file) in err.splitlines()[-1]
    assert {path: path.read_bytes() for path in tables} == tables


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (BOTH, "has no archive of zoom or webex or teams to reshape"),
        ((*BOTH, "--vendor", "webex"), "has no archive of webex to reshape"),
    ],
)
def test_reshape_without_an_archive_tells_how_to_get_one(
    cli: Cli, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, _, err = cli("reshape", *arguments, data=tmp_path / "new")

    assert code == 2
    assert words in err
    assert "attendance-pipeline run" in err
