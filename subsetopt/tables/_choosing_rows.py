"""`select_rows`: representative rows of a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import subsetopt
from subsetopt._checks import require_integer, require_one_of
from subsetopt._options import keywords
from subsetopt.errors import InvalidProblem
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.formats._constraint_words import PLAIN, Wording
from subsetopt.problems import Constraints, Gaussian, MMDSelection
from subsetopt.problems._memory import memory_limit
from subsetopt.solving import solve, solver

from ._mean_kernel import GaussianAndMeans
from ._row_constraints import GroupCounts, rows_of, worded
from ._row_reading import RowReading
from ._row_reading_options import RowReadingKeywords, RowReadingOptions
from ._row_selection import RowSelection
from ._row_table import RowTable
from ._table_columns import column_of, columns_of
from ._table_features import Featurisation, TableFeatures

Objective = Literal["mmd", "means", "both"]
OBJECTIVES = ("mmd", "means", "both")
_MOVES = (200_000, 2_000_000)
_WORK = 10**9
"""Moves of the search times rows, and between which its moves are, unless there is a time limit:
two to four seconds, and the same rows on any machine."""
_DEARER = 10  # times as long a move takes that keeps constraints
_MANY = 10_000
"""Rows up to which all are candidates, if their kernel matrix fits into the memory.

Of 10,000 rows a search among all takes five times as long as `coreset` and comes 3 % closer.
"""
_MATRICES = 3  # of this size that are held at once while the problem is built


@keywords(RowReadingOptions)
def select_rows(
    table: Any,
    k: int,
    *,
    objective: Objective = "mmd",
    target: Any = None,
    include: Sequence[object] = (),
    exclude: Sequence[object] = (),
    exactly: GroupCounts | None = None,
    at_least: GroupCounts | None = None,
    at_most: GroupCounts | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    **reading: Unpack[RowReadingKeywords],
) -> RowSelection:
    """Choose k rows of a table that represent all of them, or those of another table.

    Parameters
    ----------
    table : str, path or table
        A text file (.csv, .tsv, .txt, possibly packed), .parquet, .xlsx or .ods; a data frame of
        pandas or polars, or a `pyarrow.Table`; ``example:earthquakes`` comes with the package.
    k : int
        In [1, n - 1].
    objective : {"mmd", "means", "both"}
        What is compared: whole distributions, by the MMD with a Gaussian kernel; the means alone;
        or both, as the sum of the squared MMD and the mean squared difference of the means.
    target : as table, optional
        Represent these rows instead; its columns have the same names.
    include, exclude : sequence
        Rows that must or must not be chosen, by their ids, else by their indices from 0.
    exactly, at_least, at_most : mapping, optional
        Quotas: a column, whose values are labels, and how many rows of each of its groups, or a
        mapping of groups to numbers; or, for `exactly`, "proportional".
    time_limit : float, optional
        Seconds for the search, which takes all of them; of a table that `coreset` chooses from, for
        the exchanges in its pool, after it has read the rows twice. None is a fixed number of
        moves, some two to four seconds, so that equal seeds give equal rows on any machine.
    seed : int
    **reading

    Returns
    -------
    RowSelection

    Raises
    ------
    InvalidFile, InvalidOption, InvalidProblem
        Naming the column, the row or the line, and the fix.

    Notes
    -----
    Up to 10,000 rows, if their kernel matrix fits into the memory, all are candidates, O(n^2 d);
    from larger tables `coreset` chooses, O(n m d) with a pool of m.
    """
    options = RowReadingOptions(**reading)  # type: ignore[arg-type]
    rules = worded(include, exclude, exactly, at_least, at_most)
    choice = RowChoice.of(table, k, options, rules, objective, target)
    return choice.run(time_limit, seed)


@dataclass(frozen=True, eq=False, kw_only=True)
class RowChoice(RowReading):
    """A choice that is stated, checked and not made yet.

    Parameters
    ----------
    table, found, features
        As `RowReading` has them.
    target : TableFeatures or None
        The rows that are to be represented in place of all.
    k : int
    objective : {"mmd", "means", "both"}
    rules : Constraints or None
    """

    target: TableFeatures | None
    k: int
    objective: str
    rules: Constraints | None

    @classmethod
    def of(
        cls,
        source: Any,
        k: int,
        options: RowReadingOptions,
        rules: ConstraintOptions,
        objective: str = "mmd",
        target: Any = None,
        wording: Wording = PLAIN,
    ) -> "RowChoice":
        """Read the tables, and refuse what cannot be."""
        require_one_of("objective", objective, OBJECTIVES)
        table = options.read(source)
        if len(table) < 2:
            raise InvalidProblem(f"{table.name}: has one row; there is nothing to choose from")
        require_integer(wording.spelled("k"), k, f"[1, {len(table) - 1}]", error=InvalidProblem)
        reading = options.reading(table, [one.labels for _, one in rules.quotas])
        costs = column_of(table, rules.cost) if rules.cost in table.columns else None
        aim = None
        if target is not None:
            others = options.read(target, name="the target")
            aim = _aim(others, reading.features, options.featurisation)
        return cls(
            **reading.read(),
            target=aim,
            k=int(k),
            objective=objective,
            rules=rules.made(rows_of(table, reading.all_ids, costs), int(k), wording),
        )

    @property
    def is_large(self) -> bool:
        """Whether a sample of the rows are candidates."""
        n = len(self.table)
        return n > _MANY or _MATRICES * n * n * self.features.matrix.itemsize > memory_limit()

    def run(
        self,
        time_limit: float | None = None,
        seed: int = 0,
        begins: Callable[[str], object] | None = None,
        progress: Callable[[str, int, int | None], None] | None = None,
    ) -> RowSelection:
        """Choose the rows.

        Parameters
        ----------
        time_limit : float, optional
            Seconds of the search among all rows, or in the pool of a large table;
            None is a fixed number of moves.
        seed : int
        begins, progress : callable, optional
            For people who wait: as `solve` and `coreset` take them.
        """
        if self.is_large:
            return self._of_sample(time_limit, seed, progress)
        problem = MMDSelection(
            self.features.matrix,
            self.k,
            target=None if self.target is None else self.target.matrix,
            kernel=self._kernel(),
            scale_columns="none",
            constraints=self.rules,
        )
        few, many = _MOVES
        moves = min(max(few, _WORK // len(self.table)), many)
        if self.rules is not None:
            moves //= _DEARER
        search = solver("tabu", iterations=moves)
        solution = solve(problem, search, time_limit=time_limit, seed=seed, begins=begins)
        return RowSelection.of_solution(self, problem, solution, seed)

    def _of_sample(self, time_limit: float | None, seed: int, progress: Any) -> RowSelection:
        few = subsetopt.coreset(
            self.features.matrix,
            self.k,
            target=None if self.target is None else self.target.matrix,
            kernel=self._kernel(),
            scale_columns="none",
            constraints=self.rules,
            time_limit=time_limit,
            seed=seed,
            progress=progress,
        )
        return RowSelection.of_coreset(self, few, seed)

    def _kernel(self) -> Any:
        if self.objective == "means":
            return "linear"
        clouds = [self.features] if self.target is None else [self.features, self.target]
        gaussian = Gaussian().fitted(*(cloud.matrix for cloud in clouds))
        if self.objective == "mmd":
            return gaussian
        return GaussianAndMeans(gaussian, 1.0 / self.features.matrix.shape[1])


def _aim(others: RowTable, features: TableFeatures, make: Featurisation) -> TableFeatures:
    names = [column.name for column in features.columns]
    kinds = {column.name for column in features.columns if column.kind == "category"}
    found = columns_of(others, wanted=names, categories=kinds, constant=True)
    by_name = {column.name: column for column in found}
    for column in features.columns:
        if by_name[column.name].kind != column.kind:
            raise InvalidProblem(
                f"{others.name}: column {column.name!r} holds {by_name[column.name].kind} values, "
                f"but {column.kind} values in the table; name it among those to ignore"
            )
    return make.features([by_name[name] for name in names], others.name, like=features.columns)
