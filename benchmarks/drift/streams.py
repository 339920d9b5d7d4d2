"""Real data that drift: pictures that turn while their classes come and go, houses from the south.

A stream is made from its seed alone. It begins with a part that a model is trained on before it is
deployed; windows of instances follow, each of which is served once and trained on afterwards.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from subsetopt.errors import InvalidOption
from subsetopt.training.data.mnist import read_images
from subsetopt.training.data.tabular import read_table
from subsetopt.training.models import build_model
from subsetopt.training.tasks.base import require_files

TURN = 120.0
"""Degrees by which the pictures have turned at the end."""
MIXES = 7
"""Class mixes along a stream; between two of them it is interpolated."""
SIDE = 28
SORTED_BY = 1
"""The column of California's table that its stream is sorted by: the latitude."""
NOISE = 0.5
"""Added to it, in standard deviations of the column: neighbours are mixed, and drift is slow."""


@dataclass(frozen=True)
class Window:
    """Instances that arrive together; `ids` are their places in the stream."""

    ids: Tensor
    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Stream:
    """What a model is trained on before it is deployed, and what comes then."""

    start: Window
    windows: Sequence[Window]


class Task(ABC):
    """A stream of real data, a model for it, and what the model is judged by.

    Parameters
    ----------
    windows, size : int
        How many windows of how many instances.
    """

    name: ClassVar[str]
    metric: ClassVar[str]
    better: ClassVar[str]
    batch_size: ClassVar[int]
    """Instances of a training step."""
    lr: ClassVar[float]
    factors: ClassVar[tuple[float, ...]] = (0.5, 1.0, 2.0)
    """What `lr` is multiplied by in tuning."""
    usual: ClassVar[tuple[int, int]]
    """Windows, and instances of each."""
    about: ClassVar[str]

    def __init__(self, windows: int | None = None, size: int | None = None) -> None:
        self.windows = self.usual[0] if windows is None else windows
        self.size = self.usual[1] if size is None else size
        for name, value in (("windows", self.windows), ("size", self.size)):
            if value < 1:
                raise InvalidOption(f"{name} is {value}; a number >= 1 is needed")

    @abstractmethod
    def stream(self, folder: Path | None, seed: int) -> Stream:
        """Return the stream of a seed, from the files in the folder of data."""

    @abstractmethod
    def model(self) -> nn.Module:
        """Return a new model, from torch's global generator."""

    @abstractmethod
    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each instance."""

    @abstractmethod
    def score(self, outputs: Tensor, targets: Tensor) -> float:
        """Return the metric of a window."""


class TurningDigits(Task):
    """MNIST, ever further turned, in a class mix that moves."""

    name = "mnist"
    metric = "accuracy"
    better = "higher"
    batch_size = 20
    lr = 0.1
    usual = (120, 400)
    about = f"MNIST turned by 0 to {TURN:g} degrees, class mix moving; perceptron 784-256-256-10"
    _START = 1000

    def stream(self, folder: Path | None, seed: int) -> Stream:
        """Deal the training images; see `turning`."""
        images, labels = _digits(require_files(folder, "MNIST"))
        return turning(
            images, labels, seed=seed, windows=self.windows, size=self.size, start=self._START
        )

    def model(self) -> nn.Module:
        """Return a perceptron with two hidden layers of 256."""
        return build_model("mlp", inputs=SIDE * SIDE, classes=10)

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return cross-entropies."""
        return functional.cross_entropy(outputs, targets, reduction="none")

    def score(self, outputs: Tensor, targets: Tensor) -> float:
        """Return the accuracy."""
        return float((outputs.argmax(1) == targets).double().mean())


class HousesNorthwards(Task):
    """California housing, sorted from the south to the north, neighbours mixed.

    The table has no column of time. Sorted by latitude it drifts: from San Diego by Los Angeles and
    the valley to the Bay Area and on.
    """

    name = "california"
    metric = "squared error"
    better = "lower"
    batch_size = 8
    lr = 0.005
    factors = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
    usual = (120, 160)
    about = (
        "California housing sorted by latitude plus noise, from the south to the north: the table "
        "has no column of time; perceptron with two hidden layers of 64, errors in squared "
        "standard deviations of the target"
    )
    _START = 1440

    def stream(self, folder: Path | None, seed: int) -> Stream:
        """Sort the houses; see `in_order`."""
        inputs, targets = _houses(require_files(folder, "california_housing.csv"))
        return in_order(
            inputs, targets, seed=seed, windows=self.windows, size=self.size, start=self._START
        )

    def model(self) -> nn.Module:
        """Return a perceptron with two hidden layers of 64."""
        return build_model("mlp", inputs=13, classes=1, hidden=(64, 64))

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return squared errors."""
        return (outputs[:, 0] - targets).square()

    def score(self, outputs: Tensor, targets: Tensor) -> float:
        """Return the mean squared error."""
        return float(self.losses(outputs, targets).double().mean())


TASKS: dict[str, type[Task]] = {task.name: task for task in (TurningDigits, HousesNorthwards)}


def turning(
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    *,
    seed: int,
    windows: int,
    size: int,
    start: int,
    turn: float = TURN,
) -> Stream:
    """Return images (N, 784) as a stream that turns at an even pace, from 0 to `turn` degrees.

    The mix of classes moves between draws of a Dirichlet distribution, `MIXES` of them; before the
    stream all are equally likely. The images of a class are shuffled and dealt; once all have been
    seen they come again, turned further.
    """
    rng = np.random.default_rng([seed, 1])
    classes = int(labels.max()) + 1
    decks = [_Deck(np.nonzero(labels == c)[0], rng) for c in range(classes)]
    anchors = rng.dirichlet(np.ones(classes), MIXES)
    places = np.linspace(0, MIXES - 1, windows)
    found = []
    for t in range(-1, windows):  # before the first comes the part that the model is made on
        count = start if t < 0 else size
        mix = np.full(classes, 1 / classes) if t < 0 else _between(anchors, places[t])
        drawn = rng.choice(classes, count, p=mix)
        rows = np.array([decks[c].deal() for c in drawn])
        angle = 0.0 if t < 0 else turn * t / max(1, windows - 1)
        pictures = torch.from_numpy(images[rows].astype(np.float32) / 255)
        first = 0 if t < 0 else start + t * size
        found.append(
            Window(
                torch.arange(first, first + count),
                turned(pictures, angle),
                torch.from_numpy(labels[rows].astype(np.int64)),
            )
        )
    return Stream(found[0], found[1:])


def turned(pictures: Tensor, degrees: float) -> Tensor:
    """Return square pictures (n, side * side) turned about their middle, bilinearly."""
    if not degrees:
        return pictures
    side = round(pictures.shape[1] ** 0.5)
    radians = np.deg2rad(degrees)
    cos, sin = float(np.cos(radians)), float(np.sin(radians))
    matrix = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0]])
    # All have one grid: pictures are channels of one image, which is several times faster.
    grid = functional.affine_grid(matrix[None], [1, 1, side, side], align_corners=False)
    images = pictures.view(1, -1, side, side)
    return functional.grid_sample(images, grid, align_corners=False).reshape(pictures.shape)


def in_order(
    inputs: NDArray[np.float32],
    targets: NDArray[np.float32],
    *,
    seed: int,
    windows: int,
    size: int,
    start: int,
    column: int = SORTED_BY,
    noise: float = NOISE,
) -> Stream:
    """Return a table sorted by a column plus noise; `start` rows come before the windows.

    Where they need fewer rows than there are, rows are left out evenly along the order.

    Raises
    ------
    InvalidOption
        If they need more.
    """
    needed = start + windows * size
    if needed > len(targets):
        raise InvalidOption(
            f"{windows} windows of {size} and {start} rows before them need {needed} rows; the "
            f"table has {len(targets)}"
        )
    rng = np.random.default_rng([seed, 2])
    key = inputs[:, column] + noise * inputs[:, column].std() * rng.standard_normal(len(targets))
    order = np.argsort(key, kind="stable")
    order = order[np.linspace(0, len(order) - 1, needed).astype(np.int64)]
    x, y = torch.from_numpy(inputs[order]), torch.from_numpy(targets[order])
    ids = torch.arange(len(order))
    cuts = [0, *(start + t * size for t in range(windows + 1))]
    parts = [Window(ids[a:b], x[a:b], y[a:b]) for a, b in pairwise(cuts)]
    return Stream(parts[0], parts[1:])


class _Deck:
    """Rows of one class, dealt one by one, again from the front at the end."""

    def __init__(self, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
        self._rows, self._next = rng.permutation(rows), 0

    def deal(self) -> int:
        self._next += 1
        return int(self._rows[(self._next - 1) % len(self._rows)])


def _between(anchors: NDArray[np.float64], place: float) -> NDArray[np.float64]:
    before = min(int(place), len(anchors) - 2)
    share = place - before
    mix: NDArray[np.float64] = (1 - share) * anchors[before] + share * anchors[before + 1]
    mix /= mix.sum()
    return mix


@lru_cache(maxsize=1)
def _digits(folder: Path) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    return read_images(folder).train


@lru_cache(maxsize=1)
def _houses(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return all rows, standardised by four fifths of them, drawn at random."""
    (x, y), (more_x, more_y) = read_table(folder, "california")[0][:2]
    return np.concatenate([x, more_x]), np.concatenate([y, more_y])
