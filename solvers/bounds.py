"""Lower bounds on quadratic selection problems, independent of the solver."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from subsetopt import _rounding
from subsetopt._checks import require_one_of
from subsetopt.errors import UnsupportedProblem
from subsetopt.limits import Limits
from subsetopt.models import QUADRATIC_FAMILIES, QuadraticForm, SparseForm
from subsetopt.problems import Problem
from subsetopt.problems._reduction import reduced
from subsetopt.problems._sparse_entries import require_dense
from subsetopt.solution import Termination

from ._deadline import Deadline, OutOfTime
from ._degree_bound import degree_bound
from .heuristics._pool_search import require_matrix
from .heuristics._sparse_search import sparse_form

if TYPE_CHECKING:
    from .relaxations._relaxation import Relaxation

__all__ = ["LowerBound", "lower_bound"]


@dataclass(frozen=True)
class LowerBound:
    """A bound, and how it came about.

    Parameters
    ----------
    value : float
        Below every selection's value; minus infinity where there is none.
    interrupted : bool
        Ctrl-C ended the work on it.
    note : str
        What is out of the ordinary, for people.
    """

    value: float
    interrupted: bool = False
    note: str = ""


Bound = Callable[[QuadraticForm, Limits], LowerBound]
SparseBound = Callable[[QuadraticForm | SparseForm, Limits], LowerBound]


def _frank_wolfe(form: QuadraticForm, limits: Limits) -> LowerBound:
    from .relaxations._constrained_relaxation import quadratic_bound

    return LowerBound(quadratic_bound(form, limits))


def _quadratic(form: QuadraticForm, limits: Limits) -> LowerBound:
    from .relaxations._relaxation import quadratic_relaxation

    return _of_relaxation(quadratic_relaxation(form, limits))


def _rlt(form: QuadraticForm, limits: Limits) -> LowerBound:
    from .relaxations._relaxation import linear_relaxation

    return _of_relaxation(linear_relaxation(form, "rlt", "highs", limits))


def _of_relaxation(found: "Relaxation") -> LowerBound:
    ordinary = found.termination is Termination.OPTIMAL
    interrupted = found.termination is Termination.INTERRUPTED
    return LowerBound(found.bound, interrupted, "" if ordinary else f"bound: {found.note}")


def _semidefinite(form: QuadraticForm, limits: Limits) -> LowerBound:
    from .exact.branch_and_bound import root_bound

    return LowerBound(root_bound(form, limits))


def _degrees(form: QuadraticForm | SparseForm, limits: Limits) -> LowerBound:
    return LowerBound(degree_bound(form, Deadline.of(limits)))


SPARSE_METHODS: Mapping[str, SparseBound] = {"degrees": _degrees}
"""The methods that need no more than the entries that are not zero."""
METHODS: Mapping[str, Bound] = {
    **SPARSE_METHODS,
    "fw": _frank_wolfe,
    "qp": _quadratic,
    "rlt": _rlt,
    "sdp": _semidefinite,
}
"""The methods by name; each returns a bound on the inner value of a form, less its rounding."""


def require(problem: Problem, method: str) -> None:
    """Raise InvalidOption for an unknown method, UnsupportedProblem for a family without a form.

    And TooLarge for a method that needs a matrix in full which would not fit.
    """
    require_one_of("bound", method, ("none", *METHODS))
    if problem.family not in QUADRATIC_FAMILIES:
        raise UnsupportedProblem(
            f"bound={method!r} is for {', '.join(QUADRATIC_FAMILIES)} problems; "
            f"{problem.family} problems carry their own"
        )
    require_matrix(problem)
    if method not in SPARSE_METHODS and (form := sparse_form(problem)) is not None:
        require_dense(form.n)


def bounded(problem: Problem, method: str, limits: Limits) -> LowerBound:
    """Return a lower bound on the optimum, in units of the objective, and how it came about.

    Rounded down. Ctrl-C is no exception here: what there is by then is returned.
    """
    deadline = Deadline.of(limits)
    try:
        reduction = reduced(problem)
        if reduction is not None:
            if reduction.left is None:
                return LowerBound(
                    problem.objective(reduction.taken) - problem.rounding(reduction.taken)
                )
            problem = reduction.left.problem
        form: Any = sparse_form(problem) if method in SPARSE_METHODS else None
        if form is None:
            form = problem.quadratic_form(deadline.check)  # type: ignore[attr-defined]
        found = METHODS[method](form, deadline.rest(limits))
    except OutOfTime:
        return LowerBound(-math.inf, note=f"bound: the time limit came before {method} began")
    except KeyboardInterrupt:
        return LowerBound(-math.inf, True, f"bound: {method} was interrupted")
    value = form.lower_bound(found.value)
    if reduction is not None and math.isfinite(value):
        value = _rounding.down(reduction.bound(Fraction(value)))
    return replace(found, value=value)


def lower_bound(problem: Problem, method: str, limits: Limits) -> float:
    """Return a lower bound on the optimum, in units of the objective, rounded down."""
    return bounded(problem, method, limits).value
