"""Points and kernels: the kernel matrix, MMD selection and mini-batch sequences."""

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.problems import kernels
from subsetopt.problems._kernel_matrices import kernel_matrix
from subsetopt.sequencing import sequence

from . import ONE, Timed

pytestmark = pytest.mark.benchmark(group="points", disable_gc=True)


def cloud(n: int, d: int) -> NDArray[np.float32]:
    """Return n normal points."""
    return np.random.default_rng(0).standard_normal((n, d)).astype(np.float32)


@pytest.mark.parametrize(
    "kernel", [kernels.Gaussian(scale=4.0), kernels.Laplace(scale=8.0)], ids=["gaussian", "laplace"]
)
def test_kernel_matrix(timed: Timed, kernel: kernels.Kernel) -> None:
    """Tiles of 1000 points in 32 dimensions."""
    points = cloud(1000, 32)
    matrix = timed(lambda: kernel_matrix(kernel, points, threads=1))
    assert matrix.shape == (1000, 1000)
    assert np.array_equal(matrix, matrix.T)
    assert matrix[3, 5] == pytest.approx(kernel(points[3:4], points[5:6])[0, 0], rel=1e-4)


def test_mmd_from_features(timed: Timed) -> None:
    """State the problem of 30 of 600 points and evaluate one selection."""
    points, chosen = cloud(600, 32), np.arange(30)
    found = timed(lambda: so.MMDSelection(points, 30).objective(chosen))
    assert 0 < found < 1


@pytest.mark.parametrize("name", ["herding", "swap", "greedy"])
def test_mmd_selection(timed: Timed, name: str) -> None:
    """30 of 600 points."""
    problem = so.MMDSelection(cloud(600, 32), 30)
    problem.quadratic_form()
    solver = so.solver(name, restarts=2) if name == "swap" else so.solver(name)
    found = timed(lambda: solver._solve(problem, ONE)).indices
    assert problem.objective(found) < 0.9 * problem.objective(np.arange(30))


def test_mmd_quotas_and_includes(timed: Timed) -> None:
    """30 of 600 points, two or more of each of ten classes, five of them included."""
    quota = so.Quota(np.arange(600) % 10, at_least=2)
    rules = so.Constraints(include=[0, 1, 2, 3, 4], quotas=quota)
    problem = so.MMDSelection(cloud(600, 32), 30, constraints=rules)
    problem.quadratic_form()
    swap = so.solver("swap", restarts=2)
    solution = timed(lambda: so.solve(problem, swap, threads=1))
    assert quota.counts(solution.indices).min() >= 2
    assert solution.objective < 0.9 * problem.objective(np.arange(30))


@pytest.mark.parametrize(("variant", "steps"), [("coordinate", 4), ("pairwise", 40)])
def test_frank_wolfe(timed: Timed, variant: str, steps: int) -> None:
    """1200 points: so many that the form is taken as it is, without looking for a diagonal."""
    problem = so.MMDSelection(cloud(1200, 32), 60)
    problem.quadratic_form()
    relaxed = so.solver("frank-wolfe", variant=variant, steps=steps, tolerance=0.0, rounding="top")
    answer = timed(lambda: relaxed._solve(problem, ONE))
    # The least is 0 or a little more, so that a bound near 0 is a good one.
    assert -1e-3 < answer.bound <= problem.objective(answer.indices) < 0.02


@pytest.mark.parametrize("engine", ["matrix", "rows"])
@pytest.mark.parametrize("name", ["running-herding", "running-swap"])
def test_sequence(timed: Timed, name: str, engine: str) -> None:
    """500 points in 16 dimensions, in batches of 25."""
    points = cloud(500, 16)
    found = timed(lambda: sequence(points, 25, selector=name, engine=engine, threads=1))
    assert np.array_equal(np.sort(found.order), np.arange(500))
    assert np.nanmean(found.mmd2) < 0.05
