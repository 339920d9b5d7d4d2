"""Bytes of files and of standard input: never waited for in vain, never more than fits."""

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

from subsetopt.errors import InvalidFile
from subsetopt.problems._memory import in_units, memory_limit

_SHARE = 4  # what is read is parsed beside it, into more bytes than it has
_PIECE = 2**20
_DESCRIPTOR = re.compile(r"/dev/(stdin|fd/\d+)|/proc/(self|\d+)/fd/\d+")


def content_limit() -> int:
    """Return how many bytes are read of one file, unpacked: a quarter of the `memory_limit`."""
    return memory_limit() // _SHARE


def is_descriptor(path: str | os.PathLike[str]) -> bool:
    """Whether a path stands for what is open already: ``/dev/stdin``, ``<(command)``."""
    return _DESCRIPTOR.fullmatch(os.path.abspath(path)) is not None


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for reading.

    Raises
    ------
    InvalidFile
        If it cannot be opened, or is a device or a named pipe: these may never end, or never
        begin. ``/dev/stdin`` and what a shell makes of ``<(command)`` are read.
    """
    try:
        with _open(path) as stream:
            kind = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(kind) and not is_descriptor(path):
                raise InvalidFile(
                    f"{path}: this is {_kind(kind)}, not a file; give a file, or send the data to "
                    "standard input and give '-'"
                )
            if hasattr(os, "set_blocking"):
                os.set_blocking(stream.fileno(), True)
            yield stream
    except OSError as error:
        raise InvalidFile(why_unreadable(Path(path), error)) from error


def content(source: str | os.PathLike[str]) -> tuple[bytes, str]:
    """Return the bytes of a file, or of standard input for ``-``, and its name for messages.

    Raises
    ------
    InvalidFile
        As `opened` and `limited` do.
    """
    if os.fspath(source) == "-":
        name = "standard input"
        return limited(standard_input(), name), name
    name = os.fspath(source)
    with opened(source) as stream:
        if os.fstat(stream.fileno()).st_size > content_limit():
            raise _too_large(name, "has", content_limit())
        return limited(stream, name), name


def standard_input() -> BinaryIO:
    """Return the bytes of standard input; InvalidFile if it is closed."""
    if sys.stdin is None or sys.stdin.closed:
        raise InvalidFile("standard input is closed; give a file, or send the data to it")
    return sys.stdin.buffer


def limited(stream: IO[bytes], name: str, verb: str = "has") -> bytes:
    """Return what is left of a stream.

    Raises
    ------
    InvalidFile
        If that is more than the `content_limit`, or more than there is memory for.
    """
    limit, whole, size = content_limit(), BytesIO(), 0
    try:
        while piece := stream.read(_PIECE):
            size += whole.write(piece)
            if size > limit:
                raise _too_large(name, verb, limit)
        return whole.getvalue()
    except MemoryError:
        after = in_units(size)
        raise InvalidFile(f"{name}: out of memory after {after}; give a smaller file") from None


def why_unreadable(path: Path, error: OSError) -> str:
    """Say what is wrong with a file that cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return f"{path}: there is no such file"
    if isinstance(error, IsADirectoryError):
        return f"{path}: this is a folder; a file is needed"
    return f"{path}: cannot be read: {error.strerror or error}"


def _too_large(name: str, verb: str, limit: int) -> InvalidFile:
    return InvalidFile(
        f"{name}: {verb} more than {in_units(limit)}, the limit with the memory that is free now; "
        "give a part of it, or an array as .npy"
    )


def _open(path: str | os.PathLike[str]) -> BinaryIO:
    try:
        return open(path, "rb", opener=_without_waiting)
    except ValueError as error:
        raise InvalidFile(f"{os.fspath(path)!r}: no file has such a name ({error})") from error


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
