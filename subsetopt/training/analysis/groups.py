"""Runs that may be compared, and the number that each is compared by."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from subsetopt.errors import InvalidOption
from subsetopt.training.run_result import Result

__all__ = ["FINAL", "Measure", "RunGroup", "after_cost", "after_seconds", "grouped"]


OWN = ("task", "rule", "budget", "seed", "lr")
"""Fields that are not part of the setting."""


@dataclass(frozen=True, kw_only=True)
class RunGroup:
    """Runs of one task at one budget, alike but for the rule and the seed.

    Parameters
    ----------
    task : str
    in_whole_batches : bool
        See `Run`: rules that make few large steps are not compared with those that make many small
        ones.
    setting : mapping
        All else that its runs have in common. The learning rate is among it only where a rule was
        run at several; where each rule has one, it was chosen for the rule and belongs to it.
    budget : float
    results : mapping
        By rule and seed.
    """

    task: str
    in_whole_batches: bool
    setting: Mapping[str, Any]
    budget: float
    results: Mapping[str, Mapping[int, Result]]

    @property
    def any(self) -> Result:
        """One of the results."""
        return next(iter(next(iter(self.results.values())).values()))


def grouped(results: Iterable[Result]) -> list[RunGroup]:
    """Return the groups: those of one task and setting together, by budget.

    Raises
    ------
    InvalidOption
        If two results are of the same run.
    """
    settings: dict[str, list[Result]] = {}
    for result in results:
        settings.setdefault(_key(_setting(result)), []).append(result)
    found = []
    for own in settings.values():
        parts: dict[str, list[Result]] = {}
        with_lr = _several_rates(own)
        for result in own:
            parts.setdefault(_key({"lr": result.run.lr if with_lr else None}), []).append(result)
        for part in parts.values():
            found += _by_budget(part, with_lr)
    return found


def _by_budget(results: Iterable[Result], with_lr: bool) -> list[RunGroup]:
    budgets: dict[tuple[float, bool], dict[str, dict[int, Result]]] = {}
    for result in results:
        run = result.run
        steps = run.budget, run.in_whole_batches
        seeds = budgets.setdefault(steps, {}).setdefault(run.rule, {})
        if run.seed in seeds:
            raise InvalidOption(f"there are two results of the run {run.key}")
        seeds[run.seed] = result
    groups = []
    for (budget, whole), rules in sorted(budgets.items()):
        first = next(iter(next(iter(rules.values())).values()))
        setting = _setting(first) | ({"lr": first.run.lr} if with_lr else {})
        task = setting.pop("task")
        groups.append(
            RunGroup(
                task=task, in_whole_batches=whole, setting=setting, budget=budget, results=rules
            )
        )
    return groups


def _several_rates(results: Iterable[Result]) -> bool:
    rates: dict[tuple[float, str], set[float]] = {}
    for result in results:
        rates.setdefault((result.run.budget, result.run.rule), set()).add(result.run.lr)
    return any(len(own) > 1 for own in rates.values())


def _setting(result: Result) -> dict[str, Any]:
    values = result.run.to_dict()
    return {name: value for name, value in values.items() if name == "task" or name not in OWN}


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


_ROUNDING = 1 + 1e-9


@dataclass(frozen=True)
class Measure:
    """A number of each run.

    Parameters
    ----------
    name : str
        When the metric is taken: "after training".
    of : callable
        Returns it; None where a run has nothing to say yet.
    """

    name: str
    of: Callable[[Result], float | None]


FINAL = Measure("after training", lambda result: result.value)


def after_cost(cost: float) -> Measure:
    """Return the metric as last evaluated when a run had cost so many epochs of full training."""
    return _until("passes", cost, f"after the cost of {cost:g} epochs of full training")


def after_seconds(seconds: float) -> Measure:
    """Return the metric as last evaluated when a run had trained for so long."""
    return _until("seconds", seconds, f"after {seconds:g} s of training")


def _until(axis: str, end: float, name: str) -> Measure:
    if not 0 < end < float("inf"):
        raise InvalidOption(f"{axis} must be a number > 0; got {end!r}")
    return Measure(name, lambda result: _reached(result, axis, end))


def _reached(result: Result, axis: str, end: float) -> float | None:
    """Return the last value until then, a step function; that of a run that was over stands."""
    key = f"test_{result.metric}"
    known = [row[key] for row in result.history if key in row and row[axis] <= end * _ROUNDING]
    return known[-1] if known else None
