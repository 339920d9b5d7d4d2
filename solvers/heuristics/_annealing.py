"""Annealings of a search on a quadratic form: its best selection, warmed up and cooled down."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels

from ._quadratic_steps import Floats, Mask

_FIRST, _LONGEST = 5_000, 100_000  # looks of the first annealing
_HOT = (0.03, 0.8)  # shares of looks that end with an exchange, at the beginning of an annealing
_NEAR_HOT = (0.03, 0.3)  # where only candidates near a member are looked at
_COOLING = 25.0  # the share at its end is so many times less
_COLDEST = 1e-300
_NEAR = 64  # candidates near a member that are looked at, where not all are
_MANY = 64 * _NEAR  # candidates from which all would cost many times what these do
_NEAR_LOOKS = 8  # that cost as much as one at all candidates


class Annealings:
    """One annealing after another, each half as long as all before it together.

    Parameters
    ----------
    n, k : int
    state : ndarray of uint64
        Of the kernels' generator.
    side : tuple of ndarray, optional
        The constraints, as `_kernels.constrained_swaps` takes them; their loads are those of
        the selection that an annealing begins from.
    quotas : int
        How many of the rows of the constraints are quotas; they come first.
    alike : bool
        Entries of the matrix say how alike candidates are, so that of many without constraints only
        those near a member are looked at, in so many more looks.
    """

    def __init__(
        self,
        n: int,
        k: int,
        state: NDArray[np.uint64],
        side: Any = None,
        quotas: int = 0,
        *,
        alike: bool = False,
    ) -> None:
        self._places = _kernels.heat_bath
        self._anneal: Any = (
            _kernels.heat_bath if side is None else _kernels.constrained_heat_bath
        ).anneal
        self._broken = _kernels.constrained_heat_bath.BROKEN
        self._hot = _HOT
        self._each = 1  # looks of the kernel for one that is counted
        self._members, self._best = np.empty(k, np.int64), np.empty(k, np.int64)
        self._keys, self._standing = np.empty(n), np.empty(k)
        self._numbers, self._looks = np.zeros(5), np.array([0, 0, _FIRST])
        self._shares = np.empty(2)
        self._total = 0
        places = self._keys, self._standing, self._members
        progress = self._best, self._numbers, self._looks, self._shares, state
        self._arrays: tuple[Any, ...]
        if alike and side is None and n > _MANY:
            self._anneal, self._each = _kernels.near_heat_bath.anneal, _NEAR_LOOKS
            self._hot = _NEAR_HOT
            lists = np.empty((n, _NEAR), np.int32), np.zeros(n, np.bool_), np.empty(_NEAR)
            self._arrays = (*places, *lists, *progress)
            self._looks[2] *= self._each
            return
        minima = np.empty(_kernels.lanes.LANES)
        self._arrays = (*places, np.empty(n, np.int64), np.empty(n), *progress, minima)
        if side is not None:
            prices = np.empty(n), np.zeros(n), np.zeros(quotas, np.int64)
            self._arrays += (quotas, *prices, side)

    @property
    def length(self) -> int:
        """How many looks the next annealing, or the one under way, has."""
        return int(self._looks[2]) // self._each

    @property
    def least(self) -> float:
        """The least value so far, less that of the beginning."""
        return float(self._numbers[self._places.BEST])

    def first(self, looks: int) -> None:
        """Set the length of the first annealing where all candidates are looked at."""
        if self._each == 1:
            self._looks[2] = min(max(_FIRST, looks), _LONGEST)

    def begin(self, chosen: Mask, potentials: Floats, warmth: float) -> None:
        """Begin from a selection with its potentials; `warmth` in [0, 1] is that of the beginning.

        The temperature goes on from the last one, and is soon what it has to be.
        """
        places, numbers = self._places, self._numbers
        self._members[:] = self._best[:] = np.flatnonzero(chosen)
        self._standing[:] = potentials[self._members]
        self._keys[:] = np.where(chosen, np.inf, potentials)
        if not numbers[places.TEMPERATURE]:
            spread = float(np.std(potentials[~chosen]))
            numbers[places.TEMPERATURE] = max(1e-3 * spread, _COLDEST)
        numbers[[places.VALUE, places.BEST, places.LEFT, self._broken]] = 0.0
        coldest, hottest = self._hot
        self._shares[0] = coldest * (hottest / coldest) ** warmth
        self._shares[1] = self._shares[0] / _COOLING
        self._looks[:2] = 0

    def look(self, matrix: NDArray[Any], most: int) -> bool:
        """Make at most so many looks; returns whether the annealing is over."""
        looks = self._looks
        looks[0], looks[1] = looks[1], min(looks[1] + most * self._each, looks[2])
        self._anneal(matrix, *self._arrays)
        return bool(looks[1] == looks[2])

    def end(self) -> None:
        """Set the length of the next annealing."""
        self._total += self.length
        self._looks[2] = max(_FIRST, self._total // 2) * self._each

    def met(self) -> list[Mask]:
        """Return the best selection that was met, and the one at the end if it may be chosen."""
        ends = [self._best] if self._numbers[self._broken] else [self._best, self._members]
        masks = [np.zeros(len(self._keys), np.bool_) for _ in ends]
        for mask, end in zip(masks, ends, strict=True):
            mask[end] = True
        return masks
