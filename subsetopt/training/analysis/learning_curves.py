"""How the metric goes while a rule trains: over epochs, cost or seconds."""

from dataclasses import dataclass
from math import isfinite, nan
from statistics import fmean
from typing import Literal

from subsetopt.training.run_result import Result

from ._group_results import GroupResult
from .seed_summary import Spread

__all__ = ["Axis", "LearningCurve", "courses"]

Axis = Literal["epoch", "passes", "seconds"]


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """One rule over its evaluations; a point for each epoch at which all its seeds were evaluated.

    Parameters
    ----------
    rule : str
    x : tuple of float
        The mean over the seeds: of passes in epochs of full training, or of seconds so far.
    mean, low, high : tuple of float
        With 95 % intervals by Student's t; NaN from where on a seed has diverged, for a mean of
        the others would flatter. Without an interval, of a single seed, low and high are the mean.
    diverged : int
        Seeds whose last value is no number.
    """

    rule: str
    x: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    diverged: int


def courses(judged: GroupResult, axis: Axis = "epoch") -> list[LearningCurve]:
    """Return the courses of the rules of a group, in their order."""
    return [_course(line.rule, line.results, axis) for line in judged.lines]


def _course(rule: str, results: tuple[Result, ...], axis: Axis) -> LearningCurve:
    key = f"test_{results[0].metric}"
    seeds = [{row["epoch"]: row for row in r.history if key in row} for r in results]
    epochs = sorted(set.intersection(*(set(own) for own in seeds)))
    x, mean, half = [], [], []
    for epoch in epochs:
        values = [own[epoch][key] for own in seeds]
        spread = Spread.of(values)
        whole = spread.count == len(values) and spread.mean is not None
        x.append(fmean(own[epoch][axis] for own in seeds))
        mean.append(spread.mean if whole and spread.mean is not None else nan)
        half.append(spread.half or 0.0)
    return LearningCurve(
        rule=rule,
        x=tuple(x),
        mean=tuple(mean),
        low=tuple(m - h for m, h in zip(mean, half, strict=True)),
        high=tuple(m + h for m, h in zip(mean, half, strict=True)),
        diverged=sum(not isfinite(own[epochs[-1]][key]) for own in seeds) if epochs else 0,
    )
