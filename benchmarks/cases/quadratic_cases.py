"""Cases of quadratic selection."""

from copy import copy
from dataclasses import dataclass
from typing import ClassVar

from subsetopt.benchmarks._best_known import BestKnown, best_known
from subsetopt.problems import QuadraticSelection

from .base import SelectionCase

__all__ = ["QuadraticCase"]


@dataclass(frozen=True, eq=False)
class QuadraticCase(SelectionCase):
    """One instance of quadratic selection.

    Parameters
    ----------
    name, source : str
        As for `Case`.
    selection : QuadraticSelection
    known : BestKnown or None
    """

    family: ClassVar[str] = "quadratic"

    name: str
    source: str
    selection: QuadraticSelection
    known: BestKnown | None = None

    @classmethod
    def public(cls, name: str, source: str, selection: QuadraticSelection) -> "QuadraticCase":
        """Return the case of an instance that its library calls `name`."""
        return cls(f"{name}-k{selection.k}", source, selection, best_known(name, selection.k))

    @property
    def n(self) -> int:
        """The number of candidates."""
        return self.selection.n

    @property
    def k(self) -> int:
        """The number to choose."""
        return self.selection.k

    @property
    def sense(self) -> str:
        """That of the instance."""
        return self.selection.sense

    def problem(self) -> QuadraticSelection:
        """Build a fresh problem on the same matrix, with its canonical form worked out."""
        problem = copy(self.selection)  # a problem of its own, without another matrix
        problem.quadratic_form()
        return problem
