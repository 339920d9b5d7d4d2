"""Every rule of every group against the baseline of its group."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from subsetopt.training.result import Result
from subsetopt.training.run import BASELINES

from .groups import Group, grouped
from .measures import FINAL, Measure, after_cost, after_seconds
from .pairing import compared, holm
from .summary import Summary


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A group, with its rules: the baseline first, then the best first."""

    group: Group
    baseline: str | None
    lines: tuple[Summary, ...]

    @property
    def budget(self) -> float:
        """The share of full training's backward passes."""
        return self.group.budget


@dataclass(frozen=True, kw_only=True)
class Family:
    """The groups of one task and setting, by budget."""

    task: str
    setting: Mapping[str, Any]
    metric: str
    better: str
    groups: tuple[Judged, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules, baselines first."""
        lines = [line for group in self.groups for line in group.lines]
        return tuple(dict.fromkeys(x.rule for x in sorted(lines, key=lambda x: not x.baseline)))

    @property
    def full(self) -> Summary | None:
        """Full training: the baseline at a budget of 1."""
        lines = [x for group in self.groups if group.budget == 1 for x in group.lines]
        return next((x for x in lines if x.baseline), None)


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What a set of results shows.

    Verdicts hold all together (Holm), over the rules of all groups: whoever reads a report looks
    for a "better" anywhere in it, so that the chance that any of them is false is what has to be
    small. Intervals hold one by one: one that leaves out 0 may well go with "no difference shown".

    Parameters
    ----------
    measure : str
        When the metric was taken.
    tests : int
        Comparisons that verdicts are adjusted for.
    families : tuple of Family
    """

    measure: str
    tests: int
    families: tuple[Family, ...]

    @property
    def groups(self) -> tuple[Judged, ...]:
        """The groups of all families."""
        return tuple(group for family in self.families for group in family.groups)

    @property
    def rules(self) -> tuple[str, ...]:
        """All rules, those of earlier families first."""
        return tuple(dict.fromkeys(rule for family in self.families for rule in family.rules))


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
        What runs are judged by.

    Raises
    ------
    InvalidOption
        If two results are of the same run.
    """
    judged = [_judged(group, baseline, measure) for group in grouped(results)]
    tests = [
        line.comparison.p
        for group in judged
        for line in group.lines
        if line.comparison is not None and line.comparison.p is not None
    ]
    adjusted = iter(holm(tests))
    judged = [
        replace(group, lines=tuple(_adjusted(line, adjusted) for line in group.lines))
        for group in judged
    ]
    return Analysis(measure=measure.name, tests=len(tests), families=tuple(_families(judged)))


def at_cost(results: Iterable[Result], cost: float, baseline: str | None = None) -> Analysis:
    """Compare at equal cost, selection passes included, in epochs of full training."""
    return analyse(results, baseline, after_cost(cost))


def at_seconds(results: Iterable[Result], seconds: float, baseline: str | None = None) -> Analysis:
    """Compare at equal wall-clock seconds of training, evaluation left out."""
    return analyse(results, baseline, after_seconds(seconds))


def _judged(group: Group, baseline: str | None, measure: Measure) -> Judged:
    wanted = (baseline,) if baseline is not None else BASELINES
    base = next((rule for rule in wanted if rule in group.results), None)
    values = {rule: _values(own, measure) for rule, own in group.results.items()}
    better = group.any.better
    lines = [
        Summary(
            rule=rule,
            budget=group.budget,
            baseline=rule == base,
            values=values[rule],
            results=tuple(own[seed] for seed in sorted(own)),
            comparison=None
            if base is None or rule == base
            else compared(values[rule], values[base], better),
        )
        for rule, own in group.results.items()
    ]
    lines.sort(key=lambda line: _standing(line, better))
    return Judged(group=group, baseline=base, lines=tuple(lines))


def _values(own: Mapping[int, Result], measure: Measure) -> dict[int, float]:
    found = {seed: measure.of(own[seed]) for seed in sorted(own)}
    return {seed: value for seed, value in found.items() if value is not None}


def _standing(line: Summary, better: str) -> tuple[bool, float]:
    mean = line.value.mean
    if mean is None:
        return not line.baseline, float("inf")
    return not line.baseline, -mean if better == "higher" else mean


def _adjusted(line: Summary, adjusted: Any) -> Summary:
    if line.comparison is None or line.comparison.p is None:
        return line
    return replace(line, comparison=replace(line.comparison, adjusted=next(adjusted)))


def _families(judged: Iterable[Judged]) -> list[Family]:
    found: dict[str, list[Judged]] = {}
    for one in judged:
        key = repr((one.group.task, sorted(one.group.setting.items())))
        found.setdefault(key, []).append(one)
    return [
        Family(
            task=own[0].group.task,
            setting=own[0].group.setting,
            metric=own[0].group.any.metric,
            better=own[0].group.any.better,
            groups=tuple(own),
        )
        for own in found.values()
    ]
