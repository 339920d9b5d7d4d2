"""Tuning of learning rates, for each rule alike, on samples held out of the training set."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import NamedTuple

from subsetopt._options import documented

from ._run_grid import Train, Watch, execute
from .run import Run, Settings, TuningOptions
from .run_result import Result

FIRST_SEED = 1000
"""Of the runs that tune; those of the comparison should be others."""


class Tuned(NamedTuple):
    """Result of tuning for one rule at one budget."""

    rule: str
    budget: float
    lr: float
    values: dict[float, float]
    """The metric on held-out samples by learning rate, a mean over seeds."""
    at_the_edge: bool
    """Whether the best is the lowest or the highest tried, so that a better one may lie beyond."""


@documented
class Tuning(TuningOptions):
    """Tunes learning rates, with the same number of runs for each rule, of seeds of their own."""

    def runs(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs that tune each rule at each budget of a comparison."""
        found = {run.but(seed=0) for run in runs}
        return [
            run.but(seed=seed, lr=run.lr * factor, tuning=True, evaluate_every=run.epochs)
            for run in sorted(found, key=lambda run: run.key)
            for seed in range(FIRST_SEED, FIRST_SEED + self.repeats)
            for factor in self.factors
        ]

    def tune(
        self,
        runs: Sequence[Run],
        settings: Settings,
        watch: Watch | None = None,
        train: Train | None = None,
    ) -> tuple[list[Run], list[Tuned]]:
        """Return the runs of a comparison with their tuned learning rates, and what was found."""
        within = None if settings.out is None else settings.out / "tuning"
        results = execute(self.runs(runs), replace(settings, out=within), watch, train)
        found = [_best(group) for group in _grouped(results).values()]
        rates = {(one.rule, one.budget): one.lr for one in found}
        return [run.but(lr=rates[run.rule, run.budget]) for run in runs], found


def _grouped(results: Sequence[Result]) -> dict[tuple[str, float], list[Result]]:
    groups: dict[tuple[str, float], list[Result]] = {}
    for result in results:
        groups.setdefault((result.run.rule, result.run.budget), []).append(result)
    return groups


def _best(results: Sequence[Result]) -> Tuned:
    values: dict[float, float] = {}
    for lr in sorted({result.run.lr for result in results}):
        values[lr] = fmean(result.value for result in results if result.run.lr == lr)
    sign = 1.0 if results[0].better == "higher" else -1.0
    best = max(values, key=lambda lr: sign * values[lr] if math.isfinite(values[lr]) else -math.inf)
    first = results[0].run
    edge = len(values) > 1 and best in (min(values), max(values))
    return Tuned(first.rule, first.budget, best, values, edge)
