"""Performance profiles and times to target."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

from subsetopt._significance import wilson
from subsetopt.benchmarks.results import Row

from ._row_groups import names
from ._target_values import Level, costs, described, first_times

LEAST = 1e-9
"""Seconds; no clock tells less."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The curve of one solver."""

    solver: str
    ratios: tuple[float, ...]
    """Its time over the best solver's, ascending, on the cases on which it meets the target."""
    cases: int
    """Those that some solver solves; the shares are of them."""

    @property
    def wins(self) -> float:
        """The share of cases on which nobody is faster."""
        return self.ratios.count(1.0) / max(1, self.cases)

    @property
    def solved(self) -> float:
        """The share of cases that it solves at all."""
        return len(self.ratios) / max(1, self.cases)


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """The curves of all solvers, those that solve most first."""

    level: Level
    target: str
    """What is asked of an answer."""
    families: tuple[str, ...]
    curves: tuple[Profile, ...]
    cases: int
    unsolved: int
    """Cases that some solver solves, and those left out because none does."""


def performance_profiles(rows: Sequence[Row], level: Level = "good") -> Profiles:
    """Return the performance profiles of Dolan and More (2002, Math. Program. 91, 201-213).

    The cost of a case is the time after which its target is met, the median over the repeats, and
    infinite where most of them never meet it. A solver that was not run on a case has not solved
    it. Profiles rank against the best solver only: how two others compare may change when a
    solver is added or left out (Gould and Scott 2016, ACM TOMS 43, 15), so compare two by
    profiles of these two alone.

    Parameters
    ----------
    rows : sequence of Row
        Of one family or of several, all time limits.
    level : {"good", "best"}
        See `target`.
    """
    cost = costs(rows, level)
    cases, solvers = names(cost)
    fastest = {
        case: max(LEAST, min(cost[case, solver] for solver in solvers if (case, solver) in cost))
        for case in cases
    }
    solved = [case for case in cases if isfinite(fastest[case])]
    curves = [
        Profile(
            solver=solver,
            ratios=tuple(
                sorted(
                    max(LEAST, cost[case, solver]) / fastest[case]
                    for case in solved
                    if isfinite(cost.get((case, solver), inf))
                )
            ),
            cases=len(solved),
        )
        for solver in solvers
    ]
    return Profiles(
        level=level,
        target=described(rows, level),
        families=tuple(dict.fromkeys(row.family for row in rows)),
        curves=tuple(sorted(curves, key=lambda c: (-c.solved, -c.wins))),
        cases=len(solved),
        unsolved=len(cases) - len(solved),
    )


@dataclass(frozen=True, kw_only=True)
class TargetTimes:
    """The curve of one solver."""

    solver: str
    times: tuple[float, ...]
    """Seconds after which a run has met the target, ascending, of those that do."""
    runs: int
    """Each case in each repeat."""

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
    """The curves of all solvers, those that reach most first."""

    level: Level
    target: str
    """What is asked of an answer."""
    families: tuple[str, ...]
    curves: tuple[TargetTimes, ...]
    horizon: float
    """The longest time that any run took."""


def times_to_target(rows: Sequence[Row], level: Level = "good") -> TimesToTarget:
    """Return the times after which runs have met the target of their family.

    After Hoos and Stuetzle (1998, UAI): run-time distributions, here over cases and repeats
    together.

    Parameters
    ----------
    rows : sequence of Row
        Of one family or of several, all time limits.
    level : {"good", "best"}
        See `target`.
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
        target=described(rows, level),
        families=tuple(dict.fromkeys(row.family for row in rows)),
        curves=tuple(sorted(curves, key=lambda c: (-c.reached, sum(c.times)))),
        horizon=max((s for row in rows if (s := row.typical_seconds) is not None), default=0.0),
    )
