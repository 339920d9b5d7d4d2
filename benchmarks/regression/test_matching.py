"""Mean matching: `select`, swaps on scalars and vectors, the exact methods, Frank-Wolfe."""

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so

from . import ONE, Timed

pytestmark = pytest.mark.benchmark(group="mean matching", disable_gc=True)


def exponential(*shape: int) -> NDArray[np.float32]:
    """Return float32 losses from Exp(1)."""
    return np.random.default_rng(0).exponential(size=shape).astype(np.float32)


@pytest.mark.parametrize("n", [128, 4096, 65_536])
def test_select(timed: Timed, n: int) -> None:
    """A tenth of n losses."""
    losses = exponential(n)
    chosen = timed(lambda: so.select(losses, n // 10))
    assert so.MeanMatching(losses, n // 10).objective(chosen) < 1e-5


def test_select_rows(timed: Timed) -> None:
    """32 of each of 256 rows of 128."""
    losses = exponential(256, 128)
    chosen = timed(lambda: so.select(losses, 32, threads=1))
    means = np.take_along_axis(losses, chosen, axis=1).astype(np.float64).mean(axis=1)
    assert np.abs(means - losses.astype(np.float64).mean(axis=1)).max() < 1e-5


def test_swap_scalars(timed: Timed) -> None:
    """Four restarts whatever they find: no error is small enough."""
    problem = so.MeanMatching(exponential(1024), 100)
    swap = so.solver("swap", tolerance=0.0, restarts=4)
    assert problem.objective(timed(lambda: swap._solve(problem, ONE)).indices) < 1e-7


def test_swap_scalars_quotas(timed: Timed) -> None:
    """The same with eight of each of four groups: swaps within groups."""
    quota = so.Quota(np.arange(128) % 4, exactly=8)
    rules = so.Constraints(quotas=quota)
    problem = so.MeanMatching(exponential(128), 32, constraints=rules)
    swap = so.solver("swap", tolerance=0.0, restarts=4)
    found = timed(lambda: swap._solve(problem, ONE)).indices
    assert quota.counts(found).tolist() == [8, 8, 8, 8]
    assert problem.objective(found) < 1e-6


def test_swap_vectors(timed: Timed) -> None:
    """The descent from the greedy start, and two restarts."""
    vectors = np.random.default_rng(0).standard_normal((300, 16))
    problem = so.MeanMatching(vectors, 30)
    swap = so.solver("swap", tolerance=0.0, restarts=2)
    found = timed(lambda: swap._solve(problem, ONE)).indices
    # Of a random subset it is near d (1/k - 1/n) = 0.48.
    assert problem.objective(found) < 0.01


def test_greedy_vectors(timed: Timed) -> None:
    """30 of 1000 vectors of 16 numbers."""
    problem = so.MeanMatching(np.random.default_rng(0).standard_normal((1000, 16)), 30)
    greedy = so.solver("greedy")
    assert problem.objective(timed(lambda: greedy._solve(problem, ONE)).indices) < 0.05


def test_frank_wolfe_vectors(timed: Timed) -> None:
    """Pairwise steps on vectors whose target is out of reach, so that all are taken."""
    vectors = np.random.default_rng(0).standard_normal((400, 16))
    problem = so.MeanMatching(vectors, 40, target=np.full(16, 3.0))
    relaxed = so.solver("frank-wolfe", steps=60, tolerance=0.0, rounding="top")
    answer = timed(lambda: relaxed._solve(problem, ONE))
    assert 0 < answer.bound <= problem.objective(answer.indices) < 1.1 * answer.bound


@pytest.mark.parametrize(("method", "n"), [("meet", 40), ("window", 128)])
def test_exact(timed: Timed, method: str, n: int) -> None:
    """Half of n losses, proven; of float64 for `meet`, so that no start attains the grid."""
    losses = exponential(n)
    problem = so.MeanMatching(
        losses.astype(np.float64) ** 1.5 if method == "meet" else losses, n // 2
    )
    exact = so.solver("exact", method=method)
    answer = timed(lambda: exact._solve(problem, ONE))
    assert answer.proven
    assert method in answer.message
    assert problem.objective(answer.indices) < 1e-8
