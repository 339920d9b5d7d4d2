"""Counts by class, and matching the mean of losses of which so many of each class are chosen."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt._kernels._tiers import seeded
from subsetopt.solvers._ordering import ascending
from subsetopt.solvers.heuristics._grouped_search import GroupedRounds
from subsetopt.solvers.heuristics._scalar_search import in_range, spread

_TOLERANCE = 2e-6  # as of `subsetopt.select`, and as many rounds
_ROUNDS = 4


class ClassCounts(NamedTuple):
    """The class of each sample of a batch, and how many of each are to be chosen."""

    codes: NDArray[np.int64]
    """(n,): 0..classes-1, each of which there is."""
    counts: NDArray[np.int64]
    """(classes,)."""

    @property
    def order(self) -> NDArray[np.int64]:
        """The samples (n,), class after class, in their order."""
        return self.codes.argsort(kind="stable")

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many samples each class has, (classes,)."""
        return np.bincount(self.codes, minlength=len(self.counts))

    @property
    def ranges(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Where each class begins in that order, how many to choose, and where it ends."""
        sizes = self.sizes
        ends = sizes.cumsum()
        return ends - sizes, self.counts, ends

    @property
    def first(self) -> NDArray[np.bool_]:
        """Marks the first ones of each class in that order, as many as are to be chosen."""
        begins, counts, _ = self.ranges
        sizes = self.sizes
        return np.arange(len(self.codes)) < np.repeat(begins + counts, sizes)


def match_mean_within(
    losses: NDArray[Any], within: ClassCounts, seed: int, *, shuffled: bool
) -> NDArray[np.int64]:
    """Return so many losses of each class, in no order, whose mean is close to that of all.

    Parameters
    ----------
    losses : ndarray of float32 or float64 (n,)
        All finite.
    within : ClassCounts
    seed : int
        Of the restarts, and of the start.
    shuffled : bool
        Start from random ones of each class, not from mid-points of strata.

    Notes
    -----
    O(n log n), and some 10^4 pairs of exchanges within classes a round.
    """
    ordered, order = ascending(losses)
    ordered, _ = in_range(ordered)
    by_class = within.codes[order].argsort(kind="stable")
    k, width = int(within.counts.sum()), spread(ordered)
    mean = float(np.add.reduce(ordered)) / len(ordered)
    search = GroupedRounds(
        ordered[by_class],
        within.sizes,
        k * mean,
        _TOLERANCE * k * width,
        3.0 * width,
        seeded(seed),
    )
    if shuffled:
        lots = np.random.default_rng(seed).random(len(losses))
        search.go(within.first[np.lexsort((lots, search.group)).argsort()])
    else:
        search.start(within.counts)
    for turn in range(_ROUNDS):
        if search.content:
            break
        search.improve(search.chosen.copy(), kicked=turn > 0)
    found: NDArray[np.int64] = order[by_class][search.chosen]
    return found
