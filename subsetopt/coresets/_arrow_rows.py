"""Rows of tables: files, tables in memory, and collections of libraries."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem

from ._batched_tables import table_of
from ._row_sources import RowBlock, features, rows_of_block


class ArrowRows:
    """Rows of a table that pyarrow reads in batches, never as a whole where it is a file.

    Parameters
    ----------
    data : str or table
        The path or address of a Parquet or CSV file, or of a folder of Parquet files; or what has
        the columns of a table: of pyarrow, pandas, polars, Dask, Ray or Hugging Face.
    columns : sequence of str or str, optional
        The features; None is all columns of numbers but `ids`. A column of lists of one length, as
        embeddings are stored, stands for as many features.
    ids : str, optional
        The column that names the rows.
    name : str
    """

    def __init__(self, data: Any, columns: Any, ids: Any, name: str = "data") -> None:
        import pyarrow as pa

        self.name = data if isinstance(data, str) else name
        if ids is not None and not isinstance(ids, str):
            raise InvalidOption(f"id must be the name of a column; got {ids!r}")
        self._table = table_of(data, name)
        self._ids = ids
        schema = self._table.schema
        known = ", ".join(schema.names[:20]) + (", ..." if len(schema.names) > 20 else "")
        wanted = [columns] if isinstance(columns, str) else columns
        if wanted is None:
            numeric = (f.name for f in schema if _numbers(pa, f.type) and f.name != ids)
            wanted = list(numeric)
        elif not isinstance(wanted, Sequence) or not all(isinstance(c, str) for c in wanted):
            raise InvalidOption(f"columns must be names of columns; got {columns!r}")
        for column in [*wanted, *([] if ids is None else [ids])]:
            if column not in schema.names:
                raise InvalidProblem(f"{self.name} has no column {column!r}; it has {known}")
        for column in wanted:
            kind = schema.field(column).type
            if not _numbers(pa, kind):
                raise InvalidProblem(
                    f"column {column!r} of {self.name} is {kind}, not numbers; give columns "
                    "without it"
                )
        if not wanted:
            raise InvalidProblem(f"{self.name} has no columns of numbers; it has {known}")
        self.columns: tuple[str, ...] | None = tuple(wanted)
        self.n: int | None = self._table.n

    def blocks(self) -> Iterator[RowBlock]:
        """Yield the rows."""
        read = list(dict.fromkeys([*(self.columns or ()), *([self._ids] if self._ids else [])]))
        first = 0
        for batch in self._batches(read):
            parts = [self._part(batch, column, first) for column in self.columns or ()]
            X = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
            ids = batch.column(self._ids).to_numpy(zero_copy_only=False) if self._ids else None
            size = rows_of_block(4 * X.shape[1])
            for start in range(0, len(X), size):
                part = slice(start, start + size)
                yield RowBlock(
                    features(X[part], self.name, first + start), None if ids is None else ids[part]
                )
            first += batch.num_rows

    def _batches(self, columns: list[str]) -> Iterator[Any]:
        import pyarrow as pa

        try:
            for batch in self._table.batches(columns, rows_of_block(4 * len(columns))):
                if batch.num_rows:
                    yield batch
        except (pa.ArrowInvalid, OSError) as error:
            raise InvalidFile(f"reading {self.name} stopped: {error}") from None

    def _part(self, batch: Any, column: str, first: int) -> NDArray[Any]:
        values = batch.column(column)
        if values.null_count:
            row = first + int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0])
            raise InvalidProblem(
                f"column {column!r} of {self.name} has no value in row {row}; leave such rows out, "
                "or fill them"
            )
        values = getattr(values, "storage", values)
        if not hasattr(values, "flatten"):
            return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(-1, 1)
        flat = values.flatten().to_numpy(zero_copy_only=False)
        if len(flat) % len(values) or (np.diff(_lengths(values)) != 0).any():
            raise InvalidProblem(f"the lists of column {column!r} of {self.name} differ in length")
        return np.asarray(flat).reshape(len(values), -1)


def _lengths(values: Any) -> NDArray[Any]:
    import pyarrow.compute as pc

    return np.asarray(pc.list_value_length(values).to_numpy(zero_copy_only=False))


def _numbers(pa: Any, kind: Any) -> bool:
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):  # tensors
        kind = kind.storage_type
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind = kind.value_type
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))
