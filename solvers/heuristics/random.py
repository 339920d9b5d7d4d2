"""Random selection, the baseline: k of n without replacement."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from subsetopt.errors import InvalidSelection
from subsetopt.limits import Limits
from subsetopt.models import CONSTRAINT_KINDS, QUADRATIC_FAMILIES
from subsetopt.solution import Termination
from subsetopt.solvers import _feasibility
from subsetopt.solvers._deadline import Deadline, TimedSolver
from subsetopt.solvers.base import Kind, RawResult

__all__ = ["Random"]


@dataclass(frozen=True, kw_only=True)
class Random(TimedSolver):
    """Draw k of n uniformly, without replacement, from ``default_rng(seed)``; O(n).

    With constraints uniformly over all selections that keep them, wherever one of two hundred draws
    that keep disjoint quotas does; else a random vertex of what is feasible, from a program with
    random costs.
    """

    name: ClassVar[str] = "random"
    kind: ClassVar[Kind] = Kind.BASELINE
    summary: ClassVar[str] = "k of n uniformly, without replacement"
    choose_when: ClassVar[str] = "always, as the baseline that has to be beaten"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", *QUADRATIC_FAMILIES)
    takes: ClassVar[frozenset[str]] = frozenset(CONSTRAINT_KINDS)

    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        """Return one uniform draw."""
        try:
            indices = problem.draw(np.random.default_rng(limits.seed))
        except InvalidSelection:  # few are feasible: a random vertex of those
            indices = _feasibility.some(problem.side, limits.seed, limits.time_limit).indices
            indices = limits.start if indices is None else indices
        return RawResult(
            indices=indices,
            termination=Termination.UNKNOWN if indices is None else Termination.FINISHED,
            solve_seconds=deadline.elapsed,
        )
