"""Real data that drift: pictures that turn while their classes come and go, houses from the south.

A stream is made from its seed alone. It begins with a part that a model is trained on before it is
deployed; windows of instances follow, each of which is served once and trained on afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from subsetopt.errors import InvalidOption
from subsetopt.training.data._splits import TensorSplit
from subsetopt.training.tasks._images import read_images
from subsetopt.training.tasks._tabular import read_table
from subsetopt.training.tasks.base import require_files

TURN = 120.0
"""Degrees by which the pictures have turned at the end."""
MIXES = 7
"""Class mixes along a stream; between two of them it is interpolated."""
SORTED_BY = 1
"""The column of California's table that its stream is sorted by: the latitude."""
NOISE = 0.5
"""Added to it, in standard deviations of the column: neighbours are mixed, and drift is slow."""
Arrays = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Stream:
    """Instances in the order in which they arrive; ids are their places."""

    split: TensorSplit
    start: int
    size: int
    """How many come before the model is deployed, and in each window after these."""

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return (len(self.split) - self.start) // self.size

    def window(self, number: int) -> Tensor:
        """Return the ids of a window."""
        first = self.start + number * self.size
        return torch.arange(first, first + self.size)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Data that drift, and how a model is trained on them.

    `start`, `windows` and `size` are those of a stream where nothing else is said; `made` is
    `turning` or `in_order`, which takes what `read` returns.
    """

    task: str
    """Of `subsetopt.training.tasks`: the model, its losses and metrics."""
    metric: str
    better: str
    batch_size: int
    lr: float
    """Before the model is deployed, and where none is tuned."""
    factors: tuple[float, ...]
    """What the learning rate is multiplied by in tuning."""
    start: int
    windows: int
    size: int
    read: Callable[[Path | None], Arrays]
    made: Callable[..., Stream]

    def stream(self, folder: Path | None, seed: int, windows: int, size: int) -> Stream:
        """Return the stream of a seed, from the files in the folder of data."""
        for name, value in (("windows", windows), ("size", size)):
            if value < 1:
                raise InvalidOption(f"{name} must be an integer >= 1; got {value}")
        arrays = self.read(folder)
        return self.made(*arrays, seed=seed, windows=windows, size=size, start=self.start)


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

    The mix of classes moves between samples of a Dirichlet distribution, `MIXES` of them; before
    the stream all are equally likely. The images of a class are shuffled and dealt; once all have
    been seen they come again, turned further.
    """
    rng = np.random.default_rng([seed, 1])
    classes = int(labels.max()) + 1
    decks = [_Deck(np.nonzero(labels == c)[0], rng) for c in range(classes)]
    anchors = rng.dirichlet(np.ones(classes), MIXES)
    places = np.linspace(0, MIXES - 1, windows)
    inputs, targets = [], []
    for t in range(-1, windows):  # before the first comes the part that the model is made on
        mix = np.full(classes, 1 / classes) if t < 0 else _between(anchors, places[t])
        drawn = rng.choice(classes, start if t < 0 else size, p=mix)
        rows = np.array([decks[c].deal() for c in drawn])
        angle = 0.0 if t < 0 else turn * t / max(1, windows - 1)
        inputs.append(turned(torch.from_numpy(images[rows].astype(np.float32) / 255), angle))
        targets.append(torch.from_numpy(labels[rows].astype(np.int64)))
    return Stream(TensorSplit(torch.cat(inputs), torch.cat(targets)), start, size)


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
    split = TensorSplit(torch.from_numpy(inputs[order]), torch.from_numpy(targets[order]))
    return Stream(split, start, size)


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
def _digits(folder: Path | None) -> Arrays:
    return read_images(require_files(folder, "MNIST")).train


@lru_cache(maxsize=1)
def _houses(folder: Path | None) -> Arrays:
    """Return all rows, standardised by four fifths of them, drawn at random."""
    where = require_files(folder, "california_housing.csv")
    (x, y), (more_x, more_y) = read_table(where, "california")[0][:2]
    return np.concatenate([x, more_x]), np.concatenate([y, more_y])


DRIFTS = {
    "mnist": Drift(
        task="mnist", metric="accuracy", better="higher", batch_size=20, lr=0.1,
        factors=(0.5, 1.0, 2.0), start=1000, windows=120, size=400, read=_digits, made=turning,
    ),
    "california": Drift(
        task="tabular:dataset=california", metric="loss", better="lower", batch_size=8, lr=0.005,
        factors=(0.125, 0.25, 0.5, 1.0, 2.0, 4.0), start=1440, windows=120, size=160,
        read=_houses, made=in_order,
    ),
}  # fmt: skip
