"""Samples mixed with others of their batch, and their classes in proportion.

As in the papers and the published code one share is drawn per batch. Row i of what comes back holds
a part of sample i, which may be small or none: its loss is only a hint at that of the sample.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor
from torch.nn import functional

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidOption, InvalidProblem

from .base import Standard, cropped, pixels


@dataclass(frozen=True, kw_only=True)
class Mixing(Standard):
    """Base of those that mix samples, after a standard crop.

    Parameters
    ----------
    classes : int
    alpha : float
        Shares come from Beta(alpha, alpha).
    """

    mixes: ClassVar[bool] = True

    classes: int
    alpha: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("classes", self.classes, "[1, inf)")
        if not 0.0 < self.alpha < float("inf"):
            raise InvalidOption(f"alpha must be a finite number > 0; got {self.alpha!r}")

    def _probabilities(self, targets: Tensor) -> Tensor:
        """Return targets as probabilities (n, classes)."""
        if targets.ndim == 2 and targets.shape[1] == self.classes and targets.is_floating_point():
            return targets
        if targets.ndim != 1 or targets.is_floating_point():
            raise InvalidProblem(
                f"targets have shape {tuple(targets.shape)} and dtype {targets.dtype}; samples are "
                f"mixed with classes (n,) or probabilities (n, {self.classes})"
            )
        return functional.one_hot(targets.long(), self.classes).float()


@dataclass(frozen=True, kw_only=True)
class Mixup(Mixing):
    """``share * x[i] + (1 - share) * x[j]`` (Zhang et al. 2018).

    https://arxiv.org/abs/1710.09412. One share of Beta(alpha, alpha) per batch; j is a permutation.
    Images become float32 unless they are floats.
    """

    def _apply(
        self, inputs: Tensor, targets: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        images = cropped(inputs, self.padding, self.flips, generator)
        images = images if images.is_floating_point() else images.float()
        labels = self._probabilities(targets)
        share = beta(self.alpha, 1, generator).float()
        others = permutation(len(images), generator)
        mixed = torch.lerp(images[others], images, share.to(images.dtype))
        return mixed, torch.lerp(labels[others], labels, share.to(labels.dtype))


@dataclass(frozen=True, kw_only=True)
class RICAP(Mixing):
    """Four patches around one point, each cut out of an image of its own (Takahashi et al. 2018).

    https://arxiv.org/abs/1811.09030. The point lies at shares of Beta(alpha, alpha) of height and
    width, rounded to pixels; it and the places that patches are cut from are drawn once per batch.
    Classes weigh as much as the areas of their patches. The patch at the top left is of the row's
    own sample, the others are of permutations: the same in distribution as four permutations, up
    to the order of rows.
    """

    def _apply(
        self, inputs: Tensor, targets: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        images = cropped(inputs, self.padding, self.flips, generator)
        labels = self._probabilities(targets)
        patch, areas, rows, columns = _patches(images, self.alpha, generator)
        moved = pixels(images, rows, columns)
        patched, mixed = moved, labels * areas[0]
        for k in (1, 2, 3):
            others = permutation(len(images), generator)
            patched = torch.where(patch == k, moved[others], patched)
            mixed = mixed + labels[others] * areas[k]
        return patched, mixed


def _patches(
    images: Tensor, alpha: float, generator: Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return each pixel's patch 0..3, the patches' areas (4,), and each pixel's source.

    Pixels are (height, width); their sources, rows and columns, (1, height, width).
    """
    height, width = images.shape[2:]
    device = generator.device
    share = beta(alpha, 2, generator)
    high, wide = (height * share[0]).round(), (width * share[1]).round()
    heights = torch.stack([high, high, height - high, height - high])
    widths = torch.stack([wide, width - wide, wide, width - wide])
    draws = torch.rand(2, 4, generator=generator, device=device, dtype=torch.float64)
    tops = (draws[0] * (height - heights + 1)).floor()
    lefts = (draws[1] * (width - widths + 1)).floor()
    y = torch.arange(height, device=device)[:, None]
    x = torch.arange(width, device=device)
    below, right = (y >= high).long(), (x >= wide).long()
    patch = 2 * below + right
    rows = tops[patch] + y - below * high
    columns = lefts[patch] + x - right * wide
    areas = (heights * widths / (height * width)).float()
    return patch, areas, rows.long()[None], columns.long()[None]


def beta(alpha: float, count: int, generator: Generator) -> Tensor:
    """Return draws of Beta(alpha, alpha), float64 (count,)."""
    device = generator.device
    concentrations = torch.full((count, 2), alpha, dtype=torch.float64, device=device)
    # torch.distributions draws from the global generator
    return torch._sample_dirichlet(concentrations, generator)[:, 0]


def permutation(count: int, generator: Generator) -> Tensor:
    """Return the numbers below `count` in random order."""
    return torch.randperm(count, generator=generator, device=generator.device)
