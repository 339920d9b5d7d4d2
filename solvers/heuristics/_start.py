"""Warm starts: the selection a backend starts from, which its answer is never worse than."""

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidSelection, SubsetOptError
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching, Problem, QuadraticSelection
from subsetopt.solution import Termination
from subsetopt.solvers.base import RawResult, Solver

from .swap import Swap
from .tabu import Tabu

_LEAST_MOVES = 500
_MOST_MOVES = 50_000  # 0.12 s
_CONSTRAINED = 0.1  # of the moves where there are constraints: each takes ten times as long
_UNHURRIED = 2.0  # seconds: with a shorter limit the moves are fewer in proportion
_READ = 20_000_000  # entries of the matrix that the moves may read, n each: some 50 ms
_RESTARTS = 4
_LARGE = 50_000_000  # values of vectors that a sweep reads: above it a limit on time, not on rounds
_SHARE = 0.2  # of the time limit
_LONGEST = 1.0  # seconds


@dataclass(frozen=True)
class Start:
    """A quick selection.

    Parameters
    ----------
    indices : ndarray of int64
        Sorted.
    by : str
        The solver that it is from; empty if the caller gave it.
    interrupted : bool
        Ctrl-C came meanwhile.
    """

    indices: NDArray[np.int64]
    by: str = ""
    interrupted: bool = False


def quick(problem: Problem, limits: Limits) -> Start | None:
    """Return a good selection in little time; None where the heuristics cannot be had.

    The same for the same seed and time limit, but for vectors too large for a few sweeps.
    """
    first = given(limits)
    solver = _heuristic(problem, limits.time_limit or math.inf)
    if not kinds_of(problem) <= solver.takes:
        return first or _drawn(problem, limits)
    few = Limits(seed=limits.seed, threads=1, start=limits.start)
    if solver.name == "swap" and problem.n * problem.k * _dimension(problem) > _LARGE:
        seconds = _SHARE * (limits.time_limit or math.inf)
        few = replace(few, time_limit=min(seconds, _LONGEST))
    if not solver.availability():
        return None
    try:
        found = solver._solve(problem, few)
        if found.indices is None:
            return None
        chosen = problem.check(found.indices)
        interrupted = found.termination is Termination.INTERRUPTED
        if first and problem.objective(first.indices) <= problem.objective(chosen):
            return replace(first, interrupted=interrupted)
    except SubsetOptError:  # the backend can do without
        return None
    return Start(chosen, solver.name, interrupted)


def given(limits: Limits) -> Start | None:
    """Return the start that the caller gave."""
    return None if limits.start is None else Start(limits.start)


def _drawn(problem: Problem, limits: Limits) -> Start | None:
    """Return a random selection: at least there is an answer."""
    try:
        return Start(np.sort(problem.draw(np.random.default_rng(limits.seed))), "random")
    except InvalidSelection:
        return None


def kinds_of(problem: Any) -> frozenset[str]:
    """Return the kinds of constraints that a problem has, as solvers see it."""
    side = getattr(problem, "side", None)
    return frozenset() if side is None else frozenset(side.kinds)


def load(problem: Problem) -> None:
    """Load, and where that was never done compile, what `quick` needs: no part of the solving."""
    values: Any = getattr(problem, "values", None)
    if values is None:
        values = problem.quadratic_form().matrix  # type: ignore[attr-defined]
    _load(problem.family, values.dtype.char if values.dtype.kind == "f" else "d")


@cache
def _load(family: str, dtype: str) -> None:
    points = np.random.default_rng(0).normal(size=(24, 2)).astype(dtype)
    tiny: Problem
    if family in ("quadratic", "mmd"):
        tiny = QuadraticSelection(points @ points.T, k=4)
    else:
        tiny = MeanMatching(points[:, 0] if family == "mean-matching" else points, k=4)
    solver = _heuristic(tiny)
    if solver.availability():
        solver._solve(tiny, Limits())


def _heuristic(problem: Problem, seconds: float = math.inf) -> Solver:
    """Return the solver, with little to do: a count of moves, so that it is always the same."""
    if problem.family in ("quadratic", "mmd"):
        moves = min(_MOST_MOVES, _READ // problem.n) * min(1.0, seconds / _UNHURRIED)
        moves *= _CONSTRAINED if kinds_of(problem) else 1.0
        return Tabu(iterations=max(_LEAST_MOVES, int(moves)))
    return Swap(restarts=_RESTARTS)


def _dimension(problem: Any) -> int:
    values = problem.values
    return 1 if values.ndim == 1 else int(values.shape[1])


def not_below(problem: Problem, start: Start, raw: RawResult) -> RawResult:
    """Return the answer with the start as its selection where that is better, and say so."""
    note = "the selection is the start" + (f", by {start.by}" if start.by else "")
    if raw.indices is None:
        if raw.termination in (Termination.OPTIMAL, Termination.INFEASIBLE):
            raw = _refuted(raw)
        return _with(raw, start, note, None)
    value, claimed = problem.objective(start.indices), problem.objective(raw.indices)
    if value >= claimed:
        same = np.array_equal(np.sort(raw.indices), start.indices)
        return _with(raw, start, note, raw.eps) if same else raw
    if raw.bound is None:
        return _with(replace(raw, proven=False), start, note, raw.eps)
    bound = float(raw.bound)
    # What is left of eps is the tolerance of a claim, by which its bound may be too high.
    tolerance = 0.0 if raw.eps is None else raw.eps - max(0.0, claimed - bound)
    if bound - tolerance > value:
        return _with(_refuted(raw), start, note, None)
    apart = math.nextafter(max(0.0, value - bound) + tolerance, math.inf)
    eps = None if raw.eps is None else apart
    return _with(replace(raw, proven=False), start, note, eps)


def _with(raw: RawResult, start: Start, note: str, eps: float | None) -> RawResult:
    message = "; ".join(filter(None, (raw.message, note)))
    return replace(raw, indices=start.indices, eps=eps, message=message)


def _refuted(raw: RawResult) -> RawResult:
    """Return it without its claim, which a better selection disproves."""
    message = "; ".join(filter(None, (raw.message, "its claim is disproven by the start")))
    return replace(
        raw, termination=Termination.ERROR, bound=None, eps=None, proven=False, message=message
    )
