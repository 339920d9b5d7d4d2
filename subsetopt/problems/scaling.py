"""Scaling of columns in different units, and a warning where it is missing."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidProblem, UnscaledColumns

from ._points import points

__all__ = ["scale_columns"]

Method = Literal["none", "std", "robust"]
METHODS: tuple[Method, ...] = get_args(Method)

GIVE_SCALE = 'Give scale_columns="std" (or "robust"), or "none" to leave them as they are.'
"""The remedy where that is a parameter."""
_FACTOR = 10.0
"""Spreads that differ by more are warned of."""
_FEW = 20
"""Up to so many columns every one counts; of more, pixels say, some hardly vary by their nature."""
_ROWS = 10
"""Spreads of fewer rows differ by chance."""
_IQR = 1.3489795003921634
"""Interquartile range of the standard normal distribution: robust scales compare with std."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """A translation and a scale for each column.

    Parameters
    ----------
    method : {"none", "std", "robust"}
        "std": mean and standard deviation; "robust": median and interquartile range / 1.349,
        for columns with outliers. A column whose range is zero keeps its unit.
    centre, scale : ndarray of float64 (d,)
    """

    method: Method
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray[Any], method: Method = "std") -> "Scaling":
        """Return the scaling that the rows of X (n, d) ask for; O(n d), robust O(n d log n).

        Raises
        ------
        InvalidProblem
            For another method.
        """
        require_one_of("scale_columns", method, METHODS, error=InvalidProblem)
        if method == "none":
            return cls(method, np.zeros(X.shape[1]), np.ones(X.shape[1]))
        if method == "std":
            centre, scale = X.mean(axis=0, dtype=np.float64), spreads(X)
        else:
            low, centre, high = np.quantile(X.astype(np.float64), (0.25, 0.5, 0.75), axis=0)
            scale = (high - low) / _IQR
            # Most of a rare event's values are equal: then the standard deviation.
            scale = np.where(scale > 0, scale, spreads(X))
        return cls(method, centre, np.where(scale > 0, scale, 1.0))

    def applied(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return ``(X - centre) / scale``, read-only, in X's own dtype; X itself for "none"."""
        if self.method == "none":
            return X
        scaled = ((X - self.centre) / self.scale).astype(X.dtype)
        scaled.setflags(write=False)
        return scaled


def scale_columns(
    X: ArrayLike, method: Method = "std", *, like: ArrayLike | None = None
) -> NDArray[Any]:
    """Return features with columns of equal spread, so that no unit outweighs the others.

    Parameters
    ----------
    X : array_like (n, d)
        Finite real numbers.
    method : {"std", "robust", "none"}
        See `Scaling`.
    like : array_like (m, d), optional
        The points whose means and spreads are used; None is X. Points that are compared with each
        other have to be scaled alike.

    Returns
    -------
    ndarray (n, d)
        float32 for float32, else float64; read-only.

    Raises
    ------
    InvalidProblem
        For values that are no features, another method, or other columns in `like`.

    Examples
    --------
    >>> scale_columns([[0.0, 1000.0], [2.0, 3000.0]])
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    features = points("X", X)
    known = features if like is None else points("like", like)
    if known.shape[1] != features.shape[1]:
        raise InvalidProblem(
            f"X has {features.shape[1]} columns and like has {known.shape[1]}; give the same ones"
        )
    return Scaling.of(known, method).applied(features)


def require_columns(scaling: Method | None) -> None:
    """Raise InvalidProblem if a kernel matrix, which has no columns, is to be scaled."""
    if scaling not in (None, "none"):
        raise InvalidProblem(
            f"scale_columns is {scaling!r}, but a kernel matrix has no columns to scale; scale the "
            "features it is made of: scale_columns(X)"
        )


def spreads(X: NDArray[Any]) -> NDArray[np.float64]:
    """Return the standard deviation of each column (n, d) -> (d,), 0 where all are equal."""
    deviations = np.asarray(X.std(axis=0, dtype=np.float64))
    deviations[X.min(axis=0) == X.max(axis=0)] = 0.0  # the mean of equal numbers is rounded
    return deviations


def warn_unscaled(
    X: NDArray[Any], remedy: str, stacklevel: int, names: Sequence[str] | None = None
) -> None:
    """Warn with `UnscaledColumns` where distances are those of one or a few columns.

    That is where the largest spread is more than 10 times the smallest, columns without any left
    out; of more than 20 columns, more than 10 times the median one. Fewer than 10 rows are not
    looked at. Columns are called by their index, or by `names`.
    """
    if len(X) < _ROWS:
        return
    deviations = spreads(X)
    varying = np.flatnonzero(deviations)
    if varying.size < 2:
        return
    order = varying[np.argsort(deviations[varying], kind="stable")]
    low = order[0] if order.size <= _FEW else order[(order.size - 1) // 2]
    high = order[-1]
    if deviations[high] <= _FACTOR * deviations[low]:
        return
    large, small = (j if names is None else repr(names[j]) for j in (high, low))
    warnings.warn(
        f"columns have different units: the standard deviation of column {large} is "
        f"{deviations[high]:.3g}, that of column {small} is {deviations[low]:.3g}; distances "
        f"hardly see the latter. {remedy}",
        UnscaledColumns,
        stacklevel=stacklevel + 1,
    )
