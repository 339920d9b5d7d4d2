r"""The diagonal of largest trace that keeps a matrix semidefinite.

.. math::
    \max_d \; \sum_i d_i, \; A - \mathrm{diag}(d) \succeq 0
    \quad = \quad \min_X \; \langle A, X \rangle, \; X \succeq 0, \; X_{ii} = 1

The right-hand side is solved as :math:`X = VV'` with few columns, by coordinate descent with
momentum, in O(n^2) a sweep: each row of V turns against what the others pull it to. At the optimum
the lengths of these pulls are :math:`A_{ii} - d_i`. The larger the trace, the better the convex
bound near the point where all entries are equal, because :math:`\sum_i d_i (m_i - m_i^2)` is what
the bound gains.
"""

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.solvers._deadline import NEVER, Deadline

_COLUMNS = 24  # 16 leave local optima; more than 24 bring next to nothing
_SWEEPS = 500
_AHEAD = 10  # sweeps, in which the trace changes by more than this share, or it is enough:
_ENOUGH = 1e-5
_ROWS = 48  # whose pulls are one product of matrices


def largest_trace(matrix: NDArray[np.float64], deadline: Deadline = NEVER) -> NDArray[np.float64]:
    """Return d of nearly the largest trace with ``matrix - diag(d)`` nearly semidefinite.

    By how much it is not, the least eigenvalue of the difference says. O(n^2) a sweep.

    Parameters
    ----------
    matrix : ndarray of float64 (n, n)
        Symmetric.
    deadline : Deadline
        When no further sweep is made.
    """
    n, own = len(matrix), np.diagonal(matrix)
    largest = float(np.abs(matrix).max())
    if not largest:
        return np.zeros(n)
    others = np.asarray(matrix / largest, np.float32)
    others.flat[:: n + 1] = 0.0
    vectors = _unit(np.random.default_rng(0).normal(size=(n, _COLUMNS)).astype(np.float32))
    before, sizes = vectors.copy(), np.empty(n, np.float32)
    traces: list[float] = []
    straight = 0  # sweeps since the momentum was last taken away
    while len(traces) < _SWEEPS and not deadline.passed:
        ahead = np.float32(straight / (straight + 3))
        vectors, before = _unit(vectors + ahead * (vectors - before)), vectors
        for begin in range(0, n, _ROWS):
            pulls = others[begin : begin + _ROWS] @ vectors
            _kernels.unit_rows.settle(others, begin, pulls, vectors, sizes)
        left = own / largest - sizes
        traces.append(float(left.sum()))
        straight = straight + 1 if traces[-1] <= traces[max(0, len(traces) - 2)] else 0
        if len(traces) > _AHEAD:
            fall = traces[-1 - _AHEAD] - traces[-1]
            if abs(fall) <= _ENOUGH * float(np.abs(left).sum()):
                break
    double = vectors.astype(np.float64)
    return np.asarray((double * (matrix @ double)).sum(axis=1) / (double * double).sum(axis=1))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of length 1."""
    sizes = np.sqrt(np.einsum("ic,ic->i", rows, rows))
    return np.asarray(rows / np.maximum(sizes, np.float32(1e-30))[:, None])
