"""Remote files such as s3://bucket/file, read through fsspec."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from io import SEEK_CUR
from typing import Any

import numpy as np

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile, InvalidProblem, MissingDependency

from ._row_blocks import RowBlock
from ._row_parts import RowPart, cuts
from ._row_sources import features, rows_of_block, rows_of_part

FSSPEC = OptionalDependency("fsspec", "fsspec")


def is_address(path: str) -> bool:
    """Whether a path names a file system, as s3://bucket/file does."""
    return "://" in path


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """Open what stands at an address, unpacked; a path of this machine is given as it is.

    Raises
    ------
    InvalidFile
        Where nothing is there, or it cannot be read.
    MissingDependency
        Where fsspec or what it needs for this kind of address is not installed.
    """
    if not is_address(path):
        yield path
        return
    with ExitStack() as stack:
        with _said(path):
            packed = FSSPEC.load().open(path, "rb", compression="infer")
            file = stack.enter_context(packed)
        yield file


def filesystem_of(path: str) -> tuple[str, Any]:
    """Return path and file system for pyarrow, which uses its own where it has one."""
    from pyarrow import ArrowInvalid, fs

    if not is_address(path):
        return path, None
    try:
        files, where = fs.FileSystem.from_uri(path)
        return where, files
    except ArrowInvalid:
        with _said(path):
            files, where = FSSPEC.load("core").url_to_fs(path)
            return where, files


@contextmanager
def _said(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InvalidFile(f"{path} does not exist") from None
    except MissingDependency:
        raise
    except ImportError as error:  # s3fs, gcsfs, ...
        raise MissingDependency(f"{path} cannot be read: {error}") from error
    except (OSError, ValueError) as error:
        raise InvalidFile(f"{path} cannot be read: {error}") from None


class NpyRows:
    """Rows of a .npy file at an address, block by block.

    Parameters
    ----------
    path : str
        The address.
    part : slice, optional
        Of the rows, both of its ends given; None is all.
    """

    columns: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    n: int | None
    first = 0

    def __init__(self, path: str, part: slice | None = None) -> None:
        self.name = path
        with opened(path) as file:
            shape, self._dtype = self._header(file)
        self._part = part or slice(0, shape[0])
        self.n = self._part.stop - self._part.start
        self._width = shape[1] if len(shape) == 2 else 1

    def blocks(self) -> Iterator[RowBlock]:
        """Yield the rows."""
        row_bytes = self._width * self._dtype.itemsize
        with opened(self.name) as file:
            self._header(file)
            file.seek(self._part.start * row_bytes, SEEK_CUR)
            for part in cuts(self._part.stop - self._part.start, rows_of_block(4 * self._width)):
                count, first = part.stop - part.start, self.first + part.start
                with _said(self.name):
                    content = file.read(count * row_bytes)
                if len(content) < count * row_bytes:
                    raise InvalidFile(f"{self.name} ends before row {first + count}")
                rows = np.frombuffer(content, self._dtype).reshape(count, self._width)
                yield RowBlock(features(rows, self.name, first))

    def partitions(self, engine: str) -> list[RowPart]:
        """Return parts of the file."""
        make, rows = partial(NpyRows, self.name), self._part.stop
        return [
            RowPart(make, part, part.stop - part.start)
            for part in cuts(rows, rows_of_part(4 * self._width))
        ]

    def _header(self, file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
        read = np.lib.format
        try:
            version = read.read_magic(file)
            later = read.read_array_header_1_0 if version == (1, 0) else read.read_array_header_2_0
            shape, in_columns, dtype = later(file)
        except ValueError as error:
            raise InvalidFile(f"{self.name} cannot be read as a NumPy array: {error}") from None
        if len(shape) not in (1, 2) or dtype.kind not in "fiub" or not np.prod(shape):
            raise InvalidProblem(
                f"{self.name} must be a non-empty array (n, d) of numbers; got shape {shape} "
                f"of {dtype}"
            )
        if in_columns and len(shape) == 2:
            raise InvalidFile(
                f"{self.name} is stored column by column; write np.ascontiguousarray(X) instead, "
                "or copy the file to this machine"
            )
        return shape, dtype
