"""Greedy against a NumPy twin, scalars and vectors, whatever the magnitudes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so


def _twin(values: NDArray[Any], target: NDArray[Any], k: int) -> list[int]:
    rows = values.reshape(len(values), -1).astype(np.float64) - np.atleast_1d(target)
    total = np.zeros(rows.shape[1])
    chosen: list[int] = []
    for _ in range(k):
        distance = np.square(rows + total).sum(axis=1)
        distance[chosen] = np.inf
        chosen.append(int(distance.argmin()))
        total += rows[chosen[-1]]
    return sorted(chosen)


@pytest.mark.parametrize("shape", [(1,), (20,), (50,), (1, 3), (20, 2), (40, 10)])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e60])
def test_takes_what_the_twin_takes(shape: tuple[int, ...], scale: float) -> None:
    for seed in range(3):
        values = np.random.default_rng([seed, *shape]).normal(size=shape) * scale
        for k in {1, len(values) // 3, len(values)} - {0}:
            solution = so.solve(so.MeanMatching(values, k=k), "greedy")
            assert solution.indices is not None
            assert solution.indices.tolist() == _twin(values, values.mean(axis=0), k)
            assert solution.termination in (so.Termination.FINISHED, so.Termination.OPTIMAL)


def test_takes_the_targets_side() -> None:
    values = np.random.default_rng(0).normal(size=(30, 3))
    target = np.array([0.3, -0.2, 0.5])
    solution = so.solve(so.MeanMatching(values, k=8, target=target), "greedy")
    assert solution.indices is not None
    assert solution.indices.tolist() == _twin(values, target, 8)


@pytest.mark.parametrize(
    ("scale", "shape"),
    [
        *((scale, (15,)) for scale in (2.0**-1060, 2.0**-600, 2.0**600, 2.0**1000)),
        *((scale, (15, 3)) for scale in (2.0**-440, 2.0**-300, 2.0**500)),
    ],
)
def test_scaling_by_a_power_of_two_changes_nothing(scale: float, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).integers(-50, 50, size=shape).astype(np.float64)
    plain = so.solve(so.MeanMatching(values, k=6, target=np.full(shape[1:], 3.0)), "greedy")
    scaled = so.MeanMatching(values * scale, k=6, target=np.full(shape[1:], 3.0) * scale)
    solution = so.solve(scaled, "greedy")
    assert solution.indices is not None
    assert plain.indices is not None
    assert solution.indices.tolist() == plain.indices.tolist()


def test_at_most_leaves_out_what_does_harm() -> None:
    problem = so.MeanMatching([5.0, 6.0, 7.0, 8.0], k=3, target=2.0, cardinality="at_most")
    solution = so.solve(problem, "greedy")
    assert solution.indices is not None
    # The sum is wanted at 6; from nothing, 5 comes closest to the 4 that two choices should have.
    assert solution.indices.tolist() == [0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quadratic_forms(dtype: Any) -> None:
    generator = np.random.default_rng(3)
    matrix = generator.integers(-9, 9, size=(25, 25))
    matrix, linear = (matrix + matrix.T).astype(dtype), generator.normal(size=25)
    chosen: list[int] = []
    for _ in range(7):
        cost = linear + matrix.diagonal() + 2 * matrix[chosen].sum(axis=0)
        cost[chosen] = np.inf
        chosen.append(int(cost.argmin()))
    found = so.solve(so.QuadraticSelection(matrix, linear, k=7), "greedy")
    assert found.indices is not None
    assert found.indices.tolist() == sorted(chosen)


@pytest.mark.parametrize("quotas", [False, True])
def test_greedy_follows_the_mean_as_herding_does(quotas: bool) -> None:
    generator = np.random.default_rng(3)
    centres = 6.0 * generator.normal(size=(30, 8))
    X = centres[generator.integers(0, 30, 1000)] + generator.normal(size=(1000, 8))
    rules = so.Constraints(quotas=[so.Quota.proportional(np.arange(1000) % 3, 60)])
    problem = so.MMDSelection(X, 60, constraints=rules if quotas else None, scale_columns="none")
    greedy, random = (so.solve(problem, name).objective for name in ("greedy", "random"))
    assert greedy is not None
    assert random is not None
    assert greedy < 0.1 * random
    # With k in place of t, the candidates of the densest cluster would come first.
    chosen = so.solve(problem, "greedy").indices
    assert chosen is not None
    few = np.random.default_rng(0).choice(chosen, 20, replace=False)
    assert len(np.unique(np.linalg.norm(X[few][:, None] - centres, axis=2).argmin(axis=1))) > 10


def test_greedy_minimises_the_mmd_of_those_so_far() -> None:
    X = np.random.default_rng(0).normal(size=(40, 2))
    kernel = so.Gaussian(1.0)
    K, chosen = kernel(X, X), list[int]()
    for t in range(1, 8):
        means = [
            K[np.ix_([*chosen, j], [*chosen, j])].sum() / t**2
            - 2.0 * K[[*chosen, j]].mean(axis=1).sum() / t
            if j not in chosen
            else np.inf
            for j in range(40)
        ]
        chosen.append(int(np.argmin(means)))
    problem = so.MMDSelection(X, 7, kernel=kernel, target=X, scale_columns="none")
    indices = so.solve(problem, "greedy").indices
    assert indices is not None
    assert indices.tolist() == sorted(chosen)
