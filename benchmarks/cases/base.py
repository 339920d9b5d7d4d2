"""What a benchmark case is: data with a name, from which problems are built afresh."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt.benchmarks.best_known import BestKnown
from subsetopt.problems import MeanMatching, Problem


class Case(Protocol):
    """One instance that all solvers get."""

    @property
    def name(self) -> str:
        """Unique within a run."""

    @property
    def source(self) -> str:
        """Where the numbers come from, for people; the same for all cases of one kind."""

    @property
    def family(self) -> str:
        """Of its problems."""

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

    def problem(self) -> Problem:
        """Build a fresh problem: nothing that an earlier solve worked out is kept in it."""


@dataclass(frozen=True, eq=False)
class Losses:
    """The losses of one batch, before it is said how many of them to choose.

    Parameters
    ----------
    name : str
        Unique within a run: source, stage of training, number of the batch.
    source : str
        Where the numbers come from, for people; the same for all batches of one kind.
    values : ndarray of float32 (n,)
    """

    name: str
    source: str
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MeanMatchingCase:
    """One instance of mean matching.

    Parameters
    ----------
    name, source : str
        As for `Losses`.
    losses : ndarray of float32 (n,)
    k : int
    """

    family: ClassVar[str] = "mean-matching"
    sense: ClassVar[str] = "minimise"
    known: ClassVar[BestKnown | None] = None

    name: str
    source: str
    losses: NDArray[np.float32]
    k: int

    @classmethod
    def of(cls, losses: Losses, k: int) -> "MeanMatchingCase":
        """Return the case of choosing k of these losses."""
        return cls(f"{losses.name}-k{k}", losses.source, losses.values, k)

    @property
    def n(self) -> int:
        """The number of candidates."""
        return len(self.losses)

    def problem(self) -> MeanMatching:
        """Build a fresh problem."""
        return MeanMatching(self.losses, self.k)
