"""Own solvers and bounds on extreme numbers, judged by enumeration in exact arithmetic."""

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.solvers import catalogue
from subsetopt.solvers.base import Kind

from . import judge
from .instances import Instance
from .trials import stated

CASES = 4  # of each kind and each style of numbers, each with another bound
OWN = [name for name in catalogue.BUILT_IN if catalogue.solver_class(name).kind is not Kind.BACKEND]
BOUNDS = ["none", "fw", "rlt", "sdp"]

Shape = tuple[int, ...]
Style = Callable[[np.random.Generator, Shape], Any]

STYLES: dict[str, Style] = {
    "shifted": lambda rng, shape: 10.0 ** rng.integers(6, 16) + rng.normal(size=shape),
    "shifted integers": lambda rng, shape: 10.0 ** rng.integers(6, 16) + rng.integers(-3, 4, shape),
    "subnormal": lambda rng, shape: rng.integers(0, 40, shape) * 5e-324,
    "tiny": lambda rng, shape: rng.normal(size=shape) * 10.0 ** rng.integers(-320, -100),
    "huge": lambda rng, shape: rng.normal(size=shape) * 10.0 ** rng.integers(100, 149),
    "wide": lambda rng, shape: rng.normal(size=shape) * 10.0 ** rng.uniform(-149, 149, shape),
    "equal": lambda rng, shape: np.full(shape, rng.choice([0.1, 0.7, 1 / 3, 1e15 + 0.3])),
    "a few ulps": lambda rng, shape: 1 + rng.integers(0, 5, shape) * 2.0**-52,
    "single, subnormal": lambda rng, shape: (rng.normal(size=shape) * 1e-40).astype(np.float32),
    "single, shifted": lambda rng, shape: (1e6 + rng.normal(size=shape)).astype(np.float32),
}


def _matching(rng: np.random.Generator, style: Style, vectors: bool) -> Instance:
    n = int(rng.integers(1, 8))
    values = np.asarray(style(rng, (n, int(rng.integers(1, 4))) if vectors else (n,)))
    options: dict[str, Any] = {}
    if rng.random() < 0.3:
        options["cardinality"] = "at_most"
    if rng.random() < 0.5:
        near, far = values[0].astype(np.float64) * (1 + 1e-9), style(rng, values.shape[1:])
        target = near if rng.random() < 0.5 else np.asarray(far, np.float64)
        options["target"] = target if vectors else float(target)
    return Instance("mean", values, int(rng.integers(1, n + 1)), options)


def _quadratic(rng: np.random.Generator, style: Style) -> Instance:
    n = int(rng.integers(1, 8))
    Q = np.asarray(style(rng, (n, n)))
    options: dict[str, Any] = {"sense": str(rng.choice(["minimise", "maximise"]))}
    if rng.random() < 0.5:
        options["c"] = np.asarray(style(rng, (n,)))
    if rng.random() < 0.3:
        options["constant"] = float(style(rng, ()))
    symmetric = np.triu(Q) + np.triu(Q, 1).T
    return Instance("quadratic", symmetric, int(rng.integers(1, n + 1)), options)


def _mmd(rng: np.random.Generator, style: Style) -> Instance:
    X = np.asarray(style(rng, (int(rng.integers(3, 8)), int(rng.integers(1, 3)))))
    scale = float(np.ptp(X.astype(np.float64), axis=0).max()) or 1.0
    kernels = [("linear", {}), ("gaussian", {"scale": scale}), ("laplace", {"scale": scale})]
    options: dict[str, Any] = {"formulation": "true", "kernel": kernels[rng.integers(3)]}
    return Instance("mmd", X, int(rng.integers(1, len(X))), options)


KINDS: dict[str, Callable[[np.random.Generator, Style], Instance]] = {
    "scalars": lambda rng, style: _matching(rng, style, vectors=False),
    "vectors": lambda rng, style: _matching(rng, style, vectors=True),
    "quadratic": _quadratic,
    "mmd": _mmd,
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_right_or_the_problem_is_refused(kind: str, style: str) -> None:
    for seed in range(CASES):
        rng = np.random.default_rng([3, seed])
        tried = KINDS[kind](rng, STYLES[style])
        try:
            problem = stated(tried)
        except so.InvalidProblem as error:
            assert "power of two" in str(error) or "scale" in str(error)  # noqa: PT017
            continue
        known = judge.truth(tried)
        for name in OWN:
            if problem.family in catalogue.solver_class(name).handles:
                bound = "none" if kind == "scalars" else BOUNDS[seed % 4]
                solution = so.solve(problem, name, threads=1, bound=bound)
                wrong = list(judge.faults(known, solution, may_lack=False))
                assert not wrong, f"{name}, bound={bound!r}: {wrong} on {tried.describe()}"


# -- far from 0 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 1e3, 1e6, 1e9, 1e15])
@pytest.mark.parametrize("cardinality", ["exactly", "at_most"])
def test_vectors_far_from_0_lose_nothing(shift: float, cardinality: Any) -> None:
    values = shift + np.random.default_rng(0).normal(10, 2, size=(9, 3))
    problem = so.MeanMatching(values, 4, cardinality=cardinality)
    form = problem.quadratic_form()
    for chosen in combinations(range(9), 4):
        exact = problem.exact_objective(chosen)
        off = abs(Fraction(problem.objective(chosen)) - exact)
        assert off <= exact * Fraction(1, 10**12) + Fraction(np.ptp(values)) ** 2 / 10**15
        assert off <= problem.rounding(chosen)
        rows = form.rows(np.array(chosen))
        inner = sum(map(Fraction, form.matrix[np.ix_(rows, rows)].ravel().tolist()))
        assert abs(Fraction(form.scale) * inner - exact) <= form.error


@pytest.mark.parametrize("seed", range(4))
def test_branch_and_bound_far_from_0(seed: int) -> None:
    values = 1e6 + np.random.default_rng(seed).normal(10, 2, size=(12, 2))
    problem = so.MeanMatching(values, 4)
    solution = so.solve(problem, "branch-and-bound", threads=1)
    assert solution.indices is not None
    assert solution.bound is not None
    best = min(map(problem.exact_objective, combinations(range(12), 4)))
    assert solution.bound <= best
    assert problem.exact_objective(solution.indices) - best <= Fraction(1, 10**9) * best


def _exact_mmd(points: NDArray[np.float64], chosen: tuple[int, ...], degree: int) -> Fraction:
    """Return the squared MMD of chosen and others under ``(x'y / 2 + 1)**degree``."""
    rows = [[Fraction(x) for x in row] for row in points.tolist()]
    others = len(rows) - len(chosen)
    here, there = Fraction(1, len(chosen)), Fraction(-1, others)
    weights = [here if i in chosen else there for i in range(len(rows))]
    total = Fraction(0)
    for x, v in zip(rows, weights, strict=True):
        for y, w in zip(rows, weights, strict=True):
            product = sum((a * b for a, b in zip(x, y, strict=True)), Fraction(0))
            total += v * w * (product / 2 + 1) ** degree
    return total


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
@pytest.mark.parametrize("shift", [0.0, 10.0, 1e6, 1e9])
def test_polynomial_kernels_far_from_0_lose_nothing(shift: float, degree: int) -> None:
    points = shift + np.random.default_rng(degree).normal(size=(7, 2))
    kernel = so.Polynomial(degree=degree, gamma=0.5, coef0=1.0)
    problem = so.MMDSelection(points, 3, kernel=kernel)
    selections = list(combinations(range(7), 3))
    exact = [_exact_mmd(points, chosen, degree) for chosen in selections]
    for chosen, value in zip(selections, exact, strict=True):
        off = abs(Fraction(problem.objective(chosen)) - value)
        assert off <= max(exact) / 10**12


def test_kernels_of_points_that_are_equal_are_zero() -> None:
    for point in (0.1, 1e15 + 0.3):
        problem = so.MMDSelection(np.full((7, 2), point), 2, kernel="linear")
        assert problem.objective([0, 1]) == 0.0


def test_the_published_formulation_is_not_centred() -> None:
    points = 5.0 + np.random.default_rng(0).normal(size=(6, 2))
    problem = so.MMDSelection(points, 2, kernel="linear", formulation="published")
    np.testing.assert_allclose(problem.quadratic_form().matrix, points @ points.T)


# -- too small -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "build",
    [
        lambda X: so.MeanMatching(X, 2),
        lambda X: so.MeanMatching(X, 2, target=X[0]),
        lambda X: so.MMDSelection(X, 2, kernel="linear"),
        lambda X: so.MMDSelection(X, 2, kernel=so.Polynomial(degree=2, coef0=0.0)),
        lambda X: so.MMDSelection(X @ X.T, 2, kernel="precomputed"),
    ],
)
def test_vectors_whose_squares_vanish_are_refused(build: Callable[[Any], Any]) -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))
    build(points)
    build(np.zeros((5, 2)))
    with pytest.raises(so.InvalidProblem, match="power of two"):
        build(points * 1e-155)


def test_what_sees_ratios_only_takes_them() -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))
    tiny = so.MMDSelection(points * 1e-300, 2)
    plain = so.MMDSelection(points, 2)
    assert tiny.objective([0, 1]) == pytest.approx(plain.objective([0, 1]))


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-1070, 2.0**900])
def test_quadratics_of_any_magnitude_are_solved_alike(scale: float) -> None:
    whole = np.random.default_rng(0).integers(-9, 10, (8, 8)).astype(np.float64)
    whole = np.triu(whole) + np.triu(whole, 1).T
    plain, scaled = (so.QuadraticSelection(Q, k=3) for Q in (whole, whole * scale))
    for name in ("branch-and-bound", "frank-wolfe", "swap"):
        one, other = (so.solve(problem, name, threads=1) for problem in (plain, scaled))
        assert one.objective is not None
        assert other.objective == one.objective * scale
        assert other.certificate.kind is one.certificate.kind
