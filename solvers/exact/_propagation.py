"""Constraint propagation at nodes of branch and bound.

Counting only, in whole numbers: a row that is full excludes the rest of its candidates, one that
needs all that are left includes them, and a node whose rows cannot be kept holds no selection.
"""

import math
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt.models import SideConstraints
from subsetopt.solvers.relaxations._face import LinearRows

Items = NDArray[np.int64]
Masks = NDArray[np.bool_]
Numbers = tuple[list[int], list[tuple[int, int]]]

_MANTISSA = 52  # bits of costs that float64 sums exactly


class Counted(NamedTuple):
    """Which of some selections the constraints allow.

    Parameters
    ----------
    possible : ndarray of bool
        May be feasible: not so only where that is certain.
    sure : ndarray of bool
        Is feasible. The two differ by costs that are too fine for whole numbers.
    """

    possible: Masks
    sure: Masks


class NodeConstraints:
    """The constraints of a form as dense rows over its n candidates; O(rows n) for each question.

    Parameters
    ----------
    side : SideConstraints
        With nothing included or excluded.
    k : int
        How many are chosen.
    """

    def __init__(self, side: SideConstraints, k: int) -> None:
        n, quotas, budget = side.n, side.quotas, side.budget
        count = 0 if quotas is None else len(quotas)
        self._weights = np.zeros((1 + count + (budget is not None), n), np.int64)
        self._weights[0] = 1
        self._lower, self._upper = np.array([k]), np.array([k])
        if quotas is not None:
            self._weights[1 + quotas.row_of_entry, quotas.members] = 1
            self._lower = np.append(self._lower, quotas.lower)
            self._upper = np.append(self._upper, quotas.upper)
        self._budget = budget
        if budget is not None:
            self._weights[-1] = budget.costs
            self._lower, self._upper = (
                np.append(self._lower, 0),
                np.append(self._upper, budget.limit),
            )
        self._apart = None
        if len(side.conflicts):
            self._apart = np.zeros((n, n), np.bool_)
            self._apart[tuple(side.conflicts.T)] = True
            self._apart |= self._apart.T

    def settled(self, items: Items, chosen: Items) -> tuple[Items, Items] | None:
        """Return what is still open, and what is chosen by now; None if nothing is feasible."""
        free, _, into, feasible = self.counted(items, chosen)
        return (free, np.concatenate([chosen, into])) if feasible else None

    def counted(self, items: Items, chosen: Items) -> tuple[Items, Items, Items, bool]:
        """Return what is open, ruled out and ruled in; and False if that leaves nothing."""
        free, taken, feasible = self._mask(items), self._mask(chosen), True
        while True:
            verdict = self._forced(free, taken)
            feasible = verdict is not None
            out, into = (np.zeros_like(free),) * 2 if verdict is None else verdict
            if not out.any() and not into.any():
                break
            free &= ~(out | into)
            taken |= into
        new = np.flatnonzero(taken & ~self._mask(chosen))
        gone = items[~(free | taken)[items]]
        return items[free[items]], gone, new, feasible

    def numbers(self, chosen: Items) -> Numbers:
        """Return which quotas `rows` has for equations, and what its limits are, in their order.

        For each limit the quota's number, that of the budget past them, and 1 or -1 where it is
        an upper or a lower one.
        """
        load = self._weights[1:, chosen].sum(axis=1)
        count = len(load) - (self._budget is not None)
        lower, upper = (self._lower[1:] - load)[:count], (self._upper[1:] - load)[:count]
        below = np.flatnonzero(lower < upper).tolist()
        limits = [(q, 1) for q in below] + [(q, -1) for q in below]
        return np.flatnonzero(lower == upper).tolist(), limits + [(count, 1)] * (len(load) - count)

    def _forced(self, free: Masks, taken: Masks) -> tuple[Masks, Masks] | None:
        """Return which of the free have to stay out and which to come in; None if neither can."""
        weights = self._weights
        load, reach = weights[:, taken].sum(axis=1), weights[:, free].sum(axis=1)
        room, need = self._upper - load, self._lower - load
        if (room < 0).any() or (reach < need).any():
            return None
        out = (weights > room[:, None]).any(axis=0)
        if self._apart is not None:
            blocked = self._apart[taken].any(axis=0)
            if (blocked & taken).any():
                return None
            out |= blocked
        if self._budget is not None and room[0] > 0:
            cheap = np.sort(weights[-1, free])[: room[0]]
            if cheap.sum() > room[-1]:
                return None
            # What does not fit beside the cheapest others, which itself is none of them.
            out |= weights[-1] > room[-1] - cheap[:-1].sum()
        out &= free
        into = free & ~out & (reach[:, None] - weights < need[:, None]).any(axis=0)
        return out, into

    def allowed(self, items: Items, chosen: Items, masks: Masks) -> Counted:
        """Return which selections are feasible: the chosen, and of the items those of each mask."""
        load = self._weights[:, chosen].sum(axis=1)
        loads = masks @ self._weights[:, items].T + load
        possible = ((loads >= self._lower) & (loads <= self._upper)).all(axis=1)
        if self._apart is not None:
            apart = self._apart[np.ix_(items, items)].astype(np.float64)
            possible &= ((masks @ apart) * masks).sum(axis=1) == 0
        sure = possible
        if self._budget is not None:
            sure = possible & (loads[:, -1] <= self._budget.safe_limit)
        return Counted(possible, sure)

    def apart(self, items: Items, weight: float) -> NDArray[np.float64] | None:
        """Return a matrix whose quadratic form is 0 on what is feasible; None without conflicts.

        A conflict of the items has the weight.
        """
        if self._apart is None:
            return None
        apart = self._apart[np.ix_(items, items)]
        return np.where(apart, weight, 0.0) if apart.any() else None

    def rows(self, items: Items, chosen: Items, complement: bool) -> LinearRows | None:
        """Return the rows of a relaxation of what is open, or of what of it is not chosen."""
        weights, load = self._weights[1:, items], self._weights[1:, chosen].sum(axis=1)
        lower, upper = self._lower[1:] - load, self._upper[1:] - load
        sums = weights.sum(axis=1)
        counted = len(lower) - (self._budget is not None)
        equal = np.flatnonzero((lower == upper)[:counted])
        below = np.flatnonzero((lower < upper)[:counted])
        if not len(weights):
            return None
        sign = 1
        if complement:  # 1 - m instead of m
            lower, upper, sign = sums - upper, sums - lower, -1
        most = [weights[below], -weights[below]]
        limits = [upper[below], -lower[below]]
        parts = [part.astype(np.float64) for part in most + limits]
        rows, ends = np.concatenate(parts[:2]), np.concatenate(parts[2:])
        if self._budget is not None:
            costs, limit = self._natural(items, chosen)
            # In costs of 1 - m the row is turned round: -costs x <= limit - sum of the costs.
            end = limit if sign > 0 else limit - float(costs.sum())
            rows, ends = np.vstack([rows, sign * costs]), np.append(ends, end)
        return LinearRows(weights[equal].astype(float), upper[equal].astype(float), rows, ends)

    def _natural(self, items: Items, chosen: Items) -> tuple[NDArray[np.float64], float]:
        """Return costs of the items and what may be spent on them, at most about 1 each.

        Rounded down so that all that is within the budget keeps them; else exact.
        """
        assert self._budget is not None
        costs, limit = self._budget.costs, self._budget.limit
        bits = int(costs.max(initial=0)).bit_length()
        spare = max(0, bits + math.ceil(math.log2(len(costs) + 1)) - _MANTISSA)
        costs, limit = costs >> spare, min(limit >> spare, int((costs >> spare).sum()))
        left = limit - int(costs[chosen].sum())
        power = -(bits - spare)
        return np.ldexp(costs[items].astype(np.float64), power), math.ldexp(float(left), power)

    def _mask(self, rows: Items) -> Masks:
        mask = np.zeros(self._weights.shape[1], np.bool_)
        mask[rows] = True
        return mask


def all_masks(n: int, k: int) -> Masks:
    """Return all selections of k of n, a row each."""
    chosen = list(combinations(range(n), k))
    masks = np.zeros((len(chosen), n), np.bool_)
    rows = np.repeat(np.arange(len(chosen)), k)
    masks[rows, np.array(chosen, dtype=np.int64).ravel()] = True
    return masks
