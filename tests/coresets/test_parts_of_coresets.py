"""The passes over the rows, the judge of a choice, and the weights."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.coresets import _pool
from subsetopt.coresets._aiming import AimedKeys
from subsetopt.coresets._judging import Judge
from subsetopt.coresets._kernel_means import kernel_means
from subsetopt.coresets._pool import PoolSize
from subsetopt.coresets._reading_engines import LOCAL
from subsetopt.coresets._row_keys import RowKeys
from subsetopt.coresets._row_sources import ArrayRows, BlockRows
from subsetopt.coresets._surveying import survey
from subsetopt.coresets._weighing import on_simplex, simplex_weights
from subsetopt.problems.scaling import Scaling


def _nobody(*step: Any) -> None:
    pass


def _source(X: Any, size: int) -> BlockRows:
    return BlockRows(lambda: (X[i : i + size] for i in range(0, len(X), size)))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_survey_does_not_depend_on_the_blocks(size: int) -> None:
    generator = np.random.default_rng(0)
    X = 1e6 + generator.normal(size=(500, 2))
    seen = survey(_source(X, size), 40, RowKeys(3), _nobody, LOCAL).result()
    assert seen.n == 500
    np.testing.assert_allclose(seen.mean, X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(seen.std, X.std(axis=0), rtol=1e-9)
    np.testing.assert_array_equal(seen.lowest, X.min(axis=0))
    np.testing.assert_array_equal(seen.highest, X.max(axis=0))
    np.testing.assert_array_equal(seen.X, X[seen.rows])
    least = np.sort(np.argsort(RowKeys(3).of(0, 500))[:40])
    np.testing.assert_array_equal(seen.rows, least)


@pytest.mark.parametrize("shape", [(3333, 5), (70, 3), (200, 1500), (1, 1)])
def test_moments_are_those_of_the_columns(shape: tuple[int, int]) -> None:
    X = (5.0 + np.random.default_rng(1).normal(size=shape)).astype(np.float32)
    seen = survey(ArrayRows(X), 1, RowKeys(0), _nobody, LOCAL).result()
    wide = X.astype(np.float64)
    assert seen.n == len(X)
    np.testing.assert_allclose(seen.mean, wide.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(seen.std, wide.std(axis=0), rtol=1e-10)
    np.testing.assert_array_equal(seen.lowest, X.min(axis=0))
    np.testing.assert_array_equal(seen.highest, X.max(axis=0))


@pytest.mark.parametrize(("first", "count"), [(0, 1), (3, 8), (4, 4), (9, 0), (1_000_001, 6)])
def test_keys_are_those_of_the_rows_wherever_reading_begins(first: int, count: int) -> None:
    keys = RowKeys(5)
    np.testing.assert_array_equal(keys.of(first, count), keys.of(0, first + count)[first:])
    assert not np.array_equal(RowKeys(5, 1).of(0, 9), keys.of(0, 9))
    assert not np.array_equal(RowKeys(6).of(0, 9), keys.of(0, 9))


@pytest.mark.parametrize(("n", "size"), [(500, 1), (500, 40), (500, 499), (3_000_000, 20)])
def test_the_limit_is_above_as_many_keys_as_wanted(n: int, size: int) -> None:
    keys = RowKeys(2)
    assert (keys.of(0, n) < keys.limit(n, size)).sum() == size
    assert keys.limit(size, size) == np.inf


def test_each_row_is_as_likely_in_the_sample() -> None:
    X, counts = np.arange(30.0), np.zeros(30)
    for seed in range(600):
        seen = survey(_source(X, 4), 5, RowKeys(seed), _nobody, LOCAL).result()
        counts[seen.rows] += 1
    expected = 600 * 5 / 30
    assert ((counts - expected) ** 2 / expected).sum() < 60  # 29 degrees of freedom


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "kernel",
    [so.Gaussian(2.0), so.Gaussian(1e-3), so.Laplace(3.0), so.Polynomial(2), so.Linear()],
    ids=str,
)
def test_the_means_are_those_of_the_kernel(kernel: Any, dtype: Any) -> None:
    generator = np.random.default_rng(1)
    X = generator.normal(size=(1500, 4)).astype(dtype)
    points = X[:300] + (0.0 if kernel != so.Gaussian(1e-3) else dtype(1e-4))
    exact = kernel(points.astype(np.float64), X.astype(np.float64)).mean(axis=1)
    scaling = Scaling.of(X, "none")
    for threads in (1, 2):
        means = kernel_means(kernel, points, ArrayRows(X), scaling, threads, _nobody, len(X))
        np.testing.assert_allclose(
            means, exact, rtol=1e-5 if dtype == np.float32 else 1e-10, atol=1e-6
        )


def test_estimates_are_right_on_average_and_as_far_off_as_they_say() -> None:
    generator = np.random.default_rng(2)
    X, kernel = generator.normal(size=(2000, 2)), so.Gaussian(1.0)
    K = kernel(X, X)
    means, S = K.mean(axis=1), generator.choice(2000, 30, replace=False)
    exact = K[np.ix_(S, S)].mean() - 2.0 * means[S].mean() + means.mean()
    errors, stated = [], []
    for _ in range(200):
        rows = generator.choice(2000, 100, replace=False)
        estimate = Judge(kernel, X[rows], means[rows], 2000).mmd_squared(X[S], means[S])
        errors.append(estimate.square - exact)
        stated.append(estimate.error)
    assert abs(np.mean(errors)) < 4.0 * np.std(errors) / np.sqrt(200)
    assert np.std(errors) == pytest.approx(np.mean(stated), rel=0.2)
    everything = Judge(kernel, X, means, 2000).mmd_squared(X[S], means[S])
    assert everything.error == 0.0
    assert everything.square == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_no_weights_are_better_by_more_than_the_gap(seed: int) -> None:
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(400, 3))
    K, rows = so.Gaussian(1.0)(X, X), generator.choice(400, 25, replace=False)
    means = K.mean(axis=1)[rows]
    own = K[np.ix_(rows, rows)]
    w, gap = simplex_weights(own, means)

    def value(w: Any) -> float:
        return float(w @ own @ w - 2.0 * w @ means)

    assert w.min() >= 0.0
    assert w.sum() == pytest.approx(1.0)
    # Frank-Wolfe from elsewhere, long enough to come near the least.
    other = np.full(25, 1.0 / 25)
    for step in range(20_000):
        slope = own @ other - means
        toward = np.zeros(25)
        toward[slope.argmin()] = 1.0
        away = toward - other
        curved = float(away @ own @ away)
        size = min(1.0, max(0.0, -float(slope @ away) / curved)) if curved > 0 else 2 / (step + 2)
        other = other + size * away
    assert value(w) <= value(other) + 1e-9
    assert value(w) - gap <= value(other) + 1e-12
    assert 0.0 <= gap < 1e-4


def test_the_nearest_point_of_the_simplex() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        v = generator.normal(size=6)
        nearest = on_simplex(v)
        assert nearest.min() >= 0.0
        assert nearest.sum() == pytest.approx(1.0)
        others = generator.dirichlet(np.ones(6), 500)
        assert (((others - v) ** 2).sum(axis=1) >= ((nearest - v) ** 2).sum() - 1e-12).all()


def test_a_matrix_of_float64_takes_no_more_memory() -> None:
    size = PoolSize.of(400, None, 2**28)
    for itemsize in (4, 8):
        assert size.part_of(itemsize) ** 2 * itemsize <= 2**27
    assert size.part_of(4) == size.part > size.part_of(8)
    assert PoolSize.of(400, None, 2**36).part_of(8) == PoolSize.of(400, None, 2**36).part


def test_rows_near_a_target_are_drawn_as_likely_as_it_is_dense_there() -> None:
    generator = np.random.default_rng(3)
    X, T = generator.normal(size=(6000, 1)), generator.normal(1.5, 0.5, size=(4000, 1))
    scaling = Scaling.of(X, "none")
    keys = AimedKeys.of(RowKeys(1, 4), X[:2000], T[:2000], scaling, 1)
    assert keys is not None
    own = keys.among(X, 0)
    parts = np.concatenate([keys.among(X[at : at + 700], at) for at in range(0, 6000, 700)])
    np.testing.assert_allclose(parts, own, rtol=1e-12)
    drawn = X[np.argsort(own)[:300], 0]
    assert abs(drawn.mean() - 1.5) < 0.25
    assert abs(drawn.std() - 0.5) < 0.15
    # A cluster sends little more than is wanted.
    assert 300 < (own < keys.limit(6000, 300)).sum() < 700
    alike = np.ones((50, 1))
    assert AimedKeys.of(RowKeys(1, 4), alike, alike, scaling, 1) is None


def test_wide_rows_have_fewer_candidates_and_witnesses() -> None:
    size = PoolSize.of(50, None, 2**27)
    assert size.within(50, 16, False) == size
    wide = size.within(50, 2**14, True)
    assert (wide.total + wide.witnesses) * 2**14 * 18 <= 2**27
    assert wide.part == wide.total > wide.witnesses > 0
    with pytest.raises(so.TooLarge, match="choose fewer rows or columns"):
        size.within(50, 2**17, False)


def test_the_memory_that_is_given_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool, "_MOVES", 100)
    X = np.random.default_rng(0).standard_normal((6000, 512), np.float32)
    limit = 80 * 2**20
    so.coreset(X[:500, :3], 5, scale_columns="none", memory=limit)  # loads what it takes
    tracemalloc.start()
    few = so.coreset(X, 20, scale_columns="std", kernel=so.Gaussian(30.0), memory=limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert few.mmd < few.random_mmd
    assert 0.2 * limit < peak < limit
