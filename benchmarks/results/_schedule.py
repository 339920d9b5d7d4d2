"""What is still to be measured."""

from collections.abc import Iterable, Iterator, Mapping

from subsetopt.solution import Termination

from .plan import Plan
from .rows import KILLED, Key, Row


def todo(plan: Plan, rows: Iterable[Row], time_limit: float) -> list[Key]:
    """Return the keys of the runs with this time limit that have not been measured, in order.

    The repeats of one solver on one case lie far apart and the solvers take turns, in an order
    that is reversed each time: whatever else the machine does meets all alike. What came to its
    end within a shorter limit is not run again, nor what had to be killed; what was refused is.
    """
    known = {row.key: row for row in rows}
    shorter = [limit for limit in plan.settings.time_limits if limit < time_limit]
    return [
        key
        for key in _keys(plan, time_limit)
        if key not in known and not _ended(key, shorter, known)
    ]


def total(plan: Plan) -> int:
    """Return how many runs there are at most."""
    return sum(1 for limit in plan.settings.time_limits for _ in _keys(plan, limit))


def complete(plan: Plan, rows: Iterable[Row]) -> bool:
    """Say whether nothing is left to be measured."""
    rows = tuple(rows)
    return not any(todo(plan, rows, limit) for limit in plan.settings.time_limits)


def _keys(plan: Plan, time_limit: float) -> Iterator[Key]:
    for repeat in range(plan.settings.repeats):
        for case in plan.cases:
            able = [e.label for e in plan.entrants if case.family in e.families]
            for label in able if repeat % 2 == 0 else reversed(able):
                yield (case.name, label, repeat, time_limit)


def _ended(key: Key, shorter: Iterable[float], known: Mapping[Key, Row]) -> bool:
    """Say whether a longer limit is of no use: it came to its end, or had to be killed."""
    rows = [row for limit in shorter if (row := known.get((*key[:3], limit))) is not None]
    return any(
        row.failure.startswith(KILLED) or row.termination not in (None, Termination.TIME_LIMIT)
        for row in rows
    )
