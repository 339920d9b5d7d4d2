"""CIFAR-10, 10 classes of 32 x 32 images."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from subsetopt.training.data._cifar import read_cifar
from subsetopt.training.data._splits import Data

from ._images import BUDGETED, SmallImages
from .base import read_files


@dataclass(kw_only=True, eq=False)
class CIFAR10(SmallImages):
    """50,000 training and 10,000 test images of 10 classes."""

    name = "cifar10"
    recipe = BUDGETED
    flips = True
    mean = (0.4914, 0.4822, 0.4465)
    deviation = (0.2470, 0.2435, 0.2616)

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Read the files, as `subsetopt.training.data._cifar.read_cifar` does."""
        read = partial(read_cifar, classes=10)
        arrays = read_files(read, folder, "CIFAR-10", "cifar10", download)
        return self._as_asked(arrays.data(10))
