"""CamVid, road scenes."""

from dataclasses import dataclass
from pathlib import Path

from subsetopt._checks import is_integer, require
from subsetopt.training.data._camvid_files import GROUPS, read_camvid
from subsetopt.training.data._splits import Data
from subsetopt.training.recipe import Recipe

from ._pixels import Segmentation
from .base import require_files


@dataclass(kw_only=True, eq=False)
class CamVid(Segmentation):
    """Images of roads, 11 classes; the folders say which image is for training.

    Parameters
    ----------
    height, width : int
        What images and labels are resized to: multiples of 16.
    """

    name = "camvid"
    recipe = Recipe(
        epochs=100, batch_size=8, lr=0.05, momentum=0.9, weight_decay=5e-4, schedule="linear"
    )

    channels = 3
    first = 32

    height: int = 192
    width: int = 256

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            value = getattr(self, name)
            good = is_integer(value) and value > 0 and value % 16 == 0
            require(name, value, good, "a positive multiple of 16")

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Read the pictures, as `subsetopt.training.data._camvid_files.read_camvid` does."""
        arrays = read_camvid(require_files(folder, "CamVid"), (self.height, self.width))
        return arrays.data(len(GROUPS), class_names=list(GROUPS), size=[self.height, self.width])
