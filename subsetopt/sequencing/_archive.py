"""Sequences and checkpoints in .npz files, written whole or not at all, read without pickle."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from subsetopt._files import locked, replacing, require_writable
from subsetopt.errors import InvalidFile
from subsetopt.formats._array_files import read_members
from subsetopt.formats._documents import parsed_json
from subsetopt.problems._identity import fingerprint

from ._state import Mark, Snapshot, State

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
"""Schema of the arrays of `require_order`."""


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
    """Read the arrays of a schema, and the note, a mapping; the reverse of `write`."""
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
            raise InvalidFile("its note is not a mapping")
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
        wrong = "its seconds are not durations"
    if wrong:
        raise InvalidFile(f"{path}: damaged: {wrong}")


def digest(array: NDArray[Any]) -> str:
    """Return a digest of dtype, shape and bytes, as text."""
    dtype, shape, content = fingerprint(array)
    return f"{dtype}{shape}{content.hex()}"


_SCHEMA = {
    **ORDER,
    "potentials": (np.float64, ("n",)),
    "sums": (np.float64, (3,)),
}
_PAUSE = 3.0  # seconds between two writings


class SequenceCheckpoint:
    """A file that holds the last snapshot, and what it is a snapshot of.

    Within its ``with`` statement it is locked: another sequence with this file is refused.

    Parameters
    ----------
    path : path
        Its folder must be there; InvalidFile otherwise.
    identity : dict of str to what JSON can hold
        Data and options: all that has a bearing on the order.
    """

    def __init__(self, path: str | os.PathLike[str], identity: dict[str, Any]) -> None:
        require_writable(path)
        self.path = Path(path)
        self._identity = identity
        self._last: tuple[State, Mark] | None = None
        self._written = monotonic()
        self._beside = self.path.with_name(f".{self.path.name}.lock")

    def __enter__(self) -> Self:
        self._lock = locked(
            self._beside,
            f"{self.path} is the checkpoint of a sequence that is being made now; wait for it, or "
            "name another file",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._lock.release()

    def found(self) -> Snapshot | None:
        """Return the snapshot of an earlier run, None where there is no file."""
        if not self.path.exists():
            return None
        arrays, identity = read(self.path, "checkpoint", _SCHEMA)
        for name, wanted in self._identity.items():
            saved = identity.get(name)
            if saved != wanted:
                raise InvalidFile(
                    f"{self.path}: of a sequence with {name} {saved!r}, not {wanted!r}; give "
                    "another file, or remove this one to begin anew"
                )
        require_order(self.path, arrays)
        snapshot = Snapshot(**arrays)
        wrong = _wrong(snapshot, self._identity["n"], self._identity["batch_size"])
        if wrong:
            raise InvalidFile(f"{self.path}: damaged: {wrong}; remove it to begin anew")
        return snapshot

    def note(self, state: State) -> None:
        """Keep the state between two batches; write it if the last writing was seconds ago."""
        self._last = state, state.mark()
        if monotonic() - self._written >= _PAUSE:
            self.write()

    def write(self) -> None:
        """Write the state that was kept last, if there is one."""
        if self._last is not None:
            state, mark = self._last
            arrays = state.snapshot(mark)._asdict()
            write(self.path, "checkpoint", arrays, self._identity)
        self._written = monotonic()

    def remove(self) -> None:
        """Remove the file, and that of the lock: the sequence is complete."""
        self.path.unlink(missing_ok=True)
        self._beside.unlink(missing_ok=True)


def _wrong(saved: Snapshot, n: int, size: int) -> str:
    """Return what rules out that a snapshot is one of n points in batches of a size."""
    if (saved.order >= n).any() or saved.potentials.shape != (n,):
        return f"it is not of {n} points"
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[saved.order] = True
    if not np.array_equal(saved.potentials == np.inf, chosen):
        return "what is left and what was chosen do not add up"
    if not np.isfinite(saved.potentials[~chosen]).all() or not np.isfinite(saved.sums).all():
        return "its potentials or sums are not finite"
    steps = np.minimum(np.arange(len(saved.boundaries)) * size, n)
    if not np.array_equal(saved.boundaries, steps):
        return f"its batches are not of {size} points"
    return ""
