"""Losses of a small classifier at stages of its training, and the images it learns."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import _sources
from subsetopt.formats._array_files import read_mnist
from subsetopt.formats._image_sets import (
    BATCHES,
    SUBSET,
    Pair,
    read_digits,
    read_records,
    subset_parts,
)

from .base import Values

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ClassifierTraining:
    """How the classifier is trained and when it is looked at."""

    epochs: Sequence[int]
    """After which epochs it is looked at: early, middle, late; increasing."""
    hidden: int = 32
    batch_size: int = 32
    rate: float = 0.1
    """Learning rate of plain SGD."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled images, flattened."""

    name: str
    """The beginning of the names of all cases made of them."""
    source: str
    """What they are, for people."""
    images: NDArray[Any]
    """Shape (samples, pixels). In whatever dtype they come; divided by `scale` batch by batch, to
    save memory."""
    labels: NDArray[np.int64]
    scale: float
    """The largest possible pixel."""
    training: ClassifierTraining
    """What a classifier learns them by."""

    def require(self, n: int) -> None:
        """Raise InvalidOption if there are fewer than n."""
        size = len(self.labels)
        if n > size:
            raise InvalidOption(
                f"n must be at most {size}, the number of samples of {self.name}; got {n}"
            )

    def batch(self, chosen: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
        """Return the chosen images with pixels in 0..1, and their labels."""
        return self.images[chosen].astype(np.float32) / np.float32(self.scale), self.labels[chosen]


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

    def residuals(self, x: Floats, y: NDArray[np.int64]) -> Floats:
        """Return probabilities less one-hot labels, (n, classes): the gradient by the logits."""
        return _residuals(self._forward(x)[1], y)

    def gradients(self, x: Floats, y: NDArray[np.int64]) -> Floats:
        """Return each sample's gradient by the outer layer, (n, (hidden + 1) * classes)."""
        hidden, log_probabilities = self._forward(x)
        inputs = np.hstack([hidden, np.ones((len(x), 1), np.float32)])
        products = inputs[:, :, None] * _residuals(log_probabilities, y)[:, None]
        return products.reshape(len(x), -1)

    def step(self, x: Floats, y: NDArray[np.int64], rate: float) -> None:
        """Do one step of SGD on the mean loss."""
        hidden, log_probabilities = self._forward(x)
        residual = _residuals(log_probabilities, y)
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


def _residuals(log_probabilities: Floats, y: NDArray[np.int64]) -> Floats:
    residual: Floats = np.exp(log_probabilities)
    residual[np.arange(len(y)), y] -= 1
    return residual


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """The classifier at the stages of its training."""

    samples: Samples
    models: Sequence[Perceptron]
    """After the first of the epochs of the training, or all."""
    seed: int

    @classmethod
    def of(cls, samples: Samples, stages: int, seed: int) -> "TrainingRecord":
        """Train until the first `stages` of the training's epochs have been seen."""
        training = samples.training
        rng = np.random.default_rng([seed, 0])
        classes = int(samples.labels.max()) + 1
        model = Perceptron(samples.images.shape[1], training.hidden, classes, rng)
        models = []
        epochs = training.epochs[:stages]
        for epoch in range(1, max(epochs) + 1):
            _train_epoch(model, samples, training, rng)
            if epoch in epochs:
                models.append(deepcopy(model))
        return cls(samples, models, seed)

    def batch(self, n: int, i: int) -> tuple[Floats, NDArray[np.int64]]:
        """Return batch i of n samples, drawn from a generator of its own.

        Raises InvalidOption if there are fewer than n samples.
        """
        self.samples.require(n)
        rng = np.random.default_rng([self.seed, 1, i])
        return self.samples.batch(rng.choice(len(self.samples.labels), size=n, replace=False))

    def source(self, what: str) -> str:
        """Say where something comes from that was computed by the models."""
        inner = self.models[0].inner.shape
        *first, last = map(str, self.samples.training.epochs)
        layers = f"{inner[0]}-{inner[1]}-{self.models[0].outer.shape[1]}"
        after = f"epochs {', '.join(first)} and {last}" if first else f"epoch {last}"
        return f"{self.samples.source}: {what} of a {layers} perceptron after {after}"


def losses(recording: TrainingRecord, n: int, count: int) -> list[Values]:
    """Return the losses of `count` random batches of n, stages of training in turn.

    Batch i is the same whatever `count` is. Raises InvalidOption as `TrainingRecord.batch` does.
    """
    samples = recording.samples
    found = []
    for i in range(count):
        stage = i % len(samples.training.epochs)
        name = f"{samples.name}-n{n}-e{samples.training.epochs[stage]}-b{i}"
        values = recording.models[stage].losses(*recording.batch(n, i))
        found.append(Values(name, recording.source("losses"), values))
    return found


def _train_epoch(
    model: Perceptron, samples: Samples, training: ClassifierTraining, rng: np.random.Generator
) -> None:
    order = rng.permutation(len(samples.labels))
    for first in range(0, len(order), training.batch_size):
        x, y = samples.batch(order[first : first + training.batch_size])
        model.step(x, y, training.rate)


_FOLDERS = ("cifar10", ".", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin")


def digits() -> Samples:
    """Return the 1797 digits, (1797, 64); MissingDependency if scikit-learn is not installed."""
    images, labels = read_digits()
    training = ClassifierTraining(epochs=(1, 5, 25))
    return Samples("digits", "digits of scikit-learn, 8x8 pixels", images, labels, 16.0, training)


def digit_losses(n: int, count: int, seed: int) -> list[Values]:
    """Return `count` batches of n losses, from early, middle and late training in turn.

    Raises MissingDependency as `digits` does, and InvalidOption if n exceeds the 1797 digits.
    """
    return losses(TrainingRecord.of(digits(), count, seed), n, count)


def mnist(folder: Path) -> Samples:
    """Read the training images; InvalidFile if they are not there or damaged."""
    images, labels = read_mnist(folder)
    training = ClassifierTraining(epochs=(1, 2, 4), hidden=64, batch_size=128)
    return Samples("mnist", "MNIST, 28x28 pixels", images, labels, 255.0, training)


def cifar10(folder: Path) -> Samples:
    """Read the training images, (n, 3072); InvalidFile if they are not there or damaged."""
    images, labels = _cifar10(folder)
    pixels = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).reshape(len(images), -1)
    training = ClassifierTraining(epochs=(1, 4, 12), hidden=64, batch_size=64, rate=0.02)
    source = "CIFAR-10, 32x32 pixels in colour"
    return Samples("cifar10", source, pixels, labels, 255.0, training)


def _cifar10(folder: Path) -> Pair:
    for place in (folder / name for name in _FOLDERS):
        if (place / SUBSET).is_file():
            return subset_parts(place / SUBSET, "train")[0]
        if batches := sorted(place.glob(BATCHES)):
            read = (read_records(_sources.content(path)[0], path) for path in batches)
            images, labels = zip(*read, strict=True)
            return np.concatenate(images), np.concatenate(labels)
    raise InvalidFile(f"no {SUBSET} and no {BATCHES} in {folder / 'cifar10'} or {folder}")
