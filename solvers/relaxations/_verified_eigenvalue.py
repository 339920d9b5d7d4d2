"""Verified lower bounds on the least eigenvalue.

LAPACK states no bound on its rounding that holds for certain. A Cholesky factorisation that comes
to its end does: it is the exact one of a matrix that differs by at most c / (1 - c) times
sqrt(a_ii a_jj) in each entry, c = (n + 4) u / (1 - (n + 4) u), u = 2**-53, in whatever order it
adds (Demmel 1989; Rump, Verification of positive definiteness, BIT 46, 2006), and the norm of that
is at most c / (1 - c) times the trace. So an eigenvalue is estimated, a little more than what it
may be off by is taken off, and the matrix less that is factorised.
"""

import math

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT

_STEPS = 4  # roundings besides those of a sum: a quotient, perhaps by a reciprocal, and a root
_ATTEMPTS = 5
_WIDER = 64.0


def least_eigenvalue(matrix: NDArray[np.float64]) -> float:
    """Return a lower bound on the least eigenvalue of a symmetric matrix, in the last digits.

    Parameters
    ----------
    matrix : ndarray of float64 (n, n)
        Only the lower triangle counts. Magnitudes between 2**-500 and 2**500, or zero.

    Returns
    -------
    float
        -inf for a matrix that is not finite. O(n^3), a tenth more than the eigenvalues alone.
    """
    n = len(matrix)
    norm = float(np.abs(matrix).sum(axis=1).max()) * (1 + n * UNIT)
    if not math.isfinite(norm):
        return -math.inf
    if norm == 0.0:
        return 0.0
    below = -2.0 * n * norm  # by Gershgorin, the upper triangle being any
    try:
        estimate = float(np.linalg.eigvalsh(matrix)[0])
    except np.linalg.LinAlgError:
        return below
    margin = (n + 8) * UNIT * norm
    for _ in range(_ATTEMPTS):
        shift = estimate - margin
        error = _doubt(matrix, shift)
        if error is not None:
            return float(max(shift - error, below))
        margin *= _WIDER
    return below


def _doubt(matrix: NDArray[np.float64], shift: float) -> float | None:
    """Return how far below `shift` an eigenvalue may be; None if it is not seen to be above."""
    shifted = matrix.copy()
    diagonal = np.diagonal(matrix) - shift
    shifted.flat[:: len(matrix) + 1] = diagonal
    try:
        factor = np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError:
        return None
    if not (np.isfinite(factor).all() and (np.diagonal(factor) > 0.0).all()):
        return None
    # u is half the unit: with all of it the rounding of these few numbers is paid as well. The
    # differences on the diagonal were rounded, and the shift less this will be.
    share = (len(matrix) + _STEPS) * UNIT
    return share * float(diagonal.sum()) + UNIT * (float(diagonal.max()) + abs(shift))
