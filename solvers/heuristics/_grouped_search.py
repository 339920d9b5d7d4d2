"""Swap search on scalar values of which each group has a count: rounds within and across groups."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import times_power_of_two
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solvers._deadline import NEVER, SORTING, Deadline

from ._scalar_search import in_range, spread

_SINGLES = 128  # swaps of either side, whose pairs are combined
_BUCKETS = 2**14
_COMBINED = 4  # times that this is done in a round
_SWAPS = 2**31 - 1


@dataclass(eq=False)
class _Group:
    """The values of a group, ascending, the candidate of each, and which of them are chosen."""

    values: NDArray[np.float64]
    items: NDArray[np.int64]
    lower: int
    upper: int
    chosen: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """How many are chosen."""
        return int(np.count_nonzero(self.chosen))

    @property
    def sum(self) -> float:
        """The sum of the chosen."""
        return float(self.values[self.chosen].sum())


class GroupedScalars:
    """The search for mean matching of scalars under disjoint quotas; it keeps the best so far.

    A round takes the best swaps within each group while they help, then the best of some 10^8
    combinations of four such swaps. The next one begins from the best, with a group perturbed and,
    where quotas leave room, one of the chosen moved to another group.
    """

    chunk_size = 8

    def __init__(
        self, problem: MeanMatching, limits: Limits, tolerance: float, deadline: Deadline = NEVER
    ) -> None:
        from subsetopt._kernels import grouped_swaps, rng, sum_matching

        self._within, self._across, self._deadline = sum_matching, grouped_swaps, deadline
        self._n, self._k = problem.n, problem.k
        self._generator, self._state = np.random.default_rng(limits.seed), rng.seeded(limits.seed)
        values = problem.values.astype(np.float64)
        order = deadline.wait_for(values.argsort, SORTING * values.size)
        ordered, exponent = in_range(values[order])
        self._wanted = self._k * times_power_of_two(problem.target_value, -exponent)
        if limits.absolute_gap is None:
            self._limit = tolerance * self._k * spread(ordered)
        else:
            self._limit = self._k * times_power_of_two(limits.absolute_gap, -exponent)
        self._groups = _groups(problem, ordered, order)
        self._width = 3.0 * spread(ordered)
        self._values = np.concatenate([group.values for group in self._groups])
        self._chosen = np.zeros(len(self._values), np.bool_)
        sizes = [len(group.values) for group in self._groups]
        ends = np.cumsum(sizes)
        self._where = ends - sizes, ends, np.repeat(np.arange(len(sizes)), sizes)
        for group, part in zip(self._groups, np.split(self._chosen, ends[:-1]), strict=True):
            group.chosen = part  # a view
        self._room = (
            np.empty((2, _SINGLES), np.int64),
            np.empty((2, _SINGLES), np.int64),
            np.empty(_BUCKETS),
            np.empty(_BUCKETS, np.int32),
        )
        self.residual = np.inf
        self._best = self._chosen

    @property
    def content(self) -> bool:
        """Whether the residual is small enough."""
        return abs(self.residual) <= self._limit

    def start(self, rows: NDArray[np.int64] | None = None) -> None:
        """Begin from mid-points of strata of each group, or from a feasible selection of k rows."""
        if rows is None:
            left = self._wanted
            counts = _allotted(self._groups, self._k)
            means = [
                group.values.mean() * count
                for group, count in zip(self._groups, counts, strict=True)
            ]
            share = (left - sum(means)) / self._k
            for group, count, mean in zip(self._groups, counts, means, strict=True):
                group.chosen[:] = False
                if count:
                    wanted = mean + share * count
                    self._within.strided_start(group.values, count, wanted, group.chosen)
        else:
            marked = np.zeros(self._n + self._k, np.bool_)
            marked[rows] = True
            for group in self._groups:
                group.chosen[:] = marked[group.items]
        self._keep(self._residual())

    def _residual(self) -> float:
        return self._wanted - sum(group.sum for group in self._groups)

    def rounds(self, begin: int, end: int) -> int:
        """Run rounds begin..end-1, fewer if content; returns the next."""
        for turn in range(begin, end):
            if self.content:
                return turn
            self._deadline.check()
            self._chosen[:] = self._best
            self._keep(self._combined(self._descended(kicked=turn > 0)))
        return end

    def _keep(self, residual: float) -> None:
        if abs(residual) < abs(self.residual):
            self.residual, self._best = residual, self._chosen.copy()

    def _descended(self, kicked: bool) -> float:
        """Take the best swaps within each group, the first one perturbed; returns the residual."""
        if kicked:
            self._moved()
        residual = self._residual()
        for g in self._generator.permutation(len(self._groups)).tolist():
            group = self._groups[g]
            count, size = group.count, len(group.values)
            if not 0 < count < size:
                continue
            before, trial = group.sum, np.empty(size, np.bool_)
            room = np.empty(count, np.int64), np.empty(size - count, np.int64)
            wanted, limit = before + residual, self._limit
            residual, _ = self._within.settle(
                group.values, wanted, limit, kicked, self._state, group.chosen, trial, *room, _SWAPS
            )
            group.chosen[:] = trial
            kicked = False
        return self._residual()

    def _moved(self) -> None:
        """Choose one less of some group and one more of another, where the quotas let it."""
        counts = [group.count for group in self._groups]
        givers = [g for g, count in zip(self._groups, counts, strict=True) if count > g.lower]
        takers = [
            g
            for g, count in zip(self._groups, counts, strict=True)
            if count < min(g.upper, len(g.values))
        ]
        if not givers or not takers or self._generator.random() < 0.5:
            return
        giver = givers[self._generator.integers(len(givers))]
        taker = takers[self._generator.integers(len(takers))]
        if giver is not taker:
            giver.chosen[self._generator.choice(np.flatnonzero(giver.chosen))] = False
            taker.chosen[self._generator.choice(np.flatnonzero(~taker.chosen))] = True

    def _combined(self, residual: float) -> float:
        """Combine swaps of all groups; returns the residual."""
        for _ in range(_COMBINED):
            if abs(residual) <= self._limit:
                break
            residual = self._across.quadruple_swap(
                self._values,
                *self._where,
                self._chosen,
                np.flatnonzero(self._chosen),
                np.empty(len(self._values), np.bool_),
                residual,
                self._width + abs(residual),
                self._state,
                *self._room,
            )
        return self._residual()

    def indices(self) -> NDArray[np.int64]:
        """Return the best selection so far."""
        items = np.concatenate([group.items for group in self._groups])[self._best]
        return np.sort(items[items < self._n])


def _groups(problem: Any, ordered: NDArray[np.float64], order: NDArray[np.int64]) -> list[_Group]:
    """Return the groups of a problem's quotas; zeros stand for those that need not be chosen."""
    groups = problem.side.groups
    label = groups.group[order]
    made = []
    for g, (low, high) in enumerate(zip(groups.lower.tolist(), groups.upper.tolist(), strict=True)):
        own = np.flatnonzero(label == g)
        made.append(_Group(ordered[own], order[own], low, high, np.zeros(len(own), np.bool_)))
    spare = problem.k - groups.low
    if spare > 0:
        nothing = np.arange(problem.n, problem.n + spare)
        least = max(0, problem.k - groups.high)
        made.append(_Group(np.zeros(spare), nothing, least, spare, np.zeros(spare, np.bool_)))
    return [group for group in made if len(group.values)]


def _allotted(groups: list[_Group], k: int) -> list[int]:
    """Return counts that add up to k, near the groups' shares and within their limits."""
    sizes = np.array([len(group.values) for group in groups])
    lower = np.array([group.lower for group in groups])
    upper = np.minimum([group.upper for group in groups], sizes)
    share = k * sizes / sizes.sum()
    counts = np.clip(np.floor(share).astype(np.int64), lower, upper)
    while counts.sum() != k:
        step = 1 if counts.sum() < k else -1
        open_ = counts < upper if step > 0 else counts > lower
        counts[np.where(open_, step * (share - counts), -np.inf).argmax()] += step
    return counts.tolist()  # type: ignore[no-any-return]
