"""SVHN, street view house numbers: the cropped digits, as MATLAB files."""

import io
from pathlib import Path

import numpy as np

from subsetopt.errors import InvalidFile

from ._array_dataset import SCIPY, ArrayDataset, Pair, content, require_labels

_TRAIN = 73_257


def read_svhn(folder: Path) -> ArrayDataset:
    """Return the images, uint8 (n, 3, 32, 32), and the labels, in which 10, for 0, becomes 0.

    ``train_32x32.mat`` and ``test_32x32.mat`` are looked for in ``folder/svhn`` and in `folder`.

    Raises
    ------
    InvalidFile
        If one of them is missing or damaged.
    MissingDependency
        Without SciPy.
    """
    train, test = (_part(_find(folder, f"{part}_32x32.mat")) for part in ("train", "test"))
    return ArrayDataset(train, test, "svhn", subset=len(train[1]) < _TRAIN)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / "svhn" / name, folder / name):
        if path.is_file():
            return path
    raise InvalidFile(f"no {name} in {folder / 'svhn'} or {folder}")


def _part(path: Path) -> Pair:
    loadmat, raw = SCIPY.load("io").loadmat, content(path)
    try:
        loaded = loadmat(io.BytesIO(raw), variable_names=("X", "y"))
        images, labels = loaded["X"], loaded["y"].ravel()
    except Exception as error:  # a damaged file can raise anything
        raise InvalidFile(f"{path} is truncated or no MATLAB file of X and y: {error}") from error
    if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(labels)):
        raise InvalidFile(
            f"{path} holds X of {images.dtype} {images.shape} and {len(labels)} labels; uint8 "
            "(32, 32, 3, n) and n labels are needed"
        )
    digits = require_labels(np.where(labels == 10, 0, labels), 10, path)
    return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), digits
