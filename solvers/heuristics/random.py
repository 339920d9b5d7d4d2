"""The uniform baseline: k of n without replacement."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from subsetopt.limits import Limits
from subsetopt.models import QUADRATIC_FAMILIES
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, TimedSolver
from subsetopt.solvers.base import Kind, RawResult

__all__ = ["Random"]


@dataclass(frozen=True, kw_only=True)
class Random(TimedSolver):
    """Draw k of n uniformly, without replacement, from ``default_rng(seed)``; O(n)."""

    name: ClassVar[str] = "random"
    kind: ClassVar[Kind] = Kind.BASELINE
    summary: ClassVar[str] = "k of n uniformly, without replacement"
    choose_when: ClassVar[str] = (
        "always, beside whatever else is tried: it is what has to be beaten"
    )
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", *QUADRATIC_FAMILIES)

    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        """Return one uniform draw."""
        generator = np.random.default_rng(limits.seed)
        indices = problem.draw(generator)
        return RawResult(
            indices=indices,
            termination=Termination.FINISHED,
            solve_seconds=deadline.elapsed,
        )
