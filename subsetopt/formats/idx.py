"""IDX, the format of MNIST: a magic number, the shape, then bytes."""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
_UNSIGNED_BYTES = 0x08
_GZIP = b"\x1f\x8b"


def read_mnist(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the training images, one in each row, and their labels.

    They are looked for in ``folder/mnist`` and in `folder`, gzipped or not.

    Raises
    ------
    InvalidFile
        If one of the two files is missing or damaged, or they do not fit together.
    """
    images = read_idx(_find(folder, IMAGES), dimensions=3)
    labels = read_idx(_find(folder, LABELS), dimensions=1)
    if len(images) != len(labels) or not len(labels):
        raise InvalidFile(f"{folder} holds {len(images)} images and {len(labels)} labels")
    if labels.max() > 9:
        raise InvalidFile(f"{folder} holds the label {labels.max()}; MNIST has 0..9")
    return images.reshape(len(images), -1), labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    tried = [folder / sub / f"{name}{end}" for sub in ("mnist", ".") for end in (".gz", "")]
    for path in tried:
        if path.is_file():
            return path
    raise InvalidFile(f"no {name}.gz in {folder / 'mnist'} or {folder}")


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
    content = _content(path)
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


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidFile(f"{path} is truncated or damaged: {error}") from error
    except OSError as error:
        raise InvalidFile(f"{path} cannot be read: {error.strerror or error}") from error
