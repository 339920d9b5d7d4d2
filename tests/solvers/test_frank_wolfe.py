"""Frank-Wolfe: its bound never lies, is tight for the relaxation, and its answers are good."""

from itertools import combinations
from time import perf_counter
from typing import Any

import highspy
import numpy as np
import pytest

import subsetopt as so

VARIANTS = ("pairwise", "away", "vanilla")
variants = pytest.mark.parametrize("variant", VARIANTS)


def _problem(seed: int, n: int = 12, d: int = 3, k: int = 4, **more: Any) -> so.MeanMatching:
    return so.MeanMatching(np.random.default_rng(seed).normal(size=(n, d)), k=k, **more)


def _relaxed(problem: so.MeanMatching) -> float:
    """The relaxation's optimum, by HiGHS, in residual variables r = t - V'm / k."""
    values = problem.values.reshape(problem.n, -1).astype(np.float64)
    n, d = values.shape
    target = np.atleast_1d(problem.target_value)
    highs = highspy.Highs()
    highs.silent()
    infinity = highspy.kHighsInf
    for _ in range(n):
        highs.addVar(0.0, 1.0)
    for _ in range(d):
        highs.addVar(-infinity, infinity)
    count = np.arange(n, dtype=np.int32)
    highs.addRow(problem.k, problem.k, n, count, np.ones(n))
    for j in range(d):
        entries = np.append(values[:, j] / problem.k, 1.0)
        highs.addRow(target[j], target[j], n + 1, np.append(count, n + j).astype(np.int32), entries)
    hessian = highspy.HighsHessian()
    hessian.dim_ = n + d
    hessian.format_ = highspy.HessianFormat.kTriangular
    hessian.start_ = np.concatenate([np.zeros(n), np.arange(d + 1)]).astype(np.int32)
    hessian.index_ = np.arange(n, n + d, dtype=np.int32)
    hessian.value_ = np.full(d, 2.0)
    highs.passHessian(hessian)
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getInfo().objective_function_value)


@variants
@pytest.mark.parametrize("cardinality", ["exactly", "at_most"])
def test_the_bound_never_lies_on_vectors(variant: str, cardinality: Any) -> None:
    for seed in range(6):
        target = None if seed % 2 else np.full(3, 0.8)
        problem = _problem(seed, n=9, target=target, cardinality=cardinality)
        sizes = range(problem.smallest_count, 5)
        best = min(problem.objective(c) for s in sizes for c in combinations(range(9), s))
        for steps in (1, 3, 500):
            solver = so.solver("frank-wolfe", variant=variant, steps=steps)
            solution = so.solve(problem, solver)
            assert solution.bound is not None
            assert solution.objective is not None
            assert 0 <= solution.bound <= best * (1 + 1e-12)
            assert solution.objective >= best * (1 - 1e-12)


@variants
@pytest.mark.parametrize("target", [None, 0.3, -2.0, 9.0])
@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_the_bound_never_lies_on_scalars(variant: str, target: Any, scale: float) -> None:
    values = np.random.default_rng(0).exponential(size=11) * scale
    problem = so.MeanMatching(values, k=4, target=None if target is None else target * scale)
    solution = so.solve(problem, so.solver("frank-wolfe", variant=variant))
    best = min(problem.objective(c) for c in combinations(range(11), 4))
    assert solution.bound is not None
    assert solution.bound <= best
    if target in (-2.0, 9.0):
        assert solution.objective == best
        assert solution.certificate.kind is so.CertificateKind.EXACT


@variants
def test_the_bound_comes_close_to_the_relaxation(variant: str) -> None:
    for seed in range(4):
        problem = _problem(seed, n=30, d=4, k=8, target=np.array([1.4, -1.2, 0.9, 1.0]))
        relaxed = _relaxed(problem)
        assert relaxed > 1e-3
        solution = so.solve(problem, so.solver("frank-wolfe", variant=variant, steps=2000))
        assert solution.bound is not None
        assert solution.bound <= relaxed * (1 + 1e-5)
        assert solution.bound >= relaxed * (0.9 if variant == "vanilla" else 0.999)


def test_rounding_by_swaps_is_no_worse_than_the_largest_weights() -> None:
    better = 0
    for seed in range(10):
        problem = _problem(seed, n=40, d=5, k=10)
        top = so.solve(problem, so.solver("frank-wolfe", rounding="top")).objective
        swapped = so.solve(problem, so.solver("frank-wolfe", rounding="swap")).objective
        assert top is not None
        assert swapped is not None
        assert swapped <= top * (1 + 1e-12)
        better += swapped < top
    assert better > 5


def test_steps_and_tolerance_end_it() -> None:
    problem = _problem(0, n=40, d=5, k=10)
    few = so.solve(problem, so.solver("frank-wolfe", steps=3, tolerance=0.0))
    assert few.stats.iterations == 3
    assert few.termination is so.Termination.ITERATION_LIMIT
    loose = so.solve(problem, so.solver("frank-wolfe", tolerance=100.0))
    assert loose.termination is so.Termination.FINISHED
    assert loose.stats.iterations == 0


def test_the_time_limit_ends_it() -> None:
    values = np.random.default_rng(0).normal(size=(3000, 20))
    solver = so.solver("frank-wolfe", variant="vanilla", steps=20_000, tolerance=0.0)
    problem = so.MeanMatching(values, k=300, target=np.full(20, 0.2))
    so.solve(_problem(0), solver)
    start = perf_counter()
    solution = so.solve(problem, solver, time_limit=0.2)
    assert perf_counter() - start < 3.0
    assert solution.termination is so.Termination.TIME_LIMIT
    assert solution.indices is not None


def test_all_are_chosen_where_k_is_n() -> None:
    solution = so.solve(_problem(0, n=5, k=5), "frank-wolfe")
    assert solution.indices is not None
    assert solution.indices.tolist() == list(range(5))


@pytest.mark.parametrize(
    "options",
    [{"variant": "blend"}, {"rounding": "down"}, {"steps": 0}, {"steps": 2.0}, {"steps": True},
     {"tolerance": -1e-9}, {"tolerance": float("nan")}],
)  # fmt: skip
def test_options_are_validated(options: dict[str, Any]) -> None:
    with pytest.raises(so.InvalidOption, match=next(iter(options))):
        so.solver("frank-wolfe", **options)
