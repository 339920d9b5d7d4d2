"""The protocol of a case, and the cases of mean matching."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from subsetopt._baseline import random_objectives
from subsetopt.benchmarks._best_known import BestKnown
from subsetopt.benchmarks.results import Contender
from subsetopt.errors import InvalidResult
from subsetopt.limits import Limits
from subsetopt.models import QUADRATIC_FAMILIES
from subsetopt.problems import MeanMatching, Problem
from subsetopt.problems.mean_matching import Cardinality
from subsetopt.solution import Solution
from subsetopt.solving import solve, solver

__all__ = ["Case", "MeanMatchingCase", "SelectionCase", "Values", "VectorCase"]

DRAWS = 1000
"""Random subsets that each answer is ranked among; fewer where k is large, for a quadratic is
evaluated in O(k^2)."""
FEWEST_DRAWS = 100
"""Where fewer are drawn that keep the constraints, so many are searched for."""


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

    @property
    def constraints(self) -> tuple[str, ...]:
        """What else is stated: the words of constraints, "target", "start", for people."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of constraints that a solver has to take, of `CONSTRAINT_KINDS`."""

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

    start: NDArray[np.int64] | None = None
    """What searches begin with."""

    @property
    def constraints(self) -> tuple[str, ...]:
        """As of `Case`."""
        return ()

    @property
    def kinds(self) -> frozenset[str]:
        """As of `Case`."""
        return frozenset()

    @abstractmethod
    def problem(self) -> Problem:
        """Build a fresh problem: nothing that an earlier solve worked out is kept in it."""

    def prepared(self, contender: Contender, limits: Limits) -> Callable[[], Solution]:
        """Return the call of `subsetopt.solve` on a fresh problem."""
        problem, ready = self.problem(), solver(contender.name, **contender.options)
        keywords = asdict(limits) | {"start": self.start}
        return lambda: solve(problem, ready, **keywords)

    def solution(self, returned: Solution) -> Solution:
        """Return it as it is, its selection and objective checked by a problem that no solver saw.

        Raises InvalidSelection if it is no selection, or breaks a constraint; InvalidResult if its
        objective is another.
        """
        if returned.indices is not None and returned.objective is not None:
            chosen = self._judge.check(returned.indices)
            objective = self._judge.objective(chosen)
            if abs(objective - returned.objective) > self._judge.rounding(chosen):
                raise InvalidResult(
                    f"the objective of the selection is {objective}; got {returned.objective}"
                )
        return returned

    @cached_property
    def _judge(self) -> Problem:
        return self.problem()

    def random_objectives(self, seed: int) -> NDArray[np.float64]:
        """Return the objectives of uniformly drawn subsets that keep the constraints.

        Where drawing hardly meets any, those of the solver ``random``, which searches for them.
        """
        problem, draws = self.problem(), DRAWS
        if problem.family in QUADRATIC_FAMILIES:
            draws = max(DRAWS // 10, min(DRAWS, 40_000_000 // problem.k**2))
        drawn = random_objectives(problem, draws, seed)
        if len(drawn) >= FEWEST_DRAWS:
            return drawn
        searched = (solve(problem, "random", seed=seed + i) for i in range(FEWEST_DRAWS))
        return np.array([one.objective for one in searched if one.objective is not None])


@dataclass(frozen=True, eq=False)
class Values:
    """The values of one batch, before it is said how many of them to choose."""

    name: str
    """Unique within a run: source, size, stage of training, number of the batch."""
    source: str
    """Where the numbers come from, for people; the same for all batches of one kind."""
    values: NDArray[Any]


def _words(target: Any, cardinality: str) -> tuple[str, ...]:
    words = {"target": target is not None, "k-range": cardinality != "exactly"}
    return tuple(word for word, stated in words.items() if stated)


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
    target: Any = None
    """As of `MeanMatching`; None is the mean."""
    cardinality: Cardinality = "exactly"

    @classmethod
    def of(
        cls, batch: Values, k: int, target: Any = None, cardinality: Cardinality = "exactly"
    ) -> Self:
        """Return the case of choosing k of these values."""
        name = "-".join([f"{batch.name}-k{k}", *_words(target, cardinality)])
        return cls(name, batch.source, batch.values, k, target, cardinality)

    @property
    def n(self) -> int:
        """The number of candidates."""
        return len(self.values)

    @property
    def constraints(self) -> tuple[str, ...]:
        """As of `Case`."""
        return _words(self.target, self.cardinality)

    def problem(self) -> MeanMatching:
        """Build a fresh problem."""
        return MeanMatching(self.values, self.k, self.target, self.cardinality)


@dataclass(frozen=True, eq=False)
class VectorCase(MeanMatchingCase):
    """One instance of vector mean matching: the same, with values (n, d)."""

    family: ClassVar[str] = "vector-mean-matching"
