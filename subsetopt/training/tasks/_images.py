"""Classification of small images: CIFAR-10, CIFAR-100, SVHN, MNIST, Fashion-MNIST."""

import io
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from subsetopt._options import check, documented, option
from subsetopt.errors import InvalidFile
from subsetopt.formats import _image_sets, _sources
from subsetopt.formats._array_files import read_mnist
from subsetopt.training.data._array_dataset import SCIPY, ArrayDataset, Pair, found_in
from subsetopt.training.data._splits import Data
from subsetopt.training.networks import build_model
from subsetopt.training.run import Recipe

from .base import LABEL_NOISE, TEST, TRAIN, Classification, read_files

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
    """Base of tasks with images uint8 (n, 3, h, w)."""

    images = True
    mean: ClassVar[Numbers]
    """Of each channel in the training set, at values 0..1."""
    deviation: ClassVar[Numbers]

    network: str = option("Model, as `training.networks.build_model` takes it.", "resnet18")

    def __post_init__(self) -> None:
        check(self)

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


@dataclass(kw_only=True, eq=False)
class SmallImages(ColourImages):
    """Base of tasks whose images all fit into memory."""

    recipe = BUDGETED
    classes: ClassVar[int] = 10
    channels: ClassVar[int] = 3
    title: ClassVar[str]
    """Name of the data set in messages."""
    original: ClassVar[str]
    """Its name in `subsetopt.training.data._fetching.ORIGINALS`."""

    width: int | None = option(
        "Number of channels of the network's first layer, if it has this option.", None, ge=1
    )
    resize: int | None = option(
        "Height and width that images are resized to, within the network.", None, ge=1
    )
    train: int | None = option(TRAIN, None, ge=1)
    test: int | None = option(TEST, None, ge=1)
    label_noise: float = option(LABEL_NOISE, 0.0, ge=0, lt=1)

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Read the published files."""
        arrays = read_files(self.read, folder, self.title, self.original, download)
        data = arrays.data(self.classes).fewer(self.train, self.test)
        return data.mislabelled(self.label_noise)

    def read(self, folder: Path) -> ArrayDataset:
        """Return images and labels as the files have them."""
        raise NotImplementedError

    def model(self, data: Data) -> nn.Module:
        """Return the network, after a layer that resizes images if that is wanted."""
        options: dict[str, Any] = {"classes": data.classes}
        if self.network == "mlp":
            sides = (self.resize, self.resize) if self.resize else data.train.inputs.shape[2:]
            options["inputs"] = prod((self.channels, *sides))
        elif self.network in OF_ANY_CHANNELS:
            options["channels"] = self.channels
        if self.width is not None:
            options["width"] = self.width
        made = build_model(self.network, **options)
        if self.resize is None:
            return made
        return nn.Sequential(nn.Upsample(size=self.resize, mode="bilinear"), made)


@documented
@dataclass(kw_only=True, eq=False)
class CIFAR10(SmallImages):
    """50,000 training and 10,000 test images, 32 x 32, of 10 classes."""

    name = "cifar10"
    title, original = "CIFAR-10", "cifar10"
    flips = True
    mean = (0.4914, 0.4822, 0.4465)
    deviation = (0.2470, 0.2435, 0.2616)

    def read(self, folder: Path) -> ArrayDataset:
        """Return what `subsetopt.formats._image_sets.read_cifar` does."""
        return ArrayDataset(*_image_sets.read_cifar(folder, self.classes))


@documented
@dataclass(kw_only=True, eq=False)
class CIFAR100(CIFAR10):
    """50,000 training and 10,000 test images, 32 x 32, of 100 classes."""

    name = "cifar100"
    title, original, classes = "CIFAR-100", "cifar100", 100
    mean = (0.5071, 0.4865, 0.4409)
    deviation = (0.2673, 0.2564, 0.2762)


@documented
@dataclass(kw_only=True, eq=False)
class SVHN(SmallImages):
    """73,257 training and 26,032 test images, 32 x 32, of the digits of house numbers."""

    name = "svhn"
    title, original = "SVHN", "svhn"
    mean = (0.4377, 0.4438, 0.4728)
    deviation = (0.1980, 0.2010, 0.1970)

    def read(self, folder: Path) -> ArrayDataset:
        """Return what `read_svhn` does."""
        return read_svhn(folder)


def read_svhn(folder: Path) -> ArrayDataset:
    """Return images, uint8 (n, 3, 32, 32), and labels, in which 10, for 0, becomes 0.

    ``train_32x32.mat`` and ``test_32x32.mat`` are looked for in ``folder/svhn`` and in `folder`.
    """
    parts = (found_in(folder, "svhn", f"{part}_32x32.mat") for part in ("train", "test"))
    train, test = map(_of_matlab, parts)
    return ArrayDataset(train, test, "svhn", subset=len(train[1]) < 73_257)


def _of_matlab(path: Path) -> Pair:
    loadmat, raw = SCIPY.load("io").loadmat, _sources.content(path)[0]
    try:
        loaded = loadmat(io.BytesIO(raw), variable_names=("X", "y"))
        images, labels = loaded["X"], loaded["y"].ravel()
    except Exception as error:  # a damaged file can raise anything
        raise InvalidFile(f"{path} is truncated or no MATLAB file of X and y: {error}") from error
    if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(labels)):
        raise InvalidFile(
            f"{path} must hold X of uint8 (32, 32, 3, n) and n labels; got {images.dtype} "
            f"{images.shape} and {len(labels)} labels"
        )
    digits = _image_sets.require_labels(np.where(labels == 10, 0, labels), 10, path)
    return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), digits


@documented
@dataclass(kw_only=True, eq=False)
class MNIST(SmallImages):
    """60,000 training and 10,000 test images, 28 x 28, of handwritten digits; brightness 0..1.

    The network "mlp" has two hidden layers of 256 and takes float32 (n, 784), held in memory; any
    other, such as "resnet18", takes images (n, 1, 28, 28), held as bytes.

    References
    ----------
    One Backward from Ten Forward, section 4.2.
    """

    name = "mnist"
    title = original = "mnist"
    recipe = Recipe(epochs=500, batch_size=128, lr=0.1, quick_epochs=3)
    channels = 1

    network: str = option("Model, as `training.networks.build_model` takes it.", "mlp")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.images = self.network != "mlp"

    def read(self, folder: Path) -> ArrayDataset:
        """Return images as the network takes them, and labels."""
        arrays = read_images(folder, self.original)
        return arrays._replace(train=self._held(arrays.train), test=self._held(arrays.test))

    def _held(self, pair: Pair) -> Pair:
        pixels, labels = pair
        if self.images:
            return pixels.reshape(-1, 1, 28, 28), labels
        return pixels.astype(np.float32) / np.float32(255), labels

    def model(self, data: Data) -> nn.Module:
        """Return the network."""
        if self.images:
            return super().model(data)
        return build_model("mlp", inputs=784, classes=10, hidden=(256, 256))

    def prepare(self, inputs: Tensor) -> Tensor:
        """Return the brightness, 0..1."""
        return inputs.float() / 255 if self.images else inputs


@documented
@dataclass(kw_only=True, eq=False)
class FashionMNIST(MNIST):
    """60,000 training and 10,000 test images, 28 x 28, of clothes; otherwise as `MNIST`."""

    name = title = "fashion-mnist"
    original = "fashion"
    flips = True


def read_images(folder: Path, sub: str = "mnist") -> ArrayDataset:
    """Return the images of "mnist" or "fashion", uint8 (n, 784), and the labels."""
    train, test = (read_mnist(folder, test=part, sub=sub) for part in (False, True))
    return ArrayDataset(train, test, sub, subset=len(train[1]) < 60_000)
