"""What tasks with a class for each pixel share."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from subsetopt.training.data._camvid_files import IGNORED
from subsetopt.training.data._splits import Data
from subsetopt.training.networks import build_model

from .base import Task


class Segmentation(Task):
    """Base of tasks with targets int64 (n, h, w): judged by the share of pixels that are wrong.

    Pixels whose target is 255 count nowhere. `images` is False: what moves an image would have to
    move its target along.
    """

    metric: ClassVar[str] = "pixel_error"
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    channels: ClassVar[int]
    """Of the images."""
    first: ClassVar[int]
    """Channels of the U-Net's first level."""

    def model(self, data: Data) -> nn.Module:
        """Return a U-Net."""
        return build_model("unet", channels=self.channels, classes=data.classes, width=self.first)

    def prepare(self, inputs: Tensor) -> Tensor:
        """Return the brightness of each channel, -1..1."""
        return inputs.float() / 127.5 - 1

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return each sample's mean cross-entropy over its pixels, (n,)."""
        each = nn.functional.cross_entropy(
            outputs, targets, ignore_index=IGNORED, reduction="none"
        ).flatten(1)
        return each.sum(1) / (targets != IGNORED).flatten(1).sum(1).clamp(min=1)

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return the summed loss, the pixels, and how often each class is meant, said, and both."""
        classes, said = outputs.shape[1], outputs.argmax(1)
        counted = targets != IGNORED
        pair = torch.where(counted, targets * classes + said, classes**2).flatten()
        table = torch.bincount(pair, minlength=classes**2 + 1)[:-1].reshape(classes, classes)
        both, either = table.diagonal(), table.sum(0) + table.sum(1) - table.diagonal()
        return {
            "loss": self.losses(outputs.float(), targets).sum(),
            "pixels": table.sum(),
            "right": both.sum(),
            **{f"both_{i}": both[i] for i in range(classes)},
            **{f"either_{i}": either[i] for i in range(classes)},
        }

    def metrics(self, sums: Mapping[str, float], count: int) -> dict[str, float]:
        """Return the loss, the share of wrong pixels, and the mean intersection over union.

        The mean is over the classes that are there, or were said to be.
        """
        classes = sum(name.startswith("both_") for name in sums)
        pairs = [(sums[f"both_{i}"], sums[f"either_{i}"]) for i in range(classes)]
        shares = [both / either for both, either in pairs if either]
        return {
            "loss": sums["loss"] / count,
            "pixel_error": 1 - sums["right"] / max(sums["pixels"], 1),
            "miou": sum(shares) / max(len(shares), 1),
        }
