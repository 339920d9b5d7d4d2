"""CIFAR-100, 100 classes of 32 x 32 images."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from subsetopt.training.data._cifar import read_cifar
from subsetopt.training.data._splits import Data

from ._images import BUDGETED, SmallImages
from .base import read_files


@dataclass(kw_only=True, eq=False)
class CIFAR100(SmallImages):
    """50,000 training and 10,000 test images of 100 classes."""

    name = "cifar100"
    recipe = BUDGETED
    flips = True
    mean = (0.5071, 0.4865, 0.4409)
    deviation = (0.2673, 0.2564, 0.2762)

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Read the files, as `subsetopt.training.data._cifar.read_cifar` does."""
        read = partial(read_cifar, classes=100)
        arrays = read_files(read, folder, "CIFAR-100", "cifar100", download)
        return self._as_asked(arrays.data(100))
