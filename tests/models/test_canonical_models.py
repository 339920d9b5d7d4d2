"""The canonical models as plain data."""

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.models import LinearModel, QuadraticModel, SparseRows

ROWS = SparseRows.of(
    [
        (np.array([0, 2]), np.array([1.0, -2.0])),
        (np.array([], dtype=np.int64), np.array([])),
        (np.array([1]), np.array([3.0])),
    ]
)
MODEL = LinearModel(
    name="small",
    objective=np.array([1.0, 0.0, -1.0]),
    lower=np.zeros(3),
    upper=np.array([1.0, 1.0, np.inf]),
    integer=np.array([True, True, False]),
    rows=ROWS,
    row_lower=np.array([-np.inf, 0.0, 1.0]),
    row_upper=np.array([1.0, 0.0, 3.0]),
    variable_names=("a", "b", "c"),
    row_names=("r", "s", "t"),
    selectors=2,
)


def test_rows() -> None:
    assert len(ROWS) == 3
    assert ROWS.starts.dtype == ROWS.columns.dtype == np.int64
    columns, coefficients = ROWS.row(0)
    np.testing.assert_array_equal(columns, [0, 2])
    np.testing.assert_array_equal(coefficients, [1.0, -2.0])
    assert ROWS.row(1)[0].size == 0
    np.testing.assert_array_equal(ROWS.row(2)[1], [3.0])


def test_dot_is_the_dense_product() -> None:
    dense = np.array([[1.0, 0.0, -2.0], [0.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    x = np.array([5.0, 7.0, 11.0])
    np.testing.assert_array_equal(ROWS.dot(x), dense @ x)


def test_sizes_are_kept() -> None:
    assert MODEL.variables == 3
    with pytest.raises(FrozenInstanceError):
        MODEL.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("lower", np.zeros(2), "small: 3 variables"),
        ("upper", np.zeros(4), "small: 3 variables"),
        ("integer", np.zeros(2, dtype=bool), "small: 3 variables"),
        ("variable_names", ("a",), "small: 3 variables"),
        ("row_lower", np.zeros(2), "small: 3 rows"),
        ("row_upper", np.zeros(4), "small: 3 rows"),
        ("row_names", ("r",), "small: 3 rows"),
    ],
)
def test_parts_that_do_not_fit(part: str, value: Any, message: str) -> None:
    with pytest.raises(so.InvalidProblem, match=message):
        replace(MODEL, **{part: value})


def test_relaxed_drops_integrality_and_nothing_else() -> None:
    relaxed = MODEL.relaxed()
    assert not relaxed.integer.any()
    assert MODEL.integer.any()
    assert relaxed.rows is MODEL.rows
    assert replace(relaxed, integer=MODEL.integer).__dict__.keys() == MODEL.__dict__.keys()
    for part in ("objective", "lower", "upper", "row_lower", "row_upper", "row_names", "selectors"):
        assert getattr(relaxed, part) is getattr(MODEL, part)


def test_quadratic_value_counts_each_product_once() -> None:
    model = QuadraticModel(MODEL, np.array([0, 0]), np.array([0, 1]), np.array([2.0, 5.0]))
    x = np.array([3.0, 7.0, 11.0])
    assert model.value(x) == (3.0 - 11.0) + 2.0 * 3 * 3 + 5.0 * 3 * 7
