"""Is any selection feasible? A mixed-integer program decides where counting cannot."""

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt.models import LinearModel, SideConstraints, SparseRows

_SLACKS = (1e-5, 0.0)  # below a budget in floating point, so that its tolerance does not matter


class Feasibility(NamedTuple):
    """A feasible selection, or the proof that there is none, or neither.

    Parameters
    ----------
    indices : ndarray of int64 or None
    infeasible : bool
        No selection keeps the constraints. The program is solved in floating point, by HiGHS; its
        rows are whole numbers, but those of a budget too fine for it, which are rounded so that
        they hold for whatever the budget allows.
    """

    indices: NDArray[np.int64] | None
    infeasible: bool = False


def cheapest(
    side: SideConstraints, weights: NDArray[np.float64], seconds: float | None = None
) -> Feasibility:
    """Return a feasible selection of least total weight, or of little where the time is up."""
    verdict = Feasibility(None)
    model = _model(side, weights)
    fine = side.budget is not None and not _is_whole(side.budget.model_row().coefficients)
    for slack in _SLACKS if fine else (0.0,):
        verdict = _solved(side, _below_budget(model, slack), seconds)
        if verdict.indices is not None or not fine:
            return verdict
    return verdict


def some(side: SideConstraints, seed: int, seconds: float | None = None) -> Feasibility:
    """Return a feasible selection, a random vertex of those there are."""
    weights = np.random.default_rng(seed).random(side.n)
    return cheapest(side, weights, seconds)


def nearest(
    side: SideConstraints, start: NDArray[np.int64], seconds: float | None = None
) -> Feasibility:
    """Return a feasible selection that has as much in common with a start as can be."""
    weights = np.ones(side.n)
    weights[start] = -1.0
    return cheapest(side, weights, seconds)


def load() -> None:
    """Import what solves the program: no part of the solving."""
    import scipy.optimize
    import scipy.sparse  # noqa: F401


def _model(side: SideConstraints, weights: NDArray[np.float64]) -> LinearModel:
    n = side.n
    return LinearModel(
        name="feasibility",
        objective=weights,
        lower=np.zeros(n),
        upper=np.ones(n),
        integer=np.ones(n, dtype=bool),
        rows=SparseRows.of([(np.arange(n), np.ones(n))]),
        row_lower=np.array([float(side.low)]),
        row_upper=np.array([float(side.high)]),
        variable_names=("",) * n,
        row_names=("cardinality",),
        selectors=n,
    ).keeping(side)


def _below_budget(model: LinearModel, slack: float) -> LinearModel:
    if not slack:
        return model
    upper = model.row_upper.copy()
    upper[model.row_names.index("budget")] -= slack
    return replace(model, row_upper=upper)


def _is_whole(numbers: NDArray[np.float64]) -> bool:
    return bool((numbers == np.rint(numbers)).all())


def _solved(side: SideConstraints, model: LinearModel, seconds: float | None) -> Feasibility:
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    rows = model.rows
    parts = rows.coefficients, rows.columns, rows.starts
    matrix = csr_array(parts, shape=(len(rows), model.variables))
    options: dict[str, Any] = {}
    if seconds is not None and math.isfinite(seconds):
        options["time_limit"] = max(1e-3, seconds)
    found = milp(
        model.objective,
        integrality=np.ones(model.variables),
        bounds=Bounds(model.lower, model.upper),
        constraints=LinearConstraint(matrix, model.row_lower, model.row_upper),
        options=options,
    )
    if found.status == 2:
        return Feasibility(None, infeasible=True)
    if found.x is None:
        return Feasibility(None)
    chosen = np.flatnonzero(found.x > 0.5)
    kept = side.low <= len(chosen) <= side.high and side.keeps(chosen)
    return Feasibility(chosen if kept else None)
