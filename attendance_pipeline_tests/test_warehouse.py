"""The build file: opened by one process at a time, made whole or bit by bit."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from attendance_pipeline.errors import StorageError
from attendance_pipeline.lake import Lake
from attendance_pipeline.loading import load
from attendance_pipeline.warehouse import finish_build, forget_build, needs_rebuild


def test_a_build_file_whose_making_was_killed_hinders_no_later_run(tmp_path: Path) -> None:
    build = tmp_path / "build.duckdb"
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; from pathlib import Path; from attendance_pipeline import loading, warehouse\n"
            "made = warehouse._open\n"
            "def die(path): made(path); os.kill(os.getpid(), 9)\n"
            "warehouse._open = die\n"
            "loading.load(loading.Lake(Path(sys.argv[1])), Path(sys.argv[2]), [])",
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


def test_a_build_is_made_whole_until_one_by_the_same_recipe_is_finished(tmp_path: Path) -> None:
    build = tmp_path / "build.duckdb"
    assert needs_rebuild(build, "a recipe")

    load(Lake(tmp_path / "lake"), build, [])
    assert needs_rebuild(build, "a recipe")
    finish_build(build, "a recipe")

    assert not needs_rebuild(build, "a recipe")
    assert needs_rebuild(build, "another")
    # and when that other one fails, the first is no longer what is in the file
    forget_build(build)
    assert needs_rebuild(build, "a recipe")
