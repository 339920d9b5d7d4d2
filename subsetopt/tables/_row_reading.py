"""Rows of a table that have been read, and what they are compared by."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._row_table import RowTable
from ._table_columns import TableColumn
from ._table_features import TableFeatures


@dataclass(frozen=True, eq=False, kw_only=True)
class RowReading:
    """Rows of a table, and what they are compared by.

    Parameters
    ----------
    table : RowTable
    found : tuple of TableColumn
        What each column was taken for.
    features : TableFeatures
        The rows as points.
    """

    table: RowTable
    found: tuple[TableColumn, ...]
    features: TableFeatures

    @cached_property
    def all_ids(self) -> NDArray[Any] | None:
        """The names of the rows (n,); None where they have none."""
        if self.table.ids is not None:
            return np.array(list(self.table.ids), dtype=object)
        return next((column.labels for column in self.found if column.kind == "id"), None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done about missing values."""
        return self.features.notes

    def read(self) -> dict[str, Any]:
        """Return these fields, for what is made of them."""
        return {"table": self.table, "found": self.found, "features": self.features}
