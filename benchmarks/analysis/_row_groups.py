"""Groups of rows: by run over rising time limits, and with the references of each case."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from operator import itemgetter
from statistics import median
from typing import TypeVar

from subsetopt.benchmarks._best_known import relative_gap
from subsetopt.benchmarks._families import FAMILIES
from subsetopt.benchmarks.results import Bound, Row
from subsetopt.solution import CertificateKind

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def grouped(things: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Return the things of each key, in the order in which these first occur."""
    groups: dict[K, list[T]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return groups


def medians(pairs: Iterable[tuple[K, float | None]]) -> dict[K, float]:
    """Return the median of each key's values, without those that are None."""
    known = ((key, value) for key, value in pairs if value is not None)
    return {
        key: median(value for _, value in own) for key, own in grouped(known, itemgetter(0)).items()
    }


def best_of(pairs: Iterable[tuple[K, float | None]]) -> dict[K, float]:
    """Return the least of each key's values, without those that are None."""
    known = ((key, value) for key, value in pairs if value is not None)
    return {
        key: min(value for _, value in own) for key, own in grouped(known, itemgetter(0)).items()
    }


@dataclass(frozen=True)
class RisingLimits:
    """The rows of one case, solver and repeat, ascending in time limit.

    Solvers are looked at from outside: what one has found by a time is what it returned when it
    was given so long, as in benchopt (Moreau et al. 2022, NeurIPS 35).
    """

    rows: tuple[Row, ...]

    @property
    def case(self) -> str:
        """The case."""
        return self.final.case

    @property
    def solver(self) -> str:
        """The solver."""
        return self.final.solver

    @property
    def final(self) -> Row:
        """The row with the largest time limit."""
        return self.rows[-1]

    @cached_property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Seconds and objective of each answer that is better than all before it.

        A row has its median time; one without an answer is no step.
        """
        found = [
            (seconds, row.objective)
            for row in self.rows
            if row.objective is not None and (seconds := row.typical_seconds) is not None
        ]
        steps: list[tuple[float, float]] = []
        for seconds, objective in sorted(found):
            if not steps or objective < steps[-1][1]:
                steps.append((seconds, objective))
        return tuple(steps)


def rising_limits(rows: Iterable[Row]) -> list[RisingLimits]:
    """Group rows by case, solver and repeat, in the order in which these first occur."""
    groups = grouped(rows, lambda row: (row.case, row.solver, row.repeat)).values()
    return [RisingLimits(tuple(sorted(own, key=_limit))) for own in groups]


def _limit(row: Row) -> float:
    return inf if row.time_limit is None else row.time_limit


def final_rows(rows: Iterable[Row]) -> list[Row]:
    """Return the row with the largest time limit of each case, solver and repeat."""
    return [run.final for run in rising_limits(rows)]


def of_each_case(rows: Iterable[Row]) -> dict[tuple[str, str], list[RisingLimits]]:
    """Return the rising limits of all repeats, by case and solver."""
    return grouped(rising_limits(rows), lambda run: (run.case, run.solver))


def typical_seconds(rows: Iterable[Row]) -> dict[tuple[str, str], float]:
    """Return the median over the repeats of the final rows' times, by case and solver.

    Without those that have no time.
    """
    return medians(((row.case, row.solver), row.typical_seconds) for row in final_rows(rows))


def names(pairs: Mapping[tuple[str, str], object]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the cases and the solvers of what is given by case and solver, each once."""
    cases = tuple(dict.fromkeys(case for case, _ in pairs))
    return cases, tuple(dict.fromkeys(solver for _, solver in pairs))


def best_objectives(rows: Iterable[Row]) -> dict[str, float]:
    """Return the least objective of each case that has an answer, whoever's it is."""
    return best_of((row.case, row.objective) for row in rows)


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
    unsaid = (None, CertificateKind.NONE, CertificateKind.BOUND, CertificateKind.INFEASIBLE)
    if row.certificate not in unsaid:
        return replace(row, bound=bound)
    return replace(row, bound=bound, certificate=CertificateKind.BOUND, eps=row.objective - bound)
