"""The protocol of problems, for solvers and certification."""

from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Problem"]


class Problem(Protocol):
    """A subset-selection problem: choose k of n, minimise an objective.

    Problems are immutable and know no solver. A solver states in its `handles` which families it
    takes. A problem may also have `side`, its constraints as solvers see them, see `side_of`, and
    for large matrices a `sparse_form` or a `rows_form`; one without such attributes has neither.
    """

    def __hash__(self) -> int:
        """Equal problems have equal hashes."""

    @property
    def family(self) -> str:
        """The kind of problem, as solvers declare it in `handles`."""

    @property
    def n(self) -> int:
        """The number of candidates."""

    @property
    def k(self) -> int:
        """The number to choose."""

    @property
    def smallest_count(self) -> int:
        """The least number of indices that a selection may have."""

    def check(self, selection: ArrayLike) -> NDArray[np.int64]:
        """Return the selection sorted, or raise InvalidSelection."""

    def draw(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return one uniformly drawn selection, in any order."""

    def objective(self, selection: ArrayLike) -> float:
        """Return the objective of a selection in float64."""

    def exact_objective(self, selection: ArrayLike) -> Fraction | None:
        """Return the objective without any rounding, or None where that is not defined."""

    def lower_bound(self) -> Fraction | None:
        """Return a lower bound that needs no search, or None where there is none."""

    def rounding(self, selection: ArrayLike) -> float:
        """Return how far `objective` may be from the objective without any rounding."""
