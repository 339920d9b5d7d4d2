"""Products of a kernel matrix that is never held as a whole."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._processes import processors

from ._kernel_matrices import _blocks, _evaluated, _threads
from ._parallel import each, no_callback
from .kernels import Kernel

Told = Callable[[int, int], None]
"""Takes the rows done and all rows, and raises where it is to end there."""

_AT_ONCE = 2**27
"""Bytes of the results of bands of rows that are held at once."""


def kernel_products(
    kernel: Kernel,
    X: NDArray[Any],
    V: NDArray[np.float64],
    threads: int | None = None,
    told: Told = no_callback,
    alone: int = 0,
) -> NDArray[np.float64]:
    """Return ``K(X, X) @ V`` for V (n, q), each pair of points evaluated once where K is symmetric.

    O(n^2 (d + q)). The same bits whatever the number of threads, and in the first `alone` columns
    whatever the others are. Memory: two results, 128 MiB, and a block for each thread.

    Raises
    ------
    InvalidProblem
        For a kernel that overflows.
    """
    n, q = V.shape
    dtype, fill = kernel.dtype(X, X), kernel.filler(X, X)
    cuts = [slice(0, alone), slice(alone, q)]
    narrow = [np.ascontiguousarray(V[:, cut], dtype) for cut in cuts if cut.stop > cut.start]

    def times(block: NDArray[Any], rows: slice) -> NDArray[Any]:
        return np.concatenate([block @ part[rows] for part in narrow], axis=1)

    def multiplied(start: int) -> NDArray[np.float64]:
        rows = slice(start, min(start + kernel.block, n))
        first = start if kernel.semidefinite else 0
        out = np.zeros((n - first, q))
        for _, columns in _blocks(1, n - first, kernel.block):
            seen = slice(columns.start + first, columns.stop + first)
            block = _evaluated(kernel, fill, rows, seen, dtype)
            out[start - first : rows.stop - first] += times(block, seen)
            if kernel.semidefinite and seen != rows:
                out[columns] += times(block.T, rows)
        return out

    total, starts = np.zeros((n, q)), range(0, n, kernel.block)
    used = _threads(kernel, threads) or processors()
    at_once = max(1, min(2 * used, _AT_ONCE // (8 * n * q)))  # `told` is to hear soon
    for number in range(0, len(starts), at_once):
        told(starts[number], n)
        for out in each(multiplied, starts[number : number + at_once], used):
            total[n - len(out) :] += out
    told(n, n)
    return total
