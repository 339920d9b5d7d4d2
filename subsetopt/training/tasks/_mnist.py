"""MNIST, handwritten digits."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from subsetopt.training.data._array_dataset import Pair
from subsetopt.training.data._mnist_files import read_images
from subsetopt.training.data._splits import Data, require_noise
from subsetopt.training.networks import build_model
from subsetopt.training.recipe import Recipe

from ._images import image_network
from .base import Classification, read_files


@dataclass(kw_only=True, eq=False)
class MNIST(Classification):
    """60,000 training and 10,000 test images of 28 x 28 pixels, brightness 0..1.

    Parameters
    ----------
    network : str
        The model. "mlp" has two hidden layers of 256 and takes float32 (n, 784), which is held in
        memory; any other, such as "resnet18", takes images (n, 1, 28, 28), held as bytes.
    width : int, optional
        Channels of the network's first layer, where it has this option.
    resize : int, optional
        Height and width that images are brought to, within the network.
    train, test : int, optional
        So many of the samples, drawn once and for all; None is all.
    label_noise : float
        Share of the training labels that are made wrong.

    References
    ----------
    One Backward from Ten Forward, section 4.2.
    """

    name = "mnist"
    recipe = Recipe(epochs=500, batch_size=128, lr=0.1, quick_epochs=3)
    sub: ClassVar[str] = "mnist"
    """The folder of its files."""

    network: str = "mlp"
    width: int | None = None
    resize: int | None = None
    train: int | None = None
    test: int | None = None
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        require_noise(self.label_noise)
        self.images = self.network != "mlp"

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Read the four files, as `subsetopt.training.data._mnist_files.read_images` does."""
        read = partial(read_images, sub=self.sub)
        arrays = read_files(read, folder, self.name, self.sub, download)
        train, test = self._held(arrays.train), self._held(arrays.test)
        data = arrays._replace(train=train, test=test).data(10).fewer(self.train, self.test)
        return data.mislabelled(self.label_noise)

    def _held(self, pair: Pair) -> Pair:
        pixels, labels = pair
        if self.images:
            return pixels.reshape(-1, 1, 28, 28), labels
        return pixels.astype(np.float32) / np.float32(255), labels

    def model(self, data: Data) -> nn.Module:
        """Return the network."""
        if self.images:
            return image_network(self.network, data, 1, self.width, self.resize)
        return build_model("mlp", inputs=784, classes=10, hidden=(256, 256))

    def prepare(self, inputs: Tensor) -> Tensor:
        """Return the brightness, 0..1."""
        return inputs.float() / 255 if self.images else inputs
