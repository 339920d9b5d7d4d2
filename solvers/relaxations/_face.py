"""Side constraints in a semidefinite relaxation: equations restrict it to a face of the cone."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT

from ._verified_eigenvalue import least_eigenvalue

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
        Orthonormal columns, but for rounding.
    normals : ndarray (n, rows)
        With ``normals' m = 0`` for every selection, exactly: integers times a power of two.
    back : ndarray (rows, equations)
        Q is ``normals @ back``, but for rounding.
    """

    Q: Matrix
    normals: Matrix
    back: Matrix

    @classmethod
    def of(cls, rows: LinearRows, k: int) -> "Face | None":
        """Return the face of selections of k that keep the equations; None if there are none."""
        if not len(rows.counts):
            return None
        # m'(k 1_r - q_r 1) = 0 of every selection, and so X times that of X = m m'. Rows and counts
        # are integers, so that a division by a power of two alone rounds nothing.
        normals = np.ldexp((k * rows.equal - rows.counts[:, None]).T, -int(k).bit_length())
        left, sizes, right = np.linalg.svd(normals, full_matrices=False)
        rank = int((sizes > _INDEPENDENT).sum())  # what is dropped restricts nothing
        if rank == 0:
            return None
        back = right[:rank].T / sizes[:rank]
        return cls(np.ascontiguousarray(left[:, :rank]), normals, back)

    def seen(self, matrix: Matrix) -> Matrix:
        """Return P matrix P, P being the projection on vectors v with Q'v = 0."""
        across = matrix @ self.Q
        half = across - 0.5 * self.Q @ (self.Q.T @ across)
        out = half @ self.Q.T
        return np.asarray(matrix - out - out.T)

    def least(self, matrix: Matrix) -> float:
        """Return a lower bound on ``m' matrix m / m'm`` over all selections m that keep the rows.

        It is close to the least of ``v' matrix v`` over unit vectors with Q'v = 0.
        """
        # With T of any kind, normals T and its transpose add nothing at a selection. This one takes
        # away what Q sees of the matrix, and puts Q's own eigenvalues at the other end.
        across = matrix @ self.Q
        half = across - 0.5 * self.Q @ (self.Q.T @ across)
        weight = float(np.linalg.norm(matrix))
        T = self.back @ (0.5 * weight * self.Q - half).T
        added = self.normals @ T
        terms = float((np.abs(self.normals) @ np.abs(T)).max())
        raised = matrix + added + added.T
        entry = UNIT * ((2 * len(T) + 4) * terms + float(np.abs(matrix).max()))
        return least_eigenvalue(raised) - 2 * len(matrix) * entry

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
