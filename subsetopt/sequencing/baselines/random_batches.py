"""Random batches: what training does by default."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .base import Baseline, Indices, Picker

__all__ = ["RandomBatches", "pick"]


@dataclass(frozen=True, kw_only=True)
class RandomBatches(Baseline):
    """A uniformly random permutation, cut into batches."""

    name: ClassVar[str] = "random"

    def picker(
        self, X: NDArray[Any], k: int, scores: NDArray[np.float64] | None, rng: np.random.Generator
    ) -> Picker:
        """Return what takes the next k of a permutation drawn here, O(n) for all batches."""
        permutation = pick(np.arange(len(X)), len(X), rng)
        batches = iter(np.array_split(permutation, range(k, len(X), k)))
        return lambda left, size: next(batches)


def pick(available: Indices, k: int, rng: np.random.Generator) -> Indices:
    """Return k of the available indices, uniformly and in random order."""
    return rng.choice(available, k, replace=False)
