"""The 8x8 digits that scikit-learn brings along: real data without a download."""

from typing import Any

import numpy as np

from subsetopt._dependencies import OptionalDependency

from ._classifier import ClassifierTraining, Samples, TrainingRecord
from ._classifier import losses as recorded
from .base import Values

# It is subsetopt's own extra that brings scikit-learn, so that is what pip is asked for.
SKLEARN = OptionalDependency("scikit-learn", "sklearn", extra="bench")


def samples() -> Samples:
    """Return the 1797 digits, (1797, 64); MissingDependency if scikit-learn is not installed."""
    found: Any = SKLEARN.load("datasets").load_digits()
    return Samples(
        name="digits",
        source="digits of scikit-learn, 8x8 pixels",
        images=found.data,
        labels=found.target.astype(np.int64),
        scale=16.0,
        training=ClassifierTraining(epochs=(1, 5, 25)),
    )


def losses(n: int, count: int, seed: int) -> list[Values]:
    """Return `count` batches of n losses, from early, middle and late training in turn.

    Raises
    ------
    MissingDependency
        If scikit-learn is not installed.
    InvalidOption
        If n exceeds the 1797 digits.
    """
    return recorded(TrainingRecord.of(samples(), count, seed), n, count)
