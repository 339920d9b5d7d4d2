"""Scalar mean matching in integers: the form in which optimality is proven.

Called by `exact`. Every float is an integer times a power of two, so that Eq. 6 of One Backward
from Ten Forward becomes a subset sum with a fixed number of items, and a comparison of two
selections one of Python integers or fractions: nothing here is rounded.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import gcd
from operator import sub

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import MeanMatching
from subsetopt.problems._parallel import Check, no_callback

from ._counts import CountLimits, limits_of
from ._shifts import Shifts

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
    limits : CountLimits or None
        How many of each group; None for any number.
    """

    count: int
    wanted: Fraction
    least: Fraction
    limits: CountLimits | None = None

    @property
    def floor(self) -> int:
        """The largest whole number that is not above `wanted`."""
        return self.wanted.numerator // self.wanted.denominator

    def limits_of(self, n: int) -> CountLimits:
        """Return the limits of its subsets of n values, as near as the count lets them be."""
        limits = (self.limits or CountLimits.none(n)).of(self.count)
        assert limits is not None
        return limits

    def allows(self, subset: NDArray[np.int64]) -> bool:
        """Return whether it is one of its subsets."""
        return len(subset) == self.count and (self.limits is None or self.limits.allow(subset))


@dataclass(frozen=True)
class Integers:
    """The values as small non-negative integers, without loss.

    Values are shifted by their minimum and divided by their common divisor. Where quotas fix the
    count of a group, its values are shifted by their own minimum. Where more than half are to be
    chosen, the subproblem is to choose those that are left out.

    Parameters
    ----------
    values : tuple of int (n,)
        The least is 0, their greatest common divisor 1 (or all are 0).
    subproblems : tuple of Subproblem
        One for each cardinality that is allowed, and each way to keep overlapping quotas.
    complement : bool
        Whether a subset is what is left out.
    unit : Fraction
        A distance of sums times this is the objective.
    pivots : tuple of int (n,)
        For each value that of the same shift whose differences from the others have the most
        trailing zeros.
    """

    values: tuple[int, ...]
    subproblems: tuple[Subproblem, ...]
    complement: bool
    unit: Fraction
    pivots: tuple[int, ...]

    @classmethod
    def of(cls, problem: MeanMatching, check: Check = no_callback) -> "Integers":
        """Reduce a problem; exact whatever the dtype. There is a check now and then."""
        whole = problem.grid.whole_numbers()
        check()
        every = limits_of(problem.side, problem.n)
        # A shift adds the same to the sum of every subset of one size, and a divisor of all
        # differences only scales the distances; both make sums small, which is what the searches
        # cost.
        shifts = Shifts.of(every, problem.n)
        least = [min(map(whole.__getitem__, items)) for items in shifts.items]
        shift, divisor = shifts.spread(least), 0
        for some in _parts(problem.n, check):
            divisor = gcd(divisor, *map(sub, whole[some], shift[some]))
        divisor = divisor or 1
        values = tuple(
            difference // divisor
            for some in _parts(problem.n, check)
            for difference in map(sub, whole[some], shift[some])
        )
        zeros = [z for some in _parts(problem.n, check) for z in map(trailing_zeros, whole[some])]
        pivot = [values[max(items, key=zeros.__getitem__)] for items in shifts.items]
        pivots = shifts.spread(pivot)
        residues = reachable_residues(list(map(sub, values, pivots)), check)
        p, q = problem.scaled_target
        # Choosing what is left out has the same distances with fewer items, but one number of them
        # alone.
        complement = problem.cardinality == "exactly" and 2 * problem.k > problem.n
        total, subproblems = sum(values), []
        for limits, count in product(every, range(problem.smallest_count, problem.k + 1)):
            if limits.of(count) is None:
                continue
            goal = (Fraction(p, q) - shifts.sum(least, limits, count)) / divisor
            size, kept = count, None if problem.side is None else limits
            if complement:
                limits = limits.left_out()
                size, goal, kept = problem.n - count, total - goal, kept and limits
            # A sum of `size` values is that of as many pivots plus the differences from them.
            nearest = least_distance(residues, goal - shifts.sum(pivot, limits, size))
            subproblems.append(Subproblem(size, goal, nearest, kept))
        return cls(
            values,
            tuple(subproblems),
            complement,
            Fraction(divisor, problem.k) * Fraction(2) ** problem.grid.exponent,
            tuple(pivots),
        )

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


def _parts(size: int, check: Check) -> Iterator[slice]:
    """Yield slices of `size` entries, with a check between them."""
    for begin in range(0, size, _AT_ONCE):
        check()
        yield slice(begin, begin + _AT_ONCE)


def reachable_residues(differences: Sequence[int], check: Check = no_callback) -> NDArray[np.bool_]:
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
    for some in _parts(len(differences), check):
        times.update(difference % modulus for difference in differences[some])
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
