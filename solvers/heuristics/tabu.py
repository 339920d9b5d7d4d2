"""Tabu search among elites: the default for quadratic selection."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_integer, require_number
from subsetopt._dependencies import NUMBA, OptionalDependency
from subsetopt.limits import Limits
from subsetopt.models import CONSTRAINT_KINDS, QuadraticForm, RowsForm
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, TimedSolver, stoppable
from subsetopt.solvers.base import Kind, RawResult

from ._constrained_search import ConstrainedWalks, feasible_enumerated
from ._pool_search import over_pools, rows_form
from ._quadratic_search import enumerated
from ._sparse_search import SparseWalks, sparse_form
from ._tabu_search import Walks
from .herding import herded

__all__ = ["Tabu"]

_POOLS = 4  # of candidates without a time limit, where the matrix is not held


@dataclass(frozen=True, kw_only=True)
class Tabu(TimedSolver):
    """Walk by best exchanges, some of them forbidden for a while; come back to the best found.

    A move costs O(n), and O(n) is the memory beside the matrix. Walks end when nothing better has
    been met for long; the next begins between two of the best ends, after Wu & Hao (European
    Journal of Operational Research 231, 2013), or some way off one. In turn with them the best is
    kicked and descended from by all single exchanges, or warmed up and cooled down by simulated
    annealing; what leads to something better gets more of the time. Where there are few
    selections, all are tried. Of many points of a kernel an annealing looks at those near a member.

    On a sparse quadratic a move costs O(d log n) for rows of d entries: the worst member leaves,
    the best free candidate then enters; in every other walk a random member leaves now and then.
    The first walk begins from what peeling and a descent by all exchanges leave, the next ones some
    way off the best.

    Where the kernel matrix is not held, the search is on the matrix of the chosen, herded at first,
    and some 8,000 random candidates, four times with a quarter of the moves.

    With a time limit the search takes all of it, under a kernel at first for descents, which
    show whether annealings are better at all. Under constraints only swaps that keep them are
    looked at, O(8 n) a move.

    Parameters
    ----------
    iterations : int
        Moves of the walks, and looks of annealings for a third of one each, without a time
        limit; an annealing that has begun is brought to its end.
    tenure : int, optional
        An exchanged candidate is left alone for this many moves to twice as many; None is 20, on
        sparse quadratics and under constraints 8 for those taken and 10 for those given up. Never
        above a quarter of those taken, or of those given up.
    stall : int, optional
        A walk ends after so many moves in vain; None is 5000 + 2 n, on sparse quadratics with
        n at most 10 k.
    target : float, optional
        Stop at an objective this low, but for rounding.
    """

    iterations: int = 50_000
    tenure: int | None = None
    stall: int | None = None
    target: float | None = None

    name: ClassVar[str] = "tabu"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "tabu search among elites, in turn with descents and annealings"
    choose_when: ClassVar[str] = "almost always: best answers in milliseconds, better with time"
    handles: ClassVar[tuple[str, ...]] = ("quadratic", "mmd", "vector-mean-matching")
    takes: ClassVar[frozenset[str]] = frozenset(CONSTRAINT_KINDS)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_integer("iterations", self.iterations, "[0, inf)")
        require_integer("tenure", self.tenure, "[0, 2147483647]", none=True)
        require_integer("stall", self.stall, "[1, 2147483647]", none=True)
        require_number("target", self.target, "[-inf, inf]", none=True)

    def in_units(self, factor: Fraction) -> "Tabu":
        """Return it with the target in other units."""
        if self.target is None or factor == 1:
            return self
        return replace(self, target=float(self.target * factor))

    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the best selection found."""
        most = math.inf if deadline.limited else self.iterations
        sparse = sparse_form(problem)
        if sparse is not None:
            goal = self._goal(sparse.lower, sparse.constant)
            search = SparseWalks(sparse, limits.seed, self.tenure, self.stall, goal, deadline)
            return self._run(search, most, limits.start, deadline, deadline.elapsed)
        rows = rows_form(problem)
        if rows is not None:
            return self._on_pools(problem, rows, limits, deadline)
        form = problem.quadratic_form(deadline.check)
        start = None if limits.start is None else form.rows(limits.start)
        return self.walk(form, most, limits.seed, deadline, start)

    def _on_pools(
        self, problem: Any, form: RowsForm, limits: Limits, deadline: Deadline
    ) -> RawResult:
        def walked(
            pool: QuadraticForm, start: NDArray[np.int64], seed: int, deadline: Deadline
        ) -> RawResult:
            return self.walk(pool, max(1, self.iterations // _POOLS), seed, deadline, start)

        pools = math.inf if deadline.limited else _POOLS
        first = herded(problem, limits, deadline)
        return over_pools(form, first, walked, pools, limits.seed, deadline)

    def walk(
        self,
        form: QuadraticForm,
        most: float,
        seed: int,
        deadline: Deadline,
        start: NDArray[np.int64] | None = None,
    ) -> RawResult:
        """Return the best selection of a form that `most` moves, or the time, allow to find.

        `start` has k rows to begin with.
        """
        built = deadline.elapsed
        if form.side is None:
            everything = enumerated(form, deadline.check)
        else:
            everything = feasible_enumerated(form)
        if everything is not None:
            return RawResult(
                indices=form.indices(everything),
                termination=Termination.FINISHED,
                build_seconds=built,
                solve_seconds=deadline.since(built),
                iterations=0,
            )
        kind = Walks if form.side is None else ConstrainedWalks
        goal = self._goal(form.lower, form.constant / form.scale)
        search = kind(form, seed, self.tenure, self.stall, goal, deadline)
        return self._run(search, most, start, deadline, built)

    def _run(
        self,
        search: Walks | ConstrainedWalks | SparseWalks,
        most: float,
        start: NDArray[np.int64] | None,
        deadline: Deadline,
        built: float,
    ) -> RawResult:
        """Search from k rows, or from the search's own start."""
        with stoppable() as stopped:
            search.start(start)
            while not search.content and not (search.moves >= most and search.resting):
                search.advance(int(min(most - search.moves, 2**31)))
                deadline.check()
        reached = Termination.FINISHED if search.content else Termination.ITERATION_LIMIT
        return RawResult(
            indices=search.indices(),
            termination=stopped.reason or reached,
            build_seconds=built,
            solve_seconds=deadline.since(built),
            iterations=search.moves,
        )

    def _goal(self, lower: Callable[[float], float], constant: float) -> float:
        """Return the target as a value of a form, with slack for the rounding of its constant."""
        if self.target is None:
            return -math.inf
        goal = lower(self.target)
        return goal + 1e-14 * (abs(goal) + abs(constant))
