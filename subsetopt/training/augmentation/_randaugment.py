"""RandAugment: a few operations out of sixteen, all of one strength."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidOption

from ._operations import KORNIA, OPERATIONS
from ._plain import Standard, cropped

HIGHEST = 30


@dataclass(frozen=True, kw_only=True)
class RandAugment(Standard):
    """Each image by `count` operations in turn, after a standard crop (Cubuk et al. 2020).

    https://arxiv.org/abs/1909.13719. The operations and their ranges are those of the code that was
    published with the budgeted comparison (Arazo et al. 2021): more than the paper of RandAugment
    has, and not milder throughout at lower magnitudes.

    Each image has operations of its own, drawn with replacement, each with the same probability. Of
    a batch no operation is applied to more than ``ceil(n / 16)`` images at a time, so that nothing
    waits for the device to know how many. Floats are taken to be within 0..1 and rounded to 256
    levels.

    Parameters
    ----------
    count : int
        N of the paper.
    magnitude : float
        M of the paper, 0 to 30.
    crop_last : bool
        Crop and mirror after the operations, as the published code does: the margin then stays
        black.

    Raises
    ------
    MissingDependency
        Without kornia, which has the operations.
    """

    count: int = 2
    magnitude: float = 4
    crop_last: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("count", self.count, "[0, inf)")
        if not 0 <= self.magnitude <= HIGHEST:
            raise InvalidOption(
                f"magnitude must be a number in [0, {HIGHEST}]; got {self.magnitude!r}"
            )
        KORNIA.load()  # takes seconds: not within the first batch

    def _apply(
        self, inputs: Tensor, targets: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        if self.crop_last:
            images = cropped(self._operated(inputs, generator), self.padding, self.flips, generator)
        else:
            images = self._operated(cropped(inputs, self.padding, self.flips, generator), generator)
        return images, targets

    def _operated(self, images: Tensor, generator: Generator) -> Tensor:
        floats = images.is_floating_point()
        levels = (images.clamp(0, 1) * 255).round().byte() if floats else images
        for _ in range(self.count):
            levels = one_each(levels, self.magnitude / HIGHEST, generator)
        return as_floats(levels).to(images.dtype) if floats else levels


def one_each(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Return each image after one operation, drawn for it; all operations are equally likely.

    Parameters
    ----------
    images : Tensor, (n, channels, height, width)
        uint8.
    strength : float
        Where within the range of each operation, 0 to 1.
    """
    count, kinds = len(images), len(OPERATIONS)
    share = -(-count // kinds)
    # Images from `count` on are repetitions that fill up the last operations; they are dropped
    order = torch.randperm(kinds * share, generator=generator, device=images.device)
    draws = torch.rand(len(order), 2, generator=generator, device=images.device)
    parts = zip(
        OPERATIONS.values(),
        as_floats(images[order % count]).split_with_sizes([share] * kinds),
        draws.split_with_sizes([share] * kinds),
        strict=True,
    )
    done = torch.cat([operation(part, strength, draw) for operation, part, draw in parts])
    return as_levels(done)[order.argsort()[:count]]


def as_floats(levels: Tensor) -> Tensor:
    """Return 256 levels within 0..1."""
    return levels.float() / 255


def as_levels(images: Tensor) -> Tensor:
    """Return 256 levels, those in between cut off as Pillow does."""
    return (images * 255 + 1e-3).byte()  # more than errors of rounding
