"""Linearisations of a quadratic form in integers, for CP-SAT."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.models import LINEARISATIONS, LinearModel, QuadraticForm, SideConstraints
from subsetopt.problems import Problem
from subsetopt.problems._dyadic import Dyadic

from ._backend import scaled_form
from ._formulations import automatic

COMFORTABLE = 2**60
"""CP-SAT refuses models whose sums may pass 2**63."""
COARSE_BITS = 40
"""What is rounded to unless the bits are given."""


@dataclass(frozen=True)
class FormGrid:
    """A linear model of a form whose costs are integers.

    The objective of the problem is ``costs @ x * unit + offset``, up to `error`.

    Parameters
    ----------
    form : QuadraticForm
    linear : LinearModel
        Its own objective is not used.
    costs : list of int
    unit, offset, error : Fraction
    exact : bool
        The form states the problem without any rounding.
    least : int
        A lower bound on ``costs @ x``.
    note : str
    """

    form: QuadraticForm
    linear: LinearModel
    costs: list[int]
    unit: Fraction
    offset: Fraction
    error: Fraction
    exact: bool
    least: int
    note: str

    @classmethod
    def of(cls, problem: Problem, formulation: str, bits: int | None) -> "FormGrid":
        """Return the form on its own grid where that fits, else on a coarser one."""
        form: QuadraticForm = problem.quadratic_form()  # type: ignore[attr-defined]
        name = automatic(form.n, loose="compact") if formulation == "auto" else formulation
        linear = LINEARISATIONS[name](replace(form, side=None))  # added in integers
        costs, exponent = _whole_costs(form, linear)
        scale, total = Fraction(form.scale), sum(map(abs, costs))
        exact = problem.family == "quadratic"  # the other forms are computed in floating point
        error = Fraction(0) if exact else Fraction(scaled_form(form).rounding)
        note = "the form scaled to integers without rounding"
        shift = 0
        if total >= COMFORTABLE or (bits is not None and total >= 2**bits):
            shift = max(0, total.bit_length() - (bits or COARSE_BITS))
            costs = [round(Fraction(cost, 2**shift)) for cost in costs]
        unit = scale * Fraction(2) ** (exponent + shift)
        if shift:
            error += unit * Fraction(form.k * (form.k + 1), 4)
            note = f"the form rounded to integers: {float(error):.3g} at most on the objective"
        least = sum(cost for cost in costs if cost < 0)
        offset = Fraction(form.constant)
        return cls(form, linear, costs, unit, offset, error, exact, least, note)

    def model(self, cp_model: Any, start: NDArray[np.int64] | None = None) -> tuple[Any, list[Any]]:
        """Return the model of CP-SAT, with a selection to begin with, and its selectors."""
        linear = self.linear
        model = cp_model.CpModel()
        variables = [model.new_bool_var(name) for name in linear.variable_names]
        _add_rows(cp_model, model, variables, linear)
        add_side(cp_model, model, variables, self.form.side)
        model.minimize(cp_model.LinearExpr.weighted_sum(variables, self.costs))
        if start is not None:
            x = linear.completed(self.form.rows(start))
            model.proto.solution_hint.vars.extend(range(linear.variables))
            model.proto.solution_hint.values.extend(x.astype(np.int64).tolist())
        return model, variables[: linear.selectors]


def _add_rows(cp_model: Any, model: Any, variables: list[Any], linear: LinearModel) -> None:
    """Add the rows, as clauses where they are: ``w <= m`` is "not w, or m".

    Those that say of the compact model what a product is are one row each here.
    """
    compact = linear.name == "compact"
    if compact and linear.products is not None:
        pairs = zip(*(part.tolist() for part in linear.products), strict=True)
        for w, (i, j) in zip(variables[linear.selectors :], pairs, strict=True):
            model.add_multiplication_equality(w, [variables[i], variables[j]])
    rows, upper = linear.rows, linear.row_upper
    firsts = rows.starts[:-1]
    ones = np.minimum.reduceat(np.abs(rows.coefficients) == 1.0, firsts)
    positive = np.add.reduceat((rows.coefficients > 0).astype(np.int64), firsts)
    clauses = (ones & (linear.row_lower == -np.inf) & (upper == positive - 1)).tolist()
    negated = [variable.negated() for variable in variables]
    starts, columns = rows.starts.tolist(), rows.columns.tolist()
    coefficients = rows.coefficients.astype(np.int64).tolist()
    for i, (low, high) in enumerate(zip(linear.row_lower.tolist(), upper.tolist(), strict=True)):
        row = slice(starts[i], starts[i + 1])
        if clauses[i] and compact:
            continue
        if clauses[i]:
            signs = zip(columns[row], coefficients[row], strict=True)
            model.add_bool_or([(negated if c > 0 else variables)[j] for j, c in signs])
            continue
        total = cp_model.LinearExpr.weighted_sum(
            [variables[j] for j in columns[row]], coefficients[row]
        )
        if low == high:
            model.add(total == int(low))
        else:  # the rows of linearisations are limited on one side
            model.add(total <= int(high))


def add_side(cp_model: Any, model: Any, selectors: list[Any], side: SideConstraints | None) -> None:
    """Add what the selectors keep besides their count, in whole numbers."""
    if side is None:
        return
    for row in side.model_rows():
        if row.name != "budget":
            total = cp_model.LinearExpr.sum([selectors[i] for i in row.columns.tolist()])
            low = 0 if row.lower == -np.inf else int(row.lower)
            model.add_linear_constraint(total, low, int(row.upper))
    if side.budget is not None:
        costs = side.budget.costs.tolist()
        total = cp_model.LinearExpr.weighted_sum(selectors[: len(costs)], costs)
        model.add(total <= side.budget.limit)


def _whole_costs(form: QuadraticForm, linear: LinearModel) -> tuple[list[int], int]:
    """Return the costs as integers and their exponent, without the rounding of a_ii + c_i."""
    own = _own_positions(form.n, linear)
    parts = linear.objective.copy()
    parts[own] = form.matrix.diagonal()
    grid = Dyadic.of(np.concatenate([parts, form.linear]))
    whole = grid.whole_numbers()
    costs = whole[: parts.size]
    for position, addend in zip(own.tolist(), whole[parts.size :], strict=True):
        costs[position] += addend
    return costs, grid.exponent


def _own_positions(n: int, linear: LinearModel) -> NDArray[np.int64]:
    """Return the variable whose cost is z_ii, for each i."""
    i = np.arange(n)
    if linear.name == "published":
        return n + i * (2 * n - i + 1) // 2
    return i
