"""Swap descent with restarts: the default for scalar and vector mean matching."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_integer, require_number
from subsetopt._dependencies import NUMBA, OptionalDependency
from subsetopt.limits import Limits
from subsetopt.models import CONSTRAINT_KINDS, QuadraticForm, RowsForm, SideConstraints
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, TimedSolver, stoppable
from subsetopt.solvers.base import Kind, RawResult

from ._constrained_search import ConstrainedDescents, constrained_form
from ._grouped_search import GroupedScalars
from ._pool_search import over_pools, rows_form
from ._quadratic_search import Descents
from ._scalar_search import Scalars
from ._sparse_search import SparseDescents, sparse_form
from ._vector_search import Vectors
from .herding import herded

__all__ = ["Swap"]

_POOLS, _ROUNDS = 8, 8  # without a limit, where the matrix is not held; and rounds on each
_FEW = 16  # with so few candidates there are at most 12870 selections


@dataclass(frozen=True, kw_only=True)
class Swap(TimedSolver):
    """Start well spread, exchange chosen for free candidates while that helps, restart.

    Scalars: mid-points of k strata, the best single swap by two pointers on the sorted values in
    O(n), then the best of some 10^8 exchanges of four for four by two-sum hashing.
    Vectors: greedy start, then for each chosen row its best partner, in O(k n d) a sweep.
    Quadratic forms: the same in O(k n) a sweep and O(n) an exchange, without a tolerance; sparse
    ones from what peeling leaves, in O(d log n) an exchange for rows of d entries.
    Restarts perturb the best so far (vectors: or begin with a uniform selection) until the
    tolerance, the deadline or the number of restarts is reached; with a time limit the number of
    restarts is not limited.

    Where the kernel matrix is not held, 8 rounds are on the matrix of the chosen, herded at first,
    and some 8,000 random candidates; then on others, eight times or while there is time.

    Under constraints only swaps that keep them are looked at: on scalars with disjoint quotas
    within groups, four at a time, everything else as on quadratic forms.

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
    takes: ClassVar[frozenset[str]] = frozenset(CONSTRAINT_KINDS)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_number("tolerance", self.tolerance, "[0, inf)")
        require_integer("restarts", self.restarts, "[0, inf)")

    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the best selection found."""
        return self.bounded(problem, limits, deadline, self._most_rounds(problem, limits))

    def prepare(self, problem: Any, limits: Limits) -> None:
        """Load what kernels need; on scalars they do without where there is little to do."""
        if problem.family != "mean-matching":
            super().prepare(problem, limits)

    def bounded(
        self, problem: Any, limits: Limits, deadline: Deadline, most: float | None = None
    ) -> RawResult:
        """Return the best selection of at most so many rounds; None is one for each restart."""
        most = self.restarts + 1 if most is None else most
        form = rows_form(problem)
        if form is not None:
            pools = math.inf if deadline.limited else _POOLS
            return self._on_pools(problem, form, limits, deadline, pools)
        search = self._search(problem, limits, deadline)
        return self._run(search, begun(problem, limits), most, deadline)

    def _on_pools(
        self, problem: Any, form: RowsForm, limits: Limits, deadline: Deadline, pools: float
    ) -> RawResult:
        def descended(
            pool: QuadraticForm, start: NDArray[np.int64], seed: int, deadline: Deadline
        ) -> RawResult:
            kind = Descents if pool.side is None else ConstrainedDescents
            return self._run(kind(pool, seed, deadline), start, _ROUNDS, deadline)

        first = herded(problem, limits, deadline)
        return over_pools(form, first, descended, pools, limits.seed, deadline)

    def _run(
        self,
        search: "Scalars | GroupedScalars | Vectors | Descents | SparseDescents",
        start: NDArray[np.int64] | None,
        most: float,
        deadline: Deadline,
    ) -> RawResult:
        built, rounds = deadline.elapsed, 0
        with stoppable() as stopped:
            search.start(start)
            while not search.content and rounds < most:
                rounds = search.rounds(rounds, int(min(most, rounds + search.chunk_size)))
                deadline.check()
        reached = Termination.FINISHED if search.content else Termination.ITERATION_LIMIT
        return RawResult(
            indices=search.indices(),
            termination=stopped.reason or reached,
            build_seconds=built,
            solve_seconds=deadline.since(built),
            iterations=rounds,
        )

    def _search(
        self, problem: Any, limits: Limits, deadline: Deadline
    ) -> "Scalars | GroupedScalars | Vectors | Descents | SparseDescents":
        side: SideConstraints | None = getattr(problem, "side", None)
        scalar = problem.family == "mean-matching"
        if side is None and scalar:
            return Scalars(problem, limits, self.tolerance, deadline)
        if side is None and problem.family == "vector-mean-matching":
            return Vectors(problem, limits, self.tolerance, deadline)
        if scalar and side is not None and side.decided_by_counting:
            return GroupedScalars(problem, limits, self.tolerance, deadline)
        sparse = sparse_form(problem)
        if sparse is not None:
            return SparseDescents(sparse, limits.seed, deadline)
        form = constrained_form(problem, deadline)
        kind = Descents if form.side is None else ConstrainedDescents
        return kind(form, limits.seed, deadline)

    def _most_rounds(self, problem: Any, limits: Limits) -> float:
        """Return how many rounds may be run; where selections are few, also with a time limit."""
        most = math.inf if limits.time_limit is not None else self.restarts + 1
        if problem.n <= _FEW:
            most = min(most, max(self.restarts + 1, 8 * math.comb(problem.n, problem.k)))
        return most


def begun(problem: Any, limits: Limits) -> NDArray[np.int64] | None:
    """Return the start as exactly k rows of what is searched, None where there is none."""
    start = limits.start
    if start is None or sparse_form(problem) is not None:
        return start
    if problem.family in ("quadratic", "mmd"):
        rows: NDArray[np.int64] = problem.quadratic_form().rows(start)
        return rows
    nothing = problem.n + np.arange(problem.k - len(start))  # rows that stand for no choice
    return np.concatenate([start, nothing])
