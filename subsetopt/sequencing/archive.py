"""Arrays and a note in one .npz file, written whole or not at all, read without pickle."""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile
from subsetopt.formats.atomic import replacing
from subsetopt.formats.packed import why_unreadable

VERSION = 1
_DAMAGED = (
    ValueError, KeyError, EOFError, RuntimeError, NotImplementedError, MemoryError, TypeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def write(
    path: str | os.PathLike[str], what: str, arrays: Mapping[str, NDArray[Any]], note: object
) -> None:
    """Write arrays, and a note that JSON can hold, as a file of a kind."""
    text = json.dumps({"what": what, "version": VERSION, "note": note})
    with replacing(path) as stream:
        np.savez(stream, allow_pickle=False, note=np.array(text), **arrays)


def read(
    path: str | os.PathLike[str], what: str, names: tuple[str, ...]
) -> tuple[dict[str, NDArray[Any]], Any]:
    """Read the arrays of these names, and the note; the reverse of `write`.

    Raises
    ------
    InvalidFile
        If there is no such file, or it is of another kind or version, or damaged.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            header = json.loads(str(archive["note"]))
            kind, version, note = header["what"], header["version"], header["note"]
            if kind != what:
                raise InvalidFile(f"{path}: holds a {kind}, no {what}")
            if version != VERSION:
                raise InvalidFile(
                    f"{path}: is of version {version}; this subsetopt reads {VERSION}"
                )
            return {name: archive[name] for name in names}, note
    except OSError as error:
        raise InvalidFile(why_unreadable(Path(path), error)) from error
    except InvalidFile:
        raise
    except _DAMAGED as error:
        raise InvalidFile(f"{path}: damaged, cut short or no {what} ({error})") from error


def digest(array: NDArray[Any]) -> str:
    """Return the SHA-256 of dtype, shape and bytes, in hexadecimal."""
    found = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()
