"""Directed rounding: lower bounds down, distances up.

Called by `certification`, for what a certificate says, and by forms and relaxations for what sums
in floating point can be off by. Directions come from exact comparison with a Fraction, not from the
rounding mode of the processor, which compiled code takes to be the nearest.
"""

import math
import sys
from fractions import Fraction

import numpy as np

UNIT = 2.0**-52
"""Twice what one operation in float64 may be off by, relative to its result."""

_BUFFER = 8192  # entries that NumPy adds pairwise at a time where it has to convert them


def down(value: Fraction | float) -> float:
    """Return the largest float64 that is not above `value`; a float is returned as it is.

    Examples
    --------
    >>> down(Fraction(1, 10)) < Fraction(1, 10) < up(Fraction(1, 10))
    True
    >>> down(Fraction(1, 4)) == up(Fraction(1, 4)) == 0.25
    True
    """
    if isinstance(value, float):
        return float(value)
    try:
        nearest = float(value)
    except OverflowError:
        # A magnitude past all floats: the largest of them is below it, and nothing finite is below
        # its negative.
        return sys.float_info.max if value > 0 else -math.inf
    p, q = nearest.as_integer_ratio()  # comparing a Fraction takes four times as long
    below = p * value.denominator <= value.numerator * q
    return nearest if below else math.nextafter(nearest, -math.inf)


def up(value: Fraction | float) -> float:
    """Return the smallest float64 that is not below `value`; see `down`."""
    return -down(-value) + 0.0  # no negative zero


def distance(above: float, below: float) -> float:
    """Return ``above - below``, rounded up; at least 0."""
    return max(0.0, up(Fraction(above) - Fraction(below)))


def of_sum(terms: int) -> float:
    """Return how far NumPy's float64 sum of so many numbers can be off.

    Relative to the sum of their magnitudes. NumPy adds pairwise, from blocks of 128 on, and buffer
    after buffer where it converts from float32.
    """
    return UNIT * (32 + terms / _BUFFER)


def times_power_of_two(value: float, power: int) -> float:
    """Return ``value * 2**power``, infinite where that is out of range."""
    if power == 0:
        return value
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(value, power))
