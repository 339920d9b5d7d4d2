"""Selections as files."""

import os

import numpy as np
from numpy.typing import NDArray

from .atomic import replacing, suffix_of

SUFFIXES = (".npy", ".csv", ".txt")
"""The formats that `write_indices` knows."""


def write_indices(indices: NDArray[np.int64], path: str | os.PathLike[str]) -> None:
    """Write a selection, in the format that the suffix names, whole or not at all.

    ``.npy`` holds an int64 array, ``.csv`` a header ``index`` and one index per line, ``.txt``
    one index per line.

    Raises
    ------
    InvalidOption
        For an unknown suffix.
    OSError
        If the file cannot be written.
    """
    suffix = suffix_of(path, SUFFIXES)
    with replacing(path) as stream:
        if suffix == ".npy":
            np.save(stream, indices, allow_pickle=False)
            return
        lines = [str(index) for index in indices.tolist()]
        if suffix == ".csv":
            lines.insert(0, "index")
        stream.write("".join(f"{line}\n" for line in lines).encode())
