"""Readers and writers of files."""

from typing import TYPE_CHECKING

from subsetopt._registry import loader

if TYPE_CHECKING:
    from ._csv_table import CSVTable
    from ._problems import read_problem
    from ._table_options import TableOptions
    from ._value_files import read_table, read_values, write_indices
    from .model_files import write_model

__all__ = [
    "CSVTable",
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
        "_value_files": ("read_table", "read_values", "write_indices"),
        "model_files": ("write_model",),
        "_problems": ("read_problem",),
        "_csv_table": ("CSVTable",),
        "_table_options": ("TableOptions",),
    },
)
