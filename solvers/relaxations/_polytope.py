"""The feasible polytope: linear minimisation over it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt.limits import Limits
from subsetopt.models import LinearModel, SideConstraints, SparseRows
from subsetopt.models._side_constraints import Groups
from subsetopt.solvers._deadline import NEVER, Deadline, OutOfTime

if TYPE_CHECKING:
    from ._lp_engines import LPResult, WarmHighs

Floats = NDArray[np.float64]


class Polytope(Protocol):
    """Where points of a relaxation lie: every feasible selection is one of them."""

    def least(self, scores: Floats) -> float:
        """Return what ``scores'v`` is at least for every feasible selection v, to rounding."""

    def vertex(self, scores: Floats) -> Floats:
        """Return a point where ``scores'v`` is least."""


@dataclass(frozen=True)
class Hypersimplex:
    """All v with ``0 <= v <= 1`` and k for their sum."""

    k: int

    def least(self, scores: Floats) -> float:
        """Return the sum of the k lowest scores; O(n)."""
        return float(np.partition(scores, self.k - 1)[: self.k].sum())

    def vertex(self, scores: Floats) -> Floats:
        """Return the k lowest scores, of equal ones the first; O(n log n)."""
        point = np.zeros(len(scores))
        point[np.argsort(scores, kind="stable")[: self.k]] = 1.0
        return point


@dataclass(frozen=True, eq=False)
class GroupedHypersimplex:
    """Those whose sums over groups keep limits too.

    They are the bases of a matroid, so that the greedy choice is best.
    """

    groups: Groups
    k: int

    def _chosen(self, scores: Floats) -> NDArray[np.int64]:
        return self.groups.first(np.argsort(scores, kind="stable"), self.k)

    def least(self, scores: Floats) -> float:
        """Return the sum of the scores of a best choice; O(n log n)."""
        return float(scores[self._chosen(scores)].sum())

    def vertex(self, scores: Floats) -> Floats:
        """Return a best choice."""
        point = np.zeros(len(scores))
        point[self._chosen(scores)] = 1.0
        return point


class RowsPolytope:
    """Those that keep linear rows of any kind; every question is a linear programme, for HiGHS."""

    def __init__(self, side: SideConstraints, k: int, deadline: Deadline = NEVER) -> None:
        n = side.n
        self._k, self._deadline = k, deadline
        self._model = LinearModel(
            name="relaxed",
            objective=np.zeros(n),
            lower=np.zeros(n),
            upper=np.ones(n),
            integer=np.zeros(n, dtype=bool),
            rows=SparseRows.of([(np.arange(n), np.ones(n))]),
            row_lower=np.array([float(k)]),
            row_upper=np.array([float(k)]),
            variable_names=("",) * n,
            row_names=("cardinality",),
            selectors=n,
        ).keeping(side)

    def least(self, scores: Floats) -> float:
        """Return the bound of the programme's duals, whatever the tolerances of its solver."""
        from ._lp_engines import dual_bound

        costs, power, found = self._solved(scores)
        if found.duals is None:
            return Hypersimplex(self._k).least(scores)
        model = replace(self._model, objective=costs)
        return float(np.ldexp(dual_bound(model, found.duals), power))

    def vertex(self, scores: Floats) -> Floats:
        """Return a best vertex; raises OutOfTime where the time is up before there is any."""
        found = self._solved(scores)[2]
        if found.x is None:
            raise OutOfTime
        return np.clip(found.x[: len(scores)], 0.0, 1.0)

    @cached_property
    def _highs(self) -> "WarmHighs":
        from ._lp_engines import WarmHighs

        return WarmHighs(self._model, Limits())

    def _solved(self, scores: Floats) -> "tuple[Floats, int, LPResult]":
        self._deadline.check()
        # In natural magnitudes; a power of two rounds nothing.
        power = int(np.frexp(float(np.abs(scores).max(initial=0.0)))[1])
        costs = np.ldexp(scores, -power)
        return costs, power, self._highs.solve(costs, self._deadline.rest(Limits()))


def polytope_of(side: SideConstraints | None, k: int, deadline: Deadline = NEVER) -> Polytope:
    """Return where relaxed selections of k lie that keep constraints."""
    if side is None:
        return Hypersimplex(k)
    if side.decided_by_counting:
        return GroupedHypersimplex(side.groups, k)
    return RowsPolytope(side, k, deadline)
