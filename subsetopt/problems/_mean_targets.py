"""The target of mean matching: checked, drawn with noise, how near it may be, what is left."""

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import up
from subsetopt.errors import InvalidProblem

from . import _validation
from ._dyadic import Dyadic

if TYPE_CHECKING:
    from .mean_matching import MeanMatching


def fraction(numerator: int, denominator: int, exponent: int) -> Fraction:
    """Return ``numerator / denominator * 2**exponent``."""
    if exponent < 0:
        return Fraction(numerator, denominator << -exponent)
    return Fraction(numerator << exponent, denominator)


def quotient(numerator: int, denominator: int, exponent: int) -> float:
    """Return ``numerator / denominator * 2**exponent``, rounded once."""
    if exponent < 0:
        return numerator / (denominator << -exponent)
    return (numerator << exponent) / denominator


def noisy_target(
    word: str, values: NDArray[Any], k: int, generator: "np.random.Generator | None"
) -> Any:
    """Return the mean with the noise of a mean of k, as the listing of the paper draws it."""
    if word != "noisy":
        raise InvalidProblem(
            f"target is {word!r}; it is a number, an array (d,), None for the mean, or 'noisy'"
        )
    if not isinstance(generator, np.random.Generator):
        raise InvalidProblem(
            f"target='noisy' draws a random number, but generator is {generator!r}; "
            "pass generator=numpy.random.default_rng(seed)"
        )
    floats = values.astype(np.float64)
    return generator.normal(floats.mean(axis=0), floats.std(axis=0) / np.sqrt(k))


def checked_target(target: Any, values: NDArray[Any]) -> Any:
    """Return a target that fits the values; InvalidProblem otherwise."""
    if target is None:
        return None
    wanted = values.shape[1:]
    if isinstance(target, Fraction) and not wanted:
        _validation.numeric_array("target", float(target), dimensions=(0,))
        return target
    array = _validation.numeric_array("target", target, dimensions=(0, 1))
    if array.shape != wanted:
        need = "a number" if not wanted else f"an array of shape {wanted}"
        raise InvalidProblem(
            f"target has shape {array.shape}; values of shape {values.shape} need {need}"
        )
    if not wanted:
        return float(array)
    _validation.require_squares("target", array)
    array = array.astype(np.float64)
    array.setflags(write=False)
    return array


def exact_columns(problem: "MeanMatching") -> Iterator[tuple[Dyadic, Fraction, Fraction]]:
    """Yield, for each coordinate of vectors, its grid, the unit of that, and the target."""
    for j, column in enumerate(problem.values.T):
        grid = Dyadic.of(column)
        unit = Fraction(2) ** grid.exponent
        mean = grid.total * unit / problem.n
        yield grid, unit, mean if problem.target is None else Fraction(float(problem.target[j]))


def least_distance(problem: "MeanMatching") -> Fraction:
    """Return a lower bound on the error of scalars: the target's from the grid and from reach."""
    p, q = problem.scaled_target
    grid = problem.grid
    remainder = p % q
    distance = min(remainder, q - remainder)
    if problem.target is not None:  # the mean of all is never out of reach
        low, high = (grid.sum(end) for end in problem.extremes)
        distance = max(distance if low * q <= p <= high * q else 0, low * q - p, p - high * q)
    return fraction(distance, q * problem.k, grid.exponent)


def extremes_of(
    values: NDArray[Any], k: int, fewer: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the selections of k scalars, or of fewer, of the smallest and of the largest sum.

    Of equal ones the first are low, and the last are high; O(n).
    """
    least, most = np.partition(values, (k - 1, len(values) - k))[[k - 1, len(values) - k]]
    low, high = np.flatnonzero(values < least), np.flatnonzero(values > most)
    low = np.concatenate([low, np.flatnonzero(values == least)[: k - len(low)]])
    ties = np.flatnonzero(values == most)
    high = np.concatenate([ties[len(ties) - (k - len(high)) :], high])
    if fewer:
        low, high = low[values[low] < 0], high[values[high] > 0]
    return np.sort(low), np.sort(high)


def reduced_target(
    problem: "MeanMatching", taken: NDArray[np.int64], count: int
) -> tuple[Any, float]:
    """Return what the mean of `count` more should be, and how far that is rounded.

    Of scalars exactly, as a Fraction; of vectors in float64, with the distance of the two.
    """
    if problem.values.ndim == 1:
        p, q = problem.scaled_target
        grid = problem.grid
        return (Fraction(p, q) - grid.sum(taken)) * Fraction(2) ** grid.exponent / count, 0.0
    exact = [
        (wanted * problem.k - grid.sum(taken) * unit) / count
        for grid, unit, wanted in exact_columns(problem)
    ]
    target = np.array([float(part) for part in exact])
    target.setflags(write=False)
    errors = [up(abs(a - Fraction(b))) for a, b in zip(exact, target.tolist(), strict=True)]
    return target, float(np.linalg.norm(errors)) * (1 + 1e-9)
