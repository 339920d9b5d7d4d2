"""The search on vectors: greedy start, then exchanges of members for their best partners."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt._rounding import times_power_of_two
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solvers._deadline import CHUNK, NEVER, Deadline

from . import _quadratic_steps as steps
from ._centred import Centred

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

_SHARE = 0.25  # of the time that is left, which a greedy start may be expected to take
_PRODUCTS = 2**26  # multiplications of a matrix product between two looks at the clock
_BLOCK_BYTES = 2**28  # of inner products at once


class Rows:
    """Centred rows with their norms, and the passes over them, a deadline looked at between."""

    def __init__(self, problem: MeanMatching, deadline: Deadline) -> None:
        self.kernel, self.deadline = _kernels.zero_sum_rows, deadline
        self.centred = Centred.of(problem, deadline.check)
        self.values, self.k = self.centred.rows, self.centred.k
        self.norms = np.empty(len(self.values))
        for part in self.parts():
            _kernels.zero_sum_rows.squared_norms(self.values[part], self.norms[part])

    def parts(self) -> Iterator[slice]:
        """Yield slices of the rows, small enough for a chunk of work each."""
        return self.deadline.chunks(*self.values.shape)

    def greedy(self, chosen: Mask, share: float = math.inf) -> bool:
        """Choose k rows, each bringing the sum closest to zero; O(n d k).

        Returns False as soon as it is clear that it would take more than a share of the time that
        is left; then, and where it ends with OutOfTime or KeyboardInterrupt, fewer are chosen.
        """
        n, d = self.values.shape
        total = np.zeros(d)
        begin, left = self.deadline.elapsed, self.deadline.remaining
        for part in self.deadline.chunks(self.k, n * d):
            if part.start and left < math.inf:
                projected = (self.deadline.elapsed - begin) * self.k / part.start
                if projected > share * left:
                    return False
            if n * d <= CHUNK:
                count = part.stop - part.start
                self.kernel.extend(self.values, self.norms, count, chosen, total)
            else:
                self._add_one(chosen, total)
        return True

    def total_of(self, chosen: Mask) -> Floats:
        """Return the sum of the chosen rows."""
        total = np.empty(self.values.shape[1])
        self.kernel.total_of(self.values, chosen, total)
        return total

    def products(self, members: NDArray[np.int64]) -> Floats:
        """Return the inner products of some rows with all, (members, n); O(n d) each."""
        some = self.values[members]
        out = np.empty((len(members), len(self.values)))
        for part in self.deadline.chunks(len(self.values), some.size, _PRODUCTS):
            np.matmul(some, self.values[part].T, out=out[:, part])
        return out

    def _add_one(self, chosen: Mask, total: Floats) -> None:
        best, pick = np.inf, -1
        for part in self.parts():
            value, at = self.kernel.best_addition(
                self.values[part], self.norms[part], chosen[part], total
            )
            if at >= 0 and (value < best or pick < 0):
                best, pick = value, part.start + at
        chosen[pick] = True
        total += self.values[pick]


class Vectors:
    """Swap descents with restarts on vectors; the state is the best selection so far.

    Everything that it does may end with OutOfTime or KeyboardInterrupt; `indices` is then the best
    selection up to there.
    """

    chunk_size = 1

    def __init__(
        self,
        problem: MeanMatching,
        limits: Limits,
        tolerance: float,
        deadline: Deadline = NEVER,
    ) -> None:
        self._rows = rows = Rows(problem, deadline)
        self._deadline = deadline
        self._generator = np.random.default_rng(limits.seed)
        self._best = np.zeros(len(rows.values), dtype=np.bool_)
        self._error = math.inf
        if limits.absolute_gap is None:
            self._limit = float(tolerance**2 * rows.norms.mean()) * problem.k**2
        else:
            power = -2 * rows.centred.exponent
            self._limit = times_power_of_two(limits.absolute_gap, power)
            self._limit *= problem.k**2

    def start(self, indices: NDArray[np.int64] | None = None) -> None:
        """Begin from a selection of exactly k, else from the greedy or a uniform one."""
        if indices is not None:
            self._best[indices] = True
        else:
            try:
                complete = self._rows.greedy(self._best, _SHARE)
            except BaseException:
                steps.complete(self._best, self._rows.k, self._generator)
                raise
            if not complete:
                self._best = self._uniform()
        self._error = self._error_of(self._best)

    def _error_of(self, chosen: Mask) -> float:
        total = self._rows.total_of(chosen)
        return float(total @ total)

    def rounds(self, begin: int, end: int) -> int:
        """Run rounds begin..end-1, fewer if content; returns the next."""
        for turn in range(begin, end):
            trial = self._best.copy()
            if turn % 2:
                trial = self._uniform()
            elif turn:
                self._kick(trial)
            try:
                self._descend(trial)
            finally:
                self._keep(trial)
            if self.content:
                return turn + 1
        return end

    def _uniform(self) -> Mask:
        """Return a uniform selection: every other restart is from elsewhere."""
        trial = np.zeros_like(self._best)
        trial[self._generator.choice(trial.size, self._rows.k, replace=False)] = True
        return trial

    def _kick(self, trial: Mask) -> None:
        """Exchange an eighth of the chosen, at least two, for random others."""
        taken, free = np.flatnonzero(trial), np.flatnonzero(~trial)
        count = min(max(2, self._rows.k // 8), taken.size, free.size)
        trial[self._generator.choice(taken, count, replace=False)] = False
        trial[self._generator.choice(free, count, replace=False)] = True

    def _keep(self, trial: Mask) -> None:
        error = self._error_of(trial)
        if error < self._error:
            self._best, self._error = trial, error

    def _descend(self, trial: Mask) -> None:
        """Sweep over the members, exchanging each for its best partner, until none has one."""
        rows = self._rows
        total = rows.total_of(trial)
        similarity = np.empty(len(rows.values))
        for part in rows.parts():
            np.matmul(rows.values[part], total, out=similarity[part])
        block = max(1, _BLOCK_BYTES // (8 * len(rows.values)))
        improving = True
        while improving:
            members = np.flatnonzero(trial)
            improving = False
            for begin in range(0, members.size, block):
                self._deadline.check()
                some = members[begin : begin + block]
                improving |= self._exchange(some, trial, total, similarity)

    def _exchange(
        self, members: NDArray[np.int64], trial: Mask, total: Floats, similarity: Floats
    ) -> bool:
        """Exchange members for their best partners; returns whether any has one."""
        rows, at, improving = self._rows, 0, False
        gram = rows.products(members)
        while at < len(members):
            if at:
                self._deadline.check()
            at, exchanges, stale = rows.kernel.sweep(
                rows.values, members, gram, rows.norms, at, CHUNK, trial, total, similarity
            )
            improving |= exchanges > 0
            if stale:
                for part in rows.parts():
                    rows.kernel.products(rows.values[part], total, similarity[part])
        return improving

    @property
    def content(self) -> bool:
        """Whether nothing better is wanted or possible."""
        return self._rows.k == self._best.size or self._error <= self._limit

    def indices(self) -> NDArray[np.int64]:
        """Return the best selection so far."""
        return self._rows.centred.indices(self._best)
