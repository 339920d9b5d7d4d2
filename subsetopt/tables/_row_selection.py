"""Result of a selection of rows: the rows, and how well they represent all."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._baseline import random_objectives
from subsetopt._marginals import DRAWS
from subsetopt.errors import InvalidProblem
from subsetopt.problems import MMDSelection
from subsetopt.solution import Termination

from ._row_comparison import ColumnComparison, compared
from ._row_files import save_rows, with_index
from ._row_reading import RowReading
from ._row_report import row_report
from ._table_features import TableFeatures

if TYPE_CHECKING:
    from subsetopt.coresets import Coreset
    from subsetopt.report import Document
    from subsetopt.solution import Solution

    from ._choosing_rows import RowChoice

__all__ = ["RowSelection"]


@dataclass(frozen=True, eq=False, kw_only=True)
class RowSelection(RowReading):
    """k rows of a table that represent all of them, with random rows as baseline.

    Parameters
    ----------
    table, found, features
        The table, what each of its columns was taken for, and what rows were compared by.
    indices : ndarray of int64 (k,)
        Of the chosen rows, ascending.
    mmd : float
        Root MMD of the chosen rows and all rows, or those of the target; of large tables it is
        estimated.
    random_mmd : float
        The median of it over random selections of as many rows.
    random_rank : float or None
        The share of random selections that are at least as good; None of large tables.
    target : TableFeatures or None
    columns : tuple of ColumnComparison
        The columns that were compared.
    solution : Solution or None
        Indices, bound, termination and certificate of the search; None of large tables.
    method : str
        How the rows were chosen, in a sentence.
    interrupted : bool
        Whether Ctrl-C ended the search in a large table, so that these are the best so far.
    """

    indices: NDArray[np.int64]
    mmd: float
    random_mmd: float
    random_rank: float | None
    target: TableFeatures | None
    columns: tuple[ColumnComparison, ...]
    solution: "Solution | None"
    method: str
    interrupted: bool = False

    @classmethod
    def of_solution(
        cls, choice: "RowChoice", problem: MMDSelection, solution: "Solution", seed: int
    ) -> "RowSelection":
        """Return the selection that a search has ended with.

        Raises
        ------
        InvalidProblem
            If no rows keep the constraints.
        """
        if solution.indices is None:
            raise InvalidProblem(
                f"no {problem.k} rows of {choice.table.name} keep all constraints "
                f"({solution.termination}{': ' if solution.message else ''}{solution.message}); "
                "ask for less"
            )
        random = _root(problem, random_objectives(problem.constrained(None), DRAWS, seed))
        mmd = float(_root(problem, np.array([solution.objective]))[0])
        return cls(
            **_shared(choice, solution.indices, seed),
            mmd=mmd,
            random_mmd=float(np.median(random)),
            random_rank=float(np.mean(random <= mmd)),
            solution=solution,
            method=_method(solution),
        )

    @classmethod
    def of_coreset(cls, choice: "RowChoice", few: "Coreset", seed: int) -> "RowSelection":
        """Return the selection that `coreset` has made of a large table."""
        choosing = few.seconds["choosing"]
        passes = sum(few.seconds.values()) - choosing
        method = f"coreset: {few.pool:,} candidates; {passes:.1f} s for passes over all rows, "
        method += f"{choosing:.1f} s to compare and exchange candidates"
        return cls(
            **_shared(choice, few.indices, seed),
            mmd=few.mmd,
            random_mmd=few.random_mmd,
            random_rank=None,
            solution=None,
            method=f"{method}, {few.ending}" if few.ending else method,
            interrupted=few.interrupted,
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

    @property
    def ids(self) -> NDArray[Any] | None:
        """The names of the chosen rows (k,); None where rows have none."""
        return None if self.all_ids is None else self.all_ids[self.indices]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        solution = self.solution
        return {
            "indices": self.indices.tolist(),
            "ids": None if self.ids is None else [str(one) for one in self.ids.tolist()],
            "n": len(self.table),
            "mmd": self.mmd,
            "random_mmd": self.random_mmd,
            "random_rank": self.random_rank,
            "columns": [column.to_dict() for column in self.columns],
            "read": {column.name: column.kind for column in self.found},
            "termination": self._termination(),
            "solver": "coreset" if solution is None else solution.solver,
            "method": self.method,
            "notes": list(self.notes),
        }

    def _termination(self) -> str | None:
        if self.solution is not None:
            return str(self.solution.termination)
        return "interrupted" if self.interrupted else None

    def report(self) -> "Document":
        """Return how the table was read, and the chosen rows beside all, for people.

        It prints on a terminal, and is a page of its own with its pictures.
        """
        return row_report(self)

    def plot(self, path: str | os.PathLike[str] | None = None, *, axes: Any = None) -> Any:
        """Draw the chosen rows among all.

        Parameters
        ----------
        path : path, optional
            The file to write: a picture (.svg, .png, .pdf), or a page with tables and pictures
            (.html). None returns the figure.
        axes : matplotlib Axes, optional
            Draw on these the rows alone; they are returned.

        Raises
        ------
        InvalidOption
            For another suffix, or a path with axes.
        MissingDependency
            If matplotlib is not installed.
        """
        from ._row_pictures import row_map, row_picture
        from ._row_report import write_page

        if axes is not None:
            return row_map(self).on(axes, path)
        if path is not None and os.fspath(path).lower().endswith(".html"):
            return write_page(self, path)
        return row_picture(self).shown(path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the chosen rows with all their columns, whole or not at all.

        In .csv cells of text files are written as they stand there, with what separates them there.

        Parameters
        ----------
        path : path
            .csv or .parquet.

        Raises
        ------
        InvalidOption
            For another suffix.
        """
        chosen = with_index(self.table).take(self.indices)
        save_rows(chosen, path, self.table, self.found, self.indices)


def _shared(choice: "RowChoice", chosen: NDArray[np.int64], seed: int) -> dict[str, Any]:
    aim = None if choice.target is None else choice.target.columns
    return {
        **choice.read(),
        "indices": chosen,
        "target": choice.target,
        "columns": compared(choice.features.columns, chosen, aim, seed),
    }


def _method(solution: "Solution") -> str:
    seconds = f"{solution.stats.solve_seconds:.1f} s"
    if solution.termination is Termination.INTERRUPTED:
        return f"{solution.solver}, interrupted after {seconds}: the best so far"
    if solution.termination is Termination.OPTIMAL:
        return f"{solution.solver}, {seconds}: proven to be the best there is"
    if solution.termination is Termination.TIME_LIMIT:
        return f"{solution.solver}, stopped by the time limit after {seconds}"
    return f"{solution.solver}, {seconds}"


def _root(problem: MMDSelection, objectives: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the root MMD to all rows, or the target, of squared MMDs as the problem has them."""
    to_rest = problem.target is None and problem.weights is None
    share = (problem.n - problem.k) / problem.n if to_rest else 1.0
    return np.sqrt(np.maximum(objectives, 0.0)) * share
