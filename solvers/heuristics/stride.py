"""OBFTF_prox: every (n / (k + 1))-th of the sorted losses."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import SORTING, Deadline, TimedSolver
from subsetopt.solvers.base import Kind, RawResult

__all__ = ["Stride"]


@dataclass(frozen=True, kw_only=True)
class Stride(TimedSolver):
    """Sort descending and take positions ``floor(i * n / (k + 1))``, i = 1..k; O(n log n).

    The target is not looked at. Source: One Backward from Ten Forward, ``OBFTF_prox`` in the
    listing of the appendix.
    """

    name: ClassVar[str] = "stride"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "every (n/(k+1))-th of the sorted values (OBFTF_prox, as published)"
    choose_when: ClassVar[str] = "the published approximation is wanted, as it was published"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)

    def search(self, problem: MeanMatching, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the published selection."""
        descending = deadline.wait_for(
            lambda: np.argsort(-problem.values, kind="stable"), SORTING * problem.n
        )
        # In floats, as in the listing: where i * stride is whole, rounding may take it one lower.
        stride = problem.n / (problem.k + 1)
        positions = np.floor(np.arange(1, problem.k + 1) * stride).astype(np.int64)
        return RawResult(
            indices=descending[positions],
            termination=Termination.FINISHED,
            solve_seconds=deadline.elapsed,
        )
