"""MMD cases on clouds of points: images, and mixtures of Gaussians."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from subsetopt.benchmarks._best_known import BestKnown
from subsetopt.problems import Gaussian, Kernel, MeanEmbedding, MMDSelection
from subsetopt.problems._kernel_matrices import kernel_matrix
from subsetopt.problems._mmd_target import target_of_points

from ._classifier import Samples
from .base import SelectionCase

CENTRES, DIMENSIONS = 10, 8
"""Of the mixture."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points with a kernel, before it is said how many of them to choose."""

    name: str
    source: str
    """As for `Case`."""
    points: NDArray[Any]
    """Shape (n, d). With a precomputed kernel its matrix, (n, n)."""
    kernel: Kernel | Literal["precomputed"] = field(default_factory=Gaussian)
    """With the median scale where it has one that is not said."""
    target: NDArray[Any] | None = None
    """Points (m, d) that the chosen are to be like; with a precomputed kernel its means (n,) over
    them. None is the points that are left."""

    @cached_property
    def matrix(self) -> NDArray[Any]:
        """The kernel matrix (n, n); evaluated once, and again where it is unpickled."""
        if isinstance(self.kernel, str):
            return self.points
        return kernel_matrix(self._fitted(self.kernel), self.points)

    @cached_property
    def embedding(self) -> MeanEmbedding | None:
        """The kernel mean of the target, if there is one."""
        if self.target is None or isinstance(self.kernel, str):
            return None if self.target is None else MeanEmbedding(self.target)
        weights = np.ones(len(self.target))
        kernel = self._fitted(self.kernel)
        terms = target_of_points(kernel, self.points, None, self.target, weights)
        return MeanEmbedding(terms.values, terms.squared_norm)

    def _fitted(self, kernel: Kernel) -> Kernel:
        clouds = [self.points] if self.target is None else [self.points, self.target]
        return kernel.fitted(*clouds)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Cloud, (self.name, self.source, self.points, self.kernel, self.target))


@dataclass(frozen=True, eq=False)
class CloudCase:
    """What the cases on a cloud share: what is said of the cloud, and k."""

    sense: ClassVar[str] = "minimise"
    known: ClassVar[BestKnown | None] = None
    joined: ClassVar[str] = "k"
    """Between the name of the cloud and k."""

    cloud: Cloud
    k: int

    @property
    def name(self) -> str:
        """That of the cloud, and k."""
        return "-".join([f"{self.cloud.name}-{self.joined}{self.k}", *self.constraints])

    @property
    def constraints(self) -> tuple[str, ...]:
        """As of `Case`."""
        return () if self.cloud.target is None else ("target",)

    @property
    def source(self) -> str:
        """That of the cloud."""
        return self.cloud.source

    @property
    def n(self) -> int:
        """The number of points."""
        return len(self.cloud.points)


@dataclass(frozen=True, eq=False)
class MMDCase(CloudCase, SelectionCase):
    """One instance of MMD selection, with nothing selected before, and a target or none."""

    family: ClassVar[str] = "mmd"

    def problem(self) -> MMDSelection:
        """Build a fresh problem on the same kernel matrix, with its canonical form worked out."""
        problem = MMDSelection(
            self.cloud.matrix,
            self.k,
            kernel="precomputed",
            copy=False,
            target=self.cloud.embedding,
        )
        problem.quadratic_form()
        return problem


def of_images(samples: Samples, n: int, count: int, seed: int) -> list[Cloud]:
    """Return `count` clouds of n images; InvalidOption if there are fewer than n."""
    samples.require(n)
    clouds = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        pixels, _ = samples.batch(rng.choice(len(samples.labels), size=n, replace=False))
        clouds.append(Cloud(f"{samples.name}-n{n}-b{i}", samples.source, pixels.astype(np.float64)))
    return clouds


def of_mixture(n: int, count: int, seed: int) -> list[Cloud]:
    """Return `count` clouds of n points, each from a mixture of its own."""
    source = f"synthetic: mixture of {CENTRES} Gaussians in {DIMENSIONS} dimensions"
    return [Cloud(f"mixture-n{n}-b{i}", source, _mixture(n, [seed, i])) for i in range(count)]


def _mixture(n: int, seed: list[int]) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(CENTRES, DIMENSIONS))
    weights = rng.dirichlet(np.ones(CENTRES))
    return centres[rng.choice(CENTRES, size=n, p=weights)] + rng.normal(size=(n, DIMENSIONS))
