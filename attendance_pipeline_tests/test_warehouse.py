"""What the load lays down beside the vendors' tables."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from attendance_pipeline.errors import StorageError
from attendance_pipeline.lake import Lake
from attendance_pipeline.readings import Timing
from attendance_pipeline.warehouse import Wanted, load

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ACME = Wanted(
    vendor="acme",
    is_on=True,
    first_date=date(2026, 1, 1),
    as_of=date(2026, 3, 9),
    timing=Timing(first_read=HOUR, settles=DAY, listed=30 * DAY, recoverable=365 * DAY, page_token=HOUR),
)


def vendors(build: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(build), read_only=True) as connection:
        return connection.execute(
            "select vendor, is_on, first_date, as_of, first_read_seconds, settles_seconds, listed_seconds, "
            "recoverable_seconds from raw.vendors order by vendor"
        ).fetchall()


def test_what_is_wanted_of_each_vendor_is_loaded_and_replaced(tmp_path: Path) -> None:
    build, lake = tmp_path / "build.duckdb", Lake(tmp_path / "lake")
    acme = ("acme", True, date(2026, 1, 1), date(2026, 3, 9), 3600, 86400, 30 * 86400, 365 * 86400)

    load(lake, build, [], [replace(ACME, vendor="zeta", is_on=False), ACME])
    assert vendors(build) == [acme, ("zeta", False, *acme[2:])]

    load(lake, build, [], [replace(ACME, as_of=date(2026, 3, 10))])
    assert vendors(build) == [(*acme[:3], date(2026, 3, 10), *acme[4:])]


def test_nobody_wanted_is_an_empty_table(tmp_path: Path) -> None:
    load(Lake(tmp_path / "lake"), tmp_path / "build.duckdb", [])

    assert vendors(tmp_path / "build.duckdb") == []


def test_a_build_file_whose_making_was_killed_hinders_no_later_run(tmp_path: Path) -> None:
    build = tmp_path / "build.duckdb"
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; from pathlib import Path; from attendance_pipeline import warehouse\n"
            "made = warehouse._open\n"
            "def die(path): made(path); os.kill(os.getpid(), 9)\n"
            "warehouse._open = die\n"
            "warehouse.load(warehouse.Lake(Path(sys.argv[1])), Path(sys.argv[2]), [])",
            tmp_path / "lake",
            build,
        ],
        check=False,
    )

    assert process.returncode == -9
    assert not build.exists()
    assert load(Lake(tmp_path / "lake"), build, []) == {}


@contextmanager
def held_elsewhere(build: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process has the file open until its input ends."""
    code = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, build], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield holder
        holder.communicate()


def test_a_builder_that_outlived_its_parent_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = tmp_path / "build.duckdb"
    load(Lake(tmp_path / "lake"), build, [])

    with held_elsewhere(build) as holder:
        monkeypatch.setattr("attendance_pipeline.warehouse.sleep", lambda seconds: holder.communicate())
        load(Lake(tmp_path / "lake"), build, [])

        assert holder.returncode == 0


def test_a_program_that_never_lets_go_of_the_build_file_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attendance_pipeline.warehouse.LOCK_PATIENCE", 0)
    build = tmp_path / "build.duckdb"
    load(Lake(tmp_path / "lake"), build, [])

    with held_elsewhere(build), pytest.raises(StorageError, match="another program may hold it"):
        load(Lake(tmp_path / "lake"), build, [])
