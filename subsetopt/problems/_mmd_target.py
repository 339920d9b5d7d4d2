"""Target distributions of MMD selection, as inner products with the target's kernel mean."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt import _rounding
from subsetopt.errors import InvalidProblem

from . import _validation
from ._computed_rows import ComputedRows
from ._kernel_matrices import weighted_sums
from .kernels import Kernel
from .mean_embedding import MeanEmbedding

_BLOCK = 1024  # rows of a kernel matrix that are multiplied by weights at a time


@dataclass(frozen=True, eq=False)
class TargetTerms:
    r"""What squared MMD needs to know of a target with kernel mean :math:`\mu`.

    Parameters
    ----------
    values : ndarray of float64 (q,)
        :math:`\langle \mu, \phi_i \rangle` for each candidate.
    selected : float
        Their sum over the points selected before.
    squared_norm : float
        :math:`\lVert \mu \rVert^2`; 0 where it is not known.
    doubt : float
        How far one of `values`, or the squared norm, may be off by rounding.
    evaluated : bool
        All three come from points, so that the distance is one, and at least 0.
    """

    values: NDArray[np.float64]
    selected: float
    squared_norm: float
    doubt: float
    evaluated: bool


def weights_of(name: str, weights: ArrayLike | None, count: int, of: str) -> NDArray[np.float64]:
    """Return weights as float64, 1 each where none are given.

    Raises
    ------
    InvalidProblem
        For another number of them than `count`, a negative one, or none above 0.
    """
    if weights is None:
        return np.ones(count)
    given = _validation.numeric_array(name, weights, dimensions=(1,)).astype(np.float64)
    if len(given) != count:
        raise InvalidProblem(
            f"{name} must hold one number for each of the {count} {of}; got {len(given)}"
        )
    if given.min() < 0:
        i = int(given.argmin())
        raise InvalidProblem(f"{name} must be at least 0; got {given[i]} at {i}")
    if given.max() == 0:
        raise InvalidProblem(f"{name} must hold a number above 0; got {count} zeros")
    given.setflags(write=False)
    return given


def _shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights divided by their sum."""
    shares = weights / weights.max()  # so that their sum does not overflow
    return np.asarray(shares / shares.sum())


def target_of_points(
    kernel: Kernel,
    X: NDArray[Any],
    P: NDArray[Any] | None,
    T: NDArray[Any],
    weights: NDArray[np.float64],
) -> TargetTerms:
    """Return the terms of weighted points T (m, d); O((n + m) m d), in blocks."""
    shares = _shares(weights)
    values, largest = weighted_sums(kernel, X, T, shares)
    selected = 0.0 if P is None else sum_of_products(kernel, P, T, weights)
    means, within = weighted_sums(kernel, T, T, shares)
    norm = float((shares * means).sum())
    return _evaluated(values, selected, norm, len(T), max(largest, within))


def sum_of_products(
    kernel: Kernel, P: NDArray[Any], X: NDArray[Any], weights: NDArray[np.float64]
) -> float:
    """Return the sum over points P of the weighted mean of their kernels with points X."""
    return float(weighted_sums(kernel, P, X, _shares(weights))[0].sum())


def target_of_matrix(
    matrix: NDArray[Any] | ComputedRows,
    weights: NDArray[np.float64],
    positions: NDArray[np.int64] | None,
    selected: NDArray[np.int64] | None,
) -> TargetTerms:
    """Return the terms of the rows of a kernel matrix, weighted; O(n^2), in blocks."""
    weights = _shares(weights)
    if isinstance(matrix, ComputedRows):
        means, largest = weighted_sums(matrix.kernel, matrix.X, matrix.X, weights, matrix.threads)
        return _evaluated(means, 0.0, float((weights * means).sum()), len(matrix), largest)
    means = np.concatenate(
        [
            (matrix[start : start + _BLOCK] * weights).sum(axis=1)
            for start in range(0, len(matrix), _BLOCK)
        ]
    )
    values = means if positions is None else means[positions]
    before = 0.0 if selected is None else float(means[selected].sum())
    largest = max(float(matrix.max()), -float(matrix.min()))
    return _evaluated(values, before, float((weights * means).sum()), len(matrix), largest)


def target_of_embedding(
    embedding: MeanEmbedding,
    count: int,
    before: int,
    positions: NDArray[np.int64] | None = None,
    selected: NDArray[np.int64] | None = None,
) -> TargetTerms:
    """Return the terms of a mean embedding, which are taken as they are.

    Raises
    ------
    InvalidProblem
        For another number of values than `count`, or of those selected than `before`.
    """
    given, values = embedding.selected, embedding.values
    if len(values) != count:
        raise InvalidProblem(
            f"MeanEmbedding's values must hold one number for each of the {count} candidates; "
            f"got {len(values)}"
        )
    if positions is not None:
        assert selected is not None
        values, given = values[positions], values[selected]
    elif (0 if given is None else len(given)) != before:
        raise InvalidProblem(
            f"MeanEmbedding's selected must hold one number for each of the {before} points "
            f"selected before; got {0 if given is None else len(given)}"
        )
    before_sum = 0.0 if given is None else float(given.sum())
    return TargetTerms(values, before_sum, embedding.squared_norm or 0.0, 0.0, evaluated=False)


def _evaluated(
    values: NDArray[np.float64], selected: float, norm: float, terms: int, largest: float
) -> TargetTerms:
    # Each sum is over products with weights that add up to 1 but for a unit each.
    doubt = (_rounding.of_sum(terms) + 4 * _rounding.UNIT) * largest
    return TargetTerms(values, selected, norm, 2 * doubt, evaluated=True)
