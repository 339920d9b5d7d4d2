"""Losses on the 8x8 digits that scikit-learn brings along: real data without a download."""

from typing import Any

import numpy as np

from subsetopt.solvers.base import Requirement

from .base import Losses
from .classifier import Samples, Training, recorded

# It is subsetopt's own extra that brings scikit-learn, so that is what pip is asked for.
SKLEARN = Requirement("scikit-learn", "sklearn", extra="bench")
TRAINING = Training(epochs=(1, 5, 25))


def losses(n: int, count: int, seed: int) -> list[Losses]:
    """Return `count` batches of n losses, from early, middle and late training in turn.

    Raises
    ------
    MissingBackend
        If scikit-learn is not installed.
    InvalidOption
        If n exceeds the 1797 digits.
    """
    return recorded(samples(), TRAINING, n, count, seed)


def samples() -> Samples:
    """Return the 1797 digits, (1797, 64); MissingBackend if scikit-learn is not installed."""
    found: Any = SKLEARN.load("datasets").load_digits()
    return Samples(
        name="digits",
        source="digits of scikit-learn: losses of a 64-32-10 perceptron after epochs 1, 5 and 25",
        images=found.data,
        labels=found.target.astype(np.int64),
        scale=16.0,
    )
