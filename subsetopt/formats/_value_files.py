"""Values and selections in .npy, .npz and text files, or on standard input."""

import io
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._files import replacing, suffix_of
from subsetopt.errors import InvalidFile, InvalidOption

from ._array_files import NPY_MAGIC, ZIP_MAGIC, read_npy, read_npz
from ._csv_table import AS_IT_IS, CSVTable, table_of
from ._first_line import RowCount
from ._sources import content, is_descriptor, member_of, opened
from ._table_options import TableOptions, indices_of
from ._table_text import TableText, shortened, split

_TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
_TABLES = (".parquet", ".pq", ".xlsx", ".xls", ".ods")


def read_values(
    source: str | os.PathLike[str],
    *,
    header: bool | None = None,
    columns: Sequence[str | int] | None = None,
    id: str | int | None = None,  # noqa: A002 - what it is called everywhere
) -> NDArray[Any]:
    """Read an array of numbers.

    Parameters
    ----------
    source : str or path
        A ``.npy`` file; a ``.npz`` file with one array, or ``file.npz:name``; a ``.csv``, ``.tsv``
        or ``.txt`` file with commas, semicolons, tabs or blanks between its columns, and one
        header line or none; or ``-``, any of these on standard input.
    header : bool, optional
        Whether line 1 of a text is a header; None decides by the rules in ``docs/formats.md``,
        which refuse a doubtful line.
    columns : sequence of str or int, optional
        The columns to read, in this order: names of the header, numbers from 1 as text, or indices
        from 0 as integers. None is all but `id`.
    id : str or int, optional
        The column of a text that names the rows, not read as a number; `read_table` returns it.

    Returns
    -------
    ndarray
        Text gives float64, (n,) for one column and (n, d) for several. NaN passes: whether it may
        occur is for the problem to say.

    Raises
    ------
    InvalidFile
        For anything that cannot be read so; the message names the file, what is wrong and the
        fix.
    InvalidOption
        If a column is asked for that is not there.
    """
    return read_table(source, TableOptions(header=header, columns=columns, id=id)).values


def read_table(
    source: str | os.PathLike[str],
    options: TableOptions | None = None,
    rows: RowCount | None = None,
) -> CSVTable:
    """Read an array of numbers as `read_values` does, with the names of columns and rows.

    Parameters
    ----------
    source : str or path
    options : TableOptions, optional
    rows : int, "square" or "all", optional
        How many rows there have to be, or that they are as many as the columns; it decides whether
        a line 1 that could be both is a header, and nothing else.

    Raises
    ------
    InvalidFile, InvalidOption
        As `read_values` does.
    """
    options = options or TableOptions()
    if os.fspath(source) == "-" or is_descriptor(source):
        return table_from(*content(source), options=options, rows=rows)
    path, member = member_of(source)
    suffix = path.suffix.lower()
    if member is not None and suffix != ".npz":
        raise InvalidFile(f"{path}: only .npz files hold several arrays; leave out ':{member}'")
    if suffix in _TEXT_SUFFIXES:
        return table_of(*content(path), options, rows)
    with opened(path) as stream:  # a missing file is the greater mistake than its suffix
        if suffix == ".npy":
            size = os.fstat(stream.fileno()).st_size
            return _table(read_npy(stream, str(path), size), options, str(path))
        if suffix == ".npz":
            return _table(read_npz(stream, str(path), member), options, str(path))
    raise InvalidFile(
        f"{path}: unknown suffix {suffix!r}; known are .npy, .npz, {', '.join(_TEXT_SUFFIXES)}, "
        f"and '-' for standard input{f'; {AS_IT_IS}' if suffix in _TABLES else ''}"
    )


def read_alike(
    source: str | os.PathLike[str], options: TableOptions, like: CSVTable, word: str
) -> CSVTable:
    """Read more rows of a table, whose columns are called as those of the first.

    Without headers they go by place. Where the first has ids, the others need none. `word` names
    the file for the message.

    Raises
    ------
    InvalidFile, InvalidOption
        As `read_table` does, and where the columns are called differently.
    """
    if like.header and options.id is not None:
        options = replace(options, columns=like.columns, id=None)
    read = read_table(source, options)
    if read.header and like.header and read.columns != like.columns:
        other, own = (shortened(", ".join(table.columns)) for table in (read, like))
        raise InvalidFile(
            f"{word} {source}: its columns are {other}, those of the points {own}; --columns reads "
            "the same ones of both, in one order"
        )
    return read


def table_from(
    content: bytes,
    name: str,
    member: str | None = None,
    options: TableOptions | None = None,
    rows: RowCount | None = None,
) -> CSVTable:
    """Read a table from the bytes of a ``.npy``, ``.npz`` or text file, as they begin."""
    options = options or TableOptions()
    if content.startswith(ZIP_MAGIC):
        return _table(read_npz(io.BytesIO(content), name, member), options, name)
    if content.startswith(NPY_MAGIC):
        return _table(read_npy(io.BytesIO(content), name, len(content)), options, name)
    return table_of(content, name, options, rows)


def _table(values: NDArray[Any], options: TableOptions, name: str) -> CSVTable:
    """Return an array as a table: it has no line that could be a header; columns are numbered."""
    if options.id is not None:
        raise InvalidOption(f"--id is for tables in text; {name} holds an array of numbers")
    width = {1: 1, 2: values.shape[-1]}.get(values.ndim, 0) if values.ndim else 0
    names = tuple(str(i) for i in range(1, width + 1))
    if options.columns is None:
        return CSVTable(values=values, columns=names)
    chosen = indices_of(options.columns, names, header=False, name=name)
    if values.ndim == 2:
        values = values[:, chosen[0]] if len(chosen) == 1 else values[:, chosen]
    return CSVTable(values=values, columns=tuple(names[i] for i in chosen))


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
    suffix = suffix_of(path, (".npy", ".csv", ".txt"))
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


def read_texts(source: str | os.PathLike[str]) -> list[list[str]]:
    """Return the cells of all lines of a text table as they stand, without their quotes.

    Raises
    ------
    InvalidFile
        If it is no text, or its lines have different numbers of cells.
    """
    data, name = content(source)
    if data.startswith((ZIP_MAGIC, NPY_MAGIC)):
        raise InvalidFile(f"{name}: must be a text table, such as .csv; got an array of NumPy")
    text = TableText.of(data, name)
    lines = [[cell.text for cell in split(line, text.separator)] for line in text]
    for i, cells in enumerate(lines):
        if len(cells) != len(lines[0]):
            raise InvalidFile(
                f"{name} line {text.number(i)}: must have {len(lines[0])} cells, as line 1; got "
                f"{len(cells)}"
            )
    return lines
