"""Group counts that quotas allow, for the exact searches.

Called by `_integers`, which hands them to `_dynamic`, `_meet` and `_window`. Disjoint quotas are
one `CountLimits`; of overlapping ones the candidates of the same rows are a group, and every way in
which the rows can be kept is a `CountLimits` that leaves each group one count.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import TooLarge
from subsetopt.models import SideConstraints
from subsetopt.models._side_constraints import Groups

_MOST_WAYS = 2**10  # in which the counts of overlapping quotas may add up
_MOST_NODES = 2**15  # of the search for these


@dataclass(frozen=True, eq=False)
class CountLimits:
    """A partition of the items with the least and the largest count of each group.

    Parameters
    ----------
    group : ndarray of int64 (n,)
        The group of each item, 0.., none of them empty.
    lower, upper : tuple of int (groups,)
        ``0 <= lower <= upper <= size``.
    """

    group: NDArray[np.int64]
    lower: tuple[int, ...]
    upper: tuple[int, ...]

    @classmethod
    def none(cls, n: int) -> "CountLimits":
        """Return one group of n items that has no limits."""
        return cls(np.zeros(n, np.int64), (0,), (n,))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of items of each group."""
        return tuple(np.bincount(self.group, minlength=len(self.lower)).tolist())

    @cached_property
    def items(self) -> tuple[NDArray[np.int64], ...]:
        """The items of each group, ascending."""
        order = np.argsort(self.group, kind="stable")
        return tuple(np.split(order, np.cumsum(self.sizes)[:-1]))

    @property
    def fixed(self) -> tuple[bool, ...]:
        """Whether each group has but one count."""
        return tuple(low == high for low, high in zip(self.lower, self.upper, strict=True))

    def of(self, count: int) -> "CountLimits | None":
        """Return the limits of subsets of `count` items; None where there is no such subset."""
        least, most = sum(self.lower), sum(self.upper)
        if not least <= count <= most:
            return None
        ends = list(zip(self.lower, self.upper, strict=True))
        lower = tuple(max(low, count - (most - high)) for low, high in ends)
        upper = tuple(min(high, count - (least - low)) for low, high in ends)
        return CountLimits(self.group, lower, upper)

    def left_out(self) -> "CountLimits":
        """Return the limits of what is not in the subset."""
        lower = tuple(size - high for size, high in zip(self.sizes, self.upper, strict=True))
        upper = tuple(size - low for size, low in zip(self.sizes, self.lower, strict=True))
        return CountLimits(self.group, lower, upper)

    def allow(self, subset: NDArray[np.int64]) -> bool:
        """Return whether a subset keeps the limits."""
        counts = np.bincount(self.group[subset], minlength=len(self.lower))
        return bool((counts >= self.lower).all() and (counts <= self.upper).all())

    def first(self, order: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return the `count` items that come first in an order, as far as the limits let them."""
        limits = np.array(self.lower), np.array(self.upper)
        return np.sort(Groups(self.group, *limits, count, count).first(order, count))


def limits_of(side: SideConstraints | None, n: int) -> tuple[CountLimits, ...]:
    """Return the limits of subsets that keep the quotas: each such subset keeps one of them.

    Raises
    ------
    TooLarge
        If overlapping quotas can be kept in too many ways.
    """
    if side is None:
        return (CountLimits.none(n),)
    if side.decided_by_counting:
        groups = side.groups
        return (CountLimits(groups.group, tuple(groups.lower.tolist()), _within(groups)),)
    assert side.quotas is not None
    cells = side.quotas.cells
    sizes = np.bincount(cells)
    rows = np.zeros((len(side.quotas) + 1, len(sizes)), np.int64)
    rows[0] = 1
    for r in range(len(side.quotas)):
        rows[1 + r, cells[side.quotas.row(r)]] = 1
    lower = np.append(side.low, side.quotas.lower)
    upper = np.append(side.high, side.quotas.upper)
    counted = _ways(sizes.tolist(), rows, lower, upper)
    return tuple(CountLimits(cells, counts, counts) for counts in counted)


def _within(groups: Groups) -> tuple[int, ...]:
    return tuple(np.minimum(groups.upper, groups.sizes).tolist())


def _ways(
    sizes: list[int], rows: NDArray[np.int64], lower: NDArray[np.int64], upper: NDArray[np.int64]
) -> Iterator[tuple[int, ...]]:
    """Yield the counts of cells whose sums over rows (rows, cells) are within limits."""
    # What the cells after each can still add to the rows.
    later = np.cumsum((rows * sizes)[:, ::-1], axis=1)[:, ::-1] - rows * sizes
    nodes = found = 0
    stack: list[tuple[tuple[int, ...], NDArray[np.int64]]] = [((), np.zeros_like(lower))]
    while stack:
        counts, sums = stack.pop()
        cell, nodes = len(counts), nodes + 1
        if cell == len(sizes):
            found += 1
            yield counts
        if nodes > _MOST_NODES or found > _MOST_WAYS:
            raise TooLarge(
                f"overlapping quotas of {len(sizes)} combinations of groups can be kept in more "
                f"than {_MOST_WAYS} ways, each a search of its own; use solver 'scip', 'highs' or "
                "'cpsat'",
                seconds=np.inf,
                bytes=0.0,
            )
        if cell == len(sizes):
            continue
        for count in range(sizes[cell] + 1):
            total = sums + count * rows[:, cell]
            if (total <= upper).all() and (total + later[:, cell] >= lower).all():
                stack.append(((*counts, count), total))
