"""Relaxations of quadratic selection, with bounds that hold whatever the solver's tolerances.

The value that a solver reports is not taken for a bound. From its dual values, or the gradient at
its point, a bound is worked out anew that is valid for any duals and at any point, and the better
the closer these are to optimal. Of SCIP, which gives no duals, its bound less its tolerances is.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from subsetopt.limits import Limits
from subsetopt.models import LINEARISATIONS, LinearModel, QuadraticForm
from subsetopt.models.linearisations import require_pairs
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import NEVER, Deadline
from subsetopt.solvers.backends import _contained
from subsetopt.solvers.backends._backend import scaled_form

from . import _lp_engines
from ._constrained_relaxation import quadratic_bound
from ._convex import convexified, slack
from ._polytope import polytope_of
from ._published_lp import closed_form
from ._quadratic_relaxation import bound_of


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """What a relaxation says, in units of the inner value of the form.

    Parameters
    ----------
    bound : float
        A lower bound on the inner value of every selection, its rounding seen to; -inf if the
        solver stopped before it had anything to say.
    value : float
        The inner value of the relaxation at `m`, as its solver has it; NaN if it has none.
    m : ndarray of float64 (n,)
        Where it is attained; k/n throughout if there is no such point.
    termination : Termination
        OPTIMAL, or why the solver stopped.
    iterations : int or None
    note : str
    """

    bound: float
    value: float
    m: NDArray[np.float64]
    termination: Termination
    iterations: int | None = None
    note: str = ""


def published_in_closed_form(form: QuadraticForm, deadline: Deadline = NEVER) -> Relaxation | None:
    """Return the published relaxation where its closed form holds, else None."""
    point = closed_form(form, deadline)
    if point is None:
        return None
    return Relaxation(
        bound=point.bound,
        value=point.value,
        m=point.m,
        termination=Termination.OPTIMAL,
        note="the closed form of the published relaxation",
    )


def linear_relaxation(
    form: QuadraticForm, linearisation: str, engine: str, limits: Limits
) -> Relaxation:
    """Solve the linear relaxation of a model of `forms.LINEARISATIONS`.

    Parameters
    ----------
    form : QuadraticForm
    linearisation : {"published", "mccormick", "rlt"}
    engine : {"highs", "cbc", "scip"}
        For CBC that is CLP, which it solves its relaxations with.
    limits : Limits

    Raises
    ------
    TooLarge
        Past `forms.PAIRS_LIMIT` products.
    """
    module = _lp_engines.module_of(engine)
    return _contained_if_large(_linear_relaxation, module, form, limits, linearisation, engine)


def _linear_relaxation(
    _: object, form: QuadraticForm, limits: Limits, linearisation: str, engine: str
) -> Relaxation:
    begun = monotonic()
    scale = scaled_form(replace(form, scale=1.0, constant=0.0))
    model = LINEARISATIONS[linearisation](scale.problem).relaxed()
    found = ENGINES[engine](model, _rest(limits, begun))
    bound = found.bound if found.duals is None else _lp_engines.dual_bound(model, found.duals)
    return Relaxation(
        bound=scale.lift(bound) - scale.rounding,
        value=scale.lift(found.value),
        m=_sound(found.x, form),
        termination=found.termination,
        iterations=found.iterations,
        note=f"the {linearisation} relaxation by {found.by}{_ended(found.termination)}",
    )


ENGINES: Mapping[str, Callable[[LinearModel, Limits], _lp_engines.LPResult]] = {
    "highs": _lp_engines.by_highs,
    "cbc": _lp_engines.by_clp,
    "scip": _lp_engines.by_scip,
}
"""The solvers of linear programmes by name."""


def quadratic_relaxation(form: QuadraticForm, limits: Limits) -> Relaxation:
    """Minimise the form, as `convexified` makes it, over 0 <= m <= 1, 1'm = k, by HiGHS.

    HiGHS' method for these programmes may go round in circles. So its iterations are limited, and
    where it ends without an optimum the bound is that of Frank-Wolfe steps, which the note says.

    Raises
    ------
    TooLarge
        Past `forms.PAIRS_LIMIT` products.
    """
    require_pairs("the quadratic relaxation", form.n, form.n * (form.n + 1) // 2)
    begun = monotonic()
    module = _lp_engines.module_of("highs")
    found = _contained_if_large(_quadratic_relaxation, module, form, limits)
    if found.termination in (Termination.OPTIMAL, Termination.INTERRUPTED):
        return found
    note = f"{found.note}; the bound is that of 'fw' instead"
    bound = quadratic_bound(form, _rest(limits, begun))
    return replace(found, bound=max(found.bound, bound), note=note)


def _quadratic_relaxation(_: object, form: QuadraticForm, limits: Limits) -> Relaxation:
    begun = monotonic()
    scale = scaled_form(replace(form, scale=1.0, constant=0.0))
    convex = convexified(scale.problem)
    found = _lp_engines.quadratic_by_highs(convex, _rest(limits, begun))
    m = _projected(_sound(found.x, form), form.k)
    off = convex.error - scale.problem.error  # by making it convex
    return Relaxation(
        bound=scale.lift(tangent_bound(convex, m) - off) - scale.rounding,
        value=scale.lift(found.value),
        m=m,
        termination=found.termination,
        iterations=found.iterations,
        note=f"the convex quadratic relaxation by HiGHS{_ended(found.termination)}",
    )


def _ended(termination: Termination) -> str:
    return "" if termination is Termination.OPTIMAL else f", which ended as {termination}"


def _contained_if_large(
    solve: Callable[..., Relaxation],
    module: str,
    form: QuadraticForm,
    limits: Limits,
    *options: str,
) -> Relaxation:
    """Solve a relaxation; a large one in a process, which is ended where it overstays."""
    pairs = form.n * (form.n - 1) // 2
    if pairs < _contained.PRODUCTS:
        return solve(None, form, limits, *options)
    require_pairs("a model in products", form.n, pairs)
    modules = (__name__, module)
    ended = _contained.call(solve, form, limits, *options, modules=modules, limits=limits)
    if ended.how == "returned" and ended.value is not None:
        return ended.value
    return Relaxation(
        bound=-math.inf,
        value=math.nan,
        m=_sound(None, form),
        termination=ended.termination,
        note=ended.note("the solver of the relaxation"),
    )


def _rest(limits: Limits, begun: float) -> Limits:
    """Return the limits less the time that is gone since `begun`, by `monotonic`."""
    if limits.time_limit is None:
        return limits
    return replace(limits, time_limit=max(1e-3, limits.time_limit - (monotonic() - begun)))


def tangent_bound(form: QuadraticForm, m: NDArray[np.float64]) -> float:
    r"""Return the least value over all relaxed selections of the tangent of a convex form at m.

    That is ``-m'Am`` and, without constraints, the k lowest entries of ``2 Am + c``, less the
    rounding of these sums and what that of the entries of A can take from semidefiniteness.
    """
    product, sizes = form.matrix.astype(np.float64) @ m, np.abs(form.matrix) @ np.abs(m)
    zero = np.zeros(form.n)
    polytope = polytope_of(form.side, form.k)
    bound = bound_of(product, sizes, zero, form.linear, form.k, form.largest, m, polytope)
    return bound - slack(form)


def _sound(x: NDArray[np.float64] | None, form: QuadraticForm) -> NDArray[np.float64]:
    """Return the selectors of a solution, or k/n throughout where there is none."""
    if x is None or not np.isfinite(x[: form.n]).all():
        return np.full(form.n, form.k / form.n)
    return np.clip(x[: form.n], 0.0, 1.0)


def _projected(m: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Return `m` moved so that it sums to k within rounding, still within 0..1."""
    missing = k - float(m.sum())
    room = (1.0 - m) if missing > 0 else m
    # In proportion to the room of each, so that none leaves 0..1.
    total = float(room.sum())
    return m if total == 0 else np.clip(m + missing * room / total, 0.0, 1.0)
