"""Rows of a table in files: as they stand in text, with types in Parquet."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._csv_cells import csv_as_it_stands
from subsetopt._files import replacing, suffix_of

from ._row_table import RowTable
from ._table_columns import SECONDS, TableColumn

_EXACT = 2**53  # integers up to it are exact as float64


def with_index(table: RowTable) -> Any:
    """Return all rows as a `pyarrow.Table`, an index of pandas as its first column."""
    import pyarrow as pa

    data = table.data
    if table.ids is None:
        return data
    title = str(getattr(table.given.index, "name", None) or "index")
    if title in data.column_names:
        return data
    return data.add_column(0, title, pa.array([str(one) for one in table.ids]))


def save_rows(
    data: Any,
    path: str | os.PathLike[str],
    table: RowTable,
    found: Sequence[TableColumn],
    rows: NDArray[np.int64] | None = None,
) -> None:
    """Write rows of a table, and columns that it has not, whole or not at all.

    Parameters
    ----------
    data : pyarrow.Table
    path : path
        .csv, in UTF-8 with what separates the cells of the table, or .parquet, where numbers and
        dates of text and spreadsheets are numbers and dates.
    table : RowTable
        Where they are from.
    found : sequence of TableColumn
        What its columns are.
    rows : ndarray of int64, optional
        Which rows they are; None is all.

    Raises
    ------
    InvalidOption
        For another suffix.
    """
    from pyarrow import parquet

    suffix = suffix_of(path, (".csv", ".parquet"))
    if suffix == ".parquet" and table.first_line:
        data = _typed(data, found, slice(None) if rows is None else rows)
    with replacing(path) as stream:
        if suffix == ".parquet":
            parquet.write_table(data, stream)
            return
        columns = [column.to_pylist() for column in data.columns]
        rows_of_text = [data.column_names, *zip(*columns, strict=True)]
        stream.write(csv_as_it_stands(rows_of_text, table.separator or ",").encode())


def _typed(data: Any, found: Sequence[TableColumn], rows: Any) -> Any:
    """Return columns of numbers and dates as such; they are texts in files without types."""
    import pyarrow as pa

    for column in found:
        if column.numbers is None or column.name not in data.column_names:
            continue
        values, missing = column.numbers[rows], np.isnan(column.numbers[rows])
        known = column.numbers[~np.isnan(column.numbers)]
        if column.kind == "date":
            moments = np.rint(np.where(missing, 0.0, values) * SECONDS * 1e6).astype(np.int64)
            cells = pa.array(moments, pa.timestamp("us"), mask=missing)
        elif (known == np.rint(known)).all() and np.abs(known).max(initial=0.0) < _EXACT:
            cells = pa.array(np.where(missing, 0.0, values).astype(np.int64), mask=missing)
        else:
            cells = pa.array(values, mask=missing)
        data = data.set_column(data.column_names.index(column.name), column.name, cells)
    return data
