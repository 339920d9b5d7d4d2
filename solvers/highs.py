"""HiGHS through highspy."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar, get_args

import numpy as np

from subsetopt.errors import InvalidOption
from subsetopt.forms import QUADRATIC_FAMILIES, LinearModel
from subsetopt.limits import Limits
from subsetopt.problems import Problem
from subsetopt.solution import Termination

from . import _backend, _formulations
from ._interrupts import interruptible
from .base import Answer, Kind, Requirement, Solver

HIGHSPY = Requirement("highspy", "highspy", ">=1.10,<1.15", clash=((1, 15), "ortools"))

_FEASIBILITY = 1e-6  # mip_feasibility_tolerance
_ABSOLUTE_GAP = 1e-6  # mip_abs_gap
_RELATIVE_GAP = 1e-4  # mip_rel_gap
_DUAL = 1e-7  # dual_feasibility_tolerance
_DROPPED = 1e-9  # small_matrix_value: smaller coefficients are dropped

TERMINATIONS = {
    "kOptimal": Termination.OPTIMAL,
    "kTimeLimit": Termination.TIME_LIMIT,
    "kIterationLimit": Termination.ITERATION_LIMIT,
    "kSolutionLimit": Termination.ITERATION_LIMIT,
    "kInterrupt": Termination.INTERRUPTED,
    "kHighsInterrupt": Termination.INTERRUPTED,
    "kInfeasible": Termination.INFEASIBLE,
    "kUnbounded": Termination.ERROR,
    "kUnboundedOrInfeasible": Termination.ERROR,
    "kLoadError": Termination.ERROR,
    "kModelError": Termination.ERROR,
    "kPresolveError": Termination.ERROR,
    "kSolveError": Termination.ERROR,
    "kPostsolveError": Termination.ERROR,
    "kMemoryLimit": Termination.ERROR,
}


@dataclass(frozen=True, kw_only=True)
class Highs(Solver):
    """The published linear model, or a linearisation of a quadratic form, solved by HiGHS.

    It prunes what is not better than the incumbent by the largest of its feasibility tolerance
    (1e-6), its absolute gap (1e-6) and its relative gap (1e-4). `Answer.eps` is that, the
    feasibility tolerance once more, and per variable (of quadratic problems: per term of a
    selection) 1e-7 for reduced costs and 1e-9 for coefficients that it drops.

    Parameters
    ----------
    formulation : {"auto", "published", "mccormick", "rlt"}
        The linear model of a quadratic problem, see `subsetopt.forms`; "auto" is "mccormick".
    presolve : {"choose", "on", "off"}

    Raises
    ------
    InvalidOption
        For another word.
    """

    formulation: _formulations.Linear = "auto"
    presolve: str = "choose"

    name: ClassVar[str] = "highs"
    kind: ClassVar[Kind] = Kind.BACKEND
    summary: ClassVar[str] = "the papers' integer programmes, by HiGHS"
    choose_when: ClassVar[str] = (
        "a floating-point solver under a free licence is to be compared with"
    )
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", *QUADRATIC_FAMILIES)
    requires: ClassVar[tuple[Requirement, ...]] = (HIGHSPY,)
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _formulations.require_formulation(self.formulation, get_args(_formulations.Linear))
        if self.presolve not in ("choose", "on", "off"):
            raise InvalidOption(f"presolve is {self.presolve!r}; it is 'choose', 'on' or 'off'")

    def answer(self, problem: Problem, limits: Limits) -> Answer:
        """Solve the model, passed in one call."""
        highspy = HIGHSPY.load()
        start = perf_counter()
        task = _formulations.task(problem, self.formulation)
        scale, model = task.scale, task.linear
        solver = highspy.Highs()
        options = self._options(limits, scale)
        for option, value in options.items():
            solver.setOptionValue(option, value)
        solver.passModel(native_model(highspy, model))
        solver.HandleUserInterrupt = True
        built = perf_counter()
        interrupted = interruptible(solver.run, solver.cancelSolve)
        solved = perf_counter()
        info, status = solver.getInfo(), solver.getModelStatus()
        found = info.primal_solution_status == 2  # kSolutionStatusFeasible
        x = np.array(solver.getSolution().col_value)[: model.selectors] if found else None
        native = _backend.Native(
            termination=_backend.termination(TERMINATIONS, status.name, limits, interrupted),
            x=x,
            bound=info.mip_dual_bound,
            tolerance=_tolerance(options, info.objective_function_value, task),
            build_seconds=built - start,
            solve_seconds=solved - built,
            iterations=max(0, info.mip_node_count),
        )
        return _backend.to_answer(problem, scale, native)

    def _options(self, limits: Limits, scale: _backend.Scaled[Any]) -> dict[str, Any]:
        options: dict[str, Any] = {
            "output_flag": limits.log,
            "random_seed": limits.seed,
            "presolve": self.presolve,
        }
        seconds = _backend.seconds(limits)
        if seconds is not None:
            options["time_limit"] = float(seconds)
        if limits.gap is not None:
            options["mip_rel_gap"] = float(_backend.finite(limits.gap))
        if limits.absolute_gap is not None:
            options["mip_abs_gap"] = scale.lower_width(limits.absolute_gap)
        if limits.threads is not None:
            options["threads"] = limits.threads
        return options


def native_model(highspy: Any, model: LinearModel) -> Any:
    """Return the model as HiGHS wants it."""
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.variables, len(model.rows)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.objective, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.rows.starts
    lp.a_matrix_.index_ = model.rows.columns
    lp.a_matrix_.value_ = model.rows.coefficients
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    lp.integrality_ = [kinds[integer] for integer in model.integer.tolist()]
    return lp


def _tolerance(options: dict[str, Any], objective: float, task: _formulations.Task) -> float:
    relative = options.get("mip_rel_gap", _RELATIVE_GAP) * min(abs(objective), 1e20)
    pruned = max(_FEASIBILITY, relative, options.get("mip_abs_gap", _ABSOLUTE_GAP))
    slack = _FEASIBILITY + (_DUAL + _DROPPED) * task.terms
    return float(pruned + slack * task.magnitude)
