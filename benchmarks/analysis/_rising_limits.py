"""What a run had found by when: the rows of rising time limits, read together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from statistics import median

from subsetopt.benchmarks.results import Row


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


def ladders(rows: Iterable[Row]) -> list[RisingLimits]:
    """Group rows by case, solver and repeat, in the order in which these first occur."""
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.case, row.solver, row.repeat), []).append(row)
    return [RisingLimits(tuple(sorted(own, key=_limit))) for own in groups.values()]


def _limit(row: Row) -> float:
    return inf if row.time_limit is None else row.time_limit


def final_rows(rows: Iterable[Row]) -> list[Row]:
    """Return the row with the largest time limit of each case, solver and repeat."""
    return [ladder.final for ladder in ladders(rows)]


def of_each_case(rows: Iterable[Row]) -> dict[tuple[str, str], list[RisingLimits]]:
    """Return the ladders of all repeats, by case and solver."""
    groups: dict[tuple[str, str], list[RisingLimits]] = {}
    for ladder in ladders(rows):
        groups.setdefault((ladder.case, ladder.solver), []).append(ladder)
    return groups


def typical_seconds(rows: Iterable[Row]) -> dict[tuple[str, str], float]:
    """Return the median over the repeats of the final rows' times, by case and solver.

    Without those that have no time.
    """
    times: dict[tuple[str, str], list[float]] = {}
    for row in final_rows(rows):
        if (seconds := row.typical_seconds) is not None:
            times.setdefault((row.case, row.solver), []).append(seconds)
    return {key: median(own) for key, own in times.items()}


def names(pairs: Mapping[tuple[str, str], object]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the cases and the solvers of what is given by case and solver, each once."""
    cases = tuple(dict.fromkeys(case for case, _ in pairs))
    return cases, tuple(dict.fromkeys(solver for _, solver in pairs))
