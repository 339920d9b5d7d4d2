"""Column by column: how the chosen rows resemble all rows, with random rows as baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.problems import _validation
from subsetopt.problems._points import points

_STREAM = 3  # of its own: solvers draw from default_rng(seed), baselines of objectives from 1
_DRAWS = 101


@dataclass(frozen=True)
class Marginal:
    """One column of the chosen rows and of all rows.

    Parameters
    ----------
    name : str
    mean, std : float
        Of all rows, in the units of the column.
    chosen_mean : float
    shift : float
        ``|chosen_mean - mean| / std``; 0 where all rows are equal.
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
    draws: int = _DRAWS,
    seed: int = 0,
) -> tuple[Marginal, ...]:
    """Compare the distribution of each column over the chosen rows with that over all rows.

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
    generator = np.random.default_rng([seed, _STREAM])
    random = [generator.choice(n, chosen.size, replace=False) for _ in range(draws)]
    labels = [str(c) for c in range(d)] if names is None else list(names)
    return tuple(
        _marginal(label, features[:, c].astype(np.float64), chosen, random)
        for c, label in enumerate(labels)
    )


def _marginal(
    name: str, values: NDArray[np.float64], chosen: NDArray[np.int64], random: list[Any]
) -> Marginal:
    column = _Column(values)
    others = [column.distances(rows) for rows in random]
    shift, ks = column.distances(chosen)
    return Marginal(
        name=name,
        mean=column.mean,
        std=column.std,
        chosen_mean=float(values[chosen].mean()),
        shift=shift,
        random_shift=float(np.median([one for one, _ in others])),
        ks=ks,
        random_ks=float(np.median([two for _, two in others])),
    )


class _Column:
    """Values, and their distribution function at each of them."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.values, self.mean = values, float(values.mean())
        self.std = float(values.std()) if values.min() < values.max() else 0.0
        _, self._place, counts = np.unique(values, return_inverse=True, return_counts=True)
        self._sizes = counts
        self._cdf = np.cumsum(counts) / values.size

    def distances(self, rows: NDArray[np.int64]) -> tuple[float, float]:
        """Return the standardised shift of the mean and the Kolmogorov-Smirnov distance."""
        shift = abs(float(self.values[rows].mean()) - self.mean)
        counts = np.bincount(self._place[rows], minlength=self._sizes.size)
        ks = float(np.abs(np.cumsum(counts) / rows.size - self._cdf).max())
        return (shift / self.std if self.std else 0.0), ks


def worst(rows: Sequence[Marginal], most: int) -> Iterator[Marginal]:
    """Yield the columns of largest KS distance, at most so many, in their own order."""
    kept = sorted(range(len(rows)), key=lambda c: -rows[c].ks)[:most]
    return (rows[c] for c in sorted(kept))
