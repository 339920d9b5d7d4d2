"""IDX, the format of MNIST: a magic number, the shape, then bytes."""

from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile

from . import _sources
from ._packed import unpack

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
_UNSIGNED_BYTES = 0x08


def read_mnist(
    folder: Path, *, test: bool = False, sub: str = "mnist"
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images, one in each row, and their labels.

    They are looked for in ``folder/sub`` and in `folder`, gzipped or not.

    Parameters
    ----------
    folder : Path
    test : bool
        Read the 10,000 test images instead of the training images.
    sub : str
        The data set: "mnist", or "fashion" for Fashion-MNIST, whose files are called the same.

    Raises
    ------
    InvalidFile
        If one of the two files is missing or damaged, or they do not fit together.
    """
    names = (TEST_IMAGES, TEST_LABELS) if test else (IMAGES, LABELS)
    images = read_idx(_find(folder, sub, names[0]), dimensions=3)
    labels = read_idx(_find(folder, sub, names[1]), dimensions=1)
    if len(images) != len(labels) or not len(labels):
        raise InvalidFile(f"{folder} holds {len(images)} images and {len(labels)} labels")
    if labels.max() > 9:
        raise InvalidFile(f"{folder} holds the label {labels.max()}; MNIST has 0..9")
    return images.reshape(len(images), -1), labels.astype(np.int64)


def _find(folder: Path, sub: str, name: str) -> Path:
    tried = [folder / at / f"{name}{end}" for at in (sub, ".") for end in (".gz", "")]
    for path in tried:
        if path.is_file():
            return path
    raise InvalidFile(f"no {name}.gz in {folder / sub} or {folder}")


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped or not.

    Parameters
    ----------
    path : Path
    dimensions : int
        How many the array has to have: 1 for labels, 3 for images.

    Raises
    ------
    InvalidFile
        If it cannot be read, is no such file, or is shorter or longer than its header says.
    """
    content = unpack(*_sources.content(path))
    header = 4 + 4 * dimensions
    magic = bytes([0, 0, _UNSIGNED_BYTES, dimensions])
    if content[:4] != magic:
        raise InvalidFile(
            f"{path} begins with {content[:4].hex(' ') or 'nothing'}; an IDX file of unsigned "
            f"bytes with {dimensions} dimension(s) begins with {magic.hex(' ')}"
        )
    if len(content) < header:
        raise InvalidFile(f"{path} is truncated: its header has {len(content)} of {header} bytes")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    found, wanted = len(content) - header, prod(shape)
    if found != wanted:
        state = "truncated" if found < wanted else "too long"
        raise InvalidFile(f"{path} is {state}: {found} bytes for shape {shape}, which has {wanted}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
