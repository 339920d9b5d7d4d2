"""The 8x8 digits that scikit-learn brings along: real data without a download."""

from subsetopt.formats._image_sets import read_digits

from ._classifier import ClassifierTraining, Samples, TrainingRecord
from ._classifier import losses as recorded
from .base import Values


def samples() -> Samples:
    """Return the 1797 digits, (1797, 64); MissingDependency if scikit-learn is not installed."""
    images, labels = read_digits()
    return Samples(
        name="digits",
        source="digits of scikit-learn, 8x8 pixels",
        images=images,
        labels=labels,
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
