from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from .brute_force import Expected, expected_marts
from .random_raw import random_raw
from .raw_rows import RawRows, Row, write_raw

PROJECT = Path(__file__).parents[2] / "dbt_project"

Rows = Callable[[str], list[Row]]


def run_dbt(build: Path, *arguments: str) -> str:
    """Run dbt on a build file, with everything it writes beside that file."""
    project = str(PROJECT.resolve())
    finished = subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")),
            *["--no-use-colors", *arguments],
            *["--project-dir", project, "--profiles-dir", project],
            *["--target-path", str(build.parent / "target"), "--log-path", str(build.parent / "logs")],
        ],
        env={**os.environ, "ATTENDANCE_BUILD": str(build)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr
    return finished.stdout


def read_rows(build: Path, query: str) -> list[Row]:
    with duckdb.connect(str(build), read_only=True) as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]


@pytest.fixture(scope="session")
def raw() -> RawRows:
    return random_raw(seed=20260301, meetings_per_vendor=200)


@pytest.fixture(scope="session")
def expected(raw: RawRows) -> Expected:
    return expected_marts(raw)


@pytest.fixture(scope="session")
def build(raw: RawRows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build file after one `dbt build`."""
    path = tmp_path_factory.mktemp("dbt") / "build.duckdb"
    write_raw(path, raw)
    run_dbt(path, "build")
    return path


@pytest.fixture(scope="session")
def rows(build: Path) -> Rows:
    return lambda query: read_rows(build, query)
