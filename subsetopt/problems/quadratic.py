"""Quadratic selection: choose k of n, minimising a quadratic over the chosen."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.forms import QuadraticForm

from . import checks
from .dyadic import Dyadic
from .identity import fingerprint

Sense = Literal["minimise", "maximise"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class QuadraticSelection:
    r"""Choose k of n so that a quadratic over the chosen is as small, or as large, as possible.

    .. math::
        \min_{m \in \{0,1\}^n} \; m'Qm + c'm + b \quad \text{s.t.} \quad \sum_i m_i = k

    Maximum diversity and the densest k-subgraph are of this form, with ``sense="maximise"``. The
    `objective` is always what is minimised: for ``sense="maximise"`` it is the negative of the
    stated value, which `stated` gives back.

    Parameters
    ----------
    Q : array_like (n, n)
        Any real matrix; of a matrix that is not symmetric only the symmetric part counts, so an
        upper triangle may be given. Kept as float32 where it is symmetric float32, else float64.
    c : array_like (n,), optional
        The linear term; None is zero.
    k : int
        How many to choose, 1 <= k <= n.
    constant : float
        b.
    sense : {"minimise", "maximise"}
    copy : bool
        False uses a symmetric float32 or float64 Q as it is, to save its memory; it must not be
        changed afterwards.

    Raises
    ------
    InvalidProblem
        For data that state no problem: wrong dtype or shape, NaN or infinity, k outside 1..n.

    Examples
    --------
    >>> problem = QuadraticSelection([[0.0, 3.0], [3.0, 1.0]], c=[1.0, 0.0], k=1)
    >>> problem.objective([0])
    1.0
    """

    Q: NDArray[Any]
    c: NDArray[np.float64]
    k: int
    constant: float = 0.0
    sense: Sense = "minimise"

    def __init__(
        self,
        Q: ArrayLike,
        c: ArrayLike | None = None,
        k: int | None = None,
        constant: float = 0.0,
        sense: Sense = "minimise",
        copy: bool = True,
    ) -> None:
        matrix = symmetric_part(checks.square_matrix("Q", Q, copy=copy))
        n = len(matrix)
        linear = np.zeros(n) if c is None else checks.numeric_array("c", c, (1,))
        if linear.shape != (n,):
            raise InvalidProblem(f"c has shape {linear.shape}; Q of shape {matrix.shape} needs {n}")
        linear = linear.astype(np.float64)
        linear.setflags(write=False)
        if sense not in ("minimise", "maximise"):
            raise InvalidProblem(f"sense is {sense!r}; it is 'minimise' or 'maximise'")
        object.__setattr__(self, "Q", matrix)
        object.__setattr__(self, "c", linear)
        object.__setattr__(self, "k", checks.subset_size(k, n))
        object.__setattr__(
            self, "constant", float(checks.numeric_array("constant", constant, (0,)))
        )
        object.__setattr__(self, "sense", sense)
        checks.require_quadratic_range(matrix, linear, self.constant)

    # -- identity ---------------------------------------------------------------------------------

    @cached_property
    def _key(self) -> tuple[object, ...]:
        arrays = (fingerprint(self.Q), fingerprint(self.c))
        return (*arrays, self.k, self.constant, self.sense)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QuadraticSelection):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        return (QuadraticSelection, (self.Q, self.c, self.k, self.constant, self.sense))

    def __repr__(self) -> str:
        return (
            f"QuadraticSelection(n={self.n}, k={self.k}, sense={self.sense!r}, "
            f"dtype={self.Q.dtype})"
        )

    # -- the problem ------------------------------------------------------------------------------

    @property
    def family(self) -> str:
        """``"quadratic"``."""
        return "quadratic"

    @property
    def n(self) -> int:
        """The number of candidates."""
        return len(self.Q)

    @property
    def smallest_count(self) -> int:
        """The least number of indices that a selection may have: k."""
        return self.k

    def check(self, selection: ArrayLike) -> NDArray[np.int64]:
        """Return the selection as sorted int64; InvalidSelection if it is none."""
        return checks.selection(selection, self.n, self.k, self.k)

    def draw(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return one uniformly drawn selection, in any order; O(n)."""
        return generator.choice(self.n, self.k, replace=False, shuffle=False)

    def stated(self, objective: float) -> float:
        """Return the value in the problem's own sense for an objective, or for a bound on it."""
        return -objective if self.sense == "maximise" else objective

    def objective(self, selection: ArrayLike) -> float:
        """Return what is minimised, in float64; O(k^2). Raises InvalidSelection as `check` does."""
        chosen = self.check(selection)
        block = self.Q[np.ix_(chosen, chosen)]
        value = float(block.sum(dtype=np.float64) + self.c[chosen].sum()) + self.constant
        return self.stated(value) + 0.0  # no negative zero

    def exact_objective(self, selection: ArrayLike) -> Fraction:
        """Return the objective as a rational number, without rounding; O(k^2)."""
        chosen = self.check(selection)
        terms = np.concatenate(
            [
                self.Q[np.ix_(chosen, chosen)].ravel().astype(np.float64),
                self.c[chosen],
                [self.constant],
            ]
        )
        grid = Dyadic.of(terms)
        value = grid.sum(slice(None)) * Fraction(2) ** grid.exponent
        return -value if self.sense == "maximise" else value

    def lower_bound(self) -> Fraction | None:
        """Return None: no bound on a quadratic comes without work."""
        return None

    def quadratic_form(self) -> QuadraticForm:
        """Return the canonical form; O(1), but O(n^2) once for ``sense="maximise"``."""
        return self._form

    @cached_property
    def _form(self) -> QuadraticForm:
        if self.sense == "minimise":
            return QuadraticForm(self.Q, self.c, self.k, constant=self.constant)
        matrix = -self.Q
        matrix.setflags(write=False)
        return QuadraticForm(matrix, -self.c, self.k, constant=-self.constant)


def symmetric_part(matrix: NDArray[Any]) -> NDArray[Any]:
    """Return `matrix` if it is symmetric to the last bit, else ``(Q + Q') / 2`` in float64."""
    if all(np.array_equal(*pair) for pair in checks.mirrored_blocks(matrix)):
        return matrix
    double = matrix.astype(np.float64)
    double = (double + double.T) / 2
    double.setflags(write=False)
    return double
