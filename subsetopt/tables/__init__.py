"""Tabular data with ids, units, categories and missing values."""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._choosing_rows import select_rows as select_rows
    from ._row_selection import RowSelection as RowSelection
    from ._row_split import RowSplit as RowSplit
    from ._splitting_rows import split_rows as split_rows

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "_choosing_rows": "select_rows",
        "_row_selection": "RowSelection",
        "_row_split": "RowSplit",
        "_splitting_rows": "split_rows",
    },
)
