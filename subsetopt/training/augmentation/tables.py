"""Operations of RandAugment that replace levels, whatever is beside them, as Pillow has them.

Images are uint8, (n, channels, height, width); strengths of 0 to 1 go over an operation's range.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def between(low: float, high: float, strength: float) -> float:
    """Return the point of that share between two."""
    return low + (high - low) * strength


def autocontrast(images: Tensor, _: float) -> Tensor:
    """Stretch each channel to 0..255."""
    flat = images.flatten(2)
    low, high = flat.amin(2, keepdim=True).double(), flat.amax(2, keepdim=True).double()
    # A number over a tensor would be computed as its reciprocal times the number
    scale = torch.full_like(low, 255) / (high - low).clamp(min=1)
    stretched = (_levels(images) * scale - low * scale).clamp(0, 255)
    return torch.where(high > low, stretched, _levels(images).double()).byte()


def equalize(images: Tensor, _: float) -> Tensor:
    """Make the levels of each channel equally frequent."""
    flat = images.flatten(2).long()
    counts = flat.new_zeros(*flat.shape[:2], 256).scatter_add_(2, flat, torch.ones_like(flat))
    last = counts.gather(2, flat.amax(2, keepdim=True))
    step = (flat.shape[2] - last) // 255
    before = counts.cumsum(2) - counts
    spread = (before + step // 2) // step.clamp(min=1)
    return torch.where(step > 0, spread.clamp(max=255), _levels(images)).byte()


def invert(images: Tensor, _: float) -> Tensor:
    """Return 255 - level."""
    levels = _levels(images)
    return levels.flip(0)


def posterize(images: Tensor, strength: float) -> Tensor:
    """Keep the highest bits: more of them the stronger, as published."""
    bits = max(1, int(between(0, 4, strength)))
    return torch.bitwise_and(_levels(images), 256 - 2 ** (8 - bits))


def solarize(images: Tensor, strength: float) -> Tensor:
    """Invert levels from a threshold on: fewer of them the stronger, as published."""
    levels = _levels(images)
    return torch.where(levels < between(0, 256, strength), levels, 255 - levels)


def solarize_add(images: Tensor, strength: float) -> Tensor:
    """Brighten, then invert the upper half."""
    levels = (_levels(images) + int(between(0, 110, strength))).clamp(max=255)
    return torch.where(levels < 128, levels, 255 - levels)


TABLES: tuple[Callable[[Tensor, float], Tensor], ...] = (
    autocontrast,
    equalize,
    invert,
    posterize,
    solarize,
    solarize_add,
)
"""Functions that return what becomes of 256 levels, broadcastable to (n, channels, 256)."""


def looked_up(images: Tensor, strength: float, _: Tensor) -> Tensor:
    """Return images by `TABLES`."""
    parts = images.chunk(len(TABLES))
    size = (len(parts[0]), images.shape[1], 256)
    made = [table(part, strength).byte() for table, part in zip(TABLES, parts, strict=True)]
    tables = torch.cat([table.expand(size) for table in made])
    return tables.gather(2, images.flatten(2).long()).view_as(images)


def _levels(images: Tensor) -> Tensor:
    return torch.arange(256, device=images.device)
