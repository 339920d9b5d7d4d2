"""Uniformly drawn subsets, the baseline of every result."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidSelection
from subsetopt.problems import Problem

_STREAM = 1  # apart from default_rng(seed) itself, which the `random` solver draws from
_DRAWS = 100, 1000
_WORK = 3e7  # values that may be looked at, which takes about a second


def random_objectives(problem: Problem, draws: int, seed: int = 0) -> NDArray[np.float64]:
    """Return the objectives of uniform subsets of k of n, drawn independently; shape (draws,).

    Fewer, or none, where constraints are so tight that drawing no longer meets any that keeps them.

    The problem evaluates each one, so the values are comparable with any answer's to the last
    bit, and no more than one subset is in memory. Each draw costs O(k), or O(n) where k is more
    than a fiftieth of n, and one evaluation.

    Parameters
    ----------
    problem : Problem
    draws : int
    seed : int
        Of a generator of its own.
    """
    generator = np.random.default_rng([seed, _STREAM])
    objectives: list[float] = []
    with suppress(InvalidSelection):
        while len(objectives) < draws:
            objectives.append(problem.objective(problem.draw(generator)))
    return np.array(objectives, dtype=np.float64)


def rank(objective: float, others: NDArray[np.float64]) -> float:
    """Return the share of `others` that are at least as good as `objective`: 0 is best, 1 worst."""
    return float(np.mean(others <= objective))


@dataclass(frozen=True)
class UniformBaseline:
    """How random subsets compare with a solution.

    Parameters
    ----------
    draws : int
    median : float or None
        Of their objectives; None if there are none.
    rank : float or None
        The share of them that are at least as good as the solution; None if it has no selection.
    """

    draws: int
    median: float | None
    rank: float | None

    @classmethod
    def of(cls, problem: Any, objective: float | None, seed: int) -> "UniformBaseline":
        """Sample 1000 subsets, or fewer where they are large, but at least 100."""
        draws = int(np.clip(_WORK / _looked_at(problem), *_DRAWS))
        objectives = random_objectives(problem, draws, seed)
        if not objectives.size:
            return cls(0, None, None)
        share = None if objective is None else rank(objective, objectives)
        return cls(objectives.size, float(np.median(objectives)), share)

    def sentence(self, stated: Callable[[float], float] = float) -> str:
        """Say it in a line; `stated` turns an objective into what is shown."""
        if self.median is None:
            return "none that was drawn keeps the constraints"
        said = f"median {stated(self.median) + 0.0:.6g} of {self.draws}"
        if self.rank is None:
            return said
        share = f"{100 * self.rank:.3g} %" if self.rank else "none"
        return f"{said}; {share} of them {'are' if self.rank else 'is'} at least as good"

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
