"""Shifts of values that add the same to every subset of a subproblem.

Called by `_integers`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._counts import CountLimits


@dataclass(frozen=True)
class Shifts:
    """Which values are shifted alike: those of a group with one count, and all others.

    Parameters
    ----------
    items : tuple of sequences of int
        Those of each part; the first are the items of all groups whose counts vary, if any do.
    alone : tuple of int
        The part of each group.
    together : bool
        Whether the first part is of groups whose counts vary.
    """

    items: tuple[Sequence[int], ...]
    alone: tuple[int, ...]
    together: bool

    @classmethod
    def of(cls, every: Sequence[CountLimits], n: int) -> "Shifts":
        """Return the parts, which all limits agree in."""
        limits = every[0]
        if len(limits.sizes) == 1:
            return cls((range(n),), (0,), True)
        together = not all(limits.fixed)
        parts = np.cumsum(limits.fixed) - (0 if together else 1)
        alone = np.where(limits.fixed, parts, 0)
        part = alone[limits.group]
        items = tuple(np.flatnonzero(part == p).tolist() for p in range(part.max() + 1))
        return cls(items, tuple(alone.tolist()), together)

    def spread(self, each: Sequence[int]) -> list[int]:
        """Return the number of its part for each item."""
        if len(self.items) == 1:
            return [each[0]] * len(self.items[0])
        out = [0] * sum(map(len, self.items))
        for items, number in zip(self.items, each, strict=True):
            for i in items:
                out[i] = number
        return out

    def sum(self, each: Sequence[int], limits: CountLimits, count: int) -> int:
        """Return the sum of the numbers of their parts over any subset of `count` items."""
        rest, total = count, 0
        for part, size in zip(self.alone, limits.lower, strict=True):
            if part or not self.together:
                rest -= size
                total += size * each[part]
        return total + rest * each[0]
