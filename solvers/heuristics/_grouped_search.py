"""Swap search on scalar values of which each group has a count: rounds within and across groups."""

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt._rounding import times_power_of_two
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solvers._deadline import NEVER, SORTING, Deadline
from subsetopt.solvers._ordering import ascending

from ._scalar_search import in_range, spread

_SINGLES = 128  # swaps of either side, whose pairs are combined
_BUCKETS = 2**14


class GroupedRounds:
    """Choose so many of each group that their sum comes close to another; the best so far is kept.

    A round takes the best swaps within each group while they help, then the best of some 10^8
    combinations of four such swaps.

    Parameters
    ----------
    values : ndarray of float64 (n,)
        Group after group, each ascending.
    sizes : ndarray of int64 (groups,)
        How many values each group has, at least one.
    wanted, limit : float
        The sum, and a residual that is small enough.
    width : float
        How far apart the values are, such as a few interquartile ranges.
    state : ndarray of uint64 (1,)
        Of `rng.seeded`.
    """

    def __init__(
        self,
        values: NDArray[np.float64],
        sizes: NDArray[np.int64],
        wanted: float,
        limit: float,
        width: float,
        state: NDArray[np.uint64],
    ) -> None:
        self._kernel, self._state, n = _kernels.grouped_swaps, state, len(values)
        self.values, self.wanted, self.limit = values, wanted, limit
        self.ends = np.cumsum(sizes)
        self.begins, self.group = self.ends - sizes, np.repeat(np.arange(len(sizes)), sizes)
        self._order, self.chosen, self.residual = np.arange(len(sizes)), np.zeros(n, bool), np.inf
        positions = tuple(np.empty((3, n), np.int64))
        swaps = np.empty((2, _SINGLES), np.int64), np.empty((2, _SINGLES), np.int64)
        buckets = np.empty(_BUCKETS), np.empty(_BUCKETS, np.int32)
        self._room = *positions, np.empty(n, np.bool_), *swaps, *buckets, width

    @property
    def content(self) -> bool:
        """Whether the residual is small enough."""
        return abs(self.residual) <= self.limit

    def start(self, counts: NDArray[np.int64]) -> None:
        """Begin from so many mid-points of strata of each group."""
        self.residual = self._kernel.start(
            self.values, self.begins, self.ends, counts, self.wanted, self.chosen
        )

    def go(self, chosen: NDArray[np.bool_]) -> None:
        """Begin from a selection."""
        self.chosen, self.residual = chosen, self.wanted - float(self.values[chosen].sum())

    def improve(self, trial: NDArray[np.bool_], *, kicked: bool) -> None:
        """Make a round from a selection, which is changed, and first perturbed if it is kicked."""
        where = self.values, self.begins, self.ends, self.group, self._order
        residual = self._kernel.improve(
            *where, trial, self.wanted, self.limit, kicked, self._state, self._room
        )
        if abs(residual) < abs(self.residual):
            self.residual, self.chosen = residual, trial


class GroupedScalars:
    """The search for mean matching of scalars under disjoint quotas; it keeps the best so far.

    Each round but the first begins from the best, with a group perturbed and, where quotas leave
    room, one of the chosen moved to another group.
    """

    chunk_size = 8

    def __init__(
        self, problem: MeanMatching, limits: Limits, tolerance: float, deadline: Deadline = NEVER
    ) -> None:
        self._n, self._k, self._deadline = problem.n, problem.k, deadline
        self._generator = np.random.default_rng(limits.seed)
        values = problem.values.astype(np.float64)
        ordered, order = deadline.wait_for(lambda: ascending(values), SORTING * values.size)
        ordered, exponent = in_range(ordered)
        wanted = self._k * times_power_of_two(problem.target_value, -exponent)
        if limits.absolute_gap is None:
            limit = tolerance * self._k * spread(ordered)
        else:
            limit = self._k * times_power_of_two(limits.absolute_gap, -exponent)
        grouped, self._items, self._sizes, self._lower, self._upper = _groups(
            problem, ordered, order
        )
        self._rounds = GroupedRounds(
            grouped,
            self._sizes,
            wanted,
            limit,
            3.0 * spread(ordered),
            _kernels.rng.seeded(limits.seed),
        )

    @property
    def residual(self) -> float:
        """What the best sum lacks."""
        return self._rounds.residual

    @property
    def content(self) -> bool:
        """Whether the residual is small enough."""
        return self._rounds.content

    def start(self, rows: NDArray[np.int64] | None = None) -> None:
        """Begin from mid-points of strata of each group, or from a feasible selection of k rows."""
        if rows is None:
            self._rounds.start(allotted(self._sizes, self._lower, self._upper, self._k))
        else:
            marked = np.zeros(self._n + self._k, np.bool_)
            marked[rows] = True
            self._rounds.go(marked[self._items])

    def rounds(self, begin: int, end: int) -> int:
        """Run rounds begin..end-1, fewer if content; returns the next."""
        for turn in range(begin, end):
            if self.content:
                return turn
            self._deadline.check()
            trial = self._rounds.chosen.copy()
            if turn > 0:
                self._move(trial)
            self._rounds.improve(trial, kicked=turn > 0)
        return end

    def _move(self, trial: NDArray[np.bool_]) -> None:
        """Choose one less of some group and one more of another, where the quotas let it."""
        counts = np.bincount(self._rounds.group[trial], minlength=len(self._sizes))
        givers = np.flatnonzero(counts > self._lower)
        takers = np.flatnonzero(counts < self._upper)
        if not givers.size or not takers.size or self._generator.random() < 0.5:
            return
        giver, taker = self._generator.choice(givers), self._generator.choice(takers)
        if giver != taker:
            for g, held in ((giver, True), (taker, False)):
                own = trial[self._rounds.begins[g] : self._rounds.ends[g]]
                own[self._generator.choice(np.flatnonzero(own == held))] = not held

    def indices(self) -> NDArray[np.int64]:
        """Return the best selection so far."""
        items = self._items[self._rounds.chosen]
        return np.sort(items[items < self._n])


def _groups(
    problem: MeanMatching, ordered: NDArray[np.float64], order: NDArray[np.int64]
) -> tuple[
    NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]
]:
    """Return values and candidates group after group, and the size and limits of each group.

    Zeros stand for those that need not be chosen.
    """
    assert problem.side is not None
    groups = problem.side.groups
    label = groups.group[order]
    by_group = np.argsort(label, kind="stable")
    values, items = ordered[by_group], order[by_group]
    sizes = np.bincount(label, minlength=len(groups.lower))
    lower, upper = groups.lower, groups.upper
    spare = problem.k - groups.low
    if spare > 0:
        values = np.concatenate([values, np.zeros(spare)])
        items = np.concatenate([items, np.arange(problem.n, problem.n + spare)])
        sizes, upper = np.append(sizes, spare), np.append(upper, spare)
        lower = np.append(lower, max(0, problem.k - groups.high))
    held = sizes > 0
    return values, items, sizes[held], lower[held], np.minimum(upper, sizes)[held]


def allotted(
    sizes: NDArray[np.int64], lower: NDArray[np.int64], upper: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """Return counts that add up to k, near the groups' shares and within their limits."""
    share = k * sizes / sizes.sum()
    counts = np.clip(np.floor(share).astype(np.int64), lower, upper)
    while counts.sum() != k:
        step = 1 if counts.sum() < k else -1
        open_ = counts < upper if step > 0 else counts > lower
        counts[np.where(open_, step * (share - counts), -np.inf).argmax()] += step
    return counts  # type: ignore[no-any-return]
