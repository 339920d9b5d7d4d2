"""Constraint handling around a solver: presolve, feasible start, postsolve."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt import _rounding
from subsetopt._clock import CLOCK
from subsetopt.errors import InvalidResult, InvalidSelection
from subsetopt.limits import Limits
from subsetopt.models import SideConstraints
from subsetopt.models._side_constraints import side_of
from subsetopt.problems import Problem, _validation
from subsetopt.problems._reduction import Reduction, reduced
from subsetopt.solution import Termination

from . import _feasibility
from ._deadline import Deadline, OutOfTime
from ._feasibility import Feasibility
from .base import Kind, RawResult, Solver
from .heuristics._start import Start, not_below

Ask = Callable[[Problem, Solver, Limits], RawResult]


@dataclass(frozen=True)
class _Begun:
    """A selection to begin with, of what is left of a problem."""

    indices: NDArray[np.int64] | None
    note: str = ""
    infeasible: bool = False


def kinds(problem: Any) -> frozenset[str]:
    """Return the kinds of constraints that a solver of a problem has to take; O(n) once."""
    reduction = reduced(problem)
    if reduction is not None:
        problem = None if reduction.left is None else reduction.left.problem
    side = side_of(problem)
    return frozenset() if side is None else side.kinds


def solved(
    problem: Any, solver: Solver, limits: Limits, start: ArrayLike | None, ask: Ask
) -> RawResult:
    """Return what a solver says of a problem with constraints, or with a start.

    Parameters
    ----------
    problem : Problem
    solver : Solver
        That takes the kinds of constraints there are.
    limits : Limits
    start : array_like of int or None
        Candidates of the problem; as many and as good as may be.
    ask : callable
        Asks the solver.
    """
    begun = CLOCK.now()
    reduction = reduced(problem)
    if reduction is not None and reduction.left is None:
        note = "the constraints leave one selection"
        return RawResult(
            indices=reduction.taken, termination=Termination.OPTIMAL, proven=True, message=note
        )
    if reduction is None:
        left: Any = problem
    else:
        assert reduction.left is not None
        left = reduction.left.problem
    try:
        begin = _begin(problem, left, reduction, start, limits)
    except (OutOfTime, KeyboardInterrupt) as end:
        return _without_start(end, CLOCK.now() - begun)
    if begin.infeasible:
        return _infeasible(CLOCK.now() - begun)
    if begin.indices is None and solver.kind is not Kind.BACKEND and not _is_counted(left):
        return _without_start(OutOfTime(), CLOCK.now() - begun)
    rest = replace(limits, start=begin.indices)
    if reduction is not None:
        solver = solver.in_units(1 / reduction.left.factor)  # type: ignore[union-attr]
    if limits.time_limit is not None:
        rest = replace(rest, time_limit=max(1e-6, limits.time_limit - (CLOCK.now() - begun)))
    if reduction is not None and limits.absolute_gap is not None:
        factor = reduction.left.factor  # type: ignore[union-attr]
        rest = replace(rest, absolute_gap=float(Fraction(limits.absolute_gap) / factor))
    if reduction is not None and limits.proof is not None:
        limits.proof.among(reduction.free, reduction.taken, reduction.left.factor)  # type: ignore[union-attr]
    raw = ask(left, solver, rest)
    if raw.indices is not None:
        _require_selection(left, solver, raw)
    if begin.indices is not None and (start is not None or raw.indices is None):
        raw = not_below(left, Start(begin.indices), raw)
    raw = raw if reduction is None else _lifted(problem, reduction, raw)
    return replace(raw, message="; ".join(filter(None, (begin.note, raw.message))))


def _is_counted(left: Any) -> bool:
    """Return whether counting tells that some selection is feasible."""
    side = side_of(left)
    return side is None or side.decided_by_counting


def _without_start(end: BaseException, seconds: float) -> RawResult:
    """Return no answer: nothing feasible was found before the end."""
    late = isinstance(end, OutOfTime)
    return RawResult(
        indices=None,
        termination=Termination.TIME_LIMIT if late else Termination.INTERRUPTED,
        solve_seconds=seconds,
        message="no selection that keeps all constraints was found, and none was ruled out",
    )


def _require_selection(left: Problem, solver: Solver, raw: RawResult) -> None:
    try:
        left.check(raw.indices)  # type: ignore[arg-type]
    except InvalidSelection as error:
        raise InvalidResult(
            f"solver {solver.name!r} returned no valid selection: {error}"
        ) from error


# -- to begin with --------------------------------------------------------------------------------


def _begin(
    problem: Any,
    left: Any,
    reduction: Reduction | None,
    start: ArrayLike | None,
    limits: Limits,
) -> _Begun:
    """Return the start, made feasible; where counting does not see it, whether there is any."""
    side = side_of(left)
    if start is None:
        return _any(left, side, limits)
    given = _validation.selection(start, problem.n, 0, problem.n)
    try:
        problem.check(given)
    except InvalidSelection as broken:
        return _repaired(left, side, given, reduction, limits, str(broken))
    return _Begun(given if reduction is None else reduction.lowered(given))


def _any(left: Any, side: SideConstraints | None, limits: Limits) -> _Begun:
    """Return some selection where counting does not tell whether there is any."""
    if side is None or side.decided_by_counting:
        return _Begun(None)
    try:
        return _Begun(np.sort(left.draw(np.random.default_rng(limits.seed))))
    except InvalidSelection:  # few are feasible, or none
        found = _in_time(partial(_feasibility.some, side, limits.seed), limits)
        return _Begun(found.indices, infeasible=found.infeasible)


def _repaired(
    left: Any,
    side: SideConstraints | None,
    given: NDArray[np.int64],
    reduction: Reduction | None,
    limits: Limits,
    fault: str,
) -> _Begun:
    """Return the feasible selection that has most in common with what was given."""
    local = given if reduction is None else reduction.lowered(given)
    try:
        if side is None:
            found = Feasibility(_of_fitting_size(left, local, limits.seed))
        else:
            found = _in_time(partial(_feasibility.nearest, side, local), limits)
    except OutOfTime:
        found = Feasibility(None)
    if found.indices is None:
        other = _Begun(None, infeasible=True) if found.infeasible else _any(left, side, limits)
        return replace(other, note=f"the start is not used: {fault}")
    kept = len(np.intersect1d(found.indices, local))
    kept += 0 if reduction is None else len(np.intersect1d(reduction.taken, given))
    return _Begun(found.indices, f"the start is repaired, {kept} of its {len(given)} kept: {fault}")


def _of_fitting_size(left: Any, given: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the given candidates, random ones left out or added where they are no selection."""
    draw = np.random.default_rng(seed)
    if len(given) > left.k:
        return np.sort(draw.choice(given, int(left.k), replace=False))
    free = np.setdiff1d(np.arange(left.n), given)
    added = draw.choice(free, max(0, left.smallest_count - len(given)), replace=False)
    return np.sort(np.concatenate([given, added]))


def _in_time(call: Callable[..., Feasibility], limits: Limits) -> Feasibility:
    """Solve a program, which Ctrl-C and the time limit leave to itself."""
    with CLOCK.standing():
        _feasibility.load()
    deadline = Deadline.of(limits)
    seconds = deadline.remaining if deadline.limited else None
    return deadline.wait_for(lambda: call(seconds=seconds), math.inf)


def _infeasible(seconds: float) -> RawResult:
    return RawResult(
        indices=None,
        termination=Termination.INFEASIBLE,
        proven=True,
        solve_seconds=seconds,
        message="no selection keeps all constraints: drop or loosen some",
    )


# -- back to the problem as it is stated ----------------------------------------------------------


def _lifted(problem: Any, reduction: Reduction, raw: RawResult) -> RawResult:
    assert reduction.left is not None
    bound, eps, proven = raw.bound, raw.eps, raw.proven and reduction.exact
    indices = None if raw.indices is None else reduction.lifted(raw.indices)
    if raw.proven and indices is not None and not proven:
        left = reduction.left.problem
        value, doubt = left.objective(raw.indices), left.rounding(raw.indices)  # type: ignore[arg-type]
        bound = Fraction(value) - Fraction(doubt)
    if bound is not None and bound != -np.inf:
        exact = reduction.bound(Fraction(bound))
        bound = exact if isinstance(bound, Fraction) else _rounding.down(exact)
    if eps is not None and np.isfinite(eps):
        value = 0.0 if indices is None else problem.objective(indices)
        eps = reduction.width(eps, value)
    return replace(raw, indices=indices, bound=bound, eps=eps, proven=proven)
