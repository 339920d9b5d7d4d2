"""MNIST, from a folder that holds its training files."""

from pathlib import Path

from subsetopt.formats._array_files import read_mnist

from ._classifier import ClassifierTraining, Samples


def samples(folder: Path) -> Samples:
    """Read the training images; InvalidFile if they are not there or damaged."""
    images, labels = read_mnist(folder)
    return Samples(
        name="mnist",
        source="MNIST, 28x28 pixels",
        images=images,
        labels=labels,
        scale=255.0,
        training=ClassifierTraining(epochs=(1, 2, 4), hidden=64, batch_size=128),
    )
