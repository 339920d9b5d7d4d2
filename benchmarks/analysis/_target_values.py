"""Targets of each family, and the times after which runs reach them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median
from typing import Literal

from subsetopt.benchmarks._best_known import TOLERANCE
from subsetopt.benchmarks._families import FAMILIES
from subsetopt.benchmarks.results import Row

from ._row_groups import RisingLimits, best_objectives, of_each_case

Level = Literal["good", "best"]
LEVELS: tuple[Level, ...] = ("good", "best")

SMALL_ERROR = 1e-6
"""Of mean matching: losses are of order one, and single precision resolves no less."""
BEATS_RANDOM = 1e-3
"""The share of random subsets that may be as good; 1000 are drawn, so one at most."""


@dataclass(frozen=True)
class TargetValue:
    """What an answer has to be."""

    text: str
    """In words that follow "runs that are"."""
    met: Callable[[Row, float], bool]
    """From a row with an answer, and the best objective of its case, to whether it is."""


def _within(share: float) -> Callable[[Row, float], bool]:
    def met(row: Row, best: float) -> bool:
        assert row.objective is not None
        return row.objective <= best + share * abs(best)

    return met


def _beats_random(row: Row, best: float) -> bool:
    return row.random_rank is not None and row.random_rank <= BEATS_RANDOM


def _small_error(row: Row, best: float) -> bool:
    assert row.objective is not None
    return row.objective <= SMALL_ERROR


_RELATIVE: Mapping[Level, TargetValue] = {
    "good": TargetValue("within 1 % of the best", _within(0.01)),
    "best": TargetValue("as good as the best", _within(TOLERANCE)),
}
_TARGETS: Mapping[str, Mapping[Level, TargetValue]] = {
    "mean-matching": {
        "good": TargetValue("as good as the best of 1000 random subsets", _beats_random),
        "best": TargetValue("off by 0.000001 or less", _small_error),
    },
    "sequence": {
        "good": TargetValue("within 10 % of the best area", _within(0.1)),
        "best": TargetValue("within 1 % of the best area", _within(0.01)),
    },
}


def target(family: str, level: Level) -> TargetValue:
    """Return what is asked of the answers of a family.

    Of most it is a relative distance to the best objective that is known, or else of all rows:
    at most 1 %, or none but rounding. An error of mean matching says something by itself, its
    least value being 0 up to rounding, and the best of all rows is often a number near 1e-16 that
    nobody needs: there it is a rank among random subsets, or an error up to 1e-6. The area of a
    sequence has no known least value, and one in a hundred is nothing.
    """
    return _TARGETS.get(family, _RELATIVE)[level]


def described(rows: Iterable[Row], level: Level) -> str:
    """Return the words of the target; those of several families if the rows are of several."""
    texts = dict.fromkeys(target(family, level).text for family in _families(rows))
    if len(texts) == 1:
        return next(iter(texts))
    return "good by the measure of their family" if level == "good" else "as good as can be"


def _families(rows: Iterable[Row]) -> Iterable[str]:
    return dict.fromkeys(row.family for row in rows)


def aims(rows: Sequence[Row]) -> dict[str, float]:
    """Return the best known objective of each case, else the best of all rows."""
    best = best_objectives(rows)
    known = {row.case: row.best_known for row in rows if row.best_known is not None}
    return best | known


def relative(family: str) -> bool:
    """Say whether objectives are compared by their relative distance to the best."""
    return not FAMILIES[family].absolute


def first_time(run: RisingLimits, level: Level, aim: float) -> float:
    """Return the seconds after which a run has met the target; infinite if it never does."""
    wanted = target(run.final.family, level)
    times = [
        seconds
        for row in run.rows
        if row.objective is not None and (seconds := row.typical_seconds) is not None
        if wanted.met(row, aim)
    ]
    return min(times, default=inf)


def first_times(rows: Sequence[Row], level: Level) -> dict[tuple[str, str], list[float]]:
    """Return `first_time` of each repeat, by case and solver."""
    best = aims(rows)
    return {
        (case, solver): [first_time(run, level, best.get(case, inf)) for run in own]
        for (case, solver), own in of_each_case(rows).items()
    }


def costs(rows: Sequence[Row], level: Level) -> dict[tuple[str, str], float]:
    """Return the medians of `first_times` over the repeats; infinite where most never meet it."""
    return {pair: median(times) for pair, times in first_times(rows, level).items()}
