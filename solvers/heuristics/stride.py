"""OBFTF_prox: every (n / (k + 1))-th of the sorted losses; with quotas, of each group's."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt.limits import Limits
from subsetopt.models._side_constraints import Groups
from subsetopt.problems import MeanMatching
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import SORTING, Deadline, TimedSolver
from subsetopt.solvers._ordering import MANY, ascending
from subsetopt.solvers.base import Kind, RawResult

from ._grouped_search import allotted

__all__ = ["Stride"]


@dataclass(frozen=True, kw_only=True)
class Stride(TimedSolver):
    """Sort descending and take positions ``floor(i * n / (k + 1))``, i = 1..k; O(n log n).

    The target is not looked at. Under quotas each group is sampled so, by its share of k as near as
    its limits allow. Source: One Backward from Ten Forward, ``OBFTF_prox`` in the
    listing of the appendix.
    """

    name: ClassVar[str] = "stride"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "every (n/(k+1))-th of the sorted values (OBFTF_prox, as published)"
    choose_when: ClassVar[str] = "the published approximation is wanted, as it was published"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)
    takes: ClassVar[frozenset[str]] = frozenset({"quotas"})

    def search(self, problem: MeanMatching, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the published selection."""
        descending = deadline.wait_for(lambda: _descending(problem.values), SORTING * problem.n)
        if problem.side is None:
            chosen = descending[_positions(problem.n, problem.k)]
        else:
            chosen = _by_group(descending, problem.side.groups)
        return RawResult(
            indices=chosen, termination=Termination.FINISHED, solve_seconds=deadline.elapsed
        )


def _descending(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the places of the values, the largest first; of equal ones the first."""
    if len(values) >= MANY and values.dtype.kind == "f":
        return ascending(-values)[1]
    return np.argsort(-values, kind="stable")


def _positions(n: int, k: int) -> NDArray[np.int64]:
    # In floats, as in the listing: where i * stride is whole, rounding may take it one lower.
    positions = np.floor(np.arange(1, k + 1) * (n / (k + 1))).astype(np.int64)
    return positions  # type: ignore[no-any-return]


def _by_group(descending: NDArray[np.int64], groups: Groups) -> NDArray[np.int64]:
    upper = np.minimum(groups.upper, groups.sizes)
    counts = allotted(groups.sizes, groups.lower, upper, min(groups.high, int(upper.sum())))
    members = np.split(
        descending[np.argsort(groups.group[descending], kind="stable")],
        np.cumsum(groups.sizes)[:-1],
    )
    return np.concatenate(
        [own[_positions(len(own), count)] for own, count in zip(members, counts, strict=True)]
    )
