"""Searches on a sparse quadratic form: peeling, iterated swap descent and tabu walks."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.models import SparseForm
from subsetopt.solvers._deadline import CHUNK, NEVER, Deadline

from ._tabu_search import tenures

Rows = NDArray[np.int64]

_FAR = 0.25  # the share of walks that begin far from the best
_ODDS = 16  # in every other walk, one in so many moves takes out a random member
_COST = 10  # operations of each entry of a row that is added or taken off, and of each node


def sparse_form(problem: Any) -> SparseForm | None:
    """Return the form of a problem whose matrix is kept sparse, None for all others."""
    form: SparseForm | None = getattr(problem, "sparse_form", None)
    return form


class SparseDescents:
    """Iterated swap descent; its state is the best selection so far.

    Everything that it does may end with OutOfTime or KeyboardInterrupt; `indices` is then the best
    selection up to there.
    """

    chunk_size = 1

    def __init__(self, form: SparseForm, seed: int, deadline: Deadline = NEVER) -> None:
        self._peeling, self._kernel = _kernels.sparse_peeling, _kernels.sparse_swaps
        self._form, self._deadline = form, deadline
        self._rows = (form.matrix.indptr, form.matrix.indices, form.matrix.data)
        self.n, self.k = form.n, form.k
        self.generator, self._state = np.random.default_rng(seed), _kernels.rng.seeded(seed)
        self.members = self.best = np.arange(self.k)
        self.potentials = np.empty(self.n)
        self.value = self.current = math.inf
        width = 2 << (self.n - 1).bit_length()
        self._entering, self._leaving = np.full(width, np.inf), np.full(width, np.inf)
        self._progress, self._gain = np.zeros(2, np.int64), 0.0
        self._degree = 1 + len(form.matrix.data) // self.n

    @property
    def content(self) -> bool:
        """Whether there is nothing to choose."""
        return self.k == self.n

    def start(self, rows: Rows | None = None) -> None:
        """Begin from k rows, else from what peeling leaves, or has left when time is up."""
        if rows is None:
            self.peel()
        else:
            self._begin_at(rows)

    def peel(self) -> None:
        """Go to what is left where the worst leave one by one; O((n + m) log n)."""
        left, places, size = np.arange(self.n), np.empty(self.n, np.int64), self.n
        try:
            self._add_potentials(left)
            self._peeling.order_heap(left, places, self.potentials)
            self._deadline.check()
            for part in self._deadline.chunks(self.n - self.k, _COST * _COST * self._degree):
                steps = part.stop - part.start
                self._peeling.peel(*self._rows, self.potentials, left, places, size, steps)
                size -= steps
        finally:
            rest = left[:size]
            if size > self.k:
                rest = rest[np.argpartition(self.potentials[rest], self.k - 1)[: self.k]]
            self._take(rest)

    def _take(self, rows: Rows) -> None:
        """Keep a selection if it is the best."""
        self.members = np.sort(rows)
        self.current = self._form.value(self.members)
        if self.current < self.value:
            self.value, self.best = self.current, self.members

    def _add_potentials(self, members: Rows) -> None:
        np.add(self._form.linear, self._form.matrix.diagonal, out=self.potentials)
        for part in self._deadline.chunks(len(members), 2 * self._degree):
            self._peeling.add_potentials(*self._rows, members[part], self.potentials)

    def _begin_at(self, rows: Rows) -> None:
        """Go to a selection, all of whose potentials are computed afresh; O(n)."""
        self._take(rows)
        self.members = self.members.copy()
        self._add_potentials(self.members)
        self._entering[self._keys] = self.potentials
        self._entering[self._keys][self.members] = np.inf
        self._kernel.build(self._entering)
        self._leaving[:] = np.inf
        self._progress[:] = 0
        largest = max(np.abs(self.potentials).max(), np.abs(self._form.linear).max())
        self._gain = 1e-14 * float(largest)

    @property
    def _keys(self) -> slice:
        """Where the keys of the candidates stand in a tree."""
        half = len(self._entering) // 2
        return slice(half, half + self.n)

    def rounds(self, begin: int, end: int) -> int:
        """Run rounds begin..end-1, each a kick of the best and a descent; returns the next."""
        for turn in range(begin, end):
            self._begin_at(
                self._kicked(2 + int(self.generator.geometric(0.4))) if turn else self.best
            )
            self.descend()
        return end

    def descend(self) -> None:
        """Exchange until no single exchange helps."""
        state = self.members, self.potentials, self._entering, self._leaving, self._gain
        steps = max(1, CHUNK // (_COST * _COST * self._degree))
        try:
            while self._progress[self._kernel.IDLE] < self.k:
                self._deadline.check()
                self._kernel.descend(*self._rows, *state, steps, self._progress, self._state)
        finally:
            self._take(self.members)

    def _kicked(self, count: int) -> Rows:
        """Return the best with a few members replaced: half by neighbours of members."""
        draw = self.generator
        count = min(count, self.k, self.n - self.k)
        indptr, indices, _ = self._rows
        near = draw.choice(self.best, count)
        degrees = indptr[near + 1] - indptr[near]
        linked = degrees > 0
        places = indptr[near] + (draw.random(count) * degrees).astype(np.int64)
        drawn = np.concatenate([indices[places[linked]], draw.integers(self.n, size=count)])
        drawn = np.setdiff1d(drawn, self.best)
        entering = draw.choice(drawn, min(count, len(drawn)), replace=False)
        leaving = draw.choice(self.k, len(entering), replace=False)
        kicked = self.best.copy()
        kicked[leaving] = entering
        return kicked

    def indices(self) -> Rows:
        """Return the best selection so far."""
        return self.best


class SparseWalks(SparseDescents):
    """Tabu walks, each from a local optimum some way off the best selection so far."""

    resting = True

    def __init__(
        self,
        form: SparseForm,
        seed: int,
        tenure: int | None,
        stall: int | None,
        goal: float,
        deadline: Deadline = NEVER,
    ) -> None:
        super().__init__(form, seed, deadline)
        self._tenures = tenures(self.n, self.k, tenure, (8, 10))
        self._stall = 5000 + 2 * min(self.n, 10 * self.k) if stall is None else stall
        self._goal = goal
        self._steps = max(1, CHUNK // (_COST * _COST * (self._degree + 10)))
        self._places, self._until = np.empty(self.n, np.int64), np.empty(self.n, np.int64)
        self._held = np.empty(2 * int(self._tenures.sum()) + 2, np.int64)
        self._numbers, self._counts = np.zeros(3), np.zeros(3, np.int64)
        self._found = np.empty(self.k, np.int64)
        self._walking, self._odds = False, 0
        self.moves = 0

    @property
    def content(self) -> bool:
        """Whether there is nothing to choose, or the goal is reached."""
        return super().content or self.value <= self._goal

    def advance(self, most: int) -> None:
        """Go on for a chunk of some 10 ms, of at most `most` moves."""
        if not self._walking:
            if self.moves:
                far = self.generator.random() < _FAR
                away = self.generator.uniform(*((0.3, 1.0) if far else (0.02, 0.3)))
                self._begin_at(self._kicked(max(3, int(self.k * away))))
            else:
                self._begin_at(self.best)
            self.descend()
            self._begin_walk()
        asked = min(most, self._steps)
        moves = self._walk(asked)
        self.moves += moves
        self._walking = moves == asked
        if self._numbers[self._kernel.BEST] < self.value:
            members = self.members
            self._take(self._found)
            self.members = members

    def _begin_walk(self) -> None:
        kernel = self._kernel
        self._begin_at(self.members)
        self._leaving[self._keys][self.members] = -self.potentials[self.members]
        kernel.build(self._leaving)
        self._places[:], self._until[:], self._counts[:] = -1, 0, 0
        self._places[self.members] = np.arange(self.k)
        self._numbers[:] = self.current, self.current, self._gain
        self._found[:] = self.members
        self._walking, self._odds = True, 0 if self._odds else _ODDS

    def _walk(self, most: int) -> int:
        moves: int = self._kernel.walk(
            *self._rows,
            self.members,
            self._places,
            self.potentials,
            self._entering,
            self._leaving,
            self._until,
            self._held,
            self._found,
            self._numbers,
            self._counts,
            most,
            self._stall,
            self._goal,
            self._tenures,
            self._odds,
            self._state,
        )
        return moves
