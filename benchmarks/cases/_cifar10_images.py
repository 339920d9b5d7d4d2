"""CIFAR-10, from a folder that holds training images of it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile
from subsetopt.formats import read_values

from ._classifier import ClassifierTraining, Samples

ARRAYS, BATCHES = "cifar10_subset.npz", "data_batch_*.bin"
"""One file of arrays, x_train (n, 32, 32, 3) and y_train (n,); or the published binary batches."""
_FOLDERS = ("cifar10", ".", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin")
_SHAPE = (32, 32, 3)
_RECORD = 1 + 32 * 32 * 3  # the label, then the channels one after another


def samples(folder: Path) -> Samples:
    """Read the training images, (n, 3072).

    Raises
    ------
    InvalidFile
        If the folder holds no such files, or they are damaged.
    """
    images, labels = _read(folder)
    return Samples(
        name="cifar10",
        source="CIFAR-10, 32x32 pixels in colour",
        images=images.reshape(len(images), -1),
        labels=labels.astype(np.int64),
        scale=255.0,
        training=ClassifierTraining(epochs=(1, 4, 12), hidden=64, batch_size=64, rate=0.02),
    )


def _read(folder: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    for place in (folder / name for name in _FOLDERS):
        if (place / ARRAYS).is_file():
            return _arrays(place / ARRAYS)
        batches = sorted(place.glob(BATCHES))
        if batches:
            images, labels = zip(*map(_batch, batches), strict=True)
            return np.concatenate(images), np.concatenate(labels)
    raise InvalidFile(f"no {ARRAYS} and no {BATCHES} in {folder / 'cifar10'} or {folder}")


def _arrays(path: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    images, labels = read_values(f"{path}:x_train"), read_values(f"{path}:y_train")
    if images.dtype != np.uint8 or images.shape[1:] != _SHAPE:
        raise InvalidFile(
            f"{path}: x_train is {images.dtype} of shape {images.shape}; uint8 of (n, 32, 32, 3) "
            "is needed"
        )
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1] or not len(labels):
        raise InvalidFile(
            f"{path}: y_train is {labels.dtype} of shape {labels.shape}; one whole number for each "
            f"of {len(images)} images is needed"
        )
    return images, _checked(labels, path)


def _batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise InvalidFile(f"{path} cannot be read: {error.strerror or error}") from error
    if not len(content) or len(content) % _RECORD:
        raise InvalidFile(
            f"{path} is truncated or damaged: {len(content)} bytes are no records of {_RECORD}"
        )
    records = content.reshape(-1, _RECORD)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), _checked(records[:, 0], path)


def _checked(labels: NDArray[Any], path: Path) -> NDArray[Any]:
    if labels.min() < 0 or labels.max() > 9:
        wrong = labels[(labels < 0) | (labels > 9)][0]
        raise InvalidFile(f"{path} holds the label {wrong}; CIFAR-10 has 0..9")
    return labels
