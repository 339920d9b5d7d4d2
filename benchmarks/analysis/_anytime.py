"""Anytime curves: the typical best objective so far, against time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.benchmarks.results import Row

from ._row_groups import RisingLimits, names, of_each_case
from ._target_values import aims, relative


@dataclass(frozen=True, kw_only=True)
class AnytimeCurve:
    """The curve of one solver; infinite where less than that many cases have an answer."""

    solver: str
    cases: int
    median: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    """At each time of the grid, over the cases: half and the quartiles."""


@dataclass(frozen=True, kw_only=True)
class Anytime:
    """The curves of all solvers on one family, those that end best first."""

    family: str
    relative: bool
    """Whether values are relative gaps to the best objective; else they are objectives."""
    times: tuple[float, ...]
    """Seconds, ascending in equal ratios."""
    curves: tuple[AnytimeCurve, ...]
    left_out: int
    """Cases whose best objective is 0, which no gap is relative to."""


def anytime(rows: Sequence[Row], points: int = 200) -> Anytime:
    """Return the best answers so far on a grid of times, from all rows of one family.

    A case counts as the median of its repeats; without an answer yet it counts as infinite, so that
    a median begins when half of the cases have one. The quantiles are values that occur.
    """
    family = rows[0].family
    in_gaps, best = relative(family), aims(rows)
    pairs = of_each_case(rows)
    everything, solvers = names(pairs)
    cases = [case for case in everything if not in_gaps or best.get(case) != 0]
    times = _grid([run for own in pairs.values() for run in own], points)
    curves = []
    for solver in solvers:
        own = {case: pairs[case, solver] for case in cases if (case, solver) in pairs}
        if own:
            curves.append(_course(solver, own, best if in_gaps else {}, times))
    return Anytime(
        family=family,
        relative=in_gaps,
        times=tuple(times.tolist()),
        curves=tuple(sorted(curves, key=lambda c: (c.median[-1], -np.isfinite(c.median).sum()))),
        left_out=len(everything) - len(cases),
    )


def _grid(everything: Sequence[RisingLimits], points: int) -> NDArray[np.float64]:
    seconds = [s for run in everything for row in run.rows if (s := row.typical_seconds)]
    first, last = min(seconds, default=1.0), max(seconds, default=1.0)
    grid = np.geomspace(first, last, points if last > first else 1)
    grid[-1] = last  # rounding must not cut the last answer off
    return grid


def _course(
    solver: str,
    own: Mapping[str, Sequence[RisingLimits]],
    best: Mapping[str, float],
    times: NDArray[np.float64],
) -> AnytimeCurve:
    values = np.array([_case(runs, best.get(case), times) for case, runs in own.items()])
    quartiles: Any = np.quantile(values, (0.25, 0.5, 0.75), axis=0, method="inverted_cdf")
    lower, middle, upper = (tuple(map(float, line)) for line in quartiles)
    return AnytimeCurve(solver=solver, cases=len(own), median=middle, lower=lower, upper=upper)


def _case(
    repeats: Sequence[RisingLimits], best: float | None, times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the median over the repeats of what was found by each time, (times,)."""
    found = np.full((len(repeats), len(times)), inf)
    for line, run in zip(found, repeats, strict=True):
        for seconds, objective in run.steps:
            line[times >= seconds] = objective
    values: NDArray[np.float64] = np.quantile(found, 0.5, axis=0, method="inverted_cdf")
    return values if best is None else (values - best) / abs(best)
