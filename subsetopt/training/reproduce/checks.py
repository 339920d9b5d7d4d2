"""What the papers say in words, checked by paired intervals, never by bare means."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import inf, isfinite, sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from subsetopt.reporting.estimates import t_quantile
from subsetopt.training.analysis import FEWEST, LEVEL

from .measuring import Measured
from .parts import Cell

_ROUNDING = 1e-12


class Standing(StrEnum):
    """What the runs say to a statement."""

    HOLDS = "holds here"
    FAILS = "does not hold here"
    UNDECIDED = "undecided"
    """The intervals allow both."""
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Finding:
    """What the runs say, and why."""

    standing: Standing
    why: str = ""


Check = Callable[[Measured], Finding]


class Term(NamedTuple):
    """A measured number of each seed."""

    part: str
    cell: Cell
    quantity: str = "accuracy"


class Pair(NamedTuple):
    """Two terms, of which the first is said to be better."""

    one: Term
    other: Term

    @property
    def name(self) -> str:
        """What is compared."""
        one = " ".join(part for part in self.one.cell if part)
        other = self.other.cell.row if self.other.cell.row != self.one.cell.row else ""
        place = self.other.part if self.other.part != self.one.part else ""
        column = self.other.cell.column if self.other.cell.column != self.one.cell.column else ""
        return f"{one} less {' '.join(x for x in (other, column, place) if x)}"


def pairs(
    part: str,
    rows: Iterable[str],
    than: str,
    columns: Iterable[str] = ("",),
    quantity: str = "accuracy",
    than_part: str | None = None,
) -> list[Pair]:
    """Return each of the rows beside another row, or the same row of another part, by column."""
    other = part if than_part is None else than_part
    return [
        Pair(
            Term(part, Cell(row, column), quantity),
            Term(other, Cell(than or row, column), quantity),
        )
        for column in columns
        for row in rows
        if (row, part) != (than or row, other)
    ]


def exceeds(found: Sequence[Pair], by: float = 0.0) -> Check:
    """Return a check: in every pair the first is better by more than so much; < 0 allows a loss.

    It holds where all 95 % intervals are beyond; it fails where one lies wholly on this side, at a
    level divided by the number of pairs. Few seeds, or none, decide nothing.
    """
    return lambda m: _judged(m, found, lambda low, high: (low > by, high < by))


def within(found: Sequence[Pair], margin: float) -> Check:
    """Return a check: in every pair the two differ by less than so much."""

    def inside(low: float, high: float) -> tuple[bool, bool]:
        return -margin < low and high < margin, high < -margin or low > margin

    return lambda m: _judged(m, found, inside)


def on_average(found: Sequence[Pair], by: float = 0.0) -> Check:
    """Return a check: the first is better by more than so much, on the mean of all pairs."""

    def check(m: Measured) -> Finding:
        gains = _mean_gains(m, found)
        return _decided([("on average", gains)], lambda low, high: (low > by, high < by))

    return check


def more_so(found: Sequence[Pair], than: Sequence[Pair]) -> Check:
    """Return a check: the mean gain of some pairs is larger than that of others."""

    def check(m: Measured) -> Finding:
        one, other = _mean_gains(m, found), _mean_gains(m, than)
        gains = {seed: one[seed] - other[seed] for seed in one.keys() & other.keys()}
        return _decided([("difference", gains)], lambda low, high: (low > 0, high < 0))

    return check


def steadier(one: Sequence[Term], other: Sequence[Term]) -> Check:
    """Return a check: from column to column the one changes less than the other."""

    def check(m: Measured) -> Finding:
        a, b = _changes(m, one), _changes(m, other)
        gains = {seed: b[seed] - a[seed] for seed in a.keys() & b.keys()}
        return _decided([("difference of changes", gains)], lambda low, high: (low > 0, high < 0))

    return check


def unlike(check: Check) -> Check:
    """Return the opposite of a check."""
    turned = {Standing.HOLDS: Standing.FAILS, Standing.FAILS: Standing.HOLDS}

    def opposite(m: Measured) -> Finding:
        found = check(m)
        return Finding(turned.get(found.standing, found.standing), found.why)

    return opposite


# -- intervals ------------------------------------------------------------------------------------

Bounds = Callable[[float, float], tuple[bool, bool]]
"""From an interval: whether it shows what is said, and whether it shows the contrary."""


def _judged(m: Measured, found: Sequence[Pair], bounds: Bounds) -> Finding:
    named = [(pair.name, _gains(m, pair)) for pair in found]
    return _decided([(name, gains) for name, gains in named if gains], bounds, of=len(found))


def _decided(
    named: Sequence[tuple[str, Mapping[int, float]]], bounds: Bounds, of: int = 1
) -> Finding:
    named = [(name, gains) for name, gains in named if gains]
    if not named:
        return Finding(Standing.NOT_MEASURED)
    if any(len(gains) < FEWEST for _, gains in named):
        return Finding(Standing.UNDECIDED, f"fewer than {FEWEST} seeds")
    plain = [bounds(*interval(gains.values()))[0] for _, gains in named]
    strict = [bounds(*interval(gains.values(), LEVEL / len(named)))[1] for _, gains in named]
    why = _why(named, plain, strict, of)
    if any(strict):
        return Finding(Standing.FAILS, why)
    return Finding(Standing.HOLDS if all(plain) and len(named) == of else Standing.UNDECIDED, why)


def _why(
    named: Sequence[tuple[str, Mapping[int, float]]],
    plain: Sequence[bool],
    strict: Sequence[bool],
    of: int,
) -> str:
    telling = strict if any(strict) else [not shown for shown in plain]
    name, gains = next((n for n, told in zip(named, telling, strict=True) if told), named[0])
    low, high = interval(gains.values())
    text = f"{name}: gain {fmean(gains.values()):+.4g} ({low:+.4g} to {high:+.4g})"
    if len(named) == of == 1:
        return text
    counts = f"{sum(plain)} of {of} comparisons show it, {sum(strict)} the contrary"
    missing = f", {of - len(named)} not measured" if len(named) < of else ""
    return f"{counts}{missing}; {text}"


def interval(values: Iterable[float], level: float = LEVEL) -> tuple[float, float]:
    """Return the interval of the mean by Student's t; all numbers where it is not to be had."""
    found = list(values)
    if not all(map(isfinite, found)) or len(found) < FEWEST:
        same = len(set(found)) == 1 and len(found) >= FEWEST and abs(found[0]) == inf
        return (found[0], found[0]) if same else (-inf, inf)
    spread = stdev(found)
    if spread <= _ROUNDING * max(map(abs, found)):
        return -inf, inf
    half = t_quantile(1 - level / 2, len(found) - 1) * spread / sqrt(len(found))
    return fmean(found) - half, fmean(found) + half


def _gains(m: Measured, pair: Pair) -> dict[int, float]:
    """Return by how much the first is better, by seed; one that diverged loses without end."""
    one, other = (m.values(term.part, term.quantity, term.cell) for term in pair)
    sign = 1.0 if m.better(pair.one.quantity) == "higher" else -1.0
    return {seed: _gain(one[seed], other[seed], sign) for seed in sorted(one.keys() & other.keys())}


def _gain(one: float, other: float, sign: float) -> float:
    if isfinite(one) and isfinite(other):
        return sign * (one - other)
    if isfinite(one) == isfinite(other):
        return 0.0
    return inf if isfinite(one) else -inf


def _mean_gains(m: Measured, found: Sequence[Pair]) -> dict[int, float]:
    each = [_gains(m, pair) for pair in found]
    each = [gains for gains in each if gains]
    seeds = set.intersection(*(set(gains) for gains in each)) if each else set()
    return {seed: sum(gains[seed] for gains in each) / len(each) for seed in sorted(seeds)}


def _changes(m: Measured, terms: Sequence[Term]) -> dict[int, float]:
    each = [m.values(term.part, term.quantity, term.cell) for term in terms]
    each = [values for values in each if values]
    if len(each) < 2:
        return {}
    seeds = set.intersection(*(set(values) for values in each))
    return {
        seed: fmean(abs(b[seed] - a[seed]) for a, b in pairwise(each)) for seed in sorted(seeds)
    }
