"""Floats as integers times a power of two, so that sums are exact.

Called by `MeanMatching` for its exact objective and bound, by `exact` for its integers, by branch
and bound for the grid of a form. Integers are int64 while all fit; float64 data that span more than
62 binary digits keep mantissa and shift, and sum by shift.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_INT64_BITS = 62  # magnitudes below 2**62 leave room for one addition


@dataclass(frozen=True, eq=False)
class Dyadic:
    """A vector of finite numbers, each equal to an integer times ``2**exponent``.

    Every binary float is such a number, so its sums can be taken in integers without rounding.

    Parameters
    ----------
    exponent : int
        The largest exponent that makes every value an integer.
    bits : int
        Each of those integers is below ``2**bits`` in magnitude.
    integers : ndarray of int64 (n,) or None
        ``value / 2**exponent`` where all of them fit into 63 bits, else None.
    mantissas, shifts : ndarray of int64 (n,) or None
        ``value = mantissa * 2**(shift + exponent)``; kept where `integers` is None.
    """

    exponent: int
    bits: int
    integers: NDArray[np.int64] | None
    mantissas: NDArray[np.int64] | None = None
    shifts: NDArray[np.int64] | None = None

    # Reductions are called on the ufuncs: the array methods take thrice the time on short arrays.

    @classmethod
    def of(cls, values: NDArray[np.generic]) -> "Dyadic":
        """Represent `values` (n,), of any integer or float dtype up to 64 bits; O(n)."""
        if values.dtype.kind in "iu":
            integers = values.astype(np.int64)
            largest = max(int(integers.max()), -int(integers.min()))
            return cls._reduced(integers, 0, largest.bit_length())
        floats = values.astype(np.float64, copy=False)
        mantissas, exponents = np.frexp(floats)
        nonzero = np.count_nonzero(floats)
        if not nonzero:
            return cls(0, 0, np.zeros(floats.size, np.int64))
        some = exponents if nonzero == floats.size else exponents[floats != 0]
        low = int(np.minimum.reduce(some)) - (24 if values.dtype.itemsize <= 4 else 53)
        # frexp has mantissas in [1/2, 1) with 24 or 53 bits, so that every value is a multiple of
        # 2**low and below 2**high.
        high = int(np.maximum.reduce(some))
        if high - low <= _INT64_BITS:
            return cls._reduced(_scaled(floats, -low), low, high - low)
        # Values with few bits, such as 1e10 and 0.5, fit once zeros at the end of mantissas count.
        whole = (mantissas * 2.0**53).astype(np.int64)
        trailing = _trailing_zeros(whole)
        shifts = np.where(whole != 0, exponents - 53 + trailing, high)
        low = int(np.minimum.reduce(shifts))
        if high - low <= _INT64_BITS:
            return cls(low, high - low, _scaled(floats, -low))
        return cls(low, high - low, None, whole >> trailing, shifts - low)

    @classmethod
    def _reduced(cls, integers: NDArray[np.int64], exponent: int, bits: int) -> "Dyadic":
        # The lowest bit of all of them together is that of the one with the fewest zeros at its
        # end.
        common = int(np.bitwise_or.reduce(integers))
        spare = (common & -common).bit_length() - 1 if common else 0
        return cls(exponent + spare, bits - spare, integers >> spare if spare else integers)

    def whole_numbers(self) -> list[int]:
        """Return ``value / 2**exponent`` for each value, however large."""
        if self.integers is not None:
            whole: list[int] = self.integers.tolist()
            return whole
        assert self.mantissas is not None
        assert self.shifts is not None
        pairs = zip(self.mantissas.tolist(), self.shifts.tolist(), strict=True)
        return [mantissa << shift for mantissa, shift in pairs]

    @cached_property
    def total(self) -> int:
        """The exact sum of all values, in units of ``2**exponent``."""
        return self.sum(slice(None))

    def sum(self, chosen: NDArray[np.int64] | slice) -> int:
        """Return the exact sum of the chosen, in units of ``2**exponent``; O(len(chosen))."""
        if self.integers is not None:
            part = self.integers[chosen]
            # No partial sum of so many terms of so many bits leaves int64; else high and low halves
            # are summed apart, and joined in Python.
            if self.bits + self.integers.size.bit_length() < 64:
                return int(np.add.reduce(part))
            return (int((part >> 31).sum()) << 31) + int((part & (2**31 - 1)).sum())
        assert self.mantissas is not None
        assert self.shifts is not None
        mantissas, shifts = self.mantissas[chosen], self.shifts[chosen]
        # Two halves of 27 and 26 bits: their float64 sums stay exact up to 2**26 terms a shift.
        high = np.bincount(shifts, weights=(mantissas >> 26).astype(np.float64))
        low = np.bincount(shifts, weights=(mantissas & (2**26 - 1)).astype(np.float64))
        return sum(
            ((int(high[s]) << 26) + int(low[s])) << int(s)
            for s in np.flatnonzero((high != 0) | (low != 0))
        )


def _scaled(floats: NDArray[np.float64], power: int) -> NDArray[np.int64]:
    return np.ldexp(floats, power).astype(np.int64)


def _trailing_zeros(integers: NDArray[np.int64]) -> NDArray[np.int64]:
    lowest = (integers & -integers).astype(np.float64)
    return np.where(integers != 0, np.frexp(lowest)[1] - 1, 0).astype(np.int64)
