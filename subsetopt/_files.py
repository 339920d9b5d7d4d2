"""Atomic writing of files, and file locks."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from .errors import InvalidFile, InvalidOption

LOCK = ".lock"
"""The file in a folder that stands for the whole of it."""

_WINDOWS = os.name == "nt"
_OF_DISKS = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG, errno.EIO)


def suffix_of(path: str | os.PathLike[str], known: tuple[str, ...]) -> str:
    """Return the suffix of `path`, in lower case.

    Raises
    ------
    InvalidOption
        If it is none of `known`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        what = f"the suffix {suffix!r}" if suffix else "no suffix"
        raise InvalidOption(f"{os.fspath(path)} has {what}; known are {', '.join(known)}")
    return suffix


def require_writable(path: str | os.PathLike[str]) -> None:
    """Fail now, rather than after an hour of work, where `path` cannot be written.

    Raises
    ------
    OSError
        If its folder is missing or not writable, or it is a folder itself.
    InvalidOption
        If it is no regular file: a device or a pipe cannot be replaced.
    """
    target = Path(path)
    folder = target.parent
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(folder))
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, "the folder is not writable", str(folder))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "this is a folder, no file", str(target))
    if target.exists() and not target.is_file():
        raise InvalidOption(f"{target} is not a regular file and cannot be replaced")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing, which takes its place if the block succeeds.

    Whatever goes wrong, Ctrl-C included, `path` is left as it was; kill -9 leaves a hidden file
    beside it, which the next writer takes. A symbolic link stays one: the file that it points to
    is replaced. Raises as `require_writable` does.
    """
    require_writable(path)
    target = Path(os.path.realpath(path))
    beside, stream = _begun(target)
    with _named(path), stream:
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if _WINDOWS:  # which renames no open file
                stream.close()
            os.replace(beside, target)  # while it is locked
        except BaseException:
            if _WINDOWS:
                stream.close()
            with suppress(FileNotFoundError):
                beside.unlink()
            raise


@contextmanager
def _named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let errors of a disk that is full or broken name the file, which the system's do not."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _OF_DISKS:
            error.filename = os.fspath(path)
        raise


def _begun(target: Path) -> tuple[Path, BinaryIO]:
    """Return a new file beside the target, and its path.

    Its name is always the same, so that the next writer takes what a process that was killed has
    left; only where another process is writing just now it is one of its own.
    """
    if not _WINDOWS:
        beside = target.with_name(f".{target.name}.part")
        with suppress(OSError):  # a writer's, a stranger's, no locks: another name will do
            while (stream := _taken(beside)) is None:
                pass
            return beside, stream
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    # Not tempfile, which would leave the result readable by its owner alone.
    return beside, beside.open("xb")


def _taken(beside: Path) -> BinaryIO | None:
    """Open a file for this process alone; None where another one has just renamed it.

    Raises
    ------
    OSError
        If another process holds it.
    """
    import fcntl

    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    stream = os.fdopen(os.open(beside, flags, 0o666), "r+b")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(stream.fileno()), os.lstat(beside)):
            stream.truncate()
            return stream
    except FileNotFoundError:  # renamed or removed between the two
        pass
    except BaseException:
        stream.close()
        raise
    stream.close()
    return None


def locked(path: Path, complaint: str, patience: float = 0.0) -> Any:
    """Return a lock that is held until it is released or the process ends, however it ends.

    Parameters
    ----------
    path : Path
        A file for this alone, made where there is none. It stays when the lock is released: where
        it were removed, two processes could hold locks on files of the same name.
    complaint : str
        The message of the error if another one holds it.
    patience : float
        Seconds to wait for that one.

    Returns
    -------
    filelock.FileLock
        With `release`; as a context manager it is released at the end of the block.

    Raises
    ------
    InvalidOption
        If another one holds it, in this process or another, for `patience` seconds on.
    InvalidFile
        If the file cannot be made, or its file system has no locks.
    """
    import filelock

    lock = filelock.FileLock(path, timeout=patience, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise InvalidOption(complaint) from None
    except OSError as error:
        raise InvalidFile(f"{path} cannot be locked: {error.strerror or error}") from error
    return lock


def locked_folder(folder: Path) -> Any:
    """Return the lock of a folder of results, which is made where there is none.

    Raises
    ------
    InvalidOption
        If another run writes to it, or it is a file.
    InvalidFile
        If it cannot be made or written.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidOption(f"{folder} must be a folder; got a file")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidFile(f"{folder} cannot be made: {error.strerror}") from error
    return locked(
        folder / LOCK,
        f"{folder} is being written by another run; wait for it, or name another folder",
    )
