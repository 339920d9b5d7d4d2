"""The number that a run is judged by: at its end, or when it had cost so much."""

from collections.abc import Callable
from dataclasses import dataclass

from subsetopt.errors import InvalidOption
from subsetopt.training.run_result import Result

__all__ = ["FINAL", "Measure", "after_cost", "after_seconds"]

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
