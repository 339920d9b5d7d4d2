"""CP-SAT through OR-Tools: the model in integers."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from time import perf_counter
from typing import Any, ClassVar

import numpy as np

from subsetopt.errors import InvalidOption
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solution import Termination

from . import _backend
from ._interrupts import interruptible
from .base import Answer, Kind, Requirement, Solver

_ORTOOLS = Requirement("ortools", "ortools", ">=9.10")

_COMFORTABLE = 2**60  # CP-SAT refuses models whose sums may pass 2**63
_COARSE_BITS = 40

_TERMINATIONS = {
    0: Termination.TIME_LIMIT,  # UNKNOWN: stopped, without a solution
    1: Termination.ERROR,  # MODEL_INVALID
    2: Termination.TIME_LIMIT,  # FEASIBLE: stopped, with a solution
    3: Termination.INFEASIBLE,
    4: Termination.OPTIMAL,
}


@dataclass(frozen=True, kw_only=True)
class CpSat(Solver):
    r"""The published model in integers, solved by CP-SAT.

    Binary floats are integers times a power of two. With values :math:`v_i` on that grid and the
    sum wanted at :math:`p / q`, it minimises :math:`|p - q \sum_i m_i v_i|`. Where these numbers
    stay below :math:`2^{60}` nothing is rounded and an optimum is proven; else values and target
    are rounded to a coarser grid, and `Answer.eps` counts half a step for each chosen value and
    for the target.

    More than one thread makes it search in no fixed order: the same seed gives the same selection
    only with ``threads=1``.

    Parameters
    ----------
    bits : int, optional
        Round to a grid on which all magnitudes sum to less than ``2**bits``, 4 <= bits <= 58; the
        proof gets cheaper and weaker. None rounds, to 40 bits, only where it must.

    Raises
    ------
    InvalidOption
        For `bits` outside its range.
    """

    bits: int | None = None

    name: ClassVar[str] = "cpsat"
    kind: ClassVar[Kind] = Kind.BACKEND
    summary: ClassVar[str] = "the paper's integer programme in exact integers, by CP-SAT"
    choose_when: ClassVar[str] = (
        "a proof in integers by an independent solver is wanted, n up to 30"
    )
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)
    requires: ClassVar[tuple[Requirement, ...]] = (_ORTOOLS,)
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole = isinstance(self.bits, int) and not isinstance(self.bits, bool)
        if self.bits is not None and not (whole and 4 <= self.bits <= 58):
            raise InvalidOption(f"bits is {self.bits!r}; a whole number 4..58 or None is needed")

    def answer(self, problem: MeanMatching, limits: Limits) -> Answer:
        """Solve on the problem's own grid, or a coarser one."""
        cp_model = _ORTOOLS.load("sat.python.cp_model")
        start = perf_counter()
        grid = _grid(problem, self.bits)
        model, chosen = _model(cp_model, problem, grid)
        solver = cp_model.CpSolver()
        _configure(solver.parameters, limits, problem, grid)
        built = perf_counter()
        statuses: list[Any] = []
        interrupted = interruptible(
            lambda: statuses.append(solver.solve(model)), solver.stop_search
        )
        solved = perf_counter()
        code = int(statuses[0])
        x = np.array([solver.value(v) for v in chosen], np.float64) if code in (2, 4) else None
        lowest = int(solver.response_proto.inner_objective_lower_bound) if code in (2, 4) else None
        native = _backend.Native(
            termination=_backend.termination(_TERMINATIONS, code, limits, interrupted),
            x=x,
            bound=None,
            tolerance=0.0,
            build_seconds=built - start,
            solve_seconds=solved - built,
            iterations=int(solver.num_branches),
            notes=(grid.note,),
        )
        answer = _backend.to_answer(problem, _backend.Scaled(problem), native)
        return _with_bound(answer, problem, grid, lowest)


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
    if fine.total < _COMFORTABLE and (bits is None or total < 2**bits):
        return fine
    shift = max(0, total.bit_length() - (bits or _COARSE_BITS))
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


def _model(cp_model: Any, problem: MeanMatching, grid: _Grid) -> tuple[Any, list[Any]]:
    model = cp_model.CpModel()
    chosen = [model.new_bool_var(f"m{i}") for i in range(problem.n)]
    error = model.new_int_var(0, grid.total, "u")
    weights = [grid.factor * value for value in grid.values]
    total = cp_model.LinearExpr.weighted_sum(chosen, weights)
    model.add(total + error >= grid.wanted)
    model.add(total - error <= grid.wanted)
    count = cp_model.LinearExpr.sum(chosen)
    model.add_linear_constraint(count, problem.smallest_count, problem.k)
    model.minimize(error)
    return model, chosen


def _configure(parameters: Any, limits: Limits, problem: MeanMatching, grid: _Grid) -> None:
    parameters.catch_sigint_signal = False  # Ctrl-C is seen to here
    parameters.random_seed = limits.seed
    parameters.log_search_progress = limits.log
    # Its own default, 1e-4, is less than one unit, but not once doubles have rounded large ones.
    parameters.absolute_gap_limit = 0.0
    seconds = _backend.seconds(limits)
    if seconds is not None:
        parameters.max_time_in_seconds = float(seconds)
    if limits.gap is not None:
        parameters.relative_gap_limit = float(_backend.finite(limits.gap))
    if limits.absolute_gap is not None:
        units = Fraction(_backend.finite(limits.absolute_gap)) / grid.unit
        parameters.absolute_gap_limit = float(min(units, Fraction(_COMFORTABLE)))
    if limits.threads is not None:
        parameters.num_workers = limits.threads


def _with_bound(answer: Answer, problem: MeanMatching, grid: _Grid, lowest: int | None) -> Answer:
    """Add the bound, its distance and whether it proves the optimum, all in exact numbers."""
    if lowest is None or answer.indices is None:
        return answer
    bound = max(0, lowest) * grid.unit + grid.offset
    apart = max(Fraction(0), problem.exact_objective(answer.indices) - bound)
    proven = grid.error == 0 and apart == 0
    eps = None
    if answer.termination is Termination.OPTIMAL:
        eps = 0.0 if proven else math.nextafter(float(apart + grid.error), math.inf)
    else:
        bound -= grid.error
    return replace(answer, bound=bound, eps=eps, proven=proven)
