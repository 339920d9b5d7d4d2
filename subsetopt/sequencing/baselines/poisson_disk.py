"""Repulsive batches: no two points of a batch closer to each other than a radius.

Zhang, Öztireli, Mandt & Salvi, Active mini-batch sampling using repulsive point processes, AAAI
2019, who throw darts: points are drawn one after another, and a point too close to one that is
already in the batch is rejected. Other than a k-DPP it takes no eigenvectors.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_number

from .base import Baseline, Indices, Picker, drawn, require_pool, require_room

__all__ = ["PoissonDisk"]

_SHRINKING = 0.9


@dataclass(frozen=True, kw_only=True)
class PoissonDisk(Baseline):
    """Draw each batch by Poisson disk sampling of what is left, or of a pool of it.

    Parameters
    ----------
    radius : float or None
        The smallest Euclidean distance within a batch. Where no point is left that keeps it, it
        shrinks by a tenth for the rest of the batch, so that every batch fills up. None is the
        median distance of k random points to the nearest other one of them.
    pool : int or None
        Each batch is drawn from so many of the points left, themselves drawn uniformly: from m
        points of d features it takes O(m k d). None is all that is left.
    """

    radius: float | None = None
    pool: int | None = 1000

    name: ClassVar[str] = "poisson-disk"

    def __post_init__(self) -> None:
        if self.radius is not None:
            require_number("radius", self.radius, "[0, inf)")
        require_pool(self.pool)

    def picker(
        self, X: NDArray[Any], k: int, scores: NDArray[np.float64] | None, rng: np.random.Generator
    ) -> Picker:
        """Return what throws darts at a pool."""
        require_room(self.pool, k)
        radius = _spacing(X, k, rng) if self.radius is None else self.radius

        def pick(left: Indices, size: int) -> Indices:
            darts = rng.permutation(drawn(left, self.pool, rng))
            return darts[_thrown(X[darts].astype(np.float64), size, radius)]

        return pick


def _spacing(X: NDArray[Any], k: int, rng: np.random.Generator) -> float:
    """Return the median distance of k random points to the nearest other one of them."""
    some = X[rng.choice(len(X), k, replace=False)].astype(np.float64)
    return float(np.median([np.sort(_distances(some, one))[1] for one in some])) if k > 1 else 0.0


def _thrown(points: NDArray[np.float64], k: int, radius: float) -> NDArray[np.int64]:
    """Return the first k of the points, in their order, that keep their distance."""
    nearest = np.full(len(points), np.inf)
    chosen = np.empty(k, dtype=np.int64)
    for place in range(k):
        # Distances only fall, so that what was rejected once stays so until the radius shrinks.
        dart = int(np.argmax(nearest >= radius))
        if nearest[dart] < radius:
            radius = min(_SHRINKING * radius, float(nearest.max()))
            dart = int(np.argmax(nearest >= radius))
        chosen[place] = dart
        np.minimum(nearest, _distances(points, points[dart]), out=nearest)
        nearest[dart] = -1.0
    return chosen


def _distances(points: NDArray[np.float64], one: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Euclidean distances of all points to one."""
    apart = points - one
    found: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    return found
