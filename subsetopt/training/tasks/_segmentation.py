"""Segmentation: a class for each pixel, and digits to find in noise."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from subsetopt._options import check, documented, option
from subsetopt.errors import InvalidFile
from subsetopt.training.data._array_dataset import ArrayDataset, Pair
from subsetopt.training.data._fetching import fetch
from subsetopt.training.data._splits import Data
from subsetopt.training.networks import build_model
from subsetopt.training.run import Recipe

from ._digits import read_digits
from ._images import read_images
from .base import Task, require_files

IGNORED = 255
"""The target of pixels that belong to no class."""


class Segmentation(Task):
    """Base of tasks with targets int64 (n, h, w): compared by the share of wrong pixels.

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


@documented
@dataclass(kw_only=True, eq=False)
class ComposedDigits(Segmentation):
    """Images of 64 x 64 with up to six digits; each pixel is background or one of ten digits."""

    name = "segmentation"
    recipe = Recipe(
        epochs=40, batch_size=16, lr=0.2, momentum=0.9, schedule="linear", quick_epochs=2
    )

    channels = 1
    first = 8

    train: int = option("Number of training images.", 2000, ge=1)
    test: int = option("Number of test images.", 500, ge=1)

    def __post_init__(self) -> None:
        check(self)

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Compose the images of MNIST's digits, or of scikit-learn's where there are no files."""
        where = folder or (Path(named) if (named := os.environ.get("SUBSETOPT_DATA")) else None)
        if download:
            where = require_files(where, "MNIST")
            fetch(where, "mnist")
        arrays = composed_digits(where, train=self.train, test=self.test, seed=seed)
        return arrays.data(CLASSES)


CLASSES = 11
"""The background, and after it the digits 0 to 9."""
_INK = 80
"""From this brightness on, of 255, a pixel belongs to the digit."""


def composed_digits(
    folder: Path | None,
    *,
    train: int = 2000,
    test: int = 500,
    size: int = 64,
    digits: int = 6,
    seed: int = 0,
) -> ArrayDataset:
    """Return images, uint8 (n, 1, size, size), and targets, int64 (n, size, size).

    One to `digits` digits are put at random places; where they overlap, the brighter one is seen,
    and noise lies over all. A target is 0 for the background, 1 + d for digit d. Test images are
    made of test digits only. The digits are MNIST's where `folder` has them, else those of
    scikit-learn, each pixel threefold.
    """
    drawn = _digits(folder)
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2)]
    return ArrayDataset(
        _composed(*drawn.train, train, size, digits, rngs[0]),
        _composed(*drawn.test, test, size, digits, rngs[1]),
        f"composed of {drawn.source}",
    )


def _digits(folder: Path | None) -> ArrayDataset:
    if folder is not None:
        try:
            found = read_images(folder)
        except InvalidFile as error:
            if not str(error).startswith("no "):  # it is there, and damaged
                raise
        else:
            square = [(x.reshape(-1, 28, 28), y) for x, y in (found.train, found.test)]
            return ArrayDataset(square[0], square[1], found.source)
    small = read_digits()
    large = [(_enlarged(x), y) for x, y in (small.train, small.test)]
    return ArrayDataset(large[0], large[1], small.source)


def _enlarged(images: NDArray[Any]) -> NDArray[np.uint8]:
    whole: NDArray[np.uint8] = np.rint(255 * images).astype(np.uint8).reshape(-1, 8, 8)
    return whole.repeat(3, axis=1).repeat(3, axis=2)


def _composed(
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    count: int,
    size: int,
    digits: int,
    rng: np.random.Generator,
) -> Pair:
    canvas = np.zeros((count, size, size), np.uint8)
    target = np.zeros((count, size, size), np.int64)
    height, width = images.shape[1:]
    for i, how_many in enumerate(rng.integers(1, digits + 1, count)):
        for which in rng.integers(len(images), size=how_many):
            top, left = rng.integers(size - height + 1), rng.integers(size - width + 1)
            at = np.s_[i, top : top + height, left : left + width]
            seen = images[which] > canvas[at]
            canvas[at] = np.where(seen, images[which], canvas[at])
            owned = seen & (images[which] >= _INK)
            target[at] = np.where(owned, 1 + labels[which], target[at])
    noise = rng.integers(-40, 41, canvas.shape, dtype=np.int16)
    noisy = np.clip(canvas.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return noisy[:, None], target
