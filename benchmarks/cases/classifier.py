"""Real losses: a small classifier is trained, and the losses of batches are recorded on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption

from .base import Losses

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled images, flattened.

    Parameters
    ----------
    name : str
        The beginning of the names of all cases made of them.
    source : str
        What they and their losses are, for people.
    images : ndarray (samples, pixels)
        In whatever dtype they come; divided by `scale` batch by batch, to save memory.
    labels : ndarray of int (samples,)
    scale : float
        The largest possible pixel.
    """

    name: str
    source: str
    images: NDArray[Any]
    labels: NDArray[np.int64]
    scale: float

    def batch(self, chosen: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
        """Return the chosen images with pixels in 0..1, and their labels."""
        return self.images[chosen].astype(np.float32) / np.float32(self.scale), self.labels[chosen]


@dataclass(frozen=True)
class Training:
    """How the classifier is trained and when its losses are recorded.

    Parameters
    ----------
    epochs : sequence of int
        After which epochs losses are recorded: early, middle, late; increasing.
    hidden, batch_size : int
    rate : float
        Learning rate of plain SGD.
    """

    epochs: Sequence[int]
    hidden: int = 32
    batch_size: int = 32
    rate: float = 0.1


class Perceptron:
    """pixels -> hidden ReLU units -> softmax, in float32, with He initialisation."""

    def __init__(self, pixels: int, hidden: int, classes: int, rng: np.random.Generator) -> None:
        self.inner = self._weights(pixels, hidden, rng)
        self.outer = self._weights(hidden, classes, rng)
        self.inner_bias = np.zeros(hidden, dtype=np.float32)
        self.outer_bias = np.zeros(classes, dtype=np.float32)

    @staticmethod
    def _weights(fan_in: int, fan_out: int, rng: np.random.Generator) -> Floats:
        deviation = np.float32(np.sqrt(2 / fan_in))
        return rng.standard_normal((fan_in, fan_out), dtype=np.float32) * deviation

    def losses(self, x: Floats, y: NDArray[np.int64]) -> Floats:
        """Return the cross-entropy of each sample, (n,)."""
        _, log_probabilities = self._forward(x)
        return -log_probabilities[np.arange(len(y)), y]

    def step(self, x: Floats, y: NDArray[np.int64], rate: float) -> None:
        """Do one step of SGD on the mean loss."""
        hidden, log_probabilities = self._forward(x)
        residual = np.exp(log_probabilities)
        residual[np.arange(len(y)), y] -= 1
        residual *= np.float32(rate / len(y))
        back = (residual @ self.outer.T) * (hidden > 0)
        self.outer -= hidden.T @ residual
        self.outer_bias -= residual.sum(axis=0)
        self.inner -= x.T @ back
        self.inner_bias -= back.sum(axis=0)

    def _forward(self, x: Floats) -> tuple[Floats, Floats]:
        hidden = np.maximum(x @ self.inner + self.inner_bias, 0)
        logits = hidden @ self.outer + self.outer_bias
        logits -= logits.max(axis=1, keepdims=True)
        return hidden, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def recorded(samples: Samples, training: Training, n: int, count: int, seed: int) -> list[Losses]:
    """Train, and return the losses of `count` random batches of n, stages of training in turn.

    Batch i is drawn from its own generator, so it is the same whatever `count` is.

    Raises
    ------
    InvalidOption
        If there are fewer than n samples.
    """
    size = len(samples.labels)
    if n > size:
        raise InvalidOption(f"n is {n}, but {samples.name} has {size} samples")
    rng = np.random.default_rng([seed, 0])
    classes = int(samples.labels.max()) + 1
    model = Perceptron(samples.images.shape[1], training.hidden, classes, rng)
    drawn: dict[int, Losses] = {}
    for epoch in range(1, max(training.epochs[:count]) + 1):
        _train_epoch(model, samples, training, rng)
        for i in range(count):
            if training.epochs[i % len(training.epochs)] == epoch:
                drawn[i] = _draw(model, samples, n, epoch, i, seed)
    return [drawn[i] for i in range(count)]


def _train_epoch(
    model: Perceptron, samples: Samples, training: Training, rng: np.random.Generator
) -> None:
    order = rng.permutation(len(samples.labels))
    for first in range(0, len(order), training.batch_size):
        x, y = samples.batch(order[first : first + training.batch_size])
        model.step(x, y, training.rate)


def _draw(model: Perceptron, samples: Samples, n: int, epoch: int, i: int, seed: int) -> Losses:
    rng = np.random.default_rng([seed, 1, i])
    x, y = samples.batch(rng.choice(len(samples.labels), size=n, replace=False))
    return Losses(f"{samples.name}-e{epoch}-b{i}", samples.source, model.losses(x, y))
