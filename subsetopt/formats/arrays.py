"""Values from .npy, .npz and text files, or from standard input."""

import io
import os
import sys
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidOption

from .first_line import RowCount
from .packed import member_of, why_unreadable
from .table import Table, table_of
from .table_options import TableOptions, indices_of

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
NPY_MAGIC, ZIP_MAGIC = b"\x93NUMPY", b"PK\x03\x04"
_UNREADABLE = (ValueError, EOFError, OverflowError, MemoryError)


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
) -> Table:
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
    if os.fspath(source) == "-":
        return table_from(sys.stdin.buffer.read(), "standard input", options=options, rows=rows)
    path, member = member_of(source)
    suffix = path.suffix.lower()
    if member is not None and suffix != ".npz":
        raise InvalidFile(f"{path}: only .npz files hold several arrays; leave out ':{member}'")
    try:
        if suffix == ".npy":
            with path.open("rb") as stream:
                return _table(_npy(stream, str(path)), options, str(path))
        if suffix == ".npz":
            with path.open("rb") as stream:
                return _table(_npz(stream, str(path), member), options, str(path))
        if suffix in TEXT_SUFFIXES:
            return table_of(path.read_bytes(), str(path), options, rows)
        path.open("rb").close()  # a missing file is the greater mistake
    except OSError as error:
        raise InvalidFile(why_unreadable(path, error)) from error
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
) -> Table:
    """Read a table from the bytes of a ``.npy``, ``.npz`` or text file, as they begin."""
    options = options or TableOptions()
    if content.startswith(ZIP_MAGIC):
        return _table(_npz(io.BytesIO(content), name, member), options, name)
    if content.startswith(NPY_MAGIC):
        return _table(_npy(io.BytesIO(content), name), options, name)
    return table_of(content, name, options, rows)


def _table(values: NDArray[Any], options: TableOptions, name: str) -> Table:
    """Return an array as a table: it has no line that could be a header; columns are numbered."""
    if options.id is not None:
        raise InvalidOption(f"--id is for tables in text; {name} holds an array of numbers")
    width = {1: 1, 2: values.shape[-1]}.get(values.ndim, 0) if values.ndim else 0
    names = tuple(str(i) for i in range(1, width + 1))
    if options.columns is None:
        return Table(values=values, columns=names)
    chosen = indices_of(options.columns, names, header=False, name=name)
    if values.ndim == 2:
        values = values[:, chosen[0]] if len(chosen) == 1 else values[:, chosen]
    return Table(values=values, columns=tuple(names[i] for i in chosen))


def _npy(stream: BinaryIO, name: str) -> NDArray[Any]:
    start = stream.read(len(NPY_MAGIC))
    if not start:
        raise InvalidFile(f"{name}: the file is empty")
    if start != NPY_MAGIC:
        raise InvalidFile(f"{name}: this is no .npy file; write it with numpy.save")
    stream.seek(0)
    try:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
    except _UNREADABLE as error:
        if "allow_pickle" in str(error):
            raise InvalidFile(
                f"{name}: holds pickled Python objects, which are not read since they can run "
                "code; save numbers: numpy.save(file, values.astype(float))"
            ) from error
        raise InvalidFile(f"{name}: damaged or cut short ({error}); write it again") from error


def _npz(stream: BinaryIO, name: str, member: str | None) -> NDArray[Any]:
    if not stream.read(1):
        raise InvalidFile(f"{name}: the file is empty")
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            chosen = _chosen(archive, name, member)
            # Through memory: a compressed member cannot be sought in cheaply.
            content = archive.read(f"{chosen}.npy")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise InvalidFile(f"{name}: damaged or no .npz file ({error}); write it again") from error
    return _npy(io.BytesIO(content), f"{name}:{chosen}")


def _chosen(archive: zipfile.ZipFile, name: str, member: str | None) -> str:
    members = [entry[: -len(".npy")] for entry in archive.namelist() if entry.endswith(".npy")]
    listed = ", ".join(members)
    if not members:
        raise InvalidFile(f"{name}: holds no array")
    if member is None and len(members) > 1:
        raise InvalidFile(
            f"{name}: holds {len(members)} arrays ({listed}); name one: {name}:{members[0]}"
        )
    if member is not None and member not in members:
        raise InvalidFile(f"{name}: holds no array {member!r}; it holds: {listed}")
    return members[0] if member is None else member
