"""Where rows come from: anything that can be read in blocks, more than once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidProblem
from subsetopt.problems._validation import on_host

from ._row_blocks import RowBlock
from ._row_parts import RowPart, cuts

BLOCK_BYTES = 2**23
"""Of the features of a block of rows."""

_FEWEST = 1024  # rows of a block
_MOST = 65_536
_PART_BLOCKS = 2  # blocks of a part for a worker


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
    tags : mapping of str to ndarray (n,), optional
        Labels and costs.
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
        tags: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        if array.ndim not in (1, 2) or array.dtype.kind not in "fiub" or not array.size:
            raise InvalidProblem(
                f"{name} must be a non-empty array (n, d) of numbers; got shape {array.shape} "
                f"of {array.dtype}"
            )
        self.array, self.name, self.columns, self.names = array, name, columns, names
        self.n = count = len(array)
        self._taken, self._path, self._tags = taken, path, tags or {}
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
            tags = {name: values[part] for name, values in self._tags.items()}
            yield RowBlock(features(X, self.name, self.first + first), ids, tags)

    def partitions(self, engine: str) -> list[RowPart]:
        """Return slices of the array, or of the file, which workers must see too."""
        width = self.array.size // len(self.array)
        parts = []
        for part in cuts(len(self.array), rows_of_part(4 * width)):
            ids = None if self.ids is None else self.ids[part]
            tags = {name: values[part] for name, values in self._tags.items()}
            make = partial(_part_of_array, self.name, ids, self._taken, self._path, tags)
            payload = self.array[part] if self._path is None else part
            parts.append(RowPart(make, payload, part.stop - part.start))
        return parts


def _part_of_array(
    name: str,
    ids: Any,
    taken: list[int] | None,
    path: str | None,
    tags: Mapping[str, NDArray[Any]],
    payload: Any,
) -> ArrayRows:
    array = payload if path is None else memory_map(path)[payload]
    return ArrayRows(array, name, ids, taken=taken, tags=tags)


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
            array = array_of(block, f"block {number} of {self.name}")
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

    def partitions(self, engine: str) -> list[RowPart] | None:
        """Return the chunks, which only workers of Dask compute."""
        if engine != "dask":
            return None
        make = partial(_one_block, self.name)
        chunks = zip(self.lazy, self._counts, strict=True)
        return [RowPart(make, lazy, rows) for lazy, rows in chunks]


def _one_block(name: str, block: Any) -> BlockRows:
    rows = BlockRows(lambda: [block] if len(block) else [], name)
    rows.n = len(block)
    return rows


def array_of(values: Any, name: str) -> NDArray[Any]:
    """Return values as an array, without a copy where that is possible.

    Raises
    ------
    InvalidProblem
        For sparse matrices, masked entries, and what is no array.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InvalidProblem(f"{name} has masked entries; leave such rows out, or fill them")
    if hasattr(values, "toarray"):
        raise InvalidProblem(
            f"{name} is a sparse {type(values).__name__}; give a function that returns blocks of "
            "rows, each by toarray()"
        )
    try:
        return np.asarray(on_host(values))
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidProblem(f"{name} cannot be read as an array: {error}") from None


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


def memory_map(path: str) -> NDArray[Any]:
    """Return the array of a .npy file, of which only what is used is read.

    Raises
    ------
    InvalidFile
        Where there is none.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InvalidFile(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise InvalidFile(f"{path} cannot be read as a NumPy array: {error}") from None
    return array
