"""The one form that all quadratic selection problems lower to."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _rounding

from ._side_constraints import SideConstraints

__all__ = ["QUADRATIC_FAMILIES", "QuadraticForm", "StatedForm"]

_FAR = 300
_LEAST = 5e-324

QUADRATIC_FAMILIES = ("quadratic", "mmd", "vector-mean-matching")
"""The families whose problems have a `quadratic_form`."""


class StatedForm:
    """What leads from the inner value of a form to the problem, and back."""

    linear: NDArray[np.float64]
    k: int
    scale: float
    constant: float
    positions: NDArray[np.int64] | None
    error: float

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.linear)

    def lift(self, value: float) -> float:
        """Return the problem's objective for an inner value."""
        return self.scale * value + self.constant

    def lower_bound(self, value: float | Fraction, doubt: float = 0.0) -> float:
        """Return a lower bound on the problem's objective for one on the inner value.

        Less `doubt`, in units of the inner value, and less `error`; rounded down.
        """
        if not math.isfinite(value):
            return -math.inf
        inner = Fraction(value) - Fraction(doubt)
        lifted = Fraction(self.scale) * inner + Fraction(self.constant)
        return _rounding.down(lifted - Fraction(self.error))

    def lower(self, objective: float) -> float:
        """Return the inner value for an objective of the problem."""
        return (objective - self.constant) / self.scale

    def indices(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Return the problem's indices of the chosen rows, sorted."""
        if self.positions is None:
            return np.sort(rows).astype(np.int64)
        chosen = self.positions[rows]
        return np.sort(chosen[chosen >= 0])

    def rows(self, indices: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Return the k rows of a selection of the problem: the way back from `indices`."""
        if self.positions is None:
            return np.asarray(indices, dtype=np.int64)
        found = np.flatnonzero(np.isin(self.positions, indices))
        nothing = np.flatnonzero(self.positions < 0)[: self.k - len(found)]
        return np.concatenate([found, nothing])


@dataclass(frozen=True, eq=False)
class QuadraticForm(StatedForm):
    r"""Choose k of n rows of a symmetric matrix, minimising a quadratic.

    .. math::
        \min_{m \in \{0,1\}^n} \; s \, (m'Am + c'm) + b \quad \text{s.t.} \quad \sum_i m_i = k

    Solvers minimise the inner value :math:`m'Am + c'm`; s > 0 and b lead back to the problem's own
    objective.

    Parameters
    ----------
    matrix : ndarray of float32 or float64 (n, n)
        A, symmetric to the last bit, C-contiguous, read-only.
    linear : ndarray of float64 (n,)
        c.
    k : int
    scale, constant : float
        s and b.
    semidefinite : bool
        A is positive semidefinite but for the rounding of its own entries; False where that is
        not known.
    positions : ndarray of int64 (n,) or None
        The problem's own index of each row, -1 for rows that stand for choosing nothing; None
        where row i is candidate i.
    error : float
        How far :math:`s (m'Am + c'm) + b`, in exact arithmetic, may be from the problem's own
        objective, for any selection; 0 where the form states the problem without rounding.
    side : SideConstraints or None
        What a selection of rows keeps besides its count.
    """

    matrix: NDArray[Any]
    linear: NDArray[np.float64]
    k: int
    scale: float = 1.0
    constant: float = 0.0
    semidefinite: bool = False
    positions: NDArray[np.int64] | None = None
    error: float = 0.0
    side: SideConstraints | None = None

    def in_range(self) -> "QuadraticForm":
        """Return the form with magnitudes whose products and squares neither overflow nor vanish.

        Itself where the largest is within 2**-300 .. 2**300 or zero; else a copy, times a power of
        two, in float64. What is lost of entries 2**-770 of the largest is counted in `error`.
        """
        largest = max(self.largest, float(np.abs(self.linear).max()))
        power = math.frexp(largest)[1]
        if largest == 0.0 or abs(power) <= _FAR:
            return self
        shift = power - math.copysign(_FAR, power)
        matrix = np.ldexp(self.matrix.astype(np.float64), -int(shift))
        linear = np.ldexp(self.linear, -int(shift))
        for part in (matrix, linear):
            part.setflags(write=False)
        scale = self.scale * math.ldexp(1.0, int(shift))
        lost = Fraction(scale) * self.k * (self.k + 1) * Fraction(_LEAST) if shift > 0 else 0
        error = _rounding.up(Fraction(self.error) + lost)
        return replace(self, matrix=matrix, linear=linear, scale=scale, error=error)

    def value(self, rows: NDArray[np.integer[Any]]) -> float:
        """Return the inner value :math:`m'Am + c'm` of the chosen rows, in float64; O(k^2)."""
        block = self.matrix[np.ix_(rows, rows)]
        return float(block.sum(dtype=np.float64) + self.linear[rows].sum())

    def rounding(self, rows: NDArray[np.integer[Any]]) -> float:
        """Return how far the lifted value of the chosen rows may be off, with `error`; O(k^2)."""
        block = np.abs(self.matrix[np.ix_(rows, rows)]).sum(dtype=np.float64)
        terms = self.scale * float(block + np.abs(self.linear[rows]).sum()) + abs(self.constant)
        return 2 * _rounding.of_sum(self.k**2) * terms + self.error

    def folded(self) -> NDArray[np.float64]:
        """Return the matrix with the linear term on its diagonal, :math:`m_i^2` being :math:`m_i`.

        As Z of Eq. 8 of Deterministic Mini-batch Sequencing; it need not be semidefinite. O(n^2).
        """
        folded = self.matrix.astype(np.float64)
        folded.flat[:: self.n + 1] += self.linear
        return folded

    @cached_property
    def largest(self) -> float:
        """The largest magnitude in A; O(n^2) once."""
        return max(float(self.matrix.max()), -float(self.matrix.min()))

    def row(self, row: int) -> NDArray[Any]:
        """Return a row of A (n,)."""
        found: NDArray[Any] = self.matrix[row]
        return found
