"""Digits to be found in noise, pixel by pixel."""

import os
from dataclasses import dataclass
from pathlib import Path

from subsetopt._checks import require_integer
from subsetopt.training.data._composed import CLASSES, composed_digits
from subsetopt.training.data._fetching import fetch
from subsetopt.training.data._splits import Data
from subsetopt.training.recipe import Recipe

from ._pixels import Segmentation
from .base import require_files


@dataclass(kw_only=True, eq=False)
class ComposedDigits(Segmentation):
    """Images of 64 x 64 with up to six digits; each pixel is background or one of ten digits.

    Parameters
    ----------
    train, test : int
        How many images.
    """

    name = "segmentation"
    recipe = Recipe(
        epochs=40, batch_size=16, lr=0.2, momentum=0.9, schedule="linear", quick_epochs=2
    )

    channels = 1
    first = 8

    train: int = 2000
    test: int = 500

    def __post_init__(self) -> None:
        for name in ("train", "test"):
            require_integer(name, getattr(self, name), "[1, inf)")

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Compose the images of MNIST's digits, or of scikit-learn's where there are no files."""
        where = folder or (Path(os.environ["SUBSETOPT_DATA"]) if _named() else None)
        if download:
            where = require_files(where, "MNIST")
            fetch(where, "mnist")
        arrays = composed_digits(where, train=self.train, test=self.test, seed=seed)
        return arrays.data(CLASSES)


def _named() -> bool:
    return bool(os.environ.get("SUBSETOPT_DATA"))
