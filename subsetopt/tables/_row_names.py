"""Detection of the id column of a table."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.formats._csv_table import ROW_NUMBERS

from ._column_values import EXACT
from ._row_table import RowTable, texts_of

if TYPE_CHECKING:
    from ._table_columns import TableColumn

_IDS = ("id", "row_id", "rowid")
_NUMBER = re.compile(r"(?:^|[\s_./-])(?:no|nr|num)\.?$|(?:number|nummer|code)$", re.IGNORECASE)
_CAMEL = re.compile(r"[a-z](?:No|Nr|Num)$")


def with_id(columns: "list[TableColumn]", table: RowTable) -> "list[TableColumn]":
    """Return them with the first that looks like names of the rows as that.

    Its cells are distinct, none is missing, and it is called as ids are, or holds plain text, or
    counts the rows in the first column. One of integers called as numbers of something are, such as
    ``customer_no``, gives way to one that is called as ids are.
    """
    candidates = _candidates(columns, table)
    found = next(candidates, None)
    if found is None:
        return columns
    if not is_called_id(found.name) and found.numbers is not None:
        found = next((one for one in candidates if is_called_id(one.name)), found)
    named = replace(found, kind="id", numbers=None, labels=_labels(found, table))
    return [named if one is found else one for one in columns]


def _candidates(columns: "list[TableColumn]", table: RowTable) -> "Iterator[TableColumn]":
    import pyarrow as pa

    others = any(column.is_feature for column in columns[1:])
    for at, column in enumerate(columns):
        whole = not pa.types.is_floating(table.data[column.name].type)
        if _may_name_rows(column, at == 0 and whole and others):
            yield column


def _may_name_rows(column: "TableColumn", may_count: bool) -> bool:
    called = is_called_id(column.name)
    if column.numbers is None:
        return (called or column.kind == "text") and is_distinct(column)
    if column.kind != "number" or not _is_whole(column):
        return False
    counting = may_count and len(column.numbers) > 2 and bool((np.diff(column.numbers) == 1).all())
    return (called or counting or _is_called_number(column.name)) and is_distinct(column)


def numbers_like_ids(columns: "Iterable[TableColumn]") -> "list[TableColumn]":
    """Return those of integers that rows are compared by although they are called as ids are.

    What is called as numbers of something are is among them if each row has another one.
    """
    return [
        column
        for column in columns
        if column.kind == "number"
        and _is_whole(column)
        and (is_called_id(column.name) or (_is_called_number(column.name) and is_distinct(column)))
    ]


def is_id(name: str) -> bool:
    """Whether a column is called id, and no more."""
    return name.strip().casefold() in _IDS


def is_called_id(name: str) -> bool:
    """Whether a column is called as ids are, such as ``customer_id``."""
    folded = name.strip().casefold()
    if folded in ROW_NUMBERS or folded == "key" or folded.endswith(("_id", " id", "-id")):
        return True
    return name.endswith(("Id", "ID")) and len(name) > 2


def _is_called_number(name: str) -> bool:
    return bool(_NUMBER.search(name.strip()) or _CAMEL.search(name.strip()))


def _is_whole(column: "TableColumn") -> bool:
    return column.numbers is not None and not np.mod(column.numbers, 1).any()


def is_distinct(column: "TableColumn") -> bool:
    """Whether each row has a value of its own."""
    cells = column.labels if column.numbers is None else column.numbers
    return cells is not None and not column.missing and len(set(cells.tolist())) == len(cells)


def _labels(column: "TableColumn", table: RowTable) -> NDArray[Any] | None:
    if column.numbers is None:
        return column.labels
    if np.abs(column.numbers).max() >= EXACT:
        return texts_of(table, column.name)
    return np.array([str(int(cell)) for cell in column.numbers], dtype=object)
