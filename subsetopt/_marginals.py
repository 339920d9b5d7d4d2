"""Marginals: how chosen rows resemble all, column by column, with random rows as baseline."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.problems import _validation
from subsetopt.problems._mmd_target import weights_of
from subsetopt.problems._points import points

_STREAM = 3  # of its own: solvers draw from default_rng(seed), baselines of objectives from 1
DRAWS = 101
"""Random selections, whose median is the baseline."""


@dataclass(frozen=True)
class Marginal:
    """One column of the chosen rows and of those that they are to resemble.

    Parameters
    ----------
    name : str
    mean, std : float
        Of all rows, or the target's, in the units of the column.
    chosen_mean : float
    shift : float
        ``|chosen_mean - mean| / std``; 0 where std is.
    random_shift : float
        The median of it over random selections of as many rows.
    ks : float
        Kolmogorov-Smirnov distance: the largest difference of the two distribution functions.
    random_ks : float
        The median of it over random selections.
    """

    name: str
    mean: float
    std: float
    chosen_mean: float
    shift: float
    random_shift: float
    ks: float
    random_ks: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def marginals(
    X: ArrayLike,
    indices: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    target: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    moments: tuple[ArrayLike, ArrayLike] | None = None,
    among: NDArray[np.int64] | None = None,
) -> tuple[Marginal, ...]:
    """Compare the distribution of each column over the chosen rows with that over others.

    Parameters
    ----------
    X : array_like (n, d) or (n,)
        Features, in whatever units.
    indices : array_like of int (k,)
        The chosen rows.
    names : sequence of str, optional
        Of the columns; None numbers them from 0.
    draws : int
        Random selections that are the baseline, >= 1.
    seed : int
        Of a generator of its own.
    target : array_like (m, d) or (m,), optional
        The rows to compare with; None is all of X.
    weights : array_like, optional
        Of the rows that are compared with; None weighs all alike.
    moments : (array_like (d,), array_like (d,)), optional
        Mean and standard deviation of each column, where the rows that are compared with are a
        sample of more: shifts are from these, and only KS distances from the sample.
    among : ndarray of int64, optional
        The rows that random selections are drawn from; None is all of X.

    Returns
    -------
    tuple of Marginal
        One for each column. O(d (n log n + draws k log k)).

    Raises
    ------
    InvalidProblem, InvalidSelection
        For values that are no features, names that do not fit, or indices that select no rows.

    Examples
    --------
    >>> age, income = marginals([[30, 1e3], [40, 2e3], [50, 9e3]], [0, 2], names=["age", "income"])
    >>> age.shift, round(age.ks, 3)
    (0.0, 0.167)
    """
    features = points("X", X)
    n, d = features.shape
    chosen = _validation.selection(indices, n, 1, n)
    if names is not None and len(names) != d:
        raise InvalidProblem(f"names has {len(names)} entries, X has {d} columns; give {d} names")
    if draws < 1:
        raise InvalidProblem(f"draws must be at least 1; got {draws}")
    others = features if target is None else points("target", target)
    if others.shape[1] != d:
        raise InvalidProblem(f"target must have the {d} columns of X; got {others.shape[1]}")
    shares = None
    if weights is not None:
        shares = weights_of("weights", weights, len(others), "rows that are compared with")
    if moments is None:
        known = [mean_and_std(column.astype(np.float64), shares) for column in others.T]
    else:
        known = _given(moments, d)
    generator = np.random.default_rng([seed, _STREAM])
    rows = n if among is None else among
    random = [generator.choice(rows, chosen.size, replace=False) for _ in range(draws)]
    labels = [str(c) for c in range(d)] if names is None else list(names)
    return tuple(
        _marginal(
            label,
            EmpiricalColumn(features[:, c], None if target is None else others[:, c], shares),
            known[c],
            chosen,
            random,
        )
        for c, label in enumerate(labels)
    )


def _given(moments: tuple[ArrayLike, ArrayLike], d: int) -> list[tuple[float, float]]:
    """Return the moments of each column; InvalidProblem where they are none."""
    mean, std = (_validation.numeric_array("moments", one, dimensions=(1,)) for one in moments)
    if mean.shape != (d,) or std.shape != (d,) or (std < 0).any():
        raise InvalidProblem(
            f"moments must be the {d} means and the {d} standard deviations, >= 0; got "
            f"{mean.tolist()} and {std.tolist()}"
        )
    return list(zip(mean.tolist(), std.tolist(), strict=True))


def _marginal(
    name: str,
    column: "EmpiricalColumn",
    moments: tuple[float, float],
    chosen: NDArray[np.int64],
    random: list[Any],
) -> Marginal:
    mean, std = moments

    def shift(rows: NDArray[np.int64]) -> float:
        return abs(float(column.values[rows].mean()) - mean) / std if std else 0.0

    return Marginal(
        name=name,
        mean=mean,
        std=std,
        chosen_mean=float(column.values[chosen].mean()),
        shift=shift(chosen),
        random_shift=float(np.median([shift(rows) for rows in random])),
        ks=float(column.distances(chosen)[0]),
        random_ks=float(np.median([column.distances(rows) for rows in random])),
    )


class EmpiricalColumn:
    """A column, and how far some of its rows are from others.

    Parameters
    ----------
    values : ndarray (n,)
        Numbers, of which NaN counts nowhere, or labels.
    others : ndarray (m,), optional
        Those that rows are compared with; None is all of `values`.
    weights : ndarray (m,), optional
        Of these.
    """

    def __init__(
        self,
        values: NDArray[Any],
        others: NDArray[Any] | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        self.is_labels = values.dtype.kind in "OU"
        self.values = values.astype(str if self.is_labels else np.float64)
        seen = self.values if others is None else others.astype(self.values.dtype.type)
        levels = np.unique(self.values if others is None else np.concatenate([self.values, seen]))
        self.levels = levels if self.is_labels else levels[~np.isnan(levels)]
        self._places = np.searchsorted(self.levels, self.values)  # NaN stands behind the last
        places = np.searchsorted(self.levels, seen)
        sizes = np.bincount(places, weights, self.levels.size + 1)[: self.levels.size]
        self.shares = sizes / sizes.sum()

    def shares_of(self, rows: Any, parts: Any = 0, count: int = 1) -> NDArray[np.float64]:
        """Return the share that each level has in each part of some rows (count, levels).

        Parameters
        ----------
        rows : ndarray of int64 (m,) or slice
        parts : ndarray of int64 (m,) or int
            The part of each.
        count : int
            The number of parts; one without a value has NaN.
        """
        width = self.levels.size + 1  # missing ones are the last
        counts = np.bincount(parts * width + self._places[rows], minlength=count * width)
        counts = counts.reshape(count, width)[:, :-1]
        with np.errstate(invalid="ignore"):
            return np.asarray(counts / counts.sum(axis=1, keepdims=True))

    def distances(self, rows: Any, parts: Any = 0, count: int = 1) -> NDArray[np.float64]:
        """Return likewise how far each part is (count,), in [0, 1]; 1 for one without a value.

        Kolmogorov-Smirnov of numbers, the largest gap of the two distribution functions; total
        variation of labels, half the sum of the gaps of their shares.
        """
        gaps = self.shares_of(rows, parts, count) - self.shares
        if self.is_labels:
            far = np.abs(gaps).sum(axis=1) / 2
        else:
            far = np.abs(np.cumsum(gaps, axis=1)).max(axis=1)
        return np.asarray(np.where(np.isnan(far), 1.0, far))


def mean_and_std(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> tuple[float, float]:
    """Return both moments of what is not NaN; NaN where there is nothing."""
    known = ~np.isnan(values)
    if not known.any():
        return math.nan, math.nan
    values, weights = values[known], None if weights is None else weights[known]
    mean = float(np.average(values, weights=weights))
    variance = float(np.average((values - mean) ** 2, weights=weights))
    return mean, math.sqrt(variance) if values.min() < values.max() else 0.0


def worst(rows: Sequence[Marginal], most: int) -> Iterator[Marginal]:
    """Yield the columns of largest KS distance, at most so many, in their own order."""
    kept = sorted(range(len(rows)), key=lambda c: -rows[c].ks)[:most]
    return (rows[c] for c in sorted(kept))
