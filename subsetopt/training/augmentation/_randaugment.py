"""RandAugment by kornia, with the ranges of the published code.

Operations take floats of 256 levels within 0..1, (n, channels, height, width); the strength, 0 to
1, goes over an operation's range; `draws`, (n, 2), are random numbers within 0..1 for each image.
Results are Pillow's but for two things: where kornia does not round in between, levels may differ
by one; and shears are about the middle of the first pixel instead of its corner, which moves images
by up to 0.15 pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from subsetopt._checks import require_integer
from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidOption

from .base import Standard, cropped

KORNIA = OptionalDependency("kornia", "kornia", extra="train")
FILL = (125, 123, 114)
"""The colour of what is cut out; where there are not three channels its mean."""

Operation = Callable[[Tensor, float, Tensor], Tensor]


def enhanced(name: str, images: Tensor, *settings: float) -> Tensor:
    """Return images by a function of kornia.enhance."""
    # Filled on the device: a number that kornia copies there would wait for it
    filled = [images.new_full((), setting) for setting in settings]
    made: Tensor = getattr(KORNIA.load("enhance"), name)(images, *filled)
    return made


def moved(name: str, images: Tensor, amounts: Tensor) -> Tensor:
    """Return images by a function of kornia.geometry.transform, black coming in from outside.

    The nearest pixel is taken, as Pillow does where nothing else is said.
    """
    function = getattr(KORNIA.load("geometry.transform"), name)
    made: Tensor = function(images, amounts, mode="nearest", align_corners=True)
    return made


def signed(amount: float, draws: Tensor) -> Tensor:
    """Return the amount (n,), of either sign by the first draw."""
    return torch.where(draws[:, 0] > 0.5, -amount, amount)


def along(axis: int, amount: float, draws: Tensor) -> Tensor:
    """Return amounts (n, 2) for x (0) or y (1)."""
    # Published are the places from which pixels come, kornia wants those to which they go
    return signed(-amount, draws)[:, None] * torch.eye(2, device=draws.device)[axis]


def autocontrast(images: Tensor) -> Tensor:
    """Stretch each channel to 0..1; unlike kornia's, leave one of a single level as it is."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    stretched: Tensor = KORNIA.load("enhance").normalize_min_max(images, eps=1e-9)
    return torch.where(low < high, stretched, images)


def colour(images: Tensor, factor: float) -> Tensor:
    """Move between grey and the image, or beyond; without three channels there is no colour."""
    if images.shape[1] != 3:
        return images
    return enhanced("adjust_saturation_with_gray_subtraction", images, factor)


def sharpness(images: Tensor, factor: float) -> Tensor:
    """Move between the blurred image and the image, or beyond; an edge is not blurred."""
    if min(images.shape[2:]) < 3:  # nothing but edges, which kornia refuses
        return images
    return enhanced("sharpness", images, factor)


def cut_out(images: Tensor, strength: float, draws: Tensor) -> Tensor:
    """Fill a square of up to 40 pixels around a place that `draws` says.

    Our own: kornia erases only by what it draws from the global generator.
    """
    side = 40 * strength
    if not side:
        return images

    def band(axis: int) -> Tensor:
        size = images.shape[axis + 2]
        first = (draws[:, axis, None] * size - side / 2).clamp(min=0).floor()
        place = torch.arange(size, device=images.device)
        return (place >= first) & (place <= first + side)

    inside = band(0)[:, None, :, None] & band(1)[:, None, None, :]
    colours = FILL if images.shape[1] == 3 else (round(sum(FILL) / 3),)
    fill = torch.cat([images.new_full((1, 1, 1, 1), level / 255) for level in colours], dim=1)
    return torch.where(inside, fill, images)


OPERATIONS: dict[str, Operation] = {
    "autocontrast": lambda x, _, __: autocontrast(x),
    "equalize": lambda x, _, __: enhanced("equalize", x),
    "invert": lambda x, _, __: 1 - x,
    # bits that are kept, more of them the stronger, as published
    "posterize": lambda x, s, _: enhanced("posterize", x, max(1, int(4 * s))),
    # levels below which nothing changes, more of them the stronger, as published
    "solarize": lambda x, s, _: enhanced("solarize", x, 256 * s / 255),
    "solarize_add": lambda x, s, _: enhanced("solarize", x, 0.5, int(110 * s) / 255),
    "colour": lambda x, s, _: colour(x, 0.1 + 1.8 * s),
    "contrast": lambda x, s, _: enhanced("adjust_contrast_with_mean_subtraction", x, 0.1 + 1.8 * s),
    "brightness": lambda x, s, _: enhanced("adjust_brightness_accumulative", x, 0.1 + 1.8 * s),
    "sharpness": lambda x, s, _: sharpness(x, 0.1 + 1.8 * s),
    "rotate": lambda x, s, draws: moved("rotate", x, signed(30 * s, draws)),
    "shear_x": lambda x, s, draws: moved("shear", x, along(0, 0.3 * s, draws)),
    "shear_y": lambda x, s, draws: moved("shear", x, along(1, 0.3 * s, draws)),
    # in pixels whatever the size, as published
    "translate_x": lambda x, s, draws: moved("translate", x, along(0, 100 * s, draws)),
    "translate_y": lambda x, s, draws: moved("translate", x, along(1, 100 * s, draws)),
    "cut_out": cut_out,
}
"""Image operations by name: images, strength and draws in, images out."""


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
    """Return each image after one operation, drawn for it; all operations are equally likely."""
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
