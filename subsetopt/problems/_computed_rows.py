"""A kernel matrix that is never held: its rows are computed when they are asked for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._kernel_choice import Custom
from ._kernel_matrices import own_sums
from ._parallel import processors
from .kernels import Kernel

_PIECE = 2**20  # features that one piece of a row is computed from
_FEWEST = 512
_DIAGONAL = 64  # rows whose diagonal is computed at once


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
    """

    def __init__(self, X: NDArray[Any], kernel: Kernel, threads: int | None = None) -> None:
        self.X, self.kernel, self.n = X, kernel, len(X)
        self.dtype = kernel.dtype(X, X)
        self.bytes = 3 * X.nbytes
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
