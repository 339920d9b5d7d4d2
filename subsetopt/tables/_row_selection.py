"""What a selection of rows is: the rows with all their columns, and how well they stand for all."""

import csv
import io
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._baseline import random_objectives
from subsetopt._files import replacing, suffix_of
from subsetopt.errors import InvalidProblem
from subsetopt.problems import MMDSelection
from subsetopt.solution import Solution

from ._row_comparison import DRAWS, ColumnComparison, compared
from ._row_table import RowTable
from ._table_features import TableFeatures

__all__ = ["RowSelection"]


@dataclass(frozen=True, eq=False)
class RowSelection:
    """k rows of a table that represent all of them, with random rows as baseline.

    Parameters
    ----------
    table : RowTable
    indices : ndarray of int64 (k,)
        Of the chosen rows, ascending.
    ids : ndarray (k,) or None
        Their names.
    mmd : float
        Root MMD of the chosen rows and all rows, or those of the target.
    random_mmd : float
        The median of it over random selections of as many rows.
    random_rank : float
        The share of random selections that are at least as good.
    features : TableFeatures
        What rows were compared by.
    target : TableFeatures or None
    columns : tuple of ColumnComparison
    solution : Solution
        Indices, bound, termination and certificate of the search.
    notes : tuple of str
        What was done about missing values.
    """

    table: RowTable
    indices: NDArray[np.int64]
    ids: NDArray[Any] | None
    mmd: float
    random_mmd: float
    random_rank: float
    features: TableFeatures
    target: TableFeatures | None
    columns: tuple[ColumnComparison, ...]
    solution: Solution
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        table: RowTable,
        ids: NDArray[Any] | None,
        features: TableFeatures,
        target: TableFeatures | None,
        problem: MMDSelection,
        solution: Solution,
        seed: int,
    ) -> "RowSelection":
        """Return the selection that a search has ended with.

        Raises
        ------
        InvalidProblem
            If no rows keep the constraints.
        """
        chosen = solution.indices
        if chosen is None:
            raise InvalidProblem(
                f"no {problem.k} rows of {table.name} keep all constraints ({solution.termination}"
                f"{': ' if solution.message else ''}{solution.message}); ask for less"
            )
        random = _root(problem, random_objectives(problem.constrained(None), DRAWS, seed))
        mmd = float(_root(problem, np.array([solution.objective]))[0])
        return cls(
            table=table,
            indices=chosen,
            ids=None if ids is None else ids[chosen],
            mmd=mmd,
            random_mmd=float(np.median(random)),
            random_rank=float(np.mean(random <= mmd)),
            features=features,
            target=target,
            columns=compared(
                features.columns, chosen, None if target is None else target.columns, seed
            ),
            solution=solution,
            notes=features.notes,
        )

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        return (
            f"RowSelection(k={len(self)}, n={len(self.table)}, mmd={self.mmd:.3g}, "
            f"random_mmd={self.random_mmd:.3g})"
        )

    def rows(self) -> Any:
        """Return the chosen rows with all their columns, in the kind of table that was given.

        Files give a `pyarrow.Table`.
        """
        return self.table.take(self.indices)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "indices": self.indices.tolist(),
            "ids": None if self.ids is None else [str(one) for one in self.ids.tolist()],
            "n": len(self.table),
            "mmd": self.mmd,
            "random_mmd": self.random_mmd,
            "random_rank": self.random_rank,
            "columns": [column.to_dict() for column in self.columns],
            "termination": str(self.solution.termination),
            "solver": self.solution.solver,
            "notes": list(self.notes),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the chosen rows with all their columns, whole or not at all.

        Cells of text files are written as they stand there.

        Parameters
        ----------
        path : path
            .csv or .parquet.

        Raises
        ------
        InvalidOption
            For another suffix.
        """
        save_rows(self.table.data.take(self.indices), path)


def save_rows(data: Any, path: str | os.PathLike[str]) -> None:
    """Write a `pyarrow.Table` as .csv or .parquet, whole or not at all."""
    from pyarrow import parquet

    suffix = suffix_of(path, (".csv", ".parquet"))
    with replacing(path) as stream:
        if suffix == ".csv":
            columns = [column.to_pylist() for column in data.columns]
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows(
                [data.column_names, *zip(*columns, strict=True)]
            )
            stream.write(text.getvalue().encode())
        else:
            parquet.write_table(data, stream)


def _root(problem: MMDSelection, objectives: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the root MMD to all rows, or the target, of squared MMDs as the problem has them."""
    to_rest = problem.target is None and problem.weights is None
    share = (problem.n - problem.k) / problem.n if to_rest else 1.0
    return np.sqrt(np.maximum(objectives, 0.0)) * share
