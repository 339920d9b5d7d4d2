"""Scalar mean matching in whole numbers: the form in which optimality is proven.

Called by `exact`. Every float is an integer times a power of two, so that Eq. 6 of One Backward
from Ten Forward becomes a subset sum with a fixed number of items, and a comparison of two
selections one of Python integers or fractions: nothing here is rounded.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import MeanMatching
from subsetopt.problems._parallel import Check, unchecked

_AT_ONCE = 2**14  # numbers that are worked on between two checks
RESIDUE_BITS = 16
"""Sums are told apart modulo two to this power, in the bound that needs no search."""


@dataclass(frozen=True)
class Subproblem:
    """Choose exactly `count` of the values so that their sum is nearest to `wanted`.

    Parameters
    ----------
    count : int
    wanted : Fraction
    least : Fraction
        No sum can come closer than this: see `least_distance`.
    """

    count: int
    wanted: Fraction
    least: Fraction

    @property
    def floor(self) -> int:
        """The largest whole number that is not above `wanted`."""
        return self.wanted.numerator // self.wanted.denominator


@dataclass(frozen=True)
class Integers:
    """The values as small non-negative integers, without loss.

    Values are shifted by their minimum and divided by their common divisor. Where more than half
    are to be chosen, the subproblem is to choose those that are left out.

    Parameters
    ----------
    values : tuple of int (n,)
        The least is 0, their greatest common divisor 1 (or all are 0).
    subproblems : tuple of Subproblem
        One for each cardinality that is allowed.
    complement : bool
        Whether a subset is what is left out.
    unit : Fraction
        A distance of sums times this is the objective.
    pivot : int
        The value whose differences from the others have the most trailing zeros.
    """

    values: tuple[int, ...]
    subproblems: tuple[Subproblem, ...]
    complement: bool
    unit: Fraction
    pivot: int

    @classmethod
    def of(cls, problem: MeanMatching, check: Check = unchecked) -> "Integers":
        """Reduce a problem; exact whatever the dtype. There is a check now and then."""
        whole = problem.grid.whole_numbers()
        check()
        # A shift adds the same to the sum of every subset of one size, and a divisor of all
        # differences only scales the distances; both make sums small, which is what the searches
        # cost.
        least, divisor = min(whole), 0
        for some in _parts(whole, check):
            divisor = gcd(divisor, *(value - least for value in some))
        divisor = divisor or 1
        values = tuple(
            (value - least) // divisor for some in _parts(whole, check) for value in some
        )
        p, q = problem.scaled_target
        wanted = {
            count: (Fraction(p, q) - count * least) / divisor
            for count in range(problem.smallest_count, problem.k + 1)
        }
        # Choosing what is left out has the same distances with fewer items, but one number of them
        # alone.
        complement = problem.cardinality == "exactly" and 2 * problem.k > problem.n
        if complement:
            total = sum(values)
            wanted = {problem.n - count: total - goal for count, goal in wanted.items()}
        unit = Fraction(divisor, problem.k) * Fraction(2) ** problem.grid.exponent
        zeros: list[int] = []
        for some in _parts(whole, check):
            zeros.extend(map(trailing_zeros, some))
        # A sum of `count` values is count * pivot plus the differences from it.
        pivot = values[zeros.index(max(zeros))]
        residues = reachable_residues([value - pivot for value in values], check)
        subproblems = tuple(
            Subproblem(count, goal, least_distance(residues, goal - count * pivot))
            for count, goal in wanted.items()
        )
        return cls(values, subproblems, complement, unit, pivot)

    @property
    def n(self) -> int:
        """The number of values."""
        return len(self.values)

    def distance(self, subset: NDArray[np.int64], sub: Subproblem) -> Fraction:
        """Return the distance of a subset's sum from what is wanted."""
        return abs(sub.wanted - sum(self.values[int(i)] for i in subset))

    def selection(self, subset: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the selection that a subset stands for."""
        if not self.complement:
            return np.sort(subset)
        return np.setdiff1d(np.arange(self.n), subset)

    def subset(self, selection: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the subset that stands for a selection."""
        return self.selection(selection)


def trailing_zeros(value: int) -> int:
    """Return how often 2 divides a whole number, RESIDUE_BITS at most; that for 0."""
    zeros = (value & -value).bit_length() - 1
    return min(zeros, RESIDUE_BITS) if value else RESIDUE_BITS


def _parts(numbers: Sequence[int], check: Check) -> Iterator[Sequence[int]]:
    """Yield the numbers in parts, with a check between them."""
    for begin in range(0, len(numbers), _AT_ONCE):
        check()
        yield numbers[begin : begin + _AT_ONCE]


def reachable_residues(differences: Sequence[int], check: Check = unchecked) -> NDArray[np.bool_]:
    """Return which residues modulo ``2**16`` the sum of some of the numbers can have.

    Most values of a sample of floats are multiples of a fair power of two, and only the few
    smallest have lower bits: their subsets decide which of the finest grid points are reachable.
    So differences from a value without low bits must be given: those from the smallest value, the
    finest of all, would hide that.
    """
    # Subsets of any size are allowed here: more residues than can be reached, so a smaller
    # distance, which is still a bound. O(2^16) for each that is tried, whatever n.
    modulus, closed = 1 << RESIDUE_BITS, 0
    reachable = np.zeros(modulus, dtype=np.bool_)
    reachable[0] = True
    times: Counter[int] = Counter()
    for some in _parts(differences, check):
        times.update(difference % modulus for difference in some)
    count = 1
    for residue in (r for r in times for _ in range(times[r]) if r):
        if residue == closed:  # another of the kind adds nothing
            continue
        check()
        reachable |= np.roll(reachable, residue)
        before, count = count, int(np.count_nonzero(reachable))
        # A set that a residue maps into itself is mapped so by each further copy of it.
        closed = residue if count == before else 0
        if count == modulus:
            break
    return reachable


def least_distance(reachable: NDArray[np.bool_], wanted: Fraction) -> Fraction:
    """Return the distance of `wanted` to the nearest whole number with a reachable residue."""
    floor = wanted.numerator // wanted.denominator
    start = floor % len(reachable)
    ascending = np.roll(reachable, -start)  # entry i is the residue of floor + i
    above = 1 + int(np.argmax(np.roll(ascending, -1)))
    below = int(np.argmax(ascending[-np.arange(len(reachable))]))
    fraction = wanted - floor
    return min(fraction + below, above - fraction)
