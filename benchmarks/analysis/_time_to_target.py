"""Time to target: which share of the runs has a good answer by when."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from subsetopt.benchmarks.results import Row

from ._intervals import wilson
from ._target_values import Level, described, first_times


@dataclass(frozen=True, kw_only=True)
class TargetTimes:
    """The curve of one solver.

    Parameters
    ----------
    solver : str
    times : tuple of float
        Seconds after which a run has met the goal, ascending, of those that do.
    runs : int
        Each case in each repeat.
    """

    solver: str
    times: tuple[float, ...]
    runs: int

    def share(self, seconds: float) -> float:
        """Return the share of runs that have met the goal by then."""
        return float(np.searchsorted(self.times, seconds, side="right")) / self.runs

    @property
    def reached(self) -> float:
        """The share in the end."""
        return len(self.times) / self.runs

    @property
    def interval(self) -> tuple[float, float]:
        """Of `reached`, 95 %, as if runs were independent; repeats of one case are not quite."""
        return wilson(len(self.times), self.runs)


@dataclass(frozen=True, kw_only=True)
class TimesToTarget:
    """The curves of all solvers, those that reach most first.

    Parameters
    ----------
    level : {"good", "best"}
    goal : str
        What is asked of an answer.
    families : tuple of str
    curves : tuple of Reaching
    horizon : float
        The longest time that any run took.
    """

    level: Level
    goal: str
    families: tuple[str, ...]
    curves: tuple[TargetTimes, ...]
    horizon: float


def times_to_target(rows: Sequence[Row], level: Level = "good") -> TimesToTarget:
    """Return the times after which runs have met the goal of their family.

    After Hoos and Stuetzle (1998, UAI): run-time distributions, here over cases and repeats
    together.

    Parameters
    ----------
    rows : sequence of Row
        Of one family or of several, all time limits.
    level : {"good", "best"}
        See `goals.goal`.
    """
    times: dict[str, list[float]] = {}
    for (_, solver), own in first_times(rows, level).items():
        times.setdefault(solver, []).extend(own)
    curves = [
        TargetTimes(solver=solver, times=tuple(sorted(filter(isfinite, own))), runs=len(own))
        for solver, own in times.items()
    ]
    return TimesToTarget(
        level=level,
        goal=described(rows, level),
        families=tuple(dict.fromkeys(row.family for row in rows)),
        curves=tuple(sorted(curves, key=lambda c: (-c.reached, sum(c.times)))),
        horizon=max((s for row in rows if (s := row.typical_seconds) is not None), default=0.0),
    )
