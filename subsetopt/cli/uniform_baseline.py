"""The uniform baseline that stands beside every answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from subsetopt._baseline import random_objectives, rank
from subsetopt.solution import Solution

_DRAWS = 1000
_FEWEST = 100
_WORK = 3e7  # values that may be looked at, which takes about a second


@dataclass(frozen=True)
class UniformBaseline:
    """How random subsets compare with an answer.

    Parameters
    ----------
    draws : int
    median : float
        Of their objectives.
    rank : float or None
        The share of them that are at least as good as the answer; None without an answer.
    """

    draws: int
    median: float
    rank: float | None

    @classmethod
    def of(cls, problem: Any, solution: Solution, seed: int) -> "UniformBaseline":
        """Draw 1000 subsets, or fewer, but 100 at least, where they are so large that it shows."""
        draws = int(np.clip(_WORK / _looked_at(problem), _FEWEST, _DRAWS))
        objectives = random_objectives(problem, draws, seed)
        share = None if solution.objective is None else rank(solution.objective, objectives)
        return cls(draws, float(np.median(objectives)), share)

    def sentence(self, stated: Callable[[float], float] = float) -> str:
        """Say it in a line; `stated` turns an objective into what is shown."""
        said = f"median {stated(self.median) + 0.0:.6g} of {self.draws}"
        if self.rank is None:
            return said
        return f"{said}; {100 * self.rank:.3g} % of them are at least as good"

    def to_dict(self) -> dict[str, Any]:
        """Return the keys that ``--json`` adds."""
        return {
            "random_median": self.median,
            "random_rank": self.rank,
            "random_draws": self.draws,
        }


def _looked_at(problem: Any) -> int:
    """Return how many numbers the evaluation of one selection looks at."""
    match problem.family:
        case "mean-matching" | "vector-mean-matching":
            return int(problem.k * problem.values[0].size)
        case _:
            return int(problem.k**2)
