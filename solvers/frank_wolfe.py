"""Frank-Wolfe on the convex relaxation: a lower bound, and an answer by rounding."""

import math
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solution import Termination

from ._centred import Centred
from .base import NUMBA, Answer, Kind, Requirement, Solver, is_number
from .swap import Scalars, Vectors

Variant = Literal["vanilla", "away", "pairwise"]


@dataclass(frozen=True, kw_only=True)
class FrankWolfe(Solver):
    """Relax to ``0 <= m <= 1, sum m = k``, round the k largest m, descend by swaps.

    The duality gap gives a lower bound on every selection; for scalars it is not zero only where
    the target is out of reach. O(n d + n log n) a step.

    Parameters
    ----------
    variant : {"pairwise", "away", "vanilla"}
        Away and pairwise steps converge linearly, vanilla steps like 1 / t.
    steps : int
        At most, and at most so many k-subsets are held.
    tolerance : float
        Stop at a duality gap of this share of the starting value.
    rounding : {"swap", "top"}
        "top" takes the k largest m as they are; "swap" improves them by swap descent.
    """

    variant: Variant = "pairwise"
    steps: int = 500
    tolerance: float = 1e-8
    rounding: Literal["swap", "top"] = "swap"

    name: ClassVar[str] = "frank-wolfe"
    kind: ClassVar[Kind] = Kind.RELAXATION
    summary: ClassVar[str] = "convex relaxation by Frank-Wolfe: duality bound, rounding, swaps"
    choose_when: ClassVar[str] = "a lower bound is wanted for vectors, or an out-of-reach target"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", "vector-mean-matching")
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

    def answer(self, problem: MeanMatching, limits: Limits) -> Answer:
        """Return the rounded selection and the bound."""
        start = perf_counter()
        centred = Centred.of(problem)
        built = perf_counter()
        deadline = math.inf if limits.time_limit is None else start + limits.time_limit
        relaxed = _Relaxation(centred, self)
        termination = relaxed.run(deadline)
        chosen = _largest(relaxed.weights(), problem.k)
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
            message=f"relative duality gap {relaxed.relative_gap:.1e} after {relaxed.taken} steps",
        )


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
        variant = get_args(Variant).index(self._options.variant)
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


def _largest(weights: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    return np.sort(np.argsort(-weights, kind="stable")[:k])


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
