"""The dynamic program over (count, sum), for small whole numbers.

Called by `exact`, for the values of `_integers`; the loops are in `_kernels.reachable`. The table
is complete, so that its nearest sum is the optimum, with any number of items: only sums have to be
small.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from subsetopt.solvers._deadline import Deadline

from ._integers import Subproblem

_WORD_NANOSECONDS = 0.5
_ENTRY_NANOSECONDS = 2.0
_WORDS_AT_ONCE = 2**25  # between looks at the clock: some 20 ms


def table_width(sub: Subproblem, reach: Fraction) -> int:
    """Return how many sums the table must hold so that none nearer than `reach` is missed."""
    # A sum past wanted + reach is farther than a selection that is known.
    return max(0, ceil(sub.wanted + reach)) + 2


def estimate(n: int, count: int, width: int) -> tuple[float, float]:
    """Return the estimated seconds and bytes of a table of ``count + 1`` rows."""
    width = min(width, 2**60)  # more does not fit anywhere, nor into a float
    words = width // 64 + 1
    seconds = 1e-9 * count * (n * words * _WORD_NANOSECONDS + width * _ENTRY_NANOSECONDS)
    return seconds, (count + 1) * (4.0 * width + 8.0 * words)


class SumTable:
    """All sums below a width that up to `count` of the values reach."""

    def __init__(self, values: Sequence[int], count: int, width: int) -> None:
        from subsetopt._kernels import reachable

        self._kernel = reachable
        # Values past the width are never entered; clipped, they fit into 64 bits.
        self._values = np.array([min(value, width) for value in values], dtype=np.int64)
        self._first = np.full((count + 1, width), reachable.UNREACHED, dtype=np.int32)
        self._bits = np.zeros((count + 1, width // 64 + 1), dtype=np.uint64)
        self._first[0, 0] = 0
        self._bits[0, 0] = 1

    def fill(self, deadline: Deadline) -> bool:
        """Enter all values; returns False if the deadline came first."""
        for part in deadline.chunks(self._values.size, self._bits.size, _WORDS_AT_ONCE):
            self._kernel.reach(self._values, part.start, part.stop, self._first, self._bits)
            if deadline.passed:
                return bool(part.stop == self._values.size)
        return True

    def best(self, sub: Subproblem) -> NDArray[np.int64] | None:
        """Return the subset of `sub.count` values with the sum nearest to what is wanted."""
        # A target below all sums, or past the table, is looked for from that end.
        low = min(max(sub.floor, -1), self._first.shape[1] - 1)
        sums = [int(s) for s in self._kernel.nearest(self._first, sub.count, low) if s >= 0]
        if not sums:
            return None
        total = min(sums, key=lambda s: abs(s - sub.wanted))
        found = np.empty(sub.count, np.int64)
        self._kernel.subset(self._values, self._first, total, found)
        return found
