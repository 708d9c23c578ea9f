"""How a file of ours comes into being: written beside, flushed, then renamed; or not at all. And who may read it.

Also turns what the operating system says of files into errors that name the file and the way out.
"""

import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import BinaryIO, cast

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


class Access(Enum):
    """Who may read what we write, whatever the umask: the file's mode, and that of a folder that is made for it.

    What we write holds people's names and addresses: it is never for others than the owner and the owner's group.
    """

    GROUP = 0o640, 0o750
    """Everything else: the owner writes, the group reads."""
    OWNER = 0o600, 0o700
    """Secrets and state."""
    PUBLISHED = 0o440, 0o750
    """Nobody writes: it is only ever replaced."""

    def __init__(self, file: int, folder: int) -> None:
        self.file = file
        self.folder = folder


def make_folder(folder: Path, access: Access = Access.GROUP) -> None:
    """Make a folder, and those above it that lack, for the group; a folder that stands keeps its mode."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if folder.is_dir():  # another process was faster
            return
        raise
    # A folder below one whose files are to be of its group hands that on.
    folder.chmod(access.folder | folder.stat().st_mode & stat.S_ISGID)


def opened(file: Path, how: str, access: Access = Access.GROUP) -> BinaryIO:
    """Open a file for writing that grows under its own name, unbuffered; from its first byte on for these only.

    Args:
        file: in a folder that stands.
        how: `wb` or `ab`.
        access: who may read it.
    """

    def make(name: str, flags: int) -> int:
        number = os.open(name, flags, 0o600)
        os.fchmod(number, access.file)
        return number

    return cast(BinaryIO, open(file, how, buffering=0, opener=make))  # noqa: PTH123 - a path's own takes no opener


@contextmanager
def shut_to_others() -> Iterator[None]:
    """What this process and those it starts make meanwhile, in ways of their own, isn't for others."""
    before = os.umask(0o077)
    os.umask(before | 0o027)
    try:
        yield
    finally:
        os.umask(before)


def commit(file: Path, write: Callable[[Path], object], access: Access = Access.GROUP) -> None:
    """Make or replace `file` in one step: whoever opens it sees all of the old or all of the new.

    Args:
        file: what is to stand there afterwards.
        write: writes the whole content to the path it is given, where nobody else can look.
        access: who may read it.

    Raises:
        StorageError: the disk is full, read-only or gone; the old file still stands.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    # A name that no reader of a whole folder takes for a file of its own.
    whole = beside / "whole"
    try:
        with writing(file):
            make_folder(file.parent, access)
            sweep(file.parent, file.name)
            beside.mkdir(mode=0o700, exist_ok=True)
            whole.unlink(missing_ok=True)
            write(whole)
            with whole.open("rb") as written:
                os.fsync(written.fileno())
            whole.chmod(access.file)
            whole.replace(file)
    finally:
        with suppress(OSError):
            whole.unlink(missing_ok=True)
            beside.rmdir()


def copy(source: Path, target: Path) -> None:
    """Make a new file of the same content, which shares the old one's blocks where the file system can (reflink).

    XFS and Btrfs can, for files of one file system: then only what is changed later takes time and space.
    """
    with source.open("rb") as old, opened(target, "wb") as new:
        try:
            fcntl.ioctl(new, _FICLONE, old.fileno())
        except OSError:
            shutil.copyfile(source, target)


_FICLONE = 0x40049409
"""Linux' `ioctl_ficlone(2)`."""


def sweep(folder: Path, name: str = "*") -> None:
    """Take away what killed processes left of files that they were about to commit.

    Args:
        folder: where the files are.
        name: of the file; any, also in folders below, if not told.
    """
    pattern = f".{name}.*.tmp"
    for left in folder.rglob(pattern) if name == "*" else folder.glob(pattern):
        number = re.search(r"\.(\d+)\.tmp$", left.name)
        if number and not _is_alive(int(number[1])):
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Hold `lock` while `what` is at work; the kernel lets go of it when the process dies.

    Raises:
        BusyError: another process holds it; names that process.
    """
    holder = lock.with_suffix(".pid")
    with writing(lock):
        make_folder(lock.parent)
    held = FileLock(lock, mode=Access.GROUP.file)
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
            with opened(holder, "wb") as noted:
                noted.write(str(os.getpid()).encode())
        yield
    finally:
        held.release()
