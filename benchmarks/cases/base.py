"""The protocol of a case, and the cases of mean matching."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from subsetopt._baseline import random_objectives
from subsetopt.benchmarks._best_known import BestKnown
from subsetopt.benchmarks.results import Contender
from subsetopt.limits import Limits
from subsetopt.models import QUADRATIC_FAMILIES
from subsetopt.problems import MeanMatching, Problem
from subsetopt.solution import Solution
from subsetopt.solving import solve, solver

__all__ = ["Case", "MeanMatchingCase", "SelectionCase", "Values", "VectorCase"]

DRAWS = 1000
"""Random subsets that each answer is ranked among; fewer where k is large, for a quadratic is
evaluated in O(k^2)."""


class Case(Protocol):
    """One instance that all solvers get. It can be pickled: it is measured in other processes."""

    @property
    def name(self) -> str:
        """Unique within a run."""

    @property
    def source(self) -> str:
        """Where the numbers come from, for people; the same for all cases of one kind."""

    @property
    def family(self) -> str:
        """A name in `subsetopt.benchmarks._families`."""

    @property
    def n(self) -> int:
        """The number of candidates."""

    @property
    def k(self) -> int:
        """The number to choose."""

    @property
    def sense(self) -> str:
        """``"minimise"``, or ``"maximise"`` where the objective is the negative of the value."""

    @property
    def known(self) -> BestKnown | None:
        """The best value that anybody has found, where there is one."""

    def prepared(self, contender: Contender, limits: Limits) -> Callable[[], Any]:
        """Return the call that is timed; nothing that an earlier one worked out is kept in it."""

    def solution(self, returned: Any) -> Solution:
        """Return what such a call's result is worth, recomputed by the problem; untimed.

        The indices of a sequence are its order.
        """

    def random_objectives(self, seed: int) -> NDArray[np.float64]:
        """Return the objectives of random choices, as a reference."""


class SelectionCase(ABC):
    """What the cases share that are problems for `subsetopt.solve`: how those are run."""

    if TYPE_CHECKING:  # a property that is there would be taken for a default by dataclasses

        @property
        def name(self) -> str:
            """As of `Case`."""

    @abstractmethod
    def problem(self) -> Problem:
        """Build a fresh problem: nothing that an earlier solve worked out is kept in it."""

    def prepared(self, contender: Contender, limits: Limits) -> Callable[[], Solution]:
        """Return the call of `subsetopt.solve` on a fresh problem."""
        problem, ready = self.problem(), solver(contender.name, **contender.options)
        keywords = asdict(limits)
        return lambda: solve(problem, ready, **keywords)

    def solution(self, returned: Solution) -> Solution:
        """Return it as it is: the problem has recomputed it."""
        return returned

    def random_objectives(self, seed: int) -> NDArray[np.float64]:
        """Return the objectives of uniformly drawn subsets."""
        problem, draws = self.problem(), DRAWS
        if problem.family in QUADRATIC_FAMILIES:
            draws = max(DRAWS // 10, min(DRAWS, 40_000_000 // problem.k**2))
        return random_objectives(problem, draws, seed)


@dataclass(frozen=True, eq=False)
class Values:
    """The values of one batch, before it is said how many of them to choose."""

    name: str
    """Unique within a run: source, size, stage of training, number of the batch."""
    source: str
    """Where the numbers come from, for people; the same for all batches of one kind."""
    values: NDArray[Any]


@dataclass(frozen=True, eq=False)
class MeanMatchingCase(SelectionCase):
    """One instance of mean matching."""

    family: ClassVar[str] = "mean-matching"
    sense: ClassVar[str] = "minimise"
    known: ClassVar[BestKnown | None] = None

    name: str
    source: str
    """As for `Values`."""
    values: NDArray[Any]
    k: int

    @classmethod
    def of(cls, batch: Values, k: int) -> Self:
        """Return the case of choosing k of these values."""
        return cls(f"{batch.name}-k{k}", batch.source, batch.values, k)

    @property
    def n(self) -> int:
        """The number of candidates."""
        return len(self.values)

    def problem(self) -> MeanMatching:
        """Build a fresh problem."""
        return MeanMatching(self.values, self.k)


@dataclass(frozen=True, eq=False)
class VectorCase(MeanMatchingCase):
    """One instance of vector mean matching: the same, with values (n, d)."""

    family: ClassVar[str] = "vector-mean-matching"
