"""Points of a feature space: validation, and distances between all pairs of them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem

from . import _validation

_MOST_ROWS = 2000  # points whose distances the median is taken of
_CANCELLED = 1e-8  # of the largest squared norm: below this, products do not tell distances


def points(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return a read-only float32 or float64 copy (n, d) of features; (n,) is taken as (n, 1).

    Raises
    ------
    InvalidProblem
        As `checks.numeric_array`, or if squared distances overflow.
    """
    array = _validation.numeric_array(name, values, dimensions=(1, 2))
    if array.dtype == np.int64:
        array = array.astype(np.float64)
    array = array.reshape(len(array), -1)
    if array.shape[1] == 0:
        raise InvalidProblem(f"{name} must have at least one feature; got shape {array.shape}")
    _validation.require_squares(name, array)
    array.setflags(write=False)
    return array


def alike(
    names: tuple[str, str], X: NDArray[Any], Y: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both in the wider of their dtypes; InvalidProblem if their features differ."""
    if X.shape[1] != Y.shape[1]:
        raise InvalidProblem(
            f"{names[0]} has {X.shape[1]} features and {names[1]} has {Y.shape[1]} "
            f"(shapes {X.shape} and {Y.shape}); both need the same"
        )
    dtype = np.result_type(X, Y)
    both = X.astype(dtype, copy=False), Y.astype(dtype, copy=False)
    for array in both:
        array.setflags(write=False)
    return both


def standardised(
    X: NDArray[Any],
    centre: NDArray[np.float64],
    scale: float,
    dtype: Any,
    out: NDArray[Any] | None = None,
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return ``(X - centre) / scale`` in `dtype` or `out`, and half the rows' squared norms."""
    rows = np.empty(X.shape, dtype) if out is None else out
    halves = np.empty(len(X))
    for start in range(0, len(X), 1024):
        part = slice(start, start + 1024)
        block = (X[part] - centre) / scale
        rows[part] = block
        halves[part] = 0.5 * np.einsum("ij,ij->i", block, block)
    return rows, halves


def add_distances(
    X: NDArray[Any], Y: NDArray[Any], power: int, out: NDArray[Any], scale: float = 1.0
) -> None:
    """Add ``sum_c (|x_c - y_c| / scale)**power``, power 1 or 2, to each entry of `out`.

    Differences are formed one by one, so nothing cancels; O(d) passes over `out`.
    """
    term = np.empty_like(out)
    fold = np.absolute if power == 1 else np.square
    for x, y in zip(np.ascontiguousarray(X.T), np.ascontiguousarray(Y.T), strict=True):
        np.subtract(x[:, None], y, out=term)
        if scale != 1.0:
            term /= scale
        out += fold(term, out=term)


def median_distance(power: int, *clouds: NDArray[Any]) -> float:
    """Return the median over distinct pairs of points of ``(sum_c |x_c - y_c|**power)**(1/power)``.

    Of more than 2,000 points, a fixed uniform sample of 2,000 is taken. Where the median is zero,
    because most points coincide, it is the median of the distances that are not zero; where all
    points coincide it is 0.
    """
    sample = _sample(clouds)
    exponent = int(np.frexp(float(np.abs(sample).max()))[1])
    sample = np.ldexp(sample, -exponent)  # squares neither overflow nor vanish
    if power == 2:
        median, largest = _median_by_products(sample - sample.mean(axis=0))
        if median > _CANCELLED * largest:
            return float(np.ldexp(np.sqrt(median), exponent))
    distances = np.zeros((len(sample), len(sample)))
    for i in range(0, len(sample), 256):
        for j in range(i, len(sample), 256):
            X, Y = sample[i : i + 256], sample[j : j + 256]
            add_distances(X, Y, power, distances[i : i + 256, j : j + 256])
    pairs = _above_diagonal(distances)
    if not pairs.any():
        return 0.0
    median = np.median(pairs) or np.median(pairs[pairs > 0])
    return float(np.ldexp(median ** (1 / power), exponent))


def _sample(clouds: tuple[NDArray[Any], ...]) -> NDArray[np.float64]:
    count = sum(map(len, clouds))
    rows = np.arange(count)
    if count > _MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(count, _MOST_ROWS, replace=False))
    parts, first = [], 0
    for cloud in clouds:
        own = rows[(rows >= first) & (rows < first + len(cloud))] - first
        parts.append(cloud[own].astype(np.float64))
        first += len(cloud)
    return np.concatenate(parts)


def _median_by_products(centred: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median of all squared distances, and the largest squared norm to judge it by."""
    norms = np.einsum("ij,ij->i", centred, centred)
    squares = centred @ centred.T
    squares *= -2
    squares += norms[:, None]
    squares += norms
    pairs = _above_diagonal(squares)
    return (float(np.median(pairs)) if len(pairs) else 0.0), float(norms.max())


def _above_diagonal(square: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([row[i + 1 :] for i, row in enumerate(square)])
