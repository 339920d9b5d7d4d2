"""A problem that is known by its quadratic form: what is left of MMD selection."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.models import QuadraticForm, RowsForm, SideConstraints

from . import _draws, _validation
from ._parallel import Check, no_callback
from ._reduction import fixed_form


@dataclass(frozen=True, eq=False)
class FormProblem:
    """Choose k rows of a form.

    Parameters
    ----------
    form : QuadraticForm or RowsForm
        Of which `k` rows are chosen, numbered as the candidates.
    family : str
    least : Fraction or None
        A lower bound on the objective that is known without search.
    side : SideConstraints or None
    """

    form: QuadraticForm | RowsForm
    family: str
    least: Fraction | None = None
    side: SideConstraints | None = None

    @property
    def n(self) -> int:
        """The number of candidates."""
        return self.form.n

    @property
    def k(self) -> int:
        """The number to choose."""
        return self.form.k

    @property
    def smallest_count(self) -> int:
        """The least number of indices that a selection may have: k."""
        return self.form.k

    def check(self, selection: ArrayLike) -> NDArray[np.int64]:
        """Return the selection sorted, or raise InvalidSelection."""
        chosen = _validation.selection(selection, self.n, self.k, self.k)
        _validation.require_kept(None, self.side, chosen)
        return chosen

    def draw(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return one drawn selection; see `subsetopt.problems._draws`."""
        return _draws.draw(self, generator)

    def objective(self, selection: ArrayLike) -> float:
        """Return the objective in float64; O(k^2)."""
        value = self.form.lift(self.form.value(self.check(selection)))
        return value if self.least is None else max(float(self.least), value)

    def exact_objective(self, selection: ArrayLike) -> Fraction | None:
        """Return None: kernels are no rational numbers."""
        return None

    def lower_bound(self) -> Fraction | None:
        """Return what is known without search."""
        return self.least

    def rounding(self, selection: ArrayLike) -> float:
        """Return how far `objective` may be off; O(k^2)."""
        return self.form.rounding(self.check(selection))

    def quadratic_form(self, check: Check = no_callback) -> QuadraticForm:
        """Return the form; TooLarge where its matrix is not held."""
        return self.form.refuse() if isinstance(self.form, RowsForm) else self.form

    @property
    def rows_form(self) -> RowsForm | None:
        """The form whose rows are computed; None where its matrix is held."""
        return self.form if isinstance(self.form, RowsForm) else None


def reduced_form(
    form: QuadraticForm | RowsForm,
    free: NDArray[np.int64],
    taken: NDArray[np.int64],
    high: int,
    side: SideConstraints | None,
) -> QuadraticForm | RowsForm:
    """Return the form on the free rows where the taken are chosen; with quotas and the like."""
    if isinstance(form, RowsForm):
        return form.fixed(free, taken)
    return replace(fixed_form(form, free, taken, high), side=side)
