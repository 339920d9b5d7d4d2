"""Frank-Wolfe: its bound never lies, is tight for the relaxation, and its answers are good."""

from itertools import combinations
from time import perf_counter
from typing import Any

import highspy
import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.solvers import bounds
from subsetopt.solvers._deadline import NEVER, Deadline
from subsetopt.solvers.relaxations import _convex
from subsetopt.solvers.relaxations._quadratic_relaxation import QuadraticRelaxation
from subsetopt.testing import assert_solver_contract

VARIANTS = ("pairwise", "away", "vanilla")
variants = pytest.mark.parametrize("variant", VARIANTS)
all_variants = pytest.mark.parametrize("variant", ["coordinate", *VARIANTS])


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
    solution = so.solve(problem, solver, time_limit=1e-3)
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


def test_mean_matching_takes_no_coordinate_steps() -> None:
    with pytest.raises(so.InvalidOption, match="coordinate"):
        so.solve(_problem(0), so.solver("frank-wolfe", variant="coordinate"))


# -- quadratic ------------------------------------------------------------------------------------


def _matrix(seed: int, n: int, kind: str) -> NDArray[np.float64]:
    """Return a Gaussian kernel, products of few features, or a matrix of both signs."""
    generator = np.random.default_rng([seed, n])
    points = generator.normal(size=(n, 3))
    if kind == "kernel":
        return np.asarray(np.exp(-0.5 * np.square(points[:, None] - points[None]).sum(axis=2)))
    if kind == "gram":
        return np.asarray(points @ points.T)
    matrix = generator.normal(size=(n, n))
    return matrix + matrix.T


def _quadratic(
    seed: int, n: int = 10, k: int = 4, kind: str = "kernel", dtype: type = np.float64
) -> so.QuadraticSelection:
    linear = np.random.default_rng(seed).normal(size=n)
    return so.QuadraticSelection(_matrix(seed, n, kind).astype(dtype), linear, k=k)


def _optimum(form: QuadraticForm) -> float:
    return min(form.value(np.array(rows)) for rows in combinations(range(form.n), form.k))


def _by_highs(form: QuadraticForm) -> float:
    """Return the optimum of the relaxation of a convex form."""
    highs = highspy.Highs()
    highs.silent()
    for cost in form.linear:
        highs.addVar(0.0, 1.0)
        highs.changeColCost(highs.getNumCol() - 1, float(cost))
    highs.addRow(form.k, form.k, form.n, np.arange(form.n, dtype=np.int32), np.ones(form.n))
    lower = [np.arange(j, form.n) for j in range(form.n)]
    hessian = highspy.HighsHessian()
    hessian.dim_ = form.n
    hessian.format_ = highspy.HessianFormat.kTriangular
    hessian.start_ = np.cumsum([0, *map(len, lower)]).astype(np.int32)
    hessian.index_ = np.concatenate(lower).astype(np.int32)
    hessian.value_ = np.concatenate([2.0 * form.matrix[j:, j] for j in range(form.n)])
    highs.passHessian(hessian)
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getInfo().objective_function_value)


@all_variants
def test_the_contract(variant: str) -> None:
    rounding = "top" if variant in ("pairwise", "coordinate") else "swap"
    solver = so.solver("frank-wolfe", variant=variant, rounding=rounding)
    assert_solver_contract(solver, families=("quadratic", "mmd"))


@all_variants
@pytest.mark.parametrize("kind", ["kernel", "gram", "both signs"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bound_never_lies_on_quadratics(variant: Any, kind: str, dtype: type) -> None:
    for seed in range(6):
        form = _quadratic(seed, 9, (1, 2, 4, 5, 8, 9)[seed], kind, dtype).quadratic_form()
        best = _optimum(form)
        for diagonal in (_convex.diagonal(form), _convex.diagonal(form, Deadline(0.0))):
            relaxed = QuadraticRelaxation(form, diagonal, variant)
            previous = -np.inf
            for tolerance in (1e9, 0.3, 1e-3, 1e-9):
                relaxed.run(tolerance, Limits(), NEVER)
                bound = relaxed.bound()
                assert previous - 1e-12 <= bound <= best + 1e-12
                previous = bound


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bound_of_what_is_taken_for_semidefinite_never_lies(
    dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_convex, "_QUICK", 0)
    for seed in range(12):
        matrix: NDArray[Any] = _matrix(seed, 10, "gram" if seed % 2 else "kernel").astype(dtype)
        linear = -2.0 * matrix.mean(axis=1, dtype=np.float64)
        form = QuadraticForm(matrix, 4 * linear, 4, semidefinite=True)
        best = _optimum(form)
        bound = bounds.METHODS["fw"](form, Limits()).value
        assert bound <= best
        assert bound >= best - 10


@all_variants
@pytest.mark.parametrize("kind", ["kernel", "gram", "both signs"])
def test_the_bound_is_that_of_highs(variant: Any, kind: str) -> None:
    for seed in range(3):
        form = _quadratic(seed, 14, 5, kind).quadratic_form()
        relaxed = QuadraticRelaxation(form, _convex.diagonal(form), variant, 20_000)
        relaxed.run(1e-4 if variant == "vanilla" else 1e-9, Limits(), NEVER)
        convex = _convex.convexified(form)
        ridge = QuadraticForm(  # HiGHS wants the Hessian definite
            convex.matrix + 1e-9 * np.eye(14), convex.linear, 5, semidefinite=True
        )
        wanted = _by_highs(ridge)
        slack = 1e-2 if variant == "vanilla" else 1e-6
        assert wanted - slack * max(1.0, abs(wanted)) <= relaxed.bound()
        assert relaxed.bound() <= wanted + 1e-6 * max(1.0, abs(wanted))


@all_variants
def test_more_steps_make_a_smaller_gap_and_a_larger_bound(variant: str) -> None:
    problem = _quadratic(0, 60, 12)
    found = [
        so.solve(problem, so.solver("frank-wolfe", variant=variant, steps=steps, tolerance=0.0))
        for steps in (1, 10, 100)
    ]
    gaps = [float(solution.message.split()[3]) for solution in found]
    lows = [solution.bound for solution in found]
    assert gaps[0] > gaps[1] >= gaps[2]
    assert lows[0] is not None
    assert lows[1] is not None
    assert lows[2] is not None
    assert lows[0] < lows[1] <= lows[2] + 1e-11


def test_the_rounding_by_swaps_leaves_no_swap_that_helps() -> None:
    for seed in range(4):
        problem = _quadratic(seed, 30, 8, "both signs")
        top = so.solve(problem, so.solver("frank-wolfe", rounding="top"))
        found = so.solve(problem, "frank-wolfe")
        assert found.indices is not None
        assert found.objective is not None
        assert top.objective is not None
        assert found.objective <= top.objective
        chosen = set(found.indices.tolist())
        for i in chosen:
            for j in set(range(30)) - chosen:
                assert problem.objective(sorted(chosen - {i} | {j})) >= found.objective - 1e-9


def test_linear_problems_are_solved_and_proven() -> None:
    problem = so.QuadraticSelection(np.zeros((40, 40)), np.arange(40.0) % 7 - 3, k=9)
    solution = so.solve(problem, "frank-wolfe")
    assert solution.objective == -24.0
    assert solution.bound is not None
    assert solution.bound >= -24.0 - 1e-7


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_the_scale_changes_nothing(scale: float) -> None:
    plain, form = _quadratic(0).quadratic_form(), _quadratic(0).quadratic_form()
    scaled = QuadraticForm(form.matrix * scale, form.linear * scale, form.k)
    wanted = bounds.METHODS["fw"](plain, Limits()).value
    assert abs(bounds.METHODS["fw"](scaled, Limits()).value / scale - wanted) < 1e-6


def test_the_gap_that_is_asked_for_ends_it() -> None:
    problem = _quadratic(1, 80, 20, "both signs")
    full = so.solve(problem, so.solver("frank-wolfe", variant="pairwise"))
    assert full.objective is not None
    assert full.bound is not None
    wide = 2 * (full.objective - full.bound) + 50
    tries: tuple[dict[str, Any], ...] = (
        {"absolute_gap": wide},
        {"gap": wide / abs(full.objective)},
    )
    for limits in tries:
        early = so.solve(problem, so.solver("frank-wolfe", variant="pairwise"), **limits)
        assert early.termination is so.Termination.FINISHED
        assert early.stats.iterations is not None
        assert full.stats.iterations is not None
        assert early.stats.iterations < full.stats.iterations


def test_steps_and_time_end_it_on_quadratics() -> None:
    problem = _quadratic(0, 300, 60)
    for variant in ("coordinate", "pairwise"):
        solver = so.solver("frank-wolfe", variant=variant, steps=1, tolerance=0.0)
        few = so.solve(problem, solver)
        assert few.termination is so.Termination.ITERATION_LIMIT
        assert few.stats.iterations == 1
    solver = so.solver("frank-wolfe", variant="vanilla", steps=10**7, tolerance=0.0)
    late = so.solve(problem, solver, time_limit=0.1)
    assert late.termination is so.Termination.TIME_LIMIT
    assert late.bound is not None


@pytest.mark.parametrize("when", ["eigenvalue", "steps"])
def test_ctrl_c_is_an_answer(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> float:
        raise KeyboardInterrupt

    if when == "eigenvalue":
        monkeypatch.setattr(_convex, "_centred_and_raised", interrupt)
    else:
        monkeypatch.setattr(QuadraticRelaxation, "_exchange", interrupt)
    problem = _quadratic(0, 40, 9)
    solution = so.solve(problem, "frank-wolfe")
    assert solution.termination is so.Termination.INTERRUPTED
    assert solution.indices is not None
    assert problem.check(solution.indices).size == 9
    assert (solution.bound is None) == (when == "eigenvalue")


def test_the_bound_beside_another_solver() -> None:
    problem = _quadratic(2, 12, 5, "both signs")
    solution = so.solve(problem, "frank-wolfe", bound="fw")
    assert solution.objective is not None
    assert solution.bound is not None
    best = _optimum(problem.quadratic_form())
    assert solution.bound <= best <= solution.objective + 1e-12
    own = so.solve(problem, "frank-wolfe").bound
    assert own is not None
    assert abs(solution.bound - own) < 1e-5
