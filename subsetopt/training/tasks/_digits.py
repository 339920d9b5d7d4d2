"""Classification of the digits of scikit-learn: a task of seconds that needs no files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from subsetopt._options import check, documented, option
from subsetopt.formats import _image_sets
from subsetopt.training.data._array_dataset import ArrayDataset
from subsetopt.training.data._splits import Data
from subsetopt.training.networks import build_model
from subsetopt.training.run import Recipe

from .base import LABEL_NOISE, Classification


@documented
@dataclass(kw_only=True, eq=False)
class Digits(Classification):
    """1,433 training and 364 test images of 8 x 8 pixels."""

    name = "digits"
    recipe = Recipe(
        epochs=30, batch_size=64, lr=0.1, momentum=0.9, schedule="linear", quick_epochs=5
    )

    label_noise: float = option(LABEL_NOISE, 0.0, ge=0, lt=1)

    def __post_init__(self) -> None:
        check(self)

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Return the digits, always split in the same way."""
        return read_digits().data(10).mislabelled(self.label_noise)

    def model(self, data: Data) -> nn.Module:
        """Return a perceptron with one hidden layer of 128."""
        return build_model("mlp", inputs=64, classes=10, hidden=(128,))

    def prepare(self, inputs: Tensor) -> Tensor:
        """Return the brightness, 0..1, as it is."""
        return inputs


def read_digits() -> ArrayDataset:
    """Return images, float32 (n, 64) in 0..1, and labels; a fifth of each class is for testing.

    The split is always the same.
    """
    images, labels = _image_sets.read_digits("train")
    images = (images / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(labels))
    rank = np.empty_like(order)
    for digit in range(10):
        where = order[labels[order] == digit]
        rank[where] = np.arange(len(where)) * 5 // len(where)  # 0..4, each a fifth of the class
    test = rank == 0
    return ArrayDataset(
        (images[~test], labels[~test]), (images[test], labels[test]), "digits of scikit-learn"
    )
