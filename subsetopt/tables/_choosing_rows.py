"""Rows of a table that represent all of them."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_integer, require_one_of
from subsetopt.errors import InvalidProblem
from subsetopt.problems import Gaussian, MMDSelection
from subsetopt.problems.scaling import Method
from subsetopt.solving import solve

from ._mean_kernel import GaussianAndMeans
from ._row_constraints import GroupCounts, constraints_of
from ._row_selection import RowSelection
from ._row_table import RowTable, row_table
from ._table_columns import TableColumn, columns_of
from ._table_features import Featurisation, Missing, TableFeatures

Objective = Literal["mmd", "means", "both"]
_LIMIT = 5.0
"""Seconds for the search unless the caller says otherwise."""


def select_rows(
    table: Any,
    k: int,
    *,
    columns: Sequence[str] | None = None,
    id: str | None = None,  # noqa: A002 - what it is called everywhere
    categories: Collection[str] = (),
    ignore: Collection[str] = (),
    scale: Method = "std",
    missing: Missing = "median",
    objective: Objective = "mmd",
    target: Any = None,
    include: Sequence[object] = (),
    exclude: Sequence[object] = (),
    exactly: GroupCounts | None = None,
    at_least: GroupCounts | None = None,
    at_most: GroupCounts | None = None,
    time_limit: float = _LIMIT,
    seed: int = 0,
    header: bool | None = None,
    encoding: str = "utf-8",
    sheet: str | None = None,
) -> RowSelection:
    """Choose k rows of a table that represent all of them, or those of another table.

    Parameters
    ----------
    table : str, path or table
        A text file (.csv, .tsv, .txt, possibly packed), .parquet, .xlsx or .ods; a data frame of
        pandas or polars, or a `pyarrow.Table`.
    k : int
        In [1, n - 1].
    columns : sequence of str, optional
        What rows are compared by; None is all columns of numbers, dates and categories.
    id : str, optional
        The column that names the rows; None is one that looks like it, if there is one.
    categories : collection of str
        Columns whose values are labels even if they are numbers.
    ignore : collection of str
        Columns that are not compared.
    scale : {"std", "robust", "none"}
        Units in which numbers are compared.
    missing : {"median", "refuse"}
        What stands for missing numbers. A missing category is a category of its own.
    objective : {"mmd", "means", "both"}
        What is compared: whole distributions, by the MMD with a Gaussian kernel; the means alone;
        or both, as the sum of the squared MMD and the mean squared difference of the means.
    target : as table, optional
        Represent these rows instead; its columns have the same names.
    include, exclude : sequence
        Rows that must or must not be chosen, by their ids, else by their indices from 0.
    exactly, at_least, at_most : mapping, optional
        Quotas: a column, and how many rows of each of its groups, or a mapping of groups to
        numbers; or, for `exactly`, "proportional".
    time_limit : float
        Seconds for the search.
    seed : int
    header, encoding, sheet
        Of files, as `row_table` takes them.

    Returns
    -------
    RowSelection

    Raises
    ------
    InvalidFile, InvalidOption, InvalidProblem
        Naming the column, the row or the line, and the fix.

    Notes
    -----
    Where the kernel matrix of all rows fits into the memory they are candidates all, O(n^2 d);
    larger tables are chosen from by `coreset`.
    """
    require_one_of("objective", objective, ("mmd", "means", "both"))
    read = partial(row_table, header=header, encoding=encoding, sheet=sheet)
    rows = read(table)
    require_integer("k", k, f"[1, {len(rows) - 1}]", error=InvalidProblem)
    found = columns_of(rows, wanted=columns, id=id, categories=categories, ignore=ignore)
    make = Featurisation(scale, missing)
    features = make.features(found, rows.name)
    ids = ids_of(rows, found)
    rules = constraints_of(
        rows,
        ids,
        k,
        include=include,
        exclude=exclude,
        exactly=exactly,
        at_least=at_least,
        at_most=at_most,
    )
    aim = None
    if target is not None:
        others = read(target, name="the target")
        aim = _aim(others, features, make)
    problem = MMDSelection(
        features.matrix,
        k,
        target=None if aim is None else aim.matrix,
        kernel=_kernel(objective, features, aim),
        scale_columns="none",
        constraints=rules,
    )
    solution = solve(problem, time_limit=time_limit, seed=seed)
    return RowSelection.of(rows, ids, features, aim, problem, solution, seed)


def ids_of(rows: RowTable, columns: Sequence[TableColumn]) -> NDArray[Any] | None:
    """Return the names of the rows; None where they have none."""
    if rows.ids is not None:
        return np.array(list(rows.ids), dtype=object)
    return next((column.labels for column in columns if column.kind == "id"), None)


def _aim(others: RowTable, features: TableFeatures, make: Featurisation) -> TableFeatures:
    names = [column.name for column in features.columns]
    kinds = {column.name for column in features.columns if column.kind == "category"}
    found = columns_of(others, wanted=names, categories=kinds, constant=True)
    by_name = {column.name: column for column in found}
    return make.features([by_name[name] for name in names], others.name, like=features.columns)


def _kernel(objective: Objective, features: TableFeatures, aim: TableFeatures | None) -> Any:
    if objective == "means":
        return "linear"
    clouds = [features.matrix] if aim is None else [features.matrix, aim.matrix]
    gaussian = Gaussian().fitted(*clouds)
    if objective == "mmd":
        return gaussian
    return GaussianAndMeans(gaussian, 1.0 / features.matrix.shape[1])
