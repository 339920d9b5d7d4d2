"""Searches on a quadratic form: iterated swap descent, and tabu walks among elites."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.models import QuadraticForm
from subsetopt.problems._parallel import Check, unchecked
from subsetopt.solvers._deadline import CHUNK, NEVER, Deadline

from . import _quadratic_steps as steps
from ._quadratic_steps import Mask

Phase = Callable[[int], Any]  # does a chunk of work and returns the next phase

_FEW = 20_000  # so many selections are enumerated


class Descents:
    """Iterated swap descent; its state is the best selection so far.

    Everything that it does may end with OutOfTime or KeyboardInterrupt; `indices` is then the best
    selection up to there.
    """

    chunk_size = 1

    def __init__(self, form: QuadraticForm, seed: int, deadline: Deadline = NEVER) -> None:
        from subsetopt._kernels import quadratic_descent

        self._kernel, self._form, self._deadline = quadratic_descent, form, deadline
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
            steps.greedy(self._parts, self.k, self.chosen, self.potentials, self._deadline)
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


@dataclass(frozen=True)
class Elite:
    """A selection worth coming back to."""

    mask: Mask
    value: float


class Walks(Descents):
    """Tabu walks from kicked or crossed elites, in turn with iterated descents.

    A walk sees only the exchanges that single potentials promise, at O(n) a move; a descent sees
    all of them, which matters where candidates are near duplicates of each other.
    """

    _ELITES = 8
    _COST = 3  # what a move of a walk costs, in turns of a descent

    def __init__(
        self,
        form: QuadraticForm,
        seed: int,
        tenure: int | None,
        stall: int | None,
        goal: float,
        deadline: Deadline = NEVER,
    ) -> None:
        super().__init__(form, seed, deadline)
        from subsetopt._kernels import rng, tabu_walk

        self._walk = tabu_walk
        n, k = form.n, form.k
        self._state = rng.seeded(seed)
        self._tenures = _tenures(n, k, tenure)
        self._stall = 5000 + 2 * n if stall is None else stall
        self._goal = goal
        self._steps = max(1, CHUNK // (self._COST * (n + 500)))
        self._members, self._until = np.empty(k, np.int64), np.empty(n, np.int64)
        self._barred, self._held = np.empty(n), np.empty(n, np.int64)
        blocks = -(-n // tabu_walk.BLOCK)
        self._minima = steps.seen_as_bits(np.empty(blocks))
        self._keys = steps.seen_as_bits(np.full(blocks * tabu_walk.BLOCK, np.inf))
        self._near = np.empty(2 * tabu_walk.ROOM, np.int64)
        self._found = np.empty(n, dtype=np.bool_)
        self._numbers, self._counts = np.zeros(5), np.zeros(3, np.int64)
        self._elites: list[Elite] = []
        self._phase: Phase = self._first
        self._credit = 0.0  # turns of descents that the last walk has paid for
        self._share = 1.0  # turns of descents for each of a walk, by which of them finds better
        self.moves = 0

    @property
    def content(self) -> bool:
        """Whether there is nothing to choose, or the goal is reached."""
        return super().content or self.value <= self._goal

    @property
    def resting(self) -> bool:
        """Whether it may be left: no descent is under way."""
        return self._phase not in (self._first, self._descents)

    def advance(self, most: int) -> None:
        """Go on for a chunk of some 10 ms, of at most `most` moves."""
        self._phase = self._phase(min(most, self._steps))

    def _first(self, most: int) -> Phase:
        settled, _ = self.descend()
        if not settled:
            return self._first
        self.go(self.chosen)
        self._begin()
        return self._wander

    def _begin(self) -> None:
        """Prepare a walk from the selection as it stands, whose value has just been computed."""
        walk, numbers = self._walk, self._numbers
        self._members[:] = np.flatnonzero(self.chosen)
        self._barred[:] = np.where(self.chosen, np.inf, 0.0)
        self._until[:], self._found[:], self._counts[:] = 0, self.chosen, 0
        np.add(self.potentials, self._barred, out=self._keys[0][: len(self.chosen)])
        largest = max(np.abs(self.potentials).max(), np.abs(self.linear).max())
        numbers[walk.VALUE] = numbers[walk.BEST] = self.current
        numbers[walk.GAIN] = gain = 1e-14 * float(largest)
        if not numbers[walk.WIDTH_OUT]:
            numbers[walk.WIDTH_OUT] = numbers[walk.WIDTH_IN] = 1e12 * gain

    def _walked(self, most: int) -> int:
        """Walk on by at most so many moves; returns how many were made."""
        moves: int = self._walk.walk(
            self.matrix,
            self.diagonal,
            self.chosen,
            self.potentials,
            self._members,
            self._until,
            self._barred,
            self._held,
            *self._keys,
            *self._minima,
            self._near,
            self._found,
            self._numbers,
            self._counts,
            most,
            self._stall,
            self._goal,
            self._tenures,
            self._state,
        )
        return moves

    def _wander(self, most: int) -> Phase:
        moves = self._walked(most)
        self.moves += moves
        self._credit += self._share * self._COST * moves
        ended = moves < most
        if ended or self._numbers[self._walk.BEST] < self.value:
            self._keep_found()
        if not ended:
            return self._wander
        self.go(self._found)
        self._admit(Elite(self._found.copy(), self.current))
        self.kick()
        return self._descents

    def _keep_found(self) -> None:
        """Take the best of the walk as the best if it is, and go back to where the walk stands."""
        chosen, potentials, before = self.chosen.copy(), self.potentials.copy(), self.value
        last = self.best
        if self._numbers[self._walk.BEST] < self.value:
            self.best = self._found  # also where this is the end
        self.go(self._found)
        self.best = last
        self.keep(self.current)
        if self.value < before:
            self._share = max(0.25, 0.5 * self._share)
        self.chosen[:], self.potentials[:] = chosen, potentials

    def _descents(self, most: int) -> Phase:
        spent, before = 0, self.value
        while spent < self._turns and self._credit > 0:
            settled, turns = self.descend()
            spent += turns
            self._credit -= turns
            if settled:
                self.kick()
            if self.content:
                break
        if self.value < before:
            self._share = min(8.0, 2.0 * self._share)
        if self._credit > 0:
            return self._descents
        self._admit(Elite(self.best, self.value))
        self._leap()
        return self._first

    def _admit(self, elite: Elite) -> None:
        """Take a selection among the elites, at the cost of the worst."""
        if any(np.array_equal(elite.mask, other.mask) for other in self._elites):
            return
        self._elites = sorted([*self._elites, elite], key=lambda e: e.value)[: self._ELITES]

    def _leap(self) -> None:
        """Go where the next walk is to begin: between two elites, or some way off one."""
        draw = self.generator
        one = self._elites[draw.integers(len(self._elites))].mask
        other = self._elites[draw.integers(len(self._elites))].mask
        apart = np.flatnonzero(one ^ other)
        if len(apart) > 4 and draw.random() < 0.7:
            child = one & other
            missing = self.k - np.count_nonzero(child)
            child[draw.choice(apart, missing, replace=False)] = True
            self.go(child)
        else:
            self.go(one)
            self._shake(max(3, int(self.k * draw.uniform(0.1, 0.5))))


def _tenures(n: int, k: int, tenure: int | None) -> NDArray[np.int64]:
    """Return the least tenure and its random part, of members and of free candidates."""
    inside, outside = (8, 10) if tenure is None else (tenure, tenure)
    inside, outside = min(inside, k // 4), min(outside, (n - k) // 4)
    return np.array([inside, inside + 1, outside, outside + 1], dtype=np.int64)


def enumerated(form: QuadraticForm, check: Check = unchecked) -> NDArray[np.int64] | None:
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
