"""Facility location against a plain greedy and the definition."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.benchmarks.scripts import facility_speed as benchmark
from subsetopt.sequencing.baselines import FacilityLocation, facility_location


def _similarity(n: int, seed: int) -> NDArray[np.float64]:
    """Whole numbers, so that all sums are exact and ties occur; not symmetric."""
    return np.random.default_rng([n, seed]).integers(0, 20, size=(n, n)).astype(float)


def _value(similarity: NDArray[Any], chosen: list[int], counted: list[int]) -> float:
    return float(similarity[np.ix_(chosen, counted)].max(axis=0).sum()) if chosen else 0.0


def _plain(similarity: NDArray[Any], available: list[int], k: int) -> list[int]:
    taken: list[int] = []
    for _ in range(k):
        rest = [j for j in available if j not in taken]
        taken.append(max(rest, key=lambda j: _value(similarity, [*taken, j], available)))
    return taken


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 2), (30, 6), (30, 24), (67, 20)])
def test_lazy_takes_what_plain_greedy_takes(n: int, k: int, dtype: Any) -> None:
    for seed in range(4):
        similarity = _similarity(n, seed).astype(dtype)
        available = [i for i in range(n) if i % 5 or n < 5]
        taken, gains = facility_location.greedy(similarity, k, available=available)
        assert taken.tolist() == _plain(similarity, available, k)
        assert gains.sum() == _value(similarity, taken.tolist(), available)
        assert (np.diff(gains) <= 0).all()


def test_all_are_available_by_default() -> None:
    similarity = _similarity(20, 0)
    taken, gains = facility_location.greedy(similarity, 20)
    assert sorted(taken.tolist()) == list(range(20))
    assert gains[0] == similarity.sum(axis=1).max()
    assert gains.sum() == similarity.max(axis=0).sum()


def test_share_of_the_optimum() -> None:
    for seed in range(5):
        similarity = _similarity(10, seed)
        sets = itertools.combinations(range(10), 3)
        best = max(_value(similarity, list(s), list(range(10))) for s in sets)
        value = facility_location.greedy(similarity, 3)[1].sum()
        assert (1 - 1 / math.e) * best <= value <= best


def test_few_gains_are_computed_again() -> None:
    from subsetopt._kernels import facility_gains as kernel

    X = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    similarity = np.asarray(so.Gaussian(1.0)(X, X))
    chosen, gains = np.empty(50, dtype=np.int64), np.empty(50)
    evaluated = kernel.lazy_greedy(
        similarity,
        np.zeros(500, dtype=np.float32),
        similarity.sum(axis=1, dtype=np.float64),
        np.arange(500),
        chosen,
        gains,
    )
    assert 49 <= evaluated < 0.3 * 50 * 500
    served = np.zeros(500)
    for j, gain in zip(chosen, gains, strict=True):
        possible = np.maximum(similarity.astype(float) - served, 0).sum(axis=1)
        assert possible[j] == pytest.approx(possible.max(), rel=1e-5)
        assert gain == pytest.approx(possible[j], rel=1e-5)
        served = np.maximum(served, similarity[j])


def test_batches_on_the_whole_matrix_are_greedy_on_what_is_left() -> None:
    X = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    kernel = so.Gaussian(1.0)
    order, boundaries = FacilityLocation(kernel=kernel, pool=None).order(X, 7)
    similarity = np.asarray(kernel(X, X))
    left = list(range(40))
    for start, end in itertools.pairwise(boundaries[:-1]):
        expected, _ = facility_location.greedy(similarity, 7, available=left)
        assert order[start:end].tolist() == expected.tolist()
        left = [i for i in left if i not in set(expected.tolist())]
    assert order[boundaries[-2] :].tolist() == left


def test_a_pool_that_holds_all_changes_nothing() -> None:
    X = np.random.default_rng(2).normal(size=(40, 3))
    whole, pooled = (FacilityLocation(pool=p).order(X, 7, seed=5)[0] for p in (None, 40))
    assert np.array_equal(whole, pooled)


def test_benchmark() -> None:
    row = benchmark.compare(60, 5, runs=1)
    assert row["value"] == pytest.approx(
        facility_location.greedy(benchmark.similarity(60), 5)[1].sum()
    )
    assert row.get("gains apart", 0.0) < 1e-5  # where apricot is installed


def test_bad_input() -> None:
    similarity = _similarity(5, 0)
    for k in (0, 6):
        with pytest.raises(so.InvalidProblem, match="k must"):
            facility_location.greedy(similarity, k)
    with pytest.raises(so.InvalidProblem, match="square"):
        facility_location.greedy(similarity[:4], 2)
    similarity[2, 3] = np.nan
    with pytest.raises(so.InvalidProblem, match=r"\[2, 3\]"):
        facility_location.greedy(similarity, 2)
    similarity[2, 3] = -1
    with pytest.raises(so.InvalidProblem, match="points 2 and 3; similarities"):
        facility_location.greedy(similarity, 2)
    X = np.random.default_rng(0).normal(size=(30, 3))
    with pytest.raises(so.InvalidProblem, match="similarities must be at least 0"):
        FacilityLocation(kernel=so.Linear()).order(X, 5)
    with pytest.raises(so.InvalidProblem, match="divide X by a power of two"):
        FacilityLocation().order(1e30 * X, 5)
    with pytest.raises(so.InvalidProblem, match=r"kernel must be one of .*; got 'cosine'"):
        FacilityLocation(kernel="cosine")
