"""Comparison at matched cost: the baseline has a larger budget.

A rule that passes all samples to choose b of n costs b / n + 1 / 3 of full training. What uniform
sampling reaches when it spends as much, on more samples and by a learning-rate schedule that ends
when it ends, is the fair comparison wherever passes are what a training costs: one that cuts runs
short at matched cost (`at_cost`) takes from each rule the end of its schedule.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean

from subsetopt.training.run import Run
from subsetopt.training.run_result import Result

from ._group_results import (
    Analysis,
    GroupResult,
    Line,
    adjusted_analysis,
    baseline_among,
    summarised,
)
from .groups import RunGroup, grouped

__all__ = ["at_equal_cost", "baselines_at_equal_cost"]

TOLERANCE = 0.05
"""By how much equal costs may differ, as a share: batches divide into whole samples."""
CLOSE = 0.02
"""Within which a run of the baseline makes another one needless."""


def at_equal_cost(results: Iterable[Result], baseline: str | None = None) -> Analysis:
    """Compare each rule with the runs of the baseline that cost as much.

    Parameters
    ----------
    results : iterable of Result
        Among them runs of the baseline at other budgets; `baselines_at_equal_cost` says which.
        Where none costs as much a rule is summarised, and not compared.
    baseline : str, optional
        A rule; None is the first of `subsetopt.training.run.BASELINES` that is there.

    Raises
    ------
    InvalidOption
        If two results are of the same run.
    """
    matched = []
    for groups in _task_results(grouped(results)):
        matched += _matched(groups, baseline)
    return adjusted_analysis(matched, "at matched cost")


def baselines_at_equal_cost(runs: Sequence[Run], results: Iterable[Result]) -> list[Run]:
    """Return runs of the baseline that cost what other rules did, where there are none yet.

    Parameters
    ----------
    runs : sequence of Run
        Of one comparison, before learning rates were tuned.
    results : iterable of Result
        What came of them.
    """
    groups = grouped(results)
    name = baseline_among({run.rule for run in runs})
    if name is None:
        return []
    known = [_cost(group, name) for group in groups if name in group.results]
    wanted: list[float] = []
    for group in groups:
        costs = [_cost(group, rule) for rule in group.results if rule != "full"]
        for cost in costs:
            if not _alike(cost, known + wanted, CLOSE):
                wanted.append(min(1.0, round(cost, 2)))
    own = {run.seed: run for run in runs if run.rule == name}
    return [run.but(budget=budget) for run in own.values() for budget in sorted(wanted)]


def _task_results(groups: Iterable[RunGroup]) -> Iterable[list[RunGroup]]:
    found: dict[str, list[RunGroup]] = {}
    for group in groups:
        found.setdefault(repr((group.task, sorted(group.setting.items()))), []).append(group)
    return found.values()


def _matched(groups: Sequence[RunGroup], baseline: str | None) -> list[GroupResult]:
    """Return the groups of one task: for each cost of the baseline, and what matches none."""
    name = baseline_among({rule for group in groups for rule in group.results}, baseline)
    bases = [group for group in groups if name in group.results]
    costs = [_cost(group, name) for group in bases if name is not None]
    alike: list[dict[Line, dict[int, Result]]] = [{} for _ in bases]
    alone: dict[float, tuple[RunGroup, dict[Line, dict[int, Result]]]] = {}
    for group in groups:
        for rule, own in group.results.items():
            if rule == name:
                continue
            cost, line = _cost(group, rule), (rule, group.budget)
            if _alike(cost, costs, TOLERANCE):
                nearest = min(range(len(costs)), key=lambda i: abs(costs[i] - cost))
                alike[nearest][line] = dict(own)
            else:
                alone.setdefault(group.budget, (group, {}))[1][line] = dict(own)
    found = []
    for group, cost, lines in zip(bases, costs, alike, strict=True):
        if lines and name is not None:
            base = (name, group.budget)
            compared = summarised({base: group.results[name], **lines}, base)
            found.append(GroupResult(group=group, baseline=name, lines=compared, cost=cost))
    found.sort(key=lambda matched: matched.cost or 0.0)
    return found + [
        GroupResult(group=group, baseline=None, lines=summarised(lines, None))
        for group, lines in alone.values()
    ]


def _cost(group: RunGroup, rule: str) -> float:
    return fmean(result.effective_budget for result in group.results[rule].values())


def _alike(cost: float, others: Iterable[float], share: float) -> bool:
    """Return whether one costs as much; what is beyond full training is compared with that."""
    cost = min(cost, 1.0)
    return any(abs(other - cost) <= share * cost for other in others)
