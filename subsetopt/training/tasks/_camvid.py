"""CamVid: road scenes with the class of each pixel, 32 classes grouped into 11."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import is_integer, require
from subsetopt.errors import InvalidFile
from subsetopt.training.data._array_dataset import ArrayDataset, Pair
from subsetopt.training.data._folders import BILINEAR, NEAREST, opened, pictures_in, pixels
from subsetopt.training.data._splits import Data
from subsetopt.training.run import Recipe

from ._segmentation import IGNORED, Segmentation
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
        """Read the pictures, as `read_camvid` does."""
        arrays = read_camvid(require_files(folder, "CamVid"), (self.height, self.width))
        return arrays.data(len(GROUPS), class_names=list(GROUPS), size=[self.height, self.width])


GROUPS = {
    "Sky": ("Sky",),
    "Building": ("Archway", "Bridge", "Building", "Tunnel", "Wall"),
    "Pole": ("Column_Pole", "TrafficCone"),
    "Road": ("LaneMkgsDriv", "LaneMkgsNonDriv", "Road"),
    "Pavement": ("ParkingBlock", "RoadShoulder", "Sidewalk"),
    "Tree": ("Tree", "VegetationMisc"),
    "SignSymbol": ("Misc_Text", "SignSymbol", "TrafficLight"),
    "Fence": ("Fence",),
    "Car": ("Car", "OtherMoving", "SUVPickupTruck", "Train", "Truck_Bus"),
    "Pedestrian": ("Animal", "CartLuggagePram", "Child", "Pedestrian"),
    "Bicyclist": ("Bicyclist", "MotorcycleScooter"),
}
"""The 11 classes, and what each is of the 32; "Void" is ignored."""

Decode = Callable[[Path, tuple[int, int]], NDArray[np.uint8]]


def read_camvid(folder: Path, size: tuple[int, int] = (192, 256)) -> ArrayDataset:
    """Return images, uint8 (n, 3, h, w), and targets, int64 (n, h, w).

    Images lie in ``SPLIT/``, their labels in ``SPLITannot/`` or ``SPLIT_labels/`` as ``NAME.png``
    or ``NAME_L.png``; SPLIT is train, test and, where it is there, val. Labels are colours where
    there is a ``class_dict.csv`` (name, r, g, b), else numbers 0..10, in the order of `GROUPS`,
    and 11 or 255 for none. All is looked for in ``folder/camvid``, ``folder/CamVid`` and `folder`.
    """
    base = _base(folder)
    table = base / "class_dict.csv"
    decode = _by_colour(table) if table.is_file() else _by_number
    parts = {
        name: _part(base, name, size, decode)
        for name in ("train", "val", "test")
        if name != "val" or (base / name).is_dir()
    }
    return ArrayDataset(parts["train"], parts["test"], "camvid", parts.get("val"))


def _base(folder: Path) -> Path:
    for base in (folder / "camvid", folder / "CamVid", folder):
        if (base / "train").is_dir() and _labels(base, "train") is not None:
            return base
    raise InvalidFile(
        f"no CamVid in {folder / 'camvid'} or {folder}, which has folders train, trainannot "
        "(or train_labels), test and testannot (or test_labels)"
    )


def _labels(base: Path, part: str) -> Path | None:
    tried = (base / f"{part}annot", base / f"{part}_labels")
    return next((path for path in tried if path.is_dir()), None)


def _part(base: Path, part: str, size: tuple[int, int], decode: Decode) -> Pair:
    annotations = _labels(base, part)
    if annotations is None or not (base / part).is_dir():
        raise InvalidFile(f"{base} has no {part} with {part}annot or {part}_labels")
    images = pictures_in(base / part)
    if not images:
        raise InvalidFile(f"{base / part} holds no pictures")
    inputs = np.empty((len(images), 3, *size), np.uint8)
    targets = np.empty((len(images), *size), np.int64)
    for i, path in enumerate(images):
        inputs[i] = pixels(opened(path).resize(size[::-1], BILINEAR))
        targets[i] = decode(_label_of(path, annotations), size)
    return inputs, targets


def _label_of(image: Path, annotations: Path) -> Path:
    for name in (f"{image.stem}.png", f"{image.stem}_L.png"):
        if (annotations / name).is_file():
            return annotations / name
    raise InvalidFile(f"{annotations} has no {image.stem}.png and no {image.stem}_L.png")


def _by_number(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    picture = opened(path, None)
    if picture.mode not in ("L", "P"):
        raise InvalidFile(
            f"{path} has colours ({picture.mode}); class_dict.csv, which says what they mean, is "
            "missing next to train"
        )
    numbers = np.array(picture.resize(size[::-1], NEAREST), np.uint8)
    ignored = (numbers == len(GROUPS)) | (numbers == IGNORED)
    if (numbers[~ignored] > len(GROUPS)).any():
        raise InvalidFile(f"{path} holds class {numbers[~ignored].max()}; 0..11 and 255 are known")
    return np.where(ignored, IGNORED, numbers).astype(np.uint8)


def _by_colour(table: Path) -> Decode:
    codes, classes = _colours(table)

    def decode(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
        colours = np.array(opened(path).resize(size[::-1], NEAREST), np.int64)
        found = colours @ np.array([65536, 256, 1])
        where = np.searchsorted(codes, found).clip(max=len(codes) - 1)
        if (codes[where] != found).any():
            r, g, b = colours[codes[where] != found][0]
            raise InvalidFile(f"{path} holds the colour ({r}, {g}, {b}), which {table} lacks")
        found_classes: NDArray[np.uint8] = classes[where]
        return found_classes

    return decode


def _colours(table: Path) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    number = {name: i for i, names in enumerate(GROUPS.values()) for name in names}
    number["Void"] = IGNORED
    known: dict[int, int] = {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            for row in csv.DictReader(lines, skipinitialspace=True):
                r, g, b = (int(row[channel]) for channel in "rgb")
                known[65536 * r + 256 * g + b] = number[row["name"].strip()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidFile(
            f"{table} is not a table of name, r, g, b of CamVid: {error!r}"
        ) from error
    if not known:
        raise InvalidFile(f"{table} holds no classes")
    codes = np.array(sorted(known), np.int64)
    return codes, np.array([known[code] for code in codes.tolist()], np.uint8)
