"""The sixteen operations of RandAugment by kornia, with the ranges of the published code.

Images are floats of 256 levels within 0..1, (n, channels, height, width); the strength of 0 to 1
goes over an operation's range; `draws`, (n, 2), are random numbers within 0..1, each image's own.
Results are Pillow's but for two things: where kornia does not round in between, levels may differ
by one; and shears are about the middle of the first pixel instead of its corner, which moves images
by up to 0.15 pixels.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from subsetopt._dependencies import OptionalDependency

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
