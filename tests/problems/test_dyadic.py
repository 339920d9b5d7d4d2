"""Sums of floats as integers: exact, whatever the spread of the exponents."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from subsetopt.problems._dyadic import Dyadic

ANY_FLOATS = hnp.arrays(
    np.float64, st.integers(1, 12), elements=st.floats(allow_nan=False, allow_infinity=False)
)
NARROW = hnp.arrays(np.float64, st.integers(1, 12), elements=st.floats(1.0, 1000.0))
SINGLE = hnp.arrays(
    np.float32, st.integers(1, 12), elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=True)
)
WHOLE = hnp.arrays(np.int64, st.integers(1, 12), elements=st.integers(-(2**53) + 1, 2**53 - 1))


def total(values: NDArray[Any]) -> Fraction:
    return sum((Fraction(value) for value in values.tolist()), Fraction(0))


def unit(grid: Dyadic) -> Fraction:
    return Fraction(2) ** grid.exponent


@settings(deadline=None, derandomize=True, max_examples=150)
@given(values=st.one_of(ANY_FLOATS, NARROW, SINGLE, WHOLE), data=st.data())
def test_sums_are_exact(values: NDArray[Any], data: st.DataObject) -> None:
    grid = Dyadic.of(values)
    assert grid.total * unit(grid) == total(values)
    subset = data.draw(st.sets(st.integers(0, len(values) - 1)))
    chosen = np.array(sorted(subset), dtype=np.int64)
    assert grid.sum(chosen) * unit(grid) == total(values[chosen])


@settings(deadline=None, derandomize=True, max_examples=100)
@given(values=st.one_of(ANY_FLOATS, NARROW, SINGLE, WHOLE))
def test_the_grid_is_the_coarsest(values: NDArray[Any]) -> None:
    grid = Dyadic.of(values)
    parts = [Fraction(value) / unit(grid) for value in values.tolist()]
    assert all(part.denominator == 1 for part in parts)
    if grid.integers is not None:
        assert [int(part) for part in parts] == grid.integers.tolist()
    if any(parts):
        assert any(part.numerator % 2 for part in parts)


@pytest.mark.parametrize(
    ("values", "narrow"),
    [
        (np.array([1.5, -2.25, 1024.0]), True),
        (np.array([2.0**31, 2.0**-30]), True),
        (np.array([2.0**31, 2.0**-31]), False),
        (np.array([1 / 3, 2**8 / 3]), True),
        *[(np.array([1 / 3, 2**i / 3]), False) for i in range(10, 16)],
        (np.array([5e-324, 1e-320]), True),
        (np.array([5e-324, 1e307]), False),
        (np.array([1e-45, 3e38], dtype=np.float32), False),
        (np.array([2**53 - 1, -(2**53) + 1]), True),
        (np.zeros(3), True),
        (np.zeros(3, dtype=np.int64), True),
        (np.array([0.0, -0.0, 0.5]), True),
    ],
)
def test_either_representation(values: NDArray[Any], narrow: bool) -> None:
    grid = Dyadic.of(values)
    assert (grid.integers is not None) == narrow
    assert (grid.mantissas is None) == narrow
    assert (grid.shifts is None) == narrow
    assert grid.total * unit(grid) == total(values)
    assert grid.sum(np.zeros(0, dtype=np.int64)) == 0


def test_sums_past_63_bits() -> None:
    values = np.full(5000, 2**53 - 1)
    values[::3] *= -1
    grid = Dyadic.of(values)
    assert grid.total == sum(values.tolist())
    assert Dyadic.of(np.full(5000, 2**53 - 1)).total == 5000 * (2**53 - 1)


def test_wide_sums_of_many_terms_with_cancellation() -> None:
    rng = np.random.default_rng(0)
    values = np.ldexp(rng.normal(size=4000), rng.integers(-900, 900, size=4000))
    grid = Dyadic.of(values)
    assert grid.integers is None
    assert grid.total * unit(grid) == total(values)
    assert Dyadic.of(np.concatenate([values, -values])).total == 0
