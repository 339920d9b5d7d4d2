"""Sparse storage of matrices: when it is used, and sums of entries."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.models import SparseMatrix

from . import _validation
from ._entries import checked_entries, of_checked_entries
from ._identity import fingerprint
from ._memory import memory_limit, require_memory, require_square
from ._sizes import sizes

FROM = 2_000
"""Up to so many candidates a matrix is always dense: it takes 32 MB, and all solvers use it."""
DENSITY = 0.05
"""The share of entries that are not zero from which on a matrix is dense where it fits."""
_INDICES = 2**31  # columns are int32
_BYTES_NODE = 150  # of memory, when a problem is made, solved and has names
_BYTES_ENTRY = 60
_FIX = (
    "solvers 'greedy', 'swap', 'tabu' and 'random', with bound 'degrees' or none, need only the "
    "entries that are not zero, if k is one number and there are no constraints"
)


def keeps_sparse(n: int, entries: int) -> bool:
    """Whether a matrix with so many entries that are not zero is kept by these."""
    return FROM < n < _INDICES and (entries < DENSITY * n * n or 8 * n * n > memory_limit())


def require_entries(what: str, n: int, entries: int) -> None:
    """Raise TooLarge if a problem with so many entries is more than `memory_limit`."""
    if not keeps_sparse(n, entries):
        require_square(what, n)
        return
    require_memory(
        f"{what}, with {n} nodes,",
        _BYTES_NODE * n + _BYTES_ENTRY * entries,
        "leave out nodes without edges, or take a machine with more memory",
    )


def taken(
    matrix: SparseMatrix, k: object, constraints: object
) -> "SparseMatrix | NDArray[np.float64]":
    """Return the matrix, dense where the rest of a problem needs that."""
    smallest, largest = sizes(k, len(matrix))
    return matrix if constraints is None and smallest == largest else densified(matrix)


def densified(matrix: "SparseMatrix | NDArray[Any]") -> NDArray[Any]:
    """Return the matrix in full.

    Raises
    ------
    TooLarge
        Before it is allocated.
    """
    if not isinstance(matrix, SparseMatrix):
        return matrix
    require_dense(len(matrix))
    return matrix.dense()


def require_dense(n: int) -> None:
    """Raise TooLarge if a sparse problem of n candidates does not fit as a dense one."""
    require_memory(f"the {n} x {n} matrix of a sparse problem", 8 * n * n, _FIX)


def of_scipy(Q: Any, sign: float) -> SparseMatrix | None:
    """Return ``sign`` times the symmetric part of a scipy.sparse matrix; None if dense is better.

    Raises
    ------
    InvalidProblem
        For values that are not finite real numbers.
    """
    if len(Q.shape) != 2 or Q.shape[0] != Q.shape[1] or not keeps_sparse(Q.shape[0], Q.nnz):
        return None
    n = Q.shape[0]
    rows_of = Q.tocsr(copy=True)
    rows_of.sum_duplicates()
    entries = rows_of.tocoo()
    data = entries.data
    values = _validation.numeric_array("Q", data, (1,)).astype(np.float64) if len(data) else data
    rows, columns = (np.asarray(part).astype(np.int64) for part in (entries.row, entries.col))
    pairs = np.minimum(rows, columns) * n + np.maximum(rows, columns)
    stored, group = np.unique(pairs, return_inverse=True)
    means: NDArray[Any] = sign * np.bincount(group, values, len(stored))
    rows, columns = np.divmod(stored, n)
    means[rows != columns] /= 2
    return SparseMatrix.of_pairs(n, rows, columns, means)


def of_entries(
    n: int, rows: ArrayLike, columns: ArrayLike, values: ArrayLike, sign: float
) -> "SparseMatrix | NDArray[np.float64]":
    """Return the matrix with ``sign * values`` at (row, column) and its mirror image.

    Raises
    ------
    TooLarge
        If it has to be dense and does not fit.
    InvalidProblem
    """
    one, other, numbers = checked_entries(n, rows, columns, values)
    require_entries("the entries", n, 2 * len(numbers))
    make = SparseMatrix.of_pairs if keeps_sparse(n, 2 * len(numbers)) else of_checked_entries
    return make(n, one, other, sign * numbers + 0.0)


def block(matrix: "SparseMatrix | NDArray[Any]", chosen: NDArray[np.int64]) -> NDArray[Any]:
    """Return the entries among the chosen, which are in order; of a sparse matrix no zeros."""
    if isinstance(matrix, SparseMatrix):
        return matrix.among(chosen)
    entries: NDArray[Any] = matrix[np.ix_(chosen, chosen)]
    return entries


def fingerprint_of(matrix: "SparseMatrix | NDArray[Any]") -> tuple[object, ...]:
    """Return what equal matrices of one kind have alike."""
    if not isinstance(matrix, SparseMatrix):
        return fingerprint(matrix)
    parts = (matrix.indptr, matrix.indices, matrix.data, matrix.diagonal)
    return tuple(fingerprint(part) for part in parts)
