"""CIFAR-10, from a folder that holds training images of it."""

from pathlib import Path

import numpy as np

from subsetopt.errors import InvalidFile
from subsetopt.formats import _sources
from subsetopt.formats._image_sets import BATCHES, SUBSET, Pair, read_records, subset_parts

from ._classifier import ClassifierTraining, Samples

_FOLDERS = ("cifar10", ".", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin")


def samples(folder: Path) -> Samples:
    """Read the training images, (n, 3072); InvalidFile if they are not there or damaged."""
    images, labels = _read(folder)
    return Samples(
        name="cifar10",
        source="CIFAR-10, 32x32 pixels in colour",
        images=np.ascontiguousarray(images.transpose(0, 2, 3, 1)).reshape(len(images), -1),
        labels=labels,
        scale=255.0,
        training=ClassifierTraining(epochs=(1, 4, 12), hidden=64, batch_size=64, rate=0.02),
    )


def _read(folder: Path) -> Pair:
    for place in (folder / name for name in _FOLDERS):
        if (place / SUBSET).is_file():
            return subset_parts(place / SUBSET, "train")[0]
        batches = sorted(place.glob(BATCHES))
        if batches:
            read = (read_records(_sources.content(path)[0], path) for path in batches)
            images, labels = zip(*read, strict=True)
            return np.concatenate(images), np.concatenate(labels)
    raise InvalidFile(f"no {SUBSET} and no {BATCHES} in {folder / 'cifar10'} or {folder}")
