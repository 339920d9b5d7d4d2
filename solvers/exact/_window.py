"""Re-choosing among some of the items, until the sum attains the nearest grid point.

Called by `exact` where n is too large to search everything. It proves optima all the same:
a selection that attains `Subproblem.least` cannot be beaten, whatever was not looked at. Where it
fails nothing is known. It works because subsets of some 40 to 60 items outnumber the grid points of
float32 values in the range of their sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import comb, isqrt, log2, pi, prod, sqrt

import numpy as np
from numpy.typing import NDArray

from subsetopt.solvers._deadline import Deadline
from subsetopt.solvers.heuristics._grouped_search import allotted

from ._counts import CountLimits
from ._dealing import Dealing
from ._integers import Integers, Subproblem, trailing_zeros
from ._meet import LISTED_BYTES, Meet, room_bytes, search_seconds

_HITS = 64.0  # expected subsets on the wanted grid point
_FINEST = 10  # items with the lowest bits that every window holds
_WINDOWS = 8
_WIDEST = 60  # bits of a value: with wider ones there are more grid points than subsets
_LARGEST_HALF = 3e8  # subsets of half a window, per number of items


@dataclass(frozen=True)
class FreeWindow:
    """Some items of each group of which some are chosen are free; the others stay as they are.

    With far more subsets of the window than grid points in the range of their sums, some of them
    hit the wanted grid point itself, and a search finds one: of one group that of the most numerous
    split between the halves.

    Parameters
    ----------
    integers : Integers
    best : ndarray of int64
        The subset that is chosen.
    sub : Subproblem
    limits : CountLimits
        Of its subsets; the window changes no count of a group.
    sizes, counts : ndarray of int64 (groups,)
        How many are free, and chosen of these.
    """

    integers: Integers
    best: NDArray[np.int64]
    sub: Subproblem
    limits: CountLimits
    sizes: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def sized(
        cls, integers: Integers, best: NDArray[np.int64], sub: Subproblem
    ) -> "FreeWindow | None":
        """Return the smallest window expected to hold enough hits, None if there is none."""
        if max(integers.values).bit_length() > _WIDEST:
            return None
        limits = sub.limits_of(integers.n)
        values = np.array([float(value) for value in integers.values])
        variances = np.array([max(0.25, values[items].var()) for items in limits.items])
        whole = np.array(limits.sizes)
        chosen = np.bincount(limits.group[best], minlength=len(whole))
        for size in range(8, integers.n + 1, 4):
            sizes = allotted(whole, np.zeros_like(whole), whole, size)
            counts = np.minimum(sizes // 2, chosen)
            sizes = np.minimum(sizes, counts + whole - chosen)
            if counts.sum() < 2:
                continue
            window = cls(integers, best, sub, limits, sizes, counts)
            half = window._half
            if half > _LARGEST_HALF:
                return None
            # Sums of `count` of `size` are nearly normal: subsets over sqrt(2 pi) standard
            # deviations are how many hit a grid point near the middle.
            drawn = counts * (1 - counts / np.maximum(sizes, 1))
            spread = sqrt(2 * pi * float(drawn @ variances) + variances.max())
            if 2 * log2(half) - log2(spread) >= log2(_HITS):
                return window
        return None

    @property
    def size(self) -> int:
        """How many items are free."""
        return int(self.sizes.sum())

    @property
    def count(self) -> int:
        """How many of these are chosen."""
        return int(self.counts.sum())

    @cached_property
    def _half(self) -> int:
        """The number of subsets of a half, about."""
        sizes, counts = self.sizes.tolist(), self.counts.tolist()
        if len(sizes) == 1:  # half of the chosen in either half, which alone is searched
            return comb(sizes[0] // 2, counts[0] // 2)
        return isqrt(prod(map(comb, sizes, counts)))

    @property
    def seconds(self) -> float:
        """Estimated seconds on one thread."""
        return search_seconds(2.0 * self._half, rounded=True)

    @property
    def bytes(self) -> float:
        """Estimated bytes."""
        dealing = Dealing.of(
            self._limits(np.repeat(np.arange(len(self.sizes)), self.sizes)), self.count, self._split
        )
        return LISTED_BYTES * sum(dealing.quarters) + room_bytes(float(self._half))

    def _limits(self, group: NDArray[np.int64]) -> CountLimits:
        """Return the limits of free items of some groups."""
        present, group = np.unique(group, return_inverse=True)
        counts = tuple(self.counts[present].tolist())
        return CountLimits(group, counts, counts)

    @property
    def _split(self) -> list[int] | None:
        """The most numerous split of the chosen between the halves, of one group."""
        return [self.count // 2] if len(self.sizes) == 1 else None

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
            limits = self._limits(self.limits.group[items])
            sub = Subproblem(self.count, wanted, self.sub.least, limits)
            # Only what improves on the items as they are chosen now.
            reach = abs(wanted - sum(self.integers.values[int(i)] for i in inside))
            found, _ = Meet(values, sub, reach, threads, self._split, deadline).run()
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
        values, pivots = self.integers.values, self.integers.pivots
        shuffled = generator.permutation(self.integers.n)
        fineness = [trailing_zeros(values[i] - pivots[i]) for i in shuffled.tolist()]
        finest = np.argsort(fineness, kind="stable")[:_FINEST]
        ranked = np.concatenate([shuffled[finest], np.delete(shuffled, finest)])
        inside, outside = [], []
        for g, (size, count) in enumerate(zip(self.sizes, self.counts, strict=True)):
            own = ranked[self.limits.group[ranked] == g]
            inside.append(own[chosen[own]][:count])
            outside.append(own[~chosen[own]][: size - count])
        return np.sort(np.concatenate(inside + outside)), np.concatenate(inside)
