"""Column by column: how chosen rows resemble all rows or a target, with random rows as baseline."""

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
    known: list[Any] = [None] * d
    if moments is not None:
        mean, std = (_validation.numeric_array("moments", one, dimensions=(1,)) for one in moments)
        if mean.shape != (d,) or std.shape != (d,) or (std < 0).any():
            raise InvalidProblem(
                f"moments must be the {d} means and the {d} standard deviations, >= 0; got "
                f"{mean.tolist()} and {std.tolist()}"
            )
        known = list(zip(mean.tolist(), std.tolist(), strict=True))
    generator = np.random.default_rng([seed, _STREAM])
    random = [generator.choice(n, chosen.size, replace=False) for _ in range(draws)]
    labels = [str(c) for c in range(d)] if names is None else list(names)
    return tuple(
        _marginal(
            label,
            EmpiricalColumn(
                features[:, c], None if target is None else others[:, c], shares, known[c]
            ),
            chosen,
            random,
        )
        for c, label in enumerate(labels)
    )


def _marginal(
    name: str, column: "EmpiricalColumn", chosen: NDArray[np.int64], random: list[Any]
) -> Marginal:
    return Marginal(
        name=name,
        mean=column.mean,
        std=column.std,
        chosen_mean=float(column.values[chosen].mean()),
        shift=column.shift(chosen),
        random_shift=float(np.median([column.shift(rows) for rows in random])),
        ks=column.ks(chosen),
        random_ks=float(np.median([column.ks(rows) for rows in random])),
    )


class EmpiricalColumn:
    """Values, and the distribution function of others, or of themselves, at each of both.

    NaN is no value, and counts nowhere.
    """

    def __init__(
        self,
        values: NDArray[Any],
        others: NDArray[Any] | None = None,
        weights: NDArray[np.float64] | None = None,
        moments: tuple[float, float] | None = None,
    ) -> None:
        self.values = values.astype(np.float64)
        seen = self.values if others is None else others.astype(np.float64)
        known = ~np.isnan(seen)
        if not known.all():
            seen, weights = seen[known], None if weights is None else weights[known]
        self.mean, self.std = moments or _moments(seen, weights)
        levels = np.unique(np.concatenate([self.values[~np.isnan(self.values)], seen]))
        self._place = np.searchsorted(levels, self.values)  # NaN stands behind the last
        self._levels = levels.size
        sizes = np.bincount(np.searchsorted(levels, seen), weights, levels.size)
        self._cdf = np.cumsum(sizes) / sizes.sum()

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the values that some rows have."""
        values = self.values[rows]
        return values[~np.isnan(values)]

    def shift(self, rows: NDArray[np.int64]) -> float:
        """Return how far the mean of some rows is from that of the others, in their spreads."""
        shift = abs(float(self.values[rows].mean()) - self.mean)
        return shift / self.std if self.std else 0.0

    def ks(self, rows: NDArray[np.int64]) -> float:
        """Return the Kolmogorov-Smirnov distance, 1 where the rows have no value."""
        counts = np.bincount(self._place[rows], minlength=self._levels + 1)[: self._levels]
        total = counts.sum()
        return float(np.abs(np.cumsum(counts) / total - self._cdf).max()) if total else 1.0


def _moments(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> tuple[float, float]:
    mean = float(np.average(values, weights=weights))
    variance = float(np.average((values - mean) ** 2, weights=weights))
    return mean, math.sqrt(variance) if values.min() < values.max() else 0.0


def worst(rows: Sequence[Marginal], most: int) -> Iterator[Marginal]:
    """Yield the columns of largest KS distance, at most so many, in their own order."""
    kept = sorted(range(len(rows)), key=lambda c: -rows[c].ks)[:most]
    return (rows[c] for c in sorted(kept))
