"""Presolve: the problem that is left when fixed candidates are taken out.

Solvers are handed `Reduction.problem`: choose among the free candidates, with the taken ones in the
target or in the linear terms. What they return is lifted to the problem as it is stated.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt import _rounding
from subsetopt.models import QuadraticForm, SideConstraints
from subsetopt.models._side_constraints import side_of

from ._dyadic import Dyadic
from ._memory import require_memory
from .base import Problem


class Left(NamedTuple):
    """A problem on the free candidates, and how its objective leads to that of the whole.

    Parameters
    ----------
    problem : Problem
    factor : Fraction
        The objective of the whole is that of the problem times this, in exact arithmetic.
    error : float
        How far the two may be apart for any selection, for what was rounded.
    root_error : float
        The same for the root of the objective, where that is a squared distance.
    """

    problem: Problem
    factor: Fraction = Fraction(1)
    error: float = 0.0
    root_error: float = 0.0


@dataclass(frozen=True)
class Reduction:
    """The way from a problem to what is left of it, and back.

    Parameters
    ----------
    free : ndarray of int64
        The candidates that are left, ascending.
    taken : ndarray of int64
        Those in every selection.
    left : Left or None
        None where nothing is left to choose: the taken are the one selection.
    """

    free: NDArray[np.int64]
    taken: NDArray[np.int64]
    left: Left | None

    @property
    def exact(self) -> bool:
        """Whether a proof for what is left is one for the whole."""
        return self.left is None or self.left.error == self.left.root_error == 0.0

    def lifted(self, indices: NDArray[Any]) -> NDArray[np.int64]:
        """Return the selection of the whole for one of what is left."""
        return np.sort(np.concatenate([self.free[indices.astype(np.int64)], self.taken]))

    def lowered(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the selection of what is left for one of the whole."""
        return np.flatnonzero(np.isin(self.free, indices))

    def bound(self, bound: Fraction) -> Fraction:
        """Return a lower bound on the whole for one on what is left."""
        assert self.left is not None
        if self.left.root_error and bound > 0:
            root = math.sqrt(_rounding.down(bound)) * (1 - 4 * _rounding.UNIT)
            bound = Fraction(max(0.0, root - self.left.root_error) * (1 - 4 * _rounding.UNIT)) ** 2
        return self.left.factor * bound - Fraction(self.left.error)

    def width(self, width: float, objective: float) -> float:
        """Return how far from the optimum of the whole, for a distance from that of what is left.

        `objective` is that of the selection, for the whole.
        """
        assert self.left is not None
        doubt = Fraction(2 * self.left.error)
        if self.left.root_error:
            root, error = math.sqrt(max(0.0, objective)), self.left.root_error
            doubt += 4 * self.left.factor * Fraction(error) * Fraction(root + error)
        return _rounding.up(self.left.factor * Fraction(width) + doubt)


def reduced(problem: Any) -> Reduction | None:
    """Return the reduction of a problem, kept with it; None where nothing is fixed."""
    side = side_of(problem)
    if side is None or not (len(side.include) or len(side.exclude)):
        return None
    kept: Reduction | None = problem.__dict__.get("_reduction")
    if kept is None:
        kept = _reduction(problem, side)
        problem.__dict__["_reduction"] = kept
    return kept


def _reduction(problem: Any, side: SideConstraints) -> Reduction:
    fixed = np.zeros(problem.n, np.bool_)
    fixed[side.include] = fixed[side.exclude] = True
    free, taken = np.flatnonzero(~fixed), side.include
    low, high = max(0, side.low - len(taken)), side.high - len(taken)
    if high == 0 or len(free) == 0 or low == len(free):
        only = taken if high == 0 or len(free) == 0 else np.union1d(taken, free)
        return Reduction(free[:0], only, None)
    high = min(high, len(free))
    return Reduction(
        free, taken, problem._left(free, taken, low, high, side.restricted(free, taken))
    )


# -- quadratic forms ------------------------------------------------------------------------------


class FixedTerms(NamedTuple):
    """What taken rows add to those that are free, and to the constant."""

    matrix: NDArray[Any]
    linear: NDArray[np.float64]
    constant: Fraction
    error: float


def fixed_terms(
    matrix: NDArray[Any],
    linear: NDArray[np.float64],
    free: NDArray[np.int64],
    taken: NDArray[np.int64],
    high: int,
) -> FixedTerms:
    """Return the form on the free rows where the taken are chosen; O(free^2).

    `error` is how far the value of any `high` free rows may be off.
    """
    size = matrix.itemsize * len(free) ** 2
    fix = "exclude more candidates, or give the matrix as float32"
    require_memory(f"the {len(free)} x {len(free)} matrix of the free candidates", size, fix)
    left = matrix[np.ix_(free, free)]
    left.setflags(write=False)
    total, error = linear[free].copy(), np.zeros(len(free))
    for row in taken.tolist():
        term = 2.0 * matrix[row, free].astype(np.float64)
        raised = total + term
        part = raised - total
        # The rounding error of the sum, exactly (Knuth).
        error += np.abs((total - (raised - part)) + (term - part))
        total = raised
    total.setflags(write=False)
    each = np.sort(error)[::-1][:high].sum() * (1 + 1e-9)
    return FixedTerms(left, total, _exact_value(matrix, linear, taken), float(each))


def _exact_value(
    matrix: NDArray[Any], linear: NDArray[np.float64], rows: NDArray[np.int64]
) -> Fraction:
    if not len(rows):
        return Fraction(0)
    block = matrix[np.ix_(rows, rows)].astype(np.float64).ravel()
    grid = Dyadic.of(np.concatenate([block, linear[rows]]))
    return grid.total * Fraction(2) ** grid.exponent


def fixed_form(
    form: QuadraticForm, free: NDArray[np.int64], taken: NDArray[np.int64], high: int
) -> QuadraticForm:
    """Return the form on free rows, numbered from 0, with the taken ones in its terms."""
    terms = fixed_terms(form.matrix, form.linear, free, taken, high)
    scale = Fraction(form.scale)
    constant = Fraction(form.constant) + scale * terms.constant
    rounded = float(constant)
    lost = abs(constant - Fraction(rounded)) + scale * Fraction(terms.error)
    return QuadraticForm(
        terms.matrix,
        terms.linear,
        high,
        form.scale,
        rounded,
        form.semidefinite,
        error=_rounding.up(Fraction(form.error) + lost),
    )
