"""Meet in the middle: every subset of a given size, in two halves, piece by piece.

The items are dealt into four quarters. The subset keys of two quarters, sorted, yield the sorted
keys of a half in any interval without the others (after Schroeppel and Shamir, who took them from
heaps: here intervals are generated and sorted, which is friendlier to caches and to threads). For
each interval of one half only the matching interval of the other is made, so memory does not depend
on the number of subsets. Under limits on groups a quarter lists the subsets that keep those of the
groups within it, and keys count the items of those that are divided, see `_dealing`.

Called by `exact` and, for windows, by `_window`. Horowitz & Sahni (1974) halve the exponent:
O(2^(n/2)) keys of n/2 items each, or O(C(n/2, k)) for small k; the quarters take O(2^(n/4))
memory.
Keys are exact while sums of values have some 50 bits; wider values are rounded, and what
rounding leaves undecided is compared in Python's integers.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, chain, islice, product
from math import ceil, inf
from operator import mul
from threading import Event, local
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.solvers._deadline import NEVER, SORTING, Deadline

from ._dealing import Dealing
from ._integers import Subproblem
from ._listing import ROOM_BYTES, Half, QuarterSums, Room, distinct

PIECE = 2**20
"""Keys of a half that are held at once, per thread: 8 MiB of each half fit into caches."""
LISTED_BYTES = 40.0
"""Of a subset of a quarter."""
_NANOSECONDS = 16.0  # measured cost of one key of one half: to generate, sort and compare it
_LISTING = 3e-8  # seconds a subset of a quarter
_PAIR = 1e-4  # seconds for each pair of digits
_KEY_BITS = 62
_TIES = 20_000  # pairs that rounding makes look alike, evaluated exactly one by one


class MeetResult(NamedTuple):
    """What a search ended with."""

    subset: NDArray[np.int64] | None
    """The best subset nearer than the given reach, if there is one."""
    complete: bool
    """Whether nothing better can exist: all were searched, or the least distance is attained."""


@dataclass(frozen=True)
class _Scale:
    """How values became keys: rounded to ``2**shift``, plus a constant for each digit.

    Parameters
    ----------
    shift : int
    weights : tuple of int
        What a digit of a key counts in.
    counter : int
        The smallest of them; that of a key without digits.
    slack : int
        What rounding may have done to a sum of keys, either way; 0 if there was none.
    fits : bool
        Whether keys have room for all of it.
    """

    shift: int
    weights: tuple[int, ...]
    counter: int
    slack: int
    fits: bool

    @classmethod
    def of(cls, values: Sequence[int], count: int, most: Sequence[int]) -> "_Scale":
        """Return the scale for subsets of `count` values, and digits of so much at most."""
        largest = sum(sorted(values)[-count:]) if count else 0
        # A sum of two quarters, or of the halves, may have twice as much of a digit; the last one
        # has room for that above the others.
        steps = list(accumulate((2 * each + 2 for each in most[:-1]), mul, initial=1))
        span = steps[-1] * (most[-1] + 2 if most else 1)
        # Bits for a sum of values: what is left of a key.
        room = _KEY_BITS - span.bit_length() - 3
        shift = max(0, largest.bit_length() - max(1, room))
        # More than four times any sum of values: a distance below counter / 4 tells that the counts
        # agree.
        counter = 1 << ((largest >> shift) + count + 1).bit_length() + 2
        # Half a unit for each item, and one for the target, which is rounded as well.
        slack = ceil(count / 2) + 1 if shift else 0
        weights = tuple(counter * step for step in steps) if most else ()
        return cls(shift, weights, counter, slack, (counter * span).bit_length() <= _KEY_BITS)

    def rounded(self, value: int) -> int:
        return (value + (1 << self.shift >> 1)) >> self.shift

    def base(self, digits: Sequence[int]) -> int:
        """Return the least key with some digits."""
        return sum(map(mul, self.weights, digits))


class _Interval(NamedTuple):
    """Keys of the first half, all of the same digits, and what they face in the second."""

    low: int
    high: int
    facing: int
    """The least key of the second half with the digits that go with theirs."""
    target: int
    """What keys of the two should add up to."""


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
        Search only subsets with so many items in the first half; None for all. Without limits on
        groups.
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
        self._values, self._sub, self._threads = values, sub, threads
        self._dealing = Dealing.of(sub.limits_of(len(values)), sub.count, counts)
        digits = self._dealing.digits()
        self._scale = scale = _Scale.of(values, sub.count, [most for _, most in digits])
        keys = np.array([scale.rounded(value) for value in values], dtype=np.int64)
        for (counted, _), weight in zip(digits, scale.weights, strict=True):
            keys[counted] += weight
        quarters = [
            QuarterSums(parts, keys, not scale.slack, deadline)
            for parts in self._dealing.parts(keys)
        ]
        self._x, self._y = Half(*quarters[:2]), Half(*quarters[2:])
        # In units of the keys, rounded up; `slack` for what rounding may have put a subset farther
        # away.
        self._reach = min(scale.counter // 4, (ceil(reach) >> scale.shift) + scale.slack + 2)
        self._rooms = local()

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

    def _pieces(self) -> Iterator[_Interval]:
        """Yield intervals of keys of the first half, none with more than `PIECE` of them.

        Nor of more in the second that they face.
        """
        scale, wanted = self._scale, self._scale.rounded(self._sub.floor)
        for digits in self._dealing.pairs():
            x_base, facing = map(scale.base, digits)
            # Rounding is part of the keys, so that a sum stays below the next counter.
            stack = [_Interval(x_base, x_base + scale.counter, facing, x_base + facing + wanted)]
            while stack:
                piece = stack.pop()
                size, wide = self._x.between(piece.low, piece.high), piece.high - piece.low
                if not size:
                    continue
                # Halved by key, not by rank: counting below a key is linear in the quarters, and
                # alike keys stay together.
                many = size > PIECE or (
                    wide > self._reach and self._y.between(*self._faced(piece)) > PIECE
                )
                if many and wide > 1:
                    middle = (piece.low + piece.high) // 2
                    stack += [piece._replace(low=middle), piece._replace(high=middle)]
                else:
                    yield piece

    def _faced(self, piece: _Interval) -> tuple[int, int]:
        """Return the interval of keys of the second half that can face a piece."""
        # x in [low, high) and y within reach of target - x.
        low = piece.target - piece.high + 1 - self._reach
        high = piece.target - piece.low + self._reach + 1
        end = piece.facing + self._scale.counter
        return min(max(low, piece.facing), end), min(max(high, piece.facing), end)

    def _facing(self, piece: _Interval) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the keys of the piece, and those of the other half that can face them."""
        low, high = self._faced(piece)
        size = self._y.between(low, high)
        y = self._y.fill(low, high, self._room("y", size))
        if not size:
            return y, y
        # More than PIECE of them only where that many are alike, and no interval divides them.
        x = self._room("x", self._x.between(piece.low, piece.high))
        return self._x.fill(piece.low, piece.high, x), y

    def _room(self, name: str, size: int) -> Room:
        """Return this thread's room of a name, for `size` keys."""
        room: Room | None = getattr(self._rooms, name, None)
        if room is None or room.keys.size < size:
            room = Room.of(max(size, PIECE))
            setattr(self._rooms, name, room)
        return room

    def _nearest(self, piece: _Interval) -> "_Pair | None":
        if self._interrupted.is_set() or self._deadline.passed:
            return None
        x, y = self._facing(piece)
        below, x_below, above, x_above = _kernels.subset_sums.closest_pairs(x, y, piece.target)
        # The target of the keys is the floor of what is wanted; the fraction is exact where keys
        # are.
        fraction = self._sub.wanted - self._sub.floor if not self._scale.slack else Fraction(0)
        found = []
        if 0 <= below <= self._reach:
            found.append(_Pair(below + fraction, x_below, piece.target - below - x_below))
        if 0 <= above <= self._reach:
            found.append(_Pair(above - fraction, x_above, piece.target + above - x_above))
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

    def _close(self, piece: _Interval) -> list[tuple[int, int]]:
        """Return the pairs of distinct keys within reach; one too many if there are very many."""
        if self._interrupted.is_set() or self._deadline.passed:
            return []
        x, y = self._facing(piece)
        out = np.empty((_TIES + 1, 2), dtype=np.int64)
        low, high = piece.target - self._reach, piece.target + self._reach
        count = _kernels.subset_sums.pairs_between(distinct(x), distinct(y), low, high, out)
        return [(int(a), int(b)) for a, b in out[: min(count, len(out))]]


class _Pair(NamedTuple):
    """Keys of the two halves, and how far their sum is from the target."""

    distance: Fraction
    x: int
    y: int


class Estimate(NamedTuple):
    """What a search is expected to take, on one thread and without its pieces."""

    keys: float
    seconds: float
    bytes: float


def estimate(values: Sequence[int], sub: Subproblem) -> Estimate:
    """Return the estimate of a search for a subproblem."""
    if not sub.count:
        return Estimate(1.0, 0.0, 0.0)
    dealing = Dealing.of(sub.limits_of(len(values)), sub.count)
    most = [most for _, most in dealing.digits()]
    scale = _Scale.of(values, sub.count, most)
    keys, listed = dealing.keys(values, not scale.slack), float(sum(dealing.quarters))
    pairs = 1.0
    for each in most:
        pairs *= each + 1
    seconds = search_seconds(keys, bool(scale.slack)) + (SORTING + _LISTING) * listed
    return Estimate(keys, seconds + _PAIR * pairs if scale.fits else inf, LISTED_BYTES * listed)


def search_seconds(keys: float, rounded: bool) -> float:
    """Return the estimated time of a search through so many keys, both halves', on one thread."""
    return 1e-9 * _NANOSECONDS * (2 if rounded else 1) * keys


def room_bytes(keys: float, threads: int = 1) -> float:
    """Return the bytes that pieces of halves of so many keys take."""
    return 2 * ROOM_BYTES * threads * min(PIECE, keys)
