"""Clouds of points of which a few are to stand for all: images, and a mixture of Gaussians."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt.benchmarks.best_known import BestKnown
from subsetopt.errors import InvalidOption
from subsetopt.problems import Gaussian, MMDSelection
from subsetopt.problems.kernel_matrices import kernel_matrix

from . import digits, mnist
from .classifier import Samples

CENTRES, DIMENSIONS = 10, 8
"""Of the mixture."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points with their kernel matrix, before it is said how many of them to choose.

    Parameters
    ----------
    name, source : str
        As for `Case`.
    points : ndarray of float64 (n, d)
    """

    name: str
    source: str
    points: NDArray[np.float64]

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """The Gaussian kernel with the median scale, (n, n); evaluated once."""
        return kernel_matrix(Gaussian().fitted(self.points), self.points)


@dataclass(frozen=True, eq=False)
class MMDCase:
    """One instance of MMD selection, with nothing selected before."""

    family: ClassVar[str] = "mmd"
    sense: ClassVar[str] = "minimise"
    known: ClassVar[BestKnown | None] = None

    cloud: Cloud
    k: int

    @property
    def name(self) -> str:
        """That of the cloud, and k."""
        return f"{self.cloud.name}-k{self.k}"

    @property
    def source(self) -> str:
        """That of the cloud."""
        return self.cloud.source

    @property
    def n(self) -> int:
        """The number of points."""
        return len(self.cloud.points)

    def problem(self) -> MMDSelection:
        """Build a fresh problem on the same kernel matrix, with its canonical form worked out."""
        problem = MMDSelection(self.cloud.matrix, self.k, kernel="precomputed", copy=False)
        problem.quadratic_form()
        return problem


def of_digits(n: int, count: int, seed: int) -> list[Cloud]:
    """Return `count` clouds of n digits of scikit-learn.

    Raises
    ------
    MissingBackend
        If scikit-learn is not installed.
    InvalidOption
        If there are fewer than n.
    """
    return _of_images(digits.samples(), "digits of scikit-learn, 8x8 pixels", n, count, seed)


def of_mnist(folder: Path, n: int, count: int, seed: int) -> list[Cloud]:
    """Return `count` clouds of n training images; InvalidFile if they are missing or damaged."""
    return _of_images(mnist.samples(folder), "MNIST, 28x28 pixels", n, count, seed)


def of_mixture(n: int, count: int, seed: int) -> list[Cloud]:
    """Return `count` clouds of n points, each from a mixture of its own."""
    source = f"synthetic: mixture of {CENTRES} Gaussians in {DIMENSIONS} dimensions"
    return [Cloud(f"mixture-b{i}", source, _mixture(n, [seed, i])) for i in range(count)]


def _mixture(n: int, seed: list[int]) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(CENTRES, DIMENSIONS))
    weights = rng.dirichlet(np.ones(CENTRES))
    return centres[rng.choice(CENTRES, size=n, p=weights)] + rng.normal(size=(n, DIMENSIONS))


def _of_images(samples: Samples, source: str, n: int, count: int, seed: int) -> list[Cloud]:
    size = len(samples.labels)
    if n > size:
        raise InvalidOption(f"n is {n}, but {samples.name} has {size} samples")
    clouds = []
    for i in range(count):
        chosen = np.random.default_rng([seed, i]).choice(size, size=n, replace=False)
        pixels, _ = samples.batch(chosen)
        clouds.append(Cloud(f"{samples.name}-b{i}", source, pixels.astype(np.float64)))
    return clouds
