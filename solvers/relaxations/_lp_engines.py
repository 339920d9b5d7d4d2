"""Linear and quadratic programs in continuous variables, by the backends."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT
from subsetopt.errors import MissingDependency
from subsetopt.limits import Limits
from subsetopt.models import LinearModel, QuadraticForm, iqp_model
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import BRIEF
from subsetopt.solvers.backends import _backend, _scip_models, cbc, highs, scip
from subsetopt.solvers.backends._adapter import Adapter
from subsetopt.solvers.backends._interrupts import interruptible

_STOPPED = 1  # FEASIBLE, of pywraplp
# Of HiGHS, whose method for quadratic programs may go round in circles for ever; a few
# iterations for each variable and row are what it takes when it does not.
_ITERATIONS = 10_000
_ITERATIONS_EACH = 100


def module_of(engine: str) -> str:
    """Return the module that an engine is from; raises MissingDependency."""
    solvers: dict[str, type[Adapter]] = {"highs": highs.Highs, "cbc": cbc.Cbc, "scip": scip.Scip}
    solver = solvers[engine]
    available = solver.availability()
    if not available:
        raise MissingDependency(available.reason)
    return solver.requires[0].module_name(solver.module)


@dataclass(frozen=True)
class LPResult:
    """What an engine says: its point, its value, the duals of the rows; None for what it lacks.

    A dual is the rise of the optimum per unit of the row's limit: >= 0 for a lower one. Where
    there are none, `bound` is the engine's own, less its tolerances.
    """

    x: NDArray[np.float64] | None
    value: float
    duals: NDArray[np.float64] | None
    termination: Termination
    iterations: int | None
    by: str
    bound: float = -np.inf


def by_highs(model: LinearModel, limits: Limits) -> LPResult:
    """Solve a linear programme by HiGHS."""
    highspy = highs.HIGHSPY.load()
    size = model.variables + len(model.rows)
    return _ran(_loaded(highspy, highs.native_model(highspy, model), size, limits), limits)


class WarmHighs:
    """A linear program of costs that change, which HiGHS solves from where it ended before.

    Parameters
    ----------
    model : LinearModel
        Its objective is not looked at.
    limits : Limits
    """

    def __init__(self, model: LinearModel, limits: Limits) -> None:
        highspy = highs.HIGHSPY.load()
        native = highs.native_model(highspy, model)
        self._solver = _loaded(highspy, native, model.variables + len(model.rows), limits)
        self._columns = np.arange(model.variables, dtype=np.int32)
        self._brief = False

    def solve(self, costs: NDArray[np.float64], limits: Limits) -> LPResult:
        """Return a solution for some costs; Ctrl-C comes after it where the last one was brief."""
        self._solver.HandleUserInterrupt = not self._brief
        self._solver.changeColsCost(len(costs), self._columns, costs)
        seconds, before = _backend.seconds(limits), self._solver.getRunTime()
        if seconds is not None:  # of all runs together
            self._solver.setOptionValue("time_limit", before + float(seconds))
        found = _ran(self._solver, limits, threaded=not self._brief)
        self._brief = self._solver.getRunTime() - before < BRIEF
        return found


def quadratic_by_highs(form: QuadraticForm, limits: Limits) -> LPResult:
    """Minimise a convex form over 0 <= m <= 1, 1'm = k by HiGHS."""
    highspy = highs.HIGHSPY.load()
    model = iqp_model(form)
    native = highspy.HighsModel()
    native.lp_ = highs.native_model(highspy, model.linear.relaxed())
    # Half the Hessian's lower triangle by columns is the upper one by rows, as `iqp_model` has it.
    doubled = np.where(model.first == model.second, 2.0, 1.0) * model.coefficients
    starts = np.searchsorted(model.first, np.arange(form.n + 1))
    native.hessian_.dim_ = form.n
    native.hessian_.format_ = highspy.HessianFormat.kTriangular
    native.hessian_.start_ = starts
    native.hessian_.index_ = model.second
    native.hessian_.value_ = doubled
    return _ran(_loaded(highspy, native, form.n, limits), limits)


def _loaded(highspy: Any, native: Any, size: int, limits: Limits) -> Any:
    """Return HiGHS with a model of so many variables and rows."""
    solver = highspy.Highs()
    most = min(_ITERATIONS + _ITERATIONS_EACH * size, 2**31 - 1)
    solver.setOptionValue("simplex_iteration_limit", most)
    solver.setOptionValue("qp_iteration_limit", most)
    solver.setOptionValue("output_flag", limits.log)
    solver.setOptionValue("random_seed", limits.seed)
    seconds = _backend.seconds(limits)
    if seconds is not None:
        solver.setOptionValue("time_limit", float(seconds))
    if limits.threads is not None:
        solver.setOptionValue("threads", limits.threads)
    solver.passModel(native)
    solver.HandleUserInterrupt = True
    return solver


def _ran(solver: Any, limits: Limits, threaded: bool = True) -> LPResult:
    """Run HiGHS, and return what it says."""
    interrupted = False
    if threaded:
        interrupted = interruptible(solver.run, solver.cancelSolve)
    else:
        solver.run()
    solution, info = solver.getSolution(), solver.getInfo()
    status = solver.getModelStatus().name
    iterations = info.simplex_iteration_count + info.qp_iteration_count
    return LPResult(
        x=np.array(solution.col_value) if solution.value_valid else None,
        value=float(info.objective_function_value) if solution.value_valid else np.nan,
        duals=np.array(solution.row_dual) if solution.dual_valid else None,
        termination=_backend.termination(highs.TERMINATIONS, status, limits, interrupted),
        iterations=max(0, iterations),
        by="HiGHS",
    )


def by_clp(model: LinearModel, limits: Limits) -> LPResult:
    """Solve a linear programme by CLP, the simplex method of CBC, through OR-Tools.

    It sees to Ctrl-C itself, and then says no more than that it stopped.
    """
    start = perf_counter()
    pywraplp = cbc.ORTOOLS.load("linear_solver.pywraplp")
    run = cbc.CbcRun(pywraplp, model, limits, pywraplp.Solver.CLP_LINEAR_PROGRAMMING)
    run.keep(_backend.seconds(limits))
    interrupted = interruptible(run, stop=None)
    early = limits.time_limit is None or perf_counter() - start < limits.time_limit / 2
    interrupted |= run.status == _STOPPED and early
    termination = _backend.termination(cbc.TERMINATIONS, run.status, limits, interrupted)
    if run.status != 0:
        return LPResult(None, np.nan, None, termination, None, "CLP")
    return LPResult(
        x=run.x(),
        value=run.objective(),
        duals=np.array([row.dual_value() for row in run.solver.constraints()]),
        termination=termination,
        iterations=int(run.solver.iterations()),
        by="CLP",
    )


def by_scip(model: LinearModel, limits: Limits) -> LPResult:
    """Solve a linear programme by SCIP.

    Its duals are those of the rows that its presolving leaves; so its own bound is taken, less its
    tolerances on feasibility and on sums and, per term of a selection, on reduced costs.
    """
    pyscipopt = scip.PYSCIPOPT.load()
    solver = pyscipopt.Model()
    settings: dict[str, Any] = {
        "misc/catchctrlc": False,
        "randomization/randomseedshift": limits.seed,
    }
    seconds = _backend.seconds(limits)
    if seconds is not None:
        settings["limits/time"] = float(seconds)
    if not limits.log:
        solver.hideOutput()
    solver.setParams(settings)
    variables = _scip_models.load_linear(pyscipopt, solver, model)
    interrupted = interruptible(solver.optimizeNogil, solver.interruptSolve)
    status = solver.getStatus()
    termination = _backend.termination(scip.TERMINATIONS, status, limits, interrupted)
    bound = float(solver.getDualbound())
    bound = bound - scip.linear_tolerance(model) if abs(bound) < 1e20 else -np.inf
    best = solver.getBestSol() if solver.getNSols() else None
    return LPResult(
        x=None if best is None else np.array([solver.getSolVal(best, v) for v in variables]),
        value=np.nan if best is None else float(solver.getPrimalbound()),
        duals=None,
        termination=termination,
        iterations=int(solver.getNLPIterations()),
        by="SCIP",
        bound=bound,
    )


def dual_bound(model: LinearModel, duals: NDArray[np.float64]) -> float:
    r"""Return the Lagrangian bound of a linear programme for any row duals.

    .. math::
        \sum_r (y_r^+ l_r - y_r^- u_r) + \sum_j \min_{l_j \le x_j \le u_j} (c - A'y)_j x_j

    Duals of a sign that a one-sided row cannot have are taken for zero. The rounding of the sums is
    taken off.
    """
    # Weak duality: for rows l <= Ax <= u and any y, c'x >= sum_r (y_r^+ l_r - y_r^- u_r) + (c -
    # A'y)'x, and the last is least where each x_j is at the end that its reduced cost asks for. No
    # y makes that wrong; one that meets an infinite side would make it -inf.
    wrong = ((duals > 0) & ~np.isfinite(model.row_lower)) | (
        (duals < 0) & ~np.isfinite(model.row_upper)
    )
    y = np.where(wrong | ~np.isfinite(duals), 0.0, duals)
    side = np.where(y > 0, model.row_lower, np.where(y < 0, model.row_upper, 0.0))
    rows = model.rows
    products = rows.coefficients * np.repeat(y, np.diff(rows.starts))
    weight = np.bincount(rows.columns, weights=products, minlength=model.variables)
    sizes = np.bincount(rows.columns, weights=np.abs(products), minlength=model.variables)
    reduced = model.objective - weight
    ends = np.where(reduced > 0, model.lower, model.upper)
    most = np.maximum(np.abs(model.lower), np.abs(model.upper))
    terms = np.abs(y * side).sum() + ((np.abs(model.objective) + sizes) * most).sum()
    entries = int(np.bincount(rows.columns, minlength=1).max()) + 64  # of the longest sum
    rounding = UNIT * min(entries, 2**20) * float(terms)
    # Sums by NumPy, pairwise: a product of vectors by BLAS may add millions of terms in a few
    # lanes.
    return float((y * side).sum() + (reduced * ends).sum()) - rounding
