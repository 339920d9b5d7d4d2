"""Sequences of points that are divided among the processes of torch.distributed."""

import sys
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_flag, require_integer
from subsetopt.problems import Kernel
from subsetopt.problems._kernel_choice import KernelFunction
from subsetopt.problems._parallel import no_callback, one_blas_thread, threads_of_each
from subsetopt.sequencing import MiniBatchSequence
from subsetopt.sequencing._build import Progress, facts_of, result_of, run_batches
from subsetopt.sequencing._selectors import RunningHerding
from subsetopt.sequencing._state import State
from subsetopt.sequencing.engines import batch_count_of, batch_size_of

from ._shards import Shards


class ShardState(State):
    """The state of a sequence on one of several ranks; potentials are those of its own points."""

    engine: Shards

    def agreed(self, pick: int, least: float) -> tuple[int, float]:
        """Return the point of the least potential of all ranks, given that of this one."""
        own = self.engine.first + pick, least, self.leans[pick], self._sums[pick]
        found = self.engine.numbers_of_all(*map(float, own))
        number, least, self._lean, self._sum = found[found[:, 1].argmin()].tolist()
        return int(number), least

    def enter(self, j: int, potential: float) -> NDArray[Any]:
        """Note j as chosen, given its potential with itself counted; returns its row of K here."""
        self.value += potential + self.mean - 2 * self.lean
        self.lean += self._lean
        self.order[self.count] = j
        self.count += 1
        if self.engine.own.start <= j < self.engine.own.stop:
            self.potentials[j - self.engine.first] = np.inf
        row = self.engine.row(j)
        total = self.engine.numbers_of_all(float(row.sum(dtype=np.float64))).sum()
        self.excess += float(total) - self._sum
        return row

    @property
    def left(self) -> NDArray[np.int64]:
        """The points that are left on all ranks, ascending."""
        return np.concatenate(self.engine.of_all(super().left + self.engine.first))

    def add(self, chosen: NDArray[np.int64]) -> None:
        """Choose these points, in this order."""
        for j in chosen.tolist():
            self.potentials -= self.drift
            here = self.engine.own.start <= j < self.engine.own.stop
            at = j - self.engine.first if here else 0
            row = self.enter(*self.agreed(at, float(self.potentials[at]) if here else np.inf))
            self.potentials += np.multiply(row, 2.0, dtype=np.float64)

    def _mean(self, sums: NDArray[np.float64]) -> float:
        return float(self.engine.numbers_of_all(float(sums.sum())).sum()) / self.n**2


def distributed_sequence(
    X: ArrayLike,
    batch_size: int,
    *,
    kernel: Kernel | KernelFunction | str = "gaussian",
    batches: int | None = None,
    drop_last: bool = False,
    group: Any = None,
    threads: int | None = None,
    progress: Progress | None = None,
    log: bool = True,
) -> MiniBatchSequence:
    """Put points that are divided among processes into mini-batches, by running herding.

    The order is that of `subsetopt.sequence` with ``selector="running-herding"`` of the points of
    all ranks, one rank after another, in float64, which kernels are evaluated in whatever the
    features are; of points that are equal, any may come first. No rank ever holds the points of
    another: the features of each point that is chosen are sent, and for the row sums all points
    once, in blocks.

    Parameters
    ----------
    X : array_like (m, d)
        The points of this rank; of different number on each, if need be.
    batch_size, kernel, batches, drop_last
        As `subsetopt.sequence` takes them, of all points; the same on all ranks.
    group : ProcessGroup, optional
        None is the default group; a world of one needs none.
    threads : int, optional
        Of this rank; None is OMP_NUM_THREADS, else its share of the processors.
    progress : callable, optional
        Called with the batches done and all that there are to be; on the ranks that give one.
    log : bool
        Say on standard error of rank 0, before the work begins, what memory it takes.

    Returns
    -------
    MiniBatchSequence
        The same on all ranks but for the seconds; its indices count the points of all ranks.

    Raises
    ------
    InvalidProblem, InvalidOption
        For bad data or usage; on all ranks, where one has bad data.

    Notes
    -----
    O(N m d / (2 threads)) for the row sums of m of N points, then O(m d) and three small
    collectives for each that is chosen. Memory: three times the rank's own features in float64,
    and 16 N bytes.
    """
    begin = perf_counter()
    require_flag("drop_last", drop_last)
    require_flag("log", log)
    require_integer("threads", threads, "[1, inf)", none=True)
    with one_blas_thread():
        engine = Shards(X, kernel, group, threads or threads_of_each(1))
        size = batch_size_of(batch_size, engine.n)
        total = batch_count_of(batches, engine.n, size, drop_last)
        if log and engine.rank == 0:
            print(f"subsetopt: {engine.describe()}", file=sys.stderr, flush=True)
        told = progress or no_callback
        told(0, total)
        engine.row_sums(lambda done, points: told(0, total))
        state = ShardState(engine)
        run_batches(state, RunningHerding(), size, total, None, told)
        facts = facts_of(engine, size, "running-herding()", drop_last, 0)
        facts |= {"data": "+".join(engine.of_all(facts["data"])), "batches": total}
        return result_of(state, total, perf_counter() - begin, facts)
