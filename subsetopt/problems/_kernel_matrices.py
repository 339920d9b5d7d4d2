"""Kernel matrices: evaluated in blocks, and checked to be what a kernel gives."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from subsetopt._processes import processors
from subsetopt.errors import InvalidProblem

from . import _validation
from ._kernel_choice import Custom
from ._memory import require_memory
from ._parallel import each
from .kernels import Fill, Kernel, scratch

Tile = tuple[slice, slice]

_FACTORISED = 2048  # rows up to which definiteness is proven by a Cholesky factorisation
_SUMMABLE = 1e280
ROUNDING = {4: 1e-5, 8: 1e-10}
"""What rounding may do to an entry, by bytes per number, relative to the largest."""


def kernel_matrix(
    kernel: Kernel,
    X: NDArray[Any],
    limit: int | None = None,
    storage: DTypeLike | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """Return K(X, X), read-only, and symmetric to the last bit where the kernel is known to be.

    Memory: its own, three times the features', and a block for each thread.

    Parameters
    ----------
    kernel : Kernel
    X : ndarray (n, d)
    limit : int, optional
        Bytes it may take; None is `memory.memory_limit`.
    storage : dtype, optional
        What it is rounded to; None is what the kernel gives.
    threads : int, optional
        None is the number of processors; the matrix is the same whatever it is.

    Raises
    ------
    TooLarge
        If it would take more than `limit` bytes.
    InvalidProblem
        For a kernel that overflows, or a function that gives no kernel matrix.
    """
    n, dtype = len(X), kernel.dtype(X, X)
    stored = dtype if storage is None else np.dtype(storage)
    require_memory(
        f"the {n} x {n} kernel matrix in {stored}",
        stored.itemsize * n * n + dtype.itemsize * X.size,
        f"coreset chooses without it; else give fewer candidates{halving(X, stored)}, or raise "
        "memory_limit (in Python)",
        limit,
    )
    matrix = np.empty((n, n), stored)
    fill = kernel.filler(X, X)

    def evaluate(tile: Tile) -> None:
        rows, columns = tile
        block = _evaluated(kernel, fill, rows, columns, dtype)
        if kernel.semidefinite and rows == columns:
            block = np.triu(block) + np.triu(block, 1).T
        if stored != dtype:
            with np.errstate(over="ignore"):
                block = block.astype(stored)
            _require_finite(kernel, rows, columns, block)
        matrix[rows, columns] = block
        if kernel.semidefinite and rows != columns:
            matrix[columns, rows] = block.T

    each(evaluate, _tiles(kernel, n), _threads(kernel, threads))
    if kernel.normalised:
        np.fill_diagonal(matrix, 1)
    matrix.setflags(write=False)
    return matrix


def halving(X: NDArray[Any], stored: np.dtype[Any]) -> str:
    """Say that float32 features take half the memory, where they do."""
    return ", give float32 features" if stored == X.dtype == np.float64 else ""


def kernel_sums(
    kernel: Kernel, X: NDArray[Any], Y: NDArray[Any], threads: int | None = None
) -> NDArray[np.float64]:
    """Return the row sums of K(X, Y), which is never held as a whole."""
    return weighted_sums(kernel, X, Y, None, threads)[0]


def weighted_sums(
    kernel: Kernel,
    X: NDArray[Any],
    Y: NDArray[Any],
    weights: NDArray[np.float64] | None,
    threads: int | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Return the row sums of K(X, Y) with a weight for each column, and its largest magnitude."""
    dtype = kernel.dtype(X, Y)
    fill = kernel.filler(X, Y)
    bands = [rows for rows, columns in _blocks(len(X), len(Y), kernel.block) if not columns.start]

    def summed(rows: slice) -> tuple[NDArray[np.float64], float]:
        sums, largest = np.zeros(rows.stop - rows.start), 0.0
        for _, columns in _blocks(1, len(Y), kernel.block):
            block = _evaluated(kernel, fill, rows, columns, dtype)
            if weights is not None:
                largest = max(largest, float(block.max()), -float(block.min()))
                block = block * weights[columns]
            sums += block.sum(axis=1, dtype=np.float64)
        return sums, largest

    parts = each(summed, bands, _threads(kernel, threads))
    return np.concatenate([sums for sums, _ in parts]), max(largest for _, largest in parts)


def own_sums(
    kernel: Kernel,
    X: NDArray[Any],
    threads: int | None = None,
    told: Callable[[int, int], None] | None = None,
) -> NDArray[np.float64]:
    """Return the row sums of K(X, X), each pair of points evaluated once where it is symmetric.

    Its diagonal is 1 where the kernel is normalised. Memory: an array (n,) for each thread. `told`
    hears of pairs done and all pairs, from the first on.
    """
    n, dtype, symmetric = len(X), kernel.dtype(X, X), kernel.semidefinite
    fill, room = kernel.quick_filler(X, X), scratch(dtype)

    def summed(start: int) -> NDArray[np.float64]:
        first = start if symmetric else 0
        sums, rows = np.zeros(n - first), slice(start, min(start + kernel.block, n))
        own = slice(start - first, rows.stop - first)
        for _, columns in _blocks(1, n - first, kernel.block):
            seen = slice(columns.start + first, columns.stop + first)
            block = room(rows.stop - rows.start, seen.stop - seen.start)
            if kernel.normalised:
                with np.errstate(all="ignore"):
                    fill(rows, seen, block)
            else:
                block = _evaluated(kernel, fill, rows, seen, dtype)
            if rows == seen and kernel.normalised:
                np.fill_diagonal(block, 1)
            sums[own] += kernel.sums_of(block)
            if symmetric and rows != seen:
                sums[columns] += kernel.sums_of(block.T)
        return sums if symmetric else sums[own]

    total, starts, used = np.zeros(n), range(0, n, kernel.block), _threads(kernel, threads)
    at_once = 2 * (used or processors())  # few results are held, and `told` hears soon
    for number in range(0, len(starts), at_once):
        part = starts[number : number + at_once]
        if told is not None:
            left = n - part[0]
            told(n * n - left * left if symmetric else n * part[0], n * n)
        for start, sums in zip(part, each(summed, part, used), strict=True):
            total[start : start + len(sums)] += sums
    return total


def pair_sums(
    kernel: Kernel, X: NDArray[Any], Y: NDArray[Any], threads: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the row sums and the column sums of K(X, Y), which is never held as a whole."""
    dtype, used = kernel.dtype(X, Y), _threads(kernel, threads) or processors()
    fill = kernel.filler(X, Y)
    size = max(kernel.block, -(-len(X) // used))

    def summed(start: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        band = X[start : start + size]
        sums, others = np.zeros(len(band)), np.zeros(len(Y))
        for rows, columns in _blocks(len(band), len(Y), kernel.block):
            seen = slice(start + rows.start, start + rows.stop)
            block = _evaluated(kernel, fill, seen, columns, dtype)
            sums[rows] += block.sum(axis=1, dtype=np.float64)
            others[columns] += block.sum(axis=0, dtype=np.float64)
        return sums, others

    parts = each(summed, range(0, len(X), size), used)
    return np.concatenate([sums for sums, _ in parts]), np.sum([part for _, part in parts], axis=0)


def _tiles(kernel: Kernel, n: int) -> list[Tile]:
    """Return the blocks to evaluate: the upper ones where the kernel is known to be symmetric."""
    tiles = _blocks(n, n, kernel.block)
    return [(rows, columns) for rows, columns in tiles if not _mirrored(kernel, rows, columns)]


def _mirrored(kernel: Kernel, rows: slice, columns: slice) -> bool:
    return kernel.semidefinite and columns.start < rows.start


def _threads(kernel: Kernel, threads: int | None) -> int | None:
    """Call functions of the caller's from one thread only: they may not be made for several."""
    return 1 if isinstance(kernel, Custom) else threads


def _blocks(n: int, m: int, size: int) -> Iterator[tuple[slice, slice]]:
    for i in range(0, n, size):
        for j in range(0, m, size):
            yield slice(i, min(i + size, n)), slice(j, min(j + size, m))


def _evaluated(
    kernel: Kernel, fill: Fill, rows: slice, columns: slice, dtype: np.dtype[Any]
) -> NDArray[Any]:
    block = np.empty((rows.stop - rows.start, columns.stop - columns.start), dtype)
    with np.errstate(all="ignore"):
        fill(rows, columns, block)
        largest = np.abs(block).max() if block.dtype == np.float64 else 0.0
    _require_finite(kernel, rows, columns, block)
    _require_summable(f"the kernel {kernel!r}", largest)
    return block


def _require_finite(kernel: Kernel, rows: slice, columns: slice, block: NDArray[Any]) -> None:
    finite = np.isfinite(block)
    if not finite.all():
        i, j = np.argwhere(~finite)[0]
        raise InvalidProblem(
            f"the kernel {kernel!r} of points {rows.start + i} and {columns.start + j} is "
            f"{block[i, j]} in {block.dtype}; scale the features down, or give float64 ones"
        )


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
    if all(np.array_equal(*pair) for pair in _validation.mirrored_blocks(matrix)):
        return matrix
    tolerance = ROUNDING[matrix.dtype.itemsize] * _largest(matrix)
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
    tolerance = ROUNDING[matrix.dtype.itemsize]
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


def require_resolved(name: str, matrix: NDArray[Any]) -> None:
    """Raise InvalidProblem if the entries of a kernel matrix are all next to nothing in its dtype.

    Of features of 1e-300 inner products are, and every selection would be as good as any other.
    """
    limits = np.finfo(matrix.dtype)
    largest, least = _largest(matrix), float(limits.tiny) * 2.0**20
    if largest < least:
        raise InvalidProblem(
            f"{name} is at most {largest:.3g}, below {least:.3g}, so that {matrix.dtype} cannot "
            "tell its values apart; multiply the features, or the matrix, by a power of two"
        )


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


def _indefinite(name: str, what: str, fix: str) -> InvalidProblem:
    return InvalidProblem(
        f"{name} is not positive semidefinite, so it is not a kernel matrix: {what}; with "
        f"kernel='precomputed', {name} + {fix} has the same best selections, and "
        "QuadraticSelection needs no definiteness"
    )
