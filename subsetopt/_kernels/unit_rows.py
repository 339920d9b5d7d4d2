"""Coordinate descent on ``<A, V V'>`` over matrices V whose rows have length 1.

The mixing method of Wang, Chang & Kolter (arXiv 1706.00476, 2017) for semidefinite programs with a
fixed diagonal. Called by `solvers.relaxations._trace`.
"""

import numpy as np

from ._jit import kernel


@kernel
def settle(matrix, begin, pulls, vectors, sizes):
    """Put some rows of V, one after another, opposite to what all others pull them to.

    O(rows) for each of their entries.

    Parameters
    ----------
    matrix : (n, n) float32
        A, symmetric, with zeros on its diagonal.
    begin : int
        The number of the first row.
    pulls : (rows, columns) float32
        The product of their rows of A and V at first; overwritten.
    vectors : (n, columns) float32
        V, changed in place.
    sizes : (n,) float32
        Receives the lengths of what pulls.
    """
    rows, columns = pulls.shape
    for i in range(rows):
        size = np.float32(0.0)
        for c in range(columns):
            size += pulls[i, c] * pulls[i, c]
        size = np.sqrt(size)
        sizes[begin + i] = size
        if size > 0.0:
            for c in range(columns):
                there = -pulls[i, c] / size
                pulls[i, c] = there - vectors[begin + i, c]
                vectors[begin + i, c] = there
            for j in range(i + 1, rows):
                weight = matrix[begin + i, begin + j]
                for c in range(columns):
                    pulls[j, c] += weight * pulls[i, c]
