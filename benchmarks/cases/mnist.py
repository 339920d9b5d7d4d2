"""Losses on MNIST, from a folder that holds its training files."""

from pathlib import Path

from subsetopt.formats.idx import read_mnist

from .base import Losses
from .classifier import Samples, Training, recorded

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
    images, labels = read_mnist(folder)
    return Samples(
        name="mnist",
        source="MNIST: losses of a 784-64-10 perceptron after epochs 1, 2 and 4",
        images=images,
        labels=labels,
        scale=255.0,
    )
