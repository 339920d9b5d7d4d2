"""From rows to what they say: pure functions, no solving, no printing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from subsetopt.solution import CertificateKind

from .best_known import TOLERANCE, relative_gap
from .rows import Row


@dataclass(frozen=True, kw_only=True)
class SolverSummary:
    """One solver over all cases; None where there is nothing to say.

    Parameters
    ----------
    solver, version : str
    cases, answered : int
        Cases tried, and those on which it returned a selection.
    error_median, error_max : float or None
        Objectives over the cases answered.
    gap_median, gap_max : float or None
        Relative distances to the best known value, else to the best of the run.
    best_reached : int or None
        Cases on which that distance is nothing but rounding, or below 0.
    bound_gap_median : float or None
        Of (objective - bound) / |objective| over the cases with a bound.
    rank_median : float or None
        Share of random subsets at least as good.
    seconds_median, seconds_p95 : float or None
        Over all timed solves; every case weighs the same, however often it was repeated.
    times_faster : float or None
        Median over the cases of (median seconds of the reference / median seconds of this one).
    fewest_repeats, most_repeats : int
        Timed solves per case.
    terminations, certificates, failures : mapping of str to int
        How often each occurred; failures by the error's name and words.
    tolerance_max : float or None
        The weakest claim within tolerances: the largest eps of certificates of that kind.
    """

    solver: str
    version: str
    cases: int
    answered: int
    error_median: float | None
    error_max: float | None
    gap_median: float | None
    gap_max: float | None
    best_reached: int | None
    bound_gap_median: float | None
    rank_median: float | None
    seconds_median: float | None
    seconds_p95: float | None
    times_faster: float | None
    fewest_repeats: int
    most_repeats: int
    terminations: Mapping[str, int]
    certificates: Mapping[str, int]
    failures: Mapping[str, int]
    tolerance_max: float | None


def summarise(rows: Sequence[Row], reference: str) -> list[SolverSummary]:
    """Summarise each solver over its rows; fastest first, those without an answer last."""
    groups = by_solver(rows)
    reference_seconds = {row.case: median(row.seconds) for row in _timed(groups.get(reference, []))}
    summaries = [_summary(own, reference_seconds) for own in groups.values()]
    return sorted(summaries, key=lambda s: np.inf if s.seconds_median is None else s.seconds_median)


def _summary(rows: Sequence[Row], reference_seconds: Mapping[str, float]) -> SolverSummary:
    answered = [row for row in rows if row.objective is not None]
    errors = [row.objective for row in answered if row.objective is not None]
    ranks = [row.random_rank for row in answered if row.random_rank is not None]
    gaps = [row.gap_to_best for row in answered if row.gap_to_best is not None]
    bound_gaps = [gap for row in answered if (gap := _bound_gap(row)) is not None]
    tolerances = [
        row.eps
        for row in answered
        if row.eps is not None and row.certificate is CertificateKind.TOLERANCE
    ]
    timed = _timed(rows)
    ratios = [
        reference_seconds[row.case] / median(row.seconds)
        for row in timed
        if row.case in reference_seconds
    ]
    return SolverSummary(
        solver=rows[0].solver,
        version=next((row.version for row in rows if row.version), ""),
        cases=len(rows),
        answered=len(answered),
        error_median=median(errors) if errors else None,
        error_max=max(errors, default=None),
        gap_median=median(gaps) if gaps else None,
        gap_max=max(gaps, default=None),
        best_reached=sum(gap <= TOLERANCE for gap in gaps) if gaps else None,
        bound_gap_median=median(bound_gaps) if bound_gaps else None,
        rank_median=median(ranks) if ranks else None,
        seconds_median=_quantile(timed, 0.5),
        seconds_p95=_quantile(timed, 0.95),
        times_faster=median(ratios) if ratios else None,
        fewest_repeats=min((row.repeats for row in timed), default=0),
        most_repeats=max((row.repeats for row in timed), default=0),
        terminations=_counted(row.termination for row in rows),
        certificates=_counted(row.certificate for row in answered),
        failures=_counted(row.failure for row in rows),
        tolerance_max=max(tolerances, default=None),
    )


def _bound_gap(row: Row) -> float | None:
    if row.objective is None or row.bound is None:
        return None
    gap = relative_gap(row.bound, row.objective)
    return None if gap is None else -gap


def _counted(words: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(str(word) for word in words if word))


def by_solver(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each solver, in the order in which they first occur."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.solver, []).append(row)
    return groups


def _timed(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.seconds]


def _quantile(rows: Sequence[Row], share: float) -> float | None:
    """Return the least time below or at which lie `share` of all, every row weighing the same."""
    if not rows:
        return None
    seconds = np.concatenate([row.seconds for row in rows])
    weights: NDArray[np.float64] = np.concatenate(
        [np.full(len(row.seconds), 1 / len(row.seconds)) for row in rows]
    )
    order = np.argsort(seconds)
    reached = np.cumsum(weights[order]) >= share * len(rows) - 1e-9
    return float(seconds[order][np.argmax(reached)])
