"""What readers of instances return."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from subsetopt.problems import QuadraticSelection

from ._csv_table import CSVTable

EACH_EDGE_ONCE = "sum of the weights of the edges inside the selection, each edge once"
NUMBER_OF_EDGES = "number of edges inside the selection"
PRODUCTS_TWICE = "m'Qm with Q symmetric: products count twice, squares once"


@dataclass(frozen=True, eq=False)
class Reading:
    """An instance as it was read.

    Parameters
    ----------
    problem : QuadraticSelection
    format : str
    convention : str
        What the value of a selection is, and what else was decided about the file.
    tables : dict of str to Table
        The tables that a matrix and its linear term were read from.
    """

    problem: QuadraticSelection
    format: str
    convention: str
    tables: Mapping[str, CSVTable] = field(default_factory=dict)
