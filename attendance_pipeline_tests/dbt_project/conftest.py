from __future__ import annotations

import fcntl
import math
import multiprocessing
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .brute_force import Expected, expected_marts
from .facts import Facts, facts_of_raw
from .random_raw import random_raw
from .random_times import TIME_ZONE
from .raw_rows import RawRows, Row, write_raw
from .telling import key_of

PROJECT = Path(__file__).parents[2] / "dbt_project"

Rows = Callable[[str], list[Row]]


@dataclass
class Dbt:
    """dbt on one build file, with everything it writes beside that file.

    Whoever builds puts a file there first. It's one place for all, so that the project is parsed only once.
    """

    build: Path

    def __call__(self, *arguments: str) -> str:
        """What dbt said, in a process that has imported it already."""
        project, folder = str(PROJECT.resolve()), self.build.parent
        whole = [
            *["--no-use-colors", "--no-write-json" if arguments[0] == "run" else "--write-json", *arguments],
            *["--project-dir", project, "--profiles-dir", project, "--vars", f"{{time_zone: {TIME_ZONE}}}"],
            *["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")],
        ]
        said = folder / "said.txt"
        process = _FORKED.Process(
            target=_dbt, args=(whole, said, {**os.environ, "ATTENDANCE_BUILD": str(self.build)})
        )
        process.start()
        process.join()
        assert process.exitcode == 0, said.read_text()[-8000:]
        return said.read_text()


_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb"])


def _dbt(arguments: list[str], said: Path, environment: dict[str, str]) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    os.environ.update(environment)
    with said.open("w") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
        done = dbtRunner().invoke(arguments)
        # a forked process ends without the goodbyes that would write DuckDB's log into its file
        DuckDBConnectionManager.close_all_connections()
    raise SystemExit(not done.success)


@dataclass
class Built:
    """A build file after one `dbt build`, and what dbt said."""

    path: Path
    said: str


def read_rows(build: Path, query: str) -> list[Row]:
    with duckdb.connect(str(build), read_only=True) as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]


def every_mart() -> list[str]:
    return sorted(path.stem for path in (PROJECT / "models" / "marts").rglob("*.sql"))


def by_grain(rows: list[Row], *grain: str) -> dict[tuple[Any, ...], Row]:
    """The rest of each row by its grain, which no two rows share."""
    found = {tuple(row[name] for name in grain): row for row in rows}
    assert len(found) == len(rows)
    return {key: {name: row[name] for name in row.keys() - {*grain}} for key, row in found.items()}


def assert_same_rows(built: dict[tuple[Any, ...], Row], counted: dict[tuple[Any, ...], Row]) -> None:
    """The same rows with the same columns and values; shares may differ by how they were rounded."""
    assert counted
    assert built.keys() == counted.keys()
    differing = {
        key: (built[key], wanted)
        for key, wanted in counted.items()
        if built[key].keys() != wanted.keys() or not all(_alike(built[key][name], wanted[name]) for name in wanted)
    }
    assert not differing


def _alike(one: Any, other: Any) -> bool:
    both_float = isinstance(one, float) and isinstance(other, float)
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-8) if both_float else one == other


@pytest.fixture(scope="session")
def raw() -> RawRows:
    """Of each vendor's meetings one isn't listed: its joins and its readings are there all the same."""
    rows = random_raw(seed=20260301, meetings_per_vendor=200)
    zoom_joined = {row["meeting_uuid"] for row in rows.zoom_participants}
    webex_joined = {row["meeting_id"] for row in rows.webex_attendees if row["joined_time"] and row["left_time"]}
    teams_joined = {row["report_id"] for row in rows.teams_attendance_records if row["attendance_intervals"]}
    return replace(
        rows,
        zoom_meetings=_without_one(rows.zoom_meetings, "uuid", zoom_joined),
        webex_meetings=_without_one(rows.webex_meetings, "meeting_id", webex_joined),
        teams_attendance_reports=_without_one(rows.teams_attendance_reports, "report_id", teams_joined),
    )


def _without_one(listed: list[Row], name: str, joined: set[str]) -> list[Row]:
    unlisted = next(row for row in reversed(listed) if row[name] in joined)
    return [row for row in listed if row is not unlisted]


@pytest.fixture(scope="session")
def facts(raw: RawRows) -> Facts:
    return facts_of_raw(raw)


@pytest.fixture(scope="session")
def expected(raw: RawRows, facts: Facts) -> Expected:
    return expected_marts(raw, facts)


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    return Dbt(tmp_path_factory.mktemp("dbt") / "build.duckdb")


@pytest.fixture(scope="session")
def built(raw: RawRows, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built once, by whichever of several workers asks for it first."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    build, said = folder / "built.duckdb", folder / "built.txt"
    with (folder / "built.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            write_raw(dbt.build, raw)
            answer = dbt("build")
            dbt.build.rename(build)
            said.write_text(answer)
    return Built(build, said.read_text())


@pytest.fixture(scope="session")
def rows(built: Built) -> Rows:
    return lambda query: read_rows(built.path, query)


@pytest.fixture(scope="session")
def joins_of_attendee(rows: Rows) -> dict[str, frozenset[str]]:
    """The interval keys of each attendee: what an attendee is, whatever its key."""
    joins: dict[str, set[str]] = defaultdict(set)
    for row in rows("select attendee_key, interval_key from marts.attendance_intervals"):
        joins[row["attendee_key"]].add(row["interval_key"])
    return {attendee: frozenset(keys) for attendee, keys in joins.items()}


@pytest.fixture(scope="session")
def person_of(facts: Facts, joins_of_attendee: dict[str, frozenset[str]]) -> dict[str, Hashable]:
    """By a person's key: all that says who they are, of which the first makes the key; else one attendee's joins."""
    return {**joins_of_attendee, **{key_of(min(person)): person for person in facts.people.values()}}
