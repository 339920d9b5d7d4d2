"""MNIST and Fashion-MNIST: four IDX files each."""

from pathlib import Path

from subsetopt.formats._array_files import read_mnist

from ._array_dataset import ArrayDataset

_TRAIN = 60_000


def read_images(folder: Path, sub: str = "mnist") -> ArrayDataset:
    """Return the images, uint8 (n, 784), and the labels.

    Parameters
    ----------
    folder : Path
        The files are looked for in ``folder/sub`` and in `folder`.
    sub : {"mnist", "fashion"}

    Raises
    ------
    InvalidFile
        If one of the four files is missing or damaged, or they do not fit together.
    """
    train, test = (read_mnist(folder, test=part, sub=sub) for part in (False, True))
    return ArrayDataset(train, test, sub, subset=len(train[1]) < _TRAIN)
