"""Rows of tables: files, tables in memory, and collections of libraries."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import is_integer
from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem
from subsetopt.formats import TableOptions
from subsetopt.formats._csv_table import ROW_NUMBERS
from subsetopt.formats._table_options import index_of, indices_of

from ._batched_tables import BatchedTable, table_of
from ._row_blocks import RowBlock, Source
from ._row_parts import RowPart
from ._row_sources import BlockRows, features, rows_of_block


class ArrowRows:
    """Rows of a table that pyarrow reads in batches, never as a whole where it is a file.

    Parameters
    ----------
    name : str
        For messages.
    table : BatchedTable
    keys : sequence of str
        What the features are called there. A column of lists of one length, as embeddings are
        stored, stands for as many features.
    ids : str or None
        What the column is called there that names the rows.
    names : sequence of str
        What the features are called for people.
    by_name : bool
        Whether another source has to have these names.
    tags : mapping of str to str, optional
        Columns of labels and costs, and what they are called there.
    """

    def __init__(
        self,
        name: str,
        table: BatchedTable,
        keys: Sequence[str],
        ids: str | None,
        names: Sequence[str],
        *,
        by_name: bool = True,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.n = name, table.n
        self.names: tuple[str, ...] | None = tuple(names)
        self.columns: tuple[str, ...] | None = self.names if by_name else None
        self._table, self._keys, self._ids = table, list(keys), ids
        self._tags = dict(tags or {})
        self.first = 0

    @property
    def _read(self) -> list[str]:
        ids = [] if self._ids is None else [self._ids]
        return list(dict.fromkeys([*self._keys, *ids, *self._tags.values()]))

    def partitions(self, engine: str) -> list[RowPart] | None:
        """Return the parts of the table; None where it has none that workers can read."""
        parts = self._table.parts(self._read, engine)
        names = list(self.names or ())
        make = partial(_rows_of_part, self.name, self._keys, self._ids, names, self._tags)
        return None if parts is None else [RowPart(make, part, rows) for part, rows in parts]

    def blocks(self) -> Iterator[RowBlock]:
        """Yield the rows."""
        first = self.first
        for batch in self._batches(self._read):
            parts = [self._part(batch, number, first) for number in range(len(self._keys))]
            X = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
            ids = None if self._ids is None else self._named(batch.column(self._ids), "id", first)
            tags = {
                name: self._named(batch.column(key), name, first)
                for name, key in self._tags.items()
            }
            size = rows_of_block(4 * X.shape[1])
            for start in range(0, len(X), size):
                part = slice(start, start + size)
                yield RowBlock(
                    features(X[part], self.name, first + start),
                    None if ids is None else ids[part],
                    {name: values[part] for name, values in tags.items()},
                )
            first += batch.num_rows

    def _batches(self, columns: list[str]) -> Iterator[Any]:
        import pyarrow as pa

        try:
            for batch in self._table.batches(columns, rows_of_block(4 * len(columns))):
                if batch.num_rows:
                    yield batch
        except (pa.ArrowInvalid, OSError) as error:
            said = " ".join(str(error).split())
            raise InvalidFile(f"reading {self.name} stopped: {said}") from None

    def _part(self, batch: Any, number: int, first: int) -> NDArray[Any]:
        assert self.names is not None
        values, column = batch.column(self._keys[number]), self.names[number]
        self._require_whole(values, column, first)
        values = getattr(values, "storage", values)
        if not hasattr(values, "flatten"):
            return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(-1, 1)
        flat = values.flatten()
        if flat.null_count:
            raise InvalidProblem(
                f"a list of column {column!r} of {self.name} lacks a value, in row {first} or "
                "below; leave such rows out, or fill them"
            )
        if len(flat) % len(values) or (np.diff(_lengths(values)) != 0).any():
            raise InvalidProblem(f"the lists of column {column!r} of {self.name} differ in length")
        return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(values), -1)

    def _named(self, values: Any, column: str, first: int) -> NDArray[Any]:
        import pyarrow as pa

        self._require_whole(values, column, first)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        return np.asarray(values.to_numpy(zero_copy_only=False))

    def _require_whole(self, values: Any, column: str, first: int) -> None:
        if values.null_count:
            row = first + int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0])
            raise InvalidProblem(
                f"column {column!r} of {self.name} has no value in row {row}; leave such rows out, "
                "or fill them"
            )


def table_rows(
    data: Any, options: TableOptions, name: str = "data", tags: Sequence[str] = ()
) -> ArrowRows:
    """Return the rows of a table.

    Parameters
    ----------
    data : str or table
        The path or address of a Parquet file, or of a folder of them; or what has the columns of
        a table: of pyarrow, pandas, polars, Dask, Ray or Hugging Face.
    options : TableOptions
        Its columns; None is all columns of numbers but that of the ids and the tags.
    name : str
        What a table in memory is called in messages.
    tags : sequence of str
        Columns of labels and costs.
    """
    table = table_of(data, name)
    name = data if isinstance(data, str) else name
    schema = table.schema
    known = tuple(schema.names)
    ids = options.id
    if ids is not None and not isinstance(ids, str) and not is_integer(ids):
        raise InvalidOption(f"id must be the name of a column; got {type(ids).__name__}")
    called = None if ids is None else known[index_of(ids, known, True, name)]
    named = {tag: known[index_of(tag, known, True, name)] for tag in tags}
    if options.columns is None:
        others = {called, *named.values()}
        wanted = [f.name for f in schema if _numbers(f.type) and f.name not in others]
        if called is None and len(wanted) > 1:
            _refuse_row_numbers(schema, wanted, name)
    else:
        wanted = [known[i] for i in indices_of(options.columns, known, header=True, name=name)]
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    for column in wanted:
        if schema.names.count(column) > 1:
            raise InvalidProblem(f"{name} has several columns {column!r}; give each its own name")
        if not _numbers(kind := schema.field(column).type):
            raise InvalidProblem(
                f"column {column!r} of {name} is {kind}, not numbers; give columns without it"
            )
    if not wanted:
        raise InvalidProblem(f"{name} has no columns of numbers; it has {shown}")
    return ArrowRows(name, table, wanted, called, wanted, tags=named)


def _rows_of_part(
    name: str,
    keys: list[str],
    ids: str | None,
    names: list[str],
    tags: Mapping[str, str],
    part: Any,
) -> Source:
    if hasattr(part, "__len__") and not len(part):  # columns of no rows may have no type
        return BlockRows(list, name)
    return ArrowRows(name, table_of(part, name), keys, ids, names, tags=tags)


def _refuse_row_numbers(schema: Any, wanted: list[str], name: str) -> None:
    """Refuse integers that are called as row numbers are, which nobody has asked for."""
    import pyarrow as pa

    for column in wanted:
        if column.casefold() in ROW_NUMBERS and pa.types.is_integer(schema.field(column).type):
            others = ", ".join(one for one in wanted if one != column)
            raise InvalidProblem(
                f"column {column!r} of {name} looks like row numbers; if it names the rows, give "
                f"it as id, else choose the columns to read, such as {others}"
            )


def _lengths(values: Any) -> NDArray[Any]:
    import pyarrow.compute as pc

    return np.asarray(pc.list_value_length(values).to_numpy(zero_copy_only=False))


def _numbers(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):  # tensors
        kind = kind.storage_type
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind = kind.value_type
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))
