"""Comparison at matched cost or time: the baseline has a larger budget, or trains for longer.

A rule that passes all samples to choose b of n costs b / n + 1 / 3 of full training. What uniform
sampling reaches when it spends as much, by a learning-rate schedule that ends when it ends, is the
fair comparison wherever passes, or seconds, are what a training costs: one that cuts runs short
(`at_cost`, `at_seconds`) takes from each rule the end of its schedule. It can be spent on larger
steps or on more of them, and which is better depends on the task: the better one is the baseline.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import fmean, median

from subsetopt.training.run import BASELINES
from subsetopt.training.run_result import Result

from ._group_results import Analysis, GroupResult, Line, adjusted_analysis, summarised
from .groups import RunGroup, grouped
from .seed_summary import Spread

__all__ = ["COST", "SECONDS", "Currency", "at_equal_cost", "at_equal_seconds"]

Own = Mapping[int, Result]
"""The results of a rule by seed."""


@dataclass(frozen=True)
class Currency:
    """What runs spend.

    Parameters
    ----------
    measure : str
        When the metric is taken.
    spent : callable
        Returns what the runs of a rule have spent, over all their epochs.
    tolerance : float
        By how much what is equal may differ, as a share.
    close : float
        Within which a run of the baseline makes another one needless.
    """

    measure: str
    spent: Callable[[Own], float]
    tolerance: float
    close: float

    def alike(self, one: float, other: float, *, close: bool = False) -> bool:
        """Return whether two amounts are equal."""
        return abs(one - other) <= (self.close if close else self.tolerance) * one


COST = Currency(
    "at matched cost",
    lambda own: fmean(result.effective_budget * result.run.epochs for result in own.values()),
    tolerance=0.05,  # batches divide into whole samples
    close=0.02,
)
"""Passes, in epochs of full training, at 1 a forward and 2 a backward pass."""
SECONDS = Currency(
    "at matched time",
    lambda own: median(result.training_seconds for result in own.values()),
    tolerance=0.1,
    close=0.1,
)
"""Wall-clock time without evaluation; the median over the seeds, as a machine has other work."""


def at_equal_cost(results: Iterable[Result], baseline: str | None = None) -> Analysis:
    """Compare each rule with the runs of the baseline that cost as much.

    Of several such runs those are taken whose mean over the seeds is best, which, if anything,
    favours the baseline.

    Parameters
    ----------
    results : iterable of Result
        Among them runs of the baseline at other budgets and with other epochs;
        `baselines_at_equal_cost` says which. Where none costs as much a rule is summarised, and not
        compared. What costs more than full training is compared with that, if with nothing else.
    baseline : str, optional
        A rule; None is the uniform sampling that makes as many steps at the same budget.

    Raises
    ------
    InvalidOption
        If two results are of the same run.
    """
    return _at_equal(results, COST, baseline)


def at_equal_seconds(results: Iterable[Result], baseline: str | None = None) -> Analysis:
    """Compare each rule with the runs of the baseline that took as long; see `at_equal_cost`."""
    return _at_equal(results, SECONDS, baseline)


def baseline_of(group: RunGroup) -> str:
    """Return the uniform sampling that makes as many steps as the runs of a group."""
    whole = group.in_whole_batches and group.setting["select_from"] == "batch"
    return BASELINES[whole]


def families(groups: Iterable[RunGroup]) -> list[list[RunGroup]]:
    """Return groups that differ in nothing but the budget, the steps and the epochs."""
    found: dict[str, list[RunGroup]] = {}
    for group in groups:
        rest = {**group.setting, "epochs": None, "evaluate_every": None}
        found.setdefault(repr((group.task, sorted(rest.items()))), []).append(group)
    return list(found.values())


def epochs_of(group: RunGroup) -> int:
    """Return the epochs of full training of its runs."""
    return group.any.run.epochs


def _at_equal(results: Iterable[Result], currency: Currency, baseline: str | None) -> Analysis:
    matched = []
    for family in families(grouped(results)):
        matched += _matched(family, currency, baseline)
    return adjusted_analysis(matched, currency.measure)


def _matched(
    groups: Sequence[RunGroup], currency: Currency, baseline: str | None
) -> list[GroupResult]:
    """Return the groups of a family: for each run of the baseline, and what matches none."""
    alike: dict[tuple[int, str, int], tuple[RunGroup, dict[Line, Own]]] = {}
    alone: dict[int, dict[Line, Own]] = {}
    for group in groups:
        name, epochs = baseline or baseline_of(group), epochs_of(group)
        for rule, own in group.results.items():
            if rule in (BASELINES if baseline is None else (baseline,)):
                continue
            base, line = _best(own, groups, name, currency), (rule, group.budget)
            if base is None:
                alone.setdefault(id(group), {})[line] = own
            else:
                own_group = replace(base, setting=group.setting)
                alike.setdefault((id(base), name, epochs), (own_group, {}))[1][line] = own
    found = []
    for (_, name, epochs), (group, lines) in alike.items():
        first, spent = (name, group.budget), currency.spent(group.results[name])
        shown = summarised({first: group.results[name], **lines}, first, epochs=epochs)
        amount = {"cost": spent / epochs} if currency is COST else {"seconds": spent}
        found.append(GroupResult(group=group, baseline=name, lines=shown, **amount))
    found.sort(key=lambda matched: matched.cost or matched.seconds or 0.0)
    known = {id(group): group for group in groups}
    return found + [
        GroupResult(group=known[key], baseline=None, lines=summarised(lines, None))
        for key, lines in alone.items()
    ]


def _best(own: Own, groups: Sequence[RunGroup], name: str, currency: Currency) -> RunGroup | None:
    """Return the group of those runs of the baseline which spent as much, and came furthest."""
    bases = [group for group in groups if name in group.results]
    target = currency.spent(own)
    full = next(iter(own.values())).run.epochs
    equal = [x for x in bases if currency.alike(target, currency.spent(x.results[name]))]
    if not equal and currency is COST and target > full:
        equal = [x for x in bases if currency.alike(full, currency.spent(x.results[name]))]
    return max(equal, key=lambda group: _standing(group.results[name], own), default=None)


def _standing(base: Own, own: Own) -> tuple[int, float]:
    """Return how many seeds both have, and how good the baseline is, higher is better."""
    mean = Spread.of(result.value for result in base.values()).mean
    sign = 1.0 if next(iter(own.values())).better == "higher" else -1.0
    return len(base.keys() & own.keys()), -inf if mean is None else sign * mean
