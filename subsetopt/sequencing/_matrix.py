"""Engines that hold the whole kernel matrix."""

from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import Kernel
from subsetopt.problems._kernel_matrices import (
    halving,
    kernel_matrix,
    require_semidefinite,
    symmetric_kernel,
)
from subsetopt.problems._memory import in_units, require_memory
from subsetopt.problems._parallel import each

_BAND = 512  # rows that are added up at a time


def matrix_bytes(X: NDArray[Any], stored: np.dtype[Any]) -> int:
    """Return an estimate of what a whole matrix takes, with the features and copies of them."""
    return stored.itemsize * len(X) ** 2 + 3 * X.nbytes + 2**26


class MatrixEngine:
    """The kernel matrix in memory; a row is a view of it, or of float16 a copy."""

    def __init__(
        self,
        name: str,
        held: NDArray[Any],
        data: NDArray[Any],
        kernel: Kernel | Literal["precomputed"],
        semidefinite: bool,
        threads: int | None = None,
    ) -> None:
        half = held.dtype == np.float16
        self.name = name
        self.kernel = kernel
        self.n = len(held)
        self.dtype: np.dtype[Any] = np.dtype(np.float32) if half else held.dtype
        self.bytes = held.nbytes if held is data else matrix_bytes(data, held.dtype)
        self.semidefinite = semidefinite
        self.matrix: NDArray[Any] | None = None if half else held
        self.data = data
        self._held = held
        self._threads = threads

    def diagonal(self) -> NDArray[np.float64]:
        """Return the diagonal of K (n,)."""
        return self._held.diagonal().astype(np.float64)

    def row_sums(self) -> NDArray[np.float64]:
        """Return the row sums of K (n,); O(n^2) once."""
        return self._sums

    @cached_property
    def _sums(self) -> NDArray[np.float64]:
        def summed(start: int) -> NDArray[np.float64]:
            band = self._held[start : start + _BAND]
            return np.asarray(band.sum(axis=1, dtype=np.float64))

        return np.concatenate(each(summed, range(0, self.n, _BAND), self._threads))

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of K (len(indices), n); of one row a view, unless it is held in float16."""
        if len(indices) == 1:
            start = int(indices[0])
            return self._held[start : start + 1].astype(self.dtype, copy=False)
        return self._held[indices].astype(self.dtype, copy=False)

    def describe(self) -> str:
        """Return one line: what it is, and its memory."""
        return (
            f"{self.name}: the {self.n} x {self.n} kernel matrix in {self._held.dtype}, "
            f"{in_units(self.bytes)}"
        )


def whole_matrix(
    X: NDArray[Any], kernel: Kernel, *, memory: int | None, threads: int | None, seed: int
) -> MatrixEngine:
    """Evaluate K in the precision of the features, O(n^2 d); TooLarge if it does not fit."""
    return _evaluated("matrix", X, kernel, kernel.dtype(X, X), memory, threads)


def half_matrix(
    X: NDArray[Any], kernel: Kernel, *, memory: int | None, threads: int | None, seed: int
) -> MatrixEngine:
    """Evaluate K and hold it in float16, which rounds it to three digits; O(n^2 d)."""
    return _evaluated("matrix16", X, kernel, np.dtype(np.float16), memory, threads)


def _evaluated(
    name: str,
    X: NDArray[Any],
    kernel: Kernel,
    stored: np.dtype[Any],
    memory: int | None,
    threads: int | None,
) -> MatrixEngine:
    require_memory(
        f"the {len(X)} x {len(X)} kernel matrix in {stored}",
        matrix_bytes(X, stored),
        f"take engine='rows'{halving(X, stored)}, or raise memory",
        memory,
    )
    K = kernel_matrix(kernel, X, memory, stored, threads)
    semidefinite = kernel.semidefinite
    if not semidefinite and stored != np.float16:
        K = symmetric_kernel("the kernel matrix", K)
        semidefinite = require_semidefinite("the kernel matrix", K)
    return MatrixEngine(name, K, X, kernel, semidefinite, threads)


def given_matrix(K: NDArray[Any], threads: int | None = None) -> MatrixEngine:
    """Take a precomputed matrix, as it is where it is symmetric to the last bit."""
    symmetric = symmetric_kernel("K", K)
    definite = require_semidefinite("K", symmetric)
    return MatrixEngine("matrix", symmetric, symmetric, "precomputed", definite, threads)
