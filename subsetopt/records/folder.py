"""The folder as a whole: its layout, and who may write where."""

import errno
import os
from pathlib import Path
from typing import Any

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats.atomic import replacing
from subsetopt.solvers.base import Requirement

from .layout import Layout
from .segments import LAYOUT

Folder = str | os.PathLike[str]


def read_layout(root: Folder) -> Layout:
    """Return the layout of a folder of records.

    Raises
    ------
    InvalidFile
        If there is no such folder, it holds no records, or those of another version.
    """
    path = Path(root, LAYOUT)
    try:
        return Layout.of_json(path.read_bytes(), str(path))
    except FileNotFoundError:
        what = "holds no records" if Path(root).is_dir() else "does not exist"
        raise InvalidFile(f"{os.fspath(root)} {what}; a RecordWriter makes such a folder") from None


def made(root: Folder, wanted: Layout | None) -> Layout:
    """Return the layout of a folder, which is made where there is none.

    Raises
    ------
    InvalidOption
        If the folder has another layout than the one wanted.
    InvalidFile
        If what is there holds no records, or those of another version.
    OSError
        If it cannot be written.
    """
    path = Path(root, LAYOUT)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        if any(not entry.name.startswith(".") for entry in path.parent.iterdir()):
            if not path.exists():  # another writer may have been first
                raise InvalidFile(
                    f"{path.parent} holds other files and no {LAYOUT}; record into a folder of its "
                    "own"
                )
        else:
            with replacing(path) as stream:
                stream.write((wanted or Layout()).to_json().encode())
    found = read_layout(root)
    if wanted is not None and found != wanted:
        raise InvalidOption(
            f"{os.fspath(root)} has {found}, but {wanted} is wanted; record into another folder"
        )
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "the folder of records is not writable", str(root))
    return found


def locked(path: Path, complaint: str) -> Any:
    """Return a lock that is held until it is released or the process ends, however it ends.

    Raises
    ------
    InvalidOption
        With the complaint, if another one holds it.
    """
    filelock = Requirement("filelock", "filelock", extra="records").load()
    lock = filelock.FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise InvalidOption(complaint) from None
    return lock
