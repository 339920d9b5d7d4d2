"""Helpers of the adapters: scaling of models, and checked reading of answers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.problems import MeanMatching, Problem
from subsetopt.solution import Termination
from subsetopt.solvers.base import RawResult

_NATURAL = 10  # bits: magnitudes within 2**-10 .. 2**10 leave the published model as it is
_NEAR_INTEGER = 1e-4  # a hundred times the backends' tolerance on integrality
_LARGEST = 1e20  # infinity, as the backends write it
_FORM_ROUNDING = 1e-13  # of a form and of sums over it, relative to the largest sum


_Stated = TypeVar("_Stated", MeanMatching, QuadraticForm)


@dataclass(frozen=True)
class Scaled(Generic[_Stated]):
    """A problem in magnitudes that suit absolute tolerances, and the way back.

    Parameters
    ----------
    problem : MeanMatching or QuadraticForm
        What the backend is handed.
    exponent : int
        Its objective is that of the original, less `offset`, over `factor`, times ``2**exponent``.
    offset : float
        The part of the objective that no selection can change.
    note : str
        What was done, for people; empty when nothing was.
    factor : float
        The scale of a form.
    rounding : float
        What evaluating the objective in floating point may cost, in its own units.
    """

    problem: _Stated
    exponent: int = 0
    offset: float = 0.0
    note: str = ""
    factor: float = 1.0
    rounding: float = 0.0

    def lift(self, value: float) -> float:
        """Return an objective or a bound in units of the original problem."""
        return self.factor * _times_power_of_two(value, -self.exponent) + self.offset

    def lift_width(self, width: float) -> float:
        """Return a tolerance in units of the original problem, rounded up."""
        lifted = self.factor * _times_power_of_two(width, -self.exponent) + self.rounding
        changed = self.exponent or self.factor != 1.0
        return math.nextafter(lifted, math.inf) if changed else lifted

    def lower_width(self, width: float) -> float:
        """Return a tolerance in units of the scaled problem."""
        lowered = _times_power_of_two(width, self.exponent) / self.factor
        return min(lowered, _LARGEST)

    def rows(self, x: NDArray[np.float64]) -> NDArray[np.int64] | None:
        """Return what the selectors `x` choose, in indices of the original; None if no such."""
        if isinstance(self.problem, MeanMatching):
            return selection(x, self.problem.smallest_count, self.problem.k)
        rows = selection(x, self.problem.k, self.problem.k)
        return None if rows is None else self.problem.indices(rows)


def scaled(problem: MeanMatching) -> Scaled[MeanMatching]:
    """Return the problem as it is if its magnitudes are natural, else scaled by a power of two.

    Scalars: a target that no selection reaches is moved to the nearest end of the reach, which
    takes the same amount from every selection's objective.
    """
    largest = float(np.abs(problem.values.astype(np.float64)).max())
    target = float(np.abs(problem.target_value).max())
    low, high = 2.0**-_NATURAL, 2.0**_NATURAL
    if (largest == 0 or low <= largest) and max(largest, target) <= high:
        return Scaled(problem)
    return (
        _scaled_scalars(problem, largest)
        if problem.values.ndim == 1
        else _scaled_vectors(problem, max(largest, target))
    )


def _scaled_scalars(problem: MeanMatching, largest: float) -> Scaled[MeanMatching]:
    power = -math.frexp(largest)[1]
    wanted, beyond = reachable_target(problem)
    unit = Fraction(2) ** problem.grid.exponent / problem.k
    rebuilt = MeanMatching(
        np.ldexp(problem.values.astype(np.float64), power),
        problem.k,
        target=float(wanted * unit * Fraction(2) ** power),
        cardinality=problem.cardinality,
    ).seen_with(problem.side)
    return Scaled(rebuilt, power, float(beyond * unit), _scaling_note(power))


def _scaled_vectors(problem: MeanMatching, largest: float) -> Scaled[MeanMatching]:
    power = -math.frexp(largest)[1]
    target = problem.target
    rebuilt = MeanMatching(
        np.ldexp(problem.values.astype(np.float64), power),
        problem.k,
        target=None if target is None else np.ldexp(target, power),
        cardinality=problem.cardinality,
    ).seen_with(problem.side)
    return Scaled(rebuilt, 2 * power, 0.0, _scaling_note(power))


def scaled_form(form: QuadraticForm) -> Scaled[QuadraticForm]:
    """Return the form as it is if its magnitudes are natural, else scaled by a power of two."""
    entries = max(float(form.matrix.max()), -float(form.matrix.min()))
    linear = float(np.abs(form.linear).max())
    largest, k = max(entries, linear), form.k
    rounding = _FORM_ROUNDING * (form.scale * k * (k * entries + linear) + abs(form.constant))
    power, note = 0, ""
    if largest > 0 and not 2.0**-_NATURAL <= largest <= 2.0**_NATURAL:
        power = -math.frexp(largest)[1]
        note = f"the form multiplied by 2**{power} to suit the solver's absolute tolerances"
        form = replace(
            form,
            matrix=np.ldexp(form.matrix.astype(np.float64), power),
            linear=np.ldexp(form.linear, power),
        )
    return Scaled(form, power, form.constant, note, form.scale, rounding)


def _scaling_note(power: int) -> str:
    return f"values and target multiplied by 2**{power} to suit the solver's absolute tolerances"


def reachable_target(problem: MeanMatching) -> tuple[Fraction, Fraction]:
    """Return the sum wanted, moved into the reach of the selections, and how far it was moved.

    Both in units of the problem's grid; scalars only.
    """
    wanted = Fraction(*problem.scaled_target)
    low, high = (problem.grid.sum(end) for end in problem.extremes)
    moved = min(max(wanted, Fraction(low)), Fraction(high))
    return moved, abs(wanted - moved)


def _times_power_of_two(value: float, power: int) -> float:
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(np.float64(value), power))


def magnitude(problem: MeanMatching) -> float:
    """Return the factor, at least 1, by which absolute tolerances may grow with the data.

    It is the largest coefficient or right-hand side of the rows that measure the error.
    """
    largest = float(np.abs(problem.values.astype(np.float64)).max())
    return max(1.0, largest / problem.k, float(np.abs(problem.target_value).max()))


def seconds(limits: Limits) -> float | None:
    """Return the time limit if it is one."""
    limit = limits.time_limit
    return None if limit is None or limit >= _LARGEST else limit


def finite(number: float) -> float:
    """Return a gap that every backend can read."""
    return min(number, _LARGEST)


# -- reading an answer --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Native:
    """What a backend reports, in units of the scaled problem.

    Parameters
    ----------
    termination : Termination
    x : ndarray of float64 (selectors,) or None
        The selectors of its best solution, as they are.
    bound : float or None
        Its dual bound.
    tolerance : float
        How far below `bound` the optimum may be.
    build_seconds, solve_seconds : float
    iterations : int or None
    notes : tuple of str
    """

    termination: Termination
    x: NDArray[np.float64] | None
    bound: float | None
    tolerance: float
    build_seconds: float
    solve_seconds: float
    iterations: int | None = None
    notes: tuple[str, ...] = ()


def raw_result(problem: Problem, scale: Scaled[Any], native: Native) -> RawResult:
    """Return the answer in units of `problem`.

    The distance to the optimum is ``objective - bound + tolerance``, with the objective of the
    selection itself, so that what the solver's tolerances hide in its own objective is counted.
    """
    termination, notes = native.termination, [*native.notes, scale.note]
    indices = None if native.x is None else scale.rows(native.x)
    if native.x is not None and (indices is None or not _is_kept(problem, indices)):
        indices, termination = None, Termination.ERROR
        notes.append(
            "the solution it reports is not a selection, beyond what its tolerances explain"
        )
    bound, eps = native.bound, None
    if bound is None or not math.isfinite(bound) or abs(bound) >= _LARGEST:
        bound = None
    elif termination is Termination.OPTIMAL and indices is not None:
        bound = scale.lift(bound)
        apart = max(0.0, problem.objective(indices) - bound)
        eps = apart + scale.lift_width(native.tolerance)
    else:
        bound = scale.lift(bound - native.tolerance) - scale.rounding
    return RawResult(
        indices=indices,
        termination=termination,
        bound=bound,
        eps=eps,
        build_seconds=native.build_seconds,
        solve_seconds=native.solve_seconds,
        iterations=native.iterations,
        message="; ".join(note for note in notes if note),
    )


def _is_kept(problem: Any, indices: NDArray[np.int64]) -> bool:
    side = getattr(problem, "side", None)
    return side is None or bool(side.keeps(indices))


def selection(x: NDArray[np.float64], smallest: int, largest: int) -> NDArray[np.int64] | None:
    """Return the positions that `x` selects, or None where it selects no feasible set.

    A count that tolerances on the cardinality row put wrong is mended by the order of `x`.
    """
    if not np.all(np.isfinite(x)):
        return None
    chosen = np.flatnonzero(x > 0.5)
    count = min(max(len(chosen), smallest), largest)
    if count == len(chosen):
        return chosen
    if np.abs(x - np.round(x)).max() > _NEAR_INTEGER or abs(count - x.sum()) > _NEAR_INTEGER:
        return None
    return np.sort(np.argsort(-x, kind="stable")[:count])


def termination(
    table: Mapping[Any, Termination], code: Any, limits: Limits, interrupted: bool
) -> Termination:
    """Translate a native code; unknown codes stay unknown, and no limit is blamed unasked."""
    found = table.get(code, Termination.UNKNOWN)
    if interrupted and found not in (Termination.OPTIMAL, Termination.INFEASIBLE):
        return Termination.INTERRUPTED
    if found is Termination.TIME_LIMIT and limits.time_limit is None:
        return Termination.UNKNOWN
    return found
