"""Arrays and a note in one .npz file, written whole or not at all, read without pickle."""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._files import replacing
from subsetopt.errors import InvalidFile
from subsetopt.formats._array_files import read_members
from subsetopt.formats._documents import parsed_json

VERSION = 1
Schema = Mapping[str, tuple[Any, tuple[str | int, ...]]]
"""Names of arrays to dtype and shape: numbers, or letters that stand for the same in all arrays."""
ORDER: Schema = {
    "order": (np.int64, ("points",)),
    "boundaries": (np.int64, ("boundaries",)),
    "mmd2": (np.float64, ("batches",)),
    "mmd2_to_whole": (np.float64, ("batches",)),
    "seconds": (np.float64, ("batches",)),
}
"""What `require_order` takes."""


def write(
    path: str | os.PathLike[str], what: str, arrays: Mapping[str, NDArray[Any]], note: object
) -> None:
    """Write arrays, and a note that JSON can hold, as a file of a kind."""
    text = json.dumps({"what": what, "version": VERSION, "note": note})
    with replacing(path) as stream:
        np.savez(stream, allow_pickle=False, note=np.array(text), **arrays)


def read(
    path: str | os.PathLike[str], what: str, schema: Schema
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read the arrays of a schema, and the note, a mapping; the reverse of `write`.

    Raises
    ------
    InvalidFile
        If there is no such file, or it is of another kind or version, or damaged.
    """
    header = _header(path, what)
    if header.get("what") != what:
        raise InvalidFile(f"{path}: holds a {header.get('what')}, no {what}")
    if header.get("version") != VERSION:
        raise InvalidFile(
            f"{path}: is of version {header.get('version')}; this subsetopt reads {VERSION}"
        )
    note = header.get("note")
    if not isinstance(note, dict):
        raise InvalidFile(f"{path}: damaged: it lacks a note")
    arrays = read_members(path, schema)
    _require_shapes(path, arrays, schema)
    return arrays, note


def _header(path: str | os.PathLike[str], what: str) -> dict[str, Any]:
    try:
        text = read_members(path, ["note"])["note"]
        if text.ndim or text.dtype.kind != "U":
            raise InvalidFile(f"its note is {text.dtype} of shape {text.shape}")
        header = parsed_json(str(text), "its note")
        if not isinstance(header, dict):
            raise InvalidFile("its note is no mapping")
    except InvalidFile as error:
        if not os.path.isfile(path):
            raise
        raise InvalidFile(f"{path}: damaged, cut short or no {what} ({error})") from error
    return header


def _require_shapes(
    path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], schema: Schema
) -> None:
    known: dict[str | int, int] = {}
    for name, (dtype, shape) in schema.items():
        array = arrays[name]
        wanted = tuple(
            known.setdefault(side, size) if isinstance(side, str) else side
            for side, size in zip(shape, array.shape, strict=False)
        )
        if array.dtype != dtype or array.ndim != len(shape) or array.shape != wanted:
            raise InvalidFile(f"{path}: damaged: {name} is {array.dtype} of shape {array.shape}")


def require_order(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise InvalidFile unless arrays of `ORDER` are those of batches that share no point."""
    order, boundaries = arrays["order"], arrays["boundaries"]
    batches, wrong = len(boundaries) - 1, ""
    if batches < 1 or boundaries[0] or boundaries[-1] != len(order):
        wrong = f"its batches do not go from 0 to {len(order)}"
    elif (boundaries[1:] <= boundaries[:-1]).any():  # their difference could overflow
        wrong = "its boundaries do not ascend"
    elif len(arrays["seconds"]) != batches:
        wrong = f"{batches} batches, but not one number for each"
    elif (order < 0).any() or len(np.unique(order)) != len(order):
        wrong = "its order holds a point twice, or a negative one"
    elif not np.isfinite([*arrays["mmd2_to_whole"], *arrays["mmd2"][:-1]]).all():
        wrong = "its MMDs are not finite"  # the last one is to what is left, which may be nothing
    elif not (np.isfinite(arrays["seconds"]) & (arrays["seconds"] >= 0)).all():
        wrong = "its seconds are no durations"
    if wrong:
        raise InvalidFile(f"{path}: damaged: {wrong}")


def digest(array: NDArray[Any]) -> str:
    """Return the SHA-256 of dtype, shape and bytes, in hexadecimal."""
    found = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()
