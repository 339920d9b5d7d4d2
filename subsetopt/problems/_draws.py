"""Random feasible selections: uniform where counting allows it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidSelection
from subsetopt.models._side_constraints import Groups, SideConstraints

from ._reduction import reduced

_TRIES = 200  # uniform selections that are looked at, whether one keeps all constraints


def draw(problem: Any, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return a random selection of a problem, in any order.

    Uniform over all feasible ones, to the rounding of float64, wherever one is found: with a count
    alone, or disjoint quotas, at once, else by drawing such and rejecting those that break another
    constraint, two hundred times.

    Raises
    ------
    InvalidSelection
        If none was found so: `subsetopt.solve` with the solver "random" searches on.
    """
    reduction = reduced(problem)
    if reduction is not None:
        if reduction.left is None:
            return reduction.taken
        return reduction.lifted(reduction.left.problem.draw(generator))
    if problem.side is not None:
        return of_side(problem.side, generator)
    n, low, high = problem.n, problem.smallest_count, problem.k
    groups = Groups(np.zeros(n, np.int64), np.array([0]), np.array([n]), low, high)
    return of_groups(groups, generator)


def of_side(side: SideConstraints, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return a random selection that keeps constraints without anything fixed; raises as `draw`."""
    if side.quotas is None or side.quotas.disjoint:
        groups = side.groups
    else:
        one = np.zeros(side.n, np.int64)
        groups = Groups(one, np.array([0]), np.array([side.n]), side.low, side.high)
    for _ in range(_TRIES):
        chosen = of_groups(groups, generator)
        if side.decided_by_counting or side.keeps(chosen):
            return chosen
    raise InvalidSelection(
        f"none of {_TRIES} random selections keeps the constraints "
        f"({', '.join(sorted(side.kinds))}); solve(problem, 'random') searches for one"
    )


def of_groups(groups: Groups, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return a uniform selection of those that keep the limits of all groups."""
    counts = _counts(groups, generator)
    order = np.argsort(groups.group, kind="stable")
    ends = np.cumsum(groups.sizes)
    parts = np.split(order, ends[:-1])
    return np.concatenate(
        [
            generator.choice(part, count, replace=False, shuffle=False)
            for part, count in zip(parts, counts, strict=True)
        ]
    ).astype(np.int64)


def _counts(groups: Groups, generator: np.random.Generator) -> list[int]:
    """Return how many of each group a uniform selection has: backwards through a table of ways."""
    lower, upper = groups.lower, np.minimum(groups.upper, groups.sizes)
    if (lower == upper).all():
        return lower.tolist()  # type: ignore[no-any-return]
    if len(lower) == 1 and groups.low == groups.high:
        return [groups.high]
    ways = [np.zeros(groups.high + 1)]
    ways[0][1:] = -np.inf
    of_group = [
        _log_choose(int(size), np.arange(low, high + 1))
        for size, low, high in zip(groups.sizes, lower, upper, strict=True)
    ]
    for low, logs in zip(lower.tolist(), of_group, strict=True):
        ways.append(_convolved(ways[-1], logs, low))
    sums = np.arange(groups.low, groups.high + 1)
    total = int(sums[_picked(ways[-1][sums], generator)])
    counts: list[int] = []
    for before, low, logs in zip(ways[-2::-1], lower[::-1].tolist(), of_group[::-1], strict=True):
        rest = total - low - np.arange(len(logs))
        possible = rest >= 0
        weights = np.where(possible, before[np.maximum(rest, 0)] + logs, -np.inf)
        counts.append(low + _picked(weights, generator))
        total -= counts[-1]
    return counts[::-1]


def _picked(logs: NDArray[np.float64], generator: np.random.Generator) -> int:
    weights = np.exp(logs - logs.max())
    return int(generator.choice(len(weights), p=weights / weights.sum()))


def _convolved(
    ways: NDArray[np.float64], logs: NDArray[np.float64], low: int
) -> NDArray[np.float64]:
    """Return the logarithms of how many ways there are with one group more, by their count."""
    size = len(ways)
    total = np.full(size, -np.inf)
    for extra, log in enumerate(logs.tolist()):
        shift = low + extra
        if shift >= size:
            break
        np.logaddexp(total[shift:], ways[: size - shift] + log, out=total[shift:])
    return total


def _log_choose(n: int, m: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the logarithms of ``n`` over each of ascending ``m``, by their ratios."""
    steps = np.arange(1, int(m[-1]) + 1 if len(m) else 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - steps + 1) / steps))])
    return logs[m]
