"""Branch and bound with semidefinite bounds: proven optima of quadratic problems."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_integer
from subsetopt._dependencies import NUMBA, OptionalDependency
from subsetopt.errors import TooLarge
from subsetopt.limits import Limits
from subsetopt.models import CONSTRAINT_KINDS, QUADRATIC_FAMILIES, QuadraticForm
from subsetopt.problems._dyadic import Dyadic
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, TimedSolver
from subsetopt.solvers.base import Kind, RawResult

from ._branching import Tree, doubt, explore, rules_of, semidefinite_bound

__all__ = ["BranchAndBound"]

LARGEST = 600
"""Candidates that a semidefinite relaxation is made of, at most."""

_ITERATION = 4e-10  # seconds times n^3: what an iteration and the bound after it take
_MOVES = 150  # of tabu for each candidate, for a selection to begin with
_UNAIDED = 1.2e6  # n^3 a node: so long, some second, a proof goes without, and needs no such kernel
_EXACT_SUMS = 2.0**48  # multiples of the grid below this are summed exactly in float64
_TOLERANCE = 1e-9  # of the magnitude of the value: closer selections are not told apart


@dataclass(frozen=True, kw_only=True)
class BranchAndBound(TimedSolver):
    """Divide on the most undecided item; bound by a semidefinite relaxation; search by `tabu`.

    Constraints are rows of the relaxation, and settle what they can at every node by counting.
    The relaxation is doubly nonnegative with triangle inequalities, see `_semidefinite`. Where
    all values of the objective are multiples of one number, as for integers, the bounds are
    rounded up to it and the optimum is proven with no tolerance; else it is proven to 1e-9 of
    the magnitude of the value. O(n^3) an iteration, some hundred iterations a node.

    Parameters
    ----------
    nodes : int or None
        How many may be looked at.

    References
    ----------
    Krislock, Malick & Roupin (2014), Improved semidefinite bounding procedure for solving Max-Cut
    problems to optimality; Gusmeroli et al. (2022), BiqBin.
    """

    nodes: int | None = None

    name: ClassVar[str] = "branch-and-bound"
    kind: ClassVar[Kind] = Kind.EXACT
    summary: ClassVar[str] = "semidefinite bounds with triangle inequalities, best bound first"
    choose_when: ClassVar[str] = "an optimum of up to some 100 candidates is to be proven"
    handles: ClassVar[tuple[str, ...]] = QUADRATIC_FAMILIES
    takes: ClassVar[frozenset[str]] = frozenset(CONSTRAINT_KINDS)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (NUMBA,)
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_integer("nodes", self.nodes, "[1, inf)", none=True)

    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the best selection and the least open bound."""
        if problem.n > LARGEST:
            raise too_large(problem.n)
        form: QuadraticForm = problem.quadratic_form(deadline.check)
        grid = _grid(form) if problem.family == "quadratic" else None
        search = _NodeSearch(form, grid, limits, deadline)
        built = deadline.elapsed
        with one_blas_thread():
            termination = search.all_of_it(self.nodes or math.inf)
        return RawResult(
            indices=form.indices(search.best),
            termination=termination,
            bound=form.lower_bound(search.bound),
            proven=termination is Termination.OPTIMAL and search.exact,
            build_seconds=built,
            solve_seconds=deadline.since(built),
            iterations=search.explored,
            message=f"{search.explored} nodes, {len(search.tree)} open",
        )


class _NodeSearch:
    """The state of the search: the open nodes and the best selection."""

    def __init__(
        self, form: QuadraticForm, grid: float | None, limits: Limits, deadline: Deadline
    ) -> None:
        self._form, self._grid, self._limits, self._deadline = form, grid, limits, deadline
        self._early = deadline.sooner(_ITERATION * form.n**3)
        self._interrupted = Event()
        self._rules = rules_of(form)
        self.tree = Tree(form)
        self.best = np.empty(0, np.int64)
        self.value = math.inf
        self.explored = 0
        if limits.start is not None:
            self._offer(form.rows(limits.start))
        self._doubt = 0.0 if grid is not None else 2 * doubt(form)
        self._discarded = math.inf  # the least bound of the nodes that were not divided

    @property
    def exact(self) -> bool:
        """Whether nothing but the objective's own grid was used to discard what is left."""
        own = self._grid is not None and self._allowed() == 0.0
        return own and self._discarded >= self._enough()

    @property
    def bound(self) -> float:
        """A lower bound on the inner value: nothing below was discarded, and nothing is open.

        Less what rounding may have put nodes, or the best selection, too high; on a grid all sums
        are exact.
        """
        # With a relative gap above 1 `_enough` rises while the value falls towards zero: bounds of
        # nodes that were discarded before may then be below it.
        kept = self.value if self.exact else min(self._discarded, self._enough())
        return min(self.tree.bound, kept) - self._doubt

    def all_of_it(self, most: float) -> Termination:
        """Search; a proof that takes long is helped by a better selection to compare with."""
        # Tabu first in any case was tried: short proofs then wait for a kernel that they do not
        # need.
        moves = _MOVES * self._form.n
        unaided = min(_UNAIDED // self._form.n**3, most)
        termination = self._walk(0 if unaided else moves)
        if unaided and termination is not Termination.INTERRUPTED:
            termination = self._run(unaided)
            if termination is Termination.ITERATION_LIMIT and unaided < most:
                termination = self._walk(moves)
        if len(self.tree) and termination is not Termination.INTERRUPTED:
            termination = self._run(most)
        return termination

    def _walk(self, moves: int) -> Termination:
        """Take what tabu search finds in so many moves, after a descent."""
        from subsetopt.solvers.heuristics.tabu import Tabu

        begin = self._limits.start
        start = None if begin is None else self._form.rows(begin)
        found = Tabu().walk(self._form, moves, self._limits.seed, self._deadline, start)
        assert found.indices is not None
        self._offer(self._form.rows(found.indices))
        return found.termination

    def _offer(self, rows: NDArray[np.int64] | None) -> None:
        """Take a selection for the best if it is."""
        if rows is None:
            return
        value = self._form.value(rows)
        if value < self.value:
            self.best, self.value = rows, value

    def _allowed(self) -> float:
        """Return the gap at which the caller lets the search stop, in units of the inner value."""
        limits, form = self._limits, self._form
        # The gap is of the objective, the search runs on the inner value: s v + b.
        relative = (limits.gap or 0.0) * abs(form.lift(self.value))
        return max(limits.absolute_gap or 0.0, relative) / form.scale

    def _enough(self) -> float:
        """Return the bound above which a node holds nothing that is wanted."""
        apart = _TOLERANCE * abs(self.value) if self._grid is None else self._step(self._grid)
        return self.value - max(apart, self._allowed())

    def _step(self, grid: float) -> float:
        """Return how far below the best there is nothing but the best.

        On a grid the next better value is a whole step away; a little of it goes to the rounding
        of a node's bound, whose offset is added to it. Sums below `_EXACT_SUMS` cost half at most.
        """
        return max(0.5 * grid, grid * (1 - 1e-6) - doubt(self._form))

    def _late(self) -> bool:
        return self._interrupted.is_set() or self._early.passed

    def _run(self, most: float) -> Termination:
        """Look at nodes until none is open that could hold anything better."""
        threads = self._limits.threads or 1
        with ThreadPoolExecutor(threads) as pool:
            while len(self.tree) and self.tree.bound <= self._enough():
                if self.explored >= most:
                    return Termination.ITERATION_LIMIT
                if self._early.passed:
                    return Termination.TIME_LIMIT
                # Best bound first: no node is looked at that could have been discarded, but for
                # those that threads take along.
                batch = [self.tree.pop() for _ in range(min(threads, len(self.tree)))]
                work = partial(
                    explore, self._form, self._rules, enough=self._enough(), late=self._late
                )
                try:
                    outcomes = list(pool.map(work, batch) if threads > 1 else map(work, batch))
                except KeyboardInterrupt:
                    self._interrupted.set()  # for the threads
                    for node in batch:
                        self.tree.push(node)
                    return Termination.INTERRUPTED
                self.explored += len(batch)
                for outcome in outcomes:
                    self._offer(outcome.selection)
                    if not outcome.children:
                        self._discarded = min(self._discarded, outcome.bound)
                    for child in outcome.children:
                        self.tree.push(child)
        self.tree.clear()
        return Termination.OPTIMAL


def _grid(form: QuadraticForm) -> float | None:
    """Return the number of which all inner values are multiples, where float64 sums them exactly.

    O(n^2); None where there is none but the rounding unit.
    """
    upper = np.triu_indices(form.n, 1)
    # A value is a sum of 2 A_ij of pairs, A_ii and c_i: all are multiples of the divisor of these.
    doubled = 2.0 * form.matrix[upper].astype(np.float64)
    own = np.diagonal(form.matrix).astype(np.float64)
    terms = np.concatenate([doubled, own, form.linear])
    dyadic = Dyadic.of(terms)
    if dyadic.integers is None:
        return None
    step = int(np.gcd.reduce(dyadic.integers))
    unit = math.ldexp(step, dyadic.exponent)
    # Every partial sum of any selection is below this, so exact in float64 in any order.
    largest = float(np.abs(terms).sum())
    return unit if unit > 0.0 and largest < _EXACT_SUMS * unit else None


def root_bound(form: QuadraticForm, limits: Limits) -> float:
    """Return the semidefinite bound on the inner value, without any branching.

    Raises TooLarge for more than `LARGEST` rows.
    """
    if form.n > LARGEST:
        raise too_large(form.n)
    with one_blas_thread():
        return semidefinite_bound(form, Deadline.of(limits).sooner(_ITERATION * form.n**3))


def too_large(n: int) -> TooLarge:
    """Return the error for more candidates than the relaxation can take."""
    return TooLarge(
        f"a semidefinite relaxation of {n} candidates takes some {3e-8 * n**3:.0f} s a node; at "
        f"most {LARGEST} are taken: tabu finds good selections, bound='fw' bounds them",
        seconds=3e-8 * n**3,
        bytes=48.0 * n * n,
    )
