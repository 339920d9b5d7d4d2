"""Rounding to the safe side."""

import math
import sys
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from subsetopt._rounding import distance, down, times_power_of_two, up

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(value=st.fractions() | FLOATS.map(Fraction), off=st.sampled_from([0, 1, -1]))
def test_down_and_up_are_the_nearest_on_their_sides(value: Fraction, off: int) -> None:
    moved = value + Fraction(off, 10**400)
    low, high = down(moved), up(moved)
    assert low <= moved <= high
    assert low == high == moved or math.nextafter(low, math.inf) == high


def test_beyond_the_range() -> None:
    huge = Fraction(10) ** 400
    assert (down(huge), up(huge)) == (sys.float_info.max, math.inf)
    assert (down(-huge), up(-huge)) == (-math.inf, -sys.float_info.max)
    assert math.copysign(1, up(0.0)) == math.copysign(1, up(Fraction(0))) == 1  # not -0.0
    tiny = Fraction(1, 10**400)
    assert (down(tiny), up(tiny)) == (0.0, 5e-324)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(above=FLOATS, below=FLOATS)
def test_distances_are_never_too_short(above: float, below: float) -> None:
    assert Fraction(below) + Fraction(min(distance(above, below), 1e308 * 1.7)) >= min(
        Fraction(above), Fraction(below) + Fraction(1e308 * 1.7)
    )


def test_powers_of_two_out_of_range() -> None:
    assert times_power_of_two(1.0, 2000) == math.inf
    assert times_power_of_two(1.0, -2000) == 0.0
    assert times_power_of_two(-3.0, 2) == -12.0
