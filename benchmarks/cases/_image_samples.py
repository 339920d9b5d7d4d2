"""Labelled images: the digits that scikit-learn brings along, MNIST and CIFAR-10 from a folder."""

from pathlib import Path

import numpy as np

from subsetopt.errors import InvalidFile
from subsetopt.formats import _sources
from subsetopt.formats._array_files import read_mnist
from subsetopt.formats._image_sets import (
    BATCHES,
    SUBSET,
    Pair,
    read_digits,
    read_records,
    subset_parts,
)

from ._classifier import ClassifierTraining, Samples, TrainingRecord, losses
from .base import Values

_FOLDERS = ("cifar10", ".", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin")


def digits() -> Samples:
    """Return the 1797 digits, (1797, 64); MissingDependency if scikit-learn is not installed."""
    images, labels = read_digits()
    training = ClassifierTraining(epochs=(1, 5, 25))
    return Samples("digits", "digits of scikit-learn, 8x8 pixels", images, labels, 16.0, training)


def digit_losses(n: int, count: int, seed: int) -> list[Values]:
    """Return `count` batches of n losses, from early, middle and late training in turn.

    Raises MissingDependency as `digits` does, and InvalidOption if n exceeds the 1797 digits.
    """
    return losses(TrainingRecord.of(digits(), count, seed), n, count)


def mnist(folder: Path) -> Samples:
    """Read the training images; InvalidFile if they are not there or damaged."""
    images, labels = read_mnist(folder)
    training = ClassifierTraining(epochs=(1, 2, 4), hidden=64, batch_size=128)
    return Samples("mnist", "MNIST, 28x28 pixels", images, labels, 255.0, training)


def cifar10(folder: Path) -> Samples:
    """Read the training images, (n, 3072); InvalidFile if they are not there or damaged."""
    images, labels = _cifar10(folder)
    pixels = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).reshape(len(images), -1)
    training = ClassifierTraining(epochs=(1, 4, 12), hidden=64, batch_size=64, rate=0.02)
    source = "CIFAR-10, 32x32 pixels in colour"
    return Samples("cifar10", source, pixels, labels, 255.0, training)


def _cifar10(folder: Path) -> Pair:
    for place in (folder / name for name in _FOLDERS):
        if (place / SUBSET).is_file():
            return subset_parts(place / SUBSET, "train")[0]
        if batches := sorted(place.glob(BATCHES)):
            read = (read_records(_sources.content(path)[0], path) for path in batches)
            images, labels = zip(*read, strict=True)
            return np.concatenate(images), np.concatenate(labels)
    raise InvalidFile(f"no {SUBSET} and no {BATCHES} in {folder / 'cifar10'} or {folder}")
