"""Comparison of every rule with the baseline of its group, and learning curves."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from statistics import fmean
from typing import Any, Literal

from subsetopt.training.run import BASELINES
from subsetopt.training.run_result import Result

from .groups import FINAL, Measure, RunGroup, after_cost, after_seconds, grouped
from .pairing import compared, holm_adjusted
from .seed_summary import Spread, Summary

Line = tuple[str, float]
"""A rule at a budget."""


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """Rules compared with a baseline, which comes first, then the best.

    Parameters
    ----------
    group : Group
        That of the baseline: where rules are compared at equal budgets, of all.
    baseline : str or None
    lines : tuple of Summary
    cost : float, optional
        Where rules are compared at matched cost instead: the baseline's, as a share of full
        training's.
    seconds : float, optional
        Where they are compared at matched time: the baseline's.
    """

    group: RunGroup
    baseline: str | None
    lines: tuple[Summary, ...]
    cost: float | None = None
    seconds: float | None = None

    @property
    def budget(self) -> float:
        """The share of full training's backward passes, of the baseline."""
        return self.group.budget


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """The groups of one task and setting, by budget."""

    task: str
    setting: Mapping[str, Any]
    metric: str
    better: str
    groups: tuple[GroupResult, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules, baselines first."""
        lines = [line for group in self.groups for line in group.lines]
        return tuple(dict.fromkeys(x.rule for x in sorted(lines, key=lambda x: not x.baseline)))

    @property
    def full(self) -> Summary | None:
        """Full training: the rule of that name, else the baseline at a budget of 1."""
        lines = [x for group in self.groups for x in group.lines if x.budget == 1]
        known = [x for x in lines if x.rule == "full"] or [x for x in lines if x.baseline]
        return next(iter(known), None)


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Comparison of a set of results.

    Verdicts hold all together (Holm), over the rules of all groups: whoever reads a report looks
    for a "better" anywhere in it, so that the chance that any of them is false is what has to be
    small. Intervals hold one by one: one that leaves out 0 may well go with "no difference shown".

    Parameters
    ----------
    measure : str
        When the metric was taken.
    tests : int
        Comparisons that verdicts are adjusted for.
    tasks : tuple of TaskResult
    """

    measure: str
    tests: int
    tasks: tuple[TaskResult, ...]

    @property
    def groups(self) -> tuple[GroupResult, ...]:
        """The groups of all tasks."""
        return tuple(group for result in self.tasks for group in result.groups)

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules, those of earlier tasks first."""
        return tuple(dict.fromkeys(rule for result in self.tasks for rule in result.rules))


def analyse(
    results: Iterable[Result], baseline: str | None = None, measure: Measure = FINAL
) -> Analysis:
    """Compare rules with the baseline, seed by seed.

    Parameters
    ----------
    results : iterable of Result
    baseline : str, optional
        A rule; None is the first of `BASELINES` that a group has. A group without it is summarised
        and not compared.
    measure : Measure
        The number that runs are compared by.

    Raises
    ------
    InvalidOption
        If two results are of the same run.
    """
    return adjusted_analysis(
        [_compared_group(group, baseline, measure) for group in grouped(results)], measure.name
    )


def adjusted_analysis(groups: Sequence[GroupResult], measure: str) -> Analysis:
    """Return an analysis of groups, with verdicts that hold all together."""
    found = holm_adjusted([line.comparison for group in groups for line in group.lines])
    left = iter(found)
    groups = [
        replace(group, lines=tuple(replace(line, comparison=next(left)) for line in group.lines))
        for group in groups
    ]
    tests = sum(one is not None and one.p is not None for one in found)
    return Analysis(measure=measure, tests=tests, tasks=tuple(_task_results(groups)))


def at_cost(results: Iterable[Result], cost: float, baseline: str | None = None) -> Analysis:
    """Compare at matched cost, selection passes included, in epochs of full training."""
    return analyse(results, baseline, after_cost(cost))


def at_seconds(results: Iterable[Result], seconds: float, baseline: str | None = None) -> Analysis:
    """Compare at equal wall-clock seconds of training, evaluation left out."""
    return analyse(results, baseline, after_seconds(seconds))


def baseline_among(rules: Container[str], wanted: str | None = None) -> str | None:
    """Return the rule that others are compared with: the one wanted, else a uniform one."""
    known = BASELINES if wanted is None else (wanted,)
    return next((rule for rule in known if rule in rules), None)


def summarised(
    lines: Mapping[Line, Mapping[int, Result]],
    base: Line | None,
    measure: Measure = FINAL,
    epochs: int | None = None,
) -> tuple[Summary, ...]:
    """Return a line for each rule and budget, compared with that of the baseline.

    Costs are shares of full training for so many epochs, by default for those of each run.
    """
    values = {line: _values(own, measure) for line, own in lines.items()}
    better = next(iter(next(iter(lines.values())).values())).better
    found = [
        Summary(
            rule=line[0],
            budget=line[1],
            baseline=line == base,
            values=values[line],
            results=tuple(own[seed] for seed in sorted(own)),
            full_epochs=epochs,
            comparison=None
            if base is None or line == base
            else compared(values[line], values[base], better),
        )
        for line, own in lines.items()
    ]
    return tuple(sorted(found, key=lambda line: _standing(line, better)))


def _compared_group(group: RunGroup, baseline: str | None, measure: Measure) -> GroupResult:
    name = baseline_among(group.results, baseline)
    base = None if name is None else (name, group.budget)
    lines = {(rule, group.budget): own for rule, own in group.results.items()}
    return GroupResult(group=group, baseline=name, lines=summarised(lines, base, measure))


def _values(own: Mapping[int, Result], measure: Measure) -> dict[int, float]:
    found = {seed: measure.of(own[seed]) for seed in sorted(own)}
    return {seed: value for seed, value in found.items() if value is not None}


def _standing(line: Summary, better: str) -> tuple[bool, float]:
    mean = line.value.mean
    if mean is None:
        return not line.baseline, float("inf")
    return not line.baseline, -mean if better == "higher" else mean


def _task_results(groups: Iterable[GroupResult]) -> list[TaskResult]:
    found: dict[str, list[GroupResult]] = {}
    for one in groups:
        key = repr((one.group.task, sorted(one.group.setting.items())))
        found.setdefault(key, []).append(one)
    return [
        TaskResult(
            task=own[0].group.task,
            setting=own[0].group.setting,
            metric=own[0].group.any.metric,
            better=own[0].group.any.better,
            groups=tuple(own),
        )
        for own in found.values()
    ]


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


def learning_curves(group: GroupResult, axis: Axis = "epoch") -> list[LearningCurve]:
    """Return the learning curves of the rules of a group, in their order."""
    return [_learning_curve(line.rule, line.results, axis) for line in group.lines]


def _learning_curve(rule: str, results: tuple[Result, ...], axis: Axis) -> LearningCurve:
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
