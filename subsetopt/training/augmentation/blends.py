"""Operations of RandAugment towards a duller image or away from it, as Pillow has them."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .tables import between


def grey(images: Tensor) -> Tensor:
    """Return the brightness of pixels, (n, 1, height, width)."""
    if images.shape[1] != 3:
        return images.float().mean(1, keepdim=True).round().int()
    red, green, blue = images.int().chunk(3, dim=1)
    return torch.bitwise_right_shift(red * 19595 + green * 38470 + blue * 7471 + 32768, 16)


def flat_grey(images: Tensor) -> Tensor:
    """Return the mean brightness of each image, (n, 1, 1, 1)."""
    means = grey(images).double().mean((1, 2, 3), keepdim=True)
    return torch.floor(means + 0.5)


def black(images: Tensor) -> Tensor:
    """Return zeros."""
    return torch.zeros_like(images)


def smooth(images: Tensor) -> Tensor:
    """Return images blurred over 3x3 pixels, the outermost ones as they are."""
    weights = torch.ones(1, 1, 3, 3, device=images.device)
    planes = images.flatten(0, 1)[:, None].float()
    sums = functional.conv2d(planes, weights, padding=1) + 4 * planes
    blurred = (sums / 13 + 0.5).floor().view(images.shape)
    inner = torch.zeros_like(images[0, 0], dtype=torch.bool)
    inner[1:-1, 1:-1] = True
    return torch.where(inner, blurred, images.float())


BLENDS: tuple[Callable[[Tensor], Tensor], ...] = (grey, flat_grey, black, smooth)
"""What colour, contrast, brightness and sharpness move between."""


def blended(images: Tensor, strength: float, _: Tensor) -> Tensor:
    """Return ``dull + factor * (image - dull)`` for `BLENDS`, with factors of 0.1 to 1.9."""
    parts = images.chunk(len(BLENDS))
    made = [dull(part).float() for dull, part in zip(BLENDS, parts, strict=True)]
    dull = torch.cat([it.expand_as(part) for it, part in zip(made, parts, strict=True)])
    factor = between(0.1, 1.9, strength)
    return (dull + factor * (images.float() - dull)).clamp(0, 255).byte()
