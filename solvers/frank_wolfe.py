"""Frank-Wolfe on the convex relaxation: a lower bound, and an answer by rounding."""

import math
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption
from subsetopt.forms import QUADRATIC_FAMILIES, QuadraticForm
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching, Problem
from subsetopt.solution import Termination

from . import _convex
from ._centred import Centred
from ._quadratic_relaxation import (
    CODES,
    QuadraticRelaxation,
    Variant,
    deadline_of,
    largest,
)
from ._quadratic_search import arrays
from ._scalar_search import Scalars
from .base import NUMBA, Answer, Kind, Requirement, Solver, is_number
from .swap import Vectors

_TURNS = 2**24  # over n: turns of the swaps between two looks at the clock
_FOR_SWAPS = 0.5  # of the time that is left


@dataclass(frozen=True, kw_only=True)
class FrankWolfe(Solver):
    """Relax to ``0 <= m <= 1, sum m = k``, round the k largest m, descend by swaps.

    The duality gap gives a lower bound on every selection; for scalars it is not zero only where
    the target is out of reach. O(n d + n log n) a step for mean matching; O(n k) for quadratic
    problems. A diagonal makes these convex first where they are not, from the least eigenvalue, in
    O(n^3), for up to 4096 candidates, else from row sums; and it makes convex ones of up to 1024
    candidates tighter.

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
    requires: ClassVar[tuple[Requirement, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.variant not in get_args(Variant):
            known = ", ".join(get_args(Variant))
            raise InvalidOption(f"variant is {self.variant!r}; it is one of {known}")
        if self.rounding not in ("swap", "top"):
            raise InvalidOption(f"rounding is {self.rounding!r}; it is 'swap' or 'top'")
        if type(self.steps) is not int or self.steps < 1:
            raise InvalidOption(f"steps is {self.steps!r}; a whole number >= 1 is needed")
        if not is_number(self.tolerance) or not 0.0 <= self.tolerance < math.inf:
            raise InvalidOption(f"tolerance is {self.tolerance!r}; a number >= 0 is needed")

    def answer(self, problem: Problem, limits: Limits) -> Answer:
        """Return the rounded selection and the bound."""
        if isinstance(problem, MeanMatching):
            return self._match(problem, limits)
        return self._select(problem.quadratic_form(), limits)  # type: ignore[attr-defined]

    def _match(self, problem: MeanMatching, limits: Limits) -> Answer:
        if self.variant == "coordinate":
            raise InvalidOption(
                "variant 'coordinate' is for quadratic problems; mean matching takes 'pairwise', "
                "'away' or 'vanilla'"
            )
        start = perf_counter()
        centred = Centred.of(problem)
        built = perf_counter()
        relaxed = _Relaxation(centred, self)
        termination = relaxed.run(deadline_of(start, limits))
        chosen = largest(relaxed.weights(), problem.k)
        if self.rounding == "swap":
            chosen = _improved(problem, chosen, limits)
        # The root comes before the scaling: for scalars the square may be out of range.
        power = 1 if problem.values.ndim == 1 else 2
        bound = (math.sqrt(max(0.0, relaxed.bound)) / problem.k) ** power
        return Answer(
            indices=chosen[chosen < problem.n],
            termination=termination,
            bound=float(np.ldexp(bound, power * centred.exponent)),
            build_seconds=built - start,
            solve_seconds=perf_counter() - built,
            iterations=relaxed.taken,
            message=_message(relaxed.relative_gap, relaxed.taken),
        )

    def _select(self, form: QuadraticForm, limits: Limits) -> Answer:
        start = perf_counter()
        deadline = deadline_of(start, limits)
        interrupted = False
        try:
            taken = _convex.diagonal(form, limits.time_limit or math.inf)
        except KeyboardInterrupt:  # nothing is known, and nothing more is to be done
            taken, interrupted = _convex.Diagonal(np.zeros(form.n), math.inf), True
            deadline = start
        built = perf_counter()
        relaxed = QuadraticRelaxation(form, taken, self.variant, self.steps)
        swaps = self.rounding == "swap" and limits.time_limit is not None
        reserved = _FOR_SWAPS * (deadline - perf_counter()) if swaps else 0.0
        termination = relaxed.run(self.tolerance, limits, deadline - reserved)
        if interrupted:
            termination = Termination.INTERRUPTED
        rows = largest(relaxed.point, form.k)
        if self.rounding == "swap":
            rows = _descended(form, rows, deadline)
        bound = form.lift(relaxed.bound()) - 1e-12 * abs(form.constant)
        return Answer(
            indices=form.indices(rows),
            termination=termination,
            bound=bound,
            build_seconds=built - start,
            solve_seconds=perf_counter() - built,
            iterations=relaxed.taken,
            message=_message(relaxed.relative_gap, relaxed.taken),
        )


def _message(relative_gap: float, taken: int) -> str:
    return f"relative duality gap {relative_gap:.1e} after {taken} steps"


class _Relaxation:
    """The iterates: atoms, their sums and weights."""

    _STEPS_AT_ONCE = 25  # between looks at the clock

    def __init__(self, centred: Centred, options: FrankWolfe) -> None:
        from ._kernels import frank_wolfe

        self._kernel = frank_wolfe
        self._rows, self._options = centred.rows, options
        room = options.steps + 2
        self._atoms = np.empty((room, centred.k), dtype=np.int64)
        self._sums = np.empty((room, self._rows.shape[1]))
        self._weights = np.zeros(room)
        frank_wolfe.start(self._rows, centred.k, self._atoms, self._sums, self._weights)
        self._count, self.taken = 1, 0
        self.bound = 0.0
        self._scale = float(self._sums[0] @ self._sums[0])
        self._gap = math.inf

    @property
    def relative_gap(self) -> float:
        return self._gap / self._scale if self._scale else 0.0

    def run(self, deadline: float) -> Termination:
        variant = CODES.get(self._options.variant, CODES["pairwise"])
        limit = self._options.tolerance * self._scale
        try:
            while self.taken < self._options.steps:
                steps = min(self._STEPS_AT_ONCE, self._options.steps - self.taken)
                self._count, self.bound, self._gap, taken = self._kernel.iterate(
                    self._rows,
                    variant,
                    steps,
                    limit,
                    self._atoms,
                    self._sums,
                    self._weights,
                    self._count,
                    self.bound,
                )
                self.taken += taken
                if taken < steps or self._gap <= limit:
                    return Termination.FINISHED
                if perf_counter() >= deadline:
                    return Termination.TIME_LIMIT
        except KeyboardInterrupt:
            return Termination.INTERRUPTED
        return Termination.ITERATION_LIMIT

    def weights(self) -> NDArray[np.float64]:
        weights = np.empty(len(self._rows))
        self._kernel.weights_of_rows(self._atoms, self._weights, self._count, weights)
        return weights


def _improved(
    problem: MeanMatching, chosen: NDArray[np.int64], limits: Limits
) -> NDArray[np.int64]:
    """Return the selection after one descent by swaps, padding included."""
    scalar = problem.values.ndim == 1
    search = Scalars(problem, limits, 0.0) if scalar else Vectors(problem, limits, 0.0)
    search.start(chosen)
    if not search.content:
        search.rounds(0, 1)
    return search.indices()


def _descended(form: QuadraticForm, rows: NDArray[np.int64], deadline: float) -> NDArray[np.int64]:
    """Return the selection after one descent by swaps, or how far that came by the deadline."""
    from ._kernels import quadratic

    chosen = np.zeros(form.n, dtype=np.bool_)
    chosen[rows] = True
    matrix, diagonal, linear = arrays(form)
    potentials = np.empty(form.n)
    settled, turns = False, max(4 * form.k, _TURNS // form.n)
    with suppress(KeyboardInterrupt):
        quadratic.refresh(matrix, diagonal, linear, chosen, potentials)
        while not settled and perf_counter() < deadline:
            _, settled = quadratic.descend(matrix, diagonal, linear, turns, chosen, potentials)
    return np.flatnonzero(chosen)
