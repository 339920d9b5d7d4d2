"""Result of a partition: parts, and the MMD between them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.report import Forest, Interval, Table
from subsetopt.report._figure import Plotted
from subsetopt.report._samples import distances_forest
from subsetopt.solution import Termination

__all__ = ["Partition"]

_DRAWN = 10  # pairs in a picture


@dataclass(frozen=True, eq=False)
class Partition(Plotted):
    """Disjoint parts of all rows, with random partitions as baseline.

    Every MMD is the root, between the rows themselves: it is no estimate of a population's. `plot`
    draws that of the pairs that are furthest apart.

    Parameters
    ----------
    parts : ndarray of int64 (n,)
        The part of each row.
    sizes : ndarray of int64 (p,)
        Rows of each part; with groups kept together they may differ from those asked for.
    asked : ndarray of int64 (p,)
        Rows asked for.
    mmd : ndarray of float64 (p, p)
        MMD of each pair of parts.
    mmd_to_whole : ndarray of float64 (p,)
        MMD of each part and all rows.
    objective : float
        The mean over all rows of the squared MMD of the row's part and all rows, as `partition`
        minimises it.
    random_mmd : ndarray of float64 (p, p)
        The medians of `mmd` over random partitions of these sizes.
    stratified_mmd : ndarray of float64 (p, p) or None
        Likewise, over random partitions that are balanced as this one; None without `balance`.
    off_balance : float or None
        By how many rows a class count differs from proportional at most; None without `balance`.
    termination : Termination
    seconds : float
    """

    parts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    asked: NDArray[np.int64]
    mmd: NDArray[np.float64]
    mmd_to_whole: NDArray[np.float64]
    objective: float
    random_mmd: NDArray[np.float64]
    stratified_mmd: NDArray[np.float64] | None
    off_balance: float | None
    termination: Termination
    seconds: float

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __len__(self) -> int:
        return len(self.sizes)

    def __repr__(self) -> str:
        sizes = ", ".join(map(str, self.sizes))
        return f"Partition(sizes=[{sizes}], mmd={self.mmd.max():.3g}, {self.termination})"

    @property
    def indices(self) -> list[NDArray[np.int64]]:
        """The rows of each part, ascending."""
        return [np.flatnonzero(self.parts == part) for part in range(len(self))]

    def pairs(self) -> Iterator[dict[str, Any]]:
        """Yield for each pair of parts its MMD and the baselines."""
        for a in range(len(self)):
            for b in range(a + 1, len(self)):
                row: dict[str, Any] = {"part": a, "other": b, "rows": int(self.sizes[a])}
                row |= {"other_rows": int(self.sizes[b]), "mmd": float(self.mmd[a, b])}
                row["random_mmd"] = float(self.random_mmd[a, b])
                if self.stratified_mmd is not None:
                    row["stratified_mmd"] = float(self.stratified_mmd[a, b])
                yield row

    def table(self) -> "Table[Mapping[str, Any]]":
        """Return the pairs as a table of `subsetopt.report`, for terminals and files."""
        return Table.of_records(list(self.pairs()))

    def to_frame(self) -> Any:
        """Return the pairs as a pandas data frame; MissingDependency without pandas."""
        return self.table().to_frame()

    def _figure(self) -> Forest:
        rows = []
        for pair in sorted(self.pairs(), key=lambda pair: -pair["mmd"])[:_DRAWN]:
            name = f"parts {pair['part']} and {pair['other']}"
            rows.append(Interval(name, pair["mmd"], note=f"{pair['mmd']:.3g}", kind="good"))
            for other in ("stratified", "random"):
                value = pair.get(f"{other}_mmd")
                if value is not None:
                    rows.append(Interval(other, value, note=f"{value:.3g}", is_part=True))
        about = "further left is better; random partitions as baseline"
        return distances_forest("MMD between parts", about, rows)
