"""The bytes of a file that may be compressed, or a member of an archive."""

import difflib
import importlib
import io
import itertools
import os
import tarfile
from pathlib import Path

from subsetopt.errors import InvalidFile
from subsetopt.problems._memory import in_units

from ._sources import content, content_limit, limited

_PACKERS = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "lzma", b"BZh": "bz2"}
"""First bytes to the module that unpacks; loaded when needed, since a Python may lack some."""
_TAR_MAGIC, _TAR_OFFSET = b"ustar", 257
_LISTED = 5  # members that a message names
_MOST_MEMBERS = 100_000  # each takes a kilobyte of memory, and half a one in the file


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
        If it is damaged, or unpacks to more than `subsetopt.formats._sources.content_limit`.
    """
    packer = next((packer for magic, packer in _PACKERS.items() if packed.startswith(magic)), None)
    if packer is None:
        return packed
    try:
        module = importlib.import_module(packer)
    except ImportError as error:
        raise InvalidFile(f"{name}: this Python was built without {packer}; unpack it") from error
    try:
        with module.open(io.BytesIO(packed)) as stream:
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
        with tarfile.open(fileobj=io.BytesIO(archived), mode="r:") as archive:
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
