"""Rows of a table in files: as they stand in text, with types in Parquet."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._csv_cells import csv_as_it_stands
from subsetopt._files import replacing, suffix_of

from ._column_values import EXACT, INTEGER, SECONDS
from ._row_table import RowTable
from ._row_texts import UTF8_WITH_MARK, is_utf8
from ._table_columns import TableColumn

SUFFIXES = (".csv", ".parquet")


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
        dates of text and spreadsheets are numbers and dates. A mark of byte order, by which Excel
        knows UTF-8, is written where the table has one, is in another encoding or a spreadsheet.
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

    suffix = suffix_of(path, SUFFIXES)
    if suffix == ".parquet" and table.first_line:
        data = _typed(data, found, slice(None) if rows is None else rows)
    with replacing(path) as stream:
        if suffix == ".parquet":
            parquet.write_table(data, stream)
            return
        columns = [column.to_pylist() for column in data.columns]
        rows_of_text = [data.column_names, *zip(*columns, strict=True)]
        text = csv_as_it_stands(rows_of_text, table.separator or ",")
        stream.write(text.encode(UTF8_WITH_MARK if _wants_mark(table) else "utf-8"))


def about_encoding(path: str | os.PathLike[str] | None, table: RowTable) -> str:
    """Say that a .csv is in another encoding than the table that its rows are from."""
    other = table.encoding.lower()
    if path is None or suffix_of(path, SUFFIXES) != ".csv" or not other or is_utf8(other):
        return ""
    return f" in UTF-8, not {other} as the table; a mark at its start tells Excel so"


def _wants_mark(table: RowTable) -> bool:
    is_sheet = bool(table.first_line) and not table.separator
    return is_sheet or (bool(table.encoding) and table.encoding.lower() not in ("utf-8", "utf8"))


def _typed(data: Any, found: Sequence[TableColumn], rows: Any) -> Any:
    """Return columns of numbers and dates as such; they are texts in files without types."""
    import pyarrow as pa

    for column in found:
        if column.numbers is None or column.name not in data.column_names:
            continue
        values, missing = column.numbers[rows], np.isnan(column.numbers[rows])
        known = column.numbers[~np.isnan(column.numbers)]
        whole = (known == np.rint(known)).all()
        exact = np.abs(known).max(initial=0.0) < EXACT
        if whole and not exact and _all_digits(data[column.name]):
            continue  # as text they keep all of them
        if column.kind == "date":
            moments = np.rint(np.where(missing, 0.0, values) * SECONDS * 1e6).astype(np.int64)
            cells = pa.array(moments, pa.timestamp("us"), mask=missing)
        elif whole and exact:
            cells = pa.array(np.where(missing, 0.0, values).astype(np.int64), mask=missing)
        else:
            cells = pa.array(values, mask=missing)
        data = data.set_column(data.column_names.index(column.name), column.name, cells)
    return data


def _all_digits(texts: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.match_substring_regex(texts, INTEGER)).as_py())
