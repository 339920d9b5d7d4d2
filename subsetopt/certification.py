"""Certification: from a solver's claims to a verified `Solution`.

Called by `solving` after every solve. What counts, in this order: a lower bound of the problem's
own that the selection attains in exact arithmetic; `RawResult.proven`, which only solvers set that
compare without rounding; and the best of all bounds that are known, each held against the
objective.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from subsetopt._clock import CLOCK
from subsetopt.errors import InvalidResult, InvalidSelection
from subsetopt.problems import Problem
from subsetopt.solution import Certificate, CertificateKind, Solution, Stats, Termination

from . import _rounding

if TYPE_CHECKING:
    from subsetopt.solvers.base import RawResult, Solver

__all__ = ["certify"]

_CAME_TO_AN_END = (Termination.FINISHED, Termination.ITERATION_LIMIT)
_ROUNDING = Fraction(1, 10**9)  # relative slack for bounds that were computed in floating point


@dataclass(frozen=True)
class Begun:
    """When a call began, by the clock that stands still while things are loaded and compiled."""

    now: float = field(default_factory=CLOCK.now)
    stood: float = field(default_factory=lambda: CLOCK.stood)

    def stats(self, raw: "RawResult") -> Stats:
        """Return the seconds since, and those of the answer."""
        return Stats(
            raw.build_seconds,
            raw.solve_seconds,
            CLOCK.now() - self.now,
            raw.iterations,
            CLOCK.stood - self.stood,
        )


def certify(
    problem: Problem,
    solver: "Solver",
    raw: "RawResult",
    begun: Begun,
    further_bound: float | None = None,
) -> Solution:
    """Check a result, recompute its objective and state what is known about it.

    Parameters
    ----------
    problem : Problem
    solver : Solver
        Whose result it is; named in the solution and in errors.
    raw : RawResult
    begun : Begun
        When the call began.
    further_bound : float, optional
        A lower bound on the optimum from elsewhere, its rounding seen to.

    Raises
    ------
    InvalidResult
        If the indices are no selection of the problem, a bound lies above the objective by more
        than the rounding of either, or an optimum is claimed without a selection.
    """
    judge = _without_selection if raw.indices is None else _with_selection
    return Solution(
        n=problem.n,
        k=int(problem.k),
        stats=begun.stats(raw),
        solver=solver.name,
        version=solver.availability().version or "",
        message=raw.message,
        **judge(problem, solver, raw, further_bound),
    )


def _without_selection(
    problem: Problem, solver: "Solver", raw: "RawResult", further_bound: float | None
) -> dict[str, Any]:
    if raw.termination in (Termination.OPTIMAL, Termination.FINISHED):
        raise InvalidResult(
            f"solver {solver.name!r} reports {raw.termination} but returned no selection"
        )
    certificate = Certificate(CertificateKind.NONE, reason="no selection")
    if raw.proven and raw.termination is Termination.INFEASIBLE:
        certificate = Certificate(
            CertificateKind.INFEASIBLE, reason="proven by a mixed-integer program"
        )
    own = problem.lower_bound()
    known = [] if own is None else [_rounding.down(own)]
    known += [further_bound] if _is_finite(further_bound) else []
    return {
        "indices": None,
        "objective": None,
        "bound": max(known, default=None),
        "termination": raw.termination,
        "certificate": certificate,
    }


def _with_selection(
    problem: Problem, solver: "Solver", raw: "RawResult", further_bound: float | None
) -> dict[str, Any]:
    assert raw.indices is not None
    try:
        indices = problem.check(raw.indices)
    except InvalidSelection as error:
        raise InvalidResult(
            f"solver {solver.name!r} returned no valid selection: {error}"
        ) from error
    held = _Held(problem, indices, problem.objective(indices))
    lower = problem.lower_bound()
    # The float comparison comes first: it spares most answers the exact objective.
    attained = (
        lower is not None
        and held.objective <= float(lower)
        and problem.exact_objective(indices) == lower
    )
    # A bound in floating point can lie a little below a proven optimum; the optimum is the better
    # one.
    if attained or raw.proven:
        bound = held.optimum()
    else:
        bound = _bound(held, solver, raw, lower, further_bound)
    certificate = _certificate(raw, held, bound, attained)
    termination = raw.termination
    if certificate.kind is CertificateKind.EXACT and termination in _CAME_TO_AN_END:
        termination = Termination.OPTIMAL
    return {
        "indices": indices,
        "objective": held.objective,
        "bound": bound.value if bound.value > -math.inf else None,
        "termination": termination,
        "certificate": certificate,
    }


class _Bound(NamedTuple):
    """A lower bound, -inf if there is none, and what has been done to it."""

    value: float
    note: str = ""


class _Held(NamedTuple):
    """The selection that bounds are held against, and its objective in float64."""

    problem: Problem
    indices: NDArray[np.int64]
    objective: float

    def optimum(self) -> _Bound:
        """Return the best bound if the selection is optimal: its value, rounded down."""
        # The objective may have been rounded up: the bound stays below what it stands for.
        exact = self.problem.exact_objective(self.indices)
        if exact is None:
            return _Bound(self.objective)
        return _Bound(min(self.objective, _rounding.down(exact)))

    def above(self, bound: float) -> float:
        """Return how far the value of the selection is above a bound, rounded up.

        Of scalars the value without rounding, which costs little; else the objective.
        """
        value = Fraction(self.objective)
        if self.problem.family == "mean-matching":
            exact = self.problem.exact_objective(self.indices)
            value = value if exact is None else max(value, exact)
        return _rounding.up(value - Fraction(bound))

    def below(self, bound: Fraction, claim: str) -> _Bound:
        """Return a bound as float64, which rounding may have put above the objective.

        Raises
        ------
        InvalidResult
            If rounding does not explain it; `claim` says whose bound it is.
        """
        value = _rounding.down(bound)
        if value <= self.objective:
            return _Bound(value)
        excess = bound - Fraction(self.objective)
        exact = self.problem.exact_objective(self.indices)
        allowed = Fraction(self.problem.rounding(self.indices))
        # A bound that the exact value confirms is right, however the float has been rounded.
        if (exact is None or bound > exact) and excess > allowed:
            raise InvalidResult(
                f"{claim}, above the objective {self.objective!r} of the selection by "
                f"{float(excess):.3g}, where rounding explains {float(allowed):.3g}"
            )
        return _Bound(self.objective, f"that rounding had put {float(excess):.2g} above it")


def _bound(
    held: _Held,
    solver: "Solver",
    raw: "RawResult",
    lower: Fraction | None,
    further: float | None,
) -> _Bound:
    """Return the best valid lower bound: the problem's own, a further one, or the solver's."""
    known = []
    if lower is not None:
        known.append(held.below(lower, "the problem states a lower bound"))
    if _is_finite(further):
        known.append(held.below(Fraction(further), f"the lower bound worked out is {further!r}"))
    claimed = _claimed(held, solver, raw)
    known += [] if claimed is None else [claimed]
    return max(known, default=_Bound(-math.inf))  # by value


def _claimed(held: _Held, solver: "Solver", raw: "RawResult") -> _Bound | None:
    """Return the solver's own bound less its tolerance, and less its rounding where it is a float.

    A `Fraction` is taken as it stands: nothing has been rounded.
    """
    claimed = raw.bound
    if claimed is None or claimed == -math.inf:
        return None
    bound, slack = Fraction(claimed), Fraction(raw.eps if _is_finite(raw.eps) else 0)
    if not isinstance(claimed, Fraction):
        # A solver that sums in floating point says nothing of its rounding: a share of the larger
        # magnitude is taken for it. Solvers that see to it hand in a Fraction or pay the share as
        # well.
        slack += _ROUNDING * max(abs(bound), abs(Fraction(held.objective)))
    return held.below(bound - slack, f"solver {solver.name!r} claims the bound {float(claimed)!r}")


def _is_finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _certificate(raw: "RawResult", held: _Held, bound: _Bound, attained: bool) -> Certificate:
    if attained:
        return Certificate(
            CertificateKind.EXACT, 0.0, "attains the lower bound, in exact arithmetic"
        )
    if raw.proven:
        return Certificate(CertificateKind.EXACT, 0.0, "proven optimal, with no tolerance")
    known = bound.value > -math.inf
    distance = held.above(bound.value) if known else math.inf
    # The claim counts where it says more than the bound does.
    if raw.termination is Termination.OPTIMAL and _is_finite(raw.eps) and raw.eps < distance:
        return Certificate(
            CertificateKind.TOLERANCE, raw.eps, "the solver's claim, within its tolerances"
        )
    if not known:
        return Certificate(CertificateKind.NONE)
    note = f", {bound.note}" if bound.note else ""
    return Certificate(CertificateKind.BOUND, distance, f"distance to a valid lower bound{note}")
