"""What answers are held against beside each other: the best value known, and a lower bound."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from subsetopt.errors import SubsetOptError
from subsetopt.forms import QUADRATIC_FAMILIES
from subsetopt.limits import Limits
from subsetopt.solution import CertificateKind
from subsetopt.solvers import bounds

from .best_known import relative_gap
from .cases import Case
from .rows import Row


def with_gaps(rows: Sequence[Row], cases: Sequence[Case]) -> Iterator[Row]:
    """Yield the rows, each with its distance to the best known value, else to the best of all rows.

    Not those of mean matching, where an objective is an error already.
    """
    best: dict[str, float] = {}
    for row in rows:
        if row.objective is not None:
            best[row.case] = min(row.objective, best.get(row.case, row.objective))
    relative = {case.name for case in cases if case.family in QUADRATIC_FAMILIES}
    for row in rows:
        if row.objective is None or row.case not in relative:
            yield row
        else:
            aim = best[row.case] if row.best_known is None else row.best_known
            yield replace(row, gap_to_best=relative_gap(row.objective, aim))


def with_bounds(
    rows: Sequence[Row], cases: Sequence[Case], method: str, limits: Limits
) -> tuple[list[Row], list[str]]:
    """Return the rows, those of one case with one bound, and what has to be said about it."""
    wanted, found, notes = {row.case for row in rows}, {}, []
    for case in cases:
        if case.name in wanted:
            try:
                found[case.name] = bounds.lower_bound(case.problem(), method, limits)
            except SubsetOptError as error:
                notes.append(f"no {method} bound on {case.name}: {type(error).__name__}: {error}")
            except KeyboardInterrupt:
                notes.append(f"no {method} bound from {case.name} on: interrupted")
                break
    return [_bounded(row, found.get(row.case, -math.inf)) for row in rows], notes


def _bounded(row: Row, bound: float) -> Row:
    """Return the row with the bound where that is the better one, as `solve` would have it."""
    if row.objective is None or not math.isfinite(bound):
        return row
    bound = min(row.objective, bound)  # they touch but for rounding
    if row.bound is not None and row.bound >= bound:
        return row
    if row.certificate not in (CertificateKind.NONE, CertificateKind.BOUND):
        return replace(row, bound=bound)
    return replace(row, bound=bound, certificate=CertificateKind.BOUND, eps=row.objective - bound)
