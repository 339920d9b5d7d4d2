"""Locks of the operating system: what one process writes, no other one writes meanwhile."""

from pathlib import Path
from typing import Any

from subsetopt.errors import InvalidFile, InvalidOption

NAME = ".lock"
"""The file in a folder that stands for the whole of it."""


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
        raise InvalidOption(f"{folder} is a file; a folder is needed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidFile(f"{folder} cannot be made: {error.strerror}") from error
    return locked(
        folder / NAME,
        f"{folder} is being written by another run; wait for it, or name another folder",
    )
