"""Reading pictures by Pillow."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile

from ._array_dataset import PILLOW

SUFFIXES = (".jpeg", ".jpg", ".png")
NEAREST, BILINEAR = 0, 2
"""How a picture is resized: the numbers of Pillow's `Resampling`."""


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures that lie in a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def opened(path: Path, mode: str | None = "RGB") -> Any:
    """Return the decoded picture, of Pillow, in `mode`, or as it is.

    Raises
    ------
    InvalidFile
        If it is damaged, or no picture.
    MissingDependency
        Without Pillow.
    """
    reader = PILLOW.load("Image")
    try:
        with reader.open(path) as picture:
            picture.load()
            return picture if mode is None else picture.convert(mode)
    except (OSError, ValueError, SyntaxError, reader.DecompressionBombError) as error:
        raise InvalidFile(f"{path} is damaged, or no picture: {error}") from error


def pixels(picture: Any) -> NDArray[np.uint8]:
    """Return the pixels (channels, height, width) of an RGB picture."""
    return np.array(picture, np.uint8).transpose(2, 0, 1)
