"""Subsets of a quarter of the items by ascending key, and pairs of them interval by interval.

Called by `_meet`; the loops are in `_kernels.subset_sums`.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.solvers._deadline import SORTING, Deadline

_FEW = 512  # keys that are sorted by comparisons
COUNTLESS = 2**100
"""Numbers of subsets are not told apart from here on: nobody can look at as many."""


class GroupItems(NamedTuple):
    """Items of one group in a quarter, and how many of them a subset may have."""

    items: NDArray[np.int64]
    low: int
    high: int


class _PartSums:
    """All subsets of a part by key, in no order; those that are left out where they are fewer."""

    def __init__(self, part: GroupItems, keys: NDArray[np.int64]) -> None:
        self._items, size = part.items, len(part.items)
        self._left_out = part.low > size - part.high
        low, high = part.low, part.high
        if self._left_out:
            low, high = size - high, size - low
        room = subsets(size, 0, high)
        sums, counts = np.zeros(room, np.int64), np.zeros(room, np.int32)
        self._parents, self._entered = np.zeros(room, np.int32), np.zeros(room, np.int32)
        own = keys[part.items]
        _kernels.subset_sums.subset_keys(own, high, sums, self._parents, self._entered, counts)
        if self._left_out:
            sums = own.sum() - sums
        self._entries = np.flatnonzero(counts >= low) if low else None
        self.sums = sums if self._entries is None else sums[self._entries]

    def subset(self, place: int) -> list[int]:
        """Return the items of the subset at a place of `sums`."""
        entry = place if self._entries is None else int(self._entries[place])
        listed = []
        while entry:
            listed.append(int(self._entered[entry]))
            entry = int(self._parents[entry])
        kept = np.delete(self._items, listed) if self._left_out else self._items[listed]
        return kept.tolist()  # type: ignore[no-any-return]


class QuarterSums:
    """All subsets of some parts, by ascending key.

    Where keys are exact, one subset stands for all with its key.
    """

    def __init__(
        self, parts: Sequence[GroupItems], keys: NDArray[np.int64], exact: bool, deadline: Deadline
    ) -> None:
        deadline.check()
        self._parts = [_PartSums(part, keys) for part in parts]
        empty = np.zeros(1, np.int64)
        sums = reduce(lambda a, b: np.add.outer(a, b.sums).ravel(), self._parts, empty)
        self._order = deadline.wait_for(
            lambda: np.argsort(sums, kind="stable"), SORTING * sums.size
        )
        self.keys = sums[self._order]
        if exact:
            # Few distinct values have few distinct sums; and equal keys have equal counts, since
            # the key holds the counts that have to be known.
            first = _first_of_equals(self.keys)
            self._order, self.keys = self._order[first], self.keys[first]

    def subset(self, place: int) -> list[int]:
        """Return the items of the subset at a place of `keys`."""
        entry, chosen = int(self._order[place]), []
        for part in reversed(self._parts):
            entry, own = divmod(entry, part.sums.size)
            chosen += part.subset(own)
        return chosen


class Room(NamedTuple):
    """What keys are listed in, sorted to and dealt with."""

    keys: NDArray[np.int64]
    ascending: NDArray[np.int64]
    ends: NDArray[np.int32]

    @classmethod
    def of(cls, size: int) -> "Room":
        """Return room for so many keys."""
        keys, ascending = np.empty((2, size), np.int64)
        return cls(keys, ascending, np.empty(size, np.int32))


ROOM_BYTES = 20.0
"""Of the room for a key."""


class Half:
    """Two quarters, and the keys of their union's subsets, interval by interval."""

    def __init__(self, first: QuarterSums, second: QuarterSums) -> None:
        self.first, self.second = first, second

    def fill(self, low: int, high: int, room: Room) -> NDArray[np.int64]:
        """Return the keys in [low, high), ascending, held in some room."""
        first, second = self.first.keys, self.second.keys
        count = _kernels.subset_sums.sums_between(first, second, low, high, room.keys)
        keys = room.keys[:count]
        if count > _FEW and _kernels.subset_sums.sort_keys(keys, room.ends[:count], room.ascending):
            return room.ascending[:count]
        keys.sort()
        return keys

    def between(self, low: int, high: int) -> int:
        """Count the keys in [low, high)."""
        first, second = self.first.keys, self.second.keys
        below = _kernels.subset_sums.count_below(first, second, low)
        return int(_kernels.subset_sums.count_below(first, second, high) - below)

    def subsets(self, key: int) -> Iterator[list[int]]:
        """Yield the subsets that have a key."""
        wanted = key - self.first.keys
        starts = np.searchsorted(self.second.keys, wanted, side="left")
        ends = np.searchsorted(self.second.keys, wanted, side="right")
        for i in np.flatnonzero(ends > starts):
            for j in range(starts[i], ends[i]):
                yield self.first.subset(int(i)) + self.second.subset(int(j))


def _first_of_equals(ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the first of each run of equal keys; numpy.unique would not see the order."""
    first = np.ones(ascending.size, dtype=np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    return first


def distinct(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each of some ascending keys once."""
    return ascending[_first_of_equals(ascending)]


def subsets(n: int, least: int, most: int) -> int:
    """Return the number of subsets of n items with `least` to `most` of them, or `COUNTLESS`."""
    if least > n - most:  # as many are left out
        least, most = n - most, n - least
    total, term = 0, 1
    for count in range(min(n, most) + 1):
        total += term if count >= least else 0
        # Numbers of larger subsets, of up to half the items, are larger still.
        if max(total, term) > COUNTLESS:
            return COUNTLESS
        term = term * (n - count) // (count + 1)
    return total
