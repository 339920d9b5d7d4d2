"""What answers are held against beside each other: the best value known, and a lower bound."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from subsetopt.benchmarks._best_known import relative_gap
from subsetopt.benchmarks._families import FAMILIES
from subsetopt.benchmarks.results import Bound, Row
from subsetopt.solution import CertificateKind


def best_objectives(rows: Iterable[Row]) -> dict[str, float]:
    """Return the least objective of each case that has an answer, whoever's it is."""
    best: dict[str, float] = {}
    for row in rows:
        if row.objective is not None:
            best[row.case] = min(row.objective, best.get(row.case, row.objective))
    return best


def with_gaps(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, each with its distance to the best known value, else to the best of all.

    Not those of families where an objective is an error already.
    """
    best = best_objectives(rows)
    return [_with_gap(row, best.get(row.case)) for row in rows]


def _with_gap(row: Row, best: float | None) -> Row:
    aim = best if row.best_known is None else row.best_known
    if row.objective is None or aim is None or FAMILIES[row.family].absolute:
        return row
    return replace(row, gap_to_best=relative_gap(row.objective, aim))


def with_bounds(rows: Sequence[Row], bounds: Iterable[Bound]) -> list[Row]:
    """Return the rows, those of a case that has a bound with that where it is the better one."""
    found: dict[str, float] = {}
    for bound in bounds:
        if bound.value is not None and math.isfinite(bound.value):
            found[bound.case] = max(bound.value, found.get(bound.case, -math.inf))
    return [_bounded(row, found[row.case]) if row.case in found else row for row in rows]


def _bounded(row: Row, bound: float) -> Row:
    """Return the row with the bound where that is the better one, as `solve` would have it."""
    if row.objective is None:
        return row
    bound = min(row.objective, bound)  # they touch but for rounding
    if row.bound is not None and row.bound >= bound:
        return row
    if row.certificate not in (None, CertificateKind.NONE, CertificateKind.BOUND):
        return replace(row, bound=bound)
    return replace(row, bound=bound, certificate=CertificateKind.BOUND, eps=row.objective - bound)
