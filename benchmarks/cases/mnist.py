"""Losses on MNIST, from a folder that holds its training files."""

from pathlib import Path

import numpy as np

from subsetopt.errors import InvalidFile

from .base import Losses
from .classifier import Samples, Training, recorded
from .idx import read_idx

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TRAINING = Training(epochs=(1, 2, 4), hidden=64, batch_size=128)


def losses(folder: Path, n: int, count: int, seed: int) -> list[Losses]:
    """Return `count` batches of n losses, from early, middle and late training in turn.

    Raises
    ------
    InvalidFile
        If the folder does not hold the two training files, or they are damaged.
    InvalidOption
        If n exceeds the number of images.
    """
    return recorded(samples(folder), TRAINING, n, count, seed)


def samples(folder: Path) -> Samples:
    """Read the training images; InvalidFile if they are not there or damaged."""
    images = read_idx(_find(folder, IMAGES), dimensions=3)
    labels = read_idx(_find(folder, LABELS), dimensions=1)
    if len(images) != len(labels) or not len(labels):
        raise InvalidFile(f"{folder} holds {len(images)} images and {len(labels)} labels")
    if labels.max() > 9:
        raise InvalidFile(f"{folder} holds the label {labels.max()}; MNIST has 0..9")
    return Samples(
        name="mnist",
        source="MNIST: losses of a 784-64-10 perceptron after epochs 1, 2 and 4",
        images=images.reshape(len(images), -1),
        labels=labels.astype(np.int64),
        scale=255.0,
    )


def _find(folder: Path, name: str) -> Path:
    tried = [folder / sub / f"{name}{end}" for sub in ("mnist", ".") for end in (".gz", "")]
    for path in tried:
        if path.is_file():
            return path
    raise InvalidFile(f"no {name}.gz in {folder / 'mnist'} or {folder}")
