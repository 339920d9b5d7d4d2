"""Re-choosing among some of the items, until the sum attains the nearest grid point.

Called by `exact` where n is too large to search everything. It proves optima all the same:
a selection that attains `Subproblem.least` cannot be beaten, whatever was not looked at. Where it
fails nothing is known. It works because subsets of some 40 to 60 items outnumber the grid points of
float32 values in the range of their sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb, log2, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from subsetopt.solvers._deadline import Deadline

from ._integers import Integers, Subproblem, trailing_zeros
from ._meet import PIECE, Meet, seconds, subsets

_HITS = 64.0  # expected subsets on the wanted grid point
_FINEST = 10  # items with the lowest bits that every window holds
_WINDOWS = 8
_WIDEST = 60  # bits of a value: with wider ones there are more grid points than subsets
_LARGEST_HALF = 3e8  # subsets of half a window, per number of items


@dataclass(frozen=True)
class FreeWindow:
    """`size` items of which `count` are chosen are free; the others stay as they are.

    With far more subsets of the window than grid points in the range of their sums, some of them
    hit the wanted grid point itself, and a search of the most numerous splits finds one.
    """

    integers: Integers
    best: NDArray[np.int64]
    sub: Subproblem
    size: int
    count: int

    @classmethod
    def sized(
        cls, integers: Integers, best: NDArray[np.int64], sub: Subproblem
    ) -> "FreeWindow | None":
        """Return the smallest window expected to hold enough hits, None if there is none."""
        if max(integers.values).bit_length() > _WIDEST:
            return None
        values = np.array([float(value) for value in integers.values])
        deviation = float(values.std())
        n, k = integers.n, sub.count
        for size in range(8, n + 1, 4):
            count = min(size // 2, k)
            if count < 2 or size - count > n - k:
                continue
            # Of the most numerous split, half of the chosen in either half, which alone is
            # searched.
            half = comb(size // 2, count // 2)
            if half > _LARGEST_HALF:
                return None
            # Sums of `count` of `size` are nearly normal: subsets over sqrt(2 pi) standard
            # deviations are how many hit a grid point near the middle.
            spread = sqrt(2 * pi * count * (1 - count / size) + 1) * max(deviation, 0.5)
            if 2 * log2(half) - log2(spread) >= log2(_HITS):
                return cls(integers, best, sub, size, count)
        return None

    @property
    def _halves(self) -> float:
        return 2.0 * comb(self.size // 2, self.count // 2)

    @property
    def seconds(self) -> float:
        """Estimated seconds on one thread."""
        return seconds(self._halves, self.integers.values, self.count)

    @property
    def bytes(self) -> float:
        """Estimated bytes."""
        groups = subsets(self.size // 4 + 1, self.count - self.count // 2)
        return 160.0 * groups + 48.0 * min(PIECE, self._halves)

    def search(self, seed: int, threads: int, deadline: Deadline) -> Iterator[NDArray[np.int64]]:
        """Yield better and better subsets, from one random window after another."""
        generator = np.random.default_rng(seed)
        chosen = np.zeros(self.integers.n, dtype=np.bool_)
        chosen[self.best] = True
        for _ in range(_WINDOWS):
            items, inside = self._drawn(chosen, generator)
            fixed = np.setdiff1d(self.best, inside)
            values = [self.integers.values[int(i)] for i in items]
            wanted = self.sub.wanted - sum(self.integers.values[int(i)] for i in fixed)
            sub = Subproblem(self.count, wanted, self.sub.least)
            # Only what improves on the items as they are chosen now.
            reach = abs(wanted - sum(self.integers.values[int(i)] for i in inside))
            middle = [self.count // 2]  # the most numerous split between the halves
            found, _ = Meet(values, sub, reach, threads, middle, deadline).run()
            if found is not None:
                yield np.sort(np.concatenate([items[found], fixed]))
            if deadline.passed:
                return

    def _drawn(
        self, chosen: NDArray[np.bool_], generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw the items of a window; returns them and those of them that are chosen.

        The finest are always among them, since they decide which residues are reachable. The
        others are drawn at random, so that the chosen ones are no unusual choice from the window.
        """
        values, pivot = self.integers.values, self.integers.pivot
        shuffled = generator.permutation(self.integers.n)
        fineness = [trailing_zeros(values[int(item)] - pivot) for item in shuffled]
        finest = np.argsort(fineness, kind="stable")[:_FINEST]
        ranked = np.concatenate([shuffled[finest], np.delete(shuffled, finest)])
        inside = ranked[chosen[ranked]][: self.count]
        outside = ranked[~chosen[ranked]][: self.size - self.count]
        return np.sort(np.concatenate([inside, outside])), inside
