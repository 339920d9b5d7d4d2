"""Frank-Wolfe on the convex relaxation: a lower bound, and an answer by rounding.

Mean matching has its own kernels, which see sums of rows in d dimensions (`_Relaxation`, over
`_kernels.hull_frank_wolfe`); quadratic forms go through `_quadratic_relaxation`. In both the
bound holds at any point, so that it does not matter when the steps stop.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt._checks import require_integer, require_number, require_one_of
from subsetopt._dependencies import NUMBA, OptionalDependency
from subsetopt._rounding import UNIT
from subsetopt.errors import InvalidOption
from subsetopt.limits import Limits
from subsetopt.models import CONSTRAINT_KINDS, QUADRATIC_FAMILIES, QuadraticForm
from subsetopt.problems import MeanMatching, Problem
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import CHUNK, NEVER, Deadline, TimedSolver, stoppable
from subsetopt.solvers.base import Kind, RawResult
from subsetopt.solvers.heuristics._centred import Centred
from subsetopt.solvers.heuristics._constrained_search import constrained_form
from subsetopt.solvers.heuristics._quadratic_steps import arrays, descend, refresh
from subsetopt.solvers.heuristics._scalar_search import Scalars
from subsetopt.solvers.heuristics._vector_search import Vectors

from . import _convex
from ._constrained_relaxation import relaxation_of
from ._feasible_rounding import rounding
from ._polytope import polytope_of
from ._quadratic_relaxation import CODES, Variant, largest

__all__ = ["FrankWolfe"]

_TURNS = 2**24  # over n: turns of the swaps between two looks at the clock
_FOR_SWAPS = 0.5  # of the time that is left
_AFTER_CTRL_C = 1.0  # seconds that the bound may take then


@dataclass(frozen=True, kw_only=True)
class FrankWolfe(TimedSolver):
    """Relax to ``0 <= m <= 1, sum m = k``, round the k largest m, descend by swaps.

    The duality gap gives a lower bound on every selection; for scalars it is not zero only where
    the target is out of reach. O(n d + n log n) a step for mean matching; O(n k) for quadratic
    problems. A diagonal makes these convex first where they are not, from the least eigenvalue, in
    O(n^3), for up to 4096 candidates, else from row sums; and it makes convex ones of up to 1024
    candidates tighter. Under disjoint quotas steps are those of coordinates, within groups and
    between them as far as limits allow; under other constraints every step takes a vertex from a
    linear program and weighs all of them anew. Both whatever the variant.

    Parameters
    ----------
    variant : {"auto", "coordinate", "pairwise", "away", "vanilla"}
        Away and pairwise steps converge linearly, vanilla steps like 1 / t. Coordinate steps, for
        quadratic problems, move mass between two candidates at a time, the second chosen by the
        decrease; they converge much faster. "auto" is coordinate for these, else pairwise.
    steps : int
        At most, and at most so many k-subsets are held. n moves of mass are one coordinate step.
    tolerance : float
        Stop at a duality gap of this share of the starting value, or of the starting gap where
        that is larger.
    rounding : {"swap", "top"}
        "top" takes the k largest m as they are; "swap" improves them by swap descent.
    """

    variant: Variant = "auto"
    steps: int = 500
    tolerance: float = 1e-8
    rounding: Literal["swap", "top"] = "swap"

    name: ClassVar[str] = "frank-wolfe"
    kind: ClassVar[Kind] = Kind.RELAXATION
    summary: ClassVar[str] = "convex relaxation by Frank-Wolfe: duality bound, rounding, swaps"
    choose_when: ClassVar[str] = (
        "a lower bound is wanted for vectors, a quadratic, or an out-of-reach target"
    )
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", *QUADRATIC_FAMILIES)
    takes: ClassVar[frozenset[str]] = frozenset(CONSTRAINT_KINDS)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_one_of("variant", self.variant, get_args(Variant))
        require_one_of("rounding", self.rounding, ("swap", "top"))
        require_integer("steps", self.steps, "[1, inf)")
        require_number("tolerance", self.tolerance, "[0, inf)")

    def search(self, problem: Problem, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the rounded selection and the bound."""
        if isinstance(problem, MeanMatching):
            if problem.side is None:
                return self._match(problem, limits, deadline)
            if problem.values.ndim == 1:
                return self._match_scalars(problem, limits, deadline)
        form = problem.quadratic_form(deadline.check)  # type: ignore[attr-defined]
        return self._select(form, limits, deadline)

    def _match(self, problem: MeanMatching, limits: Limits, deadline: Deadline) -> RawResult:
        if self.variant == "coordinate":
            raise InvalidOption(
                "variant 'coordinate' is for quadratic problems; mean matching takes 'pairwise', "
                "'away' or 'vanilla'"
            )
        centred = Centred.of(problem, deadline.check)
        built = deadline.elapsed
        relaxed = _Relaxation(centred, self, deadline)
        termination = relaxed.run()
        chosen = largest(relaxed.weights(), problem.k)
        if self.rounding == "swap" and termination is not Termination.INTERRUPTED:
            chosen, early = _improved(problem, chosen, limits, deadline)
            termination = early or termination
        # The root comes before the scaling: for scalars the square may be out of range.
        power = 1 if problem.values.ndim == 1 else 2
        root = math.sqrt(max(0.0, relaxed.bound)) / problem.k * (1 - 4 * UNIT)
        bound = root**power
        return RawResult(
            indices=chosen[chosen < problem.n],
            termination=termination,
            bound=float(np.ldexp(bound, power * centred.exponent)),
            build_seconds=built,
            solve_seconds=deadline.since(built),
            iterations=relaxed.taken,
            message=_message(relaxed.relative_gap, relaxed.taken),
        )

    def _match_scalars(
        self, problem: MeanMatching, limits: Limits, deadline: Deadline
    ) -> RawResult:
        """Relax scalars under constraints: their sums fill an interval between two vertices."""
        assert problem.side is not None
        centred = Centred.of(problem, deadline.check)
        form = constrained_form(problem, deadline)
        built = deadline.elapsed
        polytope = polytope_of(form.side, form.k, deadline)
        values = centred.rows[:, 0]
        low, high = polytope.least(values), polytope.least(-values)
        ends = [polytope.vertex(values), polytope.vertex(-values)]
        sums = [float(values @ end) for end in ends]
        share = (
            float(np.clip(sums[1] / (sums[1] - sums[0]), 0.0, 1.0)) if sums[1] > sums[0] else 0.5
        )
        point = share * ends[0] + (1 - share) * ends[1]
        rows, early = self._rounded(form, point, limits, deadline, self.rounding == "swap")
        # |sum| is at least what the lowest is above zero, or the highest below it.
        least = max(0.0, low, high) - centred.reach
        bound = max(0.0, least) / problem.k * (1 - 4 * UNIT)
        return RawResult(
            indices=form.indices(rows),
            termination=early or Termination.FINISHED,
            bound=float(np.ldexp(bound, centred.exponent)),
            build_seconds=built,
            solve_seconds=deadline.since(built),
            iterations=0,
            message="the interval of all sums",
        )

    def _rounded(
        self,
        form: QuadraticForm,
        point: NDArray[np.float64],
        limits: Limits,
        deadline: Deadline,
        descend: bool,
    ) -> tuple[NDArray[np.int64], Termination | None]:
        """Return the selection near a point, improved by a descent or not, and why it was cut."""
        if form.side is None:
            rows = largest(point, form.k)
            return _descended(form, rows, deadline) if descend else (rows, None)
        start = None if limits.start is None else form.rows(limits.start)
        found = rounding(form, point, start, deadline, descend)
        return found.rows, found.early

    def _select(self, form: QuadraticForm, limits: Limits, deadline: Deadline) -> RawResult:
        taken = _convex.diagonal(form, deadline)
        built = deadline.elapsed
        whole = deadline
        relaxed = relaxation_of(form, taken, self.variant, self.steps, deadline)
        # Half of the time belongs to the swaps: a better selection is worth more than the last
        # digits of a bound.
        swaps = self.rounding == "swap" and deadline.limited
        reserved = _FOR_SWAPS * deadline.remaining if swaps else 0.0
        termination = relaxed.run(
            self.tolerance, limits, deadline.sooner(reserved + relaxed.bound_seconds)
        )
        if termination is Termination.INTERRUPTED:
            relaxed.deadline = deadline = Deadline(_AFTER_CTRL_C)
        with stoppable() as unbounded:
            bound = form.lower_bound(relaxed.bound())
        descend = self.rounding == "swap" and termination is not Termination.INTERRUPTED
        rows, early = self._rounded(form, relaxed.point, limits, deadline, descend)
        termination = early or termination
        return RawResult(
            indices=form.indices(rows),
            termination=unbounded.reason or termination,
            bound=None if unbounded.reason else bound,
            build_seconds=built,
            solve_seconds=whole.since(built),
            iterations=relaxed.taken,
            message=_message(relaxed.relative_gap, relaxed.taken),
        )


def _message(relative_gap: float, taken: int) -> str:
    return f"relative duality gap {relative_gap:.1e} after {taken} steps"


class _Relaxation:
    """The iterates: atoms, their sums and weights."""

    _STEPS_AT_ONCE = 25  # at most, between looks at the clock
    _SORTING = 50  # multiplications that finding a vertex costs for each row

    def __init__(self, centred: Centred, options: FrankWolfe, deadline: Deadline = NEVER) -> None:
        self._kernel, self._deadline = _kernels.hull_frank_wolfe, deadline
        self._products = _kernels.zero_sum_rows.products
        self._rows, self._options, self._reach = centred.rows, options, centred.reach
        n, d = self._rows.shape
        self._at_once = max(1, min(self._STEPS_AT_ONCE, CHUNK // (n * (d + self._SORTING))))
        self._room = room_for(self._rows, centred.k)
        uniform = np.zeros(d)
        for part in self._parts():
            _kernels.hull_frank_wolfe.add_rows(self._rows[part], centred.k / n, uniform)
        vertex = self._vertex(uniform)
        self._atoms, self._sums, self._weights = started(self._rows, vertex, options.steps + 2)
        self._count, self.taken = 1, 0
        # The objective is a squared length.
        self.bound = 0.0
        self._scale = float(self._sums[0] @ self._sums[0])
        self._gap = math.inf
        self._variant = CODES.get(options.variant, CODES["pairwise"])
        self._limit = options.tolerance * self._scale

    @property
    def relative_gap(self) -> float:
        return self._gap / self._scale if self._scale else 0.0

    def run(self) -> Termination:
        with stoppable() as stopped:
            while self.taken < self._options.steps:
                steps = min(self._at_once, self._options.steps - self.taken)
                taken = self._iterate(steps)
                self.taken += taken
                if taken < steps or self._gap <= self._limit:
                    return Termination.FINISHED
                self._deadline.check()
        return stopped.reason or Termination.ITERATION_LIMIT

    def _iterate(self, steps: int) -> int:
        """Take up to so many steps; returns how many."""
        given = self._at_once == 1
        # A step that takes long on its own: its scores are computed here in parts, between looks at
        # the clock.
        if given:
            _, _, vertex, point, _ = self._room
            self._kernel.point_of(self._sums, self._weights, self._count, point)
            vertex[:] = self._vertex(point)
        state = self._atoms, self._sums, self._weights, self._count, self.bound
        self._count, self.bound, self._gap, taken = self._kernel.iterate(
            self._rows, self._variant, steps, self._limit, *state, self._reach, given, *self._room
        )
        return int(taken)

    def _vertex(self, point: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the k rows of the smallest inner products with a point, ascending."""
        scores = np.empty(len(self._rows))
        for part in self._parts():
            self._products(self._rows[part], point, scores[part])
        return largest(-scores, len(self._room[2]))

    def _parts(self) -> Iterator[slice]:
        return self._deadline.chunks(*self._rows.shape)

    def weights(self) -> NDArray[np.float64]:
        atoms, weights = self._atoms[: self._count], self._weights[: self._count]
        return weights_of_rows(atoms, weights, len(self._rows))


State = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


def started(rows: NDArray[np.float64], vertex: NDArray[np.int64], room: int) -> State:
    """Return room for so many atoms, their sums of rows and weights, all of it on one vertex."""
    d, k = rows.shape[1], len(vertex)
    atoms, sums, weights = np.empty((room, k), np.int64), np.empty((room, d)), np.zeros(room)
    atoms[0], weights[0] = vertex, 1.0
    sums[0] = np.cumsum(rows[vertex], axis=0)[-1]  # row by row, as the kernel adds them
    return atoms, sums, weights


def room_for(rows: NDArray[np.float64], k: int) -> tuple[NDArray[Any], ...]:
    """Return what the steps work in."""
    n, d = rows.shape
    return np.empty(n), np.empty(n), np.empty(k, np.int64), np.empty(d), np.empty(d)


def weights_of_rows(
    atoms: NDArray[np.int64], weights: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """Return how much of each of n rows is chosen: the relaxed selection."""
    shares = np.repeat(weights, atoms.shape[1])
    return np.bincount(atoms.ravel(), shares, minlength=n).astype(np.float64, copy=False)


def _improved(
    problem: MeanMatching, chosen: NDArray[np.int64], limits: Limits, deadline: Deadline
) -> tuple[NDArray[np.int64], Termination | None]:
    """Return the selection after one descent by swaps, padding included, and why it was cut off."""
    with stoppable() as early:
        deadline.check()
        search_type = Scalars if problem.values.ndim == 1 else Vectors
        search = search_type(problem, limits, 0.0, deadline)
        search.start(chosen)
    if early.reason:
        return chosen, early.reason
    with stoppable() as early:
        if not search.content:
            search.rounds(0, 1)
    return search.indices(), early.reason


def _descended(
    form: QuadraticForm, rows: NDArray[np.int64], deadline: Deadline
) -> tuple[NDArray[np.int64], Termination | None]:
    """Return the selection after one descent by swaps, and why it was cut off if it was."""
    chosen = np.zeros(form.n, dtype=np.bool_)
    chosen[rows] = True
    parts, potentials = arrays(form), np.empty(form.n)
    settled, turns = False, max(4 * form.k, _TURNS // form.n)
    with stoppable() as early:
        deadline.check()
        refresh(parts, chosen, potentials, deadline)
        while not settled:
            settled, *_ = descend(parts, turns, chosen, potentials, deadline)
            if not settled:
                deadline.check()
    return np.flatnonzero(chosen), early.reason
