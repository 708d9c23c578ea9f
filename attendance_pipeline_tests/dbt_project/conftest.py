from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from .brute_force import Expected, expected_marts
from .random_raw import random_raw
from .raw_rows import RawRows, Row, write_raw

PROJECT = Path(__file__).parents[2] / "dbt_project"

Rows = Callable[[str], list[Row]]


@dataclass
class Dbt:
    """dbt on one build file, with everything it writes beside that file.

    Whoever builds puts a file there first. It's one place for all, so that the project is parsed only once.
    """

    build: Path

    def __call__(self, *arguments: str) -> str:
        """What dbt said."""
        project = str(PROJECT.resolve())
        finished = subprocess.run(
            [
                str(Path(sys.executable).with_name("dbt")),
                *["--no-use-colors", *arguments],
                *["--project-dir", project, "--profiles-dir", project],
                *["--target-path", str(self.build.parent / "target"), "--log-path", str(self.build.parent / "logs")],
            ],
            env={**os.environ, "ATTENDANCE_BUILD": str(self.build)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr
        return finished.stdout


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
def expected(raw: RawRows) -> Expected:
    return expected_marts(raw)


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    return Dbt(tmp_path_factory.mktemp("dbt") / "build.duckdb")


@pytest.fixture(scope="session")
def built(raw: RawRows, dbt: Dbt) -> Built:
    write_raw(dbt.build, raw)
    said = dbt("build")
    return Built(dbt.build.rename(dbt.build.with_name("built.duckdb")), said)


@pytest.fixture(scope="session")
def rows(built: Built) -> Rows:
    return lambda query: read_rows(built.path, query)
