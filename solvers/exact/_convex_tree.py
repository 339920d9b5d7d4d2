"""Branch and bound on a quadratic form by its convex relaxation, with reduced-cost fixing.

Called by `branch_and_bound`. The diagonal that makes the form convex, see `_convex`, is worked out
once: what it leaves is convex on every part of the candidates. At a node the relaxation of what is
left is solved by moves of mass, from the point of the parent. Its gradient bounds from below what
every candidate costs that is taken against it, or left out: candidates for which that is too much
are fixed, and the relaxation of the others is solved again. Where the relaxation is tight, as for
Euclidean distances, a few dozen of a thousand candidates are left after the root.
"""

import heapq
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import Deadline, OutOfTime
from subsetopt.solvers._proof_cuts import CutRecord, RecordedCuts
from subsetopt.solvers._proof_log import ProofLog
from subsetopt.solvers.relaxations._convex import Diagonal, diagonal
from subsetopt.solvers.relaxations._quadratic_relaxation import QuadraticRelaxation, largest

CONVEX_LARGEST = 4096
"""Candidates of which the eigenvalues that the diagonal needs are computed, at most."""

_STEPS = 60  # of the relaxation at a node, each of n moves
_TOLERANCE = 1e-7  # of the value, of the relaxation at a node
_AGAIN = 0.1  # of the candidates that a node has to fix to be bounded again

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ConvexNode:
    """A part of all selections, and where its relaxation begins.

    Parameters
    ----------
    chosen, free : ndarray of int64
        Rows of the form.
    bound : float
    point : ndarray of float64, of the size of `free`, or None
    record : CutRecord or None
        Of this node, where the search is to be proven.
    """

    chosen: Integers
    free: Integers
    bound: float = -np.inf
    point: Floats | None = None
    record: CutRecord | None = None


class ConvexTree:
    """The open nodes, best bound first. To make it takes O(n^3); may raise OutOfTime.

    Parameters
    ----------
    form : QuadraticForm
        Without constraints.
    deadline : Deadline
    proof : ProofLog or None
        Where the search is to be proven.
    """

    def __init__(
        self, form: QuadraticForm, deadline: Deadline, proof: ProofLog | None = None
    ) -> None:
        self._form, self._deadline = form, deadline
        self._diagonal = diagonal(form, deadline)
        self._proof: RecordedCuts | None = None
        if proof is not None:
            self._proof = proof.cuts(form, self._diagonal.values, deadline.check)
        if self._proof is not None:
            self._diagonal = Diagonal(self._proof.taken, self._proof.slack)
        self._count = count()
        self._heap: list[tuple[float, int, ConvexNode]] = []
        record = None if self._proof is None else self._proof.first
        self._push(ConvexNode(np.empty(0, np.int64), np.arange(form.n), record=record))
        self.explored = 0
        self.root = -np.inf
        """The bound at the root."""
        self.discarded = np.inf
        """The least bound of what was discarded."""
        # Of what is fixed, sums of k^2 entries, and of k more for each of k candidates.
        k, linear = form.k, float(np.abs(form.linear).max())
        self._doubt = UNIT * (2 * k + 64) * k * (3 * k * form.largest + 2 * linear)

    @property
    def open(self) -> int:
        """How many nodes are open."""
        return len(self._heap)

    @property
    def bound(self) -> float:
        """The least bound of the open nodes; infinite when there is none."""
        return self._heap[0][0] if self._heap else np.inf

    def clear(self, enough: float) -> None:
        """Discard what is open: its bounds, above `enough`, say that it holds nothing better."""
        if self._proof is not None:
            self._proof.finish(enough)
        self.discarded = min(self.discarded, self.bound)
        self._heap.clear()

    def progress(self, value: float) -> float:
        """Return how much of the way from the bound at the root to a value is done, in [0, 1]."""
        way = value - self.root
        return 1.0 if way <= 0.0 else min(1.0, max(0.0, (self.bound - self.root) / way))

    def beyond(self, enough: float) -> float:
        """Return the bound above which nodes are left: a proof takes some rounding more."""
        return enough if self._proof is None else self._proof.goal(enough)

    def look(self, enough: float) -> Integers:
        """Bound the open node of the least bound, divide it; returns a selection in it.

        What is bounded above `enough` is discarded. May raise OutOfTime, and leaves the node open.
        """
        node = heapq.heappop(self._heap)[2]
        try:
            return self._look(node, self.beyond(enough))
        except (KeyboardInterrupt, OutOfTime):
            self._push(node)
            raise

    def _look(self, node: ConvexNode, enough: float) -> Integers:
        chosen, free, point, bound = node.chosen, node.free, node.point, node.bound
        record = node.record
        if record is not None:
            record.steps.clear()  # of a look that was interrupted
        while True:
            missing = self._form.k - len(chosen)
            if missing in (0, len(free)):
                rows = np.sort(np.concatenate([chosen, free[:missing]]))
                bound = self._form.value(rows)
                break
            relaxed = self._relaxed(chosen, free, point)
            if record is not None and self._proof is not None:
                relaxed.take(self._proof.rounded(relaxed.best_point, missing))
                record.note(chosen, free, relaxed.best_point)
            bound = max(bound, self._bounded(relaxed, chosen))
            rows = np.sort(np.concatenate([chosen, free[largest(relaxed.best_point, missing)]]))
            if not self.explored:
                self.root = bound
            if bound > enough:
                break
            inside, outside = self._settled(relaxed, missing, bound, enough)
            rest, before = ~(inside | outside), len(free)
            if record is not None:
                record.fix(free[outside], free[inside])
            chosen, point = np.append(chosen, free[inside]), relaxed.best_point[rest]
            free = free[rest]
            if before - len(free) < max(1.0, _AGAIN * before) and len(free) > 0:
                self.explored += 1
                self._divide(ConvexNode(chosen, free, bound, point, record))
                return rows
        self.explored += 1
        self.discarded = min(self.discarded, bound)
        return rows

    def _relaxed(
        self, chosen: Integers, free: Integers, point: Floats | None
    ) -> QuadraticRelaxation:
        """Return the relaxation of what is left to choose, solved from a point."""
        form, missing = self._form, self._form.k - len(chosen)
        across = form.matrix[np.ix_(free, chosen)].sum(axis=1, dtype=np.float64)
        matrix = np.ascontiguousarray(form.matrix[np.ix_(free, free)])
        part = QuadraticForm(matrix, form.linear[free] + 2.0 * across, missing)
        taken = Diagonal(self._diagonal.values[free], self._diagonal.slack)
        start = None if point is None else _of_sum(point, missing)
        relaxed = QuadraticRelaxation(part, taken, "auto", _STEPS, self._deadline, start)
        relaxed.run(_TOLERANCE, Limits(), self._deadline)
        return relaxed

    def _bounded(self, relaxed: QuadraticRelaxation, chosen: Integers) -> float:
        offset = self._form.value(chosen) if len(chosen) else 0.0
        return relaxed.bound() + offset - self._doubt

    def _settled(
        self, relaxed: QuadraticRelaxation, missing: int, bound: float, enough: float
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which candidates are in all, and which in none, of what is wanted at a node.

        The bound is what the `missing` least entries of the gradient come to, and a constant.
        """
        gradient = relaxed.gradient()
        order = np.argsort(gradient, kind="stable")
        best = np.zeros(len(gradient), np.bool_)
        best[order[:missing]] = True
        # Taken in place of the last of the best, or the next taken in its place.
        last, following = gradient[order[missing - 1]], gradient[order[missing]]
        least = np.where(best, following - gradient, gradient - last)
        # Differences of entries that rounding has put off as the bound's doubt says of k of them.
        against = bound + least - 2.0 * self._doubt
        settled = against > enough
        if settled.any():
            self.discarded = min(self.discarded, float(against[settled].min()))
        return settled & best, settled & ~best

    def _divide(self, node: ConvexNode) -> None:
        """Push the two parts that hold the most undecided candidate or do not."""
        assert node.point is not None
        branching = int(np.abs(node.point - 0.5).argmin())
        rest, point = np.delete(node.free, branching), np.delete(node.point, branching)
        row, record = node.free[branching], node.record
        records = (None, None) if record is None else record.divide(int(row))
        for chosen, part in zip((np.append(node.chosen, row), node.chosen), records, strict=True):
            self._push(ConvexNode(chosen, rest, node.bound, point, part))

    def _push(self, node: ConvexNode) -> None:
        heapq.heappush(self._heap, (node.bound, next(self._count), node))


def _of_sum(point: Floats, wanted: int) -> Floats:
    """Return a point of the box with another sum, as near as a common share makes it."""
    missing = wanted - float(point.sum())
    room = 1.0 - point if missing > 0.0 else point
    total = float(room.sum())
    moved: Floats = np.clip(point + missing / total * room, 0.0, 1.0) if total else point.copy()
    return moved
