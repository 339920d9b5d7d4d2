"""Meet in the middle: every subset of a given size, in two halves, piece by piece.

The items are dealt into four groups. The subset keys of two groups, sorted, yield the sorted keys
of a half in any interval without the others (after Schroeppel and Shamir, who took them from heaps:
here intervals are generated and sorted, which is friendlier to caches and to threads). For each
interval of one half only the matching interval of the other is made, so memory does not depend on
the number of subsets.

Called by `exact` and, for windows, by `_window`. Horowitz & Sahni (1974) halve the exponent:
O(2^(n/2)) keys of n/2 items each, or O(C(n/2, k)) for small k; the groups take O(2^(n/4)) memory.
Keys are exact while sums of values have some 50 bits; wider values are rounded, and what
rounding leaves undecided is compared in Python's integers.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice, product
from math import ceil, prod
from threading import Event, local
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt.solvers._deadline import NEVER, SORTING, Deadline

from ._integers import Subproblem

PIECE = 2**20
"""Keys of a half that are held at once, per thread: 8 MiB of each half fit into caches."""
COUNTLESS = 2**100
"""Numbers of subsets are not told apart from here on: nobody can look at as many."""
_NANOSECONDS = 16.0  # measured cost of one key of one half: to generate, sort and compare it
_LISTING = 3e-8  # seconds a subset of a group
_KEY_BITS = 62
_TIES = 20_000  # pairs that rounding makes look alike, evaluated exactly one by one


class MeetResult(NamedTuple):
    """What a search ended with."""

    subset: NDArray[np.int64] | None
    """The best subset nearer than the given reach, if there is one."""
    complete: bool
    """Whether nothing better can exist: all were searched, or the least distance is attained."""


class _HalfSums:
    """Some items, and all subsets of at most `most` of them, by ascending key.

    Where keys are exact, one subset stands for all with its key.
    """

    def __init__(
        self,
        items: NDArray[np.int64],
        keys: NDArray[np.int64],
        most: int,
        exact: bool,
        deadline: Deadline,
    ) -> None:
        from subsetopt._kernels import subset_sums

        self._items = items
        room = subsets(len(items), most)
        deadline.check()
        sums, counts = np.zeros(room, np.int64), np.zeros(room, np.int32)
        self._parents, self._entered = np.zeros(room, np.int32), np.zeros(room, np.int32)
        subset_sums.subset_keys(keys[items], most, sums, self._parents, self._entered, counts)
        del counts
        self._order = deadline.wait_for(
            lambda: np.argsort(sums, kind="stable"), SORTING * sums.size
        )
        self.keys = sums[self._order]
        if exact:
            # Few distinct values have few distinct sums; and equal keys have equal counts, since
            # the key holds the count.
            first = _first_of_equals(self.keys)
            self._order, self.keys = self._order[first], self.keys[first]

    def subset(self, place: int) -> list[int]:
        """Return the items of the subset at a place of `keys`."""
        entry, chosen = int(self._order[place]), []
        while entry:
            chosen.append(int(self._items[self._entered[entry]]))
            entry = int(self._parents[entry])
        return chosen


class _Half:
    """Two groups, and the keys of their union's subsets, interval by interval."""

    def __init__(self, first: _HalfSums, second: _HalfSums) -> None:
        self.first, self.second = first, second

    def fill(self, low: int, high: int, out: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the keys in [low, high), ascending, held in `out`."""
        from subsetopt._kernels import subset_sums

        count = subset_sums.sums_between(self.first.keys, self.second.keys, low, high, out)
        out[:count].sort()
        return out[:count]

    def below(self, limit: int) -> int:
        """Count the keys below a limit."""
        from subsetopt._kernels import subset_sums

        return int(subset_sums.count_below(self.first.keys, self.second.keys, limit))

    def subsets(self, key: int) -> Iterator[list[int]]:
        """Yield the subsets that have a key."""
        wanted = key - self.first.keys
        starts = np.searchsorted(self.second.keys, wanted, side="left")
        ends = np.searchsorted(self.second.keys, wanted, side="right")
        for i in np.flatnonzero(ends > starts):
            for j in range(starts[i], ends[i]):
                yield self.first.subset(int(i)) + self.second.subset(int(j))


@dataclass(frozen=True)
class _Scale:
    """How values became keys: rounded to ``2**shift``, plus the counting constant."""

    shift: int
    counter: int
    slack: int
    """What rounding may have done to a sum of keys, either way; 0 if there was none."""

    @classmethod
    def of(cls, values: Sequence[int], count: int) -> "_Scale":
        largest = sum(sorted(values)[-count:]) if count else 0
        # Bits for a sum of values: what is left of a key of `count` counters, with room for a sum
        # of two groups, which may hold twice as many items, below 2**63.
        room = _KEY_BITS - (count + 2).bit_length() - 3
        shift = max(0, largest.bit_length() - room)
        # More than four times any sum of values: a distance below counter / 4 tells that the counts
        # agree.
        counter = 1 << ((largest >> shift) + count + 1).bit_length() + 2
        # Half a unit for each item, and one for the target, which is rounded as well.
        return cls(shift, counter, ceil(count / 2) + 1 if shift else 0)

    def rounded(self, value: int) -> int:
        return (value + (1 << self.shift >> 1)) >> self.shift


class Meet:
    """A search for the best subset of exactly `sub.count` values.

    Parameters
    ----------
    values : sequence of int
        At least 0.
    sub : Subproblem
        How many, and the sum they should have.
    reach : Fraction
        Only subsets that come nearer than this are of interest.
    threads : int
        Pieces searched at once; the answer does not depend on it.
    counts : sequence of int, optional
        Search only subsets with so many items in the first half; None for all.
    deadline : Deadline
        When it is to end. OutOfTime where it comes before the search.
    """

    def __init__(
        self,
        values: Sequence[int],
        sub: Subproblem,
        reach: Fraction,
        threads: int,
        counts: Sequence[int] | None = None,
        deadline: Deadline = NEVER,
    ) -> None:
        self._deadline, self._interrupted = deadline, Event()
        self._every = counts is None
        self._counts = range(sub.count + 1) if counts is None else counts
        most = max(max(count, sub.count - count) for count in self._counts)
        self._values, self._sub, self._threads = values, sub, threads
        self._scale = scale = _Scale.of(values, sub.count)
        keys = np.array([scale.rounded(value) + scale.counter for value in values], dtype=np.int64)
        dealt = np.argsort(keys, kind="stable")
        # Equal values kept together make few distinct sums; else the groups are better alike.
        tied = len(np.unique(keys)) < 0.75 * len(keys)
        parts = np.array_split(dealt, 4) if tied else [dealt[part::4] for part in range(4)]
        groups = [_HalfSums(part, keys, most, not scale.slack, deadline) for part in parts]
        self._x, self._y = _Half(groups[0], groups[3]), _Half(groups[1], groups[2])
        self._target = sub.count * scale.counter + scale.rounded(sub.floor)
        # In units of the keys, rounded up; `slack` for what rounding may have put a subset farther
        # away.
        self._reach = min(scale.counter // 4, (ceil(reach) >> scale.shift) + scale.slack + 2)
        self._buffers = local()

    def run(self) -> MeetResult:
        """Search until all is searched, the least distance is attained or the deadline is past."""
        try:
            return self._run()
        except KeyboardInterrupt:
            self._interrupted.set()  # for the threads
            raise

    def _run(self) -> MeetResult:
        best: _Pair | None = None
        with ThreadPoolExecutor(self._threads) as pool:
            pieces = self._pieces()
            while batch := list(islice(pieces, 4 * self._threads)):
                for found in pool.map(self._nearest, batch):
                    if found is not None and (best is None or found.distance < best.distance):
                        best = found
                if best is not None:
                    # A subset that is better in truth may look worse by the rounding of both.
                    self._reach = min(self._reach, ceil(best.distance) + 2 * self._scale.slack)
                    if best.distance == self._sub.least and not self._scale.slack:
                        # No sum of any subset comes closer: what is left need not be searched.
                        return MeetResult(self._subset(best), complete=True)
                if self._deadline.passed:
                    return MeetResult(self._subset(best), complete=False)
            if best is None or not self._scale.slack:
                return MeetResult(self._subset(best), complete=self._every)
            return self._untie(pool)

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Yield intervals of keys of the first half, none with more than `PIECE` of them."""
        counter = self._scale.counter
        for count in self._counts:
            # Rounding is part of the keys, so a sum of `count` items stays below the next counter.
            stack = [(count * counter, (count + 1) * counter)]
            while stack:
                low, high = stack.pop()
                size = self._x.below(high) - self._x.below(low)
                # Halved by key, not by rank: counting below a key is linear in the groups, and
                # alike keys stay together.
                if size > PIECE and high - low > 1:
                    middle = (low + high) // 2
                    stack += [(middle, high), (low, middle)]
                elif size:
                    yield low, high

    def _facing(self, piece: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the keys of the piece, and those of the other half that can face them."""
        low, high = piece
        # x in [low, high) and y within reach of target - x.
        y_low, y_high = self._target - high + 1 - self._reach, self._target - low + self._reach + 1
        size = self._y.below(y_high) - self._y.below(y_low)
        y = self._y.fill(y_low, y_high, self._buffer("y", size))
        if not size:
            return y, y
        # More than PIECE of them only where that many are alike, and no interval divides them.
        x = self._buffer("x", self._x.below(high) - self._x.below(low))
        return self._x.fill(low, high, x), y

    def _buffer(self, name: str, size: int) -> NDArray[np.int64]:
        """Return this thread's buffer of a name, with room for `size` keys."""
        buffer: NDArray[np.int64] | None = getattr(self._buffers, name, None)
        if buffer is None or buffer.size < size:
            buffer = np.empty(max(size, PIECE), dtype=np.int64)
            setattr(self._buffers, name, buffer)
        return buffer

    def _nearest(self, piece: tuple[int, int]) -> "_Pair | None":
        from subsetopt._kernels import subset_sums

        if self._interrupted.is_set() or self._deadline.passed:
            return None
        x, y = self._facing(piece)
        below, x_below, above, x_above = subset_sums.closest_pairs(x, y, self._target)
        # The target of the keys is the floor of what is wanted; the fraction is exact where keys
        # are.
        fraction = self._sub.wanted - self._sub.floor if not self._scale.slack else Fraction(0)
        found = []
        if 0 <= below <= self._reach:
            found.append(_Pair(below + fraction, x_below, self._target - below - x_below))
        if 0 <= above <= self._reach:
            found.append(_Pair(above - fraction, x_above, self._target + above - x_above))
        return min(found) if found else None

    def _subset(self, pair: "_Pair | None") -> NDArray[np.int64] | None:
        if pair is None:
            return None
        first, second = next(self._x.subsets(pair.x)), next(self._y.subsets(pair.y))
        return np.array(sorted(first + second), dtype=np.int64)

    def _untie(self, pool: ThreadPoolExecutor) -> MeetResult:
        """Evaluate exactly all subsets that rounding leaves in the running.

        A second search, with the reach that the first has left: few pairs are within it, unless
        values are tied in their high bits. Past `_TIES` nothing is claimed.
        """
        best: tuple[Fraction, list[int]] | None = None
        evaluated, late = 0, False
        pieces = self._pieces()
        while (batch := list(islice(pieces, 4 * self._threads))) and not late:
            for x, y in chain.from_iterable(pool.map(self._close, batch)):
                for first, second in product(self._x.subsets(x), self._y.subsets(y)):
                    evaluated += 1
                    subset = first + second
                    distance = abs(self._sub.wanted - sum(self._values[i] for i in subset))
                    if best is None or distance < best[0]:
                        best = distance, subset
                    if evaluated > _TIES:
                        return MeetResult(np.array(sorted(best[1])), complete=False)
            late = self._deadline.passed
        # Pieces are passed over once the time is up, those of the last batch too.
        complete = self._every and not batch and not late
        return MeetResult(np.array(sorted(best[1])) if best else None, complete=complete)

    def _close(self, piece: tuple[int, int]) -> list[tuple[int, int]]:
        """Return the pairs of distinct keys within reach; one too many if there are very many."""
        from subsetopt._kernels import subset_sums

        if self._interrupted.is_set() or self._deadline.passed:
            return []
        x, y = self._facing(piece)
        out = np.empty((_TIES + 1, 2), dtype=np.int64)
        low, high = self._target - self._reach, self._target + self._reach
        count = subset_sums.pairs_between(_distinct(x), _distinct(y), low, high, out)
        return [(int(a), int(b)) for a, b in out[: min(count, len(out))]]


class _Pair(NamedTuple):
    """Keys of the two halves, and how far their sum is from the target."""

    distance: Fraction
    x: int
    y: int


def _first_of_equals(ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the first of each run of equal keys; numpy.unique would not see the order."""
    first = np.ones(ascending.size, dtype=np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    return first


def _distinct(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    return ascending[_first_of_equals(ascending)]


def half_keys(values: Sequence[int], count: int) -> float:
    """Return at most how many keys the larger half has, for subsets of so many values."""
    plain = subsets((len(values) + 1) // 2, count)
    if not count or _Scale.of(values, count).slack or len(set(values)) >= 0.75 * len(values):
        return plain
    # As they are dealt: a group has a sum for each choice of how many of each value.
    groups = [
        prod(times + 1 for times in Counter(part.tolist()).values())
        for part in np.array_split(np.sort(np.array(values, dtype=np.int64)), 4)
    ]
    return min(plain, max(groups[0] * groups[3], groups[1] * groups[2]))


def seconds(keys: float, values: Sequence[int], count: int) -> float:
    """Return the estimated time of a search through so many keys, both halves', on one thread."""
    passes = 2 if _Scale.of(values, count).slack else 1
    return 1e-9 * _NANOSECONDS * passes * keys


def group_seconds(n: int, count: int) -> float:
    """Return the estimated time of listing and sorting the subsets of four groups of n items."""
    return 4 * (SORTING + _LISTING) * subsets((n + 3) // 4, count)


def subsets(n: int, most: int) -> int:
    """Return the number of subsets of n items with at most `most` of them, or `COUNTLESS`."""
    total = term = 1
    for count in range(min(n, most)):
        term = term * (n - count) // (count + 1)
        total += term
        if total > COUNTLESS:
            return COUNTLESS
    return total
