"""Kernel herding: one candidate after another, each pulling the running mean to the target."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt._checks import require_flag
from subsetopt._dependencies import NUMBA, OptionalDependency
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm, RowsForm
from subsetopt.problems._draws import of_side
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, TimedSolver, stoppable
from subsetopt.solvers.base import Kind, RawResult

from ._pool_search import rows_form
from ._quadratic_steps import Mask, arrays, complete, seen_as_bits

__all__ = ["Herding"]


@dataclass(frozen=True, kw_only=True)
class Herding(TimedSolver):
    """Take in step t the candidate of the largest ``mu_j - sum(A_ij for i taken) / t``.

    Chen, Welling & Smola, Super-samples from kernel herding, UAI 2010. The form ``m'Am + c'm`` is
    ``k^2 || mean of the chosen - target ||^2`` but for a constant, so ``mu = -c / (2 k)`` are the
    inner products with the target. O(n) a step; where rows of A are computed, O(n d) for one of n
    points of d features.

    Parameters
    ----------
    replacement : bool
        A candidate may be taken again, as in the paper; the selection is then the first k
        distinct ones. After 10 k steps no candidate is taken again; with quotas, which say how
        many different candidates there are of each group, none ever is.
    """

    replacement: bool = False

    name: ClassVar[str] = "herding"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "kernel herding: follows the mean embedding step by step"
    choose_when: ClassVar[str] = "an order is wanted whose beginnings match the mean as well"
    handles: ClassVar[tuple[str, ...]] = ("mmd", "vector-mean-matching", "quadratic")
    takes: ClassVar[frozenset[str]] = frozenset({"quotas"})
    requires: ClassVar[tuple[OptionalDependency, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_flag("replacement", self.replacement)

    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the herded selection; what the time limit leaves open is filled up at random."""
        rows = rows_form(problem)
        if rows is not None:
            with one_blas_thread():  # a row is a small product, for which threads wait by spinning
                return self._search(rows, limits, deadline)
        return self._search(problem.quadratic_form(deadline.check), limits, deadline)

    def _search(
        self, form: QuadraticForm | RowsForm, limits: Limits, deadline: Deadline
    ) -> RawResult:
        built = deadline.elapsed
        if form.side is not None:
            return self._keeping(form, limits, deadline)
        chosen, counts = np.zeros(form.n, dtype=np.bool_), np.zeros(2, np.int64)
        with stoppable() as stopped:
            if isinstance(form, RowsForm):
                self._herd_rows(form, chosen, counts, deadline)
            else:
                self._herd(form, chosen, counts, deadline)
        taken = int(counts[1])
        complete(chosen, form.k, np.random.default_rng(limits.seed))
        return RawResult(
            indices=form.indices(np.flatnonzero(chosen)),
            termination=stopped.reason or Termination.FINISHED,
            build_seconds=built,
            solve_seconds=deadline.since(built),
            iterations=int(counts[0]),
            message="" if taken == form.k else f"{taken} of {form.k} herded, the others at random",
        )

    def _herd(
        self, form: QuadraticForm, chosen: Mask, counts: NDArray[np.int64], deadline: Deadline
    ) -> None:
        """Herd until k are chosen; `counts` are steps and chosen, and all are kept up to date."""
        matrix, _, linear = arrays(form)
        target, most = linear / (-2.0 * form.k), 10 * form.k
        state = chosen, np.zeros(form.n), *seen_as_bits(-target), counts
        # The steps are not over before k are chosen: after `most`, each chooses another.
        for part in deadline.chunks(most + form.k, form.n):
            size = part.stop - part.start
            if _kernels.herding_steps.herd(
                matrix, target, form.k, most, self.replacement, size, *state
            ):
                break

    def _herd_rows(
        self, form: RowsForm, chosen: Mask, counts: NDArray[np.int64], deadline: Deadline
    ) -> None:
        """Do the same with rows that are computed, by the steps of batches."""
        drift = form.linear / -form.k
        potentials = -drift
        bits, pick = potentials.view(np.int64), int(potentials.argmin())
        while True:
            counts += 1, not chosen[pick]
            chosen[pick] = True
            if counts[1] == form.k:
                return
            deadline.check()
            if not self.replacement:
                potentials[pick] = np.inf
            elif counts[0] >= 10 * form.k:
                potentials[chosen] = np.inf
            pick = int(
                _kernels.batch_herding.aim_and_add(form.row(pick), drift, potentials, bits)[0]
            )

    def _keeping(
        self, form: QuadraticForm | RowsForm, limits: Limits, deadline: Deadline
    ) -> RawResult:
        """Herd in groups: of the candidates that leave all quotas within reach."""
        assert form.side is not None
        built, groups = deadline.elapsed, form.side.groups
        target, sums = form.linear / (-2.0 * form.k), np.zeros(form.n)
        counts, chosen = np.zeros(len(groups.lower), np.int64), np.zeros(form.n, np.bool_)
        with stoppable() as stopped:
            for step in range(form.k):
                deadline.check()
                missing = np.maximum(groups.lower - counts, 0)
                open_ = missing > 0 if missing.sum() == form.k - step else counts < groups.upper
                scores = np.where(
                    chosen | ~open_[groups.group], -np.inf, (step + 1) * target - sums
                )
                pick = int(scores.argmax())
                chosen[pick] = True
                counts[groups.group[pick]] += 1
                sums += form.row(pick)
        if stopped.reason:
            chosen[:] = False
            chosen[of_side(form.side, np.random.default_rng(limits.seed))] = True
        return RawResult(
            indices=form.indices(np.flatnonzero(chosen)),
            termination=stopped.reason or Termination.FINISHED,
            build_seconds=built,
            solve_seconds=deadline.since(built),
            iterations=form.k,
            message="a random selection" if stopped.reason else "",
        )


def herded(problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
    """Return the start of a search: that of the limits, else the herded selection."""
    if limits.start is None:
        return Herding().search(problem, limits, deadline)
    return RawResult(indices=limits.start, termination=Termination.FINISHED)
