"""Proofs of mean matching: no sum of k values is nearer to the target.

No short certificate of that is known: what a proof names is how it is to be seen, and it is seen
anew here, by other means than those of the solvers: `closed` needs no search, `halves` sorts the
sums of two halves and sweeps over both, `table` keeps the reachable sums as the bits of integers.
"""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, comb, floor, gcd
from typing import Any

from ._failure import failed
from ._statements import MeanStatement

METHODS = ("closed", "halves", "table")
_BITS = 16  # of the residues that sums are told apart by
_LARGEST = 2**27  # sums of both halves, or words of a table


@dataclass(frozen=True)
class SumSearch:
    """Choose `count` of the values with a sum near to `wanted`.

    Parameters
    ----------
    values : list of int
        At least 0, with no common divisor.
    count : int
        At most half of them, where one count is allowed.
    wanted : Fraction
    unit : Fraction
        A distance times this is the objective.
    """

    values: list[int]
    count: int
    wanted: Fraction
    unit: Fraction

    def interval(self, bound: Fraction) -> tuple[int, int]:
        """Return the least and greatest sum that would be below a bound on the objective."""
        distance = bound / self.unit
        return floor(self.wanted - distance) + 1, ceil(self.wanted + distance) - 1


def searches(statement: MeanStatement) -> list[SumSearch]:
    """Return what is to be searched: one for each number of candidates that is allowed."""
    whole, free = statement.values, [statement.values[i] for i in statement.free]
    taken = sum(whole[i] for i in statement.include)
    goal = statement.target * statement.k / statement.unit - taken
    low = min(free, default=0)
    divisor = gcd(*(value - low for value in free)) or 1
    values = [(value - low) // divisor for value in free]
    unit = statement.unit * divisor / statement.k
    first = max(0, statement.smallest - len(statement.include))
    last = min(len(free), statement.k - len(statement.include))
    found = []
    for count in range(first, last + 1):
        wanted = (goal - count * low) / divisor
        if first == last and 2 * count > len(values):  # those that are left out
            count, wanted = len(values) - count, sum(values) - wanted
        found.append(SumSearch(values, count, wanted, unit))
    if not found:
        failed("no number of candidates keeps what is included and excluded")
    return found


def closed_bound(statement: MeanStatement) -> Fraction:
    """Return a lower bound that needs no search: reach, and residues of sums.

    No sum is beyond that of the smallest, or the largest, values. And sums are pivots, one for each
    chosen value, plus differences from the pivot: only few residues modulo 2**16 may be reached.
    """
    every = searches(statement)
    values = every[0].values
    ascending = sorted(values)
    pivot = max(values, key=_trailing_zeros, default=0)
    residues = _reachable([value - pivot for value in values])
    bounds = []
    for one in every:
        low = sum(ascending[: one.count])
        high = sum(ascending[len(values) - one.count :])
        nearest = _nearest(residues, one.wanted - one.count * pivot)
        bounds.append(max(nearest, low - one.wanted, one.wanted - high, Fraction(0)) * one.unit)
    return min(bounds)


def _trailing_zeros(value: int) -> int:
    return min(_BITS, (value & -value).bit_length() - 1) if value else _BITS


def _reachable(differences: list[int]) -> int:
    """Return the residues of sums of some of the numbers, as the bits of an integer."""
    size = 1 << _BITS
    everything, found = (1 << size) - 1, 1
    for residue, times in Counter(value % size for value in differences).items():
        for _ in range(times if residue else 0):
            turned = (found << residue) | (found >> (size - residue))
            before, found = found, (found | turned) & everything
            if found == before:
                break
        if found == everything:
            break
    return found


def _nearest(residues: int, wanted: Fraction) -> Fraction:
    """Return how far the nearest integer of one of the residues is."""
    size = 1 << _BITS
    start = floor(wanted)
    turn = (start + 1) % size  # so that bit 0 is start + 1, and the last one start
    turned = ((residues >> turn) | (residues << (size - turn))) & ((1 << size) - 1)
    up, down = (turned & -turned).bit_length(), size - turned.bit_length()
    return min(start + up - wanted, wanted - (start - down))


def require_bound(statement: MeanStatement, bound: Fraction, method: str) -> None:
    """Fail unless no selection is nearer to the target than `bound`."""
    if method not in METHODS:
        failed(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    if bound <= closed_bound(statement):
        return
    if method == "closed":
        failed(f"the bound {bound} is not one that reach and residues prove")
    every = searches(statement)
    if cost(every, bound, method) > _LARGEST:
        failed(f"too large to be checked by {method!r}: more than {_LARGEST} sums")
    nearer = (
        any(map(_halves, every, [bound] * len(every)))
        if method == "halves"
        else _table(every, bound)
    )
    if nearer:
        failed(f"some selection is nearer to the target than {bound}")


def cost(every: list[SumSearch], bound: Fraction, method: str) -> float:
    """Return how many sums, or words of a table, a method takes."""
    n, most = len(every[0].values), max(one.count for one in every)
    if method == "halves":
        return sum(
            sum(comb(half, a) for a in range(one.count + 1))
            for one in every
            for half in (n // 2, n - n // 2)
        )
    width = max(one.interval(bound)[1] for one in every) + 1
    return (most + 1) * (max(width, 0) // 64 + 1)


def _halves(one: SumSearch, bound: Fraction) -> bool:
    """Return whether a sum is within the interval: of a sum of each half."""
    low, high = one.interval(bound)
    if low > high:
        return False
    half = len(one.values) // 2
    first, second = (_sums(part, one.count) for part in (one.values[:half], one.values[half:]))
    return any(
        _meets(first[a], second[one.count - a], low, high)
        for a in range(one.count + 1)
        if a < len(first) and one.count - a < len(second)
    )


def _sums(values: list[int], most: int) -> list[Any]:
    """Return the sorted sums of 0, 1, ... `most` of the values."""
    array = _arrays(values)
    found = [array([0])]
    for value in values:
        longer = [array([])] if len(found) <= most else []
        found += longer
        for count in range(len(found) - 1, 0, -1):
            found[count] = _merged(found[count], found[count - 1], value)
    return found


def _arrays(values: list[int]) -> Any:
    """Return what makes lists: of NumPy where there is one and sums fit, else Python's."""
    try:
        import numpy
    except ImportError:
        return list
    if sum(values) >= 2**62:
        return list
    return lambda items: numpy.array(items, dtype=numpy.int64)


def _merged(kept: Any, grown: Any, value: int) -> Any:
    if isinstance(kept, list):
        return sorted([*kept, *(total + value for total in grown)])
    import numpy

    both = numpy.concatenate([kept, grown + value])
    both.sort(kind="stable")
    return both


def _meets(first: Any, second: Any, low: int, high: int) -> bool:
    """Return whether one of each, both sorted, add up to low..high."""
    if (
        not isinstance(first, list)
        and not isinstance(second, list)
        and abs(low) + abs(high) < 2**62
    ):
        begin = second.searchsorted(low - first, "left")
        return bool((second.searchsorted(high - first, "right") > begin).any())
    at, other = len(second), [int(total) for total in second]
    for total in map(int, first):  # as these rise, the others that are wanted fall
        while at and total + other[at - 1] > high:
            at -= 1
        if at and total + other[at - 1] >= low:
            return True
    return False


def _table(every: list[SumSearch], bound: Fraction) -> bool:
    """Return whether a sum is within an interval: by the sums of 0, 1, ... values, as bits."""
    intervals = [one.interval(bound) for one in every]
    width = max(high for _, high in intervals) + 1
    if width <= 0:
        return False
    most, mask = max(one.count for one in every), (1 << width) - 1
    reached = [1] + [0] * most
    for number, value in enumerate(every[0].values, 1):
        if value >= width:
            continue
        for count in range(min(number, most), 0, -1):
            reached[count] |= (reached[count - 1] << value) & mask
    return any(
        high >= max(low, 0)
        and reached[one.count] >> max(low, 0) & ((1 << (high - max(low, 0) + 1)) - 1)
        for one, (low, high) in zip(every, intervals, strict=True)
    )


def plan(statement: MeanStatement, bound: Fraction) -> str | None:
    """Return the method that checks a bound at the least cost; None if all are too large."""
    if bound <= closed_bound(statement):
        return "closed"
    every = searches(statement)
    costs = {method: cost(every, bound, method) for method in METHODS[1:]}
    best = min(costs, key=costs.__getitem__)
    return best if costs[best] <= _LARGEST else None
