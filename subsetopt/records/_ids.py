"""Hash table from ids to places 0, 1, 2, ... in the order of first appearance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.errors import InvalidProblem

Places = NDArray[np.int64]
_LEAST = 1024


class Ids:
    """A growing set of ids, each with a place; 32 to 64 bytes for each int64.

    Parameters
    ----------
    strings : bool
        Whether ids are strings, which take a dictionary and its memory, instead of int64.
    """

    def __init__(self, strings: bool = False) -> None:
        self.strings = strings
        self._known: dict[str, int] = {}
        self._count = 0
        self._bits: NDArray[np.uint8] | None = None
        self._reserve(_LEAST)

    def __len__(self) -> int:
        return len(self._known) if self.strings else self._count

    def keys(self) -> Any:
        """Return all ids in the order of their places: int64, or a list of str."""
        if self.strings:
            return list(self._known)
        held = self._places >= 0
        keys = np.empty(self._count, np.int64)
        keys[self._places[held]] = self._keys[held]
        return keys

    def find(self, ids: Any) -> Places:
        """Return the place of each id, -1 where it is unknown; O(1) for each."""
        if self.strings:
            known = self._known
            return np.array([known.get(one, -1) for one in ids], np.int64)
        out = np.empty(len(ids), np.int64)
        _kernels.record_tables.find(self._keys, self._places, self._shift, ids, out)
        return out

    def among(self, ids: Any) -> Places:
        """As `find`, faster where most are unknown; for sets that no longer grow."""
        if self.strings:
            return self.find(ids)
        tables = _kernels.record_tables
        if self._bits is None:
            self._bits = np.zeros(len(self._keys), np.uint8)
            tables.mark(self._bits, self._shift, self.keys())
        out = np.empty(len(ids), np.int64)
        tables.find_among(self._bits, self._keys, self._places, self._shift, ids, out)
        return out

    def add(self, ids: Any) -> Places:
        """Return the place of each id; unknown ones get one."""
        if self.strings:
            known = self._known
            return np.array([known.setdefault(one, len(known)) for one in ids], np.int64)
        tables, self._bits = _kernels.record_tables, None
        wanted = 2 * (self._count + len(ids))
        if wanted > len(self._keys):
            self._grow(wanted)
        out = np.empty(len(ids), np.int64)
        self._count = tables.add(self._keys, self._places, self._shift, ids, out, self._count)
        return out

    def _reserve(self, size: int) -> None:
        bits = max(_LEAST, size - 1).bit_length()
        self._shift = 64 - bits
        self._keys = np.zeros(1 << bits, np.int64)
        self._places = np.full(1 << bits, -1, np.int64)

    def _grow(self, wanted: int) -> None:
        keys, tables = self.keys(), _kernels.record_tables
        self._reserve(wanted)
        # In the order of their places, so that each gets its own again.
        tables.add(self._keys, self._places, self._shift, keys, np.empty_like(keys), 0)


def as_ids(ids: Any, strings: bool) -> Any:
    """Return ids that a caller asks for as int64 or as a list of str."""
    return _strings(ids) if strings else _numbers(ids)


def _strings(ids: Any) -> list[str]:
    # Not through an array of numpy's: it cuts zeros off, and makes all as wide as the widest.
    listed = isinstance(ids, list | tuple)
    found = list(ids) if listed else np.asarray(ids).tolist()
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        what = "" if listed else f"; they have dtype {np.asarray(ids).dtype}"
        raise InvalidProblem(f"ids are not a row of strings, as this folder holds them{what}")
    return found


def _numbers(ids: Any) -> NDArray[np.int64]:
    array = np.asarray(ids)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise InvalidProblem(
            "ids must be int64 (m,), as this folder holds them; got dtype "
            f"{array.dtype} and shape {array.shape}"
        )
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        raise InvalidProblem(f"ids go up to {array.max()}, which int64 does not hold")
    return np.ascontiguousarray(array, np.int64)
