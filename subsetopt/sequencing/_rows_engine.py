"""The engine that holds features alone and recomputes rows of the kernel matrix."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import Kernel
from subsetopt.problems._kernel_matrices import own_sums
from subsetopt.problems._memory import in_units, require_memory
from subsetopt.problems._parallel import processors

_PIECE = 2**20  # features that one piece of a row is computed from
_FEWEST = 512


class RowsEngine:
    """Rows from the features, O(n d) each; the number of threads leaves them as they are.

    Row sums are computed by products of blocks and rows by products of vectors, so that in
    float32 both round differently: by 1e-7 of an entry.
    """

    def __init__(
        self, name: str, X: NDArray[Any], kernel: Kernel, threads: int | None, note: str = ""
    ) -> None:
        self.name = name
        self.kernel = kernel
        self.n = len(X)
        self.dtype = kernel.dtype(X, X)
        self.bytes = 3 * X.nbytes
        self.semidefinite = kernel.semidefinite
        self.matrix: NDArray[Any] | None = None
        self.data = X
        self._features, self._evaluated = X, kernel
        self._note = note
        self._threads = threads or processors()
        self._fill: Any = kernel.filler(X, X)  # takes indices of rows as it takes slices
        size = max(_FEWEST, _PIECE // X.shape[1])
        self._pieces = [slice(i, min(i + size, self.n)) for i in range(0, self.n, size)]
        self._pool = ThreadPoolExecutor(self._threads)

    def diagonal(self) -> NDArray[np.float64]:
        """Return the diagonal of K (n,)."""
        return self._diagonal

    @cached_property
    def _diagonal(self) -> NDArray[np.float64]:
        if self._evaluated.normalised:
            return np.ones(self.n)
        size = 64
        block = np.empty((size, size), self.dtype)
        diagonal = np.empty(self.n)
        for start in range(0, self.n, size):
            part = slice(start, min(start + size, self.n))
            count = part.stop - start
            with np.errstate(all="ignore"):
                self._fill(part, part, block[:count, :count])
            diagonal[part] = block.diagonal()[:count]
        return diagonal

    def row_sums(self) -> NDArray[np.float64]:
        """Return the row sums of K (n,); O(n^2 d) once."""
        return self._sums

    @cached_property
    def _sums(self) -> NDArray[np.float64]:
        return own_sums(self._evaluated, self._features, self._threads)

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of K (len(indices), n), computed now."""
        out = np.empty((len(indices), self.n), self.dtype)
        chosen = np.asarray(indices)

        def fill(piece: slice) -> None:
            with np.errstate(all="ignore"):
                self._fill(chosen, piece, out[:, piece])

        if len(self._pieces) > 1 and self._threads > 1:
            list(self._pool.map(fill, self._pieces))
        else:
            for piece in self._pieces:
                fill(piece)
        out[np.arange(len(chosen)), chosen] = self.diagonal()[chosen]
        return out

    def describe(self) -> str:
        """Return one line: what it is, and its memory."""
        shape = " x ".join(map(str, self._features.shape))
        text = f"{self.name}: rows recomputed from {shape} features, {in_units(self.bytes)}"
        return f"{text}; {self._note}" if self._note else text


def recomputed_rows(
    X: NDArray[Any], kernel: Kernel, *, memory: int | None, threads: int | None, seed: int
) -> RowsEngine:
    """Hold the features; TooLarge if not even they fit."""
    require_memory("the features and copies of them", 3 * X.nbytes, "raise memory", memory)
    return RowsEngine("rows", X, kernel, threads)
