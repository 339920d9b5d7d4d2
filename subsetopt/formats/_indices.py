"""Selections as files."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._files import replacing, suffix_of
from subsetopt.errors import InvalidFile

from ._csv_table import CSVTable
from ._first_line import RowCount
from ._table_options import TableOptions
from ._value_files import read_table, table_from

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


def read_indices(
    source: str | os.PathLike[str], options: TableOptions | None = None
) -> tuple[NDArray[np.int64], CSVTable]:
    """Read a selection that `write_indices`, or anybody, has written; return its table too.

    In ``.csv`` line 1 may be a header, and a doubtful one is refused; in other text a header is
    text, so that the index 0 on line 1 is an index.

    Raises
    ------
    InvalidFile
        If it cannot be read, or holds something else than one column of integers.
    """
    name = os.fspath(source)
    table = read_table(source, options, _rows(name))
    return _integers(table.values, name), table


def indices_from(
    content: bytes, name: str, options: TableOptions | None = None
) -> NDArray[np.int64]:
    """Read a selection from the bytes of a file as `read_indices` does."""
    return _integers(table_from(content, name, options=options, rows=_rows(name)).values, name)


def _rows(name: str) -> RowCount | None:
    return None if name.lower().endswith(".csv") else "all"


def _integers(values: NDArray[Any], name: str) -> NDArray[np.int64]:
    if values.ndim != 1 or values.dtype.kind not in "iuf":
        raise InvalidFile(
            f"{name}: indices must be integers, one per line; got {values.dtype} of shape "
            f"{values.shape}"
        )
    odd = ~np.isfinite(values) | (values != np.floor(values))
    if odd.any():
        raise InvalidFile(
            f"{name}: indices must be integers, one per line; got {values[odd][0]} as number "
            f"{odd.argmax() + 1}"
        )
    return values.astype(np.int64)
