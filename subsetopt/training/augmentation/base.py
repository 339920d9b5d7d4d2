"""What an augmentation is: an object that makes a batch of images another one."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from torch import Generator, Tensor

from subsetopt._registry import Registry, require_options
from subsetopt.errors import InvalidOption

__all__ = ["KINDS", "Augmentation", "augmentation"]

KINDS = Registry(
    "augmentation",
    __package__,
    {
        "none": "_plain:Unchanged",
        "standard": "_plain:Standard",
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
