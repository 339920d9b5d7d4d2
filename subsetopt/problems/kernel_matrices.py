"""Kernel matrices: evaluated in blocks, and checked to be what a kernel gives."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem

from . import checks
from .kernels import Kernel
from .memory import require_memory

_FACTORISED = 2048  # rows up to which definiteness is proven by a Cholesky factorisation
_ROUNDING = {4: 1e-5, 8: 1e-10}  # by bytes per number, relative to the largest
_SUMMABLE = 1e280


def kernel_matrix(kernel: Kernel, X: NDArray[Any], limit: int | None = None) -> NDArray[Any]:
    """Return K(X, X), symmetric to the last bit and read-only; memory: its own and one block.

    Raises
    ------
    TooLarge
        If it would take more than `limit` bytes.
    InvalidProblem
        For a kernel that overflows, or a function that gives no kernel matrix.
    """
    n, dtype = len(X), kernel.dtype(X, X)
    require_memory(
        f"the {n} x {n} kernel matrix in {dtype}",
        dtype.itemsize * (n * n + X.size),
        "choose among fewer candidates, give float32 features, or raise memory_limit",
        limit,
    )
    matrix = np.empty((n, n), dtype)
    fill = kernel.filler(X, X)
    for rows, columns in _blocks(n, n, kernel.block):
        if kernel.semidefinite and columns.start < rows.start:
            continue
        block = matrix[rows, columns]
        _evaluate(kernel, fill, rows, columns, block)
        if kernel.semidefinite:
            mirror = np.triu(block).T if rows == columns else block.T
            matrix[columns, rows] = mirror + np.triu(block, 1) if rows == columns else mirror
    if kernel.normalised:
        np.fill_diagonal(matrix, 1)
    matrix.setflags(write=False)
    return matrix


def kernel_sums(kernel: Kernel, X: NDArray[Any], Y: NDArray[Any]) -> NDArray[np.float64]:
    """Return the row sums of K(X, Y), which is never held as a whole."""
    sums = np.zeros(len(X))
    dtype = kernel.dtype(X, Y)
    fill = kernel.filler(X, Y)
    for rows, columns in _blocks(len(X), len(Y), kernel.block):
        block = np.empty((len(X[rows]), len(Y[columns])), dtype)
        _evaluate(kernel, fill, rows, columns, block)
        sums[rows] += block.sum(axis=1, dtype=np.float64)
    return sums


def _blocks(n: int, m: int, size: int) -> Iterator[tuple[slice, slice]]:
    for i in range(0, n, size):
        for j in range(0, m, size):
            yield slice(i, min(i + size, n)), slice(j, min(j + size, m))


def _evaluate(kernel: Kernel, fill: Any, rows: slice, columns: slice, block: NDArray[Any]) -> None:
    with np.errstate(all="ignore"):
        fill(rows, columns, block)
        largest = np.abs(block).max() if block.dtype == np.float64 else 0.0
    finite = np.isfinite(block)
    if not finite.all():
        i, j = np.argwhere(~finite)[0]
        raise InvalidProblem(
            f"the kernel {kernel!r} of points {rows.start + i} and {columns.start + j} is "
            f"{block[i, j]} in {block.dtype}; scale the features down, or give float64 ones"
        )
    _require_summable(f"the kernel {kernel!r}", largest)


def _require_summable(name: str, largest: float) -> None:
    if largest > _SUMMABLE:
        raise InvalidProblem(
            f"{name} reaches {largest:.3g}, above {_SUMMABLE:.3g}, so that sums over all pairs "
            "overflow float64; scale it down"
        )


def symmetric_kernel(name: str, matrix: NDArray[Any]) -> NDArray[Any]:
    """Return the matrix symmetric to the last bit, where it is symmetric but for rounding.

    Raises
    ------
    InvalidProblem
        If a pair of entries differs by more than 1e-5 (float32) or 1e-10 (float64) of the
        largest entry.
    """
    if all(np.array_equal(*pair) for pair in checks.mirrored_blocks(matrix)):
        return matrix
    tolerance = _ROUNDING[matrix.dtype.itemsize] * _largest(matrix)
    i, j, difference = _worst_pair(matrix)
    if difference > tolerance:
        raise InvalidProblem(
            f"{name} is not symmetric: [{i}, {j}] is {matrix[i, j]:.6g} and [{j}, {i}] is "
            f"{matrix[j, i]:.6g}, a difference of {difference:.3g} where rounding explains "
            f"{tolerance:.3g}; if the mean of both is meant, give ({name} + {name}.T) / 2"
        )
    symmetric = np.asarray((matrix + matrix.T) / 2)
    symmetric.setflags(write=False)
    return symmetric


def _largest(matrix: NDArray[Any]) -> float:
    return max(float(matrix.max()), -float(matrix.min()))


def _worst_pair(matrix: NDArray[Any]) -> tuple[int, int, float]:
    worst = (0, 0, -1.0)
    for rows, columns in _blocks(len(matrix), len(matrix), 256):
        gap = matrix[rows, columns].astype(np.float64) - matrix[columns, rows].T
        i, j = np.unravel_index(np.argmax(np.abs(gap)), gap.shape)
        if abs(gap[i, j]) > worst[2]:
            worst = (int(rows.start + i), int(columns.start + j), float(abs(gap[i, j])))
    return worst


def require_semidefinite(name: str, matrix: NDArray[Any]) -> bool:
    """Return whether a symmetric matrix is now known to be positive semidefinite.

    Up to 2,048 rows by a Cholesky factorisation in float64, O(n^3); beyond, only its minors of two
    rows are looked at, O(n^2), and the answer is False.

    Raises
    ------
    InvalidProblem
        If it is indefinite by more than rounding explains; with what to do instead.
    """
    largest = _largest(matrix)
    _require_summable(name, largest)
    if largest == 0.0:
        return True
    tolerance = _ROUNDING[matrix.dtype.itemsize]
    if len(matrix) > _FACTORISED:
        _require_minors(name, matrix, tolerance * largest)
        return False
    shifted = matrix / np.float64(largest)
    shifted.flat[:: len(matrix) + 1] += 2 * np.sqrt(len(matrix)) * tolerance
    try:
        np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError:
        smallest = float(np.linalg.eigvalsh(matrix / np.float64(largest))[0]) * largest
        what = f"its smallest eigenvalue is {smallest:.4g}"
        raise _indefinite(name, what, f"{_above(-smallest)} * numpy.eye(n)") from None
    return True


def _require_minors(name: str, matrix: NDArray[Any], tolerance: float) -> None:
    diagonal = matrix.diagonal().astype(np.float64)
    roots = np.sqrt(np.maximum(diagonal, 0)).astype(matrix.dtype)
    slack = matrix.dtype.type(tolerance)
    for rows, columns in _blocks(len(matrix), len(matrix), 256):
        if columns.start < rows.start:
            continue
        excess = np.abs(matrix[rows, columns])
        excess -= np.multiply.outer(roots[rows], roots[columns])
        if excess.max() <= slack:
            continue
        i, j = np.unravel_index(np.argmax(excess), excess.shape)
        i, j = rows.start + i, columns.start + j
        pair = matrix[np.ix_([i, j], [i, j])].astype(np.float64)
        smallest = float(diagonal[i] if i == j else np.linalg.eigvalsh(pair)[0])
        what = (
            f"[{i}, {i}] is {pair[0, 0]:.4g}"
            if i == j
            else f"[{i}, {j}] is {pair[0, 1]:.4g}, beyond the root of [{i}, {i}] times [{j}, {j}] "
            f"by {excess.max():.4g}"
        )
        raise _indefinite(name, what, f"a * numpy.eye(n), a at least {_above(-smallest)},")


def _above(value: float) -> float:
    """Return `value` rounded up to three digits, and by enough to cover the rounding of a sum."""
    step = 10.0 ** (np.floor(np.log10(value)) - 2)
    return float(f"{(np.ceil(value / step) + 1) * step:.3g}")


def _indefinite(name: str, what: str, mend: str) -> InvalidProblem:
    return InvalidProblem(
        f"{name} is not positive semidefinite, so it is no kernel matrix: {what}; with "
        f"kernel='precomputed', {name} + {mend} has the same best selections, and "
        "QuadraticSelection needs no definiteness"
    )
