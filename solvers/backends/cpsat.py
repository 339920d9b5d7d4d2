"""CP-SAT through OR-Tools: the model in integers."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from time import perf_counter
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_integer
from subsetopt._dependencies import OptionalDependency
from subsetopt.limits import Limits
from subsetopt.models import QUADRATIC_FAMILIES
from subsetopt.problems import MeanMatching, Problem
from subsetopt.solution import Termination
from subsetopt.solvers.base import RawResult

from . import _backend, _formulations
from ._adapter import Adapter, Watch
from ._integer_forms import COARSE_BITS, COMFORTABLE, FormGrid, add_side
from ._interrupts import interruptible

__all__ = ["CpSat"]

_ORTOOLS = OptionalDependency("ortools", "ortools", ">=9.10")

_TERMINATIONS = {
    0: Termination.TIME_LIMIT,  # UNKNOWN: stopped, without a solution
    1: Termination.ERROR,  # MODEL_INVALID
    2: Termination.TIME_LIMIT,  # FEASIBLE: stopped, with a solution
    3: Termination.INFEASIBLE,
    4: Termination.OPTIMAL,
}


@dataclass(frozen=True, kw_only=True)
class CpSat(Adapter):
    r"""The published model, or a linearisation of a quadratic form, in integers, by CP-SAT.

    Binary floats are integers times a power of two. With values :math:`v_i` on that grid and the
    sum wanted at :math:`p / q`, it minimises :math:`|p - q \sum_i m_i v_i|`. Where these numbers
    stay below :math:`2^{60}` nothing is rounded and an optimum is proven; else values and target
    are rounded to a coarser grid, and `RawResult.eps` counts half a step for each chosen value and
    for the target. The entries of a quadratic form are taken to integers in the same way, with
    half a step for each of the k (k + 1) / 2 terms of a selection.

    More than one thread makes it search in no fixed order: the same seed gives the same selection
    only with ``threads=1``.

    Parameters
    ----------
    formulation : {"auto", "published", "mccormick", "compact", "rlt"}
        The linear model of a quadratic problem, see `subsetopt.models`; "auto" is "compact". All
        variables are binary here.
    bits : int, optional
        Round to a grid on which all magnitudes sum to less than ``2**bits``, 4 <= bits <= 58; the
        proof gets cheaper and weaker. None rounds, to 40 bits, only where it must.
    warm_start : bool
        Begin with a quick selection by `swap` or `tabu`, and never answer with less.

    Raises
    ------
    InvalidOption
        For `bits` outside its range.
    """

    formulation: _formulations.Linear = "auto"
    bits: int | None = None

    name: ClassVar[str] = "cpsat"
    summary: ClassVar[str] = "the papers' integer programs in exact integers, by CP-SAT"
    choose_when: ClassVar[str] = (
        "a proof in integers by an independent solver is wanted, n up to 30"
    )
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", *QUADRATIC_FAMILIES)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (_ORTOOLS,)
    module: ClassVar[str] = "sat.python.cp_model"

    def __post_init__(self) -> None:
        super().__post_init__()
        _formulations.require_formulation(self.formulation, get_args(_formulations.Linear))
        require_integer("bits", self.bits, "[4, 58]", none=True)

    def search(self, problem: Problem, limits: Limits, watch: Watch) -> RawResult:
        """Solve on the problem's own grid, or a coarser one."""
        cp_model = _ORTOOLS.load(self.module)
        start = perf_counter()
        grid: _Grid | FormGrid
        scale: _backend.Scaled[Any]
        if isinstance(problem, MeanMatching) and problem.values.ndim == 1:
            _formulations.require_formulation(self.formulation, ("auto",))
            grid, scale = _grid(problem, self.bits), _backend.Scaled(problem)
            model, chosen = _model(cp_model, problem, grid, watch.start)
        else:
            grid = FormGrid.of(problem, self.formulation, self.bits)
            scale = _backend.Scaled(grid.form)
            model, chosen = grid.model(cp_model, watch.start)
        solver = cp_model.CpSolver()
        _configure(solver.parameters, limits, grid.unit)
        built = perf_counter()
        late = watch.late(built - start)
        if late is not None:
            return late

        def read(termination: Termination, x: Any, bound: int | None, branches: int) -> RawResult:
            native = _backend.Native(
                termination=termination,
                x=x,
                bound=None,
                tolerance=0.0,
                build_seconds=built - start,
                solve_seconds=perf_counter() - built,
                iterations=branches,
                notes=(grid.note,),
            )
            raw = _backend.raw_result(problem, scale, native)
            return _with_bound(raw, problem, grid, bound)

        class ImprovementCallback(cp_model.CpSolverSolutionCallback):  # type: ignore[misc, name-defined]
            def on_solution_callback(self) -> None:
                x = np.array([self.value(v) for v in chosen], np.float64)
                watch.report(read(Termination.TIME_LIMIT, x, None, self.num_branches))

        seconds = _backend.seconds(watch.limits(limits))
        if seconds is not None:
            solver.parameters.max_time_in_seconds = float(seconds)
        listener = ImprovementCallback() if watch.listening else None
        statuses: list[Any] = []
        interrupted = interruptible(
            lambda: statuses.append(solver.solve(model, listener)), solver.stop_search
        )
        code = int(statuses[0])
        found = code in (2, 4)
        raw = read(
            _backend.termination(_TERMINATIONS, code, limits, interrupted),
            np.array([solver.value(v) for v in chosen], np.float64) if found else None,
            int(solver.response_proto.inner_objective_lower_bound) if found else None,
            int(solver.num_branches),
        )
        watch.report(raw, final=True)
        return raw


@dataclass(frozen=True)
class _Grid:
    """The problem in integers.

    Its objective is ``|wanted - factor * sum| * unit + offset``, up to `error`.
    """

    values: list[int]
    wanted: int
    factor: int
    unit: Fraction
    offset: Fraction
    error: Fraction
    note: str

    exact: ClassVar[bool] = True
    least: ClassVar[int] = 0

    @property
    def total(self) -> int:
        return self.factor * sum(map(abs, self.values)) + abs(self.wanted)


def _grid(problem: MeanMatching, bits: int | None) -> _Grid:
    """Return the problem on its own grid where it fits, else on a coarser one."""
    values = problem.grid.whole_numbers()
    wanted, beyond = _backend.reachable_target(problem)
    step = Fraction(2) ** problem.grid.exponent / problem.k  # of the objective, per unit of a sum
    fine = _Grid(
        values,
        wanted.numerator,
        wanted.denominator,
        step / wanted.denominator,
        beyond * step,
        Fraction(0),
        "values scaled to integers without rounding",
    )
    total = sum(map(abs, values))
    if fine.total < COMFORTABLE and (bits is None or total < 2**bits):
        return fine
    shift = max(0, total.bit_length() - (bits or COARSE_BITS))
    coarse = step * 2**shift
    error = coarse * Fraction(problem.k + 1, 2)
    half = Fraction(problem.k) * coarse / 2
    return _Grid(
        [round(Fraction(value, 2**shift)) for value in values],
        round(wanted / 2**shift),
        1,
        coarse,
        fine.offset,
        error,
        f"values rounded to multiples of {float(2 * half):.3g}, by {float(half):.3g} at most: "
        f"{float(error):.3g} on the objective",
    )


def _model(
    cp_model: Any, problem: MeanMatching, grid: _Grid, start: NDArray[np.int64] | None
) -> tuple[Any, list[Any]]:
    model = cp_model.CpModel()
    chosen = [model.new_bool_var(f"m{i}") for i in range(problem.n)]
    error = model.new_int_var(0, grid.total, "u")
    weights = [grid.factor * value for value in grid.values]
    total = cp_model.LinearExpr.weighted_sum(chosen, weights)
    model.add(total + error >= grid.wanted)
    model.add(total - error <= grid.wanted)
    count = cp_model.LinearExpr.sum(chosen)
    model.add_linear_constraint(count, problem.smallest_count, problem.k)
    add_side(cp_model, model, chosen, problem.side)
    model.minimize(error)
    if start is not None:
        selected = set(start.tolist())
        for i, variable in enumerate(chosen):
            model.add_hint(variable, i in selected)
        reached = grid.factor * sum(grid.values[i] for i in selected)
        model.add_hint(error, abs(grid.wanted - reached))
    return model, chosen


def _configure(parameters: Any, limits: Limits, unit: Fraction) -> None:
    parameters.catch_sigint_signal = False  # Ctrl-C is seen to here
    # Else its presolve (9.15) cuts off all optima of one small instance in two hundred with a wide
    # range of values, or never ends: something in the reductions by dominance that this turns off.
    parameters.keep_all_feasible_solutions_in_presolve = True
    parameters.random_seed = limits.seed
    parameters.log_search_progress = limits.log
    # Its own default, 1e-4, is less than one unit, but not once doubles have rounded large ones.
    parameters.absolute_gap_limit = 0.0
    if limits.gap is not None:
        parameters.relative_gap_limit = float(_backend.finite(limits.gap))
    if limits.absolute_gap is not None:
        units = Fraction(_backend.finite(limits.absolute_gap)) / unit
        parameters.absolute_gap_limit = float(min(units, Fraction(COMFORTABLE)))
    if limits.threads is not None:
        parameters.num_workers = limits.threads


def _with_bound(
    raw: RawResult, problem: Problem, grid: "_Grid | FormGrid", lowest: int | None
) -> RawResult:
    """Add the bound, its distance and whether it proves the optimum, all in exact numbers."""
    if lowest is None or raw.indices is None:
        return raw
    bound = max(grid.least, lowest) * grid.unit + grid.offset
    value = problem.exact_objective(raw.indices)
    value = Fraction(problem.objective(raw.indices)) if value is None else value
    apart = max(Fraction(0), value - bound)
    proven = grid.exact and grid.error == 0 and apart == 0
    eps = None
    if raw.termination is Termination.OPTIMAL:
        eps = 0.0 if proven else math.nextafter(float(apart + grid.error), math.inf)
    else:
        bound -= grid.error
    return replace(raw, bound=bound, eps=eps, proven=proven)
