"""The uniform baseline."""

import itertools

import numpy as np
import pytest

import subsetopt as so
from subsetopt._baseline import random_objectives, rank


@pytest.mark.parametrize("shape", [(9,), (9, 2)])
def test_draws_are_uniform_over_all_subsets(shape: tuple[int, ...]) -> None:
    problem = so.MeanMatching(np.random.default_rng(0).random(shape), 3)
    every = np.sort([problem.objective(c) for c in itertools.combinations(range(9), 3)])
    drawn = random_objectives(problem, 4000, seed=1)
    assert np.isin(drawn, every).all()  # to the last bit
    counts = np.bincount(np.searchsorted(every, drawn), minlength=every.size)
    expected = drawn.size / every.size
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < every.size + 5 * np.sqrt(2 * every.size)


def test_the_seed_decides_and_the_random_solver_draws_otherwise() -> None:
    problem = so.MeanMatching(np.random.default_rng(0).random(1000), 20)
    first = random_objectives(problem, 10, seed=3)
    assert np.array_equal(first, random_objectives(problem, 10, seed=3))
    assert not np.isin(first, random_objectives(problem, 10, seed=4)).any()
    assert so.solve(problem, "random", seed=3).objective not in first


def test_rank_counts_ties_as_good() -> None:
    others = np.array([0.5, 1.0, 1.0, 2.0])
    assert [rank(x, others) for x in (0.1, 1.0, 3.0)] == [0.0, 0.75, 1.0]


def test_all_of_n() -> None:
    problem = so.MeanMatching([1.0, 2.0], 2)
    assert random_objectives(problem, 3).tolist() == [0.0, 0.0, 0.0]
