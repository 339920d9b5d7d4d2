"""Lower bounds on quadratic selection problems, beside whatever a solver says of its own."""

from collections.abc import Callable, Mapping

from subsetopt.errors import InvalidOption, UnsupportedProblem
from subsetopt.forms import QUADRATIC_FAMILIES, QuadraticForm
from subsetopt.limits import Limits
from subsetopt.problems import Problem

Bound = Callable[[QuadraticForm, Limits], float]


def _frank_wolfe(form: QuadraticForm, limits: Limits) -> float:
    from ._quadratic_relaxation import quadratic_bound

    return quadratic_bound(form, limits)


def _quadratic(form: QuadraticForm, limits: Limits) -> float:
    from ._relaxation import qp_bound

    return qp_bound(form, limits)


def _rlt(form: QuadraticForm, limits: Limits) -> float:
    from ._relaxation import rlt_bound

    return rlt_bound(form, limits)


def _semidefinite(form: QuadraticForm, limits: Limits) -> float:
    from .branch_and_bound import root_bound

    return root_bound(form, limits)


METHODS: Mapping[str, Bound] = {
    "fw": _frank_wolfe,
    "qp": _quadratic,
    "rlt": _rlt,
    "sdp": _semidefinite,
}
"""The methods by name; each returns a bound on the inner value of a form, less its rounding."""


def require(problem: Problem, method: str) -> None:
    """Raise InvalidOption for an unknown method, UnsupportedProblem for a family without a form."""
    if method not in METHODS:
        known = ", ".join(("none", *METHODS))
        raise InvalidOption(f"bound is {method!r}; it is one of {known}")
    if problem.family not in QUADRATIC_FAMILIES:
        raise UnsupportedProblem(
            f"bound={method!r} is for {', '.join(QUADRATIC_FAMILIES)} problems; "
            f"{problem.family} problems carry their own"
        )


def lower_bound(problem: Problem, method: str, limits: Limits) -> float:
    """Return a lower bound on the optimum, in units of the objective."""
    form: QuadraticForm = problem.quadratic_form()  # type: ignore[attr-defined]
    value = METHODS[method](form, limits)
    if (form.scale, form.constant) == (1.0, 0.0):
        return value
    return form.lift(value) - 1e-12 * max(abs(form.constant), abs(form.scale * value))
