"""Where rows come from: anything that can be read in blocks, more than once."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem

BLOCK_BYTES = 2**23
"""Of the features of a block of rows."""

_FEWEST = 1024  # rows of a block
_MOST = 65_536


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
        Names of the features, where they have some.
    n : int or None
        Rows; None where only a pass tells.
    """

    name: str
    columns: tuple[str, ...] | None
    n: int | None

    def blocks(self) -> Iterator[RowBlock]:
        """Yield all rows."""


class ArrayRows:
    """Rows of an array (n, d) or (n,), of which a memory map is read block by block."""

    columns: tuple[str, ...] | None = None
    n: int | None

    def __init__(self, array: Any, name: str = "data", ids: Any = None) -> None:
        if array.ndim not in (1, 2) or array.dtype.kind not in "fiub" or not array.size:
            raise InvalidProblem(
                f"{name} must be a non-empty array (n, d) of numbers; got shape {array.shape} "
                f"of {array.dtype}"
            )
        self.array, self.name = array, name
        self.n = count = len(array)
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
            yield RowBlock(features(array[part], self.name, first), ids)


class BlockRows:
    """Rows of blocks that a function, a list or another iterable gives."""

    columns: tuple[str, ...] | None = None
    n: int | None = None

    def __init__(self, make: Callable[[], Iterable[Any]], name: str = "data") -> None:
        self._make, self.name = make, name

    def blocks(self) -> Iterator[RowBlock]:
        """Yield the rows."""
        first, width = 0, None
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


def source_of(data: Any, columns: Any = None, ids: Any = None, name: str = "data") -> Source:
    """Return what reads the data.

    Raises
    ------
    InvalidProblem, InvalidFile, InvalidOption
        For data of no kind that is known, or `columns` or `id` for data that have none.
    """
    if isinstance(data, str | PathLike):
        path = fspath(data)
        if Path(path).suffix == ".npy":
            _require_none(columns, ids, f"{path}, an array")
            if "://" in path:
                from ._addresses import NpyRows

                return NpyRows(path)
            return ArrayRows(_memory_map(path), path)
        from ._arrow_rows import ArrowRows

        return ArrowRows(path, columns, ids)
    if _is_table(data):
        from ._arrow_rows import ArrowRows

        return ArrowRows(data, columns, ids, name)
    if columns is not None:
        raise InvalidOption(f"columns are of tables; {name} is a {type(data).__name__}")
    if isinstance(data, np.ndarray):
        return ArrayRows(data, name, ids)
    if _is_dask_array(data):
        _require_none(None, ids, f"{name}, an array of Dask")
        return DaskRows(data, name)
    if callable(data):
        _require_none(None, ids, f"{name}, a function of blocks")
        return BlockRows(data, name)
    if isinstance(data, Iterator):
        raise InvalidProblem(
            f"{name} is an iterator, which can be read once, and all rows are read twice; give a "
            "function that returns the blocks anew, or a list of them"
        )
    if hasattr(data, "__array__"):
        return ArrayRows(np.asarray(data), name, ids)
    if isinstance(data, list | tuple) and data and np.ndim(data[0]) != 2:
        return ArrayRows(np.asarray(data), name, ids)
    if isinstance(data, Iterable):
        _require_none(None, ids, f"{name}, blocks")
        return BlockRows(lambda: iter(data), name)
    raise InvalidProblem(
        f"{name} must be an array, a path of a .npy, CSV or Parquet file or folder, a table, a "
        f"collection of Dask, Hugging Face or Ray, or blocks of rows; got {type(data).__name__}"
    )


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


def _memory_map(path: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InvalidFile(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise InvalidFile(f"{path} cannot be read as a NumPy array: {error}") from None
    return array


def _require_none(columns: Any, ids: Any, what: str) -> None:
    given = "columns" if columns is not None else "id" if ids is not None else None
    if given:
        raise InvalidOption(f"{given} is of tables; {what}, has no names")
