"""Growth of times with the size: points, and the exponent of a power law."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from operator import attrgetter
from statistics import median

import numpy as np

from subsetopt._significance import t_quantile
from subsetopt.benchmarks.results import Row
from subsetopt.solution import Termination

from ._row_groups import final_rows, grouped


@dataclass(frozen=True, kw_only=True)
class CaseTime:
    """One case."""

    case: str
    n: int
    seconds: float
    """The median over the repeats."""
    ended: bool
    """Whether every repeat came to its end by itself: else it would have taken longer."""


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """``seconds = factor * n ** exponent``, by least squares of the logarithms."""

    exponent: float
    low: float
    high: float
    """With its 95 % interval, by Student's t."""
    factor: float
    points: int

    def seconds(self, n: float) -> float:
        """Return the fitted time of a size."""
        return float(self.factor * n**self.exponent)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """One solver: its points, ascending in size, and the fit where there are three sizes."""

    solver: str
    points: tuple[CaseTime, ...]
    fit: PowerLaw | None


@dataclass(frozen=True, kw_only=True)
class SizeScaling:
    """All solvers, the least exponents first, those without a fit last."""

    families: tuple[str, ...]
    curves: tuple[Growth, ...]


def scaling(rows: Sequence[Row]) -> SizeScaling:
    """Fit the growth of times with n, from all rows of one family.

    Times that a limit has cut off are kept as points but left out of fits, which would be too flat
    with them; what remains at large sizes are then the easier cases.
    """
    timed = [row for row in final_rows(rows) if row.typical_seconds is not None]
    curves = []
    for solver, ran in grouped(timed, attrgetter("solver")).items():
        cases = grouped(ran, attrgetter("case")).values()
        points = sorted((_point(own) for own in cases), key=lambda p: p.n)
        curves.append(Growth(solver=solver, points=tuple(points), fit=power_law(points)))
    return SizeScaling(
        families=tuple(dict.fromkeys(row.family for row in rows)),
        curves=tuple(sorted(curves, key=lambda c: c.fit.exponent if c.fit else np.inf)),
    )


def _point(repeats: Sequence[Row]) -> CaseTime:
    seconds = [row.typical_seconds for row in repeats if row.typical_seconds is not None]
    stopped = any(row.termination in (None, Termination.TIME_LIMIT) for row in repeats)
    first = repeats[0]
    return CaseTime(
        case=first.case,
        n=first.n,
        seconds=median(seconds),
        ended=not stopped,
    )


def power_law(points: Sequence[CaseTime]) -> PowerLaw | None:
    """Fit a power law to the points that ended; None if they have fewer than three sizes."""
    used = [point for point in points if point.ended and point.seconds > 0]
    if len({point.n for point in used}) < 3:
        return None
    x = np.log([point.n for point in used])
    y = np.log([point.seconds for point in used])
    centred = x - x.mean()
    exponent = float(centred @ y / (centred @ centred))
    intercept = float(y.mean() - exponent * x.mean())
    residuals = y - intercept - exponent * x
    freedom = len(used) - 2
    error = float(np.sqrt(residuals @ residuals / freedom / (centred @ centred)))
    half = t_quantile(0.975, freedom) * error
    return PowerLaw(
        exponent=exponent,
        low=exponent - half,
        high=exponent + half,
        factor=exp(intercept),
        points=len(used),
    )
