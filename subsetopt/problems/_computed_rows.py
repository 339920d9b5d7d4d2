"""Kernel matrices that are not stored: rows are computed when needed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._processes import processors

from ._kernel_choice import Custom
from ._kernel_matrices import (
    ROUNDING,
    kernel_matrix,
    kernel_sums,
    own_sums,
    require_resolved,
    require_semidefinite,
    symmetric_kernel,
)
from ._memory import memory_limit
from .kernels import Kernel

_PIECE = 2**20  # features that one piece of a row is computed from
_FEWEST = 512
_DIAGONAL = 64  # rows whose diagonal is computed at once
_SAMPLE = 1024  # points on which a kernel is looked at
_VECTORS = 12  # of n float64 that a problem and the herding of it take


class ComputedRows:
    """Rows of K(X, X), O(n d) each; the number of threads leaves them as they are.

    Row sums are computed by products of blocks and rows by products of vectors, so that in
    float32 both round differently: by 1e-7 of an entry.

    Parameters
    ----------
    X : ndarray (n, d)
    kernel : Kernel
        Fitted.
    threads : int, optional
        None is the number of processors; a function of the caller's is called from one.
    limit : int, optional
        Bytes that a block of K may take; None is `memory_limit`.
    """

    def __init__(
        self,
        X: NDArray[Any],
        kernel: Kernel,
        threads: int | None = None,
        limit: int | None = None,
    ) -> None:
        self.X, self.kernel, self.n, self.limit = X, kernel, len(X), limit
        self.dtype = kernel.dtype(X, X)
        self.bytes = 3 * X.nbytes + 8 * _VECTORS * len(X)
        self.threads = 1 if isinstance(kernel, Custom) else threads or processors()
        self._fill: Any = kernel.filler(X, X)  # takes indices of rows as it takes slices
        size = max(_FEWEST, _PIECE // X.shape[1])
        self._pieces = [slice(i, min(i + size, self.n)) for i in range(0, self.n, size)]
        self._pool = ThreadPoolExecutor(self.threads)
        self._sums: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return self.n

    def diagonal(self) -> NDArray[np.float64]:
        """Return the diagonal of K (n,)."""
        return self._diagonal

    @cached_property
    def _diagonal(self) -> NDArray[np.float64]:
        if self.kernel.normalised:
            return np.ones(self.n)
        block = np.empty((_DIAGONAL, _DIAGONAL), self.dtype)
        diagonal = np.empty(self.n)
        for start in range(0, self.n, _DIAGONAL):
            part = slice(start, min(start + _DIAGONAL, self.n))
            count = part.stop - start
            with np.errstate(all="ignore"):
                self._fill(part, part, block[:count, :count])
            diagonal[part] = block.diagonal()[:count]
        return diagonal

    def row_sums(self, told: Callable[[int, int], None] | None = None) -> NDArray[np.float64]:
        """Return the row sums of K (n,); O(n^2 d) once, of which `told` hears rows and all rows."""
        if self._sums is None:
            self._sums = own_sums(self.kernel, self.X, self.threads, told)
        return self._sums

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of K (len(indices), n), computed now."""
        out = np.empty((len(indices), self.n), self.dtype)
        chosen = np.asarray(indices)

        def fill(piece: slice) -> None:
            with np.errstate(all="ignore"):
                self._fill(chosen, piece, out[:, piece])

        if len(self._pieces) > 1 and self.threads > 1:
            list(self._pool.map(fill, self._pieces))
        else:
            for piece in self._pieces:
                fill(piece)
        out[np.arange(len(chosen)), chosen] = self.diagonal()[chosen]
        return out

    # -- as the matrix of a form ------------------------------------------------------------------

    @cached_property
    def largest(self) -> float:
        """An upper bound on the magnitudes in K; of kernels that may be indefinite, an estimate."""
        if self.kernel.semidefinite:
            return float(self.diagonal().max())
        return float(np.abs(self._sample).max())

    @property
    def doubt(self) -> float:
        """How far two evaluations of an entry may be apart by rounding."""
        return ROUNDING[self.dtype.itemsize] * self.largest

    def total(self, indices: NDArray[np.int64]) -> float:
        """Return the sum of a block, evaluated in float64; O(k^2 d) for k rows."""
        return float(own_sums(self.kernel, self.X[indices].astype(np.float64), self.threads).sum())

    def sums_with(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return for each row the sum of its entries with the others, in blocks."""
        return kernel_sums(self.kernel, self.X[rows], self.X[others], self.threads)

    @property
    def most_stored_rows(self) -> int:
        """Of how many rows the block may be held: within half of the limit."""
        limit = memory_limit() if self.limit is None else self.limit
        return max(2, int((limit / 2 / self.dtype.itemsize) ** 0.5))

    def among(self, indices: NDArray[np.int64]) -> "ComputedRows":
        """Return the block of some rows, in their order."""
        X = np.ascontiguousarray(self.X[indices])
        return ComputedRows(X, self.kernel, self.threads, self.limit)

    def held(self) -> NDArray[Any]:
        """Return K, read-only; TooLarge if it does not fit."""
        return kernel_matrix(self.kernel, self.X, self.limit, threads=self.threads)

    @cached_property
    def _sample(self) -> NDArray[Any]:
        """The matrix of some points, a fixed draw."""
        rows = np.random.default_rng(0).permutation(self.n)[:_SAMPLE]
        return kernel_matrix(self.kernel, self.X[rows], threads=self.threads)

    def require_kernel(self) -> None:
        """Look at some points, whether the kernel is one there; raises as the checks of K do."""
        name = f"the kernel {self.kernel!r}"
        if (self.X[0] != self.X).any():  # else it is constant
            require_resolved(name, self._sample)
        if not self.kernel.semidefinite:
            require_semidefinite(name, symmetric_kernel(name, self._sample))


def is_stored(kernel: Kernel, X: NDArray[Any], limit: int | None) -> bool:
    """Whether K fits into the limit, or not even what its rows are computed from does."""
    most = memory_limit() if limit is None else limit
    n, itemsize = len(X), kernel.dtype(X, X).itemsize
    features = itemsize * X.size
    rest = itemsize * min(n, kernel.block) ** 2 + _VECTORS * 8 * n
    return itemsize * n * n + features <= most or 3 * features + rest > most
