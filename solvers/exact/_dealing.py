"""Division of items into quarters for meet in the middle, and its cost.

Groups stand in a row, which is cut into four. A group that no cut divides has its count in one
quarter, where its subsets are listed, so that no key has to tell it; one that is divided has a
digit in all keys. Called by `_meet`.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, product
from math import prod

import numpy as np
from numpy.typing import NDArray

from ._counts import CountLimits
from ._listing import COUNTLESS, GroupItems, subsets

_TURNS = (0, 2, 3, 1)  # in which quarters take items of a group: so halves are as alike as can be
_TIED = 0.75  # of values, that are distinct
_UNDIVIDED = 1.25  # more subsets in all, where that leaves a group whole


@dataclass(frozen=True)
class _Piece:
    """So many items of a group in one quarter."""

    quarter: int
    group: int
    size: int
    low: int
    high: int

    @property
    def half(self) -> int:
        return self.quarter // 2


@dataclass(frozen=True, eq=False)
class Dealing:
    """Which pieces of groups are in which quarter; the first two quarters are one half.

    Parameters
    ----------
    limits : CountLimits
        Of subsets of `count` items, as near as that lets them be.
    count : int
    pieces : tuple of _Piece
        Ascending by quarter.
    first : sequence of int or None
        How many of the one group there is the first half may have; None for any number.
    """

    limits: CountLimits
    count: int
    pieces: tuple[_Piece, ...]
    first: Sequence[int] | None = None

    @classmethod
    def of(cls, limits: CountLimits, count: int, first: Sequence[int] | None = None) -> "Dealing":
        """Deal so that the two halves, and the quarters of each, have about as many subsets."""
        row = _Row(limits)
        middle = row.cut(0, row.size)
        cuts = [0, row.cut(0, middle), middle, row.cut(middle, row.size), row.size]
        pieces = [piece for q in range(4) for piece in row.pieces(cuts[q], cuts[q + 1], q)]
        if first is not None:
            most = max(first), max(count - each for each in first)
            pieces = [replace(p, low=0, high=min(p.high, most[p.half])) for p in pieces]
        return cls(limits, count, tuple(pieces), first)

    @cached_property
    def _of_group(self) -> dict[int, list[_Piece]]:
        found: dict[int, list[_Piece]] = {}
        for piece in self.pieces:
            found.setdefault(piece.group, []).append(piece)
        return found

    @cached_property
    def divided(self) -> tuple[int, ...]:
        """The groups that keys have to count."""
        return tuple(g for g, pieces in self._of_group.items() if len(pieces) > 1)

    @cached_property
    def totalled(self) -> bool:
        """Whether keys have to count all items too, after the groups."""
        return not all(self.limits.fixed)

    def digits(self) -> list[tuple[NDArray[np.bool_], int]]:
        """Return the items that each digit of a key counts, and how many there are at most."""
        group, upper = self.limits.group, self.limits.upper
        found = [(group == g, upper[g]) for g in self.divided]
        return [*found, (group >= 0, sum(upper))] if self.totalled else found

    def pairs(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Yield the digits of the two halves wherever they go together."""
        groups = self.divided
        x_ends, y_ends = ([self._ends(half, [g]) for g in groups] for half in (0, 1))
        if self.first is not None:
            x_ends = [(min(self.first), max(self.first)) for _ in groups]
        rest = [self._ends(half, [g for g in self._of_group if g not in groups]) for half in (0, 1)]
        for x in product(*(range(low, high + 1) for low, high in x_ends)):
            facing = zip(groups, x, y_ends, strict=True)
            for y in product(*(self._facing(g, count, *ends) for g, count, ends in facing)):
                if not self.totalled:
                    yield x, y
                    continue
                # Of the total, what is in no digit of its own may vary.
                low = max(sum(x) + rest[0][0], self.count - sum(y) - rest[1][1])
                high = min(sum(x) + rest[0][1], self.count - sum(y) - rest[1][0])
                for total in range(low, high + 1):
                    yield (*x, total), (*y, self.count - total)

    def _facing(self, group: int, count: int, low: int, high: int) -> range:
        """Return how many of a group the second half may have where the first has `count`."""
        lower, upper = self.limits.lower[group], self.limits.upper[group]
        return range(max(low, lower - count), min(high, upper - count) + 1)

    def _ends(self, half: int, groups: Sequence[int]) -> tuple[int, int]:
        """Return how many of some groups a half has at least and at most."""
        own = [p for g in groups for p in self._of_group[g] if p.half == half]
        return sum(p.low for p in own), sum(p.high for p in own)

    def parts(self, keys: NDArray[np.int64]) -> list[list[GroupItems]]:
        """Return the parts of each quarter, for items with such keys."""
        # Equal values kept together make few distinct sums; else the quarters are better alike.
        tied = len(np.unique(keys)) < _TIED * len(keys)
        quarters: list[list[GroupItems]] = [[], [], [], []]
        for g, pieces in self._of_group.items():
            items = self.limits.items[g]
            dealt = _dealt(items[np.argsort(keys[items], kind="stable")], pieces, tied)
            for piece, part in zip(pieces, dealt, strict=True):
                quarters[piece.quarter].append(GroupItems(part, piece.low, piece.high))
        return quarters

    @property
    def quarters(self) -> list[int]:
        """The number of subsets that are listed of each quarter."""
        own = [
            [subsets(p.size, p.low, p.high) for p in self.pieces if p.quarter == q]
            for q in range(4)
        ]
        return [min(prod(each), COUNTLESS) for each in own]

    def keys(self, values: Sequence[int], exact: bool) -> float:
        """Return at most how many keys of both halves are looked at."""
        halves = [min(self._subsets(half), COUNTLESS) for half in (0, 1)]
        if exact and len(set(values)) < _TIED * len(values):
            # A quarter has a sum for each choice of how many of each value.
            whole = np.array(values, dtype=np.int64)
            sums = [
                prod(n + 1 for part in parts for n in Counter(whole[part.items].tolist()).values())
                for parts in self.parts(whole)
            ]
            halves = [min(halves[h], sums[2 * h] * sums[2 * h + 1]) for h in (0, 1)]
        if not self.totalled:
            return float(sum(halves))
        # The keys of one total face those of all counts of the other half.
        faced = [
            prod(b - a + 1 for a, b in (self._ends(h, [g]) for g in self.divided)) for h in (0, 1)
        ]
        return float(min(halves[0] * faced[1] + halves[1] * faced[0], COUNTLESS))

    def _subsets(self, half: int) -> int:
        """Return the number of subsets of a half, which for a divided group is that of its part."""
        numbers = []
        for g, pieces in self._of_group.items():
            size = sum(p.size for p in pieces if p.half == half)
            lower, upper = self.limits.lower[g], self.limits.upper[g]
            low = max(0, lower - (self.limits.sizes[g] - size))
            numbers.append(subsets(size, low, min(size, upper)))
        return prod(numbers)


class _Row:
    """The groups one after another, those with the most subsets at the ends."""

    def __init__(self, limits: CountLimits) -> None:
        self._limits = limits
        numbers = list(map(subsets, limits.sizes, limits.lower, limits.upper))
        ends: tuple[list[int], list[int]] = [], []
        weights = [1, 1]
        for g in sorted(range(len(numbers)), key=lambda g: -numbers[g]):
            lighter = int(weights[1] < weights[0])
            ends[lighter].append(g)
            weights[lighter] = min(weights[lighter] * numbers[g], COUNTLESS)
        self._order = [*ends[0], *reversed(ends[1])]
        self._starts = list(accumulate((limits.sizes[g] for g in self._order), initial=0))
        self.size = self._starts[-1]

    def pieces(self, begin: int, end: int, quarter: int = 0) -> Iterator[_Piece]:
        """Yield what of the groups is in an interval of the row."""
        place = bisect_right(self._starts, begin) - 1
        while begin < end:
            g, until = self._order[place], min(end, self._starts[place + 1])
            size, whole = until - begin, self._limits.sizes[g]
            low = max(0, self._limits.lower[g] - (whole - size))
            yield _Piece(quarter, g, size, low, min(size, self._limits.upper[g]))
            begin, place = until, place + 1

    def _subsets(self, begin: int, end: int) -> int:
        number = 1
        for piece in self.pieces(begin, end):
            number *= subsets(piece.size, piece.low, piece.high)
            if number > COUNTLESS:
                return COUNTLESS
        return number

    def cut(self, begin: int, end: int) -> int:
        """Return where to divide an interval so that the two parts have the fewest subsets."""
        low, high = begin, end
        while low < high:
            middle = (low + high) // 2
            if self._subsets(begin, middle) < self._subsets(middle, end):
                low = middle + 1
            else:
                high = middle
        place = bisect_right(self._starts, low) - 1
        whole = [s for s in self._starts[place : place + 2] if begin <= s <= end]
        candidates = {p: _UNDIVIDED for p in (low - 1, low) if p >= begin}
        candidates |= dict.fromkeys(whole, 1.0)

        def cost(p: int) -> float:
            return candidates[p] * (self._subsets(begin, p) + self._subsets(p, end))

        return min(candidates, key=cost)


def _dealt(
    items: NDArray[np.int64], pieces: Sequence[_Piece], tied: bool
) -> list[NDArray[np.int64]]:
    """Deal the items of a group, ascending by key, into pieces."""
    sizes = [piece.size for piece in pieces]
    if tied or len(sizes) == 1:
        return np.split(items, np.cumsum(sizes)[:-1])
    # In turns, as often as a piece is large.
    turns = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    owner = np.repeat([_TURNS.index(piece.quarter) for piece in pieces], sizes)
    in_turn = np.repeat(np.arange(len(sizes)), sizes)[np.lexsort((owner, turns))]
    return [items[in_turn == place] for place in range(len(sizes))]
