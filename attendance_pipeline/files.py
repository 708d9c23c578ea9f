"""How a file of ours comes into being: written beside, flushed, then renamed; or not at all.

Also turns what the operating system says of files into errors that name the file and the way out.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
from filelock import FileLock, Timeout

from attendance_pipeline.errors import BusyError, StorageError

_WAYS_OUT = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; choose another folder with ATTENDANCE_DATA",
    errno.EACCES: "this user may not; fix the permissions or choose another folder with ATTENDANCE_DATA",
    errno.EPERM: "this user may not; fix the permissions or choose another folder with ATTENDANCE_DATA",
    errno.ENOTDIR: "a file stands where a folder should be; move it away",
    errno.EEXIST: "a file stands where a folder should be; move it away",
}


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Turn a failure to write `file` into a `StorageError`."""
    try:
        yield
    except OSError as error:
        way_out = _WAYS_OUT.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(f"can't write {file}: {way_out}; nothing was replaced") from error


@contextmanager
def reading(file: Path, way_out: str) -> Iterator[None]:
    """Turn a failure to read `file` into a `StorageError` that tells the way out."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else "not a readable Parquet file"
        raise StorageError(f"can't read {file}: {cause}; {way_out}") from error


def commit(file: Path, write: Callable[[Path], object], mode: int = 0o644) -> None:
    """Make or replace `file` in one step: whoever opens it sees all of the old or all of the new.

    Args:
        file: what is to stand there afterwards.
        write: writes the whole content to the path it is given.
        mode: the file's permissions.

    Raises:
        StorageError: the disk is full, read-only or gone; the old file still stands.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with writing(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            write(beside)
            with beside.open("rb") as written:
                os.fsync(written.fileno())
            beside.chmod(mode)
            beside.replace(file)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Hold `lock` while `what` is at work; the kernel lets go of it when the process dies.

    Raises:
        BusyError: another process holds it; names that process.
    """
    holder = lock.with_suffix(".pid")
    with writing(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock)
    try:
        with writing(lock):
            try:
                held.acquire(timeout=0)
            except Timeout:
                number = holder.read_text() if holder.exists() else "unknown"
                raise BusyError(
                    f"{what} is at work on {lock.parent.parent} (process {number}); "
                    "wait for it to end, or stop it, then run again"
                ) from None
            holder.write_text(str(os.getpid()))
        yield
    finally:
        held.release()
