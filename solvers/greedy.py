"""Greedy: one candidate after another, each bringing the sum closest to where it should end."""

from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar

import numpy as np

from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solution import Termination

from ._centred import Centred
from .base import NUMBA, Answer, Kind, Requirement, Solver


@dataclass(frozen=True, kw_only=True)
class Greedy(Solver):
    """Add the candidate that minimises ``|| sum (v_i - t) ||`` of those added so far; O(n d k)."""

    name: ClassVar[str] = "greedy"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "adds the best candidate k times"
    choose_when: ClassVar[str] = "a simple deterministic reference for vectors is wanted"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", "vector-mean-matching")
    requires: ClassVar[tuple[Requirement, ...]] = (NUMBA,)
    concurrent: ClassVar[bool] = True

    def answer(self, problem: MeanMatching, limits: Limits) -> Answer:
        """Return the greedy selection; limits have no bearing on it."""
        from ._kernels import features

        start = perf_counter()
        centred = Centred.of(problem)
        built = perf_counter()
        chosen = np.zeros(len(centred.rows), dtype=np.bool_)
        features.greedy(centred.rows, problem.k, chosen)
        return Answer(
            indices=centred.indices(chosen),
            termination=Termination.FINISHED,
            build_seconds=built - start,
            solve_seconds=perf_counter() - built,
        )
