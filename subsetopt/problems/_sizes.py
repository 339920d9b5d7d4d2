"""Sizes of selections: exactly k, or a range."""

import operator

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidProblem

from . import _validation


class UpTo(int):
    """The largest number of a range, which knows the least, so that copies of a problem do too."""

    least: int

    def __new__(cls, most: int, least: int) -> "UpTo":
        number = super().__new__(cls, most)
        number.least = least
        return number

    @classmethod
    def of(cls, most: int, least: int) -> int:
        """Return the number itself where it is the only one."""
        return most if most == least else cls(most, least)

    def __reduce__(self) -> tuple[type["UpTo"], tuple[int, int]]:
        return UpTo, (int(self), self.least)


def sizes(k: object, n: int) -> tuple[int, int]:
    """Return the least and the largest number to choose, for one number or a pair of them."""
    if isinstance(k, UpTo):
        k = (k.least, int(k))
    if not isinstance(k, tuple | list):
        size = _validation.subset_size(k, n)
        return size, size
    if len(k) != 2:
        raise InvalidProblem(f"k must be an integer or (low, high); got {k!r}")
    require_integer("low of k = (low, high)", k[0], f"[0, {n}]", error=InvalidProblem)
    require_integer("high of k = (low, high)", k[1], f"[1, {n}]", error=InvalidProblem)
    low, high = map(operator.index, k)
    if low > high:
        raise InvalidProblem(f"k must be (low, high) with low <= high; got {(low, high)}")
    return low, high
