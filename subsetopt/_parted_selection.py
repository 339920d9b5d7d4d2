"""Mean matching of numbers in parts, each of which stays where it is."""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._kernels._tiers import seeded
from subsetopt.errors import InvalidProblem
from subsetopt.limits import Limits
from subsetopt.problems import _validation
from subsetopt.problems._dyadic import Dyadic
from subsetopt.solvers._ordering import ascending
from subsetopt.solvers.heuristics._grouped_search import GroupedRounds
from subsetopt.solvers.heuristics._scalar_search import Rounds, in_range, spread

from ._value_parts import ValueParts

__all__ = ["PartedSelection", "select_parts"]

_TOLERANCE = 1e-10  # of the mean, in interquartile ranges
_NEAR = 0.01  # of the sum of a part, in the same: the rest is made up for together, by few swaps
_ROUNDS = 4
_PAIRS = 768
_FEW = 8  # of a part; fewer have strata of their own instead of a mean
_GOLDEN = 0.6180339887498949
_CANDIDATES = 4096  # chosen and free ones each, of all parts, that may be exchanged at the end
_PASSES = 3  # over parts whose mean is moved until all together have that of the target
_REPAIRS = 4
_BLOCK = 2**15  # numbers that are summed at once: in the cache


@dataclass(frozen=True, eq=False)
class PartedSelection:
    """What `select_parts` has chosen.

    Parameters
    ----------
    parts : tuple of ndarray of int64
        The indices within each part, ascending.
    sizes : tuple of int
        How many numbers each part has.
    target, mean : Fraction
        What the mean of the chosen was to be, and what it is; both exact.
    """

    parts: tuple[NDArray[np.int64], ...]
    sizes: tuple[int, ...]
    target: Fraction
    mean: Fraction

    @property
    def k(self) -> int:
        """How many are chosen."""
        return sum(map(len, self.parts))

    @property
    def indices(self) -> NDArray[np.int64]:
        """The indices (k,) in all parts joined, ascending."""
        firsts = np.cumsum((0, *self.sizes[:-1]))
        joined = [part + first for part, first in zip(self.parts, firsts, strict=True)]
        return np.concatenate(joined).astype(np.int64)

    @property
    def objective(self) -> float:
        """How far the two means are apart: the exact value, rounded once."""
        return float(abs(self.mean - self.target))


def select_parts(
    losses: Any, k: int, *, target: ArrayLike | None = None, seed: int = 0
) -> PartedSelection:
    """Select k of numbers in parts, so that their mean is that of all; the parts stay in place.

    Each part is given a share of k by its size, begins with one of each of so many strata, at
    another place in each part, and chooses as `select` does, near its own mean.
    What all together miss then is made up for by exchanges within parts among a few thousand
    candidates. Each part is read twice; its size and sum, the chosen and its candidates travel.

    Parameters
    ----------
    losses : sequence of array_like (n,), ChunkedArray of Arrow, array or column of Dask
        Finite real numbers. Partitions of Dask are worked on where its scheduler says.
    k : int
        How many to choose, 1 <= k <= n of all parts together. Shares are k by size,
        each rounded up or down.
    target : float, optional
        What the mean is to be instead of that of all.
    seed : int
        Of the restarts; the answer depends on nothing but the numbers, their parts, and this.

    Returns
    -------
    PartedSelection

    Raises
    ------
    InvalidProblem
        For parts that are no finite real numbers of shape (n,), or k outside 1..n.
    InvalidOption
        For a seed outside its domain.

    Notes
    -----
    O(n log n), and 32 bytes a number for the parts that are in work at once: as many as there are
    cores. Where the shares are below eight, each part takes quantiles instead of its mean, other
    ones than the parts before it.

    Examples
    --------
    >>> import numpy as np
    >>> parts = [np.arange(10.0), np.arange(5.0, 25.0)]
    >>> chosen = select_parts(parts, k=6)
    >>> [len(part) for part in chosen.parts], chosen.objective
    ([2, 4], 0.0)
    """
    Limits(seed=seed)  # raises the error that says what is wrong
    parts = ValueParts.of(losses)
    everything = range(len(parts))
    surveys = parts.each(survey, [()] * len(parts), everything)
    sizes, totals = [one[0] for one in surveys], [one[1] for one in surveys]
    n = sum(sizes)
    if not n:
        raise InvalidProblem("losses must have at least one number in some part; got none")
    size = _validation.subset_size(k, n)
    wanted = sum(totals, Fraction(0)) / n if target is None else _exact(target)
    shares = _shares(size, sizes)
    found = _matched(parts, sizes, totals, shares, wanted * size, seed)
    total = _repaired(found, wanted * size, size, seed)
    chosen = tuple(np.sort(one.indices) for one in found)
    return PartedSelection(chosen, tuple(sizes), wanted, total / size)


def _exact(target: ArrayLike) -> Fraction:
    return Fraction(float(_validation.numeric_array("target", target, dimensions=(0,))))


def _shares(k: int, sizes: list[int]) -> list[int]:
    """Return k divided by size, each rounded up or down so that the sum up to any part is rounded.

    Where all are below one, parts that are chosen from lie evenly among the others.
    """
    n = sum(sizes)
    ends = [(2 * k * end + n) // (2 * n) for end in accumulate(sizes, initial=0)]
    return [end - begin for begin, end in pairwise(ends)]


# -- the whole ------------------------------------------------------------------------------------


def _matched(
    parts: ValueParts,
    sizes: list[int],
    totals: list[Fraction],
    shares: list[int],
    wanted: Fraction,
    seed: int,
) -> "list[_Chosen]":
    """Return what each part chooses, near its mean and as far from it as all others, to a sum."""
    used = [p for p, share in enumerate(shares) if share]
    found = [_Chosen.none() for _ in sizes]
    expected = [
        share * total / size if size else Fraction(0)
        for share, total, size in zip(shares, totals, sizes, strict=True)
    ]
    most = max(2, _CANDIDATES // max(1, len(used)))
    shift = (wanted - sum(expected)) / sum(shares)
    for _ in range(_PASSES):
        given = [
            (share, float(sum_ + share * shift), (0.5 + p * _GOLDEN) % 1.0, seed, most)
            for p, (share, sum_) in enumerate(zip(shares, expected, strict=True))
        ]
        for p, one in zip(used, parts.each(match, given, used), strict=True):
            found[p] = one
        missing = wanted - sum((one.total for one in found), Fraction(0))
        room = [p for p in used if found[p].came_near]
        count = sum(shares[p] for p in room)
        spread = max((found[p].spread for p in used), default=0.0)
        if not count or abs(missing) <= count * _FEW * Fraction(spread):
            break
        shift += missing / count
    return found


def _repaired(found: "list[_Chosen]", wanted: Fraction, size: int, seed: int) -> Fraction:
    """Exchange candidates within their parts, for what all together miss; return the sum then."""
    total = sum((one.total for one in found), Fraction(0))
    offered = [p for p, one in enumerate(found) if 0 < one.out < len(one.places)]
    width = max((found[p].spread for p in offered), default=0.0)
    if total == wanted or not width:
        return total
    group = np.concatenate([np.full(len(found[p].places), i) for i, p in enumerate(offered)])
    given = np.concatenate([found[p].values for p in offered])
    taken = np.concatenate([np.arange(len(found[p].places)) < found[p].out for p in offered])
    order = np.lexsort((given, group))
    middle = float(np.median(given))
    values = given[order] - middle  # so that sums of them lose little
    exponent = in_range(np.sort(values))[1]
    values, width = np.ldexp(values, -exponent), math.ldexp(width, -exponent)
    missing = math.ldexp(float(wanted - total), -exponent)
    limit = _TOLERANCE * size * width
    sum_ = float(values[taken[order]].sum()) + missing
    rounds = GroupedRounds(values, np.bincount(group), sum_, limit, 3.0 * width, seeded(seed))
    rounds.go(taken[order].copy())
    for turn in range(_REPAIRS):
        if rounds.content:
            break
        rounds.improve(rounds.chosen.copy(), kicked=turn > 0)
    after = np.empty(len(order), np.bool_)
    after[order] = rounds.chosen
    changed = _exact_sum(given[after & ~taken]) - _exact_sum(given[taken & ~after])
    if abs(total + changed - wanted) >= abs(total - wanted):
        return total
    for i, p in enumerate(offered):
        found[p] = found[p].exchanged(after[group == i])
    return total + changed


# -- one part -------------------------------------------------------------------------------------


class _Chosen(NamedTuple):
    """What one part has chosen, and what it would exchange."""

    indices: NDArray[np.int64]
    total: Fraction  # their sum
    places: NDArray[np.int64]  # of candidates for exchanges, the chosen ones first
    values: NDArray[np.float64]  # theirs
    out: int  # how many of them are chosen
    spread: float  # between the quartiles of the part
    came_near: bool  # the sum is as it was wanted

    @classmethod
    def none(cls) -> "_Chosen":
        nothing = np.empty(0, np.int64)
        return cls(nothing, Fraction(0), nothing, np.empty(0), 0, 0.0, False)

    def exchanged(self, taken: NDArray[np.bool_]) -> "_Chosen":
        """Return it with other candidates chosen."""
        kept = np.setdiff1d(self.indices, self.places[: self.out], assume_unique=True)
        return self._replace(indices=np.concatenate([kept, self.places[taken]]))


def survey(name: str, values: NDArray[Any], threads: int | None) -> tuple[int, Fraction]:
    """Return how many numbers a part has, and their exact sum."""
    if len(values) and not np.isfinite([values.min(), values.max()]).all():  # they pass NaN on
        _validation.numeric_array(name, values, dimensions=(1,))  # raises, and says where
    return len(values), _exact_sum(values)


def match(
    name: str,
    values: NDArray[Any],
    threads: int | None,
    k: int,
    wanted: float,
    offset: float,
    seed: int,
    most: int,
) -> _Chosen:
    """Return k of a part whose sum is as wanted, and up to `most` candidates of either side."""
    given = values if values.dtype == np.float32 else values.astype(np.float64, copy=False)
    n, (raised, order) = len(values), ascending(given, threads)
    ordered, exponent = in_range(raised)
    sum_, width = math.ldexp(wanted, -exponent), spread(ordered)
    chosen = np.zeros(n, np.bool_)
    chosen[((np.arange(k) + offset) * (n / k)).astype(np.int64)] = True
    near = k < n
    if near:
        rounds = Rounds(ordered, k, sum_, _NEAR * width, _PAIRS, 0, seeded(seed))
        rounds.go(chosen)
        if abs(rounds.residual) > (0.5 if k >= _FEW else 1.0) * (ordered[-1] - ordered[0]):
            rounds.start()
        if k >= _FEW:
            rounds.run(0, _ROUNDS)
        chosen, near = rounds.chosen, abs(rounds.residual) <= k * width
    indices = np.sort(order[chosen])
    taken, free = (np.flatnonzero(mask) for mask in (chosen, ~chosen))
    out = taken[_spread(min(most, k, n - k), k)]
    both = np.concatenate([out, free[_spread(min(most, n - k), n - k)]])
    return _Chosen(
        indices,
        _exact_sum(values[indices]),
        order[both],
        raised[both],
        len(out),
        math.ldexp(width, exponent),
        near,
    )


def _spread(count: int, size: int) -> NDArray[np.int64]:
    return np.arange(count) * size // max(1, count)


def _exact_sum(values: NDArray[Any]) -> Fraction:
    """Return the sum without rounding."""
    total = Fraction(0)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        grid = Dyadic.of(block)
        total += grid.total * Fraction(2) ** grid.exponent
    return total
