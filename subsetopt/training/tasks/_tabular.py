"""Regression on tables: California housing, airfoil self-noise, white wine."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from subsetopt._options import check, documented, option
from subsetopt.errors import InvalidFile
from subsetopt.formats import _sources
from subsetopt.training.data._array_dataset import ArrayDataset, found_in
from subsetopt.training.data._splits import Data
from subsetopt.training.networks import build_model
from subsetopt.training.run import Recipe

from .base import TEST, TRAIN, Regression, require_files


@dataclass(frozen=True)
class TabularFile:
    """A CSV file with a header.

    Parameters
    ----------
    file : str
    target : str
        The column to predict; the others are inputs.
    categories : tuple of str
        The values of the one column of text, `category`, each of which becomes a column of 0 and 1.
    """

    file: str
    target: str
    category: str = ""
    categories: tuple[str, ...] = ()


TABLES = {
    "california": TabularFile(
        "california_housing.csv",
        "median_house_value",
        "ocean_proximity",
        ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN"),
    ),
    "airfoil": TabularFile("airfoil_self_noise.csv", "sound_pressure_db"),
    "wine": TabularFile("wine_quality_white.csv", "quality"),
}


@documented
@dataclass(kw_only=True, eq=False)
class Tabular(Regression):
    """A table's number, predicted by a perceptron; errors in standard deviations of the target.

    The standard deviation itself, of the training part, is ``target_scale`` among the facts.
    """

    name = "tabular"
    metric = "rmse"
    recipe = Recipe(
        epochs=100, batch_size=128, lr=0.01, momentum=0.9, schedule="linear", quick_epochs=5
    )

    dataset: str = option("Table to learn.", "california", choices=tuple(TABLES))
    train: int | None = option(TRAIN, None, ge=1)
    test: int | None = option(TEST, None, ge=1)

    def __post_init__(self) -> None:
        check(self)

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


def read_table(
    folder: Path, name: str, *, seed: int = 0, test_share: float = 0.2
) -> tuple[ArrayDataset, float]:
    """Return a table, float32, split at random, and the standard deviation of the target.

    Inputs (n, d) and targets (n,) have mean 0 and standard deviation 1 in the training part. A
    missing number (207 of California's ``total_bedrooms``) is the median of the training part. Rows
    that occur twice, as a fifth of the wines do, are kept, so that the test part repeats some of
    the training part. The file is looked for in ``folder/regression`` and in `folder`.

    """
    table = TABLES[name]
    path = found_in(folder, "regression", table.file)
    inputs, targets = _columns(table, path)
    order = np.random.default_rng(seed).permutation(len(targets))
    count = max(1, round(test_share * len(order)))
    test, train = np.sort(order[:count]), np.sort(order[count:])
    if len(train) < 2:
        raise InvalidFile(f"{path} must have at least 3 rows; got {len(order)}")
    inputs = np.where(np.isnan(inputs), np.nanmedian(inputs[train], axis=0), inputs)
    scaled = _standardised(inputs, train)[0].astype(np.float32)
    target, scale = _standardised(targets, train)
    numbers = target.astype(np.float32)
    first, second = ((scaled[part], numbers[part]) for part in (train, test))
    return ArrayDataset(first, second, table.file), float(scale)


def _columns(table: TabularFile, path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    header, *rows = _rows(path)
    if table.target not in header or (table.category and table.category not in header):
        raise InvalidFile(f"{path} has columns {', '.join(header)}; {table.target!r} is missing")
    try:
        columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
        words = columns.pop(table.category, [])
        targets = np.array([float(word) for word in columns.pop(table.target)])
        numbers = np.array([[_number(word) for word in column] for column in columns.values()]).T
    except (IndexError, ValueError) as error:
        raise InvalidFile(f"{path} is damaged: {error}") from error
    unknown = sorted(set(words) - set(table.categories))
    if unknown:
        raise InvalidFile(f"{path} holds {table.category} {unknown[0]!r}, which is not known")
    chosen = [[float(word == known) for known in table.categories] for word in words]
    return (np.hstack([numbers, chosen]) if table.categories else numbers), targets


def _rows(path: Path) -> list[list[str]]:
    try:
        text = _sources.content(path)[0].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path} is not text: {error}") from error
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if len(rows) < 4:
        raise InvalidFile(f"{path} must have a header and at least 3 rows; got {len(rows)} lines")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise InvalidFile(f"{path} has {len(row)} of {len(rows[0])} columns in row {number}")
    return rows


def _number(word: str) -> float:
    return float(word) if word.strip() else np.nan


def _standardised(
    values: NDArray[np.float64], train: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values to mean 0 and deviation 1 in the training part, and the deviation."""
    mean, deviation = values[train].mean(axis=0), values[train].std(axis=0)
    return (values - mean) / np.where(deviation > 0, deviation, 1.0), deviation
