"""Choice of the formulation for a backend, and what its absolute tolerances amount to there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidOption
from subsetopt.models import (
    LINEARISATIONS,
    LinearModel,
    QuadraticForm,
    QuadraticModel,
    factored_model,
    iqp_model,
)
from subsetopt.models.linearisations import require_pairs
from subsetopt.models.quadratic_models import factored_error
from subsetopt.problems import MeanMatching, Problem
from subsetopt.solvers.heuristics._pool_search import require_matrix

from . import _backend

Linear = Literal["auto", "published", "mccormick", "compact", "rlt"]
"""What a solver of linear programs takes."""
Quadratic = Literal[
    "auto", "iqp", "iqp-folded", "factored", "published", "mccormick", "compact", "rlt"
]
"""What a solver of quadratic programs takes."""

_TIGHT = 4_000
"""Products up to which "auto" is a tight model; of more, the first relaxation takes seconds."""

_BUILDERS: Mapping[str, Callable[[QuadraticForm], LinearModel | QuadraticModel]] = {
    "iqp": iqp_model,
    "iqp-folded": partial(iqp_model, folded=True),
    "factored": factored_model,
    **LINEARISATIONS,
}


@dataclass(frozen=True)
class BackendModel:
    """A model for a backend, its scaling, and the weight of absolute tolerances in it.

    Parameters
    ----------
    scale : Scaled
    model : LinearModel or QuadraticModel
    magnitude : float
        The factor, at least 1, by which tolerances on rows may grow with the data.
    terms : int
        How many variables a tolerance on reduced costs counts for.
    """

    scale: _backend.Scaled[Any]
    model: LinearModel | QuadraticModel
    magnitude: float
    terms: int

    @property
    def linear(self) -> LinearModel:
        """The model, or the linear part of a quadratic one."""
        return self.model.linear if isinstance(self.model, QuadraticModel) else self.model

    def point(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the solution of the model that a selection of the original problem stands for."""
        linear, stated = self.linear, self.scale.problem
        if not isinstance(stated, MeanMatching):
            return linear.completed(stated.rows(indices))
        x = linear.completed(indices)
        total = stated.values[indices].astype(np.float64).sum(axis=0)
        residual = stated.target_value - total / stated.k
        x[linear.selectors :] = np.abs(residual) if stated.values.ndim == 1 else residual
        return x


def automatic(n: int, tight: str = "compact", loose: str = "mccormick") -> str:
    """Return what "auto" stands for with n rows: see ``benchmarks.scripts.adapters``."""
    return tight if n * (n - 1) // 2 <= _TIGHT else loose


def products(problem: Problem) -> int:
    """Return how many products of two selectors a model of the quadratic form has at least.

    0 for the published model of mean matching. Raises TooLarge past `forms.PAIRS_LIMIT`.
    """
    if problem.family == "mean-matching":
        return 0
    require_matrix(problem)
    n = problem.n + problem.k - problem.smallest_count
    pairs = n * (n - 1) // 2
    require_pairs("a model in products", n, pairs)
    return pairs


def values(problem: Problem) -> int:
    """Return how many values a model of mean matching has; 0 for other problems."""
    return int(problem.values.size) if isinstance(problem, MeanMatching) else 0


def require_formulation(formulation: object, known: tuple[str, ...]) -> None:
    """Raise InvalidOption for a word that is not one of `known`."""
    require_one_of("formulation", formulation, known)


def mean_matching_task(problem: MeanMatching, formulation: str) -> BackendModel:
    """Return the published model of mean matching; for vectors, the one in residuals."""
    if formulation != "auto":
        raise InvalidOption(
            f"formulation={formulation!r} is for quadratic problems; {problem.family} problems "
            "have one model, 'auto'"
        )
    scale = _backend.scaled(problem)
    scalar = problem.values.ndim == 1
    model = scale.problem.linear_model() if scalar else scale.problem.quadratic_model()
    return BackendModel(scale, model, _backend.magnitude(scale.problem), problem.n + 1)


def task(problem: Problem, formulation: str) -> BackendModel:
    """Return the model of mean matching as it is published, else that of the quadratic form."""
    if isinstance(problem, MeanMatching) and problem.values.ndim == 1:
        return mean_matching_task(problem, formulation)
    return form_task(problem, formulation)


def form_task(problem: Problem, formulation: str) -> BackendModel:
    """Return the model of a problem's quadratic form.

    A selection has k selectors and k (k - 1) / 2 products that are not zero. A bound by duals is
    too high by the tolerance on reduced costs for each of them at most, and for as many variables
    again that the relaxation has at one and the selection at zero.
    """
    form: QuadraticForm = problem.quadratic_form()  # type: ignore[attr-defined]
    scale, k = _backend.scaled_form(form), form.k
    word = automatic(form.n) if formulation == "auto" else formulation
    model = _BUILDERS[word](scale.problem)
    terms = k * (k + 1)
    if isinstance(model, QuadraticModel) and model.linear.factors is not None:
        terms = max(terms, model.linear.variables)
        off = scale.lift_width(factored_error(scale.problem, model))
        scale = replace(scale, rounding=scale.rounding + off)
    return BackendModel(scale, model, form_magnitude(scale.problem), terms)


def form_magnitude(form: QuadraticForm) -> float:
    """Return the largest coefficient of a form, at least 1."""
    entries = 2 * max(float(form.matrix.max()), -float(form.matrix.min()))
    return max(1.0, entries, entries / 2 + float(np.abs(form.linear).max()))


def lower_end(model: QuadraticModel) -> float:
    """Return a lower bound on the quadratic terms alone, over all selections; O(n^2).

    A chosen row costs at least its own entry and the k - 1 lowest halves of its products; the k
    lowest of these sums bound the whole.
    """
    n, k = model.linear.variables, int(model.linear.row_upper[0])
    products = np.zeros((n, n))
    products[model.first, model.second] = model.coefficients
    products = (products + products.T) / 2
    own = products.diagonal().copy()
    np.fill_diagonal(products, np.inf)
    lowest = np.partition(products, k - 2, axis=1)[:, : k - 1] if k > 1 else products[:, :0]
    least = float(np.sort(own + lowest.sum(axis=1))[:k].sum())
    return least - 1e-9 * (1.0 + abs(least))
