"""Kernels against direct evaluation, and what is refused."""

import math
import tracemalloc
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import subsetopt as so
from subsetopt.problems import Kernel, kernels
from subsetopt.problems import _points as points_module
from subsetopt.problems._kernel_choice import Custom, kernel_of
from subsetopt.problems._kernel_matrices import kernel_matrix, kernel_sums, own_sums
from subsetopt.problems._points import median_distance

few = settings(deadline=None, derandomize=True, max_examples=40)


def cloud(seed: int, n: int, d: int = 3, dtype: Any = np.float64) -> NDArray[Any]:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


def direct(kernel: Kernel, X: NDArray[Any], Y: NDArray[Any]) -> NDArray[np.float64]:
    """Evaluate pair by pair in float64."""
    X, Y = X.astype(np.float64), Y.astype(np.float64)
    difference = X[:, None] - Y[None]
    if isinstance(kernel, so.Gaussian):
        assert kernel.scale != "median"
        return np.asarray(np.exp(-(difference**2).sum(axis=2) / (2 * kernel.scale**2)))
    if isinstance(kernel, so.Laplace):
        assert kernel.scale != "median"
        return np.asarray(np.exp(-np.abs(difference).sum(axis=2) / kernel.scale))
    products = (X[:, None] * Y[None]).sum(axis=2)
    if isinstance(kernel, so.Polynomial):
        gamma = 1 / X.shape[1] if kernel.gamma is None else kernel.gamma
        return np.asarray((gamma * products + kernel.coef0) ** kernel.degree)
    return np.asarray(products)


KERNELS = [
    so.Gaussian(scale=1.3),
    so.Gaussian(scale=0.05),
    so.Laplace(scale=2.0),
    so.Polynomial(),
    so.Polynomial(degree=2, gamma=0.7, coef0=0.0),
    so.Polynomial(degree=1, coef0=-0.5),
    so.Linear(),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_the_formula(kernel: Kernel, dtype: Any) -> None:
    X, Y = cloud(0, 23, dtype=dtype), cloud(1, 9, dtype=dtype)
    found = kernel(X, Y)
    wanted = direct(kernel, X, Y)
    assert found.dtype == dtype
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("size", [1, 4, 512])
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_in_blocks(kernel: Kernel, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(kernel), "block", size)
    X, Y = cloud(2, 11), cloud(3, 6)
    matrix = kernel_matrix(kernel, X)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(matrix, direct(kernel, X, X), rtol=1e-12, atol=1e-12)
    assert not matrix.flags.writeable
    assert matrix.flags.c_contiguous
    sums = direct(kernel, X, Y).sum(axis=1)
    np.testing.assert_allclose(kernel_sums(kernel, X, Y), sums, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_more_than_one_block(kernel: Kernel, dtype: Any) -> None:
    X = cloud(4, 700, d=5, dtype=dtype)
    matrix = kernel_matrix(kernel, X)
    np.testing.assert_array_equal(matrix, matrix.T)
    if kernel.normalised:
        assert (matrix.diagonal() == 1).all()
        assert matrix.max() == 1
    tolerance = 1e-4 if dtype == np.float32 else 1e-11
    np.testing.assert_allclose(matrix, direct(kernel, X, X), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("scale", "offset"), [(1e-1, 1e3), (1e-4, 1.0), (1e-7, 0.0), (3.0, 1e6)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gaussian_survives_cancellation(dtype: Any, scale: float, offset: float) -> None:
    # Tight pairs, far apart from one another: their distances are lost in the products.
    centres = np.repeat(cloud(5, 10, d=2), 2, axis=0)
    X = (centres + offset + scale * cloud(6, 20, d=2)).astype(dtype)
    kernel = so.Gaussian(scale=scale)
    tolerance = 1e-4 if dtype == np.float32 else 1e-6
    np.testing.assert_allclose(kernel(X, X), direct(kernel, X, X), atol=tolerance)


@pytest.mark.parametrize("size", [1e-200, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize("kernel", [so.Gaussian(), so.Laplace()], ids=repr)
def test_the_median_scale_goes_with_the_unit(kernel: Kernel, size: float) -> None:
    X = cloud(7, 12)
    scaled = kernel.fitted(X * size)
    wanted = kernel.fitted(X)
    assert scaled.scale == pytest.approx(wanted.scale * size, rel=1e-12)  # type: ignore[attr-defined]
    np.testing.assert_allclose(kernel_matrix(scaled, X * size), wanted(X, X), rtol=1e-11)


def test_points_far_apart_overflow_to_zero() -> None:
    X = np.array([[0.0], [1e150], [1.0]])
    found = kernel_matrix(so.Gaussian(scale=1e-200), X)
    np.testing.assert_array_equal(found, np.eye(3))


# -- the median heuristic ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 1000), n=st.integers(2, 12), m=st.integers(0, 4))
@few
def test_median_over_distinct_pairs(dtype: Any, seed: int, n: int, m: int) -> None:
    X, P = cloud(seed, n, dtype=dtype), cloud(seed + 1, max(m, 1), dtype=dtype)[:m]
    clouds = (X, P) if m else (X,)
    together = np.concatenate(clouds).astype(np.float64)
    pairs = list(combinations(together, 2))
    squares = [float(((x - y) ** 2).sum()) for x, y in pairs]
    absolute = [float(np.abs(x - y).sum()) for x, y in pairs]
    gaussian, laplace = so.Gaussian().fitted(*clouds), so.Laplace().fitted(*clouds)
    assert gaussian.scale == pytest.approx(math.sqrt(np.median(squares) / 2), rel=1e-10)
    assert laplace.scale == pytest.approx(np.median(absolute), rel=1e-10)


@pytest.mark.parametrize("power", [1, 2])
def test_median_where_most_points_coincide(power: int) -> None:
    X = np.full((10, 2), 0.1)
    assert median_distance(power, X) == 0.0
    assert median_distance(power, X[:1]) == 0.0
    assert so.Gaussian().fitted(X) == so.Gaussian(1.0)
    assert so.Laplace().fitted(X) == so.Laplace(1.0)
    X[0] += [3.0, 4.0]
    X[1] += [6.0, 8.0]
    one = {1: 7.0, 2: 5.0}[power]
    # 17 of 45 distances are not zero: nine of `one` (the two outliers' own among them), eight twice
    assert median_distance(power, X) == pytest.approx(one, rel=1e-12)


def test_median_of_a_tight_cluster_beside_an_outlier() -> None:
    X = np.concatenate([1e-9 * cloud(8, 20), [[1.0, 1.0, 1.0]]])
    squares = [float(((x - y) ** 2).sum()) for x, y in combinations(X, 2)]
    assert median_distance(2, X) == pytest.approx(math.sqrt(np.median(squares)), rel=1e-9)


def test_median_of_many_points_is_that_of_a_fixed_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    X, P = cloud(9, 80), cloud(10, 40) + 1
    whole = median_distance(2, X, P)
    monkeypatch.setattr(points_module, "_MOST_ROWS", 60)
    sample = median_distance(2, X, P)
    assert sample == median_distance(2, X, P)
    assert sample != whole
    assert sample == pytest.approx(whole, rel=0.2)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0, -1.0, math.nan, math.inf, "mean", None, True, 1j])
@pytest.mark.parametrize("kernel", [so.Gaussian, so.Laplace])
def test_scales(kernel: Any, scale: Any) -> None:
    with pytest.raises(so.InvalidProblem, match=r"scale must .*got"):
        kernel(scale=scale)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"degree": 0}, r"degree must .*got 0"),
        ({"degree": 2.0}, r"degree must .*got 2.0"),
        ({"degree": True}, r"degree must .*got True"),
        ({"gamma": 0.0}, r"gamma must .*got 0.0"),
        ({"gamma": math.nan}, r"gamma must .*got nan"),
        ({"coef0": math.inf}, r"coef0 must .*got inf"),
        ({"coef0": "1"}, r"coef0 must .*got '1'"),
    ],
)
def test_polynomial_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(so.InvalidProblem, match=message):
        so.Polynomial(**options)


def test_unfitted() -> None:
    with pytest.raises(so.InvalidProblem, match=r"kernel.fitted\(points\) sets it"):
        so.Gaussian()(cloud(0, 3), cloud(0, 3))


def test_features_that_differ() -> None:
    with pytest.raises(so.InvalidProblem, match="X has 3 features and Y has 2"):
        so.Linear()(cloud(0, 3), cloud(0, 3, d=2))


def test_kernels_by_name() -> None:
    assert kernel_of("gaussian") == so.Gaussian()
    assert kernel_of("laplace") == so.Laplace()
    assert kernel_of("polynomial") == so.Polynomial()
    assert kernel_of("linear") == so.Linear()
    assert kernel_of(so.Linear()) == so.Linear()
    assert kernel_of(np.dot) == Custom(np.dot)
    with pytest.raises(so.InvalidProblem, match=r"kernel must be one of 'gaussian'.*; got 'rbf'"):
        kernel_of("rbf")
    with pytest.raises(so.InvalidProblem, match=r"the class Gaussian; give Gaussian\(\)"):
        kernel_of(so.Gaussian)
    with pytest.raises(so.InvalidProblem, match=r"kernel must be .*; got 3"):
        kernel_of(3)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda X, Y: np.ones((len(Y) + 1, len(X))), r"must return shape .*; got"),
        (lambda X, Y: 1.0, r"must return shape \(1, 1\); got \(\)"),
        (lambda X, Y: np.ones((len(X), len(Y))) * 1j, "real numbers; got dtype complex128"),
        (lambda X, Y: [["a"] * len(Y)] * len(X), "must return real numbers"),
        (lambda X, Y: [[1.0], [2.0, 3.0]], "returns no array: .*inhomogeneous"),
        (lambda X, Y: np.full((len(X), len(Y)), np.nan), "of points 0 and 0 is nan in float64"),
    ],
)
def test_functions_that_give_no_matrix(result: Any, message: str) -> None:
    with pytest.raises(so.InvalidProblem, match=message):
        kernel_matrix(Custom(result), cloud(0, 5))


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64),
     (np.int32, np.float64), (bool, np.float64)],
)  # fmt: skip
def test_functions_keep_single_precision(dtype: Any, wanted: Any) -> None:
    def constant(X: NDArray[Any], Y: NDArray[Any]) -> NDArray[Any]:
        return np.ones((len(X), len(Y)), dtype)

    matrix = kernel_matrix(Custom(constant), cloud(0, 4))
    assert matrix.dtype == wanted
    np.testing.assert_array_equal(matrix, np.ones((4, 4)))


def test_functions_may_underflow() -> None:
    def narrow(X: NDArray[Any], Y: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.exp(-1e9 * np.square(np.subtract.outer(X[:, 0], Y[:, 0]))))

    np.testing.assert_array_equal(kernel_matrix(Custom(narrow), cloud(0, 4)), np.eye(4))


def test_functions_are_called_on_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Custom, "block", 4)
    X = cloud(0, 10)
    matrix = kernel_matrix(Custom(lambda X, Y: X @ Y.T), X)
    np.testing.assert_allclose(matrix, X @ X.T, atol=1e-14)


def test_overflow() -> None:
    X = 1e15 * cloud(0, 4, dtype=np.float32)
    with pytest.raises(so.InvalidProblem, match=r"Polynomial.* is inf in float32; scale"):
        kernel_matrix(so.Polynomial(), X)
    assert np.isfinite(kernel_matrix(so.Polynomial(), X.astype(np.float64))).all()
    with pytest.raises(so.InvalidProblem, match=r"reaches .*above 1e\+280"):
        kernel_matrix(so.Linear(), 1e145 * cloud(0, 4))


def test_too_large() -> None:
    with pytest.raises(
        so.TooLarge, match=r"50 x 50 kernel matrix in float64 would take 20\.7 KiB.*; coreset"
    ):
        kernel_matrix(so.Linear(), cloud(0, 50), limit=20_000)
    assert kernel_matrix(so.Linear(), cloud(0, 50, dtype=np.float32), limit=20_000).shape[0] == 50


def test_frozen_and_hashable() -> None:
    assert len({so.Gaussian(1), so.Gaussian(1.0), so.Gaussian(), so.Laplace(1)}) == 3
    assert kernels.Kernel.block > 0


# -- several threads, half precision ---------------------------------------------------------------


@pytest.mark.parametrize("kernel", [so.Gaussian(scale=9.0), so.Polynomial(), Custom(np.inner)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_no_bit(kernel: Kernel, dtype: Any) -> None:
    X = cloud(11, 1100, d=300, dtype=dtype)
    with threadpool_limits(1, "blas"):
        one = kernel_matrix(kernel, X, threads=1)
        sums = own_sums(kernel, X, threads=1)
    with threadpool_limits(2, "blas"):
        np.testing.assert_array_equal(kernel_matrix(kernel, X, threads=3), one)
        np.testing.assert_array_equal(own_sums(kernel, X, threads=3), sums)
    wanted = one.sum(axis=1, dtype=np.float64)
    magnitude = np.abs(one).sum(axis=1, dtype=np.float64).max()
    tolerance = magnitude * (1e-6 if dtype == np.float32 else 1e-13)
    np.testing.assert_allclose(sums, wanted, rtol=0, atol=tolerance)


def test_half_precision_is_rounded_once() -> None:
    X = cloud(12, 600, dtype=np.float32)
    whole = kernel_matrix(so.Gaussian(scale=1.0), X)
    half = kernel_matrix(so.Gaussian(scale=1.0), X, storage=np.float16)
    np.testing.assert_array_equal(half, whole.astype(np.float16))
    with pytest.raises(so.InvalidProblem, match="is inf in float16"):
        kernel_matrix(so.Linear(), 300 * X, storage=np.float16)


@pytest.mark.parametrize("size", [1, 4, 512])
def test_own_sums_in_blocks(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(so.Laplace, "block", size)
    X = cloud(13, 11)
    kernel = so.Laplace(scale=1.5)
    np.testing.assert_allclose(own_sums(kernel, X), direct(kernel, X, X).sum(axis=1), rtol=1e-13)


def test_sums_of_a_kernel_hold_two_copies_of_the_points() -> None:
    X = np.random.default_rng(0).normal(size=(20_000, 32)).astype(np.float32)
    kernel = so.Gaussian(1.0)
    tracemalloc.start()
    kernel.quick_filler(X, X)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2.5 * X.nbytes
