"""A Gaussian kernel that counts the means of the columns too."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from subsetopt.problems import Gaussian, Kernel
from subsetopt.problems.kernels import Fill

__all__ = ["GaussianAndMeans"]


@dataclass(frozen=True)
class GaussianAndMeans(Kernel):
    """``gaussian(x, y) + share x'y``.

    Its squared MMD is that of the Gaussian kernel plus `share` times the squared distance of means.

    Parameters
    ----------
    gaussian : Gaussian
    share : float
    """

    gaussian: Gaussian
    share: float

    def fitted(self, *clouds: NDArray[Any]) -> "GaussianAndMeans":
        """Return the kernel with its scale as a number."""
        return GaussianAndMeans(self.gaussian.fitted(*clouds), self.share)

    def filler(self, X: NDArray[Any], Y: NDArray[Any]) -> Fill:
        """Return what evaluates blocks, by two matrix products each."""
        fill_gaussian = self.gaussian.filler(X, Y)

        def fill(rows: slice, columns: slice, out: NDArray[Any]) -> None:
            fill_gaussian(rows, columns, out)
            out += self.share * (X[rows] @ Y[columns].T)

        return fill
