"""Claims of the papers, checked by paired intervals."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import inf, isfinite, nan, sqrt
from statistics import fmean, stdev
from typing import Literal

from subsetopt._significance import t_quantile
from subsetopt.training.analysis import FEWEST, LEVEL

from ._parts import Pair, Pairs, Term, resolved
from .measuring import Measured

_ROUNDING = 1e-12
Gains = Mapping[int, float]
"""By seed."""


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


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of a paper's text, in other words, and how it is checked.

    Parameters
    ----------
    text : str
    check : str
        "exceeds": in every pair the first is better by more than `by`, which allows a loss where it
        is < 0. "within": in every pair the two differ by less than `by`. "on_average": as "exceeds"
        of the mean of all pairs. "more_so": the mean gain of `pairs` is larger than that of `than`.
        "steadier": from pair to pair, the first changes less than the second.
    pairs : Pairs or tuple of Pairs
    than : Pairs or tuple of Pairs
    by : float
    opposite : bool
        Whether the contrary is stated.
    """

    text: str
    check: Literal["exceeds", "within", "on_average", "more_so", "steadier"]
    pairs: Pairs | tuple[Pairs, ...]
    than: Pairs | tuple[Pairs, ...] = ()
    by: float = 0.0
    opposite: bool = False

    @property
    def resolved(self) -> list[Pair]:
        """The pairs, one by one."""
        return resolved(self.pairs)

    @property
    def resolved_than(self) -> list[Pair]:
        """The pairs that others gain more than."""
        return resolved(self.than)

    def judged(self, measured: Measured) -> Finding:
        """Return what was measured says to it.

        It holds where all 95 % intervals are beyond the margin; it fails where one lies wholly on
        the other side, at a level divided by the number of pairs. Few seeds, or none, decide
        nothing.
        """
        finding = _CHECKS[self.check](self, measured)
        turned = {Standing.HOLDS: Standing.FAILS, Standing.FAILS: Standing.HOLDS}
        if not self.opposite:
            return finding
        return Finding(turned.get(finding.standing, finding.standing), finding.why)


# -- checks ---------------------------------------------------------------------------------------


def _exceeds(claim: Claim, m: Measured) -> Finding:
    return _each(claim, m, lambda low, high: (low > claim.by, high < claim.by))


def _within(claim: Claim, m: Measured) -> Finding:
    by = claim.by
    return _each(claim, m, lambda low, high: (-by < low and high < by, high < -by or low > by))


def _on_average(claim: Claim, m: Measured) -> Finding:
    gains = _mean_gains(m, claim.resolved)
    bounds: Bounds = lambda low, high: (low > claim.by, high < claim.by)  # noqa: E731
    return _decided([("on average", gains)], bounds)


def _more_so(claim: Claim, m: Measured) -> Finding:
    one, other = _mean_gains(m, claim.resolved), _mean_gains(m, claim.resolved_than)
    return _positive("difference", one, other)


def _steadier(claim: Claim, m: Measured) -> Finding:
    one, other = zip(*claim.resolved, strict=True)
    return _positive("difference of changes", _changes(m, other), _changes(m, one))


_CHECKS: dict[str, Callable[[Claim, Measured], Finding]] = {
    "exceeds": _exceeds,
    "within": _within,
    "on_average": _on_average,
    "more_so": _more_so,
    "steadier": _steadier,
}


# -- intervals ------------------------------------------------------------------------------------

Bounds = Callable[[float, float], tuple[bool, bool]]
"""From an interval: whether it shows what is said, and whether it shows the contrary."""


def _each(claim: Claim, m: Measured, bounds: Bounds) -> Finding:
    pairs = claim.resolved
    return _decided([(pair.name, _gains(m, pair)) for pair in pairs], bounds, of=len(pairs))


def _positive(name: str, one: Gains, other: Gains) -> Finding:
    gains = {seed: one[seed] - other[seed] for seed in one.keys() & other.keys()}
    return _decided([(name, gains)], lambda low, high: (low > 0, high < 0))


def _decided(named: Sequence[tuple[str, Gains]], bounds: Bounds, of: int = 1) -> Finding:
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
    named: Sequence[tuple[str, Gains]], plain: Sequence[bool], strict: Sequence[bool], of: int
) -> str:
    telling = strict if any(strict) else [not shown for shown in plain]
    name, gains = next((n for n, told in zip(named, telling, strict=True) if told), named[0])
    low, high = interval(gains.values())
    text = f"{name}: gain {_mean(gains.values()):+.4g} ({low:+.4g} to {high:+.4g})"
    if len(named) == of == 1:
        return text
    counts = f"{sum(plain)} of {of} comparisons show it, {sum(strict)} the contrary"
    missing = f", {of - len(named)} not measured" if len(named) < of else ""
    return f"{counts}{missing}; {text}"


def interval(values: Iterable[float], level: float = LEVEL) -> tuple[float, float]:
    """Return the interval of the mean by Student's t; all numbers where it is not to be had."""
    given = list(values)
    if not all(map(isfinite, given)) or len(given) < FEWEST:
        same = len(set(given)) == 1 and len(given) >= FEWEST and abs(given[0]) == inf
        return (given[0], given[0]) if same else (-inf, inf)
    spread = stdev(given)
    if spread <= _ROUNDING * max(map(abs, given)):
        return -inf, inf
    half = t_quantile(1 - level / 2, len(given) - 1) * spread / sqrt(len(given))
    return fmean(given) - half, fmean(given) + half


def _mean(values: Iterable[float]) -> float:
    """Return the mean; NaN where one diverged and the other won without end."""
    given = list(values)
    return nan if {inf, -inf} <= set(given) else fmean(given)


def _values(m: Measured, term: Term) -> Gains:
    return m.values(term.part, term.quantity, term.cell)


def _gains(m: Measured, pair: Pair) -> Gains:
    """Return by how much the first is better, by seed; one that diverged loses without end."""
    one, other = _values(m, pair.one), _values(m, pair.other)
    sign = 1.0 if m.better(pair.one.quantity) == "higher" else -1.0
    return {seed: _gain(one[seed], other[seed], sign) for seed in sorted(one.keys() & other.keys())}


def _gain(one: float, other: float, sign: float) -> float:
    if isfinite(one) and isfinite(other):
        return sign * (one - other)
    if isfinite(one) == isfinite(other):
        return 0.0
    return inf if isfinite(one) else -inf


def _mean_gains(m: Measured, pairs: Sequence[Pair]) -> Gains:
    each = [gains for gains in (_gains(m, pair) for pair in pairs) if gains]
    return {seed: sum(gains[seed] for gains in each) / len(each) for seed in _common(each)}


def _changes(m: Measured, terms: Sequence[Term]) -> Gains:
    each = [values for values in (_values(m, term) for term in terms) if values]
    if len(each) < 2:
        return {}
    return {
        seed: _mean(abs(b[seed] - a[seed]) for a, b in pairwise(each)) for seed in _common(each)
    }


def _common(each: Sequence[Gains]) -> list[int]:
    return sorted(set.intersection(*(set(gains) for gains in each))) if each else []
