"""Paired comparison of a rule with the baseline, seed by seed, with tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite, sqrt

import numpy as np

from subsetopt._significance import sign_test, t_quantile, t_test

__all__ = [
    "FEWEST",
    "LEVEL",
    "PairedComparison",
    "RuleVerdict",
    "compared",
    "holm",
    "holm_adjusted",
]

LEVEL = 0.05
"""The chance of any false verdict in a report, were all rules as good as their baselines."""
FEWEST = 3
"""Pairs below which nothing is tested."""
_ROUNDING = 1e-12


class RuleVerdict(StrEnum):
    """Verdicts on a rule."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference shown"
    """There may still be one."""
    DIVERGED = "diverged"
    """In more runs than the baseline, and too few of them for a test to call it worse."""
    TOO_FEW = "too few seeds"


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """A rule against the baseline on the seeds that both have.

    Parameters
    ----------
    pairs, unpaired : int
        Seeds that both have, and that one of them has alone.
    diverged, baseline_diverged : int
        Pairs in which the run came to no number.
    difference : float or None
        The mean over the pairs, rule minus baseline; None where a run of them diverged.
    low, high : float or None
        Its 95 % interval by Student's t; it holds for this comparison alone. None where pairs are
        too few, or their differences all the same, which tells nothing of the noise.
    p : float or None
        Two-sided: of Student's t, or of the sign test where there is no interval; there a run that
        diverged loses.
    adjusted : float or None
        The p of Holm (1979, Scandinavian Journal of Statistics 6, 65-70), of all comparisons of a
        report.
    gain : float
        The difference, positive where the rule is better; where one diverged, pairs won minus lost.
    """

    pairs: int
    unpaired: int
    diverged: int
    baseline_diverged: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    gain: float
    adjusted: float | None = None

    @property
    def verdict(self) -> RuleVerdict:
        """The verdict, with all comparisons of the report taken together."""
        if self.pairs < FEWEST:
            return RuleVerdict.TOO_FEW
        if self.adjusted is not None and self.adjusted <= LEVEL:
            return RuleVerdict.BETTER if self.gain > 0 else RuleVerdict.WORSE
        if self.diverged > self.baseline_diverged:
            return RuleVerdict.DIVERGED
        return RuleVerdict.NO_DIFFERENCE


def compared(own: Mapping[int, float], base: Mapping[int, float], better: str) -> PairedComparison:
    """Compare values by seed with those of the baseline; not finite is diverged.

    Parameters
    ----------
    own, base : mapping of int to float
    better : {"higher", "lower"}
    """
    seeds = sorted(own.keys() & base.keys())
    x, y = ([values[seed] for seed in seeds] for values in (own, base))
    lost = [not isfinite(value) for value in x], [not isfinite(value) for value in y]
    sign = 1 if better == "higher" else -1
    counts = {
        "pairs": len(seeds),
        "unpaired": len(own.keys() ^ base.keys()),
        "diverged": sum(lost[0]),
        "baseline_diverged": sum(lost[1]),
    }
    if any(lost[0]) or any(lost[1]):
        gains = [_gain(a, b, sign) for a, b in zip(x, y, strict=True)]
        return _by_signs(gains, None, counts)
    differences = np.subtract(x, y)
    if not len(seeds):
        return _by_signs([], None, counts)
    mean, largest = float(differences.mean()), float(np.abs([x, y]).max())
    spread = float(differences.std(ddof=1)) if len(seeds) > 1 else 0.0
    if len(seeds) < FEWEST or spread <= _ROUNDING * largest:
        signs = np.where(np.abs(differences) <= _ROUNDING * largest, 0.0, differences * sign)
        return replace(_by_signs(signs.tolist(), mean, counts), gain=sign * mean)
    error, freedom = spread / sqrt(len(seeds)), len(seeds) - 1
    half = t_quantile(1 - LEVEL / 2, freedom) * error
    return PairedComparison(
        **counts,
        difference=mean,
        low=mean - half,
        high=mean + half,
        p=t_test(mean / error, freedom),
        gain=sign * mean,
    )


def _gain(own: float, base: float, sign: int) -> float:
    """Return which won: a run that diverged loses, two are even."""
    if isfinite(own) and isfinite(base):
        return sign * (own - base)
    return float(isfinite(own)) - float(isfinite(base))


def _by_signs(
    gains: Sequence[float], difference: float | None, counts: Mapping[str, int]
) -> PairedComparison:
    ups, downs = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    return PairedComparison(
        **counts,
        difference=difference,
        low=None,
        high=None,
        p=sign_test(ups, downs) if len(gains) >= FEWEST else None,
        gain=ups - downs,
    )


def holm(probabilities: Sequence[float]) -> list[float]:
    """Return adjusted probabilities: at a level, those below it are right all together."""
    order = np.argsort(probabilities, kind="stable")
    count, largest = len(probabilities), 0.0
    adjusted = [0.0] * count
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (count - rank) * probabilities[place]))
        adjusted[place] = largest
    return adjusted


def holm_adjusted(found: Sequence[PairedComparison | None]) -> list[PairedComparison | None]:
    """Return the comparisons with p adjusted by Holm's method, over all that have one."""
    tests = [one.p for one in found if one is not None and one.p is not None]
    left = iter(holm(tests))
    return [
        one if one is None or one.p is None else replace(one, adjusted=next(left)) for one in found
    ]
