"""HiGHS through highspy."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar, get_args

import numpy as np

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption
from subsetopt.limits import Limits
from subsetopt.models import QUADRATIC_FAMILIES, LinearModel
from subsetopt.problems import Problem
from subsetopt.solution import Termination
from subsetopt.solvers.base import RawResult

from . import _backend, _formulations
from ._adapter import Adapter, Watch
from ._interrupts import interruptible

__all__ = ["Highs"]

HIGHSPY = OptionalDependency("highspy", "highspy", ">=1.10,<1.15", clash=((1, 15), "ortools"))

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
class Highs(Adapter):
    """The published linear model, or a linearisation of a quadratic form, solved by HiGHS.

    It prunes what is not better than the incumbent by the largest of its feasibility tolerance
    (1e-6), its absolute gap (1e-6) and its relative gap (1e-4). `RawResult.eps` is that, the
    feasibility tolerance once more, and per variable (of quadratic problems: per term of a
    selection) 1e-7 for reduced costs and 1e-9 for coefficients that it drops.

    Parameters
    ----------
    formulation : {"auto", "published", "mccormick", "compact", "rlt"}
        The linear model of a quadratic problem, see `subsetopt.models`; "auto" is "compact" up to
        4,000 products and "mccormick" above.
    presolve : {"choose", "on", "off"}
    warm_start : bool
        Begin with a quick selection by `swap` or `tabu`, and never answer with less.

    Raises
    ------
    InvalidOption
        For another word.
    """

    formulation: _formulations.Linear = "auto"
    presolve: str = "choose"

    name: ClassVar[str] = "highs"
    summary: ClassVar[str] = "the papers' integer programs, by HiGHS"
    choose_when: ClassVar[str] = (
        "a floating-point solver under a free licence is to be compared with"
    )
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", *QUADRATIC_FAMILIES)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (HIGHSPY,)

    def __post_init__(self) -> None:
        super().__post_init__()
        _formulations.require_formulation(self.formulation, get_args(_formulations.Linear))
        if self.presolve not in ("choose", "on", "off"):
            raise InvalidOption(f"presolve is {self.presolve!r}; it is 'choose', 'on' or 'off'")

    def search(self, problem: Problem, limits: Limits, watch: Watch) -> RawResult:
        """Solve the model, passed in one call."""
        highspy = HIGHSPY.load()
        start = perf_counter()
        task = _formulations.task(problem, self.formulation)
        model = task.linear
        solver = highspy.Highs()
        options = self._options(limits, task.scale)
        for option, value in options.items():
            solver.setOptionValue(option, value)
        solver.passModel(native_model(highspy, model))
        if watch.start is not None:
            begin = highspy.HighsSolution()
            begin.col_value = task.point(watch.start).tolist()
            solver.setSolution(begin)
        built = perf_counter()
        late = watch.late(built - start)
        if late is not None:
            return late

        def read(
            termination: Termination, x: Any, bound: float, value: float, nodes: int
        ) -> RawResult:
            native = _backend.Native(
                termination=termination,
                x=None if x is None else np.array(x)[: model.selectors],
                bound=bound,
                tolerance=_tolerance(options, value, task),
                build_seconds=built - start,
                solve_seconds=perf_counter() - built,
                iterations=max(0, nodes),
            )
            return _backend.raw_result(problem, task.scale, native)

        def improved(event: Any) -> None:
            seen = event.data_out
            watch.report(
                read(
                    Termination.TIME_LIMIT,
                    seen.mip_solution,
                    seen.mip_dual_bound,
                    seen.objective_function_value,
                    seen.mip_node_count,
                )
            )

        if watch.listening:
            solver.cbMipImprovingSolution += improved
        seconds = _backend.seconds(watch.limits(limits))
        if seconds is not None:
            solver.setOptionValue("time_limit", float(seconds))
        solver.HandleUserInterrupt = True
        interrupted = interruptible(solver.run, solver.cancelSolve)
        info, status = solver.getInfo(), solver.getModelStatus()
        found = info.primal_solution_status == 2  # kSolutionStatusFeasible
        raw = read(
            _backend.termination(TERMINATIONS, status.name, limits, interrupted),
            solver.getSolution().col_value if found else None,
            info.mip_dual_bound,
            info.objective_function_value,
            info.mip_node_count,
        )
        watch.report(raw, final=True)
        return raw

    def _options(self, limits: Limits, scale: _backend.Scaled[Any]) -> dict[str, Any]:
        options: dict[str, Any] = {
            "output_flag": limits.log,
            "random_seed": limits.seed,
            "presolve": self.presolve,
        }
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


def _tolerance(
    options: dict[str, Any], objective: float, task: _formulations.BackendModel
) -> float:
    relative = options.get("mip_rel_gap", _RELATIVE_GAP) * min(abs(objective), 1e20)
    pruned = max(_FEASIBILITY, relative, options.get("mip_abs_gap", _ABSOLUTE_GAP))
    slack = _FEASIBILITY + (_DUAL + _DROPPED) * task.terms
    return float(pruned + slack * task.magnitude)
