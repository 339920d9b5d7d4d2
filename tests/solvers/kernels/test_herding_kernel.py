"""Kernel herding against a NumPy twin."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import herding_steps
from subsetopt.solvers.heuristics._quadratic_steps import seen_as_bits


def _twin(
    matrix: NDArray[Any], target: NDArray[Any], k: int, most: int, replacement: bool
) -> list[int]:
    taken: list[int] = []
    while len(set(taken)) < k:
        score = target - matrix[taken].sum(axis=0) / (len(taken) + 1)
        if not replacement or len(taken) >= most:
            score[taken] = -np.inf
        taken.append(int(score.argmax()))
    return taken


def _herded(matrix: Any, target: Any, k: int, most: int, replacement: bool) -> tuple[Any, int]:
    """Return what is chosen, three steps at a time, and after how many steps."""
    chosen, counts = np.zeros(len(target), dtype=np.bool_), np.zeros(2, np.int64)
    state = chosen, np.zeros(len(target)), *seen_as_bits(-target), counts
    while not herding_steps.herd(matrix, target, k, most, replacement, 3, *state):
        assert counts[0] % 3 == 0
    assert counts[1] == chosen.sum() == k
    return chosen, int(counts[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (9, 9), (60, 7)])
def test_takes_what_the_twin_takes(n: int, k: int, replacement: bool, dtype: Any) -> None:
    for seed in range(4):
        rows = np.random.default_rng([seed, n]).normal(size=(n, 3))
        distance = np.square(rows[:, None] - rows[None]).sum(axis=2)
        matrix = np.exp(-0.5 * distance).astype(dtype)
        target = matrix.mean(axis=1, dtype=np.float64)
        for most in (2, 10 * k):
            chosen, steps = _herded(matrix, target, k, most, replacement)
            expected = _twin(matrix.astype(np.float64), target, k, most, replacement)
            assert sorted(set(expected)) == np.flatnonzero(chosen).tolist()
            assert steps == len(expected)


def test_a_target_that_draws_to_one_point_is_left_after_most_steps() -> None:
    matrix = np.eye(5)
    target = np.array([9.0, 0.0, 0.0, 0.0, 0.0])
    chosen, steps = _herded(matrix, target, 3, 20, True)
    assert steps == 22
    assert chosen.tolist() == [True, True, True, False, False]
