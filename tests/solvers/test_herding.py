"""Herding as a solver: what it herds towards, its option, its order."""

from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.testing import assert_solver_contract


@pytest.mark.parametrize("replacement", [False, True])
def test_contract(replacement: bool) -> None:
    assert_solver_contract(so.solver("herding", replacement=replacement))


def _points(n: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(n, 2))


def test_the_target_is_the_mean_of_all() -> None:
    points, k = _points(80, 0), 12
    problem = so.MMDSelection(points, k=k, kernel=so.Gaussian(scale=1.0))
    distance = np.square(points[:, None] - points[None]).sum(axis=2)
    kernel = np.exp(-0.5 * distance)
    chosen: list[int] = []
    for _ in range(k):
        score = kernel.mean(axis=1) - kernel[chosen].sum(axis=0) / (len(chosen) + 1)
        score[chosen] = -np.inf
        chosen.append(int(score.argmax()))
    found = so.solve(problem, "herding")
    assert found.indices is not None
    assert found.indices.tolist() == sorted(chosen)
    assert found.stats.iterations == k
    assert found.termination is so.Termination.FINISHED


def test_better_than_chance_and_worse_than_swaps() -> None:
    problem = so.MMDSelection(_points(200, 1), k=20)
    found, swaps = (so.solve(problem, name).objective for name in ("herding", "swap"))
    assert found is not None
    assert swaps is not None
    draws = [problem.objective(problem.draw(np.random.default_rng(seed))) for seed in range(20)]
    assert swaps < found < min(draws)


def test_vectors_are_herded_to_their_target() -> None:
    problem = so.MeanMatching(_points(100, 2), k=10, target=[0.5, -0.5])
    found = so.solve(problem, "herding").objective
    assert found is not None
    draws = [problem.objective(problem.draw(np.random.default_rng(seed))) for seed in range(20)]
    assert found < min(draws)


def test_with_replacement_repetition_costs_steps() -> None:
    problem = so.QuadraticSelection(np.eye(6), [-40.0, -0.2, -0.1, 0.0, 0.0, 0.0], k=3)
    found = so.solve(problem, so.solver("herding", replacement=True))
    assert found.indices is not None
    assert found.indices.tolist() == [0, 1, 2]
    assert found.stats.iterations is not None
    assert found.stats.iterations > 3


@pytest.mark.parametrize("value", [1, None, "yes"])
def test_the_option_is_validated(value: Any) -> None:
    with pytest.raises(so.InvalidOption, match=r"replacement must .*got"):
        so.solver("herding", replacement=value)
