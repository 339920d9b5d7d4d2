"""Summary of the rows of each solver."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import fmean, median

import numpy as np

from subsetopt.benchmarks._best_known import TOLERANCE, relative_gap
from subsetopt.benchmarks.results import Row
from subsetopt.solution import CertificateKind

from ._row_groups import grouped, medians


@dataclass(frozen=True, kw_only=True)
class SolverSummary:
    """One solver over the cases of one family; None where there is nothing to say.

    A case counts as the median of its repeats, and a solver as the median of its cases, unless
    something else is said.
    """

    solver: str
    version: str
    cases: int
    runs: int
    answered: int
    """Cases tried, runs on them, and those runs that returned an answer."""
    error_median: float | None
    error_max: float | None
    """Objectives."""
    gap_median: float | None
    gap_max: float | None
    """Relative distances to the best known value, else to the best of all rows."""
    best_reached: int | None
    """Runs in which that distance is nothing but rounding, or below 0."""
    bound_gap_median: float | None
    """Of (objective - bound) / |objective|, where there is a bound."""
    rank_median: float | None
    """Share of random choices at least as good."""
    seconds_median: float | None
    """Of a call, from outside."""
    seconds_p95: float | None
    """Over all timed calls; every case weighs the same, however often it was called."""
    seconds_spread: float | None
    """Interquartile range of the timed calls on a case, all repeats together, over their median."""
    calls: int
    """Timed calls, all together."""
    build_seconds: float | None
    solve_seconds: float | None
    overhead_seconds: float | None
    warm_up_seconds: float | None
    cpu_ratio: float | None
    """Processor time over time."""
    peak_bytes: int | None
    """The most that any run held."""
    times_faster: float | None
    """Seconds of the reference over its own, on the same case."""
    terminations: Mapping[str, int]
    certificates: Mapping[str, int]
    failures: Mapping[str, int]
    """Runs by how they ended; failures that differ in numbers only count as the first of them."""
    tolerance_max: float | None
    """The weakest claim within tolerances: the largest eps of certificates of that kind."""
    skipped: int = 0
    """Cases that it is not run on, as it does not take their constraints."""


def summarise(rows: Sequence[Row], reference: str) -> list[SolverSummary]:
    """Summarise each solver over its rows; fastest first, those without an answer last.

    Parameters
    ----------
    rows : sequence of Row
        Of one family; of rising time limits the last one.
    reference : str
        The solver that times are compared with.
    """
    groups = by_solver(rows)
    reference_seconds = seconds_by_case(groups.get(reference, []))
    summaries = [_summary(own, reference_seconds) for own in groups.values()]
    return sorted(summaries, key=_speed)


def _speed(summary: SolverSummary) -> float:
    return math.inf if summary.seconds_median is None else summary.seconds_median


def _summary(rows: Sequence[Row], reference_seconds: Mapping[str, float]) -> SolverSummary:
    answered = [row for row in rows if row.objective is not None]
    gaps = [row.gap_to_best for row in answered if row.gap_to_best is not None]
    seconds = seconds_by_case(rows)
    ratios = [reference_seconds[case] / own for case, own in seconds.items()
              if case in reference_seconds and own > 0]  # fmt: skip
    return SolverSummary(
        solver=rows[0].solver,
        version=next((row.version for row in rows if row.version), ""),
        cases=len({row.case for row in rows}),
        runs=len(rows),
        answered=len(answered),
        error_median=_typical(answered, lambda row: row.objective),
        error_max=_largest(row.objective for row in answered),
        gap_median=_typical(answered, lambda row: row.gap_to_best),
        gap_max=_largest(gaps),
        best_reached=sum(gap <= TOLERANCE for gap in gaps) if gaps else None,
        bound_gap_median=_typical(answered, _bound_gap),
        rank_median=_typical(answered, lambda row: row.random_rank),
        seconds_median=median(seconds.values()) if seconds else None,
        seconds_p95=_quantile(rows, 0.95),
        seconds_spread=_spread(rows),
        calls=sum(len(row.seconds) for row in rows),
        build_seconds=_typical(rows, lambda row: row.build_seconds),
        solve_seconds=_typical(rows, lambda row: row.solve_seconds),
        overhead_seconds=_typical(rows, lambda row: row.overhead_seconds),
        warm_up_seconds=_typical(rows, lambda row: row.warm_up_seconds),
        cpu_ratio=_typical(rows, _cpu_ratio),
        peak_bytes=max(
            (row.peak_bytes for row in rows if row.peak_bytes is not None), default=None
        ),
        times_faster=median(ratios) if ratios else None,
        terminations=_counted(row.termination for row in rows),
        certificates=_counted(row.certificate for row in answered),
        failures=_failures(rows),
        tolerance_max=_largest(
            row.eps for row in answered if row.certificate is CertificateKind.TOLERANCE
        ),
    )


def by_solver(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the rows of each solver, in the order in which they first occur."""
    return grouped(rows, attrgetter("solver"))


def seconds_by_case(rows: Iterable[Row]) -> dict[str, float]:
    """Return the time of one solver on each case: the median over its repeats."""
    return _by_case(rows, lambda row: row.typical_seconds)


def _by_case(rows: Iterable[Row], value: Callable[[Row], float | None]) -> dict[str, float]:
    return medians((row.case, value(row)) for row in rows)


def _typical(rows: Iterable[Row], value: Callable[[Row], float | None]) -> float | None:
    found = _by_case(rows, value)
    return median(found.values()) if found else None


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _bound_gap(row: Row) -> float | None:
    if row.objective is None or row.bound is None:
        return None
    gap = relative_gap(row.bound, row.objective)
    return None if gap is None else -gap


def _cpu_ratio(row: Row) -> float | None:
    if row.cpu_seconds is None or not row.seconds or not sum(row.seconds):
        return None
    return row.cpu_seconds / fmean(row.seconds)


def _counted(words: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(str(word) for word in words if word))


def _failures(rows: Iterable[Row]) -> dict[str, int]:
    first: dict[str, str] = {}
    reasons = (row.failure for row in rows if row.failure)
    return _counted(first.setdefault(re.sub(r"\d[\d.]*", "#", text), text) for text in reasons)


def _calls_by_case(rows: Iterable[Row]) -> list[list[float]]:
    timed = grouped((row for row in rows if row.seconds), attrgetter("case")).values()
    return [[seconds for row in own for seconds in row.seconds] for own in timed]


def _spread(rows: Iterable[Row]) -> float | None:
    found = []
    for calls in _calls_by_case(rows):
        low, middle, high = np.quantile(calls, (0.25, 0.5, 0.75))
        if len(calls) > 1 and middle > 0:
            found.append(float((high - low) / middle))
    return median(found) if found else None


def _quantile(rows: Iterable[Row], share: float) -> float | None:
    """Return the least time at or below which lie `share` of all, every case weighing the same."""
    groups = _calls_by_case(rows)
    if not groups:
        return None
    seconds = np.concatenate(groups)
    weights = np.concatenate([np.full(len(calls), 1 / len(calls)) for calls in groups])
    order = np.argsort(seconds)
    enough = np.cumsum(weights[order]) >= share * len(groups) - 1e-9
    return float(seconds[order][np.argmax(enough)])
