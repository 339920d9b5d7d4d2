"""Columns in different units."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.problems.scaling import Scaling, spreads

RNG = np.random.default_rng(5)
TABLE = np.column_stack([RNG.normal(3e4, 1e4, 300), RNG.exponential(size=300), RNG.random(300)])


@pytest.mark.parametrize("method", ["std", "robust"])
def test_scaled_columns_have_equal_spread(method: str) -> None:
    X = np.random.default_rng(0).normal([5, -3e6, 0.01], [2, 1e5, 1e-7], (20_000, 3))
    scaled = so.scale_columns(X, method)  # type: ignore[arg-type]
    assert np.abs(scaled.std(axis=0) - 1).max() < 0.03
    assert np.abs(np.median(scaled, axis=0)).max() < 0.03


def test_outliers_do_not_squeeze_a_robust_column() -> None:
    X = np.r_[np.random.default_rng(0).normal(size=1000), [1e6]][:, None]
    assert 0.9 < so.scale_columns(X, "robust")[:-1].std() < 1.1
    assert so.scale_columns(X)[:-1].std() < 1e-3


def test_constant_columns_and_rare_events_are_finite() -> None:
    X = np.zeros((100, 2), np.float32)
    X[:, 0] = 0.1
    X[:3, 1] = 7.0
    for method in ("std", "robust"):
        scaled = so.scale_columns(X, method)
        assert scaled.dtype == np.float32
        assert np.isfinite(scaled).all()
        assert (scaled[:, 0] == scaled[0, 0]).all()
        assert np.ptp(scaled[:, 1]) > 1
    assert spreads(X)[0] == 0.0


def test_like_gives_the_units() -> None:
    scaled = so.scale_columns([[5.0]], like=[[0.0], [2.0]])
    assert scaled.tolist() == [[4.0]]
    with pytest.raises(so.InvalidProblem, match="X has 1 columns and like has 2"):
        so.scale_columns([[5.0]], like=[[0.0, 1.0]])
    with pytest.raises(so.InvalidProblem, match="'none', 'std' or 'robust'; got 'max'"):
        so.scale_columns([[5.0]], "max")  # type: ignore[arg-type]


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "linear", "polynomial"])
def test_a_problem_warns_of_different_units(kernel: str) -> None:
    with pytest.warns(so.UnscaledColumns, match=r"column 0 is .*column 2 is .*scale_columns=") as w:
        so.MMDSelection(TABLE, 5, kernel=kernel)
    assert w[0].filename == __file__


def test_mean_matching_of_vectors_warns_once() -> None:
    with pytest.warns(so.UnscaledColumns, match=r"column 0 is .*scale_columns\(values\)") as w:
        problem = so.MeanMatching(TABLE, 5)
    assert w[0].filename == __file__
    assert pickle.loads(pickle.dumps(problem)) == problem  # whose maker has been told
    so.MeanMatching(so.scale_columns(TABLE), 5)
    so.MeanMatching(TABLE[:, 0], 5)


def _column(X: NDArray[np.float64], like: float) -> NDArray[np.float64]:
    return np.column_stack([X[:, 1], like * X[:, 2]])


@pytest.mark.filterwarnings("error")
def test_it_does_not_warn_where_nothing_is_wrong() -> None:
    so.MMDSelection(TABLE, 5, scale_columns="none")
    so.MMDSelection(TABLE, 5, scale_columns="std")
    so.MMDSelection(_column(TABLE, 1.0), 5)
    so.MMDSelection(TABLE[:, 0], 5)
    so.MMDSelection(np.column_stack([TABLE[:, 1], np.full(300, 1e9)]), 5)  # constant: no unit
    so.MMDSelection(TABLE, 5, kernel=lambda X, Y: np.exp(-np.abs(X[:, :1] - Y[:, :1].T) / 1e4))
    pixels = np.random.default_rng(0).random((50, 64)) * np.r_[np.full(60, 16.0), np.full(4, 0.01)]
    so.MMDSelection(pixels, 5)


def test_sequences_warn_too() -> None:
    with pytest.warns(so.UnscaledColumns) as w:
        so.sequence(TABLE[:20], 5)
    assert w[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        so.sequence(so.scale_columns(TABLE[:20]), 5)


def test_a_scaled_problem_is_that_of_scaled_features_in_its_own_units() -> None:
    X, P = TABLE[:30], TABLE[30:40]
    problem = so.MMDSelection(X, 4, selected=P, scale_columns="std")
    scaled = Scaling.of(TABLE[:40])
    plain = so.MMDSelection(scaled.applied(X), 4, selected=scaled.applied(P))
    assert problem.objective([1, 5, 9, 20]) == plain.objective([1, 5, 9, 20])
    assert (problem.candidates == X).all()
    again = pickle.loads(pickle.dumps(problem))
    assert again == problem != so.MMDSelection(X, 4, selected=P, scale_columns="robust")
    assert "scale_columns='std'" in repr(problem)


def test_units_no_longer_matter() -> None:
    units = np.array([1e-3, 1e6, 42.0])
    one = so.MMDSelection(TABLE, 8, scale_columns="std")
    two = so.MMDSelection(TABLE * units, 8, scale_columns="std")
    assert one.objective(range(8)) == pytest.approx(two.objective(range(8)), rel=1e-9)


def test_a_kernel_matrix_has_no_columns() -> None:
    with pytest.raises(so.InvalidProblem, match="a kernel matrix has no columns"):
        so.MMDSelection(np.eye(4), 2, kernel="precomputed", scale_columns="std")
