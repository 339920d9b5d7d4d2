"""The bytes of a file that may be compressed, or a member of an archive."""

import difflib
import importlib
import io
import os
import sys
import tarfile
import zlib
from pathlib import Path

from subsetopt.errors import InvalidFile

_PACKERS = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "lzma", b"BZh": "bz2"}
"""First bytes to the module that unpacks; loaded when needed, since a Python may lack some."""
_TAR_MAGIC, _TAR_OFFSET = b"ustar", 257
_DAMAGED = (EOFError, OSError, ValueError, zlib.error, tarfile.TarError)
_LISTED = 5  # members that a message names


def member_of(source: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """Split ``archive:member`` at the first colon that ends the name of a file."""
    text, whole = os.fspath(source), Path(source)
    if not whole.exists():
        for position in (i for i, sign in enumerate(text) if sign == ":"):
            if Path(text[:position]).is_file():
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
    if os.fspath(source) == "-":
        name, member = "standard input", None
        content = sys.stdin.buffer.read()
    else:
        path, member = member_of(source)
        name = str(path)
        content = _read(path)
    content = _unpacked(content, name)
    if content[_TAR_OFFSET:].startswith(_TAR_MAGIC):
        content, name = _extracted(content, name, member)
        return _unpacked(content, name), name, None
    return content, name, member


def why_unreadable(path: Path, error: OSError) -> str:
    """Say what is wrong with a file that cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return f"{path}: there is no such file"
    if isinstance(error, IsADirectoryError):
        return f"{path}: this is a folder; a file is needed"
    return f"{path}: cannot be read: {error.strerror or error}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidFile(why_unreadable(path, error)) from error


def _unpacked(content: bytes, name: str) -> bytes:
    packer = next((packer for magic, packer in _PACKERS.items() if content.startswith(magic)), None)
    if packer is None:
        return content
    try:
        module = importlib.import_module(packer)
    except ImportError as error:
        raise InvalidFile(f"{name}: this Python was built without {packer}; unpack it") from error
    try:
        unpacked: bytes = module.decompress(content)
    except (*_DAMAGED, getattr(module, "LZMAError", EOFError)) as error:
        raise InvalidFile(
            f"{name}: the {packer} data are damaged or cut short ({error}); fetch the file again"
        ) from error
    return unpacked


def _extracted(content: bytes, name: str, member: str | None) -> tuple[bytes, str]:
    """Return one file of a tar archive, and its name."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            files = {entry.name: entry for entry in archive.getmembers() if entry.isreg()}
            chosen = _chosen(list(files), name, member)
            stream = archive.extractfile(files[chosen])
            assert stream is not None  # it is of a regular file
            return stream.read(), f"{name}:{chosen}"
    except InvalidFile:
        raise
    except _DAMAGED as error:
        raise InvalidFile(
            f"{name}: the archive is damaged or cut short ({error}); fetch it again"
        ) from error


def _chosen(members: list[str], name: str, member: str | None) -> str:
    if not members:
        raise InvalidFile(f"{name}: the archive holds no file")
    if member is None and len(members) > 1:
        raise InvalidFile(
            f"{name}: holds {len(members)} files ({_some(members)}); name one: {name}:{members[0]}"
        )
    if member is not None and member not in members:
        near = difflib.get_close_matches(member, members, _LISTED) or members
        raise InvalidFile(f"{name}: holds no file {member!r}; it holds: {_some(near, members)}")
    return members[0] if member is None else member


def _some(shown: list[str], members: list[str] | None = None) -> str:
    listed = ", ".join(shown[:_LISTED])
    left = len(members or shown) - len(shown[:_LISTED])
    return f"{listed} and {left} more" if left else listed
