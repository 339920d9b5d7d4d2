"""CBC through OR-Tools' pywraplp: the solver and the interface of the paper's listing."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar, get_args

import numpy as np

from subsetopt._dependencies import OptionalDependency
from subsetopt.limits import Limits
from subsetopt.models import QUADRATIC_FAMILIES, LinearModel
from subsetopt.problems import Problem
from subsetopt.solution import Termination
from subsetopt.solvers.base import RawResult

from . import _backend, _formulations
from ._adapter import Adapter, Watch
from ._interrupts import interruptible

__all__ = ["Cbc"]

ORTOOLS = OptionalDependency("ortools", "ortools", ">=9.10")

_INCREMENT = 1e-5  # CBC looks only for solutions better than the incumbent by this much
_FEASIBILITY = 1e-7  # primal and dual tolerance of its simplex method
_INTEGRALITY = 1e-6  # of its search, and once more of its preprocessing
_RELATIVE_GAP = 1e-4  # the default of pywraplp
_LONGEST = 1e9  # seconds

TERMINATIONS = {
    0: Termination.OPTIMAL,
    1: Termination.TIME_LIMIT,  # FEASIBLE: stopped, with a solution
    2: Termination.INFEASIBLE,
    3: Termination.ERROR,  # UNBOUNDED, which these models are not
    4: Termination.ERROR,  # ABNORMAL
    5: Termination.ERROR,  # MODEL_INVALID
    6: Termination.TIME_LIMIT,  # NOT_SOLVED: stopped, without a solution
}


@dataclass(frozen=True, kw_only=True)
class Cbc(Adapter):
    """The published linear model, or a linearisation of a quadratic form, solved by CBC.

    Its word "optimal" is good for about 1e-5: it prunes what is not better than the incumbent by
    the cutoff increment, 1e-5, which pywraplp gives no way to change. `RawResult.eps` is that, the
    relative gap (1e-4 unless set), 1e-6 twice for integrality, and 1e-7 per variable (of
    quadratic problems: per term of a selection) for the tolerances of the simplex method. That is
    not always enough: on one in ten thousand small instances whose values differ by many orders
    of magnitude its optimum was off by 4e-5.

    pywraplp gives no way to stop a running CBC, which looks neither at Ctrl-C nor, for long, at
    its own limit, and tells of no solution on the way; nor does it hand a start to CBC. So problems
    of more than 12 candidates are solved in a process of its own, and where that has to be ended,
    or comes to something worse, the answer is the start.

    Parameters
    ----------
    formulation : {"auto", "published", "mccormick", "compact", "rlt"}
        The linear model of a quadratic problem, see `subsetopt.models`; "auto" is "compact" up to
        4,000 products and "mccormick" above.
    warm_start : bool
        Have a quick selection by `swap` or `tabu` ready, and never answer with less.

    Raises
    ------
    InvalidOption
        For another word.
    """

    formulation: _formulations.Linear = "auto"

    name: ClassVar[str] = "cbc"
    summary: ClassVar[str] = "the papers' integer programs, by CBC (through OR-Tools)"
    choose_when: ClassVar[str] = "the paper's own route is wanted, to compare with"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", *QUADRATIC_FAMILIES)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (ORTOOLS,)
    module: ClassVar[str] = "linear_solver.pywraplp"
    stoppable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _formulations.require_formulation(self.formulation, get_args(_formulations.Linear))

    def search(self, problem: Problem, limits: Limits, watch: Watch) -> RawResult:
        """Solve, as the listing of the paper does."""
        pywraplp = ORTOOLS.load(self.module)
        start = perf_counter()
        task = _formulations.task(problem, self.formulation)
        run = CbcRun(pywraplp, task.linear, limits)
        built = perf_counter()
        late = watch.late(built - start)
        if late is not None:
            return late
        run.keep(_backend.seconds(watch.limits(limits)))
        interrupted = interruptible(run, stop=_ends_by_itself)
        native = _backend.Native(
            termination=_termination(run, limits, interrupted),
            x=run.x(),
            bound=run.bound(),
            tolerance=_tolerance(run, task, limits),
            build_seconds=built - start,
            solve_seconds=perf_counter() - built,
            iterations=run.nodes(),
            notes=_not_honoured(limits),
        )
        raw = _backend.raw_result(problem, task.scale, native)
        watch.report(raw, final=True)
        return raw


def _ends_by_itself() -> None:
    """Do nothing: what cannot be stopped is small, or in a process that is ended from outside."""


class CbcRun:
    """One model in CBC, or another engine of pywraplp; called, it solves."""

    def __init__(
        self,
        pywraplp: Any,
        model: LinearModel,
        limits: Limits,
        engine: int | None = None,
    ) -> None:
        chosen = pywraplp.Solver.CBC_MIXED_INTEGER_PROGRAMMING if engine is None else engine
        self.solver = pywraplp.Solver(model.name, chosen)
        self.variables = _load(self.solver, model)
        self.selectors = model.selectors
        self.parameters = pywraplp.MPSolverParameters()
        self.status: int | None = None
        # -- limits; threads, seed and absolute gap are out of pywraplp's reach
        if limits.gap is not None:
            gap = _backend.finite(limits.gap)
            self.parameters.SetDoubleParam(self.parameters.RELATIVE_MIP_GAP, gap)
        if limits.log:
            self.solver.EnableOutput()

    def keep(self, seconds: float | None) -> None:
        """Limit the time, which it counts in processor seconds."""
        if seconds is not None:
            self.solver.SetTimeLimit(max(1, int(min(seconds, _LONGEST) * 1000)))  # 0 is no limit

    def __call__(self) -> None:
        """Solve it."""
        self.status = self.solver.Solve(self.parameters)

    @property
    def solved(self) -> bool:
        """Whether there is a solution."""
        return self.status in (0, 1)

    def x(self) -> np.ndarray[Any, np.dtype[np.float64]] | None:
        """Return the selectors of the best solution."""
        if not self.solved:
            return None
        return np.array([v.solution_value() for v in self.variables[: self.selectors]])

    def objective(self) -> float:
        """Return its objective."""
        return float(self.solver.Objective().Value()) if self.solved else 0.0

    def bound(self) -> float | None:
        """Return the dual bound."""
        return float(self.solver.Objective().BestBound()) if self.solved else None

    def nodes(self) -> int | None:
        """Return how many nodes were searched."""
        return int(self.solver.nodes()) if self.status is not None else None


def _load(solver: Any, model: LinearModel) -> list[Any]:
    """Build `model` in `solver` by the calls with the least overhead; return the variables."""
    infinity = solver.infinity()
    bounds = [np.clip(b, -infinity, infinity).tolist() for b in (model.lower, model.upper)]
    kinds = model.integer.tolist()
    variables = [
        solver.Var(low, high, integer, name)
        for low, high, integer, name in zip(*bounds, kinds, model.variable_names, strict=True)
    ]
    for i, name in enumerate(model.row_names):
        row = solver.Constraint(float(model.row_lower[i]), float(model.row_upper[i]), name)
        for column, coefficient in zip(*(part.tolist() for part in model.rows.row(i)), strict=True):
            row.SetCoefficient(variables[column], coefficient)
    objective = solver.Objective()
    for column in np.flatnonzero(model.objective).tolist():
        objective.SetCoefficient(variables[column], float(model.objective[column]))
    objective.SetMinimization()
    return variables


def _termination(run: CbcRun, limits: Limits, interrupted: bool) -> Termination:
    found = _backend.termination(TERMINATIONS, run.status, limits, interrupted)
    if found is Termination.INFEASIBLE and limits.time_limit is not None:
        # Its word as well when the time is up before the first relaxation is solved; and whether
        # any selection is feasible has been decided before.
        return Termination.INTERRUPTED if interrupted else Termination.TIME_LIMIT
    return found


def _tolerance(run: CbcRun, task: _formulations.BackendModel, limits: Limits) -> float:
    gap = _RELATIVE_GAP if limits.gap is None else limits.gap
    slack = (2 * _INTEGRALITY + _FEASIBILITY * task.terms) * task.magnitude
    return _INCREMENT + gap * abs(run.objective()) + slack


def _not_honoured(limits: Limits) -> tuple[str, ...]:
    notes = []
    if limits.absolute_gap is not None:
        notes.append("absolute_gap not honoured: CBC's is fixed here")
    if limits.seed:
        notes.append("seed not honoured: CBC is deterministic here")
    if limits.threads is not None and limits.threads > 1:
        notes.append("threads not honoured: CBC is built without them")
    return tuple(notes)
