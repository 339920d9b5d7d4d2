"""Baselines: batches cut one after another from what is left; random ones are the default."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.limits import Limits
from subsetopt.problems import _validation
from subsetopt.problems._points import points
from subsetopt.sequencing.engines import batch_size_of

__all__ = ["Baseline", "RandomBatches"]

Indices = NDArray[np.int64]
Picker = Callable[[Indices, int], Indices]
"""Picks k of the available indices, in the order in which it takes them."""
Progress = Callable[[int, int], None]
"""Called after each batch with how many points are in batches, of how many."""


@dataclass(frozen=True, kw_only=True)
class Baseline(ABC):
    """A way to choose mini-batches that others are compared with; its fields are its options."""

    name: ClassVar[str]
    """The key in `BASELINES`."""

    @abstractmethod
    def picker(
        self, X: NDArray[Any], k: int, scores: NDArray[np.float64] | None, rng: np.random.Generator
    ) -> Picker:
        """Check and prepare all that does not change from batch to batch of k."""

    def order(
        self,
        X: ArrayLike,
        batch_size: int,
        *,
        seed: int = 0,
        scores: ArrayLike | None = None,
        progress: Progress | None = None,
    ) -> tuple[Indices, Indices]:
        """Return the order of all n points, (n,), and where batches begin and end, (batches + 1,).

        Batch b is ``order[boundaries[b] : boundaries[b + 1]]``. What is left for the last batch is
        not chosen among but taken, in ascending order.

        Parameters
        ----------
        X : array_like (n, d)
        batch_size : int
        seed : int
            Of the baseline's own generator.
        scores : array_like (n,), optional
            Uncertainties of the points; only `Submodular` looks at them.
        progress : callable, optional
            Called after each batch with the number of points done and of all.

        Raises
        ------
        InvalidProblem
            For features or scores that are not finite, or a batch size outside 1..n.
        InvalidOption
            For an option that these data rule out.
        """
        features = points("X", X)
        n = len(features)
        size = batch_size_of(batch_size, n)
        pick = self.picker(features, size, checked_scores(scores, n), _generator(seed))
        boundaries = np.append(np.arange(0, n, size, dtype=np.int64), n)
        order = np.empty(n, dtype=np.int64)
        free = np.ones(n, dtype=np.bool_)
        for start, end in pairwise(boundaries):
            left = np.flatnonzero(free)
            batch = pick(left, size) if len(left) > size else left
            order[start:end] = batch
            free[batch] = False
            if progress is not None:
                progress(int(end), n)
        return order, boundaries

    def select(
        self, X: ArrayLike, k: int, *, seed: int = 0, scores: ArrayLike | None = None
    ) -> Indices:
        """Return k of the n points, sorted; parameters and errors as those of `order`."""
        features = points("X", X)
        n = len(features)
        size = _validation.subset_size(k, n)
        pick = self.picker(features, size, checked_scores(scores, n), _generator(seed))
        return np.sort(pick(np.arange(n, dtype=np.int64), size))


@dataclass(frozen=True, kw_only=True)
class RandomBatches(Baseline):
    """A uniformly random permutation, cut into batches."""

    name: ClassVar[str] = "random"

    def picker(
        self, X: NDArray[Any], k: int, scores: NDArray[np.float64] | None, rng: np.random.Generator
    ) -> Picker:
        """Return what takes the next k of a permutation drawn here, O(n) for all batches."""
        permutation = rng.choice(np.arange(len(X)), len(X), replace=False)
        batches = iter(np.array_split(permutation, range(k, len(X), k)))
        return lambda left, size: next(batches)


def drawn(left: Indices, pool: int | None, rng: np.random.Generator) -> Indices:
    """Return `pool` of the indices, drawn uniformly and sorted; all of them where that is fewer."""
    if pool is None or len(left) <= pool:
        return left
    return np.sort(rng.choice(left, pool, replace=False, shuffle=False))


def require_pool(pool: int | None) -> None:
    """Raise InvalidOption unless it is None or an integer >= 1."""
    require_integer("pool", pool, "[1, inf)", none=True)


def require_room(pool: int | None, k: int) -> None:
    """Raise InvalidOption where a batch does not fit into the pool."""
    if pool is not None and pool < k:
        raise InvalidOption(
            f"pool is {pool}, below the {k} to be chosen from it; give pool={2 * k} or more, or "
            "None for all that is left"
        )


def available_mask(available: ArrayLike | None, n: int, k: object) -> tuple[NDArray[np.bool_], int]:
    """Return which of n may be chosen, and k; InvalidProblem where k is not 1 to their number."""
    mask = np.ones(n, dtype=np.bool_)
    if available is not None:
        mask[:] = False
        mask[_validation.selection(available, n, 1, n)] = True
    return mask, _validation.subset_size(k, int(np.count_nonzero(mask)))


def checked_scores(scores: ArrayLike | None, n: int) -> NDArray[np.float64] | None:
    """Return uncertainties as float64 (n,), or raise InvalidProblem."""
    if scores is None:
        return None
    array = _validation.numeric_array("scores", scores, dimensions=(1,)).astype(np.float64)
    if len(array) != n:
        raise InvalidProblem(f"scores has shape {array.shape}; one number a point, ({n},)")
    return array


def _generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(Limits(seed=seed).seed)
