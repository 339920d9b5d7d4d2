"""Tables with a number to predict: California housing, airfoil self-noise, white wine."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidOption

from ._array_dataset import ArrayDataset, content


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


def read_table(
    folder: Path, name: str, *, seed: int = 0, test_share: float = 0.2
) -> tuple[ArrayDataset, float]:
    """Return a table, float32, split at random, and the standard deviation of the target.

    Inputs (n, d) and targets (n,) have mean 0 and standard deviation 1 in the training part. A
    missing number (207 of California's ``total_bedrooms``) is the median of the training part. Rows
    that occur twice, as a fifth of the wines do, are kept, so that the test part repeats some of
    the training part. The file is looked for in ``folder/regression`` and in `folder`.

    Parameters
    ----------
    folder : Path
    name : str
        One of `TABLES`.
    seed : int
        Of the split.
    test_share : float

    Raises
    ------
    InvalidOption
        If no table is called so.
    InvalidFile
        If the file is missing, or no such table.
    """
    if name not in TABLES:
        raise InvalidOption(f"dataset must be one of {', '.join(TABLES)}; got {name!r}")
    table = TABLES[name]
    path = _find(folder, table.file)
    inputs, targets = _columns(table, path)
    order = np.random.default_rng(seed).permutation(len(targets))
    count = max(1, round(test_share * len(order)))
    test, train = np.sort(order[:count]), np.sort(order[count:])
    if len(train) < 2:
        raise InvalidFile(f"{path} has {len(order)} rows; at least 3 are needed")
    inputs = np.where(np.isnan(inputs), np.nanmedian(inputs[train], axis=0), inputs)
    scaled = _standardised(inputs, train)[0].astype(np.float32)
    target, scale = _standardised(targets, train)
    numbers = target.astype(np.float32)
    first, second = ((scaled[part], numbers[part]) for part in (train, test))
    return ArrayDataset(first, second, table.file), float(scale)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / "regression" / name, folder / name):
        if path.is_file():
            return path
    raise InvalidFile(f"no {name} in {folder / 'regression'} or {folder}")


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
        text = content(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path} is no text: {error}") from error
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    if len(rows) < 4:
        raise InvalidFile(f"{path} has {len(rows)} lines; a header and rows are needed")
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
