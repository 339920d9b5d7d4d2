"""Pictures in folders, one for each class, decoded batch by batch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from subsetopt._processes import processors
from subsetopt.errors import InvalidFile, InvalidOption, TooLarge

from ._array_dataset import PILLOW
from ._splits import Batch, BatchSource, in_order

SUFFIXES = (".jpeg", ".jpg", ".png")
NEAREST, BILINEAR = 0, 2
"""How a picture is resized: the numbers of Pillow's `Resampling`."""


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures that lie in a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def opened(path: Path, mode: str | None = "RGB") -> Any:
    """Return the decoded picture, of Pillow, in `mode`, or as it is."""
    reader = PILLOW.load("Image")
    try:
        with reader.open(path) as picture:
            picture.load()
            return picture if mode is None else picture.convert(mode)
    except (OSError, ValueError, SyntaxError, reader.DecompressionBombError) as error:
        raise InvalidFile(f"{path} is damaged, or no picture: {error}") from error


def pixels(picture: Any) -> NDArray[np.uint8]:
    """Return the pixels (channels, height, width) of an RGB picture."""
    return np.array(picture, np.uint8).transpose(2, 0, 1)


_LARGEST = 8 * 2**30
_SHARE, _RATIO = (0.08, 1.0), (3 / 4, 4 / 3)


@dataclass(frozen=True, eq=False)
class FolderSplit:
    """Pictures in folders, one folder for each class.

    Parameters
    ----------
    files : tuple of Path
    targets : Tensor of int64, (n,)
    size : int
        Height and width of what is handed out: uint8 (3, size, size).
    random : bool
        Cut out a part by chance, of 8 to 100 % of the area at a ratio of 3:4 to 4:3, and mirror
        every second picture: Inception's preprocessing, without its distortion of colours. Else the
        shorter side becomes 8/7 of `size`, and the middle is cut out. Chance is torch's global
        generator, when `batches` is called.
    workers : int
        Processes that decode. They ask for batches before these are needed, so that a source which
        depends on what was learnt is read up to ``2 * workers`` batches early.
    device : torch.device
    """

    files: tuple[Path, ...]
    targets: Tensor
    size: int = 224
    random: bool = False
    workers: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        if len(self.files) != len(self.targets) or not self.files:
            raise InvalidOption(
                f"files and targets must be equally many, at least one; got {len(self.files)} "
                f"files and {len(self.targets)} targets"
            )

    def __len__(self) -> int:
        return len(self.files)

    @property
    def inputs(self) -> Tensor:
        """All pictures (n, 3, size, size), as `plain` has them."""
        needed = len(self) * 3 * self.size**2
        if needed > _LARGEST:
            raise TooLarge(
                f"{len(self)} pictures of {self.size} x {self.size} take {needed / 2**30:.0f} GiB; "
                "they are read batch by batch",
                seconds=len(self) / 200,
                bytes=needed,
            )
        parts = [batch[0] for _, batch in self.plain().batches(in_order(len(self), 256))]
        return torch.cat(parts)

    def batches(self, chosen: Sequence[list[int]] | BatchSource) -> Iterator[tuple[Tensor, Batch]]:
        """Yield the numbers of the samples in each batch, and (inputs, targets), on the device."""
        away = self.device.type != "cpu"
        loader: DataLoader[tuple[int, Tensor]] = DataLoader(
            _Decoded(self.files, self.size, self.random),
            batch_sampler=chosen,
            num_workers=self.workers,
            pin_memory=away,
        )
        targets = self.targets.cpu()
        for ids, inputs in loader:
            labels = targets[ids]
            yield (
                ids.to(self.device, non_blocking=away),
                (
                    inputs.to(self.device, non_blocking=away),
                    labels.to(self.device, non_blocking=away),
                ),
            )

    def to(self, device: torch.device) -> "FolderSplit":
        """Return the same samples, handed out on that device; they are decoded on the CPU."""
        return replace(self, device=torch.device(device), targets=self.targets.to(device))

    def subset(self, ids: Tensor) -> "FolderSplit":
        """Return only these samples, numbered anew."""
        files = tuple(self.files[i] for i in ids.tolist())
        return replace(self, files=files, targets=self.targets[ids.to(self.targets.device)])

    def plain(self) -> "FolderSplit":
        """Return the same samples without chance."""
        return replace(self, random=False)


class _Decoded(Dataset[tuple[int, Tensor]]):
    def __init__(self, files: tuple[Path, ...], size: int, random: bool) -> None:
        self.files, self.size, self.random = files, size, random

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> tuple[int, Tensor]:
        picture = opened(self.files[number])
        box = _random_box(*picture.size) if self.random else _middle(*picture.size)
        cut = picture.resize((self.size, self.size), BILINEAR, box=box)
        array = pixels(cut)
        if self.random and torch.rand(()) < 0.5:
            array = array[:, :, ::-1]
        return number, torch.from_numpy(np.ascontiguousarray(array))


def _middle(width: int, height: int) -> tuple[float, float, float, float]:
    side = min(width, height) * 7 / 8  # 224 of 256
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def _random_box(width: int, height: int) -> tuple[float, float, float, float]:
    for _ in range(10):
        share, ratio, x, y = torch.rand(4).tolist()
        area = width * height * (_SHARE[0] + share * (_SHARE[1] - _SHARE[0]))
        stretched = math.exp(math.log(_RATIO[0]) + ratio * math.log(_RATIO[1] / _RATIO[0]))
        w, h = math.sqrt(area * stretched), math.sqrt(area / stretched)
        if w <= width and h <= height:
            left, top = x * (width - w), y * (height - h)
            return left, top, left + w, top + h
    return _middle(width, height)


def folder_split(
    folder: Path, *, size: int = 224, random: bool = False, workers: int | None = None
) -> tuple[FolderSplit, tuple[str, ...]]:
    """Return the pictures in ``folder/CLASS/`` and the names of the classes, sorted."""
    if not folder.is_dir():
        raise InvalidFile(f"there is no folder {folder}")
    classes = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    if not classes:
        raise InvalidFile(f"{folder} must hold a folder for each class; it holds none")
    files: list[Path] = []
    targets: list[int] = []
    for number, name in enumerate(classes):
        found = pictures_in(folder / name)
        if not found:
            raise InvalidFile(f"{folder / name} holds no .jpeg, .jpg or .png")
        files += found
        targets += [number] * len(found)
    used = min(8, processors()) if workers is None else workers
    return FolderSplit(tuple(files), torch.tensor(targets), size, random, used), classes
