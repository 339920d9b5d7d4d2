"""Losses from distributions: the shapes that real ones take, and those that trip solvers up."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .base import Values

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]

DISTRIBUTIONS: dict[str, tuple[str, Draw]] = {
    "exponential": ("exponential", lambda rng, n: rng.exponential(size=n)),
    "normal": ("normal, mean 5, deviation 1", lambda rng, n: rng.normal(5.0, 1.0, size=n)),
    "heavy": ("lognormal, sigma 2", lambda rng, n: rng.lognormal(sigma=2.0, size=n)),
    "tied": ("five distinct values", lambda rng, n: rng.choice(rng.exponential(size=5), size=n)),
    "integer": ("integers 0..999", lambda rng, n: rng.integers(0, 1000, size=n).astype(float)),
}
"""Name to what it is, for people, and how n of them are drawn."""


def losses(n: int, count: int, seed: int) -> list[Values]:
    """Return `count` batches of n numbers in float32, the distributions in turn."""
    batches = []
    for i in range(count):
        name = tuple(DISTRIBUTIONS)[i % len(DISTRIBUTIONS)]
        label, draw = DISTRIBUTIONS[name]
        values = draw(np.random.default_rng([seed, i]), n).astype(np.float32)
        batches.append(Values(f"{name}-n{n}-b{i}", f"synthetic: {label}", values))
    return batches
