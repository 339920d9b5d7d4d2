"""What tasks that classify images in colour share: bytes in memory, normalised on the device."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor, nn

from subsetopt.training.data.splits import Data
from subsetopt.training.models import build_model
from subsetopt.training.recipe import Recipe

from .base import Classification

Numbers = tuple[float, ...]

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
        The model, as `subsetopt.training.models.build_model` knows it.
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


@lru_cache(maxsize=32)
def _constants(mean: Numbers, deviation: Numbers, device: torch.device) -> tuple[Tensor, Tensor]:
    m, s = (torch.tensor(each, device=device)[:, None, None] for each in (mean, deviation))
    return 1 / (255 * s), m / s
