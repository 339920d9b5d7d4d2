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


EXTENSIONS = 4
"""How many rates beyond the grid are tried at most, one after the other, while the best is last."""


class Tuned(NamedTuple):
    """Result of tuning for one rule at one budget."""

    rule: str
    budget: float
    epochs: int
    lr: float
    values: dict[float, float]
    """The metric on held-out samples by learning rate, a mean over seeds."""
    at_the_edge: bool
    """Whether the best is the lowest or the highest tried, so that a better one may lie beyond.

    It is after `EXTENSIONS` rates beyond the grid, or where the grid is a single one."""

    @property
    def key(self) -> tuple[str, float, int]:
        """What the rate is for."""
        return self.rule, self.budget, self.epochs


@documented
class Tuning(TuningOptions):
    """Tunes learning rates on the same grid for each rule, by runs of seeds of their own.

    Where the best rate is the last of the grid, the next one beyond is tried as well, as far away
    as its neighbour is, until a best one has neighbours on both sides.
    """

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
        settings = replace(settings, out=within)
        results = execute(self.runs(runs), settings, watch, train)
        for _ in range(EXTENSIONS):
            beyond = [run for group in _grouped(results) for run in _beyond(group)]
            if not beyond:
                break
            again = replace(settings, resume=within is not None)
            results = results + execute(beyond, again, watch, train)
        found = [_best(group) for group in _grouped(results)]
        rates = {one.key: one.lr for one in found}
        return [run.but(lr=rates[_key(run)]) for run in runs], found


def _key(run: Run) -> tuple[str, float, int]:
    return run.rule, run.budget, run.epochs


def _grouped(results: Sequence[Result]) -> list[list[Result]]:
    groups: dict[tuple[str, float, int], list[Result]] = {}
    for result in results:
        groups.setdefault(_key(result.run), []).append(result)
    return list(groups.values())


def _beyond(results: Sequence[Result]) -> list[Run]:
    """Return runs at the next rate beyond the edge that is the best so far, if one is."""
    best = _best(results)
    if not best.at_the_edge:
        return []
    rates = sorted(best.values)
    ends = (rates[0], rates[1]) if best.lr == rates[0] else (rates[-1], rates[-2])
    lr = float(f"{ends[0] ** 2 / ends[1]:.12g}")  # as written, wherever it was derived from
    return [result.run.but(lr=lr) for result in results if result.run.lr == best.lr]


def _best(results: Sequence[Result]) -> Tuned:
    values: dict[float, float] = {}
    for lr in sorted({result.run.lr for result in results}):
        values[lr] = fmean(result.value for result in results if result.run.lr == lr)
    sign = 1.0 if results[0].better == "higher" else -1.0
    best = max(values, key=lambda lr: sign * values[lr] if math.isfinite(values[lr]) else -math.inf)
    first = results[0].run
    edge = len(values) > 1 and best in (min(values), max(values))
    return Tuned(first.rule, first.budget, first.epochs, best, values, edge)
