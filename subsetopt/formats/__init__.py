"""Readers and writers of files."""

from typing import TYPE_CHECKING

from subsetopt._registry import loader

if TYPE_CHECKING:
    from .arrays import read_table, read_values
    from .indices import write_indices
    from .models import write_model
    from .problems import read_problem
    from .table import Table
    from .table_options import TableOptions

__all__ = [
    "Table",
    "TableOptions",
    "read_problem",
    "read_table",
    "read_values",
    "write_indices",
    "write_model",
]

__getattr__ = loader(
    __name__,
    {
        "arrays": (
            "read_table",
            "read_values",
        ),
        "indices": ("write_indices",),
        "models": ("write_model",),
        "problems": ("read_problem",),
        "table": ("Table",),
        "table_options": ("TableOptions",),
    },
)
