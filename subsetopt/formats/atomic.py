"""Files that are there whole or not at all."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from subsetopt.errors import InvalidOption


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
        raise InvalidOption(f"{target} is no regular file and cannot be replaced")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing, which takes its place if the block succeeds.

    Whatever goes wrong, Ctrl-C included, `path` is left as it was. A symbolic link stays one: the
    file that it points to is replaced. Raises as `require_writable` does.
    """
    require_writable(path)
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    # Not tempfile, which would leave the result readable by its owner alone.
    stream = beside.open("xb")
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, target)
    except BaseException:
        with suppress(FileNotFoundError):
            beside.unlink()
        raise
