"""Operations of RandAugment that take pixels from elsewhere, black from outside; and one that cuts.

The nearest pixel is taken, as Pillow does where nothing else is said.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .plain import pixels
from .tables import between

FILL = (125, 123, 114)
"""The colour of what is cut out; where there are not three channels its mean."""


class Warp(NamedTuple):
    """Pixel (x, y) is that of (stretch x + right y + shift_x, down x + stretch y + shift_y).

    All but `stretch` and `anchor` change their sign by chance.
    """

    right: float = 0.0
    shift_x: float = 0.0
    down: float = 0.0
    shift_y: float = 0.0
    stretch: float = 1.0
    anchor: float = 0.0
    """Where (0, 0) is, as a share of width and height."""


def rotate(strength: float) -> Warp:
    """Turn by up to 30 degrees."""
    angle = math.radians(between(0, 30, strength))
    return Warp(-math.sin(angle), 0, math.sin(angle), 0, stretch=math.cos(angle), anchor=0.5)


def shear_x(strength: float) -> Warp:
    """Slant columns."""
    return Warp(right=between(0, 0.3, strength))


def shear_y(strength: float) -> Warp:
    """Slant rows."""
    return Warp(down=between(0, 0.3, strength))


def translate_x(strength: float) -> Warp:
    """Move sideways, in pixels whatever the size, as published."""
    return Warp(shift_x=between(0, 100, strength))


def translate_y(strength: float) -> Warp:
    """Move up or down, in pixels whatever the size, as published."""
    return Warp(shift_y=between(0, 100, strength))


WARPS: tuple[Callable[[float], Warp], ...] = (rotate, shear_x, shear_y, translate_x, translate_y)


def warped(images: Tensor, strength: float, draws: Tensor) -> Tensor:
    """Return images by `WARPS`; the first column of `draws` decides about the signs."""
    signs = torch.where(draws[:, 0] > 0.5, -1.0, 1.0)[:, None, None]
    parts = signs.chunk(len(WARPS))
    places = [
        _places(warp(strength), sign, *images.shape[2:])
        for warp, sign in zip(WARPS, parts, strict=True)
    ]
    rows, columns = (torch.cat(part).floor().long() for part in zip(*places, strict=True))
    height, width = images.shape[2:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = pixels(images, rows.clamp(0, height - 1), columns.clamp(0, width - 1))
    return found * inside[:, None]


def _places(warp: Warp, sign: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the rows and columns (n, height, width) from which pixels come."""
    middle_y, middle_x = warp.anchor * height, warp.anchor * width
    y = torch.arange(height, device=sign.device)[:, None] + (0.5 - middle_y)
    x = torch.arange(width, device=sign.device) + (0.5 - middle_x)
    rows = sign * (warp.down * x + warp.shift_y) + (warp.stretch * y + middle_y)
    columns = sign * (warp.right * y + warp.shift_x) + (warp.stretch * x + middle_x)
    size = (len(sign), height, width)
    return rows.expand(size), columns.expand(size)


def cut_out(images: Tensor, strength: float, draws: Tensor) -> Tensor:
    """Return images with a square of up to 40 pixels filled, around a place that `draws` says."""
    side = between(0, 40, strength)
    if not side:
        return images
    inside = torch.ones_like(images[:, :1], dtype=torch.bool)
    for axis in (2, 3):
        size = images.shape[axis]
        first = (draws[:, axis - 2] * size - side / 2).clamp(min=0).floor()[:, None]
        place = torch.arange(size, device=images.device)
        band = (place >= first) & (place <= first + side)
        inside = inside & (band[:, None, :, None] if axis == 2 else band[:, None, None, :])
    colour = FILL if images.shape[1] == 3 else (round(sum(FILL) / 3),)
    fill = torch.cat([images.new_full((1, 1, 1, 1), level) for level in colour], dim=1)
    return torch.where(inside, fill, images)
