"""Images composed of several digits, with the class of each pixel: a small segmentation task."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile

from ._array_dataset import ArrayDataset, Pair
from ._digits_files import read_digits
from ._mnist_files import read_images

CLASSES = 11
"""The background, and after it the digits 0 to 9."""
_INK = 80
"""From this brightness on, of 255, a pixel belongs to the digit."""


def composed_digits(
    folder: Path | None,
    *,
    train: int = 2000,
    test: int = 500,
    size: int = 64,
    digits: int = 6,
    seed: int = 0,
) -> ArrayDataset:
    """Return images, uint8 (n, 1, size, size), and targets, int64 (n, size, size).

    One to `digits` digits are put at random places; where they overlap, the brighter one is seen,
    and noise lies over all. A target is 0 for the background, 1 + d for digit d. Test images are
    made of test digits only. The digits are MNIST's where `folder` has them, else those of
    scikit-learn, each pixel threefold.

    Parameters
    ----------
    folder : Path or None
    train, test : int
        How many.
    size : int
        Height and width, at least 28.
    digits : int
        At most in an image.
    seed : int
        The same seed makes the same images.
    """
    drawn = _digits(folder)
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2)]
    return ArrayDataset(
        _composed(*drawn.train, train, size, digits, rngs[0]),
        _composed(*drawn.test, test, size, digits, rngs[1]),
        f"composed of {drawn.source}",
    )


def _digits(folder: Path | None) -> ArrayDataset:
    if folder is not None:
        try:
            found = read_images(folder)
        except InvalidFile as error:
            if not str(error).startswith("no "):  # it is there, and damaged
                raise
        else:
            square = [(x.reshape(-1, 28, 28), y) for x, y in (found.train, found.test)]
            return ArrayDataset(square[0], square[1], found.source)
    small = read_digits()
    large = [(_enlarged(x), y) for x, y in (small.train, small.test)]
    return ArrayDataset(large[0], large[1], small.source)


def _enlarged(images: NDArray[Any]) -> NDArray[np.uint8]:
    whole: NDArray[np.uint8] = np.rint(255 * images).astype(np.uint8).reshape(-1, 8, 8)
    return whole.repeat(3, axis=1).repeat(3, axis=2)


def _composed(
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    count: int,
    size: int,
    digits: int,
    rng: np.random.Generator,
) -> Pair:
    canvas = np.zeros((count, size, size), np.uint8)
    target = np.zeros((count, size, size), np.int64)
    height, width = images.shape[1:]
    for i, how_many in enumerate(rng.integers(1, digits + 1, count)):
        for which in rng.integers(len(images), size=how_many):
            top, left = rng.integers(size - height + 1), rng.integers(size - width + 1)
            at = np.s_[i, top : top + height, left : left + width]
            seen = images[which] > canvas[at]
            canvas[at] = np.where(seen, images[which], canvas[at])
            owned = seen & (images[which] >= _INK)
            target[at] = np.where(owned, 1 + labels[which], target[at])
    noise = rng.integers(-40, 41, canvas.shape, dtype=np.int16)
    noisy = np.clip(canvas.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    return noisy[:, None], target
