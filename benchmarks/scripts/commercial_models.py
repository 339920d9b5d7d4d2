"""One quadratic selection, stated for another solver in its own interface, and solved by it.

``PYTHON commercial_models.py SOLVER FILE SECONDS`` prints one JSON object; started by
`benchmarks.scripts.commercial` with an interpreter that has the solvers, so that nothing of this
package is imported. FILE holds A, c and k of

    min  x'Ax + c'x   subject to   sum x = k,  x binary,

as NumPy arrays. One thread, gaps of a millionth, nothing else is set. Gurobi, Xpress and CPLEX take
that as it stands; SCIP an objective that a quadratic constraint bounds; HiGHS and CP-SAT, which
take no products of binaries, a variable for each product.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

GAP = 1e-6
_CHOSEN = 0.5  # a binary above is one
Outcome = tuple[Any, float]
"""The values of x, None where there are none, and the bound."""


class StatedModel:
    """The arrays of a model, and how long it may be solved."""

    def __init__(self, path: str, limit: float) -> None:
        with np.load(path) as held:
            self.matrix, self.linear = held["matrix"], held["linear"]
            self.k = int(held["k"])
        self.n, self.limit = len(self.linear), limit

    def terms(self) -> Iterator[tuple[int, int, float]]:
        """Yield i <= j and the coefficient of x_i x_j."""
        for i in range(self.n):
            for j in range(i, self.n):
                coefficient = float(self.matrix[i, j]) * (1.0 if i == j else 2.0)
                if coefficient:
                    yield i, j, coefficient

    def own(self) -> list[float]:
        """Return what each candidate adds by itself, squares being the same as the binaries."""
        return [float(value) for value in self.linear + np.diagonal(self.matrix)]


def gurobi(stated: StatedModel) -> Callable[[], Outcome]:
    """Quadratic, with its matrix interface."""
    gurobipy = import_module("gurobipy")
    model = gurobipy.Model(env=gurobipy.Env(params={"OutputFlag": 0}))
    x = model.addMVar(stated.n, vtype="B")
    model.addConstr(x.sum() == stated.k)
    model.setObjective(x @ stated.matrix @ x + stated.linear @ x)
    model.Params.TimeLimit, model.Params.Threads, model.Params.MIPGap = stated.limit, 1, GAP

    def solve() -> Outcome:
        model.optimize()
        return (x.X if model.SolCount else None), model.ObjBound

    return solve


def xpress(stated: StatedModel) -> Callable[[], Outcome]:
    """Quadratic, term by term."""
    module = import_module("xpress")
    problem = module.problem()
    problem.setOutputEnabled(False)
    x = [problem.addVariable(vartype=module.binary) for _ in range(stated.n)]
    problem.addConstraint(module.Sum(x) == stated.k)
    pairs = module.Sum(value * x[i] * x[j] for i, j, value in stated.terms())
    problem.setObjective(pairs + module.Sum(c * v for c, v in zip(stated.linear, x, strict=True)))
    problem.controls.timelimit, problem.controls.threads = stated.limit, 1
    problem.controls.miprelstop = GAP

    def solve() -> Outcome:
        problem.optimize()
        held = problem.attributes.mipsols > 0
        return (problem.getSolution() if held else None), problem.attributes.bestbound

    return solve


def cplex(stated: StatedModel) -> Callable[[], Outcome]:
    """Quadratic, by rows; CPLEX halves the matrix that it is given."""
    module = import_module("cplex")
    model = module.Cplex()
    for stream in ("log", "results", "warning", "error"):
        getattr(model, f"set_{stream}_stream")(None)
    every = list(range(stated.n))
    model.variables.add(obj=[float(c) for c in stated.linear], types="B" * stated.n)
    row = module.SparsePair(every, [1.0] * stated.n)
    model.linear_constraints.add(lin_expr=[row], senses="E", rhs=[float(stated.k)])
    rows = (2.0 * stated.matrix).tolist()
    model.objective.set_quadratic([module.SparsePair(every, line) for line in rows])
    model.parameters.timelimit.set(stated.limit)
    model.parameters.threads.set(1)
    model.parameters.mip.tolerances.mipgap.set(GAP)

    def solve() -> Outcome:
        model.solve()
        held = model.solution.is_primal_feasible()
        bound = model.solution.MIP.get_best_objective()
        return (model.solution.get_values() if held else None), bound

    return solve


def scip(stated: StatedModel) -> Callable[[], Outcome]:
    """Quadratic, in a constraint, since SCIP's objectives are linear."""
    module = import_module("pyscipopt")
    model = module.Model()
    model.hideOutput()
    x = [model.addVar(vtype="B") for _ in range(stated.n)]
    most = model.addVar(lb=None)
    model.addCons(module.quicksum(x) == stated.k)
    pairs = module.quicksum(value * x[i] * x[j] for i, j, value in stated.terms())
    own = module.quicksum(float(c) * v for c, v in zip(stated.linear, x, strict=True))
    model.addCons(pairs + own <= most)
    model.setObjective(most)
    model.setParam("limits/time", stated.limit)
    model.setParam("limits/gap", GAP)

    def solve() -> Outcome:
        model.optimize()
        values = [model.getVal(v) for v in x] if model.getNSols() else None
        return values, model.getDualbound()

    return solve


def highs(stated: StatedModel) -> Callable[[], Outcome]:
    """Linear: a variable for each product, bounded on the side that its sign pulls to."""
    module = import_module("highspy")
    model = module.Highs()
    model.silent()
    x = [model.addBinary(obj=own) for own in stated.own()]
    model.addConstr(sum(x) == stated.k)
    for i, j, value in stated.terms():
        if i < j:
            product = model.addVariable(0.0, 1.0, value)
            if value > 0.0:
                model.addConstr(product - x[i] - x[j] >= -1.0)
            else:
                model.addConstr(product - x[i] <= 0.0)
                model.addConstr(product - x[j] <= 0.0)
    settings = {"time_limit": stated.limit, "threads": 1, "mip_rel_gap": GAP}
    for name, value in settings.items():
        model.setOptionValue(name, value)

    def solve() -> Outcome:
        model.run()
        values = model.getSolution().col_value[: stated.n]
        info = model.getInfo()
        held = info.primal_solution_status == module.SolutionStatus.kSolutionStatusFeasible
        return (values if held else None), info.mip_dual_bound

    return solve


def cpsat(stated: StatedModel) -> Callable[[], Outcome]:
    """Logical: a Boolean for each product, implied or implying as its sign pulls."""
    module = import_module("ortools.sat.python.cp_model")
    model, solver = module.CpModel(), module.CpSolver()
    x = [model.new_bool_var("") for _ in range(stated.n)]
    model.add(sum(x) == stated.k)
    variables, weights = list(x), stated.own()
    for i, j, value in stated.terms():
        if i < j:
            product = model.new_bool_var("")
            if value > 0.0:
                model.add_bool_or([~x[i], ~x[j], product])
            else:
                model.add_implication(product, x[i])
                model.add_implication(product, x[j])
            variables.append(product)
            weights.append(value)
    model.minimize(module.LinearExpr.weighted_sum(variables, weights))
    solver.parameters.max_time_in_seconds, solver.parameters.num_workers = stated.limit, 1
    solver.parameters.relative_gap_limit = GAP

    def solve() -> Outcome:
        status = solver.solve(model)
        held = status in (module.OPTIMAL, module.FEASIBLE)
        return ([solver.value(v) for v in x] if held else None), solver.best_objective_bound

    return solve


SOLVERS = {
    "gurobi": (gurobi, "gurobipy"),
    "xpress": (xpress, "xpress"),
    "cplex": (cplex, "cplex"),
    "scip": (scip, "pyscipopt"),
    "highs": (highs, "highspy"),
    "cpsat": (cpsat, "ortools"),
}
"""How each solver states the model, and the package that it is installed with."""


def main(name: str, path: str, limit: str) -> None:
    """State the model, solve it, and print what came of it."""
    stating, package = SOLVERS[name]
    solve = stating(StatedModel(path, float(limit)))
    begun, used = time.perf_counter(), time.process_time()
    values, bound = solve()
    spent = time.perf_counter() - begun, time.process_time() - used
    chosen = None if values is None else np.flatnonzero(np.asarray(values) > _CHOSEN).tolist()
    seconds, processor = spent
    print(
        json.dumps(
            {
                "version": version(package),
                "chosen": chosen,
                "bound": float(bound),
                "seconds": seconds,
                "processor s": processor,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
