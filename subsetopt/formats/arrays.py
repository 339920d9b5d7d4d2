"""Values from .npy, .npz and text files, or from standard input."""

import io
import os
import sys
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile

from .packed import member_of, why_unreadable
from .table import table_values

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
NPY_MAGIC, ZIP_MAGIC = b"\x93NUMPY", b"PK\x03\x04"
_UNREADABLE = (ValueError, EOFError, OverflowError, MemoryError)


def read_values(source: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an array of numbers.

    Parameters
    ----------
    source : str or path
        A ``.npy`` file; a ``.npz`` file with one array, or ``file.npz:name``; a ``.csv``, ``.tsv``
        or ``.txt`` file with commas, semicolons, tabs or blanks between its columns, and one
        header line or none; or ``-``, any of these on standard input.

    Returns
    -------
    ndarray
        Text gives float64, (n,) for one column and (n, d) for several. NaN passes: whether it may
        occur is for the problem to say.

    Raises
    ------
    InvalidFile
        For anything that cannot be read so; the message names the file, what is wrong and the
        mend.
    """
    if os.fspath(source) == "-":
        return values_of(sys.stdin.buffer.read(), "standard input")
    path, member = member_of(source)
    suffix = path.suffix.lower()
    if member is not None and suffix != ".npz":
        raise InvalidFile(f"{path}: only .npz files hold several arrays; leave out ':{member}'")
    try:
        if suffix == ".npy":
            with path.open("rb") as stream:
                return _npy(stream, str(path))
        if suffix == ".npz":
            with path.open("rb") as stream:
                return _npz(stream, str(path), member)
        if suffix in TEXT_SUFFIXES:
            return table_values(path.read_bytes(), str(path))
        path.open("rb").close()  # a missing file is the greater mistake
    except OSError as error:
        raise InvalidFile(why_unreadable(path, error)) from error
    raise InvalidFile(
        f"{path}: unknown suffix {suffix!r}; known are .npy, .npz, {', '.join(TEXT_SUFFIXES)}, "
        "and '-' for standard input"
    )


def values_of(content: bytes, name: str, member: str | None = None) -> NDArray[Any]:
    """Read an array from the bytes of a ``.npy``, ``.npz`` or text file, as they begin."""
    if content.startswith(ZIP_MAGIC):
        return _npz(io.BytesIO(content), name, member)
    if content.startswith(NPY_MAGIC):
        return _npy(io.BytesIO(content), name)
    return table_values(content, name)


def _npy(stream: BinaryIO, name: str) -> NDArray[Any]:
    start = stream.read(len(NPY_MAGIC))
    if not start:
        raise InvalidFile(f"{name}: the file is empty")
    if start != NPY_MAGIC:
        raise InvalidFile(f"{name}: this is no .npy file; write it with numpy.save")
    stream.seek(0)
    try:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
    except _UNREADABLE as error:
        if "allow_pickle" in str(error):
            raise InvalidFile(
                f"{name}: holds pickled Python objects, which are not read since they can run "
                "code; save numbers: numpy.save(file, values.astype(float))"
            ) from error
        raise InvalidFile(f"{name}: damaged or cut short ({error}); write it again") from error


def _npz(stream: BinaryIO, name: str, member: str | None) -> NDArray[Any]:
    if not stream.read(1):
        raise InvalidFile(f"{name}: the file is empty")
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            chosen = _chosen(archive, name, member)
            # Through memory: a compressed member cannot be sought in cheaply.
            content = archive.read(f"{chosen}.npy")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise InvalidFile(f"{name}: damaged or no .npz file ({error}); write it again") from error
    return _npy(io.BytesIO(content), f"{name}:{chosen}")


def _chosen(archive: zipfile.ZipFile, name: str, member: str | None) -> str:
    members = [entry[: -len(".npy")] for entry in archive.namelist() if entry.endswith(".npy")]
    listed = ", ".join(members)
    if not members:
        raise InvalidFile(f"{name}: holds no array")
    if member is None and len(members) > 1:
        raise InvalidFile(
            f"{name}: holds {len(members)} arrays ({listed}); name one: {name}:{members[0]}"
        )
    if member is not None and member not in members:
        raise InvalidFile(f"{name}: holds no array {member!r}; it holds: {listed}")
    return members[0] if member is None else member
