"""Convex forms: convex, of the same values, and honest about rounding."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import Deadline
from subsetopt.solvers.relaxations import _convex
from subsetopt.solvers.relaxations._trace import largest_trace

Floats = NDArray[np.float64]


def _symmetric(seed: int, n: int) -> Floats:
    matrix = np.random.default_rng(seed).normal(size=(n, n))
    return matrix + matrix.T


def _form(seed: int, n: int = 9, k: int = 4, dtype: type = np.float64) -> QuadraticForm:
    linear = np.random.default_rng([seed, n]).normal(size=n)
    return QuadraticForm(_symmetric(seed, n).astype(dtype), linear, k, positions=np.arange(n))


def _gram(seed: int, n: int, d: int, dtype: type = np.float64) -> NDArray[Any]:
    points = np.random.default_rng(seed).normal(size=(n, d))
    return (points @ points.T).astype(dtype)


def _projected(matrix: Floats) -> Floats:
    """Return an orthonormal basis' view of a matrix on the vectors that sum to zero."""
    n = len(matrix)
    basis = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))[0][:, 1:]
    return np.asarray(basis.T @ matrix @ basis)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 4, 8, 9])
def test_convexified_keeps_the_values_and_is_semidefinite(seed: int, dtype: type, k: int) -> None:
    form = _form(seed, k=k, dtype=dtype)
    convex = _convex.convexified(form)
    assert convex.semidefinite
    assert convex.positions is form.positions
    assert (convex.matrix == convex.matrix.T).all()
    least = np.linalg.eigvalsh(convex.matrix)[0]
    assert least > -1e-13
    for chosen in combinations(range(9), k):
        rows = np.array(chosen)
        assert abs(convex.value(rows) - form.value(rows)) <= _convex.slack(convex) + 1e-13


@pytest.mark.parametrize("seed", range(5))
def test_the_diagonal_leaves_a_convex_form_of_larger_trace(seed: int) -> None:
    form = _form(seed, n=12)
    taken = _convex.diagonal(form)
    least = np.linalg.eigvalsh(_projected(form.matrix))[0]
    left = _projected(form.matrix - np.diag(taken.values))
    assert np.linalg.eigvalsh(left)[0] >= -1e-12 * np.abs(form.matrix).sum()
    assert taken.values.sum() > 12 * least
    assert taken.slack == 0
    # Moving all entries changes nothing where sums are zero.
    shifted = QuadraticForm(form.matrix - 50.0, form.linear, form.k)
    np.testing.assert_allclose(_convex.diagonal(shifted).values, taken.values, rtol=1e-6)


def test_the_uniform_diagonal_is_the_least_eigenvalue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_convex, "_QUICK", 0)
    form = _form(0, n=12)
    taken = _convex.diagonal(form)
    least = np.linalg.eigvalsh(_projected(form.matrix))[0]
    assert (taken.values == taken.values[0]).all()
    assert least - 1e-11 <= taken.values[0] <= least


def test_the_largest_trace_is_that_of_a_diagonal_plus_low_rank() -> None:
    generator = np.random.default_rng(1)
    own = generator.uniform(1, 2, size=40)
    factor = generator.normal(size=(40, 2))
    matrix = factor @ factor.T + np.diag(own)
    taken = largest_trace(matrix)
    assert taken.sum() == pytest.approx(own.sum(), rel=0.01)
    assert np.linalg.eigvalsh(matrix - np.diag(taken))[0] > -0.01
    assert (largest_trace(matrix, Deadline(0.0)) != taken).any()


def test_negative_distances_need_nothing() -> None:
    points = np.random.default_rng(0).normal(size=(20, 3))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert np.linalg.eigvalsh(-distances)[0] < -1
    assert (_convex.diagonal(QuadraticForm(-distances, np.zeros(20), 5)).values > 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_with_little_time_row_sums_do(seed: int) -> None:
    form = _form(seed, n=10, dtype=np.float32)
    taken = _convex.diagonal(form, Deadline(0.0))
    left = form.matrix.astype(np.float64) - np.diag(taken.values)
    others = np.abs(left).sum(axis=1) - np.abs(np.diagonal(left))
    assert (np.diagonal(left) >= others).all()
    assert (np.diagonal(left) <= others * (1 + 1e-13) + 1e-12).all()
    assert np.linalg.eigvalsh(left)[0] >= 0
    assert taken.values.min() < _convex.diagonal(form).values[0]


def test_large_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_convex, "_MOST", 8)
    monkeypatch.setattr(_convex, "_QUICK", 6)
    with pytest.raises(so.TooLarge, match="9 rows") as refused:
        _convex.convexified(_form(0))
    assert refused.value.seconds > 0
    assert refused.value.bytes == 24 * 81
    assert np.ptp(_convex.diagonal(_form(0)).values) > 0
    matrix = _gram(0, 9, 4, np.float32)
    large = QuadraticForm(matrix, np.ones(9), 3, semidefinite=True)
    assert _convex.convexified(large) is large
    assert _convex.diagonal(large).slack == _convex.slack(large) > 0
    assert not _convex.diagonal(large).values.any()


@pytest.mark.parametrize("most", [1024, 4])
@pytest.mark.parametrize("k", [1, 3, 10, 19])
def test_the_slack_covers_the_rounding_of_the_entries(
    k: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the least eigenvalue, and past `most` rows by units in the last place."""
    monkeypatch.setattr(_convex, "_QUICK", most)
    generator = np.random.default_rng(k)
    for seed in range(20):
        exact = _gram(seed, 20, 2)
        rounded = exact.astype(np.float32)
        form = QuadraticForm(rounded, np.zeros(20), k, semidefinite=True)
        slack = _convex.slack(form)
        for _ in range(50):
            here, there = (generator.permutation(20)[:k] for _ in range(2))
            way = np.zeros(20)
            way[here] += 1
            way[there] -= 1
            assert way @ rounded.astype(np.float64) @ way >= -slack
            assert most == 1024 or way @ (rounded.astype(np.float64) - exact) @ way >= -slack
        assert slack <= 1e-5 * float(np.abs(rounded).max()) * (2 * min(k, 20 - k)) ** 2


def test_the_slack_of_the_whole_is_of_the_linear_term_only() -> None:
    form = QuadraticForm(_gram(0, 5, 2), np.zeros(5), 5, semidefinite=True)
    assert _convex.slack(form) == 0


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
@pytest.mark.parametrize("n", [1, 2, 6])
def test_extremes(n: int, scale: float) -> None:
    for matrix in (np.zeros((n, n)), np.full((n, n), scale), scale * _symmetric(0, n)):
        form = QuadraticForm(matrix, np.zeros(n), 1)
        taken = _convex.diagonal(form)
        assert math.isfinite(taken.values[0])
        assert n == 1 or np.linalg.eigvalsh(_projected(matrix / scale))[0] >= (
            taken.values[0] / scale - 1e-15
        )
        convex = _convex.convexified(form)
        for i in range(n):
            assert abs(convex.value(np.array([i])) - matrix[i, i]) <= 1e-13 * scale
