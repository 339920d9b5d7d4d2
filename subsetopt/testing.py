"""Contract tests for solvers, also for those of other packages."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import cache
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from subsetopt.errors import InvalidSelection, TooLarge
from subsetopt.models import CONSTRAINT_KINDS
from subsetopt.problems import (
    Constraints,
    Gaussian,
    MeanMatching,
    MMDSelection,
    Problem,
    QuadraticSelection,
    Quota,
)
from subsetopt.solution import CertificateKind, Solution, Termination
from subsetopt.solving import solve, solve_many

if TYPE_CHECKING:
    from subsetopt.solvers.base import Solver

__all__ = ["assert_solver_contract"]

_VALUES = np.array([0.31, 2.7, -1.1, 0.02, 5.3, 1.9, -0.4, 0.77, 3.1])
_SINGLE = np.abs(_VALUES).astype(np.float32)
_VECTORS = np.array([[0.3, -1.0], [2.0, 0.7], [1.1, 1.1], [-0.5, 0.2], [0.9, -2.0], [0.1, 3.0]])

_SQUARE = np.add.outer(_VALUES, _VALUES) * np.cos(np.multiply.outer(_VALUES, _VALUES))
_WHOLE = np.rint(10 * _SQUARE).astype(np.int64)
_POINTS = np.column_stack([_VALUES, np.cos(_VALUES)])
_KERNEL = np.exp(-np.square(np.subtract.outer(_VALUES, _VALUES)))

_FIXED = Constraints(include=[4, 0], exclude=[7])
_QUOTA = Quota(list("aaabbbccc"), at_least={"a": 1}, at_most=2)
_QUOTAS = Constraints(quotas=_QUOTA, exclude=[8])
_OVERLAPS = Constraints(quotas=[_QUOTA, Quota([0, 1, 0, 1, 0, 1, 0, 1, 0], exactly={0: 2})])
_BUDGET = Constraints(costs=[0.7, 0.1, 1.2, 0.4, 0.4, 2.5, 0.3, 0.9, 0.2], budget=1.6)
_CONFLICTS = Constraints(conflicts=[(0, 1), (0, 4), (5, 7), (2, 3)])

CASES: dict[str, Problem] = {
    "float32": MeanMatching(_SINGLE, k=4),
    "float64": MeanMatching(_VALUES / 3, k=4),
    "integers": MeanMatching([3, 1, 4, 1, 5, 9, 2, 6, 5], k=4),
    "ties": MeanMatching([1.0, 1.0, 2.0, 2.0, 2.0, 5.0], k=3),
    "constant": MeanMatching(np.full(7, 0.7), k=3),
    "zeros": MeanMatching(np.zeros(5), k=2),
    "negatives": MeanMatching(-np.abs(_VALUES), k=3),
    "huge": MeanMatching(_VALUES * 1e300, k=4),
    "tiny": MeanMatching(_VALUES * 1e-300, k=4),
    "denormals": MeanMatching(np.array([1, 2, 3, 5, 8, 13, 21]) * 5e-324, k=3),
    "wide": MeanMatching([1e-300, 1e300, 2e-300, 3.0, -1e300, 5e299, 1e-8], k=3),
    "n = 1": MeanMatching([0.3], k=1),
    "k = 1": MeanMatching(_SINGLE, k=1),
    "k = n": MeanMatching(_SINGLE, k=9),
    "target in reach": MeanMatching(_SINGLE, k=4, target=1.0),
    "target below reach": MeanMatching(_SINGLE, k=4, target=-3.0),
    "target above reach": MeanMatching(_SINGLE, k=4, target=100.0),
    "at most": MeanMatching(_VALUES, k=4, cardinality="at_most"),
    "at most, none is best": MeanMatching([1.0, 2.0, 3.0], 2, target=-1.0, cardinality="at_most"),
    "vectors": MeanMatching(_VECTORS, k=3),
    "vectors with target": MeanMatching(_VECTORS, k=2, target=[1.0, -0.5]),
    "vectors, at most": MeanMatching(_VECTORS, k=3, cardinality="at_most"),
    "vectors, k = n": MeanMatching(_VECTORS.astype(np.float32), k=6),
    "quadratic": QuadraticSelection(_SQUARE, _VALUES, k=4, constant=0.3),
    "quadratic, single": QuadraticSelection(_SQUARE.astype(np.float32), None, k=4),
    "quadratic, convex": QuadraticSelection(_VECTORS @ _VECTORS.T, _VECTORS[:, 0], k=3),
    "quadratic, integers": QuadraticSelection(_WHOLE, _WHOLE[0], k=3),
    "quadratic, maximised": QuadraticSelection(_WHOLE, None, k=5, sense="maximise"),
    "quadratic, constant": QuadraticSelection(np.full((6, 6), 0.7), np.full(6, -0.1), k=3),
    "quadratic, zeros": QuadraticSelection(np.zeros((5, 5)), None, k=2),
    "quadratic, linear": QuadraticSelection(np.zeros((9, 9)), _VALUES, k=4),
    "quadratic, huge": QuadraticSelection(_SQUARE * 1e300, None, k=4),
    "quadratic, tiny": QuadraticSelection(_SQUARE * 1e-300, None, k=4),
    "quadratic, wide": QuadraticSelection(_SQUARE, 1e9 * _VALUES, k=4),
    "quadratic, n = 1": QuadraticSelection([[2.0]], [1.0], k=1),
    "quadratic, k = 1": QuadraticSelection(_SQUARE, None, k=1),
    "quadratic, k = n": QuadraticSelection(_SQUARE, None, k=9),
    "quadratic, k = n - 1": QuadraticSelection(_SQUARE, None, k=8),
    "mmd": MMDSelection(_POINTS, k=3),
    "mmd, single": MMDSelection(_POINTS.astype(np.float32), k=4),
    "mmd, some selected": MMDSelection(_POINTS[:7], k=2, selected=_POINTS[7:]),
    "mmd, published": MMDSelection(_POINTS, k=3, formulation="published"),
    "mmd, published, some selected": MMDSelection(
        _POINTS[2:], k=3, selected=_POINTS[:2], kernel="laplace", formulation="published"
    ),
    "mmd, precomputed": MMDSelection(_KERNEL, k=3, kernel="precomputed"),
    "mmd, precomputed, some selected": MMDSelection(
        _KERNEL.astype(np.float32), k=3, selected=[7, 1, 2], kernel="precomputed"
    ),
    "mmd, linear": MMDSelection(_POINTS, k=4, kernel="linear"),
    "mmd, target": MMDSelection(_POINTS[3:], k=3, target=_POINTS[:3] + 1, target_weights=[1, 2, 3]),
    "mmd, linear, attainable": MMDSelection([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], k=2, kernel="linear"),
    "mmd, polynomial": MMDSelection(_POINTS, k=4, kernel="polynomial"),
    "mmd, constant": MMDSelection(np.ones((6, 2)), k=3),
    "mmd, duplicates": MMDSelection(np.repeat(_VECTORS[:4], 2, axis=0), k=4),
    "mmd, all far apart": MMDSelection(_POINTS, k=3, kernel=Gaussian(scale=1e-3)),
    "mmd, huge": MMDSelection(_POINTS * 1e100, k=3, kernel="linear"),
    "mmd, tiny": MMDSelection(_POINTS * 1e-100, k=3, kernel="linear"),
    "fixed": MeanMatching(_SINGLE, k=4, constraints=_FIXED),
    "fixed, at most": MeanMatching(_VALUES, k=4, cardinality="at_most", constraints=_FIXED),
    "fixed, vectors": MeanMatching(_POINTS, k=4, constraints=_FIXED),
    "fixed, quadratic": QuadraticSelection(_SQUARE, _VALUES, k=4, constraints=_FIXED),
    "fixed, mmd": MMDSelection(_POINTS, k=4, constraints=_FIXED),
    "a range, quadratic": QuadraticSelection(_WHOLE, _WHOLE[0], k=(2, 4), constraints=_FIXED),
    "quotas": MeanMatching(_SINGLE, k=4, constraints=_QUOTAS),
    "quotas, vectors": MeanMatching(_POINTS, k=4, constraints=_QUOTAS),
    "quotas, quadratic": QuadraticSelection(_WHOLE, _WHOLE[0], k=(2, 5), constraints=_QUOTAS),
    "quotas, mmd": MMDSelection(_POINTS, k=4, constraints=_QUOTAS),
    "overlaps": MeanMatching(_SINGLE, k=4, constraints=_OVERLAPS),
    "overlaps, mmd": MMDSelection(_POINTS, k=4, constraints=_OVERLAPS),
    "budget": MeanMatching(_SINGLE, k=4, constraints=_BUDGET),
    "budget, quadratic": QuadraticSelection(_SQUARE, _VALUES, k=4, constraints=_BUDGET),
    "conflicts, vectors": MeanMatching(_POINTS, k=4, constraints=_CONFLICTS),
    "conflicts, quadratic": QuadraticSelection(_WHOLE, None, k=4, constraints=_CONFLICTS),
    "mmd, n = 2": MMDSelection([0.0, 1.0], k=1),
    "mmd, k = 1": MMDSelection(_POINTS, k=1),
    "mmd, k = n - 1": MMDSelection(_POINTS, k=8),
}
"""The problems that are tried, by name: at most nine candidates, so that all can be enumerated.

Those with constraints that the solver does not take are left out.
"""


def assert_solver_contract(solver: "Solver", *, families: Sequence[str] | None = None) -> None:
    """Check a solver against enumeration on a table of small problems.

    What it declares is complete; it is frozen; its selections are valid, the same for the same
    seed, and reported as what they are worth; its bounds hold; "optimal" is not said of what is
    not; a time limit is taken; the solution survives JSON.

    Parameters
    ----------
    solver : Solver
        With the options that are to be tested.
    families : sequence of str, optional
        The families of problems to try; None is all that the solver handles.

    Raises
    ------
    AssertionError
        If a rule is broken; the message names the problem and the rule.
    InvalidResult
        If an answer is so wrong that `solve` refuses it.
    MissingDependency
        If the solver cannot run here.
    ValueError
        If there is no problem of these families to try.

    Examples
    --------
    >>> from subsetopt import solver
    >>> assert_solver_contract(solver("stride"))
    """
    from subsetopt.solvers._constrained import kinds

    _declares(solver)
    wanted = solver.handles if families is None else tuple(families)
    chosen = {
        name: problem
        for name, problem in CASES.items()
        if problem.family in wanted and kinds(problem) <= solver.takes
    }
    if not chosen:
        known = ", ".join(sorted({problem.family for problem in CASES.values()}))
        raise ValueError(f"no problem of {', '.join(wanted)} to try; there are: {known}")
    for name, problem in chosen.items():
        try:
            _solves(solver, problem)
        except AssertionError as error:
            raise AssertionError(f"solver {solver.name!r}, problem {name!r}: {error}") from error
    if solver.concurrent:
        _solves_together(solver, list(chosen.values()))


def _require(condition: object, rule: str) -> None:
    """Raise AssertionError, under ``python -O`` too."""
    if not condition:
        raise AssertionError(rule)


def _declares(solver: "Solver") -> None:
    from subsetopt._dependencies import OptionalDependency
    from subsetopt.solvers.base import Kind, Solver

    _require(isinstance(solver, Solver), f"{solver!r} is not an object of a Solver class")
    types: dict[str, Any] = {"name": str, "kind": Kind, "summary": str, "choose_when": str}
    types |= {"handles": tuple, "requires": tuple, "exact": bool, "concurrent": bool}
    for attribute, wanted in types.items():
        value = getattr(solver, attribute, None)
        _require(
            isinstance(value, wanted), f"{attribute} must be a {wanted.__name__}; got {value!r}"
        )
        _require(value != "", f"{attribute} is empty")
    _require(
        solver.handles and all(isinstance(family, str) for family in solver.handles),
        f"handles is {solver.handles!r}; it names the families of problems",
    )
    _require(
        all(isinstance(requirement, OptionalDependency) for requirement in solver.requires),
        f"requires is {solver.requires!r}; it holds OptionalDependency objects",
    )
    _require(
        isinstance(solver.takes, frozenset) and solver.takes <= set(CONSTRAINT_KINDS),
        f"takes is {solver.takes!r}; it is a frozenset of {', '.join(CONSTRAINT_KINDS)}",
    )
    parameters = type(solver).__dict__.get("__dataclass_params__")
    _require(
        parameters is not None and parameters.frozen,
        f"{type(solver).__name__} is not a frozen dataclass, so threads cannot share it",
    )
    for field in dataclasses.fields(solver):  # type: ignore[arg-type]
        missing = field.default is field.default_factory is dataclasses.MISSING
        _require(not missing, f"option {field.name!r} has no default, so no name can stand for it")
    hash(solver)


def _solves(solver: "Solver", problem: Problem) -> None:
    first = solve(problem, solver, threads=1, seed=3)
    _require(first.indices is not None, f"no selection; it ended as {first.termination}")
    _is_honest(problem, first)
    _survives_json(first)
    again = solve(problem, solver, threads=1, seed=3)
    _require(_same(first, again), "two runs with one seed gave two selections")
    if solver.exact:
        _require(
            first.termination is Termination.OPTIMAL,
            f"it declares that it proves optimality, but ended as {first.termination}",
        )
    if solver.kind == "exact":
        eps = first.certificate.eps
        _require(
            first.certificate.kind is CertificateKind.EXACT
            or (eps is not None and eps <= 10**4 * _rounding(problem)),
            f"its kind is exact, but its certificate is {first.certificate}",
        )
    for time_limit in (1e-6, 0.01):  # a heuristic may take all of it
        with suppress(TooLarge):  # an exact method may refuse, with its estimate
            _is_honest(problem, solve(problem, solver, time_limit=time_limit, threads=1))


def _is_honest(problem: Problem, solution: Solution) -> None:
    """Compare what is said with the optimum by enumeration, in exact arithmetic."""
    best = _optimum(problem)
    highest = float(best + _rounding(problem))
    bound, eps = solution.bound, solution.certificate.eps
    _require(
        bound is None or bound <= highest,
        f"the bound {bound!r} lies above the optimum {float(best)!r}",
    )
    if solution.indices is None:
        return
    _is_selection(problem, solution.indices)
    _require(
        solution.objective == problem.objective(solution.indices),
        f"the objective {solution.objective!r} is not that of the selection",
    )
    value = _value(problem, solution.indices)
    _require(value >= best, f"the value {float(value)!r} lies below the optimum {float(best)!r}")
    if solution.certificate.kind is CertificateKind.EXACT:
        _require(value == best, f"{float(value)!r} is called exact; {float(best)!r} is possible")
    elif eps is not None:
        _require(
            float(value) - eps <= highest,
            f"{float(value)!r} is said to be within {eps!r} of the optimum {float(best)!r}",
        )


def _is_selection(problem: Problem, indices: Any) -> None:
    _require(indices.dtype == np.int64, f"the indices have dtype {indices.dtype}")
    _require((np.diff(indices) > 0).all(), f"the indices {indices} are not sorted and unique")
    _require(
        problem.smallest_count <= indices.size <= problem.k,
        f"there are {indices.size} indices for k = {problem.k}",
    )
    _require(not indices.size or 0 <= indices[0] <= indices[-1] < problem.n, "out of range")


def _survives_json(solution: Solution) -> None:
    text = solution.to_json()
    _require(Solution.from_json(text).to_json() == text, "the solution changes in JSON")


def _solves_together(solver: "Solver", problems: list[Problem]) -> None:
    """For the solvers that say that threads may share them."""
    alone = [solve(problem, solver, threads=1) for problem in problems]
    together = solve_many(problems, solver, threads=2)
    _require(
        all(map(_same, alone, together)),
        f"solver {solver.name!r}: in threads it gave other selections than alone",
    )


def _same(one: Solution, other: Solution) -> bool:
    return np.array_equal(one.mask, other.mask) and one.objective == other.objective


@cache
def _optimum(problem: Problem) -> Fraction:
    return min(_value(problem, list(chosen)) for chosen in _selections(problem))


def _value(problem: Problem, selection: ArrayLike) -> Fraction:
    """Return the objective exactly where the problem can, else the float64 that it gives."""
    exact = problem.exact_objective(selection)
    return Fraction(problem.objective(selection)) if exact is None else exact


def _selections(problem: Problem) -> Iterator[tuple[int, ...]]:
    sizes = range(problem.smallest_count, problem.k + 1)
    for chosen in chain.from_iterable(combinations(range(problem.n), size) for size in sizes):
        with suppress(InvalidSelection):  # some indices may not be chosen
            problem.check(chosen)
            yield chosen


def _rounding(problem: Problem) -> Fraction:
    """Return what floating point may cost: nothing for scalars, whose objective is exact."""
    if problem.family == "mean-matching":
        return Fraction(0)
    if isinstance(problem, MeanMatching):
        largest = max(map(_largest, (problem.values, problem.target_value)))
        return Fraction(largest) ** 2 / 10**12
    form = problem.quadratic_form()  # type: ignore[attr-defined]
    scaled = (
        Fraction(form.scale) * Fraction(_largest(part)) for part in (form.matrix, form.linear)
    )
    return max(*scaled, Fraction(abs(form.constant))) * problem.k**2 / 10**12


def _largest(array: Any) -> float:
    return float(np.abs(array).max())
