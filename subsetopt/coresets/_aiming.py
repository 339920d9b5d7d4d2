"""Sampling of candidates near a target distribution."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import Gaussian, Kernel
from subsetopt.problems._parallel import each
from subsetopt.problems.scaling import Scaling

from ._row_keys import RowKeys
from ._surveying import Survey

_POINTS = 256  # of the target and of the data, which tell how dense both are
_SHARE = 0.35  # of the median scale: so far the densities are smoothed
_AT_ONCE = 4096  # rows
_MORE = 1.5  # rows of a cluster for each that is wanted: how many there are is estimated
_LEAST = 1e-300


@dataclass(frozen=True, eq=False)
class AimedKeys:
    r"""Keys of rows of which those of the least are a sample with unequal chances.

    They are exponential with the rate :math:`w(x)` (Efraimidis & Spirakis, Information Processing
    Letters 97, 2006), the ratio of the density of the target to that of the data, both estimated
    by kernels with a few points of each.

    Parameters
    ----------
    keys : RowKeys
    kernel : Gaussian
    near, here : ndarray (points, d)
        Points of the target, and of the data; scaled.
    scaling : Scaling
        Of rows that are to be drawn.
    rates : ndarray of float64
        Of a uniform sample of the data.
    threads : int or None
    """

    keys: RowKeys
    kernel: Kernel
    near: NDArray[Any]
    here: NDArray[Any]
    scaling: Scaling
    rates: NDArray[np.float64]
    threads: int | None

    @classmethod
    def of(
        cls,
        keys: RowKeys,
        X: NDArray[Any],
        T: NDArray[Any],
        scaling: Scaling,
        threads: int | None,
    ) -> "AimedKeys | None":
        """Return keys for uniform samples of data and target, scaled; None where all are alike."""
        median = Gaussian().fitted(X, T).scale
        assert not isinstance(median, str)
        draw = np.random.default_rng(keys.seed)
        near, here = (_some(rows, draw) for rows in (T, X))
        none = np.empty(0)
        made = cls(keys, Gaussian(_SHARE * median), near, here, scaling, none, threads)
        rates = made.rates_of(X)
        return replace(made, rates=rates) if rates.max() > rates.min() else None

    def rates_of(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return how much denser the target is than the data at rows that are scaled."""

        def ratio(first: int) -> NDArray[np.float64]:
            rows = X[first : first + _AT_ONCE]
            means = [self.kernel(rows, points).mean(axis=1) for points in (self.near, self.here)]
            near, here = (np.asarray(mean, np.float64) for mean in means)
            return near / np.maximum(here, _LEAST)

        return np.concatenate(each(ratio, range(0, len(X), _AT_ONCE), self.threads))

    def among(self, X: NDArray[Any], first: int) -> NDArray[np.float64]:
        """Return the keys of rows, of which the first has this number; O(rows d)."""
        with np.errstate(divide="ignore"):
            waits = -np.log(self.keys.of(first, len(X)))
        return waits / np.maximum(self.rates_of(self.scaling.applied(X)), _LEAST)

    def limit(self, n: int, size: int) -> float:
        """Return what the keys of some more than `size` of n rows are below, as far as is known."""
        wanted, low, high = min(_MORE * size / n, 0.999), 0.0, 1.0 / _LEAST
        for _ in range(2000):
            middle = np.sqrt(max(low, _LEAST)) * np.sqrt(high)
            if (-np.expm1(-middle * self.rates)).mean() < wanted:
                low = middle
            else:
                high = middle
            if high <= 1.01 * low:
                break
        return float(high)


def _some(rows: NDArray[Any], draw: np.random.Generator) -> NDArray[Any]:
    return rows[draw.permutation(len(rows))[:_POINTS]]


def joined(seen: Survey, more: Survey) -> tuple[Survey, NDArray[np.int64]]:
    """Return a survey with the rows of another one, and where these then stand in it."""
    new = np.flatnonzero(~np.isin(more.rows, seen.rows))
    rows = np.concatenate([seen.rows, more.rows[new]])
    order = np.argsort(rows)
    ids = None
    if seen.ids is not None and more.ids is not None:
        ids = np.concatenate([seen.ids, more.ids[new]])[order]
    whole = replace(
        seen,
        rows=rows[order],
        X=np.concatenate([seen.X, more.X[new]])[order],
        ids=ids,
        keys=np.concatenate([seen.keys, np.full(len(new), np.inf)])[order],
        sampled=np.concatenate([seen.sampled, np.zeros(len(new), np.bool_)])[order],
        flags=np.concatenate([seen.flags, more.flags[new]])[order],
        costs=np.concatenate([seen.costs, more.costs[new]])[order],
        codes=np.concatenate([seen.codes, more.codes[new]])[order],
    )
    return whole, np.flatnonzero(np.isin(whole.rows, more.rows))
