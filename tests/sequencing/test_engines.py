"""Engines: the rows, sums and diagonals that they give, what they choose and refuse."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.sequencing import Engine, choose, mmd_to_whole

KERNELS = [so.Gaussian(scale=1.5), so.Laplace(scale=2.0), so.Polynomial(degree=2), so.Linear()]


def cloud(seed: int, n: int, d: int = 3, dtype: Any = np.float64) -> NDArray[Any]:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["matrix", "matrix16", "rows"])
@pytest.mark.parametrize(
    "kernel", [*KERNELS, np.inner], ids=["gaussian", "laplace", "polynomial", "linear", "np.inner"]
)
def test_rows_sums_and_diagonal(kernel: Any, name: str, dtype: Any) -> None:
    X = cloud(0, 150, dtype=dtype)
    engine = choose(X, kernel, engine=name)
    wanted = np.asarray(kernel(X, X), np.float64)
    half, single = name == "matrix16", dtype == np.float32
    tolerance = (1e-3 if half else 1e-5 if single else 1e-12) * np.abs(wanted).max()
    assert isinstance(engine, Engine)
    assert engine.name == name
    assert engine.n == 150
    assert engine.dtype == (np.float32 if half else dtype)
    chosen = np.array([149, 0, 7])
    rows = engine.rows(chosen)
    assert rows.dtype == engine.dtype
    np.testing.assert_allclose(rows, wanted[chosen], atol=tolerance)
    np.testing.assert_allclose(engine.rows(chosen[:1]), wanted[149:], atol=tolerance)
    np.testing.assert_allclose(engine.diagonal(), wanted.diagonal(), atol=tolerance)
    np.testing.assert_allclose(engine.row_sums(), wanted.sum(axis=1), atol=150 * tolerance)
    assert rows[0, 149] == pytest.approx(engine.diagonal()[149], abs=0)
    assert engine.describe().startswith(f"{name}: ")
    assert engine.bytes > X.nbytes


def test_rows_in_pieces() -> None:
    X = cloud(1, 1200, d=1100)
    for threads in (1, 2):
        engine = choose(X, so.Gaussian(scale=30.0), engine="rows", threads=threads)
        wanted = so.Gaussian(scale=30.0)(X[[5, 900]], X)
        np.testing.assert_allclose(engine.rows(np.array([5, 900])), wanted, rtol=1e-12)


def test_rows_of_a_matrix_are_views() -> None:
    engine = choose(cloud(2, 20))
    assert engine.matrix is not None
    assert np.shares_memory(engine.rows(np.array([4])), engine.matrix)
    assert choose(cloud(2, 20), engine="matrix16").matrix is None


def test_the_scale_is_filled_in() -> None:
    X = cloud(3, 40)
    for name in ("matrix", "rows"):
        assert choose(X, engine=name).kernel == so.Gaussian().fitted(X)


def test_auto_takes_the_matrix_where_it_fits() -> None:
    X = cloud(4, 5000, d=2, dtype=np.float32)
    room = 4 * 5000**2 + 10 * X.nbytes + 2**26
    assert choose(X[:50]).name == "matrix"
    assert choose(X, memory=4 * 5000**2).name == "rows"
    assert choose(X[:4000], memory=room).name == "matrix"
    assert choose(X.astype(np.float64), memory=room).name == "rows"


def test_too_large() -> None:
    X = cloud(5, 3000, d=2)
    with pytest.raises(so.TooLarge, match="3000 x 3000 kernel matrix in float64 would take"):
        choose(X, memory=10_000_000, engine="matrix")
    with pytest.raises(so.TooLarge, match="3000 x 3000 kernel matrix in float16"):
        choose(X, memory=10_000_000, engine="matrix16")
    with pytest.raises(so.TooLarge, match="the features"):
        choose(X, memory=10_000, engine="rows")
    with pytest.raises(so.InvalidOption, match="precomputed matrix is there already"):
        choose(np.eye(3), "precomputed", engine="rows")


def test_float16_rounds_the_sequence_only_a_little() -> None:
    X = cloud(6, 600, d=8, dtype=np.float32)
    whole, half = choose(X), choose(X, engine="matrix16")
    found = so.sequence(X, 50, engine=half)
    exact = so.sequence(X, 50, engine=whole)
    truly = mmd_to_whole(whole, found.order, found.boundaries)
    np.testing.assert_allclose(truly[:-1], exact.mmd2_to_whole[:-1], rtol=0.2)
    # Its own figures are those of the rounded kernel: the true ones to its rounding.
    np.testing.assert_allclose(found.mmd2_to_whole, truly, atol=1e-5)
