"""State of a sequence: points chosen, potentials of those left, and the MMD."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .engines import Engine


class Snapshot(NamedTuple):
    """A state between two batches, from which the sequence goes on to the last bit as it would."""

    order: NDArray[np.int64]
    boundaries: NDArray[np.int64]
    mmd2: NDArray[np.float64]
    mmd2_to_whole: NDArray[np.float64]
    seconds: NDArray[np.float64]
    potentials: NDArray[np.float64]
    sums: NDArray[np.float64]


class Mark(NamedTuple):
    """The part of a snapshot that later batches overwrite; the rest only grows."""

    batches: int
    potentials: NDArray[np.float64]
    sums: NDArray[np.float64]


class State:
    """A sequence in the making; see `subsetopt._kernels.batch_herding` for the potentials.

    ``value`` is ``|| sum of S - |S| mean ||^2`` and ``lean`` the inner product of that difference
    with the mean: both stay small, whatever cancels in the sums that they stand for. Rows that are
    recomputed do not add up to the row sums to the last bit, and S^2 such errors would show in the
    MMD to the few points that are left in the end: ``excess`` is what they add up to beyond.
    ``memory`` is the number of bytes that a selector may take beyond the engine's, None as `choose`
    has it.
    """

    def __init__(self, engine: Engine, memory: int | None = None) -> None:
        sums = engine.row_sums()
        self.engine = engine
        self.memory = memory
        self.n = engine.n
        self.drift = 2 / self.n * sums
        self.mean = self._mean(sums)
        self.leans = sums / self.n - self.mean
        self.potentials = engine.diagonal().astype(np.float64)
        self.order = np.empty(self.n, np.int64)
        self.count = 0
        self.value = 0.0
        self.lean = 0.0
        self._sums = sums
        self._exact = engine.matrix is not None
        self._excesses = np.zeros(0 if self._exact else self.n)
        self.excess = 0.0
        self.boundaries = [0]
        self.mmd2: list[float] = []
        self.mmd2_to_whole: list[float] = []
        self.seconds: list[float] = []

    def _mean(self, sums: NDArray[np.float64]) -> float:
        return float(sums.mean()) / self.n

    def agreed(self, pick: int, least: float) -> tuple[int, float]:
        """Return the point to enter, and its potential, given the free one of the least."""
        return pick, least

    @property
    def left(self) -> NDArray[np.int64]:
        """The points that are left, ascending."""
        return np.flatnonzero(np.isfinite(self.potentials))

    def enter(self, j: int, potential: float) -> NDArray[Any]:
        """Note j as chosen, given its potential with itself counted; returns its row of K."""
        self.value += potential + self.mean - 2 * self.lean
        self.lean += float(self.leans[j])
        self.order[self.count] = j
        self.count += 1
        self.potentials[j] = np.inf
        return self.row(j)

    def row(self, j: int) -> NDArray[Any]:
        """Return the row of K of a point that enters."""
        row: NDArray[Any] = self.engine.rows(np.array([j]))[0]
        if not self._exact:
            self._excesses[j] = row.sum(dtype=np.float64) - self._sums[j]
            self.excess += self._excesses[j]
        return row

    def exchanged(self, i: int, j: int, change: float) -> None:
        """Note that j, whose row was asked for, has taken the place of i."""
        self.value += change
        self.lean += float(self.leans[j] - self.leans[i])
        if not self._exact:
            self.excess -= self._excesses[i]

    def add(self, chosen: NDArray[np.int64]) -> None:
        """Choose these points, in this order; O(n) each."""
        for j in chosen.tolist():
            self.potentials -= self.drift
            row = self.enter(j, float(self.potentials[j]))
            self.potentials += np.multiply(row, 2.0, dtype=np.float64)

    def close(self, seconds: float) -> None:
        """End a batch: note the squared MMD to the whole, and to what is left."""
        s, rest = self.count, self.n - self.count
        # With the rows' own sums for those of S, and for all N as many more as S is of them.
        whole = (self.value - s / self.n * self.excess) / s**2
        if self.engine.semidefinite:
            whole = max(0.0, whole)
        self.boundaries.append(s)
        self.mmd2_to_whole.append(whole)
        self.mmd2.append(whole * (self.n / rest) ** 2 if rest else float("nan"))
        self.seconds.append(seconds)

    def mark(self) -> Mark:
        """Return what a snapshot of now will need later; between batches only."""
        sums = np.array([self.value, self.lean, self.excess])
        return Mark(len(self.seconds), self.potentials.copy(), sums)

    def snapshot(self, mark: Mark | None = None) -> Snapshot:
        """Return the state as it was at a mark, at any time; None is now, between batches."""
        mark = mark or self.mark()
        batches = mark.batches
        return Snapshot(
            self.order[: self.boundaries[batches]],
            np.array(self.boundaries[: batches + 1], np.int64),
            np.array(self.mmd2[:batches]),
            np.array(self.mmd2_to_whole[:batches]),
            np.array(self.seconds[:batches]),
            mark.potentials,
            mark.sums,
        )

    def restore(self, saved: Snapshot) -> None:
        """Go back to a snapshot."""
        self.count = len(saved.order)
        self.order[: self.count] = saved.order
        self.boundaries = saved.boundaries.tolist()
        self.mmd2 = saved.mmd2.tolist()
        self.mmd2_to_whole = saved.mmd2_to_whole.tolist()
        self.seconds = saved.seconds.tolist()
        self.potentials[:] = saved.potentials
        self.value, self.lean, self.excess = saved.sums.tolist()
