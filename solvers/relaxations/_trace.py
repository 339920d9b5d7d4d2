r"""The diagonal of largest trace that leaves a matrix semidefinite.

.. math::
    \max_d \; \sum_i d_i + \mu \log\det(A + \rho 11' - \mathrm{diag}(d)), \quad \mu \to 0

by damped Newton steps (the dual of minimum trace factor analysis). The larger the trace, the
better the convex bound near the point where all entries are equal, because
:math:`\sum_i d_i (m_i - m_i^2)` is what the bound gains.
"""

import numpy as np
from numpy.typing import NDArray

from subsetopt.solvers._deadline import NEVER, Deadline

_STEPS = 16  # of Newton's method
_FALL = 0.25  # of mu after a full step
_HALVINGS = 30
_ENOUGH = 0.05  # of the trace, when mu n, which bounds what is missing, is as small


def largest_trace(
    matrix: NDArray[np.float64], start: NDArray[np.float64], deadline: Deadline = NEVER
) -> NDArray[np.float64]:
    """Return d with a larger trace than `start`, ``matrix - diag(d)`` semidefinite all the same.

    Parameters
    ----------
    matrix : ndarray of float64 (n, n)
    start : ndarray of float64 (n,)
        A d for which it is definite.
    deadline : Deadline
        When no further step is taken; one takes O(n^3).
    """
    n = len(start)
    d = start
    try:
        inverse = np.linalg.inv(_less(matrix, d))
        mu = 1.0 / float(np.diagonal(inverse).mean())
        for _ in range(_STEPS):
            if deadline.passed:
                break
            # Of log det the gradient is minus the diagonal of the inverse, the Hessian minus the
            # squares of its entries.
            gradient = 1.0 - mu * np.diagonal(inverse)
            step = np.asarray(np.linalg.solve(mu * inverse * inverse, gradient), np.float64)
            length = _length(matrix, d, step, deadline)
            if not length:
                break
            d = d + length * step
            if mu * n < _ENOUGH * float(np.abs(d).sum()):
                break
            inverse = np.linalg.inv(_less(matrix, d))
            mu *= _FALL if length == 1.0 else 1.0
    except np.linalg.LinAlgError:  # as close to singular as can be computed
        pass
    return d


def _length(
    matrix: NDArray[np.float64],
    d: NDArray[np.float64],
    step: NDArray[np.float64],
    deadline: Deadline,
) -> float:
    """Return how much of the step leaves the matrix definite: 1, a half, a quarter, ... or 0."""
    length = 1.0
    for _ in range(_HALVINGS):
        if deadline.passed:
            break
        try:
            np.linalg.cholesky(_less(matrix, d + length * step))
        except np.linalg.LinAlgError:
            length *= 0.5
            continue
        return length
    return 0.0


def _less(matrix: NDArray[np.float64], d: NDArray[np.float64]) -> NDArray[np.float64]:
    difference = matrix.copy()
    difference.flat[:: len(d) + 1] -= d
    return difference
