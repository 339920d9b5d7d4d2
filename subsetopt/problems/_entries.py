"""Symmetric matrices assembled and changed in place."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.models import SparseMatrix

from . import _validation
from ._pairs import repeated_pair


def symmetric_part(matrix: NDArray[Any], owned: bool = False) -> NDArray[Any]:
    """Return `matrix` if it is symmetric to the last bit, else ``(Q + Q') / 2`` in float64.

    Where the matrix is `owned`, nobody else has it, and a float64 one is changed in place.
    """
    if all(np.array_equal(*pair) for pair in _validation.mirrored_blocks(matrix)):
        return matrix
    double = _writable(matrix) if owned and matrix.dtype == np.float64 else matrix.astype(float)
    for upper, lower in _validation.mirrored_blocks(double):
        mean = (upper + lower) / 2
        upper[...] = mean
        lower[...] = mean
    double.setflags(write=False)
    return double


def turned(matrix: NDArray[Any], in_place: bool = False) -> NDArray[Any]:
    """Return the negative of a matrix, read-only, with no negative zeros."""
    result = _writable(matrix) if in_place else np.empty_like(matrix)
    np.subtract(matrix.dtype.type(0), matrix, out=result)
    result.setflags(write=False)
    return result


def checked_entries(
    n: int, rows: ArrayLike, columns: ArrayLike, values: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return rows and columns, and the values, of entries that occur once each.

    Raises
    ------
    InvalidProblem
        For indices outside 0..n-1, a pair that occurs twice, or values that are not finite.
    """
    ends = [np.asarray(part, dtype=np.int64) for part in (rows, columns)]
    numbers = np.asarray(values, dtype=np.float64)
    if ends[0].ndim != 1 or not ends[0].shape == ends[1].shape == numbers.shape:
        shapes = (ends[0].shape, ends[1].shape, numbers.shape)
        raise InvalidProblem(f"rows, columns and values must be (entries,); got {shapes}")
    if n < 1 or any(part.size and not 0 <= part.min() <= part.max() < n for part in ends):
        raise InvalidProblem(f"rows and columns must lie in 0..{n - 1} for n = {n}")
    if not np.isfinite(numbers).all():
        raise InvalidProblem("values must be finite; got NaN or infinity")
    if (again := repeated_pair(np.minimum(*ends) * n + np.maximum(*ends))) is not None:
        pair = (int(ends[0][again[0]]), int(ends[1][again[0]]))
        raise InvalidProblem(f"each pair must occur once; {pair} is entry {again[1]} too")
    return ends[0], ends[1], numbers


def of_checked_entries(
    n: int, rows: NDArray[np.int64], columns: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the symmetric matrix with these entries and their mirror images.

    Memory: n^2 float64, of which the system hands out only what is not zero.
    """
    matrix = np.zeros((n, n))
    matrix[rows, columns] = values
    matrix[columns, rows] = values
    matrix.setflags(write=False)
    return matrix


def _writable(matrix: NDArray[Any]) -> NDArray[Any]:
    matrix.setflags(write=True)
    return matrix


class StatedMatrix:
    """Q as it was stated, of a problem that holds what is minimised."""

    def __get__(self, problem: Any, owner: type) -> Any:
        if problem is None:
            raise AttributeError("Q is of an instance")  # so that no field has it as its default
        matrix = problem._matrix
        if isinstance(matrix, SparseMatrix):
            return (-matrix if problem.sense == "maximise" else matrix).as_scipy()
        return turned(matrix) if problem.sense == "maximise" else matrix
