"""The folder as a whole: its layout, and who may write where."""

import errno
import os
from pathlib import Path

from subsetopt._files import locked, replacing
from subsetopt.errors import InvalidFile, InvalidOption

from ._layout import Layout
from ._segments import LAYOUT

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
    except (FileNotFoundError, NotADirectoryError):
        what = "holds no records" if Path(root).is_dir() else "is no folder"
        what = what if Path(root).exists() else "does not exist"
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
            _describe(path, wanted or Layout())
    found = read_layout(root)
    if wanted is not None and found != wanted:
        raise InvalidOption(
            f"{os.fspath(root)} has {found}, but {wanted} is wanted; record into another folder"
        )
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "the folder of records is not writable", str(root))
    return found


def _describe(path: Path, layout: Layout) -> None:
    """Write the layout down, unless another writer is first."""
    complaint = f"another process has been making {path.parent} for too long"
    with locked(path.with_name(".layout.lock"), complaint, patience=10.0):
        if not path.exists():
            with replacing(path) as stream:
                stream.write(layout.to_json().encode())
