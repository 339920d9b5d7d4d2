"""Random crops and mirror images."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidOption, InvalidProblem

from .base import Augmentation


@dataclass(frozen=True, kw_only=True)
class Unchanged(Augmentation):
    """Leaves batches as they are, whatever they hold."""

    def __call__(
        self, inputs: Tensor, targets: Tensor, *, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """Return the same."""
        return inputs, targets


@dataclass(frozen=True, kw_only=True)
class Standard(Augmentation):
    """A crop of the image with a margin of zeros around it, and a mirror image: each at random.

    Parameters
    ----------
    padding : int
        The margin in pixels.
    """

    padding: int = 4

    def __post_init__(self) -> None:
        require_integer("padding", self.padding, "[0, inf)")

    def __call__(
        self, inputs: Tensor, targets: Tensor, *, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """Return other images and their targets, as many; the given ones stay as they are."""
        require_images(inputs)
        if targets.ndim > 2:
            raise InvalidProblem(
                f"targets have shape {tuple(targets.shape)}; those of single pixels do not move "
                "with the images"
            )
        if generator.device.type != inputs.device.type:
            raise InvalidOption(f"the generator is on {generator.device}, not {inputs.device}")
        return self._apply(inputs, targets, generator)

    def _apply(
        self, inputs: Tensor, targets: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """Return other images and targets."""
        return cropped(inputs, self.padding, self.flips, generator), targets


def require_images(inputs: Tensor) -> None:
    """Raise InvalidProblem unless they are images (n, channels, height, width) of a known dtype."""
    if inputs.ndim != 4 or 0 in inputs.shape:
        raise InvalidProblem(
            f"inputs have shape {tuple(inputs.shape)}; images (n, channels, height, width) can "
            "be augmented"
        )
    if not (inputs.dtype == torch.uint8 or inputs.is_floating_point()):
        raise InvalidProblem(f"images must be uint8 or floats; got dtype {inputs.dtype}")


def cropped(images: Tensor, padding: int, flips: bool, generator: Generator) -> Tensor:
    """Return images shifted by up to `padding` pixels each way, zeros moving in; half mirrored.

    Each image has draws of its own: one shift of ``(2 * padding + 1) ** 2``, one mirror of two.
    """
    count, _, height, width = images.shape
    device = images.device

    def draw(most: int) -> Tensor:
        return torch.randint(most, (count, 1), generator=generator, device=device)

    top, left = draw(2 * padding + 1), draw(2 * padding + 1)
    rows = torch.arange(height, device=device) + top
    columns = torch.arange(width, device=device).expand(count, width)
    if flips:
        columns = torch.where(draw(2).bool(), columns.flip(1), columns)
    padded = functional.pad(images, (padding,) * 4) if padding else images
    return pixels(padded, rows[:, :, None], (columns + left)[:, None, :])


def pixels(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return pixel (rows, columns) of each image: both broadcast to (n, height, width)."""
    count, channels = images.shape[:2]
    where = rows * images.shape[3] + columns
    places = where.flatten(1)[:, None].expand(count, channels, -1)
    return images.flatten(2).gather(2, places).view(count, channels, *where.shape[1:])
