"""Searches on a quadratic form: iterated swap descent, and all selections where they are few."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.models import QuadraticForm
from subsetopt.problems._parallel import Check, no_callback
from subsetopt.solvers._deadline import CHUNK, NEVER, Deadline

from . import _quadratic_steps as steps
from ._quadratic_steps import Mask

_FEW = 20_000  # so many selections are enumerated


class Descents:
    """Iterated swap descent; its state is the best selection so far.

    Everything that it does may end with OutOfTime or KeyboardInterrupt; `indices` is then the best
    selection up to there.
    """

    chunk_size = 1
    _side: Any = None  # constraints, as the kernels take them
    _quotas = 0  # how many of their rows are quotas

    def __init__(self, form: QuadraticForm, seed: int, deadline: Deadline = NEVER) -> None:
        self._kernel, self._form, self._deadline = _kernels.quadratic_descent, form, deadline
        self._parts = steps.arrays(form)
        self.matrix, self.diagonal, self.linear = self._parts
        self.k = form.k
        self.generator = np.random.default_rng(seed)
        self.chosen = np.zeros(form.n, dtype=np.bool_)
        self.potentials = np.empty(form.n)
        self.best, self._fresh = self.chosen, self.potentials
        self.value = self.current = math.inf
        self._partners = steps.seen_as_bits(np.empty(form.n + 1))
        self._settled = False
        self._turns = max(2 * form.k, CHUNK // form.n)

    def start(self, rows: NDArray[np.int64] | None = None) -> None:
        """Begin from k rows, else from the greedy selection, as far as it is when time is up."""
        if rows is None:
            self.fill()
        else:
            self.chosen[rows] = True
        self.keep(-math.inf)

    def fill(self) -> None:
        """Go to the greedy selection, of which the time may leave a part at random."""
        try:
            steps.greedy(self._form, self.chosen, self.potentials, self._deadline)
        except BaseException:
            steps.complete(self.chosen, self.k, self.generator)
            raise

    def rounds(self, begin: int, end: int) -> int:
        """Run rounds begin..end-1, each a kick of the best and a descent; returns the next.

        A descent that takes long is left between two sweeps, and goes on in the next call.
        """
        for turn in range(begin, end):
            if turn and self._settled:
                self.kick()
            if not self.descend()[0]:
                return turn
        return end

    def kick(self) -> None:
        """Go to the best and exchange a few of its members for random candidates."""
        self.chosen[:], self.potentials[:] = self.best, self._fresh
        self._shake(2 + int(self.generator.geometric(0.4)))

    def _shake(self, count: int) -> None:
        count = min(count, self.k, len(self.chosen) - self.k)
        taken, free = np.flatnonzero(self.chosen), np.flatnonzero(~self.chosen)
        leaving = self.generator.choice(taken, count, replace=False, shuffle=False)
        entering = self.generator.choice(free, count, replace=False)
        for part in self._deadline.chunks(count, 2 * len(self.chosen)):
            self._kernel.exchange_all(
                self.matrix,
                self.diagonal,
                leaving[part],
                entering[part],
                self.chosen,
                self.potentials,
            )

    def go(self, mask: Mask) -> None:
        """Go to a selection."""
        self.chosen[:] = mask
        self.current = steps.refresh(self._parts, self.chosen, self.potentials, self._deadline)

    def descend(self) -> tuple[bool, int]:
        """Descend for a while; returns whether no exchange helps any more, and the turns."""
        try:
            self._settled, turns, value = self._descended()
        except BaseException:
            if self._standing() < self.value:  # this is the end: no need of fresh potentials
                self.best = self.chosen
            raise
        self.keep(value)
        return self._settled, turns

    def _descended(self) -> tuple[bool, int, float]:
        return steps.descend(
            self._parts,
            self._turns,
            self.chosen,
            self.potentials,
            self._deadline,
            self._partners,
        )

    def _standing(self) -> float:
        """Return the value of the selection as it stands, from its potentials."""
        parts = self.potentials + self.linear + self.diagonal
        return 0.5 * float(parts[self.chosen].sum())

    def keep(self, standing: float) -> None:
        """Take the selection, whose value is about `standing`, as the best if it is better.

        Its value is computed afresh before.
        """
        if standing < self.value:
            before, self.best = self.best, self.chosen  # also where this is the end
            self.go(self.chosen)
            self.best = before
            if self.current < self.value:
                self.best, self._fresh = self.chosen.copy(), self.potentials.copy()
                self.value = self.current

    @property
    def content(self) -> bool:
        """Whether there is nothing to choose."""
        return self.k == len(self.best)

    def indices(self) -> NDArray[np.int64]:
        """Return the best selection so far, in the problem's own indices."""
        return self._form.indices(np.flatnonzero(self.best))


def enumerated(form: QuadraticForm, check: Check = no_callback) -> NDArray[np.int64] | None:
    """Return a best selection by trying all of them, None where they are many."""
    if math.comb(form.n, form.k) > _FEW:
        return None
    parts = steps.arrays(form)
    if 2 * form.k <= form.n:
        return steps.best_of_all(parts, form.k)
    if form.k == form.n:
        return np.arange(form.n)
    # Of the others there are fewer; what they leave is m'Am + c'm with m = 1 - m'.
    linear = -parts.linear - 2.0 * steps.row_sums(parts.matrix, check)
    left = steps.best_of_all(parts._replace(linear=linear), form.n - form.k)
    return np.setdiff1d(np.arange(form.n), left)
