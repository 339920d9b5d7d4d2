"""Column by column: chosen rows of a table beside all of them, and beside random rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._marginals import DRAWS, EmpiricalColumn, mean_and_std
from subsetopt.report._number_format import factor

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
    n = len(columns[0].cells)
    generator = np.random.default_rng([seed, _STREAM])
    random = [np.sort(generator.choice(n, chosen.size, replace=False)) for _ in range(DRAWS)]
    return tuple(
        _compared(column, None if others is None else others[c], chosen, random)
        for c, column in enumerate(columns)
    )


def _compared(
    column: TableColumn,
    other: TableColumn | None,
    chosen: NDArray[np.int64],
    random: list[NDArray[np.int64]],
) -> ColumnComparison:
    both = EmpiricalColumn(column.cells, None if other is None else other.cells)
    ours = column.cells[chosen]
    about: dict[str, Any] = dict.fromkeys(("mean", "std", "chosen_mean", "chosen_std"))
    if both.is_labels:
        lost = ours == ""
        names = [level or ABSENT for level in both.levels.tolist()]
        about["shares"] = dict(zip(names, both.shares.tolist(), strict=True))
        about["chosen_shares"] = dict(zip(names, both.shares_of(chosen)[0].tolist(), strict=True))
    else:
        lost = np.isnan(ours)
        about["mean"], about["std"] = mean_and_std(column.cells if other is None else other.cells)
        if not lost.all():
            about["chosen_mean"], about["chosen_std"] = mean_and_std(ours)
    return ColumnComparison(
        name=column.name,
        kind=column.kind,
        distance=float(both.distances(chosen)[0]),
        random_distance=float(np.median([both.distances(rows) for rows in random])),
        missing=column.missing,
        chosen_missing=int(lost.sum()),
        **about,
    )


def times(random: float, own: float) -> str:
    """Say how much further random rows are."""
    if own <= 0:
        return "the chosen are as the whole"
    ratio = random / own
    if ratio < 1.05:
        return "no further than the chosen" if ratio > 0.95 else "closer than the chosen"
    return f"{factor(ratio)} times as far"
