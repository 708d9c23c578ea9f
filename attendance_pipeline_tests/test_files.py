import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from attendance_pipeline.errors import BusyError, StorageError
from attendance_pipeline.files import alone, commit, reading, writing

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


@pytest.mark.parametrize("mode", [0o600, 0o444, 0o644])
def test_a_file_has_the_permissions_asked_for_whatever_the_umask(file: Path, mode: int) -> None:
    umask = os.umask(0o077)
    try:
        commit(file, lambda path: path.write_text("first"), mode)
        commit(file, lambda path: path.write_text("second"), mode)
    finally:
        os.umask(umask)

    assert file.stat().st_mode & 0o777 == mode
    assert file.read_text() == "second"


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
