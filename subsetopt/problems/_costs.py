"""Exact costs as integers of one unit."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.models._side_constraints import BudgetRow

_DIGITS = 15  # a decimal of so many digits is the shortest one of its float64
_BITS = 60  # of the sum of all costs that solvers see


@dataclass(frozen=True, eq=False)
class Costs:
    """Costs and budget in whole units.

    Parameters
    ----------
    units : ndarray of int64 (n,), or of Python's integers
    limit : int
        The budget, rounded down.
    unit : Fraction
    """

    units: NDArray[Any]
    limit: int
    unit: Fraction

    @classmethod
    def of(cls, costs: NDArray[Any], budget: Any) -> "Costs":
        """Return them in the largest unit that makes all costs whole.

        A float counts as the shortest decimal that reads back as the same float.
        """
        units, digits = _decimals(costs)
        unit = Fraction(1, 10**digits)
        total = sum(units.tolist())
        if total < 2**62:
            units = units.astype(np.int64)
        common = math.gcd(*units.tolist()) or 1
        unit, units = unit * common, units // common
        return cls(units, math.floor(_decimal(budget) / unit), unit)

    def _sum(self, chosen: NDArray[np.int64]) -> int:
        return int(self.units[chosen].sum()) if len(chosen) else 0

    def within(self, chosen: NDArray[np.int64]) -> bool:
        """Return whether the chosen cost no more than the budget, without rounding."""
        return self._sum(chosen) <= self.limit

    def total(self, chosen: NDArray[np.int64]) -> float:
        """Return what the chosen cost, for people."""
        return float(self._sum(chosen) * self.unit)

    def row(self, high: int) -> BudgetRow:
        """Return the row that solvers see, of problems that choose `high` at most."""
        total = sum(self.units.tolist())
        shift = max(0, total.bit_length() - _BITS)
        costs, limit = self.units, min(self.limit, total)
        if shift:
            costs, limit = costs >> shift, limit >> shift
        # Rounded down each cost is short of itself by less than one unit.
        row = BudgetRow(costs.astype(np.int64), limit, limit - high if shift else limit)
        if not shift:
            return row
        return replace(row, units=self.units.astype(object), units_limit=self.limit)


def _decimal(number: Any) -> Fraction:
    if isinstance(number, int | np.integer):
        return Fraction(int(number))
    return Fraction(str(number))


def _decimals(costs: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Return costs times a power of ten that makes them integers, and the exponent."""
    if costs.dtype.kind in "iu":
        return costs, 0
    if costs.dtype == np.float32:
        costs = np.array([float(str(cost)) for cost in costs])
    for digits in range(_DIGITS):
        power = 10.0**digits  # exact
        scaled = np.rint(costs * power)
        if scaled.max() >= 10.0**_DIGITS:
            break
        if (scaled / power == costs).all():
            return scaled.astype(np.int64), digits
    exact = [_decimal(cost) for cost in costs.tolist()]
    digits = max(len(str(number.denominator)) for number in exact)  # a divisor of 10**digits
    while any(10**digits % number.denominator for number in exact):
        digits += 1
    whole = [int(number * 10**digits) for number in exact]
    return np.array(whole, dtype=object), digits
