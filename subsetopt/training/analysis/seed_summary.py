"""Summaries of a rule over its seeds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean, stdev

from subsetopt._significance import t_quantile
from subsetopt.training.run_result import Result

from .pairing import PairedComparison

__all__ = ["Spread", "Summary"]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Numbers of several seeds, those that are not finite left out.

    Parameters
    ----------
    count : int
    mean, std : float or None
        With count - 1; None where there are too few numbers.
    """

    count: int
    mean: float | None
    std: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Summarise values."""
        found = [value for value in values if isfinite(value)]
        return cls(
            count=len(found),
            mean=fmean(found) if found else None,
            std=stdev(found) if len(found) > 1 else None,
        )

    @property
    def half(self) -> float | None:
        """Half the width of the 95 % interval of the mean, by Student's t."""
        if self.std is None:
            return None
        return t_quantile(0.975, self.count - 1) * self.std / sqrt(self.count)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One rule at one budget.

    Parameters
    ----------
    rule : str
    budget : float
    baseline : bool
        Whether the others are compared with it.
    values : mapping of int to float
        The metric by seed, as it was measured.
    results : tuple of Result
    comparison : Comparison or None
        None of the baseline, and where there is none.
    full_epochs : int, optional
        Of the full training that costs are shares of; None is as many as the run's own.
    """

    rule: str
    budget: float
    baseline: bool
    values: Mapping[int, float]
    results: tuple[Result, ...]
    comparison: PairedComparison | None
    full_epochs: int | None = None

    @property
    def seeds(self) -> int:
        """How many runs there are."""
        return len(self.results)

    @property
    def diverged(self) -> int:
        """How many runs ended with a metric or a loss that is no number."""
        return sum(
            not (isfinite(r.value) and isfinite(r.final.get("loss", 0.0))) for r in self.results
        )

    @property
    def value(self) -> Spread:
        """The metric, over the runs that did not diverge."""
        return Spread.of(self.values.values())

    @property
    def loss(self) -> Spread:
        """The loss on the test set."""
        return Spread.of(r.final["loss"] for r in self.results if "loss" in r.final)

    @property
    def effective_budget(self) -> Spread:
        """The share of full training's cost that was spent, selection passes included."""
        return Spread.of(
            r.effective_budget * r.run.epochs / (self.full_epochs or r.run.epochs)
            for r in self.results
        )

    @property
    def epochs(self) -> int:
        """The epochs of full training of its runs."""
        return self.results[0].run.epochs

    @property
    def is_longer(self) -> bool:
        """Whether it trains for other epochs than what it is compared with."""
        return self.full_epochs not in (None, self.epochs)

    @property
    def seconds(self) -> Spread:
        """Training, evaluation left out."""
        return Spread.of(r.training_seconds for r in self.results)

    def part(self, name: str) -> Spread:
        """Return the seconds of one of `subsetopt.training.run_result.PARTS`."""
        return Spread.of(r.seconds.get(name, 0.0) for r in self.results)

    def selected(self, name: str) -> Spread:
        """Return a number of what was selected: "entropy", "entropy_share", "seen"."""
        return Spread.of(r.selected[name] for r in self.results if name in r.selected)

    @property
    def rates(self) -> tuple[float, ...]:
        """The learning rates, ascending."""
        return tuple(sorted({r.run.lr for r in self.results}))
