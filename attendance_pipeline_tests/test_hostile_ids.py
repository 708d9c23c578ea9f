"""Ids are a vendor's to choose: none becomes a path, another request or a piece of SQL, and each lands as it is."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import duckdb
import pytest

from attendance_pipeline.loading import load, raw_name
from attendance_pipeline.sandbox.wire import Answer, Call
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.windows import dates

from .vendors import teams_account, webex_account, zoom_account
from .vendors.account import SandboxVendorAccount

HOSTILE = [
    "../../../etc/x",
    "..%2f..%2f..%2fetc%2fx",
    "/etc/cron.d/x",
    "..\\..\\x",
    "a\0b",
    "line\r\nX-Header:injected",
    "x" * 10_000,
    "'; drop table raw.loads; --",
    '"; drop schema raw cascade; --',
    "{{ env_var('HOME') }}",
    "ended_date=2026-01-01",
    "$(id)`id`",
    "@evil.example",
    "?x=y#z&meetingId=other",
    "smörgås 🍱",
]
DAYS = dates(date(2026, 3, 3), date(2026, 3, 4))
IDS = {
    "zoom": ("uuid", "meeting_uuid", "user_id", "participant_user_id", "id"),
    "webex": ("id", "meetingId", "hostUserId", "meetingSeriesId", "scheduledMeetingId"),
    "teams": ("id", "sessionId", "participantId", "registrationId", "userId"),
}
"""Fields that hold ids; numbers stay what they are."""

Opening = Callable[..., AbstractContextManager[SandboxVendorAccount]]
ACCOUNTS: dict[str, tuple[Opening, dict[str, Any]]] = {
    # Without the account-wide list hosts are asked for by their ids.
    "zoom": (zoom_account.sandbox_account, {"history_meetings": False}),
    "webex": (webex_account.sandbox_account, {}),
    "teams": (teams_account.sandbox_account, {}),
}


class Renamed:
    """A hook that gives ids of the sandbox's other names, in every answer, and understands them when asked.

    Every id that comes by gets the next hostile name, numbered; `_I_`, which tells Webex's instances, stays.
    """

    def __init__(self, account: SandboxVendorAccount, vendor: str) -> None:
        self.given: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        self._fields = IDS[vendor]
        self._vendor = getattr(account.sandbox, vendor)
        self._sandbox = account.sandbox

    def __call__(self, vendor: str, call: Call) -> Answer | None:
        if "token" in call.path or call.path.endswith("$batch") or call.path.startswith("/broadcast/"):
            return None
        asked = replace(
            call,
            path="/".join(map(self._segment, call.path.split("/"))),
            query={name: self._taken.get(value, value) for name, value in call.query.items()},
        )
        answer = self._vendor.answer(asked, self._sandbox.url)
        if not answer.body.startswith(b"{"):
            return answer
        # Nobody's account id is that long, and a host that can't be asked about stops the search by design.
        self._longest = 100 if call.path.endswith("/users") else 10_000
        return replace(answer, body=json.dumps(self._renamed(json.loads(answer.body))).encode())

    def _segment(self, text: str) -> str:
        for said in (unquote(text), unquote(unquote(text))):
            if said in self._taken:
                # as a client would who knows the vendor's rule about slashes
                once = quote(self._taken[said], safe="")
                twice = self._taken[said].startswith("/") or "//" in self._taken[said]
                return quote(once, safe="") if twice else once
        return text

    def _renamed(self, said: Any) -> Any:
        if isinstance(said, list):
            return [self._renamed(one) for one in said]
        if not isinstance(said, dict):
            return said
        return {
            name: self._name(value)
            if name in self._fields and isinstance(value, str) and value
            else self._renamed(value)
            for name, value in said.items()
        }

    def _name(self, vendors: str) -> str:
        if vendors not in self.given:
            number = len(self.given)
            instance = "_I_" if "_I_" in vendors else ""
            self.given[vendors] = f"{HOSTILE[number % len(HOSTILE)][: self._longest]}{instance}{number}"
            self._taken[self.given[vendors]] = vendors
        return self.given[vendors]


@pytest.fixture(scope="module", params=sorted(ACCOUNTS))
def landed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SandboxVendorAccount, Renamed]]:
    opening, options = ACCOUNTS[request.param]
    # deep enough for every `..` to end inside
    folder = tmp_path_factory.mktemp("outside") / "a" / "b" / "c" / "d" / "e" / "f" / "data"
    with opening(folder, **options) as account:
        renamed = Renamed(account, request.param)
        with account.answering(renamed):
            account.land(DAYS)
        yield account, renamed


def tables_of(vendor: str) -> tuple[Table, ...]:
    return VENDORS[vendor].listing_tables + VENDORS[vendor].attendance_tables


def ids_in(account: SandboxVendorAccount, table: str, column: str) -> set[str]:
    return {row[column] for row in account.rows(table, DAYS)}


def test_every_meeting_lands_under_the_id_that_the_vendor_chose(
    landed: tuple[SandboxVendorAccount, Renamed],
) -> None:
    account, renamed = landed
    table = account.vendor_type.meetings_table

    # A live event's id is that of its online meeting.
    meetings = {one.vendor_meeting_id for one in account.truth(DAYS).meetings if one.kind != "live_event"}

    assert len(meetings) > 8
    assert ids_in(account, table.name, table.key[0]) >= {renamed.given[meeting] for meeting in meetings}
    # Nobody's server takes an address of 10,000 characters.
    statuses = {row["meeting_id"]: row["status"] for row in account.rows("readings", DAYS)}
    assert {statuses[id] for meeting in meetings if len(id := renamed.given[meeting]) < 1_000} == {"complete"}


def test_nothing_is_written_outside_and_nothing_is_named_after_an_id(
    landed: tuple[SandboxVendorAccount, Renamed],
) -> None:
    account, _ = landed
    data = account.settings.data
    outside = next(parent for parent in data.parents if parent.name.startswith("outside"))

    files = [file for file in outside.rglob("*") if file.is_file()]

    assert len(files) > 10
    ours = re.compile(
        r"(lake/(tables|quarantine)/\w+/\w+/ended_date=2026-03-0[34]/data\.parquet"
        r"|lake/archive/\w+/(listings/asked_date=[\d-]+|attendance/ended_date=2026-03-0[34]|lookups)/documents\.parquet"
        r"|state/[\w-]+\.(json|lock))"
    )
    assert [file for file in files if not ours.fullmatch(str(file.relative_to(data)))] == []
    assert not Path("/etc/x").exists()


def test_ids_reach_the_warehouse_word_for_word_and_none_is_run_as_sql(
    landed: tuple[SandboxVendorAccount, Renamed], tmp_path: Path
) -> None:
    account, _ = landed
    tables = tables_of(account.vendor_type.name)

    load(account.lake, tmp_path / "build.duckdb", tables)

    with duckdb.connect(str(tmp_path / "build.duckdb"), read_only=True) as build:
        for table in tables:
            column = table.schema.names[0]
            found = build.execute(f'select "{column}" from raw."{raw_name(table)}"').fetchall()  # noqa: S608 - ours
            assert {value for (value,) in found} == ids_in(account, table.name, column)
        assert build.execute("select count(*) from raw.loads").fetchone() == (len(tables) * len(DAYS),)
