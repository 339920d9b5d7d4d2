"""Swap descent with restarts: the default for scalar and vector mean matching."""

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solution import Termination

from ._centred import Centred
from ._quadratic_search import Descents
from ._scalar_search import Scalars
from .base import NUMBA, Answer, Kind, Requirement, Solver, is_number

_FEW = 16  # with so few candidates there are at most 12870 selections


@dataclass(frozen=True, kw_only=True)
class Swap(Solver):
    """Start well spread, exchange chosen for free candidates while that helps, restart.

    Scalars: mid-points of k strata, the best single swap by two pointers on the sorted values in
    O(n), then the best of some 10^8 exchanges of four for four by two-sum hashing.
    Vectors: greedy start, then for each chosen row its best partner, in O(k n d) a sweep.
    Quadratic forms: the same in O(k n) a sweep and O(n) an exchange, without a tolerance.
    Restarts perturb the best so far (vectors: or begin with a uniform selection) until the
    tolerance, the deadline or the number of restarts is reached; with a time limit the number of
    restarts is not limited.

    Parameters
    ----------
    tolerance : float
        Stop at an error of this many interquartile ranges of the values (scalars), or at this
        distance relative to the root mean square of the values (vectors). `absolute_gap` of the
        limits replaces it, in units of the objective.
    restarts : int
        How many at most, without a time limit.
    """

    tolerance: float = 1e-8
    restarts: int = 32

    name: ClassVar[str] = "swap"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "stratified start, best single and quadruple swaps, restarts"
    choose_when: ClassVar[str] = "almost always: errors near rounding, in tens of microseconds"
    handles: ClassVar[tuple[str, ...]] = (
        "mean-matching",
        "vector-mean-matching",
        "quadratic",
        "mmd",
    )
    requires: ClassVar[tuple[Requirement, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not is_number(self.tolerance) or not 0.0 <= self.tolerance < math.inf:
            raise InvalidOption(f"tolerance is {self.tolerance!r}; a number >= 0 is needed")
        if type(self.restarts) is not int or self.restarts < 0:
            raise InvalidOption(f"restarts is {self.restarts!r}; a whole number >= 0 is needed")

    def answer(self, problem: Any, limits: Limits) -> Answer:
        """Return the best selection found."""
        start = perf_counter()
        search = self._search(problem, limits)
        built = perf_counter()
        search.start()
        most = self._most_rounds(problem, limits)
        termination, rounds = self._run(search, most, start, limits.time_limit)
        return Answer(
            indices=search.indices(),
            termination=termination,
            build_seconds=built - start,
            solve_seconds=perf_counter() - built,
            iterations=rounds,
        )

    def _search(self, problem: Any, limits: Limits) -> "Scalars | Vectors | Descents":
        if problem.family == "mean-matching":
            return Scalars(problem, limits, self.tolerance)
        if problem.family == "vector-mean-matching":
            return Vectors(problem, limits, self.tolerance)
        return Descents(problem.quadratic_form(), limits.seed)

    def _most_rounds(self, problem: Any, limits: Limits) -> float:
        """Return how many rounds may be run; where selections are few, also with a time limit."""
        most = math.inf if limits.time_limit is not None else self.restarts + 1
        if problem.n <= _FEW:
            most = min(most, max(self.restarts + 1, 8 * math.comb(problem.n, problem.k)))
        return most

    def _run(
        self,
        search: "Scalars | Vectors | Descents",
        most: float,
        start: float,
        time_limit: float | None,
    ) -> tuple[Termination, int]:
        """Run rounds until the search is content; returns why it stopped, and how many."""
        deadline = math.inf if time_limit is None else start + time_limit
        done = 0
        try:
            while not search.content:
                if done >= most:
                    return Termination.ITERATION_LIMIT, done
                done = search.rounds(done, int(min(most, done + search.interruptible)))
                if perf_counter() >= deadline:
                    return Termination.TIME_LIMIT, done
        except KeyboardInterrupt:
            return Termination.INTERRUPTED, done
        return Termination.FINISHED, done


class Vectors:
    """The search on vectors; its state is the best selection so far."""

    _BLOCK_BYTES = 2**28  # of inner products at once

    def __init__(self, problem: MeanMatching, limits: Limits, tolerance: float) -> None:
        from ._kernels import features

        self._kernel = features
        self._centred = Centred.of(problem)
        rows = self._centred.rows
        self._norms = np.einsum("ij,ij->i", rows, rows)
        self._generator = np.random.default_rng(limits.seed)
        self._best = np.zeros(len(rows), dtype=np.bool_)
        self._error = math.inf
        if limits.absolute_gap is None:
            self._limit = float(tolerance**2 * self._norms.mean()) * problem.k**2
        else:
            self._limit = math.ldexp(limits.absolute_gap, -2 * self._centred.exponent)
            self._limit *= problem.k**2
        self.interruptible = 1

    def start(self, indices: NDArray[np.int64] | None = None) -> None:
        """Begin from the greedy selection, or from a selection of exactly k."""
        if indices is None:
            self._kernel.greedy(self._centred.rows, self._centred.k, self._best)
        else:
            self._best[indices] = True
        total = self._kernel.total_of(self._centred.rows, self._best)
        self._error = float(total @ total)

    def rounds(self, begin: int, end: int) -> int:
        """Run rounds begin..end-1, fewer if content; returns the next."""
        for turn in range(begin, end):
            trial = self._best.copy()
            if turn % 2:
                trial = self._uniform()
            elif turn:
                self._kick(trial)
            error = self._descend(trial)
            if error < self._error:
                self._best, self._error = trial, error
            if self.content:
                return turn + 1
        return end

    def _uniform(self) -> NDArray[np.bool_]:
        """Return a uniform selection: every other restart is from elsewhere."""
        trial = np.zeros_like(self._best)
        trial[self._generator.choice(trial.size, self._centred.k, replace=False)] = True
        return trial

    def _kick(self, trial: NDArray[np.bool_]) -> None:
        """Exchange an eighth of the chosen, at least two, for random others."""
        taken, free = np.flatnonzero(trial), np.flatnonzero(~trial)
        count = min(max(2, self._centred.k // 8), taken.size, free.size)
        trial[self._generator.choice(taken, count, replace=False)] = False
        trial[self._generator.choice(free, count, replace=False)] = True

    def _descend(self, trial: NDArray[np.bool_]) -> float:
        rows = self._centred.rows
        total = self._kernel.total_of(rows, trial)
        similarity = rows @ total
        block = max(1, self._BLOCK_BYTES // (8 * len(rows)))
        improving = True
        while improving:
            members = np.flatnonzero(trial)
            improving = False
            for part in range(0, members.size, block):
                some = members[part : part + block]
                gram = rows[some] @ rows.T
                improving |= (
                    self._kernel.sweep(rows, some, gram, self._norms, trial, total, similarity) > 0
                )
        total = self._kernel.total_of(rows, trial)
        return float(total @ total)

    @property
    def content(self) -> bool:
        """Whether nothing better is wanted or possible."""
        return self._centred.k == self._best.size or self._error <= self._limit

    def indices(self) -> NDArray[np.int64]:
        """Return the best selection so far."""
        return self._centred.indices(self._best)
