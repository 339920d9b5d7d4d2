"""Linear rows beside the count, in a semidefinite relaxation: equations are a face of the cone."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT

Matrix = NDArray[np.float64]

_INDEPENDENT = 1e-3  # singular values of equations below this are none


class LinearRows(NamedTuple):
    """What m = diag X keeps besides its count: ``equal m = counts`` and ``most m <= limits``.

    All of it in numbers that float64 holds, and of natural magnitudes.
    """

    equal: Matrix
    counts: NDArray[np.float64]
    most: Matrix
    limits: NDArray[np.float64]

    @classmethod
    def none(cls, n: int) -> "LinearRows":
        """Return no rows over n items."""
        return cls(np.empty((0, n)), np.empty(0), np.empty((0, n)), np.empty(0))


@dataclass(frozen=True, eq=False)
class Face:
    """The matrices X that keep all equations: those with ``Q'X = 0``.

    All that it does is of O(n^2) for each column of Q.

    Parameters
    ----------
    Q : ndarray (n, equations)
        Orthonormal columns.
    error : float
        How far a least eigenvalue on the face may be off, over the norm of the matrix.
    """

    Q: Matrix
    error: float

    @classmethod
    def of(cls, rows: LinearRows, k: int) -> "Face | None":
        """Return the face of selections of k that keep the equations; None if there are none."""
        if not len(rows.counts):
            return None
        # m'(1_r - (q_r / k) 1) = 0 of every selection, and so X times that of X = m m'.
        normals = (rows.equal - (rows.counts / k)[:, None]).T
        left, sizes, _ = np.linalg.svd(normals, full_matrices=False)
        rank = int((sizes > _INDEPENDENT).sum())  # what is dropped restricts nothing
        if rank == 0:
            return None
        below = float(sizes[rank]) if rank < len(sizes) else 0.0
        error = 256 * UNIT * (len(left) + float(sizes[0]) / (float(sizes[rank - 1]) - below))
        return cls(np.ascontiguousarray(left[:, :rank]), error)

    def seen(self, matrix: Matrix) -> Matrix:
        """Return P matrix P, P being the projection on vectors v with Q'v = 0."""
        across = matrix @ self.Q
        half = across - 0.5 * self.Q @ (self.Q.T @ across)
        out = half @ self.Q.T
        return np.asarray(matrix - out - out.T)

    def least(self, matrix: Matrix) -> float:
        """Return the least of ``v' matrix v`` over unit vectors with Q'v = 0."""
        seen = self.seen(matrix)
        # Q's own eigenvalues, which would be zeros, are put at the other end.
        raised = seen + float(np.linalg.norm(seen)) * (self.Q @ self.Q.T)
        return float(np.linalg.eigvalsh(raised)[0])

    def split(self, W: Matrix, mu: float) -> tuple[Matrix, Matrix]:
        """Return the slack, semidefinite on the face, and the primal; see the function `split`."""
        _, projected = split(self.seen(W), mu)
        return W + mu * projected, projected


def split(W: Matrix, mu: float) -> tuple[Matrix, Matrix]:
    """Return the positive part of W and, over mu, its negative part: the slack and the primal."""
    values, vectors = np.linalg.eigh(W)
    negative = int(np.searchsorted(values, 0.0))
    # The product of the fewer vectors; the other part is the difference. W = S - mu X.
    if 2 * negative >= len(values):
        part = vectors[:, negative:]
        positive = (part * values[negative:]) @ part.T
        return positive, (positive - W) / mu
    part = vectors[:, :negative]
    projected = (part * -values[:negative]) @ part.T
    return W + projected, projected / mu
