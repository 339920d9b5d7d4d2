"""Choice of a row source by the type of the data."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from subsetopt._checks import is_integer
from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem
from subsetopt.formats import TableOptions, read_values
from subsetopt.formats._sources import is_descriptor
from subsetopt.formats._table_options import indices_of

from ._addresses import NpyRows, is_address
from ._arrow_rows import table_rows
from ._batched_tables import is_of_library
from ._csv_rows import csv_rows
from ._reservoir import OnceRows
from ._row_blocks import Source
from ._row_sources import ArrayRows, BlockRows, DaskRows, array_of, memory_map


def target_of(data: Any, like: Source, header: bool | None) -> Source:
    """Return what reads a target, whose features are those of another source.

    Its columns are called the same, or go by their place where either has no names.
    """
    columns = like.columns
    if _is_dask_array(data) or isinstance(data, Iterator) or callable(data):
        return source_of(data, name="target")
    path = fspath(data).lower() if isinstance(data, str | PathLike) else ""
    if _is_array(data) or path.endswith(".npy") or ".npz" in path:
        named = columns is not None and not all(name.isdecimal() for name in columns)
        columns = None if named else columns
    try:
        return source_of(data, columns, name="target", header=header)
    except InvalidOption as error:
        raise InvalidOption(f"{error}; a target has the columns of the data") from None


def source_of(
    data: Any,
    columns: Any = None,
    ids: Any = None,
    name: str = "data",
    header: bool | None = None,
    tags: Sequence[str] = (),
) -> Source:
    """Return what reads the data; `ids` of an array may be an array of names.

    `tags` are columns of labels and costs.

    Raises
    ------
    InvalidProblem, InvalidFile, InvalidOption
        For data of no kind that is known, or `columns` or `id` for data that have none.
    """
    wanted = [columns] if isinstance(columns, str) else columns
    if wanted is not None and not isinstance(wanted, Iterable):
        raise InvalidOption(
            f"columns must be names of columns, or indices of them; got {columns!r}"
        )
    wanted = None if wanted is None else list(wanted)
    options = TableOptions(header=header, columns=wanted, id=ids)
    if isinstance(data, str | PathLike):
        return _of_path(fspath(data), options, tags)
    if _is_table(data):
        return table_rows(data, options, name, tags)
    if tags:
        raise InvalidOption(
            f"constraints name the column {tags[0]!r}, and {name}, a {type(data).__name__}, has no "
            "columns with names; give a table, or Constraints with a label of each row"
        )
    if isinstance(data, Iterator):
        _require_none(options, f"{name}, an iterator of blocks")
        return OnceRows(data, name)
    if _is_dask_array(data):
        _require_none(options, f"{name}, an array of Dask")
        return DaskRows(data, name)
    if callable(data):
        _require_none(options, f"{name}, a function of blocks")
        return BlockRows(data, name)
    if _is_array(data):
        return _of_array(array_of(data, name), options, name)
    if isinstance(data, Mapping):
        raise InvalidProblem(
            f"{name} is a {type(data).__name__}; give a table, such as pyarrow.table({name})"
        )
    if isinstance(data, Iterable):
        _require_none(options, f"{name}, blocks")
        return BlockRows(lambda: iter(data), name)
    raise InvalidProblem(
        f"{name} must be an array, a path of a .npy, CSV or Parquet file or folder, a table, a "
        "collection of Dask, Hugging Face, Ray or Spark, or blocks of rows; got "
        f"{type(data).__name__}"
    )


def _is_array(data: Any) -> bool:
    """Whether it is an array, or numbers in lists; blocks are lists of arrays of rows."""
    listed = isinstance(data, list | tuple) and len(data) > 0 and not _has_rows(data[0])
    return (
        listed
        or hasattr(data, "toarray")
        or (hasattr(data, "__array__") and not hasattr(data, "columns"))
    )


def _has_rows(block: Any) -> bool:
    return getattr(block, "ndim", None) == 2 or (
        isinstance(block, list | tuple) and len(block) > 0 and isinstance(block[0], list | tuple)
    )


def _of_path(path: str, options: TableOptions, tags: Sequence[str]) -> Source:
    if path == "-" or is_descriptor(path):
        raise InvalidFile("all rows are read twice, and standard input is read once; give a file")
    kind = path.lower()
    if tags and (kind.endswith(".npy") or ".npz" in Path(kind).name):
        raise InvalidOption(
            f"constraints name the column {tags[0]!r}, and the array {path} has no columns with "
            "names; name a file with the label of each row, such as labels.csv"
        )
    if kind.endswith(".npy") and is_address(path):
        _require_none(options, f"{path}, an array at an address")
        return NpyRows(path)
    if kind.endswith(".npy"):
        return _of_array(memory_map(path), options, path, of_file=True, path=path)
    if ".npz" in Path(kind).name:
        return _of_array(read_values(path), options, path, of_file=True)
    if re.search(r"\.(csv|tsv|txt)(\.(gz|bz2|zst|lz4))?$", kind):
        return csv_rows(path, options, tags)
    return table_rows(path, options, tags=tags)


def _of_array(
    array: Any,
    options: TableOptions,
    name: str,
    of_file: bool = False,
    path: str | None = None,
) -> ArrayRows:
    """Return the rows of an array; the columns of one in a file are numbered from 1."""
    if isinstance(options.id, str) or is_integer(options.id):
        raise InvalidOption(
            f"id is the name of a column, and {name} is an array, whose columns have none"
        )
    width = array.shape[-1] if array.ndim == 2 else 1
    numbers = tuple(str(i) for i in range(1, width + 1))
    if options.columns is None:
        names = numbers if of_file else None
        return ArrayRows(array, name, options.id, None, names, None, path)
    taken = indices_of(options.columns, numbers, header=False, name=name)
    columns = tuple(numbers[i] for i in taken)
    shown = columns if of_file else tuple(str(i) for i in taken)
    return ArrayRows(array, name, options.id, columns, shown, taken, path)


def _is_table(data: Any) -> bool:
    own = ("to_arrow", "schema", "columns")
    return is_of_library(data) or any(hasattr(data, name) for name in own)


def _is_dask_array(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "dask" and hasattr(data, "rechunk")


def _require_none(options: TableOptions, what: str) -> None:
    given = {"columns": options.columns, "id": options.id}
    for name, value in given.items():
        if value is not None:
            raise InvalidOption(f"{name} is of tables and of arrays; {what}, has no names")
