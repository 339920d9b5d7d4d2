"""What the options of all problems share: the file, its size, and the tables that are read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from subsetopt._options import option
from subsetopt.formats import TableOptions

if TYPE_CHECKING:
    from subsetopt.formats import CSVTable

Tables = Mapping[str, "CSVTable"]
"""The tables that a command has read, by what they are called in its answer; the main one first."""


def of_one_column(table: TableOptions) -> TableOptions:
    """Return the options for another file, which has one column."""
    return replace(table, columns=None, id=None)


def ids_of(tables: Tables) -> Sequence[str] | None:
    """Return the ids of the rows of the main table, if it has some."""
    return next((table.ids for table in tables.values()), None)


def plain_tables(tables: Tables) -> dict[str, Any]:
    """Return what was taken as header, rows and columns, as ``--json`` prints it."""
    return {label.replace(" ", "_"): table.to_dict() for label, table in tables.items()}


def table_lines(tables: Tables) -> dict[str, str]:
    """Return the same for people, of text only."""
    lines = {label: table.sentence() for label, table in tables.items()}
    return {label: sentence for label, sentence in lines.items() if sentence}


def problem_file(help: str) -> Any:  # noqa: A002
    """Return the option of the file that holds a problem."""
    return option(help, argument=True, metavar="FILE")


def problem_size() -> Any:
    """Return the option of ``--k``, how many rows are chosen."""
    return option("Number of rows to choose.", flags=("--k", "-k"), metavar="K", ge=1)


def column_scaling(unset: str) -> Any:
    """Return the option of ``--scale-columns``."""
    return option(
        "Scaling of the columns of features to equal spread: std (standard deviation), robust "
        "(interquartile range, against outliers) or none.",
        None,
        choices=("std", "robust", "none"),
        metavar="HOW",
        unset=unset,
    )
