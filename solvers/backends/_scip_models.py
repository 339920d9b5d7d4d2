"""Models as PySCIPOpt takes them."""

import math
from typing import Any

from subsetopt.models import LinearModel, QuadraticModel

from . import _formulations


def load(pyscipopt: Any, solver: Any, model: LinearModel | QuadraticModel) -> list[Any]:
    """Build `model` in `solver` and return its variables."""
    if isinstance(model, LinearModel):
        return load_linear(pyscipopt, solver, model)
    variables = load_linear(pyscipopt, solver, model.linear)
    # SCIP takes linear objectives only: minimise z over the epigraph of the quadratic.
    in_residuals = not model.linear.integer[model.first].any()
    z = solver.addVar("z", lb=0.0 if in_residuals else _formulations.lower_end(model), obj=1.0)
    products = zip(
        model.first.tolist(), model.second.tolist(), model.coefficients.tolist(), strict=True
    )
    term = pyscipopt.scip.Term
    total = {term(variables[i], variables[j]): q for i, j, q in products}
    total[term(z)] = -1.0
    epigraph = pyscipopt.scip.ExprCons(pyscipopt.scip.Expr(total), None, 0.0)
    solver.addCons(epigraph, name="epigraph")
    return variables


def load_linear(pyscipopt: Any, solver: Any, model: LinearModel) -> list[Any]:
    """Build `model` in `solver` and return its variables."""
    columns = (model.lower, model.upper, model.integer, model.objective)
    variables = [
        solver.addVar(
            name,
            vtype="B" if integer else "C",
            lb=None if low == -math.inf else low,
            ub=None if high == math.inf else high,
            obj=cost,
        )
        for name, low, high, integer, cost in zip(
            model.variable_names, *(part.tolist() for part in columns), strict=True
        )
    ]
    add_rows(pyscipopt, solver, model, variables)
    return variables


def add_rows(pyscipopt: Any, solver: Any, model: LinearModel, variables: list[Any]) -> None:
    """Add the rows of a model; its expressions are put together without arithmetic on them."""
    expressions, terms = pyscipopt.scip, [next(iter(v.terms)) for v in variables]
    starts, columns, coefficients, lower, upper = (
        part.tolist()
        for part in (
            model.rows.starts,
            model.rows.columns,
            model.rows.coefficients,
            model.row_lower,
            model.row_upper,
        )
    )
    for i, name in enumerate(model.row_names):
        row = slice(starts[i], starts[i + 1])
        total = dict(zip(map(terms.__getitem__, columns[row]), coefficients[row], strict=True))
        low = None if lower[i] == -math.inf else lower[i]
        high = None if upper[i] == math.inf else upper[i]
        solver.addCons(expressions.ExprCons(expressions.Expr(total), low, high), name)
