"""Readers and writers of files."""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from ._csv_table import CSVTable as CSVTable
    from ._problems import read_problem as read_problem
    from ._table_options import TableOptions as TableOptions
    from ._value_files import read_indices as read_indices
    from ._value_files import read_table as read_table
    from ._value_files import read_texts as read_texts
    from ._value_files import read_values as read_values
    from ._value_files import write_indices as write_indices
    from .model_files import write_model as write_model

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "_csv_table": "CSVTable",
        "model_files": "write_model",
        "_problems": "read_problem",
        "_table_options": "TableOptions",
        "_value_files": "read_indices read_table read_texts read_values write_indices",
    },
)
