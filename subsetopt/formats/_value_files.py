"""Values from .npy, .npz and text files, or from standard input."""

import io
import os
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidOption

from ._csv_table import CSVTable, table_of
from ._first_line import RowCount
from ._npy import NPY_MAGIC, ZIP_MAGIC, read_npy, read_npz
from ._packed import member_of
from ._sources import content, is_descriptor, opened
from ._table_options import TableOptions, indices_of

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")


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
    if suffix in TEXT_SUFFIXES:
        return table_of(*content(path), options, rows)
    with opened(path) as stream:  # a missing file is the greater mistake than its suffix
        if suffix == ".npy":
            size = os.fstat(stream.fileno()).st_size
            return _table(read_npy(stream, str(path), size), options, str(path))
        if suffix == ".npz":
            return _table(read_npz(stream, str(path), member), options, str(path))
    raise InvalidFile(
        f"{path}: unknown suffix {suffix!r}; known are .npy, .npz, {', '.join(TEXT_SUFFIXES)}, "
        "and '-' for standard input"
    )


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
