"""What readers of instances return."""

from dataclasses import dataclass

from subsetopt.problems import QuadraticSelection

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
    """

    problem: QuadraticSelection
    format: str
    convention: str
