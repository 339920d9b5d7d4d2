"""Heat map: how good and how fast each solver is on each family."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log
from statistics import fmean, geometric_mean

from subsetopt.benchmarks.results import Row

from ._row_groups import final_rows, grouped, names, typical_seconds
from ._target_curves import LEAST
from ._target_values import costs


@dataclass(frozen=True, kw_only=True)
class HeatCell:
    """One solver on one family."""

    solver: str
    family: str
    cases: int
    answered: int
    """Cases tried, and those with an answer in any repeat."""
    good: float
    best: float
    """The shares of the cases tried that meet the two targets of the family; see `target`."""
    seconds: float | None
    """Geometric mean over the cases; None where there is no time."""


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """All cells, by solver and family; one is missing where a solver was not run on a family."""

    solvers: tuple[str, ...]
    """Those first that meet their targets most often, then the faster ones."""
    families: tuple[str, ...]
    cells: tuple[HeatCell, ...]


def heat_map(rows: Sequence[Row]) -> HeatMap:
    """Return how good and how fast each solver is on each family."""
    families = grouped(rows, lambda row: row.family)
    cells = [cell for name, own in families.items() for cell in _cells(name, own)]

    def merit(solver: str) -> tuple[float, float]:
        own = [cell for cell in cells if cell.solver == solver]
        times = [log(cell.seconds) for cell in own if cell.seconds]
        return -fmean(cell.good + cell.best for cell in own), fmean(times) if times else inf

    solvers = sorted(dict.fromkeys(cell.solver for cell in cells), key=merit)
    return HeatMap(solvers=tuple(solvers), families=tuple(families), cells=tuple(cells))


def _cells(family: str, rows: Sequence[Row]) -> Iterator[HeatCell]:
    good, best, times = costs(rows, "good"), costs(rows, "best"), typical_seconds(rows)
    final = [row for row in final_rows(rows) if row.seconds and row.objective is not None]
    answered = {(row.case, row.solver) for row in final}
    for solver in names(good)[1]:
        tried = [pair for pair in good if pair[1] == solver]
        seconds = [max(LEAST, times[pair]) for pair in tried if pair in times]
        yield HeatCell(
            solver=solver,
            family=family,
            cases=len(tried),
            answered=sum(pair in answered for pair in tried),
            good=fmean(isfinite(good[pair]) for pair in tried),
            best=fmean(isfinite(best[pair]) for pair in tried),
            seconds=geometric_mean(seconds) if seconds else None,
        )
