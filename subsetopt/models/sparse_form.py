"""Quadratic selection by the entries of a symmetric matrix that are not zero."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _rounding
from subsetopt._dependencies import OptionalDependency

__all__ = ["SparseForm", "SparseMatrix"]

_SCIPY = OptionalDependency("scipy", "scipy")


@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A symmetric matrix (n, n) in compressed rows, its diagonal apart.

    Parameters
    ----------
    indptr : ndarray of int64 (n + 1,)
        Row i is ``indptr[i]:indptr[i + 1]`` of the other two.
    indices : ndarray of int32 (entries,)
        Columns, in ascending order within a row, never that of the row itself.
    data : ndarray of float64 (entries,)
        Both halves are stored: each pair occurs twice.
    diagonal : ndarray of float64 (n,)
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float64]
    diagonal: NDArray[np.float64]

    def __post_init__(self) -> None:
        for part in (self.indptr, self.indices, self.data, self.diagonal):
            part.setflags(write=False)

    @classmethod
    def of_pairs(
        cls,
        n: int,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        values: NDArray[np.float64],
    ) -> "SparseMatrix":
        """Return the matrix with these values at (row, column) and at its mirror image.

        Each pair occurs once, in either order. O(m log m) for m pairs.
        """
        loops = rows == columns
        diagonal = np.zeros(n)
        diagonal[rows[loops]] = values[loops]
        apart = ~loops & (values != 0)
        rows, columns, values = rows[apart], columns[apart], values[apart]
        keys = np.concatenate([rows * n + columns, columns * n + rows])
        order = np.argsort(keys)
        keys = keys[order]
        order %= max(1, len(values))
        data = values[order]
        del order
        indptr = np.zeros(n + 1, np.int64)
        np.cumsum(
            np.bincount(rows, minlength=n) + np.bincount(columns, minlength=n), out=indptr[1:]
        )
        np.remainder(keys, n, out=keys)
        return cls(indptr, keys.astype(np.int32), data, diagonal)

    def __len__(self) -> int:
        return len(self.diagonal)

    def __neg__(self) -> "SparseMatrix":
        return SparseMatrix(self.indptr, self.indices, -self.data, 0.0 - self.diagonal)

    @property
    def dtype(self) -> np.dtype[np.float64]:
        """That of the values."""
        return self.data.dtype

    @property
    def degrees(self) -> NDArray[np.int64]:
        """How many entries each row has, its diagonal apart."""
        return np.diff(self.indptr)

    def min(self) -> float:
        """Return the least entry, zeros included."""
        return min(0.0, float(self.diagonal.min()), float(self.data.min(initial=0.0)))

    def max(self) -> float:
        """Return the largest entry, zeros included."""
        return max(0.0, float(self.diagonal.max()), float(self.data.max(initial=0.0)))

    def among(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the entries of the block of the chosen, which are in order, zeros left out.

        O(d log k), for d entries in the rows of the chosen.
        """
        counts = self.degrees[chosen]
        ends = np.cumsum(counts)
        places = np.arange(counts.sum()) + np.repeat(self.indptr[chosen] - (ends - counts), counts)
        columns = self.indices[places]
        found = np.searchsorted(chosen, columns)
        inside = chosen[np.minimum(found, len(chosen) - 1)] == columns
        return np.concatenate([self.diagonal[chosen], self.data[places[inside]]])

    def dense(self) -> NDArray[np.float64]:
        """Return the matrix in full, read-only; n^2 float64."""
        n = len(self)
        matrix = np.zeros((n, n))
        matrix[np.repeat(np.arange(n), self.degrees), self.indices] = self.data
        np.fill_diagonal(matrix, self.diagonal)
        matrix.setflags(write=False)
        return matrix

    def as_scipy(self) -> Any:
        """Return a scipy.sparse array of the same entries."""
        sparse = _SCIPY.load("sparse")
        n = len(self)
        apart = sparse.csr_array((self.data, self.indices, self.indptr), shape=(n, n))
        places = np.arange(n)
        return (apart + sparse.csr_array((self.diagonal, (places, places)))).tocsr()


@dataclass(frozen=True, eq=False)
class SparseForm:
    r"""Choose k of n rows of a sparse symmetric matrix A, minimising :math:`m'Am + c'm`.

    Parameters
    ----------
    matrix : SparseMatrix
    linear : ndarray of float64 (n,)
        c.
    k : int
    constant : float
        What is added for the objective of the problem.
    """

    matrix: SparseMatrix
    linear: NDArray[np.float64]
    k: int
    constant: float = 0.0

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.matrix)

    def value(self, rows: NDArray[np.int64]) -> float:
        """Return the inner value :math:`m'Am + c'm` of the chosen rows, which are in order."""
        return float(self.matrix.among(rows).sum() + self.linear[rows].sum())

    def lower(self, objective: float) -> float:
        """Return the inner value for an objective of the problem."""
        return objective - self.constant

    def lower_bound(self, value: float) -> float:
        """Return a lower bound on the objective for one on the inner value, rounded down."""
        return _rounding.down(Fraction(value) + Fraction(self.constant))
