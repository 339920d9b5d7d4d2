"""Result of `coreset`: the chosen rows, and their distance from all."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._csv_cells import csv_text
from subsetopt._files import replacing, suffix_of
from subsetopt._marginals import worst
from subsetopt.report import Forest, Interval, Table
from subsetopt.report._figure import Plotted
from subsetopt.report._samples import distances_forest
from subsetopt.solution import Termination

if TYPE_CHECKING:
    from subsetopt._marginals import Marginal

__all__ = ["Coreset"]


@dataclass(frozen=True, eq=False)
class Coreset(Plotted):
    """k rows that resemble all, with random rows as baseline.

    Every MMD is the root, between the rows themselves. `plot` draws it, and the columns that are
    furthest from all rows.

    Parameters
    ----------
    indices : ndarray of int64 (k,)
        Where the chosen stand among all rows, ascending.
    ids : ndarray (k,) or None
        What the source calls them, in the order of `indices`.
    weights : ndarray of float64 (k,) or None
        Weights of the chosen, which sum to 1; None where all weigh alike.
    mmd : float
        Of the chosen, weighing alike, and all rows, or those of the target.
    mmd_error : float
        Its standard error; 0 where all rows are witnesses, see `coreset`.
    weighted_mmd : float or None
        The MMD with `weights`.
    weights_gap : float or None
        By how much the squared MMD of other weights of these rows may be less, at most.
    random_mmd : float
        The root mean square of that of random selections of as many rows.
    n : int
        Rows of the source.
    pool : int
        Candidates that the chosen were chosen from, a uniform sample of all rows.
    kernel : Kernel
        With its scale as a number; that of the scaled features, where they are scaled.
    columns : tuple of Marginal
        How the chosen resemble all rows, or those of the target, column by column: means, standard
        deviations and shifts are those of all, KS distances those of a sample, see `sample`. Empty
        for more than 64 columns.
    seconds : mapping of str to float
        By phase: "survey", "means", "choosing", "judging"; before them "reading", of what can be
        read once.
    groups : mapping of str to mapping of str to int
        How many of the chosen each group has, by the columns that quotas name.
    message : str
        What to know of it; empty where there is nothing.
    sample : int or None
        Rows of the uniform sample whose distribution functions `columns` has; None where they are
        those of all.
    termination : Termination
        Why the exchanges ended: `INTERRUPTED` by Ctrl-C or `TIME_LIMIT` with the best so far, else
        all that were planned are done.
    """

    indices: NDArray[np.int64]
    ids: NDArray[Any] | None
    weights: NDArray[np.float64] | None
    mmd: float
    mmd_error: float
    weighted_mmd: float | None
    weights_gap: float | None
    random_mmd: float
    n: int
    pool: int
    kernel: Any
    columns: tuple["Marginal", ...]
    seconds: Mapping[str, float]
    groups: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    message: str = ""
    sample: int | None = None
    termination: Termination = Termination.FINISHED

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        return (
            f"Coreset(k={len(self)}, n={self.n}, mmd={self.mmd:.3g}, "
            f"random_mmd={self.random_mmd:.3g})"
        )

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the exchanges, so that these are the best so far."""
        return self.termination is Termination.INTERRUPTED

    @property
    def ending(self) -> str:
        """What to say of exchanges that were ended early; else empty."""
        if self.interrupted:
            return "interrupted: the best so far"
        by_limit = self.termination is Termination.TIME_LIMIT
        return "stopped by the time limit" if by_limit else ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        plain = {name: getattr(self, name) for name in ("mmd", "mmd_error", "random_mmd")}
        return {
            "indices": self.indices.tolist(),
            "ids": None if self.ids is None else [_plain_id(one) for one in self.ids.tolist()],
            "weights": None if self.weights is None else self.weights.tolist(),
            **plain,
            "weighted_mmd": self.weighted_mmd,
            "weights_gap": self.weights_gap,
            "n": self.n,
            "pool": self.pool,
            "kernel": repr(self.kernel),
            "columns": [column.to_dict() for column in self.columns],
            "seconds": dict(self.seconds),
            "groups": {name: dict(counts) for name, counts in self.groups.items()},
            "message": self.message,
            "sample": self.sample,
            "termination": str(self.termination),
        }

    def table(self) -> "Table[Mapping[str, Any]]":
        """Return the chosen as a table of `subsetopt.report`, for terminals and files."""
        named = {"index": self.indices, "id": self.ids, "weight": self.weights}
        given = {
            name: [_plain_id(value) for value in values.tolist()]
            for name, values in named.items()
            if values is not None
        }
        rows = [
            dict(zip(given, values, strict=True)) for values in zip(*given.values(), strict=True)
        ]
        return Table.of_records(rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file, whole or not at all.

        Parameters
        ----------
        path : path
            .csv or .parquet, with the columns index, id and weight as far as there are some; or
            .json, which holds `to_dict`.

        Raises
        ------
        InvalidOption
            For another suffix.
        OSError
            If the file cannot be written.
        """
        import pyarrow as pa
        from pyarrow import parquet

        suffix = suffix_of(path, (".csv", ".parquet", ".json"))
        named = {"index": self.indices, "id": self.ids, "weight": self.weights}
        table = pa.table({name: pa.array(one) for name, one in named.items() if one is not None})
        with replacing(path) as stream:
            if suffix == ".json":
                stream.write(json.dumps(self.to_dict(), allow_nan=False).encode())
            elif suffix == ".csv":
                columns = [column.to_pylist() for column in table.columns]
                rows = [table.column_names, *zip(*columns, strict=True)]
                stream.write(csv_text(rows).encode())
            else:
                parquet.write_table(table, stream)

    def to_pandas(self) -> Any:
        """Return index, id and weight of the chosen as a pandas data frame."""
        return self.table().to_frame()

    def _figure(self) -> Forest:
        rows = [Interval("MMD", self.mmd, note=f"{self.mmd:.3g}", kind="good")]
        rows.append(
            Interval("random", self.random_mmd, note=f"{self.random_mmd:.3g}", is_part=True)
        )
        for column in worst(self.columns, 12):
            name, note = f"KS of {column.name}", f"{column.ks:.3g}"
            rows.append(Interval(name, column.ks, note=note, kind="good"))
            random = f"{column.random_ks:.3g}"
            rows.append(Interval("random", column.random_ks, note=random, is_part=True))
        about = "distance from all rows, random rows as baseline; further left is better"
        return distances_forest(f"{len(self):,} of {self.n:,} rows", about, rows)


def _plain_id(one: Any) -> Any:
    """Return a name as JSON can hold it: numbers as they are, all else as text."""
    return one if isinstance(one, int | float | str) else str(one)
