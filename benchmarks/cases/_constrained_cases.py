"""Cases with constraints: any other case, and what its selections have to keep."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.benchmarks._best_known import BestKnown
from subsetopt.errors import InvalidProblem, SubsetOptError
from subsetopt.problems import Constraints
from subsetopt.solution import Termination
from subsetopt.solvers import _constrained
from subsetopt.solving import solve

from .base import Case, SelectionCase

__all__ = ["ConstrainedCase"]

_SECONDS = 10.0  # that are spent on whether any selection is feasible


@dataclass(frozen=True, eq=False)
class ConstrainedCase(SelectionCase):
    """Another case with constraints, with a start of the search, or both.

    What is best known of its instance is so without constraints, and is left out.

    Parameters
    ----------
    base : SelectionCase
    rules : Constraints
    start : ndarray of int64, optional

    Raises
    ------
    SubsetOptError
        With the name of the case in front: what the problem raises, InvalidProblem also where no
        selection keeps the constraints.
    """

    base: SelectionCase
    rules: Constraints
    start: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        try:
            found = solve(self._problem, "random", time_limit=_SECONDS, start=self.start)
            if found.termination is Termination.INFEASIBLE:
                raise InvalidProblem(found.message)
        except SubsetOptError as error:
            error.args = (f"{self.name}: {error}",)
            raise

    @property
    def name(self) -> str:
        """That of the other, and the words of the constraints."""
        return "-".join([self._other.name, *self._words])

    @property
    def source(self) -> str:
        """As of the other."""
        return self._other.source

    @property
    def family(self) -> str:
        """As of the other."""
        return self._other.family

    @property
    def n(self) -> int:
        """As of the other."""
        return self._other.n

    @property
    def k(self) -> int:
        """As of the other."""
        return self._other.k

    @property
    def sense(self) -> str:
        """As of the other."""
        return self._other.sense

    @property
    def known(self) -> BestKnown | None:
        """None."""
        return None

    @property
    def constraints(self) -> tuple[str, ...]:
        """As of `Case`."""
        side = self._problem.side
        overlap = side is not None and "overlapping-quotas" in side.kinds
        words = ["overlapping-quotas" if overlap and w == "quotas" else w for w in self._words]
        return (*self.base.constraints, *words)

    @property
    def kinds(self) -> frozenset[str]:
        """As of `Case`."""
        return _constrained.kinds(self._problem)

    def problem(self) -> Any:
        """Build a fresh problem, with its canonical form worked out where the other's is."""
        other: Any = self.base.problem()
        problem = other.constrained(self.rules)
        if self.family in ("mmd", "quadratic"):
            problem.quadratic_form()
        return problem

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @property
    def _other(self) -> Case:
        return self.base  # type: ignore[return-value]

    @cached_property
    def _problem(self) -> Any:
        return self.problem()

    @property
    def _words(self) -> list[str]:
        rules = self.rules
        stated = {
            "include": rules.include.size,
            "exclude": rules.exclude.size,
            "quotas": len(rules.quotas),
            "budget": rules.budget is not None,
            "conflicts": len(rules.conflicts),
            "start": self.start is not None,
        }
        return [word for word, is_stated in stated.items() if is_stated]
