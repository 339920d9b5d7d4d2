"""MMD selection of one batch, from the points that are left."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt import _rounding
from subsetopt.models import QuadraticForm
from subsetopt.problems import _validation
from subsetopt.problems._memory import require_memory
from subsetopt.problems._parallel import Check, no_callback

from ._state import State

_BAND = 256


@dataclass(frozen=True, eq=False, repr=False)
class RemainingSelection:
    r"""Choose k of the points that are left, minimising the squared MMD as `MMDSelection` does.

    Candidate i is point ``left[i]``. The matrix is only built where a solver asks for the
    quadratic form; the objective needs k rows of it.

    Parameters
    ----------
    state : State
        Not to be changed while the problem is in use.
    k : int
        Less than are left.
    memory : int or None
        Bytes that the matrix may take.
    """

    state: State
    k: int
    memory: int | None = None

    def __repr__(self) -> str:
        return f"RemainingSelection(n={self.n}, k={self.k}, selected={self.state.count})"

    @cached_property
    def left(self) -> NDArray[np.int64]:
        """The points that are left, ascending."""
        return self.state.left

    @property
    def family(self) -> str:
        """``"mmd"``."""
        return "mmd"

    @property
    def n(self) -> int:
        """The number of points left."""
        return self.state.n - self.state.count

    @property
    def smallest_count(self) -> int:
        """The least number of indices that a selection may have: k."""
        return self.k

    def check(self, selection: ArrayLike) -> NDArray[np.int64]:
        """Return the selection as sorted int64; InvalidSelection if it is none."""
        return _validation.selection(selection, self.n, self.k, self.k)

    def draw(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return one uniformly drawn selection, in any order; O(n)."""
        return generator.choice(self.n, self.k, replace=False, shuffle=False)

    def objective(self, selection: ArrayLike) -> float:
        """Return the squared MMD in float64, at least 0 where K is semidefinite; k rows of K."""
        chosen = self.check(selection)
        points = self.left[chosen]
        block = self.state.engine.rows(points)[:, points]
        inner = float(block.sum(dtype=np.float64) + self._linear[chosen].sum())
        value = self._scale * inner + self._constant
        return max(0.0, value) if self.state.engine.semidefinite else value

    def exact_objective(self, selection: ArrayLike) -> Fraction | None:
        """Return None: kernels are no rational numbers."""
        return None

    def rounding(self, selection: ArrayLike) -> float:
        """Return how far `objective` may be off, for the kernel as it is evaluated; k rows of K."""
        chosen = self.check(selection)
        points, state = self.left[chosen], self.state
        block = np.abs(state.engine.rows(points)[:, points]).sum(dtype=np.float64)
        terms = self._scale * float(block + np.abs(self._linear[chosen]).sum())
        # Potentials are sums over all points, and go through an update for each batch.
        return _rounding.of_sum(state.n**2) * (terms + abs(self._constant))

    def lower_bound(self) -> Fraction | None:
        """Return 0 where K is known to be semidefinite, else None."""
        return Fraction(0) if self.state.engine.semidefinite else None

    def quadratic_form(self, check: Check = no_callback) -> QuadraticForm:
        """Return the canonical form; O(n^2) once. TooLarge if its matrix does not fit."""
        return self._form

    @cached_property
    def _linear(self) -> NDArray[np.float64]:
        state = self.state
        potentials = state.potentials[self.left] - self.k * state.drift[self.left]
        linear = np.asarray(potentials - state.engine.diagonal()[self.left])
        linear.setflags(write=False)
        return linear

    @property
    def _scale(self) -> float:
        state, s = self.state, self.state.count + self.k
        return (state.n / (s * (state.n - s))) ** 2

    @property
    def _constant(self) -> float:
        state = self.state
        return self._scale * (state.value - 2 * self.k * state.lean + self.k**2 * state.mean)

    @cached_property
    def _form(self) -> QuadraticForm:
        matrix, definite = self._matrix(), self.state.engine.semidefinite
        return QuadraticForm(
            matrix, self._linear, self.k, self._scale, self._constant, definite, None
        )

    def _matrix(self) -> NDArray[Any]:
        engine = self.state.engine
        if engine.matrix is not None and not self.state.count:
            return engine.matrix
        require_memory(
            f"the {self.n} x {self.n} kernel matrix of what is left",
            self.n**2 * engine.dtype.itemsize,
            "take selector='running-swap' or 'running-herding', or raise memory",
            self.memory,
        )
        matrix = np.empty((self.n, self.n), engine.dtype)
        for start in range(0, self.n, _BAND):
            band = slice(start, start + _BAND)
            matrix[band] = engine.rows(self.left[band])[:, self.left]
            matrix[start:, band] = matrix[band, start:].T  # to the last bit
            matrix[band, :start] = matrix[:start, band].T
        matrix.setflags(write=False)
        return matrix
