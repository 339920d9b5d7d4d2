"""Greedy: one candidate after another, each the best at its turn."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from subsetopt._dependencies import NUMBA, OptionalDependency
from subsetopt.limits import Limits
from subsetopt.models import SparseForm
from subsetopt.models._side_constraints import side_of
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, TimedSolver, stoppable
from subsetopt.solvers.base import Kind, RawResult

from ._constrained_search import ConstrainedDescents, constrained_form
from ._quadratic_steps import complete, greedy
from ._sparse_search import SparseDescents, sparse_form
from ._vector_search import Rows

__all__ = ["Greedy"]


@dataclass(frozen=True, kw_only=True)
class Greedy(TimedSolver):
    """Add the best candidate k times.

    Scalars and vectors: the one that minimises ``|| sum (v_i - t) ||`` of those added so far, in
    O(n d k). Quadratic forms: the one that adds the least to ``m'Am + c'm``, in O(n k); of the MMD
    of the t added so far, not of k. With disjoint quotas, on the quadratic form, of those that
    leave the quotas within reach. Sparse quadratics are peeled instead: all are chosen, then the
    worst leaves until k are left, which for the densest k nodes is the one of the least degree;
    O((n + m) log n) for m entries.
    """

    name: ClassVar[str] = "greedy"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "adds the best candidate k times"
    choose_when: ClassVar[str] = "a simple deterministic reference is wanted"
    handles: ClassVar[tuple[str, ...]] = (
        "mean-matching",
        "vector-mean-matching",
        "quadratic",
        "mmd",
    )
    takes: ClassVar[frozenset[str]] = frozenset({"quotas"})
    requires: ClassVar[tuple[OptionalDependency, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the greedy selection; what the time limit leaves open is filled up at random."""
        if side_of(problem) is not None:  # problems of others may state none
            return self._keeping(problem, limits, deadline)
        sparse = sparse_form(problem)
        if sparse is not None:
            return _peeled(sparse, limits, deadline)
        vectors = problem.family in ("mean-matching", "vector-mean-matching")
        data = Rows(problem, deadline) if vectors else problem.quadratic_form(deadline.check)
        built = deadline.elapsed
        chosen = np.zeros(len(data.values) if isinstance(data, Rows) else data.n, dtype=np.bool_)
        with stoppable() as stopped:
            if isinstance(data, Rows):
                data.greedy(chosen)
            else:
                greedy(data, chosen, np.empty(data.n), deadline)
        taken = int(np.count_nonzero(chosen))
        complete(chosen, data.k, np.random.default_rng(limits.seed))
        return RawResult(
            indices=data.centred.indices(chosen)
            if isinstance(data, Rows)
            else data.indices(np.flatnonzero(chosen)),
            termination=stopped.reason or Termination.FINISHED,
            build_seconds=built,
            solve_seconds=deadline.since(built),
            message="" if taken == data.k else f"{taken} of {data.k} chosen, the others at random",
        )

    def _keeping(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        form = constrained_form(problem, deadline)
        search = ConstrainedDescents(form, limits.seed, deadline)
        built = deadline.elapsed
        with stoppable() as stopped:
            search.fill()
        return RawResult(
            indices=form.indices(np.flatnonzero(search.chosen)),
            termination=stopped.reason or Termination.FINISHED,
            build_seconds=built,
            solve_seconds=deadline.since(built),
            message="a random selection" if stopped.reason else "",
        )


def _peeled(form: SparseForm, limits: Limits, deadline: Deadline) -> RawResult:
    search = SparseDescents(form, limits.seed, deadline)
    built = deadline.elapsed
    with stoppable() as stopped:
        search.peel()
    return RawResult(
        indices=search.indices(),
        termination=stopped.reason or Termination.FINISHED,
        build_seconds=built,
        solve_seconds=deadline.since(built),
        message="peeling was not finished: the best of what was left" if stopped.reason else "",
    )
