"""Regression on tables."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from subsetopt.errors import InvalidOption
from subsetopt.training.data._splits import Data
from subsetopt.training.data._tabular_files import TABLES, read_table
from subsetopt.training.networks import build_model
from subsetopt.training.recipe import Recipe

from .base import Regression, require_files


@dataclass(kw_only=True, eq=False)
class Tabular(Regression):
    """A table's number, predicted by a perceptron; errors in standard deviations of the target.

    The standard deviation itself, of the training part, is ``target_scale`` among the facts.

    Parameters
    ----------
    dataset : {"california", "airfoil", "wine"}
        `subsetopt.training.data._tabular_files.read_table` says how it is read and split.
    train, test : int, optional
        So many of the samples, drawn once for each split; None is all.
    """

    name = "tabular"
    metric = "rmse"
    recipe = Recipe(
        epochs=100, batch_size=128, lr=0.01, momentum=0.9, schedule="linear", quick_epochs=5
    )

    dataset: str = "california"
    train: int | None = None
    test: int | None = None

    def __post_init__(self) -> None:
        if self.dataset not in TABLES:
            known = ", ".join(TABLES)
            raise InvalidOption(f"dataset must be one of {known}; got {self.dataset!r}")

    def load(self, folder: Path | None = None, *, download: bool = False, seed: int = 0) -> Data:
        """Read the table; the seed is of the split."""
        where = require_files(folder, TABLES[self.dataset].file)
        arrays, scale = read_table(where, self.dataset, seed=seed)
        data = arrays.data(None, dataset=self.dataset, target_scale=scale)
        return data.fewer(self.train, self.test)

    def model(self, data: Data) -> nn.Module:
        """Return a perceptron with two hidden layers of 64."""
        inputs = data.train.inputs.shape[1]
        return build_model("mlp", inputs=inputs, classes=1, hidden=(64, 64))

    def prepare(self, inputs: Tensor) -> Tensor:
        """Return the standardised inputs as they are."""
        return inputs
