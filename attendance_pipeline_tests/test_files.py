import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from attendance_pipeline.errors import BusyError, StorageError
from attendance_pipeline.files import (
    Access,
    alone,
    commit,
    copy,
    make_folder,
    opened,
    reading,
    shut_to_others,
    sweep,
    writing,
)

HOLD = """
import sys
from pathlib import Path
from attendance_pipeline.files import alone
with alone(Path(sys.argv[1]), "another run"):
    print("holding", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "folder" / "data.txt"
    file.parent.mkdir()
    file.write_text("old")
    return file


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "data" / "locks" / "zoom.lock"


@contextmanager
def another_process(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its input ends."""
    arguments = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "holding\n"
            yield process
        finally:
            process.kill()


def test_a_file_and_its_folders_come_into_being(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "data.txt"

    commit(file, lambda path: path.write_text("new"))

    assert file.read_text() == "new"
    assert list(file.parent.iterdir()) == [file]


def test_readers_see_the_old_file_until_the_new_one_is_whole(file: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("new, first half")
        assert file.read_text() == "old"
        path.write_text("new")

    with file.open() as reader:
        commit(file, write)
        assert reader.read() == "old"

    assert file.read_text() == "new"
    assert list(file.parent.iterdir()) == [file]


class TornError(Exception):
    pass


@pytest.mark.parametrize("error", [TornError("half"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_a_writer_that_fails_leaves_the_old_file_and_nothing_beside_it(file: Path, error: BaseException) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise error

    with pytest.raises(StorageError if isinstance(error, OSError) else type(error)):
        commit(file, write)

    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]


def test_a_writer_that_writes_nothing_leaves_the_old_file(file: Path) -> None:
    with pytest.raises(StorageError, match=r"data\.txt"):
        commit(file, lambda path: None)

    assert file.read_text() == "old"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o022, 0o000, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize(
    ("access", "mode", "of_folder"),
    [(Access.GROUP, 0o640, 0o750), (Access.OWNER, 0o600, 0o700), (Access.PUBLISHED, 0o440, 0o750)],
)
def test_a_file_and_its_folders_have_the_permissions_asked_for_whatever_the_umask(
    tmp_path: Path, umask: int, access: Access, mode: int, of_folder: int
) -> None:
    file = tmp_path / "data" / "folder" / "file"

    commit(file, lambda path: path.write_text("first"), access)
    commit(file, lambda path: path.write_text("second"), access)

    assert (mode_of(file), mode_of(file.parent), mode_of(file.parent.parent)) == (mode, of_folder, 0o750)
    assert file.read_text() == "second"


def test_nobody_else_can_look_at_a_file_while_it_is_written(tmp_path: Path, umask: int) -> None:
    tmp_path.chmod(0o777)

    def write(path: Path) -> None:
        path.write_text("a name and an address")
        assert {mode_of(folder) for folder in path.parents if folder.is_relative_to(tmp_path)} == {0o700, 0o777}

    commit(tmp_path / "file", write)


def test_a_growing_file_is_for_those_it_is_for_from_its_first_byte_on(tmp_path: Path, umask: int) -> None:
    for how, access in (("ab", Access.GROUP), ("wb", Access.OWNER)):
        file = tmp_path / how
        for content in (b"one", b"two"):
            with opened(file, how, access) as growing:
                assert mode_of(file) == access.file
                growing.write(content)

    assert (tmp_path / "ab").read_bytes() == b"onetwo"
    assert (tmp_path / "wb").read_bytes() == b"two"


def test_a_folder_that_stands_keeps_its_mode_and_one_below_it_keeps_its_group(tmp_path: Path, umask: int) -> None:
    tmp_path.chmod(0o2775)

    commit(tmp_path / "below" / "file", lambda path: path.write_text("new"))

    assert mode_of(tmp_path) == 0o2775
    assert mode_of(tmp_path / "below") == 0o2750


def test_what_others_make_in_ways_of_their_own_is_shut_to_others(tmp_path: Path, umask: int) -> None:
    with shut_to_others():
        (tmp_path / "file").touch()
        subprocess.run(["/bin/mkdir", tmp_path / "folder"], check=True)
    (tmp_path / "after").touch()

    # a mask that shuts out more than that stays as it was
    assert (mode_of(tmp_path / "file"), mode_of(tmp_path / "folder")) == (0o640 & ~umask, 0o750 & ~umask)
    assert mode_of(tmp_path / "after") == 0o666 & ~umask


def test_folders_that_two_make_at_once_are_made_once(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) / "a" / "b" for number in range(50)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make_folder, [folder for folder in folders for _ in range(4)]))

    assert {mode_of(folder) for folder in folders} == {0o750}


def test_a_full_disk_is_a_storage_error_that_names_the_file_and_the_way_out(file: Path) -> None:
    with pytest.raises(StorageError, match="disk is full; free some space; nothing was replaced") as full:
        commit(file, lambda path: Path("/dev/full").write_bytes(b"new"))

    assert str(file) in str(full.value)
    assert isinstance(full.value.__cause__, OSError)
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("below", ["new.txt", "deep/er/new.txt"])
def test_a_file_where_a_folder_should_be_is_a_storage_error_that_says_so(file: Path, below: str) -> None:
    with pytest.raises(StorageError, match="a file stands where a folder should be; move it away") as caught:
        commit(file / below, lambda path: path.write_text("new"))

    assert str(file / below) in str(caught.value)
    assert file.read_text() == "old"


def test_a_folder_where_the_file_should_be_is_a_storage_error(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    (file / "something").mkdir(parents=True)

    with pytest.raises(StorageError, match=r"data\.txt"):
        commit(file, lambda path: path.write_text("new"))

    assert list(tmp_path.iterdir()) == [file]


def test_a_name_longer_than_the_file_system_takes_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="name too long"):
        commit(tmp_path / ("x" * 300), lambda path: path.write_text("new"))


@pytest.mark.parametrize(
    ("number", "way_out"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "ATTENDANCE_DATA"),
        (errno.EACCES, "fix the permissions"),
        (errno.EPERM, "fix the permissions"),
        (errno.ENOTDIR, "move it away"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_the_operating_system_says_becomes_a_way_out(number: int, way_out: str) -> None:
    with pytest.raises(StorageError, match=f"^can't write /data/lake: .*{way_out}"), writing(Path("/data/lake")):
        raise OSError(number, os.strerror(number))


def test_an_error_without_a_number_keeps_its_words() -> None:
    with pytest.raises(StorageError, match="it broke"), writing(Path("/data/lake")):
        raise OSError("it broke")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), "No such file or directory"),
        (pa.ArrowInvalid("magic bytes"), "not a readable Parquet file"),
        (OSError("Couldn't deserialize thrift"), "not a readable Parquet file"),
    ],
)
def test_a_failure_to_read_names_the_file_its_cause_and_the_way_out(error: Exception, cause: str) -> None:
    with pytest.raises(StorageError) as caught, reading(Path("/data/x.parquet"), "delete it"):
        raise error

    assert str(caught.value) == f"can't read /data/x.parquet: {cause}; delete it"
    assert caught.value.__cause__ is error


def test_other_errors_are_not_taken_for_the_files() -> None:
    with pytest.raises(ZeroDivisionError), writing(Path("/data/lake")), reading(Path("/data/lake"), "delete it"):
        raise ZeroDivisionError


def test_the_second_process_is_told_which_one_is_at_work(lock: Path) -> None:
    with another_process(lock) as process:
        with (
            pytest.raises(BusyError, match=rf"^another run is at work on .*\(process {process.pid}\)") as busy,
            alone(lock, "another run"),
        ):
            pytest.fail("two at a time")
        assert str(lock.parent.parent) in str(busy.value)


def test_the_second_in_the_same_process_is_told_too(lock: Path) -> None:
    with (
        alone(lock, "another run"),
        pytest.raises(BusyError, match=rf"\(process {os.getpid()}\)"),
        alone(lock, "another run"),
    ):
        pytest.fail("two at a time")


def test_the_lock_is_free_again_when_its_holder_ends(lock: Path) -> None:
    with another_process(lock) as process:
        process.communicate("")
    assert process.returncode == 0

    with alone(lock, "another run"), alone(lock.with_name("other.lock"), "another build"):
        pass
    with alone(lock, "another run"):
        pass


def test_the_lock_is_free_again_when_its_holder_is_killed(lock: Path) -> None:
    with another_process(lock) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()

        with alone(lock, "another run"):
            pass


def test_whoever_took_over_from_a_killed_holder_is_the_one_that_is_named(lock: Path) -> None:
    with another_process(lock) as killed:
        killed.kill()
        killed.wait()
    with another_process(lock) as process:
        with pytest.raises(BusyError, match=rf"\(process {process.pid}\)"), alone(lock, "another run"):
            pytest.fail("two at a time")
        assert process.pid != killed.pid


class WorkError(Exception):
    pass


@pytest.mark.parametrize(
    "error", [WorkError("of the work"), ConnectionResetError("of the work"), TimeoutError("of the work")]
)
def test_an_error_of_the_work_is_the_works_own_and_lets_go_of_the_lock(lock: Path, error: Exception) -> None:
    with pytest.raises(type(error), match="of the work"), alone(lock, "another run"):
        raise error

    with alone(lock, "another run"):
        pass


def test_a_lock_that_cannot_be_made_is_a_storage_error(file: Path) -> None:
    with (
        pytest.raises(StorageError, match="a file stands where a folder should be"),
        alone(file / "locks" / "zoom.lock", "another run"),
    ):
        pytest.fail("without a lock")


def killed_in_the_middle_of_commit(file: Path) -> None:
    process = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; from pathlib import Path; from attendance_pipeline.files import commit\n"
            "def die(path): path.write_bytes(b'half'); os.kill(os.getpid(), 9)\n"
            "commit(Path(sys.argv[1]), die)",
            file,
        ],
        check=False,
    )
    assert process.returncode == -9


def test_what_a_killed_process_left_goes_with_the_next_commit_or_a_sweep(tmp_path: Path) -> None:
    file = tmp_path / "ended_date=2026-03-02" / "data.parquet"
    commit(file, lambda path: path.write_bytes(b"old"))
    killed_in_the_middle_of_commit(file)
    left = [path for path in file.parent.iterdir() if path != file]
    assert len(left) == 1
    # whoever reads a whole folder doesn't take it for a file of its own
    assert list(tmp_path.rglob("*.parquet")) == [file]

    sweep(tmp_path)
    swept = list(file.parent.iterdir())
    killed_in_the_middle_of_commit(file)
    commit(file, lambda path: path.write_bytes(b"new"))

    assert swept == [file]
    assert list(file.parent.iterdir()) == [file]
    assert file.read_bytes() == b"new"


def test_what_a_living_process_is_about_to_commit_stays(file: Path) -> None:
    def write(path: Path) -> None:
        path.write_bytes(b"whole")
        sweep(file.parent.parent)

    commit(file, write)

    assert file.read_bytes() == b"whole"


def test_a_copy_has_the_content_and_none_of_the_old_file_s_later_changes(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"x" * 100_000)

    copy(old, new)
    with old.open("r+b") as changed:
        changed.write(b"y")

    assert new.read_bytes() == b"x" * 100_000


def test_where_the_file_system_shares_no_blocks_the_content_is_copied(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "not here")

    monkeypatch.setattr("fcntl.ioctl", refuse)
    before = file.read_bytes()

    copy(file, file.with_name("new"))

    assert file.with_name("new").read_bytes() == before
