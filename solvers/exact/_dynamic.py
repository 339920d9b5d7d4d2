"""Dynamic program over (count, sum), for small integers.

Called by `exact`, for the values of `_integers`; the loops are in `_kernels.reachable`. The tables
are complete, so that the nearest sum is the optimum, with any number of items: only sums have to be
small. One group of items is entered after another: a table counts those of its group, and begins
with the sums that the groups before it reach with one total of items. Of exact quotas that is one
table for each group, of k rows in all.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.solvers._deadline import Deadline

from ._counts import CountLimits
from ._integers import Subproblem

_WORD_NANOSECONDS = 0.5
_ENTRY_NANOSECONDS = 2.0
_WORDS_AT_ONCE = 2**25  # between looks at the clock: some 20 ms


class _Stage(NamedTuple):
    """A group, and the totals of items before and after it of which there are tables."""

    items: NDArray[np.int64]
    lower: int
    upper: int
    before: range
    after: range

    def rows(self, total: int) -> int:
        """Return the largest count of the table that begins with a total."""
        return min(self.upper, self.after[-1] - total)

    def counts(self, total: int) -> Iterator[tuple[int, int]]:
        """Yield the totals before and the counts that lead to a total after."""
        for before in self.before:
            if self.lower <= total - before <= self.rows(before):
                yield before, total - before


def _stages(limits: CountLimits, counts: Sequence[int]) -> list[_Stage]:
    lower, upper = (list(accumulate(each, initial=0)) for each in (limits.lower, limits.upper))
    totals = [
        range(
            max(least, min(counts) - (upper[-1] - most)),
            min(most, max(counts) - (lower[-1] - least)) + 1,
        )
        for least, most in zip(lower, upper, strict=True)
    ]
    groups = zip(limits.items, limits.lower, limits.upper, strict=True)
    return [_Stage(*group, *ends) for group, ends in zip(groups, pairwise(totals), strict=True)]


def table_width(sub: Subproblem, reach: Fraction) -> int:
    """Return how many sums the table must hold so that none nearer than `reach` is missed."""
    # A sum past wanted + reach is farther than a selection that is known.
    return max(0, ceil(sub.wanted + reach)) + 2


def estimate(limits: CountLimits, counts: Sequence[int], width: int) -> tuple[float, float]:
    """Return the estimated seconds and bytes of all tables for subsets of so many items."""
    width = min(width, 2**60)  # more does not fit anywhere, nor into a float
    words = width // 64 + 1
    nanoseconds = size = 0.0
    for stage in _stages(limits, counts):
        for total in stage.before:
            rows = stage.rows(total)
            each = len(stage.items) * words * _WORD_NANOSECONDS + width * _ENTRY_NANOSECONDS
            nanoseconds += rows * each
            size += (rows + 1) * (4.0 * width + 8.0 * words)
    return 1e-9 * nanoseconds, size


class SumTables:
    """All sums below a width that subsets of some numbers of items reach.

    Parameters
    ----------
    values : sequence of int
        At least 0.
    limits : CountLimits
        How many of each group.
    counts : sequence of int
        How many items in all.
    width : int
    """

    def __init__(
        self, values: Sequence[int], limits: CountLimits, counts: Sequence[int], width: int
    ) -> None:
        self._kernel, self._width = _kernels.reachable, width
        # Values past the width are never entered; clipped, they fit into 64 bits.
        self._values = np.array([min(value, width) for value in values], dtype=np.int64)
        self._stages = _stages(limits, counts)
        self._first: list[dict[int, NDArray[np.int32]]] = []

    def fill(self, deadline: Deadline) -> bool:
        """Enter all values; returns False if the deadline came first."""
        words = self._width // 64 + 1
        reached = {0: np.zeros(words, np.uint64)}
        reached[0][0] = 1
        for stage in self._stages:
            after = {total: np.zeros(words, np.uint64) for total in stage.after}
            self._first.append({})
            for total in stage.before:
                bits = self._table(stage, total, reached[total], deadline)
                if bits is None:
                    return False
                for count in range(stage.lower, len(bits)):
                    if total + count in after:
                        after[total + count] |= bits[count]
            reached = after
        return True

    def _table(
        self, stage: _Stage, total: int, begin: NDArray[np.uint64], deadline: Deadline
    ) -> NDArray[np.uint64] | None:
        """Enter a group after all that is reached with a total; None if the deadline came first."""
        rows = stage.rows(total) + 1
        first = np.full((rows, self._width), self._kernel.UNREACHED, dtype=np.int32)
        bits = np.zeros((rows, len(begin)), dtype=np.uint64)
        bits[0] = begin
        first[0, np.unpackbits(begin.view(np.uint8), bitorder="little")[: self._width] == 1] = 0
        self._first[-1][total] = first
        values = self._values[stage.items]
        for part in deadline.chunks(values.size, bits.size, _WORDS_AT_ONCE):
            self._kernel.reach(values, part.start, part.stop, first, bits)
            last = stage is self._stages[-1] and total == stage.before[-1]
            if deadline.passed and not (last and part.stop == values.size):
                return None
        return bits

    def best(self, sub: Subproblem) -> NDArray[np.int64] | None:
        """Return the subset of `sub.count` values with the sum nearest to what is wanted."""
        # A target below all sums, or past the table, is looked for from that end.
        low = min(max(sub.floor, -1), self._width - 1)
        tables = self._first[-1] if len(self._first) == len(self._stages) else {}
        found = [
            (abs(int(total) - sub.wanted), int(total), before, count)
            for before, count in self._stages[-1].counts(sub.count)
            if before in tables
            for total in self._kernel.nearest(tables[before], count, low)
            if total >= 0
        ]
        return self._subset(*min(found)[1:]) if found else None

    def _subset(self, total: int, before: int, count: int) -> NDArray[np.int64]:
        """Return a subset of a sum: the last table, a row of it, and what leads there."""
        chosen = []
        for s in reversed(range(len(self._stages))):
            stage = self._stages[s]
            values, places = self._values[stage.items], np.empty(count, np.int64)
            self._kernel.subset(values, self._first[s][before], total, places)
            chosen.append(stage.items[places])
            total -= int(values[places].sum())
            if s:
                before, count = next(
                    (b, c)
                    for b, c in self._stages[s - 1].counts(before)
                    if self._first[s - 1][b][c, total] != self._kernel.UNREACHED
                )
        return np.concatenate(chosen)
