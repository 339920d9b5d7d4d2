"""Column by column: chosen rows of a table beside all of them, and beside random rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._marginals import DRAWS, EmpiricalColumn

from ._table_columns import Kind, TableColumn
from ._table_features import ABSENT

__all__ = ["ColumnComparison"]

_STREAM = 4  # of its own: solvers draw from default_rng(seed), other baselines from 1 and 3


@dataclass(frozen=True)
class ColumnComparison:
    """One column of the chosen rows and of those that they stand for.

    Parameters
    ----------
    name : str
    kind : {"number", "date", "category"}
    mean, std, chosen_mean, chosen_std : float or None
        In the units of the column, of dates in days since 1970; None of categories.
    distance : float
        In [0, 1]: the Kolmogorov-Smirnov distance of numbers and dates, the largest difference of
        the two distribution functions; the total variation distance of categories, half the sum of
        the differences of their shares.
    random_distance : float
        The median of it over random selections of as many rows.
    missing, chosen_missing : int
        Rows without a value, of all and of the chosen.
    shares, chosen_shares : mapping of str to float
        Of each category; empty for others.
    """

    name: str
    kind: Kind
    mean: float | None
    std: float | None
    chosen_mean: float | None
    chosen_std: float | None
    distance: float
    random_distance: float
    missing: int = 0
    chosen_missing: int = 0
    shares: Mapping[str, float] = field(default_factory=dict)
    chosen_shares: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def compared(
    columns: Sequence[TableColumn],
    chosen: NDArray[np.int64],
    others: Sequence[TableColumn] | None = None,
    seed: int = 0,
) -> tuple[ColumnComparison, ...]:
    """Compare the chosen rows with all, or with those of another table, and random rows likewise.

    Missing numbers are left out, a missing category is one of its own. O(n log n + draws n) for
    each column.
    """
    n = len(_cells(columns[0]))
    generator = np.random.default_rng([seed, _STREAM])
    random = [np.sort(generator.choice(n, chosen.size, replace=False)) for _ in range(DRAWS)]
    return tuple(
        _compared(column, other, chosen, random)
        for column, other in zip(columns, others or columns, strict=True)
    )


def _cells(column: TableColumn) -> NDArray[Any]:
    cells = column.labels if column.numbers is None else column.numbers
    assert cells is not None
    return cells


def _compared(
    column: TableColumn,
    other: TableColumn,
    chosen: NDArray[np.int64],
    random: list[NDArray[np.int64]],
) -> ColumnComparison:
    if column.kind == "category":
        return _categories(column, other, chosen, random)
    assert column.numbers is not None
    assert other.numbers is not None
    both = EmpiricalColumn(column.numbers, None if other is column else other.numbers)
    ours = both.of(chosen)
    return ColumnComparison(
        name=column.name,
        kind=column.kind,
        mean=both.mean,
        std=both.std,
        chosen_mean=float(ours.mean()) if ours.size else None,
        chosen_std=float(ours.std()) if ours.size else None,
        distance=both.ks(chosen),
        random_distance=float(np.median([both.ks(rows) for rows in random])),
        missing=column.missing,
        chosen_missing=len(chosen) - ours.size,
    )


def _categories(
    column: TableColumn,
    other: TableColumn,
    chosen: NDArray[np.int64],
    random: list[NDArray[np.int64]],
) -> ColumnComparison:
    assert column.labels is not None
    assert other.labels is not None
    levels, codes = np.unique(
        np.concatenate([column.labels, other.labels]).astype(str), return_inverse=True
    )
    ours, theirs = codes[: len(column.labels)], codes[len(column.labels) :]
    aim = np.bincount(theirs, minlength=levels.size) / theirs.size

    def shares(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.bincount(ours[rows], minlength=levels.size) / rows.size

    def distance(rows: NDArray[np.int64]) -> float:
        return float(np.abs(shares(rows) - aim).sum() / 2)

    names = [level or ABSENT for level in levels.tolist()]
    return ColumnComparison(
        name=column.name,
        kind=column.kind,
        mean=None,
        std=None,
        chosen_mean=None,
        chosen_std=None,
        distance=distance(chosen),
        random_distance=float(np.median([distance(rows) for rows in random])),
        missing=column.missing,
        chosen_missing=int((column.labels[chosen] == "").sum()),
        shares=dict(zip(names, aim.tolist(), strict=True)),
        chosen_shares=dict(zip(names, shares(chosen).tolist(), strict=True)),
    )
