"""Where rows come from: anything that can be read in blocks, more than once."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import is_integer
from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem
from subsetopt.formats import TableOptions, read_values
from subsetopt.formats._sources import is_descriptor
from subsetopt.formats._table_options import indices_of

if TYPE_CHECKING:
    from ._row_parts import RowPart

BLOCK_BYTES = 2**23
"""Of the features of a block of rows."""

_FEWEST = 1024  # rows of a block
_MOST = 65_536
_PART_BLOCKS = 16  # blocks of a part for a worker


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Some rows that stand together.

    Parameters
    ----------
    X : ndarray of float32 or float64 (b, d)
    ids : ndarray (b,) or None
        What the source calls its rows.
    """

    X: NDArray[Any]
    ids: NDArray[Any] | None = None


class Source(Protocol):
    """Rows in blocks; each call of `blocks` begins anew, and gives the same rows.

    Attributes
    ----------
    name : str
        For messages.
    columns : tuple of str or None
        The features as another source has to have them; None where they go by their place.
    names : tuple of str or None
        Of the features, for people.
    n : int or None
        Rows; None where only a pass tells.
    first : int
        The number of the first row; not 0 for a part of a source.
    """

    name: str
    columns: tuple[str, ...] | None
    names: tuple[str, ...] | None
    n: int | None
    first: int

    def blocks(self) -> Iterator[RowBlock]:
        """Yield all rows."""


class ArrayRows:
    """Rows of an array (n, d) or (n,), of which a memory map is read block by block.

    Parameters
    ----------
    array : ndarray
    name : str
        For messages.
    ids : array_like (n,), optional
    columns, names : tuple of str, optional
        See `Source`.
    taken : list of int, optional
        The indices of the columns that are features; None is all.
    path : str, optional
        The .npy file of which the array is a memory map.
    """

    n: int | None
    first = 0

    def __init__(
        self,
        array: Any,
        name: str = "data",
        ids: Any = None,
        columns: tuple[str, ...] | None = None,
        names: tuple[str, ...] | None = None,
        taken: list[int] | None = None,
        path: str | None = None,
    ) -> None:
        if array.ndim not in (1, 2) or array.dtype.kind not in "fiub" or not array.size:
            raise InvalidProblem(
                f"{name} must be a non-empty array (n, d) of numbers; got shape {array.shape} "
                f"of {array.dtype}"
            )
        self.array, self.name, self.columns, self.names = array, name, columns, names
        self.n = count = len(array)
        self._taken, self._path = taken, path
        self.ids = None if ids is None else np.asarray(ids)
        if self.ids is not None and self.ids.shape != (count,):
            raise InvalidProblem(
                f"id must name each of the {count} rows; got shape {self.ids.shape}"
            )

    def blocks(self) -> Iterator[RowBlock]:
        """Yield the rows."""
        array = self.array.reshape(len(self.array), -1)
        size = rows_of_block(array.shape[1] * 4)
        for first in range(0, len(array), size):
            part = slice(first, first + size)
            ids = None if self.ids is None else self.ids[part]
            X = array[part] if self._taken is None else array[part][:, self._taken]
            yield RowBlock(features(X, self.name, self.first + first), ids)

    def partitions(self) -> "list[RowPart]":
        """Return slices of the array, or of the file, which workers must see too."""
        from ._row_parts import RowPart, cuts

        width = self.array.size // len(self.array)
        parts = []
        for part in cuts(len(self.array), rows_of_part(4 * width)):
            ids = None if self.ids is None else self.ids[part]
            make = partial(_part_of_array, self.name, ids, self._taken, self._path)
            payload = self.array[part] if self._path is None else part
            parts.append(RowPart(make, payload, part.stop - part.start))
        return parts


def _part_of_array(
    name: str, ids: Any, taken: list[int] | None, path: str | None, payload: Any
) -> ArrayRows:
    array = payload if path is None else _memory_map(path)[payload]
    return ArrayRows(array, name, ids, taken=taken)


class BlockRows:
    """Rows of blocks that a function, a list or another iterable gives."""

    columns: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    n: int | None = None
    first = 0

    def __init__(self, make: Callable[[], Iterable[Any]], name: str = "data") -> None:
        self._make, self.name = make, name

    def blocks(self) -> Iterator[RowBlock]:
        """Yield the rows."""
        first, width = self.first, None
        for number, block in enumerate(self._make()):
            array = np.asarray(block)
            array = array.reshape(len(array), -1) if array.ndim == 1 else array
            if array.ndim != 2 or array.dtype.kind not in "fiub":
                raise InvalidProblem(
                    f"block {number} of {self.name} must be an array (b, d) of numbers; got shape "
                    f"{array.shape} of {array.dtype}"
                )
            if array.shape[1] != (width := width or array.shape[1]):
                raise InvalidProblem(
                    f"block {number} of {self.name} has {array.shape[1]} features, and those "
                    f"before have {width}"
                )
            size = rows_of_block(4 * width)
            for start in range(0, len(array), size):
                yield RowBlock(features(array[start : start + size], self.name, first + start))
            first += len(array)


class DaskRows(BlockRows):
    """Rows of an array of Dask, of which one chunk is computed at a time."""

    def __init__(self, array: Any, name: str = "data") -> None:
        if array.ndim not in (1, 2) or array.dtype.kind not in "fiub":
            raise InvalidProblem(
                f"{name} must be an array (n, d) of numbers; got shape {array.shape} of "
                f"{array.dtype}"
            )
        whole = array[:, None] if array.ndim == 1 else array.rechunk({1: -1})
        self.lazy = list(whole.to_delayed().ravel())
        super().__init__(lambda: (part.compute() for part in self.lazy), name)
        rows = array.shape[0]
        self.n = None if np.isnan(rows) else int(rows)
        self._counts = [None if np.isnan(rows) else int(rows) for rows in whole.chunks[0]]

    def partitions(self) -> "list[RowPart]":
        """Return the chunks."""
        from ._row_parts import RowPart

        make = partial(_one_block, self.name)
        chunks = zip(self.lazy, self._counts, strict=True)
        return [RowPart(make, lazy, rows) for lazy, rows in chunks]


def _one_block(name: str, block: Any) -> BlockRows:
    return BlockRows(lambda: [block] if len(block) else [], name)


def target_of(data: Any, like: Source, header: bool | None) -> Source:
    """Return what reads a target, whose features are those of another source.

    Its columns are called the same, or go by their place where either has no names.
    """
    columns = like.columns
    if _is_dask_array(data):
        return source_of(data, name="target")
    path = fspath(data).lower() if isinstance(data, str | PathLike) else ""
    if _is_array(data) or path.endswith(".npy") or ".npz" in path:
        named = columns is not None and not all(name.isdecimal() for name in columns)
        columns = None if named else columns
    return source_of(data, columns, name="target", header=header)


def source_of(
    data: Any, columns: Any = None, ids: Any = None, name: str = "data", header: bool | None = None
) -> Source:
    """Return what reads the data; `ids` of an array may be an array of names.

    Raises
    ------
    InvalidProblem, InvalidFile, InvalidOption
        For data of no kind that is known, or `columns` or `id` for data that have none.
    """
    wanted = [columns] if isinstance(columns, str) else columns
    options = TableOptions(header=header, columns=wanted, id=ids)
    if isinstance(data, str | PathLike):
        return _of_path(fspath(data), options)
    if _is_table(data):
        from ._arrow_rows import table_rows

        return table_rows(data, options, name)
    if isinstance(data, Iterator):
        from ._reservoir import OnceRows

        _require_none(options, f"{name}, an iterator of blocks")
        return OnceRows(data, name)
    if _is_dask_array(data):
        _require_none(options, f"{name}, an array of Dask")
        return DaskRows(data, name)
    if callable(data):
        _require_none(options, f"{name}, a function of blocks")
        return BlockRows(data, name)
    if _is_array(data):
        return _of_array(np.asanyarray(data), options, name)
    if isinstance(data, Iterable):
        _require_none(options, f"{name}, blocks")
        return BlockRows(lambda: iter(data), name)
    raise InvalidProblem(
        f"{name} must be an array, a path of a .npy, CSV or Parquet file or folder, a table, a "
        f"collection of Dask, Hugging Face or Ray, or blocks of rows; got {type(data).__name__}"
    )


def _is_array(data: Any) -> bool:
    """Whether it is an array, or numbers in lists; blocks are lists of arrays of rows."""
    listed = isinstance(data, list | tuple) and len(data) > 0 and np.ndim(data[0]) != 2
    return listed or (hasattr(data, "__array__") and not hasattr(data, "columns"))


def _of_path(path: str, options: TableOptions) -> Source:
    if path == "-" or is_descriptor(path):
        raise InvalidFile("all rows are read twice, and standard input is read once; give a file")
    kind = path.lower()
    if kind.endswith(".npy") and "://" in path:
        from ._addresses import NpyRows

        _require_none(options, f"{path}, an array at an address")
        return NpyRows(path)
    if kind.endswith(".npy"):
        return _of_array(_memory_map(path), options, path, of_file=True, path=path)
    if ".npz" in Path(kind).name:
        return _of_array(read_values(path), options, path, of_file=True)
    if re.search(r"\.(csv|tsv|txt)(\.(gz|bz2|zst|lz4))?$", kind):
        from ._csv_rows import csv_rows

        return csv_rows(path, options)
    from ._arrow_rows import table_rows

    return table_rows(path, options)


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
    from ._batched_tables import is_of_library

    own = ("to_arrow", "schema", "columns")
    return is_of_library(data) or any(hasattr(data, name) for name in own)


def _is_dask_array(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "dask" and hasattr(data, "rechunk")


def features(array: NDArray[Any], name: str, first: int) -> NDArray[Any]:
    """Return some rows in float32, or float64 where they are, all of them finite."""
    wide = array.dtype == np.float64 or (array.dtype.kind in "iu" and array.dtype.itemsize > 2)
    rows = np.ascontiguousarray(array, np.float64 if wide else np.float32)
    good = np.isfinite(rows)
    if not good.all():
        row, column = np.argwhere(~good)[0]
        raise InvalidProblem(
            f"{name} has {rows[row, column]} in row {first + row}, column {column}; leave such "
            "rows out, or fill them"
        )
    return rows


def rows_of_block(row_bytes: int) -> int:
    """Return how many rows to read at once."""
    return min(_MOST, max(_FEWEST, BLOCK_BYTES // max(1, row_bytes)))


def rows_of_part(row_bytes: int) -> int:
    """Return how many rows a worker gets at once."""
    return _PART_BLOCKS * rows_of_block(row_bytes)


def _memory_map(path: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InvalidFile(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise InvalidFile(f"{path} cannot be read as a NumPy array: {error}") from None
    return array


def _require_none(options: TableOptions, what: str) -> None:
    given = {"columns": options.columns, "id": options.id}
    for name, value in given.items():
        if value is not None:
            raise InvalidOption(f"{name} is of tables and of arrays; {what}, has no names")
