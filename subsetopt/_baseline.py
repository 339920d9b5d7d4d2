"""What uniformly drawn subsets achieve: the yardstick beside every answer."""

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import Problem

_STREAM = 1  # apart from default_rng(seed) itself, which the `random` solver draws from


def random_objectives(problem: Problem, draws: int, seed: int = 0) -> NDArray[np.float64]:
    """Return the objectives of uniform subsets of k of n, drawn independently; shape (draws,).

    The problem evaluates each one, so the values are comparable with any answer's to the last
    bit, and no more than one subset is in memory. Each draw costs O(k), or O(n) where k is more
    than a fiftieth of n, and one evaluation.

    Parameters
    ----------
    problem : Problem
    draws : int
    seed : int
        Of a generator of its own.
    """
    generator = np.random.default_rng([seed, _STREAM])
    return np.array(
        [problem.objective(problem.draw(generator)) for _ in range(draws)],
        dtype=np.float64,
    )


def rank(objective: float, others: NDArray[np.float64]) -> float:
    """Return the share of `others` that are at least as good as `objective`: 0 is best, 1 worst."""
    return float(np.mean(others <= objective))
