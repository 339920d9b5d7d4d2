"""From what a solver says to what is known: nothing of its answer is taken on trust."""

import math
from fractions import Fraction
from time import perf_counter
from typing import TYPE_CHECKING

from subsetopt.errors import InvalidAnswer, InvalidSelection
from subsetopt.problems import Problem
from subsetopt.solution import Certificate, CertificateKind, Solution, Stats, Termination

if TYPE_CHECKING:
    from subsetopt.solvers.base import Answer, Solver

_CAME_TO_AN_END = (Termination.FINISHED, Termination.ITERATION_LIMIT)
_ROUNDING = 1e-9  # relative slack for bounds that were computed in floating point


def certify(
    problem: Problem,
    solver: "Solver",
    answer: "Answer",
    start: float,
    further_bound: float | None = None,
) -> Solution:
    """Check an answer, recompute its objective and state what is known about it.

    Parameters
    ----------
    problem : Problem
    solver : Solver
        Who answers; named in the solution and in errors.
    answer : Answer
    start : float
        `time.perf_counter` when the call began.
    further_bound : float, optional
        A lower bound on the optimum from elsewhere, its rounding seen to.

    Raises
    ------
    InvalidAnswer
        If the indices are no selection of the problem, the claimed bound lies above the
        objective, or an optimum is claimed without a selection.
    """
    version = solver.availability().version or ""
    if answer.indices is None:
        return _without_selection(problem, solver, answer, version, start, further_bound)
    try:
        indices = problem.check(answer.indices)
    except InvalidSelection as error:
        raise InvalidAnswer(
            f"solver {solver.name!r} returned no valid selection: {error}"
        ) from error
    objective = problem.objective(indices)
    lower = _lower(problem, further_bound)
    attained = (
        lower is not None
        and objective <= float(lower)
        and problem.exact_objective(indices) == lower
    )
    bound = objective if attained or answer.proven else _bound(solver, answer, objective, lower)
    certificate = _certificate(answer, objective, bound, attained)
    termination = answer.termination
    if certificate.kind is CertificateKind.EXACT and termination in _CAME_TO_AN_END:
        termination = Termination.OPTIMAL
    return Solution(
        indices=indices,
        n=problem.n,
        k=problem.k,
        objective=objective,
        bound=bound,
        termination=termination,
        certificate=certificate,
        stats=_stats(answer, start),
        solver=solver.name,
        version=version,
        message=answer.message,
    )


def _lower(problem: Problem, further: float | None) -> Fraction | None:
    """Return the best of the bounds from which nothing is to be taken off any more."""
    own = problem.lower_bound()
    if further is None or not math.isfinite(further):
        return own
    return Fraction(further) if own is None else max(own, Fraction(further))


def _stats(answer: "Answer", start: float) -> Stats:
    seconds = perf_counter() - start
    return Stats(answer.build_seconds, answer.solve_seconds, seconds, answer.iterations)


def _without_selection(
    problem: Problem,
    solver: "Solver",
    answer: "Answer",
    version: str,
    start: float,
    further_bound: float | None,
) -> Solution:
    if answer.termination in (Termination.OPTIMAL, Termination.FINISHED):
        raise InvalidAnswer(
            f"solver {solver.name!r} reports {answer.termination} but returned no selection"
        )
    lower = _lower(problem, further_bound)
    return Solution(
        indices=None,
        n=problem.n,
        k=problem.k,
        objective=None,
        bound=None if lower is None else float(lower),
        termination=answer.termination,
        certificate=Certificate(CertificateKind.NONE, reason="no selection"),
        stats=_stats(answer, start),
        solver=solver.name,
        version=version,
        message=answer.message,
    )


def _bound(
    solver: "Solver", answer: "Answer", objective: float, lower: Fraction | None
) -> float | None:
    """Return the best valid lower bound: the problem's own, or the solver's less its tolerance."""
    known = -math.inf if lower is None else float(lower)
    if answer.bound is None or not math.isfinite(answer.bound):
        return None if lower is None else known
    claimed = float(answer.bound)
    slack = (answer.eps or 0.0) + _ROUNDING * max(abs(claimed), abs(objective))
    if claimed - slack > objective:
        raise InvalidAnswer(
            f"solver {solver.name!r} claims the bound {claimed!r}, above the objective "
            f"{objective!r} of its own selection"
        )
    return min(objective, max(known, claimed - slack))


def _certificate(
    answer: "Answer", objective: float, bound: float | None, attained: bool
) -> Certificate:
    if attained:
        return Certificate(
            CertificateKind.EXACT, 0.0, "attains the lower bound, in exact arithmetic"
        )
    if answer.proven:
        return Certificate(CertificateKind.EXACT, 0.0, "proven optimal, with no tolerance")
    distance = math.inf if bound is None else objective - bound
    if (
        answer.termination is Termination.OPTIMAL
        and answer.eps is not None
        and answer.eps < distance
    ):
        return Certificate(
            CertificateKind.TOLERANCE, answer.eps, "the solver's claim, within its tolerances"
        )
    if bound is None:
        return Certificate(CertificateKind.NONE)
    return Certificate(CertificateKind.BOUND, distance, "distance to a valid lower bound")
