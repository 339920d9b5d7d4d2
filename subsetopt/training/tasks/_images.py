"""What tasks that classify images in colour share: bytes in memory, normalised on the device."""

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from subsetopt.training.data._splits import Data, require_noise
from subsetopt.training.networks import build_model
from subsetopt.training.recipe import Recipe

from .base import Classification

Numbers = tuple[float, ...]
OF_ANY_CHANNELS = ("resnet18", "cnn")
"""Networks that are told how many channels images have; those of torchvision take 3."""

BUDGETED = Recipe(
    epochs=200,
    batch_size=128,
    lr=0.1,
    momentum=0.9,
    weight_decay=1e-4,
    schedule="linear",
    augmentation="standard",
    quick_epochs=2,
)
"""How Important is Importance Sampling for Deep Budgeted Training?, section 4.1, and its code."""


@dataclass(kw_only=True, eq=False)
class ColourImages(Classification):
    """Base of tasks with images uint8 (n, 3, h, w).

    Parameters
    ----------
    network : str
        The model, as `subsetopt.training.networks.build_model` knows it.
    """

    images = True
    mean: ClassVar[Numbers]
    """Of each channel in the training set, at values 0..1."""
    deviation: ClassVar[Numbers]

    network: str = "resnet18"

    def model(self, data: Data) -> nn.Module:
        """Return the network."""
        return build_model(self.network, channels=3, classes=data.classes)

    def prepare(self, inputs: Tensor) -> Tensor:
        """Return float32 images whose channels have mean 0 and deviation 1."""
        scale, shift = _constants(self.mean, self.deviation, inputs.device)
        return inputs.float() * scale - shift


@dataclass(kw_only=True, eq=False)
class SmallImages(ColourImages):
    """Base of those whose images all lie in memory.

    Parameters
    ----------
    network : str
        As `ColourImages` takes it, "mlp" among them.
    width : int, optional
        Channels of its first layer, where it has this option.
    resize : int, optional
        Height and width that images are brought to, within the network.
    train, test : int, optional
        So many of the samples, drawn once and for all; None is all.
    label_noise : float
        Share of the training labels that are made wrong.
    """

    width: int | None = None
    resize: int | None = None
    train: int | None = None
    test: int | None = None
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        require_noise(self.label_noise)

    def _as_asked(self, data: Data) -> Data:
        return data.fewer(self.train, self.test).mislabelled(self.label_noise)

    def model(self, data: Data) -> nn.Module:
        """Return the network."""
        return image_network(self.network, data, 3, self.width, self.resize)


def image_network(
    network: str, data: Data, channels: int, width: int | None, resize: int | None
) -> nn.Module:
    """Return a network for the images of some data, with a layer that resizes them first."""
    options: dict[str, Any] = {"classes": data.classes}
    if network == "mlp":
        sides = data.train.inputs.shape[2:] if resize is None else (resize, resize)
        options["inputs"] = prod((channels, *sides))
    elif network in OF_ANY_CHANNELS:
        options["channels"] = channels
    if width is not None:
        options["width"] = width
    made = build_model(network, **options)
    if resize is None:
        return made
    return nn.Sequential(nn.Upsample(size=resize, mode="bilinear"), made)


@lru_cache(maxsize=32)
def _constants(mean: Numbers, deviation: Numbers, device: torch.device) -> tuple[Tensor, Tensor]:
    m, s = (torch.tensor(each, device=device)[:, None, None] for each in (mean, deviation))
    return 1 / (255 * s), m / s
