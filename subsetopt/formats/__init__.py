"""Readers and writers of files."""

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
