"""Facility location: batches whose points stand close to all others."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt import _kernels
from subsetopt.errors import InvalidProblem
from subsetopt.problems import _validation
from subsetopt.problems._kernel_choice import KernelFunction, kernel_of
from subsetopt.problems._kernel_matrices import kernel_matrix
from subsetopt.problems.kernels import Kernel

from .base import Baseline, Indices, Picker, available_mask, drawn, require_pool, require_room

__all__ = ["FacilityLocation", "greedy"]

_LARGEST = 1e18


@dataclass(frozen=True, kw_only=True)
class FacilityLocation(Baseline):
    """Greedily maximise ``sum_i max(K(x_i, x_j) for j in S)``, batch by batch on what is left.

    Parameters
    ----------
    kernel : str, Kernel or callable
        The similarity, nowhere negative.
    pool : int or None
        Each batch is chosen from so many of the points left, drawn uniformly, and stands for
        those. None is all that is left, for which the n x n kernel matrix is held in float32.
    """

    kernel: str | Kernel | KernelFunction = "gaussian"
    pool: int | None = 2000

    name: ClassVar[str] = "facility"

    def __post_init__(self) -> None:
        kernel_of(self.kernel)
        require_pool(self.pool)

    def picker(
        self, X: NDArray[Any], k: int, scores: NDArray[np.float64] | None, rng: np.random.Generator
    ) -> Picker:
        """Return what picks from a pool, or from the whole matrix where the pool holds all."""
        require_room(self.pool, k)
        features = _single(X)
        kernel = kernel_of(self.kernel).fitted(features)
        if self.pool is None or self.pool >= len(X):
            return _on_matrix(_similarity(kernel, features))

        def pick(left: Indices, size: int) -> Indices:
            pool = drawn(left, self.pool, rng)
            similarity = _similarity(kernel, features[pool])
            return pool[_on_matrix(similarity)(np.arange(len(pool)), size)]

        return pick


def greedy(
    similarity: ArrayLike, k: int, *, available: ArrayLike | None = None
) -> tuple[Indices, NDArray[np.float64]]:
    """Choose k points so that every available one is similar to a chosen one.

    Parameters
    ----------
    similarity : array_like (n, n)
        Not negative; row j holds how well j stands for each i. A contiguous float32 or float64
        array is not copied; half as much is read of float32.
    k : int
    available : array_like of int, optional
        The points to choose from and to stand for; None is all.

    Returns
    -------
    indices : ndarray of int64 (k,)
        In the order taken; at least ``1 - 1/e`` of the largest value (Nemhauser, Wolsey & Fisher
        1978).
    gains : ndarray of float64 (k,)
        What each adds to ``sum_i max(similarity[j, i] for j in S)``; never increasing.

    Raises
    ------
    InvalidProblem
        For a matrix that is not square, finite and nowhere negative, or k outside its range.
    InvalidSelection
        For available indices out of range or twice.

    Notes
    -----
    O(n^2) for the first pick; then lazily, O(n) for each gain that is computed again.
    """
    matrix = _validation.square_matrix("similarity", similarity, copy=False)
    _require_nonnegative("similarity", matrix)
    mask, size = available_mask(available, len(matrix), k)
    candidates = np.flatnonzero(mask)
    if mask.all():
        sums = matrix.sum(axis=1, dtype=np.float64)
    else:
        sums = np.array([matrix[j, mask].sum(dtype=np.float64) for j in candidates])
    return _lazily(matrix, candidates, sums, size)


def _lazily(
    matrix: NDArray[Any], candidates: Indices, sums: NDArray[np.float64], k: int
) -> tuple[Indices, NDArray[np.float64]]:
    """Choose k, given the exact first gains, which are used up."""
    served = np.full(len(matrix), np.inf, dtype=matrix.dtype)  # others gain nothing
    served[candidates] = 0
    chosen, gains = np.empty(k, dtype=np.int64), np.empty(k)
    _kernels.facility_gains.lazy_greedy(matrix, served, sums, candidates.copy(), chosen, gains)
    return chosen, gains


def _on_matrix(similarity: NDArray[Any]) -> Picker:
    """Return what picks from a matrix again and again; the first gains are kept up to date."""
    sums = similarity.sum(axis=1, dtype=np.float64)

    def pick(left: Indices, size: int) -> Indices:
        chosen = _lazily(similarity, left, sums[left], size)[0]
        sums[:] -= similarity[chosen].sum(axis=0, dtype=np.float64)  # symmetric: rows are columns
        return chosen

    return pick


def _similarity(kernel: Kernel, X: NDArray[Any]) -> NDArray[Any]:
    matrix = kernel_matrix(kernel, X)
    _require_nonnegative(f"the kernel {kernel!r}", matrix)
    return matrix


def _require_nonnegative(name: str, matrix: NDArray[Any]) -> None:
    smallest = float(matrix.min())
    if smallest < 0:
        j, i = np.unravel_index(int(matrix.argmin()), matrix.shape)
        raise InvalidProblem(
            f"{name} is {smallest:.4g} for points {j} and {i}; similarities must be at least 0: "
            "take the Gaussian kernel, or add a constant"
        )


def _single(X: NDArray[Any]) -> NDArray[np.float32]:
    largest = float(np.abs(X).max())
    if largest > _LARGEST:
        raise InvalidProblem(
            f"X holds a magnitude of {largest:.3g}, above {_LARGEST:.0e}, whose square float32 "
            "does not hold; divide X by a power of two"
        )
    return X.astype(np.float32)
