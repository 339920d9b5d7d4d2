"""The uniform baseline."""

import numpy as np
import pytest

import subsetopt as so


def _chosen(n: int, k: int, seed: int) -> list[int]:
    solution = so.solve(so.MeanMatching(np.arange(n), k=k), "random", seed=seed)
    assert solution.indices is not None
    return list(solution.indices.tolist())


@pytest.mark.parametrize(("n", "k"), [(10, 3), (7, 6), (200, 2)])
def test_uniform(n: int, k: int) -> None:
    seeds = 1500
    counts = np.zeros(n)
    for seed in range(seeds):
        chosen = _chosen(n, k, seed)
        assert len(set(chosen)) == k
        counts[chosen] += 1
    share = k / n
    assert (np.abs(counts - seeds * share) <= 5 * np.sqrt(seeds * share * (1 - share))).all()


def test_pairs_are_uniform_too() -> None:
    seeds = 1500
    together = np.zeros((5, 5))
    for seed in range(seeds):
        i, j = _chosen(5, 2, seed)
        together[i, j] += 1
    pairs = together[np.triu_indices(5, 1)]
    assert (np.abs(pairs - seeds / 10) <= 5 * np.sqrt(seeds * 0.09)).all()


def test_the_seed_decides() -> None:
    assert _chosen(50, 10, 3) == _chosen(50, 10, 3)
    assert len({tuple(_chosen(50, 10, seed)) for seed in range(20)}) == 20


def test_takes_vectors_and_all_of_them() -> None:
    solution = so.solve(so.MeanMatching(np.ones((6, 2)), k=4), "random")
    assert solution.indices is not None
    assert solution.indices.size == 4
    assert _chosen(6, 6, 0) == list(range(6))
