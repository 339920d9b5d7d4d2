"""Swap search on scalar values: rounds on sorted arrays, and their use for mean matching."""

import math

import numpy as np
from numpy.typing import NDArray

from subsetopt._kernels._tiers import Tiers, seeded
from subsetopt._rounding import times_power_of_two
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solvers._deadline import CHUNK, NEVER, SORTING, Deadline
from subsetopt.solvers._ordering import ascending

TIERS = Tiers("sum_matching", "multiple_swaps", kernel="multiple_swaps.double_swap")
"""The kernels of `Rounds`."""


class Rounds:
    """Choose k of ascending values whose sum comes close to another; the best so far is kept.

    Parameters
    ----------
    values : ndarray of float64 (n,)
        Ascending.
    k : int
    wanted : float
        The sum.
    limit : float
        A residual that is small enough.
    pairs, quads : int
        Swaps that are combined to two for two, and pairs of them to four for four; 0 is none.
    state : ndarray of uint64 (1,)
        Of `rng.seeded`.
    """

    def __init__(
        self,
        values: NDArray[np.float64],
        k: int,
        wanted: float,
        limit: float,
        pairs: int,
        quads: int,
        state: NDArray[np.uint64],
        deadline: Deadline = NEVER,
    ) -> None:
        self._values, self._k, self.wanted, self.limit = values, k, wanted, limit
        self._pairs, self._quads, self._state = pairs, quads, state
        self._deadline, self._swaps = deadline, max(64, CHUNK // values.size)
        # A round reads all values a few times, and what it combines: swaps, and pairs of those
        # within each half of the values.
        swaps = k * (values.size - k)
        combined = min(pairs, swaps) + min(quads, swaps * swaps // 64)
        self._steps = 20 * values.size + 4 * combined
        self._kernel, self._compound = TIERS.choose(self._steps, hurried=deadline.limited)
        self.chosen, self._trial = np.empty((2, values.size), dtype=np.bool_)
        self.chosen[:] = np.arange(values.size) < k  # a selection, also before the start
        self._room = self._compound.room(values.size, k, pairs)
        self.residual = math.inf

    def start(self) -> None:
        """Begin from mid-points of strata."""
        self.residual = self._kernel.strided_start(self._values, self._k, self.wanted, self.chosen)

    def go(self, chosen: NDArray[np.bool_]) -> None:
        """Begin from a selection of exactly k."""
        # A descent from anywhere may take a swap for each of the chosen.
        swaps = min(self._k, self._values.size - self._k)
        self._kernel, self._compound = TIERS.choose(
            3 * self._values.size * swaps, hurried=self._deadline.limited
        )
        self.chosen[:] = chosen
        self.residual = self.wanted - float(self._values[chosen].sum())

    @property
    def content(self) -> bool:
        """Whether the residual is small enough."""
        return abs(self.residual) <= self.limit

    def run(self, begin: int, end: int) -> int:
        """Run rounds begin..end-1, fewer if content; return the next."""
        for turn in range(begin, end):
            if self.content:
                return turn
            if turn > begin:  # the first is accounted for
                self._kernel, self._compound = TIERS.choose(
                    self._steps, hurried=self._deadline.limited
                )
            self._keep(self._tried(turn > 0))
        return end

    def _keep(self, residual: float) -> None:
        """Take the trial as the best so far if it is."""
        if abs(residual) < abs(self.residual):
            self.residual = residual
            self.chosen, self._trial = self._trial, self.chosen

    def _settled(self, kicked: bool, begin: NDArray[np.bool_]) -> tuple[float, bool]:
        """Descend to the trial for a while; return its residual, and whether no swap helps."""
        taken, free, *_ = self._room
        found: tuple[float, bool] = self._kernel.settle(
            self._values,
            self.wanted,
            self.limit,
            kicked,
            self._state,
            begin,
            self._trial,
            taken,
            free,
            self._swaps,
        )
        return found

    def _tried(self, kicked: bool) -> float:
        """Descend to another selection, from the best so far or near it; return its residual.

        A descent by single swaps, then the best exchange of four for four, then of two for two.
        """
        values, trial, (taken, free, *_) = self._values, self._trial, self._room
        residual, settled = self._settled(kicked, self.chosen)
        while not settled:
            try:
                self._deadline.check()
            except BaseException:
                self._keep(residual)
                raise
            residual, settled = self._settled(False, trial)
        if abs(residual) > self.limit and self._quads and min(taken.size, free.size) >= 4:
            residual = self._compound.quadruple_swap(
                values, trial, residual, self._quads, self._state, taken, free
            )
        if abs(residual) > self.limit:
            residual = self._compound.double_swap(
                values, trial, residual, self._pairs, self._state, self._room
            )
        return residual

    def indices(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the original places of the chosen, ascending; `order` is what sorted them."""
        marked = np.zeros(self.chosen.size, dtype=np.bool_)
        marked[order[self.chosen]] = True
        return np.flatnonzero(marked)


def spread(values: NDArray[np.float64]) -> float:
    """Return the interquartile range of ascending values, or their range where that is zero."""
    n = values.size
    return float(values[(3 * n) // 4] - values[n // 4] or values[-1] - values[0])


class Scalars:
    """The search for mean matching of scalars; its state is the best selection so far."""

    _PAIRS = 4096
    _QUADS = 2**15  # over sqrt(k): the residual may be k times the error, so fewer do

    def __init__(
        self,
        problem: MeanMatching,
        limits: Limits,
        tolerance: float,
        deadline: Deadline = NEVER,
    ) -> None:
        given = problem.values
        values = given if given.dtype == np.float32 else given.astype(np.float64)
        if problem.cardinality == "at_most":
            values = np.concatenate([values, np.zeros(problem.k)])  # zeros stand for no choice
        self._n, k = problem.n, problem.k
        values, self._order = deadline.wait_for(lambda: ascending(values), SORTING * values.size)
        values, exponent = in_range(values)
        if problem.target is None:
            wanted = k * float(np.add.reduce(values)) / problem.n
        else:
            wanted = k * times_power_of_two(problem.target_value, -exponent)
        if limits.absolute_gap is None:
            limit = tolerance * k * spread(values)
        else:
            limit = k * times_power_of_two(limits.absolute_gap, -exponent)
        if limits.time_limit is not None:  # else the restarts are over sooner than this is known
            # What no selection can beat need not be searched for; the slack is for rounding.
            least = float(problem.lower_bound()) * k * (1 + 1e-9)
            limit = max(limit, times_power_of_two(least, -exponent))
        quads = max(512, int(self._QUADS / math.sqrt(k)))
        state = seeded(limits.seed)
        self._rounds = Rounds(values, k, wanted, limit, self._PAIRS, quads, state, deadline)
        self._at_end = _is_at_end(values, k, wanted, problem.target is None)
        # Rounds between looks at the clock: a round takes O(n), and some 0.1 ms at least.
        self.chunk_size = max(1, min(64, 2**20 // values.size))

    def start(self, indices: NDArray[np.int64] | None = None) -> None:
        """Begin from the stratified start, or from a selection of exactly k."""
        if indices is None:
            self._rounds.start()
        else:
            marked = np.zeros(self._order.size, dtype=np.bool_)
            marked[indices] = True
            self._rounds.go(marked[self._order])

    def rounds(self, begin: int, end: int) -> int:
        """Run rounds begin..end-1, fewer if content; returns the next."""
        return self._rounds.run(begin, end)

    @property
    def content(self) -> bool:
        """Whether nothing better is wanted or possible."""
        return self._at_end or self._rounds.content

    def indices(self) -> NDArray[np.int64]:
        """Return the best selection so far."""
        found = self._rounds.indices(self._order)
        return found[found < self._n]


def in_range(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Return ascending values over a power of two that keeps their squares in range, and it."""
    largest = float(np.maximum(abs(values[0]), abs(values[-1])))
    if largest == 0.0 or 1e-100 < largest < 1e100 or not math.isfinite(largest):
        return values, 0
    exponent = math.frexp(largest)[1]
    return np.ldexp(values, -exponent), exponent


def _is_at_end(values: NDArray[np.float64], k: int, wanted: float, mean: bool) -> bool:
    """Whether the k smallest or largest are the optimum; the start is then these."""
    if mean:  # the mean of all is between them
        return k == values.size or bool(values[0] == values[-1])
    low, high = values[:k].sum(), values[-k:].sum()
    return not float(low) < wanted < float(high)
