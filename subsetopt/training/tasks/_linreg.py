"""One straight line, with noise, and outliers where they are asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from subsetopt._checks import require, require_integer
from subsetopt.training.data._array_dataset import ArrayDataset, Pair
from subsetopt.training.data._splits import Data
from subsetopt.training.networks import build_model
from subsetopt.training.run import Recipe

from .base import Regression

TRAIN, TEST = 1_000, 10_000
NOISE = 25 / 3
"""The variance of U(-5, 5): the loss of the line itself."""


@dataclass(kw_only=True, eq=False)
class LinearRegression(Regression):
    """``y = 2 x + 1 + U(-5, 5)``, 1,000 training and 10,000 test samples.

    Parameters
    ----------
    outliers : int
        To so many of the training samples U(-20, 20) is added; the paper's figure has 20. Test
        samples are never outliers. With the same seed, all else is the same without them.
    x_range : (float, float)
        x is uniform between these. The paper does not say how x is distributed: this is an
        assumption, and so are the batch size, the learning rate and the number of epochs.

    References
    ----------
    One Backward from Ten Forward, section 4.1.
    """

    name = "linreg"
    metric = "loss"
    recipe = Recipe(epochs=100, batch_size=100, lr=0.005, schedule="linear", quick_epochs=20)

    outliers: int = 0
    x_range: tuple[float, float] = (-10.0, 10.0)

    def __post_init__(self) -> None:
        require_integer("outliers", self.outliers, f"[0, {TRAIN}]")
        require("x_range", self.x_range, _is_range(self.x_range), "two numbers, low < high")

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Draw the samples; the seed is all that they depend on."""
        children = np.random.SeedSequence(seed).spawn(3)
        rngs = [np.random.default_rng(child) for child in children]
        inputs, targets = self._drawn(TRAIN, rngs[0])
        far = rngs[2].choice(TRAIN, self.outliers, replace=False)
        targets[far] += rngs[2].uniform(-20, 20, self.outliers).astype(np.float32)
        test = self._drawn(TEST, rngs[1])
        arrays = ArrayDataset((inputs, targets), test, "drawn")
        facts = {"outliers": self.outliers, "x_range": list(self.x_range), "noise": NOISE}
        return arrays.data(None, **facts, test_noise=_noise(*test))

    def _drawn(self, count: int, rng: np.random.Generator) -> Pair:
        x = rng.uniform(*self.x_range, count)
        y = 2 * x + 1 + rng.uniform(-5, 5, count)
        return x[:, None].astype(np.float32), y.astype(np.float32)

    def model(self, data: Data) -> nn.Module:
        """Return a line."""
        return build_model("linear", inputs=1, outputs=1)

    def prepare(self, inputs: Tensor) -> Tensor:
        """Return x as it is."""
        return inputs

    def metrics(self, sums: Any, count: int) -> dict[str, float]:
        """Return the mean squared error, and its `excess` over the variance of the noise.

        The mean of the noise's squares in a test set differs from that variance by 0.07, one
        standard deviation: compare values of `excess` at the same seed, or the loss with
        ``test_noise`` among the facts of the data.
        """
        found = super().metrics(sums, count)
        return {**found, "excess": found["loss"] - NOISE}


def _noise(inputs: Any, targets: Any) -> float:
    """Return the loss of the line itself on these samples."""
    return float(np.square(targets.astype(float) - 2 * inputs[:, 0].astype(float) - 1).mean())


def _is_range(value: Any) -> bool:
    if not isinstance(value, tuple | list) or len(value) != 2:
        return False
    numbers = all(isinstance(each, int | float) for each in value)
    return numbers and bool(torch.tensor(value).isfinite().all()) and value[0] < value[1]
