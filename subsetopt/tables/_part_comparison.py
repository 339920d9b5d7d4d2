"""Column by column: the parts of a table and all of its rows, with random parts as baseline."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    return tuple(_compared(_Places.of(one), parts, count, drawn, balanced) for one in columns)


@dataclass(frozen=True, eq=False)
class _Places:
    """A column as places in the order of its values; past the last are missing numbers."""

    column: TableColumn
    places: NDArray[Any]
    levels: NDArray[Any]

    @classmethod
    def of(cls, column: TableColumn) -> "_Places":
        if column.kind == "category":
            assert column.labels is not None
            levels, places = np.unique(column.labels.astype(str), return_inverse=True)
            return cls(column, places, levels)
        assert column.numbers is not None
        missing = np.isnan(column.numbers)
        levels = np.unique(column.numbers[~missing])
        return cls(
            column,
            np.where(missing, levels.size, np.searchsorted(levels, column.numbers)),
            levels,
        )

    def counts(self, parts: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return how many rows of each part have each value (count, levels)."""
        width = self.levels.size + 1
        counted = np.bincount(parts * width + self.places, minlength=count * width)
        return np.asarray(counted.reshape(count, width)[:, :-1], np.int64)

    def shares(self, parts: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """Return the shares of these values; of a part without one NaN."""
        counts = self.counts(parts, count)
        with np.errstate(invalid="ignore"):
            return np.asarray(counts / counts.sum(axis=1, keepdims=True))

    @cached_property
    def whole(self) -> NDArray[np.float64]:
        return np.asarray(self.shares(np.zeros(len(self.places), np.int64), 1)[0])

    def distances(self, parts: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """Return how far each part is from all rows (count,); 1 for one without a value."""
        gaps = self.shares(parts, count) - self.whole
        if self.column.kind == "category":
            far = np.abs(gaps).sum(axis=1) / 2
        else:
            far = np.abs(np.cumsum(gaps, axis=1)).max(axis=1)
        return np.asarray(np.where(np.isnan(far), 1.0, far), np.float64)


def _compared(
    places: _Places,
    parts: NDArray[np.int64],
    count: int,
    random: list[NDArray[np.int64]],
    stratified: list[NDArray[np.int64]] | None,
) -> PartColumn:
    def median(drawn: list[NDArray[np.int64]]) -> float:
        return float(np.median([places.distances(one, count).max() for one in drawn]))

    column = places.column
    numbers = column.kind != "category"
    whole = _moments(column.numbers) if numbers else (None, None)
    each = [_moments(column.numbers[parts == part]) for part in range(count)] if numbers else []  # type: ignore[index]
    names = [] if numbers else [str(level) or ABSENT for level in places.levels]
    shares = [] if numbers else places.shares(parts, count).tolist()
    return PartColumn(
        name=column.name,
        kind=column.kind,
        mean=whole[0],
        std=whole[1],
        means=tuple(mean for mean, _ in each),
        stds=tuple(std for _, std in each),
        distances=tuple(places.distances(parts, count).tolist()),
        random_distance=median(random),
        stratified_distance=None if stratified is None else median(stratified),
        shares={} if numbers else dict(zip(names, places.whole.tolist(), strict=True)),
        part_shares=tuple(dict(zip(names, one, strict=True)) for one in shares),
    )


def _moments(numbers: NDArray[np.float64] | None) -> tuple[float, float]:
    assert numbers is not None
    known = numbers[~np.isnan(numbers)]
    return (float(known.mean()), float(known.std())) if known.size else (np.nan, np.nan)
