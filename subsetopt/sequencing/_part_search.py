"""The search of a partition: swaps within blocks of units, block after block."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._kernels._tiers import Tiers, seeded
from subsetopt.solvers._deadline import CHUNK, Deadline

from ._part_kernels import UnitSums
from ._part_units import Units

ALONE, BLOCK = 4096, 2048
"""Units up to which all are swapped with each other, and of more so many at a time: K of these is
all that is held of K."""

_TIERS = Tiers("part_swaps", kernel="part_swaps.descend")
_ENOUGH = 0.05  # of the objective: a sweep that gains less is the last
_SWEEPS = 20
_SHAKES = 2  # random swaps before a descent is tried anew
_VAIN = 100  # such attempts in vain, after which there are no more
_WORK = 10**9  # entries that are read for such attempts: about a second
_ROUNDING = 1e-13
_KEYS = 1024  # `quadratic_descent.BLOCK`, without loading the compiler

Told = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class PartSums:
    """A partition, and the sums that belong to it.

    Parameters
    ----------
    parts : ndarray of int64 (U,)
    potentials : ndarray of float64 (p, U)
        For each unit the sums of its kernels with all rows of each part.
    sizes, sums : ndarray of float64 (p,)
        Rows of each part, and the sums of kernels within it.
    counts : ndarray of int64 (p, C)
    """

    parts: NDArray[np.int64]
    potentials: NDArray[np.float64]
    sizes: NDArray[np.float64]
    sums: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def of(
        cls, parts: NDArray[np.int64], potentials: NDArray[np.float64], units: Units
    ) -> "PartSums":
        """Return what the sums of parts are, their potentials given."""
        p = len(potentials)
        sums = pair_sums(parts, potentials).diagonal().copy()
        held = np.zeros((p, len(units.demands)), np.int64)
        np.add.at(held, (parts, units.kinds), 1)
        counts = held @ units.demands
        return cls(parts, potentials, counts[:, 0].astype(np.float64), sums, counts)

    @property
    def value(self) -> float:
        """What the search lowers: the sum of S_a / n_a."""
        return float((self.sums / self.sizes).sum())

    def moved(self, units: NDArray[np.int64], block: "SwapBlock", change: Any) -> "PartSums":
        """Return it after a block's swaps; `change` (p, U) is what they change the potentials by.

        None where the block holds all units, and their potentials.
        """
        parts = self.parts.copy()
        parts[units] = block.parts
        if change is None:
            potentials = np.empty_like(self.potentials)
            potentials[:, units] = block.potentials
        else:
            potentials = self.potentials + change
        return PartSums(parts, potentials, block.sizes, block.sums, block.counts)


def pair_sums(parts: NDArray[np.int64], potentials: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of K between all pairs of parts (p, p), from the potentials."""
    p = len(potentials)
    rows = [np.bincount(parts, weights=part, minlength=p) for part in potentials]
    sums = np.array(rows)
    return np.asarray((sums + sums.T) / 2)


@dataclass(eq=False)
class SwapBlock:
    """Some units, and copies of what the kernels change."""

    matrix: NDArray[Any]
    mass: NDArray[np.float64]
    kinds: NDArray[np.int64]
    parts: NDArray[np.int64]
    potentials: NDArray[np.float64]
    sizes: NDArray[np.float64]
    sums: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def value(self) -> float:
        """What the search lowers."""
        return float((self.sums / self.sizes).sum())

    @property
    def changing(self) -> tuple[NDArray[Any], ...]:
        """What the kernels change."""
        return self.parts, self.potentials, self.sizes, self.sums, self.counts

    def copy(self) -> "SwapBlock":
        """Return it with other arrays of what changes."""
        names = ("parts", "potentials", "sizes", "sums", "counts")
        return replace(self, **{name: getattr(self, name).copy() for name in names})


class PartSearch:
    """Swaps until none helps; what it has come to is `standing`, whenever it is looked at.

    Parameters
    ----------
    sums : UnitSums
    standing : PartSums
        Where it begins.
    low, high : ndarray of int64 (p, C)
        Between which counts stay.
    generator : Generator
    deadline : Deadline
    """

    def __init__(
        self,
        sums: UnitSums,
        standing: PartSums,
        low: NDArray[np.int64],
        high: NDArray[np.int64],
        generator: np.random.Generator,
        deadline: Deadline,
    ) -> None:
        self.standing = standing
        self._sums, self._units = sums, sums.units
        self._generator, self._deadline = generator, deadline
        n, p = len(self._units), len(standing.sizes)
        (self._kernels,) = _TIERS.choose(1e3 * n * min(n, ALONE), hurried=deadline.limited)
        self._fixed = (self._units.demands, low, high)
        self._equal = bool((self._units.mass == self._units.mass[0]).all())
        self._least_gain = _ROUNDING * float(np.abs(standing.sums / standing.sizes).sum())
        self._state = seeded(int(generator.integers(2**31)))
        bits = np.empty(_KEYS + 1, np.int64)
        self._room = (np.zeros((2, p)), bits.view(np.float64), bits)

    def run(self, told: Told) -> None:
        """Search to the end; OutOfTime and KeyboardInterrupt leave the best so far."""
        if len(self._units) <= ALONE:
            self._search_alone(told)
            return
        count = ceil(len(self._units) / BLOCK)
        steps = count * _SWEEPS
        for sweep in range(_SWEEPS):
            before = self.standing.value
            for number, units in enumerate(self._blocks(count)):
                self._sweep_block(units)
                told(sweep * count + number + 1, steps)
            if before - self.standing.value < _ENOUGH * self._distance():
                break
        told(steps, steps)

    def _distance(self) -> float:
        """Return the objective as a distance: J less that of parts with the mean of all."""
        standing = self.standing
        whole = float(standing.potentials.sum()) / float(standing.sizes.sum())
        return max(0.0, standing.value - whole)

    def _blocks(self, count: int) -> Iterator[NDArray[np.int64]]:
        """Yield all units in random blocks, those of like kinds together."""
        n = len(self._units)
        order = np.lexsort((self._generator.random(n), self._units.kinds))
        near = np.arange(n) + self._generator.uniform(0, BLOCK, n)
        yield from np.array_split(order[np.argsort(near)], count)

    def _block(self, units: NDArray[np.int64]) -> SwapBlock:
        now = self.standing
        return SwapBlock(
            self._sums.block(units), self._units.mass[units], self._units.kinds[units],
            now.parts[units], np.ascontiguousarray(now.potentials[:, units]),
            now.sizes.copy(), now.sums.copy(), now.counts.copy(),
        )  # fmt: skip

    def _sweep_block(self, units: NDArray[np.int64]) -> None:
        self._deadline.check()
        block = self._block(units)
        for _ in self._descent(block):
            if self._deadline.passed:
                break
        before, p = self.standing.parts[units], len(block.sizes)
        changed = np.flatnonzero(block.parts != before)
        if not changed.size:
            return
        signs = np.zeros((len(changed), p))
        signs[np.arange(len(changed)), block.parts[changed]] = 1
        signs[np.arange(len(changed)), before[changed]] = -1
        change = self._sums.changes(units[changed], signs)
        self.standing = self.standing.moved(units, block, change.T)

    def descend(self) -> SwapBlock:
        """Swap among all units until no swap helps, once; returns them."""
        units = np.arange(len(self._units))
        block = self._block(units)
        for _ in self._descent(block):
            self._keep(units, block)
            self._deadline.check()
        return block

    def _search_alone(self, told: Told) -> None:
        block, units, far = self.descend(), np.arange(len(self._units)), 0
        vain, work = 0, _WORK
        while vain < _VAIN and work > 0:
            other = block.copy()
            self._kernels.shake(
                other.matrix, other.mass, other.kinds, *self._fixed, self._state, _SHAKES,
                *other.changing,
            )  # fmt: skip
            for turns in self._descent(other):
                work -= turns * len(units)
                self._deadline.check()
            vain += 1
            if other.value < block.value - self._least_gain:
                block, vain = other, 0
                self._keep(units, block)
            far = max(far, 100 * vain // _VAIN, 100 - 100 * max(work, 0) // _WORK)
            told(far, 100)
        told(100, 100)

    def _keep(self, units: NDArray[np.int64], block: SwapBlock) -> None:
        if block.value <= self.standing.value:
            self.standing = self.standing.moved(units, block.copy(), None)

    def _descent(self, block: SwapBlock) -> Iterator[int]:
        """Descend in chunks of some 10 ms; yields the turns of each."""
        m = len(block.parts)
        own, turn, idle, passive = np.zeros((2, m)), 0, 0, int(block.sizes.argmax())
        most = max(64, CHUNK // m)
        while idle < m:
            before = turn
            turn, idle = self._kernels.descend(
                block.matrix, block.mass, block.kinds, *self._fixed, self._equal,
                passive, self._least_gain, turn, idle, turn + most,
                *block.changing, own, *self._room,
            )  # fmt: skip
            yield turn - before
