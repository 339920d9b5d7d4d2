"""What all baselines keep to, and the random one."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.sequencing.baselines import (
    BASELINES,
    KDPP,
    Baseline,
    FacilityLocation,
    PoissonDisk,
    RandomBatches,
    Submodular,
)

CASES: list[Baseline] = [
    RandomBatches(),
    Submodular(),
    Submodular(uncertainty=0, coverage=0, pool=20),
    KDPP(),
    KDPP(pool=20),
    KDPP(kernel=so.Linear(), ridge=0, pool=None),
    FacilityLocation(),
    FacilityLocation(pool=20),
    FacilityLocation(pool=None),
    PoissonDisk(),
    PoissonDisk(radius=0.5, pool=None),
]
baselines = pytest.mark.parametrize("baseline", CASES, ids=repr)


def _points(n: int, d: int = 12, dtype: Any = np.float32) -> NDArray[Any]:
    return np.random.default_rng([n, d]).random((n, d)).astype(dtype)


def _scores(n: int) -> NDArray[np.float64]:
    return np.random.default_rng(n).exponential(size=n)


def test_table() -> None:
    assert list(BASELINES) == ["random", "submodular", "k-dpp", "facility", "poisson-disk"]
    assert all(BASELINES.create(name).name == name for name in BASELINES)


@baselines
@pytest.mark.parametrize(("n", "size"), [(53, 10), (40, 10), (7, 7), (9, 1), (11, 10)])
def test_every_point_once(baseline: Baseline, n: int, size: int) -> None:
    order, boundaries = baseline.order(_points(n), size, scores=_scores(n))
    assert order.dtype == boundaries.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(n))
    assert boundaries.tolist() == [*range(0, n, size), n]


@baselines
def test_same_seed_same_order(baseline: Baseline) -> None:
    X, scores = _points(60), _scores(60)
    first, again = (baseline.order(X, 10, seed=3, scores=scores)[0] for _ in range(2))
    assert np.array_equal(first, again)
    other = baseline.order(X, 10, seed=4, scores=scores)[0]
    drawn = (
        isinstance(baseline, RandomBatches | KDPP | PoissonDisk)
        or getattr(baseline, "pool", None) == 20
    )
    assert np.array_equal(first, other) is not drawn


@baselines
def test_the_first_batch_is_the_selection(baseline: Baseline) -> None:
    X, scores = _points(60), _scores(60)
    order, _ = baseline.order(X, 10, seed=3, scores=scores)
    chosen = baseline.select(X, 10, seed=3, scores=scores)
    assert np.array_equal(chosen, np.sort(order[:10]))


@baselines
def test_input_is_left_alone_and_any_dtype_is_read(baseline: Baseline) -> None:
    X = np.random.default_rng(0).integers(0, 9, size=(30, 12))
    before = X.copy()
    order, _ = baseline.order(X, 10, scores=_scores(30))
    assert np.array_equal(X, before)
    again, _ = baseline.order(X.astype(float).tolist(), 10, scores=_scores(30))
    assert np.array_equal(order, again)


@baselines
def test_progress_counts_points(baseline: Baseline) -> None:
    seen: list[tuple[int, int]] = []
    baseline.order(
        _points(25), 10, scores=_scores(25), progress=lambda done, n: seen.append((done, n))
    )
    assert seen == [(10, 25), (20, 25), (25, 25)]


@baselines
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(baseline: Baseline, bad: float) -> None:
    X = _points(30)
    X[3, 2] = bad
    with pytest.raises(so.InvalidProblem, match=r"X\[3, 2\]"):
        baseline.order(X, 10, scores=_scores(30))
    scores = _scores(30)
    scores[4] = bad
    with pytest.raises(so.InvalidProblem, match=r"scores\[4\]"):
        baseline.order(_points(30), 10, scores=scores)


@baselines
@pytest.mark.parametrize("size", [0, 31, 2.5, True])
def test_sizes_out_of_range(baseline: Baseline, size: Any) -> None:
    with pytest.raises(so.InvalidProblem, match="batch_size must"):
        baseline.order(_points(30), size, scores=_scores(30))
    with pytest.raises(so.InvalidProblem, match="k must"):
        baseline.select(_points(30), size, scores=_scores(30))


@baselines
def test_other_bad_arguments(baseline: Baseline) -> None:
    with pytest.raises(so.InvalidProblem, match="scores has shape"):
        baseline.order(_points(30), 10, scores=_scores(29))
    with pytest.raises(so.InvalidOption, match="seed"):
        baseline.order(_points(30), 10, scores=_scores(30), seed=-1)


@pytest.mark.parametrize("kind", [Submodular, KDPP, FacilityLocation, PoissonDisk])
def test_pools(kind: Any) -> None:
    for pool in (0, 2.5, True):
        with pytest.raises(so.InvalidOption, match="pool must"):
            kind(pool=pool)
    with pytest.raises(so.InvalidOption, match="pool is 5, below the 10"):
        kind(pool=5).order(_points(30), 10, scores=_scores(30))


def test_a_random_batch_is_uniform() -> None:
    """Each of 10 pairs of 5 in 5000 draws: chi-square of 9 degrees, 99.99 % below 33.7."""
    counts = np.zeros((5, 5))
    for seed in range(5000):
        a, b = RandomBatches().select(np.arange(5.0)[:, None], 2, seed=seed)
        counts[a, b] += 1
    observed = counts[np.triu_indices(5, 1)]
    assert np.square(observed - 500).sum() / 500 < 33.7


def _closest(X: NDArray[Any], batch: NDArray[np.int64]) -> float:
    apart = np.linalg.norm(X[batch][:, None] - X[batch][None], axis=2)
    return float(apart[np.triu_indices(len(batch), 1)].min())


def test_darts_keep_their_distance_while_there_is_room() -> None:
    X = _points(400, 2)
    for seed in range(5):
        kept = PoissonDisk(radius=0.12, pool=None).select(X, 20, seed=seed)
        assert _closest(X, kept) >= 0.12
        # Where there is no room the radius shrinks, and the batch fills up.
        dense = PoissonDisk(radius=0.5, pool=None).select(X, 20, seed=seed)
        assert 0.1 < _closest(X, dense) < 0.5
        assert _closest(X, PoissonDisk().select(X, 20, seed=seed)) > _closest(
            X, RandomBatches().select(X, 20, seed=seed)
        )
    twins = np.ones((30, 3))
    assert len(set(PoissonDisk(radius=1.0).select(twins, 8).tolist())) == 8
    with pytest.raises(so.InvalidOption, match="radius must"):
        PoissonDisk(radius=-1.0)


def test_without_a_radius_darts_are_a_random_batch() -> None:
    counts = np.zeros(6)
    for seed in range(600):
        counts[PoissonDisk(radius=0.0).select(np.arange(6.0)[:, None], 2, seed=seed)] += 1
    assert np.square(counts - 200).sum() / 200 < 25.7  # chi-square of 5 degrees, 99.99 %
