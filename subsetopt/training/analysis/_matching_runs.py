"""Which runs of the baseline cost as much as a rule, or take as long."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, floor, nextafter
from statistics import linear_regression
from typing import NamedTuple

from subsetopt.training.run import BASELINES, Run
from subsetopt.training.run_result import Result

from .groups import RunGroup, grouped
from .matched_cost import COST, SECONDS, Currency, baseline_of, epochs_of, families


class Price(NamedTuple):
    """What an epoch of the baseline costs: ``fixed + share * budget``."""

    fixed: float
    share: float

    def budget(self, spent: float, n: int) -> float | None:
        """Return the budget at which an epoch costs that, of whole samples of batches of n."""
        samples = round((spent - self.fixed) / self.share * n) if self.share > 0 else 0
        if not 1 <= samples <= n:
            return None
        budget = samples / n
        return budget if int(budget * n) == samples else nextafter(budget, 1.0)


def baselines_at_equal_cost(runs: Sequence[Run], results: Iterable[Result]) -> list[Run]:
    """Return runs of the baseline that cost what other rules did, where there are none yet.

    For each cost in two ways: with larger steps, and, of rules within batches, with more of them,
    at nearly the same budget for more epochs.

    Parameters
    ----------
    runs : sequence of Run
        Of one comparison, before learning rates were tuned.
    results : iterable of Result
        What came of them.
    """
    return _wanted(runs, list(results), (), COST)


def baselines_at_equal_seconds(
    runs: Sequence[Run], results: Iterable[Result], probes: Iterable[Result] = ()
) -> list[Run]:
    """Return runs of the baseline that will take as long as other rules did, in the same two ways.

    Parameters
    ----------
    runs, results
        As of `baselines_at_equal_cost`.
    probes : iterable of Result
        Of `clock_probes`: by them and the results it is known what samples and steps take.
    """
    return _wanted(runs, list(results), list(probes), SECONDS)


def clock_probes(runs: Sequence[Run]) -> list[Run]:
    """Return runs of the baselines at a budget of 1, which show what more samples take."""
    first = min(run.seed for run in runs)
    found = [run.but(budget=1.0) for run in runs if _is_baseline(run) and run.seed == first]
    return list(dict.fromkeys(found))


def _is_baseline(run: Run) -> bool:
    return run.rule in BASELINES


def _wanted(
    runs: Sequence[Run], results: list[Result], probes: Sequence[Result], currency: Currency
) -> list[Run]:
    wanted: dict[Run, None] = {}
    lrs = {(run.rule, run.budget): run.lr for run in runs}
    for groups in families(grouped(results)):
        for group in groups:
            name = baseline_of(group)
            own = next((run for run in runs if run.rule == name), None)
            if own is None or name not in group.results:
                continue
            base = own.but(
                budget=group.budget,
                epochs=epochs_of(group),
                lr=lrs.get((name, group.budget), own.lr),
            )
            wanted |= dict.fromkeys(_of_group(group, groups, base, probes, currency))
    seeds = dict.fromkeys(run.seed for run in runs)
    known = {_plain(result.run) for result in results}  # times may differ from what was expected
    found = [run.but(seed=seed) for seed in seeds for run in sorted(wanted, key=_by_budget)]
    return [run for run in found if _plain(run) not in known]


def _plain(run: Run) -> Run:
    """Return the run apart from its learning rate, which may be tuned."""
    return run.but(lr=1.0)


def _by_budget(run: Run) -> tuple[float, int]:
    return run.budget, run.epochs


def _of_group(
    group: RunGroup,
    groups: Sequence[RunGroup],
    base: Run,
    probes: Sequence[Result],
    currency: Currency,
) -> Iterator[Run]:
    """Yield the runs that the rules of a group are to be compared with."""
    price = _price(groups, base, probes, currency)
    known: dict[bool, list[float]] = {False: [], True: []}
    for x in groups:
        if base.rule in x.results:
            known[epochs_of(x) != base.epochs].append(currency.spent(x.results[base.rule]))
    for rule, own in group.results.items():
        target = currency.spent(own)
        if rule == "full" or _is_baseline(next(iter(own.values())).run):
            continue
        if currency.alike(target, currency.spent(group.results[base.rule]), close=True):
            continue
        for run in _ways(target, base, price, currency):
            same, spent = known[run.epochs != base.epochs], _predicted(run, price)
            if not any(currency.alike(spent, x, close=True) for x in same):
                same.append(spent)
                yield run


def _predicted(run: Run, price: Price) -> float:
    return run.epochs * (price.fixed + price.share * run.budget)


def _price(
    groups: Sequence[RunGroup], base: Run, probes: Sequence[Result], currency: Currency
) -> Price:
    """Return what an epoch of the baseline costs, by budgets at which it was run."""
    if currency is COST:
        return Price(0.0, 1.0)
    points = [
        (group.budget, currency.spent(group.results[base.rule]) / epochs_of(group))
        for group in groups
        if base.rule in group.results
    ]
    points += [
        (probe.run.budget, probe.training_seconds / probe.run.epochs)
        for probe in probes
        if probe.run.rule == base.rule
    ]
    if len({budget for budget, _ in points}) < 2:
        return Price(0.0, points[0][1] / points[0][0])
    share, fixed = linear_regression(*zip(*points, strict=True))
    return Price(max(fixed, 0.0), share)


def _ways(target: float, base: Run, price: Price, currency: Currency) -> Iterator[Run]:
    """Yield a run with larger steps, and one with more of them."""
    n, epochs = base.batch_size, base.epochs
    if currency is COST:
        yield base.but(budget=min(1.0, round(target / epochs, 2)))
    elif (budget := price.budget(target / epochs, n)) is not None:
        yield base.but(budget=budget)
    elif target / epochs >= price.fixed + price.share:
        yield base.but(budget=1.0)
    if base.in_whole_batches:  # a larger budget is more steps
        return
    per_epoch = price.fixed + price.share * max(1, int(base.budget * n)) / n
    count = target / per_epoch
    ways = [
        base.but(budget=budget, epochs=e)
        for e in {max(1, floor(count)), ceil(count)} - {epochs}
        if (budget := price.budget(target / e, n)) is not None
    ]
    if ways:
        yield min(ways, key=lambda run: abs(_predicted(run, price) - target))
