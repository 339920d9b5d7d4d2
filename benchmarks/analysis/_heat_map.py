"""Heat map: how good and how fast each solver is on each family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, isfinite, log
from statistics import fmean, median

import numpy as np

from subsetopt.benchmarks._best_known import relative_gap
from subsetopt.benchmarks.results import Row

from ._row_groups import best_of, final_rows, grouped, medians, names, typical_seconds
from ._target_curves import LEAST
from ._target_values import LEVELS, Level, aims, costs, relative


@dataclass(frozen=True, kw_only=True)
class HeatCell:
    """One solver on one family; None where there is nothing to say."""

    solver: str
    family: str
    cases: int
    answered: int
    """Cases tried, and those with an answer in any repeat."""
    good: float
    best: float
    """The shares of the cases tried that meet the two targets of the family; see `target`."""
    value: float | None
    """The median over the cases of the gap, or of the error in families of errors."""
    relative: bool
    """Whether that is a gap."""
    rank: float | None
    """Among the solvers by objective, the mean over the cases; 1 is best, equals share a rank."""
    seconds: float | None
    """Geometric mean over the cases."""
    slowdown: float | None
    """The median over the cases of its time over that of the fastest solver that answers."""


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """All cells, by solver and family; one is missing where a solver was not run on a family."""

    solvers: tuple[str, ...]
    """Those first that meet their targets most often, then the faster ones."""
    families: tuple[str, ...]
    cells: tuple[HeatCell, ...]

    def cell(self, solver: str, family: str) -> HeatCell | None:
        """Return the cell, if there is one."""
        found = (c for c in self.cells if (c.solver, c.family) == (solver, family))
        return next(found, None)


def heat_map(rows: Sequence[Row]) -> HeatMap:
    """Return how good and how fast each solver is on each family."""
    families = tuple(dict.fromkeys(row.family for row in rows))
    cells = [
        cell for name in families for cell in _cells([row for row in rows if row.family == name])
    ]
    solvers = dict.fromkeys(cell.solver for cell in cells)

    def merit(solver: str) -> tuple[float, float]:
        own = [cell for cell in cells if cell.solver == solver]
        times = [log(cell.seconds) for cell in own if cell.seconds]
        return -fmean(cell.good + cell.best for cell in own), fmean(times) if times else np.inf

    return HeatMap(solvers=tuple(sorted(solvers, key=merit)), families=families, cells=tuple(cells))


@dataclass(frozen=True)
class _Family:
    """What the cells of one family are made of; pairs are case and solver."""

    rows: Sequence[Row]

    @cached_property
    def best(self) -> dict[str, float]:
        return aims(self.rows)

    @cached_property
    def met(self) -> dict[Level, dict[tuple[str, str], float]]:
        return {level: costs(self.rows, level) for level in LEVELS}

    @cached_property
    def times(self) -> dict[tuple[str, str], float]:
        return {key: max(LEAST, time) for key, time in typical_seconds(self.rows).items()}

    @cached_property
    def values(self) -> dict[tuple[str, str], float]:
        return _values(self.rows)

    @cached_property
    def ranks(self) -> dict[tuple[str, str], float]:
        return _ranks(self.values)

    @cached_property
    def fastest(self) -> dict[str, float]:
        return best_of((pair[0], self.times[pair]) for pair in self.values)


def _cells(rows: Sequence[Row]) -> list[HeatCell]:
    family = _Family(rows)
    return [_cell(solver, family) for solver in names(family.met["good"])[1]]


def _cell(solver: str, family: _Family) -> HeatCell:
    name = family.rows[0].family
    tried = [pair for pair in family.met["good"] if pair[1] == solver]
    answered = [pair for pair in tried if pair in family.values]
    worth = [_worth(pair, family, relative(name)) for pair in answered]
    known = [value for value in worth if value is not None]
    logs = [log(family.times[pair]) for pair in tried if pair in family.times]
    slower = [family.times[pair] / family.fastest[pair[0]] for pair in answered]
    return HeatCell(
        solver=solver,
        family=name,
        cases=len(tried),
        answered=len(answered),
        good=fmean(isfinite(family.met["good"][pair]) for pair in tried),
        best=fmean(isfinite(family.met["best"][pair]) for pair in tried),
        value=median(known) if known else None,
        relative=relative(name),
        rank=fmean(family.ranks[pair] for pair in answered) if answered else None,
        seconds=exp(fmean(logs)) if logs else None,
        slowdown=median(slower) if slower else None,
    )


def _worth(pair: tuple[str, str], family: _Family, in_gaps: bool) -> float | None:
    value = family.values[pair]
    return relative_gap(value, family.best[pair[0]]) if in_gaps else value


def _values(rows: Sequence[Row]) -> dict[tuple[str, str], float]:
    """Return the median objective of the final rows that have an answer and a time."""
    return medians(
        ((row.case, row.solver), row.objective) for row in final_rows(rows) if row.seconds
    )


def _ranks(values: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    of_case = grouped(values.items(), lambda item: item[0][0])
    ranks = {}
    for pair, value in values.items():
        others = [other for _, other in of_case[pair[0]]]
        better = sum(other < value for other in others)
        ranks[pair] = better + (1 + others.count(value)) / 2
    return ranks
