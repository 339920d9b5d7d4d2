"""The uniform baseline: k of n without replacement."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar

import numpy as np

from subsetopt.forms import QUADRATIC_FAMILIES
from subsetopt.limits import Limits
from subsetopt.solution import Termination

from .base import Answer, Kind, Solver


@dataclass(frozen=True, kw_only=True)
class Random(Solver):
    """Draw k of n uniformly, without replacement, from ``default_rng(seed)``; O(n)."""

    name: ClassVar[str] = "random"
    kind: ClassVar[Kind] = Kind.BASELINE
    summary: ClassVar[str] = "k of n uniformly, without replacement"
    choose_when: ClassVar[str] = (
        "always, beside whatever else is tried: it is what has to be beaten"
    )
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", *QUADRATIC_FAMILIES)

    def answer(self, problem: Any, limits: Limits) -> Answer:
        """Return one uniform draw."""
        start = perf_counter()
        generator = np.random.default_rng(limits.seed)
        indices = problem.draw(generator)
        return Answer(
            indices=indices,
            termination=Termination.FINISHED,
            solve_seconds=perf_counter() - start,
        )
