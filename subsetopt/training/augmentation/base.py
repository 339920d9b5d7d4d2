"""Augmentations of image batches: the base class, random crops and mirror images."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor
from torch.nn import functional

from subsetopt._checks import require_integer
from subsetopt._registry import Registry, require_options
from subsetopt.errors import InvalidOption, InvalidProblem

__all__ = ["KINDS", "Augmentation", "augmentation"]


KINDS = Registry(
    "augmentation",
    __package__,
    {
        "none": "base:Unchanged",
        "standard": "base:Standard",
        "randaugment": "_randaugment:RandAugment",
        "mixup": "_mixing:Mixup",
        "ricap": "_mixing:RICAP",
    },
)
"""Where each augmentation lives: its module in this package, and its class."""


@dataclass(frozen=True, kw_only=True)
class Augmentation(ABC):
    """Base of all augmentations; a subclass is a frozen dataclass whose fields are its options.

    Images are uint8, or floats of any range unless a subclass says otherwise. They keep their dtype
    where pixels are chosen or replaced, and become floats of the same range where averaged.
    Nothing is drawn from torch's global generators, and nothing waits for the device.

    Parameters
    ----------
    flips : bool
        Mirror each image with probability 1/2.

    Raises
    ------
    InvalidOption
        For an option outside its domain.
    """

    mixes: ClassVar[bool] = False
    """Whether samples are mixed, and targets become probabilities (n, classes)."""

    flips: bool = True

    @abstractmethod
    def __call__(
        self, inputs: Tensor, targets: Tensor, *, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        """Return other inputs and their targets, as many; the given ones stay as they are.

        Parameters
        ----------
        inputs : Tensor, (n, channels, height, width)
        targets : Tensor, (n, ...)
            Where samples are mixed: classes (n,), or probabilities (n, classes).
        generator : Generator
            On the device of the inputs.

        Raises
        ------
        InvalidProblem
            If the inputs are no images, or such targets would not fit them any more.
        InvalidOption
            If the generator is on another device.
        """


def augmentation(name: str, flips: bool, classes: int | None, **options: Any) -> Augmentation:
    """Return an augmentation with options of its own.

    Parameters
    ----------
    name : str
        One of `KINDS`.
    flips : bool
        Whether a mirrored image is as good as the image.
    classes : int or None
        How many classes the targets are of; None where they are none.
    **options
        The other fields of its class.

    Raises
    ------
    InvalidOption
        If no augmentation is called so, it has no such option, the value is outside its domain, or
        it mixes samples that have no classes.
    """
    made = KINDS.load(name)
    known = {option.name for option in fields(made)} - {"flips", "classes"}
    require_options(f"augmentation {name!r}", options, known)
    if made.mixes:
        if classes is None:
            raise InvalidOption(f"augmentation {name!r} mixes classes; the targets here are none")
        options["classes"] = classes
    ready: Augmentation = made(flips=flips, **options)
    return ready


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
