"""Tabu search on a quadratic form: walks among elites, in turn with descents and annealings."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import CHUNK, NEVER, Deadline

from ._annealing import Annealings
from ._quadratic_search import Descents
from ._quadratic_steps import Mask

Phase = Callable[[int], Any]  # does a chunk of work and returns the next phase

_HEAD_START = 200_000.0  # looks of annealings that come before the first walk
_EARLY = 0.3  # looks of the first annealing for each that there is time, or are moves, for
_AT_FIRST = 0.2  # of the time: descents before the first annealing, which show if that is better
_AT_MOST = 0.5  # seconds of them, but while they go down steeply
_STEEP = 0.85  # what is left of the distance after twice the time, or less
_WALKING, _ANNEALING = range(2)
_DRIFT = 1000.0  # roundings that a sum of many changes may be off by


@dataclass(frozen=True)
class Elite:
    """A selection worth coming back to."""

    mask: Mask
    value: float


class Walks(Descents):
    """Tabu walks from kicked or crossed elites, in turn with iterated descents and annealings.

    A walk sees only the exchanges of the worst member, at O(n) a move; a descent sees all of them,
    which matters where candidates are near duplicates of each other; an annealing sees all of them
    too, and leaves the valley that it begins in. Which of them is best is a matter of the matrix:
    each has a share of the time that doubles when it has led to something better.
    """

    _ELITES = 8
    _COST = 3  # what a move of a walk costs, in turns of a descent
    _USUAL = (20, 20)  # tenures of members and of free candidates

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
        self._walk = _kernels.tabu_walk
        n, k = form.n, form.k
        self._state = _kernels.rng.seeded(seed)
        self._tenures = tenures(n, k, tenure, self._USUAL)
        self._stall = 5000 + 2 * n if stall is None else stall
        self._goal = goal
        self._steps = max(1, CHUNK // (self._COST * (n + 500)))
        self._members, self._until = np.empty(k, np.int64), np.empty(n, np.int64)
        self._keys, self._staying = np.empty(n), np.empty(k)
        self._minima = np.empty(_kernels.lanes.LANES)
        self._held, self._lying = np.empty(n, np.int64), np.empty(n)
        self._met = np.empty(k, np.int64)
        self._numbers, self._counts = np.zeros(3), np.zeros(3, np.int64)
        self._elites: list[Elite] = []
        self._phase: Phase = self._first
        self._credit = 0.0  # turns of descents that the last walk has paid for
        self._share = 1.0  # turns of descents for each of a walk, by which of them finds better
        self._annealings = Annealings(
            n, k, self._state, self._side, self._quotas, alike=form.semidefinite
        )
        # Looks of annealings that walks have paid for, and how many a turn of a walk pays for.
        # Under a kernel points have near duplicates, which annealings are better at.
        self._heat, self._warmth = (_HEAD_START, 8.0) if form.semidefinite else (0.0, 1.0)
        self._allowed = math.inf  # moves, at the beginning of the chunk that is under way
        # What walks with descents, and annealings, have lately gained, and in how many turns.
        self._gained, self._spent, self._turned = np.zeros(2), np.zeros(2), 0
        self._before = math.inf  # the best value when that was last taken down
        self._prelude = 0.0  # when the first descents may end
        self._falls: list[tuple[float, float]] = []  # seconds of them, and the distance then
        self.moves = 0

    @property
    def content(self) -> bool:
        """Whether there is nothing to choose, or the goal is reached."""
        return super().content or self.value <= self._goal

    @property
    def resting(self) -> bool:
        """Whether it may be left: neither a descent nor an annealing is under way."""
        return self._phase == self._wander

    def advance(self, most: int) -> None:
        """Go on for a chunk of some 10 ms, of at most `most` moves."""
        self._allowed = most
        self._phase = self._phase(min(most, self._steps))

    def _first(self, most: int) -> Phase:
        begun = self._deadline.elapsed
        settled, turns = self.descend()
        seconds = self._deadline.since(begun)
        if not settled:
            return self._first
        self.go(self.chosen)
        if self._before == math.inf:
            self._before = self.value
            if self._heat:
                looks = float(self._COST * self._allowed)
                if self._deadline.limited and turns and seconds:
                    looks = self._deadline.remaining * turns / seconds
                self._annealings.first(int(_EARLY * min(looks, 2**31)))
            if self._heat and self._deadline.limited and self._affordable:
                self._prelude = begun + min(_AT_FIRST * self._deadline.remaining, _AT_MOST)
                self._falls = [(begun, math.inf)]
                self.kick()
                return self._at_first
            if self._affordable:
                return self._next()
        self._begin()
        return self._wander

    def _at_first(self, most: int) -> Phase:
        """Descend from one kick after another for a part of the time, before the annealing."""
        # One descent a call: of few candidates the kicks take longer than the turns they lead to.
        settled, turns = self.descend()
        self._turned += turns
        if settled:
            self.kick()
        if (self._deadline.elapsed < self._prelude or self._steep) and not self.content:
            return self._at_first
        self._admit(Elite(self.best, self.value))
        if self.value < self._before:
            self._share = 8.0
        self._pay(_WALKING, self._turned)
        self._turned = 0
        return self._next()

    @property
    def _steep(self) -> bool:
        """Whether the second half of the time of the first descents has still led far down.

        An annealing of many candidates takes as long as many descents do, and where these go on
        like this it ends above them.
        """
        now, distance = self._deadline.elapsed, self._form.lift(self.value)
        if distance < self._falls[-1][1]:
            self._falls.append((now, distance))
        half = 0.5 * (self._falls[0][0] + now)
        before = next(fall for when, fall in reversed(self._falls) if when <= half)
        return 0.0 < distance < _STEEP * before

    def _begin(self) -> None:
        """Prepare a walk from the selection as it stands, whose value has just been computed."""
        walk, numbers = self._walk, self._numbers
        self._members[:] = self._met[:] = np.flatnonzero(self.chosen)
        self._staying[:] = self.potentials[self._members]
        self._keys[:] = np.where(self.chosen, np.inf, self.potentials)
        self._until[:], self._counts[:] = 0, 0
        largest = max(np.abs(self.potentials).max(), np.abs(self.linear).max())
        numbers[walk.VALUE] = numbers[walk.BEST] = self.current
        numbers[walk.GAIN] = 1e-14 * float(largest)

    def _walked(self, most: int) -> int:
        """Walk on by at most so many moves; returns how many were made."""
        # Each array by itself, in the order of the kernel, as `_sparse_search` hands over its own:
        # kernels take no objects, and a tuple of them would be built for every call.
        moves: int = self._walk.walk(
            self.matrix,
            self._keys,
            self._staying,
            self._members,
            self._until,
            self._held,
            self._lying,
            self._met,
            self._numbers,
            self._counts,
            most,
            self._stall,
            self._goal,
            self._tenures,
            self._state,
            self._minima,
        )
        return moves

    def _wander(self, most: int) -> Phase:
        moves = self._walked(most)
        self.moves += moves
        self._credit += self._share * self._COST * moves
        self._turned += self._COST * moves
        ended = moves < most
        if ended or self._numbers[self._walk.BEST] < self.value:
            self._keep_best()
        if not ended:
            return self._wander
        self.go(self._found)
        self._admit(Elite(self._found, self.current))
        self.kick()
        return self._descents

    @property
    def _found(self) -> Mask:
        """The best selection of the walk."""
        mask = np.zeros_like(self.chosen)
        mask[self._met] = True
        return mask

    def _keep_best(self) -> None:
        """Take the best of the walk as the best if it is."""
        before, last, found = self.value, self.best, self._found
        if self._numbers[self._walk.BEST] < self.value:
            self.best = found  # also where this is the end
        self.go(found)
        self.best = last
        self.keep(self.current)
        if self.value < before:
            self._share = max(0.25, 0.5 * self._share)

    def _descents(self, most: int) -> Phase:
        spent, before = 0, self.value
        while spent < self._turns and self._credit > 0:
            settled, turns = self.descend()
            spent += turns
            self._turned += turns
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
        self._pay(_WALKING, self._turned)
        self._heat, self._turned = self._heat + self._warmth * self._turned, 0
        return self._next()

    def _pay(self, arm: int, turns: float) -> None:
        """Take down what an arm has gained in its last turns, and share the time accordingly."""
        self._gained[arm] = 0.5 * (self._gained[arm] + self._before - self.value)
        self._spent[arm] = 0.5 * (self._spent[arm] + turns)
        self._before = self.value
        if self._spent.all():
            walking, annealing = self._gained / self._spent
            total = walking + annealing
            if total > 0.0:
                self._warmth = min(16.0, max(0.25, annealing / max(walking, 0.01 * total)))

    @property
    def _affordable(self) -> bool:
        """Whether another annealing is paid for, and fits into the moves that may be made."""
        length = self._annealings.length
        return length <= self._heat and length <= self._COST * self._allowed

    def _next(self) -> Phase:
        """Begin an annealing where that is paid for, else another walk."""
        if not self._affordable:
            self._leap()
            return self._first
        self.go(self.best)
        # Before the first walk from as hot as may be: what a descent leaves is no good beginning.
        warmth = self.generator.random() if self._elites else 1.0
        self._annealings.begin(self.chosen, self.potentials, warmth)
        return self._anneal

    def _anneal(self, most: int) -> Phase:
        if not self._annealings.look(self.matrix, self._turns):
            return self._anneal
        self.moves += self._annealings.length // self._COST
        self._heat -= self._annealings.length
        for mask in self._annealings.met():
            self.go(mask)
            self.keep(self.current)
        return self._cool

    def indices(self) -> NDArray[np.int64]:
        """Return the best selection so far, also where an annealing is under way."""
        if self._phase == self._anneal:
            least = self.value + self._annealings.least
            if least < self.value - _DRIFT * self._numbers[self._walk.GAIN]:
                self.best = self._annealings.met()[0]
        return super().indices()

    def _cool(self, most: int) -> Phase:
        """Descend from where an annealing has ended."""
        settled, _ = self.descend()
        if not settled:
            return self._cool
        self.go(self.chosen)
        self._admit(Elite(self.chosen.copy(), self.current))
        self._pay(_ANNEALING, self._annealings.length)
        self._annealings.end()
        return self._next()

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


def tenures(n: int, k: int, tenure: int | None, usual: tuple[int, int]) -> NDArray[np.int64]:
    """Return the least tenure and its random part, of members and of free candidates."""
    inside, outside = usual if tenure is None else (tenure, tenure)
    inside, outside = min(inside, k // 4), min(outside, (n - k) // 4)
    return np.array([inside, inside + 1, outside, outside + 1], dtype=np.int64)
