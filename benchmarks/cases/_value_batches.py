"""Batches of losses and of vectors for mean matching."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ._classifier import Floats, Perceptron, TrainingRecord
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


WIDTH = 64
"""Vectors that are longer are projected to so many dimensions."""
GAUSSIANS = (4, 32)
"""The dimensions of synthetic vectors, in turn."""

Reading = Callable[[Perceptron, Floats, NDArray[np.int64]], Floats]


def _residuals(model: Perceptron, x: Floats, y: NDArray[np.int64]) -> Floats:
    return model.residuals(x, y)


def _gradients(model: Perceptron, x: Floats, y: NDArray[np.int64]) -> Floats:
    return projected(model.gradients(x, y))


def _inputs(model: Perceptron, x: Floats, y: NDArray[np.int64]) -> Floats:
    classes = np.eye(len(model.outer_bias), dtype=np.float32)
    return np.hstack([projected(x), classes[y]])


READINGS: dict[str, tuple[str, Reading]] = {
    "residuals": ("residuals, probability less label,", _residuals),
    "gradients": (f"outer-layer gradients, projected to {WIDTH} dimensions,", _gradients),
    "inputs": ("inputs and one-hot labels", _inputs),
}
"""Name to what it is, for people, and how it is read off a model."""
TURNS = (
    ("residuals", 0),
    ("gradients", 1),
    ("inputs", 0),
    ("residuals", 2),
    ("gradients", 0),
    ("residuals", 1),
    ("gradients", 2),
)
"""What is read, and at which stage of training; the inputs are the same at each."""


def stages(count: int) -> int:
    """Return how many stages of training `count` batches need."""
    return 1 + max(stage for _, stage in TURNS[:count])


def of_recording(recording: TrainingRecord, n: int, count: int) -> list[Values]:
    """Return `count` random batches of n vectors, kinds and stages in turn.

    Batch i is the same whatever `count` is. Raises InvalidOption as `TrainingRecord.batch` does.
    """
    samples = recording.samples
    found = []
    for i in range(count):
        kind, stage = TURNS[i % len(TURNS)]
        what, read = READINGS[kind]
        values = read(recording.models[stage], *recording.batch(n, i))
        epoch = "" if kind == "inputs" else f"-e{samples.training.epochs[stage]}"
        source = f"{samples.source}: {what}" if kind == "inputs" else recording.source(what)
        found.append(Values(f"{samples.name}-{kind}-n{n}{epoch}-b{i}", source, values))
    return found


def of_gaussians(n: int, count: int, seed: int) -> list[Values]:
    """Return `count` batches of n standard normal vectors, the dimensions in turn."""
    found = []
    for i in range(count):
        d = GAUSSIANS[i % len(GAUSSIANS)]
        values = np.random.default_rng([seed, i]).standard_normal((n, d))
        found.append(Values(f"gaussian-d{d}-n{n}-b{i}", f"synthetic: Gaussian in {d}-d", values))
    return found


def projected(values: Floats, width: int = WIDTH) -> Floats:
    """Return random projections, the same for all of one length, that keep norms on average."""
    length = values.shape[1]
    if length <= width:
        return values
    rng = np.random.default_rng(length)
    return values @ (rng.standard_normal((length, width), np.float32) / np.float32(width**0.5))
