"""Re-choosing among some of the items, until the sum attains the nearest grid point."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import comb, log2, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from ._integers import Integers, Subproblem, trailing_zeros
from ._meet import NANOSECONDS, PIECE, Meet, subsets

_HITS = 64.0  # expected subsets on the wanted grid point
_WINDOWS = 4
_WIDEST = 60  # bits of a value: with wider ones there are more grid points than subsets
_LARGEST_HALF = 3e8  # subsets of half a window, per number of items


@dataclass(frozen=True)
class Window:
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
    def sized(cls, integers: Integers, best: NDArray[np.int64], sub: Subproblem) -> "Window | None":
        """Return the smallest window that is expected to hold enough hits, None if there is none."""
        if integers.descending[0].bit_length() > _WIDEST:
            return None
        values = np.array([float(value) for value in integers.values])
        deviation = float(values.std())
        n, k = integers.n, sub.count
        for size in range(8, n + 1, 4):
            count = min(size // 2, k)
            if count < 2 or size - count > n - k:
                continue
            half = comb(size // 2, count // 2)
            if half > _LARGEST_HALF:
                return None
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
        return 1e-9 * NANOSECONDS * self._halves

    @property
    def bytes(self) -> float:
        """Estimated bytes."""
        return 160.0 * subsets(self.size // 4 + 1, self.count) + 48.0 * min(PIECE, self._halves)

    def search(self, seed: int, threads: int, deadline: float) -> Iterator[NDArray[np.int64]]:
        """Yield better and better subsets, from one random window after another."""
        generator = np.random.default_rng(seed)
        others = np.setdiff1d(np.arange(self.integers.n), self.best)
        for _ in range(_WINDOWS):
            inside = self._drawn(self.best, self.count, generator)
            outside = self._drawn(others, self.size - self.count, generator)
            items = np.sort(np.concatenate([inside, outside]))
            fixed = np.setdiff1d(self.best, inside)
            values = [self.integers.values[int(i)] for i in items]
            wanted = self.sub.wanted - sum(self.integers.values[int(i)] for i in fixed)
            sub = Subproblem(self.count, Fraction(wanted), self.sub.least)
            reach = abs(wanted - sum(self.integers.values[int(i)] for i in inside))
            middle = self.count // 2
            counts = sorted(range(self.count + 1), key=lambda c: abs(c - middle))[:3]
            found, _ = Meet(values, sub, reach, threads).run(deadline, counts)
            if found is not None:
                yield np.sort(np.concatenate([items[found], fixed]))

    def _drawn(
        self, items: NDArray[np.int64], size: int, generator: np.random.Generator
    ) -> NDArray[np.int64]:
        """Draw items at random, but first the finest: they decide which residues are reachable."""
        shuffled = generator.permutation(items)
        values, pivot = self.integers.values, self.integers.pivot
        coarseness = [trailing_zeros(values[int(item)] - pivot) // 4 for item in shuffled]
        return shuffled[np.argsort(coarseness, kind="stable")[:size]]
