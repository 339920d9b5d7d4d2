"""Column by column: the parts of a table and all of its rows, with random parts as baseline."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._marginals import EmpiricalColumn, mean_and_std

from ._table_columns import Kind, TableColumn
from ._table_features import ABSENT


@dataclass(frozen=True)
class PartColumn:
    """One column of all rows and of each part.

    Parameters
    ----------
    name : str
    kind : {"number", "date", "category"}
    mean, std : float or None
        Of all rows in the units of the column, of dates in days since 1970; None of categories.
    means, stds : tuple of float
        Of each part; NaN where it has no value, empty for categories.
    distances : tuple of float
        Of each part and all rows, in [0, 1]: Kolmogorov-Smirnov of numbers and dates, the largest
        difference of the two distribution functions; total variation of categories, half the sum
        of the differences of their shares.
    random_distance : float
        The median over random partitions of the largest of these distances.
    stratified_distance : float or None
        Likewise, over random partitions that are balanced as this one; None without `by`.
    shares : mapping of str to float
        Of each category; empty for others.
    part_shares : tuple of mapping
        Likewise, of each part.
    """

    name: str
    kind: Kind
    mean: float | None
    std: float | None
    means: tuple[float, ...]
    stds: tuple[float, ...]
    distances: tuple[float, ...]
    random_distance: float
    stratified_distance: float | None
    shares: Mapping[str, float] = field(default_factory=dict)
    part_shares: tuple[Mapping[str, float], ...] = ()

    @property
    def distance(self) -> float:
        """The largest of the distances: that of the part that is furthest from all rows."""
        return max(self.distances)

    @property
    def furthest_mean(self) -> float | None:
        """The mean that differs most from that of all rows; None of categories."""
        if self.mean is None:
            return None
        whole = self.mean
        return max(self.means, key=lambda mean: abs(mean - whole) if mean == mean else -1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self) | {"distance": self.distance}


Partitions = Iterable[NDArray[np.int64]]


def compared_parts(
    columns: Sequence[TableColumn],
    parts: NDArray[np.int64],
    count: int,
    random: Partitions,
    stratified: Partitions | None,
) -> tuple[PartColumn, ...]:
    """Compare every part with all rows; O(n log n + draws n) for each column.

    Missing numbers are left out, a missing category is one of its own.

    Parameters
    ----------
    columns : sequence of TableColumn
    parts : ndarray of int64 (n,)
    count : int
        The number of parts.
    random, stratified : iterable of ndarray of int64 (n,)
        Partitions that are the baselines.
    """
    drawn = list(random)
    balanced = None if stratified is None else list(stratified)
    return tuple(_compared(column, parts, count, drawn, balanced) for column in columns)


def _compared(
    column: TableColumn,
    parts: NDArray[np.int64],
    count: int,
    random: list[NDArray[np.int64]],
    stratified: list[NDArray[np.int64]] | None,
) -> PartColumn:
    own = EmpiricalColumn(column.cells)

    def distances(parts: NDArray[np.int64]) -> NDArray[np.float64]:
        return own.distances(slice(None), parts, count)

    def median(drawn: list[NDArray[np.int64]]) -> float:
        return float(np.median([distances(one).max() for one in drawn]))

    def named(shares: NDArray[np.float64]) -> dict[str, float]:
        return dict(
            zip([level or ABSENT for level in own.levels.tolist()], shares.tolist(), strict=True)
        )

    about: dict[str, Any] = {"mean": None, "std": None, "means": (), "stds": ()}
    if column.kind == "category":
        about["shares"] = named(own.shares)
        about["part_shares"] = tuple(map(named, own.shares_of(slice(None), parts, count)))
    else:
        about["mean"], about["std"] = mean_and_std(own.values)
        each = (mean_and_std(own.values[parts == part]) for part in range(count))
        about["means"], about["stds"] = zip(*each, strict=True)
    return PartColumn(
        name=column.name,
        kind=column.kind,
        distances=tuple(distances(parts).tolist()),
        random_distance=median(random),
        stratified_distance=None if stratified is None else median(stratified),
        **about,
    )
