"""Evaluation of a coreset: its MMD to all rows, without all pairs of rows."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import Kernel
from subsetopt.problems._kernel_products import kernel_products

_SOME = 1024  # witnesses that tell how alike a row is to itself, where that is not 1


@dataclass(frozen=True)
class MMDEstimate:
    """A squared MMD, and its standard error; 0 where nothing is estimated."""

    square: float
    error: float

    @property
    def root(self) -> float:
        """The root; 0 for an estimate below 0."""
        return math.sqrt(max(self.square, 0.0))

    @property
    def root_error(self) -> float:
        """The standard error of the root."""
        if not self.error:
            return 0.0
        # Where the error is not small beside the square, the root of it is what is left.
        return min(math.sqrt(self.error), self.error / (2.0 * self.root or math.inf) or math.inf)


@dataclass(frozen=True, eq=False)
class MeanJudge:
    """The squared distance of the mean of weighted rows S from a mean, which is exact.

    Parameters
    ----------
    mean, std : ndarray of float64 (d,)
        Of all rows.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def of_sample(self, n: int) -> str:
        """Return "": the mean is that of all n rows."""
        return ""

    def of_random(self, k: int, n: int) -> float:
        """Return what is expected of k random ones of all n rows."""
        return float(self.std @ self.std) * apart(k, n)

    def mmd_squared(
        self,
        S: NDArray[Any],
        means: NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> MMDEstimate:
        """Return it for rows S (k, d); O(k d)."""
        shares = np.full(len(S), 1.0 / len(S)) if weights is None else weights
        away = shares @ S.astype(np.float64) - self.mean
        return MMDEstimate(float(away @ away), 0.0)


def apart(k: int, n: int) -> float:
    """Return the expected squared distance of the mean of k random ones of n rows from that of all.

    In units of the mean squared distance of a row from the mean of all.
    """
    return (n - k) / (k * max(n - 1, 1))


class Judge:
    r"""The squared MMD of weighted rows S and all rows.

    With the witness :math:`f = \mu_S - \mu` it is the mean of f over S less that over all rows. The
    former is computed; the latter is the mean of f over a uniform sample, the witnesses. f is small
    where S is good, and so is the error: estimating :math:`\lVert \mu \rVert^2` by itself would
    leave an error of many times the MMD.

    Parameters
    ----------
    kernel : Kernel
    witnesses : ndarray (e, d)
        A uniform sample of all n rows, in which S was not looked for; or all of them.
    means : ndarray of float64 (e,)
        The mean kernel of each with all rows.
    n : int
    """

    def __init__(
        self,
        kernel: Kernel,
        witnesses: NDArray[Any],
        means: NDArray[np.float64],
        n: int,
        threads: int | None = 1,
    ) -> None:
        self._kernel, self._witnesses, self._means, self._n = kernel, witnesses, means, n
        self._threads = threads

    def of_sample(self, n: int) -> str:
        """Return how far the rows are from n of which they are a uniform sample; "" where all."""
        if self._n >= n:
            return ""
        return (
            f"compared with a uniform sample of {self._n} of {n} rows, whose own MMD to them is "
            f"about {math.sqrt(self._spread(n) * apart(self._n, n)):.2g}"
        )

    def of_random(self, k: int, n: int) -> float:
        """Return what is expected of k random ones of n rows, of which all or some are compared."""
        return self._spread(n) * (apart(k, n) + apart(self._n, n))

    def _spread(self, n: int) -> float:
        """Return the mean squared distance of one of n rows from the mean of all."""
        alike = 1.0
        if not self._kernel.normalised:
            some = self._witnesses[:: -(-len(self._witnesses) // _SOME)]
            alike = float(np.mean([self._kernel(row[None], row[None]) for row in some]))
        among = max(alike - float(self._means.mean()), 0.0)  # of those compared
        return among * self._n / max(self._n - 1, 1) * (n - 1) / n

    def mmd_squared(
        self,
        S: NDArray[Any],
        means: NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> MMDEstimate:
        """Return the squared MMD of rows S (k, d) with their means (k,); O(k (k + e) d)."""
        shares = np.full(len(S), 1.0 / len(S)) if weights is None else weights
        own = kernel_products(self._kernel, S, shares[:, None], self._threads)[:, 0]
        seen = self._means_of(S, shares)
        witness = seen - self._means
        square = float(shares @ (own - means)) - float(witness.mean())
        e = len(witness)
        if e >= self._n or e < 2:
            return MMDEstimate(square, 0.0)
        spread = float(witness.std(ddof=1))
        return MMDEstimate(square, spread / math.sqrt(e) * math.sqrt(1.0 - e / self._n))

    def _means_of(self, S: NDArray[Any], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        fill, side = self._kernel.filler(self._witnesses, S), self._kernel.block
        dtype = self._kernel.dtype(self._witnesses, S)
        out = np.zeros(len(self._witnesses))
        for first in range(0, len(out), side):
            rows = slice(first, min(first + side, len(out)))
            for start in range(0, len(S), side):
                columns = slice(start, min(start + side, len(S)))
                tile = np.empty((rows.stop - first, columns.stop - start), dtype)
                with np.errstate(all="ignore"):
                    fill(rows, columns, tile)
                out[rows] += tile @ shares[columns]
        return out
