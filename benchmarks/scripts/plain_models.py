"""The plain model of each problem in the interface of each solver, as its manual would have it.

Nothing here is of the adapters: `adapters` measures them against these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import highspy
import pyscipopt
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

__all__ = ["PLAIN", "Plain", "PlainAnswer"]

_UNIT = 10**6  # one, in the integers of CP-SAT


@dataclass(frozen=True)
class Plain:
    """Choose k of n: ``|target - mean of values|``, or ``m'Qm + c'm`` where there are pairs.

    Of each group, `at_least` are chosen at least.
    """

    n: int
    k: int
    values: list[float]
    target: float
    pairs: list[list[float]]
    linear: list[float]
    groups: list[list[int]]
    at_least: int

    @property
    def products(self) -> dict[tuple[int, int], float]:
        """What the product of two selectors costs, by its pair."""
        return {
            (i, j): 2 * self.pairs[i][j]
            for i in range(len(self.pairs))
            for j in range(i + 1, self.n)
            if self.pairs[i][j]
        }

    @property
    def own(self) -> list[float]:
        """What a selector costs alone."""
        return [c + self.pairs[i][i] for i, c in enumerate(self.linear)]


@dataclass(frozen=True)
class PlainAnswer:
    """Selection, bound on the objective of the model, and seconds."""

    chosen: list[int] | None
    bound: float
    optimal: bool
    build: float
    solve: float


def scip(plain: Plain, seconds: float) -> PlainAnswer:
    """Solve with the quadratic in an epigraph, as SCIP takes linear objectives only."""
    begun, n = perf_counter(), plain.n
    model = pyscipopt.Model()
    model.hideOutput()
    x = [model.addVar(f"x{i}", vtype="B") for i in range(n)]
    t = model.addVar("t", lb=None)
    model.setObjective(t)
    model.addCons(pyscipopt.quicksum(x) == plain.k)
    for group in plain.groups:
        model.addCons(pyscipopt.quicksum(x[i] for i in group) >= plain.at_least)
    if plain.pairs:
        square = pyscipopt.quicksum(
            plain.pairs[i][j] * x[i] * x[j] for i in range(n) for j in range(n)
        )
        own = pyscipopt.quicksum(c * x[i] for i, c in enumerate(plain.linear))
        model.addCons(square + own <= t)
    else:
        mean = pyscipopt.quicksum(v / plain.k * x[i] for i, v in enumerate(plain.values))
        model.addCons(t >= plain.target - mean)
        model.addCons(t >= mean - plain.target)
    model.setParam("limits/time", seconds)
    built = perf_counter()
    model.optimize()
    solved = perf_counter()
    chosen = None
    if model.getNSols():
        best = model.getBestSol()
        chosen = [i for i in range(n) if model.getSolVal(best, x[i]) > 0.5]
    optimal = model.getStatus() == "optimal"
    return PlainAnswer(chosen, model.getDualbound(), optimal, built - begun, solved - built)


def highs(plain: Plain, seconds: float) -> PlainAnswer:
    """Solve with a variable and three rows for each product."""
    begun, n = perf_counter(), plain.n
    model = highspy.Highs()
    model.silent()
    model.setOptionValue("threads", 1)
    model.setOptionValue("time_limit", seconds)
    x = [model.addBinary() for _ in range(n)]
    model.addConstr(model.qsum(x) == plain.k)
    for group in plain.groups:
        model.addConstr(model.qsum(x[i] for i in group) >= plain.at_least)
    if plain.pairs:
        terms = [c * x[i] for i, c in enumerate(plain.own)]
        for (i, j), cost in plain.products.items():
            w = model.addVariable(lb=0, ub=1)
            model.addConstr(w <= x[i])
            model.addConstr(w <= x[j])
            model.addConstr(w >= x[i] + x[j] - 1)
            terms.append(cost * w)
        model.setObjective(model.qsum(terms))
    else:
        t = model.addVariable(lb=0)
        mean = model.qsum(v / plain.k * x[i] for i, v in enumerate(plain.values))
        model.addConstr(mean + t >= plain.target)
        model.addConstr(mean - t <= plain.target)
        model.setObjective(1.0 * t)
    built = perf_counter()
    model.run()
    solved = perf_counter()
    info, there = model.getInfo(), model.getSolution().col_value
    found = info.primal_solution_status == 2
    chosen = [i for i in range(n) if there[i] > 0.5] if found else None
    optimal = model.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return PlainAnswer(chosen, info.mip_dual_bound, optimal, built - begun, solved - built)


def cbc(plain: Plain, seconds: float) -> PlainAnswer:
    """Solve with a variable and three rows for each product."""
    begun, n = perf_counter(), plain.n
    model = pywraplp.Solver.CreateSolver("CBC")
    x = [model.BoolVar(f"x{i}") for i in range(n)]
    model.Add(sum(x) == plain.k)
    for group in plain.groups:
        model.Add(sum(x[i] for i in group) >= plain.at_least)
    if plain.pairs:
        terms = [c * x[i] for i, c in enumerate(plain.own)]
        for (i, j), cost in plain.products.items():
            w = model.NumVar(0, 1, f"w{i}_{j}")
            model.Add(w <= x[i])
            model.Add(w <= x[j])
            model.Add(w >= x[i] + x[j] - 1)
            terms.append(cost * w)
        model.Minimize(model.Sum(terms))
    else:
        t = model.NumVar(0, model.infinity(), "t")
        mean = model.Sum([v / plain.k * x[i] for i, v in enumerate(plain.values)])
        model.Add(mean + t >= plain.target)
        model.Add(mean - t <= plain.target)
        model.Minimize(t)
    model.SetTimeLimit(int(1000 * seconds))
    built = perf_counter()
    status = model.Solve()
    solved = perf_counter()
    found = status in (model.OPTIMAL, model.FEASIBLE)
    chosen = [i for i in range(n) if x[i].solution_value() > 0.5] if found else None
    bound = model.Objective().BestBound() if found else float("-inf")
    return PlainAnswer(chosen, bound, status == model.OPTIMAL, built - begun, solved - built)


def cpsat(plain: Plain, seconds: float) -> PlainAnswer:
    """Solve with each product as `add_multiplication_equality`, costs rounded to integers."""
    begun, n = perf_counter(), plain.n
    model = cp_model.CpModel()
    x = [model.new_bool_var(f"x{i}") for i in range(n)]
    model.add(sum(x) == plain.k)
    for group in plain.groups:
        model.add(sum(x[i] for i in group) >= plain.at_least)
    unit = _UNIT
    if plain.pairs:
        terms = [round(c * _UNIT) * x[i] for i, c in enumerate(plain.own)]
        for (i, j), cost in plain.products.items():
            w = model.new_bool_var(f"w{i}_{j}")
            model.add_multiplication_equality(w, [x[i], x[j]])
            terms.append(round(cost * _UNIT) * w)
        model.minimize(sum(terms))
    else:
        unit = _UNIT * plain.k
        values = [round(v * _UNIT) for v in plain.values]
        wanted = round(plain.k * plain.target * _UNIT)
        t = model.new_int_var(0, sum(map(abs, values)) + abs(wanted), "t")
        model.add_abs_equality(t, sum(v * x[i] for i, v in enumerate(values)) - wanted)
        model.minimize(t)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    built = perf_counter()
    status = solver.solve(model)
    solved = perf_counter()
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    chosen = [i for i in range(n) if solver.value(x[i])] if found else None
    bound = solver.best_objective_bound / unit
    return PlainAnswer(chosen, bound, status == cp_model.OPTIMAL, built - begun, solved - built)


PLAIN: Mapping[str, Callable[[Plain, float], PlainAnswer]] = {
    "cbc": cbc,
    "scip": scip,
    "highs": highs,
    "cpsat": cpsat,
}
