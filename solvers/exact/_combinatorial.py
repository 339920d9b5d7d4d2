"""Branch and bound on a quadratic form by sums of its largest pairs, in integers.

Called by `branch_and_bound`. The form is restated in int64, as choosing the fewer of those taken
and those left out: without loss where all its values are multiples of one number, else with every
coefficient rounded to the side on which the bound stays one, so that nothing the kernel compares
is rounded. The kernel is `combinatorial_tree`, which has the bound.

The tree is searched by several walks in turns of a fixed number of nodes, each of which knows the
best of all as it was when the turn began; a walk that has come to its end takes over the first
open node of the one that has most of them. So threads change nothing of what is looked at.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._kernels._tiers import Tiers
from subsetopt.models import QuadraticForm
from subsetopt.problems._dyadic import Dyadic
from subsetopt.problems._parallel import Check, no_callback

_KERNELS = Tiers("combinatorial_tree", kernel="combinatorial_tree.search")
_EXACT_SUMS = 2.0**48  # multiples of the grid below this are summed exactly in float64
_BITS = 50  # of the sum of all magnitudes where coefficients are rounded
_WALKS = 4
_TURN = 2**21  # items times chosen that a walk looks at in a turn: some 5 ms
_FIRST = 32  # nodes of the first turn
_UNKNOWN = 2**60  # above every sum
_ROWS = 64  # sorted between two looks at the clock
_NOTES = 2**16  # entries that are noted between two looks at them

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WholeForm:
    """A form in whole numbers: choose `size` items so that gains and pairs add up to the most.

    The inner value of a selection is at least ``-unit * (gains + 2 halves + constant)``, its sum
    over the chosen items and pairs of them; with no difference where `exact`.

    Parameters
    ----------
    halves : ndarray of int64 (n, n)
        Half of what each pair adds, in units; the diagonal is zero.
    gains : ndarray of int64 (n,)
    size : int
    constant : int
    unit : Fraction
    complement : bool
        Items are the rows that are left out.
    exact : bool
    """

    halves: Integers
    gains: Integers
    size: int
    constant: int
    unit: Fraction
    complement: bool
    exact: bool

    @classmethod
    def of(cls, form: QuadraticForm, grid: float | None) -> "WholeForm | None":
        """Restate a form; O(n^2). None where its magnitudes have no sum."""
        # What choosing a pair, or an item, takes off the inner value.
        with np.errstate(over="ignore"):
            pairs = -2.0 * form.matrix.astype(np.float64)
        np.fill_diagonal(pairs, 0.0)
        own = -np.diagonal(form.matrix).astype(np.float64), -form.linear
        if grid is not None:
            halves = np.rint(pairs / grid).astype(np.int64)
            gains = sum(np.rint(part / grid).astype(np.int64) for part in own)
            unit = Fraction(grid)
        else:
            with np.errstate(over="ignore"):
                largest = float(np.abs(pairs).sum() + sum(np.abs(part).sum() for part in own))
            if not math.isfinite(largest):
                return None
            power = _BITS - math.frexp(largest)[1] if largest else 0
            halves = np.ceil(np.ldexp(pairs, power)).astype(np.int64)
            gains = sum(np.ceil(np.ldexp(part, power)).astype(np.int64) for part in own)
            unit = Fraction(2) ** -power
        return cls._fewer(halves, 2 * gains, form.k, unit / 2, grid is not None)

    @classmethod
    def _fewer(
        cls, halves: Integers, gains: Any, k: int, unit: Fraction, exact: bool
    ) -> "WholeForm":
        n = len(gains)
        complement = 2 * k > n
        constant = 0
        if complement:
            # With m = 1 - x: all of it, less each x_i with its pairs, plus the pairs among x again.
            sums = halves.sum(axis=1)
            constant = int(gains.sum()) + int(sums.sum())
            gains, k = -(gains + 2 * sums), n - k
        return cls(halves, gains, k, constant, unit, complement, exact)

    @property
    def n(self) -> int:
        """The number of items."""
        return len(self.gains)

    def items(self, rows: Integers) -> Integers:
        """Return the items that a selection of rows amounts to; the way back is the same."""
        return np.setdiff1d(np.arange(self.n), rows) if self.complement else np.sort(rows)

    def value(self, items: Integers) -> int:
        """Return the sum of some items; O(size^2)."""
        return int(self.gains[items].sum()) + int(self.halves[np.ix_(items, items)].sum())

    def inner(self, value: int) -> Fraction:
        """Return what no selection of a sum of at most `value` is below, as an inner value."""
        return -(value + self.constant) * self.unit


class _Walk:
    """Open nodes of the tree, the last first; see `combinatorial_tree.search`."""

    def __init__(self, whole: WholeForm, order: NDArray[np.int32], root: bool) -> None:
        n, depth = whole.n, whole.size + 2
        self._whole, self._order = whole, order
        self.gains, self.items = np.zeros((2, depth, n), np.int64)
        self.members = np.zeros((depth, max(1, whole.size)), np.int64)
        self.heads = np.zeros((depth, 5), np.int64)
        self.state = np.array([-1, 0, 0])
        self.best = np.zeros(max(1, whole.size), np.int64)
        self.notes = np.zeros(0, np.int64)
        self._work = *np.zeros((3, n), np.int64), np.zeros(n, np.bool_)
        if root:
            self.gains[0], self.items[0] = whole.gains, np.arange(n)
            self.heads[0] = n, 0, 0, _UNKNOWN, 0
            self.state[0] = 0

    @property
    def open(self) -> int:
        """How many nodes are open."""
        return int(self.state[0]) + 1

    def run(self, kernels: Any, allowed: int, steps: int) -> int:
        """Look at so many nodes; returns how many there were."""
        return int(
            kernels.search(
                self._whole.halves,
                self._order,
                self._whole.size,
                self.gains,
                self.items,
                self.members,
                self.heads,
                self.state,
                self.best,
                allowed,
                steps,
                *self._work,
                self.notes,
            )
        )

    def take_first_of(self, other: "_Walk") -> None:
        """Take over the first open node of another walk: what is nearest to the root."""
        for mine, its in zip(self._arrays(), other._arrays(), strict=True):
            mine[0] = its[0]
            its[:-1] = its[1:].copy()
        self.state[0] = 0
        other.state[0] -= 1

    def _arrays(self) -> tuple[Integers, ...]:
        return self.gains, self.items, self.members, self.heads


class CombinatorialTree:
    """The state of the search: the walks, and the best selection.

    Parameters
    ----------
    whole : WholeForm
    rows : ndarray of int64 (k,)
        A selection to begin with.
    check : callable
        Called now and then while rows are sorted.
    """

    def __init__(self, whole: WholeForm, rows: Integers, check: Check = no_callback) -> None:
        self.whole = whole
        keys = -whole.halves
        np.fill_diagonal(keys, _UNKNOWN)
        order = np.empty(keys.shape, np.int32)
        for row, key in enumerate(keys):
            if row % _ROWS == 0:
                check()
            order[row] = np.argsort(key, kind="stable")
        self._walks = [_Walk(whole, order, root=walk == 0) for walk in range(_WALKS)]
        self.best = whole.items(rows)
        self.value = whole.value(self.best)
        self.explored = 0
        self._root = _UNKNOWN
        self.allowed = 0  # the most that has been
        self._turn = _FIRST

    @property
    def rows(self) -> Integers:
        """The rows of the best selection."""
        return self.whole.items(self.best)

    @property
    def open(self) -> int:
        """How many nodes are open."""
        return sum(walk.open for walk in self._walks)

    @property
    def exact(self) -> bool:
        """Whether the value of the best is the most that any has, once nothing is open."""
        return self.whole.exact and not self.allowed

    @property
    def bound(self) -> Fraction | None:
        """A lower bound on the inner value; None where nothing is known."""
        most = max(self._open_bound(), self.value + self.allowed)
        return None if most >= _UNKNOWN else self.whole.inner(most)

    @property
    def progress(self) -> float:
        """How much of the way from the bound at the root to the best is done, in [0, 1]."""
        root, now = self._root - self.value, self._open_bound() - self.value
        if now <= 0 or root <= 0:
            return 1.0
        return 0.0 if self._root == _UNKNOWN else max(0.0, 1.0 - now / root)

    @property
    def turn(self) -> int:
        """Nodes that one walk looks at between two looks at limits; what a turn of all is."""
        return min(self._turn, max(16, _TURN // (self.whole.n * (self.whole.size + 2))))

    def offer(self, rows: Integers) -> None:
        """Take a selection for the best if it is."""
        items = self.whole.items(rows)
        value = self.whole.value(items)
        if value > self.value:
            self.best, self.value = items, value

    def run(self, pool: ThreadPoolExecutor | None, allowed: int, most: float) -> None:
        """Let each walk look at nodes, `most` together; O(n size) a node.

        Nodes that hold nothing more than `allowed` above the best are left.
        """
        self.allowed = max(self.allowed, allowed)
        self._share()
        busy = [walk for walk in self._walks if walk.open]
        steps = int(min(self.turn, max(1, most // max(1, len(busy)))))
        self._turn *= 2
        (kernels,) = _KERNELS.choose(steps * len(busy) * self.whole.n * (self.whole.size + 4))
        for walk in busy:
            walk.state[1] = self.value
        with self._gathered(busy):
            if pool is None or len(busy) < 2:
                for walk in busy:
                    self.explored += walk.run(kernels, allowed, steps)
                return
            running = [pool.submit(walk.run, kernels, allowed, steps) for walk in busy]
            try:
                self.explored += sum(future.result() for future in running)
            finally:
                wait(running)  # nobody else may look at the walks before

    def preorder(self, check: Check = no_callback) -> Integers:
        """Return the whole tree of a search that knows the best from the beginning, in preorder.

        A row, then the part of the selections that hold it, then that of the others; -1 where a
        part is bounded, or empty. Whatever was left is left here; none must have been by a gap.
        """
        walk = _Walk(self.whole, self._walks[0]._order, root=True)
        walk.state[1], parts = self.value, []
        walk.notes = np.zeros(_NOTES + 8 * self.whole.n, np.int64)
        (kernels,) = _KERNELS.choose(self.explored * self.whole.n * (self.whole.size + 4))
        while walk.open:
            walk.run(kernels, 0, 2**62)
            check()
            parts.append(walk.notes[: walk.state[2]].copy())
            walk.state[2] = 0
        noted = np.concatenate(parts)
        return _swapped(noted) if self.whole.complement else noted

    @contextmanager
    def _gathered(self, busy: list[_Walk]) -> Iterator[None]:
        """Take what the walks have come to, whatever ends the block."""
        try:
            yield
        finally:
            for walk in busy:
                if walk.state[1] > self.value:
                    self.best = np.sort(walk.best[: self.whole.size])
                    self.value = int(walk.state[1])
            if self._root == _UNKNOWN:
                self._root = self._open_bound()

    def _share(self) -> None:
        """Give the walks that have come to their end something to do."""
        if self._turn <= 4 * _FIRST:
            return  # small trees are not divided
        for walk in self._walks:
            most = max(self._walks, key=lambda other: other.open)
            if not walk.open and most.open > 1:
                walk.take_first_of(most)

    def _open_bound(self) -> int:
        return max(
            (int(walk.heads[: walk.open, 3].max()) for walk in self._walks if walk.open),
            default=-_UNKNOWN,
        )


def _swapped(noted: Integers) -> Integers:
    """Return a tree in preorder with the two parts of every node in the other order."""
    entries, ends = noted.tolist(), [0] * len(noted)
    after: list[int] = []  # the ends of the subtrees that come next, the nearest last
    for place in range(len(entries) - 1, -1, -1):
        if entries[place] < 0:
            ends[place] = place + 1
        else:
            after.pop()
            ends[place] = after.pop()
        after.append(ends[place])
    waiting, swapped = [0], []
    while waiting:
        place = waiting.pop()
        swapped.append(entries[place])
        if entries[place] >= 0:
            waiting += [place + 1, ends[place + 1]]
    return np.array(swapped, np.int64)


def grid_of(form: QuadraticForm) -> float | None:
    """Return the number of which all inner values are multiples, where float64 sums them exactly.

    O(n^2); None where there is none but the rounding unit.
    """
    upper = np.triu_indices(form.n, 1)
    # A value is a sum of 2 A_ij of pairs, A_ii and c_i: all are multiples of the divisor of these.
    doubled = 2.0 * form.matrix[upper].astype(np.float64)
    own = np.diagonal(form.matrix).astype(np.float64)
    terms = np.concatenate([doubled, own, form.linear])
    dyadic = Dyadic.of(terms)
    if dyadic.integers is None:
        return None
    step = int(np.gcd.reduce(dyadic.integers))
    unit = math.ldexp(step, dyadic.exponent)
    # Every partial sum of any selection is below this, so exact in float64 in any order.
    largest = float(np.abs(terms).sum())
    return unit if unit > 0.0 and largest < _EXACT_SUMS * unit else None
