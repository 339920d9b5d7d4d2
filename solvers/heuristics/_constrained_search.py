"""Searches on a quadratic form whose selections keep constraints: descents, and tabu walks."""

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.models import QuadraticForm, SideConstraints
from subsetopt.problems._draws import of_side
from subsetopt.problems._mean_matching_models import gram_form
from subsetopt.solvers._deadline import NEVER, Deadline

from ._centred import origin
from ._quadratic_search import Descents
from ._quadratic_steps import Mask, growing
from ._tabu_search import Walks

Side = tuple[NDArray[np.int64], ...]
"""``(starts, rows, weights, lower, upper, load, begins, items)``, as the kernels take them."""

_FEW = 2000  # so many selections are tried one by one
_TRIES = 4  # kicks that may end in vain before the search goes on from where it is


def packed(side: SideConstraints) -> tuple[Side, int]:
    """Return constraints by candidate, and the most rows with a lower limit that one is in."""
    items, rows, weights = [_NONE], [_NONE], [_NONE]
    lower, upper = [_NONE], [_NONE]
    count = cover = 0
    if side.quotas is not None:
        quotas = side.quotas
        count = len(quotas)
        items.append(quotas.members)
        rows.append(quotas.row_of_entry)
        weights.append(np.ones(len(quotas.members), np.int64))
        lower.append(quotas.lower)
        upper.append(quotas.upper)
        needed = quotas.members[(quotas.lower > 0)[quotas.row_of_entry]]
        cover = int(np.bincount(needed).max(initial=0))
    if side.budget is not None:
        costly = np.flatnonzero(side.budget.costs)
        items.append(costly)
        rows.append(np.full(len(costly), count))
        weights.append(side.budget.costs[costly])
        lower.append(np.zeros(1, np.int64))
        upper.append(np.array([side.budget.safe_limit]))
        count += 1
    pairs = len(side.conflicts)
    items.append(side.conflicts.ravel())
    rows.append(count + np.repeat(np.arange(pairs), 2))
    weights.append(np.ones(2 * pairs, np.int64))
    lower.append(np.zeros(pairs, np.int64))
    upper.append(np.ones(pairs, np.int64))
    item = np.concatenate(items)
    order = np.argsort(item, kind="stable")
    starts = np.searchsorted(item[order], np.arange(side.n + 1)).astype(np.int64)
    by_item = [np.concatenate(part)[order].astype(np.int64) for part in (rows, weights)]
    limits = [np.concatenate(part).astype(np.int64) for part in (lower, upper)]
    row = np.concatenate(rows)
    by_row = np.argsort(row, kind="stable")
    begins = np.searchsorted(row[by_row], np.arange(count + pairs + 1)).astype(np.int64)
    load = np.zeros(count + pairs, np.int64)
    return (starts, *by_item, *limits, load, begins, item[by_row].astype(np.int64)), cover


_NONE = np.empty(0, np.int64)


def constrained_form(problem: Any, deadline: Deadline) -> QuadraticForm:
    """Return the quadratic form of a problem; of scalars that of the square of their error."""
    if problem.family != "mean-matching":
        form: QuadraticForm = problem.quadratic_form(deadline.check)
        return form
    values = problem.values.reshape(-1, 1)
    centring = origin(problem)
    form = gram_form(values, problem.k, centring, problem.smallest_count, deadline.check)
    return replace(form, side=problem.side.placed(form.positions, problem.k))


def feasible_enumerated(form: QuadraticForm) -> NDArray[np.int64] | None:
    """Return a best selection of k rows that keeps the constraints; None where they are many."""
    if math.comb(form.n, form.k) > _FEW:
        return None
    assert form.side is not None
    starts, rows, weights, lower, upper, load, _, _ = packed(form.side)[0]
    taken = np.array(list(combinations(range(form.n), form.k)), np.int64)
    masks = np.zeros((len(taken), form.n), np.int64)
    np.put_along_axis(masks, taken, 1, axis=1)
    entries = np.zeros((form.n, len(load)), np.int64)
    entries[np.repeat(np.arange(form.n), np.diff(starts)), rows] = weights
    loads = masks @ entries
    kept = ((lower <= loads) & (loads <= upper)).all(axis=1)
    values = ((masks @ form.matrix) * masks).sum(axis=1, dtype=np.float64) + masks @ form.linear
    best: NDArray[np.int64] = taken[np.where(kept, values, np.inf).argmin()]
    return best if kept.any() else None


class ConstrainedDescents(Descents):
    """Iterated descents by swaps that keep the constraints; see `Descents`.

    Without a selection to begin with the constraints have to be disjoint quotas, which the greedy
    one can always keep.
    """

    def __init__(self, form: QuadraticForm, seed: int, deadline: Deadline = NEVER) -> None:
        super().__init__(form, seed, deadline)
        self._constrain(form, seed)

    def _constrain(self, form: QuadraticForm, seed: int) -> None:
        assert form.side is not None
        self._swaps, self._draws = _kernels.constrained_swaps, _kernels.rng.seeded(seed)
        self._side, self._cover = packed(form.side)
        self._quotas = 0 if form.side.quotas is None else len(form.side.quotas)

    def fill(self) -> None:
        """Go to the greedy selection, or to a random one when the time is up."""
        assert self._form.side is not None
        self.potentials[:] = self.diagonal
        entering = np.empty(self.k, np.int64)
        try:
            for step, linear in growing(self._form):
                self.potentials += linear
                for part in self._deadline.chunks(step.stop - step.start, 2 * len(self.chosen)):
                    rows = slice(step.start + part.start, step.start + part.stop)
                    self._refill(_NONE, entering[rows], 0.0, later=self.k - rows.stop)
                self._deadline.check()
        except BaseException:
            self.chosen[:] = False
            self.chosen[of_side(self._form.side, self.generator)] = True
            raise

    def _load(self) -> None:
        starts, rows, weights, _, _, load, _, _ = self._side
        entry = np.repeat(self.chosen, np.diff(starts))
        load[:] = 0
        np.add.at(load, rows[entry], weights[entry])

    def go(self, mask: Mask) -> None:
        """Go to a selection, which keeps the constraints."""
        super().go(mask)
        self._load()

    def kick(self) -> None:
        """Go to the best and exchange a few of its members, as far as the constraints let it."""
        self.chosen[:], self.potentials[:] = self.best, self._fresh
        self._load()
        self._shake(2 + int(self.generator.geometric(0.4)))

    def _shake(self, count: int) -> None:
        """Remove some members and fill up at random; what cannot be filled up stays as it was."""
        spread = float(np.ptp(self.potentials[~self.chosen])) if self.k < len(self.chosen) else 0.0
        for _ in range(_TRIES):
            members = np.flatnonzero(self.chosen)
            leaving = self.generator.choice(members, min(count, self.k), replace=False)
            if self._exchanged(leaving, 0.5 * spread):
                return

    def _exchanged(self, leaving: NDArray[np.int64], spread: float) -> bool:
        load = self._side[5]
        before = self.chosen.copy(), self.potentials.copy(), load.copy()
        if self._refill(leaving, np.empty(len(leaving), np.int64), spread):
            return True
        self.chosen[:], self.potentials[:], load[:] = before
        return False

    def _refill(
        self,
        leaving: NDArray[np.int64],
        entering: NDArray[np.int64],
        spread: float,
        later: int = 0,
    ) -> bool:
        kept: bool = self._swaps.refill(
            self.matrix,
            self.diagonal,
            leaving,
            entering,
            later,
            self._cover,
            spread,
            self._draws,
            self.chosen,
            self.potentials,
            self._side,
        )
        return kept

    def _descended(self) -> tuple[bool, int, float]:
        members, progress = self.chosen.nonzero()[0], np.zeros(3)
        swaps, value = self._swaps, math.inf
        for part in self._deadline.chunks(self._turns, len(self.chosen)):
            value = swaps.descend(
                self.matrix,
                self.diagonal,
                self.linear,
                part.stop,
                members,
                progress,
                self.chosen,
                self.potentials,
                self._side,
            )
            if progress[swaps.IDLE] >= len(members):
                break
        turns, idle, _ = progress.tolist()
        return idle >= len(members), int(turns), value


class ConstrainedWalks(ConstrainedDescents, Walks):
    """Tabu walks that keep the constraints, in turn with iterated descents; see `Walks`."""

    _COST = 8  # what a move of a walk costs, in turns of a descent
    _USUAL = (8, 10)

    def __init__(
        self,
        form: QuadraticForm,
        seed: int,
        tenure: int | None,
        stall: int | None,
        goal: float,
        deadline: Deadline = NEVER,
    ) -> None:
        self._constrain(form, seed)
        Walks.__init__(self, form, seed, tenure, stall, goal, deadline)
        self._best_met = np.empty(form.n, np.bool_)

    def _begin(self) -> None:
        self._members[:] = np.flatnonzero(self.chosen)
        self._until[:], self._best_met[:], self._counts[:] = 0, self.chosen, 0
        largest = max(np.abs(self.potentials).max(), np.abs(self.linear).max())
        self._numbers[:3] = self.current, self.current, 1e-14 * float(largest)

    def _walked(self, most: int) -> int:
        moves: int = self._swaps.walk(
            self.matrix,
            self.diagonal,
            self.chosen,
            self.potentials,
            self._members,
            self._until,
            self._best_met,
            self._numbers,
            self._counts,
            most,
            self._stall,
            self._goal,
            self._tenures,
            self._state,
            self._side,
        )
        return moves

    @property
    def _found(self) -> Mask:
        return self._best_met.copy()

    def _keep_best(self) -> None:
        """Take the best of the walk as the best if it is, and go back to where the walk stands."""
        chosen, potentials = self.chosen.copy(), self.potentials.copy()
        super()._keep_best()
        self.chosen[:], self.potentials[:] = chosen, potentials
        self._load()

    def _leap(self) -> None:
        """Go some way from one elite towards another, or some way off one."""
        draw = self.generator
        one = self._elites[draw.integers(len(self._elites))].mask
        other = self._elites[draw.integers(len(self._elites))].mask
        self.go(one)
        apart = np.flatnonzero(one & ~other)
        if len(apart) > 2 and draw.random() < 0.7:
            self._exchanged(draw.choice(apart, len(apart) // 2, replace=False), 0.0)
        else:
            self._shake(max(3, int(self.k * draw.uniform(0.1, 0.5))))
