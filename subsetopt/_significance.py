"""Significance tests and intervals: Student's t, signs, proportions, ratios of times."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Pairs = tuple[NDArray[np.float64], NDArray[np.float64]]
"""What the repeats of one case took before and after, (repeats,) each."""

RESAMPLES = 2000
"""Of the repeats of each case."""


def t_quantile(p: float, freedom: int) -> float:
    """Return the quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, p))


def t_test(statistic: float, freedom: int) -> float:
    """Return the two-sided probability of a t at least as far from 0."""
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -abs(statistic)))


def sign_test(ups: int, downs: int) -> float:
    """Return the two-sided probability of a split at least as uneven, were it a coin's."""
    from scipy.stats import binomtest

    return float(binomtest(ups, ups + downs).pvalue) if ups + downs else 1.0


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share by Wilson (1927, JASA 22, 209-212)."""
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def log_ratio(
    cases: Sequence[Pairs], rng: np.random.Generator, confidence: float
) -> tuple[float, float]:
    """Return the mean log ratio of medians, after over before, and the half width of its interval.

    The standard error is that of a two-level bootstrap: cases are drawn, and of each its pairs of
    repeats (Davison and Hinkley 1997, Bootstrap Methods, 3.8); one case stands for itself. The
    draw of cases needs no sampling: the variance of a mean over them is the mean variance within
    plus the variance between, over their number. The noise of repeats counts in both, so that the
    interval is rather too wide than too narrow. It is Student's t with the degrees of
    freedom of the pairs, for percentiles of the bootstrap are too narrow for few pairs (Hesterberg
    2015, American Statistician 69, 371-386).

    Parameters
    ----------
    cases : sequence of pairs of ndarray
        Positive; two pairs of repeats at least, all together.
    """
    estimates = [np.log(np.median(after) / np.median(before)) for before, after in cases]
    drawn = [_redrawn(before, after, rng) for before, after in cases]
    within = float(np.mean([own.var() for own in drawn]))
    between = float(np.var([own.mean() for own in drawn]))
    pairs = sum(len(before) for before, _ in cases)
    error = sqrt((within + between) / len(cases) * pairs / (pairs - 1))
    return float(np.mean(estimates)), t_quantile((1 + confidence) / 2, pairs - 1) * error


def _redrawn(
    before: NDArray[np.float64], after: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return log ratios of medians of pairs drawn with replacement, (RESAMPLES,)."""
    chosen = rng.integers(len(before), size=(RESAMPLES, len(before)))
    ratios: NDArray[np.float64] = np.log(
        np.median(after[chosen], axis=1) / np.median(before[chosen], axis=1)
    )
    return ratios
