"""SCIP through PySCIPOpt."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar, get_args

import numpy as np

from subsetopt._checks import require_flag
from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption
from subsetopt.limits import Limits
from subsetopt.models import QUADRATIC_FAMILIES, LinearModel, QuadraticForm, QuadraticModel
from subsetopt.problems import MeanMatching, Problem
from subsetopt.solution import Termination
from subsetopt.solvers.base import RawResult

from . import _backend, _exact_scip, _formulations, _scip_models
from ._adapter import Adapter, Watch
from ._interrupts import interruptible

__all__ = ["Scip"]

PYSCIPOPT = OptionalDependency("pyscipopt", "pyscipopt", ">=5")

_FEASIBILITY = 1e-6  # numerics/feastol
_SUM = 1e-6  # numerics/sumepsilon
_DUAL = 1e-7  # numerics/dualfeastol
_ZERO = 1e-9  # numerics/epsilon: smaller coefficients are taken for zero

TERMINATIONS = {
    "optimal": Termination.OPTIMAL,
    "gaplimit": Termination.OPTIMAL,  # the gap that was asked for; it is counted in eps
    "timelimit": Termination.TIME_LIMIT,
    "nodelimit": Termination.ITERATION_LIMIT,
    "totalnodelimit": Termination.ITERATION_LIMIT,
    "stallnodelimit": Termination.ITERATION_LIMIT,
    "restartlimit": Termination.ITERATION_LIMIT,
    "sollimit": Termination.ITERATION_LIMIT,
    "bestsollimit": Termination.ITERATION_LIMIT,
    "userinterrupt": Termination.INTERRUPTED,
    "terminate": Termination.INTERRUPTED,
    "infeasible": Termination.INFEASIBLE,
    "unbounded": Termination.ERROR,
    "inforunbd": Termination.ERROR,
    "memlimit": Termination.ERROR,
}


@dataclass(frozen=True, kw_only=True)
class Scip(Adapter):
    """The published linear model, a quadratic one, or a linearisation of it, solved by SCIP.

    `RawResult.eps` is the distance from its dual bound to the objective of the selection, its
    tolerances on feasibility and on sums (1e-6 each), and per variable 1e-7 for reduced costs and
    1e-9 for coefficients that it takes for zero. For vectors a residual may be off by as much,
    which moves its square by twice the residual times that. Quadratic problems count the terms of
    a selection instead of the variables. Changed tolerances are not counted.

    Parameters
    ----------
    formulation : {"auto", "iqp", "iqp-folded", "factored", "published", "mccormick", "compact", \
"rlt"}
        The model of a quadratic problem, see `subsetopt.models`; "auto" is "factored" where the
        matrix is known to be positive semidefinite, as of MMD, else "rlt" up to 4,000 products and
        "iqp" above, and for vectors the model in residuals. SCIP itself takes the square of a
        binary for the binary and products of binaries apart, so that "iqp", convex or not, and
        "iqp-folded" become the same before it begins to search.
    parameters : mapping or tuple of (name, value)
        SCIP's own, for instance ``{"limits/nodes": 1000}``; they win over the limits. Of its
        defaults one is changed: "presolving/maxrestarts" is 0, because a good start fixes so many
        variables that SCIP begins again and again.
    exact_arithmetic : bool
        Solve a linear model in rational numbers, by a SCIP >= 10 that was built for it: the wheels
        of PySCIPOpt are not, and `MissingDependency` says what to build. "auto" is "rlt" then. SCIP
        reads the shortest decimals of the coefficients; `RawResult.eps` counts these roundings, and
        no tolerance. No start is handed over, but the answer is never worse than it. With
        ``parameters={"certificate/filename": FILE}`` SCIP writes a certificate in VIPR's format.
    warm_start : bool
        Begin with a quick selection by `swap` or `tabu`, and never answer with less.
    """

    formulation: _formulations.Quadratic = "auto"
    parameters: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()
    exact_arithmetic: bool = False

    name: ClassVar[str] = "scip"
    summary: ClassVar[str] = "the papers' integer programs, linear and quadratic, by SCIP"
    choose_when: ClassVar[str] = (
        "vectors or a quadratic are to be solved to proven optimality, or SCIP compared with"
    )
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", *QUADRATIC_FAMILIES)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (PYSCIPOPT,)

    def __post_init__(self) -> None:
        super().__post_init__()
        _formulations.require_formulation(self.formulation, get_args(_formulations.Quadratic))
        require_flag("exact_arithmetic", self.exact_arithmetic)
        if self.exact_arithmetic:
            _exact_scip.require_linear(self.formulation)
        try:
            pairs = tuple(dict(self.parameters).items())
        except (TypeError, ValueError) as error:
            raise InvalidOption(
                f"parameters must be a mapping of SCIP's names to values; got {self.parameters!r}"
            ) from error
        object.__setattr__(self, "parameters", pairs)

    def search(self, problem: Problem, limits: Limits, watch: Watch) -> RawResult:
        """Solve the model that suits the problem, or the one asked for."""
        pyscipopt = PYSCIPOPT.load()
        start = perf_counter()
        task = self._task(problem)
        solver = pyscipopt.Model()
        self._configure(solver, limits, task.scale)
        exact = self.exact_arithmetic
        if exact:
            variables = _exact_scip.read(solver, task.linear)
        else:
            variables = _scip_models.load(pyscipopt, solver, task.model)
        if watch.start is not None and not exact:
            _set_start(solver, task, variables, task.point(watch.start))
        built = perf_counter()
        late = watch.late(built - start)
        if late is not None:
            return late

        def read(termination: Termination) -> RawResult:
            x = None
            if solver.getNSols():
                best, selectors = solver.getBestSol(), variables[: task.linear.selectors]
                x = np.array([solver.getSolVal(best, v) for v in selectors])
            bound = solver.getDualbound()
            native = _backend.Native(
                termination=termination,
                x=x,
                bound=bound,
                tolerance=_exact_scip.tolerance(task, bound)
                if exact
                else _tolerance(task, solver.getPrimalbound()),
                build_seconds=built - start,
                solve_seconds=perf_counter() - built,
                iterations=int(solver.getNTotalNodes()),
                notes=_not_honoured(limits),
            )
            return _backend.raw_result(problem, task.scale, native)

        if watch.listening:
            _report_improvements(
                pyscipopt, solver, lambda: watch.report(read(Termination.TIME_LIMIT))
            )
        seconds = _backend.seconds(watch.limits(limits))
        if seconds is not None and "limits/time" not in dict(self.parameters):
            solver.setParam("limits/time", float(seconds))
        interrupted = interruptible(solver.optimizeNogil, solver.interruptSolve)
        status = solver.getStatus()
        raw = read(_backend.termination(TERMINATIONS, status, limits, interrupted))
        watch.report(raw, final=True)
        return raw

    def products(self, problem: Problem) -> int:
        """Return how many products the model has: none where it is in residuals."""
        in_residuals = self.formulation == "auto" and isinstance(problem, MeanMatching)
        return 0 if in_residuals and not self.exact_arithmetic else super().products(problem)

    def _task(self, problem: Problem) -> _formulations.BackendModel:
        if self.exact_arithmetic:
            scalars = isinstance(problem, MeanMatching) and problem.values.ndim == 1
            exactly = "rlt" if self.formulation == "auto" and not scalars else self.formulation
            return _formulations.task(problem, exactly)
        if self.formulation == "auto" and isinstance(problem, MeanMatching):
            return _formulations.mean_matching_task(problem, "auto")
        formulation: str = self.formulation
        if formulation == "auto" and not isinstance(problem, MeanMatching):
            form: QuadraticForm = problem.quadratic_form()  # type: ignore[attr-defined]
            loose = _formulations.automatic(form.n, "rlt", "iqp")
            formulation = "factored" if form.semidefinite else loose
        return _formulations.task(problem, formulation)

    def _configure(self, solver: Any, limits: Limits, scale: _backend.Scaled[Any]) -> None:
        settings: dict[str, Any] = {
            "misc/catchctrlc": False,  # it would print; Ctrl-C is seen to here
            "randomization/randomseedshift": limits.seed,
            "presolving/maxrestarts": 0,
        }
        if limits.gap is not None:
            settings["limits/gap"] = float(_backend.finite(limits.gap))
        if limits.absolute_gap is not None:
            settings["limits/absgap"] = scale.lower_width(limits.absolute_gap)
        if not limits.log:
            solver.hideOutput()
        if self.exact_arithmetic:
            _exact_scip.enable(solver)
        for name, value in settings.items():
            solver.setParam(name, value)
        for name, value in dict(self.parameters).items():
            try:
                solver.setParam(name, value)
            except (KeyError, ValueError, TypeError, LookupError) as error:
                raise InvalidOption(f"SCIP refuses {name} = {value!r}: {error}") from error


def _set_start(
    solver: Any, task: _formulations.BackendModel, variables: list[Any], x: np.ndarray[Any, Any]
) -> None:
    """Give it the solution x of the model; what is not named is 0."""
    begin = solver.createOrigSol()
    for i in np.flatnonzero(x).tolist():
        solver.setSolVal(begin, variables[i], float(x[i]))
    if isinstance(task.model, QuadraticModel):
        z = next(v for v in solver.getVars() if v.name == "z")
        solver.setSolVal(begin, z, task.model.value(x) - float(task.linear.objective @ x))
    solver.addSol(begin)


def _report_improvements(pyscipopt: Any, solver: Any, tell: Callable[[], object]) -> None:
    """Have `tell` called whenever a better solution is there."""

    class Improvements(pyscipopt.Eventhdlr):  # type: ignore[misc]
        def eventinit(self) -> None:
            self.model.catchEvent(pyscipopt.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexit(self) -> None:
            self.model.dropEvent(pyscipopt.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexec(self, event: object) -> None:
            tell()

    solver.includeEventhdlr(Improvements(), "improvements", "tells of better solutions")


def _tolerance(task: _formulations.BackendModel, objective: float) -> float:
    error = (_FEASIBILITY + _SUM + (_DUAL + _ZERO) * task.terms) * task.magnitude
    d = task.linear.variables - task.linear.selectors
    if isinstance(task.model, LinearModel) or d == 0:
        return error
    # Of a model in residuals or factors each of the d may be off; rows of factors end at 0.
    off = error if task.linear.factors is None else _FEASIBILITY + _SUM + _ZERO * task.terms
    costs = task.linear.objective[: task.linear.selectors]
    lowest = float(np.sort(costs)[: int(task.linear.row_upper[0])].sum())
    length = math.sqrt(max(0.0, min(objective - lowest, 1e20)))
    return error + 2 * length * math.sqrt(d) * off + d * off**2


def linear_tolerance(model: LinearModel) -> float:
    """Return how far SCIP's bound on a linearisation of a form may be too high."""
    k = float(model.row_upper[0])
    magnitude = max(1.0, float(np.abs(model.objective).max()))
    return (_FEASIBILITY + _SUM + (_DUAL + _ZERO) * k * (k + 1)) * magnitude


def _not_honoured(limits: Limits) -> tuple[str, ...]:
    if limits.threads is not None and limits.threads > 1:
        return ("threads not honoured: SCIP solves with one",)
    return ()
