"""Bytes of files, archive members and standard input, unpacked within memory limits."""

import difflib
import importlib
import itertools
import os
import re
import stat
import sys
import tarfile
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
_PACKERS = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "lzma", b"BZh": "bz2"}
"""First bytes to the module that unpacks; loaded when needed, since a Python may lack some."""
_TAR_MAGIC, _TAR_OFFSET = b"ustar", 257
_LISTED = 5  # members that a message names
_MOST_MEMBERS = 100_000  # each takes a kilobyte of memory, and half a one in the file


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
        return f"{path} must be a file; got a folder"
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


# -- packed ---------------------------------------------------------------------------------------


def member_of(source: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """Split ``archive:member`` at the first colon that ends the name of a file."""
    text, whole = os.fspath(source), Path(source)
    if not os.path.exists(whole):  # unlike Path's, it never raises
        for position in (i for i, sign in enumerate(text) if sign == ":"):
            if os.path.isfile(text[:position]):
                return Path(text[:position]), text[position + 1 :]
    return whole, None


def content_of(source: str | os.PathLike[str]) -> tuple[bytes, str, str | None]:
    """Read a file, unpacked as its first bytes say.

    Parameters
    ----------
    source : str or path
        A file, plain or packed by gzip, xz or bzip2; a tar archive of one file, or
        ``archive:member``; or ``-``, any of these but the last on standard input.

    Returns
    -------
    content : bytes
    name : str
        For messages.
    member : str or None
        What was asked for of a file that is no tar archive: whether it can be had is for the
        caller to say.

    Raises
    ------
    InvalidFile
        If there is no such file or member, or it is damaged.
    """
    path, member = member_of(source)
    packed, name = content(path)
    unpacked = unpack(packed, name)
    del packed
    if unpacked[_TAR_OFFSET:].startswith(_TAR_MAGIC):
        unpacked, name = _extracted(unpacked, name, member)
        return unpack(unpacked, name), name, None
    return unpacked, name, member


def unpack(packed: bytes, name: str) -> bytes:
    """Return what gzip, xz or bzip2 has packed; what begins as none of them as it is.

    Raises
    ------
    InvalidFile
        If it is damaged, or unpacks to more than `content_limit`.
    """
    packer = next((packer for magic, packer in _PACKERS.items() if packed.startswith(magic)), None)
    if packer is None:
        return packed
    try:
        module = importlib.import_module(packer)
    except ImportError as error:
        raise InvalidFile(f"{name}: this Python was built without {packer}; unpack it") from error
    try:
        with module.open(BytesIO(packed)) as stream:
            return limited(stream, name, "unpacks to")
    except InvalidFile:
        raise
    except Exception as error:  # each packer has its own
        raise InvalidFile(
            f"{name}: the {packer} data are damaged or cut short ({error}); fetch the file again"
        ) from error


def _extracted(archived: bytes, name: str, member: str | None) -> tuple[bytes, str]:
    """Return one file of a tar archive, and its name."""
    try:
        with tarfile.open(fileobj=BytesIO(archived), mode="r:") as archive:
            files = {entry.name: entry for entry in _entries(archive, name) if entry.isreg()}
            chosen = _chosen(list(files), name, member)
            if files[chosen].size > content_limit():  # one with holes may say anything
                size = in_units(files[chosen].size)
                raise InvalidFile(f"{name}:{chosen}: says it has {size}, more than can be read")
            stream = archive.extractfile(files[chosen])
            assert stream is not None  # it is of a regular file
            return limited(stream, f"{name}:{chosen}"), f"{name}:{chosen}"
    except InvalidFile:
        raise
    except Exception as error:  # a damaged header raises anything
        raise InvalidFile(
            f"{name}: the archive is damaged or cut short ({error}); fetch it again"
        ) from error


def _entries(archive: tarfile.TarFile, name: str) -> list[tarfile.TarInfo]:
    entries = list(itertools.islice(archive, _MOST_MEMBERS + 1))
    if len(entries) > _MOST_MEMBERS:
        raise InvalidFile(f"{name}: the archive holds more than {_MOST_MEMBERS:,} members")
    return entries


def _chosen(members: list[str], name: str, member: str | None) -> str:
    if not members:
        raise InvalidFile(f"{name}: the archive holds no file")
    if member is None and len(members) > 1:
        raise InvalidFile(
            f"{name}: holds {len(members)} files ({some(members)}); name one: {name}:{members[0]}"
        )
    if member is not None and member not in members:
        near = difflib.get_close_matches(member, members, _LISTED) or members
        raise InvalidFile(f"{name}: holds no file {member!r}; it holds: {some(near, members)}")
    return members[0] if member is None else member


def some(shown: list[str], members: list[str] | None = None) -> str:
    """Return the first few of many names, and how many more there are."""
    listed = ", ".join(shown[:_LISTED])
    left = len(members or shown) - len(shown[:_LISTED])
    return f"{listed} and {left} more" if left else listed
