"""SVHN, house numbers of 32 x 32 pixels."""

from dataclasses import dataclass
from pathlib import Path

from subsetopt.training.data._splits import Data
from subsetopt.training.data._svhn_files import read_svhn

from ._images import BUDGETED, SmallImages
from .base import read_files


@dataclass(kw_only=True, eq=False)
class SVHN(SmallImages):
    """73,257 training and 26,032 test images of the digits 0 to 9."""

    name = "svhn"
    recipe = BUDGETED
    mean = (0.4377, 0.4438, 0.4728)
    deviation = (0.1980, 0.2010, 0.1970)

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Read the two files, as `subsetopt.training.data._svhn_files.read_svhn` does."""
        arrays = read_files(read_svhn, folder, "SVHN", "svhn", download)
        return self._as_asked(arrays.data(10))
