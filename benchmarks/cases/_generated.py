"""Instances of quadratic selection from a seed, of the families that the public ones belong to."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import QuadraticSelection

from .quadratic_cases import QuadraticCase

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def _reals(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return rng.integers(0, 1001, size=(n, n)) / 100


def _digits(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return rng.integers(0, 10, size=(n, n)).astype(np.float64)


def _euclidean(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    points = 10 * rng.random((n, rng.integers(2, 22)))
    return np.array([np.linalg.norm(points - point, axis=1) for point in points])


def _graph(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    return (rng.random((n, n)) < 0.5).astype(np.float64)


KINDS: dict[str, tuple[str, int, Draw]] = {
    "reals": ("maximum diversity, distances uniform in 0..10 as in MDG", 10, _reals),
    "integers": ("maximum diversity, distances 0..9 as in SOM", 10, _digits),
    "euclidean": ("maximum diversity, Euclidean distances as in GKD", 10, _euclidean),
    "graph": ("densest subgraph, every second edge as in k-cluster", 4, _graph),
}
"""Name to what it is, for people; n / k where no k is asked for; how the pairs i < j are drawn."""


def instances(n: int, ks: Sequence[int] | None, count: int, seed: int) -> list[QuadraticCase]:
    """Return `count` instances over n candidates, the kinds in turn, each with every k."""
    cases = []
    for i in range(count):
        kind = tuple(KINDS)[i % len(KINDS)]
        label, part, draw = KINDS[kind]
        upper = np.triu(draw(np.random.default_rng([seed, i]), n), 1)
        weights = (upper + upper.T) / 2  # m'Qm counts each pair twice
        for k in ks or [max(1, n // part)]:
            selection = QuadraticSelection(weights, k=k, sense="maximise")
            name = f"{kind}-n{n}-b{i}-k{k}"
            cases.append(QuadraticCase(name, f"generated: {label}", selection))
    return cases
